"""Doors: what comes to each of them, unsigned, wrongly signed and, above all, rightly signed."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode

from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer

from tests.fuzz.rubbish import (
    ODD_TEXTS,
    Chance,
    as_form,
    bent,
    leaves,
    mutated_token,
    places,
    put,
    texts,
    values,
    written,
)
from tests.github_contract import webhook_examples
from webhooks.goals_openapi import description

# Stands for a name that no request had before it; `Sent.fresh` puts one in its place.
FRESH = "fresh"
Headers = tuple[tuple[str, str], ...]
GITHUB_SECRET = "invented-new-secret"
SECRET_KEY = "an-invented-secret-of-at-least-32-letters"
HINT = "invented-hint-for-loomio"
METRICS_TOKEN = "an-invented-token-that-opens-the-figures"
GOALS_SECRETS = {
    "fennel-works": "whsec_aW52ZW50ZWQtZ29hbHMtc2VjcmV0",
    "moss-farm": "whsec_aW52ZW50ZWQtbW9zcy1zZWNyZXQ=",
}
COMMENTS = (
    "/activate", "/queue", "/queue first", "/queue 99999999999999999999", "/done", "/learned", "/tried", "/log a thing",
    "/log \0", "/offer a hand \ud83d", "/help-wanted", "/partner @bo", "/partner \0", "/safety-note x",
    "/pause 2 weeks", "/pause until 9999-12-31", "/held", "/not-needed", "/snooze",
    "/snooze 999 weeks", "/snooze until 0001-01-01",
    "/snooze all", "/wake", "/go-ahead", "/thread", "/proposal", "/bucket https://elsewhere.example/\0", "/bucket",
    "/funded", "/booked", "/used", "/shared", "/ilo", "/withdraw", "/consented", "/nothing-we-know", "just talk",
    "```\n/done", "> /done", "/done\r\n/queue\n/log x", "/" + "a" * 40, "/log " + "y" * 70_000,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What opens the doors whose key is in the address."""

    choices: tuple[str, ...]
    stops: tuple[str, ...]
    feeds: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request. `signed` says whose signature is put on it when it is sent, since a signature ages."""

    door: str
    method: str
    path: str
    query: str = ""
    headers: Headers = ()
    body: bytes = b""
    length: str | None = "right"
    signed: str = ""
    name: str = field(default="")

    def fresh(self, name: str) -> "Sent":
        """The same request under a name of its own, if it has not chosen one."""
        if self.name != FRESH:
            return self
        headers = tuple((key, name if value == FRESH else value) for key, value in self.headers)
        return replace(self, name=name, headers=headers)

    def environ(self) -> dict[str, Any]:
        """The request as a WSGI server hands it over."""
        path = unquote_to_bytes(self.path.encode("utf-8", "surrogatepass")).decode("latin-1")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": self.query.encode("utf-8", "surrogatepass").decode("latin-1"),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "trellis.fennel.example",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(self.body),
            "wsgi.errors": BytesIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        if self.length is None:
            environ["wsgi.input_terminated"] = True
        else:
            environ["CONTENT_LENGTH"] = str(len(self.body)) if self.length == "right" else self.length
        for name, value in (*self.headers, *self._signature()):
            key = name.upper().replace("-", "_")
            value = value.encode("utf-8", "surrogatepass").decode("latin-1")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        return environ

    def _signature(self) -> Headers:
        if self.signed == "github":
            return (("X-Hub-Signature-256", github_signature(self.body)),)
        if self.signed in GOALS_SECRETS:
            now = str(int(time.time()))
            key = base64.b64decode(GOALS_SECRETS[self.signed].removeprefix("whsec_"))
            name = self.name.encode("utf-8", "surrogatepass").decode("latin-1").encode()
            made = base64.b64encode(hmac.digest(key, name + f".{now}.".encode() + self.body, "sha256")).decode()
            return (("webhook-id", self.name), ("webhook-timestamp", now), ("webhook-signature", f"v1,{made}"))
        return ()


def github_signature(body: bytes, secret: str = GITHUB_SECRET) -> str:
    """What GitHub would say in `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


# -- what may be odd about any request --------------------------------------------------------------------------------

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW", "")
ODD_HEADERS: tuple[tuple[str, str], ...] = (
    ("Host", "elsewhere.example"),
    ("Host", "elsewhere.example:99999"),
    ("Host", "a b\\c"),
    ("Host", ""),
    ("Host", "\0"),
    ("X-Forwarded-Host", "elsewhere.example"),
    ("X-Forwarded-Proto", "https"),
    ("Accept-Language", "xx;q=9, de;q=nan, *;q=-1,,,;"),
    ("Accept-Language", "pt-br, fr;q=0.5"),
    ("Accept", "text/html;q=\0"),
    ("If-None-Match", 'W/"' + "x" * 4_000),
    ("If-None-Match", "*"),
    ("If-Modified-Since", "Mon, 99 Xxx 99999 99:99:99 GMT"),
    ("If-Modified-Since", "Sat, 01 Jan 0000 00:00:00 -9999"),
    ("If-Range", '"'),
    ("Range", "bytes=99999999999999999999-"),
    ("Range", "bytes=5-2,-,x"),
    ("Range", "bytes=0-0"),
    ("Cookie", "session=\0; a=" + "b" * 5_000),
    ("Authorization", "Bearer"),
    ("Authorization", "Basic !!!!"),
    ("Authorization", "Digest \xff="),
    ("Transfer-Encoding", "chunked, gzip"),
    ("Content-Encoding", "gzip"),
    ("Expect", "100-continue"),
    ("X-Long", "x" * 9_000),
    ("X-Http-Method-Override", "DELETE"),
)
ODD_TYPES = (
    "application/json", "application/json; charset=utf-16", "application/json; charset=\0", "text/plain", "",
    "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=latin-1", "APPLICATION/JSON",
    "multipart/form-data", "multipart/form-data; boundary=b", "multipart/form-data; boundary=\xff", "/", ";;;=", "é",
    "multipart/form-data; boundary=" + "b" * 500, "application/cloudevents+json",
)  # fmt: skip


def oddly(chance: Chance, sent: Sent) -> Sent:
    """The same request, mostly; else with something odd about its outside."""
    match chance.randrange(30):
        case 1:
            return replace(sent, method=chance.choice(METHODS))
        case 2 | 3 | 4:
            return replace(sent, headers=(*sent.headers, chance.choice(ODD_HEADERS)))
        case 5:
            return replace(sent, query=chance.draw(texts))
        case 6:
            return replace(sent, query=f"thanks={quote(chance.choice(ODD_TEXTS).encode('utf-8', 'replace'))}")
        case 7:
            return replace(sent, length=chance.choice((None, "", "0", "-1", "x", "1e3", "9" * 30, "٣")))
        case 8:
            return replace(sent, path=chance.choice(("/", "//", "/./", "/x/../")) + sent.path.lstrip("/"))
        case 9:
            return replace(sent, path=sent.path + chance.choice(("/", "//", "/.", "%00", "%0a", ";x=1", "%2f")))
        case 10:
            many = tuple((f"X-{number}", "y") for number in range(chance.choice((10, 70, 200))))
            return replace(sent, headers=(*sent.headers, *many))
    return sent


def wrongly_signed(chance: Chance, sent: Sent) -> Sent:
    """Nearly the right signature, or none."""
    if sent.door == "github":
        right = github_signature(sent.body)
        wrong = (
            "", "sha256=", right[:-1], right.upper(), right.replace("sha256", "sha1"), right + "0", "é", "\0",
            github_signature(sent.body, "guessed"), github_signature(sent.body + b" "), "sha256=" + "0" * 9_000,
        )  # fmt: skip
        return replace(sent, signed="", headers=(*sent.headers, ("X-Hub-Signature-256", chance.choice(wrong))))
    now = str(int(time.time()))
    stamps = (now, "", "0", "nan", "inf", "1e400", "-1", "9" * 400, "soon", "\0", now + ".5")
    signatures = ("", "v1,", "v1", "v1,a,b", "v1,é", "v1,A", "v1a,AAAA", "v1," + "A" * 44, "v1,AAAA " * 900, " ")
    headers = (
        ("webhook-id", sent.name),
        ("webhook-timestamp", chance.choice(stamps)),
        ("webhook-signature", chance.choice(signatures)),
    )
    kept = headers[: chance.randint(0, 3)]
    return replace(sent, signed="", headers=(*sent.headers, *kept))


# -- /webhooks/github -------------------------------------------------------------------------------------------------


@cache
def _examples() -> tuple[tuple[str, str, tuple[tuple[Any, ...], ...]], ...]:
    found = []
    for event, _, payload in webhook_examples():
        if "repository" in payload:
            payload["repository"] |= {"id": 4001, "full_name": "fennel-works/learning"}
        found.append((event, json.dumps(payload), tuple(places(payload))))
    return tuple(found)


# The few places that anything is read from.
READ: tuple[tuple[Any, ...], ...] = (
    ("action",), ("issue",), ("issue", "number"), ("issue", "pull_request"), ("repository",), ("repository", "id"),
    ("repository", "full_name"), ("comment",), ("comment", "id"), ("comment", "body"), ("comment", "user"),
    ("comment", "user", "login"), ("comment", "created_at"), ("comment", "html_url"), ("installation",),
    ("installation", "account"), ("installation", "account", "login"), ("label",), ("changes",),
)  # fmt: skip
EVENTS = (
    "issues",
    "issue_comment",
    "label",
    "repository",
    "installation",
    "ping",
    "star",
    "",
    "Issues",
    "a b",
    "\0",
    "x" * 61,
)


@st.composite
def to_github(draw: st.DrawFn) -> Sent:
    """A delivery, or something like one."""
    chance = Chance(draw)
    event, text, everywhere = chance.choice(_examples())
    payload = json.loads(text)
    if "issue" in payload and chance.coin():
        # Something that will be followed: an issue of ours, and a member's comment.
        put(payload, ("issue", "number"), chance.randint(1, 40))
        put(payload, ("comment", "id"), chance.randint(1, 10**6))
        put(payload, ("comment", "user"), {"login": chance.choice(("ada", "Bo", "cy", "trellis-bot", "ghost"))})
        put(payload, ("comment", "body"), chance.draw(st.sampled_from(COMMENTS) | texts))
        if isinstance(payload["issue"], dict):
            payload["issue"].pop("pull_request", None)
    for _ in range(chance.randint(0, 3)):
        place = chance.choice(READ if chance.coin() else everywhere)
        put(payload, place, chance.draw(leaves) if chance.coin() else chance.draw(values))
    body = bent(chance, written(chance, payload))
    kind = "application/json"
    if chance.randrange(10) == 0:
        body, kind = as_form(chance, body), "application/x-www-form-urlencoded"
    if chance.randrange(10) == 0:
        kind = chance.choice(ODD_TYPES)
    if chance.randrange(10) == 0:
        event = chance.choice(EVENTS)
    guid = FRESH
    if chance.randrange(10) == 0:
        guid = chance.draw(
            st.sampled_from(("", "x", "a" * 80, "a" * 81, "../../x", "goals:fennel-works:x", "é" * 9, "\0" * 9)) | texts
        )
    headers = [("Content-Type", kind), ("X-GitHub-Event", event), ("X-GitHub-Delivery", guid)]
    if chance.randrange(30) == 0:
        headers.pop(chance.randint(0, 2))
    sent = Sent(
        door="github",
        method="POST",
        path="/webhooks/github",
        headers=tuple(headers),
        body=body,
        signed="github",
        name=guid,
    )
    return oddly(chance, sent if chance.randrange(8) else wrongly_signed(chance, sent))


# -- /webhooks/goals: the published description as a strategy -------------------------------------------------------


def from_schema(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that fit a schema of ours: only the few words of JSON Schema that `goals_openapi.py` uses."""
    if "$ref" in schema:
        found: dict[str, Any] = description()
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return from_schema(found)
    if "oneOf" in schema:
        return st.one_of([from_schema(one) for one in schema["oneOf"]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.dates(date(2000, 1, 1), date(2999, 12, 31)).map(str) | st.just("")
    if schema["type"] == "object":
        fields = {name: from_schema(one) for name, one in schema["properties"].items()}
        needed = {name: fields.pop(name) for name in schema["required"]}
        return st.fixed_dictionaries(needed, optional=fields)
    longest = min(schema.get("maxLength", 60), 300)
    letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    text = st.text(letters, max_size=longest) | st.sampled_from(("ada", "bo", "480 EUR", "1.200,50 €", "9" * 60))
    return text.filter(str.strip) if "\\s" in schema.get("pattern", "") else text


@cache
def messages() -> st.SearchStrategy[dict[str, Any]]:
    """Messages the description allows."""
    door = description()["paths"]["/webhooks/goals"]["post"]
    schema: dict[str, Any] = door["requestBody"]["content"]["application/json"]["schema"]
    return from_schema(schema)


@st.composite
def to_goals(draw: st.DrawFn) -> Sent:
    """A message of a form tool, or something like one."""
    chance = Chance(draw)
    said = chance.draw(messages())
    signed = chance.choice(("fennel-works", "fennel-works", "fennel-works", "moss-farm"))
    if chance.randrange(20):
        said["organisation"] = signed
    if chance.coin() and "person" in said["data"]:
        said["data"]["person"] = chance.choice(("ada", "bo", "cy"))
    everywhere = tuple(places(said))
    for _ in range(chance.choice((0, 0, 1, 2))):
        match chance.randrange(6):
            case 0:
                put(said, ("data", chance.draw(texts)), chance.draw(leaves))
            case 1:
                put(said, (chance.draw(texts),), chance.draw(leaves))
            case 2 if isinstance(said.get("data"), dict) and said["data"]:
                said["data"].pop(chance.choice(sorted(said["data"])))
            case _:
                put(said, chance.choice(everywhere), chance.draw(leaves) if chance.coin() else chance.draw(values))
    name = FRESH
    if chance.randrange(10) == 0:
        name = chance.choice(("x", "a" * 64, "a" * 65, "a/b", "../..", "a:b", "é", "a b", ".", "\0"))
    kind = "application/json" if chance.randrange(10) else chance.choice(ODD_TYPES)
    sent = Sent(
        door="goals",
        method="POST",
        path="/webhooks/goals",
        headers=(("Content-Type", kind),),
        body=bent(chance, written(chance, said)),
        signed=signed,
        name=name,
    )
    return oddly(chance, sent if chance.randrange(8) else wrongly_signed(chance, sent))


# -- the doors whose key is in the address, and those without one ----------------------------------------------------


@st.composite
def to_loomio(draw: st.DrawFn) -> Sent:
    """Loomio's hint, or something like it; nothing in its body is read."""
    chance = Chance(draw)
    body = chance.draw(st.sampled_from((b"{}", b"", b"\xff" * 100, b"x" * 300_000)) | st.binary(max_size=50))
    path = f"/webhooks/loomio/{mutated_token(chance, HINT)}"
    return oddly(chance, Sent(door="loomio", method="POST", path=path, body=body))


def _resigned(chance: Chance, salt: str) -> str:
    """Rubbish under our own signature, which nobody but us can make."""
    what = chance.draw(values | st.tuples(st.just("fennel-works") | leaves, st.just(1) | leaves, st.just("") | leaves))
    try:
        return str(URLSafeTimedSerializer(SECRET_KEY, salt=salt).dumps(what))
    except (ValueError, TypeError, OverflowError):
        return "."


@st.composite
def to_choices(draw: st.DrawFn, tokens: Tokens) -> Sent:
    """Somebody with a link from a letter, or something like one."""
    chance = Chance(draw)
    door = chance.choice(("choices", "choices", "stop"))
    good = tokens.choices if door == "choices" else tokens.stops
    token = chance.choice(good)
    token = _resigned(chance, f"trellis.{door}") if chance.randrange(5) == 0 else mutated_token(chance, token)
    method = chance.choice(("GET", "POST"))
    words = ("held", "not-needed", "snooze-week", "snooze-cycle", "snooze-all", "wake")
    fields = {
        "choice": chance.draw(st.sampled_from(words) | texts),
        "part": chance.draw(st.sampled_from(tokens.parts) | texts),
    }
    body, kind = b"", "application/x-www-form-urlencoded"
    if method == "POST":
        body = urlencode({key: value.encode("utf-8", "surrogatepass") for key, value in fields.items()}).encode()
        match chance.randrange(10):
            case 0:
                kind = chance.choice(ODD_TYPES)
            case 1:
                part = b'--b\r\nContent-Disposition: form-data; name="choice"\r\n\r\n' + body + b"\r\n--b--\r\n"
                body, kind = part[: chance.randint(0, len(part))], "multipart/form-data; boundary=b"
            case 2:
                body = body + b"&x=" + b"y" * chance.choice((4_000, 4_096, 70_000))
            case 3:
                body = body + b"&a=" * chance.choice((10, 1_001))
    sent = Sent(door=door, method=method, path=f"/{door}/{token}", headers=(("Content-Type", kind),), body=body)
    return oddly(chance, sent)


@st.composite
def to_calendar(draw: st.DrawFn, tokens: Tokens) -> Sent:
    """A calendar program."""
    chance = Chance(draw)
    token = mutated_token(chance, chance.choice(tokens.feeds))
    return oddly(chance, Sent(door="calendar", method="GET", path=f"/calendar/{token}.ics"))


@st.composite
def to_pages(draw: st.DrawFn) -> Sent:
    """Whoever watches, and whoever just looks."""
    chance = Chance(draw)
    known = ("/", "/healthz", "/readyz", "/metrics", "/webhooks/goals/openapi.json", "/static/trellis.css")
    odd = (
        "/static/../app.py", "/static/%2e%2e/pages.py", "/static/..%2f..%2fapp.py", "/static/%00",
        "/static//etc/passwd",
        "/static/" + "a" * 1_500, "/static/C:%5Cx", "/.env", "/.git/config", "//elsewhere.example/", "/%5c%5celsewhere",
        "//elsewhere.example//webhooks//github", "/webhooks", "/choices/", "/calendar/.ics", "/\xff", "/" + "x" * 3_000,
    )  # fmt: skip
    path = chance.draw(
        st.sampled_from(known) | st.sampled_from(odd) | texts.map(lambda text: "/" + quote(text, errors="replace"))
    )
    given = chance.choice((METRICS_TOKEN, METRICS_TOKEN[:-1], "", "é", "\0", METRICS_TOKEN * 300))
    scheme = chance.choice(("Bearer ", "bearer  ", "Basic ", ""))
    headers = (("Authorization", scheme + given),) if path == "/metrics" else ()
    return oddly(chance, Sent(door="pages", method="GET", path=path, headers=headers))


def doors(tokens: Tokens) -> Mapping[str, tuple[int, st.SearchStrategy[Sent]]]:
    """Give how many of a hundred requests go to each door, and what they are; those that store the most come first."""
    return {
        "github": (35, to_github()),
        "goals": (30, to_goals()),
        "choices": (15, to_choices(tokens)),
        "pages": (10, to_pages()),
        "loomio": (5, to_loomio()),
        "calendar": (5, to_calendar(tokens)),
    }
