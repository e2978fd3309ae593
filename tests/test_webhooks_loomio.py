"""Loomio's door: an unguessable address, a body nobody reads, and a hint that brings the next look forward."""

import io
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from store.database import Database
from store.models import DeliveryRow, PersonRow, ProposalRow, TicketRow

HINT = "/webhooks/loomio/invented-hint"


class Untouched(io.BytesIO):
    """A body that nobody may read."""

    def read(self, *_: object) -> NoReturn:
        raise AssertionError("the body was read")

    readline = readlines = readinto = read1 = read


def now() -> datetime:
    return datetime.now(UTC)


def watched(
    database: Database,
    *,
    look_at: datetime | None,
    looked_at: datetime | None = None,
    organisation: str = "fennel-works",
    number: int = 7,
) -> int:
    """A ticket with a proposal that is looked at next at an instant; gives the proposal's id."""
    person = PersonRow(organisation=organisation, handle=f"ada-{number}", name="Ada Lim")
    database.transact(lambda session: session.add(person))
    ticket = TicketRow(
        organisation=organisation,
        number=number,
        person_id=person.id,
        year="2027",
        state="proposed",
        opportunity="A week of mapping",
        claimed_at=now(),
    )
    database.transact(lambda session: session.add(ticket))
    proposal = ProposalRow(
        organisation=organisation,
        ticket_id=ticket.id,
        round=1,
        poll_key=f"Key{number}",
        url=f"https://loomio.example.org/p/Key{number}",
        closes_at=now() + timedelta(days=7),
        look_at=look_at,
        looked_at=looked_at,
    )
    database.transact(lambda session: session.add(proposal))
    return proposal.id


def look_at(database: Database, proposal_id: int) -> datetime | None:
    return database.transact(lambda session: session.get_one(ProposalRow, proposal_id).look_at)


def test_a_hint_makes_a_watched_proposal_due_now(client: FlaskClient, database: Database) -> None:
    proposal = watched(database, look_at=now() + timedelta(minutes=9), looked_at=now() - timedelta(minutes=2))
    before = now()
    answer = client.post(HINT, json={"text": "Ada closed the proposal", "icon_url": "", "username": "Loomio"})
    assert (answer.status_code, answer.data) == (200, b"")
    due = look_at(database, proposal)
    assert due is not None
    assert before <= due <= now()


def test_a_proposal_that_was_never_looked_at_is_due_now(client: FlaskClient, database: Database) -> None:
    proposal = watched(database, look_at=now() + timedelta(minutes=9))
    assert client.post(HINT).status_code == 200
    due = look_at(database, proposal)
    assert due is not None
    assert due <= now()


def test_a_hint_right_after_a_look_is_kept_until_the_gap_is_over(client: FlaskClient, database: Database) -> None:
    looked = now() - timedelta(seconds=10)
    proposal = watched(database, look_at=now() + timedelta(minutes=9), looked_at=looked)
    for _ in range(3):
        assert client.post(HINT).status_code == 200
    assert look_at(database, proposal) == looked + timedelta(seconds=60)


def test_a_hint_never_puts_a_look_off(client: FlaskClient, database: Database) -> None:
    soon, due = now() + timedelta(seconds=5), now() - timedelta(seconds=5)
    coming = watched(database, look_at=soon, looked_at=now(), number=1)
    overdue = watched(database, look_at=due, looked_at=now(), number=2)
    assert client.post(HINT).status_code == 200
    assert (look_at(database, coming), look_at(database, overdue)) == (soon, due)


def test_a_proposal_that_is_not_watched_any_more_stays_so(client: FlaskClient, database: Database) -> None:
    proposal = watched(database, look_at=None, looked_at=now() - timedelta(days=40))
    assert client.post(HINT).status_code == 200
    assert look_at(database, proposal) is None


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b""),
        ("application/json", b"{"),
        ("application/json", b"\xff\xfe\x00"),
        ("application/json", b"[" * 100_000),
        ("application/x-www-form-urlencoded", b"payload=%"),
        ("multipart/form-data; boundary=x", b"no boundary here"),
        ("application/json", b'{"text": "' + b"x" * (256 * 1024 - 12) + b'"}'),
        ("application/json", b'{"text": "Ada closed http://127.0.0.1:9/p/Key7 and http://169.254.169.254/"}'),
    ],
)
def test_whatever_the_body_says_it_is_a_hint_and_not_kept(
    client: FlaskClient, database: Database, kind: str, body: bytes
) -> None:
    assert client.post(HINT, data=body, content_type=kind).status_code == 200
    assert database.transact(lambda session: list(session.scalars(select(DeliveryRow)))) == []


