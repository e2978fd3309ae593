"""GitHub's adapter: each call as it goes over the wire, what it gives back, and what each fault is turned into."""

import base64
import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
import responses
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NameResolutionError

from domain.issues import CloseReason, Comment, Gone, Issue, IssueGone
from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from integrations.github import FailedDelivery, GitHub, Hook, RepositoryFile
from tests.conftest import RESET, SILENCE, Loopback, raw_reply

API = "https://api.github.com"
WIRE = "https://api.github.com:443"  # PyGithub always spells the port out, and `responses` compares literally
HOME = f"{WIRE}/repositories/4001"
FIXTURES = Path(__file__).parent / "fixtures"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
PRIMARY = "API rate limit exceeded for user ID 583009."


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def issue_reply(number: int = 7, **changes: Any) -> Any:
    text = json.dumps(fixture("issue.get__open")).replace("/issues/7", f"/issues/{number}")
    return json.loads(text) | {"number": number} | changes


def comment_reply(**changes: Any) -> Any:
    return fixture("issue_comment.get__by_the_bot") | changes


def label_reply(name: str) -> Any:
    return fixture("label.get__objective") | {"name": name}


def person(login: str) -> Any:
    return fixture("issue.get__open")["user"] | {"login": login}


def repository_reply(**changes: Any) -> Any:
    return fixture("repository.get__ours") | changes


ISSUE_7 = Issue(
    number=7,
    title="Read a map",
    body="### What do I want to learn?\n\nRead a map\n",
    author="ada",
    url="https://github.com/fennel-works/learning/issues/7",
    open=True,
    close_reason=None,
    labels=("ILO",),
    assignees=("ada",),
    locked=False,
    created_at=datetime(2027, 1, 5, 10, tzinfo=UTC),
    updated_at=datetime(2027, 1, 6, 11, 30, tzinfo=UTC),
)
COMMENT = Comment(
    id=492700400,
    author="trellis-bot",
    body="Well begun.",
    created_at=datetime(2027, 1, 6, 11, 30, tzinfo=UTC),
    url="https://github.com/fennel-works/learning/issues/7#issuecomment-492700400",
)
THEN = datetime(2027, 1, 5, 9, tzinfo=UTC)
LOST = FailedDelivery(
    id=90001,
    guid="0b989ba4-242f-11e5-81e1-c7b6966d2516",
    at=datetime(2027, 1, 6, 11, 30, tzinfo=UTC),
    redelivery=False,
    repository_id=4001,
    hook_id=77,
)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as wire:
        yield wire


def make_github(api_url: str = API) -> GitHub:
    github = GitHub(
        api_url=api_url,
        repository_name="fennel-works/learning",
        token="invented-token",
        call_seconds=1,
        write_gap_seconds=None,
    )
    github.use_repository(4001)
    return github


