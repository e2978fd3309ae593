"""The stand-in for GitHub answers, refuses, delivers and fails as GitHub does."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from github import Auth, Github
from werkzeug.test import TestResponse

from sandbox.app import Sandbox
from sandbox.serving import Server
from sandbox.settings import Settings
from tests.github_contract import check_reply, check_webhook

BASE = "http://localhost/github"
NOWHERE = "http://127.0.0.1:9"
HOME = "/repositories/4001"
# GitHub sends null for an issue that was never closed and says so ("nullable"), but its list of values forgets null.
NULL_REASON = "state_reason: None is not one of"


class Asker:
    """Asks the stand-in as somebody, and holds every answer against GitHub's own description."""

    def __init__(self, sandbox: Sandbox, token: str = "trellis-bot") -> None:
        self.sandbox = sandbox
        self.client = sandbox.app.test_client()
        self.token = token

    def ask(self, method: str, path: str, sent: Any = None, judged: bool = True) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = self.client.open(f"/github{path}", method=method, json=sent, headers=headers)
        if judged:
            url = f"{BASE}{path}"
            problems = check_reply(method, url, answer.status_code, dict(answer.headers), answer.data, BASE)
            assert [problem for problem in problems if NULL_REASON not in problem] == []
        return answer

    def get(self, path: str, status: int = 200) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == status, answer.text
        return answer.get_json(silent=True)

    def post(self, path: str, sent: Any, status: int = 201) -> Any:
        answer = self.ask("POST", path, sent)
        assert answer.status_code == status, answer.text
        return answer.get_json(silent=True)

    def patch(self, path: str, sent: Any, status: int = 200) -> Any:
        answer = self.ask("PATCH", path, sent)
        assert answer.status_code == status, answer.text
        return answer.get_json(silent=True)

    def control(self, method: str, path: str, sent: Any = None) -> Any:
        answer = self.client.open(f"/_control{path}", method=method, json=sent)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def deliveries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "/world")["deliveries"]
        return found

    def actions(self) -> list[str]:
        return [f"{delivery['event']}.{delivery['action']}" for delivery in self.deliveries()]


@pytest.fixture
def bot() -> Asker:
    return Asker(Sandbox(Settings(service_url=NOWHERE)))


@pytest.fixture
def ada(bot: Asker) -> Asker:
    return Asker(bot.sandbox, "person-ada-fw")


@pytest.fixture
def eve(bot: Asker) -> Asker:
    return Asker(bot.sandbox, "person-eve")


