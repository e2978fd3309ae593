"""GitHub's door: only what GitHub signed comes in, a 2xx means it is stored, and handling survives whatever it is."""

import hashlib
import hmac
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import responses
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from domain.events import What
from jobs.handle import handle
from jobs.workshop import Workshop
from store.database import Database
from store.models import Base, DeliveryRow, EffectRow, ObjectiveRow, PersonRow, TicketRow, TimelineRow
from tests.github_contract import webhook_examples
from webhooks.signatures import github_signed

WIRE = "https://api.github.com:443"
FIXTURES = Path(__file__).parent / "fixtures"
OLD_SECRET, NEW_SECRET = "invented-old-secret", "invented-new-secret"
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
NOT_SIGNED = {"message": "The signature does not fit. Is the webhook's secret in GITHUB_WEBHOOK_SECRETS?"}
STORED, STORED_BEFORE = {"message": "Stored."}, {"message": "Stored before."}


def signature(body: bytes, secret: str = NEW_SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def post(client: FlaskClient, body: bytes, **headers: str | None) -> TestResponse:
    """Delivers as GitHub does; a header given as None is left out."""
    said: dict[str, str | None] = {
        "User-Agent": "GitHub-Hookshot/044aadd",
        "Content-Type": "application/json",
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": GUID,
        "X-Hub-Signature-256": signature(body),
    }
    said.update({name.replace("_", "-"): value for name, value in headers.items()})
    given = {name: value for name, value in said.items() if value is not None}
    return client.post("/webhooks/github", data=body, headers=given)


def example(event: str, action: str | None) -> dict[str, Any]:
    """The newest of GitHub's examples of an event, as if it came from our repository."""
    found = [payload for name, what, payload in webhook_examples() if (name, what) == (event, action)][-1]
    return ours(found)


def ours(payload: dict[str, Any]) -> dict[str, Any]:
    if "repository" in payload:
        payload["repository"] |= {"id": 4001, "full_name": "fennel-works/learning"}
    return payload


def deliveries(database: Database) -> list[DeliveryRow]:
    return database.transact(lambda session: list(session.scalars(select(DeliveryRow).order_by(DeliveryRow.id))))


def work(database: Database) -> list[tuple[str, str, str]]:
    """The durable work that waits: its id, its queue, and the line it stands in."""
    asked = text("SELECT workflow_uuid, queue_name, queue_partition_key FROM workflow_status ORDER BY workflow_uuid")
    return database.transact(lambda session: [(row[0], row[1], row[2]) for row in session.execute(asked)])


# -- the signature ----------------------------------------------------------------------------------------------------


def test_githubs_published_vector_fits() -> None:
    published = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert github_signed(b"Hello, World!", published, ["It's a Secret to Everybody"]) is True
    assert github_signed(b"Hello, World!", published, ["another", "It's a Secret to Everybody"]) is True
    assert github_signed(b"Hello, World.", published, ["It's a Secret to Everybody"]) is False
    assert github_signed(b"Hello, World!", published, ["It's a Secret to everybody"]) is False
    assert github_signed(b"Hello, World!", published, []) is False


@pytest.mark.parametrize("secret", [OLD_SECRET, NEW_SECRET])
def test_while_a_secret_is_changed_both_open_the_door(client: FlaskClient, database: Database, secret: str) -> None:
    body = json.dumps(example("issues", "opened")).encode()
    answer = post(client, body, X_Hub_Signature_256=signature(body, secret))
    assert (answer.status_code, answer.json) == (202, STORED)
    assert len(deliveries(database)) == 1


BODY = b'{"action": "opened"}'
WRONG_SIGNATURES = [
    pytest.param(None, id="none"),
    pytest.param("", id="empty"),
    pytest.param("sha256=", id="without its digits"),
    pytest.param(signature(BODY, "guessed"), id="another secret"),
    pytest.param(signature(BODY, ""), id="an empty secret"),
    pytest.param(signature(BODY + b" "), id="another body"),
    pytest.param(signature(BODY).removeprefix("sha256="), id="without its name"),
    pytest.param(signature(BODY).upper(), id="capitals"),
    pytest.param(signature(BODY) + "0", id="too long"),
    pytest.param("sha1=" + hmac.new(NEW_SECRET.encode(), BODY, hashlib.sha1).hexdigest(), id="the old kind"),
    pytest.param("sha256=é" + "0" * 63, id="outside ASCII"),
    pytest.param("sha256=\x80\xff", id="no text at all"),
]


@pytest.mark.parametrize("given", WRONG_SIGNATURES)
def test_what_is_not_signed_is_refused_and_not_stored(
    client: FlaskClient, database: Database, given: str | None
) -> None:
    answer = post(client, BODY, X_Hub_Signature_256=given)
    assert (answer.status_code, answer.json) == (401, NOT_SIGNED)
    assert (deliveries(database), work(database)) == ([], [])


def test_the_signature_is_looked_at_before_anything_else(client: FlaskClient) -> None:
    assert post(client, b"{", X_Hub_Signature_256="sha256=0", X_GitHub_Delivery=None).status_code == 401


class TestWithoutASecret:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return environ | {"GITHUB_WEBHOOK_SECRETS": ""}

    @pytest.mark.parametrize("given", [None, signature(BODY, ""), signature(BODY)])
    def test_nobody_comes_in(self, client: FlaskClient, database: Database, given: str | None) -> None:
        assert post(client, BODY, X_Hub_Signature_256=given).status_code == 401
        assert deliveries(database) == []


# -- what is stored ---------------------------------------------------------------------------------------------------


def test_a_delivery_is_stored_whole_together_with_its_work(client: FlaskClient, database: Database) -> None:
    payload = example("issues", "opened")
    answer = post(client, json.dumps(payload).encode())
    assert (answer.status_code, answer.json) == (202, STORED)
    (row,) = deliveries(database)
    assert (row.id, row.source, row.event, row.status) == (GUID, "github", "issues", "stored")
    assert (row.generation, row.attempts, row.last_error, row.not_before) == (0, 0, None, row.received_at)
    assert row.about == f"github:4001#{payload['issue']['number']}"
    assert json.loads(row.body) == payload
    assert work(database) == [(f"handle:{GUID}:0", "handle", row.about)]


def test_a_form_is_read_like_json_and_signed_over_its_raw_bytes(client: FlaskClient, database: Database) -> None:
    payload = example("issues", "opened") | {"zen": "Ünïcødé & 100% = 1+1"}
    body = urlencode({"payload": json.dumps(payload, ensure_ascii=False)}).encode()
    answer = post(client, body, Content_Type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json) == (202, STORED)
    assert json.loads(deliveries(database)[0].body) == payload


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(b'{"a": 1, "a": 2}', "The body says one key twice in the same place.", id="a key twice"),
        pytest.param(b'{"a": [NaN]}', "The body holds NaN or an endless number, which JSON does not have.", id="NaN"),
        pytest.param(
            b'{"a": 1e999}', "The body holds NaN or an endless number, which JSON does not have.", id="endless"
        ),
        pytest.param(
            b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", "The body is nested more than 100 levels deep.", id="deep"
        ),
    ],
)
def test_what_two_readers_may_understand_in_two_ways_is_refused(
    client: FlaskClient, database: Database, body: bytes, problem: str
) -> None:
    answer = post(client, body)
    assert (answer.status_code, answer.json) == (400, {"message": problem})
    assert deliveries(database) == []


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "text/plain", None])
def test_json_is_read_under_any_other_name(client: FlaskClient, database: Database, kind: str | None) -> None:
    assert post(client, b'{"zen": "\xf0\x9f\x8c\xb1"}', Content_Type=kind).status_code == 202
    assert json.loads(deliveries(database)[0].body) == {"zen": "🌱"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b""),
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b'"text"'),
        ("application/json", b"null"),
        ("application/json", b"\xff\xfe"),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"number": ' + b"9" * 5_000 + b"}"),
        ("application/x-www-form-urlencoded", b""),
        ("application/x-www-form-urlencoded", b'{"action": "opened"}'),
        ("application/x-www-form-urlencoded", b"other=%7B%7D"),
        ("application/x-www-form-urlencoded", b"payload=%7B"),
        ("application/x-www-form-urlencoded", b"payload=%5B%5D"),
        ("application/x-www-form-urlencoded", b"payload=%7B%22a%22%3A%22%ff%22%7D"),
        ("application/x-www-form-urlencoded", b"payload=%7B%7D&payload=%7B%7D"),
    ],
)
def test_what_is_signed_but_no_json_object_is_refused(
    client: FlaskClient, database: Database, kind: str, body: bytes
) -> None:
    answer = post(client, body, Content_Type=kind)
    assert (answer.status_code, answer.json) == (400, {"message": "The body is not a JSON object."})
    assert deliveries(database) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"X_GitHub_Delivery": None},
        {"X_GitHub_Delivery": ""},
        {"X_GitHub_Delivery": "a b"},
        {"X_GitHub_Delivery": "0" * 81},
        {"X_GitHub_Event": None},
        {"X_GitHub_Event": "Issues!"},
        {"X_GitHub_Event": "a" * 61},
    ],
)
def test_a_delivery_without_a_proper_id_or_event_is_refused(
    client: FlaskClient, database: Database, headers: dict[str, str | None]
) -> None:
    answer = post(client, BODY, **headers)
    assert answer.status_code == 400
    assert answer.json == {"message": "X-GitHub-Delivery or X-GitHub-Event is missing or strange."}
    assert deliveries(database) == []


