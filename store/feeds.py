"""Calendar feeds: secret addresses that are made, found and taken back. Only their hashes are kept."""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from store.models import FeedRow

TOKEN_BYTES = 32
LONGEST_TOKEN = 100


def make_feed(session: Session, slug: str, person_id: int | None, *, now: datetime) -> str:
    """Make a secret address for a person's calendar, or without a person for the team's; this is its only showing."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(FeedRow(token_hash=_hashed(token), organisation=slug, person_id=person_id, made_at=now))
    return token


def revoke_feeds(session: Session, slug: str, person_id: int | None) -> int:
    """Take back every address of a person's calendar, or without a person of the team's; say how many there were."""
    gone = delete(FeedRow).where(FeedRow.organisation == slug, FeedRow.person_id == person_id)
    return len(session.scalars(gone.returning(FeedRow.token_hash)).all())


def feed_of(session: Session, token: str) -> FeedRow | None:
    """Find whose calendar an address shows; None when it was never made or was taken back.

    What is compared is a hash of the token, so the time it takes tells nothing about one that exists.
    """
    return session.get(FeedRow, _hashed(token)) if len(token) <= LONGEST_TOKEN else None


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
