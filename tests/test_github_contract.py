"""The judge of GitHub traffic judges: it passes what GitHub takes, and says what is wrong with the rest."""

import json
from typing import Any

import pytest
import requests
import responses
from github import Auth, Github

from tests.github_contract import check_reply, check_request, check_webhook, webhook_examples

GITHUB = "https://api.github.com"
JSON = {"Content-Type": "application/json; charset=utf-8"}


def sent(method: str, url: str, body: Any = None, *, base_url: str = GITHUB) -> list[str]:
    """The judgement of a request with this JSON body."""
    return check_request(requests.Request(method, base_url + url, json=body).prepare(), base_url)


def answered(method: str, url: str, status: int, body: object) -> list[str]:
    """The judgement of a reply with this JSON body."""
    return check_reply(method, GITHUB + url, status, JSON, json.dumps(body).encode(), GITHUB)


def delivery(event: str, action: str) -> dict[str, Any]:
    """The last, and so newest, of GitHub's examples of this event and action."""
    return [payload for name, what, payload in webhook_examples() if (name, what) == (event, action)][-1]


def comment() -> dict[str, Any]:
    """A comment as the API gives it, which is as the newest example of a webhook does."""
    found = delivery("issue_comment", "created")["comment"]
    assert isinstance(found, dict)
    return found


def test_a_good_issue_creation_passes() -> None:
    body = {"title": "Learn to weave", "body": "Why: …", "labels": ["ILO"], "assignees": ["ada"]}
    assert sent("POST", "/repos/acme/growth/issues", body) == []


def test_the_numeric_form_of_a_repository_is_the_same_repository() -> None:
    assert sent("POST", "/repositories/42/issues", {"title": "Learn to weave"}) == []
    assert sent("GET", "/repositories/42/issues?state=all&per_page=100&page=2") == []
    assert sent("GET", "/repositories/42") == []
    assert len(sent("POST", "/repositories/42/issues", {"labels": []})) == 1


@pytest.mark.parametrize("base_url", [GITHUB, f"{GITHUB}:443", "http://127.0.0.1:8800/github"])
def test_the_base_url_may_be_github_or_a_stand_in(base_url: str) -> None:
    assert sent("GET", "/repos/acme/growth/issues/7", base_url=base_url) == []
    assert len(sent("GET", "/repos/acme/growth/isues/7", base_url=base_url)) == 1


def test_the_usual_port_may_be_spelt_out_on_one_side_only() -> None:
    spelt_out = requests.Request("GET", f"{GITHUB}:443/user").prepare()
    assert check_request(spelt_out, GITHUB) == []


def test_a_request_to_another_host_or_folder_is_caught() -> None:
    elsewhere = requests.Request("GET", "http://127.0.0.1:8800/githubby/user").prepare()
    for base_url in (GITHUB, "http://127.0.0.1:8800/github"):
        assert check_request(elsewhere, base_url) == [
            f"GET http://127.0.0.1:8800/githubby/user: not under {base_url}",
        ]


def test_a_wrong_state_reason_is_caught() -> None:
    (problem,) = sent("PATCH", "/repos/acme/growth/issues/7", {"state": "closed", "state_reason": "done"})
    assert "body.state_reason: 'done' is not one of" in problem


def test_labels_as_a_string_are_caught() -> None:
    (problem,) = sent("POST", "/repos/acme/growth/issues", {"title": "Learn to weave", "labels": "ILO"})
    assert "body.labels: 'ILO' is not of type 'array'" in problem


def test_a_missing_title_is_caught() -> None:
    (problem,) = sent("POST", "/repos/acme/growth/issues", {"body": "Why: …"})
    assert "'title' is a required property" in problem


def test_a_body_that_is_no_json_is_caught() -> None:
    form = requests.Request("POST", f"{GITHUB}/repos/acme/growth/issues", data={"title": "Learn to weave"}).prepare()
    (problem,) = check_request(form, GITHUB)
    assert "application/x-www-form-urlencoded" in problem


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/repos/acme/growth/goals"),
        ("GET", "/repos/acme/growth/issues/7/"),
        ("DELETE", "/repos/acme/growth/issues/7"),
        ("GET", "/repositories/acme/issues"),
    ],
)
def test_an_unknown_call_is_caught(method: str, url: str) -> None:
    assert sent(method, url) == [f"{method} {url}: GitHub's description has no such call, or cut.py leaves it out"]


def test_an_unknown_body_key_is_caught_at_any_depth() -> None:
    (problem,) = sent("POST", "/repos/acme/growth/issues", {"title": "Learn to weave", "assignes": ["ada"]})
    assert "body: 'assignes' is not listed" in problem
    permissions = {"permissions": {"issues": "write", "isues": "write"}}
    (problem,) = sent("POST", "/app/installations/3/access_tokens", permissions)
    assert "body.permissions: 'isues' is not listed" in problem


def test_a_body_where_none_is_taken_is_caught() -> None:
    assert sent("POST", "/app/hook/deliveries/3/attempts") == []
    (problem,) = sent("POST", "/app/hook/deliveries/3/attempts", {"force": True})
    assert "takes none" in problem


def test_wrong_query_values_and_names_are_caught() -> None:
    problems = sent("GET", "/repos/acme/growth/issues?state=opne&per_page=many&asignee=ada")
    assert [problem.split(": ")[1] for problem in problems] == [
        "query state",
        "Query parameter error",
        "query",
    ]


