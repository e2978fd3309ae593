"""When people are here, which days and hours are theirs, and what a wall clock means across clock changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from domain.people import (
    Pause,
    Person,
    Snooze,
    is_holiday,
    is_long,
    local_instant,
    own_hours,
    own_zone,
    settles_until,
    works_on,
)
from tests.cast import ADA, BO, CY, DEE, POLICY

HERE = POLICY.organisation
TUESDAY, THURSDAY, FRIDAY, SATURDAY = date(2027, 3, 2), date(2027, 3, 4), date(2027, 3, 5), date(2027, 3, 6)


@pytest.mark.parametrize(
    ("person", "day", "works"),
    [
        (ADA, TUESDAY, True),
        (ADA, FRIDAY, True),
        (ADA, SATURDAY, False),
        (ADA, date(2027, 12, 24), False),
        (CY, THURSDAY, True),
        (CY, FRIDAY, False),
        (DEE, THURSDAY, True),
        (DEE, TUESDAY, False),
        (replace(ADA, working_days=()), TUESDAY, False),
        (replace(ADA, joined_on=THURSDAY), TUESDAY, False),
        (replace(ADA, joined_on=THURSDAY), THURSDAY, True),
        (replace(ADA, left_on=THURSDAY), TUESDAY, True),
        (replace(ADA, left_on=THURSDAY), THURSDAY, False),
        (replace(ADA, pauses=(Pause(first_on=TUESDAY, last_on=THURSDAY),)), TUESDAY, False),
        (replace(ADA, pauses=(Pause(first_on=TUESDAY, last_on=THURSDAY),)), THURSDAY, False),
        (replace(ADA, pauses=(Pause(first_on=TUESDAY, last_on=THURSDAY),)), FRIDAY, True),
        (replace(ADA, pauses=(Pause(first_on=THURSDAY),)), date(2031, 3, 4), False),
        (replace(ADA, pauses=(Pause(first_on=THURSDAY),)), TUESDAY, True),
    ],
)
def test_a_day_is_a_working_day_only_when_nothing_speaks_against_it(person: Person, day: date, works: bool) -> None:
    assert works_on(person, day, POLICY) is works


# -- holidays ----------------------------------------------------------------------------------------------------------

CARNATIONS = date(2027, 4, 25)  # a Sunday; the Monday after is made up
ABROAD = replace(
    POLICY,
    organisation=replace(HERE, holidays_of="PT"),
    public_holidays={"PT": {CARNATIONS, TUESDAY}, "NP": {THURSDAY}},
)


@pytest.mark.parametrize(
    ("person", "day", "holiday"),
    [
        (ADA, TUESDAY, True),
        (ADA, THURSDAY, False),
        (replace(ADA, holidays_of="NP"), TUESDAY, False),
        (replace(ADA, holidays_of="NP"), THURSDAY, True),
        (replace(ADA, holidays_of="NP"), date(2027, 12, 24), True),
    ],
    ids=["where the organisation is", "a plain day", "not of another place", "their own", "the organisation's for all"],
)
def test_a_holiday_is_of_the_place_where_the_person_lives(person: Person, day: date, holiday: bool) -> None:
    assert is_holiday(person, day, ABROAD) is holiday
    assert works_on(person, day, ABROAD) is not (holiday or day == date(2027, 12, 24))


def test_without_a_place_there_are_no_public_holidays() -> None:
    assert not is_holiday(ADA, TUESDAY, replace(ABROAD, organisation=HERE))


# -- leave and settling in ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_on", "long"), [(date(2027, 3, 10), False), (date(2027, 3, 11), True), (None, False), (TUESDAY, False)]
)
def test_a_leave_is_long_from_ten_days_on(last_on: date | None, long: bool) -> None:
    assert is_long(Pause(first_on=TUESDAY, last_on=last_on), POLICY) is long


LONG = Pause(first_on=date(2027, 3, 1), last_on=date(2027, 3, 20))
SHORT = Pause(first_on=date(2027, 3, 1), last_on=date(2027, 3, 9))


@pytest.mark.parametrize(
    ("person", "day", "until"),
    [
        (replace(ADA, pauses=(LONG,)), date(2027, 3, 20), None),
        (replace(ADA, pauses=(LONG,)), date(2027, 3, 21), date(2027, 3, 27)),
        (replace(ADA, pauses=(LONG,)), date(2027, 3, 27), date(2027, 3, 27)),
        (replace(ADA, pauses=(LONG,)), date(2027, 3, 28), None),
        (replace(ADA, pauses=(SHORT,)), date(2027, 3, 10), None),
        (replace(ADA, pauses=(Pause(first_on=date(2027, 3, 1)),)), date(2027, 3, 21), None),
        (replace(ADA, joined_on=TUESDAY), date(2027, 3, 1), None),
        (replace(ADA, joined_on=TUESDAY), TUESDAY, date(2027, 3, 8)),
        (replace(ADA, joined_on=TUESDAY), date(2027, 3, 8), date(2027, 3, 8)),
        (replace(ADA, joined_on=TUESDAY), date(2027, 3, 9), None),
        (ADA, TUESDAY, None),
    ],
)
def test_the_first_week_after_joining_and_after_a_long_leave_is_for_settling_in(
    person: Person, day: date, until: date | None
) -> None:
    assert settles_until(person, day, POLICY) == until


@pytest.mark.parametrize(
    ("snooze", "covers"),
    [
        (Snooze(first_on=TUESDAY), {"spring 1", "spring 2", "other 1"}),
        (Snooze(first_on=TUESDAY, last_on=TUESDAY), {"spring 1", "spring 2", "other 1"}),
        (Snooze(first_on=TUESDAY, rhythm="spring"), {"spring 1", "spring 2"}),
        (Snooze(first_on=TUESDAY, rhythm="spring", turn="2"), {"spring 2"}),
        (Snooze(first_on=THURSDAY), set()),
        (Snooze(first_on=date(2027, 2, 1), last_on=date(2027, 3, 1)), set()),
    ],
)
def test_later_covers_everything_or_a_rhythm_or_one_turn_of_it(snooze: Snooze, covers: set[str]) -> None:
    turns = [("spring", "1"), ("spring", "2"), ("other", "1")]

    assert {f"{rhythm} {turn}" for rhythm, turn in turns if snooze.covers(TUESDAY, rhythm, turn)} == covers


# -- hours and names ---------------------------------------------------------------------------------------------------


def test_hours_and_zone_are_the_persons_own_or_the_organisations() -> None:
    assert own_hours(ADA, HERE) == (time(9), time(17))
    assert own_hours(DEE, HERE) == (time(8), time(12))
    assert own_hours(replace(ADA, hours_from=time(0)), HERE) == (time(0), time(17))
    assert own_zone(ADA, HERE) == ZoneInfo("Europe/Lisbon")
    assert own_zone(BO, HERE) == ZoneInfo("Asia/Kathmandu")


@pytest.mark.parametrize(
    ("name", "first"), [("Ada Moreau", "Ada"), ("Dee", "Dee"), ("  Ada  Moreau ", "Ada"), (" ", "ada"), ("", "ada")]
)
def test_people_are_greeted_by_their_first_name(name: str, first: str) -> None:
    assert replace(ADA, name=name).first_name() == first


@pytest.mark.parametrize(
    ("zone", "day", "at", "instant"),
    [
        ("Europe/Lisbon", date(2027, 1, 5), time(10), datetime(2027, 1, 5, 10, 0, tzinfo=UTC)),
        ("Europe/Lisbon", date(2027, 7, 6), time(10), datetime(2027, 7, 6, 9, 0, tzinfo=UTC)),
        ("Asia/Kathmandu", date(2027, 1, 5), time(10), datetime(2027, 1, 5, 4, 15, tzinfo=UTC)),
        ("Pacific/Pago_Pago", date(2027, 1, 5), time(10), datetime(2027, 1, 5, 21, 0, tzinfo=UTC)),
        ("Pacific/Kiritimati", date(2027, 1, 5), time(10), datetime(2027, 1, 4, 20, 0, tzinfo=UTC)),
        ("America/St_Johns", date(2027, 7, 6), time(10), datetime(2027, 7, 6, 12, 30, tzinfo=UTC)),
        ("Europe/Berlin", date(2028, 2, 29), time(10), datetime(2028, 2, 29, 9, 0, tzinfo=UTC)),
    ],
)
def test_a_wall_clock_time_is_an_instant_of_its_zone(zone: str, day: date, at: time, instant: datetime) -> None:
    found = local_instant(day, at, ZoneInfo(zone))

    assert found == instant
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "day", "at", "shown"),
    [
        ("Europe/Berlin", date(2027, 3, 28), time(2, 30), "2027-03-28T03:30:00+02:00"),
        ("Australia/Lord_Howe", date(2027, 10, 3), time(2, 15), "2027-10-03T02:45:00+11:00"),
        ("America/Santiago", date(2027, 9, 5), time(0), "2027-09-05T01:00:00-03:00"),
    ],
)
def test_a_time_that_the_clock_skips_moves_on_by_the_gap(zone: str, day: date, at: time, shown: str) -> None:
    assert local_instant(day, at, ZoneInfo(zone)).astimezone(ZoneInfo(zone)).isoformat() == shown


@pytest.mark.parametrize(
    ("zone", "day", "at", "instant"),
    [
        ("Europe/Berlin", date(2027, 10, 31), time(2, 30), datetime(2027, 10, 31, 0, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", date(2027, 4, 4), time(1, 45), datetime(2027, 4, 3, 14, 45, tzinfo=UTC)),
    ],
)
def test_a_time_that_the_clock_repeats_means_the_first(zone: str, day: date, at: time, instant: datetime) -> None:
    assert local_instant(day, at, ZoneInfo(zone)) == instant
