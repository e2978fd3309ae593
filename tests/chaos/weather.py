"""What goes wrong, seeded: faults of every call and delivery, and what befalls processes, database, clock and keys."""

import heapq
import os
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.clocks import Clocks
from tests.chaos.disk import Disk
from tests.chaos.processes import Processes
from tests.house import ROOT, House

# Chances per call. `{call}` stands for as long as Trellis waits for an answer.
ON_ANY = (
    ("before_500", 0.02, 0.0), ("before_503", 0.005, 0.0), ("after_502", 0.02, 0.0), ("reset_before", 0.015, 0.0),
    ("reset_after", 0.015, 0.0), ("garbage_after", 0.005, 0.0), ("before_hang", 0.004, 1.3), ("after_hang", 0.004, 1.3),
    ("slow", 0.03, 0.1), ("slow", 0.01, 0.5), ("slow", 0.004, 1.2),
)  # fmt: skip
LISTS = r"/(issues|comments|discussions|polls|items)$"


def sky(call_seconds: float) -> list[dict[str, Any]]:
    """Give the faults of every call, with their chances."""
    faults: list[dict[str, Any]] = [
        {"side": side, "fault": fault, "chance": chance, "seconds": share * call_seconds}
        for side in ("github", "loomio", "chat")
        for fault, chance, share in ON_ANY
    ]
    faults += [
        {"side": "github", "fault": "limit_403", "chance": 0.006, "retry_after": 1},
        {"side": "github", "fault": "limit_429", "chance": 0.004, "retry_after": 1},
        {"side": "github", "fault": "limit_403", "chance": 0.002, "retry_after": 2, "primary": True},
        {"side": "github", "fault": "limit_403", "chance": 0.0001},
        {"side": "github", "fault": "limit_429", "chance": 0.0001},
        {"side": "loomio", "fault": "limit_429", "chance": 0.01, "retry_after": 1},
        {"side": "github", "fault": "redirect_301", "method": "GET", "path": "^/repos", "chance": 0.01},
        {"side": "github", "fault": "redirect_307", "path": "^/repos", "chance": 0.005},
        {"side": "github", "fault": "drop_labels", "method": "POST", "path": r"/issues(/\d+/labels)?$", "chance": 0.05},
        {"side": "github", "fault": "drop_assignees", "method": "POST", "path": r"/issues$", "chance": 0.05},
    ]
    faults += [
        {"side": side, "fault": "list_lag", "method": "GET", "path": LISTS, "chance": 0.05, "seconds": call_seconds}
        for side in ("github", "loomio")
    ]
    faults += [
        {"side": "mail", "fault": fault, "chance": 0.03, "seconds": 1.3 * call_seconds}
        for fault in ("greylist_451", "reset_early", "reset_before", "reset_after", "before_hang", "after_hang")
    ]
    return faults


def sky_without_long_pauses(call_seconds: float) -> list[dict[str, Any]]:
    """Give the same without what makes everybody wait for a minute or more: a limit that names no length."""
    return [one for one in sky(call_seconds) if not one["fault"].startswith("limit_") or "retry_after" in one]


ON_THE_WAY = {"doubled": 0.1, "reordered": 0.15, "delayed": 0.08, "missing": 0.04, "forgotten": 0.02}


@dataclass(frozen=True, kw_only=True)
class Often:
    """Every how many seconds things happen, on the average; 0 is never."""

    kill: float = 4.0
    stop: float = 40.0
    pause: float = 20.0
    restart: float = 25.0
    read_only: float = 60.0
    disk_full: float = 60.0
    clock: float = 30.0
    hours: float = 5.0
    github_key: float = 60.0
    loomio_key: float = 90.0


