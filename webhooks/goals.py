"""`POST /webhooks/goals`: lets any form tool open an objective or claim a golden ticket.

Signed as Standard Webhooks says (`webhook-id`, `webhook-timestamp`, `webhook-signature`), with a secret per
organisation. The id makes a repeat harmless. 202: stored. 400: with one sentence per problem. 401: not signed.
`GET /webhooks/goals/openapi.json` describes it to machines (`webhooks/goals_openapi.py`).

```json
{"type": "objective.open", "organisation": "fennel-works",
 "data": {"person": "ada", "title": "Read a map", "why": "I get lost", "visibility": "team"}}
{"type": "ticket.request", "organisation": "fennel-works",
 "data": {"person": "ada", "opportunity": "A week of mapping", "stretch": "I never have", "cost": "480 EUR",
          "first_on": "2027-05-10", "last_on": "2027-05-14", "decide": "proposal"}}
```
https://www.standardwebhooks.com
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy.exc import SQLAlchemyError
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from domain.forms import read_date
from domain.objectives import Visibility
from domain.policy import Policy
from domain.ticket_states import Exit
from webhooks.goals_openapi import as_text
from webhooks.goals_table import KEYS, LARGEST_BYTES, MESSAGE_ID, longest
from webhooks.intake import Door, keep
from webhooks.reading import UnreadableError, read_object

log = logging.getLogger(__name__)


def goals_blueprint(door: Door, policies: Mapping[str, Policy], secrets: Mapping[str, str | None]) -> Blueprint:
    """Make the route; `secrets` by organisation."""
    bp = Blueprint("goals", __name__)
    described = as_text()

    @bp.post("/webhooks/goals")
    def take() -> tuple[Response, int]:
        request.max_content_length = LARGEST_BYTES
        raw = request.get_data(cache=False)
        # Every secret is tried, and the answer is the same whether the organisation is unknown or the signature wrong:
        # nobody learns who is served here.
        signers = [slug for slug in policies if (secret := secrets.get(slug)) and _signed(secret, raw)]
        if not signers:
            return _answer(["The signature does not fit any organisation here."], 401)
        try:
            said = read_object(raw)
        except UnreadableError as error:
            return _answer([str(error)], 400)
        if said.get("organisation") not in signers:
            return _answer(["The signature does not fit any organisation here."], 401)
        problems = _problems(said)
        if not MESSAGE_ID.fullmatch(request.headers["webhook-id"]):
            problems.append("webhook-id: up to 64 letters, digits, dots, dashes and underscores")
        if problems:
            return _answer(problems, 400)
        delivery_id = f"goals:{said['organisation']}:{request.headers['webhook-id']}"
        # What was checked and nothing else: a tool may send more beside it, such as its own `timestamp`.
        body = json.dumps({key: said[key] for key in ("type", "organisation", "data")}).encode()
        try:
            keep(door, delivery_id=delivery_id, source="goals", event=said["type"], about=delivery_id, body=body)
        except SQLAlchemyError:
            log.exception("goals: %s could not be stored", delivery_id)
            return _answer(["It could not be stored; please send it again."], 503)
        return _answer([], 202)

    @bp.get("/webhooks/goals/openapi.json")
    def describe() -> Response:
        return Response(described, content_type="application/json")

    return bp


def _signed(secret: str, raw: bytes) -> bool:
    try:
        Webhook(secret).verify(raw, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, EmptyWebhookSecretError):
        return False
    except (ValueError, KeyError):
        log.warning("goals: a message with headers we cannot read was refused")
        return False
    return True


def _problems(said: Mapping[str, Any]) -> list[str]:
    """Say everything that is wrong with a message, in sentences for the person who set up the form."""
    kind, data = said.get("type"), said.get("data")
    if not isinstance(kind, str) or kind not in KEYS:
        return [f"type: one of {', '.join(KEYS)}"]
    if not isinstance(data, dict):
        return ["data: a JSON object"]
    needed, welcome = KEYS[kind]
    problems = [f"data.{key}: not known here" for key in data if key not in needed + welcome]
    for key in needed + welcome:
        value = data.get(key, "" if key in welcome else None)
        if not isinstance(value, str):
            problems.append(f"data.{key}: text is needed")
        elif not _storable(value):
            problems.append(f"data.{key}: holds a zero byte or half a character")
        elif key in needed and not value.strip():
            problems.append(f"data.{key}: is empty")
        elif len(value) > longest(key):
            problems.append(f"data.{key}: at most {longest(key)} characters")
        elif key in ("first_on", "last_on") and value and not _is_date(value):
            problems.append(f"data.{key}: a date such as 2027-05-10")
        elif key == "visibility" and value and value not in list(Visibility):
            problems.append(f"data.visibility: one of {', '.join(Visibility)}, or leave it out")
        elif key == "decide" and value and value not in list(Exit):
            problems.append(f"data.decide: one of {', '.join(Exit)}, or leave it out")
    return problems


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _is_date(text: str) -> bool:
    day = read_date(text)
    # What people write by hand may also be `20270510` or `2027-W19-1`; no form tool sends that.
    return day is not None and day.isoformat() == text


def _answer(problems: list[str], status: int) -> tuple[Response, int]:
    return jsonify({"stored": not problems, "problems": problems}), status
