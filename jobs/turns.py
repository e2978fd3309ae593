"""Turns: when an account outside has no room for all, what people did goes first, then organisations take turns.

What waits for room waits in the database, with nothing under way for it. Each tick gives turns for the room there will
be until a little after the next one, so a backlog of thousands costs no more than what can go.
"""

import logging
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from domain.pace import longest, next_up, queue_of, room_until, turn_of
from jobs.attempt import WAITING, enqueue_next
from jobs.pace import paused_until
from jobs.workshop import Workshop
from store.accounts import (
    calls_by_organisation,
    calls_since,
    is_anybody_ahead,
    locked_account,
    queued_first,
    queues,
    turns_given,
)
from store.models import EffectRow

log = logging.getLogger(__name__)

# Turns are given for a little longer than a tick, so that room never goes unused for want of somebody to take it.
AHEAD = timedelta(seconds=20)
MOST_AT_ONCE = 200


def turns(workshop: Workshop) -> None:
    """Give turns to what waits for room, account by account."""
    for account in workshop.database.transact(queues):
        try:
            workshop.database.transact(partial(_give, workshop, account=account))
        except DBAPIError as error:
            log.warning("turns: %s: not this time: %s", account, type(error).__name__)


def _give(workshop: Workshop, session: Session, *, account: str) -> None:
    row, now = locked_account(session, account), workshop.real_now()  # locked: one clock at a time gives turns
    vendor = account.partition(":")[0]
    whole = workshop.pace("", vendor)  # nobody's in particular: what the account takes from all together
    if whole is None:
        return
    until, went_since = now + AHEAD, now - longest(whole.windows)
    rooms = room_until(
        calls_since(session, account, went_since),
        whole.windows,
        now=paused_until(row, now) or now,
        until=until,
        most=MOST_AT_ONCE,
    )
    given = turns_given(session, account)
    rooms = rooms[given.total() :]
    if not rooms:
        return
    queued = queued_first(session, account, each=len(rooms))
    own_places = {}
    for slug in {one.organisation for one in queued}:
        pace = workshop.pace(slug, vendor)
        if pace is not None and pace.own_windows:
            own = pace.own_room(session, account, until=until, most=given[slug] + len(rooms))
            own_places[slug] = max(0, own - given[slug])
    went = calls_by_organisation(session, account, went_since) + given
    for key, at in zip(next_up(queued, went, len(rooms), own_places), rooms, strict=False):
        effect = session.get_one(EffectRow, key, with_for_update=True)
        if effect.status in WAITING and effect.held_by == queue_of(account):
            enqueue_next(workshop, session, effect, key, at=at)
            effect.held_by = turn_of(account)


def room_for(workshop: Workshop, session: Session, row: EffectRow, account: str) -> datetime | None:
    """Say till when at least an effect has to wait for room; None when it may go now.

    Whoever has no turn yet goes behind those who wait; what a person did goes before what only comes round.
    """
    pace = workshop.pace(row.organisation, row.vendor)
    if pace is None:
        return None
    free = pace.room_at(session, account)
    if free > workshop.real_now():
        return free
    has_turn = row.held_by == turn_of(account)
    return None if has_turn or not is_anybody_ahead(session, account, kind=row.kind) else free
