"""Migrations go up and down, and end where the models are, on both databases."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from config.settings import BY_NAME
from store.database import make_engine
from store.models import Base
from tests.house import address_of, on_server
from tests.scenes import BOTH_DATABASES

ROOT = Path(__file__).parent.parent


@pytest.fixture(params=BOTH_DATABASES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    name = f"migrations_{uuid.uuid4().hex[:12]}"
    if request.param == "postgresql":
        on_server(f'CREATE DATABASE "{name}"')
        url = BY_NAME["DATABASE_URL"].read(address_of(name))
    else:
        url = f"sqlite:///{tmp_path / 'one.sqlite'}"
    engine = make_engine(url)
    yield engine
    engine.dispose()
    if request.param == "postgresql":
        on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


def migrate(engine: Engine, to: str) -> None:
    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if to == "base" else command.upgrade)(config, to)


def test_migrations_end_where_the_models_are(engine: Engine) -> None:
    migrate(engine, "head")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_go_down_to_nothing_and_up_again(engine: Engine) -> None:
    migrate(engine, "head")
    tables = set(inspect(engine).get_table_names())
    assert tables == set(Base.metadata.tables) | {"alembic_version"}
    migrate(engine, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    migrate(engine, "head")
    assert set(inspect(engine).get_table_names()) == tables


def test_every_constraint_has_a_name(engine: Engine) -> None:
    migrate(engine, "head")
    look = inspect(engine)
    for table in Base.metadata.tables:
        assert look.get_pk_constraint(table)["name"]
        assert all(one["name"] for one in look.get_foreign_keys(table))
        assert all(one["name"] for one in look.get_unique_constraints(table))
        assert all(one["name"] for one in look.get_indexes(table))
