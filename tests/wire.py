"""What went over a faked wire, read back the same way for every vendor."""

import json
from typing import Any

import responses


def requests_to(base: str, wire: responses.RequestsMock) -> list[tuple[str | None, str, Any]]:
    """Every request: method, address without the host, JSON body."""
    return [
        (
            one.request.method,
            (one.request.url or "").removeprefix(base),
            json.loads(text_of(one.request.body) or "null"),
        )
        for one in wire.calls
    ]


def text_of(said: object) -> str:
    """A body as text, whatever the library made of it."""
    return said.decode() if isinstance(said, bytes) else str(said or "")
