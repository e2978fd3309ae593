"""The pages everybody can see: what Trellis does, no word about any person, and what a load balancer asks."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from markupsafe import Markup

from app import behaviours
from store.database import Database
from store.models import ObjectiveRow, PersonRow

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def test_the_front_page_says_every_behaviour_in_a_line(client: FlaskClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    words = Markup(answer.text).striptags()
    places = [words.find(behaviour.replace("`", "")) for behaviour in behaviours()]
    assert -1 not in places
    assert places == sorted(places)
    assert "Nothing here is for appraisal." in answer.text


def test_the_front_page_shows_no_person_goal_or_organisation(client: FlaskClient, database: Database) -> None:
    ada = PersonRow(organisation="fennel-works", handle="ada-l", name="Ada Lindqvist", github_login="adalindqvist")
    database.transact(lambda session: session.add(ada))
    goal = ObjectiveRow(
        organisation="fennel-works",
        person_id=ada.id,
        title="Read a nautical chart",
        state="active",
        opened_at=datetime(2027, 1, 5, tzinfo=UTC),
        issue_number=4711,
    )
    database.transact(lambda session: session.add(goal))
    page = client.get("/").text.casefold()
    for word in ("lindqvist", "ada-l", "nautical", "4711", "fennel", "example.org"):
        assert word not in page


@pytest.mark.parametrize(
    ("method", "place", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/static/trellis.css", 200),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/webhooks/github", 405),
        ("POST", "/webhooks/github", 401),
        ("POST", "/webhooks/goals", 401),
        ("POST", "/webhooks/loomio/guessed", 404),
        ("POST", "/webhooks/loomio/invented-hint", 200),
    ],
)
def test_every_answer_carries_the_security_headers(client: FlaskClient, method: str, place: str, status: int) -> None:
    answer = client.open(place, method=method, buffered=True)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "Set-Cookie" not in answer.headers


def test_what_the_page_loads_is_what_its_policy_allows(client: FlaskClient) -> None:
    page = client.get("/").text
    assert '<link rel="stylesheet" href="/static/trellis.css">' in page
    for forbidden in ("<script", "style=", "<form", "<img", "http://", "https://"):
        assert forbidden not in page


def test_a_page_that_is_not_there_is_said_in_json_without_echoing_the_address(client: FlaskClient) -> None:
    answer = client.get("/<script>alert(1)</script>")
    assert (answer.status_code, answer.content_type) == (404, "application/json")
    assert answer.json is not None
    assert set(answer.json) == {"message"}
    assert "script" not in answer.text


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    answer = client.get("/webhooks/github")
    assert answer.status_code == 405
    assert set(answer.headers.get("Allow", "").split(", ")) == {"OPTIONS", "POST"}


def test_it_is_alive_and_ready(client: FlaskClient) -> None:
    alive, ready = client.get("/healthz"), client.get("/readyz")
    assert (alive.status_code, alive.json) == (200, {"alive": True})
    assert (ready.status_code, ready.json) == (200, {"ready": True, "database": True})


def test_without_its_database_it_is_alive_and_shows_its_page_but_is_not_ready(
    client: FlaskClient, lose_database: Callable[[], None]
) -> None:
    lose_database()
    assert client.get("/healthz").status_code == 200
    assert client.get("/").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"ready": False, "database": False})
