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
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from config.clock import real_now
from store.database import Database, is_transient
from store.models import ExecutorRow

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

APPLICATION = "trellis"
# DBOS neither recovers nor dequeues work of another version; its default is a hash of the sources, which would strand
# all work at every deployment. Ours is constant: a unit of work is one key, so its meaning never changes shape.
APPLICATION_VERSION = "1"
EXIT_FENCED = 70
EXIT_UNKNOWN_LEASE = 71
DRAIN_SECONDS = 8
SETTINGS_SECONDS = 60.0
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
            # On PostgreSQL a thread looks for what workflows tell each other, by default a hundred times a second. Ours
            # tell each other nothing. More than a second would hold up the end of the worker.
            "notification_coalesce_sec": 1.0,
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
        self._remember_settings()
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
        scopes, lock = system.dequeue_scopes, system.background_job_lock

        def dequeue_scopes(queue_name: str) -> list[str | None]:
            return scopes(queue_name) if glance.is_enqueued(queue_name) else []

        @contextmanager
        def background_job_lock(job_name: str) -> Iterator[bool]:
            # Delays and deadlines are the only jobs. Whoever has the lock (PostgreSQL's; SQLite has none) does them for
            # all and keeps a transaction open for a second, so it is taken only when there is something to do.
            if not glance.is_time_up():
                yield False
                return
            with lock(job_name) as is_ours:
                yield is_ours

        system.dequeue_scopes = dequeue_scopes  # type: ignore[method-assign]
        system.background_job_lock = background_job_lock  # type: ignore[method-assign]

    def _remember_settings(self) -> None:
        """Have the engine read its queues' settings and its schedules once a minute, and not at each poll.

        Settings change only when a worker starts that has others, as at a deployment; schedules we have none.
        """
        system = self._dbos._sys_db
        for name in ("get_queue", "list_queues", "list_schedules"):
            setattr(system, name, remembered(getattr(system, name), SETTINGS_SECONDS))

    def stop(self) -> None:
        """Take no more work, let what runs come to its end, and give the lease back so others need not wait."""
        DBOS.destroy(workflow_completion_timeout_sec=DRAIN_SECONDS)
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self._glance.close()
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
        beats = self._glance.beats()
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
    """Looks into the engine's table of work and ours of leases; what is to be done about it others decide.

    It keeps one connection, on which each question is one round trip: from the pool it would be four on PostgreSQL, for
    the pool asks whether the connection still stands, and each question would be a transaction.
    """

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        table = "workflow_status" if self._engine.dialect.name == "sqlite" else "dbos.workflow_status"
        self._work = f"SELECT executor_id FROM {table} WHERE"  # noqa: S608
        self._turn = threading.Lock()
        self._connection: Any = None  # the driver's own, sqlite3's or psycopg's

    def is_enqueued(self, queue_name: str) -> bool:
        """Say whether anything waits in a queue."""
        return bool(self._ask(f"{self._work} queue_name = '{queue_name}' AND status = 'ENQUEUED' LIMIT 1"))

    def is_time_up(self) -> bool:
        """Say whether a delay is over or a deadline has passed, by the clock the engine goes by.

        Nothing of ours has a deadline.
        """
        now = int(time.time() * 1000)
        delayed = f"{self._work} status = 'DELAYED' AND delay_until_epoch_ms <= {now}"
        waits = f"{self._work} status IN ('ENQUEUED', 'PENDING', 'DELAYED') AND workflow_deadline_epoch_ms IS NOT NULL"
        return bool(self._ask(f"{delayed} UNION ALL {waits} AND workflow_deadline_epoch_ms <= {now} LIMIT 1"))

    def busy_executors(self) -> set[str]:
        """Give who has work under way."""
        return {executor for (executor,) in self._ask(f"{self._work} status = 'PENDING'") if executor}

    def beats(self) -> dict[str, int]:
        """Give every worker's beat; its lease is a table of ours."""
        return dict(self._ask(f"SELECT id, beat FROM {ExecutorRow.__tablename__}"))  # noqa: S608

    def close(self) -> None:
        """Give the connection back to the database; whoever glances once more opens another."""
        with self._turn:
            self._let_go()

    def _ask(self, question: str) -> list[Any]:
        # What stands in a question is the engine's and ours; nothing of anybody else's gets here.
        with self._turn:
            if self._connection is not None:
                try:
                    return self._answer(question)
                except self._driver_error:
                    self._let_go()  # it may only have been lost since the last glance, as when the database restarted
            self._connect()
            try:
                return self._answer(question)
            except self._driver_error:
                self._let_go()
                raise

    def _answer(self, question: str) -> list[Any]:
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(question)
            found: list[Any] = cursor.fetchall()
            return found

    @property
    def _driver_error(self) -> type[Exception]:
        error: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        return error

    def _connect(self) -> None:
        pooled = self._engine.raw_connection()
        self._connection = pooled.dbapi_connection
        pooled.detach()
        # No transaction is left open between two glances. On SQLite ours begin none by themselves (store/database.py).
        if self._engine.dialect.name != "sqlite":
            self._connection.autocommit = True

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(self._driver_error):
                connection.close()


def remembered(ask: Callable[P, T], seconds: float) -> Callable[P, T]:
    """Make a question that gives the answer it got last, unless that is older than some seconds."""
    answers: dict[object, tuple[float, T]] = {}

    def answer(*args: P.args, **kwargs: P.kwargs) -> T:
        question = (args, tuple(sorted(kwargs.items())))
        known = answers.get(question)
        if known is None or time.monotonic() - known[0] > seconds:
            known = answers[question] = (time.monotonic(), ask(*args, **kwargs))
        return known[1]

    return answer


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
