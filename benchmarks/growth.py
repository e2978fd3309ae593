"""Growth: what costs more with 100,000 people than with 10, and with 1,000 organisations than with 1.

`python -m benchmarks.growth` fills SQLite databases and measures in each what people and GitHub wait for. It prints the
ratios and ends with 1 when one thing that happens all the time takes more than twice as long for all those people.
"""

import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median
from uuid import uuid4

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from app import collect_rarely, create_worker
from benchmarks.machine import load_line, machine_line, timed
from benchmarks.planner import POLICY, populate
from benchmarks.processes import (
    answers,
    arguments,
    environment,
    free_port,
    memory_mb,
    migrate,
    procfile_command,
    running,
)
from benchmarks.processes import waitress_command as web_command
from benchmarks.sender import issue_opened
from config.clock import real_now
from config.policy import load_policies
from config.settings import load_settings
from domain.policy import Policy
from jobs.nudge import nudge, planned, policy_print
from jobs.workshop import Workshop
from store.models import OrganisationRow, PersonRow
from store.vitals import reader, vitals
from webhooks.intake import Door, keep

PEOPLE = (10, 1_000, 100_000)
ORGANISATIONS = (1, 10, 100, 1_000)
MOST_TIMES = 2.0
TIMES = 25
PREVIEW = timedelta(days=30)


def main() -> int:
    """Measure, print, and say whether the bounds hold."""
    arguments(__doc__ or "").parse_args()
    collect_rarely()  # as every process of Trellis does
    logging.disable(logging.WARNING)  # the engine warns of each engine after the first in one process
    print(f"{machine_line()}; {load_line()}")
    with tempfile.TemporaryDirectory(prefix="trellis-benchmark-") as name:
        holds = people_table({count: with_people(Path(name) / f"people-{count}", count) for count in PEOPLE})
        organisations_table(
            {count: with_organisations(Path(name) / f"organisations-{count}", count) for count in ORGANISATIONS}
        )
    return 0 if holds else 1


def people_table(found: dict[int, dict[str, float]]) -> bool:
    """Print what was found for so many people, and say whether the bound holds."""
    print(f"| with so many people | {' | '.join(f'{one:,}' for one in PEOPLE)} | last over first | bound |")
    print(f"|---{'|---' * len(PEOPLE)}|---|---|")
    holds = True
    for what in found[PEOPLE[0]]:
        each = [found[count][what] for count in PEOPLE]
        ratio = each[-1] / each[0]
        holds &= ratio <= MOST_TIMES
        said = " | ".join(f"{one * 1000:.1f} ms" for one in each)
        print(f"| {what} | {said} | {ratio:.2f} | {MOST_TIMES:g} |", flush=True)
    return holds


def organisations_table(found: dict[int, dict[str, float]]) -> None:
    """Print what was found for so many organisations."""
    print(f"| with so many organisations | {' | '.join(f'{one:,}' for one in ORGANISATIONS)} | each one more |")
    print(f"|---{'|---' * len(ORGANISATIONS)}|---|")
    for what in found[ORGANISATIONS[0]]:
        each = [found[count][what] for count in ORGANISATIONS]
        more = (each[-1] - each[0]) / (ORGANISATIONS[-1] - ORGANISATIONS[0])
        unit, scale, digits = ("MB", 1, 0) if "memory" in what else ("ms", 1000, 0 if "ready" in what else 1)
        said = " | ".join(f"{one * scale:,.{digits}f} {unit}" for one in each)
        print(f"| {what} | {said} | {more * scale:.2f} {unit} |")


