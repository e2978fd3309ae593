"""Scenes that end-to-end tests share: a claim, its proposal, its closing, and both databases."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from tests.house import House, fresh_database

TICKET = """### What is the opportunity?

RubyConf 2027

### How does it stretch me?

I have never spoken in public.

### What does it cost?

{cost}

### First day

_No response_

### Last day

_No response_

### How shall we decide?

{decide}"""


ON_POSTGRESQL = (
    pytest.mark.postgresql,
    pytest.mark.skipif("TEST_POSTGRESQL_URL" not in os.environ, reason="no PostgreSQL server was named"),
)
BOTH_DATABASES = ("sqlite", pytest.param("postgresql", marks=ON_POSTGRESQL))


def on_postgresql(*values: str) -> ParameterSet:
    """One case of a test that runs on SQLite for every fault, and on PostgreSQL for the hardest: it takes a while."""
    return pytest.param("postgresql", *values, marks=ON_POSTGRESQL)


@pytest.fixture(params=BOTH_DATABASES)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A house with everything but a worker, once on each database."""
    with fresh_database(request.param, tmp_path) as url, House(url, tmp_path) as house:
        yield house


def claim(house: House, cost: str = "480 EUR", decide: str = "Suggest something", login: str = "bo-fw") -> int:
    return house.open_issue(login, "Speak at RubyConf", TICKET.format(cost=cost, decide=decide), "golden-ticket")


def proposed(house: House) -> dict[str, Any]:
    """Wait until the proposal of the only ticket is known, and give it."""
    house.wait_for("the proposal", lambda: house.rows("SELECT 1 FROM proposals") and house.ticket_state() == "proposed")
    found: dict[str, Any] = house.world()["polls"][-1]
    return found


def close_poll(house: House) -> None:
    house.control("clock", advance_seconds=6 * 24 * 3600)
