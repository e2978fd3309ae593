"""The durable engine: work that outlives the process it started in.

A thin port over DBOS Transact on our own database; no other module imports it. `enqueue` takes part in the caller's
transaction, so a state change and the work it causes commit together. The truth lies in our own tables, so a fault of
the engine can only delay (docs/adr/0001, facts on the engine 2.4 and 3.3).

Two processes never share work: each worker has its own executor id, a lease row whose beat counts up, a fence that ends
the process when it could not beat, and a reaper that takes over the work of the silent. No wall clock is compared
between machines.
"""

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from config.clock import real_now
from store.database import Database, is_transient
from store.models import ExecutorRow

log = logging.getLogger(__name__)

APPLICATION = "trellis"
# DBOS neither recovers nor dequeues work of another version; its default is a hash of the sources, which would strand
# all work at every deployment. Ours is constant: a unit of work is one key, so its meaning never changes shape.
APPLICATION_VERSION = "1"
EXIT_FENCED = 70
EXIT_UNKNOWN_LEASE = 71
DRAIN_SECONDS = 8
FINISHED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A line of work. `side_by_side` units run at once in one worker; those of one partition always in turn."""

    name: str
    side_by_side: int


# Deliveries about one issue are handled in turn; what goes out, in turn per organisation and vendor.
QUEUES = (Queue(name="handle", side_by_side=4), Queue(name="perform", side_by_side=4))


@dataclass(frozen=True, kw_only=True)
class Lease:
    """How often a worker beats, when it stops itself, and when it is taken over; all in seconds, in this order."""

    beat_seconds: float
    fence_seconds: float
    takeover_seconds: float


class LeaseLostError(RuntimeError):
    """Raised just before an outgoing call when this worker may have been taken over already."""


class Intake:
    """Puts work on the queues from any process; it never runs any."""

    def __init__(self, database: Database) -> None:
        self._client = DBOSClient(
            system_database_engine=database.engine,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
            # In a web process a lost database has to become an answer the sender can act on, not a long wait.
            retry_connection_errors=False,
        )

    def enqueue(
        self, session: Session, kind: str, key: str, *, generation: int, partition: str, delay_seconds: float = 0
    ) -> None:
        """Have `kind` run for `key` once the caller's transaction has committed.

        The same kind, key and generation is the same work however often it is enqueued.
        """
        options: dict[str, Any] = {
            "workflow_name": kind,
            "queue_name": kind,
            "workflow_id": work_id(kind, key, generation),
            "app_version": APPLICATION_VERSION,
            "queue_partition_key": partition,
        }
        if delay_seconds > 0:
            options["delay_seconds"] = delay_seconds
        self._client.enqueue_in_transaction(session, options, key)  # type: ignore[arg-type]  # a TypedDict built in two steps

    def underway(self, ids: Iterable[str]) -> set[str]:
        """Give those of the work ids that wait or run; the others have ended or were never there."""
        wanted = list(ids)
        if not wanted:
            return set()
        found = self._client.list_workflows(workflow_ids=wanted, load_input=False, load_output=False)
        return {one.workflow_id for one in found if one.status not in FINISHED}

    def forget_finished(self, *, older_than_ms: int, most: int) -> int:
        """Delete the engine's records of work that ended before an instant; our tables remember what came of it."""
        ended = self._client.list_workflows(
            status=list(FINISHED),
            completed_before=_iso(older_than_ms),
            limit=most,
            load_input=False,
            load_output=False,
        )
        ids = [one.workflow_id for one in ended]
        if ids:
            self._client.delete_workflows(ids)
        return len(ids)


def _iso(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, tz=UTC).isoformat()


def work_id(kind: str, key: str, generation: int) -> str:
    """Name one generation of one unit of work."""
    return f"{kind}:{key}:{generation}"


def migrate(url: str) -> None:
    """Bring the engine's own tables up to date; ours are alembic's."""
    quiet_engine_log()
    DBOS.migrate(url)


def quiet_engine_log() -> None:
    """Keep the engine's chatter (and its advertisement for a hosted console) out of the log; warnings stay."""
    logging.getLogger("dbos").setLevel(logging.WARNING)