def with_people(folder: Path, count: int) -> dict[str, float]:
    """Give the seconds of each thing in an organisation of so many people, of whom everybody has a goal."""
    workshop = a_workshop(folder, {"fennel-works": POLICY})
    populate(workshop, count)
    (policy,) = workshop.policies.values()
    some = [1 + number * max(1, count // TIMES) % count for number in range(TIMES)]
    look = reader(workshop.database.engine)
    body = issue_opened()
    door = Door(database=workshop.database, intake=workshop.intake, now=workshop.now, real_now=real_now)

    def store(_: int) -> object:
        return keep(door, delivery_id=str(uuid4()), source="github", event="issues", about="github", body=body)

    found = {
        "a tick, one of them is due": each_of(some, lambda _: nudge(workshop), before=lambda one: due(workshop, one)),
        "a delivery stored": each_of(some, store),
        "thirty days planned for one of them": each_of(some, lambda one: plan_for(workshop, policy, one)),
        "what /readyz reads": each_of(some, lambda _: vitals(look)),
    }
    workshop.database.dispose()
    return found


def each_of(
    people: Sequence[int], work: Callable[[int], object], *, before: Callable[[int], object] = lambda _: None
) -> float:
    """Give the median seconds of something, once for each of some people."""
    taken = []
    work(people[0])
    for one in people:
        before(one)
        taken.append(timed(lambda one=one: work(one), times=1))  # type: ignore[misc]
    return median(taken)


def due(workshop: Workshop, person_id: int) -> None:
    """Make somebody due."""
    wanted = update(PersonRow).where(PersonRow.id == person_id).values(look_at=workshop.now())
    workshop.database.transact(lambda session: session.execute(wanted) and None)


def plan_for(workshop: Workshop, policy: Policy, person_id: int) -> None:
    """Plan as a calendar feed or `flask explain` does."""
    now = workshop.now()
    workshop.database.transact(
        lambda session: planned(session, policy, now=now, since=now, until=now + PREVIEW, ids=[person_id])
    )


def with_organisations(folder: Path, count: int) -> dict[str, float]:
    """Give what it costs to have so many organisations, of which nobody is due."""
    policies = {
        f"team-{number}": POLICY.replace("/learning", f"/learning-{number}").replace("= 7", f"= {7 + number}")
        for number in range(count)
    }
    workshop = a_workshop(folder, policies)
    known = [{"slug": slug, "policy_print": policy_print(one)} for slug, one in workshop.policies.items()]
    workshop.database.transact(lambda session: fill(session, known))
    nudge(workshop)
    tick = timed(lambda: nudge(workshop), times=3)
    workshop.database.dispose()
    environ = environ_of(folder)
    port = free_port()
    with running(web_command(port), environ, folder) as web:
        web_ready = web.wait_until(lambda: answers(port), "the web part")
        web_mb = memory_mb(web.pid)[0]
    with running(procfile_command("worker", port=0), environ, folder) as worker:
        worker_ready = worker.wait_until(lambda: "The worker is ready." in worker.said(), "the worker")
        time.sleep(3 + count / 100)  # its jobs have come round once
        worker_mb = memory_mb(worker.pid)[0]
    return {
        "web, from start to ready": web_ready,
        "worker, from start to ready": worker_ready,
        "a tick of the nudges, nobody is due": tick,
        "web, memory (RSS)": web_mb,
        "worker, memory (RSS)": worker_mb,
    }


def fill(session: Session, organisations: Sequence[dict[str, str]]) -> None:
    """Have the organisations known already, so that nobody is planned anew."""
    session.execute(insert(OrganisationRow), list(organisations))


def environ_of(folder: Path) -> dict[str, str]:
    """Give the environment of a database with its policies."""
    environ = environment(f"sqlite:///{folder}/trellis.sqlite", folder)
    (folder / "organisations" / "fennel-works.toml").unlink()  # ours are other ones
    return environ


def a_workshop(folder: Path, policies: dict[str, str]) -> Workshop:
    """Give a workshop on a new database with these policies."""
    folder.mkdir()
    environ = environ_of(folder)
    migrate(environ, folder)
    for slug, said in policies.items():
        (folder / "organisations" / f"{slug}.toml").write_text(said, encoding="utf-8")
    settings = load_settings(environ)
    return create_worker(settings, load_policies(settings.organisations_folder()))[0]


if __name__ == "__main__":
    sys.exit(main())
