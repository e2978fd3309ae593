"""The database: one engine for our tables and the durable engine's, and transactions that survive a busy moment.

SQLite waits for its turn instead of failing: `busy_timeout` comes first, then WAL, because the other order made two
processes stumble over each other at start (facts on the engine, 2.4). Transactions begin IMMEDIATE, since a transaction
that starts reading and then writes cannot wait. On PostgreSQL ours are REPEATABLE READ: whoever would write over a row
that changed since they read it begins again, where READ COMMITTED would lose the other's change without a word.
"""

import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.url import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

T = TypeVar("T")

BEGIN = "BEGIN IMMEDIATE"
BUSY_TIMEOUT_MS = 30_000
IDLE_TRANSACTION_MS = 20_000
SILENT_SERVER_MS = 20_000
TRIES = 8
FIRST_WAIT_SECONDS = 0.05


def make_engine(url: str) -> Engine:
    """Make the engine for a database address; the folder of a SQLite file is made when it is missing."""
    if not url.startswith("sqlite"):
        # A process that is frozen inside a transaction gives its locks back when PostgreSQL ends the transaction.
        options = f"-c idle_in_transaction_session_timeout={IDLE_TRANSACTION_MS}"
        # A connection that a firewall forgot or whose server has gone fails then, and not after the system's quarter of
        # an hour: a worker's glances all go by one (jobs/durable.py).
        arguments = {"options": options, "tcp_user_timeout": SILENT_SERVER_MS}
        return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20, connect_args=arguments)
    file = make_url(url).database
    if file:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"check_same_thread": False}, pool_size=20, max_overflow=30)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, below
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # Straight to the driver: by SQLAlchemy's own way it was a tenth of what a small transaction costs. Its error is
        # then the driver's own, which nobody would take for the database's.
        try:
            connection.connection.driver_connection.execute(BEGIN)
        except engine.dialect.loaded_dbapi.Error as error:
            raise OperationalError(BEGIN, None, error) from error

    return engine


def is_transient(error: BaseException) -> bool:
    """Say whether a database error goes away by itself: a lock, a restart, a lost connection, two writers at once."""
    if isinstance(error, IntegrityError):
        return True  # two transactions met in a unique key; the second decides anew on what the first left
    if not isinstance(error, DBAPIError):
        return False
    text = str(error.orig).casefold()
    state = getattr(error.orig, "sqlstate", None) or ""
    return (
        error.connection_invalidated
        or "locked" in text
        or "busy" in text
        or state.startswith(("08", "40", "57"))
        or "connection" in text
        or "server closed" in text
    )


class Database:
    """Runs functions in transactions; a function may run more than once, so it does nothing but read and write rows."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # The same pool as the durable engine's, which goes on with the isolation it was written for.
        self._ours = (
            engine if engine.dialect.name == "sqlite" else engine.execution_options(isolation_level="REPEATABLE READ")
        )
        # Several writer threads of one process starve each other in SQLite's busy handler; a lock of our own cut the
        # slowest answers from a second to a tenth (facts on the engine, section 5).
        self._turn: AbstractContextManager[object] = (
            threading.Lock() if engine.dialect.name == "sqlite" else nullcontext()
        )

    def transact(self, work: Callable[[Session], T]) -> T:
        """Run `work` in one transaction and commit, again when the database was busy or two writers met.

        Raises the database's own error when it does not go away within the tries, or has been waited for long enough.
        """
        ends = time.monotonic() + BUSY_TIMEOUT_MS / 1000
        for attempt in range(TRIES):
            try:
                with self._turn, Session(self._ours, expire_on_commit=False) as session, session.begin():
                    return work(session)
            except DBAPIError as error:
                if attempt + 1 == TRIES or not is_transient(error) or time.monotonic() > ends:
                    raise
                # Waits differ, so that two who met do not meet again.
                time.sleep(FIRST_WAIT_SECONDS * 2**attempt * (0.5 + random.random()))  # noqa: S311 - not a secret
        raise AssertionError("unreachable: the last try returns or raises")

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()
