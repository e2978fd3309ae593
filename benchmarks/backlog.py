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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from unittest.mock import patch

from sqlalchemy import func, select
from sqlalchemy.orm import Session

import app
from benchmarks.hub import an_issue, hub, keys_in, plan_comment, tools
from benchmarks.machine import machine_line
from benchmarks.processes import SLUG, arguments, environment
from config.settings import BY_NAME
from jobs.perform import perform
from jobs.turns import turns
from jobs.workshop import Workshop
from sandbox.world import Limits
from store.accounts import not_queued
from store.models import EffectRow

EFFECTS = 2_000
GITHUB_A_MINUTE = 80
GITHUB_AN_HOUR = 500
LEAST_SHARE = 0.95
TICK = timedelta(seconds=15)
CALL = timedelta(seconds=0.4)  # what one attempt takes by the fast clock
HOUR = timedelta(hours=1)
LONGEST = timedelta(hours=12)
ORGANISATIONS = ("acme", SLUG)


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
    arguments(__doc__ or "").parse_args()
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
    limits = Limits(per_minute=GITHUB_A_MINUTE // scale, per_hour=GITHUB_AN_HOUR // scale)
    with hub(clock, limits) as github, worker(github.url, database_url, folder, clock, scale) as workshop:
        issue_number = an_issue(github)
        for n in range(effects):
            slug = ORGANISATIONS[0] if n % 10 else ORGANISATIONS[1]
            plan_comment(workshop, slug, f"answer:{n:05}", issue_number)
        while unsent(workshop) and clock.now < begins + LONGEST:
            turns(workshop)
            ends = clock.now + TICK
            for key, not_before in due(workshop, before=ends):
                clock.now = max(clock.now, not_before) + CALL
                perform(workshop, key)
            clock.now = max(clock.now, ends)
        said = Counter(keys_in(github, issue_number))
        writes = [one for one in github.sandbox.world.requests if one.method == "POST"]
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
def worker(sandbox_url: str, database_url: str, folder: Path, clock: FastClock, scale: int) -> Iterator[Workshop]:
    """A worker's tools, with the limits that hold by default, for two organisations of one token."""
    environ = environment(
        database_url,
        folder,
        organisations=ORGANISATIONS,
        TRELLIS_LOG_LEVEL="ERROR",
        TRELLIS_WRITE_GAP_SECONDS="0.0001",
        TRELLIS_WRITES_PER_MINUTE=str(BY_NAME["TRELLIS_WRITES_PER_MINUTE"].default // scale),
        TRELLIS_WRITES_PER_HOUR=str(BY_NAME["TRELLIS_WRITES_PER_HOUR"].default // scale),
        GITHUB_API_URL=f"{sandbox_url}/github",
    )
    done = app.create_app(environ).test_cli_runner().invoke(args=["migrate"])
    if done.exit_code:
        raise SystemExit(done.output)
    with patch("app.real_now", clock):
        workshop = tools(environ)
        yield workshop
    workshop.database.dispose()


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
