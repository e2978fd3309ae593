"""One attempt at a row's work, and what the row remembers of it: done, later, or parked for a person to look at.

Deliveries and effects share this: a row waits (`stored`, `planned`, `sending`), a unit of work attempts it, and the
row's generation names the work that may attempt it next. "Later" enqueues the next generation with its delay in the
same transaction, so nothing sleeps in a worker; the sweep finds whatever was left behind.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.errors import ConfigError
from config.logs import about
from domain.pace import backoff, queue_of
from domain.trouble import MEANING, Meaning, held_by
from integrations.errors import PacedError, PermanentError, TemporaryError
from jobs.durable import LeaseLostError
from jobs.workshop import Workshop
from store.database import is_transient
from store.models import DeliveryRow, EffectRow, WaitingRow

log = logging.getLogger(__name__)

KIND_OF: dict[type[WaitingRow], str] = {DeliveryRow: "handle", EffectRow: "perform"}
WAITING = ("stored", "planned", "sending")
MOST_ATTEMPTS = 120  # with the backoff's ceiling of a quarter of an hour: more than a day
LONGEST_HELD_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The attempt wrote its result itself."""


@dataclass(frozen=True, kw_only=True)
class Later:
    """Try again at an instant (aware UTC, real time). `counts` says whether it used up one of the attempts."""

    at: datetime
    why: str
    counts: bool = True


@dataclass(frozen=True, kw_only=True)
class Park:
    """Leave it for a person."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Held:
    """Wait until something outside is over, however long that takes; meanwhile look now and then, at most hourly."""

    by: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Wait until an account outside has room, which is not before an instant; `jobs/turns.py` gives the turn."""

    account: str
    at: datetime
    why: str


@dataclass(frozen=True, kw_only=True)
class LetGo:
    """There is nothing left to do it to; nobody has to look."""

    why: str


Outcome = Finished | Later | Park | Held | Queue | LetGo


def attempt(workshop: Workshop, table: type[WaitingRow], key: str, work: Callable[[], Outcome]) -> None:
    """Run one attempt and write down what came of it, so that a bad row never stops the others."""
    with _named(workshop, table, key):
        _attempt(workshop, table, key, work)


def _named(workshop: Workshop, table: type[WaitingRow], key: str) -> AbstractContextManager[None]:
    """Have every line of the log say what it concerns; a delivery's organisation is not known before it is read."""
    if table is not EffectRow:
        return about(delivery=key)
    wanted = select(EffectRow.organisation).where(EffectRow.key == key)
    return about(effect=key, organisation=workshop.database.transact(lambda session: session.scalar(wanted)))


def _attempt(workshop: Workshop, table: type[WaitingRow], key: str, work: Callable[[], Outcome]) -> None:
    try:
        outcome = work()
    except PacedError as error:
        outcome = _in_turn(table, error)
    except TemporaryError as error:
        outcome = Later(at=error.retry_at or workshop.real_now(), why=str(error))
    except PermanentError as error:
        outcome = _unless_outside(error)
    except ConfigError as error:
        outcome = Park(why=str(error))
    except LeaseLostError:
        log.warning("%s %s: lease lost before the call; whoever took over goes on", KIND_OF[table], key)
        return
    except Exception as error:
        if is_transient(error):
            raise  # a database's bad moment: the engine repeats the step
        # The one place for the unforeseen: loud in the log, and the row waits its turn like any other.
        log.exception("%s %s: went wrong in a way nobody thought of", KIND_OF[table], key)
        outcome = Later(at=workshop.real_now(), why=f"{type(error).__name__}: see the log")
    if not isinstance(outcome, Finished):
        workshop.database.transact(lambda session: _write_down(workshop, session, table, key, outcome))


def _unless_outside(error: PermanentError) -> Outcome:
    """Park what only a person can put right here; what something outside keeps up waits for that to end."""
    meaning = MEANING[error.trouble] if error.trouble is not None else None
    if error.trouble is not None and meaning is Meaning.WAITS:
        return Held(by=held_by(error.trouble, error.about), why=str(error))
    return LetGo(why=str(error)) if meaning is Meaning.IS_LET_GO else Park(why=str(error))


