"""Judge GitHub traffic by GitHub's own OpenAPI: what we send, what our fakes answer, and webhook payloads.

Every judge returns a list of sentences, one a problem; an empty list means that GitHub's description has no objection.
The data lies in `tests/contract/`, and `tests/contract/cut.py` says where it comes from. Only calls that Trellis makes
are in it, so a call to anything else is a problem too: add its path there first.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from jsonschema.exceptions import best_match  # type: ignore[import-untyped]  # ships no type information
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest
from openapi_core.testing import MockRequest, MockResponse
from openapi_core.validation.request.exceptions import ParameterValidationError
from openapi_schema_validator import OAS31Validator

CONTRACT = Path(__file__).parent / "contract"

# GitHub gives these to any call, whether or not the description of the call says so.
ERRORS_ANYWHERE = {401, 403, 404, 410, 422, 429}
# A response with one of these has no body, by HTTP itself.
BODILESS = {204, 304}
# GitHub's Link headers carry these on lists, and clients follow Link headers as they come.
PAGING = {"page", "per_page", "after", "before"}
SENTENCE_LENGTH = 400


def check_request(prepared: requests.PreparedRequest, base_url: str) -> list[str]:
    """What GitHub's description objects to in a request that a client sent to `base_url`."""
    try:
        call = _find_call(prepared.method or "", prepared.url or "", base_url)
    except _UnknownCallError as unknown:
        return [str(unknown)]
    request = prepared.copy()
    request.url = call.url
    body = _json_or_none(_bytes(request.body))
    if call.operation["operationId"] == "issues/add-labels" and isinstance(body, list):
        # PyGithub's add_to_labels sends the bare list. GitHub takes it, as it did when its documentation still showed
        # that form; today's description knows only the object, so that is what we show it.
        body = {"labels": body}
        request.body = json.dumps(body).encode()
    problems = _in_words(_rest().iter_request_errors(RequestsOpenAPIRequest(request)), "body")
    problems += _unknown_query_names(call)
    # GitHub's schemas are open, so a misspelt key is valid to them, and silently ignored by GitHub.
    wanted = [media["schema"] for media in call.operation.get("requestBody", {}).get("content", {}).values()]
    if wanted:
        problems += _unknown_keys(wanted, body, "body")
    elif body:
        problems.append("body: this operation takes none")
    return [_shortened(f"{call.name}: {problem}") for problem in problems]


def check_reply(
    method: str, url: str, status: int, headers: Mapping[str, str], body_bytes: bytes, base_url: str
) -> list[str]:
    """What GitHub's description objects to in a reply, such as a fake one, to this method and URL."""
    try:
        call = _find_call(method, url, base_url)
    except _UnknownCallError as unknown:
        return [str(unknown)]
    problems = []
    if status >= 400:
        # The described error bodies require nothing, yet clients read the message, and GitHub always sends one.
        error = _json_or_none(body_bytes)
        if not (isinstance(error, dict) and isinstance(error.get("message"), str)):
            problems.append(f"a {status} must be a JSON object with a message")
    described = call.operation["responses"]
    if str(status) in described:
        reply = MockResponse(body_bytes, status, dict(headers), _content_type(headers))
        problems += _in_words(_rest().iter_response_errors(_bare_request(call), reply), "reply")
    elif status not in ERRORS_ANYWHERE and status < 500:
        problems.append(f"GitHub never answers {status} here, only {', '.join(sorted(described))}")
    if status in BODILESS and body_bytes:
        problems.append(f"a {status} has no body")
    return [_shortened(f"{call.name}: {problem}") for problem in problems]


def webhook_examples() -> list[tuple[str, str | None, dict[str, Any]]]:
    """GitHub's example deliveries as (event, action, payload); the payloads are the caller's own, to change at will."""
    # Parsed anew each time, so that one test's changes never reach another.
    examples = json.loads(_unpacked("webhook-examples.json.gz"))
    return [(example["event"], example["action"], example["payload"]) for example in examples]


