"""One golden ticket per person and year: triage that forces no vote, Loomio when it matters, and always a way on."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.effects import CommentOnIssue, CommentOnThread, OpenIssue, Say, ShowTicketState, StartProposal, StartThread
from domain.events import Happened, What
from domain.people import Person
from domain.policy import Policy, TicketPolicy, YearRule
from domain.proposals import Reading, Result
from domain.ticket import Ticket, TicketDecision
from domain.ticket_states import Exit, TicketState
from domain.ticket_votes import confirm, decided, proposal_started
from domain.ticket_words import cost_words, label_of
from domain.tickets import (
    Triage,
    already_held,
    choose,
    claim,
    issue_opened,
    own_policy,
    still_wanted,
    take_up_again,
    thread_started,
    triage,
    withdraw,
)
from domain.years import ticket_year
from tests.cast import ADA, BO, CY, NOW, POLICY, a_dear_ticket, a_ticket, issue_url

NOTHING = TicketDecision()
WITHOUT_LOOMIO = replace(POLICY, loomio=None)
THREAD_URL = "https://loomio.fennel.example/d/tHread12"
POLL_URL = "https://loomio.fennel.example/p/pOll1234"
IN_THE_MEETING: dict[str, Any] = {"first_on": date(2027, 5, 12), "last_on": date(2027, 5, 20)}
WITH_THREAD: dict[str, Any] = {"discussion_id": 30, "topic_id": 40, "thread_url": THREAD_URL}


def says(name: str, key: str, **values: str) -> CommentOnIssue:
    """What Trellis says to ada on the ticket's issue."""
    return CommentOnIssue(
        key=f"ticket-say:fennel:7:{key}",
        about="ticket:5",
        issue_number=21,
        body=Say(name=name, values={"name": "Ada", "reference": "GT-0007"} | values),
    )


def by_the_rule(said: CommentOnIssue, reading: Reading) -> CommentOnIssue:
    """The same, with the sentence of the rule that applied."""
    return replace(said, body=replace(said.body, spoken={"rule": f"rule-{reading.rule.replace(' ', '-')}"}))


def shows(key: str) -> ShowTicketState:
    return ShowTicketState(key=f"ticket-label:fennel:7:{key}", about="ticket:5", issue_number=21)


def line(what: What, url: str | None = issue_url(21), **details: str) -> Happened:
    return Happened(what=what, person_id=1, about="ticket:5", url=url, details={"reference": "GT-0007"} | details)


def told(**changed: str) -> dict[str, str]:
    """The ticket as the group reads it."""
    return {
        "name": "Ada Moreau",
        "reference": "GT-0007",
        "opportunity": "A week with the basket makers",
        "stretch": "I have never worked with willow",
        "cost": "–",
        "days": "–",
        "issue": issue_url(21),
    } | changed


def a_thread(**changed: str) -> StartThread:
    return StartThread(
        key="thread:fennel:7",
        about="ticket:5",
        reference="GT-0007",
        title="Golden ticket: A week with the basket makers (GT-0007)",
        body=Say(name="thread", values=told(**changed)),
    )


def a_proposal(number: int = 1, **changed: str) -> StartProposal:
    reference = "GT-0007" if number == 1 else f"GT-0007 round {number}"
    return StartProposal(
        key=f"proposal:fennel:7:{number}",
        about="ticket:5",
        reference=reference,
        round=number,
        topic_id=40,
        title=f"Golden ticket: A week with the basket makers ({reference})",
        body=Say(name="proposal", values=told(**changed)),
        options=("agree", "abstain", "disagree", "block"),
        closes_at=datetime(2027, 3, 9, 10, 0, tzinfo=UTC),
        quorum_percent=None,
    )


CLAIMED = line(What.TICKET_CLAIMED, year="2027")


# -- the ticket year ---------------------------------------------------------------------------------------------------


def by_year(rule: YearRule) -> Policy:
    organisation = replace(POLICY.organisation, year_starts_month=7, year_starts_day=1)
    return replace(POLICY, ticket=TicketPolicy(year=rule), organisation=organisation)


@pytest.mark.parametrize(
    ("rule", "joined_on", "on", "year"),
    [
        (YearRule.CALENDAR, None, date(2027, 1, 1), "2027"),
        (YearRule.CALENDAR, None, date(2027, 12, 31), "2027"),
        (YearRule.FISCAL, None, date(2027, 6, 30), "2026"),
        (YearRule.FISCAL, None, date(2027, 7, 1), "2027"),
        (YearRule.JOINED, date(2020, 3, 15), date(2027, 3, 14), "2026"),
        (YearRule.JOINED, date(2020, 3, 15), date(2027, 3, 15), "2027"),
        (YearRule.JOINED, date(2024, 2, 29), date(2027, 2, 28), "2026"),
        (YearRule.JOINED, date(2024, 2, 29), date(2027, 3, 1), "2027"),
        (YearRule.JOINED, date(2024, 2, 29), date(2028, 2, 29), "2028"),
        (YearRule.JOINED, None, date(2027, 1, 1), "2027"),
    ],
)
def test_the_ticket_year_begins_where_the_policy_says(
    rule: YearRule, joined_on: date | None, on: date, year: str
) -> None:
    assert ticket_year(by_year(rule), replace(ADA, joined_on=joined_on), on) == year


