"""Watches open proposals: reads each when it is due, one at a time, and writes back what is new.

Polling is the contract; a Loomio webhook only brings the next look forward. A look is claimed by moving it on, so two
workers do not look at once, and a look that does not work out comes round again. A hint that comes while a look is
under way may tell of something that look has not seen: it stands, and the proposal is looked at again. For the same
reason everything a look says is as of the instant it was asked, not the instant its answer came.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.pace import backoff
from domain.policy import Policy
from domain.proposals import NOT_CLOSED, Poll, read
from integrations.errors import PacedError, PermanentError, TemporaryError
from jobs.repository import connected_loomio
from jobs.ticket_votes import ticket_poll_seen
from jobs.workshop import Workshop
from store.models import ProposalRow

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=2)


def watch(workshop: Workshop) -> None:
    """Look at every proposal that is due; one that does not work out never stops the others."""
    for proposal_id, policy in workshop.database.transact(lambda session: _due(workshop, session)):
        asked_at = workshop.now()
        claimed_until = asked_at + CLAIM
        key = workshop.database.transact(partial(_claim, proposal_id=proposal_id, now=asked_at, until=claimed_until))
        if key is None:
            continue
        try:
            poll = connected_loomio(workshop, policy.slug).poll(key)
        except (TemporaryError, PermanentError) as error:
            looked = partial(_in_vain, workshop, error=error, asked_at=asked_at)
        else:
            looked = partial(_seen, workshop, policy=policy, poll=poll, asked_at=asked_at)
        workshop.database.transact(partial(_after, look=looked, proposal_id=proposal_id, claimed_until=claimed_until))


def _due(workshop: Workshop, session: Session) -> list[tuple[int, Policy]]:
    rows = session.scalars(
        select(ProposalRow).where(ProposalRow.look_at <= workshop.now()).order_by(ProposalRow.look_at)
    )
    known = ((row.id, workshop.policies.get(row.organisation)) for row in rows)
    return [(row, policy) for row, policy in known if policy is not None]


def _claim(session: Session, *, proposal_id: int, now: datetime, until: datetime) -> str | None:
    return session.scalar(
        update(ProposalRow)
        .where(ProposalRow.id == proposal_id, ProposalRow.look_at <= now)
        # Looked at from here on, even if it comes to nothing: hints never make for more than one look in their gap.
        .values(look_at=until, looked_at=now)
        .returning(ProposalRow.poll_key)
    )


def _after(
    session: Session, *, look: Callable[[Session, ProposalRow], None], proposal_id: int, claimed_until: datetime
) -> None:
    """Keep what a look found, and the earlier next look that somebody asked for while it was under way."""
    row = session.get_one(ProposalRow, proposal_id)
    meanwhile = row.look_at
    look(session, row)
    if meanwhile is not None and meanwhile < claimed_until and row.look_at is not None:
        row.look_at = min(row.look_at, meanwhile)


def _seen(
    workshop: Workshop, session: Session, row: ProposalRow, *, policy: Policy, poll: Poll, asked_at: datetime
) -> None:
    said_before = row.last_error
    ticket_poll_seen(workshop, session, policy, row, poll, asked_at=asked_at)
    if policy.loomio is not None and read(poll, policy.loomio, now=asked_at).rule == NOT_CLOSED:
        row.last_error = (
            f"voting ended at {poll.closing_at:%Y-%m-%d %H:%M} UTC and Loomio has not closed it. Does its hourly job "
            "run? Until it does, nothing is counted"
        )
        if row.last_error != said_before:
            log.warning("watch proposal %s: %s", row.poll_key, row.last_error)


def _in_vain(
    workshop: Workshop, _: Session, row: ProposalRow, *, error: TemporaryError | PermanentError, asked_at: datetime
) -> None:
    if isinstance(error, PacedError):  # nothing is amiss: there is no room with Loomio before that
        row.look_at = asked_at + max(error.room_at - workshop.real_now(), timedelta())
        return
    row.looks_in_vain += 1
    row.last_error = str(error)
    wait = backoff(row.looks_in_vain, first_seconds=30, most_seconds=3600)
    if isinstance(error, TemporaryError) and error.retry_at is not None:
        wait = max(wait, error.retry_at - workshop.real_now())  # Loomio's own wish
    row.look_at = asked_at + wait
    level = logging.WARNING if isinstance(error, PermanentError) and row.looks_in_vain == 1 else logging.INFO
    log.log(level, "watch proposal %s: %s; looking again at %s", row.poll_key, error, row.look_at.isoformat())