@pytest.mark.parametrize("event", ["dependabot_alert", "projects_v2_item", "an_event_of_next_year"])
def test_an_event_we_do_not_know_is_stored_all_the_same(client: FlaskClient, database: Database, event: str) -> None:
    answer = post(client, BODY, X_GitHub_Event=event)
    assert (answer.status_code, answer.json) == (202, STORED)
    assert [row.event for row in deliveries(database)] == [event]


def test_the_largest_delivery_github_sends_is_taken(client: FlaskClient, database: Database) -> None:
    body = json.dumps({"action": "opened", "padding": "x" * (25 * 1024 * 1024)}).encode()
    assert post(client, body).status_code == 202
    assert len(deliveries(database)) == 1


def test_a_larger_one_is_refused_before_it_is_looked_at(client: FlaskClient, database: Database) -> None:
    answer = post(client, bytes(26 * 1024 * 1024 + 1), X_Hub_Signature_256="sha256=0")
    assert answer.status_code == 413
    assert deliveries(database) == []


# -- once, or the sender hears of it ----------------------------------------------------------------------------------


def test_the_same_delivery_twice_is_stored_once(client: FlaskClient, database: Database) -> None:
    first = post(client, json.dumps(example("issues", "opened")).encode())
    again = post(client, json.dumps(example("issues", "opened")).encode())
    # An App's hook and a repository's hook send one event under one id, each with its own body.
    other_hook = post(client, json.dumps(example("issues", "opened") | {"installation": {"id": 66}}).encode())
    assert [first.json, again.json, other_hook.json] == [STORED, STORED_BEFORE, STORED_BEFORE]
    assert [first.status_code, again.status_code, other_hook.status_code] == [202, 202, 202]
    assert len(deliveries(database)) == 1
    assert "installation" not in json.loads(deliveries(database)[0].body)
    assert len(work(database)) == 1


