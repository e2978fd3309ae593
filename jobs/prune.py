"""Prunes what nobody needs any more: bodies of handled deliveries and the engine's records of finished work.

A delivery's id stays, because a doubled delivery is recognised by it; its body goes. What was asked for again is
forgotten once GitHub has forgotten it too, and a call once it counts against no limit.
"""

from datetime import timedelta

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from jobs.workshop import Workshop
from store.accounts import forget_calls
from store.models import DeliveryRow, RedeliveryRow

KEEP_BODIES = timedelta(days=30)
KEEP_FINISHED = timedelta(days=7)
KEEP_ASKED = timedelta(days=14)  # GitHub keeps deliveries for 3 days, its Enterprise Server for 7
KEEP_CALLS = timedelta(days=1)  # none counts for longer than an hour
AT_ONCE = 1_000


def prune(workshop: Workshop) -> None:
    """Forget old bodies and finished work."""
    now = workshop.real_now()

    def forget(session: Session) -> None:
        ended = DeliveryRow.status.in_(("done", "ignored"))
        old = (DeliveryRow.received_at < now - KEEP_BODIES, ended, DeliveryRow.body != b"")
        session.execute(update(DeliveryRow).where(*old).values(body=b""))
        session.execute(delete(RedeliveryRow).where(RedeliveryRow.asked_at < now - KEEP_ASKED))
        forget_calls(session, now - KEEP_CALLS)

    workshop.database.transact(forget)
    older_than_ms = int((now - KEEP_FINISHED).timestamp() * 1000)
    while workshop.intake.forget_finished(older_than_ms=older_than_ms, most=AT_ONCE) == AT_ONCE:
        pass
