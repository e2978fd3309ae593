"""`POST /webhooks/loomio/<token>`: takes Loomio's hint that something happened, and brings the next look forward.

Loomio's webhooks carry no signature, id or kind; the only credential is the address, and nothing in the body is
believed or even read. 200 whatever the body says, without a call to anybody. 404: not our token. 413: longer than any
message of Loomio's; the hint is lost then, and polling sees it anyway. Facts on Loomio, 4.2 to 4.4.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from flask import Blueprint, Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.policy import Policy
from store.models import ProposalRow
from webhooks.intake import Door
from webhooks.signatures import same_token

LARGEST_BODY_BYTES = 256 * 1024


def loomio_blueprint(door: Door, policies: Mapping[str, Policy], tokens: Mapping[str, str | None]) -> Blueprint:
    """Make the route; `tokens` by organisation."""
    bp = Blueprint("loomio", __name__)

    @bp.post("/webhooks/loomio/<token>")
    def take(token: str) -> tuple[Response, int]:
        # Every token is compared, so the time taken tells nothing about which one nearly fitted.
        fitting = [slug for slug in policies if same_token(token, tokens.get(slug))]
        if not fitting:
            return Response(), 404
        if (request.content_length or 0) > LARGEST_BODY_BYTES:
            return Response(), 413
        for slug in fitting:
            loomio = policies[slug].loomio
            if loomio is not None:
                gap = timedelta(seconds=loomio.least_seconds_between_looks)
                door.database.transact(partial(look_soon, slug=slug, gap=gap, now=door.now()))
        return Response(), 200

    return bp


def look_soon(session: Session, *, slug: str, gap: timedelta, now: datetime) -> None:
    """Make every watched proposal of an organisation due, never more often than the policy's gap allows.

    Looked at within the gap, it becomes due when the gap is over: the hint is kept, not dropped.
    """
    watched = select(ProposalRow).where(ProposalRow.organisation == slug, ProposalRow.look_at > now)
    for row in session.scalars(watched):
        soon = now if row.looked_at is None else max(now, row.looked_at + gap)
        row.look_at = soon if row.look_at is None else min(row.look_at, soon)