def check_webhook(event: str, payload: dict[str, Any]) -> list[str]:
    """What GitHub's present schema objects to in a delivery of this event.

    Some of GitHub's own examples are older than the schemas and lack what is required today.
    """
    action = payload.get("action")
    name = (event if action is None else f"{event}-{action}").replace("_", "-")
    if name not in _document("github-webhooks.json.gz")["webhooks"]:
        return [f"{event}: GitHub's description has no such event with action {action!r}, or cut.py leaves it out"]
    return [
        _shortened(f"{name}: {_sentence('payload', error)}") for error in _webhook_validator(name).iter_errors(payload)
    ]


@dataclass(frozen=True)
class _Call:
    """An operation of GitHub's description, and the URL of one call of it as the description would have it."""

    method: str
    path: str
    operation: dict[str, Any]
    parameters: list[dict[str, Any]]
    url: str

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"


class _UnknownCallError(Exception):
    """No operation of GitHub's description fits; the text says which was asked for."""


def _find_call(method: str, url: str, base_url: str) -> _Call:
    """The operation that the URL under `base_url` means to GitHub."""
    asked, base = urlsplit(url), urlsplit(base_url)
    root = base.path.rstrip("/")
    if _origin(asked.scheme, asked.hostname, asked.port) != _origin(base.scheme, base.hostname, base.port) or not (
        asked.path.startswith(root + "/")
    ):
        raise _UnknownCallError(f"{method.upper()} {url}: not under {base_url}")
    # The numeric form is missing in the description, but GitHub accepts it everywhere and puts it into Link headers.
    path = re.sub(r"^/repositories/\d+(?=/|$)", "/repos/owner/repo", asked.path.removeprefix(root))
    for template, pattern in _path_patterns():
        item = _document("github-rest.json.gz")["paths"][template]
        match = pattern.fullmatch(path)
        if match and method.lower() in item:
            operation = item[method.lower()]
            parameters = [_resolved(each) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))]
            # openapi-core lets no parameter hold a slash, though GitHub's {path} of a file does.
            described = template
            for name, value in match.groupdict().items():
                described = described.replace(f"{{{name}}}", value.replace("/", "%2F"))
            query = f"?{asked.query}" if asked.query else ""
            return _Call(method.lower(), template, operation, parameters, _server() + described + query)
    raise _UnknownCallError(f"{method.upper()} {path}: GitHub's description has no such call, or cut.py leaves it out")


def _origin(scheme: str, host: str | None, port: int | None) -> tuple[str, str | None, int | None]:
    """Scheme, host and port, the same whether or not the usual port is spelt out (PyGithub spells it out)."""
    return scheme, host, port or {"http": 80, "https": 443}.get(scheme)


