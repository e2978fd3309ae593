"""Intake: GitHub's deliveries, each stored before its 202, at 100 a second and as fast as they are taken.

`python -m benchmarks.intake` sends GitHub's own example of an opened issue, signed, over real HTTP to what `make run`
and the Procfile start, and compares with the same door storing nothing, with the bare cost of its parts, and with what
would close the gap. `--database URL` names a PostgreSQL server to measure as well. It ends with 1 when an answer is not
202, or when SQLite does not answer 99 % within 50 ms at 100 a second.
"""

import json
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from uuid import uuid4

from benchmarks.doors import Grouped
from benchmarks.hub import hub
from benchmarks.machine import load_line, machine_line
from benchmarks.processes import (
    PATIENCE_SECONDS,
    answers,
    database_argument,
    databases,
    environment,
    free_port,
    migrate,
    procfile_command,
    running,
    waitress_command,
)
from benchmarks.sender import Answers, as_fast_as_taken, at_a_rate, issue_opened, requests_of, signature
from config.clock import real_now
from config.settings import load_settings
from jobs.durable import Intake
from store.database import Database, make_engine
from webhooks.intake import Door, keep
from webhooks.reading import read_object
from webhooks.signatures import github_signed

PER_SECOND = 100
SECONDS_AT_A_RATE = 8
RUNS = 3  # the best counts: whatever else the machine does only adds
SECONDS_AT_FULL_SPEED = 4.0
CONNECTIONS = 16
MOST_MS = 50.0
SECONDS_OF_A_PART = 1.5
WRITERS = 8  # as many threads as the web part of `make run` has


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table of whole doors."""

    name: str
    best: Answers
    p99_of_runs: list[float]
    a_second: float


def main() -> int:
    """Measure, print, and say whether the bound holds."""
    server = database_argument(__doc__ or "")
    body = issue_opened()
    print(f"{machine_line()}; {load_line()}; bodies of {len(body):,} bytes")
    with databases(server) as (folder, found), hub() as github:
        environs = {kind: environment(url, folder, GITHUB_API_URL=f"{github.url}/github") for kind, url in found}
        for environ in environs.values():
            migrate(environ, folder)
        rows = [
            whole("SQLite", environs["SQLite"], folder, body, waitress_command),
            whole("SQLite", environs["SQLite"], folder, body, as_on_a_host),
            whole("SQLite, a worker beside it", environs["SQLite"], folder, body, waitress_command, worker=True),
        ]
        if "PostgreSQL" in environs:
            rows += [
                whole("PostgreSQL", environs["PostgreSQL"], folder, body, waitress_command),
                whole("PostgreSQL", environs["PostgreSQL"], folder, body, as_on_a_host),
            ]
        nothing = [
            compared("nothing is stored", "storing_nothing", environs["SQLite"], folder, body, make)
            for make in (waitress_command, as_on_a_host)
        ]
        grouped = [
            compared(f"tried: {kind}, one writer, one commit for all who wait", "in_groups", environ, folder, body)
            for kind, environ in environs.items()
        ]
        print("| at 100 a second; at full speed | p50 | p99 | longest | p99 of each run | a second | bound |")
        print("|---|---|---|---|---|---|---|")
        for row in [*rows, *nothing, *grouped]:
            print(said(row, bounded=row in rows[:3]))
        print("| part, in one process | µs each | a second |")
        print("|---|---|---|")
        for kind, environ in environs.items():
            for what, seconds in parts(kind, environ, folder, body).items():
                print(f"| {what} | {seconds * 1e6:.0f} | {1 / seconds:,.0f} |")
    refused = sum(count for row in rows for status, count in row.best.statuses.items() if status != 202)
    slow = [row for row in rows[:3] if row.best.at(0.99) > MOST_MS]
    return 1 if refused or slow else 0


def as_on_a_host(port: int, app: str = "app:create_app") -> str:
    """Give the Procfile's command, under a name for the table."""
    return procfile_command("web", port=port, app=app)


def said(row: Row, *, bounded: bool) -> str:
    """Put a row into words."""
    p99s = ", ".join(f"{one:.0f}" for one in sorted(row.p99_of_runs))
    bound = f"p99 {MOST_MS:.0f} ms" if bounded else ""
    best = row.best
    return (
        f"| {row.name} | {best.at(0.5):.1f} ms | {best.at(0.99):.1f} ms | {best.at(1.0):.0f} ms | {p99s} "
        f"| {row.a_second:.0f} | {bound} |"
    )


def compared(
    name: str,
    function: str,
    environ: Mapping[str, str],
    folder: Path,
    body: bytes,
    make: Callable[[int, str], str] = waitress_command,
) -> Row:
    """Measure another door."""
    return whole(name, environ, folder, body, lambda port: make(port, f"benchmarks.doors:{function}"), label=make)


