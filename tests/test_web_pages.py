"""The pages everybody can see: what Trellis does, no word about any person, and what a load balancer asks."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
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
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
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
        ("GET", "/readyz", 503),
        ("GET", "/metrics", 404),
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


def test_even_an_error_nobody_thought_of_carries_them_and_tells_nothing(app: Flask) -> None:
    def broken() -> str:
        raise ValueError("a-private-word")

    app.add_url_rule("/broken", view_func=broken)
    answer = app.test_client().get("/broken")
    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert answer.content_type == "application/json"
    assert "a-private-word" not in answer.text


def test_what_opens_a_letters_link_is_not_logged_when_something_goes_wrong(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(token: str) -> str:
        raise ValueError("broken")

    app.view_functions["choices.look"] = broken
    assert app.test_client().get("/choices/a-token-from-a-letter").status_code == 500
    assert "GET /choices/<token>: went wrong in a way nobody thought of" in caplog.text
    assert "ValueError: broken" in caplog.text
    assert "a-token-from-a-letter" not in caplog.text


def test_a_database_that_does_not_take_part_is_one_line_in_the_log_and_a_kind_word(
    client: FlaskClient, lose_database: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    lose_database()
    answer = client.get(f"/calendar/{'a' * 43}.ics")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert answer.json == {"message": "Our database cannot do that just now. Please try again in a minute."}
    assert "GET /calendar/<token>.ics: the database did not take part (" in caplog.text
    assert "Traceback" not in caplog.text
    assert "a" * 43 not in caplog.text


@pytest.mark.parametrize("place", ["/webhooks//github", "/calendar//x.ics", "//elsewhere.example//healthz"])
def test_nobody_is_sent_on_to_another_host_by_slashes_or_a_made_up_name(client: FlaskClient, place: str) -> None:
    # The test's own client would take what follows two slashes for a host.
    answer = client.get(environ_overrides={"PATH_INFO": place}, headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.headers.get("Location")) == (404, None)


@pytest.mark.parametrize(
    ("place", "headers", "status"),
    [
        pytest.param("/healthz?" + "x" * 2_040, {}, 200, id="an address as long as may be"),
        pytest.param("/healthz?" + "x" * 2_041, {}, 414, id="a longer address"),
        pytest.param("/choices/" + "x" * 2_041, {}, 414, id="a longer path"),
        pytest.param("/healthz", {"X-Long": "x" * 8_190}, 200, id="a header as long as may be"),
        pytest.param("/healthz", {"X-Long": "x" * 8_191}, 431, id="a longer header"),
        pytest.param("/healthz", {f"X-{one}": "x" for one in range(70)}, 431, id="too many headers"),
    ],
)
def test_addresses_and_headers_have_an_end_whatever_server_is_in_front(
    client: FlaskClient, place: str, headers: dict[str, str], status: int
) -> None:
    assert client.get(place, headers=headers).status_code == status


@pytest.mark.parametrize(
    ("address", "encrypted"),
    [
        ("https://elsewhere.example/", True),
        ("http://trellis.fennel.example/", True),  # the proxy speaks https and does not say so
        ("http://trellis.fennel.example/nowhere", True),
        ("http://trellis.fennel.example:8000/", False),
        ("http://127.0.0.1:8000/", False),
    ],
)
def test_browsers_are_told_to_stay_with_https_only_where_they_have_it(
    client: FlaskClient, address: str, encrypted: bool
) -> None:
    said = client.get(address).headers.get("Strict-Transport-Security")
    assert said == ("max-age=31536000" if encrypted else None)


def test_without_its_database_it_still_shows_its_page(client: FlaskClient, lose_database: Callable[[], None]) -> None:
    lose_database()
    assert client.get("/").status_code == 200
