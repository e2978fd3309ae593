"""A seeded share of the fuzzing of every door; `python -m tests.fuzz` does the whole."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.fuzz.__main__ import told
from tests.fuzz.run import run
from tests.fuzz.world import World
from tests.house import address_of, on_server
from tests.scenes import BOTH_DATABASES

# The stubbed GitHub says whatever somebody may have written, in replies cut short.
pytestmark = pytest.mark.broken_replies


@pytest.fixture(params=BOTH_DATABASES)
def world(request: pytest.FixtureRequest, tmp_path: Path, engines: list[Engine]) -> Iterator[World]:
    url = f"sqlite:///{tmp_path / 'trellis.sqlite'}"
    name = ""
    if request.param == "postgresql":
        name = f"fuzz_{os.getpid()}"
        on_server(f'CREATE DATABASE "{name}"')
        url = address_of(name)
    world = World(tmp_path, url)
    yield world
    world.close()
    if name:
        on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_no_door_answers_rubbish_with_an_error_or_stores_it(world: World) -> None:
    often = 600 if world.database.engine.dialect.name == "sqlite" else 200
    report = run(world, requests=often, start=20270301, batch=200)
    assert report.wrong == {}, "\n".join(told(report))
    assert report.requests() >= often
    assert {source for source, _ in report.became} == {"github", "goals"}
    assert {door for door, _ in report.answers} == {"github", "goals", "loomio", "choices", "stop", "calendar", "pages"}
