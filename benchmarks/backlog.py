"""A backlog: 2,000 comments of two organisations wait for one GitHub identity, which takes 80 a minute and 500 an hour.

`python -m benchmarks.backlog` works it off against the sandbox, which enforces these limits, by a clock that runs as
fast as the work goes. It prints a table and ends with 1 when GitHub had to refuse one, when less than 95 % of an hour's
500 were used while there was something to send, or when anything is missing or doubled.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter
from unittest.mock import patch

from sqlalchemy import func, select
from sqlalchemy.orm import Session

import app
from benchmarks.machine import machine_line
from config.policy import load_policies
from config.settings import BY_NAME, load_settings
from domain.effects import CommentOnIssue, Say
from jobs.perform import perform
from jobs.record import plan_effect
from jobs.turns import turns
from jobs.workshop import Workshop
from sandbox.people import REPOSITORY_ID
from sandbox.serving import Server
from sandbox.settings import Settings as SandboxSettings
from store.accounts import not_queued
from store.models import EffectRow
from store.queries import organisation_row

EFFECTS = 2_000
GITHUB_AN_HOUR = 500
LEAST_SHARE = 0.95
TICK = timedelta(seconds=15)
CALL = timedelta(seconds=0.4)  # what one attempt takes by the fast clock
HOUR = timedelta(hours=1)
LONGEST = timedelta(hours=12)
ORGANISATIONS = ("acme", "fennel-works")
POLICY = """[organisation]
name = "Fennel Works"
mode = "on"
zone = "Europe/Lisbon"
[github]
repository = "fennel-works/{name}"
"""


class FastClock:
    """The real time of a trial: it moves when it is told to."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


@dataclass(frozen=True, kw_only=True)
class WorkedOff:
    """What came of a backlog. `by_hour` counts what GitHub took in each hour, `first_hour` whose it was."""

    refused: int
    by_hour: list[int]
    first_hour: Counter[str]
    doubled: int
    missing: int


def main() -> int:
    """Work the backlog off, print, and say whether the bounds hold."""
    begins = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        done = work_off(EFFECTS, f"sqlite:///{folder}/trellis.sqlite", Path(folder))
    full = done.by_hour[:-1]
    print(f"{machine_line()}; {EFFECTS:,} effects in {perf_counter() - begins:.0f} s")
    print("| what | figure | bound |")
    print("|---|---|---|")
    print(f"| refused by GitHub | {done.refused} | 0 |")
    print(f"| doubled, missing | {done.doubled}, {done.missing} | 0, 0 |")
    for hour, count in enumerate(done.by_hour, start=1):
        bound = f"{LEAST_SHARE:.0%}" if hour <= len(full) else ""
        print(f"| used in hour {hour} | {count} ({count / GITHUB_AN_HOUR:.1%} of {GITHUB_AN_HOUR}) | {bound} |")
    shares = ", ".join(f"{name} {count}" for name, count in sorted(done.first_hour.items()))
    print(f"| the first hour, by organisation | {shares} | |")
    used = all(count >= LEAST_SHARE * GITHUB_AN_HOUR for count in full)
    holds = used and not (done.refused or done.doubled or done.missing)
    return 0 if holds else 1


