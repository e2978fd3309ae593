"""What every fault on the way to GitHub, there and on the way back is turned into, call by call."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import requests
import responses
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NameResolutionError

from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from integrations.github import GitHub
from tests.conftest import RESET, SILENCE, Loopback, raw_reply
from tests.github_wire import (
    API,
    COMMENT,
    HOME,
    READS,
    WIRE,
    WRITES,
    comment_reply,
    github,
    make_github,
    no_backoff,
    places,
    wire,
)

__all__ = ["github", "no_backoff", "wire"]  # fixtures, used by name

# -- refusals, and faults of its own -----------------------------------------------------------------------------------

REFUSALS = [
    (401, "Bad credentials"),
    (403, "Resource not accessible by integration"),
    (403, "Repository was archived so is read-only."),
    (403, "Unable to create comment because issue is locked."),
    (404, "Not Found"),
    (410, "Issues are disabled for this repo"),
    (422, "Validation Failed"),
    (451, "Repository access blocked"),
]
# Some refusals are answers: an issue may be gone, a login may not be assignable, a label may not be there.
ANSWERS = {("may_assign", 404), ("remove_label", 404), ("branch_head", 404), ("file", 404)}


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [(name, *one) for name in READS if name != "issue" for one in REFUSALS if (name, one[0]) not in ANSWERS],
)
def test_a_refused_read_is_permanent_and_names_the_status(
    github: GitHub, wire: responses.RequestsMock, name: str, status: int, message: str
) -> None:
    place, call = READS[name]
    wire.get(WIRE + place, status=status, json={"message": message})
    with pytest.raises(PermanentError) as raised:
        call(github)
    assert (raised.value.status, raised.value.may_have_happened) == (status, False)
    assert len(wire.calls) == 1


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [(name, *one) for name in WRITES for one in REFUSALS if (name, one[0]) not in ANSWERS],
)
def test_a_refused_write_is_permanent_and_sent_once(
    github: GitHub, wire: responses.RequestsMock, name: str, status: int, message: str
) -> None:
    method, place, call = WRITES[name]
    wire.add(method, WIRE + place, status=status, json={"message": message})
    with pytest.raises(PermanentError) as raised:
        call(github)
    assert (raised.value.status, raised.value.may_have_happened) == (status, False)
    assert places(wire) == [f"{method} {place}"]


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_read_that_fails_at_github_is_tried_three_times_and_then_later(
    github: GitHub, wire: responses.RequestsMock, name: str, status: int
) -> None:
    place, call = READS[name]
    wire.get(WIRE + place, status=status, json={"message": "Server Error"})
    with pytest.raises(TemporaryError):
        call(github)
    assert len(wire.calls) == 3


def test_a_read_that_fails_once_gives_its_answer(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.get(f"{HOME}/issues/7/comments", status=502, json={"message": "Server Error"})
    wire.get(f"{HOME}/issues/7/comments", json=[comment_reply()])
    assert github.comments(7) == [COMMENT]
    assert len(wire.calls) == 2


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_write_that_fails_at_github_is_of_unknown_outcome_and_sent_once(
    github: GitHub, wire: responses.RequestsMock, name: str, status: int
) -> None:
    method, place, call = WRITES[name]
    wire.add(method, WIRE + place, status=status, json={"message": "Server Error"})
    with pytest.raises(UnknownOutcomeError):
        call(github)
    assert places(wire) == [f"{method} {place}"]


@pytest.mark.parametrize("name", WRITES)
def test_a_write_answered_by_a_redirect_is_of_unknown_outcome_and_sent_once(
    github: GitHub, wire: responses.RequestsMock, name: str
) -> None:
    method, place, call = WRITES[name]
    # As recorded in @octokit/fixtures, rename-repository: PyGithub neither follows it nor raises.
    there = f"{API}/repositories/4001/moved"
    moved = {"message": "Moved Permanently", "url": there, "documentation_url": "https://docs.github.com/v3/"}
    wire.add(method, WIRE + place, status=307, json=moved, headers={"Location": there})
    with pytest.raises(UnknownOutcomeError):
        call(github)
    assert places(wire) == [f"{method} {place}"]


# -- limits ------------------------------------------------------------------------------------------------------------

SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
PRIMARY = "API rate limit exceeded for user ID 583009."


def in_seconds(at: datetime | None) -> float:
    assert at is not None
    return (at - datetime.now(UTC)).total_seconds()


LIMITS = [
    pytest.param(403, SECONDARY, {"Retry-After": "90"}, 90, id="secondary with a wish"),
    pytest.param(403, "Slow down", {"Retry-After": "90"}, 90, id="a wish alone"),
    pytest.param(403, SECONDARY, {}, 60, id="secondary without a wish"),
    pytest.param(403, PRIMARY, {"X-RateLimit-Remaining": "0"}, 1201, id="primary"),
    pytest.param(429, SECONDARY, {"Retry-After": "90"}, 90, id="429 with a wish"),
    pytest.param(429, "Too many requests", {}, 60, id="429 without a wish"),
    pytest.param(429, PRIMARY, {"X-RateLimit-Remaining": "0"}, 1201, id="429 primary"),
]


def limit_headers(headers: dict[str, str]) -> dict[str, str]:
    reset = int(datetime.now(UTC).timestamp()) + 1200
    return headers | ({"X-RateLimit-Reset": str(reset)} if "X-RateLimit-Remaining" in headers else {})


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize(("status", "message", "headers", "wait"), LIMITS)
def test_a_limited_read_hands_githubs_wish_on_at_once_and_does_not_insist(
    github: GitHub,
    wire: responses.RequestsMock,
    name: str,
    status: int,
    message: str,
    headers: dict[str, str],
    wait: float,
) -> None:
    place, call = READS[name]
    wire.get(WIRE + place, status=status, json={"message": message}, headers=limit_headers(headers))
    with pytest.raises(TemporaryError) as raised:
        call(github)
    assert in_seconds(raised.value.retry_at) == pytest.approx(wait, abs=3)
    assert len(wire.calls) == 1


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize(("status", "message", "headers", "wait"), LIMITS)
def test_a_limited_write_hands_githubs_wish_on_and_is_sent_once(
    github: GitHub,
    wire: responses.RequestsMock,
    name: str,
    status: int,
    message: str,
    headers: dict[str, str],
    wait: float,
) -> None:
    method, place, call = WRITES[name]
    wire.add(method, WIRE + place, status=status, json={"message": message}, headers=limit_headers(headers))
    with pytest.raises(TemporaryError) as raised:
        call(github)
    assert in_seconds(raised.value.retry_at) == pytest.approx(wait, abs=3)
    assert places(wire) == [f"{method} {place}"]


def test_a_wish_that_is_no_number_of_seconds_becomes_a_minute(github: GitHub, wire: responses.RequestsMock) -> None:
    later = {"Retry-After": "Fri, 01 Jan 2027 00:00:00 GMT"}
    wire.post(f"{HOME}/issues/7/comments", status=403, json={"message": SECONDARY}, headers=later)
    with pytest.raises(TemporaryError) as raised:
        github.comment(7, "Well begun.")
    assert in_seconds(raised.value.retry_at) == pytest.approx(60, abs=3)


@pytest.mark.parametrize("status", [403, 429])
def test_a_limited_read_does_not_keep_the_worker_waiting(loopback: Loopback, status: int) -> None:
    # `responses` shows the tries but not the waiting, so this one is over a real connection.
    loopback.answers = [raw_reply(status, json.dumps({"message": SECONDARY}), "Retry-After: 1")]
    before = datetime.now(UTC)
    with pytest.raises(TemporaryError):
        make_github(f"{loopback.url}/github").comments(7)
    assert datetime.now(UTC) - before < timedelta(seconds=0.9)
    assert len(loopback.received) == 1


# -- faults of the connection ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [requests.ReadTimeout(), requests.ConnectTimeout(), requests.ConnectionError()])
@pytest.mark.parametrize("name", READS)
def test_a_read_without_an_answer_is_for_later(
    github: GitHub, wire: responses.RequestsMock, name: str, fault: Exception
) -> None:
    place, call = READS[name]
    wire.get(WIRE + place, body=fault)
    with pytest.raises(TemporaryError):
        call(github)


# What a server may do once it has the whole request: each leaves the sender not knowing.
AFTER_ARRIVAL = [
    pytest.param(raw_reply(502, '{"message": "Server Error"}'), id="502"),
    pytest.param(SILENCE, id="time-out"),
    pytest.param(RESET, id="connection reset"),
    pytest.param(b"HTTP/1.1 201 Created\r\nContent-Length: 900\r\nConnection: close\r\n\r\n{", id="cut short"),
    pytest.param(raw_reply(201, '{"number": 7, "title'), id="JSON cut short"),
    pytest.param(raw_reply(200, "<html>Sign in to the hotel</html>", kind="text/html"), id="not GitHub at all"),
    pytest.param(raw_reply(201, ""), id="empty"),
    pytest.param(raw_reply(201, "[]"), id="a list"),
]


@pytest.mark.broken_replies
@pytest.mark.parametrize("answer", AFTER_ARRIVAL)
@pytest.mark.parametrize("name", ["open_issue", "comment"])
def test_a_post_that_arrived_is_never_sent_again_whatever_comes_back(
    loopback: Loopback, name: str, answer: bytes
) -> None:
    method, place, call = WRITES[name]
    loopback.answers = [answer]
    with pytest.raises(UnknownOutcomeError):
        call(make_github(f"{loopback.url}/github"))
    assert loopback.asked() == [(method, f"/github{place}")]


@pytest.mark.broken_replies
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(raw_reply(200, '{"number": 7, "title'), id="JSON cut short"),
        pytest.param(raw_reply(200, "<html>Sign in to the hotel</html>", kind="text/html"), id="not GitHub at all"),
    ],
)
@pytest.mark.parametrize("name", [name for name in READS if name != "may_assign"])
def test_a_read_answered_with_rubbish_is_for_later(loopback: Loopback, name: str, answer: bytes) -> None:
    loopback.answers = [answer]
    with pytest.raises(TemporaryError):
        READS[name][1](make_github(f"{loopback.url}/github"))


def test_a_read_whose_connection_breaks_once_is_tried_again(loopback: Loopback) -> None:
    loopback.answers = [RESET, raw_reply(200, json.dumps([comment_reply()]))]
    assert make_github(f"{loopback.url}/github").comments(7) == [COMMENT]
    assert len(loopback.received) == 2


def test_a_write_to_a_closed_port_certainly_did_not_happen(no_backoff: None) -> None:
    with pytest.raises(TemporaryError):
        make_github("http://127.0.0.1:9/github").comment(7, "Well begun.")


def test_a_write_to_a_name_that_cannot_be_resolved_certainly_did_not_happen(
    github: GitHub, wire: responses.RequestsMock
) -> None:
    reason = NameResolutionError("api.github.com", HTTPSConnection("api.github.com"), OSError("no such name"))  # type: ignore[arg-type]
    fault = requests.ConnectionError(MaxRetryError(HTTPSConnectionPool("api.github.com"), "/", reason))
    wire.post(f"{HOME}/issues/7/comments", body=fault)
    with pytest.raises(TemporaryError):
        github.comment(7, "Well begun.")