# -- triage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "suggested", "finds"),
    [
        ({}, Exit.GO_AHEAD, {}),
        ({"cost": Decimal("0.01")}, Exit.PROPOSAL, {"costs_money": True}),
        ({"cost": None}, Exit.TALK, {"unsure": True}),
        (IN_THE_MEETING, Exit.THREAD, {"bad_moment": POLICY.organisation.critical_periods[0]}),
        (
            IN_THE_MEETING | {"cost": None},
            Exit.THREAD,
            {"bad_moment": POLICY.organisation.critical_periods[0], "unsure": True},
        ),
        (
            IN_THE_MEETING | {"cost": Decimal(1)},
            Exit.PROPOSAL,
            {"bad_moment": POLICY.organisation.critical_periods[0], "costs_money": True},
        ),
    ],
    ids=["light", "money", "unsure", "bad moment", "bad moment and unsure", "bad moment and money"],
)
def test_triage_suggests_by_money_then_moment_then_doubt(
    changes: dict[str, Any], suggested: Exit, finds: dict[str, Any]
) -> None:
    blank = Triage(suggested=suggested, costs_money=False, bad_moment=None, unsure=False)

    assert triage(POLICY, a_ticket(**changes)) == replace(blank, **finds)


@pytest.mark.parametrize(("cost", "costs_money"), [("100", False), ("100.01", True)])
def test_a_sum_up_to_the_threshold_is_light(cost: str, costs_money: bool) -> None:
    policy = replace(POLICY, ticket=TicketPolicy(money_threshold=Decimal(100)))

    assert triage(policy, a_ticket(cost=Decimal(cost))).costs_money is costs_money


@pytest.mark.parametrize(
    ("first_on", "last_on", "meets"),
    [
        (date(2027, 5, 14), date(2027, 5, 20), True),
        (date(2027, 5, 1), date(2027, 5, 10), True),
        (date(2027, 5, 1), date(2027, 5, 31), True),
        (date(2027, 5, 15), date(2027, 5, 20), False),
        (date(2027, 5, 1), date(2027, 5, 9), False),
        (date(2027, 5, 12), None, True),
        (None, date(2027, 5, 12), True),
        (None, None, False),
    ],
)
def test_days_that_meet_a_critical_period_are_a_bad_moment(
    first_on: date | None, last_on: date | None, meets: bool
) -> None:
    found = triage(POLICY, a_ticket(first_on=first_on, last_on=last_on)).bad_moment

    assert found == (POLICY.organisation.critical_periods[0] if meets else None)


# -- a claim -----------------------------------------------------------------------------------------------------------


def test_a_claim_made_elsewhere_gets_an_issue_first_and_remembers_the_exit_asked_for() -> None:
    ticket = a_dear_ticket(issue_number=None, issue_url=None, first_on=date(2027, 4, 5), last_on=date(2027, 4, 9))

    assert claim(POLICY, ticket, ADA, Exit.THREAD, now=NOW) == TicketDecision(
        ticket=replace(ticket, exit=Exit.THREAD),
        effects=(
            OpenIssue(
                key="open:fennel:ticket:5",
                about="ticket:5",
                title="Golden ticket: A week with the basket makers (GT-0007)",
                body=Say(
                    name="ticket-issue",
                    values={
                        "name": "Ada Moreau",
                        "reference": "GT-0007",
                        "opportunity": "A week with the basket makers",
                        "stretch": "I have never worked with willow",
                        "cost": "480 EUR",
                        "first_day": "2027-04-05",
                        "last_day": "2027-04-09",
                    },
                ),
                labels=("golden-ticket",),
                assignees=("ada-m",),
            ),
        ),
        happened=(line(What.TICKET_CLAIMED, url=None, year="2027"),),
    )


def test_a_light_claim_is_agreed_at_once_and_nobody_votes() -> None:
    assert claim(POLICY, a_ticket(), ADA, None, now=NOW) == TicketDecision(
        ticket=a_ticket(exit=Exit.GO_AHEAD, state=TicketState.LIGHT, turn=1),
        effects=(says("ticket-go-ahead", "go-ahead"), shows("go-ahead")),
        happened=(CLAIMED, line(What.TICKET_EXIT_CHOSEN, exit="go-ahead")),
    )


