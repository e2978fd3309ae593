"""The form tools' door: signed as Standard Webhooks says, refused in sentences, stored once, and then taken up."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from standardwebhooks.webhooks import Webhook
from werkzeug.test import TestResponse

from jobs.handle import handle
from jobs.workshop import Workshop
from store.database import Database
from store.models import DeliveryRow, EffectRow, ObjectiveRow, PersonRow, TicketRow

SECRET = "whsec_aW52ZW50ZWQtZ29hbHMtc2VjcmV0"
MOSS_SECRET = "whsec_aW52ZW50ZWQtbW9zcy1zZWNyZXQ="
OPEN = {
    "type": "objective.open",
    "organisation": "fennel-works",
    "data": {"person": "ada", "title": "Read a map", "why": "I get lost"},
}
CLAIM = {
    "type": "ticket.request",
    "organisation": "fennel-works",
    "data": {
        "person": "ada",
        "opportunity": "A week of mapping",
        "stretch": "I never have",
        "cost": "480 EUR",
        "first_on": "2027-05-10",
        "last_on": "2027-05-14",
        "decide": "proposal",
    },
}
STORED = {"stored": True, "problems": []}
NOT_SIGNED = {"stored": False, "problems": ["The signature does not fit any organisation here."]}
ID = "goals:fennel-works:msg_1"


def signed(body: bytes, *, secret: str = SECRET, message: str = "msg_1", at: datetime | None = None) -> dict[str, str]:
    at = (at or datetime.now(UTC)).replace(microsecond=0)
    return {
        "Content-Type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message, at, body.decode("utf-8", "replace")),
    }


def post(client: FlaskClient, said: Any, *, secret: str = SECRET, message: str = "msg_1") -> TestResponse:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return client.post("/webhooks/goals", data=body, headers=signed(body, secret=secret, message=message))


def with_data(message: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The message with other data; a change to None takes the key out."""
    data = message["data"] | changes
    return message | {"data": {key: value for key, value in data.items() if value is not None}}


def deliveries(database: Database) -> list[DeliveryRow]:
    return database.transact(lambda session: list(session.scalars(select(DeliveryRow).order_by(DeliveryRow.id))))


def work(database: Database) -> list[str]:
    asked = text("SELECT workflow_uuid FROM workflow_status ORDER BY workflow_uuid")
    return database.transact(lambda session: list(session.scalars(asked)))


# -- taken ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [OPEN, CLAIM])
def test_a_signed_message_is_stored_together_with_its_work(
    client: FlaskClient, database: Database, said: dict[str, Any]
) -> None:
    answer = post(client, said)
    assert (answer.status_code, answer.json) == (202, STORED)
    (row,) = deliveries(database)
    assert (row.id, row.source, row.event, row.about, row.status) == (ID, "goals", said["type"], ID, "stored")
    assert json.loads(row.body) == said
    assert work(database) == [f"handle:{ID}:0"]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(with_data(OPEN, why=None), id="no why"),
        pytest.param(with_data(CLAIM, stretch=None, cost=None, first_on=None, last_on=None, decide=None), id="bare"),
        pytest.param(with_data(CLAIM, stretch="", cost="", first_on="", last_on="", decide=""), id="empty fields"),
        pytest.param(with_data(OPEN, title="t" * 256, why="w" * 20_000), id="as long as may be"),
        pytest.param(with_data(OPEN, title="Læs et kort 🗺️"), id="any script"),
        *[pytest.param(with_data(CLAIM, decide=one), id=one) for one in ("go-ahead", "thread", "proposal", "talk")],
    ],
)
def test_what_may_be_left_out_may_be_left_out(client: FlaskClient, database: Database, said: dict[str, Any]) -> None:
    assert post(client, said).status_code == 202
    assert json.loads(deliveries(database)[0].body) == said


def test_the_same_message_twice_is_stored_once(client: FlaskClient, database: Database) -> None:
    answers = [post(client, OPEN), post(client, OPEN), post(client, OPEN, message="msg_2")]
    assert [(one.status_code, one.json) for one in answers] == [(202, STORED)] * 3
    assert [row.id for row in deliveries(database)] == [ID, "goals:fennel-works:msg_2"]
    assert len(work(database)) == 2


# -- refused ----------------------------------------------------------------------------------------------------------


