"""Sweep: finds rows that wait although nothing is under way for them, and has them attempted again.

The engine ends work for ever when an unforeseen error leaves it; with this, no fault of the engine can do more than
delay (facts on the engine, 2.4 and 3.6).
"""

import logging
from datetime import timedelta
from functools import partial

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from jobs.attempt import KIND_OF, WAITING, enqueue_next
from jobs.durable import work_id
from jobs.workshop import Workshop
from store.accounts import not_queued
from store.models import DeliveryRow, EffectRow, WaitingRow

log = logging.getLogger(__name__)

AT_ONCE = 200
# Work that was due this long ago should be under way; anything younger may still be on its way to a worker.
OVERLOOKED_AFTER = timedelta(seconds=10)
LONGEST_IN_QUEUE = timedelta(hours=1)


def sweep(workshop: Workshop) -> None:
    """Find what was left behind and enqueue it once more."""
    for table in (DeliveryRow, EffectRow):
        found = workshop.database.transact(partial(_waiting, workshop, table=table))
        ids = {work_id(KIND_OF[table], key, generation): (key, generation) for key, generation in found}
        left = set(ids) - workshop.intake.underway(ids)
        for one in sorted(left):
            key, generation = ids[one]
            workshop.database.transact(partial(_again, workshop, table=table, key=key, generation=generation))


def _waiting(workshop: Workshop, session: Session, *, table: type[WaitingRow]) -> list[tuple[str, int]]:
    due = workshop.real_now() - OVERLOOKED_AFTER
    # Whoever waits for an account's room has nothing under way on purpose, until it gets its turn. After an hour it is
    # tried all the same: its account may be another by now, because there is another token.
    waits = or_(not_queued(table), table.not_before < workshop.real_now() - LONGEST_IN_QUEUE)
    wanted = (table.status.in_(WAITING), table.not_before < due, waits)
    rows = session.scalars(select(table).where(*wanted).order_by(table.not_before).limit(AT_ONCE))
    return [(_key(row), row.generation) for row in rows]


def _key(row: WaitingRow) -> str:
    match row:
        case DeliveryRow():
            return row.id
        case EffectRow():
            return row.key
        case _:
            raise TypeError(f"no key for {type(row).__name__}")


def _again(workshop: Workshop, session: Session, *, table: type[WaitingRow], key: str, generation: int) -> None:
    row = session.get(table, key, with_for_update=True)
    if row is None or row.status not in WAITING or row.generation != generation:
        return  # somebody was quicker
    log.info("%s %s: nothing was under way for it; enqueued again", KIND_OF[table], key)
    row.held_by = None
    enqueue_next(workshop, session, row, key, at=workshop.real_now())
