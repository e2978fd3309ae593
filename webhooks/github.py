"""`POST /webhooks/github`: takes GitHub's deliveries.

Signed (`X-Hub-Signature-256` over the raw body), JSON or form, up to 26 MiB. 202: stored. 401: not signed by a secret
of ours. 400: no JSON, or no delivery id. 413: too large. 503: could not be stored, so that a redelivery finds it.
https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

import json
import logging
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from flask import Blueprint, Response, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from webhooks.intake import Door, keep
from webhooks.reading import UnreadableError, read_object
from webhooks.signatures import github_signed

log = logging.getLogger(__name__)

# A GUID in practice; anything short and plain is taken, because the id is GitHub's to choose.
DELIVERY_ID = re.compile(r"[A-Za-z0-9-]{8,80}")


def github_blueprint(door: Door, secrets: Sequence[str]) -> Blueprint:
    """Make the route."""
    bp = Blueprint("github", __name__)

    @bp.post("/webhooks/github")
    def take() -> tuple[Response, int]:
        # Raw bytes first: once Flask has parsed a form, they are gone and no signature fits.
        raw = request.get_data(cache=True)
        if not github_signed(raw, request.headers.get("X-Hub-Signature-256"), secrets):
            log.warning("github: a delivery with no signature of ours was refused")
            return _answer("The signature does not fit. Is the webhook's secret in GITHUB_WEBHOOK_SECRETS?", 401)
        delivery_id = request.headers.get("X-GitHub-Delivery", "")
        event = request.headers.get("X-GitHub-Event", "")
        try:
            payload = read_object(_json_in(raw, request.mimetype))
        except UnreadableError as error:
            return _answer(str(error), 400)
        if not DELIVERY_ID.fullmatch(delivery_id) or not re.fullmatch(r"[a-z0-9_]{1,60}", event):
            return _answer("X-GitHub-Delivery or X-GitHub-Event is missing or strange.", 400)
        body = json.dumps(payload, ensure_ascii=True, separators=(",", ":")).encode()
        try:
            new = keep(door, delivery_id=delivery_id, source="github", event=event, about=_about(payload), body=body)
        except SQLAlchemyError:
            log.exception("github: delivery %s could not be stored", delivery_id)
            return _answer("It could not be stored; please deliver it again.", 503)
        return _answer("Stored." if new else "Stored before.", 202)

    return bp


def _json_in(raw: bytes, mimetype: str) -> bytes:
    """Give the JSON of a body: the whole of it, or the one `payload` of a form."""
    if mimetype != "application/x-www-form-urlencoded":
        return raw
    try:
        fields = parse_qs(raw.decode("utf-8"), strict_parsing=True, max_num_fields=10, errors="strict")
        (payload,) = fields["payload"]
        return payload.encode()
    except (ValueError, KeyError):
        raise UnreadableError("The body is not a JSON object.") from None


def _about(payload: dict[str, Any]) -> str:
    """Name what a delivery concerns; deliveries about the same issue are handled in turn."""
    repository, issue = payload.get("repository"), payload.get("issue")
    number = issue.get("number") if isinstance(issue, dict) else None
    place = repository.get("id") if isinstance(repository, dict) else None
    return f"github:{place}#{number}"[:200] if isinstance(number, int) and isinstance(place, int) else "github"


def _answer(said: str, status: int) -> tuple[Response, int]:
    return jsonify({"message": said}), status
