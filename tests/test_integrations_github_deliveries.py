"""What GitHub could not deliver: how it is found and asked for once more, by a token and by an App."""

from dataclasses import replace
from typing import Any

import pytest
import responses

from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from integrations.github import GitHub
from integrations.github_deliveries import Deliveries, Hook
from tests.github_wire import (
    API,
    HOME,
    LOST,
    THEN,
    WIRE,
    attempt_reply,
    claims_of,
    github,
    make_app,
    no_backoff,
    places,
    query_of,
    sent,
    signed_in,
    wire,
)

__all__ = ["github", "no_backoff", "wire"]  # fixtures, used by name


@pytest.fixture
def deliveries(github: GitHub) -> Deliveries:
    return Deliveries(github.connection)


def hook_reply(**changes: Any) -> Any:
    place = f"{API}/repos/fennel-works/learning/hooks/77"
    return {
        "type": "Repository",
        "id": 77,
        "name": "web",
        "active": True,
        "events": ["issues", "issue_comment"],
        "config": {"url": "https://trellis.fennel.example/webhooks/github", "content_type": "json"},
        "url": place,
        "test_url": f"{place}/tests",
        "ping_url": f"{place}/pings",
        "deliveries_url": f"{place}/deliveries",
        "last_response": {"code": None, "status": "unused", "message": None},
        "created_at": "2027-01-01T10:00:00Z",
        "updated_at": "2027-01-01T10:00:00Z",
    } | changes


def test_the_repositorys_webhooks_are_read_with_where_they_lead(
    deliveries: Deliveries, wire: responses.RequestsMock
) -> None:
    wire.get(f"{HOME}/hooks", json=[hook_reply(), hook_reply(id=78, config={})])
    assert deliveries.hooks() == [
        Hook(id=77, address="https://trellis.fennel.example/webhooks/github"),
        Hook(id=78, address=""),
    ]


def test_failed_attempts_are_read_page_by_page_back_to_an_instant_and_no_further(
    deliveries: Deliveries, wire: responses.RequestsMock
) -> None:
    def page(after: str) -> str:
        return f"{API}/repositories/4001/hooks/77/deliveries?status=failure&per_page=100&cursor={after}"

    place = f"{HOME}/hooks/77/deliveries"
    fine = attempt_reply(id=90002, status="OK", status_code=202)  # should the filter be lost on the way
    first, third = {"Link": f'<{page("v1_2")}>; rel="next"'}, {"Link": f'<{page("v1_3")}>; rel="next"'}
    at_cursor = responses.matchers.query_param_matcher({"cursor": "v1_2"}, strict_match=False)
    wire.get(place, json=[fine, attempt_reply()], headers=first)
    wire.get(
        place, json=[attempt_reply(id=89000, delivered_at="2027-01-05T08:00:00Z")], headers=third, match=[at_cursor]
    )
    assert deliveries.failed(77, since=THEN, most=1000) == [LOST]
    assert [query_of(wire, 0), query_of(wire, 1)] == [
        {"status": "failure", "per_page": "100"},
        {"status": "failure", "per_page": "100", "cursor": "v1_2"},
    ]


def test_no_more_failed_attempts_are_read_than_wanted(deliveries: Deliveries, wire: responses.RequestsMock) -> None:
    more = f"{API}/repositories/4001/hooks/77/deliveries?cursor=v1_2"
    listed = [attempt_reply(), attempt_reply(id=90000)]
    wire.get(f"{HOME}/hooks/77/deliveries", json=listed, headers={"Link": f'<{more}>; rel="next"'})
    assert [one.id for one in deliveries.failed(77, since=THEN, most=2)] == [90001, 90000]
    assert len(wire.calls) == 1


def test_a_delivery_is_asked_for_once_more(deliveries: Deliveries, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/hooks/77/deliveries/90001/attempts", status=202, json={})
    deliveries.redeliver(LOST)
    assert sent(wire) == [("POST", "/repositories/4001/hooks/77/deliveries/90001/attempts", None)]


# -- as an App ---------------------------------------------------------------------------------------------------------


def test_an_app_asks_for_its_own_failed_deliveries_with_its_signature(wire: responses.RequestsMock) -> None:
    signed_in(wire)
    wire.get(f"{WIRE}/app/hook/deliveries", json=[attempt_reply(installation_id=66, repository_id=None)])
    wire.post(f"{WIRE}/app/hook/deliveries/90001/attempts", status=202, json={})
    deliveries = Deliveries(make_app().connection)
    of_the_app = replace(LOST, hook_id=None, repository_id=None)
    assert deliveries.is_app
    assert deliveries.failed(None, since=THEN, most=10) == [of_the_app]
    deliveries.redeliver(of_the_app)
    assert places(wire)[0] == "GET /app/hook/deliveries?per_page=100&status=failure"
    assert places(wire)[-1] == "POST /app/hook/deliveries/90001/attempts"
    for call in (wire.calls[0], wire.calls[-1]):
        assert claims_of(call.request)["iss"] == "55"


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, PermanentError), (401, PermanentError), (403, PermanentError), (404, PermanentError), (422, PermanentError),
     (429, TemporaryError), (500, UnknownOutcomeError), (502, UnknownOutcomeError)],
)  # fmt: skip
def test_a_delivery_an_app_could_not_ask_for_says_how_it_stands(
    wire: responses.RequestsMock, status: int, expected: type[Exception]
) -> None:
    signed_in(wire)
    wire.post(f"{WIRE}/app/hook/deliveries/90001/attempts", status=status, json={"message": "No"})
    with pytest.raises(expected):
        Deliveries(make_app().connection).redeliver(replace(LOST, hook_id=None))
    assert places(wire).count("POST /app/hook/deliveries/90001/attempts") == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, PermanentError), (403, PermanentError), (404, PermanentError), (429, TemporaryError), (502, TemporaryError)],
)
def test_an_apps_deliveries_that_cannot_be_read_say_why(
    wire: responses.RequestsMock, no_backoff: None, status: int, expected: type[Exception]
) -> None:
    wire.get(f"{WIRE}/app/hook/deliveries", status=status, json={"message": "No"})
    with pytest.raises(expected):
        Deliveries(make_app().connection).failed(None, since=THEN, most=10)