@pytest.mark.parametrize(
    "token", ["guessed", "invented-hin", "invented-hintt", "INVENTED-HINT", "%C3%A9", "%FF", "None", "%00"]
)
def test_another_address_is_not_there_and_moves_nothing(client: FlaskClient, database: Database, token: str) -> None:
    later = now() + timedelta(minutes=9)
    proposal = watched(database, look_at=later)
    answer = client.post(f"/webhooks/loomio/{token}", json={"text": "hello"})
    assert answer.status_code == 404
    assert look_at(database, proposal) == later


def test_a_body_longer_than_any_message_of_loomios_is_refused_unread(client: FlaskClient, database: Database) -> None:
    later = now() + timedelta(minutes=9)
    proposal = watched(database, look_at=later)
    too_long: dict[str, Any] = {"input_stream": Untouched(), "environ_overrides": {"CONTENT_LENGTH": "262145"}}
    answer = client.post(HINT, **too_long)
    assert (answer.status_code, answer.data) == (413, b"")
    assert client.post("/webhooks/loomio/guessed", **too_long).status_code == 404
    assert look_at(database, proposal) == later


def test_a_body_is_not_read_at_all_even_where_its_length_is_not_told(client: FlaskClient, database: Database) -> None:
    proposal = watched(database, look_at=now() + timedelta(minutes=9))
    assert client.post(HINT, input_stream=Untouched(), headers={"Transfer-Encoding": "chunked"}).status_code == 200
    due = look_at(database, proposal)
    assert due is not None
    assert due <= now()


def test_the_answer_comes_at_once_and_without_a_call_to_anybody(
    client: FlaskClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        watched(database, look_at=now() + timedelta(minutes=9), number=number)

    def calls_out(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a hint made a call")

    monkeypatch.setattr("requests.Session.send", calls_out)
    took = []
    for _ in range(15):
        before = time.perf_counter()
        assert client.post(HINT).status_code == 200
        took.append(time.perf_counter() - before)
    assert sorted(took)[len(took) // 2] < 0.05, "the middle one, for the machine may be busy with something else"


def test_the_address_takes_nothing_but_posts(client: FlaskClient) -> None:
    assert client.get(HINT).status_code == 405


def test_without_its_database_it_does_not_claim_to_have_taken_the_hint(
    client: FlaskClient, lose_database: Callable[[], None]
) -> None:
    lose_database()
    assert client.post(HINT).status_code in (500, 503)
    assert client.post("/webhooks/loomio/guessed").status_code == 404


class TestWithoutAToken:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return environ | {"LOOMIO_WEBHOOK_TOKEN": ""}

    @pytest.mark.parametrize("token", ["invented-hint", "None", "%20"])
    def test_there_is_no_door(self, client: FlaskClient, token: str) -> None:
        assert client.post(f"/webhooks/loomio/{token}").status_code == 404


class TestTwoOrganisations:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        folder = Path(environ["TRELLIS_ORGANISATIONS"])
        policy = (folder / "fennel-works.toml").read_text(encoding="utf-8")
        other = policy.replace("fennel-works/learning", "moss-farm/learning").replace("group_id = 7", "group_id = 8")
        (folder / "moss-farm.toml").write_text(other, encoding="utf-8")
        return environ | {"LOOMIO_WEBHOOK_TOKEN_MOSS_FARM": "invented-moss-hint"}

    def test_each_has_an_address_of_its_own(self, client: FlaskClient, database: Database) -> None:
        later = now() + timedelta(minutes=9)
        fennel = watched(database, look_at=later, number=1)
        moss = watched(database, look_at=later, number=2, organisation="moss-farm")
        assert client.post("/webhooks/loomio/invented-moss-hint").status_code == 200
        assert look_at(database, fennel) == later
        due = look_at(database, moss)
        assert due is not None
        assert due <= now()


class TestOnAPracticeClock:
    @pytest.fixture
    def environ(self, environ: dict[str, str], tmp_path: Path) -> dict[str, str]:
        clock = tmp_path / "clock"
        clock.write_text("86400", encoding="ascii")
        return environ | {"TRELLIS_CLOCK_FILE": str(clock)}

    def test_a_hint_means_now_on_that_clock(self, client: FlaskClient, database: Database) -> None:
        proposal = watched(database, look_at=now() + timedelta(days=2))
        assert client.post(HINT).status_code == 200
        due = look_at(database, proposal)
        assert due is not None
        assert abs(due - now() - timedelta(days=1)) < timedelta(seconds=5)
