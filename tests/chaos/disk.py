"""A disk that is full for a while: for SQLite's processes no file grows, from PostgreSQL comes its own error."""

import resource
import threading
import time
from contextlib import suppress

import psycopg

from tests.chaos.processes import Processes
from tests.house import House

AGAIN_EVERY_SECONDS = 0.2  # processes started meanwhile meet the full disk as well
LOCK = 4711  # while the storm holds it, every writing statement is answered with "disk full"
NO_ROOM = f"""
CREATE FUNCTION public.no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock_shared({LOCK}) THEN
        RAISE EXCEPTION 'could not extend file: no space left on device' USING ERRCODE = 'disk_full';
    END IF;
    RETURN NULL;
END $$;
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT schemaname, tablename FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
    LOOP
        EXECUTE format('CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON %I.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION public.no_room()', one.schemaname, one.tablename);
    END LOOP;
END $$;
"""


class Disk:
    """The disk under a house's database."""

    def __init__(self, house: House, processes: Processes) -> None:
        self._processes = processes
        self._is_sqlite = house.engine.dialect.name == "sqlite"
        self._address = house.environ["DATABASE_URL"]
        if not self._is_sqlite:
            with psycopg.connect(self._address, autocommit=True) as server:
                server.execute(NO_ROOM.encode())

    def fill(self, seconds: float, stopping: threading.Event) -> None:
        """Be full for so long, or until the storm is over."""
        if self._is_sqlite:
            self._bound_files(seconds, stopping)
            return
        # Its restart ends the connection, and with it the lock: then there is room again.
        with suppress(psycopg.Error), psycopg.connect(self._address, autocommit=True) as server:
            server.execute(b"SELECT pg_advisory_lock(%d)" % LOCK)
            stopping.wait(seconds)

    def _bound_files(self, seconds: float, stopping: threading.Event) -> None:
        ends = time.monotonic() + seconds
        bounded: set[int] = set()
        while time.monotonic() < ends and not stopping.wait(AGAIN_EVERY_SECONDS):
            for pid in self._processes.pids():
                _bound(pid, 0)
                bounded.add(pid)
        for pid in bounded:
            _bound(pid, resource.RLIM_INFINITY)


def _bound(pid: int, most: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
