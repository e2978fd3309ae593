"""Recovery, end to end: what was lost on its way is asked for again and handled once, and broken work starts anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import BY_NAME
from tests.github_wire import app_pem
from tests.house import House, fresh_database
from tests.scenes import house

__all__ = ["house"]  # a fixture, used by name: once on each database


@pytest.fixture
def one_house(tmp_path: Path) -> Iterator[House]:
    """A house on SQLite, for what has nothing to do with the database."""
    with fresh_database("sqlite", tmp_path) as url, House(url, tmp_path) as house:
        yield house


def guids(house: House) -> set[str]:
    """Every delivery GitHub ever made, however often it was tried."""
    return {one["guid"] for one in house.world()["deliveries"] if one["side"] == "github"}


def stored(house: House) -> dict[str, str]:
    """What became of each delivery here."""
    return dict(house.rows("SELECT id, status FROM deliveries WHERE source = 'github'"))


def arrivals(house: House) -> dict[str, int]:
    """How often each delivery was taken."""
    found: dict[str, int] = {}
    for one in house.world()["deliveries"]:
        if one["side"] == "github" and one["status"] == "OK":
            found[one["guid"]] = found.get(one["guid"], 0) + 1
    return found


def all_idle(house: House) -> bool:
    return bool(house.session.get(f"{house.sandbox_url}/_control/deliveries/idle", timeout=5).json()["idle"])


def test_deliveries_lost_while_web_is_down_are_asked_for_again_and_handled_once(house: House) -> None:
    house.kill(house.web)
    first = house.open_issue("ada-fw", "Read a map")
    second = house.open_issue("ada-fw", "Bake bread")
    house.as_person("ada-fw", "POST", f"/issues/{second}/comments", body="/activate")
    house.wait_for("every failure", lambda: all_idle(house))
    assert arrivals(house) == {}
    lost = guids(house)
    house.start_web()
    house.wait_for("the web part", lambda: house.session.get(f"{house.web_url}/healthz", timeout=5).ok)
    house.start_worker()
    house.wait_for("all of them", lambda: lost <= set(stored(house)))
    house.wait_until_quiet()
    # Late, out of order, and reconciled meanwhile: all the same the command was obeyed, once.
    assert house.objectives() == {first: "queued", second: "active"}
    assert house.rows("SELECT count(*) FROM timeline WHERE what = 'command given'") == [(1,)]
    assert set(stored(house)) == guids(house)
    assert set(stored(house).values()) <= {"done", "ignored"}
    house.flask("tick")
    house.wait_until_quiet()
    assert set(arrivals(house).values()) == {1}


def test_what_only_a_redelivery_brings_comes_with_the_next_hour_and_once(one_house: House) -> None:
    house = one_house
    house.flask("tick")
    house.control("deliveries", mode="missing")
    number = house.open_issue("ada-fw", "Read a map")
    lost = guids(house)
    assert stored(house) == {}
    house.flask("tick")
    house.wait_for("all of them", lambda: lost <= set(stored(house)))
    house.flask("tick")
    house.wait_until_quiet()
    assert house.objectives() == {number: "active"}
    assert arrivals(house) == dict.fromkeys(lost, 1)


def test_as_an_app_what_was_lost_is_asked_for_by_its_signature(tmp_path: Path) -> None:
    app = {"GITHUB_TOKEN": "", "GITHUB_APP_ID": "55", "GITHUB_APP_PRIVATE_KEY": app_pem()}
    with fresh_database("sqlite", tmp_path) as url, House(url, tmp_path, **app) as house:
        house.control("deliveries", mode="missing", hook="integration")
        number = house.open_issue("ada-fw", "Read a map")
        lost = guids(house)
        house.flask("tick")
        house.wait_for("all of them", lambda: lost <= set(stored(house)))
        house.wait_until_quiet()
        assert house.objectives() == {number: "active"}
        assert arrivals(house) == dict.fromkeys(lost, 1)
        assert "fine  fennel-works: what GitHub cannot deliver is asked for again, as the App" in house.flask("doctor")


def test_a_token_that_may_not_read_webhooks_is_a_note_and_the_rest_is_reconciled(one_house: House) -> None:
    house = one_house
    house.flask("tick")
    assert "fine  fennel-works: what GitHub cannot deliver is asked for again, at the webhook" in house.flask("doctor")
    house.control("github/access", **{"as": "trellis-bot", "role": "triage"})
    house.control("deliveries", mode="missing")
    number = house.open_issue("ada-fw", "Read a map")
    house.flask("tick")
    assert house.objectives() == {number: "active"}
    assert stored(house) == {}
    said = house.flask("doctor")  # and its exit code says that all is well
    assert "note  fennel-works: what GitHub cannot deliver is not asked for again, only read within the hour" in said
    assert "ERROR" not in house.said()


def test_an_engines_workflow_that_ended_badly_is_found_and_started_anew(house: House) -> None:
    number = house.open_issue("ada-fw", "Read a map")
    house.wait_for("the deliveries", lambda: len(stored(house)) == 3)
    schema = "" if house.engine.dialect.name == "sqlite" else "dbos."
    with house.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {schema}workflow_status SET status = 'ERROR'")
        connection.exec_driver_sql("UPDATE deliveries SET not_before = '2026-01-01 00:00:00+00:00'")
    house.start_worker()
    house.wait_for("active", lambda: house.objectives() == {number: "active"})
    house.wait_for("all handled", lambda: set(stored(house).values()) <= {"done", "ignored"})
    assert "nothing was under way for it; enqueued again" in house.said()


def test_by_default_a_dead_workers_work_is_taken_over_within_a_minute() -> None:
    """Its last beat is seen one beat late, its silence judged once a beat, and its work found at the next poll."""
    beat, takeover, poll = (BY_NAME[f"TRELLIS_{name}_SECONDS"].default for name in ("BEAT", "TAKEOVER", "POLL"))
    assert beat + takeover + beat + poll <= 50