class Receiver:
    """A service that takes webhooks and remembers them."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.answers = 202
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((dict(self.headers), body))
                self.send_response(receiver.answers)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def live(receiver: Receiver, tmp_path: Path) -> Iterator[Server]:
    server = Server(Settings(port=0, service_url=receiver.url, clock_file=tmp_path / "clock"))
    server.start()
    yield server
    server.stop()


def order(server: Server, method: str, path: str, sent: Any = None) -> Any:
    answer = requests.request(method, f"{server.url}/_control{path}", json=sent, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def settle(server: Server) -> None:
    """Wait until no delivery is on its way."""
    for _ in range(200):
        if order(server, "GET", "/deliveries/idle")["idle"]:
            return
        time.sleep(0.02)
    raise AssertionError("deliveries never came to rest")


def as_bot(server: Server, method: str, path: str, sent: Any = None, timeout: float = 10) -> requests.Response:
    headers = {"Authorization": "token trellis-bot"}
    return requests.request(method, f"{server.url}/github{path}", json=sent, headers=headers, timeout=timeout)


# What GitHub answers


def test_every_answer_about_issues_satisfies_githubs_description(bot: Asker) -> None:
    issue = bot.post(f"{HOME}/issues", {"title": "Weave", "body": "b", "labels": ["ILO"], "assignees": ["bo-fw"]})
    number = issue["number"]
    assert [label["name"] for label in issue["labels"]] == ["ILO"]
    assert [person["login"] for person in issue["assignees"]] == ["bo-fw"]
    assert bot.get(f"{HOME}/issues/{number}")["body"] == "b"
    assert bot.get("/repos/fennel-works/learning/issues?state=all&labels=ilo")[0]["number"] == number
    comment = bot.post(f"{HOME}/issues/{number}/comments", {"body": "Well begun."})
    assert bot.get(f"{HOME}/issues/comments/{comment['id']}")["body"] == "Well begun."
    assert bot.patch(f"{HOME}/issues/comments/{comment['id']}", {"body": "Better."})["body"] == "Better."
    assert [found["body"] for found in bot.get(f"{HOME}/issues/{number}/comments")] == ["Better."]
    assert [label["name"] for label in bot.post(f"{HOME}/issues/{number}/labels", ["new"], 200)] == ["ILO", "new"]
    assert bot.ask("PUT", f"{HOME}/issues/{number}/labels", {"labels": ["ILO"]}).status_code == 200
    assert bot.ask("DELETE", f"{HOME}/issues/{number}/labels/ilo").get_json() == []
    assert bot.ask("DELETE", f"{HOME}/issues/{number}/labels/ilo").status_code == 404
    both = bot.post(f"{HOME}/issues/{number}/assignees", {"assignees": ["ada-fw"]})
    assert [person["login"] for person in both["assignees"]] == ["bo-fw", "ada-fw"]
    one = bot.ask("DELETE", f"{HOME}/issues/{number}/assignees", {"assignees": ["bo-fw"]}).get_json()
    assert [person["login"] for person in one["assignees"]] == ["ada-fw"]
    assert bot.ask("DELETE", f"{HOME}/issues/comments/{comment['id']}").status_code == 204


def test_every_answer_about_the_repository_satisfies_githubs_description(bot: Asker) -> None:
    assert bot.get(HOME)["full_name"] == "fennel-works/learning"
    assert bot.get("/repos/Fennel-Works/Learning")["id"] == 4001
    assert {label["name"] for label in bot.get(f"{HOME}/labels")} >= {"ILO", "golden-ticket"}
    assert bot.post(f"{HOME}/labels", {"name": "support", "color": "aabbcc"})["color"] == "aabbcc"
    assert bot.get(f"{HOME}/labels/support")["name"] == "support"
    assert bot.patch(f"{HOME}/labels/support", {"new_name": "help"})["name"] == "help"
    assert bot.ask("DELETE", f"{HOME}/labels/help").status_code == 204
    assert bot.get(f"{HOME}/assignees/dee-fw", 204) is None
    assert bot.get(f"{HOME}/assignees/eve", 404)["message"] == "Not Found"
    assert {person["login"] for person in bot.get(f"{HOME}/assignees")} >= {"ada-fw", "bo-fw", "cy-fw", "dee-fw"}
    assert bot.get("/user")["login"] == "trellis-bot"
    assert bot.get("/users/ada-fw")["name"] == "Ada Ferreira"
    assert bot.get("/rate_limit")["resources"]["core"]["limit"] == 5000


def test_an_app_finds_its_installation_and_acts_through_it(bot: Asker) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"iss": "55"}).encode()).decode().rstrip("=")
    app = Asker(bot.sandbox, f"e30.{claims}.c2ln")
    assert app.get("/app")["slug"] == "trellis"
    installation = app.get("/repos/fennel-works/learning/installation")["id"]
    assert app.get(f"/app/installations/{installation}")["app_slug"] == "trellis"
    token = app.post(f"/app/installations/{installation}/access_tokens", {})["token"]
    acting = Asker(bot.sandbox, token)
    assert acting.post(f"{HOME}/issues", {"title": "By the App"})["user"]["login"] == "trellis[bot]"
    assert app.get("/app/hook/deliveries") == []
    assert bot.get("/app", 401)["message"] == "A JSON web token could not be decoded"


def test_addresses_in_answers_start_where_the_question_was_asked(bot: Asker) -> None:
    issue = bot.get(f"{HOME}/issues/1")
    for key in ("url", "repository_url", "comments_url", "labels_url", "events_url"):
        assert issue[key].startswith(f"{BASE}/repos/fennel-works/learning"), key
    assert issue["html_url"] == "http://localhost/issues/1"


def test_without_a_token_one_may_read_but_not_write(bot: Asker) -> None:
    anyone = Asker(bot.sandbox, "")
    assert anyone.get(f"{HOME}/issues/1")["number"] == 1
    anyone.post(f"{HOME}/issues", {"title": "x"}, 401)
    assert Asker(bot.sandbox, "nonsense").get("/user", 401)["message"] == "Bad credentials"


def test_lists_filter_sort_and_page_with_numeric_links(bot: Asker, ada: Asker) -> None:
    for n in range(5):
        ada.post(f"{HOME}/issues", {"title": f"Goal {n}", "labels": ["ILO"], "assignees": ["ada-fw"] if n else []})
    bot.patch(f"{HOME}/issues/3", {"state": "closed"})
    assert [i["number"] for i in bot.get(f"{HOME}/issues?labels=ILO&creator=ada-fw")] == [6, 5, 4, 2]
    assert [i["number"] for i in bot.get(f"{HOME}/issues?state=all&labels=ilo&direction=asc")] == [2, 3, 4, 5, 6]
    assert [i["number"] for i in bot.get(f"{HOME}/issues?labels=ILO&assignee=none")] == [2]
    assert [i["number"] for i in bot.get(f"{HOME}/issues?labels=ILO&assignee=ada-fw")] == [6, 5, 4]
    assert bot.get(f"{HOME}/issues?labels=ILO,golden-ticket") == []
    answer = bot.ask("GET", "/repos/fennel-works/learning/issues?state=all&per_page=2&page=2")
    assert f'<{BASE}/repositories/4001/issues?state=all&per_page=2&page=3>; rel="next"' in answer.headers["Link"]
    assert 'rel="last"' in answer.headers["Link"]
    bot.control("POST", "/clock", {"advance_seconds": 3600})
    stamp = bot.post(f"{HOME}/issues/2/comments", {"body": "later"})["created_at"]
    assert [i["number"] for i in bot.get(f"{HOME}/issues?state=all&since={stamp}")] == [2]


def test_labels_and_assignees_of_an_outsider_are_dropped_without_a_word(eve: Asker, bot: Asker) -> None:
    issue = eve.post(f"{HOME}/issues", {"title": "Mine", "labels": ["ILO"], "assignees": ["ada-fw"]})
    assert (issue["labels"], issue["assignees"]) == ([], [])
    kept = bot.post(f"{HOME}/issues", {"title": "Ours", "assignees": ["eve", "nobody", "ada-fw"]})
    assert [person["login"] for person in kept["assignees"]] == ["ada-fw"]
    eve.patch(f"{HOME}/issues/{kept['number']}", {"state": "closed"}, 403)


def test_bad_requests_are_refused_in_githubs_words(bot: Asker) -> None:
    missing = bot.post(f"{HOME}/issues", {"body": "no title"}, 422)
    assert missing["errors"] == [{"resource": "Issue", "field": "title", "code": "missing_field"}]
    assert "is not an array" in bot.post(f"{HOME}/issues", {"title": "x", "labels": "ILO"}, 422)["message"]
    long = bot.post(f"{HOME}/issues/1/comments", {"body": "x" * 65_537}, 422)
    assert long["errors"][0]["message"] == "body is too long (maximum is 65536 characters)"
    twice = bot.post(f"{HOME}/labels", {"name": "ilo", "color": "ffffff"}, 422)
    assert twice["errors"][0]["code"] == "already_exists"
    bot.patch(f"{HOME}/issues/1", {"state": "closed", "state_reason": "bored"}, 422)
    assert bot.get(f"{HOME}/issues/99", 404)["message"] == "Not Found"
    assert bot.ask("GET", "/repos/fennel-works/nothing").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("sent", ["ILO", 7, False], ids=repr)
def test_labels_that_are_neither_an_object_nor_a_list_are_refused(bot: Asker, method: str, sent: Any) -> None:
    before = bot.get(f"{HOME}/issues/1/labels")
    refused = bot.ask(method, f"{HOME}/issues/1/labels", sent)
    assert (refused.status_code, refused.get_json()["message"]) == (
        422,
        f"Invalid request.\n\n{json.dumps(sent)} is not an object.",
    )
    assert bot.get(f"{HOME}/issues/1/labels") == before


@pytest.mark.parametrize("state", [["closed"], {"closed": True}], ids=repr)
def test_a_list_or_an_object_is_no_state_of_an_issue(bot: Asker, state: Any) -> None:
    refused = bot.patch(f"{HOME}/issues/1", {"state": state}, 422)
    assert refused["message"].endswith(f"For 'properties/state', {json.dumps(state)} is not a string.")
    assert bot.get(f"{HOME}/issues/1")["state"] == "open"


def test_closing_says_why_when_and_by_whom(bot: Asker) -> None:
    closed = bot.patch(f"{HOME}/issues/1", {"state": "closed"})
    assert (closed["state_reason"], closed["closed_by"]["login"]) == ("completed", "trellis-bot")
    assert closed["closed_at"] is not None
    opened = bot.patch(f"{HOME}/issues/1", {"state": "open"})
    assert (opened["state_reason"], opened["closed_at"]) == ("reopened", None)
    assert (
        bot.patch(f"{HOME}/issues/1", {"state": "closed", "state_reason": "duplicate"})["state_reason"] == "duplicate"
    )


def test_deleted_transferred_locked_and_archived_things_answer_as_on_github(bot: Asker) -> None:
    for n in (2, 3, 4):
        bot.post(f"{HOME}/issues", {"title": f"Issue {n}"})
    bot.control("POST", "/github/issues/2/delete")
    assert bot.get(f"{HOME}/issues/2", 410)["message"] == "This issue was deleted"
    bot.control("POST", "/github/issues/3/transfer")
    moved = bot.ask("GET", f"{HOME}/issues/3")
    assert (moved.status_code, moved.headers["Location"]) == (301, f"{BASE}/repositories/4002/issues/1")
    bot.control("POST", "/github/issues/4/lock")
    assert "locked" in bot.post(f"{HOME}/issues/4/comments", {"body": "hi"}, 403)["message"]
    bot.control("POST", "/github/repository", {"archived": True})
    assert bot.post(f"{HOME}/issues", {"title": "x"}, 403)["message"] == "Repository was archived so is read-only."
    bot.control("POST", "/github/repository", {"archived": False, "has_issues": False})
    bot.post(f"{HOME}/issues", {"title": "x"}, 410)
    bot.control("POST", "/github/repository", {"hidden": True})
    bot.get(HOME, 404)


def test_a_renamed_repository_sends_readers_and_writers_to_its_number(bot: Asker) -> None:
    bot.control("POST", "/github/repository", {"rename": "fennel-works/growing"})
    reading = bot.ask("GET", "/repos/fennel-works/learning/issues?state=all")
    assert (reading.status_code, reading.headers["Location"]) == (301, f"{BASE}/repositories/4001/issues?state=all")
    writing = bot.ask("POST", "/repos/fennel-works/learning/issues", {"title": "x"}, judged=False)
    assert (writing.status_code, writing.headers["Location"]) == (307, f"{BASE}/repositories/4001/issues")
    assert bot.get(HOME)["full_name"] == "fennel-works/growing"


def test_too_many_writes_meet_the_secondary_limit(bot: Asker) -> None:
    bot.control("POST", "/limits", {"per_minute": 2})
    for _ in range(2):
        bot.post(f"{HOME}/issues/1/comments", {"body": "hi"})
    refused = bot.ask("POST", f"{HOME}/issues/1/comments", {"body": "hi"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (403, "60")
    assert "secondary rate limit" in refused.get_json()["message"]
    assert int(bot.ask("GET", HOME).headers["X-RateLimit-Remaining"]) < 5000


# What GitHub sends


def test_one_act_of_a_person_arrives_as_several_deliveries(ada: Asker) -> None:
    ada.post(f"{HOME}/issues", {"title": "Goal", "labels": ["ILO"], "assignees": ["ada-fw"]})
    assert ada.actions() == ["issues.opened", "issues.labeled", "issues.assigned"]
    assert [label["name"] for label in ada.deliveries()[0]["payload"]["issue"]["labels"]] == ["ILO"]
    assert {delivery["payload"]["sender"]["login"] for delivery in ada.deliveries()} == {"ada-fw"}


def test_every_delivery_satisfies_githubs_schema_and_bears_a_true_signature(bot: Asker) -> None:
    bot.post(f"{HOME}/issues", {"title": "Goal", "labels": ["ILO"], "assignees": ["ada-fw"]})
    bot.patch(f"{HOME}/issues/2", {"title": "Goal!", "body": "b", "labels": ["x"], "assignees": ["bo-fw"]})
    bot.patch(f"{HOME}/issues/2", {"state": "closed"})
    bot.patch(f"{HOME}/issues/2", {"state": "open"})
    comment = bot.post(f"{HOME}/issues/2/comments", {"body": "hi"})
    bot.patch(f"{HOME}/issues/comments/{comment['id']}", {"body": "ho"})
    bot.ask("DELETE", f"{HOME}/issues/comments/{comment['id']}")
    bot.post(f"{HOME}/labels", {"name": "made", "color": "000000"})
    bot.patch(f"{HOME}/labels/made", {"new_name": "remade"})
    bot.ask("DELETE", f"{HOME}/labels/remade")
    bot.control("POST", "/github/issues/2/lock")
    bot.control("POST", "/github/issues/2/transfer")
    bot.control("POST", "/github/issues/1/delete")
    bot.control("POST", "/github/repository", {"rename": "fennel-works/growing", "archived": True})
    actions = set(bot.actions())
    of_issues = {"opened", "labeled", "unlabeled", "assigned", "unassigned", "edited", "closed", "reopened", "locked"}
    assert actions >= {f"issues.{action}" for action in of_issues | {"transferred", "deleted"}}
    assert actions >= {f"issue_comment.{action}" for action in ("created", "edited", "deleted")}
    assert actions >= {"label.created", "label.edited", "label.deleted", "repository.renamed", "repository.archived"}
    for delivery in bot.deliveries():
        assert check_webhook(delivery["event"], delivery["payload"]) == [], delivery["action"]
        digest = hmac.new(b"fennel-webhook-secret", delivery["body"].encode(), hashlib.sha256).hexdigest()
        assert delivery["headers"]["X-Hub-Signature-256"] == f"sha256={digest}"
        assert delivery["headers"]["X-GitHub-Event"] == delivery["event"]


def test_a_change_to_nothing_sends_nothing(bot: Asker) -> None:
    before = bot.get(f"{HOME}/issues/1")
    bot.patch(f"{HOME}/issues/1", {"title": before["title"], "labels": ["question"], "state": "open"})
    assert bot.actions() == []


def test_deliveries_arrive_are_recorded_and_can_be_asked_for_again(live: Server, receiver: Receiver) -> None:
    receiver.answers = 500
    as_bot(live, "POST", f"{HOME}/issues", {"title": "Goal"})
    settle(live)
    headers, body = receiver.received[0]
    assert headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert json.loads(body)["action"] == "opened"
    failed = as_bot(live, "GET", f"{HOME}/hooks/77/deliveries?status=failure").json()
    assert [(d["event"], d["status_code"], d["redelivery"]) for d in failed] == [("issues", 500, False)]
    receiver.answers = 202
    path = f"{HOME}/hooks/77/deliveries/{failed[0]['id']}"
    whole = as_bot(live, "GET", path)
    assert check_reply("GET", whole.url, 200, whole.headers, whole.content, f"{live.url}/github") == []
    again = as_bot(live, "POST", f"{path}/attempts")
    assert again.status_code == 202
    assert check_reply("POST", again.url, 202, again.headers, again.content, f"{live.url}/github") == []
    settle(live)
    first, second = (headers["X-GitHub-Delivery"] for headers, _ in receiver.received)
    assert first == second
    listed = as_bot(live, "GET", f"{HOME}/hooks/77/deliveries?per_page=1")
    assert (listed.json()[0]["status"], listed.json()[0]["redelivery"]) == ("OK", True)
    older = requests.get(listed.links["next"]["url"], headers={"Authorization": "token trellis-bot"}, timeout=5)
    assert older.json()[0]["id"] == failed[0]["id"]


def test_deliveries_can_be_held_reversed_and_doubled(live: Server, receiver: Receiver) -> None:
    order(live, "POST", "/deliveries", {"mode": "hold"})
    order(live, "POST", "/github/issues", {"as": "bo-fw", "title": "Goal", "labels": ["ILO"]})
    assert order(live, "GET", "/deliveries/idle") == {"idle": True, "held": 2}
    assert receiver.received == []
    order(live, "POST", "/deliveries/flush", {"order": "reverse"})
    settle(live)
    assert [json.loads(body)["action"] for _, body in receiver.received] == ["labeled", "opened"]
    order(live, "POST", "/deliveries", {"mode": "double"})
    order(live, "POST", "/github/issues/2/comments", {"as": "bo-fw", "body": "/done"})
    settle(live)
    guids = [headers["X-GitHub-Delivery"] for headers, _ in receiver.received[2:]]
    assert len(guids) == 2
    assert guids[0] == guids[1]


def test_a_delivery_that_goes_missing_arrives_only_when_it_is_asked_for_again(live: Server, receiver: Receiver) -> None:
    order(live, "POST", "/deliveries", {"mode": "missing"})
    as_bot(live, "POST", f"{HOME}/issues", {"title": "Goal"})
    settle(live)
    assert receiver.received == []
    [failed] = as_bot(live, "GET", f"{HOME}/hooks/77/deliveries?status=failure").json()
    assert (failed["status_code"], failed["redelivery"]) == (502, False)
    assert as_bot(live, "POST", f"{HOME}/hooks/77/deliveries/{failed['id']}/attempts").status_code == 202
    settle(live)
    [(headers, _)] = receiver.received
    assert headers["X-GitHub-Delivery"] == failed["guid"]


def test_bad_weather_befalls_some_deliveries_and_what_is_forgotten_is_nowhere(live: Server, receiver: Receiver) -> None:
    weather = {"doubled": 0.2, "reordered": 0.2, "missing": 0.2, "forgotten": 0.2}
    order(live, "POST", "/deliveries", {"weather": weather, "seed": 7, "carriers": 3, "also_to": [receiver.url]})
    for n in range(40):
        order(live, "POST", "/github/issues/1/comments", {"as": "bo-fw", "body": f"Word {n}"})
    settle(live)
    listed = order(live, "GET", "/deliveries")
    assert {one["number"] for one in listed} == {1}
    arrived = [headers["X-GitHub-Delivery"] for headers, _ in receiver.received]
    missing = {one["guid"] for one in listed if one["status"] != "OK"}
    assert len({one["guid"] for one in listed}) < 40
    assert len(arrived) > len(set(arrived))
    assert missing
    assert not missing & set(arrived)
    order(live, "POST", "/deliveries", {"weather": {}})
    order(live, "POST", "/github/issues/1/comments", {"as": "bo-fw", "body": "Fine again"})
    settle(live)
    assert len(receiver.received) == len(arrived) + 1


def test_a_reset_forgets_the_other_addresses_of_the_service(live: Server, receiver: Receiver) -> None:
    order(live, "POST", "/deliveries", {"also_to": [NOWHERE]})
    order(live, "POST", "/reset")
    for n in range(12):
        order(live, "POST", "/github/issues/1/comments", {"as": "bo-fw", "body": f"Word {n}"})
    settle(live)
    assert {one["status"] for one in order(live, "GET", "/deliveries")} == {"OK"}
    assert len(receiver.received) == 12


def test_webhooks_are_not_shown_to_whoever_may_not_write(bot: Asker, ada: Asker) -> None:
    ada.get(f"{HOME}/hooks", status=403)
    ada.get(f"{HOME}/hooks/77/deliveries", status=403)
    assert [one["id"] for one in bot.get(f"{HOME}/hooks")] == [77]


def test_a_service_that_is_not_there_is_a_recorded_failure(live: Server, receiver: Receiver) -> None:
    receiver.server.shutdown()
    receiver.server.server_close()
    as_bot(live, "POST", f"{HOME}/issues", {"title": "Goal"})
    settle(live)
    assert order(live, "GET", "/world")["deliveries"][0]["status"] == "failed to connect to host"


# PyGithub, the client that Trellis uses


def test_pygithub_works_against_the_stand_in(live: Server) -> None:
    github = Github(
        base_url=f"{live.url}/github",
        auth=Auth.Token("trellis-bot"),
        lazy=True,
        per_page=2,
        seconds_between_writes=None,
        seconds_between_requests=None,
    )
    repository = github.get_repo(4001)
    issue = repository.create_issue("Weave", body="b", labels=["ILO"], assignees=["ada-fw"])
    assert (issue.number, issue.labels[0].name, issue.assignees[0].login) == (2, "ILO", "ada-fw")
    comment = issue.create_comment("Well begun.")
    comment.edit("Better.")
    issue.add_to_labels("new")
    issue.remove_from_labels("new")
    issue.edit(state="closed", state_reason="not_planned")
    assert (issue.state, issue.state_reason) == ("closed", "not_planned")
    for n in range(3):
        repository.create_issue(f"Issue {n}")
    assert [found.number for found in repository.get_issues(state="all")] == [5, 4, 3, 2, 1]
    assert [found.body for found in issue.get_comments()] == ["Better."]
    assert repository.has_in_assignees("dee-fw")
    assert not repository.has_in_assignees("eve")
    assert github.get_user().login == "trellis-bot"
    github.close()


# Faults


def test_faults_before_the_work_leave_nothing_and_faults_after_it_leave_everything(bot: Asker) -> None:
    def faulty(name: str) -> tuple[int, int]:
        bot.control("POST", "/faults", {"side": "github", "method": "POST", "path": "/comments$", "fault": name})
        before = len(bot.get(f"{HOME}/issues/1/comments"))
        status = bot.ask("POST", f"{HOME}/issues/1/comments", {"body": name}, judged=False).status_code
        return status, len(bot.get(f"{HOME}/issues/1/comments")) - before

    assert faulty("before_500") == (500, 0)
    assert faulty("before_503") == (503, 0)
    assert faulty("after_502") == (502, 1)
    assert faulty("limit_429") == (429, 0)
    assert faulty("limit_403") == (403, 0)
    assert faulty("redirect_307") == (307, 0)
    assert faulty("redirect_301") == (301, 0)
    assert faulty("garbage_after") == (200, 1)
    assert [seen["fault"] for seen in bot.control("GET", "/requests") if seen["fault"]][:2] == [
        "before_500",
        "before_503",
    ]


def test_a_fault_waits_for_its_path_skips_and_counts(bot: Asker) -> None:
    bot.control(
        "POST", "/faults", {"side": "github", "path": "/issues/1$", "skip": 1, "count": 2, "fault": "before_500"}
    )
    statuses = [bot.ask("GET", f"{HOME}/issues/1", judged=False).status_code for _ in range(4)]
    assert statuses == [200, 500, 500, 200]
    bot.control("POST", "/faults", {"side": "github", "count": None, "fault": "before_503"})
    assert bot.ask("GET", HOME, judged=False).status_code == 503
    assert bot.control("DELETE", "/faults") == []
    bot.get(HOME)


def test_the_weather_makes_some_calls_go_wrong_and_the_same_seed_the_same_ones(bot: Asker) -> None:
    def statuses() -> list[int]:
        faults = [{"side": "github", "fault": "before_500", "chance": 0.3}, {"side": "loomio", "fault": "before_503"}]
        bot.control("POST", "/weather", {"seed": 5, "faults": faults})
        return [bot.ask("GET", f"{HOME}/issues/1", judged=False).status_code for _ in range(30)]

    first = statuses()
    assert set(first) == {200, 500}
    assert statuses() == first
    assert bot.control("DELETE", "/weather") == []
    assert {bot.ask("GET", f"{HOME}/issues/1").status_code for _ in range(10)} == {200}


def test_more_people_can_be_let_into_the_co_op(bot: Asker) -> None:
    bot.control("POST", "/people", {"members": [{"username": "fi", "name": "Fi Marlow"}]})
    assert bot.post(f"{HOME}/issues", {"title": "Goal", "assignees": ["fi-fw"]})["assignees"][0]["login"] == "fi-fw"
    world = bot.control("GET", "/world?only=people,issues")
    assert set(world) == {"people", "issues"}
    assert "fi" in [one["username"] for one in world["people"]]


def test_a_fault_nobody_knows_is_refused_with_the_list(bot: Asker) -> None:
    answer = bot.client.post("/_control/faults", json={"side": "github", "fault": "meteor"})
    assert answer.status_code == 400
    assert "after_502" in answer.get_json()["error"]


def test_labels_and_assignees_can_be_dropped_and_lists_can_lag(bot: Asker) -> None:
    for fault in ("drop_labels", "drop_assignees"):
        bot.control("POST", "/faults", {"side": "github", "method": "POST", "fault": fault})
    sent = {"title": "Goal", "labels": ["ILO"], "assignees": ["ada-fw"]}
    assert bot.post(f"{HOME}/issues", sent)["labels"] == []
    assert bot.post(f"{HOME}/issues", sent)["assignees"] == []
    bot.control("POST", "/faults", {"side": "github", "fault": "list_lag", "seconds": 30})
    assert [issue["number"] for issue in bot.get(f"{HOME}/issues")] == [1]
    assert [issue["number"] for issue in bot.get(f"{HOME}/issues")] == [3, 2, 1]


@pytest.mark.parametrize(("fault", "comments"), [("reset_before", 0), ("reset_after", 1)])
def test_a_connection_can_be_dropped_before_or_after_the_work(live: Server, fault: str, comments: int) -> None:
    order(live, "POST", "/faults", {"side": "github", "method": "POST", "fault": fault})
    with pytest.raises(requests.ConnectionError):
        as_bot(live, "POST", f"{HOME}/issues/1/comments", {"body": "hi"})
    assert len(as_bot(live, "GET", f"{HOME}/issues/1/comments").json()) == comments


@pytest.mark.parametrize(("fault", "comments"), [("before_hang", 0), ("after_hang", 1)])
def test_an_answer_can_be_held_until_released(live: Server, fault: str, comments: int) -> None:
    order(live, "POST", "/faults", {"side": "github", "method": "POST", "fault": fault})
    with pytest.raises(requests.ReadTimeout):
        as_bot(live, "POST", f"{HOME}/issues/1/comments", {"body": "hi"}, timeout=0.3)
    assert len(as_bot(live, "GET", f"{HOME}/issues/1/comments").json()) == comments
    order(live, "POST", "/release")


# Branches, files and pull requests

FORM = f"{HOME}/contents/.github/ISSUE_TEMPLATE/ilo.yml"


def text(said: str) -> str:
    return base64.b64encode(said.encode()).decode()


def head(asker: Asker, branch: str = "main") -> str:
    sha: str = asker.get(f"{HOME}/git/ref/heads/{branch}")["object"]["sha"]
    return sha


def propose(bot: Asker) -> Any:
    bot.post(f"{HOME}/git/refs", {"ref": "refs/heads/trellis/forms", "sha": head(bot)})
    sent = {"message": "Add a form", "content": text("name: Goal\n"), "branch": "trellis/forms"}
    assert bot.ask("PUT", FORM, sent).status_code == 201
    return bot.post(f"{HOME}/pulls", {"title": "Forms", "head": "trellis/forms", "base": "main", "body": "Three"})


def test_a_file_on_a_branch_is_proposed_as_githubs_description_has_it(bot: Asker) -> None:
    pull = propose(bot)

    assert (pull["number"], pull["state"], pull["changed_files"]) == (2, "open", 1)
    assert bot.post(f"{HOME}/issues", {"title": "Weave"})["number"] == 3, "issues and pull requests share one row"
    found = bot.get(f"{FORM}?ref=trellis/forms")
    assert base64.b64decode(found["content"]) == b"name: Goal\n"
    assert found["sha"] == hashlib.sha1(b"blob 11\0name: Goal\n").hexdigest()
    assert bot.get(FORM, 404)["message"] == "Not Found", "main is as it was"
    assert bot.get(f"{FORM}?ref=nowhere", 404)["message"] == "No commit found for the ref nowhere"
    (listed,) = bot.get(f"{HOME}/pulls?head=fennel-works:trellis/forms&state=open")
    assert listed["html_url"] == pull["html_url"]
    assert bot.get(f"{HOME}/pulls?head=fennel-works:else") == []
    assert len(bot.get(f"{HOME}/pulls?head=else&base=main")) == 1, "a head without an owner is passed over"
    assert bot.get(f"{HOME}/pulls?state=closed") == bot.get(f"{HOME}/pulls?base=else") == []


def test_a_file_is_replaced_only_by_whoever_saw_it(bot: Asker) -> None:
    propose(bot)
    sent = {"message": "Renew", "content": text("name: Aim\n"), "branch": "trellis/forms"}
    assert bot.ask("PUT", FORM, sent).status_code == 422
    assert bot.ask("PUT", FORM, sent | {"sha": "0" * 40}, judged=False).status_code == 409
    seen = bot.get(f"{FORM}?ref=trellis/forms")["sha"]
    assert bot.ask("PUT", FORM, sent | {"sha": seen}).status_code == 200
    assert bot.get(f"{FORM}?ref=trellis/forms")["sha"] != seen


@pytest.mark.parametrize(
    "change",
    [{"message": " "}, {"content": "not base64"}, {"content": None}, {"branch": "nowhere"}],
    ids=lambda change: next(iter(change)),
)
def test_a_file_that_makes_no_sense_is_refused(bot: Asker, change: dict[str, Any]) -> None:
    sent = {"message": "Add", "content": text("a"), "branch": "main"} | change
    assert bot.ask("PUT", FORM, sent).status_code in (404, 422)
    assert bot.get(FORM, 404)


@pytest.mark.parametrize("branch", [["main"], {"main": True}], ids=repr)
def test_a_list_or_an_object_is_no_branch_to_write_on(bot: Asker, branch: Any) -> None:
    refused = bot.ask("PUT", FORM, {"message": "Add", "content": text("a"), "branch": branch})
    problem = f"For 'properties/branch', {json.dumps(branch)} is not a string."
    assert (refused.status_code, refused.get_json()["message"].endswith(problem)) == (422, True)
    assert bot.get(FORM, 404)


@pytest.mark.parametrize("sha", [["0" * 40], {"0" * 40: True}], ids=["list", "object"])
def test_a_list_or_an_object_is_no_commit_and_no_file(bot: Asker, sha: Any) -> None:
    problem = f"For 'properties/sha', {json.dumps(sha)} is not a string."
    propose(bot)
    before = head(bot, "trellis/forms")
    made = bot.post(f"{HOME}/git/refs", {"ref": "refs/heads/x", "sha": sha}, 422)
    moved = bot.patch(f"{HOME}/git/refs/heads/trellis/forms", {"sha": sha, "force": True}, 422)
    sent = {"message": "Renew", "content": text("a"), "branch": "trellis/forms", "sha": sha}
    replaced = bot.ask("PUT", FORM, sent)
    assert replaced.status_code == 422
    assert all(one["message"].endswith(problem) for one in (made, moved, replaced.get_json()))
    assert bot.get(f"{HOME}/git/ref/heads/x", 404)
    assert head(bot, "trellis/forms") == before


def test_a_branch_is_made_once_and_moves_back_only_when_forced(bot: Asker) -> None:
    first = head(bot)
    propose(bot)
    there = f"{HOME}/git/refs/heads/trellis/forms"
    again = {"ref": "refs/heads/trellis/forms", "sha": first}
    assert bot.post(f"{HOME}/git/refs", again, 422)["message"] == "Reference already exists"
    assert bot.patch(there, {"sha": first}, 422)["message"] == "Update is not a fast forward"
    assert bot.patch(there, {"sha": first, "force": True})["object"]["sha"] == first
    assert bot.patch(f"{HOME}/git/refs/heads/else", {"sha": first}, 422)["message"] == "Reference does not exist"
    assert bot.patch(there, {"sha": "0" * 40}, 422)["message"] == "Object does not exist"
    assert bot.post(f"{HOME}/git/refs", again | {"sha": "0" * 40, "ref": "refs/heads/x"}, 422)
    assert bot.post(f"{HOME}/git/refs", again | {"ref": "forms"}, 422)
    assert bot.get(f"{HOME}/git/ref/tags/v1", 404)


def test_a_pull_request_needs_something_to_bring_in_and_is_one_for_each_branch(bot: Asker) -> None:
    bot.post(f"{HOME}/git/refs", {"ref": "refs/heads/empty", "sha": head(bot)})
    nothing = bot.post(f"{HOME}/pulls", {"title": "x", "head": "empty", "base": "main"}, 422)
    assert nothing["errors"][0]["message"] == "No commits between main and empty"
    propose(bot)
    second = bot.post(f"{HOME}/pulls", {"title": "x", "head": "trellis/forms", "base": "main"}, 422)
    assert second["errors"][0]["message"] == "A pull request already exists for fennel-works:trellis/forms."
    assert bot.post(f"{HOME}/pulls", {"title": "x", "head": "nowhere", "base": "main"}, 422)
    assert bot.post(f"{HOME}/pulls", {"title": " ", "head": "empty", "base": "main"}, 422)


def test_without_the_right_to_write_nothing_is_written(bot: Asker, ada: Asker) -> None:
    sha = head(ada)
    for answer in (
        ada.ask("POST", f"{HOME}/git/refs", {"ref": "refs/heads/x", "sha": sha}),
        ada.ask("PATCH", f"{HOME}/git/refs/heads/main", {"sha": sha}),
        ada.ask("PUT", FORM, {"message": "m", "content": text("a")}),
        ada.ask("POST", f"{HOME}/pulls", {"title": "x", "head": "main", "base": "main"}),
    ):
        assert answer.status_code == 403
        assert answer.headers["X-Accepted-GitHub-Permissions"] in ("contents=write", "pull_requests=write")
    assert head(bot) == sha


def test_an_empty_repository_says_so(bot: Asker) -> None:
    bot.sandbox.world.repositories[4001].branches.clear()
    assert bot.ask("GET", f"{HOME}/git/ref/heads/main", judged=False).status_code == 409


# Time and beginnings


def test_the_clock_moves_the_stamps_and_its_file(live: Server, tmp_path: Path) -> None:
    assert (tmp_path / "clock").read_text() == "0\n"
    order(live, "POST", "/clock", {"to": "2031-05-04T12:00:00Z"})
    offset = int((tmp_path / "clock").read_text())
    assert offset == order(live, "GET", "/clock")["offset_seconds"]
    assert as_bot(live, "POST", f"{HOME}/issues", {"title": "x"}).json()["created_at"].startswith("2031-05-04T12:00:0")
    order(live, "POST", "/clock", {"advance_seconds": -60})
    assert int((tmp_path / "clock").read_text()) == offset - 60
    order(live, "POST", "/reset")
    assert (tmp_path / "clock").read_text() == "0\n"
    assert as_bot(live, "GET", f"{HOME}/issues/2").status_code == 404
