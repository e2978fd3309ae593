"""Follows golden tickets: claims, the member's choices, and what the group decided."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.commands import Command
from domain.forms import TicketAnswers, ticket_answers
from domain.issues import CloseReason, Issue, IssueGone
from domain.people import Person, own_zone
from domain.policy import Policy
from domain.proposals import Poll, Result, next_look, read
from domain.tickets import (
    UNDECIDED,
    Exit,
    Ticket,
    TicketDecision,
    TicketState,
    already_held,
    choose,
    claim,
    confirm,
    decided,
    issue_opened,
    proposal_started,
    take_up_again,
    thread_started,
    withdraw,
)
from domain.years import ticket_year
from integrations.loomio import Thread
from jobs.record import record
from jobs.workshop import Workshop
from store.memory import keep_ticket, ticket_of
from store.models import ProposalRow, TicketRow
from store.queries import (
    held_ticket,
    latest_proposal,
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
    here = workshop.now().astimezone(own_zone(person, policy.organisation)).date()
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
        claimed_at=workshop.now(),
        issue_number=issue.number if issue else None,
        issue_url=issue.url if issue else None,
    )
    row = TicketRow(organisation=policy.slug, asked_by=asked_by)
    keep_ticket(row, ticket)
    session.add(row)
    look_anew(session, [person.id])
    session.flush()
    ticket = ticket_of(row)
    _keep(workshop, session, policy, row, claim(policy, ticket, person, wanted, now=workshop.now()))
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
    _keep(workshop, session, policy, row, replace(decision, effects=spoken))


def _follow_open_and_closed(workshop: Workshop, session: Session, policy: Policy, row: TicketRow, issue: Issue) -> None:
    ticket, person = ticket_of(row), person_by_id(session, row.person_id)
    if issue.open == ticket.issue_open:
        return
    ticket = replace(ticket, issue_open=issue.open)
    keep_ticket(row, ticket)
    if issue.open:
        holds_another = held_ticket(session, person.id, ticket.year, row.id) is not None
        decision = take_up_again(policy, ticket, person, holds_another=holds_another)
    elif ticket.state in UNDECIDED or issue.close_reason is CloseReason.NOT_PLANNED:
        decision = withdraw(policy, ticket, person)
    else:
        return  # closed after the decision, as done: nothing more to do
    _keep(workshop, session, policy, row, decision)


def ticket_issue_opened(
    workshop: Workshop, session: Session, policy: Policy, ticket_id: int, *, number: int, url: str
) -> None:
    """Remember which issue was opened for a ticket and go on with its triage."""

    def decide(ticket: Ticket, person: Person) -> TicketDecision:
        return issue_opened(policy, ticket, person, number=number, url=url, now=workshop.now())

    _decide(workshop, session, policy, ticket_id, decide)


def ticket_thread_started(workshop: Workshop, session: Session, policy: Policy, ticket_id: int, thread: Thread) -> None:
    """Remember a ticket's thread and go on to its proposal, if one was asked for."""

    def decide(ticket: Ticket, person: Person) -> TicketDecision:
        return thread_started(
            policy,
            ticket,
            person,
            discussion_id=thread.discussion_id,
            topic_id=thread.topic_id,
            url=thread.url,
            now=workshop.now(),
        )

    _decide(workshop, session, policy, ticket_id, decide)


def ticket_proposal_started(
    workshop: Workshop, session: Session, policy: Policy, ticket_id: int, poll: Poll, *, round_: int
) -> None:
    """Remember the proposal of a ticket's round and look at it from now on."""
    now = workshop.now()
    session.add(
        ProposalRow(
            organisation=policy.slug,
            ticket_id=ticket_id,
            round=round_,
            poll_key=poll.key,
            url=poll.url,
            closes_at=poll.closing_at or now,
            look_at=now if policy.loomio is None else next_look(poll, policy.loomio, now=now),
        )
    )

    def decide(ticket: Ticket, person: Person) -> TicketDecision:
        return proposal_started(policy, ticket, person, url=poll.url, closes_at=poll.closing_at or now)

    _decide(workshop, session, policy, ticket_id, decide)


def ticket_poll_seen(
    workshop: Workshop, session: Session, policy: Policy, proposal: ProposalRow, poll: Poll, *, asked_at: datetime
) -> None:
    """Read a poll as it stood when it was asked for, on the practice clock, and write back what is new."""
    if policy.loomio is None:
        return
    reading = read(poll, policy.loomio, now=asked_at)
    proposal.looked_at, proposal.looks_in_vain, proposal.last_error = asked_at, 0, None
    proposal.look_at = next_look(poll, policy.loomio, now=asked_at)
    latest = latest_proposal(session, proposal.ticket_id)
    if latest is None or latest.id != proposal.id:
        proposal.look_at = None  # a later round decides now
        return
    row = session.get_one(TicketRow, proposal.ticket_id)
    holds_another = held_ticket(session, row.person_id, row.year, row.id) is not None

    def decide(ticket: Ticket, person: Person) -> TicketDecision:
        return decided(
            policy,
            ticket,
            person,
            reading,
            before=proposal.reading,
            url=proposal.url,
            look=proposal.round * 1000 + proposal.readings_written,
            holds_another=holds_another,
        )

    if _decide(workshop, session, policy, proposal.ticket_id, decide):
        proposal.reading = reading.fingerprint() if reading.result is not Result.OPEN else ""
        proposal.readings_written += 1


def obey_on_ticket(
    workshop: Workshop, session: Session, policy: Policy, row: TicketRow, by: Person, command: Command
) -> bool:
    """Do what a command on a ticket's issue says; False when it does not fit here, now, or from this person."""
    ticket, person = ticket_of(row), person_by_id(session, row.person_id)
    mine = by.id == person.id
    match command.name:
        case "go-ahead" | "thread" | "proposal" | "talk" if mine:
            decision = choose(policy, ticket, person, Exit(command.name), now=workshop.now())
        case "withdraw" if mine:
            decision = withdraw(policy, ticket, person)
        case "consented":
            decision = confirm(policy, ticket, person, Result.CONSENTED, by)
        case "objection":
            decision = confirm(policy, ticket, person, Result.OBJECTION, by)
        case _:
            return False
    _keep(workshop, session, policy, row, decision)
    return decision.ticket is not None


def _decide(
    workshop: Workshop,
    session: Session,
    policy: Policy,
    ticket_id: int,
    decide: Callable[[Ticket, Person], TicketDecision],
) -> bool:
    row = session.get_one(TicketRow, ticket_id)
    decision = decide(ticket_of(row), person_by_id(session, row.person_id))
    _keep(workshop, session, policy, row, decision)
    return decision.ticket is not None


def _keep(workshop: Workshop, session: Session, policy: Policy, row: TicketRow, decision: TicketDecision) -> None:
    if decision.ticket is not None:
        keep_ticket(row, decision.ticket)
        look_anew(session, [decision.ticket.person_id])
        session.flush()
    record(workshop, session, policy.slug, happened=decision.happened, effects=decision.effects)
