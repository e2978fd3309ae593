"""The engine's settings that matter: each was measured to lose or double work when missing (engine facts, 2.4)."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import BY_NAME
from jobs.durable import remembered
from store.database import make_engine
from tests.house import fresh_database
from tests.processes import Process
from tests.scenes import BOTH_DATABASES, on_postgresql

# The engine is a singleton of its process, so each of these runs in a process of its own.
PRELUDE = """
import sys, time
from functools import partial
from pathlib import Path
from sqlalchemy.exc import OperationalError
from jobs.durable import Engine, Intake, Lease
from store.database import Database, make_engine
database = Database(make_engine(sys.argv[1]))
said = Path(sys.argv[2])
lease = Lease(beat_seconds=0.2, fence_seconds=5, takeover_seconds=8)
def run(kinds, keys, until):
    engine, intake = Engine(database, kinds, lease=lease, poll_seconds=0.05), Intake(database)
    engine.start()
    for key in keys:
        database.transact(lambda s: intake.enqueue(s, "handle", key, generation=0, partition=key))
    ends = time.monotonic() + 30
    while not until(intake) and time.monotonic() < ends:
        time.sleep(0.05)
    engine.stop()
    return until(intake)
def ended(intake):
    return not intake.underway(["handle:a:0"])
"""


@pytest.fixture(params=BOTH_DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with fresh_database(request.param, tmp_path) as url:
        yield BY_NAME["DATABASE_URL"].read(url)


def run(code: str, url: str, tmp_path: Path) -> str:
    said, log = tmp_path / "said", tmp_path / "log"
    said.touch()
    assert Process(("-c", PRELUDE + code, url, str(said)), os.environ, log).wait(90) == 0, log.read_text()
    return said.read_text()


def test_a_database_that_stumbles_inside_a_unit_of_work_only_repeats_it(url: str, tmp_path: Path) -> None:
    code = """
def handle(key):
    with said.open("a") as file: file.write("x")
    if len(said.read_text()) < 3:
        raise OperationalError("SELECT 1", {}, Exception("database is locked"))
assert run({"handle": handle, "perform": handle}, ["a"], ended)
"""
    assert run(code, url, tmp_path) == "xxx"


def test_units_about_one_thing_run_in_turn_and_others_side_by_side(url: str, tmp_path: Path) -> None:
    code = """
import threading
inside, together = set(), set()
lock = threading.Lock()
def handle(key):
    thing = key.split("/")[0]
    with lock:
        assert thing not in inside
        inside.add(thing)
        together.add(frozenset(inside))
    time.sleep(0.3)
    with lock:
        inside.remove(thing)
        with said.open("a") as file: file.write(key + " ")
engine = Engine(database, {"handle": handle, "perform": handle}, lease=lease, poll_seconds=0.05)
intake = Intake(database)
keys = [f"{thing}/{n}" for n in range(3) for thing in "ab"]
for key in keys:
    database.transact(lambda s: intake.enqueue(s, "handle", key, generation=0, partition=key.split("/")[0]))
engine.start()
ends = time.monotonic() + 30
while intake.underway(f"handle:{key}:0" for key in keys) and time.monotonic() < ends:
    time.sleep(0.05)
engine.stop()
assert frozenset("ab") in together, together
"""
    done = run(code, url, tmp_path).split()
    assert sorted(done) == ["a/0", "a/1", "a/2", "b/0", "b/1", "b/2"]
    assert [one for one in done if one.startswith("a")] == ["a/0", "a/1", "a/2"]


def test_finished_work_is_forgotten_and_work_underway_is_not(url: str, tmp_path: Path) -> None:
    code = """
assert run({"handle": lambda key: None, "perform": lambda key: None}, ["a"], ended)
intake = Intake(database)
database.transact(lambda s: intake.enqueue(s, "handle", "b", generation=0, partition="b"))
assert intake.forget_finished(older_than_ms=int((time.time() + 60) * 1000), most=10) == 1
assert intake.forget_finished(older_than_ms=int((time.time() + 60) * 1000), most=10) == 0
assert intake.underway(["handle:a:0", "handle:b:0"]) == {"handle:b:0"}
"""
    run(code, url, tmp_path)


def test_delayed_work_comes_when_its_time_has_come_and_what_waits_beside_it_at_once(url: str, tmp_path: Path) -> None:
    code = """
