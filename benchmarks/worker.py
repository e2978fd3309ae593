"""The worker: how many effects go out a second, and how soon another takes over from one that was killed.

`python -m benchmarks.worker` has real workers comment in the sandbox, which answers at once and sets no limits. Then
one is killed with SIGKILL in the middle of a call, with the lease settings that hold by default, and another finishes
its effect. It ends with 1 when taking over takes longer than 60 s, or when a comment is missing or doubled.
"""

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from benchmarks.hub import an_issue, hub, keys_in, plan_comment, tools
from benchmarks.machine import load_line, machine_line
from benchmarks.processes import (
    SLUG,
    Running,
    database_argument,
    databases,
    environment,
    migrate,
    procfile_command,
    running,
)
from jobs.perform import perform
from jobs.workshop import Workshop
from sandbox.faults import Fault
from sandbox.serving import Server
from store.models import EffectRow

ORGANISATIONS = (SLUG, "acme", "hemlock", "juniper")
SECONDS_OF_A_RUN = 12.0
MOST_SECONDS_TO_TAKE_OVER = 60.0
LONGEST_SECONDS = 150.0
NO_LIMITS = {
    "TRELLIS_WRITES_PER_MINUTE": "1000000",
    "TRELLIS_WRITES_PER_HOUR": "1000000",
    "TRELLIS_WRITE_GAP_SECONDS": "0.0001",
}


def main() -> int:
    """Measure, print, and say whether the bound holds."""
    server = database_argument(__doc__ or "")
    print(f"{machine_line()}; {load_line()}")
    print("| what | figure | bound |")
    print("|---|---|---|")
    holds = True
    with databases(server) as (folder, found):
        for kind, url in found:
            holds &= on_one_database(kind, url, folder)
    return 0 if holds else 1


def on_one_database(kind: str, url: str, folder: Path) -> bool:
    """Measure on a database."""
    with hub() as github:
        environ = environment(
            url, folder, organisations=ORGANISATIONS, GITHUB_API_URL=f"{github.url}/github", **NO_LIMITS
        )
        migrate(environ, folder)
        workshop = tools(environ)
        issue_number = an_issue(github)
        taken, done = taken_over(workshop, environ, folder, issue_number, github)  # first, while the hour is empty
        alone = plan(workshop, "alone", issue_number, 60, ORGANISATIONS[:1])
        begins = time.perf_counter()
        for key in alone:
            perform(workshop, key)
        each = (time.perf_counter() - begins) / len(alone)
        workshop.database.transact(forget_unsent)
        print(f"| {kind}: one attempt, without the engine, the sandbox's answer included | {each * 1000:.1f} ms | |")
        for organisations, poll in ((1, None), (4, None), (4, "0.1")):
            slugs = ORGANISATIONS[:organisations]
            more = {} if poll is None else {"TRELLIS_POLL_SECONDS": poll}
            rate = a_second(workshop, environ | more, folder, issue_number, slugs, f"run-{organisations}-{poll}")
            settings = "default settings" if poll is None else f"TRELLIS_POLL_SECONDS={poll}"
            print(f"| {kind}: effects a second, {organisations} organisations, {settings} | {rate:.1f} | |")
        bound = f"{MOST_SECONDS_TO_TAKE_OVER:.0f} s"
        print(f"| {kind}: killed in a call: until another worker has its effect | {taken:.1f} s | {bound} |")
        print(f"| {kind}: until that effect is found to have happened, settling included | {done:.1f} s | |")
        comments = Counter(keys_in(github, issue_number))
        wanted = workshop.database.transact(count_done)
        doubled = sum(comments.values()) - len(comments)
        print(f"| {kind}: comments doubled, missing | {doubled}, {wanted - len(comments)} | 0, 0 |")
        workshop.database.dispose()
    return taken <= MOST_SECONDS_TO_TAKE_OVER and not doubled and wanted == len(comments)