def without(name: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda headers: {key: value for key, value in headers.items() if key != name}


def changed(**changes: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda headers: headers | {f"webhook-{name}": value for name, value in changes.items()}


BODY = json.dumps(OPEN).encode()


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(without("webhook-id"), id="no id"),
        pytest.param(without("webhook-timestamp"), id="no timestamp"),
        pytest.param(without("webhook-signature"), id="no signature"),
        pytest.param(changed(id="msg_2"), id="another id"),
        pytest.param(changed(signature=""), id="empty"),
        pytest.param(changed(signature="v1,"), id="without its digits"),
        pytest.param(changed(signature="v1"), id="without a comma"),
        pytest.param(changed(signature="v1,a,b"), id="two commas"),
        pytest.param(changed(signature="v1,é"), id="outside ASCII"),
        pytest.param(changed(signature="v1,A"), id="no base64"),
        pytest.param(changed(signature="v1a,AAAA"), id="another kind"),
        pytest.param(changed(timestamp="soon"), id="no number"),
        pytest.param(changed(timestamp="nan"), id="not a number"),
        pytest.param(changed(timestamp="1e400"), id="endless"),
        pytest.param(changed(timestamp="9" * 400), id="too large"),
        pytest.param(lambda _: signed(BODY, at=datetime.now(UTC) - timedelta(minutes=6)), id="too old"),
        pytest.param(lambda _: signed(BODY, at=datetime.now(UTC) + timedelta(minutes=6)), id="too new"),
        pytest.param(lambda _: signed(BODY, secret=MOSS_SECRET), id="another secret"),
        pytest.param(lambda _: signed(BODY + b" "), id="another body"),
    ],
)
def test_what_is_not_signed_is_refused_and_not_stored(
    client: FlaskClient, database: Database, spoil: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    answer = client.post("/webhooks/goals", data=BODY, headers=spoil(signed(BODY)))
    assert (answer.status_code, answer.json) == (401, NOT_SIGNED)
    assert (deliveries(database), work(database)) == ([], [])


def test_one_fitting_signature_among_several_is_enough(client: FlaskClient, database: Database) -> None:
    headers = signed(BODY)
    headers["webhook-signature"] = f"v1a,AAAA v1,AAAA {headers['webhook-signature']}"
    assert client.post("/webhooks/goals", data=BODY, headers=headers).status_code == 202
    assert len(deliveries(database)) == 1


@pytest.mark.parametrize("organisation", ["moss-farm", "nobody", "", None, 7, ["fennel-works"], {}])
def test_a_signature_is_good_for_its_own_organisation_only(
    client: FlaskClient, database: Database, organisation: object
) -> None:
    answer = post(client, OPEN | {"organisation": organisation})
    assert (answer.status_code, answer.json) == (401, NOT_SIGNED)
    assert deliveries(database) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"[" * 50_000])
def test_what_is_signed_but_no_json_object_is_refused(client: FlaskClient, database: Database, body: bytes) -> None:
    answer = post(client, body)
    assert (answer.status_code, answer.json) == (
        400,
        {"stored": False, "problems": ["The body is not a JSON object."]},
    )
    assert deliveries(database) == []


def test_bytes_that_are_no_text_are_refused(client: FlaskClient, database: Database) -> None:
    assert post(client, b"\xff\xfe").status_code in (400, 401)
    assert deliveries(database) == []


@pytest.mark.parametrize(
    ("said", "problems"),
    [
        pytest.param(OPEN | {"type": "goal.open"}, ["type: one of objective.open, ticket.request"], id="type"),
        pytest.param(OPEN | {"type": ["x"]}, ["type: one of objective.open, ticket.request"], id="type, a list"),
        pytest.param(OPEN | {"data": []}, ["data: a JSON object"], id="data"),
        pytest.param(
            OPEN | {"data": {}}, ["data.person: text is needed", "data.title: text is needed"], id="empty data"
        ),
        pytest.param(
            with_data(OPEN, person=" ", title=7, whi="typo"),
            ["data.whi: not known here", "data.person: is empty", "data.title: text is needed"],
            id="several at once",
        ),
        pytest.param(with_data(OPEN, title="t" * 257), ["data.title: at most 256 characters"], id="long title"),
        pytest.param(with_data(OPEN, why=["x"]), ["data.why: text is needed"], id="why, a list"),
        pytest.param(
            with_data(CLAIM, first_on="10 May", last_on="2027-02-30"),
            ["data.first_on: a date such as 2027-05-10", "data.last_on: a date such as 2027-05-10"],
            id="dates",
        ),
        pytest.param(
            with_data(CLAIM, decide="maybe"),
            ["data.decide: one of go-ahead, thread, proposal, talk, or leave it out"],
            id="decide",
        ),
        pytest.param(with_data(CLAIM, cost="9" * 201), ["data.cost: at most 200 characters"], id="cost"),
        pytest.param(with_data(CLAIM, title="x"), ["data.title: not known here"], id="a key of the other type"),
    ],
)
def test_a_message_that_cannot_be_used_is_told_everything_that_is_wrong_with_it(
    client: FlaskClient, database: Database, said: dict[str, Any], problems: list[str]
) -> None:
    answer = post(client, said)
    assert (answer.status_code, answer.json) == (400, {"stored": False, "problems": problems})
    assert (deliveries(database), work(database)) == ([], [])


