"""The end of a ticket's year, and the one question after its days: quiet, once, and in the person's own hours."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.effects import CommentOnIssue, Effect, Say, ShowTicketState
from domain.policy import TicketPolicy, YearRule
from jobs.lapse import lapse
from jobs.workshop import Workshop
from store.memory import effect_of
from store.models import EffectRow, PauseRow, ProposalRow, TicketRow, TimelineRow
from tests.cast import issue_url
from tests.workroom import OURS, SLUG, Clock, add, add_person, at_work, rows

POLICY = replace(OURS, rhythms={})
DAY = timedelta(days=1)
NEW_YEAR = datetime(2028, 1, 1, tzinfo=UTC)  # in Lisbon as well
A_WORKDAY = datetime(2027, 5, 18, 10, tzinfo=UTC)  # a Tuesday, eleven o'clock in Lisbon
WENT = {"first_on": date(2027, 5, 10), "last_on": date(2027, 5, 14)}


@pytest.fixture
def clock() -> Clock:
    return Clock(A_WORKDAY)


@pytest.fixture
def work(workshop: Workshop, clock: Clock) -> Workshop:
    return at_work(workshop, clock, POLICY)


Holds = Callable[..., int]


@pytest.fixture
def holds(work: Workshop) -> Holds:
    """Give somebody a ticket of 2027, and its id."""

    def hold(state: str = "exits offered", *, person: dict[str, Any] | None = None, **columns: Any) -> int:
        said = {
            "organisation": SLUG, "number": 7, "year": "2027", "state": state, "opportunity": "Weave willow",
            "claimed_at": datetime(2027, 3, 2, 9, tzinfo=UTC), "issue_number": 21, "issue_url": issue_url(21),
        } | columns  # fmt: skip
        return add(work, TicketRow(person_id=add_person(work, **(person or {})), **said)).id

    return hold


def state(work: Workshop) -> str:
    [row] = rows(work, TicketRow)
    return row.state


def planned(work: Workshop) -> list[Effect]:
    return [effect_of(row.kind, row.payload) for row in rows(work, EffectRow)]


SHOWS_LAPSED = ShowTicketState(key=f"ticket-label:{SLUG}:7:lapsed", about="ticket:1", issue_number=21)
HOW_WAS_IT = CommentOnIssue(
    key=f"ticket-say:{SLUG}:7:how-was-it:2027-05-14",
    about="ticket:1",
    issue_number=21,
    body=Say(name="ticket-how-was-it", values={"name": "Ada", "reference": "GT-0007"}),
)


# -- the end of the year -----------------------------------------------------------------------------------------------


def test_an_unused_ticket_lapses_on_the_first_day_of_the_next_year_without_a_word(
    work: Workshop, holds: Holds, clock: Clock
) -> None:
    holds()
    clock.now = NEW_YEAR - timedelta(seconds=1)
    lapse(work)
    assert (state(work), planned(work)) == ("exits offered", [])

    clock.now = NEW_YEAR
    for _ in range(2):
        lapse(work)
    assert (state(work), planned(work)) == ("lapsed", [SHOWS_LAPSED])
    [line] = rows(work, TimelineRow)
    assert (line.what, line.details) == ("ticket lapsed", {"reference": "GT-0007"})


@pytest.mark.parametrize(
    ("zone", "lapses_at"),
    [
        ("Pacific/Kiritimati", NEW_YEAR - timedelta(hours=14)),
        ("Pacific/Pago_Pago", NEW_YEAR + timedelta(hours=11)),
    ],
)
def test_the_year_ends_where_its_person_lives(
    work: Workshop, holds: Holds, clock: Clock, zone: str, lapses_at: datetime
) -> None:
    holds(person={"zone": zone})
    clock.now = lapses_at - timedelta(seconds=1)
    lapse(work)
    assert state(work) == "exits offered"

    clock.now = lapses_at
    lapse(work)
    assert state(work) == "lapsed"


@pytest.mark.parametrize(
    "present", ["proposed", "booked", "used", "shared", "withdrawn", "cancelled", "objection", "lapsed"]
)
def test_nothing_else_is_touched_however_long_it_takes(
    work: Workshop, holds: Holds, clock: Clock, present: str
) -> None:
    holds(present)
    clock.now = NEW_YEAR + 700 * DAY
    lapse(work)

    assert (state(work), planned(work)) == (present, [])


def test_a_ticket_that_is_carried_over_lapses_later(work: Workshop, holds: Holds, clock: Clock) -> None:
    longer = at_work(work, clock, replace(POLICY, ticket=TicketPolicy(carry_over_months=3)))
    holds()
    clock.now = datetime(2028, 3, 31, 12, tzinfo=UTC)
    lapse(longer)
    assert state(work) == "exits offered"

    clock.now += DAY
    lapse(longer)
    assert state(work) == "lapsed"


@pytest.mark.parametrize(
    ("joined_on", "lapses_on"), [(date(2024, 2, 29), date(2028, 2, 29)), (date(2020, 3, 31), date(2028, 3, 31))]
)
def test_a_year_from_the_join_date_is_whole(
    work: Workshop, holds: Holds, clock: Clock, joined_on: date, lapses_on: date
) -> None:
    own = at_work(work, clock, replace(POLICY, ticket=TicketPolicy(year=YearRule.JOINED)))
    holds(person={"joined_on": joined_on})
    clock.now = datetime(lapses_on.year, lapses_on.month, lapses_on.day, 12, tzinfo=UTC) - DAY
    lapse(own)
    assert state(work) == "exits offered"

    clock.now += DAY
    lapse(own)
    assert state(work) == "lapsed"


def test_the_groups_yes_after_the_years_end_is_not_taken_back_within_the_hour(
    work: Workshop, holds: Holds, clock: Clock
) -> None:
    closes_at = datetime(2028, 1, 4, 10, tzinfo=UTC)
    vote = ProposalRow(
        organisation=SLUG, ticket_id=holds("consented"), round=1, poll_key="Key7", url="", closes_at=closes_at
    )
    add(work, vote)
    clock.now = closes_at + 29 * DAY
    lapse(work)
    assert state(work) == "consented"

    clock.now += DAY
    lapse(work)
    assert state(work) == "lapsed"


def test_whoever_left_holds_no_ticket_any_more_and_hears_nothing(work: Workshop, holds: Holds, clock: Clock) -> None:
    holds("agreed by the member", person={"left_on": A_WORKDAY.date()}, **WENT)
    lapse(work)

    assert (state(work), planned(work)) == ("lapsed", [SHOWS_LAPSED])


def test_a_ticket_without_an_issue_yet_lapses_all_the_same(work: Workshop, holds: Holds, clock: Clock) -> None:
    holds(issue_number=None, issue_url=None)
    clock.now = NEW_YEAR
    lapse(work)

    assert (state(work), planned(work)) == ("lapsed", [])


# -- how it was --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("present", ["agreed by the member", "consented", "booked"])
def test_some_days_after_its_last_day_a_ticket_is_asked_about_once(
    work: Workshop, holds: Holds, clock: Clock, present: str
) -> None:
    holds(present, **WENT)
    clock.now = A_WORKDAY - 2 * DAY
    lapse(work)
    assert planned(work) == []

    for _ in range(5):
        clock.now += DAY
        lapse(work)
    assert (state(work), planned(work)) == (present, [HOW_WAS_IT])


@pytest.mark.parametrize(
    "at",
    [
        A_WORKDAY.replace(hour=7, minute=59),
        A_WORKDAY.replace(hour=16),
        A_WORKDAY.replace(day=22),
        A_WORKDAY.replace(day=23),
    ],
    ids=["before nine", "at five", "a Saturday", "a Sunday"],
)
def test_nobody_is_asked_outside_their_own_hours(work: Workshop, holds: Holds, clock: Clock, at: datetime) -> None:
    holds("booked", **WENT)
    clock.now = at
    lapse(work)

    assert planned(work) == []


def test_nobody_is_asked_on_leave(work: Workshop, holds: Holds, clock: Clock) -> None:
    holds("booked", **WENT)
    add(work, PauseRow(person_id=1, first_on=date(2027, 5, 1), last_on=date(2027, 5, 18)))
    lapse(work)
    assert planned(work) == []

    clock.now += DAY
    lapse(work)
    assert planned(work) == [HOW_WAS_IT]


def test_a_ticket_asked_about_in_december_may_still_be_said_to_be_used_in_january(
    work: Workshop, holds: Holds, clock: Clock
) -> None:
    holds("agreed by the member", first_on=date(2027, 12, 13), last_on=date(2027, 12, 17))
    clock.now = datetime(2027, 12, 21, 10, tzinfo=UTC)
    lapse(work)
    assert [one.key for one in planned(work)] == [f"ticket-say:{SLUG}:7:how-was-it:2027-12-17"]

    clock.now = datetime(2028, 1, 4, 10, tzinfo=UTC)
    lapse(work)
    assert state(work) == "agreed by the member"


def test_one_persons_ticket_does_not_hold_up_anothers(work: Workshop, holds: Holds, clock: Clock) -> None:
    holds("proposed")
    holds("talking it over", person={"handle": "bo"}, number=8, issue_number=22)
    clock.now = NEW_YEAR
    lapse(work)

    assert [row.state for row in rows(work, TicketRow)] == ["proposed", "lapsed"]
