"""When the next write may go, and how long to wait after one that did not work out."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.pace import Budget, backoff, free_at

NOW = datetime(2027, 3, 2, 9, 30, tzinfo=UTC)
BUDGET = Budget(per_minute=2, per_hour=3)


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
    assert free_at(went, BUDGET, now=NOW) == free


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (50, 900), (100_000, 900)]
)
def test_the_wait_doubles_up_to_a_quarter_of_an_hour(attempts: int, seconds: float) -> None:
    assert backoff(attempts) == timedelta(seconds=seconds)


def test_the_wait_takes_its_own_first_and_longest() -> None:
    assert backoff(1, first_seconds=30, most_seconds=3600) == timedelta(seconds=30)
    assert backoff(20, first_seconds=30, most_seconds=3600) == timedelta(hours=1)
