"""Vitals: how Trellis itself is, for whoever looks after it: counts and instants from its tables, nothing of anybody.

What is read here never takes SQLite's write lock and never waits long, so looking does not hold up what it looks at.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, func, select, text
from sqlalchemy.pool import NullPool

from store.accounts import UNSENT, not_queued, queued_count
from store.models import DeliveryRow, EffectRow, ExecutorRow, ProposalRow, TroubleRow

STORED = ("stored",)
# As `jobs/handle.py` and `jobs/attempt.py` leave a delivery.
DELIVERY_STATUSES = ("stored", "done", "ignored", "parked")
LATEST = 20
WAIT_SECONDS = 2
STATEMENT_MS = 5_000


@dataclass(frozen=True, kw_only=True)
class Vitals:
    """How things are at one instant; times are aware UTC and real. `…_due_since`: nobody has taken it up since then."""

    workers: int
    beat_at: datetime | None
    ticked_at: datetime | None
    delivery_due_since: datetime | None
    effect_due_since: datetime | None
    effects_parked: int
    effects_queued: int  # for room with a vendor
    deliveries_parked: int
    github_at: datetime | None
    troubles: Mapping[str, int]  # open ones, by what they are
    watched: int
    in_vain: int  # of those watched: how many could not be read when last looked at


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What is counted for a graph."""

    deliveries: Mapping[tuple[str, str], int]  # by source and status
    effects: Mapping[tuple[str, str], int]  # by kind and status
    delivery_waits_since: datetime | None
    effect_waits_since: datetime | None


def reader(engine: Engine) -> Engine:
    """Give an engine that only reads; on SQLite ours begins every transaction by taking the one write lock."""
    file = engine.url.database
    if engine.dialect.name != "sqlite" or not file:
        return engine

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(file)}?mode=ro", uri=True, timeout=WAIT_SECONDS, check_same_thread=False)

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def vitals(engine: Engine) -> Vitals:
    """Read how things are, by indexes only. Raises the database's error when it cannot be read."""
    with closing(engine.connect()) as connection:
        _be_brief(connection)
        workers, beat_at, ticked_at = connection.execute(
            select(func.count(), func.max(ExecutorRow.beat_at), func.max(ExecutorRow.ticked_at))
        ).one()
        watched = select(func.count()).select_from(ProposalRow).where(ProposalRow.look_at.is_not(None))
        troubles = (
            select(TroubleRow.what, func.count().label("open"))
            .where(TroubleRow.gone_at.is_(None))
            .group_by(TroubleRow.what)
        )
        return Vitals(
            workers=workers,
            beat_at=beat_at,
            ticked_at=ticked_at,
            delivery_due_since=_due_since(connection, DeliveryRow, STORED),
            effect_due_since=_due_since(connection, EffectRow, UNSENT),
            effects_parked=_parked(connection, EffectRow),
            effects_queued=queued_count(connection),
            deliveries_parked=_parked(connection, DeliveryRow),
            github_at=_latest_from_github(connection),
            troubles={row.what: row.open for row in connection.execute(troubles)},
            watched=connection.scalar(watched) or 0,
            in_vain=connection.scalar(watched.where(ProposalRow.looks_in_vain > 0)) or 0,
        )


def figures(engine: Engine) -> Figures:
    """Count everything that was ever kept; this reads whole tables, so it is for a few times a minute."""
    deliveries = select(DeliveryRow.source, DeliveryRow.status, func.count()).group_by(
        DeliveryRow.source, DeliveryRow.status
    )
    effects = select(EffectRow.kind, EffectRow.status, func.count()).group_by(EffectRow.kind, EffectRow.status)
    with closing(engine.connect()) as connection:
        _be_brief(connection)
        return Figures(
            deliveries={(source, status): count for source, status, count in connection.execute(deliveries)},
            effects={(kind, status): count for kind, status, count in connection.execute(effects)},
            delivery_waits_since=connection.scalar(
                select(func.min(DeliveryRow.received_at)).where(DeliveryRow.status.in_(STORED))
            ),
            effect_waits_since=connection.scalar(
                select(func.min(EffectRow.planned_at)).where(EffectRow.status.in_(UNSENT))
            ),
        )


def _be_brief(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL statement_timeout = {STATEMENT_MS}"))


def _due_since(
    connection: Connection, table: type[DeliveryRow] | type[EffectRow], waiting: tuple[str, ...]
) -> datetime | None:
    """Give the earliest instant from which a row could have been taken up; what waits on purpose lies ahead."""
    first = select(func.min(table.not_before)).where(not_queued(table))
    found = [connection.scalar(first.where(table.status == one)) for one in waiting]
    return min((at for at in found if at is not None), default=None)


def _parked(connection: Connection, table: type[DeliveryRow] | type[EffectRow]) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(table.status == "parked")) or 0


def _latest_from_github(connection: Connection) -> datetime | None:
    """Give when GitHub last delivered something, from the last few rows of the index that is there."""
    found = []
    for status in DELIVERY_STATUSES:
        wanted = select(DeliveryRow.source, DeliveryRow.received_at).where(DeliveryRow.status == status)
        rows = connection.execute(wanted.order_by(DeliveryRow.not_before.desc()).limit(LATEST))
        found += [at for source, at in rows if source == "github"]
    return max(found, default=None)