def test_a_claim_with_a_price_asks_the_group() -> None:
    assert claim(POLICY, a_dear_ticket(), ADA, None, now=NOW) == TicketDecision(
        ticket=a_dear_ticket(exit=Exit.PROPOSAL, state=TicketState.PROPOSED, round=1, turn=1),
        effects=(a_thread(cost="480 EUR"),),
        happened=(CLAIMED, line(What.TICKET_EXIT_CHOSEN, exit="proposal")),
    )


@pytest.mark.parametrize(
    ("changes", "name", "values"),
    [
        (IN_THE_MEETING, "ticket-exits-at-a-moment", {"suggested": "/thread", "moment": "the annual meeting"}),
        ({"cost": None, "cost_said": "not sure yet"}, "ticket-exits", {"suggested": "/talk"}),
    ],
    ids=["bad moment", "unclear price"],
)
def test_a_claim_that_could_need_others_leaves_the_choice_with_its_member(
    changes: dict[str, Any], name: str, values: dict[str, str]
) -> None:
    ticket = a_ticket(**changes)

    assert claim(POLICY, ticket, ADA, None, now=NOW) == TicketDecision(
        ticket=ticket,
        effects=(says(name, "exits", partner_names="Cy Okafor", **values),),
        happened=(CLAIMED,),
    )


def test_a_claim_that_names_its_exit_takes_it() -> None:
    assert claim(POLICY, a_ticket(), ADA, Exit.TALK, now=NOW) == TicketDecision(
        ticket=a_ticket(exit=Exit.TALK, state=TicketState.TALK, turn=1),
        effects=(says("ticket-talk", "talk", partner_names="Cy Okafor"), shows("talk")),
        happened=(CLAIMED, line(What.TICKET_EXIT_CHOSEN, exit="talk")),
    )


WELL = replace(BO, well_working=True)
NOBODY_NAMED = replace(POLICY, ticket=TicketPolicy())


@pytest.mark.parametrize(
    ("people", "ask"),
    [
        ((ADA, WELL, CY), (WELL.name, CY.name)),
        ((ADA, BO, CY), (CY.name,)),
        ((replace(ADA, coordinator=True, well_working=True), BO), ()),  # nobody is sent to themselves
        ((ADA, replace(WELL, left_on=NOW.date()), CY), (CY.name,)),
        ((ADA, replace(WELL, coordinator=True)), (WELL.name,)),
    ],
)
def test_where_the_policy_names_nobody_to_ask_the_roster_does(people: tuple[Person, ...], ask: tuple[str, ...]) -> None:
    assert own_policy(NOBODY_NAMED, people[0], people, NOW.date()).ticket.ask == ask


def test_whom_the_policy_names_is_asked() -> None:
    assert own_policy(POLICY, ADA, (ADA, WELL, CY), NOW.date()) == POLICY


def test_the_issue_opened_for_a_ticket_goes_on_with_the_exit_asked_for() -> None:
    ticket = a_ticket(issue_number=None, issue_url=None, exit=Exit.TALK)

    assert issue_opened(POLICY, ticket, ADA, number=21, url=issue_url(21), now=NOW) == TicketDecision(
        ticket=a_ticket(exit=Exit.TALK, state=TicketState.TALK, turn=1),
        effects=(says("ticket-talk", "talk", partner_names="Cy Okafor"), shows("talk")),
        happened=(line(What.TICKET_EXIT_CHOSEN, exit="talk"),),
    )


def test_a_ticket_that_has_its_issue_already_is_left_alone() -> None:
    assert issue_opened(POLICY, a_ticket(), ADA, number=99, url=issue_url(99), now=NOW) == NOTHING


def test_a_second_claim_of_a_year_is_answered_with_the_way_on() -> None:
    assert already_held(POLICY, a_ticket(), ADA, issue_number=22) == CommentOnIssue(
        key="ticket-held:fennel:22",
        about="ticket:5",
        issue_number=22,
        body=Say(
            name="ticket-already-held",
            values={"name": "Ada", "year": "2027", "held": f"[GT-0007]({issue_url(21)})"},
        ),
    )


# -- choosing ----------------------------------------------------------------------------------------------------------

STILL_OPEN = [
    TicketState.OFFERED,
    TicketState.TALK,
    TicketState.THREAD,
    TicketState.NO_QUORUM,
    TicketState.NO_DECISION,
]


@pytest.mark.parametrize("state", STILL_OPEN)
def test_going_ahead_is_possible_as_long_as_nothing_is_settled(state: TicketState) -> None:
    assert choose(POLICY, a_ticket(state=state), ADA, Exit.GO_AHEAD, holds_another=False, now=NOW) == TicketDecision(
        ticket=a_ticket(exit=Exit.GO_AHEAD, state=TicketState.LIGHT, turn=1),
        effects=(says("ticket-go-ahead", "go-ahead"), shows("go-ahead")),
        happened=(line(What.TICKET_EXIT_CHOSEN, exit="go-ahead"),),
    )