def test_the_same_delivery_many_times_at_once_is_stored_once(client: FlaskClient, database: Database) -> None:
    application = client.application
    ready, answers = threading.Barrier(5), []

    def deliver() -> None:
        own = application.test_client()
        ready.wait(timeout=5)
        answers.append((post(own, BODY).status_code, post(own, BODY).status_code))

    threads = [threading.Thread(target=deliver) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(202, 202)] * 5
    assert len(deliveries(database)) == 1
    assert len(work(database)) == 1


def test_no_delivery_is_stored_when_its_work_cannot_be_and_github_hears_of_it(
    client: FlaskClient, database: Database
) -> None:
    database.transact(lambda session: session.execute(text("ALTER TABLE workflow_status RENAME TO gone_for_now")))
    assert post(client, BODY).status_code in (500, 503)
    assert deliveries(database) == []
    database.transact(lambda session: session.execute(text("ALTER TABLE gone_for_now RENAME TO workflow_status")))
    assert work(database) == []
    # GitHub's redelivery carries the same id, and must find the door open.
    assert (post(client, BODY).status_code, len(deliveries(database)), len(work(database))) == (202, 1, 1)


def test_no_work_is_left_behind_by_a_delivery_that_could_not_be_stored(client: FlaskClient, database: Database) -> None:
    database.transact(lambda session: session.execute(text("ALTER TABLE deliveries RENAME TO gone_for_now")))
    answer = post(client, BODY)
    assert (answer.status_code, answer.json) == (
        503,
        {"message": "It could not be stored; please deliver it again."},
    )
    assert work(database) == []


