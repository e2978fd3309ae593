"""Loomio before 3.1.3: each call as it goes over the wire, and what this older Loomio cannot be asked."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
import responses

from integrations.errors import CannotLookError, PermanentError, TemporaryError
from integrations.loomio import Group, Loomio, Thread
from integrations.loomio_legacy import LegacyLoomio
from tests.test_integrations_loomio import (
    COUNTS,
    KEY_REJECTED,
    POLL,
    WIRE,
    comment,
    fixture,
    make_loomio,
    poll_reply,
    propose,
    start,
    thread_reply,
)

KEY = {"api_key": "invented-loomio-key"}
# A thread of before there were topics is remembered by minus its discussion's id.
HERE = {"topic_id": -601}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as wire:
        yield wire


@pytest.fixture
def loomio() -> Loomio:
    return make_loomio(speaker=LegacyLoomio)


def old_thread(**changes: Any) -> Any:
    """A thread as 3.0 shows it: no topic anywhere, and what is on topics today stands on it."""
    found = thread_reply(**{"private": True, "tags": [], "active_poll_ids": []} | changes)
    del found["discussions"][0]["topic_id"]
    del found["topics"]
    return found


def old_poll(**changes: Any) -> Any:
    """A poll as 3.0 shows it: on a discussion, with whole scores."""
    found = poll_reply(**{"discussion_id": 601} | changes)
    for row in found["polls"]:
        del row["topic_id"]
        row.setdefault("discussion_id", 599)
        for result in row["results"]:
            result["score"] = int(result["score"])
    return found


def asked(wire: responses.RequestsMock) -> list[tuple[str | None, str, dict[str, Any], Any]]:
    """Every request: method, path, query, body as it was meant."""
    found = []
    for one in wire.calls:
        address, _, query = (one.request.url or "").removeprefix(WIRE).partition("?")
        body = one.request.body
        said = body.decode() if isinstance(body, bytes) else str(body or "")
        is_form = "form" in str(one.request.headers.get("Content-Type"))
        meant = _single(parse_qs(said)) if is_form else json.loads(said or "null")
        found.append((one.request.method, address, _single(parse_qs(query)), meant))
    return found


def _single(values: dict[str, list[str]]) -> dict[str, str]:
    return {name: value for name, (value,) in values.items()}


THREAD = Thread(
    discussion_id=601,
    topic_id=-601,
    key="Th4readK",
    url=f"{WIRE}/d/Th4readK",
    title="Golden ticket: a week of mapping (GT-0007)",
    author_id=11,
)


# -- the key ----------------------------------------------------------------------------------------------------------


def test_the_key_is_a_parameter_in_the_query_of_reads_and_in_the_body_of_writes(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=old_poll())
    wire.post(f"{WIRE}/api/b2/discussions", json=old_thread())
    wire.post(f"{WIRE}/api/b2/comments", json={"comments": [{"id": 72}]})
    loomio.poll("Ab12Cd34")
    start(loomio)
    comment(loomio)
    assert [query.get("api_key") for _, _, query, _ in asked(wire)] == ["invented-loomio-key", None, None]
    assert [body and body["api_key"] for _, _, _, body in asked(wire)] == [None, *["invented-loomio-key"] * 2]
    for one in wire.calls:
        assert "Authorization" not in one.request.headers
        assert one.request.headers["User-Agent"] == "trellis/0.1"


def test_the_version_is_asked_for_without_the_key(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/api/v1/boot/version", json={"version": "3.0.20"})
    loomio.check_dialect()
    assert asked(wire) == [("GET", "/api/v1/boot/version", {}, None)]


@pytest.mark.parametrize(("speaker", "version"), [(LegacyLoomio, "3.8.1"), (Loomio, "3.0.20")])
def test_the_other_dialect_is_refused_before_anything_is_sent(
    wire: responses.RequestsMock, speaker: type[Loomio], version: str
) -> None:
    wire.get(f"{WIRE}/api/v1/boot/version", json={"version": version})
    with pytest.raises(PermanentError, match=f"{WIRE} is version {version} and speaks the") as raised:
        make_loomio(speaker=speaker).check_dialect()
    assert raised.value.may_have_happened is False


# -- threads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("private", [None, True, False])
def test_a_thread_is_started_flat(loomio: Loomio, wire: responses.RequestsMock, private: bool | None) -> None:
    wire.post(f"{WIRE}/api/b2/discussions", json=old_thread(private=private is not False))
    assert start(loomio, private=private) == THREAD
    body: dict[str, Any] = {
        **KEY,
        "group_id": 7,
        "title": "Golden ticket: a week of mapping (GT-0007)",
        "description": "Why",
        "description_format": "md",
    }
    if private is not None:
        body["private"] = private
    assert asked(wire) == [("POST", "/api/b2/discussions", {}, body)]


@pytest.mark.parametrize("changes", [{"group_id": None}, {"group_id": 3}, {"private": False}])
def test_a_thread_that_is_not_what_was_asked_for_is_named(
    loomio: Loomio, wire: responses.RequestsMock, changes: dict[str, Any]
) -> None:
    wire.post(f"{WIRE}/api/b2/discussions", json=old_thread(**changes))
    with pytest.raises(PermanentError, match="id 601"):
        start(loomio, private=True)


# -- proposals --------------------------------------------------------------------------------------------------------

FLAT = {
    **KEY,
    "title": "Golden ticket: a week of mapping (GT-0007)",
    "poll_type": "proposal",
    "details": "Why",
    "details_format": "md",
    "options": ["agree", "abstain", "disagree", "block"],
    "closing_at": "2027-03-08T12:00:00Z",
    "notify_on_closing_soon": "undecided_voters",
    "anonymous": False,
    "hide_results": "off",
    "notify_recipients": True,
}


def test_a_proposal_hangs_on_its_discussion_where_the_thread_shows_no_topic(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    wire.get(f"{WIRE}/api/b2/discussions/601", json=old_thread())
    wire.post(f"{WIRE}/api/b2/polls", json=old_poll())
    made = propose(loomio, **HERE)
    assert (made.key, made.topic_id, made.counts) == ("Ab12Cd34", -601, COUNTS)
    assert asked(wire) == [
        ("GET", "/api/b2/discussions/601", KEY, None),
        ("POST", "/api/b2/polls", {}, FLAT | {"discussion_id": 601}),
    ]


def test_a_proposal_hangs_on_the_topic_where_the_thread_shows_one(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/api/b2/discussions/601", json=thread_reply())
    wire.post(f"{WIRE}/api/b2/polls", json=poll_reply())
    assert propose(loomio, **HERE) == POLL
    assert asked(wire)[1:] == [("POST", "/api/b2/polls", {}, FLAT | {"topic_id": 701})]


def test_a_topic_that_is_shown_and_not_taken_gives_way_to_the_discussion(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    wire.get(f"{WIRE}/api/b2/discussions/601", json=thread_reply())
    wire.post(f"{WIRE}/api/b2/polls", status=400, json={"error": 400})
    wire.post(f"{WIRE}/api/b2/polls", json=old_poll())
    assert propose(loomio, **HERE).topic_id == -601
    assert [body for _, _, _, body in asked(wire)[1:]] == [FLAT | {"topic_id": 701}, FLAT | {"discussion_id": 601}]


@pytest.mark.parametrize(("status", "warns"), [(403, True), (404, False), (422, False)])
def test_any_other_refusal_is_not_tried_the_other_way(
    loomio: Loomio, wire: responses.RequestsMock, status: int, warns: bool
) -> None:
    wire.get(f"{WIRE}/api/b2/discussions/601", json=thread_reply())
    wire.post(f"{WIRE}/api/b2/polls", status=status, json={"error": status})
    with pytest.raises(PermanentError) as raised:
        propose(loomio, **HERE)
    assert raised.value.may_have_happened is warns
    assert len(wire.calls) == 2


@pytest.mark.parametrize("changes", [{"discussion_id": None}, {"discussion_id": 602}, {"group_id": None}])
def test_a_proposal_outside_its_thread_is_a_stray_and_named(
    loomio: Loomio, wire: responses.RequestsMock, changes: dict[str, Any]
) -> None:
    wire.get(f"{WIRE}/api/b2/discussions/601", json=old_thread())
    wire.post(f"{WIRE}/api/b2/polls", json=old_poll(**changes))
    with pytest.raises(PermanentError, match="id 801, key Ab12Cd34"):
        propose(loomio, **HERE)


def test_a_poll_of_the_whole_group_is_flat_and_tells_everybody(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.post(f"{WIRE}/api/b2/polls", json=old_poll(discussion_id=None))
    made = loomio.start_team_poll(title="Keep?", details="", options=("a", "b", "c", "d"), closing_at=_closing())
    assert made.topic_id is None
    [(_, _, _, body)] = asked(wire)
    assert (body["group_id"], body["poll_type"], body["notify_recipients"]) == (7, "poll", True)


def _closing() -> Any:
    assert POLL.closing_at is not None
    return POLL.closing_at


# -- comments ---------------------------------------------------------------------------------------------------------


def test_a_comment_is_sent_as_a_form(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.post(f"{WIRE}/api/b2/comments", json={"comments": [{"id": 72, "discussion_id": 601}]})
    assert comment(loomio) == 72
    form = {**KEY, "body": "GT-0007 withdrawn", "body_format": "md"}
    assert asked(wire) == [("POST", "/api/b2/comments", {"discussion_id": "601"}, form)]


# -- reading, and looking ---------------------------------------------------------------------------------------------


def test_a_poll_reads_the_same_in_both_dialects_but_for_its_place(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=old_poll())
    found = loomio.poll("Ab12Cd34")
    assert (found.topic_id, found.counts, found.closed_at) == (-601, COUNTS, POLL.closed_at)


def test_where_there_are_lists_the_visible_reference_is_found_in_them(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    wire.get(f"{WIRE}/api/b2/discussions", json=old_thread())
    wire.get(f"{WIRE}/api/b2/polls", json=old_poll())
    found = loomio.find_poll("GT-0007", **HERE)
    assert (loomio.find_thread("GT-0007"), found and found.key) == (THREAD, "Ab12Cd34")
    for _, _, query, _ in asked(wire):
        assert {"group_id": "7", "status": "all", **KEY}.items() <= query.items()


def test_without_lists_nobody_but_a_person_can_see_whether_a_thread_was_made(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    wire.get(f"{WIRE}/api/b2/discussions", status=404, json={"error": 404})
    with pytest.raises(CannotLookError, match="does not list discussions"):
        loomio.find_thread("GT-0007")


def shown_in_the_thread(*polls: dict[str, Any]) -> Any:
    return old_thread() | {"polls": [row for reply in polls for row in reply["polls"]], "poll_options": []}


def test_without_lists_an_open_poll_is_seen_in_its_thread(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/api/b2/polls", status=404, json={"error": 404})
    wire.get(f"{WIRE}/api/b2/discussions/601", json=shown_in_the_thread(old_poll(closed_at=None)))
    found = loomio.find_poll("GT-0007", **HERE)
    assert found is not None
    assert (found.key, found.topic_id) == ("Ab12Cd34", -601)


@pytest.mark.parametrize(
    "changes", [{"title": "Golden ticket (GT-0008)"}, {"group_id": 3}, {"discarded_at": "2027-03-03T08:00:00Z"}]
)
def test_a_poll_that_its_thread_does_not_show_may_have_been_closed_since(
    loomio: Loomio, wire: responses.RequestsMock, changes: dict[str, Any]
) -> None:
    wire.get(f"{WIRE}/api/b2/polls", status=404, json={"error": 404})
    wire.get(f"{WIRE}/api/b2/discussions/601", json=shown_in_the_thread(old_poll(**changes)))
    with pytest.raises(CannotLookError):
        loomio.find_poll("GT-0007", **HERE)


def test_a_poll_without_a_thread_cannot_be_looked_up_without_lists(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    wire.get(f"{WIRE}/api/b2/polls", status=404, json={"error": 404})
    with pytest.raises(CannotLookError):
        loomio.find_poll("policy-poll 2027")


@pytest.mark.parametrize(
    "ask", [lambda loomio: loomio.find_comment(-601, "GT-0007 withdrawn"), lambda loomio: loomio.speakers(-601)]
)
def test_what_was_said_in_a_thread_is_not_shown_where_there_are_no_topics(
    loomio: Loomio, wire: responses.RequestsMock, ask: Callable[[Loomio], object]
) -> None:
    wire.get(f"{WIRE}/api/b2/discussions/601", json=old_thread())
    with pytest.raises(CannotLookError, match="does not show what was said in a thread"):
        ask(loomio)


@pytest.mark.parametrize("speaker", [Loomio, LegacyLoomio])
def test_a_thread_from_before_there_were_topics_is_found_again_by_its_topic(
    wire: responses.RequestsMock, speaker: type[Loomio]
) -> None:
    # 3.1 to 3.1.2 have topics and speak the old way; and whoever upgrades keeps the threads of before.
    wire.get(f"{WIRE}/api/b2/discussions/601", json=thread_reply())
    wire.get(f"{WIRE}/api/b2/threads/701/items", json={"comments": [{"id": 72, "body": "GT-0007 withdrawn"}]})
    assert make_loomio(speaker=speaker).find_comment(-601, "GT-0007 withdrawn") == 72


def test_after_an_upgrade_a_proposal_hangs_on_the_topic_of_the_thread_there_was(wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/api/b2/discussions/601", json=thread_reply())
    wire.post(f"{WIRE}/api/b2/polls", json=poll_reply())
    assert propose(make_loomio(), **HERE) == POLL
    assert asked(wire)[1][3]["poll"]["topic_id"] == 701


@pytest.mark.parametrize("speaker", [Loomio, LegacyLoomio])
def test_an_answer_without_the_thread_is_for_later(wire: responses.RequestsMock, speaker: type[Loomio]) -> None:
    wire.get(f"{WIRE}/api/b2/discussions/601", json=thread_reply(id=602))
    with pytest.raises(TemporaryError):
        propose(make_loomio(speaker=speaker), **HERE)


# -- our part in the group --------------------------------------------------------------------------------------------


def members(**group: Any) -> dict[str, Any]:
    return {"memberships": [{"id": 1, "user_id": 11}], "groups": [{"id": 7, **group}], "meta": {"root": "memberships"}}


@pytest.mark.parametrize(("group", "name"), [({"name": "Fennel Works"}, "Fennel Works"), ({}, "number 7")])
def test_who_is_shown_the_memberships_is_a_coordinator(
    loomio: Loomio, wire: responses.RequestsMock, group: dict[str, Any], name: str
) -> None:
    wire.get(f"{WIRE}/api/v1/boot/version", json={"version": "3.0.20"})
    wire.get(f"{WIRE}/api/b2/memberships", json=members(**group))
    assert loomio.group() == Group(id=7, name=name, own_user_id=None, own_admin=True)
    assert asked(wire)[1] == ("GET", "/api/b2/memberships", {"group_id": "7", "per": "1", **KEY}, None)


def test_who_may_only_read_is_a_member(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/api/v1/boot/version", json={"version": "3.0.24"})
    wire.get(f"{WIRE}/api/b2/memberships", status=403, json={"error": 403})
    wire.get(f"{WIRE}/api/b2/discussions", json=old_thread())
    assert loomio.group() == Group(id=7, name="number 7", own_user_id=None, own_admin=False)


@pytest.mark.parametrize(
    ("status", "said"),
    [(403, "does not accept the bot's key"), (404, "does not accept the bot's key, or the bot is no coordinator of")],
)
def test_a_dead_key_is_told_from_a_missing_role_where_that_can_be_told(
    loomio: Loomio, wire: responses.RequestsMock, status: int, said: str
) -> None:
    wire.get(f"{WIRE}/api/v1/boot/version", json={"version": "3.0.24"})
    wire.get(f"{WIRE}/api/b2/memberships", status=403, json={"error": KEY_REJECTED})
    wire.get(f"{WIRE}/api/b2/discussions", status=status, json={"error": 403})
    with pytest.raises(PermanentError, match=said):
        loomio.group()


def test_a_group_that_cannot_be_read_for_another_reason_is_told_as_it_is(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    wire.get(f"{WIRE}/api/v1/boot/version", json={"version": "3.0.20"})
    wire.get(f"{WIRE}/api/b2/memberships", status=404, json={"error": 404})
    with pytest.raises(PermanentError, match="Loomio answered 404"):
        loomio.group()


def test_from_3_1_on_the_groups_are_listed_as_today(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/api/v1/boot/version", json={"version": "3.1.2"})
    mine = {"id": 2, "group_id": 7, "user_id": 11, "admin": True}
    wire.get(f"{WIRE}/api/b2/groups", json={"groups": [{"id": 7, "name": "Fennel Works"}], "memberships": [mine]})
    assert loomio.group() == Group(id=7, name="Fennel Works", own_user_id=11, own_admin=True)


def test_the_fixtures_of_today_are_no_fixtures_of_then() -> None:
    assert "topic_id" in fixture("discussion.create__in_our_group")["discussions"][0]
    assert "topic_id" not in old_thread()["discussions"][0]