@cache
def _path_patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Every path with a pattern for it, the most literal first, as OpenAPI wants them tried."""
    patterns = []
    for template, item in _document("github-rest.json.gz")["paths"].items():
        pattern = re.escape(template).replace(r"\{", "{").replace(r"\}", "}")
        for operation in (value for value in item.values() if isinstance(value, dict)):
            for parameter in map(_resolved, operation.get("parameters", ())):
                if parameter["in"] == "path":
                    # {ref} is not marked so, yet a branch's name may hold slashes, and GitHub takes them as they are.
                    many = parameter.get("x-multi-segment") or parameter["name"] == "ref"
                    allowed = ".*" if many else "[^/]+"
                    pattern = pattern.replace(f"{{{parameter['name']}}}", f"(?P<{parameter['name']}>{allowed})")
        patterns.append((template, re.compile(pattern)))
    return sorted(patterns, key=lambda each: each[0].count("{"))


def _unknown_query_names(call: _Call) -> Iterator[str]:
    """GitHub ignores a misspelt filter and answers with everything, which no reader of the reply would notice."""
    known = {parameter["name"] for parameter in call.parameters if parameter["in"] == "query"}
    if "per_page" in known:
        known |= PAGING
    for name, _ in parse_qsl(urlsplit(call.url).query, keep_blank_values=True):
        if name not in known:
            yield f"query: {name!r} is not listed, only {', '.join(sorted(known)) or 'nothing'}"


def _unknown_keys(schemas: Iterable[dict[str, Any]], value: object, place: str) -> Iterator[str]:
    """Keys at any depth that none of the alternative schemas lists; a schema that lists nothing allows everything."""
    leaves = [leaf for schema in schemas for leaf in _alternatives(schema)]
    if isinstance(value, list):
        items = [leaf["items"] for leaf in leaves if "items" in leaf]
        for index, element in enumerate(value):
            yield from _unknown_keys(items, element, f"{place}.{index}")
    elif isinstance(value, dict):
        listed: dict[str, list[dict[str, Any]]] = {}
        for leaf in leaves:
            for key, schema in leaf.get("properties", {}).items():
                listed.setdefault(key, []).append(schema)
        says_open = any(leaf.get("additionalProperties", False) is not False for leaf in leaves)
        for key, element in value.items():
            if key in listed:
                yield from _unknown_keys(listed[key], element, f"{place}.{key}")
            elif listed and not says_open:
                yield f"{place}: {key!r} is not listed, only {', '.join(sorted(listed))}"


def _alternatives(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema and all that it is composed of."""
    schema = _resolved(schema)
    yield schema
    for keyword in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(keyword, ()):
            yield from _alternatives(part)


def _in_words(errors: Iterable[Exception], place: str) -> list[str]:
    """Sentences for openapi-core's errors, which hide what a person wants to read in their cause."""
    sentences = []
    for error in errors:
        details = getattr(error.__cause__, "schema_errors", None)
        if details:
            # A query parameter is named by the error alone; a body or reply by the path inside it.
            where = f"{error.location} {error.name}" if isinstance(error, ParameterValidationError) else place
            sentences += [_sentence(where, detail) for detail in details]
        else:
            cause = str(error.__cause__ or "")
            sentences.append(str(error) if cause in str(error) else f"{error} ({cause})")
    return sentences


def _sentence(place: str, error: Any) -> str:
    """Place and reason of a JSON Schema error; of alternatives that all failed, the one that came nearest."""
    nearest = best_match([error])
    return f"{'.'.join([place, *map(str, nearest.absolute_path)])}: {nearest.message}"


def _shortened(text: str) -> str:
    """The text without its middle if it is long: the values begin it, the reason ends it."""
    half = SENTENCE_LENGTH // 2
    return text if len(text) <= SENTENCE_LENGTH else f"{text[:half]} … {text[-half:]}"


def _bare_request(call: _Call) -> MockRequest:
    """As much of a request as finding the described response takes."""
    parts = urlsplit(call.url)
    return MockRequest(f"{parts.scheme}://{parts.netloc}", call.method, parts.path)


def _content_type(headers: Mapping[str, str]) -> str:
    return next((value for name, value in headers.items() if name.lower() == "content-type"), "")


def _bytes(body: object) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b""


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    """The component of the REST description that the node points to, or the node."""
    while "$ref" in node:
        section, name = node["$ref"].removeprefix("#/components/").split("/")
        node = _document("github-rest.json.gz")["components"][section][name]
    return node


def _server() -> str:
    return str(_document("github-rest.json.gz")["servers"][0]["url"])


@cache
def _rest() -> OpenAPI:
    # The document was checked when it was cut; checking it in every run would take longer than most test files.
    return OpenAPI.from_dict(_document("github-rest.json.gz"), config=Config(spec_validator_cls=None))


@cache
def _webhook_validator(name: str) -> Any:
    document = _document("github-webhooks.json.gz")
    body = document["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = {**body, "components": document["components"]}
    return OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER)


@cache
def _document(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_unpacked(name))
    return document


@cache
def _unpacked(name: str) -> bytes:
    return gzip.decompress((CONTRACT / name).read_bytes())
