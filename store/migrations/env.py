"""Runs the migrations on the engine it is given, or on DATABASE_URL when alembic is called by hand."""

import os

from alembic import context
from sqlalchemy import Connection

from config.settings import load_settings
from store.database import make_engine
from store.models import Base


def run(connection: Connection) -> None:
    """Run what is asked for on one connection."""
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, include_name=ours)
    with context.begin_transaction():
        context.run_migrations()


def ours(name: str | None, kind: str, _: object) -> bool:
    """Leave the durable engine's tables alone: they migrate themselves."""
    return kind != "table" or name in Base.metadata.tables


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = make_engine(load_settings(os.environ).database_url())
    with engine.connect() as connection:
        run(connection)
        connection.commit()
    engine.dispose()
