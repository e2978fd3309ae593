"""Reading: bytes into a JSON object, strictly. What two readers could understand in two ways is refused.

Python's own reader takes `NaN`, lets the last of two equal keys win, guesses at UTF-16 and goes as deep as its stack;
whoever reads the stored body later may do otherwise.
"""

import json
from math import isfinite
from typing import Any

DEEPEST = 100  # GitHub's own deliveries are not ten levels deep


class UnreadableError(ValueError):
    """The bytes are no JSON object as we take it; the text says why, for whoever sent them."""


def read_object(raw: bytes) -> dict[str, Any]:
    """Read one JSON object in UTF-8.

    Raises UnreadableError.
    """
    try:
        said = json.loads(raw.decode("utf-8"), object_pairs_hook=_each_key_once)
    except UnreadableError:
        raise
    except (ValueError, RecursionError):
        raise UnreadableError("The body is not a JSON object.") from None
    if not isinstance(said, dict):
        raise UnreadableError("The body is not a JSON object.")
    _check_values(said)
    return said


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise UnreadableError("The body says one key twice in the same place.")
    return found


def _check_values(said: dict[str, Any]) -> None:
    level: list[Any] = [said]
    for _ in range(DEEPEST):
        level = [below for one in level for below in _below(one)]
        if any(isinstance(one, float) and not isfinite(one) for one in level):
            raise UnreadableError("The body holds NaN or an endless number, which JSON does not have.")
        if not level:
            return
    raise UnreadableError(f"The body is nested more than {DEEPEST} levels deep.")


def _below(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
