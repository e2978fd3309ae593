"""Follows golden tickets: claims, their issues, and what their members choose by a word."""

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.commands import Command
from domain.forms import TicketAnswers, ticket_answers
from domain.issues import CloseReason, Issue, IssueGone
from domain.people import Person, today_of
from domain.policy import Policy
from domain.proposals import Result
from domain.ticket import Ticket, TicketDecision
from domain.ticket_states import GIVEN_BACK, UNDECIDED, Deed, Exit, TicketState
from domain.ticket_use import fill_bucket, fund, go_on
from domain.ticket_votes import confirm
from domain.tickets import (
    already_held,
    choose,
    claim,
    first_year_begins_on,
    issue_opened,
    not_yet,
    take_up_again,
    withdraw,
)
from domain.years import ticket_year
from jobs.objectives import activate_objective
from jobs.record import record
from jobs.ticket_keeping import (
    decide_on,
    in_its_thread,
    keep_decision,
    matching_goal,
    open_matching_goal,
    policy_for,
)
from jobs.workshop import Workshop
from store.memory import keep_ticket, ticket_of
from store.models import TicketRow
from store.queries import (
    held_ticket,
    next_ticket_number,
    people_of,
    person_by_id,
    person_by_login,
    ticket_row,
)
from store.standings import look_anew

# What the form's last question offers, in its own words; anything else means "suggest something".
EXIT_OF_ANSWER = {
    "go ahead, it is light": Exit.GO_AHEAD,
    "start a thread": Exit.THREAD,
    "start a proposal": Exit.PROPOSAL,
    "talk to someone first": Exit.TALK,
}


def follow_ticket(workshop: Workshop, session: Session, policy: Policy, issue: Issue, about: str | None) -> None:
    """Bring the ticket of an issue in line with it, or take up the claim the issue makes."""
    row = ticket_row(session, policy.slug, issue.number)
    if row is None and about is not None and about.startswith("ticket:"):
        # Opened by us; its delivery overtook our own answer, which is on its way and will tell.
        ticket_issue_opened(
            workshop, session, policy, int(about.removeprefix("ticket:")), number=issue.number, url=issue.url
        )
        return
    if row is None:
        _claim_from_issue(workshop, session, policy, issue)
        return
    _follow_open_and_closed(workshop, session, policy, row, issue)


def _claim_from_issue(workshop: Workshop, session: Session, policy: Policy, issue: Issue) -> None:
    people = people_of(session, policy.slug)
    assigned = [one for login in issue.assignees if (one := person_by_login(people, login))]
    person = assigned[0] if assigned else person_by_login(people, issue.author)
    if person is None or not issue.open:
        return
    answers = ticket_answers(issue.body)
    if not answers.opportunity:
        answers = replace(answers, opportunity=issue.title)
    request_ticket(
        workshop,
        session,
        policy,
        person,
        answers,
        wanted=EXIT_OF_ANSWER.get(answers.decide.casefold()),
        asked_by=None,
        issue=issue,
    )


def request_ticket(
    workshop: Workshop,
    session: Session,
    policy: Policy,
    person: Person,
    answers: TicketAnswers,
    *,
    wanted: Exit | None,
    asked_by: str | None,
    issue: Issue | None = None,
) -> Ticket | None:
    """Claim a golden ticket; None when the year's is held already, which is then told kindly on the issue."""
    if asked_by is not None:
        known = session.scalar(select(TicketRow).where(TicketRow.asked_by == asked_by))
        if known is not None:
            return ticket_of(known)
    here = today_of(person, policy.organisation, workshop.now())
    begins_on = first_year_begins_on(policy, person)
    if not person.here_on(here):
        return None  # who has left, or has not come yet, claims nothing
    if begins_on is not None and here < begins_on:
        if issue is not None:
            answer = not_yet(policy, person, begins_on=begins_on, issue_number=issue.number)
            record(workshop, session, policy.slug, effects=(answer,))
        return None
    year = ticket_year(policy, person, here)
    held = held_ticket(session, person.id, year)
    if held is not None:
        if issue is not None:
            effect = already_held(policy, ticket_of(held), person, issue_number=issue.number)
            record(workshop, session, policy.slug, effects=(effect,))
        return None
    ticket = Ticket(
        number=next_ticket_number(session, policy.slug),
        person_id=person.id,
        year=year,
        state=TicketState.OFFERED,
        opportunity=answers.opportunity,
        stretch=answers.stretch,
        cost=answers.cost,
        currency=answers.currency or policy.ticket.currency,
        cost_said=answers.cost_said,
        first_on=answers.first_on,
        last_on=answers.last_on,
        bucket_url=answers.bucket_url,
        claimed_at=workshop.now(),
        issue_number=issue.number if issue else None,
        issue_url=issue.url if issue else None,
    )
    row = TicketRow(organisation=policy.slug, asked_by=asked_by)
    keep_ticket(row, ticket)
    session.add(row)
    look_anew(session, [person.id])
    session.flush()
    ticket = in_its_thread(session, policy, ticket_of(row))
    own = policy_for(workshop, session, policy, person)
    keep_decision(workshop, session, policy, row, claim(own, ticket, person, wanted, now=workshop.now()))
    return ticket


