"""A worker that is asked to stop ends within ten seconds, whatever it is in the middle of, and loses nothing."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House, fresh_database

GRANTED_SECONDS = 10


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    # As patient as a real one: a call may take longer than a host grants before it kills.
    with fresh_database("sqlite", tmp_path) as url, House(url, tmp_path, TRELLIS_CALL_SECONDS="30") as house:
        yield house


def test_in_the_middle_of_a_slow_call_it_ends_in_time_and_the_effect_happens_once(house: House) -> None:
    worker = house.start_worker()
    house.wait_for("its lease", lambda: house.rows("SELECT id FROM executors"))
    # The worst of it: GitHub does what it was asked, and the answer does not come.
    house.fault("github", "POST", r"/issues$", "after_hang", seconds=25)
    house.ask("objective.open", person="ada", title="Read a map")
    house.wait_for("the call", lambda: any(one["fault"] == "after_hang" for one in house.calls()))
    started = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=20) == 0
    assert time.monotonic() - started < GRANTED_SECONDS
    assert house.rows("SELECT status FROM effects") == [("sending",)]
    house.control("release")
    house.start_worker()
    house.wait_for("the issue", lambda: len(house.objectives()) == 1)
    house.wait_until_quiet()
    assert [one["title"] for one in house.world()["issues"] if one["author"] == "trellis-bot"] == ["Read a map"]
    assert house.rows("SELECT status FROM effects") == [("done",)]


def test_with_nothing_to_do_it_ends_at_once_and_gives_its_lease_back(house: House) -> None:
    worker = house.start_worker()
    house.wait_for("a tick", lambda: house.rows("SELECT id FROM executors WHERE ticked_at IS NOT NULL"))
    assert house.session.get(f"{house.web_url}/readyz", timeout=5).json()["not_ready"] == []
    started = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=20) == 0
    assert time.monotonic() - started < 6
    assert house.rows("SELECT id FROM executors") == []
    time.sleep(1.1)
    assert house.session.get(f"{house.web_url}/readyz", timeout=5).json()["not_ready"] == ["worker", "clock"]
