"""After a yes: booked, used, shared, or quietly over at the end of its year, never sooner; and a bucket by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.effects import CommentOnIssue, Say, ShowTicketState
from domain.events import Happened, What
from domain.people import Person
from domain.policy import Policy, TicketPolicy, YearRule
from domain.ticket import Ticket, TicketDecision
from domain.ticket_states import AGREED, BY_DEED, OPEN_TO_CHOICE, UNDECIDED, Deed, Exit, TicketState, may
from domain.ticket_use import fill_bucket, fund, go_on, how_was_it, lapse_when_over
from domain.tickets import first_year_begins_on, lasts_until, triage
from domain.years import ticket_year, ticket_year_begins_on
from tests.cast import ADA, BO, CY, POLICY, a_dear_ticket, a_ticket, issue_url

NOTHING = TicketDecision()
BUCKET = "https://buckets.example/willow"
DAY = timedelta(days=1)
NEW_YEAR = date(2028, 1, 1)
LAPSING = (*OPEN_TO_CHOICE, *AGREED)


def says(name: str, key: str, **values: str) -> CommentOnIssue:
    return CommentOnIssue(
        key=f"ticket-say:fennel:7:{key}",
        about="ticket:5",
        issue_number=21,
        body=Say(name=name, values={"name": "Ada", "reference": "GT-0007"} | values),
    )


def shows(key: str) -> ShowTicketState:
    return ShowTicketState(key=f"ticket-label:fennel:7:{key}", about="ticket:5", issue_number=21)


def line(what: What, **details: str) -> Happened:
    return Happened(
        what=what, person_id=1, about="ticket:5", url=issue_url(21), details={"reference": "GT-0007"} | details
    )


def with_ticket(**changes: Any) -> Policy:
    return replace(POLICY, ticket=TicketPolicy(ask=("Cy Okafor",), **changes))


# -- booked, used, shared ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deed", "state", "to", "what"),
    [
        (Deed.BOOK, TicketState.LIGHT, TicketState.BOOKED, What.TICKET_BOOKED),
        (Deed.BOOK, TicketState.CONSENTED, TicketState.BOOKED, What.TICKET_BOOKED),
        (Deed.USE, TicketState.LIGHT, TicketState.USED, What.TICKET_USED),
        (Deed.USE, TicketState.CONSENTED, TicketState.USED, What.TICKET_USED),
        (Deed.USE, TicketState.BOOKED, TicketState.USED, What.TICKET_USED),
        (Deed.SHARE, TicketState.USED, TicketState.SHARED, What.TICKET_SHARED),
    ],
)
def test_a_ticket_goes_on_by_its_members_word(deed: Deed, state: TicketState, to: TicketState, what: What) -> None:
    assert go_on(POLICY, a_ticket(state=state, turn=1), ADA, deed) == TicketDecision(
        ticket=a_ticket(state=to, turn=2),
        effects=(says(f"ticket-{to.value}", f"{to.value}:2"), shows(f"{to.value}:2")),
        happened=(line(what),),
    )


@pytest.mark.parametrize("deed", [Deed.BOOK, Deed.USE, Deed.SHARE])
@pytest.mark.parametrize("state", TicketState)
def test_what_the_table_does_not_have_changes_nothing(deed: Deed, state: TicketState) -> None:
    if not may(deed, state):
        assert go_on(POLICY, a_ticket(state=state), ADA, deed) == NOTHING


# -- how it was --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "days",
    [
        {"first_on": date(2027, 5, 10), "last_on": date(2027, 5, 14)},
        {"last_on": date(2027, 5, 14)},
        {"first_on": date(2027, 5, 14)},
    ],
)
@pytest.mark.parametrize("state", BY_DEED[Deed.USE].sources)
def test_three_days_after_its_last_day_a_ticket_is_asked_about(state: TicketState, days: dict[str, date]) -> None:
    ticket = a_ticket(state=state, **days)

    assert how_was_it(POLICY, ticket, ADA, today=date(2027, 5, 16)) == NOTHING
    assert how_was_it(POLICY, ticket, ADA, today=date(2027, 5, 17)) == TicketDecision(
        ticket=ticket, effects=(says("ticket-how-was-it", "how-was-it:2027-05-14"),)
    )


@pytest.mark.parametrize(
    "ticket",
    [
        a_ticket(state=TicketState.LIGHT),
        a_ticket(state=TicketState.LIGHT, last_on=date(2027, 5, 14), issue_number=None, issue_url=None),
        *(
            a_ticket(state=state, last_on=date(2027, 5, 14))
            for state in TicketState
            if state not in BY_DEED[Deed.USE].sources
        ),
    ],
)
def test_without_days_or_an_issue_or_a_yes_nothing_is_asked(ticket: Ticket) -> None:
    assert how_was_it(POLICY, ticket, ADA, today=date(2027, 12, 1)) == NOTHING


# -- the end of its year -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", LAPSING)
def test_an_unused_ticket_lapses_when_its_year_is_over_and_only_its_label_says_so(state: TicketState) -> None:
    ticket = a_ticket(state=state)

    assert lapse_when_over(POLICY, ticket, ADA, today=NEW_YEAR - DAY) == NOTHING
    assert lapse_when_over(POLICY, ticket, ADA, today=NEW_YEAR) == TicketDecision(
        ticket=replace(ticket, state=TicketState.LAPSED),
        effects=(shows("lapsed"),),
        happened=(line(What.TICKET_LAPSED),),
    )


@pytest.mark.parametrize("state", sorted(set(TicketState) - set(LAPSING)))
def test_what_is_booked_asked_about_or_over_does_not_lapse(state: TicketState) -> None:
    left = replace(ADA, left_on=date(2027, 6, 1))
    assert lapse_when_over(POLICY, a_ticket(state=state), left, today=date(2029, 1, 1)) == NOTHING


@pytest.mark.parametrize("state", LAPSING)
def test_whoever_left_holds_no_ticket_from_their_first_day_away(state: TicketState) -> None:
    left, ticket = replace(ADA, left_on=date(2027, 6, 1)), a_ticket(state=state)

    assert lapse_when_over(POLICY, ticket, left, today=date(2027, 5, 31)) == NOTHING
    assert lapse_when_over(POLICY, ticket, left, today=date(2027, 6, 1)).ticket == replace(
        ticket, state=TicketState.LAPSED
    )


@pytest.mark.parametrize("months", [0, 1, 3, 12])
def test_a_ticket_is_carried_over_as_long_as_the_policy_says(months: int) -> None:
    assert lasts_until(with_ticket(carry_over_months=months), a_ticket(), ADA) == (
        date(2029, 1, 1) if months == 12 else date(2028, 1 + months, 1)
    )


@pytest.mark.parametrize("day", [1, 28, 29, 30, 31])
@pytest.mark.parametrize("month", [1, 2, 3, 8, 12])
@pytest.mark.parametrize("year", [2026, 2027, 2028])
def test_a_ticket_of_a_year_from_the_join_date_lapses_on_the_first_day_of_the_next_and_not_sooner(
    month: int, day: int, year: int
) -> None:
    joined_on = date(2020, month, min(day, 29) if month == 2 else day)
    policy, person = with_ticket(year=YearRule.JOINED), replace(ADA, joined_on=joined_on)
    ends_on = lasts_until(policy, a_ticket(year=str(year)), person)

    assert ends_on == ticket_year_begins_on(policy, person, year + 1)
    assert ticket_year(policy, person, ends_on - DAY) == str(year)
    assert ticket_year(policy, person, ends_on) == str(year + 1)


def test_a_fiscal_year_that_begins_on_a_thirty_first_is_whole() -> None:
    organisation = replace(POLICY.organisation, year_starts_month=3, year_starts_day=31)
    policy = replace(with_ticket(year=YearRule.FISCAL), organisation=organisation)

    assert lasts_until(policy, a_ticket(), ADA) == date(2028, 3, 31)
    assert lasts_until(replace(policy, ticket=replace(policy.ticket, carry_over_months=1)), a_ticket(), ADA) == date(
        2028, 4, 30
    )


@pytest.mark.parametrize(
    ("changes", "voted_on", "lapses_on"),
    [
        ({"state": TicketState.CONSENTED}, date(2027, 6, 1), NEW_YEAR),
        ({"state": TicketState.CONSENTED}, date(2027, 12, 30), date(2028, 1, 29)),
        ({"state": TicketState.CONSENTED}, date(2028, 1, 4), date(2028, 2, 3)),
        ({"state": TicketState.LIGHT, "claimed_at": datetime(2027, 12, 31, 9, tzinfo=UTC)}, None, date(2028, 1, 30)),
        ({"state": TicketState.LIGHT, "last_on": date(2027, 12, 28)}, None, date(2028, 1, 27)),
        ({"state": TicketState.LIGHT, "first_on": date(2028, 2, 1)}, None, date(2028, 3, 2)),
        ({"state": TicketState.TALK, "claimed_at": datetime(2027, 12, 31, 9, tzinfo=UTC)}, None, NEW_YEAR),
        ({"state": TicketState.OFFERED, "first_on": date(2028, 2, 1)}, None, NEW_YEAR),
    ],
)
def test_a_yes_is_worth_a_month_at_least_and_a_month_after_its_own_days(
    changes: dict[str, Any], voted_on: date | None, lapses_on: date
) -> None:
    ticket = a_ticket(**changes)

    assert lapse_when_over(POLICY, ticket, ADA, today=lapses_on - DAY, voted_on=voted_on) == NOTHING
    lapsed = lapse_when_over(POLICY, ticket, ADA, today=lapses_on, voted_on=voted_on)
    assert lapsed.ticket == replace(ticket, state=TicketState.LAPSED)


# -- newcomers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("joined_on", "months", "begins_on"),
    [
        (None, 6, None),
        (date(2027, 3, 2), 0, None),
        (date(2027, 3, 2), 6, date(2027, 9, 2)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2027, 12, 30), 1, date(2028, 1, 30)),
    ],
)
def test_a_newcomers_first_ticket_begins_so_many_months_after_their_first_day(
    joined_on: date | None, months: int, begins_on: date | None
) -> None:
    assert first_year_begins_on(with_ticket(waits_months=months), replace(ADA, joined_on=joined_on)) == begins_on


# -- a currency by its sign --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "said", "suggested"),
    [
        ("EUR", "EUR", Exit.GO_AHEAD),
        ("EUR", "€", Exit.GO_AHEAD),
        ("€", "EUR", Exit.GO_AHEAD),
        ("GBP", "£", Exit.GO_AHEAD),
        ("CAD", "$", Exit.GO_AHEAD),
        ("EUR", "", Exit.GO_AHEAD),
        ("EUR", "$", Exit.PROPOSAL),
        ("EUR", "USD", Exit.PROPOSAL),
        ("USD", "CAD", Exit.PROPOSAL),
    ],
)
def test_a_small_sum_is_light_however_its_own_currency_is_written(ours: str, said: str, suggested: Exit) -> None:
    policy = with_ticket(currency=ours, money_threshold=Decimal(50))

    assert triage(policy, a_dear_ticket(cost=Decimal(20), currency=said)).suggested is suggested


# -- a bucket ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", UNDECIDED)
def test_a_bucket_is_remembered_and_said_by_hand_whether_it_is_full(state: TicketState) -> None:
    ticket = a_dear_ticket(state=state)
    filled = replace(ticket, bucket_url=BUCKET, turn=1)

    assert fill_bucket(POLICY, ticket, ADA, BUCKET) == TicketDecision(
        ticket=filled,
        effects=(says("ticket-bucket", "bucket:1", bucket=BUCKET),),
        happened=(line(What.TICKET_BUCKET),),
    )
    assert fill_bucket(POLICY, filled, ADA, BUCKET) == NOTHING
    assert fund(POLICY, filled, ADA, CY, funded=True) == TicketDecision(
        ticket=replace(filled, funded=True, turn=2),
        effects=(says("ticket-funded", "funded:2", by="Cy"),),
        happened=(line(What.TICKET_FUNDED, funded="yes"),),
    )


def test_not_enough_came_together_and_that_says_nothing_about_the_idea() -> None:
    ticket = a_dear_ticket(bucket_url=BUCKET)

    assert fund(POLICY, ticket, ADA, replace(BO, well_working=True), funded=False) == TicketDecision(
        ticket=replace(ticket, funded=False, turn=1),
        effects=(says("ticket-not-funded", "funded:1", by="Bo"),),
        happened=(line(What.TICKET_FUNDED, funded="no"),),
    )


@pytest.mark.parametrize("url", ["", "willow", "ftp://buckets.example", "javascript:alert(1)"])
def test_what_is_no_web_address_is_no_bucket(url: str) -> None:
    assert fill_bucket(POLICY, a_dear_ticket(), ADA, url) == NOTHING


@pytest.mark.parametrize(
    ("by", "changes"),
    [
        (BO, {}),
        (replace(ADA, coordinator=True), {}),
        (CY, {"bucket_url": ""}),
        (CY, {"funded": True}),
        *((CY, {"state": state}) for state in sorted(set(TicketState) - set(UNDECIDED))),
    ],
)
def test_a_bucket_is_judged_once_by_somebody_else_and_while_it_matters(by: Person, changes: dict[str, Any]) -> None:
    assert fund(POLICY, a_dear_ticket(**{"bucket_url": BUCKET, **changes}), ADA, by, funded=True) == NOTHING


def test_a_bucket_that_is_full_makes_a_dear_ticket_light() -> None:
    assert triage(POLICY, a_dear_ticket()).suggested is Exit.PROPOSAL
    assert triage(POLICY, a_dear_ticket(funded=True)).suggested is Exit.GO_AHEAD
    assert triage(POLICY, a_dear_ticket(funded=False)).suggested is Exit.PROPOSAL
