"""Health: whether this process lives, and whether Trellis as a whole is at work, for machines that watch it.

`/healthz` touches nothing: a balancer that sends deliveries here asks it. `/readyz` is for whoever is woken up: it
names what is amiss in plain words, 503 when nothing gets done. It shows counts and ages, and nothing of anybody;
however often it is asked, the database is asked once a second, and nobody waits long.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from store.vitals import Vitals

log = logging.getLogger(__name__)
T = TypeVar("T")

FRESH_SECONDS = 1.0
PATIENCE_SECONDS = 3.0
NO_ANSWER = f"it has not answered within {PATIENCE_SECONDS:g} s, or not as expected: the log says more"
NO_STORE = {"Cache-Control": "no-store"}


class State(StrEnum):
    """How one thing is. Only `down` makes the whole not ready; a vendor's trouble is something to look at."""

    FINE = "fine"
    LOOK = "look"
    DOWN = "down"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: State
    why: str
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """From how many seconds on somebody should be woken up."""

    beat_seconds: float
    tick_seconds: float
    overdue_seconds: float = 900.0


@dataclass(frozen=True, kw_only=True)
class Unwell:
    """The database could not be asked, and why, without anything it said itself."""

    why: str


class Looking(Generic[T]):
    """Looks at most once a second, one look at a time, and keeps nobody waiting for one that does not come back."""

    def __init__(
        self, look: Callable[[], T], *, fresh_seconds: float = FRESH_SECONDS, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._look = look
        self._fresh_seconds = fresh_seconds
        self._patience_seconds = patience_seconds
        self._turn = threading.Lock()
        self._found: tuple[float, T] | None = None
        self._underway: threading.Event | None = None

    def latest(self) -> T | None:
        """Give what was last seen, about a second old at most; None when no look came back in time."""
        with self._turn:
            if self._found is not None and time.monotonic() - self._found[0] < self._fresh_seconds:
                return self._found[1]
            if self._underway is None:
                self._underway = threading.Event()
                threading.Thread(target=self._run, args=(self._underway,), name="trellis-look", daemon=True).start()
            underway = self._underway
        underway.wait(self._patience_seconds)
        with self._turn:
            patience = self._fresh_seconds + self._patience_seconds
            if self._found is None or time.monotonic() - self._found[0] > patience:
                return None
            return self._found[1]

    def _run(self, underway: threading.Event) -> None:
        found = None
        try:
            found = (time.monotonic(), self._look())
        except Exception:
            log.exception("a look at the database went wrong in a way nobody thought of")
        with self._turn:
            self._found, self._underway = found, None
        underway.set()


def asked(look: Callable[[], T]) -> T | Unwell:
    """Ask the database, and say in our own words when it does not answer: its words may hold an address."""
    try:
        return look()
    except SQLAlchemyError as error:
        return Unwell(why=f"it does not answer, or lacks tables: flask migrate ({type(error).__name__})")


def health_blueprint(
    look: Callable[[], Vitals | Unwell], real_now: Callable[[], datetime], limits: Limits
) -> Blueprint:
    """Make the routes."""
    bp = Blueprint("health", __name__)
    looking = Looking(look)

    @bp.get("/healthz")
    def alive() -> tuple[Response, int, dict[str, str]]:
        return jsonify({"alive": True}), 200, NO_STORE

    @bp.get("/readyz")
    def ready() -> tuple[Response, int, dict[str, str]]:
        seen = looking.latest() or Unwell(why=NO_ANSWER)
        found = findings(seen, now=real_now(), limits=limits)
        down = [one.name for one in found if one.state is State.DOWN]
        said = {
            "ready": not down,
            "not_ready": down,
            "checks": {one.name: _said(one) for one in found},
        }
        return jsonify(said), 503 if down else 200, NO_STORE

    return bp


def _said(one: Finding) -> dict[str, str | float]:
    said: dict[str, str | float] = {"state": one.state.value, "why": one.why}
    return said if one.seconds is None else said | {"seconds": round(one.seconds, 1)}


def findings(seen: Vitals | Unwell, *, now: datetime, limits: Limits) -> list[Finding]:
    """Judge what was seen; `now` is aware UTC and real."""
    if isinstance(seen, Unwell):
        return [Finding(name="database", state=State.DOWN, why=seen.why)]
    return [
        Finding(name="database", state=State.FINE, why="it answers"),
        _worker(seen, now, limits),
        _clock(seen, now, limits),
        _waiting("deliveries", seen.delivery_due_since, seen.deliveries_parked, now, limits),
        _queued(_waiting("effects", seen.effect_due_since, seen.effects_parked, now, limits), seen.effects_queued),
        _github(seen, now),
        _loomio(seen),
    ]


def _worker(seen: Vitals, now: datetime, limits: Limits) -> Finding:
    if seen.beat_at is None:
        why = (
            "no worker is running: what comes in is stored and waits"
            if not seen.workers
            else "no worker has beaten yet"
        )
        return Finding(name="worker", state=State.DOWN, why=why)
    return _aged("worker", "the last sign of life of a worker", seen.beat_at, now, limits.beat_seconds)


def _clock(seen: Vitals, now: datetime, limits: Limits) -> Finding:
    if seen.ticked_at is None:
        return Finding(name="clock", state=State.DOWN, why="no running worker's clock has come round yet")
    return _aged(
        "clock", "the last time every job of the clock came round well", seen.ticked_at, now, limits.tick_seconds
    )


def _aged(name: str, what: str, at: datetime, now: datetime, most: float) -> Finding:
    seconds = (now - at).total_seconds()
    if seconds < -most:
        why = f"{what} lies {-seconds:.0f} s ahead: the clocks of these machines differ"
        return Finding(name=name, state=State.DOWN, why=why, seconds=seconds)
    down = seconds > most
    why = f"{what} is {max(seconds, 0):.0f} s ago" + (f"; {most:.0f} s is the most" if down else "")
    return Finding(name=name, state=State.DOWN if down else State.FINE, why=why, seconds=max(seconds, 0))


def _waiting(name: str, due_since: datetime | None, parked: int, now: datetime, limits: Limits) -> Finding:
    seconds = max((now - due_since).total_seconds(), 0) if due_since is not None else 0.0
    if seconds > limits.overdue_seconds:
        why = f"one has been due for {seconds:.0f} s and nobody has taken it up"
        return Finding(name=name, state=State.DOWN, why=why, seconds=seconds)
    if parked:
        return Finding(name=name, state=State.LOOK, why=f"{parked} are parked and wait for a person", seconds=seconds)
    return Finding(name=name, state=State.FINE, why="nothing has waited long", seconds=seconds)


def _queued(finding: Finding, queued: int) -> Finding:
    """Add what waits for room outside, which is in order."""
    return (
        replace(finding, why=f"{finding.why}; {queued} wait until GitHub, Loomio, mail or chat takes more")
        if queued
        else finding
    )


def _github(seen: Vitals, now: datetime) -> Finding:
    """Tell the age of the last delivery, never judging it: teams are quiet for weeks."""
    at = seen.github_at
    seconds = None if at is None else max((now - at).total_seconds(), 0)
    last = "nothing was ever delivered" if seconds is None else f"the last delivery came {seconds:.0f} s ago"
    if seen.troubles:
        amiss = ", ".join(f"{what} ({count})" for what, count in sorted(seen.troubles.items()))
        return Finding(name="github", state=State.LOOK, why=f"open troubles: {amiss}; {last}", seconds=seconds)
    return Finding(name="github", state=State.FINE, why=last, seconds=seconds)


def _loomio(seen: Vitals) -> Finding:
    if seen.in_vain:
        why = (
            f"{seen.in_vain} of {seen.watched} proposals could not be read: is the bot's key still good? (flask doctor)"
        )
        return Finding(name="loomio", state=State.LOOK, why=why)
    why = f"{seen.watched} proposals are watched and could be read" if seen.watched else "no proposal is watched now"
    return Finding(name="loomio", state=State.FINE, why=why)
