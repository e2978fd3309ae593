"""Runs: so many requests in batches, each judged at once, and every delivery that was stored handed to the worker."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from werkzeug.test import run_wsgi_app

from jobs.handle import handle
from tests.fuzz.doors import Sent, doors
from tests.fuzz.judge import Answer, promised, rubbish_in, wrong_with
from tests.fuzz.world import ENGINE_WORK, World, github_stub
from tests.secrets_left import secrets_left

BATCH = 500
EXAMPLES_OF_ONE = 3  # how often the same fault is shown


@dataclass
class Report:
    """What came of a run."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    became: Counter[tuple[str, str]] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)
    wrong: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0

    def requests(self) -> int:
        """Count the requests."""
        return sum(self.answers.values())

    def amiss(self, what: str, shown: object) -> None:
        """Note a fault, each kind with a few examples."""
        examples = self.wrong.setdefault(what, [])
        if len(examples) < EXAMPLES_OF_ONE:
            examples.append(f"{shown!r:.3000}")


class Listener(logging.Handler):
    """Keeps what is logged as an error: nothing that comes from outside should be one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line and what was raised."""
        raised = record.exc_info[1] if record.exc_info else None
        self.lines.append(f"{record.getMessage()} ({type(raised).__name__}: {raised})"[:600])

    def taken(self) -> list[str]:
        """Give what was kept since the last time."""
        lines, self.lines = self.lines, []
        return lines


def run(
    world: World, *, requests: int, start: int, batch: int = BATCH, tell: Callable[[str], object] = lambda _: None
) -> Report:
    """Send so many requests, beginning at a seed; the same seeds send the same requests."""
    report, listener, began = Report(), Listener(), time.monotonic()
    logging.getLogger().addHandler(listener)
    try:
        number = start
        while report.requests() < requests:
            _batch(world, report, listener, number, min(batch, requests - report.requests()))
            number += 1
            tell(f"{report.requests()} requests, {time.monotonic() - began:.0f} s, faults: {sorted(report.wrong)}")
    finally:
        logging.getLogger().removeHandler(listener)
        report.seconds = time.monotonic() - began
    return report


def _batch(world: World, report: Report, listener: Listener, number: int, size: int) -> None:
    world.reset()
    before, expected, names = world.count(), set[str](), count()
    with world.database.engine.connect() as watch:

        def ask(sent: Sent) -> None:
            sent = sent.fresh(f"fuzz-{number}-{next(names)}")
            answer = _sent(world, watch, sent)
            report.answers[sent.door, answer.status] += 1
            for what in wrong_with(sent, answer):
                report.amiss(f"{sent.door}: {what}", sent)
            for line in listener.taken():
                report.amiss(f"{sent.door}: logged as an error: {line}", sent)
            name = promised(sent)
            if answer.status == 202 and name is not None:
                if world.delivery(name) is None:
                    report.amiss(f"{sent.door}: promised and not stored", sent)
                if answer.wrote is not None and answer.wrote != (name not in expected):
                    report.amiss(f"{sent.door}: stored twice, or not at all", sent)
                expected.add(name)

        for place, (share, strategy) in enumerate(doors(world.tokens()).values()):
            _asked_often(ask, strategy, start=number * 10 + place, often=max(1, size * share // 100))
    stored = {row.id for row in world.deliveries()}
    for name in stored ^ expected:
        report.amiss("a row that no answer promised, or a promise without a row", name)
    after = world.count()
    if after[ENGINE_WORK] - before[ENGINE_WORK] != len(stored):
        report.amiss("a delivery without its work, or work without its delivery", after)
    for what in rubbish_in(world):
        report.amiss("rubbish stored at the door", what)
    _handled(world, report, listener, number)
    for what in secrets_left(world.settings, [world.folder], world.database):
        report.amiss("a secret was left behind", what)


def _asked_often(ask: Callable[[Sent], None], strategy: SearchStrategy[Sent], *, start: int, often: int) -> None:
    """Have hypothesis make so many requests; nothing is raised, so there is nothing to shrink."""

    @seed(start)
    @settings(
        max_examples=often,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def asked(sent: Sent) -> None:
        ask(sent)

    asked()


def _sent(world: World, watch: Connection, sent: Sent) -> Answer:
    version = _version(watch)
    body, status, headers = run_wsgi_app(world.app, sent.environ(), buffered=True)
    wrote = None if version is None else _version(watch) != version
    return Answer(status=int(status.split(" ")[0]), headers=headers, body=b"".join(body), wrote=wrote)


def _version(watch: Connection) -> int | None:
    """Give a number that changes when anybody else commits a change; PostgreSQL has none that is as cheap."""
    if watch.dialect.name != "sqlite":
        return None
    raw: Any = watch.connection.dbapi_connection
    return int(raw.execute("PRAGMA data_version").fetchone()[0])


def _handled(world: World, report: Report, listener: Listener, number: int) -> None:
    with github_stub(number):
        for row in world.deliveries():
            try:
                handle(world.workshop, row.id)
            except DBAPIError as error:
                report.amiss(f"handling: the database refused: {type(error.orig).__name__}", (row.event, row.body))
                continue
            for line in listener.taken():
                report.amiss(f"handling: {line.partition('(')[2]}", (row.event, row.body))
            became = world.delivery(row.id)
            assert became is not None
            report.became[row.source, became.status] += 1
            if became.last_error is not None:
                report.why[_kind_of(became.last_error)] += 1
            for what in _unclear(became.status, became.last_error):
                report.amiss(f"handling: {what}", (row.event, row.body))
    for what in rubbish_in(world):
        report.amiss("rubbish stored by the worker", what)


def _unclear(status: str, why: str | None) -> Iterator[str]:
    if status not in ("done", "ignored", "parked"):
        yield f"it ends as {status}: {why}"
    if status == "parked" and (not why or "see the log" in why or " " not in why):
        yield f"parked without a clear sentence: {why}"


def _kind_of(why: str) -> str:
    """Give a sentence without what is particular in it, so that it can be counted."""
    return " ".join("…" if "'" in word or any(map(str.isdigit, word)) else word for word in why.split())[:100]