@pytest.mark.parametrize("day", ["20270510", "2027-W19-1", "1999-12-31", "9999-12-31", " 2027-05-10"])
def test_a_day_is_written_one_way_only(client: FlaskClient, database: Database, day: str) -> None:
    answer = post(client, with_data(CLAIM, first_on=day))
    assert answer.json == {"stored": False, "problems": ["data.first_on: a date such as 2027-05-10"]}
    assert deliveries(database) == []


def test_what_a_tool_sends_beside_it_is_not_kept(client: FlaskClient, database: Database) -> None:
    assert post(client, OPEN | {"timestamp": "2027-01-01T00:00:00Z", "note": "\0\ud83d"}).status_code == 202
    assert json.loads(deliveries(database)[0].body) == OPEN


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(BODY.replace(b"{", b'{"type": "ticket.request", ', 1), "one key twice", id="a key twice"),
        pytest.param(BODY.replace(b"{", b'{"x": NaN, ', 1), "NaN", id="no number"),
        pytest.param(BODY.replace(b"{", b'{"x": 1e999, ', 1), "endless", id="an endless number"),
        pytest.param(BODY.replace(b"{", b'{"x": ' + b"[" * 100 + b"]" * 100 + b", ", 1), "100 levels", id="deep"),
        pytest.param(BODY.decode().encode("utf-16"), "", id="UTF-16"),
    ],
)
def test_what_two_readers_may_understand_in_two_ways_is_refused(
    client: FlaskClient, database: Database, body: bytes, problem: str
) -> None:
    answer = client.post("/webhooks/goals", data=body, headers=signed(body))
    assert answer.status_code in (400, 401)
    assert problem in answer.text
    assert deliveries(database) == []


@pytest.mark.parametrize("message", ["a b", "m" * 65, "msg/1", "msg:1"])
def test_a_strange_message_id_is_refused(client: FlaskClient, database: Database, message: str) -> None:
    answer = post(client, OPEN, message=message)
    assert answer.status_code == 400
    assert answer.json == {
        "stored": False,
        "problems": ["webhook-id: up to 64 letters, digits, dots, dashes and underscores"],
    }
    assert deliveries(database) == []


def test_a_message_that_is_too_large_is_refused(client: FlaskClient, database: Database) -> None:
    body = json.dumps(OPEN | {"padding": "x" * 64 * 1024}).encode()
    answer = client.post("/webhooks/goals", data=body, headers=signed(body))
    assert answer.status_code == 413
    assert deliveries(database) == []


def test_without_a_database_the_sender_is_asked_to_send_again(
    client: FlaskClient, lose_database: Callable[[], None]
) -> None:
    lose_database()
    answer = post(client, OPEN)
    assert (answer.status_code, answer.json) == (
        503,
        {"stored": False, "problems": ["It could not be stored; please send it again."]},
    )


def test_no_message_is_stored_when_its_work_cannot_be_and_the_sender_hears_of_it(
    client: FlaskClient, database: Database
) -> None:
    database.transact(lambda session: session.execute(text("ALTER TABLE workflow_status RENAME TO gone_for_now")))
    assert post(client, OPEN).status_code in (500, 503)
    assert deliveries(database) == []


