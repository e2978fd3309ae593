"""Restarting the web part under load: every delivery that is sent meanwhile is stored and answered.

`python -m benchmarks.restart` sends 100 deliveries a second to what the Procfile starts, and restarts it as
docs/operating.md says: HUP for new code and settings, USR2 and TERM for a new gunicorn or Python as well. It ends with
1 when one delivery was not answered with 202, or not stored. `stop, start` shows what the plain way loses.
"""

import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from threading import Thread

from benchmarks.machine import load_line, machine_line
from benchmarks.processes import (
    Running,
    answers,
    arguments,
    databases,
    environment,
    free_port,
    migrate,
    procfile_command,
)
from benchmarks.sender import Answers, at_a_rate, issue_opened, requests_of

PER_SECOND = 100
SECONDS = 18
RESTARTS_AT = (3.0, 10.0)
PATIENCE_SECONDS = 20.0
SECONDS_TO_BOOT = 3.0
Restart = Callable[[list[Running], str, Mapping[str, str], Path], None]


def main() -> int:
    """Measure, print, and say whether the bounds hold."""
    arguments(__doc__ or "").parse_args()
    print(f"{machine_line()}; {load_line()}")
    print("| two restarts | answered, of | p99 | longest | bound |")
    print("|---|---|---|---|---|")
    holds = True
    with databases(None) as (folder, ((_, url), *_rest)):
        environ = environment(url, folder)
        migrate(environ, folder)
        for name, restart, bounded in (
            ("HUP to gunicorn", by_hup, True),
            ("USR2, then TERM to the old gunicorn", by_usr2, True),
            ("stop, start", by_stop_and_start, False),
        ):
            result = under_load(restart, environ, folder)
            answered, sent = result.statuses[202], sum(result.statuses.values())
            stored = count_stored(folder)
            bound = "all, and stored" if bounded else ""
            print(
                f"| {name} | {answered:,} of {sent:,} | {result.at(0.99):.0f} ms | {result.at(1.0):.0f} ms | {bound} |"
            )
            holds &= not bounded or (answered == sent and stored >= answered)
    return 0 if holds else 1


def under_load(restart: Restart, environ: Mapping[str, str], folder: Path) -> Answers:
    """Give what came of the deliveries that were sent while web was restarted."""
    port = free_port()
    command = procfile_command("web", port=port)
    empty(folder)
    web = [Running(command, environ, folder)]
    try:
        web[0].wait_until(lambda: answers(port), "the web part")
        # All of them are made before, so that making them disturbs nothing.
        requests = requests_of(issue_opened(), PER_SECOND * SECONDS, keep_alive=False)
        begins = time.monotonic()
        thread = Thread(target=_restarts, args=(restart, web, command, environ, folder, begins), daemon=True)
        thread.start()
        found = at_a_rate(port, requests, per_second=PER_SECOND)
        thread.join(PATIENCE_SECONDS)
    finally:
        for one in web:
            one.kill()
    return found


def _restarts(
    restart: Restart, web: list[Running], command: str, environ: Mapping[str, str], folder: Path, begins: float
) -> None:
    for at in RESTARTS_AT:
        time.sleep(max(0.0, begins + at - time.monotonic()))
        restart(web, command, environ, folder)


def by_hup(web: list[Running], _command: str, _environ: Mapping[str, str], _folder: Path) -> None:
    """Have gunicorn start processes with what is new, and end the old ones when they have answered."""
    web[0].signal(signal.SIGHUP)


def by_usr2(web: list[Running], _command: str, _environ: Mapping[str, str], _folder: Path) -> None:
    """Have gunicorn start another of itself at the same socket, and end the old one once the new one serves."""
    old = masters(web[0])[-1]
    os.kill(old, signal.SIGUSR2)
    ends = time.monotonic() + PATIENCE_SECONDS
    while masters(web[0])[-1] == old and time.monotonic() < ends:
        time.sleep(0.05)
    time.sleep(SECONDS_TO_BOOT)
    os.kill(old, signal.SIGTERM)


def masters(web: Running) -> list[int]:
    """Give the gunicorns that have started processes of their own, the newest last."""
    pids = web.pids()
    parents = [int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) for pid in pids]
    return [pid for pid in pids if pid in parents]


def by_stop_and_start(web: list[Running], command: str, environ: Mapping[str, str], folder: Path) -> None:
    """Stop it, wait until it is gone, start it: there is a time in which nobody listens."""
    web[-1].signal(signal.SIGTERM)
    web[-1].wait()
    web.append(Running(command, environ, folder))


def empty(folder: Path) -> None:
    """Forget every delivery."""
    with closing(sqlite3.connect(folder / "trellis.sqlite")) as connection, connection:
        connection.execute("DELETE FROM deliveries")


def count_stored(folder: Path) -> int:
    """Count the deliveries."""
    with closing(sqlite3.connect(folder / "trellis.sqlite")) as connection:
        found: tuple[int] = connection.execute("SELECT count(*) FROM deliveries").fetchone()
        return found[0]


if __name__ == "__main__":
    sys.exit(main())
