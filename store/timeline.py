"""The timeline's own way in: one line of what happened, in the caller's transaction."""

from datetime import datetime

from sqlalchemy.orm import Session

from domain.events import Happened
from store.models import TimelineRow
from store.queries import insert_once


def tell(session: Session, slug: str, line: Happened, *, at: datetime) -> bool:
    """Append one line to an organisation's timeline; False when its key was there already."""
    return insert_once(
        session,
        TimelineRow,
        {
            "organisation": slug,
            "at": at,
            "what": line.what.value,
            "person_id": line.person_id,
            "about": line.about,
            "url": line.url,
            "details": dict(line.details),
            "key": line.key,
        },
    )
