"""The heartbeat: somebody outside hears every minute that the clock goes well, and nothing when it does not."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import responses
from sqlalchemy import insert

from jobs import heartbeat as heartbeat_file
from jobs.heartbeat import Pulse, heartbeat
from jobs.schedule import GRACE_SECONDS, JOBS, Clock, Job, Progress, note_tick
from jobs.workshop import Workshop
from store.database import Database
from store.models import ExecutorRow
from tests.conftest import RESET, SILENCE, Loopback, raw_reply

SECRET = "a-secret-part-of-the-address"
EVERY_TICK = next(job for job in JOBS if job.every_ticks == 1)


def worker(database: Database, workshop: Workshop, *, ticked_ago: timedelta | None) -> None:
    ticked_at = None if ticked_ago is None else workshop.real_now() - ticked_ago
    row = insert(ExecutorRow).values(id="a-worker", beat=1, beat_at=workshop.real_now(), ticked_at=ticked_at)
    database.transact(lambda session: session.execute(row))


# -- the call ----------------------------------------------------------------------------------------------------------


def test_it_asks_for_the_address_once_a_minute_however_often_it_is_told_to(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat_file, "LEAST_SECONDS", 0.2)
    loopback.answers = [raw_reply(200, "OK")]
    pulse = Pulse(f"{loopback.url}/{SECRET}/", call_seconds=2)
    for _ in range(20):
        pulse()
    assert loopback.asked() == [("GET", f"/{SECRET}/")]
    time.sleep(0.25)
    pulse()
    assert len(loopback.received) == 2
    assert heartbeat_file.LEAST_SECONDS == 0.2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (raw_reply(500, "no"), "answered 500"),
        (raw_reply(404, "no"), "answered 404"),
        (raw_reply(302, "", f"Location: /elsewhere/{SECRET}"), "answered 302"),
        (RESET, "did not arrive (ConnectionError)"),
        (SILENCE, "did not arrive (ReadTimeout)"),
    ],
)
def test_what_goes_wrong_is_one_line_without_the_address_and_no_redirect_is_followed(
    loopback: Loopback, caplog: pytest.LogCaptureFixture, answer: bytes, said: str
) -> None:
    loopback.answers = [answer]
    started = time.monotonic()
    Pulse(f"{loopback.url}/{SECRET}", call_seconds=0.3)()
    assert time.monotonic() - started < 2
    assert len(loopback.received) == 1
    [line] = [record.getMessage() for record in caplog.records]
    assert said in line
    assert SECRET not in caplog.text
    assert loopback.url not in caplog.text


def test_a_server_that_never_ends_its_answer_is_not_waited_for(loopback: Loopback) -> None:
    loopback.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nand so on"]
    started = time.monotonic()
    Pulse(loopback.url, call_seconds=5)()
    assert time.monotonic() - started < 2


# -- when it is told to ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ticked_ago", "told"),
    [
        (timedelta(seconds=10), 1),
        (timedelta(minutes=6), 0),
        (timedelta(minutes=-6), 0),
        (None, 0),
    ],
)
def test_it_is_told_only_while_the_clock_goes_well(
    workshop: Workshop, database: Database, ticked_ago: timedelta | None, told: int
) -> None:
    worker(database, workshop, ticked_ago=ticked_ago)
    heard: list[int] = []
    heartbeat(replace(workshop, pulse=lambda: heard.append(1)))
    assert len(heard) == told


@responses.activate
def test_without_an_address_nobody_is_called(workshop: Workshop) -> None:
    heartbeat(workshop)
    assert len(responses.calls) == 0


def test_with_no_worker_at_all_nobody_is_told_that_all_is_well(workshop: Workshop) -> None:
    heard: list[int] = []
    heartbeat(replace(workshop, pulse=lambda: heard.append(1)))
    assert heard == []


# -- when the clock goes well ------------------------------------------------------------------------------------------


class Seconds:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_job_that_goes_wrong_once_is_forgiven_and_one_that_never_comes_round_is_not() -> None:
    seconds = Seconds()
    progress = Progress(15, now=seconds)
    hourly = next(job for job in JOBS if job.every_ticks == 240)
    turn = 240 * 15
    for _ in range(turn // 15):
        seconds.now += 15
        for job in JOBS:
            if job.every_ticks < 240:
                progress.went_well(job)
        assert progress.behind() == []
    seconds.now += turn + GRACE_SECONDS + 1
    behind = progress.behind()
    assert hourly.name() in behind
    assert "prune" not in behind
    for job in JOBS:
        progress.went_well(job)
    assert progress.behind() == []


def test_a_tick_is_noted_for_the_worker_it_belongs_to(workshop: Workshop, database: Database) -> None:
    worker(database, workshop, ticked_ago=None)
    other = insert(ExecutorRow).values(id="another", beat=1)
    database.transact(lambda session: session.execute(other))
    note_tick(workshop, "a-worker")
    ticked = database.transact(lambda session: {row.id: row.ticked_at for row in session.query(ExecutorRow)})
    assert ticked["another"] is None
    assert ticked["a-worker"] is not None
    assert abs(workshop.real_now() - ticked["a-worker"]) < timedelta(seconds=10)


def test_a_clock_whose_job_hangs_notes_no_tick(
    workshop: Workshop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def hangs(_: Workshop) -> None:
        over.wait(20)

    def well(_: Workshop) -> None:
        """Nothing to do."""

    jobs = (Job(run=hangs, every_ticks=1, what_for="hang"), Job(run=well, every_ticks=1, what_for="go well"))
    monkeypatch.setattr("jobs.schedule.JOBS", jobs)
    monkeypatch.setattr("jobs.schedule.GRACE_SECONDS", 0.5)
    worker(database, workshop, ticked_ago=None)
    clock = Clock(workshop, tick_seconds=0.1, executor_id="a-worker")

    def ticked() -> object:
        return database.transact(lambda session: session.get_one(ExecutorRow, "a-worker").ticked_at)

    clock.start()
    try:
        first = waited_for(ticked)
        time.sleep(1.2)
        then = ticked()
        time.sleep(0.6)
        assert first is not None
        assert ticked() == then, "the clock is behind, and said otherwise"
    finally:
        over.set()
        clock.stop()


def waited_for(found: Callable[[], object]) -> object:
    ends = time.monotonic() + 10
    while not found() and time.monotonic() < ends:
        time.sleep(0.05)
    return found()
