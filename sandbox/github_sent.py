"""What was sent with a request to GitHub: read from its address and its body, and refused where GitHub refuses it."""

import base64
import json
import re
from datetime import UTC, datetime
from typing import Any

from flask import request

from sandbox.github_errors import GitHubError, invalid
from sandbox.world import Json

LONGEST_TEXT = 65_536
LONGEST_TITLE = 256
LONGEST_LABEL = 50
LONGEST_LABEL_DESCRIPTION = 100


def asked_number(name: str, default: int) -> int:
    """Return a number of the query; what is no number counts as not asked."""
    try:
        return int(request.args.get(name, default))
    except ValueError:
        return default


def asked_page_size() -> int:
    """Return how many of a list go on one page: 30 unless asked, and never more than a hundred."""
    return min(100, max(1, asked_number("per_page", 30)))


def asked_since() -> datetime | None:
    """Return the time from which on a list was asked for."""
    text = request.args.get("since")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("Issue", "since", "invalid") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sent() -> Any:
    if not request.data:
        return {}
    try:
        return json.loads(request.data)
    except ValueError:
        raise GitHubError(400, "Problems parsing JSON") from None


def sent_object() -> Json:
    """Return the body, which has to be a JSON object; no body at all is an empty one."""
    return _as_object(_sent())


def _as_object(sent: Any) -> Json:
    if not isinstance(sent, dict):
        raise GitHubError(422, f"Invalid request.\n\n{json.dumps(sent)} is not an object.")
    return sent


def word_in(sent: Json, name: str, otherwise: str | None = None) -> str | None:
    """Return a text of any length, such as the name of a branch; a list or an object could not even be looked up."""
    value = sent.get(name, otherwise)
    if value is not None and not isinstance(value, str):
        raise GitHubError(422, f"Invalid request.\n\nFor 'properties/{name}', {json.dumps(value)} is not a string.")
    return value


def text_in(sent: Json, name: str, resource: str, longest: int) -> str | None:
    """Return a text, or None when it was not sent."""
    if isinstance(sent.get(name), int) and name == "title":
        sent = sent | {name: str(sent[name])}  # GitHub takes a number for a title
    value = word_in(sent, name)
    if value is not None and len(value) > longest:
        message = f"{name} is too long (maximum is {longest} characters)"
        raise invalid(resource, name, "custom", message)
    return value


def labels_in(sent: Json) -> list[str] | None:
    """Return the names of labels, or None when none were sent; each may come alone or as an object."""
    value = sent.get("labels")
    if value is None:
        return None
    if not isinstance(value, list):
        raise GitHubError(422, f"Invalid request.\n\nFor 'properties/labels', {json.dumps(value)} is not an array.")
    names = [item.get("name") if isinstance(item, dict) else item for item in value]
    return [as_label_name(name) for name in names]


def sent_labels() -> list[str]:
    """Return the names of labels where the body says nothing else: in an object, or as a bare list."""
    sent = _sent()
    return labels_in({"labels": sent} if isinstance(sent, list) else _as_object(sent)) or []


def logins_in(sent: Json) -> list[str] | None:
    """Return the assignees, or None when none were sent; one alone is taken as well."""
    if "assignees" not in sent:
        single = sent.get("assignee")
        return [single] if isinstance(single, str) and single else None
    value = sent["assignees"]
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(login, str) for login in value):
        raise GitHubError(422, "Invalid request.\n\nFor 'properties/assignees', not an array of strings.")
    return value


def content_in(sent: Json) -> bytes:
    """Return the bytes of a file."""
    try:
        return base64.b64decode(sent["content"])
    except (KeyError, TypeError, ValueError):
        raise GitHubError(422, "content is not valid Base64") from None


def as_label_name(value: Any) -> str:
    """Return the name of a label, without the blanks around it."""
    if not isinstance(value, str) or not value.strip():
        raise invalid("Label", "name", "missing_field")
    if len(value) > LONGEST_LABEL:
        raise invalid("Label", "name", "custom", f"name is too long (maximum is {LONGEST_LABEL} characters)")
    return value.strip()


def as_color(value: Any) -> str:
    """Return a colour in small letters: six hexadecimal digits, no number sign."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Fa-f]{6}", value):
        raise invalid("Label", "color", "invalid")
    return value.lower()


def description_in(sent: Json) -> str | None:
    """Return what a label is for; what is not a text is passed over."""
    value = sent.get("description")
    if isinstance(value, str) and len(value) > LONGEST_LABEL_DESCRIPTION:
        message = f"description is too long (maximum is {LONGEST_LABEL_DESCRIPTION} characters)"
        raise invalid("Label", "description", "custom", message)
    return value if isinstance(value, str) else None