@pytest.mark.parametrize("state", [one for one in TicketState if one not in (*STILL_OPEN, TicketState.CANCELLED)])
@pytest.mark.parametrize("wanted", list(Exit))
def test_nothing_is_chosen_twice_or_after_the_decision(state: TicketState, wanted: Exit) -> None:
    assert (
        choose(POLICY, a_dear_ticket(state=state, **WITH_THREAD), ADA, wanted, holds_another=False, now=NOW) == NOTHING
    )


def test_money_is_the_groups_to_give_and_the_member_picks_how_to_ask() -> None:
    assert choose(POLICY, a_dear_ticket(), ADA, Exit.GO_AHEAD, holds_another=False, now=NOW) == TicketDecision(
        ticket=a_dear_ticket(turn=1), effects=(says("ticket-money-needs-a-yes", "money:go-ahead"),)
    )


def test_choosing_a_thread_starts_one_without_a_vote() -> None:
    assert choose(POLICY, a_ticket(), ADA, Exit.THREAD, holds_another=False, now=NOW) == TicketDecision(
        ticket=a_ticket(exit=Exit.THREAD, state=TicketState.THREAD, turn=1),
        effects=(a_thread(),),
        happened=(line(What.TICKET_EXIT_CHOSEN, exit="thread"),),
    )


def test_choosing_a_thread_that_is_there_already_tells_where_it_is() -> None:
    ticket = a_ticket(state=TicketState.NO_DECISION, round=1, **WITH_THREAD)

    decision = choose(POLICY, ticket, ADA, Exit.THREAD, holds_another=False, now=NOW)

    assert decision.ticket == replace(ticket, exit=Exit.THREAD, state=TicketState.THREAD, turn=1)
    bodies = [one.body for one in decision.effects if isinstance(one, CommentOnIssue)]
    assert bodies == [
        Say(name="ticket-thread", values={"name": "Ada", "reference": "GT-0007", "thread": THREAD_URL})
    ], "a state that changes without a word leaves its member waiting"


def test_asking_again_after_a_vote_without_decision_is_a_second_round() -> None:
    ticket = a_dear_ticket(state=TicketState.NO_QUORUM, exit=Exit.PROPOSAL, round=1, **WITH_THREAD)

    assert choose(POLICY, ticket, ADA, Exit.PROPOSAL, holds_another=False, now=NOW) == TicketDecision(
        ticket=replace(ticket, state=TicketState.PROPOSED, round=2, turn=1),
        effects=(a_proposal(2, cost="480 EUR"),),
        happened=(line(What.TICKET_EXIT_CHOSEN, exit="proposal"),),
    )


@pytest.mark.parametrize("wanted", [Exit.THREAD, Exit.PROPOSAL])
def test_without_loomio_asking_the_group_becomes_a_talk(wanted: Exit) -> None:
    assert choose(WITHOUT_LOOMIO, a_ticket(), ADA, wanted, holds_another=False, now=NOW) == TicketDecision(
        ticket=a_ticket(exit=wanted, state=TicketState.TALK, turn=1),
        effects=(says("ticket-no-loomio", wanted.value, partner_names="Cy Okafor"), shows(wanted.value)),
        happened=(line(What.TICKET_EXIT_CHOSEN, exit=wanted.value),),
    )


# -- thread and proposal come about ------------------------------------------------------------------------------------


def started(ticket: Ticket, *, policy: Policy = POLICY) -> TicketDecision:
    return thread_started(policy, ticket, ADA, discussion_id=30, topic_id=40, url=THREAD_URL, now=NOW)


def test_a_thread_that_was_started_is_told_on_the_issue() -> None:
    ticket = a_ticket(state=TicketState.THREAD, exit=Exit.THREAD)

    assert started(ticket) == TicketDecision(
        ticket=replace(ticket, **WITH_THREAD),
        effects=(says("ticket-thread", "thread", thread=THREAD_URL), shows("thread")),
        happened=(line(What.THREAD_STARTED, url=THREAD_URL),),
    )


def test_a_thread_started_for_a_proposal_goes_on_to_it() -> None:
    ticket = a_dear_ticket(state=TicketState.PROPOSED, exit=Exit.PROPOSAL, round=1)

    assert started(ticket) == TicketDecision(
        ticket=replace(ticket, **WITH_THREAD),
        effects=(a_proposal(cost="480 EUR"),),
        happened=(line(What.THREAD_STARTED, url=THREAD_URL),),
    )


