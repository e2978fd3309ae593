"""The stand-in for Loomio answers, refuses, loses, closes and tells as Loomio does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from sandbox.app import Sandbox
from sandbox.dialect import dialect_of
from sandbox.settings import Settings

KEY = "fennel-loomio-key"
OPTIONS = ["agree", "abstain", "disagree", "block"]
NO_ENTRY = {"error": "You are not authorized to access this page."}


class Caller:
    """Calls the stand-in with a key and plays its people through the controls."""

    def __init__(self, version: str = "3.8.1", key: str = KEY, sandbox: Sandbox | None = None) -> None:
        self.sandbox = sandbox or Sandbox(
            Settings(loomio_version=version, loomio_webhook_url="http://127.0.0.1:9/hooks/loomio/secret")
        )
        self.client = self.sandbox.app.test_client()
        self.headers = {"Authorization": f"Bearer {key}"} if dialect_of(version).bearer else {}

    def call(self, method: str, path: str, status: int = 200, **how: Any) -> Any:
        answer = self.answer(method, path, **how)
        assert answer.status_code == status, answer.text
        return answer.get_json(silent=True)

    def answer(self, method: str, path: str, **how: Any) -> TestResponse:
        return self.client.open(f"/loomio/api/b2{path}", method=method, headers=self.headers, **how)

    def start_thread(self, **attributes: Any) -> dict[str, Any]:
        sent = {"group_id": 7, "title": "Golden ticket (GT-0007)", **attributes}
        thread: dict[str, Any] = self.call("POST", "/discussions", json={"discussion": sent})["discussions"][0]
        return thread

    def start_poll(self, status: int = 200, **attributes: Any) -> dict[str, Any]:
        sent: dict[str, Any] = {"title": "Shall we? (GT-0007)", "poll_type": "proposal", "options": OPTIONS}
        sent |= {"closing_at": in_days(7), **attributes}
        if "topic_id" not in sent:
            sent["group_id"] = 7
        answer = self.call("POST", "/polls", status, json={"poll": sent})
        return self.primary(answer, "title", sent["title"]) if status == 200 else answer

    def poll(self, key: str) -> dict[str, Any]:
        return self.primary(self.call("GET", f"/polls/{key}"), "key", key)

    @staticmethod
    def primary(envelope: Any, name: str, value: object) -> dict[str, Any]:
        found: dict[str, Any] = next(poll for poll in envelope["polls"] if poll[name] == value)
        return found

    def control(self, path: str, sent: Any = None, status: int = 200) -> Any:
        answer = self.client.post(f"/_control{path}", json=sent or {})
        assert answer.status_code == status, answer.text
        return answer.get_json()

    def world(self) -> Any:
        return self.client.get("/_control/world").get_json()

    def vote(self, poll: dict[str, Any], username: str, option: str, reason: str = "") -> None:
        sent = {"poll_key": poll["key"], "username": username, "option": option, "reason": reason}
        self.control("/loomio/votes", sent)

    def chat(self) -> list[str]:
        return [d["payload"]["text"] for d in self.world()["deliveries"] if d["side"] == "loomio"]


def in_days(days: float) -> str:
    """A whole hour some days from now."""
    moment = datetime.now(UTC) + timedelta(days=days)
    return moment.replace(minute=0, second=0, microsecond=0).isoformat().replace("+00:00", "Z")


@pytest.fixture
def loomio() -> Caller:
    return Caller()


@pytest.fixture
def old() -> Caller:
    return Caller("3.0.20")


# Keys and versions


def test_the_version_is_public_and_up_is_plain(loomio: Caller) -> None:
    assert loomio.client.get("/loomio/api/v1/boot/version").get_json()["version"] == "3.8.1"
    assert loomio.client.get("/loomio/up").text == "ok"


def test_only_a_bearer_key_opens_the_present_version(loomio: Caller) -> None:
    assert [group["handle"] for group in loomio.call("GET", "/groups")["groups"]] == ["fennel-works"]
    assert loomio.client.get(f"/loomio/api/b2/groups?api_key={KEY}").status_code == 403
    for header in (f"bearer {KEY}", f"Bearer  {KEY}", "Bearer wrong", KEY):
        refused = loomio.client.get("/loomio/api/b2/groups", headers={"Authorization": header})
        assert (refused.status_code, refused.get_json()) == (403, NO_ENTRY)


def test_a_rotated_key_refuses_everything_until_the_new_one_comes(loomio: Caller) -> None:
    loomio.control("/loomio/key", {"key": "fresh"})
    assert loomio.call("GET", "/groups", 403) == NO_ENTRY
    loomio.headers = {"Authorization": "Bearer fresh"}
    loomio.call("GET", "/groups")


def test_the_bot_is_an_admin_and_no_voter(loomio: Caller) -> None:
    assert loomio.call("GET", "/groups/fennel-works")["memberships"][0]["admin"] is True
    poll = loomio.start_poll()
    assert poll["voters_count"] == 4
    people = loomio.call("GET", "/memberships?group_id=7")
    assert {user["username"] for user in people["users"]} == {"ada", "bo", "cy", "dee", "trellis"}
    assert people["meta"]["total"] == 5
    assert loomio.call("GET", "/memberships?group_id=8")["memberships"] == []
    loomio.call("GET", "/memberships", 404)


# Shapes that lose or refuse


def test_a_flat_poll_is_saved_without_group_and_options(loomio: Caller) -> None:
    sent = {"group_id": 7, "title": "Shall we?", "poll_type": "proposal", "options": OPTIONS}
    stray = loomio.call("POST", "/polls", json=sent)["polls"][0]
    assert (stray["group_id"], stray["poll_option_names"]) == (None, [])
    flat = loomio.call("POST", "/discussions", json={"group_id": 7, "title": "Hello"})["discussions"][0]
    assert flat["group_id"] is None
    assert len(loomio.world()["discussions"]) == 2


def test_unknown_keys_and_the_old_thread_key_are_refused(loomio: Caller) -> None:
    assert loomio.start_poll(400, discussion_id=601) == {"error": 400}
    assert loomio.start_poll(400, private=True) == {"error": 400}
    loomio.call("POST", "/discussions", 400, json={"discussion": {"title": "x", "colour": "red"}})


def test_titles_types_and_closing_times_are_checked(loomio: Caller) -> None:
    assert loomio.start_poll(422, title=" ") == {"errors": {"title": ["can't be blank"]}}
    assert loomio.start_poll(422, poll_type="duel")["errors"]["poll_type"] == ["is not included in the list"]
    this_hour = datetime.now(UTC).replace(minute=59, second=59).isoformat()
    assert loomio.start_poll(422, closing_at=this_hour) == {"errors": {"closing_at": ["Must be in the future"]}}
    assert loomio.start_poll(closing_at=in_days(2).replace(":00:00", ":59:59"))["closing_at"].endswith(":00:00.000Z")
    long = {"discussion": {"group_id": 7, "title": "x" * 151}}
    assert "too long" in loomio.call("POST", "/discussions", 422, json=long)["errors"]["title"][0]


def test_hidden_markers_do_not_survive(loomio: Caller) -> None:
    thread = loomio.start_thread(description="Hello <!-- trellis:1 --><blink>there</blink> <b>you</b>")
    assert thread["description"] == "Hello there <b>you</b>"


def test_an_anonymous_poll_without_a_closing_time_is_refused_and_yet_saved(loomio: Caller) -> None:
    assert loomio.start_poll(403, anonymous=True, closing_at=None) == NO_ENTRY
    assert len(loomio.world()["polls"]) == 1


def test_comments_are_flat_json_and_nothing_else(loomio: Caller) -> None:
    thread = loomio.start_thread()
    sent = {"discussion_id": thread["id"], "body": "Hello @ada", "body_format": "md"}
    comment = loomio.call("POST", "/comments", json=sent)["comments"][0]
    assert (comment["body"], comment["topic_id"]) == ("Hello @ada", thread["topic_id"])
    loomio.call("POST", "/comments", 400, json={"comment": sent})
    loomio.call("POST", "/comments", 400, data=sent)
    assert "Comment" in loomio.call("POST", "/comments", 403, json={"body": "Hello"})["error"]
    loomio.call("POST", "/comments", 422, json={**sent, "body": " "})
    loomio.call("POST", "/comments", 404, json={**sent, "discussion_id": 999})
    loomio.call("POST", "/comments", 500, json={**sent, "parent_type": "Comment", "parent_id": 999})
    assert loomio.world()["notices"][-1] | {"at": ""} == {
        "kind": "user_mentioned",
        "poll_id": 0,
        "user_ids": [11],
        "at": "",
    }


def test_what_one_may_not_see_and_what_is_not_there_sound_different(loomio: Caller) -> None:
    assert loomio.call("GET", "/polls?group_id=8", 403) == NO_ENTRY
    assert loomio.call("GET", "/polls", 404) == {"error": 404}
    assert loomio.call("GET", "/polls/nothere1", 404) == {"error": 404}
    stray = Caller(key="person-eve", sandbox=loomio.sandbox)
    poll = loomio.start_poll()
    assert stray.call("GET", f"/polls/{poll['key']}", 403) == {"error": "Not authorized to show Poll."}
    assert stray.call("POST", "/discussions", 403, json={"discussion": {"group_id": 7, "title": "x"}}) == {
        "error": "Not authorized to create Discussion."
    }


# Records


def test_a_known_option_becomes_a_label_with_an_icon(loomio: Caller) -> None:
    answer = loomio.call(
        "POST",
        "/polls",
        json={"poll": {"group_id": 7, "title": "T", "poll_type": "proposal", "options": ["agree", "Wait a year"]}},
    )
    assert answer["polls"][0]["poll_option_names"] == ["Agree", "Wait a year"]
    options = sorted(answer["poll_options"], key=lambda option: option["priority"])
    assert [option["icon"] for option in options] == ["agree", None]


def test_a_single_record_comes_as_a_list_that_may_hold_its_neighbours(loomio: Caller) -> None:
    topic_id = loomio.start_thread()["topic_id"]
    first = loomio.start_poll(topic_id=topic_id, title="First")
    assert len(loomio.call("GET", f"/polls/{first['id']}")["polls"]) == 1
    loomio.start_poll(topic_id=topic_id, title="Second")
    answer = loomio.call("GET", f"/polls/{first['id']}")
    assert {poll["title"] for poll in answer["polls"]} == {"First", "Second"}
    assert answer["meta"] == {"root": "polls"}
    slim = loomio.call("GET", f"/polls/{first['id']}?exclude_types=user poll_option&compact=1")
    assert not {"users", "poll_options", "topics", "groups"} & set(slim)


def test_results_count_people_and_end_with_the_undecided(loomio: Caller) -> None:
    poll = loomio.start_poll(quorum_pct=75)
    loomio.vote(poll, "ada", "agree", "Yes!")
    loomio.vote(poll, "bo", "Disagree")
    loomio.vote(poll, "bo", "abstain")
    poll = loomio.poll(poll["key"])
    rows = {row["icon"] or row["id"]: row for row in poll["results"]}
    assert [rows[icon]["voter_count"] for icon in OPTIONS] == [1, 1, 0, 0]
    assert (rows["agree"]["score"], rows["agree"]["score_percent"]) == (1.0, 50.0)
    assert isinstance(rows["agree"]["score"], float)
    assert (rows[-1]["voter_ids"], rows[-1]["score_percent"]) == ([13, 14], None)
    assert (poll["quorum_count"], poll["quorum_votes_required"]) == (3, 1)
    assert (poll["decided_voters_count"], poll["undecided_voters_count"], poll["cast_stances_pct"]) == (2, 2, 50)
    assert "status" not in poll


def test_hidden_results_are_absent_until_the_poll_is_closed(loomio: Caller) -> None:
    poll = loomio.start_poll(hide_results="until_closed")
    assert not {"results", "stance_counts", "total_score"} & set(poll)
    loomio.control(f"/loomio/polls/{poll['key']}/close")
    assert "results" in loomio.poll(poll["key"])


def test_an_anonymous_poll_names_nobody(loomio: Caller) -> None:
    poll = loomio.start_poll(anonymous=True)
    assert poll["hide_results"] == "until_closed"
    assert "decided_voters_count" not in poll
    loomio.vote(poll, "ada", "agree")
    loomio.control(f"/loomio/polls/{poll['key']}/close")
    row = loomio.poll(poll["key"])["results"][0]
    assert (row["voter_count"], row["voter_ids"]) == (1, [])
    loomio.control(f"/loomio/polls/{poll['key']}/reopen", status=400)


def test_sending_options_again_loses_their_votes(loomio: Caller) -> None:
    poll = loomio.start_poll()
    loomio.vote(poll, "ada", "agree")
    loomio.call("PATCH", f"/polls/{poll['id']}", json={"poll": {"options": OPTIONS}})
    changed = loomio.poll(poll["key"])
    assert changed["decided_voters_count"] == 0
    assert not set(changed["poll_option_ids"]) & set(poll["poll_option_ids"])


def test_discarded_records_answer_with_blanks(loomio: Caller) -> None:
    poll = loomio.start_poll()
    loomio.control(f"/loomio/polls/{poll['key']}/discard")
    gone = loomio.call("GET", f"/polls/{poll['key']}")["polls"][0]
    assert (gone["title"], gone["details"]) == (None, None)
    assert gone["discarded_at"]
    assert loomio.call("GET", "/polls?group_id=7&status=all")["polls"] == []


def test_lists_are_newest_first_and_by_status(loomio: Caller) -> None:
    keys = [loomio.start_poll(title=f"Poll {n}")["key"] for n in range(3)]
    loomio.control(f"/loomio/polls/{keys[0]}/close")
    assert [poll["key"] for poll in loomio.call("GET", "/polls?group_id=7")["polls"]] == [keys[2], keys[1]]
    assert [poll["key"] for poll in loomio.call("GET", "/polls?group_id=7&status=closed")["polls"]] == [keys[0]]
    page = loomio.call("GET", "/polls?group_id=7&status=all&limit=1&offset=1")
    assert ([poll["key"] for poll in page["polls"]], page["meta"]["total"]) == ([keys[1]], 3)
    threads = loomio.call("GET", "/discussions?group_id=7&status=open")
    assert [thread["title"] for thread in threads["discussions"]] == ["Welcome to Fennel Works"]


def test_the_history_of_a_thread_holds_votes_and_outcomes(loomio: Caller) -> None:
    thread = loomio.start_thread()
    poll = loomio.start_poll(topic_id=thread["topic_id"])
    loomio.vote(poll, "ada", "agree", "Go!")
    loomio.control(f"/loomio/polls/{poll['key']}/close")
    loomio.control("/loomio/outcomes", {"poll_key": poll["key"], "statement": "Done", "option": "agree"})
    answer = loomio.call("GET", f"/threads/{thread['topic_id']}/items")
    assert [item["kind"] for item in answer["items"]] == [
        "new_discussion",
        "poll_created",
        "stance_created",
        "poll_closed_by_user",
        "outcome_created",
    ]
    assert [stance["reason"] for stance in answer["stances"]] == ["Go!"]
    hits = loomio.call("GET", "/search?query=GT-0007")["search_results"]
    assert {hit["searchable_type"] for hit in hits} == {"Discussion", "Poll"}


def test_who_is_told_depends_on_what_was_asked(loomio: Caller) -> None:
    loomio.start_poll()
    loomio.start_poll(notify_on_open=False)
    reminded = loomio.start_poll(notify_on_open=False, notify_on_closing_soon="undecided_voters")
    loomio.vote(reminded, "ada", "agree")
    loomio.control("/clock", {"advance_seconds": 6 * 86_400 + 7200})
    notices = [(notice["kind"], notice["user_ids"]) for notice in loomio.world()["notices"]]
    assert notices == [("poll_created", [11, 12, 13, 14]), ("poll_closing_soon", [12, 13, 14])]


# Time


def test_a_poll_closes_some_minutes_late_and_voting_stops_on_time(loomio: Caller) -> None:
    poll = loomio.start_poll(closing_at=in_days(2))
    loomio.control("/clock", {"to": in_days(2)})
    assert loomio.poll(poll["key"])["closed_at"] is None
    sent = {"poll_key": poll["key"], "username": "ada", "option": "agree"}
    loomio.control("/loomio/votes", sent, 400)
    assert "Not authorized" in loomio.control(f"/loomio/polls/{poll['key']}/close", status=400)["error"]
    loomio.control("/clock", {"advance_seconds": 300})
    assert loomio.poll(poll["key"])["closed_at"].endswith(":05:00.000Z")
    assert any("proposal has closed" in text for text in loomio.chat())


def test_the_lag_of_closing_can_be_set(loomio: Caller) -> None:
    loomio.control("/loomio/settings", {"closing_lag_seconds": 3600})
    poll = loomio.start_poll(closing_at=in_days(1))
    loomio.control("/clock", {"to": in_days(1)})
    loomio.control("/clock", {"advance_seconds": 3000})
    assert loomio.poll(poll["key"])["closed_at"] is None
    loomio.control("/clock", {"advance_seconds": 700})
    assert loomio.poll(poll["key"])["closed_at"] is not None


def test_a_lapsed_poll_can_be_extended_and_a_closed_one_cannot(loomio: Caller) -> None:
    poll = loomio.start_poll(closing_at=in_days(1))
    loomio.control("/clock", {"to": in_days(1)})
    later = {"poll": {"closing_at": in_days(3)}}
    loomio.call("PATCH", f"/polls/{poll['id']}", json=later)
    loomio.control("/clock", {"advance_seconds": 3600})
    assert loomio.poll(poll["key"])["closed_at"] is None
    loomio.control(f"/loomio/polls/{poll['key']}/close")
    assert loomio.call("PATCH", f"/polls/{poll['id']}", 403, json=later) == {"error": "Not authorized to update Poll."}


def test_a_closed_poll_can_be_reopened_and_an_outcome_replaced(loomio: Caller) -> None:
    poll = loomio.start_poll()
    loomio.control(f"/loomio/polls/{poll['key']}/close")
    loomio.control("/loomio/outcomes", {"poll_key": poll["key"], "statement": "Yes"})
    second = loomio.control("/loomio/outcomes", {"poll_key": poll["key"], "statement": "No", "option": "block"})
    answer = loomio.call("GET", f"/polls/{poll['key']}")
    assert [outcome["statement"] for outcome in answer["outcomes"]] == ["No"]
    assert answer["polls"][0]["current_outcome_id"] == second["id"]
    assert answer["outcomes"][0]["poll_option_id"] == poll["poll_option_ids"][3]
    loomio.control(f"/loomio/polls/{poll['key']}/reopen")
    assert loomio.poll(poll["key"])["closed_at"] is None


def test_chat_messages_carry_words_and_nothing_to_trust(loomio: Caller) -> None:
    thread = loomio.start_thread()
    poll = loomio.start_poll(topic_id=thread["topic_id"])
    loomio.call("PATCH", f"/discussions/{thread['id']}", json={"discussion": {"title": "Renamed"}})
    loomio.control(f"/loomio/polls/{poll['key']}/close")
    loomio.control(f"/loomio/polls/{poll['key']}/reopen")
    loomio.control(f"/loomio/polls/{poll['key']}/close")
    loomio.control("/loomio/outcomes", {"poll_key": poll["key"], "statement": "Yes"})
    texts = loomio.chat()
    for words in ("started a proposal", "edited the discussion", "closed the", "reopened the", "published a"):
        assert any(words in text for text in texts), words
    sent = [delivery for delivery in loomio.world()["deliveries"] if delivery["side"] == "loomio"]
    assert {frozenset(delivery["payload"]) for delivery in sent} == {frozenset({"text", "icon_url", "username"})}
    assert not any("signature" in name.lower() for delivery in sent for name in delivery["headers"])
    assert not any(poll["key"] in text for text in texts)


# Faults


def test_limits_speak_plain_text(loomio: Caller) -> None:
    loomio.control("/faults", {"side": "loomio", "fault": "limit_429", "retry_after": 7})
    limited = loomio.answer("GET", "/groups")
    assert (limited.status_code, limited.text.strip(), limited.headers["Retry-After"]) == (429, "Retry later", "7")
    assert limited.content_type.startswith("text/plain")


def test_a_broken_answer_may_hide_a_finished_deed(loomio: Caller) -> None:
    loomio.control("/faults", {"side": "loomio", "method": "POST", "path": "/polls", "fault": "after_502"})
    loomio.start_poll(502)
    assert len(loomio.call("GET", "/polls?group_id=7")["polls"]) == 1
    loomio.control("/faults", {"side": "loomio", "path": "/polls", "fault": "list_lag", "seconds": 60})
    assert loomio.call("GET", "/polls?group_id=7")["polls"] == []


def test_a_daily_limit_on_invitations_comes_after_the_poll_was_saved(loomio: Caller, old: Caller) -> None:
    loomio.sandbox.loomio.invitations_left = old.sandbox.loomio.invitations_left = 3
    assert loomio.start_poll(429) == {"flash": {"error": "Daily invitation limit reached"}}
    sent = {"api_key": KEY, "group_id": 7, "title": "T", "poll_type": "proposal", "options": OPTIONS}
    old.call("POST", "/polls", 500, json=sent)
    assert [len(one.world()["polls"]) for one in (loomio, old)] == [1, 1]


def test_a_bot_that_may_not_tell_everybody_is_refused_after_the_poll_was_saved(loomio: Caller, old: Caller) -> None:
    for one in (loomio, old):
        for place in one.sandbox.world.memberships:
            place.admin = False
    assert loomio.start_poll(403, recipient_audience="group") == {"error": "Not authorized to announce Poll."}
    sent = {"api_key": KEY, "group_id": 7, "title": "T", "poll_type": "proposal", "notify_recipients": True}
    assert "CanCan" in old.call("POST", "/polls", 403, json=sent)["exception"]
    assert [len(one.world()["polls"]) for one in (loomio, old)] == [1, 1]


def test_chat_messages_come_doubled_and_late_like_any_other(loomio: Caller) -> None:
    loomio.control("/deliveries", {"mode": "double"})
    poll = loomio.start_poll()
    assert len(loomio.chat()) == 2
    loomio.control("/deliveries", {"mode": "hold"})
    loomio.control(f"/loomio/polls/{poll['key']}/close")
    held = [
        one for one in loomio.world()["deliveries"] if one["status"] == "pending" and "closed" in str(one["payload"])
    ]
    assert len(held) == 1


# What is read off a poll


def test_records_that_come_along_are_in_no_order(loomio: Caller) -> None:
    poll = loomio.start_poll()
    orders = set()
    for _ in range(12):
        options = loomio.call("GET", f"/polls/{poll['key']}")["poll_options"]
        orders.add(tuple(option["priority"] for option in options))
        assert sorted(option["priority"] for option in options) == [0, 1, 2, 3]
    assert len(orders) > 1


def test_an_option_may_carry_a_rule_of_its_own(loomio: Caller) -> None:
    rule = {"name": "agree", "test_operator": "gte", "test_percent": 75, "test_against": "voter_percent"}
    poll = loomio.start_poll(options=None, poll_options_attributes=[rule, {"name": "disagree"}])
    loomio.vote(poll, "ada", "agree")
    loomio.vote(poll, "bo", "agree")
    assert [row["test_result"] for row in loomio.poll(poll["key"])["results"]] == [False, None, None]
    loomio.vote(poll, "cy", "agree")
    assert loomio.poll(poll["key"])["results"][0]["test_result"] is True


def test_results_hidden_until_one_has_voted_are_shown_to_the_api_all_the_same(loomio: Caller) -> None:
    poll = loomio.start_poll(hide_results="until_vote")
    loomio.vote(poll, "ada", "agree")
    assert loomio.poll(poll["key"])["results"][0]["voter_count"] == 1


def test_consent_and_objection_get_the_icons_of_agree_and_disagree(loomio: Caller) -> None:
    poll = loomio.start_poll(options=["consent", "objection"])
    assert poll["poll_option_names"] == ["Consent", "Objection"]
    assert [row["icon"] for row in loomio.poll(poll["key"])["results"]] == ["agree", "disagree", None]


def test_an_outcome_whose_words_are_edited_stays_the_same_outcome(loomio: Caller) -> None:
    poll = loomio.start_poll()
    loomio.control(f"/loomio/polls/{poll['key']}/close")
    first = loomio.control("/loomio/outcomes", {"poll_key": poll["key"], "statement": "Yes"})
    with loomio.sandbox.world.lock:
        ours = next(iter(loomio.sandbox.world.polls.values()))
        loomio.sandbox.loomio.edit_outcome(ours, loomio.sandbox.world.people[11], "Yes, in June")
    [found] = loomio.call("GET", f"/polls/{poll['key']}")["outcomes"]
    assert (found["id"], found["statement"], found["versions_count"]) == (first["id"], "Yes, in June", 1)


def test_a_group_for_private_threads_takes_no_public_one(loomio: Caller) -> None:
    public = {"discussion": {"group_id": 7, "title": "Hello", "private": False}}
    assert loomio.call("POST", "/discussions", 422, json=public) == {"errors": {"private": ["must be private"]}}
    assert len(loomio.world()["discussions"]) == 1


# The versions in between


@pytest.mark.parametrize(
    ("version", "dead_key", "no_role", "not_there"),
    [
        (
            "3.0.20",
            {"exception": "CanCan::AccessDenied", **NO_ENTRY},
            {"exception": "CanCan::AccessDenied", **NO_ENTRY},
            {"exception": "ActiveRecord::RecordNotFound", "error": "Couldn't find the record"},
        ),
        ("3.0.24", {"error": 403}, {"error": 403}, {"error": 404}),
        ("3.1.0", {"error": 403}, {"error": 403}, {"error": 404}),
        ("3.1.1", NO_ENTRY, {"error": "Not authorized to show Poll."}, {"error": 404}),
        ("3.8.1", NO_ENTRY, {"error": "Not authorized to show Poll."}, {"error": 404}),
    ],
)
def test_each_version_refuses_in_its_own_words(
    version: str, dead_key: dict[str, Any], no_role: dict[str, Any], not_there: dict[str, Any]
) -> None:
    loomio = Caller(version)
    sent = {"group_id": 7, "title": "T", "poll_type": "proposal", "options": OPTIONS}
    current = dialect_of(version).bearer
    loomio.call("POST", "/polls", json={"poll": sent} if current else {"api_key": KEY, **sent})
    assert loomio.call("GET", "/polls/nothere1", 404, query_string=key_for(version)) == not_there
    stray = Caller(version, key="person-eve", sandbox=loomio.sandbox)
    assert stray.call("GET", "/polls/801", 403, query_string=key_for(version, "person-eve")) == no_role
    loomio.control("/loomio/key", {"key": "fresh"})
    assert loomio.call("GET", "/polls/801", 403, query_string=key_for(version)) == dead_key


def key_for(version: str, key: str = KEY) -> dict[str, str]:
    return {} if dialect_of(version).bearer else {"api_key": key}


@pytest.mark.parametrize(
    ("version", "right", "wrong"),
    [
        ("3.0.20", "discussion_id", "topic_id"),
        ("3.0.22", "topic_id", "discussion_id"),
        ("3.0.24", "discussion_id", "topic_id"),
        ("3.1.2", "topic_id", "discussion_id"),
    ],
)
def test_what_a_poll_hangs_on_is_what_its_thread_shows(version: str, right: str, wrong: str) -> None:
    loomio = Caller(version)
    thread = loomio.call("POST", "/discussions", json={"api_key": KEY, "group_id": 7, "title": "T"})["discussions"][0]
    assert ("topic_id" in thread) is (right == "topic_id")
    sent = {"api_key": KEY, "title": "T", "poll_type": "proposal", "options": OPTIONS, "closing_at": in_days(3)}
    loomio.call("POST", "/polls", 400, json=sent | {wrong: 601})
    assert loomio.world()["polls"] == []
    place = thread["topic_id"] if right == "topic_id" else thread["id"]
    poll = loomio.call("POST", "/polls", json=sent | {right: place})["polls"][0]
    assert (poll[right], poll["group_id"], wrong in poll) == (place, 7, False)


@pytest.mark.parametrize(
    ("version", "lists", "groups", "search"),
    [("3.0.20", 404, 404, 404), ("3.0.24", 200, 404, 404), ("3.1.2", 200, 200, 404), ("3.8.1", 200, 200, 200)],
)
def test_each_version_has_its_own_routes(version: str, lists: int, groups: int, search: int) -> None:
    loomio = Caller(version)
    for path, status in (("/polls", lists), ("/discussions", lists), ("/groups", groups), ("/search", search)):
        query = {"group_id": "7", "query": "x", **key_for(version)}
        loomio.call("GET", path, status, query_string=query)


# The old dialect


def test_the_old_version_takes_a_parameter_and_flat_bodies(old: Caller) -> None:
    assert old.client.get("/loomio/api/b2/polls/1", headers={"Authorization": f"Bearer {KEY}"}).status_code == 403
    sent = {"api_key": KEY, "group_id": 7, "title": "Hello"}
    thread = old.call("POST", "/discussions", json=sent)["discussions"][0]
    assert "topic_id" not in thread
    closing = in_days(3).replace(":00:00", ":30:00")
    sent |= {"discussion_id": thread["id"], "poll_type": "proposal", "options": OPTIONS, "closing_at": closing}
    poll = old.call("POST", "/polls", json=sent)["polls"][0]
    assert (poll["discussion_id"], poll["group_id"]) == (thread["id"], 7)
    assert poll["closing_at"].endswith(":30:00.000Z")
    assert isinstance(poll["results"][0]["score"], int)
    assert old.world()["notices"] == []
    comment = {"api_key": KEY, "discussion_id": thread["id"], "body": "Hello", "body_format": "md"}
    assert old.call("POST", "/comments", data=comment)["comments"][0]["body"] == "Hello"
    old.call("POST", "/comments", 400, json=comment)


def test_the_old_version_forgets_nested_bodies_and_lists_nothing(old: Caller) -> None:
    sent = {"api_key": KEY, "poll": {"title": "T", "poll_type": "proposal"}}
    assert old.call("POST", "/polls", 422, json=sent)["errors"] == {"title": ["can't be blank"]}
    old.call("GET", f"/polls?group_id=7&api_key={KEY}", 404)
    old.call("GET", f"/groups?api_key={KEY}", 404)
    assert old.call("GET", "/polls/1", 403)["exception"] == "CanCan::AccessDenied"


def test_the_old_version_tells_nobody_unless_it_is_asked_to(old: Caller) -> None:
    sent = {"api_key": KEY, "group_id": 7, "title": "T", "poll_type": "proposal", "closing_at": in_days(3)}
    old.call("POST", "/polls", json=sent)
    old.call("POST", "/polls", json=sent | {"recipient_audience": "group"})
    assert old.world()["notices"] == []
    old.call("POST", "/polls", json=sent | {"notify_recipients": True})
    # In a form every word is true, "false" as well: who wants silence leaves it out.
    old.call("POST", "/polls", data=sent | {"notify_recipients": "false", "options[]": OPTIONS})
    told = [(notice["kind"], notice["user_ids"]) for notice in old.world()["notices"]]
    assert told == [("poll_created", [11, 12, 13, 14])] * 2
    assert old.world()["polls"][-1]["status"] == "open"


def test_an_old_thread_shows_its_open_polls_among_the_records_that_come_along(old: Caller) -> None:
    key = {"api_key": KEY}
    thread = old.call("POST", "/discussions", json={**key, "group_id": 7, "title": "Hello"})["discussions"][0]
    sent = {**key, "discussion_id": thread["id"], "title": "T", "poll_type": "proposal", "closing_at": in_days(3)}
    poll = old.call("POST", "/polls", json=sent)["polls"][0]
    shown = old.call("GET", f"/discussions/{thread['id']}", query_string=key)
    assert [one["key"] for one in shown["polls"]] == [poll["key"]]
    assert (shown["discussions"][0]["active_poll_ids"], shown["meta"]["total"]) == ([poll["id"]], None)
    old.control(f"/loomio/polls/{poll['key']}/close")
    assert old.call("GET", f"/discussions/{thread['id']}", query_string=key)["polls"] == []


def test_an_old_anonymous_poll_hides_nothing_but_who(old: Caller) -> None:
    sent = {"api_key": KEY, "group_id": 7, "title": "T", "poll_type": "proposal", "closing_at": in_days(3)}
    poll = old.call("POST", "/polls", json=sent | {"anonymous": True, "options": OPTIONS})["polls"][0]
    old.vote(poll, "ada", "agree")
    found = old.call("GET", f"/polls/{poll['key']}", query_string={"api_key": KEY})["polls"][0]
    assert (found["hide_results"], found["decided_voters_count"]) == ("off", 1)
    assert (found["results"][0]["voter_count"], found["results"][0]["voter_ids"]) == (1, [])
    hidden = sent | {"hide_results": "until_closed", "options": OPTIONS, "title": "H"}
    shown = old.call("POST", "/polls", json=hidden)["polls"][0]
    assert ("results" in shown, shown["total_score"]) == (False, 0)


def test_the_old_version_does_not_tell_the_chat_of_a_poll_that_is_opened_again(old: Caller) -> None:
    sent = {"api_key": KEY, "group_id": 7, "title": "T", "poll_type": "proposal", "closing_at": in_days(3)}
    poll = old.call("POST", "/polls", json=sent)["polls"][0]
    old.control(f"/loomio/polls/{poll['key']}/close")
    before = old.chat()
    old.control(f"/loomio/polls/{poll['key']}/reopen")
    assert old.chat() == before


def test_old_memberships_are_for_coordinators_and_paged_by_their_own_words(old: Caller) -> None:
    query = {"api_key": KEY, "group_id": "7"}
    assert len(old.call("GET", "/memberships", query_string=query | {"per": "2"})["memberships"]) == 2
    assert len(old.call("GET", "/memberships", query_string=query | {"limit": "2"})["memberships"]) == 5
    bo = query | {"api_key": "person-bo"}
    assert "CanCan" in old.call("GET", "/memberships", 403, query_string=bo)["exception"]


def test_public_addresses_lead_to_the_pages(loomio: Caller) -> None:
    assert loomio.client.get("/loomio/d/AbCd1234/a-slug/3").headers["Location"] == "/threads/AbCd1234"
    assert loomio.client.get("/loomio/p/AbCd1234").headers["Location"] == "/polls/AbCd1234"
