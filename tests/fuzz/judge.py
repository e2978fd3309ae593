"""The judge: what every answer must keep to, and every row that is stored."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from openapi_schema_validator import OAS31Validator
from sqlalchemy import JSON, BigInteger, Integer, LargeBinary, String, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import Headers

from config.links import Links
from store.models import Base, DeliveryRow, TimelineRow
from tests.fuzz.doors import GOALS_SECRETS, METRICS_TOKEN, SECRET_KEY, Sent
from tests.fuzz.rubbish import CANARIES
from tests.fuzz.world import World
from web.pages import SECURITY_HEADERS
from webhooks.goals_openapi import description
from webhooks.goals_table import MESSAGE_ID
from webhooks.reading import UnreadableError, read_object

LINKS = Links(None, SECRET_KEY)
STORING = ("github", "goals")
# What a redirect may name: our own host never, since who asks says what that is.
HERE = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, and whether anything was committed meanwhile (None: this database does not tell)."""

    status: int
    headers: Headers
    body: bytes
    wrote: bool | None


def wrong_with(sent: Sent, answer: Answer) -> Iterator[str]:
    """Say everything that is wrong with an answer."""
    # There is no worker here, and `/readyz` is there to say so.
    unready = sent.path.endswith("/readyz") and answer.status == 503 and sent.method in ("GET", "HEAD")
    if answer.status >= 500 and not unready:
        yield f"a {answer.status}"
    for name in SECURITY_HEADERS:
        if name not in answer.headers:
            yield f"no {name}"
    place = answer.headers.get("Location")
    if place is not None and urlsplit(place).netloc != HERE:
        yield f"a redirect to {place}"
    if any("canary=1" in value for name, value in answer.headers if name.casefold() == "set-cookie"):
        yield "a header that was made of what was sent"
    kind = answer.headers.get("Content-Type", "")
    if "html" in kind and any(one.encode() in answer.body for one in CANARIES):
        yield "what somebody typed stands in the page as it is"
    if answer.body and kind.startswith("application/json"):
        try:
            json.loads(answer.body)
        except ValueError:
            yield "JSON that is none"
    if answer.wrote and (answer.status >= 400 or sent.method != "POST"):
        yield f"something was stored though the answer is {answer.status} to {sent.method}"
    yield from _who_gets_in(sent, answer)


def _who_gets_in(sent: Sent, answer: Answer) -> Iterator[str]:
    taken = 200 <= answer.status < 400
    if sent.door in STORING and sent.method == "POST" and taken and not sent.signed:
        yield "taken without a signature of ours"
    if sent.door == "goals" and sent.signed and answer.status in (202, 400):
        expected = 202 if fits_description(sent) else 400
        if answer.status != expected:
            yield f"the description says {expected}, the door {answer.status}"
    if sent.door in ("choices", "stop") and taken and sent.path.startswith(f"/{sent.door}/"):
        token = _path(sent).removeprefix(f"/{sent.door}/")
        named = LINKS.read_choices(token) if sent.door == "choices" else LINKS.read_stop(token)
        if named is None and sent.method in ("GET", "HEAD", "POST"):
            yield "opened by a link that is none"
    if sent.path == "/metrics" and answer.status == 200 and sent.method != "OPTIONS":
        given = [value.partition(" ")[2].strip() for name, value in sent.headers if name == "Authorization"]
        if METRICS_TOKEN not in given:
            yield "the figures, without their token"


def _path(sent: Sent) -> str:
    return str(sent.environ()["PATH_INFO"]).encode("latin-1").decode("utf-8", "replace")


@cache
def _validator() -> Any:
    document = description()
    body = document["paths"]["/webhooks/goals"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = {**body, "components": document["components"]}
    return OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER)


def fits_description(sent: Sent) -> bool:
    """Say whether the published description allows a message, with what it says in words: strict JSON, whole text."""
    try:
        said = read_object(sent.body)
    except UnreadableError:
        return False
    name = MESSAGE_ID.fullmatch(sent.name) is not None
    whole = not any("\ud800" <= sign <= "\udfff" for sign in json.dumps(said.get("data"), ensure_ascii=False))
    return name and whole and bool(_validator().is_valid(said))


def promised(sent: Sent) -> str | None:
    """Name the row that a 202 promises."""
    if sent.door == "github":
        return dict(reversed(sent.headers)).get("X-GitHub-Delivery", sent.name)
    if sent.door == "goals" and sent.signed in GOALS_SECRETS:
        return f"goals:{sent.signed}:{sent.name}"
    return None


# -- rows -------------------------------------------------------------------------------------------------------------


def rubbish_in(world: World) -> Iterator[str]:
    """Say which rows PostgreSQL would not take, or nobody could read."""

    def looked(session: Session) -> list[str]:
        found = []
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)).mappings():
                found += [f"{table.name}.{name}: {why}" for name, why in _odd_columns(table.c, dict(row))]
        for url in session.scalars(select(TimelineRow.url).where(TimelineRow.url.is_not(None))):
            if url and not url.startswith(("https://", "http://")):
                found.append(f"a line of the timeline leads to {url!r:.200}")
        for delivery in session.scalars(select(DeliveryRow)):
            try:
                read_object(delivery.body)
            except UnreadableError as error:
                found.append(f"delivery {delivery.id}: {error}")
        return found

    yield from world.database.transact(looked)


def _odd_columns(columns: Any, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for column in columns:
        value, kind = row[column.name], column.type
        if value is None or isinstance(value, datetime):
            continue
        if isinstance(kind, String) and not isinstance(kind, LargeBinary):
            if kind.length is not None and len(value) > kind.length:
                yield column.name, f"{len(value)} characters of {kind.length}"
            yield from ((column.name, why) for why in _odd_text(value))
        elif isinstance(kind, JSON):
            texts = json.dumps(value)
            if "\\u0000" in texts:
                yield column.name, "a zero byte inside"
        elif isinstance(kind, Integer):
            most = 2**63 if isinstance(kind, BigInteger) else 2**31
            if not -most <= value < most:
                yield column.name, f"{value} is too large"


def _odd_text(value: str) -> Iterator[str]:
    if "\0" in value:
        yield "a zero byte"
    if any("\ud800" <= sign <= "\udfff" for sign in value):
        yield "half a character"