@pytest.mark.parametrize("rounds", [0, 1])
def test_a_ticket_withdrawn_while_its_thread_was_on_its_way_stays_withdrawn(rounds: int) -> None:
    ticket = a_dear_ticket(state=TicketState.WITHDRAWN, turn=1, round=rounds)

    decision = started(ticket)

    assert decision.ticket == replace(ticket, **WITH_THREAD), "the thread is remembered, the year stays given back"
    assert not [one for one in decision.effects if isinstance(one, StartProposal)], "nobody votes on it"


def test_a_choice_made_while_the_thread_was_on_its_way_stands() -> None:
    chosen = choose(POLICY, a_ticket(state=TicketState.THREAD), ADA, Exit.GO_AHEAD, holds_another=False, now=NOW).ticket
    assert chosen is not None

    decision = started(chosen)

    assert decision.ticket == replace(chosen, **WITH_THREAD)
    assert decision.ticket.state is TicketState.LIGHT


def test_a_proposal_asked_for_while_the_thread_was_on_its_way_is_started() -> None:
    """`/thread`, then `/proposal` before Loomio has answered: both want the same thread, which is started once."""
    first = choose(POLICY, a_ticket(), ADA, Exit.THREAD, holds_another=False, now=NOW)
    assert first.ticket is not None
    second = choose(POLICY, first.ticket, ADA, Exit.PROPOSAL, holds_another=False, now=NOW)
    assert second.ticket is not None
    assert [one.key for one in first.effects] == [one.key for one in second.effects] == ["thread:fennel:7"]

    # The first of the two is what is sent, because the key is the same.
    decision = started(second.ticket)

    assert decision.ticket == replace(second.ticket, **WITH_THREAD)
    assert decision.effects == (a_proposal(),)


def test_a_proposal_that_was_started_is_told_and_labelled() -> None:
    ticket = a_dear_ticket(state=TicketState.PROPOSED, exit=Exit.PROPOSAL, round=2, **WITH_THREAD)
    closes_at = datetime(2027, 3, 9, 10, 0, tzinfo=UTC)

    assert proposal_started(POLICY, ticket, ADA, url=POLL_URL, closes_at=closes_at) == TicketDecision(
        ticket=ticket,
        effects=(
            says("ticket-proposed", "proposed:2", proposal=POLL_URL, closes="2027-03-09 10:00 UTC"),
            shows("proposed:2"),
        ),
        happened=(line(What.PROPOSAL_STARTED, url=POLL_URL),),
    )


@pytest.mark.parametrize("state", [TicketState.OBJECTION, TicketState.CONSENTED])
def test_a_ticket_decided_while_its_next_proposal_was_on_its_way_stays_decided(state: TicketState) -> None:
    """A person wrote an outcome for the round before; an objection has given the year back, maybe to another ticket."""
    ticket = a_dear_ticket(state=state, round=2, **WITH_THREAD)

    decision = proposal_started(POLICY, ticket, ADA, url=POLL_URL, closes_at=NOW)

    assert decision.ticket is None or decision.ticket.state is state


def test_a_ticket_withdrawn_while_its_proposal_was_on_its_way_stays_withdrawn() -> None:
    ticket = a_dear_ticket(state=TicketState.WITHDRAWN, round=1, turn=1, **WITH_THREAD)

    assert proposal_started(POLICY, ticket, ADA, url=POLL_URL, closes_at=NOW) == NOTHING


# -- what the group says -----------------------------------------------------------------------------------------------

PROPOSED = a_dear_ticket(state=TicketState.PROPOSED, exit=Exit.PROPOSAL, round=1, **WITH_THREAD)
COUNTS = {"agree": "4", "abstain": "1", "disagree": "0", "block": "0"}


def heard(
    reading: Reading, ticket: Ticket = PROPOSED, *, before: str = "", holds_another: bool = False
) -> TicketDecision:
    return decided(POLICY, ticket, ADA, reading, before=before, url=POLL_URL, look=1003, holds_another=holds_another)


