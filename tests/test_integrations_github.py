"""GitHub's issues, comments and labels: each call as it goes over the wire, and what it gives back."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import responses

from domain.issues import CloseReason, Comment, Gone, Issue, IssueGone
from integrations.errors import PermanentError
from integrations.github import GitHub
from tests.github_wire import (
    API,
    COMMENT,
    HOME,
    ISSUE_7,
    WIRE,
    comment_reply,
    fixture,
    github,
    issue_reply,
    label_reply,
    person,
    places,
    query_of,
    repository_reply,
    sent,
    wire,
)

__all__ = ["github", "wire"]  # fixtures, used by name

# -- who and where -----------------------------------------------------------------------------------------------------


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


def test_our_own_login_is_asked_for_once(github: GitHub, wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/user", json=fixture("user.get__bot"))
    assert [github.login(), github.login()] == ["trellis-bot", "trellis-bot"]
    assert sent(wire) == [("GET", "/user", None)]


# -- reading one issue -------------------------------------------------------------------------------------------------


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


# -- reading lists -----------------------------------------------------------------------------------------------------


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


# -- writing -----------------------------------------------------------------------------------------------------------


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
