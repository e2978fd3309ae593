"""Rubbish: what no sender should send, and bends of what senders do send, as hypothesis strategies."""

import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

# In an HTML answer none of these may stand as it was sent.
CANARIES = ("<script>canary</script>", '"><img src=x onerror=canary>')
ODD_TEXTS = (
    "",
    " ",
    "\0",
    "a\0b",
    "\ud83d",
    "\udc00\ud800",
    "🗺️",
    "\r\nSet-Cookie: canary=1",
    "2026-01-01 00:00:00,000 ERROR   trellis: a line nobody wrote",
    *CANARIES,
    "{{7*7}} ${7*7} %s %n {0}",
    "'; DROP TABLE people; --",
    "../../etc/passwd",
    "//elsewhere.example/",
    "http://169.254.169.254/latest/meta-data",
    "file:///etc/passwd",
    "\u202e\u2066\ufeff\u2028",
    "é" * 300,
    "x" * 9_000,
    "9" * 201,
    "0001-01-01",
    "9999-12-31",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-02-30",
    "2027-W19-1",
    "nan",
    "1e400",
    "__proto__",
    "fennel-works",
    "ada",
)
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -0.0, 1, -1, 2**31, 2**32, 2**63, -(2**63) - 1, 2**64, 10**400, 0.1, 1e308, float("nan"),
    float("inf"), float("-inf"), [], {}, [[]], {"": None}, [None] * 50,
)  # fmt: skip

texts = st.sampled_from(ODD_TEXTS) | st.text(st.characters(), max_size=20)
leaves = st.sampled_from(ODD_VALUES) | texts | st.integers() | st.floats()
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


class Chance:
    """The dice of one request: hypothesis draws one number for all of them, and the texts and values one by one."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        seeded = Random(draw(st.integers(0, 2**64)))
        self.choice, self.randrange, self.randint = seeded.choice, seeded.randrange, seeded.randint

    def coin(self) -> bool:
        """Heads or tails."""
        return self.randrange(2) == 0


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, as the keys that lead there."""
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*at, key)
            yield from places(below, (*at, key))


def put(value: Any, place: tuple[Any, ...], new: Any) -> None:
    """Put something into a place; one that is not there any more stays as it is."""
    for key in place[:-1]:
        if not isinstance(value, dict | list) or (isinstance(value, dict) and key not in value):
            return
        try:
            value = value[key]
        except (IndexError, TypeError):
            return
    if isinstance(value, dict) or (isinstance(value, list) and place[-1] in range(len(value))):
        value[place[-1]] = deepcopy(new)  # some of it is shared, and may be bent further where it stands


def written(chance: Chance, value: Any) -> bytes:
    """JSON as it travels: plain ASCII, or in letters, where half a character becomes bytes that are no UTF-8."""
    if chance.coin():
        return json.dumps(value).encode()
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def bent(chance: Chance, body: bytes) -> bytes:
    """The same bytes, mostly; else with something wrong about them as bytes."""
    match chance.randrange(25):
        case 1:
            return body[: chance.randint(0, len(body))]
        case 2:
            at = chance.randint(0, len(body))
            return body[:at] + chance.draw(st.binary(min_size=1, max_size=4)) + body[at:]
        case 3:
            return body.replace(b"{", b'{"type": 1, "type": 2, ', 1)
        case 4:
            return body.replace(b":", b': NaN, "x":', 1)
        case 5:
            depth = chance.choice((90, 99, 100, 101, 200, 900, 980, 1_000, 5_000))
            return b'{"x": ' + b"[" * depth + b"]" * depth + b"," + body.removeprefix(b"{")
        case 6:
            return b"\xef\xbb\xbf" + body
        case 7:
            return body.decode("utf-8", "replace").encode("utf-16")
        case 8:
            return b'{"x": ' + b"9" * chance.choice((400, 4_299, 4_301)) + b", " + body.removeprefix(b"{")
        case 9:
            return b'{"x": 1e999, ' + body.removeprefix(b"{")
        case 10:
            return chance.choice((b"", b"null", b"[]", b'""', b"0", b"{}", b"\0", b"{" * 50_000))
        case 11:
            return body + b" " * chance.choice((1, 4_096, 65_536, 300_000))
    return body


def as_form(chance: Chance, body: bytes) -> bytes:
    """The JSON as the `payload` of a form, or of something like a form."""
    whole = b"payload=" + quote(body).encode()
    match chance.randrange(10):
        case 1:
            return whole + b"&" + whole
        case 2:
            return b"payload=" + body
        case 3:
            return whole.replace(b"%22", b"%ff", 1)
        case 4:
            return whole + b"&a=1" * chance.choice((1, 9, 10, 1_000))
        case 5:
            return chance.choice((b"", b"payload", b"payload=", b"&", b"=", b"Payload=%7B%7D", b"payload=%"))
    return whole


def mutated_token(chance: Chance, token: str) -> str:
    """An unguessable part of an address, whole or not."""
    match chance.randrange(14):
        case 2:
            return token[: chance.randint(0, len(token))]
        case 3:
            at = chance.randint(0, max(len(token) - 1, 0))
            return token[:at] + chance.choice("AZaz09-_.!%/=~") + token[at + 1 :]
        case 4:
            return token + chance.choice(("=", ".", "%00", "%0d%0a", "/..", "%2e%2e%2f", "?", "%ff", "A", "\n"))
        case 5:
            return token.swapcase()
        case 6:
            return token * chance.randint(2, 9)
        case 7:
            return _odd_path(chance)
    return token


def _odd_path(chance: Chance) -> str:
    return quote(chance.draw(texts).encode("utf-8", "surrogatepass"), safe=chance.choice(("", "/", "/.;?&")))
