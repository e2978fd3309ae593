"""Dies once at every boundary: before and after each commit that wrote and each outside call, found while running.

Nothing in the product knows of this. The database's commit and the libraries' ways to the outside are wrapped, and a
boundary is named by the role, the side and the innermost function of ours that stands on the call stack. Whoever
reaches one for the first time in the whole run claims it by making a file, and is gone in the same instant.
"""

import os
import re
import smtplib
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import requests
from apprise import Apprise
from sqlalchemy.engine.default import DefaultDialect

ROOT = str(Path(__file__).parents[2])
DIED = 137  # as a process that was killed says it
# Functions that only pass on what another asked for.
GO_BETWEENS = ("store.database", "tests.chaos")
DEEPEST = 200
WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
CALM = "calm"  # with this file in the folder, nobody dies any more


class Boundaries:
    """The boundaries of one process; all processes of a run share the folder."""

    def __init__(self, role: str, folder: Path, *, gap_seconds: float) -> None:
        """Between two deaths there are at least `gap_seconds`, so that the living get something done."""
        self._role = role
        self._folder = folder
        self._gap_seconds = gap_seconds
        self._known: set[str] = set()
        self._here = threading.local()  # whether this thread has written since its last commit
        self._last = folder / "last"

    def wrap(self) -> None:
        """Make every commit and every outside call of this process a pair of boundaries."""
        for name in ("do_execute", "do_executemany"):
            self._note_writing(name)
        self._wrap(DefaultDialect, "do_commit", "commit", only_if=self._has_written)
        self._wrap(requests.Session, "send", "call")
        self._wrap(smtplib.SMTP, "data", "letter")
        self._wrap(smtplib.SMTP, "getreply", "letter's answer", only_from="integrations.mail")
        self._wrap(Apprise, "notify", "notice")

    def _note_writing(self, name: str) -> None:
        inner: Callable[..., Any] = getattr(DefaultDialect, name)

        def wrapped(dialect: Any, cursor: Any, statement: str, *args: Any) -> Any:
            if WRITES.match(statement):
                self._here.wrote = True
            return inner(dialect, cursor, statement, *args)

        setattr(DefaultDialect, name, wrapped)

    def _has_written(self) -> bool:
        wrote, self._here.wrote = getattr(self._here, "wrote", False), False
        return bool(wrote)

    def _wrap(
        self, owner: type, name: str, what: str, *, only_from: str = "", only_if: Callable[[], bool] = lambda: True
    ) -> None:
        inner: Callable[..., Any] = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            where = _where(sys._getframe(1)) if only_if() else ""
            if not where or not where.startswith(only_from):
                return inner(*args, **kwargs)
            self._reach(f"{self._role} before {what} {where}")
            found = inner(*args, **kwargs)
            self._reach(f"{self._role} after {what} {where}")
            return found

        setattr(owner, name, wrapped)

    def _reach(self, boundary: str) -> None:
        if boundary in self._known:
            return
        seen, died = self._folder / f"{boundary}.seen", self._folder / f"{boundary}.died"
        seen.touch()
        if died.exists():
            self._known.add(boundary)
            return
        if time.time() - _changed_at(self._last) < self._gap_seconds or (self._folder / CALM).exists():
            return
        try:
            os.close(os.open(died, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        self._last.touch()
        os._exit(DIED)


def _changed_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _where(frame: FrameType | None) -> str:
    """Name the innermost function of ours, its line, and the effect it is about; else the innermost of the engine."""
    engine, ours, effect = "", "", ""
    for _ in range(DEEPEST):
        if frame is None or effect:
            break
        module = str(frame.f_globals.get("__name__", ""))
        if frame.f_code.co_filename.startswith(ROOT) and not module.startswith(GO_BETWEENS):
            ours = ours or f"{module}.{frame.f_code.co_name}:{frame.f_lineno}"
            if "effect" in frame.f_code.co_varnames and module in ("jobs.perform", "jobs.calls"):
                effect = f" {type(frame.f_locals.get('effect')).__name__}"
        elif module.startswith("dbos") and not engine:
            engine = f"{module}.{frame.f_code.co_name}"
        frame = frame.f_back
    return (ours + effect) if ours else engine or "elsewhere"


def reached(folder: Path) -> tuple[int, int]:
    """Say at how many boundaries somebody died, and how many there were."""
    return len(list(folder.glob("*.died"))), len(list(folder.glob("*.seen")))