class Engine:
    """Runs the work of the queues in this process until `stop`. One per process: DBOS itself is a singleton."""

    def __init__(
        self,
        database: Database,
        kinds: Mapping[str, Callable[[str], None]],
        *,
        lease: Lease,
        poll_seconds: float,
    ) -> None:
        self._database = database
        self._lease = lease
        self._poll_seconds = poll_seconds
        self.executor_id = uuid.uuid4().hex  # a fixed id would make two processes do everything twice
        self._last_beat = time.monotonic()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._glance = Glance(database)
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_engine": database.engine,
            "application_version": APPLICATION_VERSION,
            "executor_id": self.executor_id,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "run_migrations": False,
            # Threads come from one pool; twice the queues' width leaves room for the engine's own.
            "max_executor_threads": 4 * sum(queue.side_by_side for queue in QUEUES),
        }
        quiet_engine_log()
        self._dbos = DBOS(config=config)
        for kind, function in kinds.items():
            _register(kind, function)

    def start(self) -> None:
        """Take out the lease, then take work."""
        self._database.transact(
            lambda session: session.execute(insert(ExecutorRow).values(id=self.executor_id, beat=0, beat_at=real_now()))
        )
        self._last_beat = time.monotonic()
        DBOS.launch()
        self._glance_first()
        for queue in QUEUES:
            DBOS.register_queue(
                queue.name,
                worker_concurrency=queue.side_by_side,
                partition_concurrency=1,
                polling_interval_sec=self._poll_seconds,
                on_conflict="always_update",
            )
        for target in (self._beat_loop, self._reap_loop):
            thread = threading.Thread(target=target, name=f"trellis-{target.__name__.strip('_')}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _glance_first(self) -> None:
        """Have the engine glance before it looks.

        Each second it asks what waits in each of its three queues, whose delay is over and whose time is up, with
        questions it puts together anew each time; idle, that was two thirds of what a worker took of the processor
        (docs/performance.md). A glance asks the same indexes with questions that are ready. The engine makes no promise
        for these methods (pinned `<4`); tests hold that work still comes, at once and after a delay.
        """
        system, glance = self._dbos._sys_db, self._glance
        scopes, transition = system.dequeue_scopes, system.transition_delayed_workflows
        cancel = system.cancel_timed_out_workflows

        def dequeue_scopes(queue_name: str) -> list[str | None]:
            return scopes(queue_name) if glance.is_enqueued(queue_name) else []

        def transition_delayed_workflows() -> None:
            if glance.is_delay_over():
                transition()

        def cancel_timed_out_workflows(limit: int) -> list[str]:
            return cancel(limit) if glance.is_time_up() else []

        system.dequeue_scopes = dequeue_scopes  # type: ignore[method-assign]
        system.transition_delayed_workflows = transition_delayed_workflows  # type: ignore[method-assign]
        system.cancel_timed_out_workflows = cancel_timed_out_workflows  # type: ignore[method-assign]

    def stop(self) -> None:
        """Take no more work, let what runs come to its end, and give the lease back so others need not wait."""
        DBOS.destroy(workflow_completion_timeout_sec=DRAIN_SECONDS)
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self._database.transact(
            lambda session: session.execute(delete(ExecutorRow).where(ExecutorRow.id == self.executor_id))
        )

    def check_lease(self) -> None:
        """Refuse an outgoing call when this process may have been taken over while it slept.

        Raises LeaseLostError.
        """
        if time.monotonic() - self._last_beat > self._lease.fence_seconds:
            raise LeaseLostError("this worker could not renew its lease in time")

    def _beat_loop(self) -> None:
        while not self._stopping.wait(self._lease.beat_seconds):
            self._beat()
            if time.monotonic() - self._last_beat > self._lease.fence_seconds:
                log.critical("fenced: no beat for %g s, this worker ends itself", self._lease.fence_seconds)
                os._exit(EXIT_FENCED)

    def _beat(self) -> None:
        started = time.monotonic()
        beat = (
            update(ExecutorRow)
            .where(ExecutorRow.id == self.executor_id)
            .values(beat=ExecutorRow.beat + 1, beat_at=real_now())
            .returning(ExecutorRow.beat)
        )
        try:
            alive = self._database.transact(lambda session: session.scalar(beat))
        except DBAPIError as error:
            log.warning("no beat: %s", type(error).__name__)
            return
        if alive is None and not self._stopping.is_set():
            log.critical("this worker was taken over and ends itself")
            os._exit(EXIT_UNKNOWN_LEASE)
        self._last_beat = started  # the moment we asked, not the moment the answer came: the careful side

    def _reap_loop(self) -> None:
        seen: dict[str, tuple[int, float]] = {}
        while not self._stopping.wait(self._lease.beat_seconds):
            try:
                seen = self._reap(seen)
            except Exception:
                log.exception("reaping did not work this time; the next round tries again")

    def _reap(self, seen: dict[str, tuple[int, float]]) -> dict[str, tuple[int, float]]:
        """Take over from workers whose beat stood still on our own clock, and from those without a lease."""
        now = time.monotonic()
        beats = self._database.transact(
            lambda session: dict(session.execute(select(ExecutorRow.id, ExecutorRow.beat)).tuples().all())
        )
        fresh: dict[str, tuple[int, float]] = {}
        for executor, beat in beats.items():
            known = seen.get(executor)
            fresh[executor] = known if known is not None and known[0] == beat else (beat, now)
            if executor != self.executor_id and now - fresh[executor][1] > self._lease.takeover_seconds:
                log.warning("taking over from worker %s, silent for %g s", executor, now - fresh[executor][1])
                self._forget(executor, beat)
                del fresh[executor]
        gone = self._glance.busy_executors() - set(fresh)
        # Leases are read again, and after the work: a worker that has only just begun has its lease before any work.
        for executor in gone - set(self._leases()) if gone else gone:
            # The underscored method only re-enqueues what that executor still holds, so repeating it is harmless.
            DBOS._recover_pending_workflows([executor])
        return fresh

    def _forget(self, executor: str, beat: int) -> None:
        gone = delete(ExecutorRow).where(ExecutorRow.id == executor, ExecutorRow.beat == beat)
        self._database.transact(lambda session: session.execute(gone))

    def _leases(self) -> list[str]:
        return list(self._database.transact(lambda session: session.scalars(select(ExecutorRow.id)).all()))


class Glance:
    """Looks into the engine's table of work without a transaction; what is to be done about it the engine decides."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self._table = "workflow_status" if self._engine.dialect.name == "sqlite" else "dbos.workflow_status"

    def is_enqueued(self, queue_name: str) -> bool:
        """Say whether anything waits in a queue."""
        return bool(self._ask(f"queue_name = '{queue_name}' AND status = 'ENQUEUED' LIMIT 1"))

    def is_delay_over(self) -> bool:
        """Say whether the delay of something is over, by the clock the engine goes by."""
        return bool(self._ask(f"status = 'DELAYED' AND delay_until_epoch_ms <= {int(time.time() * 1000)} LIMIT 1"))

    def is_time_up(self) -> bool:
        """Say whether something has a deadline that has passed; nothing of ours has any."""
        waits = "status IN ('ENQUEUED', 'PENDING', 'DELAYED') AND workflow_deadline_epoch_ms IS NOT NULL"
        return bool(self._ask(f"{waits} AND workflow_deadline_epoch_ms <= {int(time.time() * 1000)} LIMIT 1"))

    def busy_executors(self) -> set[str]:
        """Give who has work under way."""
        return {one for one in self._ask("status = 'PENDING'") if one}

    def _ask(self, what: str) -> list[str | None]:
        # Queue names are the engine's and ours; nothing of anybody else's gets here.
        question = f"SELECT executor_id FROM {self._table} WHERE {what}"  # noqa: S608
        with closing(self._engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(question)
            return [row[0] for row in cursor.fetchall()]


def _register(kind: str, function: Callable[[str], None]) -> None:
    """Make a workflow of one step; only a database's bad moment repeats the step, the ledger makes that harmless."""

    def retry(error: BaseException) -> bool:
        return is_transient(error)

    step = DBOS.step(
        name=f"{kind} once",
        retries_allowed=True,
        interval_seconds=0.5,
        max_attempts=8,
        backoff_rate=2,
        should_retry=retry,
    )(function)

    def workflow(key: str) -> None:
        step(key)

    workflow.__qualname__ = workflow.__name__ = kind
    DBOS.workflow(name=kind)(workflow)


def is_reachable(database: Database) -> bool:
    """Say whether the database answers."""
    try:
        database.transact(lambda session: session.execute(text("SELECT 1")))
    except SQLAlchemyError:  # the database's own errors, and a pool with nothing left to give
        return False
    return True
