"""Keeping tickets: what every decision about one needs beforehand, and how it is stored with what follows from it."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.effects import StartThread
from domain.people import Person, today_of
from domain.policy import Policy, ThreadsOf
from domain.ticket import Ticket, TicketDecision
from domain.ticket_states import TicketState
from domain.tickets import (
    own_policy,
)
from jobs.attempt import enqueue_next
from jobs.objectives import open_objective
from jobs.record import record
from jobs.workshop import Workshop
from store.memory import keep_ticket, payload_of, ticket_of
from store.models import EffectRow, ObjectiveRow, TicketRow
from store.queries import (
    people_of,
    person_by_id,
)
from store.standings import look_anew, team_moment

LONGEST_GOAL = 200
YEAR_THREAD = "golden-tickets"  # under this name the thread that a year's tickets share is remembered


def policy_for(workshop: Workshop, session: Session, policy: Policy, person: Person) -> Policy:
    """Give the policy as it holds for a person today, with whom they could ask."""
    return own_policy(
        policy, person, people_of(session, policy.slug), today_of(person, policy.organisation, workshop.now())
    )


def in_its_thread(session: Session, policy: Policy, ticket: Ticket) -> Ticket:
    """Give the ticket with the thread of its year, where tickets share one and it is there already."""
    if ticket.topic_id is not None or policy.loomio is None or policy.loomio.threads is not ThreadsOf.YEAR:
        return ticket
    shared = team_moment(session, policy.slug, YEAR_THREAD, ticket.year)
    if shared is None:
        return ticket
    return replace(ticket, discussion_id=shared.discussion_id, topic_id=shared.topic_id, thread_url=shared.url)


def matching_goal(session: Session, policy: Policy, ticket: Ticket) -> ObjectiveRow | None:
    """Find the ILO that was opened for a ticket."""
    return session.scalar(select(ObjectiveRow).where(ObjectiveRow.asked_by == _goal_asked_by(policy, ticket)))


def _goal_asked_by(policy: Policy, ticket: Ticket) -> str:
    return f"{policy.slug}:{ticket.reference()}"


def open_matching_goal(workshop: Workshop, session: Session, policy: Policy, ticket: Ticket, person: Person) -> None:
    """Open the ILO that goes with an agreed ticket; one that is there already stays as it is."""
    title = ticket.opportunity.strip().partition("\n")[0].strip()[:LONGEST_GOAL]
    asked_by = _goal_asked_by(policy, ticket)
    open_objective(workshop, session, policy, person, title=title, why=ticket.stretch, asked_by=asked_by)


def decide_on(
    workshop: Workshop,
    session: Session,
    policy: Policy,
    ticket_id: int,
    decide: Callable[[Policy, Ticket, Person], TicketDecision],
) -> bool:
    """Decide about a ticket under the policy as it holds for its member, and keep it; False when nothing changed."""
    row = session.get_one(TicketRow, ticket_id)
    person = person_by_id(session, row.person_id)
    own = policy_for(workshop, session, policy, person)
    decision = decide(own, in_its_thread(session, policy, ticket_of(row)), person)
    keep_decision(workshop, session, policy, row, decision)
    return decision.ticket is not None


def keep_decision(
    workshop: Workshop, session: Session, policy: Policy, row: TicketRow, decision: TicketDecision
) -> None:
    """Store what was decided about a ticket, and plan what follows from it."""
    if decision.ticket is not None:
        agreed = decision.ticket.state is TicketState.CONSENTED and row.state != TicketState.CONSENTED.value
        keep_ticket(row, decision.ticket)
        look_anew(session, [decision.ticket.person_id])
        session.flush()
        if agreed and policy.ticket.opens_objective:
            person = person_by_id(session, row.person_id)
            open_matching_goal(workshop, session, policy, decision.ticket, person)
    record(workshop, session, policy.slug, happened=decision.happened, effects=decision.effects)
    for effect in decision.effects:
        if isinstance(effect, StartThread):
            _plan_thread_anew(workshop, session, effect)


def _plan_thread_anew(workshop: Workshop, session: Session, effect: StartThread) -> None:
    """Have a thread started after all that was given up while nobody wanted it, or while the organisation observed.

    Nothing was sent under its key. Its row is written in any case: whoever judges it, or remembers what it started, at
    this very moment begins again.
    """
    row = session.get_one(EffectRow, effect.key, with_for_update=True)
    if row.status == "done":
        return
    row.planned_at = workshop.now()
    if row.status in ("not needed", "withheld"):
        row.status, row.payload, row.sent_at, row.attempts = "planned", payload_of(effect), None, 0
        enqueue_next(workshop, session, row, effect.key, at=workshop.real_now())