class TestOtherSecrets:
    @pytest.fixture(params=["", "whsec_", "whsec_A", "!!!!"], ids=["none", "empty", "no base64", "no secret at all"])
    def environ(self, environ: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
        return environ | {"GOALS_WEBHOOK_SECRET": request.param}

    def test_without_a_secret_that_can_be_used_nobody_comes_in(self, client: FlaskClient, database: Database) -> None:
        answer = client.post("/webhooks/goals", data=BODY, headers=signed(BODY))
        assert (answer.status_code, answer.json) == (401, NOT_SIGNED)
        assert deliveries(database) == []


class TestTwoOrganisations:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        folder = Path(environ["TRELLIS_ORGANISATIONS"])
        policy = (folder / "fennel-works.toml").read_text(encoding="utf-8")
        other = policy.replace("fennel-works/learning", "moss-farm/learning").replace("group_id = 7", "group_id = 8")
        (folder / "moss-farm.toml").write_text(other, encoding="utf-8")
        return environ | {"GOALS_WEBHOOK_SECRET_MOSS_FARM": MOSS_SECRET}

    def test_each_signs_for_itself(self, client: FlaskClient, database: Database) -> None:
        moss = OPEN | {"organisation": "moss-farm"}
        assert post(client, moss, secret=SECRET).status_code == 401
        assert post(client, OPEN, secret=MOSS_SECRET).status_code == 401
        # The same id from two organisations is two messages.
        assert post(client, moss, secret=MOSS_SECRET).status_code == 202
        assert post(client, OPEN, secret=SECRET).status_code == 202
        assert [row.id for row in deliveries(database)] == [ID, "goals:moss-farm:msg_1"]


# -- and then taken up ------------------------------------------------------------------------------------------------


@pytest.fixture
def ada(database: Database) -> PersonRow:
    row = PersonRow(organisation="fennel-works", handle="ada", name="Ada Lim", github_login="ada")
    database.transact(lambda session: session.add(row))
    return row


def become(workshop: Workshop) -> tuple[str, str | None]:
    handle(workshop, ID)
    row = workshop.database.transact(lambda session: session.get_one(DeliveryRow, ID))
    return row.status, row.last_error


def test_a_goal_is_taken_up_once_however_often_it_is_handled(
    client: FlaskClient, workshop: Workshop, ada: PersonRow
) -> None:
    post(client, OPEN)
    assert [become(workshop), become(workshop)] == [("done", None), ("done", None)]
    objectives = workshop.database.transact(lambda session: list(session.scalars(select(ObjectiveRow))))
    assert [(one.person_id, one.title, one.why, one.state, one.asked_by) for one in objectives] == [
        (ada.id, "Read a map", "I get lost", "active", ID)
    ]
    effects = workshop.database.transact(lambda session: list(session.scalars(select(EffectRow))))
    assert [(one.kind, one.vendor, one.status, one.payload["title"]) for one in effects] == [
        ("OpenIssue", "github", "planned", "Read a map")
    ]


def test_a_golden_ticket_is_claimed_with_everything_the_form_said(
    client: FlaskClient, workshop: Workshop, ada: PersonRow
) -> None:
    post(client, CLAIM)
    assert become(workshop) == ("done", None)
    tickets = workshop.database.transact(lambda session: list(session.scalars(select(TicketRow))))
    assert [
        (one.person_id, one.opportunity, one.stretch, str(one.cost), one.currency, one.cost_said, one.asked_by)
        for one in tickets
    ] == [(ada.id, "A week of mapping", "I never have", "480.00", "EUR", "480 EUR", ID)]
    assert [(str(one.first_on), str(one.last_on)) for one in tickets] == [("2027-05-10", "2027-05-14")]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (with_data(OPEN, person="bob"), "nobody in fennel-works has the handle 'bob'"),
        (with_data(CLAIM, person="bob"), "nobody in fennel-works has the handle 'bob'"),
    ],
)
def test_a_message_about_nobody_is_left_for_a_person(
    client: FlaskClient, workshop: Workshop, ada: PersonRow, said: dict[str, Any], why: str
) -> None:
    post(client, said)
    assert become(workshop) == ("parked", why)


@pytest.mark.parametrize(
    "title",
    [
        pytest.param("Read a map \ud83d", id="half an emoji, as JavaScript cuts it"),
        pytest.param("Read a map\x00", id="a zero byte, which PostgreSQL refuses"),
    ],
)
def test_text_that_no_database_takes_is_refused_at_the_door(
    client: FlaskClient, database: Database, title: str
) -> None:
    answer = post(client, with_data(OPEN, title=title))
    assert answer.status_code == 400
    assert deliveries(database) == []