def whole(
    kind: str,
    environ: Mapping[str, str],
    folder: Path,
    body: bytes,
    make: Callable[[int], str],
    *,
    label: object = None,
    worker: bool = False,
) -> Row:
    """Measure a door as a sender sees it."""
    port = free_port()
    beside: AbstractContextManager[object] = nullcontext()
    if worker:
        beside = running(procfile_command("worker", port=0), environ, folder)
    with running(make(port), environ, folder) as web, beside:
        web.wait_until(lambda: answers(port), "the web part")
        at_a_rate(port, requests_of(body, 50, keep_alive=False), per_second=50)  # once before, so that all is loaded
        runs = []
        for _ in range(RUNS):
            requests = requests_of(body, PER_SECOND * SECONDS_AT_A_RATE, keep_alive=False)
            runs.append(at_a_rate(port, requests, per_second=PER_SECOND))
        full = as_fast_as_taken(port, body, connections=CONNECTIONS, seconds=SECONDS_AT_FULL_SPEED)
    served = "gunicorn, 2 × 4" if as_on_a_host in (make, label) else "waitress, 1 × 8"
    best = min(runs, key=lambda run: (sum(run.statuses.values()) - run.statuses[202], run.at(0.99)))
    return Row(name=f"{kind}; {served}", best=best, p99_of_runs=[run.at(0.99) for run in runs], a_second=full)


def parts(kind: str, environ: Mapping[str, str], folder: Path, body: bytes) -> dict[str, float]:
    """Give the seconds of each part of taking a delivery, without HTTP."""
    settings = load_settings(environ)
    database = Database(make_engine(settings.database_url()))
    found: dict[str, float] = {}
    if kind == "SQLite":
        secrets, header, payload = settings.webhook_secrets(), signature(body), json.loads(body)
        found["HMAC"] = each(lambda: github_signed(body, header, secrets))
        found["HMAC and `json.loads`"] = each(lambda: (github_signed(body, header, secrets), json.loads(body)))
        found["our strict reader"] = each(lambda: read_object(body))
        found["`json.dumps`"] = each(lambda: json.dumps(payload))
        found["SQLite: bare insert and commit"] = bare_commits(folder / "bare.sqlite", body)
        bare = found["SQLite: bare insert and commit"] + found["HMAC and `json.loads`"]
        found["bare: HMAC, `json.loads`, insert and commit"] = bare
    found[f"{kind}: delivery and its work, one transaction, one thread"] = each(kept(database, body))
    found[f"{kind}: the same, {WRITERS} threads"] = side_by_side(kept(database, body))
    found[f"{kind}: tried: {WRITERS} threads, one writer, one commit for all who wait"] = side_by_side(
        kept(Grouped(database), body)
    )
    found[f"{kind}: tried: without the engine's part"] = each(kept(database, body, enqueue=False))
    database.dispose()
    return found


class NoWork:
    """Enqueues nothing: what the engine's part costs is what is missing then."""

    def enqueue(self, *_: object, **__: object) -> None:
        """Do nothing."""


def kept(database: Database, body: bytes, *, enqueue: bool = True) -> Callable[[], object]:
    """Give what stores one delivery, as the door does."""
    intake = Intake(database) if enqueue else NoWork()
    door = Door(database=database, intake=intake, now=real_now, real_now=real_now)
    return lambda: keep(door, delivery_id=str(uuid4()), source="github", event="issues", about="github", body=body)


def bare_commits(file: Path, body: bytes) -> float:
    """Give the seconds of one insert and commit with the driver alone, as durable as ours."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE deliveries (id TEXT PRIMARY KEY, body BLOB)")
        return each(lambda: connection.execute("INSERT INTO deliveries VALUES (?, ?)", (str(uuid4()), body)))


def each(work: Callable[[], object]) -> float:
    """Give the seconds of one call, of as many as fit."""
    work()
    count, begins = 0, time.perf_counter()
    while time.perf_counter() - begins < SECONDS_OF_A_PART:
        work()
        count += 1
    return (time.perf_counter() - begins) / count


def side_by_side(work: Callable[[], object]) -> float:
    """Give the seconds of one call when several threads make them."""
    counts: list[int] = []

    def run() -> None:
        count, ends = 0, time.perf_counter() + SECONDS_OF_A_PART
        while time.perf_counter() < ends:
            work()
            count += 1
        counts.append(count)

    threads = [Thread(target=run) for _ in range(WRITERS)]
    begins = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    return (time.perf_counter() - begins) / sum(counts)


if __name__ == "__main__":
    sys.exit(main())