def work_off(effects: int, database_url: str, folder: Path, *, scale: int = 1) -> WorkedOff:
    """Plan so many comments, nine of ten for the first organisation, and have them performed by a fast clock.

    `scale` divides all limits, for a trial with fewer effects.
    """
    clock = FastClock()
    begins = clock.now
    with sandbox(clock, scale) as server, worker(server.url, database_url, folder, clock, scale) as workshop:
        issue = server.sandbox.github.open_issue(
            server.sandbox.world.repositories[REPOSITORY_ID],
            server.sandbox.world.accounts["ada-fw"],
            "Read a map",
            "",
            (),
            (),
        )
        for n in range(effects):
            slug = ORGANISATIONS[0] if n % 10 else ORGANISATIONS[1]
            plan(workshop, slug, n, issue.number)
        while unsent(workshop) and clock.now < begins + LONGEST:
            turns(workshop)
            ends = clock.now + TICK
            for key, not_before in due(workshop, before=ends):
                clock.now = max(clock.now, not_before) + CALL
                perform(workshop, key)
            clock.now = max(clock.now, ends)
        said = Counter(one.body.partition("key=")[2].split(" ")[0] for one in issue.comments)
        writes = [one for one in server.sandbox.world.requests if one.method == "POST"]
        took = workshop.database.transact(sent)
    by_hour = Counter((at - took[0][0]) // HOUR for at, _ in took)
    return WorkedOff(
        refused=sum(one.status == 403 for one in writes),
        by_hour=[by_hour[hour] for hour in range(max(by_hour) + 1)],
        first_hour=Counter(slug for at, slug in took if at < took[0][0] + HOUR),
        doubled=sum(said.values()) - len(said),
        missing=effects - len(said),
    )


@contextmanager
def sandbox(clock: FastClock, scale: int) -> Iterator[Server]:
    """A GitHub that enforces its limits by the fast clock; nobody hears its deliveries."""
    server = Server(SandboxSettings(port=0, service_url="http://127.0.0.1:9"))
    limits = server.sandbox.world.limits
    limits.per_minute, limits.per_hour = limits.per_minute // scale, GITHUB_AN_HOUR // scale
    server.sandbox.world.limits_clock = lambda: clock.now.timestamp()
    server.start()
    yield server
    server.stop()


@contextmanager
def worker(sandbox_url: str, database_url: str, folder: Path, clock: FastClock, scale: int) -> Iterator[Workshop]:
    """A worker's tools, with the limits that hold by default, for two organisations of one token."""
    policies = folder / "organisations"
    policies.mkdir()
    for slug in ORGANISATIONS:
        text = POLICY.replace("{name}", "learning" if slug == ORGANISATIONS[1] else "renamed")
        (policies / f"{slug}.toml").write_text(text, encoding="utf-8")
    environ = {
        "DATABASE_URL": database_url,
        "TRELLIS_ORGANISATIONS": str(policies),
        "TRELLIS_LOG_LEVEL": "ERROR",
        "TRELLIS_WRITE_GAP_SECONDS": "0.0001",
        "TRELLIS_WRITES_PER_MINUTE": str(BY_NAME["TRELLIS_WRITES_PER_MINUTE"].default // scale),
        "TRELLIS_WRITES_PER_HOUR": str(BY_NAME["TRELLIS_WRITES_PER_HOUR"].default // scale),
        "GITHUB_API_URL": f"{sandbox_url}/github",
        "GITHUB_TOKEN": "trellis-bot",
    }
    done = app.create_app(environ).test_cli_runner().invoke(args=["migrate"])
    if done.exit_code:
        raise SystemExit(done.output)
    settings = load_settings(environ)
    with patch("app.real_now", clock):
        workshop, _ = app.create_worker(settings, load_policies(settings.organisations_folder()))
        workshop = replace(workshop, check_lease=lambda: None)  # nobody beats here, and nobody takes over
        for slug in ORGANISATIONS:
            workshop.database.transact(partial(_know_repository, slug=slug))
        yield workshop
    workshop.database.dispose()


def _know_repository(session: Session, *, slug: str) -> None:
    organisation_row(session, slug).repository_id = REPOSITORY_ID


def plan(workshop: Workshop, slug: str, number: int, issue_number: int) -> None:
    """Plan one comment."""
    say = Say(name="objective-activated", values={"name": f"Ada {number}"})
    effect = CommentOnIssue(key=f"answer:{number:05}", about="issue", issue_number=issue_number, body=say)
    workshop.database.transact(lambda session: plan_effect(workshop, session, slug, effect))


def unsent(workshop: Workshop) -> int:
    """Count what is not sent yet."""
    waits = select(func.count()).select_from(EffectRow).where(EffectRow.status.in_(("planned", "sending")))
    return workshop.database.transact(lambda session: session.scalar(waits)) or 0


def due(workshop: Workshop, *, before: datetime) -> list[tuple[str, datetime]]:
    """Give what a worker would attempt before an instant, in order: what waits for room is not among it."""
    wanted = select(EffectRow.key, EffectRow.not_before).where(
        EffectRow.status.in_(("planned", "sending")), EffectRow.not_before < before, not_queued(EffectRow)
    )
    wanted = wanted.order_by(EffectRow.not_before, EffectRow.planned_at, EffectRow.key)
    return workshop.database.transact(lambda session: [(key, at) for key, at in session.execute(wanted)])


def sent(session: Session) -> list[tuple[datetime, str]]:
    """Give when everything was sent, and for whom, in order."""
    went = select(EffectRow.sent_at, EffectRow.organisation).order_by(EffectRow.sent_at)
    return [(at, slug) for at, slug in session.execute(went) if at is not None]


if __name__ == "__main__":
    sys.exit(main())