@pytest.mark.parametrize(
    ("reading", "name", "state"),
    [
        (Reading(result=Result.CONSENTED, rule="consent"), "ticket-consented", TicketState.CONSENTED),
        (
            Reading(result=Result.CONSENTED, rule="human outcome", statement="Do it", outcome_id=9),
            "ticket-outcome-consented",
            TicketState.CONSENTED,
        ),
        (Reading(result=Result.OBJECTION, rule="consent"), "ticket-objection", TicketState.OBJECTION),
        (
            Reading(result=Result.OBJECTION, rule="human outcome", statement="Not so", outcome_id=9),
            "ticket-outcome-objection",
            TicketState.OBJECTION,
        ),
        (Reading(result=Result.NO_QUORUM, rule="quorum"), "ticket-no-quorum", TicketState.NO_QUORUM),
        (Reading(result=Result.NO_DECISION, rule="nobody agreed"), "ticket-no-decision", TicketState.NO_DECISION),
        (
            Reading(result=Result.PEOPLE_SAID, rule="human outcome", statement="Half of it", outcome_id=9),
            "ticket-people-said",
            TicketState.NO_DECISION,
        ),
        (Reading(result=Result.UNREADABLE, rule="results hidden"), "ticket-unreadable", TicketState.NO_DECISION),
        (Reading(result=Result.CANCELLED, rule="discarded"), "ticket-proposal-taken-down", TicketState.CANCELLED),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_reading_is_written_back_once(reading: Reading, name: str, state: TicketState) -> None:
    reading = replace(reading, agree=4, abstain=1)
    values = COUNTS | {
        "statement": reading.statement,
        "proposal": POLL_URL,
        "partner_names": "Cy Okafor",
    }

    assert heard(reading) == TicketDecision(
        ticket=replace(PROPOSED, state=state),
        effects=(by_the_rule(says(name, "reading:1003", **values), reading), shows("reading:1003")),
        happened=(line(What.TICKET_DECIDED, url=POLL_URL, result=reading.result.value, rule=reading.rule),),
    )
    assert heard(reading, replace(PROPOSED, state=state), before=reading.fingerprint()) == NOTHING


@pytest.mark.parametrize("result", [Result.OPEN, Result.LAPSED])
def test_a_vote_that_goes_on_is_no_news(result: Result) -> None:
    assert heard(Reading(result=result)) == NOTHING


def test_a_reopened_vote_takes_back_what_was_said() -> None:
    was = replace(PROPOSED, state=TicketState.CONSENTED)
    before = Reading(result=Result.CONSENTED, rule="consent", agree=4).fingerprint()
    values = dict.fromkeys(("agree", "abstain", "disagree", "block"), "0")
    values |= {"statement": "", "proposal": POLL_URL, "partner_names": "Cy Okafor"}

    assert heard(Reading(result=Result.OPEN), was, before=before) == TicketDecision(
        ticket=PROPOSED,
        effects=(says("ticket-reopened", "reading:1003", **values), shows("reading:1003")),
        happened=(line(What.TICKET_DECIDED, url=POLL_URL, result="open", rule=""),),
    )


@pytest.mark.parametrize("result", list(Result))
def test_what_the_group_says_about_a_withdrawn_ticket_stays_in_loomio(result: Result) -> None:
    assert heard(Reading(result=result), replace(PROPOSED, state=TicketState.WITHDRAWN), before="x") == NOTHING


def test_an_objection_that_turns_around_is_obeyed_while_the_year_is_free() -> None:
    was = replace(PROPOSED, state=TicketState.OBJECTION)

    decision = heard(Reading(result=Result.CONSENTED, rule="human outcome", outcome_id=9), was, before="x")

    assert decision.ticket == replace(PROPOSED, state=TicketState.CONSENTED)


@pytest.mark.parametrize("result", [Result.CONSENTED, Result.OPEN, Result.NO_QUORUM, Result.PEOPLE_SAID])
def test_an_objection_that_turns_around_after_a_new_claim_is_told_and_not_obeyed(result: Result) -> None:
    was = replace(PROPOSED, state=TicketState.OBJECTION)

    assert heard(Reading(result=result), was, before="x", holds_another=True) == TicketDecision(
        ticket=was, effects=(says("ticket-turned-around", "reading:1003", proposal=POLL_URL),)
    )


def test_an_objection_whose_proposal_is_taken_down_gives_nothing_back_twice() -> None:
    was = replace(PROPOSED, state=TicketState.OBJECTION)

    decision = heard(Reading(result=Result.CANCELLED, rule="discarded"), was, before="x", holds_another=True)

    assert decision.ticket == replace(PROPOSED, state=TicketState.CANCELLED)
    assert [one.body.name for one in decision.effects if isinstance(one, CommentOnIssue)] == [
        "ticket-proposal-taken-down"
    ]


@pytest.mark.parametrize("state", [TicketState.NO_DECISION, TicketState.NO_QUORUM])
@pytest.mark.parametrize(
    ("result", "name", "settled"),
    [
        (Result.CONSENTED, "ticket-consented-by-people", TicketState.CONSENTED),
        (Result.OBJECTION, "ticket-objection-by-people", TicketState.OBJECTION),
    ],
)
def test_a_coordinator_settles_what_the_count_could_not(
    state: TicketState, result: Result, name: str, settled: TicketState
) -> None:
    key = f"confirmed:1:{result.value}"

    assert confirm(POLICY, replace(PROPOSED, state=state), ADA, result, CY) == TicketDecision(
        ticket=replace(PROPOSED, state=settled),
        effects=(says(name, key, by="Cy"), shows(key)),
        happened=(line(What.TICKET_DECIDED, result=result.value, rule="coordinator"),),
    )


def test_only_a_coordinator_settles_it() -> None:
    ticket = replace(PROPOSED, state=TicketState.NO_DECISION)

    assert confirm(POLICY, ticket, ADA, Result.CONSENTED, ADA) == NOTHING
    assert confirm(POLICY, ticket, ADA, Result.CONSENTED, BO) == NOTHING


@pytest.mark.parametrize(
    "state", [one for one in TicketState if one not in (TicketState.NO_DECISION, TicketState.NO_QUORUM)]
)
def test_a_coordinator_settles_nothing_that_the_group_still_holds_or_has_decided(state: TicketState) -> None:
    assert confirm(POLICY, replace(PROPOSED, state=state), ADA, Result.CONSENTED, CY) == NOTHING


# -- taking back and up again ------------------------------------------------------------------------------------------


def test_withdrawing_before_anything_was_asked_gives_the_year_back() -> None:
    assert withdraw(POLICY, a_ticket(), ADA) == TicketDecision(
        ticket=a_ticket(state=TicketState.WITHDRAWN, turn=1),
        effects=(says("ticket-withdrawn", "withdrawn:1"), shows("withdrawn:1")),
        happened=(line(What.TICKET_WITHDRAWN),),
    )


def test_withdrawing_tells_the_thread_who_took_it_back() -> None:
    assert withdraw(POLICY, PROPOSED, ADA) == TicketDecision(
        ticket=replace(PROPOSED, state=TicketState.WITHDRAWN, turn=1),
        effects=(
            says("ticket-withdrawn", "withdrawn:1"),
            shows("withdrawn:1"),
            CommentOnThread(
                key="thread-withdrawn:fennel:7:1",
                about="ticket:5",
                discussion_id=30,
                topic_id=40,
                body=Say(name="thread-withdrawn", values={"reference": "GT-0007", "name": "Ada Moreau"}),
            ),
        ),
        happened=(line(What.TICKET_WITHDRAWN),),
    )


@pytest.mark.parametrize("state", [TicketState.WITHDRAWN, TicketState.OBJECTION])
def test_what_was_given_back_is_not_withdrawn_again(state: TicketState) -> None:
    assert withdraw(POLICY, replace(PROPOSED, state=state), ADA) == NOTHING


def test_reopening_a_withdrawn_ticket_offers_the_exits_anew() -> None:
    ticket = a_ticket(state=TicketState.WITHDRAWN, exit=Exit.TALK, turn=1)

    assert take_up_again(POLICY, ticket, ADA, holds_another=False) == TicketDecision(
        ticket=a_ticket(turn=2),
        effects=(
            says("ticket-exits", "exits-again:2", suggested="/go-ahead", partner_names="Cy Okafor"),
            shows("exits-again:2"),
        ),
        happened=(line(What.TICKET_CLAIMED),),
    )


def test_a_withdrawn_ticket_is_not_taken_up_while_another_holds_the_year() -> None:
    ticket = a_ticket(state=TicketState.WITHDRAWN, turn=1)

    assert take_up_again(POLICY, ticket, ADA, holds_another=True) == NOTHING


@pytest.mark.parametrize(
    "state", [one for one in TicketState if one not in (TicketState.WITHDRAWN, TicketState.CANCELLED)]
)
def test_only_what_was_given_back_without_an_objection_is_taken_up_again(state: TicketState) -> None:
    assert take_up_again(POLICY, a_ticket(state=state), ADA, holds_another=False) == NOTHING


@pytest.mark.parametrize("wanted", [Exit.GO_AHEAD, Exit.TALK])
def test_a_choice_is_answered_again_after_the_ticket_was_taken_up_again(wanted: Exit) -> None:
    first = {one.key for one in choose(POLICY, a_ticket(), ADA, wanted, holds_another=False, now=NOW).effects}
    again = {one.key for one in choose(POLICY, a_ticket(turn=2), ADA, wanted, holds_another=False, now=NOW).effects}

    assert first
    assert again
    assert not first & again, "a key that was used is never used again: ada would hear and see nothing"


def test_a_choice_is_answered_however_often_somebody_changes_their_mind() -> None:
    ticket, used = a_ticket(**WITH_THREAD), set[str]()
    for wanted in (Exit.TALK, Exit.THREAD, Exit.TALK, Exit.THREAD, Exit.TALK):
        decision = choose(POLICY, ticket, ADA, wanted, holds_another=False, now=NOW)
        assert decision.ticket is not None
        keys = {one.key for one in decision.effects}
        assert keys - used == keys != set(), "a key that was used is never used again: ada would hear nothing"
        ticket, used = decision.ticket, used | keys


@pytest.mark.parametrize("wanted", [Exit.TALK, Exit.THREAD])
def test_the_issue_shows_when_a_vote_without_decision_is_talked_over(wanted: Exit) -> None:
    """The label says `no decision` since the reading; nothing else would ever take it off."""
    ticket = replace(PROPOSED, state=TicketState.NO_DECISION)

    effects = choose(POLICY, ticket, ADA, wanted, holds_another=False, now=NOW).effects

    assert [type(one) for one in effects if isinstance(one, ShowTicketState)] == [ShowTicketState]


# -- words -------------------------------------------------------------------------------------------------------------


def test_a_long_opportunity_is_cut_so_that_loomio_takes_the_title() -> None:
    long = "An opportunity\nwith " + "very many words " * 20
    [effect] = claim(POLICY, a_ticket(opportunity=long), ADA, Exit.THREAD, now=NOW).effects

    assert isinstance(effect, StartThread)
    assert len(effect.title) <= 150
    assert effect.title.startswith("Golden ticket: An opportunity with very many words very")
    assert effect.title.endswith("… (GT-0007)")


@pytest.mark.parametrize(
    ("ticket", "words"),
    [
        (a_dear_ticket(), "480 EUR"),
        (a_ticket(cost=Decimal("12.50"), currency="USD"), "12.50 USD"),
        (a_ticket(cost=Decimal(12), currency=""), "12"),
        (a_ticket(cost=None, cost_said="about a fortnight's food"), "about a fortnight's food"),
        (a_ticket(), ""),
        (a_ticket(cost=None), ""),
    ],
)
def test_a_cost_is_told_in_its_members_words(ticket: Ticket, words: str) -> None:
    assert cost_words(ticket) == words


@pytest.mark.parametrize("state", list(TicketState))
def test_a_states_label_says_that_it_is_a_tickets(state: TicketState) -> None:
    assert label_of(state) == f"ticket: {state.value}"


@pytest.mark.parametrize(
    ("first_on", "last_on", "days"),
    [
        (date(2027, 4, 5), date(2027, 4, 9), "2027-04-05 – 2027-04-09"),
        (date(2027, 4, 5), date(2027, 4, 5), "2027-04-05"),
        (date(2027, 4, 5), None, "2027-04-05"),
        (None, date(2027, 4, 9), "2027-04-09"),
    ],
)
def test_the_group_reads_which_days_it_is_about(first_on: date | None, last_on: date | None, days: str) -> None:
    ticket = a_ticket(first_on=first_on, last_on=last_on, stretch="")

    assert choose(POLICY, ticket, ADA, Exit.THREAD, holds_another=False, now=NOW).effects == (
        a_thread(days=days, stretch="–"),
    )


@pytest.mark.parametrize(("number", "reference"), [(7, "GT-0007"), (1234, "GT-1234"), (12345, "GT-12345")])
def test_a_reference_keeps_four_digits_or_more(number: int, reference: str) -> None:
    assert a_ticket(number=number).reference() == reference


def test_a_ticket_of_somebody_without_a_login_is_assigned_to_nobody_and_spoken_in_their_language() -> None:
    person: Person = replace(ADA, github_login=None, locale="pt_BR")
    [effect] = claim(POLICY, a_ticket(issue_number=None, issue_url=None), person, None, now=NOW).effects

    assert isinstance(effect, OpenIssue)
    assert effect.assignees == ()
    assert effect.body.locale == "pt_BR"


# -- what is still wanted when it is sent ------------------------------------------------------------------------------


def test_nobody_settles_their_own_ticket_not_even_a_coordinator() -> None:
    mine = a_dear_ticket(state=TicketState.NO_DECISION, round=1, person_id=CY.id, **WITH_THREAD)

    assert confirm(POLICY, mine, CY, Result.CONSENTED, CY) == NOTHING


def test_a_thread_that_came_after_the_withdrawal_is_told_of_it() -> None:
    [effect] = started(a_dear_ticket(state=TicketState.WITHDRAWN, turn=2, round=1)).effects

    assert effect == CommentOnThread(
        key="thread-withdrawn:fennel:7:2",
        about="ticket:5",
        discussion_id=30,
        topic_id=40,
        body=Say(name="thread-withdrawn", values={"reference": "GT-0007", "name": "Ada Moreau"}),
    )


@pytest.mark.parametrize("state", list(TicketState))
def test_a_thread_or_a_vote_is_started_only_while_its_member_wants_it(state: TicketState) -> None:
    ticket = a_dear_ticket(state=state, round=1, **WITH_THREAD)

    assert still_wanted(ticket, a_thread()) == (state in (TicketState.THREAD, TicketState.PROPOSED))
    assert still_wanted(ticket, a_proposal(1)) == (state is TicketState.PROPOSED)
    assert not still_wanted(ticket, a_proposal(2)), "a round that is not the ticket's any more"
