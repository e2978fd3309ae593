"""When the next write may go, and how long to wait after one that did not work out."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.pace import Queued, Window, backoff, free_at, next_up, pause, room_until

NOW = datetime(2027, 3, 2, 9, 30, tzinfo=UTC)
WINDOWS = (Window(most=2, seconds=60), Window(most=3, seconds=3600))


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


@pytest.mark.parametrize(
    ("went", "free"),
    [
        ([], NOW),
        ([ago(seconds=1)], NOW),
        ([ago(seconds=50), ago(seconds=10)], NOW + timedelta(seconds=10)),
        ([ago(seconds=10), ago(seconds=50)], NOW + timedelta(seconds=10)),
        ([ago(seconds=60), ago(seconds=10)], NOW),
        ([ago(seconds=59, milliseconds=999), ago(seconds=10)], NOW + timedelta(milliseconds=1)),
        ([ago(minutes=40), ago(minutes=30), ago(minutes=20)], NOW + timedelta(minutes=20)),
        ([ago(minutes=60), ago(minutes=30), ago(minutes=20)], NOW),
        ([ago(minutes=40), ago(seconds=20), ago(seconds=10)], NOW + timedelta(minutes=20)),
        ([ago(minutes=59, seconds=30), ago(seconds=20), ago(seconds=10)], NOW + timedelta(seconds=40)),
        ([ago(minutes=50), ago(minutes=40), ago(minutes=30), ago(minutes=20)], NOW + timedelta(minutes=20)),
    ],
    ids=[
        "nothing went",
        "one of two",
        "the minute is full",
        "in any order",
        "one a minute old counts no more",
        "one nearly a minute old still counts",
        "the hour is full",
        "one an hour old counts no more",
        "both are full and the hour is later",
        "both are full and the minute is later",
        "more went than the budget allows now",
    ],
)
def test_one_more_write_goes_as_soon_as_it_fits_both_windows(went: list[datetime], free: datetime) -> None:
    assert free_at(went, WINDOWS, now=NOW) == free


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (50, 900), (100_000, 900)]
)
def test_the_wait_doubles_up_to_a_quarter_of_an_hour(attempts: int, seconds: float) -> None:
    assert backoff(attempts) == timedelta(seconds=seconds)


def test_the_wait_takes_its_own_first_and_longest() -> None:
    assert backoff(1, first_seconds=30, most_seconds=3600) == timedelta(seconds=30)
    assert backoff(20, first_seconds=30, most_seconds=3600) == timedelta(hours=1)


def test_room_is_given_for_as_many_as_will_go_until_an_instant_and_no_more() -> None:
    went = [ago(minutes=59, seconds=50), ago(seconds=50)]
    room = room_until(went, WINDOWS, now=NOW, until=NOW + timedelta(minutes=1), most=10)
    assert room == [NOW, NOW + timedelta(seconds=10)]
    assert room_until(went, WINDOWS, now=NOW, until=NOW, most=10) == []
    assert room_until(went, (), now=NOW, until=NOW + timedelta(minutes=1), most=2) == [NOW, NOW]


def queued(key: str, organisation: str, minute: int, *, own: bool = False) -> Queued:
    return Queued(key=key, organisation=organisation, own=own, planned_at=ago(minutes=60 - minute))


def test_what_people_did_goes_first_then_organisations_take_turns_oldest_first() -> None:
    waiting = [
        queued("nudge 1", "acme", 1),
        queued("nudge 2", "acme", 2),
        queued("nudge 3", "acme", 3),
        queued("nudge 4", "fennel", 4),
        queued("answer", "acme", 5, own=True),
    ]
    assert next_up(waiting, {}, 10) == ["answer", "nudge 4", "nudge 1", "nudge 2", "nudge 3"]
    assert next_up(waiting, {"fennel": 9}, 3) == ["answer", "nudge 1", "nudge 2"]
    assert next_up(waiting, {}, 0) == []
    assert next_up([], {}, 3) == []


def test_a_pause_of_no_length_doubles_each_time_up_to_an_hour() -> None:
    lengths = [pause(times, first_seconds=60) for times in (1, 2, 3, 6, 7, 500)]
    assert lengths == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 32, 60, 60)]