def plan(workshop: Workshop, name: str, issue_number: int, count: int, slugs: tuple[str, ...]) -> list[str]:
    """Plan so many comments for each of some organisations; give their keys."""
    keys = []
    for number in range(count):
        for slug in slugs:
            key = f"answer:{name}:{slug}:{number:05}"
            plan_comment(workshop, slug, key, issue_number)
            keys.append(key)
    return keys


def count_done(session: Session) -> int:
    """Count what was sent."""
    return session.scalar(select(func.count()).select_from(EffectRow).where(EffectRow.status == "done")) or 0


def a_second(
    workshop: Workshop,
    environ: Mapping[str, str],
    folder: Path,
    issue_number: int,
    slugs: tuple[str, ...],
    name: str,
) -> float:
    """Give how many effects a worker sends a second while there is always more to send."""
    plan(workshop, name, issue_number, int(SECONDS_OF_A_RUN * 12), slugs)
    with running(procfile_command("worker", port=0), environ, folder) as worker:
        before = workshop.database.transact(count_done)
        worker.wait_until(lambda: workshop.database.transact(count_done) > before, "the first effect")
        first, begins = workshop.database.transact(count_done), time.perf_counter()
        time.sleep(SECONDS_OF_A_RUN)
        sent, passed = workshop.database.transact(count_done) - first, time.perf_counter() - begins
        worker.signal(signal.SIGTERM)
        worker.wait()
    workshop.database.transact(forget_unsent)
    return sent / passed


def forget_unsent(session: Session) -> None:
    """Let go of what is left of a run, so that the next one begins with nothing."""
    schema = "" if session.get_bind().dialect.name == "sqlite" else "dbos."
    session.execute(text(f"DELETE FROM {schema}workflow_status WHERE status IN ('ENQUEUED', 'DELAYED')"))  # noqa: S608
    session.execute(text("DELETE FROM effects WHERE status = 'planned'"))


def taken_over(
    workshop: Workshop, environ: Mapping[str, str], folder: Path, issue_number: int, github: Server
) -> tuple[float, float]:
    """Kill a worker in a call that GitHub has carried out but not answered.

    Gives the seconds from there until another worker has its effect in hand, and until it is known to be done.
    """
    defaults = {name: value for name, value in environ.items() if name not in NO_LIMITS}
    command = procfile_command("worker", port=0)
    with running(command, defaults, folder) as first:
        first.wait_until(lambda: "The worker is ready." in first.said(), "the worker")
        github.sandbox.faults.add(Fault(side="github", fault="after_hang", method="POST", path="comments", seconds=300))
        (key,) = plan(workshop, "killed", issue_number, 1, ORGANISATIONS[:1])
        first.wait_until(lambda: key in keys_in(github, issue_number), "the comment")
        with running(command, defaults, folder) as second:
            second.wait_until(lambda: "The worker is ready." in second.said(), "the second worker")
            generation = state_of(workshop, key)[1]
            first.kill()
            begins = time.perf_counter()
            taken = until(second, lambda: state_of(workshop, key)[1] > generation, begins)
            done = until(second, lambda: state_of(workshop, key)[0] == "done", begins)
    github.sandbox.faults.release()
    return taken, done


def until(worker: Running, is_so: Callable[[], bool], begins: float) -> float:
    """Give the seconds from an instant until something is so."""
    while not is_so():
        if time.perf_counter() - begins > LONGEST_SECONDS:
            raise SystemExit(f"it was never taken over.\n{worker.said()}")
        time.sleep(0.05)
    return time.perf_counter() - begins


def state_of(workshop: Workshop, key: str) -> tuple[str, int]:
    """Give the status and the generation of an effect; whoever has it in hand raises the generation to look later."""

    def read(session: Session) -> tuple[str, int]:
        row = session.get_one(EffectRow, key)
        return row.status, row.generation

    return workshop.database.transact(read)


if __name__ == "__main__":
    sys.exit(main())
