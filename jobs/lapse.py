"""Lapse: lets unused tickets of a year that is over lapse without a word, and asks once how one was.

A table of states says which may lapse and which may still be used; asking waits for the person's own hours.
"""

from datetime import date, datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.people import Person, own_hours, own_zone, today_of, works_on
from domain.policy import Policy
from domain.ticket_states import BY_DEED, Deed, TicketState
from domain.ticket_use import how_was_it, lapse_when_over
from jobs.record import record
from jobs.ticket_keeping import keep_decision
from jobs.workshop import Workshop
from store.memory import ticket_of
from store.models import TicketRow
from store.queries import latest_proposal, person_by_id


def lapse(workshop: Workshop) -> None:
    """Look at every ticket that may lapse or is waited for."""
    for policy in workshop.policies.values():
        workshop.database.transact(partial(_look, workshop, policy))


def _look(workshop: Workshop, policy: Policy, session: Session) -> None:
    present = {state.value for deed in (Deed.LAPSE, Deed.USE) for state in BY_DEED[deed].sources}
    which = (TicketRow.organisation == policy.slug, TicketRow.state.in_(present))
    now = workshop.now()
    for row in session.scalars(select(TicketRow).where(*which).order_by(TicketRow.id)).all():
        person = person_by_id(session, row.person_id)
        today = today_of(person, policy.organisation, now)
        over = lapse_when_over(policy, ticket_of(row), person, today=today, voted_on=_voted_on(session, row))
        keep_decision(workshop, session, policy, row, over)
        if _in_own_hours(policy, person, now):
            asked = how_was_it(policy, ticket_of(row), person, today=today)
            record(workshop, session, policy.slug, effects=asked.effects)


def _voted_on(session: Session, row: TicketRow) -> date | None:
    vote = latest_proposal(session, row.id) if row.state == TicketState.CONSENTED.value else None
    return vote.closes_at.date() if vote is not None else None


def _in_own_hours(policy: Policy, person: Person, now: datetime) -> bool:
    here = now.astimezone(own_zone(person, policy.organisation))
    hours_from, hours_until = own_hours(person, policy.organisation)
    return works_on(person, here.date(), policy) and hours_from <= here.time() < hours_until
