"""What was sent with a control: read from its body, and refused with a word on how to use it."""

from datetime import UTC, datetime

from flask import request

from sandbox.world import Json


class ControlError(Exception):
    """A control was used wrongly; says how to use it."""


def sent_object() -> Json:
    """Return the body; what is no JSON object counts as an empty one."""
    sent = request.get_json(silent=True)
    return sent if isinstance(sent, dict) else {}


def as_moment(text: object) -> datetime:
    """Return a time; one without a zone is in UTC."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise ControlError(f"not an ISO time: {text!r}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
