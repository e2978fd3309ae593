"""The clock: one table of jobs, run by APScheduler in every worker.

Every job asks "what is due and not yet done?", so running it twice, late, or in two workers at once gives the same. The
job store is memory, the zone is UTC, triggers are intervals: the calendar is the planner's, never the scheduler's
(facts on the engine, 1.7).
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from jobs.heartbeat import heartbeat
from jobs.lapse import lapse
from jobs.nudge import nudge
from jobs.prune import prune
from jobs.reconcile import reconcile
from jobs.redeliver import redeliver
from jobs.report import report
from jobs.sweep import sweep
from jobs.team import team
from jobs.turns import turns
from jobs.watch import watch
from jobs.workshop import Workshop
from store.models import ExecutorRow

log = logging.getLogger(__name__)

GRACE_SECONDS = 60.0
WATCHDOG_SECONDS = 2.0
JUMP_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """One row of the table: what runs, how often (in ticks of the clock), and what for."""

    run: Callable[[Workshop], None]
    every_ticks: int
    what_for: str

    def name(self) -> str:
        """Give the job's name, which is its function's."""
        return self.run.__name__


# One tick is TRELLIS_TICK_SECONDS, 15 by default. `flask tick` runs them once in this order: what listens comes first.
JOBS: tuple[Job, ...] = (
    Job(run=redeliver, every_ticks=240, what_for="ask for what GitHub could not deliver"),
    Job(run=reconcile, every_ticks=240, what_for="read what GitHub did not tell"),
    Job(run=watch, every_ticks=1, what_for="look at proposals that are due"),
    Job(run=lapse, every_ticks=240, what_for="let unused tickets of last year lapse, ask how one was"),
    Job(run=nudge, every_ticks=4, what_for="plan the nudges that are due"),
    Job(run=team, every_ticks=4, what_for="start what opens for the team, invite the silent"),
    Job(run=report, every_ticks=40, what_for="tell whoever looks after Trellis what the day brought"),
    Job(run=sweep, every_ticks=2, what_for="find work that was left behind"),
    Job(run=turns, every_ticks=1, what_for="give turns to what waits for room"),
    Job(run=prune, every_ticks=5_760, what_for="forget what nobody needs"),
    Job(run=heartbeat, every_ticks=1, what_for="tell whoever watches from outside that all is well"),
)


def run_once(workshop: Workshop, job: Job) -> bool:
    """Run one job and say whether it went well; if not, the log is loud, and the next tick comes all the same."""
    try:
        job.run(workshop)
    except Exception:
        log.exception("job %s: went wrong; its next tick tries again", job.name())
        return False
    return True


def note_tick(workshop: Workshop, executor_id: str) -> None:
    """Write down that everything that was due came round well."""
    noted = update(ExecutorRow).where(ExecutorRow.id == executor_id).values(ticked_at=workshop.real_now())
    workshop.database.transact(lambda session: session.execute(noted))


class Progress:
    """Which jobs have come round well lately: one that goes wrong twice in a row, or hangs, is behind.

    Going wrong once is forgiven, because a database restarts now and then and the next turn makes up for it.
    """

    def __init__(self, tick_seconds: float, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._patience = {job.name(): 2 * job.every_ticks * tick_seconds + GRACE_SECONDS for job in JOBS}
        self._well_at = dict.fromkeys(self._patience, now())

    def went_well(self, job: Job) -> None:
        """Note it."""
        self._well_at[job.name()] = self._now()

    def behind(self) -> list[str]:
        """Name the jobs that have not come round well in time."""
        now = self._now()
        return [name for name, patience in self._patience.items() if now - self._well_at[name] > patience]


class Clock:
    """Runs the table until `stop`, and goes on at once when the system's clock is set back."""

    def __init__(self, workshop: Workshop, *, tick_seconds: float, executor_id: str) -> None:
        self._workshop = workshop
        self._executor_id = executor_id
        self._progress = Progress(tick_seconds)
        self._tick_seconds = tick_seconds
        self._stopping = threading.Event()
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._watchdog = threading.Thread(target=self._watch_the_time, name="trellis-watchdog", daemon=True)

    def start(self) -> None:
        """Start ticking; every job runs once right away."""
        for job in JOBS:
            self._scheduler.add_job(
                self._run,
                IntervalTrigger(seconds=job.every_ticks * self._tick_seconds, timezone=UTC),
                args=(job,),
                id=job.name(),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
                next_run_time=datetime.now(UTC),
            )
        self._scheduler.start()
        self._watchdog.start()

    def stop(self) -> None:
        """Stop ticking and wait for what runs."""
        self._stopping.set()
        self._scheduler.shutdown(wait=True)

    def _run(self, job: Job) -> None:
        if not run_once(self._workshop, job):
            return
        self._progress.went_well(job)
        behind = self._progress.behind()
        if behind:
            log.warning("the clock is behind with: %s", ", ".join(behind))
        elif job.every_ticks == 1:
            try:
                note_tick(self._workshop, self._executor_id)
            except SQLAlchemyError as error:
                log.warning("no tick noted: %s", type(error).__name__)

    def _watch_the_time(self) -> None:
        """Wake the scheduler after a jump: set back an hour, it would be silent for an hour (engine facts, 1.6)."""
        offset = time.time() - time.monotonic()
        while not self._stopping.wait(WATCHDOG_SECONDS):
            present = time.time() - time.monotonic()
            if abs(present - offset) > JUMP_SECONDS:
                log.warning("the system's clock moved by %.0f s; all jobs run now", present - offset)
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=datetime.now(UTC))
            offset = present