def test_without_a_database_github_is_asked_to_deliver_again(
    client: FlaskClient, lose_database: Callable[[], None]
) -> None:
    lose_database()
    answer = post(client, BODY)
    assert (answer.status_code, answer.json) == (
        503,
        {"message": "It could not be stored; please deliver it again."},
    )
    # A redelivery cannot help an unsigned request, so that stays what it is.
    assert post(client, BODY, X_Hub_Signature_256="sha256=0").status_code == 401


def test_the_door_takes_nothing_but_posts(client: FlaskClient) -> None:
    answer = client.get("/webhooks/github")
    assert answer.status_code == 405


# -- and then: every official example through the door and through handling -------------------------------------------


@pytest.fixture
def github() -> Iterator[responses.RequestsMock]:
    """A GitHub that knows our repository and the bot, and shows no issue."""
    nothing = {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.get(f"{WIRE}/repos/fennel-works/learning", json=fixture("repository.get__ours"))
        wire.get(f"{WIRE}/repositories/4001", json=fixture("repository.get__ours"))
        wire.get(f"{WIRE}/user", json=fixture("user.get__bot"))
        wire.get(re.compile(rf"{WIRE}/repositories/4001/issues/\d+$"), status=404, json=nothing)
        yield wire


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def count(table: type[Base], session: Session) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def deliver_all(client: FlaskClient, payloads: list[tuple[str, dict[str, Any]]]) -> None:
    for number, (event, payload) in enumerate(payloads):
        answer = post(
            client, json.dumps(payload).encode(), X_GitHub_Event=event, X_GitHub_Delivery=f"delivery-{number:04}"
        )
        assert (event, answer.status_code, answer.json) == (event, 202, STORED)


def handle_all(workshop: Workshop) -> dict[str, str]:
    """Handles everything that is stored; gives what became of each delivery by its event and action."""
    became = {}
    for row in deliveries(workshop.database):
        handle(workshop, row.id)
    for row in deliveries(workshop.database):
        name = ".".join(filter(None, (row.event, json.loads(row.body).get("action"))))
        assert row.last_error is None, name
        became[name] = row.status
    return became


def test_every_official_example_is_stored(client: FlaskClient, database: Database) -> None:
    payloads = [(event, payload) for event, _, payload in webhook_examples()]
    assert len(payloads) > 60
    deliver_all(client, payloads)
    rows = deliveries(database)
    assert [(row.event, json.loads(row.body)) for row in rows] == payloads
    assert len(work(database)) == len(payloads)


def test_every_official_example_of_another_repository_is_ignored_without_a_word_to_github(
    client: FlaskClient, workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    deliver_all(client, [(event, payload) for event, _, payload in webhook_examples()])
    with responses.RequestsMock() as wire:
        became = handle_all(workshop)
        assert len(wire.calls) == 0
    assert set(became.values()) == {"ignored"}
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_every_official_example_of_our_repository_is_handled_though_the_issue_is_out_of_reach(
    client: FlaskClient, workshop: Workshop, github: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    deliver_all(client, [(event, ours(payload)) for event, _, payload in webhook_examples()])
    became = handle_all(workshop)
    assert {name for name, status in became.items() if status == "done"} == {
        "issues.opened",
        "issues.edited",
        "issues.deleted",
        "issues.transferred",
        "issues.reopened",
        "issues.assigned",
        "issues.unassigned",
        "issues.labeled",
        "issues.unlabeled",
        "issues.locked",
        "issues.unlocked",
        "issue_comment.created",
        "issue_comment.edited",
        "label.created",
        "label.edited",
        "label.deleted",
        *(f"repository.{one}" for one in ("created", "edited", "privatized", "publicized", "renamed", "transferred")),
    }
    assert set(became.values()) == {"done", "ignored"}
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    for table in (ObjectiveRow, TicketRow, EffectRow):
        assert workshop.database.transact(partial(count, table)) == 0


def test_every_official_example_handled_again_changes_nothing(
    client: FlaskClient, workshop: Workshop, github: responses.RequestsMock
) -> None:
    deliver_all(client, [(event, ours(payload)) for event, _, payload in webhook_examples()])
    first = handle_all(workshop)
    asked = len(github.calls)
    assert handle_all(workshop) == first
    assert len(github.calls) == asked


@pytest.mark.parametrize(
    ("event", "action"),
    [("dependabot_alert", "created"), ("issues", "frobnicated"), ("issue_comment", "reacted"), ("star", None)],
)
def test_what_we_do_not_know_is_stored_ignored_and_told_in_one_line(
    client: FlaskClient,
    workshop: Workshop,
    caplog: pytest.LogCaptureFixture,
    event: str,
    action: str | None,
) -> None:
    payload = example("issues", "opened") | {"action": action}
    if action is None:
        del payload["action"]
    assert post(client, json.dumps(payload).encode(), X_GitHub_Event=event).status_code == 202
    with responses.RequestsMock() as wire:
        handle(workshop, GUID)
        assert len(wire.calls) == 0
    assert [row.status for row in deliveries(workshop.database)] == ["ignored"]
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        f"delivery {GUID}: unknown event {event}.{action or ''}, stored and left alone"
    ]


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        pytest.param("issues", {"action": "opened"}, id="nothing in it"),
        pytest.param("issues", {"action": "opened", "issue": None, "repository": None}, id="nulls"),
        pytest.param("issues", {"action": "opened", "issue": {"number": 7}}, id="no repository"),
        pytest.param("issues", {"action": "opened", "issue": {"number": 7}, "repository": {}}, id="a nameless one"),
        pytest.param("issues", {"action": "opened", "issue": "7", "repository": {"id": 4001}}, id="text for an issue"),
        pytest.param("issue_comment", {"action": "created", "comment": []}, id="a list for a comment"),
    ],
)
def test_a_delivery_that_lacks_what_it_should_have_belongs_to_nobody(
    client: FlaskClient, workshop: Workshop, event: str, payload: dict[str, Any]
) -> None:
    assert post(client, json.dumps(payload).encode(), X_GitHub_Event=event).status_code == 202
    with responses.RequestsMock() as wire:
        handle(workshop, GUID)
        assert len(wire.calls) == 0
    assert [(row.status, row.last_error) for row in deliveries(workshop.database)] == [("ignored", None)]