came = {}
def handle(key): came[key] = time.monotonic()
engine = Engine(database, {"handle": handle, "perform": handle}, lease=lease, poll_seconds=0.05)
intake = Intake(database)
engine.start()
time.sleep(0.5)  # idle for a while: then the engine only glances
begins = time.monotonic()
def enqueue(session):
    intake.enqueue(session, "handle", "late", generation=0, partition="a", delay_seconds=2)
    intake.enqueue(session, "handle", "now", generation=0, partition="b")
database.transact(enqueue)
while len(came) < 2 and time.monotonic() - begins < 30:
    time.sleep(0.05)
engine.stop()
assert came["now"] < came["late"] and came["late"] - begins >= 1.5, came
"""
    run(code, url, tmp_path)


def test_a_glance_goes_on_when_its_connection_was_lost(url: str, tmp_path: Path) -> None:
    """As after a restart of the database: nobody need notice, and what waits is still seen."""
    code = """
from contextlib import suppress
from sqlalchemy import text
from jobs.durable import Glance
glance, intake = Glance(database), Intake(database)
assert not glance.is_enqueued("handle")
if database.engine.dialect.name == "sqlite":
    glance._connection.close()
else:
    with database.engine.begin() as connection:
        ended = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid = :pid")
        assert connection.scalar(ended, {"pid": glance._connection.info.backend_pid}) == 1
database.transact(lambda s: intake.enqueue(s, "handle", "a", generation=0, partition="a"))
assert glance.is_enqueued("handle") and not glance.is_enqueued("perform")
glance.close()
glance.close()
assert glance.is_enqueued("handle")
glance.close()
"""
    run(code, url, tmp_path)


def test_a_glance_at_a_database_that_does_not_answer_says_so_and_the_next_one_tries_again(
    url: str, tmp_path: Path
) -> None:
    code = """
from jobs.durable import Glance
glance = Glance(database)
class Gone(database.engine.dialect.loaded_dbapi.Error): pass
connect = glance._engine.raw_connection
def refuse(): raise Gone
glance._engine.raw_connection = refuse
for _ in range(2):
    try:
        glance.busy_executors()
    except Gone:
        said.write_text(said.read_text() + "x")
glance._engine.raw_connection = connect
assert glance.busy_executors() == set()
glance.close()
"""
    assert run(code, url, tmp_path) == "xx"


@pytest.mark.parametrize("kind", [on_postgresql()])
def test_a_server_that_has_gone_silent_is_given_up_before_a_worker_is_taken_over(kind: str, tmp_path: Path) -> None:
    """All glances go by one connection, and a worker that beats by another would keep what it does not do."""
    with fresh_database(kind, tmp_path) as url:
        engine = make_engine(BY_NAME["DATABASE_URL"].read(url))
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            silent_ms = int(driver.info.get_parameters()["tcp_user_timeout"])
        engine.dispose()
    assert 0 < silent_ms < 1000 * (BY_NAME["TRELLIS_TAKEOVER_SECONDS"].default or 0)


def test_an_idle_worker_only_glances(url: str, tmp_path: Path) -> None:
    """What it asks by way of the pool costs several times as much, so the beat alone does (docs/performance.md)."""
    code = """
from sqlalchemy import event
def handle(key): pass
engine = Engine(database, {"handle": handle, "perform": handle}, lease=lease, poll_seconds=0.05)
engine.start()
time.sleep(2.5)  # the engine's threads have begun, and know their queues
asked = []
event.listen(database.engine, "before_cursor_execute", lambda *what: asked.append(what[2]))
time.sleep(2.5)
other = {one for one in asked if not one.startswith("UPDATE executors")}
assert asked and not other, other
engine.stop()
"""
    run(code, url, tmp_path)


def test_a_question_is_asked_again_when_its_answer_is_old_and_each_question_has_its_own() -> None:
    asked: list[str] = []

    def ask(name: str, *, loud: bool = False) -> int:
        asked.append(name.upper() if loud else name)
        return len(asked)

    answer = remembered(ask, seconds=0.2)

    assert [answer("a"), answer("a"), answer("b"), answer("a", loud=True), answer("b")] == [1, 1, 2, 3, 2]
    time.sleep(0.25)
    assert [answer("a"), answer("a")] == [4, 4]
    assert asked == ["a", "b", "A", "a"]