def test_an_issue_number_that_is_no_number_is_caught() -> None:
    (problem,) = sent("POST", "/repos/acme/growth/issues/seven/comments", {"body": "Well done"})
    assert "issue_number" in problem


def test_a_file_may_lie_in_folders() -> None:
    assert sent("GET", "/repos/acme/growth/contents/.github/ISSUE_TEMPLATE/a%20goal.yml?ref=main") == []


def test_what_pygithub_sends_to_add_labels_passes_and_to_set_them_does_not() -> None:
    github = Github(auth=Auth.Token("invented"), lazy=True, retry=None, seconds_between_writes=None)
    issue = github.get_repo("acme/growth").get_issue(7)
    with responses.RequestsMock() as wire:
        labels_url = f"{GITHUB}:443/repos/acme/growth/issues/7/labels"
        wire.post(labels_url, json=[])
        wire.put(labels_url, json=[])
        issue.add_to_labels("ILO")
        issue.set_labels("ILO")
        added, replaced = [call.request for call in wire.calls]
    assert added.body == replaced.body == '["ILO"]'
    assert check_request(added, GITHUB) == []
    assert len(check_request(replaced, GITHUB)) == 1


def test_the_bare_list_of_labels_must_still_hold_labels() -> None:
    assert len(sent("POST", "/repos/acme/growth/issues/7/labels", [7])) == 1


def test_judging_leaves_the_request_as_it_was() -> None:
    request = requests.Request("POST", f"{GITHUB}/repositories/42/issues/7/labels", json=["ILO"]).prepare()
    check_request(request, GITHUB)
    assert (request.url, request.body) == (f"{GITHUB}/repositories/42/issues/7/labels", b'["ILO"]')


def test_a_good_reply_passes() -> None:
    assert answered("GET", "/repos/acme/growth/issues/comments/5", 200, comment()) == []
    assert answered("GET", "/repos/acme/growth/issues/7/comments", 200, [comment()]) == []


def test_a_reply_that_lacks_a_required_field_is_caught() -> None:
    lacking = comment()
    del lacking["html_url"]
    (problem,) = answered("POST", "/repositories/42/issues/7/comments", 201, lacking)
    assert "reply: 'html_url' is a required property" in problem


def test_a_reply_of_a_wrong_type_or_no_body_at_all_is_caught() -> None:
    url = f"{GITHUB}/repos/acme/growth/labels"
    assert len(check_reply("GET", url, 200, {"Content-Type": "text/plain"}, b"[]", GITHUB)) == 1
    assert len(check_reply("GET", url, 200, JSON, b"", GITHUB)) == 1
    assert check_reply("GET", url, 200, {"content-type": "application/json"}, b"[]", GITHUB) == []


def test_a_folder_listing_is_a_good_reply() -> None:
    assert answered("GET", "/repos/acme/growth/contents/.github", 200, []) == []


def test_a_status_that_the_operation_does_not_know_is_caught() -> None:
    (problem,) = answered("POST", "/repos/acme/growth/issues", 200, {})
    assert "GitHub never answers 200 here, only 201" in problem


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500, 502])
def test_a_general_error_needs_only_a_message(status: int) -> None:
    assert answered("GET", "/repos/acme/growth/labels", status, {"message": "No"}) == []
    (problem,) = answered("GET", "/repos/acme/growth/labels", status, {})
    assert f"a {status} must be a JSON object with a message" in problem


def test_an_empty_reply_is_empty() -> None:
    url = f"{GITHUB}/repos/acme/growth/assignees/ada"
    assert check_reply("GET", url, 204, {}, b"", GITHUB) == []
    assert len(check_reply("GET", url, 204, {}, b"{}", GITHUB)) == 1


def test_a_reply_to_an_unknown_call_is_caught() -> None:
    assert len(answered("GET", "/repos/acme/growth/goals", 200, [])) == 1


@pytest.mark.parametrize(
    "event", ["issues", "issue_comment", "ping", "installation", "installation_repositories", "label", "repository"]
)
def test_there_are_examples_of_each_event(event: str) -> None:
    examples = [(action, payload) for name, action, payload in webhook_examples() if name == event]
    assert examples
    assert all(payload.get("action") == action for action, payload in examples)


def test_changing_an_example_changes_no_other_test() -> None:
    delivery("issues", "opened").clear()
    assert delivery("issues", "opened")


# Examples made before fields that GitHub requires today: 3 of 42.
OUTDATED = {("issue_comment", "created"): 1, ("issues", "edited"): 1, ("issues", "transferred"): 1}


def test_the_schemas_accept_the_examples_of_issues_comments_and_pings_but_for_three_old_ones() -> None:
    refused: dict[tuple[str, str | None], int] = {}
    for event, action, payload in webhook_examples():
        if event in {"issues", "issue_comment", "ping"} and check_webhook(event, payload):
            refused[event, action] = refused.get((event, action), 0) + 1
    assert refused == OUTDATED


def test_a_delivery_that_lacks_a_required_field_is_caught() -> None:
    payload = delivery("issues", "opened")
    assert check_webhook("issues", payload) == []
    del payload["issue"]["number"]
    (problem,) = check_webhook("issues", payload)
    assert problem == "issues-opened: payload.issue: 'number' is a required property"


def test_a_delivery_of_an_unknown_event_or_action_is_caught() -> None:
    payload = delivery("issues", "opened")
    assert len(check_webhook("issue", payload)) == 1
    assert len(check_webhook("issues", payload | {"action": "opend"})) == 1
