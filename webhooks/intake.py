"""Intake: one transaction that stores a delivery and has it handled; the same delivery twice is stored once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from store.database import Database
from store.models import DeliveryRow
from store.queries import insert_once


class Enqueue(Protocol):
    """Has work done after the caller's transaction has committed (`jobs/durable.py`)."""

    def enqueue(self, session: Session, kind: str, key: str, *, generation: int, partition: str) -> None:
        """Have `kind` run for `key`."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """What every door needs: the database, the durable queue, the practice clock and real time (aware UTC)."""

    database: Database
    intake: Enqueue
    now: Callable[[], datetime]
    real_now: Callable[[], datetime]


def keep(door: Door, *, delivery_id: str, source: str, event: str, about: str, body: bytes) -> bool:
    """Store a delivery and enqueue its handling in one transaction; False when it was stored before.

    Raises the database's error when nothing could be stored: then the sender has to hear of it.
    """

    def write(session: Session) -> bool:
        now = door.real_now()
        new = insert_once(
            session,
            DeliveryRow,
            {
                "id": delivery_id,
                "source": source,
                "event": event,
                "about": about,
                "body": body,
                "received_at": now,
                "status": "stored",
                "generation": 0,
                "attempts": 0,
                "not_before": now,
            },
        )
        if new:
            door.intake.enqueue(session, "handle", delivery_id, generation=0, partition=about)
        return new

    return door.database.transact(write)
