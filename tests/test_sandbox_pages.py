"""People can play the co-op on the pages: open, comment, vote, close, and move time."""

import html
import json
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.app import Sandbox
from sandbox.forms import FORMS, render_body
from sandbox.markdown import render
from sandbox.settings import Settings, read_settings

KEY = {"Authorization": "Bearer fennel-loomio-key"}


class Visitor:
    """Somebody at the pages."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.sandbox = Sandbox(settings or Settings(service_url="http://127.0.0.1:9"))
        self.client = self.sandbox.app.test_client()

    def get(self, path: str, status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    def post(self, path: str, **sent: Any) -> str:
        """Send a form and read the page it leads to."""
        answer = self.client.post(path, data=sent)
        assert answer.status_code == 302, answer.text
        return self.get(answer.headers["Location"])

    def become(self, username: str) -> None:
        self.post("/me", username=username)

    def world(self) -> Any:
        return self.client.get("/_control/world").get_json()

    def issue(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = next(i for i in self.world()["issues"] if i["number"] == number)
        return found

    def start_poll(self, **attributes: Any) -> str:
        closing_at = (datetime.now(UTC) + timedelta(days=7)).isoformat()
        sent = {"group_id": 7, "title": "Shall we?", "poll_type": "proposal", "closing_at": closing_at, **attributes}
        sent.setdefault("options", ["agree", "disagree"])
        answer = self.client.post("/loomio/api/b2/polls", json={"poll": sent}, headers=KEY)
        key: str = answer.get_json()["polls"][0]["key"]
        return key

    def option_id(self, key: str, name: str) -> int:
        poll = next(poll for poll in self.world()["polls"] if poll["key"] == key)
        found: int = next(option["id"] for option in poll["options"] if option["name"] == name)
        return found


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


def test_home_shows_both_services_what_to_try_and_that_it_is_invented(visitor: Visitor) -> None:
    page = visitor.get("/")
    for words in ("invented people, nothing leaves this machine", "What to try", "Welcome: how this repository works"):
        assert words in page
    assert "Welcome to Fennel Works" in page
    assert 'http-equiv="refresh"' in page
    assert 'http-equiv="refresh"' not in visitor.get("/?still=1")


def test_one_may_be_any_member_and_nobody_else(visitor: Visitor) -> None:
    visitor.become("dee")
    assert re.search(r'value="dee" aria-pressed="true"', visitor.get("/"))
    visitor.become("eve")
    assert re.search(r'value="dee" aria-pressed="true"', visitor.get("/"))


def test_a_learning_goal_reads_as_github_would_render_its_form(visitor: Visitor) -> None:
    visitor.become("bo")
    answers = {
        "what": "To listen\r\nwell",
        "origin": "A team need",
        "how": ["Paired", "A project"],
        "partner": "@ada-fw",
        "stretch": "This one stretches me",
    }
    page = visitor.post("/issues/new/ilo", title="Listen", **answers)
    assert "To listen<br>" in page
    issue = visitor.issue(2)
    assert issue["body"] == (
        "### What do I want to learn?\n\nTo listen\r\nwell\n\n"
        "### Why does it matter to me?\n\n_No response_\n\n"
        "### Where does it come from?\n\nA team need\n\n"
        "### How will I learn it?\n\nPaired, A project\n\n"
        "### When …, then I will …\n\n_No response_\n\n"
        "### Partner\n\n@ada-fw\n\n"
        "### Which time do I protect for it?\n\n_No response_\n\n"
        "### Does it stretch me?\n\n- [X] This one stretches me\n\n"
        "### Who may know about it?\n\n_No response_\n\n"
        "### How shall we celebrate?\n\n_No response_"
    )
    assert (issue["author"], issue["assignees"], issue["labels"]) == ("bo-fw", ["bo-fw"], ["ILO"])
    assert [delivery["action"] for delivery in visitor.world()["deliveries"]] == ["opened", "labeled", "assigned"]


def test_a_golden_ticket_asks_for_cost_days_and_the_way_to_decide(visitor: Visitor) -> None:
    page = visitor.get("/issues/new/golden-ticket")
    for field in FORMS["golden-ticket"].fields:
        assert field.label in page
    assert "Start a proposal" in page
    visitor.post("/issues/new/golden-ticket", title="School", cost="480 EUR", decide="Start a proposal")
    issue = visitor.issue(2)
    assert issue["labels"] == ["golden-ticket"]
    assert "### What does it cost?\n\n480 EUR\n\n### First day\n\n_No response_" in issue["body"]


@pytest.mark.parametrize("slug", FORMS)
def test_a_body_names_every_question_once_and_in_order(slug: str) -> None:
    body = render_body(FORMS[slug], {})
    assert re.findall(r"### (.*)", body) == [field.label for field in FORMS[slug].fields]


@pytest.mark.parametrize("slug", FORMS)
def test_a_form_shows_every_question_option_and_hint(visitor: Visitor, slug: str) -> None:
    page = html.unescape(visitor.get(f"/issues/new/{slug}"))
    for field in FORMS[slug].fields:
        for words in (field.label, *field.options, field.hint, field.example):
            assert words in page


def test_a_pull_request_can_be_read_and_merged(visitor: Visitor) -> None:
    github, repository = visitor.sandbox.github, visitor.sandbox.world.repositories[4001]
    bot = visitor.sandbox.world.accounts["trellis-bot"]
    repository.branches["forms"] = repository.branches["main"]
    github.write_file(repository, bot, "forms", "ilo.yml", b"name: Goal\n", "Add it")
    github.open_pull(repository, bot, "Forms", "**Three**", "forms", "main")

    page = visitor.get("/pulls/2")
    for words in ("Forms", "<strong>Three</strong>", "ilo.yml", "name: Goal", "Merge as Ada"):
        assert words in page
    assert "Merged" in visitor.post("/pulls/2/merge")
    assert repository.files_on("main")["ilo.yml"] == b"name: Goal\n"
    assert "Merged" in visitor.post("/pulls/2/merge")
    visitor.get("/pulls/3", 404)


def test_support_is_asked_for_by_a_form_too(visitor: Visitor) -> None:
    visitor.post("/issues/new/support", title="Interviews", need="To practise", kind=["Time", "An assignment"])
    issue = visitor.issue(2)
    assert (issue["labels"], issue["assignees"]) == (["support"], [])
    assert "### Which kind of support is it?\n\nTime, An assignment" in issue["body"]


def test_a_blank_issue_takes_typed_labels(visitor: Visitor) -> None:
    visitor.post("/issues/new/blank", title="Odd", body="text", labels="ILO, odd")
    assert visitor.issue(2)["labels"] == ["ILO", "odd"]
    assert "needs a title" in visitor.post("/issues/new/blank", title=" ")


def test_an_issue_can_be_talked_about_closed_reopened_edited_labelled_and_assigned(visitor: Visitor) -> None:
    assert "well done" in visitor.post("/issues/1/comment", body="well done")
    assert "not planned" in visitor.post("/issues/1/state", state="not_planned")
    visitor.post("/issues/1/state", state="open")
    visitor.post("/issues/1/edit", title="New name", body="New text")
    visitor.post("/issues/1/labels", add="ILO")
    visitor.post("/issues/1/labels", remove="question")
    visitor.post("/issues/1/assignees", add="cy-fw")
    issue = visitor.issue(1)
    assert (issue["title"], issue["state"], issue["labels"], issue["assignees"]) == (
        "New name", "open", ["ILO"], ["cy-fw"],
    )  # fmt: skip
    assert issue["comments"][0]["author"] == "ada-fw"
    assert "New text" in visitor.get("/issues/1/edit")


def test_an_issue_page_refreshes_only_while_it_is_watched(visitor: Visitor) -> None:
    assert 'http-equiv="refresh"' not in visitor.get("/issues/1")
    watched = visitor.get("/issues/1?watch=1")
    assert 'http-equiv="refresh"' in watched
    assert "<textarea" not in watched


def test_what_people_type_never_becomes_a_tag_and_markers_stay_hidden(visitor: Visitor) -> None:
    page = visitor.post("/issues/1/comment", body="<script>alert(1)</script> [x](javascript:alert(1)) <!-- secret -->")
    assert "<script>" not in page
    assert 'href="javascript' not in page
    assert "secret" not in page


def test_simple_markdown_is_shown() -> None:
    html = str(
        render("## Title\n\n**bold** and `co*d*e`\nnext\n\n- [X] one\n- two\n\n1. first\n\n> said\n\n```\n<raw>\n```")
    )
    for part in (
        "<h4>Title</h4>", "<strong>bold</strong> and <code>co*d*e</code><br>", "☑ one", "<li>two</li>",
        "<ol><li>first</li></ol>", "<blockquote><p>said</p></blockquote>", "<pre><code>&lt;raw&gt;</code></pre>",
    ):  # fmt: skip
        assert part in html
    assert str(render("_No response_")) == "<p><em>No response</em></p>"
    assert 'href="http://127.0.0.1:8800/issues/2"' in str(render("see [it](http://127.0.0.1:8800/issues/2)."))
    assert str(render("snake_case_name")) == "<p>snake_case_name</p>"


def test_a_poll_is_voted_on_closed_decided_and_reopened(visitor: Visitor) -> None:
    key = visitor.start_poll()
    visitor.become("cy")
    page = visitor.post(f"/polls/{key}/vote", option=visitor.option_id(key, "Agree"), reason="Good <idea>")
    assert "Good &lt;idea&gt;" in page
    assert "Ada is one" in page
    assert "Only a coordinator" in visitor.post(f"/polls/{key}/close")
    visitor.become("ada")
    assert "Publish an outcome" in visitor.post(f"/polls/{key}/close")
    page = visitor.post(f"/polls/{key}/outcome", statement="We go.", option=visitor.option_id(key, "Agree"))
    assert "We go." in page
    assert "Your vote" in visitor.post(f"/polls/{key}/reopen")


def test_hidden_results_are_hidden_on_the_page_too(visitor: Visitor) -> None:
    key = visitor.start_poll(hide_results="until_closed")
    assert "stay hidden until the poll is closed" in visitor.get(f"/polls/{key}")


def test_a_thread_shows_its_polls_and_takes_comments(visitor: Visitor) -> None:
    thread = visitor.world()["discussions"][0]
    visitor.start_poll(topic_id=thread["topic_id"], title="In the thread?")
    assert "In the thread?" in visitor.get(f"/threads/{thread['key']}")
    assert "I like it" in visitor.post(f"/threads/{thread['key']}/comment", body="I like it")
    assert visitor.world()["comments"][0]["author"] == "ada"


def test_the_clock_only_moves_forward_from_the_pages(visitor: Visitor) -> None:
    visitor.post("/clock", move="hour")
    visitor.post("/clock", move="day")
    assert visitor.world()["offset_seconds"] in range(90_000, 90_003)
    assert "no open poll" in visitor.post("/clock", move="closing")


def test_past_closing_time_closes_the_next_poll(visitor: Visitor) -> None:
    key = visitor.start_poll()
    assert "Polls close" in visitor.get("/")
    visitor.post("/clock", move="closing", next=f"/polls/{key}")
    poll = visitor.world()["polls"][0]
    assert poll["status"] == "closed"


def test_to_the_next_nudge_asks_trellis_for_its_plan(tmp_path: Path) -> None:
    soon = datetime.now(UTC) + timedelta(days=3)
    script = tmp_path / "plan.py"
    plan = [{"at": (soon + timedelta(days=9)).isoformat()}, {"at": "2020-01-01T00:00:00Z"}, {"at": soon.isoformat()}]
    script.write_text(f"print({json.dumps({'messages': plan})!r})")
    visitor = Visitor(Settings(plan_command=f"{sys.executable} {script}"))
    visitor.post("/clock", move="nudge")
    ahead = datetime.fromisoformat(visitor.world()["now"]) - soon
    assert timedelta(seconds=59) <= ahead <= timedelta(seconds=65)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("print('{\"messages\": []}')", "plans no nudge"),
        ("print('tomorrow')", "not a plan"),
        ("import sys; sys.exit('no policy found')", "no policy found"),
    ],
)
def test_a_missing_or_broken_plan_is_explained(tmp_path: Path, script: str, words: str) -> None:
    (tmp_path / "plan.py").write_text(script)
    visitor = Visitor(Settings(plan_command=f"{sys.executable} {tmp_path / 'plan.py'}"))
    assert words in visitor.post("/clock", move="nudge")
    assert visitor.world()["offset_seconds"] == 0


def test_without_a_plan_command_the_button_says_so(visitor: Visitor) -> None:
    assert "--plan-command" in visitor.post("/clock", move="nudge")


def test_what_is_not_there_is_said_kindly(visitor: Visitor) -> None:
    for path in ("/issues/99", "/threads/nothere1", "/polls/nothere1", "/issues/new/else", "/nowhere"):
        assert "Nothing here" in visitor.get(path, 404)


def test_a_transferred_issue_is_shown_where_it_went(visitor: Visitor) -> None:
    visitor.client.post("/_control/github/issues/1/transfer", json={})
    assert "Welcome: how this repository works" in visitor.get("/issues/1")


def test_a_button_never_leads_to_another_site(visitor: Visitor) -> None:
    for elsewhere in ("//example.org", "https://example.org"):
        answer = visitor.client.post("/me", data={"username": "bo", "next": elsewhere})
        assert answer.headers["Location"] == "/"


def test_settings_come_from_arguments_then_the_environment_then_defaults() -> None:
    settings = read_settings(
        ["--port", "8801", "--service-url", "http://127.0.0.1:9/"],
        {"SANDBOX_PORT": "1", "SANDBOX_LOOMIO_VERSION": "3.0.20", "SANDBOX_CLOCK_FILE": "var/clock"},
    )
    assert (settings.port, settings.service_url) == (8801, "http://127.0.0.1:9")
    assert (settings.loomio_version, settings.clock_file) == ("3.0.20", Path("var/clock"))
    assert settings.github_token == "trellis-bot"


def test_the_command_says_it_is_ready_and_ends_within_a_second(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--clock-file", str(tmp_path / "clock")]
    command += ["--service-url", "http://127.0.0.1:9"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        fault: Any = {"side": "github", "fault": "before_hang", "seconds": 60}
        requests.post(f"{url}/_control/faults", json=fault, timeout=5)
        with pytest.raises(requests.ReadTimeout):
            requests.get(f"{url}/github/user", timeout=0.2)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
        assert time.monotonic() - started < 1
        assert process.stdout.read() == ""
