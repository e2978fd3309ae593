"""Ticket votes: remembers the thread and the poll of a ticket, and writes back what each look at the poll says."""

from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from domain.effects import StartProposal, StartThread
from domain.people import Person
from domain.policy import Policy
from domain.proposals import Poll, Result, next_look, read
from domain.ticket import Ticket, TicketDecision
from domain.ticket_states import TicketState
from domain.ticket_votes import decided, proposal_started
from domain.tickets import (
    still_wanted,
    thread_started,
    year_reference,
)
from integrations.loomio import Thread
from jobs.ticket_keeping import YEAR_THREAD, decide_on
from jobs.workshop import Workshop
from store.models import ProposalRow, TeamMomentRow, TicketRow
from store.queries import (
    held_ticket,
    insert_once,
    latest_proposal,
    ticket_by_about,
)
from store.standings import team_moment


def ticket_thread_started(
    workshop: Workshop, session: Session, policy: Policy, effect: StartThread, thread: Thread
) -> None:
    """Remember a ticket's thread and go on to its proposal, if one was asked for.

    A thread of the whole year is remembered for later tickets, and is what every ticket of the year waited for.
    """
    ticket_id = int(effect.about.removeprefix("ticket:"))
    row = session.get_one(TicketRow, ticket_id)
    waiting = [ticket_id]
    if effect.reference == year_reference(row.year):
        moment = {
            "organisation": policy.slug,
            "rhythm": YEAR_THREAD,
            "turn": row.year,
            "closes_on": date(int(row.year), 12, 31),
            "discussion_id": thread.discussion_id,
            "topic_id": thread.topic_id,
            "url": thread.url,
        }
        insert_once(session, TeamMomentRow, moment)
        waiting = list(session.scalars(_waits_for_a_thread(policy, row.year)))

    def decide(own: Policy, ticket: Ticket, person: Person) -> TicketDecision:
        return thread_started(
            own,
            ticket,
            person,
            discussion_id=thread.discussion_id,
            topic_id=thread.topic_id,
            url=thread.url,
            now=workshop.now(),
        )

    for one in waiting:
        decide_on(workshop, session, policy, one, decide)


def is_wanted(session: Session, policy: Policy, effect: StartThread | StartProposal) -> str:
    """Say, at the moment of sending, why a thread or a vote is not wanted any more; '' when it is."""
    ticket = ticket_by_about(session, effect.about)
    if isinstance(effect, StartThread) and effect.reference == year_reference(ticket.year):
        known = team_moment(session, policy.slug, YEAR_THREAD, ticket.year) is not None
        waits = session.scalar(_waits_for_a_thread(policy, ticket.year).limit(1)) is not None
        return "" if waits and not known else "no ticket waits for the year's thread"
    return "" if still_wanted(ticket, effect) else f"the ticket is {ticket.state.value} by now"


def _waits_for_a_thread(policy: Policy, year: str) -> Select[int]:
    wanting = [TicketState.THREAD.value, TicketState.PROPOSED.value]
    return select(TicketRow.id).where(
        TicketRow.organisation == policy.slug,
        TicketRow.year == year,
        TicketRow.topic_id.is_(None),
        TicketRow.state.in_(wanting),
    )


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

    def decide(own: Policy, ticket: Ticket, person: Person) -> TicketDecision:
        return proposal_started(own, ticket, person, url=poll.url, closes_at=poll.closing_at or now)

    decide_on(workshop, session, policy, ticket_id, decide)


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

    def decide(own: Policy, ticket: Ticket, person: Person) -> TicketDecision:
        return decided(
            own,
            ticket,
            person,
            reading,
            before=proposal.reading,
            url=proposal.url,
            look=proposal.round * 1000 + proposal.readings_written,
            holds_another=holds_another,
        )

    if decide_on(workshop, session, policy, proposal.ticket_id, decide):
        proposal.reading = reading.fingerprint() if reading.result is not Result.OPEN else ""
        proposal.readings_written += 1
