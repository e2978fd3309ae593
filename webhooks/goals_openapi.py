"""What `POST /webhooks/goals` takes, as OpenAPI 3.1 for form tools, made of the same table the door checks by.

`docs/goals.openapi.json` is this, checked in; renew it with `python -m webhooks.goals_openapi`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domain.objectives import Visibility
from domain.ticket_states import Exit
from webhooks.goals_table import KEYS, LARGEST_BYTES, MESSAGE_ID, longest

FILE = Path(__file__).parent.parent / "docs" / "goals.openapi.json"
NO_ZERO_BYTE = "^[^\\u0000]*$"
SOMETHING_SAID = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$"
WHAT_FOR = {
    "objective.open": "Open a learning goal (an ILO) for somebody.",
    "ticket.request": "Claim somebody's golden ticket of the year.",
    "person": "The person's handle in the roster.",
    "title": "The goal in a few words; the issue's title.",
    "why": "Why it matters to them.",
    "visibility": "Who may know: `team` unless said; `partner` keeps it between the person and their partner.",
    "opportunity": "What the ticket is for.",
    "stretch": "How it stretches them.",
    "cost": "In words with a currency, such as `480 EUR`; nothing said costs nothing.",
    "first_on": "First day.",
    "last_on": "Last day.",
    "decide": "How to decide; left out, Trellis suggests a way.",
}
CHOICES: Mapping[str, list[str]] = {"visibility": [*Visibility], "decide": [*Exit]}
EXAMPLES = {
    "objective.open": {"person": "ada", "title": "Read a map", "why": "I get lost", "visibility": "team"},
    "ticket.request": {
        "person": "ada",
        "opportunity": "A week of mapping",
        "stretch": "I never have",
        "cost": "480 EUR",
        "first_on": "2027-05-10",
        "last_on": "2027-05-14",
        "decide": "proposal",
    },
}
ANSWERS = {
    "202": "Stored; the worker takes it up. The same `webhook-id` again changes nothing.",
    "400": "Not stored: one sentence for each problem.",
    "401": "Not signed by a secret of the organisation the message names, or more than five minutes old.",
    "503": "Could not be stored just now; please send it again.",
}


def description() -> dict[str, Any]:
    """Describe the door."""
    answer = {
        "type": "object",
        "required": ["stored", "problems"],
        "properties": {"stored": {"type": "boolean"}, "problems": {"type": "array", "items": {"type": "string"}}},
        "additionalProperties": False,
    }
    replies = {status: _reply(said, {"$ref": "#/components/schemas/answer"}) for status, said in ANSWERS.items()}
    message = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}
    replies["413"] = _reply(f"Longer than {LARGEST_BYTES} bytes.", message)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Trellis: goals and golden tickets from form tools",
            "version": "1",
            "description": "Messages are signed as Standard Webhooks says (https://www.standardwebhooks.com), with the "
            "organisation's own secret (whsec_…). Text is UTF-8 without zero bytes or halves of characters.",
        },
        "paths": {
            "/webhooks/goals": {
                "post": {
                    "operationId": "takeMessage",
                    "summary": "Open a learning goal or claim a golden ticket.",
                    "parameters": [
                        _header("id", "Names the message, once and for all.", f"^{MESSAGE_ID.pattern}$"),
                        _header("timestamp", "When it was sent, in seconds since 1970.", "^[0-9]+$"),
                        _header("signature", "`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`.", "^v1,"),
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {
                                "schema": {"oneOf": [{"$ref": f"#/components/schemas/{kind}"} for kind in KEYS]},
                                "examples": {kind: {"value": _example(kind)} for kind in KEYS},
                            }
                        },
                    },
                    "responses": replies,
                }
            }
        },
        "components": {"schemas": {**{kind: _message(kind) for kind in KEYS}, "answer": answer}},
    }


def as_text() -> str:
    """Give the description as the file holds it."""
    return json.dumps(description(), indent=2, ensure_ascii=False) + "\n"


def _header(name: str, what_for: str, pattern: str) -> dict[str, Any]:
    return {
        "name": f"webhook-{name}",
        "in": "header",
        "required": True,
        "description": what_for,
        "schema": {"type": "string", "pattern": pattern},
    }


def _reply(said: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": said, "content": {"application/json": {"schema": schema}}}


def _example(kind: str) -> dict[str, Any]:
    return {"type": kind, "organisation": "fennel-works", "data": EXAMPLES[kind]}


def _message(kind: str) -> dict[str, Any]:
    needed, welcome = KEYS[kind]
    return {
        "type": "object",
        "description": f"{WHAT_FOR[kind]} Keys beside these three are neither read nor kept.",
        "required": ["type", "organisation", "data"],
        "properties": {
            "type": {"const": kind},
            "organisation": {"type": "string", "description": "The organisation's slug."},
            "data": {
                "type": "object",
                "required": list(needed),
                "properties": {key: _field(key, is_needed=key in needed) for key in needed + welcome},
                "additionalProperties": False,
            },
        },
    }


def _field(key: str, *, is_needed: bool) -> dict[str, Any]:
    field: dict[str, Any] = {"type": "string", "description": WHAT_FOR[key]}
    if key in CHOICES:
        return field | {"enum": [*CHOICES[key], ""]}
    if key in ("first_on", "last_on"):
        return field | {"anyOf": [{"format": "date", "pattern": "^2"}, {"const": ""}]}
    return field | {"maxLength": longest(key), "pattern": SOMETHING_SAID if is_needed else NO_ZERO_BYTE}


if __name__ == "__main__":
    FILE.write_text(as_text(), encoding="utf-8")
