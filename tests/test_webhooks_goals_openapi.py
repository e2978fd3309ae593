"""The published description of the form tools' door, its table and its behaviour say the same."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from store.database import Database
from tests.test_webhooks_goals import deliveries, post
from webhooks.goals_openapi import EXAMPLES, FILE, as_text, description
from webhooks.goals_table import KEYS, LARGEST_BYTES, MESSAGE_ID

SCHEMAS = description()["components"]["schemas"]


def message(kind: str, **data: Any) -> dict[str, Any]:
    """The least a kind needs, and more; None takes a key out."""
    needed = {key: EXAMPLES[kind][key] for key in KEYS[kind][0]} | data
    said = {key: value for key, value in needed.items() if value is not None}
    return {"type": kind, "organisation": "fennel-works", "data": said}


def fields() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every documented key of every documented kind, with its schema."""
    for kind in KEYS:
        for key, schema in SCHEMAS[kind]["properties"]["data"]["properties"].items():
            yield kind, key, schema


def test_the_file_in_the_checkout_and_what_the_door_serves_are_what_the_code_says(client: FlaskClient) -> None:
    assert FILE.read_text(encoding="utf-8") == as_text(), "renew it with: python -m webhooks.goals_openapi"
    answer = client.get("/webhooks/goals/openapi.json")
    assert (answer.status_code, answer.content_type, answer.text) == (200, "application/json", as_text())


def test_it_is_openapi() -> None:
    validate(description())


def test_it_describes_every_kind_and_key_of_the_table_and_no_other() -> None:
    documented = {
        kind: (tuple(data["required"]), tuple(key for key in data["properties"] if key not in data["required"]))
        for kind, schema in SCHEMAS.items()
        if kind != "answer"
        for data in [schema["properties"]["data"]]
    }
    assert documented == KEYS


@pytest.mark.parametrize("kind", KEYS)
def test_every_example_is_taken(client: FlaskClient, database: Database, kind: str) -> None:
    door = description()["paths"]["/webhooks/goals"]["post"]
    example = door["requestBody"]["content"]["application/json"]["examples"][kind]["value"]
    assert post(client, example).status_code == 202
    assert json.loads(deliveries(database)[0].body) == example


@pytest.mark.parametrize(("kind", "key", "schema"), [*fields()])
def test_every_documented_key_is_taken_as_documented_and_not_otherwise(
    client: FlaskClient, kind: str, key: str, schema: dict[str, Any]
) -> None:
    needed = key in KEYS[kind][0]
    taken: list[Any] = [EXAMPLES[kind][key], *schema.get("enum", ()), *([] if needed else ["", None])]
    refused: list[Any] = [7, [], {}, False, "a\0b", *([None, "", " "] if needed else [])]
    if "maxLength" in schema:
        taken.append("x" * schema["maxLength"])
        refused.append("x" * (schema["maxLength"] + 1))
    else:
        refused.append("something else")
    statuses = [
        post(client, message(kind, **{key: value}), message=f"msg_{number}").status_code
        for number, value in enumerate((*taken, *refused))
    ]
    assert statuses == [202] * len(taken) + [400] * len(refused)


@pytest.mark.parametrize("kind", KEYS)
def test_what_is_not_documented_is_refused(client: FlaskClient, database: Database, kind: str) -> None:
    others = {key for one in KEYS.values() for key in (*one[0], *one[1])} - {*KEYS[kind][0], *KEYS[kind][1]}
    for key in ("organisation", "note", "", *sorted(others)):
        assert post(client, message(kind, **{key: "x"})).status_code == 400
    assert post(client, message(kind) | {"type": f"{kind}.more"}).status_code == 400
    assert deliveries(database) == []


def test_the_answers_are_as_documented(client: FlaskClient) -> None:
    replies = description()["paths"]["/webhooks/goals"]["post"]["responses"]
    kind = next(iter(KEYS))
    given = {
        "202": post(client, message(kind)),
        "400": post(client, {"organisation": "fennel-works"}),
        "401": client.post("/webhooks/goals"),
        "413": client.post("/webhooks/goals", data=b" " * (LARGEST_BYTES + 1)),
    }
    assert {str(one.status_code) for one in given.values()} == set(given)
    assert {*given, "503"} == set(replies)
    for status, answer in given.items():
        schema = replies[status]["content"]["application/json"]["schema"]
        keys = SCHEMAS["answer"]["required"] if "$ref" in schema else schema["required"]
        assert answer.json is not None
        assert sorted(answer.json) == sorted(keys)


def test_the_message_id_is_documented_as_it_is_checked() -> None:
    headers = {one["name"]: one for one in description()["paths"]["/webhooks/goals"]["post"]["parameters"]}
    assert headers["webhook-id"]["schema"]["pattern"] == f"^{MESSAGE_ID.pattern}$"
    assert all(one["required"] for one in headers.values())