def follow_ticket_gone(workshop: Workshop, session: Session, policy: Policy, gone: IssueGone) -> None:
    """Withdraw an undecided ticket whose issue was deleted or moved away; decided ones keep their decision."""
    row = ticket_row(session, policy.slug, gone.number)
    if row is None or TicketState(row.state) not in UNDECIDED:
        return
    ticket, person = ticket_of(row), person_by_id(session, row.person_id)
    decision = withdraw(policy, ticket, person)
    # There is no issue left to say it on; the thread, if there is one, is still told.
    spoken = tuple(one for one in decision.effects if getattr(one, "issue_number", None) is None)
    keep_decision(workshop, session, policy, row, replace(decision, effects=spoken))


def _follow_open_and_closed(workshop: Workshop, session: Session, policy: Policy, row: TicketRow, issue: Issue) -> None:
    ticket, person = ticket_of(row), person_by_id(session, row.person_id)
    if issue.open == ticket.issue_open:
        return
    ticket = replace(ticket, issue_open=issue.open)
    keep_ticket(row, ticket)
    if issue.open:
        ticket = _of_the_year_it_is(workshop, policy, ticket, person)
        holds_another = held_ticket(session, person.id, ticket.year, row.id) is not None
        own = policy_for(workshop, session, policy, person)
        decision = take_up_again(own, ticket, person, holds_another=holds_another)
    elif ticket.state in UNDECIDED or issue.close_reason is CloseReason.NOT_PLANNED:
        decision = withdraw(policy, ticket, person)
    else:
        return  # closed after the decision, as done: nothing more to do
    keep_decision(workshop, session, policy, row, decision)


def ticket_issue_opened(
    workshop: Workshop, session: Session, policy: Policy, ticket_id: int, *, number: int, url: str
) -> None:
    """Remember which issue was opened for a ticket and go on with its triage."""

    def decide(own: Policy, ticket: Ticket, person: Person) -> TicketDecision:
        return issue_opened(own, ticket, person, number=number, url=url, now=workshop.now())

    decide_on(workshop, session, policy, ticket_id, decide)


def _of_the_year_it_is(workshop: Workshop, policy: Policy, ticket: Ticket, person: Person) -> Ticket:
    """Give what was given back as a ticket of the year it is by now: taken up again, that is the year it holds."""
    if ticket.state not in GIVEN_BACK:
        return ticket
    return replace(ticket, year=ticket_year(policy, person, today_of(person, policy.organisation, workshop.now())))


def obey_on_ticket(
    workshop: Workshop, session: Session, policy: Policy, row: TicketRow, by: Person, command: Command
) -> bool:
    """Do what a command on a ticket's issue says; False when it does not fit here, now, or from this person."""
    ticket, person = ticket_of(row), person_by_id(session, row.person_id)
    policy = policy_for(workshop, session, policy, person)
    ticket = _of_the_year_it_is(workshop, policy, ticket, person)
    holds_another = held_ticket(session, person.id, ticket.year, row.id) is not None
    match command.name:
        case "go-ahead" | "thread" | "proposal" | "talk":
            ticket = in_its_thread(session, policy, ticket)
            wanted = Exit(command.name)
            decision = choose(policy, ticket, person, wanted, holds_another=holds_another, now=workshop.now())
        case "withdraw":
            decision = withdraw(policy, ticket, person)
        case "booked" | "used" | "shared":
            decision = go_on(policy, ticket, person, DEED_OF[command.name])
        case "bucket":
            decision = fill_bucket(policy, ticket, person, command.words.strip())
        case "funded" | "not-funded":
            decision = fund(policy, ticket, person, by, funded=command.name == "funded")
        case "ilo":
            if ticket.state not in GOES_WITH_A_GOAL:
                return False
            goal = matching_goal(session, policy, ticket)
            if goal is not None:
                return activate_objective(workshop, session, policy, goal)
            open_matching_goal(workshop, session, policy, ticket, person)
            return True
        case "consented":
            decision = confirm(policy, ticket, person, Result.CONSENTED, by)
        case "objection":
            decision = confirm(policy, ticket, person, Result.OBJECTION, by)
        case _:
            return False
    keep_decision(workshop, session, policy, row, decision)
    return decision.ticket is not None


DEED_OF = {"booked": Deed.BOOK, "used": Deed.USE, "shared": Deed.SHARE}
GOES_WITH_A_GOAL = (
    TicketState.LIGHT, TicketState.CONSENTED, TicketState.BOOKED, TicketState.USED, TicketState.SHARED,
)  # fmt: skip