@pytest.mark.parametrize("number", [True, 0, -7, 2**31, 2**64, 10**400, 7.0, 1e300, "7"])
def test_a_number_that_no_issue_has_belongs_to_nobody(
    client: FlaskClient, workshop: Workshop, github: responses.RequestsMock, number: object
) -> None:
    payload = example("issues", "opened")
    payload["issue"]["number"] = number
    assert post(client, json.dumps(payload).encode()).status_code == 202
    handle(workshop, GUID)
    assert [(row.status, row.last_error) for row in deliveries(workshop.database)] == [("ignored", None)]
    assert len(github.calls) == 0


@pytest.mark.parametrize("login", [True, 7, 1.5, [], {}, None])
def test_an_installation_of_no_account_belongs_to_nobody(
    client: FlaskClient, workshop: Workshop, login: object
) -> None:
    payload = {"action": "created", "installation": {"account": {"login": login}}}
    assert post(client, json.dumps(payload).encode(), X_GitHub_Event="installation").status_code == 202
    handle(workshop, GUID)
    assert [(row.status, row.last_error) for row in deliveries(workshop.database)] == [("ignored", None)]


def test_what_somebody_writes_for_an_action_is_no_line_of_the_log(
    client: FlaskClient, workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    payload = {"action": "opened\n2027-01-01 ERROR trellis: a line nobody wrote"}
    assert post(client, json.dumps(payload).encode()).status_code == 202
    handle(workshop, GUID)
    assert f"delivery {GUID}: unknown event issues.(strange), stored and left alone" in caplog.text
    assert "nobody wrote" not in caplog.text


def test_an_issue_with_what_no_database_takes_is_remembered_with_replacement_signs(
    client: FlaskClient, workshop: Workshop, github: responses.RequestsMock
) -> None:
    add_ada(workshop.database)
    issue = fixture("issue.get__open") | {
        "title": "Read\0 a map \ud83d 🗺",
        "body": "### Why does it matter to me?\n\n\0",
    }
    github.replace(responses.GET, re.compile(rf"{WIRE}/repositories/4001/issues/\d+$"), json=issue)
    payload = example("issues", "opened")
    payload["issue"]["number"] = 7
    assert post(client, json.dumps(payload).encode()).status_code == 202
    handle(workshop, GUID)
    objectives = workshop.database.transact(lambda session: list(session.scalars(select(ObjectiveRow))))
    assert [(one.title, one.why) for one in objectives] == [("Read\ufffd a map \ufffd 🗺", "\ufffd")]


@pytest.mark.parametrize(
    "comment",
    [
        {},
        {"id": 1, "created_at": "yesterday", "body": "/withdraw"},
        {"id": 1, "user": None, "body": None, "created_at": "2027-01-06T11:30:00Z"},
        {
            "id": 1,
            "user": {"login": "ada"},
            "body": "/log \ud83d\0",
            "created_at": "2027-01-06T11:30:00Z",
            "html_url": "\0",
        },
        {"id": 1e300, "body": "/done", "created_at": "2027-01-06T11:30:00Z"},
        {"id": 2**63, "body": "/done", "created_at": "2027-01-06T11:30:00Z"},
        {"id": True, "body": "/done", "created_at": "2027-01-06T11:30:00Z"},
        {"id": 1, "user": {"login": "ada"}, "body": "talk", "created_at": "2027-01-06T11:30:00"},
        {"id": 1, "user": {"login": "ada"}, "body": "talk", "created_at": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_an_old_or_cut_comment_does_no_harm(
    client: FlaskClient, workshop: Workshop, github: responses.RequestsMock, comment: dict[str, Any]
) -> None:
    add_ada(workshop.database)
    payload = example("issue_comment", "created") | {"comment": comment}
    assert post(client, json.dumps(payload).encode(), X_GitHub_Event="issue_comment").status_code == 202
    handle(workshop, GUID)
    assert [(row.status, row.last_error) for row in deliveries(workshop.database)] == [("done", None)]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("https://github.com/fennel-works/learning/issues/7#issuecomment-9", True),
        ("javascript:alert(1)", False),
        ("https://github.com/\nhttps://elsewhere.example", False),
        ("https://github.com/" + "x" * 500, False),
        (7, False),
    ],
)
def test_a_comment_leads_to_an_address_or_nowhere(
    client: FlaskClient, workshop: Workshop, github: responses.RequestsMock, said: object, kept: bool
) -> None:
    add_ada(workshop.database)
    github.replace(responses.GET, re.compile(rf"{WIRE}/repositories/4001/issues/\d+$"), json=fixture("issue.get__open"))
    payload = example("issue_comment", "created")
    payload["issue"] = {"number": 7}
    payload["comment"] |= {"user": {"login": "ada"}, "body": "/done", "html_url": said}
    assert post(client, json.dumps(payload).encode(), X_GitHub_Event="issue_comment").status_code == 202
    handle(workshop, GUID)
    given = select(TimelineRow.url).where(TimelineRow.what == What.COMMAND_GIVEN.value)
    assert workshop.database.transact(lambda session: list(session.scalars(given))) == [said if kept else ""]


def test_a_pull_request_is_nobodys_learning_goal(
    client: FlaskClient, workshop: Workshop, github: responses.RequestsMock
) -> None:
    # Comments on pull requests come as issue_comment, and GitHub shows a pull request as an issue, labels and all.
    add_ada(workshop.database)
    payload = fixture("issue_comment.created__on_a_pull_request")
    github.get(f"{WIRE}/repositories/4001", json=fixture("repository.get__ours"))
    github.replace(responses.GET, re.compile(rf"{WIRE}/repositories/4001/issues/\d+$"), json=payload["issue"])
    assert post(client, json.dumps(payload).encode(), X_GitHub_Event="issue_comment").status_code == 202
    handle(workshop, GUID)
    (row,) = deliveries(workshop.database)
    assert (row.status in ("done", "ignored"), row.last_error) == (True, None)
    assert workshop.database.transact(lambda session: list(session.scalars(select(ObjectiveRow)))) == []


def test_an_issue_with_the_label_is_its_assignees_learning_goal(
    client: FlaskClient, workshop: Workshop, github: responses.RequestsMock
) -> None:
    # The counterpart of the one before: the same road, with an issue.
    add_ada(workshop.database)
    github.get(f"{WIRE}/repositories/4001", json=fixture("repository.get__ours"))
    github.replace(responses.GET, re.compile(rf"{WIRE}/repositories/4001/issues/\d+$"), json=fixture("issue.get__open"))
    payload = fixture("issue_comment.created__on_a_pull_request")
    del payload["issue"]["pull_request"]
    assert post(client, json.dumps(payload).encode(), X_GitHub_Event="issue_comment").status_code == 202
    handle(workshop, GUID)
    objectives = workshop.database.transact(lambda session: list(session.scalars(select(ObjectiveRow))))
    assert [(one.issue_number, one.title, one.state) for one in objectives] == [(7, "Read a map", "active")]


def add_ada(database: Database) -> None:
    row = PersonRow(organisation="fennel-works", handle="ada", name="Ada Lim", github_login="ada")
    database.transact(lambda session: session.add(row))


@pytest.mark.parametrize(("status", "became"), [(502, "stored"), (429, "stored"), (401, "stored")])
def test_a_delivery_whose_issue_cannot_be_read_now_is_not_lost(
    client: FlaskClient, workshop: Workshop, github: responses.RequestsMock, status: int, became: str
) -> None:
    github.replace(
        responses.GET,
        re.compile(rf"{WIRE}/repositories/4001/issues/\d+$"),
        status=status,
        json={"message": "Bad credentials" if status == 401 else "Not now"},
    )
    assert post(client, json.dumps(example("issues", "opened")).encode()).status_code == 202
    handle(workshop, GUID)
    assert [row.status for row in deliveries(workshop.database)] == [became]
    waiting = [one for one, _, _ in work(workshop.database)]
    assert waiting == [f"handle:{GUID}:0"] + ([f"handle:{GUID}:1"] if became == "stored" else [])
