"""A mortal web part or worker: the real one, started in a process that may die at any moment and whose clock may lie.

The processes are forked (`tests/processes.py`), so a restart costs a hundredth of a second; what runs in them is
`app.create_app()` under waitress, or `flask worker`. Nothing in the product knows of it. What is quicker here than in
earnest stands in `QUICKER`; everything else is settings.
"""

import importlib
import os
import random
import sys
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from flask.cli import ScriptInfo
from sqlalchemy import Engine, event

from tests.chaos.boundaries import Boundaries
from tests.processes import FORKING

# Waits that would be all that a run of minutes sees. Module, name, value.
QUICKER: tuple[tuple[str, str, timedelta], ...] = (("jobs.redeliver", "COMES_WITHIN", timedelta(seconds=10)),)
# By GitHub's clock, on which hours pass in seconds: these are as long as a real minute.
BY_GITHUBS_CLOCK = (("jobs.reconcile", "OVERLAP"), ("jobs.redeliver", "LISTED_LATE"))
# Jobs that come round hourly in earnest, in ticks.
TICKS = {"redeliver": 8, "reconcile": 12, "lapse": 20, "report": 20}
OWN_SKEW_SECONDS = 0.3


def start(
    role: str, environ: dict[str, str], folder: Path, *, port: int, gap_seconds: float, haste: float
) -> ForkServerProcess:
    """Start a part of Trellis in a process of its own; `haste` is how many minutes pass out there in one of ours."""
    process = FORKING.Process(target=_live, args=(role, environ, folder, port, gap_seconds, haste), daemon=True)
    process.start()
    return process


def _live(role: str, environ: dict[str, str], folder: Path, port: int, gap_seconds: float, haste: float) -> None:
    os.environ.clear()
    os.environ.update(environ)
    log = os.open(folder / "log.pipe", os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout, sys.stderr = (os.fdopen(one, "w", buffering=1, closefd=False) for one in (1, 2))
    _follow_clock(folder / "skew")
    _hurry(haste)
    _sometimes_read_only(folder / "read-only")
    if gap_seconds:
        Boundaries(role, folder / "boundaries", gap_seconds=gap_seconds).wrap()
    app = importlib.import_module("app").create_app()
    if role == "web":
        importlib.import_module("waitress").serve(app, host="127.0.0.1", port=port, threads=8, _quiet=True)
    else:
        app.cli.main(args=["worker"], prog_name="flask", obj=ScriptInfo(create_app=lambda: app))


def _follow_clock(file: Path) -> None:
    """Let the real clock of this process be wrong by the seconds in a file, and a little by itself."""
    own = random.uniform(-OWN_SKEW_SECONDS, OWN_SKEW_SECONDS)

    class Skewed(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # the real one, moved
            return datetime.now(tz) + timedelta(seconds=own + _number_in(file))

    importlib.import_module("config.clock").datetime = Skewed  # type: ignore[attr-defined]


def _number_in(file: Path) -> float:
    try:
        return float(file.read_text(encoding="ascii") or 0)
    except FileNotFoundError:
        return 0.0


def _hurry(haste: float) -> None:
    for module, name, value in (*QUICKER, *((*one, timedelta(minutes=haste)) for one in BY_GITHUBS_CLOCK)):
        found = importlib.import_module(module)
        if hasattr(found, name):
            setattr(found, name, value)
    schedule: Any = importlib.import_module("jobs.schedule")
    schedule.JOBS = tuple(
        replace(job, every_ticks=min(job.every_ticks, TICKS.get(job.name(), job.every_ticks))) for job in schedule.JOBS
    )


def _sometimes_read_only(flag: Path) -> None:
    """Let SQLite refuse writing while a file is there; PostgreSQL is told by its own means."""

    @event.listens_for(Engine, "begin")
    def begin(connection: Any) -> None:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if flag.exists() else 'OFF'}")