def _in_turn(table: type[WaitingRow], error: PacedError) -> Outcome:
    """Have what goes out wait in its account's queue; what came in only reads, and comes back when there is room."""
    if table is EffectRow:
        return Queue(account=error.account, at=error.room_at, why=str(error))
    return Later(at=error.room_at, why=str(error), counts=False)


def _write_down(
    workshop: Workshop,
    session: Session,
    table: type[WaitingRow],
    key: str,
    outcome: Later | Park | Held | Queue | LetGo,
) -> None:
    row = session.get(table, key, with_for_update=True)
    if row is None or row.status not in WAITING:
        return
    row.last_error, row.held_by = outcome.why[:500], None
    match outcome:
        case LetGo(why=why):
            row.status = "not needed" if table is EffectRow else "ignored"
            log.info("%s %s: let go: %s", KIND_OF[table], key, why)
        case Held(by=by, why=why):
            # Counted for the growing distance only: waiting for something outside never uses attempts up.
            row.held_by, row.attempts = by, min(row.attempts + 1, MOST_ATTEMPTS // 2)
            wait = backoff(row.attempts, first_seconds=workshop.pacing.retry_seconds, most_seconds=LONGEST_HELD_SECONDS)
            enqueue_next(workshop, session, row, key, at=workshop.real_now() + wait)
            log.info("%s %s: waits for what is outside (%s): %s", KIND_OF[table], key, by, why)
        case Queue(account=account, at=at, why=why):
            # Nothing is enqueued: work that waits for room would only wake to find none.
            row.held_by, row.generation, row.not_before = queue_of(account), row.generation + 1, at
            log.info("%s %s: waits for room: %s", KIND_OF[table], key, why)
        case Park(why=why):
            park(row, key, why)
        case Later(at=at, counts=counts):
            row.attempts += counts
            if row.attempts >= MOST_ATTEMPTS:
                park(row, key, f"{outcome.why} (after {row.attempts} attempts)")
                return
            wait = backoff(row.attempts, first_seconds=workshop.pacing.retry_seconds)
            earliest = workshop.real_now() + wait if counts else workshop.real_now()
            enqueue_next(workshop, session, row, key, at=max(at, earliest))
            log.info("%s %s: later, at %s: %s", KIND_OF[table], key, row.not_before.isoformat(), outcome.why)


def park(row: WaitingRow, key: str, why: str) -> None:
    """Leave a row for a person, told once in the log; `flask doctor` lists what is parked."""
    row.status = "parked"
    row.last_error = why[:500]
    log.warning("%s %s: parked, somebody should look: %s", KIND_OF[type(row)], key, why)


def let_go_on(workshop: Workshop, session: Session, by: str, organisation: str) -> int:
    """Have everything attempted now that waited for something outside which is over; say how much it was.

    Deliveries do not know their organisation; one of another that wakes too early only waits once more. What somebody
    else holds is being attempted already.
    """
    waits = (EffectRow.held_by == by, EffectRow.status.in_(WAITING), EffectRow.organisation == organisation)
    effects = [
        (row, row.key) for row in session.scalars(select(EffectRow).where(*waits).with_for_update(skip_locked=True))
    ]
    stored = (DeliveryRow.held_by == by, DeliveryRow.status.in_(WAITING))
    deliveries = [
        (row, row.id) for row in session.scalars(select(DeliveryRow).where(*stored).with_for_update(skip_locked=True))
    ]
    for row, key in (*effects, *deliveries):
        row.held_by, row.attempts = None, 0
        enqueue_next(workshop, session, row, key, at=workshop.real_now())
    return len(effects) + len(deliveries)


def enqueue_next(workshop: Workshop, session: Session, row: WaitingRow, key: str, *, at: datetime) -> None:
    """Name the next generation of a row's work and have it run at an instant."""
    row.generation += 1
    row.not_before = at
    workshop.intake.enqueue(
        session,
        KIND_OF[type(row)],
        key,
        generation=row.generation,
        partition=partition_of(row),
        delay_seconds=max(0.0, (at - workshop.real_now()).total_seconds()),
    )


def partition_of(row: WaitingRow) -> str:
    """Name the line a row waits in: deliveries by what they concern, effects by organisation and vendor."""
    match row:
        case DeliveryRow():
            return row.about
        case EffectRow():
            return f"{row.organisation}:{row.vendor}"
        case _:
            raise TypeError(f"no line for {type(row).__name__}")