class Storm:
    """Everything that befalls a house beside its calls; `run` for a while, then it is calm again."""

    def __init__(
        self,
        house: House,
        processes: Processes,
        clocks: Clocks,
        *,
        seed: int,
        pause_seconds: float,
        server: Path | None,
    ) -> None:
        """`server` is the folder of a PostgreSQL that may be restarted."""
        self.happened: Counter[str] = Counter()
        self._house = house
        self._processes = processes
        self._clocks = clocks
        self._disk = Disk(house, processes)
        self._seconds = 0.0  # how long it takes until the day is over
        self._chance = random.Random(seed)
        self._pause_seconds = pause_seconds
        self._server = server
        self._stopping = threading.Event()
        self._at_the_server = threading.Lock()

    def run(self, seconds: float, often: Often) -> None:
        """Let it rage for a while; the day begins with the storm in which hours pass."""
        self._stopping.clear()
        if often.hours:
            self._seconds = seconds
            self._clocks.begin()
        acts: dict[Callable[[], None], float] = {
            self._kill: often.kill,
            self._stop: often.stop,
            self._pause: often.pause,
            self._restart: often.restart if self._server else 0,
            self._read_only: often.read_only if self._server or self._is_sqlite() else 0,
            self._disk_full: often.disk_full,
            self._move_clock: often.clock,
            self._pass_hours: often.hours,
            self._refuse_token: often.github_key,
            self._change_key: often.loomio_key,
        }
        ends = time.monotonic() + seconds
        waiting = [(self._next(mean), n, act) for n, (act, mean) in enumerate(acts.items()) if mean]
        heapq.heapify(waiting)
        lasting: list[threading.Thread] = []
        while waiting and waiting[0][0] < ends:
            at, n, act = heapq.heappop(waiting)
            time.sleep(max(0.0, at - time.monotonic()))
            self.happened[act.__name__.strip("_").replace("_", " ")] += 1
            # In a thread of its own, since some take a while and the others go on.
            thread = threading.Thread(target=act, daemon=True)
            thread.start()
            lasting.append(thread)
            heapq.heappush(waiting, (self._next(acts[act]), n, act))
        time.sleep(max(0.0, ends - time.monotonic()))
        self._stopping.set()
        for thread in lasting:
            thread.join(timeout=60)
        self._processes.wake_all()

    def _next(self, mean: float) -> float:
        return time.monotonic() + min(self._chance.expovariate(1 / mean), 3 * mean)

    def _is_sqlite(self) -> bool:
        return self._house.engine.dialect.name == "sqlite"

    def _lasts(self, longest: float = 5.0) -> None:
        self._stopping.wait(self._chance.uniform(1.0, longest))

    # -- processes -----------------------------------------------------------------------------------------------------

    def _kill(self) -> None:
        self._processes.kill(self._chance.choice(self._processes.parts))

    def _stop(self) -> None:
        self._processes.stop(self._chance.choice(self._processes.parts))

    def _pause(self) -> None:
        part = self._chance.choice(self._processes.parts)
        self._processes.pause(part, self._pause_seconds * self._chance.uniform(0.3, 1.0))

    # -- the database --------------------------------------------------------------------------------------------------

    def _restart(self) -> None:
        """Restart the server, one restart at a time; on a busy machine it may need more than one try."""
        with self._at_the_server:
            for _ in range(10):
                command = [str(ROOT / ".ci/postgresql"), "restart", str(self._server)]
                if subprocess.run(command, check=False, capture_output=True).returncode == 0:
                    return
                time.sleep(1)
        raise AssertionError("the database server did not come back")

    def _read_only(self) -> None:
        if self._is_sqlite():
            flag = self._house.folder / "read-only"
            flag.touch()
            self._lasts()
            flag.unlink(missing_ok=True)
            return
        self._on_server("ALTER SYSTEM SET default_transaction_read_only = on")
        self._lasts()
        self._on_server("ALTER SYSTEM RESET default_transaction_read_only")

    def _on_server(self, statement: str) -> None:
        for _ in range(100):  # it may be restarting just now
            with suppress(psycopg.Error), psycopg.connect(os.environ["TEST_POSTGRESQL_URL"], autocommit=True) as server:
                server.execute(statement.encode())
                server.execute(b"SELECT pg_reload_conf()")
                return
            time.sleep(0.1)
        raise AssertionError("the database server did not come back")

    def _disk_full(self) -> None:
        self._disk.fill(self._chance.uniform(1.0, 5.0), self._stopping)

    # -- clocks and keys -----------------------------------------------------------------------------------------------

    def _move_clock(self) -> None:
        """Move the machine's clock for a while, or the one people live by."""
        set_wrong, most = self._chance.choice(
            [(self._clocks.set_machine_wrong, 20), (self._clocks.set_practice_wrong, 900)]
        )
        set_wrong(round(self._chance.uniform(-most, most)))
        self._lasts()
        set_wrong(0)

    def _pass_hours(self) -> None:
        self._clocks.go_on(self._seconds)

    def _refuse_token(self) -> None:
        self._house.control("github/access", token_refused=True)
        self._lasts()
        self._house.control("github/access", token_refused=False)

    def _change_key(self) -> None:
        self._house.control("loomio/key", key="another-key")
        self._lasts()
        self._house.control("loomio/key", key="fennel-loomio-key")