@pytest.fixture
def github() -> GitHub:
    return make_github()


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the wait between two tries of a read on a real connection; how often it tries stays as it is."""
    monkeypatch.setattr("urllib3.util.retry.Retry._sleep_backoff", lambda _: None)


def sent(wire: responses.RequestsMock) -> list[tuple[str | None, str, Any]]:
    """Every request: method, address without the host, JSON body."""
    return [
        (one.request.method, (one.request.url or "").removeprefix(WIRE), json.loads(_text(one.request.body) or "null"))
        for one in wire.calls
    ]


def _text(said: object) -> str:
    return said.decode() if isinstance(said, bytes) else str(said or "")


def places(wire: responses.RequestsMock) -> list[str]:
    return [f"{method} {place}" for method, place, _ in sent(wire)]


# -- who and where ----------------------------------------------------------------------------------------------------


def test_making_the_adapter_sends_nothing() -> None:
    with responses.RequestsMock() as wire:
        make_github()
        assert len(wire.calls) == 0


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"app_id": "55"},
        {"app_private_key": "key"},
        {"token": "invented-token", "app_id": "55", "app_private_key": "key"},
    ],
)
def test_it_takes_a_token_or_a_whole_app_never_both_nor_half(credentials: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either a token or an App's id and private key"):
        GitHub(api_url=API, repository_name="fennel-works/learning", **credentials)  # type: ignore[arg-type]


def test_the_repository_is_found_by_name_and_gives_its_number(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/repos/fennel-works/learning", json=repository_reply())
    assert github.repository() == (4001, "fennel-works/learning")
    assert sent(wire) == [("GET", "/repos/fennel-works/learning", None)]


def test_a_renamed_repository_is_found_under_its_old_name(github: GitHub, wire: responses.RequestsMock) -> None:
    moved = {"message": "Moved Permanently", "url": f"{API}/repositories/4001"}
    wire.get(
        f"{WIRE}/repos/fennel-works/learning",
        status=301,
        json=moved,
        headers={"Location": f"{API}/repositories/4001"},
    )
    wire.get(HOME, json=repository_reply(full_name="fennel-works/growing"))
    assert github.repository() == (4001, "fennel-works/growing")


def test_every_request_says_who_we_are_and_which_version_of_the_api_we_speak(
    github: GitHub, wire: responses.RequestsMock
) -> None:
    wire.get(f"{WIRE}/user", json=fixture("user.get__bot"))
    assert github.login() == "trellis-bot"
    headers = wire.calls[0].request.headers
    assert headers["Authorization"] == "token invented-token"
    assert headers["User-Agent"] == "trellis/0.1"
    assert headers["X-GitHub-Api-Version"] == "2022-11-28"


def test_our_own_login_is_asked_for_once(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/user", json=fixture("user.get__bot"))
    assert [github.login(), github.login()] == ["trellis-bot", "trellis-bot"]
    assert sent(wire) == [("GET", "/user", None)]


# -- reading one issue ------------------------------------------------------------------------------------------------


def test_an_issue_is_read_by_the_repositorys_number(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.get(f"{HOME}/issues/7", json=issue_reply())
    wire.get(HOME, json=repository_reply())
    assert github.issue(7) == ISSUE_7
    # The second request learns the repository's present name, to tell whether the issue was transferred.
    assert places(wire) == ["GET /repositories/4001/issues/7", "GET /repositories/4001"]


def test_the_sub_issues_of_an_issue_are_counted(github: GitHub, wire: responses.RequestsMock) -> None:
    summary = {"total": 3, "completed": 1, "percent_completed": 33}
    wire.get(f"{HOME}/issues/7", json=issue_reply(sub_issues_summary=summary))
    wire.get(HOME, json=repository_reply())
    issue = github.issue(7)
    assert isinstance(issue, Issue)
    assert (issue.targets_done, issue.targets_total) == (1, 3)


def test_the_repositorys_name_is_not_asked_for_again_with_every_issue(
    github: GitHub, wire: responses.RequestsMock
) -> None:
    wire.get(f"{HOME}/issues/7", json=issue_reply())
    wire.get(HOME, json=repository_reply())
    assert [github.issue(7), github.issue(7)] == [ISSUE_7, ISSUE_7]
    assert places(wire).count("GET /repositories/4001") == 1


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("closed", "completed", CloseReason.COMPLETED),
        ("closed", "not_planned", CloseReason.NOT_PLANNED),
        ("closed", "duplicate", CloseReason.DUPLICATE),
        ("closed", None, None),
        ("open", "reopened", None),
    ],
)
def test_the_reason_for_closing_counts_only_while_closed(
    github: GitHub, wire: responses.RequestsMock, state: str, reason: str | None, expected: CloseReason | None
) -> None:
    wire.get(f"{HOME}/issues/7", json=issue_reply(state=state, state_reason=reason))
    wire.get(HOME, json=repository_reply())
    issue = github.issue(7)
    assert isinstance(issue, Issue)
    assert (issue.open, issue.close_reason) == (state == "open", expected)


def test_an_issue_of_a_deleted_account_and_without_a_body_can_be_read(
    github: GitHub, wire: responses.RequestsMock
) -> None:
    wire.get(f"{HOME}/issues/7", json=issue_reply(user=None, body=None, labels=[], assignees=[], locked=True))
    wire.get(HOME, json=repository_reply())
    issue = github.issue(7)
    assert isinstance(issue, Issue)
    assert (issue.author, issue.body, issue.labels, issue.assignees, issue.locked) == ("ghost", "", (), (), True)


@pytest.mark.parametrize(
    ("status", "message", "why"),
    [
        (404, "Not Found", Gone.OUT_OF_REACH),
        (410, "This issue was deleted", Gone.DELETED),
        (403, "Resource not accessible by personal access token", Gone.OUT_OF_REACH),
        (451, "Repository access blocked", Gone.OUT_OF_REACH),
    ],
)
def test_an_issue_that_is_not_there_says_why(
    github: GitHub, wire: responses.RequestsMock, status: int, message: str, why: Gone
) -> None:
    wire.get(f"{HOME}/issues/7", status=status, json={"message": message})
    assert github.issue(7) == IssueGone(number=7, why=why)
    assert places(wire) == ["GET /repositories/4001/issues/7"]


def test_a_refused_token_does_not_look_like_a_missing_issue(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.get(f"{HOME}/issues/7", status=401, json={"message": "Bad credentials"})
    with pytest.raises(PermanentError, match="credentials") as raised:
        github.issue(7)
    assert raised.value.status == 401


@pytest.mark.parametrize("number_there", [3, 7])
def test_an_issue_that_moved_to_another_repository_is_transferred(
    github: GitHub, wire: responses.RequestsMock, number_there: int
) -> None:
    there = f"{API}/repositories/777/issues/{number_there}"
    wire.get(
        f"{HOME}/issues/7", status=301, json={"message": "Moved Permanently", "url": there}, headers={"Location": there}
    )
    elsewhere = f"{API}/repos/fennel-works/elsewhere"
    moved = issue_reply(number_there, repository_url=elsewhere, url=f"{elsewhere}/issues/{number_there}")
    wire.get(f"{WIRE}/repositories/777/issues/{number_there}", json=moved)
    if number_there == 7:
        wire.get(HOME, json=repository_reply())
    assert github.issue(7) == IssueGone(number=7, why=Gone.TRANSFERRED)


def test_an_issue_stays_ours_when_its_repository_is_renamed_while_we_run(
    github: GitHub, wire: responses.RequestsMock
) -> None:
    wire.get(f"{HOME}/issues/7", json=issue_reply())
    wire.get(HOME, json=repository_reply())
    assert github.issue(7) == ISSUE_7
    wire.assert_all_requests_are_fired = False  # how it finds out is the adapter's own business
    new = f"{API}/repos/fennel-works/growing"
    wire.replace(responses.GET, f"{HOME}/issues/7", json=issue_reply(repository_url=new, url=f"{new}/issues/7"))
    wire.replace(responses.GET, HOME, json=repository_reply(full_name="fennel-works/growing", url=new))
    assert github.issue(7) == ISSUE_7


# -- reading lists ----------------------------------------------------------------------------------------------------


def query_of(wire: responses.RequestsMock, place: int = 0) -> dict[str, Any]:
    return dict(wire.calls[place].request.params)  # type: ignore[attr-defined]  # `responses` adds it


def test_issues_are_listed_open_and_closed_newest_first_a_hundred_with_each_request(
    github: GitHub, wire: responses.RequestsMock
) -> None:
    wire.get(f"{HOME}/issues", json=[issue_reply()])
    assert list(github.issues()) == [ISSUE_7]
    assert query_of(wire) == {"state": "all", "sort": "created", "direction": "desc", "per_page": "100"}
    assert len(wire.calls) == 1


def test_the_filters_of_a_list_are_sent_with_the_time_in_utc(github: GitHub, wire: responses.RequestsMock) -> None:
    mine = issue_reply(user=person("trellis-bot"))
    wire.get(f"{HOME}/issues", json=[mine])
    since = datetime(2027, 1, 5, 12, 30, tzinfo=timezone(timedelta(hours=-5)))
    found = list(github.issues(label="ILO", creator="trellis-bot", since=since))
    assert [one.number for one in found] == [7]
    assert query_of(wire) == {
        "state": "all",
        "sort": "created",
        "direction": "desc",
        "per_page": "100",
        "labels": "ILO",
        "creator": "trellis-bot",
        "since": "2027-01-05T17:30:00Z",
    }


def test_pull_requests_are_left_out_of_the_list(github: GitHub, wire: responses.RequestsMock) -> None:
    pull = f"{API}/repos/fennel-works/learning/pulls/8"
    linked = {
        "url": pull,
        "html_url": "https://github.com/x/y/pull/8",
        "diff_url": "https://github.com/x/y/pull/8.diff",
        "patch_url": "https://github.com/x/y/pull/8.patch",
    }
    wire.get(f"{HOME}/issues", json=[issue_reply(8, pull_request=linked), issue_reply()])
    assert [one.number for one in github.issues(label="ILO")] == [7]


def test_what_a_lost_filter_lets_through_is_filtered_here_without_case(
    github: GitHub, wire: responses.RequestsMock
) -> None:
    listed = [
        issue_reply(1, user=person("Trellis-Bot"), labels=[label_reply("ilo")]),
        issue_reply(2, user=person("trellis-bot"), labels=[label_reply("bug")]),
        issue_reply(3, user=person("ada"), labels=[label_reply("ILO")]),
        issue_reply(4, user=None, labels=[label_reply("ILO")]),
    ]
    wire.get(f"{HOME}/issues", json=listed)
    assert [one.number for one in github.issues(label="ILO", creator="trellis-bot")] == [1]


def test_a_list_is_read_to_its_last_page(github: GitHub, wire: responses.RequestsMock) -> None:
    second = f"{API}/repositories/4001/issues?state=all&per_page=100&page=2"
    wire.get(f"{HOME}/issues", json=[issue_reply(9)], headers={"Link": f'<{second}>; rel="next"'})
    wire.get(
        f"{HOME}/issues",
        json=[issue_reply(7)],
        match=[responses.matchers.query_param_matcher({"page": "2"}, strict_match=False)],
    )
    assert [one.number for one in github.issues()] == [9, 7]
    assert len(wire.calls) == 2


def test_comments_are_read_to_the_last_page_oldest_first(github: GitHub, wire: responses.RequestsMock) -> None:
    second = f"{API}/repositories/4001/issues/7/comments?per_page=100&page=2"
    older = comment_reply(id=1, body="", user=None, created_at="2027-01-05T11:00:00Z")
    wire.get(f"{HOME}/issues/7/comments", json=[older], headers={"Link": f'<{second}>; rel="next"'})
    wire.get(
        f"{HOME}/issues/7/comments",
        json=[comment_reply()],
        match=[responses.matchers.query_param_matcher({"page": "2"}, strict_match=False)],
    )
    nobody = Comment(id=1, author="ghost", body="", created_at=datetime(2027, 1, 5, 11, tzinfo=UTC), url=COMMENT.url)
    assert github.comments(7) == [nobody, COMMENT]
    assert [query_of(wire, 0), query_of(wire, 1)] == [{"per_page": "100"}, {"page": "2", "per_page": "100"}]


def test_comments_since_an_instant_are_asked_for_in_utc(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.get(f"{HOME}/issues/7/comments", json=[])
    assert github.comments(7, since=datetime(2027, 1, 5, 1, tzinfo=timezone(timedelta(hours=2)))) == []
    assert query_of(wire) == {"per_page": "100", "since": "2027-01-04T23:00:00Z"}


@pytest.mark.parametrize(("status", "expected"), [(204, True), (404, False)])
def test_whether_somebody_may_be_assigned_is_asked(
    github: GitHub, wire: responses.RequestsMock, status: int, expected: bool
) -> None:
    wire.get(f"{HOME}/assignees/ada", status=status, json={"message": "Not Found"} if status == 404 else None)
    assert github.may_assign("ada") is expected
    assert sent(wire) == [("GET", "/repositories/4001/assignees/ada", None)]


def test_comments_of_the_whole_repository_come_with_their_issues_number_and_without_pull_requests(
    github: GitHub, wire: responses.RequestsMock
) -> None:
    on_pull = comment_reply(id=2, html_url="https://github.com/fennel-works/learning/pull/8#issuecomment-2")
    too_old = comment_reply(id=1, updated_at="2027-01-05T08:59:59Z")
    second = f"{API}/repositories/4001/issues/comments?per_page=100&page=2"
    wire.get(f"{HOME}/issues/comments", json=[too_old, on_pull], headers={"Link": f'<{second}>; rel="next"'})
    page_two = responses.matchers.query_param_matcher({"page": "2"}, strict_match=False)
    wire.get(f"{HOME}/issues/comments", json=[comment_reply()], match=[page_two])
    assert github.comments_since(datetime(2027, 1, 5, 11, tzinfo=timezone(timedelta(hours=2)))) == [(7, COMMENT)]
    assert query_of(wire) == {"since": "2027-01-05T09:00:00Z", "per_page": "100"}


# -- what could not be delivered --------------------------------------------------------------------------------------


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


def attempt_reply(**changes: Any) -> Any:
    return {
        "id": LOST.id,
        "guid": LOST.guid,
        "delivered_at": "2027-01-06T11:30:00Z",
        "redelivery": False,
        "duration": 10.0,
        "status": "timed out",
        "status_code": 504,
        "event": "issues",
        "action": "opened",
        "installation_id": None,
        "repository_id": 4001,
        "throttled_at": None,
    } | changes


def test_the_repositorys_webhooks_are_read_with_where_they_lead(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.get(f"{HOME}/hooks", json=[hook_reply(), hook_reply(id=78, config={})])
    assert github.hooks() == [
        Hook(id=77, address="https://trellis.fennel.example/webhooks/github"),
        Hook(id=78, address=""),
    ]


def test_failed_attempts_are_read_page_by_page_back_to_an_instant_and_no_further(
    github: GitHub, wire: responses.RequestsMock
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
    assert github.failed_deliveries(77, since=THEN, most=1000) == [LOST]
    assert [query_of(wire, 0), query_of(wire, 1)] == [
        {"status": "failure", "per_page": "100"},
        {"status": "failure", "per_page": "100", "cursor": "v1_2"},
    ]


def test_no_more_failed_attempts_are_read_than_wanted(github: GitHub, wire: responses.RequestsMock) -> None:
    more = f"{API}/repositories/4001/hooks/77/deliveries?cursor=v1_2"
    listed = [attempt_reply(), attempt_reply(id=90000)]
    wire.get(f"{HOME}/hooks/77/deliveries", json=listed, headers={"Link": f'<{more}>; rel="next"'})
    assert [one.id for one in github.failed_deliveries(77, since=THEN, most=2)] == [90001, 90000]
    assert len(wire.calls) == 1


def test_a_delivery_is_asked_for_once_more(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/hooks/77/deliveries/90001/attempts", status=202, json={})
    github.redeliver(LOST)
    assert sent(wire) == [("POST", "/repositories/4001/hooks/77/deliveries/90001/attempts", None)]


# -- writing ----------------------------------------------------------------------------------------------------------


def test_an_issue_is_opened_with_exactly_what_was_asked_for(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/issues", status=201, json=issue_reply())
    assert github.open_issue(title="Read a map", body="Why", labels=("ILO",), assignees=("ada",)) == ISSUE_7
    body = {"title": "Read a map", "body": "Why", "labels": ["ILO"], "assignees": ["ada"]}
    assert sent(wire) == [("POST", "/repositories/4001/issues", body)]


def test_labels_and_assignees_that_github_dropped_show_in_the_answer(
    github: GitHub, wire: responses.RequestsMock
) -> None:
    wire.post(f"{HOME}/issues", status=201, json=issue_reply(labels=[], assignees=[], assignee=None))
    made = github.open_issue(title="Read a map", body="Why", labels=("ILO",), assignees=("ada",))
    assert (made.labels, made.assignees) == ((), ())


def test_titles_and_bodies_are_cut_to_what_github_takes(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/issues", status=201, json=issue_reply())
    github.open_issue(title="t" * 300, body="b" * 70_000, labels=(), assignees=())
    ((_, _, body),) = sent(wire)
    assert body == {"title": "t" * 256, "body": "b" * 65_536, "labels": [], "assignees": []}


def test_a_comment_is_sent_once_and_nothing_else_is(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/issues/7/comments", status=201, json=comment_reply())
    assert github.comment(7, "Well begun.") == COMMENT
    assert sent(wire) == [("POST", "/repositories/4001/issues/7/comments", {"body": "Well begun."})]


@pytest.mark.parametrize("status", [401, 403, 502])
def test_a_comment_that_was_made_is_never_reported_as_not_made(
    github: GitHub, wire: responses.RequestsMock, status: int
) -> None:
    wire.assert_all_requests_are_fired = False
    wire.post(f"{HOME}/issues/7/comments", status=201, json=comment_reply())
    wire.get(f"{WIRE}/user", status=status, json={"message": "Not now"})
    assert github.comment(7, "Well begun.") == COMMENT


def test_labels_are_added_and_those_now_present_come_back(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/issues/7/labels", json=[label_reply("ILO"), label_reply("offered")])
    assert github.add_labels(7, ("offered",)) == ("ILO", "offered")
    assert sent(wire) == [("POST", "/repositories/4001/issues/7/labels", {"labels": ["offered"]})]


def test_labels_that_github_dropped_are_missing_in_the_answer(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/issues/7/labels", json=[])
    assert github.add_labels(7, ("offered",)) == ()


def test_a_label_is_taken_off_by_its_name_in_the_address(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.delete(f"{HOME}/issues/7/labels/ticket%3A%20offered", json=[])
    github.remove_label(7, "ticket: offered")
    assert sent(wire) == [("DELETE", "/repositories/4001/issues/7/labels/ticket%3A%20offered", None)]


def test_taking_off_a_label_that_is_not_there_is_fine(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.delete(f"{HOME}/issues/7/labels/offered", status=404, json={"message": "Label does not exist"})
    github.remove_label(7, "offered")
    assert len(wire.calls) == 1


def test_a_label_is_made_in_our_colour(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/labels", status=201, json=label_reply("offered"))
    github.make_label("offered", "A golden ticket on offer")
    body = {"name": "offered", "color": "4c9a6a", "description": "A golden ticket on offer"}
    assert sent(wire) == [("POST", "/repositories/4001/labels", body)]


def invalid(code: str) -> dict[str, Any]:
    errors = [{"resource": "Label", "code": code, "field": "name"}]
    return {"message": "Validation Failed", "errors": errors, "documentation_url": "https://docs.github.com/rest"}


def test_making_a_label_that_exists_is_fine(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/labels", status=422, json=invalid("already_exists"))
    github.make_label("ILO", "")
    assert len(wire.calls) == 1


def test_making_a_label_that_github_refuses_for_another_reason_is_not_fine(
    github: GitHub, wire: responses.RequestsMock
) -> None:
    wire.post(f"{HOME}/labels", status=422, json=invalid("invalid"))
    with pytest.raises(PermanentError) as raised:
        github.make_label("x" * 51, "")
    assert raised.value.status == 422


# -- the repository's files -------------------------------------------------------------------------------------------

COMMIT = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
BRANCH = "trellis/issue-forms"
FORM = ".github/ISSUE_TEMPLATE/ilo.yml"


def branch_reply(commit: str = COMMIT) -> dict[str, Any]:
    git = f"{API}/repos/fennel-works/learning/git"
    return {
        "ref": f"refs/heads/{BRANCH}",
        "node_id": "MDM6UmVmcmVmcy9oZWFkcy90cmVsbGlz",
        "url": f"{git}/refs/heads/{BRANCH}",
        "object": {"type": "commit", "sha": commit, "url": f"{git}/commits/{commit}"},
    }


def file_reply(text: str = "name: Ziel ✓\n", **changes: Any) -> dict[str, Any]:
    place = f"{API}/repos/fennel-works/learning/contents/{FORM}"
    return {
        "type": "file",
        "encoding": "base64",
        "size": len(text.encode()),
        "name": "ilo.yml",
        "path": FORM,
        "content": base64.encodebytes(text.encode()).decode(),
        "sha": "3d21ec53a331a6f037a91c368710b99387d012c1",
        "url": place,
        "git_url": None,
        "html_url": None,
        "download_url": None,
        "_links": {"self": place, "git": None, "html": None},
    } | changes


def pull_reply(**changes: Any) -> Any:
    return fixture("pull_request.get__of_the_forms") | changes


PULL = "https://github.com/fennel-works/learning/pull/2"


def test_the_default_branch_is_asked_for(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.get(HOME, json=repository_reply(default_branch="trunk"))
    assert github.default_branch() == "trunk"


def test_a_branch_is_read_with_the_slash_in_its_name(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.get(f"{HOME}/git/ref/heads/{BRANCH}", json=branch_reply())
    assert github.branch_head(BRANCH) == COMMIT
    assert places(wire) == ["GET /repositories/4001/git/ref/heads/trellis/issue-forms"]


def test_a_branch_or_file_that_is_not_there_is_none(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.get(f"{HOME}/git/ref/heads/{BRANCH}", status=404, json={"message": "Not Found"})
    wire.get(f"{HOME}/contents/{FORM}", status=404, json={"message": "No commit found for the ref"})
    assert github.branch_head(BRANCH) is None
    assert github.file(FORM, branch=BRANCH) is None


def test_a_branch_is_made_and_one_that_is_there_begins_anew(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/git/refs", status=201, json=branch_reply())
    wire.patch(f"{HOME}/git/refs/heads/{BRANCH}", json=branch_reply())
    github.make_branch(BRANCH, COMMIT)
    github.move_branch(BRANCH, COMMIT)
    assert sent(wire) == [
        ("POST", "/repositories/4001/git/refs", {"ref": "refs/heads/trellis/issue-forms", "sha": COMMIT}),
        ("PATCH", "/repositories/4001/git/refs/heads/trellis/issue-forms", {"sha": COMMIT, "force": True}),
    ]


def test_a_branch_that_came_to_point_elsewhere_is_looked_at_again(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/git/refs", status=201, json=branch_reply("0" * 40))
    with pytest.raises(UnknownOutcomeError):
        github.make_branch(BRANCH, COMMIT)


def test_a_file_is_read_whole_whatever_its_letters(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.get(f"{HOME}/contents/{FORM}", json=file_reply())
    assert github.file(FORM, branch=BRANCH) == RepositoryFile(
        text="name: Ziel ✓\n", sha="3d21ec53a331a6f037a91c368710b99387d012c1"
    )
    assert places(wire) == [f"GET /repositories/4001/contents/{FORM}?ref=trellis%2Fissue-forms"]


@pytest.mark.parametrize(("replaces", "status"), [(None, 201), ("3d21ec53", 200)])
def test_a_file_is_written_and_says_which_one_it_replaces(
    github: GitHub, wire: responses.RequestsMock, replaces: str | None, status: int
) -> None:
    written = {key: value for key, value in file_reply().items() if value is not None and key != "_links"}
    wire.put(f"{HOME}/contents/{FORM}", status=status, json={"content": written, "commit": {"sha": COMMIT}})
    github.write_file(FORM, "name: Ziel ✓\n", branch=BRANCH, message="Add it", replaces=replaces)
    ((method, place, body),) = sent(wire)
    assert (method, place) == ("PUT", f"/repositories/4001/contents/{FORM}")
    assert base64.b64decode(body.pop("content")).decode() == "name: Ziel ✓\n"
    assert body == {"message": "Add it", "branch": BRANCH} | ({"sha": replaces} if replaces else {})


def test_the_open_pull_request_of_our_branch_is_found(github: GitHub, wire: responses.RequestsMock) -> None:
    ours = pull_reply()
    other = ours | {"html_url": "https://github.com/x", "head": ours["head"] | {"label": "eve:trellis/issue-forms"}}
    wire.get(HOME, json=repository_reply())
    wire.get(f"{HOME}/pulls", json=[other, ours])
    assert github.pull_request_from(BRANCH) == PULL
    assert places(wire)[-1] == (
        "GET /repositories/4001/pulls?head=fennel-works%3Atrellis%2Fissue-forms&per_page=100&state=open"
    )


def test_without_a_pull_request_of_our_branch_there_is_none(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.get(HOME, json=repository_reply())
    wire.get(f"{HOME}/pulls", json=[])
    assert github.pull_request_from(BRANCH) is None


def test_a_pull_request_is_opened_and_gives_its_address(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.post(f"{HOME}/pulls", status=201, json=pull_reply())
    assert github.open_pull_request(title="Forms", body="Three", branch=BRANCH, into="main") == PULL
    assert sent(wire) == [
        ("POST", "/repositories/4001/pulls", {"title": "Forms", "body": "Three", "head": BRANCH, "base": "main"})
    ]


# -- what every fault is turned into ----------------------------------------------------------------------------------

Call = Callable[[GitHub], object]
READS: dict[str, tuple[str, Call]] = {
    "repository": ("/repos/fennel-works/learning", lambda github: github.repository()),
    "login": ("/user", lambda github: github.login()),
    "issue": ("/repositories/4001/issues/7", lambda github: github.issue(7)),
    "issues": ("/repositories/4001/issues", lambda github: list(github.issues())),
    "comments": ("/repositories/4001/issues/7/comments", lambda github: github.comments(7)),
    "comments_since": ("/repositories/4001/issues/comments", lambda github: github.comments_since(THEN)),
    "hooks": ("/repositories/4001/hooks", lambda github: github.hooks()),
    "failed_deliveries": (
        "/repositories/4001/hooks/77/deliveries",
        lambda github: github.failed_deliveries(77, since=THEN, most=10),
    ),
    "may_assign": ("/repositories/4001/assignees/ada", lambda github: github.may_assign("ada")),
    "default_branch": ("/repositories/4001", lambda github: github.default_branch()),
    "branch_head": ("/repositories/4001/git/ref/heads/main", lambda github: github.branch_head("main")),
    "file": ("/repositories/4001/contents/a.yml", lambda github: github.file("a.yml", branch="main")),
    "pull_request_from": ("/repositories/4001", lambda github: github.pull_request_from("forms")),
}
WRITES: dict[str, tuple[str, str, Call]] = {
    "open_issue": (
        "POST",
        "/repositories/4001/issues",
        lambda github: github.open_issue(title="Read a map", body="Why", labels=(), assignees=()),
    ),
    "comment": ("POST", "/repositories/4001/issues/7/comments", lambda github: github.comment(7, "Well begun.")),
    "add_labels": ("POST", "/repositories/4001/issues/7/labels", lambda github: github.add_labels(7, ("ILO",))),
    "remove_label": (
        "DELETE",
        "/repositories/4001/issues/7/labels/ILO",
        lambda github: github.remove_label(7, "ILO"),
    ),
    "redeliver": (
        "POST",
        "/repositories/4001/hooks/77/deliveries/90001/attempts",
        lambda github: github.redeliver(LOST),
    ),
    "make_label": ("POST", "/repositories/4001/labels", lambda github: github.make_label("ILO", "")),
    "make_branch": ("POST", "/repositories/4001/git/refs", lambda github: github.make_branch("forms", COMMIT)),
    "move_branch": (
        "PATCH",
        "/repositories/4001/git/refs/heads/forms",
        lambda github: github.move_branch("forms", COMMIT),
    ),
    "write_file": (
        "PUT",
        "/repositories/4001/contents/a.yml",
        lambda github: github.write_file("a.yml", "a", branch="forms", message="Add it", replaces=None),
    ),
    "open_pull_request": (
        "POST",
        "/repositories/4001/pulls",
        lambda github: github.open_pull_request(title="Forms", body="", branch="forms", into="main"),
    ),
}
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


# -- faults of the connection -----------------------------------------------------------------------------------------


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


# -- threads and secrets ----------------------------------------------------------------------------------------------


def test_each_thread_has_a_connection_of_its_own(loopback: Loopback) -> None:
    # Shared between threads, PyGithub sent some comments twice and others never (facts on GitHub, section 2).
    loopback.answers = [raw_reply(200, json.dumps([comment_reply()]))]
    github = make_github(f"{loopback.url}/github")
    both = threading.Barrier(2)

    def read_twice() -> None:
        github.comments(7)
        both.wait(timeout=5)  # neither thread ends before the other has its connection
        github.comments(7)

    threads = [threading.Thread(target=read_twice) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ports = [one.port for one in loopback.received]
    assert sorted(ports.count(port) for port in set(ports)) == [2, 2]


def test_importing_the_adapter_leaves_pygithubs_log_without_a_handler_and_above_debug() -> None:
    log = logging.getLogger("github")
    assert (log.handlers, log.isEnabledFor(logging.INFO), log.isEnabledFor(logging.WARNING)) == ([], False, True)


def test_no_secret_reaches_the_log_or_an_error(
    loopback: Loopback, caplog: pytest.LogCaptureFixture, no_backoff: None
) -> None:
    caplog.set_level(logging.DEBUG)
    said = json.dumps({"message": "Bad credentials"})
    loopback.answers = [
        raw_reply(200, json.dumps([comment_reply()])),
        raw_reply(401, said),
        raw_reply(403, said),
        raw_reply(502, said),
    ]
    github = make_github(f"{loopback.url}/github")
    github.comments(7)
    for call in (lambda: github.comments(7), lambda: github.comments(7), lambda: github.comment(7, "Well begun.")):
        with pytest.raises((PermanentError, UnknownOutcomeError)) as raised:
            call()
        logging.getLogger("test").error("it went wrong", exc_info=raised.value)
    assert len(loopback.received) == 4
    assert "it went wrong" in caplog.text
    assert "invented-token" not in caplog.text


# -- as an App --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def make_app(key: RSAPrivateKey) -> GitHub:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    github = GitHub(
        api_url=API,
        repository_name="fennel-works/learning",
        app_id="55",
        app_private_key=pem,
        write_gap_seconds=None,
    )
    github.use_repository(4001)
    return github


INSTALLATION = f"{WIRE}/repos/fennel-works/learning/installation"
TOKENS = f"{WIRE}/app/installations/66/access_tokens"


def signed_in(wire: responses.RequestsMock) -> None:
    wire.get(INSTALLATION, json=fixture("installation.get__ours"))
    wire.post(TOKENS, status=201, json=fixture("installation_token.post__fresh"))


def claims_of(request: requests.PreparedRequest, key: RSAPrivateKey) -> dict[str, Any]:
    word, _, token = str(request.headers["Authorization"]).partition(" ")
    assert word == "Bearer"
    claims: dict[str, Any] = jwt.decode(token, key.public_key(), algorithms=["RS256"])
    return claims


def test_an_app_signs_in_finds_its_installation_and_reads_with_the_installations_token(
    wire: responses.RequestsMock, key: RSAPrivateKey
) -> None:
    signed_in(wire)
    wire.get(f"{HOME}/issues/7/comments", json=[comment_reply()])
    github = make_app(key)
    assert [github.comments(7), github.comments(7)] == [[COMMENT], [COMMENT]]
    assert places(wire) == [
        "GET /repos/fennel-works/learning/installation",
        "POST /app/installations/66/access_tokens",
        "GET /repositories/4001/issues/7/comments?per_page=100",
        "GET /repositories/4001/issues/7/comments?per_page=100",
    ]
    asked_installation, asked_token, read, _ = [call.request for call in wire.calls]
    for request in (asked_installation, asked_token):
        claims = claims_of(request, key)
        assert claims["iss"] == "55"
        assert claims["exp"] - claims["iat"] <= 660
    assert read.headers["Authorization"] == "token invented-installation-token"


def test_an_apps_login_is_its_slug_with_bot_behind_it(wire: responses.RequestsMock, key: RSAPrivateKey) -> None:
    wire.get(f"{WIRE}/app", json=fixture("app.get__ours"))
    github = make_app(key)
    assert [github.login(), github.login()] == ["trellis[bot]", "trellis[bot]"]
    assert places(wire) == ["GET /app"]
    assert claims_of(wire.calls[0].request, key)["iss"] == "55"


def test_an_app_asks_for_its_own_failed_deliveries_with_its_signature(
    wire: responses.RequestsMock, key: RSAPrivateKey
) -> None:
    signed_in(wire)
    wire.get(f"{WIRE}/app/hook/deliveries", json=[attempt_reply(installation_id=66, repository_id=None)])
    wire.post(f"{WIRE}/app/hook/deliveries/90001/attempts", status=202, json={})
    github = make_app(key)
    of_the_app = replace(LOST, hook_id=None, repository_id=None)
    assert github.is_app
    assert github.failed_deliveries(None, since=THEN, most=10) == [of_the_app]
    github.redeliver(of_the_app)
    assert places(wire)[0] == "GET /app/hook/deliveries?per_page=100&status=failure"
    assert places(wire)[-1] == "POST /app/hook/deliveries/90001/attempts"
    for call in (wire.calls[0], wire.calls[-1]):
        assert claims_of(call.request, key)["iss"] == "55"


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, PermanentError), (401, PermanentError), (403, PermanentError), (404, PermanentError), (422, PermanentError),
     (429, TemporaryError), (500, UnknownOutcomeError), (502, UnknownOutcomeError)],
)  # fmt: skip
def test_a_delivery_an_app_could_not_ask_for_says_how_it_stands(
    wire: responses.RequestsMock, key: RSAPrivateKey, status: int, expected: type[Exception]
) -> None:
    signed_in(wire)
    wire.post(f"{WIRE}/app/hook/deliveries/90001/attempts", status=status, json={"message": "No"})
    with pytest.raises(expected):
        make_app(key).redeliver(replace(LOST, hook_id=None))
    assert places(wire).count("POST /app/hook/deliveries/90001/attempts") == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, PermanentError), (403, PermanentError), (404, PermanentError), (429, TemporaryError), (502, TemporaryError)],
)
def test_an_apps_deliveries_that_cannot_be_read_say_why(
    wire: responses.RequestsMock, key: RSAPrivateKey, no_backoff: None, status: int, expected: type[Exception]
) -> None:
    wire.get(f"{WIRE}/app/hook/deliveries", status=status, json={"message": "No"})
    with pytest.raises(expected):
        make_app(key).failed_deliveries(None, since=THEN, most=10)


def test_an_app_comments_once_with_the_installations_token(wire: responses.RequestsMock, key: RSAPrivateKey) -> None:
    signed_in(wire)
    mine = comment_reply(user=person("trellis[bot]"))
    wire.post(f"{HOME}/issues/7/comments", status=201, json=mine)
    assert make_app(key).comment(7, "Well begun.").author == "trellis[bot]"
    assert places(wire)[-1] == "POST /repositories/4001/issues/7/comments"
    assert len(wire.calls) == 3


@pytest.mark.parametrize(
    ("status", "expected"), [(404, PermanentError), (401, PermanentError), (502, TemporaryError), (429, TemporaryError)]
)
@pytest.mark.parametrize("name", ["comments", "comment"])
def test_an_app_that_cannot_find_its_installation_sent_nothing_and_says_so(
    wire: responses.RequestsMock, key: RSAPrivateKey, name: str, status: int, expected: type[Exception]
) -> None:
    wire.get(INSTALLATION, status=status, json={"message": "Not Found" if status == 404 else "No"})
    call = READS[name][1] if name in READS else WRITES[name][2]
    with pytest.raises(expected):
        call(make_app(key))
    assert set(places(wire)) == {"GET /repos/fennel-works/learning/installation"}


@pytest.mark.parametrize(
    ("status", "expected"), [(404, PermanentError), (401, PermanentError), (502, TemporaryError), (429, TemporaryError)]
)
@pytest.mark.parametrize("name", ["comments", "comment"])
def test_an_app_that_gets_no_token_sent_nothing_and_says_so(
    wire: responses.RequestsMock, key: RSAPrivateKey, name: str, status: int, expected: type[Exception]
) -> None:
    wire.get(INSTALLATION, json=fixture("installation.get__ours"))
    wire.post(TOKENS, status=status, json={"message": "Not Found" if status == 404 else "No"})
    call = READS[name][1] if name in READS else WRITES[name][2]
    with pytest.raises(expected):
        call(make_app(key))
    assert places(wire)[-1] == "POST /app/installations/66/access_tokens"


@pytest.mark.parametrize("name", ["login", "comments", "comment"])
def test_a_private_key_that_is_none_is_a_problem_for_a_person(wire: responses.RequestsMock, name: str) -> None:
    github = GitHub(
        api_url=API,
        repository_name="fennel-works/learning",
        app_id="55",
        app_private_key="-----BEGIN RSA PRIVATE KEY-----\ninvented\n-----END RSA PRIVATE KEY-----\n",
        write_gap_seconds=None,
    )
    github.use_repository(4001)
    call = READS[name][1] if name in READS else WRITES[name][2]
    with pytest.raises(PermanentError):
        call(github)
    assert len(wire.calls) == 0


def test_neither_the_installations_token_nor_the_apps_signature_reaches_the_log(
    wire: responses.RequestsMock, key: RSAPrivateKey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    signed_in(wire)
    wire.get(f"{HOME}/issues/7/comments", status=403, json={"message": "Resource not accessible by integration"})
    with pytest.raises(PermanentError) as raised:
        make_app(key).comments(7)
    logging.getLogger("test").error("it went wrong", exc_info=raised.value)
    claims = base64.urlsafe_b64encode(b'{"iat"').decode().rstrip("=")
    assert "it went wrong" in caplog.text
    assert "invented-installation-token" not in caplog.text
    assert f".{claims}" not in caplog.text
