"""Watches open proposals: reads each when it is due, one at a time, and writes back what is new.

Polling is the contract; a Loomio webhook only brings the next look forward. A look is claimed by moving it on, so two
workers do not look at once, and a look that does not work out comes round again.
"""

import logging
from datetime import timedelta
from functools import partial

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.pace import backoff
from domain.policy import Policy
from integrations.errors import PermanentError, TemporaryError
from jobs.repository import connected_loomio
from jobs.tickets import ticket_poll_seen
from jobs.workshop import Workshop
from store.models import ProposalRow

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=2)


def watch(workshop: Workshop) -> None:
    """Look at every proposal that is due; one that does not work out never stops the others."""
    for proposal_id, policy in workshop.database.transact(lambda session: _due(workshop, session)):
        key = workshop.database.transact(partial(_claim, workshop, proposal_id=proposal_id))
        if key is None:
            continue
        try:
            _look(workshop, policy, proposal_id, key)
        except (TemporaryError, PermanentError) as error:
            workshop.database.transact(partial(_in_vain, workshop, proposal_id=proposal_id, error=error))


def _due(workshop: Workshop, session: Session) -> list[tuple[int, Policy]]:
    rows = session.scalars(
        select(ProposalRow).where(ProposalRow.look_at <= workshop.now()).order_by(ProposalRow.look_at)
    )
    known = ((row.id, workshop.policies.get(row.organisation)) for row in rows)
    return [(row, policy) for row, policy in known if policy is not None]


def _claim(workshop: Workshop, session: Session, *, proposal_id: int) -> str | None:
    now = workshop.now()
    return session.scalar(
        update(ProposalRow)
        .where(ProposalRow.id == proposal_id, ProposalRow.look_at <= now)
        .values(look_at=now + CLAIM)
        .returning(ProposalRow.poll_key)
    )


def _look(workshop: Workshop, policy: Policy, proposal_id: int, key: str) -> None:
    poll = connected_loomio(workshop, policy.slug).poll(key)
    workshop.database.transact(
        lambda session: ticket_poll_seen(workshop, session, policy, session.get_one(ProposalRow, proposal_id), poll)
    )


def _in_vain(workshop: Workshop, session: Session, *, proposal_id: int, error: TemporaryError | PermanentError) -> None:
    row = session.get_one(ProposalRow, proposal_id)
    row.looks_in_vain += 1
    row.last_error = str(error)
    row.look_at = workshop.now() + backoff(row.looks_in_vain, first_seconds=30, most_seconds=3600)
    level = logging.WARNING if isinstance(error, PermanentError) and row.looks_in_vain == 1 else logging.INFO
    log.log(level, "watch proposal %s: %s; looking again at %s", row.poll_key, error, row.look_at.isoformat())
