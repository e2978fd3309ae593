"""`flask tick`, for hosts that only offer cron: every job of the one table, once, and whoever went wrong is named."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, text

from store.models import CallRow
from tests.house import House
from tests.scenes import house

__all__ = ["house"]  # a fixture, used by name


def test_a_tick_does_what_a_worker_does_forgetting_included(house: House) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=2)
    with house.engine.begin() as connection:
        connection.execute(insert(CallRow).values(account="github:here", organisation="fennel-works", at=long_ago))
    number = house.open_issue("ada-fw", "Read a map")
    house.wait_for("the delivery", lambda: house.rows("SELECT 1 FROM deliveries"))
    assert house.flask("tick") == "Everything that was due is done.\n"
    assert house.objectives() == {number: "active"}
    assert house.rows("SELECT count(*) FROM calls WHERE account = 'github:here'") == [(0,)]


def test_a_job_that_goes_wrong_is_named_and_the_others_are_done(house: House) -> None:
    number = house.open_issue("ada-fw", "Read a map")
    house.wait_for("the delivery", lambda: house.rows("SELECT 1 FROM deliveries"))
    with house.engine.begin() as connection:
        connection.execute(text("ALTER TABLE redeliveries RENAME TO elsewhere"))
    code, said, log = house.ran("tick")
    assert code == 1
    assert said == "Everything that was due is done.\n"
    assert "Error: prune did not go well; the log says why. The next tick tries again." in log
    assert house.objectives() == {number: "active"}
