"""Loomio's adapter: each call as it goes over the wire, what it gives back, and what each fault is turned into."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
import responses
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NameResolutionError

from domain.policy import ClosingSoon, HideResults
from domain.proposals import OptionCount, Outcome, Poll
from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from integrations.loomio import Group, Loomio, Thread
from integrations.loomio_legacy import LegacyLoomio
from tests.conftest import RESET, SILENCE, Loopback, raw_reply
from tests.wire import requests_to, text_of

WIRE = "https://loomio.example.org"
FIXTURES = Path(__file__).parent / "fixtures"
KEY_REJECTED = "You are not authorized to access this page."


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def poll_reply(outcomes: tuple[dict[str, Any], ...] = (), **changes: Any) -> Any:
    """Loomio's answer with our poll among side-loads: a German one, so that names help nobody."""
    found = fixture("poll.show__closed")
    (ours,) = [row for row in found["polls"] if row["id"] == 801]
    ours.update(changes)
    found["outcomes"] = list(outcomes)
    return found


def thread_reply(**changes: Any) -> Any:
    found = fixture("discussion.create__in_our_group")
    found["discussions"][0].update(changes)
    return found


THREAD = Thread(
    discussion_id=601,
    topic_id=701,
    key="Th4readK",
    url=f"{WIRE}/d/Th4readK",
    title="Golden ticket: a week of mapping (GT-0007)",
    author_id=11,
)
COUNTS = (
    OptionCount(option_id=901, icon="agree", name="Einverstanden", voter_count=3),
    OptionCount(option_id=902, icon="abstain", name="Enthaltung", voter_count=1),
    OptionCount(option_id=903, icon="disagree", name="Nicht einverstanden", voter_count=0),
    OptionCount(option_id=904, icon="block", name="Veto", voter_count=0),
)
POLL = Poll(
    id=801,
    key="Ab12Cd34",
    url=f"{WIRE}/p/Ab12Cd34",
    group_id=7,
    topic_id=701,
    title="Golden ticket: a week of mapping (GT-0007)",
    closing_at=datetime(2027, 3, 8, 12, tzinfo=UTC),
    closed_at=datetime(2027, 3, 8, 12, 0, 27, 532000, tzinfo=UTC),
    discarded_at=None,
    counts=COUNTS,
    voters_count=6,
    decided_count=4,
    quorum_count=None,
    outcome=None,
)


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as wire:
        yield wire


def make_loomio(address: str = WIRE, speaker: type[Loomio] = Loomio) -> Loomio:
    return speaker(address=address, api_key="invented-loomio-key", group_id=7, call_seconds=0.3)


@pytest.fixture
def loomio() -> Loomio:
    return make_loomio()


@pytest.fixture(params=[Loomio, LegacyLoomio], ids=["current", "legacy"])
def speaker(request: pytest.FixtureRequest) -> type[Loomio]:
    """Either dialect: what each status means is the same in both."""
    found: type[Loomio] = request.param
    return found


@pytest.fixture
def either(speaker: type[Loomio]) -> Loomio:
    return make_loomio(speaker=speaker)


def sent(wire: responses.RequestsMock) -> list[tuple[str | None, str, Any]]:
    return requests_to(WIRE, wire)


def propose(loomio: Loomio, **changes: Any) -> Poll:
    said: dict[str, Any] = {
        "topic_id": 701,
        "title": "Golden ticket: a week of mapping (GT-0007)",
        "details": "Why",
        "options": ("agree", "abstain", "disagree", "block"),
        "closing_at": datetime(2027, 3, 8, 14, tzinfo=timezone(timedelta(hours=2))),
        "quorum_percent": None,
    }
    return loomio.start_poll(**said | changes)


def start(loomio: Loomio, private: bool | None = None) -> Thread:
    return loomio.start_thread(title="Golden ticket: a week of mapping (GT-0007)", description="Why", private=private)


def comment(loomio: Loomio) -> int:
    return loomio.comment(discussion_id=601, body="GT-0007 withdrawn")


# -- who we are -------------------------------------------------------------------------------------------------------


def test_making_the_adapter_sends_nothing() -> None:
    with responses.RequestsMock() as wire:
        make_loomio()
        assert len(wire.calls) == 0


def test_every_request_carries_the_key_as_a_bearer_and_a_name_of_our_own(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=poll_reply())
    wire.post(f"{WIRE}/api/b2/discussions", json=thread_reply())
    loomio.poll("Ab12Cd34")
    start(loomio)
    for call in wire.calls:
        headers = call.request.headers
        assert headers["Authorization"] == "Bearer invented-loomio-key"
        assert headers["Accept"] == "application/json"
        assert headers["User-Agent"] == "trellis/0.1"
        assert "invented-loomio-key" not in str(call.request.url) + text_of(call.request.body)


def test_a_slash_at_the_end_of_the_address_does_no_harm(wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=poll_reply())
    assert make_loomio(f"{WIRE}/").poll("Ab12Cd34") == POLL


def test_the_version_is_read(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/api/v1/boot/version", json={"version": "3.8.1", "release": "x", "reload": False, "notice": ""})
    assert loomio.version() == "3.8.1"
    assert sent(wire) == [("GET", "/api/v1/boot/version", None)]


def groups_reply() -> dict[str, Any]:
    return {
        "groups": [{"id": 3, "name": "Others"}, {"id": 7, "name": "Fennel Works"}],
        "memberships": [
            {"id": 1, "group_id": 3, "user_id": 11, "admin": False},
            {"id": 2, "group_id": 7, "user_id": 11, "admin": True},
        ],
        "meta": {"root": "groups"},
    }


def test_our_group_and_our_part_in_it_are_told_from_the_others(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/api/b2/groups", json=groups_reply())
    assert loomio.group() == Group(id=7, name="Fennel Works", own_user_id=11, own_admin=True)
    assert sent(wire) == [("GET", "/api/b2/groups", None)]


def test_a_group_we_do_not_belong_to_is_a_problem_for_a_person(loomio: Loomio, wire: responses.RequestsMock) -> None:
    reply = groups_reply() | {"groups": [{"id": 3, "name": "Others"}]}
    wire.get(f"{WIRE}/api/b2/groups", json=reply)
    with pytest.raises(PermanentError, match="not a member of Loomio group 7"):
        loomio.group()


# -- reading a poll ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_a_poll_is_selected_by_its_key_in_whatever_order_the_answer_comes(
    loomio: Loomio, wire: responses.RequestsMock, seed: int
) -> None:
    reply, chance = poll_reply(), Random(seed)
    for rows in reply.values():
        if isinstance(rows, list):
            chance.shuffle(rows)
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=reply)
    assert loomio.poll("Ab12Cd34") == POLL
    assert sent(wire) == [("GET", "/api/b2/polls/Ab12Cd34", None)]


def test_options_are_known_by_their_icon_even_when_the_results_carry_none(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    results = [row | {"icon": None} for row in POLL_RESULTS]
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=poll_reply(results=results))
    assert loomio.poll("Ab12Cd34").counts == COUNTS


OUR_ROW: dict[str, Any] = next(row for row in fixture("poll.show__closed")["polls"] if row["id"] == 801)
POLL_RESULTS: list[dict[str, Any]] = OUR_ROW["results"]


def test_people_are_counted_not_points_and_not_the_shortened_list_of_voters(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    results = [row | {"score": 99.5, "voter_ids": [21]} for row in POLL_RESULTS]
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=poll_reply(results=results))
    assert loomio.poll("Ab12Cd34").counts == COUNTS


def test_the_rows_for_the_undecided_and_for_none_of_these_are_left_out(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    none_of_these = POLL_RESULTS[-1] | {"id": 0, "voter_count": 5}
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=poll_reply(results=[none_of_these, *POLL_RESULTS]))
    assert loomio.poll("Ab12Cd34").counts == COUNTS


def test_results_that_are_hidden_are_not_results_of_nobody(loomio: Loomio, wire: responses.RequestsMock) -> None:
    reply = poll_reply(closed_at=None)
    for row in reply["polls"]:
        del row["results"]
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=reply)
    poll = loomio.poll("Ab12Cd34")
    assert (poll.counts, poll.closed_at) == (None, None)


def test_what_an_anonymous_poll_leaves_out_while_open_is_not_known(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    reply = poll_reply()
    for row in reply["polls"]:
        del row["decided_voters_count"]
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=reply)
    assert loomio.poll("Ab12Cd34").decided_count is None


@pytest.mark.parametrize(("percent", "count", "expected"), [(None, 0, None), (0, 0, None), (50, 3, 3)])
def test_a_quorum_counts_only_when_one_was_set(
    loomio: Loomio, wire: responses.RequestsMock, percent: int | None, count: int, expected: int | None
) -> None:
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=poll_reply(quorum_pct=percent, quorum_count=count))
    assert loomio.poll("Ab12Cd34").quorum_count == expected


@pytest.mark.parametrize("result", [True, False])
def test_an_options_own_rule_is_read(loomio: Loomio, wire: responses.RequestsMock, result: bool) -> None:
    rows = [row | ({"test_result": result} if row["id"] == 901 else {}) for row in POLL_RESULTS]
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=poll_reply(results=rows))
    counts = loomio.poll("Ab12Cd34").counts
    assert counts is not None
    assert [one.test_passed for one in counts] == [result, None, None, None]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2027-03-08T12:00:00Z", datetime(2027, 3, 8, 12, tzinfo=UTC)),
        ("2027-03-08T12:00:00.532Z", datetime(2027, 3, 8, 12, 0, 0, 532000, tzinfo=UTC)),
        ("2027-03-08T14:00:00.000+02:00", datetime(2027, 3, 8, 12, tzinfo=UTC)),
        (None, None),
    ],
)
def test_times_are_read_with_and_without_thousandths(
    loomio: Loomio, wire: responses.RequestsMock, said: str | None, expected: datetime | None
) -> None:
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=poll_reply(closing_at=said))
    assert loomio.poll("Ab12Cd34").closing_at == expected


def test_a_discarded_poll_can_be_read_though_its_words_are_gone(loomio: Loomio, wire: responses.RequestsMock) -> None:
    gone = poll_reply(discarded_at="2027-03-03T08:00:00.000Z", title=None, details=None, author_id=None)
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=gone)
    poll = loomio.poll("Ab12Cd34")
    assert (poll.title, poll.discarded_at) == ("", datetime(2027, 3, 3, 8, tzinfo=UTC))


def outcome_row(outcome_id: int, option_id: int | None, **changes: Any) -> dict[str, Any]:
    return {
        "id": outcome_id,
        "poll_id": 801,
        "poll_option_id": option_id,
        "statement": "Go, and tell us about it",
        "statement_format": "md",
        "latest": True,
    } | changes


@pytest.mark.parametrize(("option_id", "icon"), [(901, "agree"), (903, "disagree"), (None, None), (890, None)])
def test_a_persons_outcome_is_read_with_the_icon_of_the_option_they_picked(
    loomio: Loomio, wire: responses.RequestsMock, option_id: int | None, icon: str | None
) -> None:
    older = outcome_row(50, 904, statement="No", latest=False)
    reply = poll_reply((older, outcome_row(51, option_id)), current_outcome_id=51)
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=reply)
    assert loomio.poll("Ab12Cd34").outcome == Outcome(id=51, statement="Go, and tell us about it", icon=icon)


def test_an_outcome_of_another_poll_is_not_ours(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=poll_reply((outcome_row(50, 890, poll_id=799),)))
    assert loomio.poll("Ab12Cd34").outcome is None


def test_an_outcome_that_is_named_but_not_shown_is_waited_for_and_never_overlooked(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    # A human outcome outranks the count (rule 3), so the count must not be read while there is one.
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=poll_reply(current_outcome_id=51))
    with pytest.raises(TemporaryError):
        loomio.poll("Ab12Cd34")


def test_an_answer_without_the_poll_is_for_later(loomio: Loomio, wire: responses.RequestsMock) -> None:
    reply = poll_reply()
    reply["polls"] = [row for row in reply["polls"] if row["id"] != 801]
    wire.get(f"{WIRE}/api/b2/polls/Ab12Cd34", json=reply)
    with pytest.raises(TemporaryError):
        loomio.poll("Ab12Cd34")


# -- finding by the visible reference ---------------------------------------------------------------------------------


def listed(wire: responses.RequestsMock, root: str, *pages: Any) -> None:
    for page, reply in enumerate(pages):
        query = {"group_id": "7", "status": "all", "limit": "50", "offset": str(50 * page)}
        wire.get(f"{WIRE}/api/b2/{root}", json=reply, match=[responses.matchers.query_param_matcher(query)])


def discussion(number: int, title: str | None, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = thread_reply(id=number, title=title, topic_id=100 + number, key=f"key{number}", **changes)[
        "discussions"
    ][0]
    return row


def discussions(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"discussions": list(rows), "users": [], "meta": {"root": "discussions", "total": 120}}


def test_a_thread_is_found_by_its_reference_on_whatever_page_it_stands(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    first = [discussion(number, f"Talk {number}") for number in range(900, 850, -1)]
    second = [discussion(number, f"Talk {number}") for number in range(850, 801, -1)]
    ours = thread_reply()["discussions"][0]
    listed(wire, "discussions", discussions(*first), discussions(*second, ours), discussions())
    assert loomio.find_thread("GT-0007") == THREAD
    assert len(wire.calls) == 3


def test_the_oldest_of_two_threads_with_the_reference_is_taken(loomio: Loomio, wire: responses.RequestsMock) -> None:
    ours = thread_reply()["discussions"][0]
    listed(wire, "discussions", discussions(discussion(650, "Again (GT-0007)"), ours), discussions())
    assert loomio.find_thread("GT-0007") == THREAD


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(discussion(1, None, discarded_at="2027-03-03T08:00:00.000Z"), id="discarded"),
        pytest.param(
            discussion(1, "Was (GT-0007)", discarded_at="2027-03-03T08:00:00.000Z"), id="discarded with words"
        ),
        pytest.param(discussion(1, "Golden ticket (GT-00071)"), id="a longer number"),
        pytest.param(discussion(1, "About GT-0007"), id="only talked of"),
    ],
)
def test_what_only_looks_like_our_thread_is_not_found(
    loomio: Loomio, wire: responses.RequestsMock, row: dict[str, Any]
) -> None:
    listed(wire, "discussions", discussions(row), discussions())
    assert loomio.find_thread("GT-0007") is None


def test_a_list_that_repeats_itself_comes_to_an_end(loomio: Loomio, wire: responses.RequestsMock) -> None:
    same = discussions(discussion(1, "Talk"))
    listed(wire, "discussions", same, same)
    assert loomio.find_thread("GT-0007") is None
    assert len(wire.calls) == 2


def polls(*replies: Any) -> dict[str, Any]:
    return {
        "polls": [row for reply in replies for row in reply["polls"]],
        **{k: v for k, v in poll_reply().items() if k != "polls"},
    }


def test_a_poll_is_found_by_its_reference_with_its_counts(loomio: Loomio, wire: responses.RequestsMock) -> None:
    first, second = poll_reply(title="Something else"), poll_reply()
    listed(wire, "polls", first | {"polls": [first["polls"][0]]}, second, poll_reply() | {"polls": []})
    assert loomio.find_poll("GT-0007") == POLL
    assert len(wire.calls) == 3


def test_the_poll_of_another_round_or_a_discarded_one_is_not_found(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    other_round = poll_reply(title="Golden ticket: a week of mapping (GT-0007 round 2)")
    discarded = poll_reply(id=802, discarded_at="2027-03-03T08:00:00.000Z")
    listed(wire, "polls", polls(other_round, discarded), poll_reply() | {"polls": []})
    assert loomio.find_poll("GT-0007") is None


@pytest.mark.parametrize("root", ["discussions", "polls"])
def test_what_another_group_made_is_not_ours_though_it_carries_the_same_reference(
    loomio: Loomio, wire: responses.RequestsMock, root: str
) -> None:
    # Two organisations may share one Loomio, and both count from GT-0001; each sees only itself (rule 9).
    elsewhere: dict[str, Any] = {"group_id": 3, "id": 5}
    reply = thread_reply(**elsewhere) if root == "discussions" else poll_reply(**elsewhere)
    listed(wire, root, reply, reply | {root: []})
    found = loomio.find_thread("GT-0007") if root == "discussions" else loomio.find_poll("GT-0007")
    assert found is None


def test_a_comment_is_found_by_its_mark_in_the_whole_thread(loomio: Loomio, wire: responses.RequestsMock) -> None:
    items = {
        "items": [{"id": 1, "itemable_type": "Comment", "itemable_id": 71}],
        "comments": [
            {"id": 70, "body": None, "discarded_at": "2027-03-03T08:00:00.000Z"},
            {"id": 71, "body": "Sounds good"},
            {"id": 72, "body": "Taken back.\n\nGT-0007 withdrawn"},
        ],
        "meta": {"root": "items"},
    }
    wire.get(f"{WIRE}/api/b2/threads/701/items", json=items)
    assert loomio.find_comment(701, "GT-0007 withdrawn") == 72
    assert loomio.find_comment(701, "GT-0008 withdrawn") is None
    assert sent(wire) == [("GET", "/api/b2/threads/701/items", None)] * 2


# -- writing ----------------------------------------------------------------------------------------------------------


def test_a_thread_is_started_with_a_nested_body_in_our_group(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.post(f"{WIRE}/api/b2/discussions", json=thread_reply())
    assert start(loomio) == THREAD
    body = {
        "group_id": 7,
        "title": "Golden ticket: a week of mapping (GT-0007)",
        "description": "Why",
        "description_format": "md",
    }
    assert sent(wire) == [("POST", "/api/b2/discussions", {"discussion": body})]


@pytest.mark.parametrize("private", [True, False])
def test_a_private_or_a_public_thread_is_asked_for_and_looked_at(
    loomio: Loomio, wire: responses.RequestsMock, private: bool
) -> None:
    made = thread_reply()
    made["topics"][0]["private"] = private
    wire.post(f"{WIRE}/api/b2/discussions", json=made)
    assert start(loomio, private=private) == THREAD
    ((_, _, body),) = sent(wire)
    assert body["discussion"]["private"] is private
    with pytest.raises(PermanentError, match=f"id 601, private {private}"):
        start(loomio, private=not private)


def test_a_group_that_has_only_public_threads_says_so_before_anything_is_made(
    either: Loomio, wire: responses.RequestsMock
) -> None:
    wire.post(f"{WIRE}/api/b2/discussions", status=422, json={"errors": {"private": ["must be public"]}})
    with pytest.raises(PermanentError) as raised:
        start(either, private=True)
    assert str(raised.value) == "Loomio does not accept what was sent: private must be public"


def test_a_threads_group_may_stand_on_its_topic_only(loomio: Loomio, wire: responses.RequestsMock) -> None:
    reply = thread_reply()
    del reply["discussions"][0]["group_id"]
    wire.post(f"{WIRE}/api/b2/discussions", json=reply)
    assert start(loomio) == THREAD


@pytest.mark.parametrize("group_id", [None, 3])
def test_a_thread_made_outside_the_group_is_a_problem_that_names_the_stray(
    loomio: Loomio, wire: responses.RequestsMock, group_id: int | None
) -> None:
    reply = thread_reply(group_id=group_id)
    reply["topics"][0]["group_id"] = group_id
    wire.post(f"{WIRE}/api/b2/discussions", json=reply)
    with pytest.raises(PermanentError, match="601"):
        start(loomio)
    assert len(wire.calls) == 1


def test_a_thread_without_a_topic_is_of_an_older_loomio_and_named(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.post(f"{WIRE}/api/b2/discussions", json=thread_reply(topic_id=None))
    with pytest.raises(PermanentError, match="601"):
        start(loomio)


def test_a_proposal_is_started_with_a_nested_body_and_a_closing_time_on_the_hour_in_utc(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    reply = poll_reply()
    reply["polls"] = [row for row in reply["polls"] if row["id"] == 801]
    wire.post(f"{WIRE}/api/b2/polls", json=reply)
    assert propose(loomio) == POLL
    body = {
        "topic_id": 701,
        "title": "Golden ticket: a week of mapping (GT-0007)",
        "poll_type": "proposal",
        "details": "Why",
        "details_format": "md",
        "options": ["agree", "abstain", "disagree", "block"],
        "closing_at": "2027-03-08T12:00:00Z",
        "notify_on_closing_soon": "undecided_voters",
        "anonymous": False,
        "hide_results": "off",
    }
    assert sent(wire) == [("POST", "/api/b2/polls", {"poll": body})]


def test_a_quorum_is_sent_when_there_is_one(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.post(f"{WIRE}/api/b2/polls", json=poll_reply(quorum_pct=50, quorum_count=3))
    assert propose(loomio, quorum_percent=50).quorum_count == 3
    ((_, _, body),) = sent(wire)
    assert body["poll"]["quorum_pct"] == 50


def test_the_poll_that_was_made_is_told_from_the_ones_that_came_along(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    reply = poll_reply()
    reply["polls"].reverse()
    wire.post(f"{WIRE}/api/b2/polls", json=reply)
    assert propose(loomio) == POLL


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"poll_option_names": [], "poll_option_ids": []}, id="no options"),
        pytest.param({"poll_option_names": ["Einverstanden"]}, id="too few options"),
        pytest.param({"topic_id": 702}, id="another thread"),
        pytest.param({"topic_id": None, "group_id": None, "poll_option_names": []}, id="all that a flat body loses"),
        pytest.param({"group_id": 3}, id="another group"),
        pytest.param({"closing_at": None}, id="a draft nobody can vote on"),
        pytest.param({"closing_at": "2027-03-08T11:00:00Z"}, id="an hour less"),
        pytest.param({"anonymous": True}, id="anonymous"),
        pytest.param({"hide_results": "until_closed"}, id="results hidden"),
        pytest.param({"notify_on_closing_soon": "nobody"}, id="no reminder"),
    ],
)
def test_a_poll_that_is_not_what_was_asked_for_is_a_problem_that_names_the_stray(
    either: Loomio, wire: responses.RequestsMock, changes: dict[str, Any]
) -> None:
    wire.post(f"{WIRE}/api/b2/polls", json=poll_reply(**changes))
    with pytest.raises(PermanentError, match="801"):
        propose(either)
    assert len(wire.calls) == 1


def test_a_stray_is_told_with_everything_that_is_amiss(loomio: Loomio, wire: responses.RequestsMock) -> None:
    wire.post(f"{WIRE}/api/b2/polls", json=poll_reply(group_id=None, topic_id=None, quorum_pct=None))
    with pytest.raises(PermanentError) as raised:
        propose(loomio, quorum_percent=50)
    assert str(raised.value) == (
        "Loomio made a poll that is not what was asked for: id 801, key Ab12Cd34: group None, not 7; "
        "thread None, not 701; quorum_pct is None, not 50"
    )
    assert raised.value.may_have_happened is False


def test_options_without_the_icons_their_votes_are_read_by_are_a_problem(
    loomio: Loomio, wire: responses.RequestsMock
) -> None:
    reply = poll_reply()
    for option in reply["poll_options"]:
        if option["id"] == 903:
            option["icon"] = None
    wire.post(f"{WIRE}/api/b2/polls", json=reply)
    with pytest.raises(PermanentError, match="option disagree has the icon None, not disagree"):
        propose(loomio)


def test_consent_and_objection_are_asked_for_by_these_words_and_known_by_icon(
    either: Loomio, wire: responses.RequestsMock
) -> None:
    reply = poll_reply(poll_option_names=["Consent", "Objection"])
    reply["poll_options"] = [
        {"id": 912, "poll_id": 801, "name": "Objection", "icon": "disagree", "priority": 1},
        {"id": 911, "poll_id": 801, "name": "Consent", "icon": "agree", "priority": 0},
    ]
    wire.post(f"{WIRE}/api/b2/polls", json=reply)
    assert propose(either, options=("consent", "objection")).key == "Ab12Cd34"


def test_what_the_policy_says_of_anonymity_hiding_and_reminding_is_sent(
    either: Loomio, wire: responses.RequestsMock
) -> None:
    # Loomio forces these two by itself when a poll is anonymous (facts on Loomio, 3.4).
    forced: dict[str, Any] = {"hide_results": "until_closed", "notify_on_closing_soon": "undecided_voters"}
    wire.post(f"{WIRE}/api/b2/polls", json=poll_reply(anonymous=True, **forced))
    propose(either, anonymous=True, hide_results=HideResults.UNTIL_VOTE, closing_soon=ClosingSoon.NOBODY)
    ((_, _, body),) = sent(wire)
    asked = body.get("poll", body)
    found = [asked[name] for name in ("anonymous", "hide_results", "notify_on_closing_soon")]
    assert found == [True, "until_vote", "nobody"]


def test_a_comment_is_sent_flat(loomio: Loomio, wire: responses.RequestsMock) -> None:
    made = {"comments": [{"id": 72, "body": "GT-0007 withdrawn", "topic_id": 701}], "meta": {"root": "comments"}}
    wire.post(f"{WIRE}/api/b2/comments", json=made)
    assert comment(loomio) == 72
    body = {"discussion_id": 601, "body": "GT-0007 withdrawn", "body_format": "md"}
    assert sent(wire) == [("POST", "/api/b2/comments", body)]


# -- what every fault is turned into ----------------------------------------------------------------------------------

Call = Callable[[Loomio], object]
READS: dict[str, tuple[str, Call]] = {
    "version": ("/api/v1/boot/version", lambda loomio: loomio.version()),
    "poll": ("/api/b2/polls/Ab12Cd34", lambda loomio: loomio.poll("Ab12Cd34")),
    "find_thread": ("/api/b2/discussions", lambda loomio: loomio.find_thread("GT-0007")),
    "find_poll": ("/api/b2/polls", lambda loomio: loomio.find_poll("GT-0007")),
    "find_comment": ("/api/b2/threads/701/items", lambda loomio: loomio.find_comment(701, "GT-0007")),
}
WRITES: dict[str, tuple[str, Call]] = {
    "start_thread": ("/api/b2/discussions", start),
    "start_poll": ("/api/b2/polls", propose),
    "comment": ("/api/b2/comments", comment),
}
# Facts on Loomio, 1.5: every 403 of ≥ 3.1.1, the old ones, and one from a CDN in front.
REFUSALS: list[Any] = [
    pytest.param(403, json.dumps({"error": KEY_REJECTED}), "does not accept the bot's key", id="key"),
    pytest.param(403, json.dumps({"error": 403}), "does not accept the bot's key", id="3.0.24 or limit"),
    pytest.param(
        403,
        json.dumps({"exception": "CanCan::AccessDenied", "error": KEY_REJECTED}),
        "does not accept the bot's key",
        id="3.0.20",
    ),
    pytest.param(
        403, json.dumps({"error": "Not authorized to create Poll."}), "Not authorized to create Poll", id="role"
    ),
    pytest.param(403, json.dumps({"error": "User is not an admin"}), "User is not an admin", id="no admin"),
    pytest.param(403, "<html>Attention Required</html>", "no reason given", id="CDN"),
]
OTHER_REFUSALS: list[Any] = [
    pytest.param(400, json.dumps({"error": 400}), "400", id="unknown key"),
    pytest.param(
        400,
        json.dumps({"exception": "ActionController::UnpermittedParameters", "error": "found"}),
        "400",
        id="3.0.20 400",
    ),
    pytest.param(401, "Unauthorized", "401", id="proxy"),
    pytest.param(
        404, json.dumps({"exception": "ActiveRecord::RecordNotFound", "error": "Couldn't find"}), "404", id="3.0.20 404"
    ),
    pytest.param(404, json.dumps({"error": 404}), "404", id="not there"),
    pytest.param(422, json.dumps({"errors": {"title": ["can't be blank"]}}), "title", id="title"),
    pytest.param(422, json.dumps({"errors": {}}), "no field named", id="no field"),
    pytest.param(302, "", "302", id="redirect"),
]


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize(("status", "body", "said"), [*REFUSALS, *OTHER_REFUSALS])
def test_a_refused_read_is_permanent_and_asked_once(
    either: Loomio, wire: responses.RequestsMock, name: str, status: int, body: str, said: str
) -> None:
    place, call = READS[name]
    wire.get(WIRE + place, status=status, body=body, headers={"Location": f"{WIRE}/elsewhere"})
    with pytest.raises(PermanentError, match=said) as raised:
        call(either)
    assert raised.value.may_have_happened is False
    assert len(wire.calls) == 1


@pytest.mark.parametrize(("status", "body", "said"), [*REFUSALS, *OTHER_REFUSALS])
def test_a_refused_look_at_the_group_is_permanent_too(
    loomio: Loomio, wire: responses.RequestsMock, status: int, body: str, said: str
) -> None:
    wire.get(f"{WIRE}/api/b2/groups", status=status, body=body)
    with pytest.raises(PermanentError, match=said):
        loomio.group()


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize(("status", "body", "said"), REFUSALS)
def test_a_403_to_a_write_warns_that_it_may_have_been_saved_first(
    either: Loomio, wire: responses.RequestsMock, name: str, status: int, body: str, said: str
) -> None:
    place, call = WRITES[name]
    wire.post(WIRE + place, status=status, body=body)
    with pytest.raises(PermanentError, match=said) as raised:
        call(either)
    assert raised.value.may_have_happened is True
    assert len(wire.calls) == 1


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize(("status", "body", "said"), OTHER_REFUSALS)
def test_any_other_refusal_of_a_write_is_permanent_and_sent_once(
    either: Loomio, wire: responses.RequestsMock, name: str, status: int, body: str, said: str
) -> None:
    place, call = WRITES[name]
    wire.post(WIRE + place, status=status, body=body, headers={"Location": f"{WIRE}/elsewhere"})
    with pytest.raises(PermanentError, match=said) as raised:
        call(either)
    assert raised.value.may_have_happened is False
    assert len(wire.calls) == 1


@pytest.mark.parametrize("name", [*READS, *WRITES])
@pytest.mark.parametrize(
    ("headers", "wait"),
    [({"Retry-After": "40"}, 40), ({}, 60), ({"Retry-After": "Fri, 01 Jan 2027 00:00:00 GMT"}, 60)],
)
def test_a_limit_is_waited_out_as_loomio_wishes_or_for_a_minute(
    either: Loomio, wire: responses.RequestsMock, name: str, headers: dict[str, str], wait: float
) -> None:
    place, call = READS.get(name) or WRITES[name]
    method = responses.GET if name in READS else responses.POST
    wire.add(method, WIRE + place, status=429, body="Retry later\n", content_type="text/plain", headers=headers)
    with pytest.raises(TemporaryError) as raised:
        call(either)
    assert raised.value.retry_at is not None
    assert (raised.value.retry_at - datetime.now(UTC)).total_seconds() == pytest.approx(wait, abs=3)
    assert len(wire.calls) == 1


@pytest.mark.parametrize("name", WRITES)
def test_the_daily_limit_on_invitations_may_come_after_the_poll_was_saved(
    either: Loomio, wire: responses.RequestsMock, name: str
) -> None:
    place, call = WRITES[name]
    wire.post(WIRE + place, status=429, json={"flash": {"error": "Daily invitation limit reached"}})
    with pytest.raises(UnknownOutcomeError, match="daily limit on invitations"):
        call(either)


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_read_that_fails_at_loomio_is_for_later(
    either: Loomio, wire: responses.RequestsMock, name: str, status: int
) -> None:
    place, call = READS[name]
    wire.get(WIRE + place, status=status, body="<html>Sorry</html>")
    with pytest.raises(TemporaryError):
        call(either)


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("fault", [requests.ReadTimeout(), requests.ConnectTimeout(), requests.ConnectionError()])
def test_a_read_without_an_answer_is_for_later(
    either: Loomio, wire: responses.RequestsMock, name: str, fault: Exception
) -> None:
    place, call = READS[name]
    wire.get(WIRE + place, body=fault)
    with pytest.raises(TemporaryError):
        call(either)


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(SILENCE, id="time-out"),
        pytest.param(RESET, id="connection reset"),
        pytest.param(raw_reply(200, "<html>Sign in to the hotel</html>"), id="not Loomio at all"),
        pytest.param(raw_reply(200, '{"polls": ['), id="JSON cut short"),
    ],
)
def test_a_read_that_times_out_breaks_or_is_rubbish_is_for_later(
    loopback: Loopback, speaker: type[Loomio], name: str, answer: bytes
) -> None:
    loopback.answers = [answer]
    with pytest.raises(TemporaryError):
        READS[name][1](make_loomio(loopback.url, speaker))
    assert len(loopback.received) == 1


AFTER_ARRIVAL = [
    pytest.param(raw_reply(500, "<html>Sorry</html>"), id="500"),
    pytest.param(raw_reply(502, "<html>Bad gateway</html>"), id="502"),
    pytest.param(SILENCE, id="time-out"),
    pytest.param(RESET, id="connection reset"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\nConnection: close\r\n\r\n{", id="cut short"),
    pytest.param(raw_reply(200, '{"polls": [{"id": 8'), id="JSON cut short"),
    pytest.param(raw_reply(200, "<html>Sign in to the hotel</html>"), id="not Loomio at all"),
    pytest.param(raw_reply(200, ""), id="empty"),
    pytest.param(raw_reply(200, "[]"), id="a list"),
    pytest.param(raw_reply(200, '{"meta": {"root": "polls"}}'), id="no record"),
    pytest.param(raw_reply(204, ""), id="204"),
]


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("answer", AFTER_ARRIVAL)
def test_a_post_that_arrived_is_never_sent_again_whatever_comes_back(
    loopback: Loopback, speaker: type[Loomio], name: str, answer: bytes
) -> None:
    place, call = WRITES[name]
    loopback.answers = [answer]
    with pytest.raises(UnknownOutcomeError):
        call(make_loomio(loopback.url, speaker))
    assert [(method, path.partition("?")[0]) for method, path in loopback.asked()] == [("POST", place)]


@pytest.mark.parametrize("name", WRITES)
def test_a_write_to_a_closed_port_certainly_did_not_happen(speaker: type[Loomio], name: str) -> None:
    with pytest.raises(TemporaryError):
        WRITES[name][1](make_loomio("http://127.0.0.1:9", speaker))


def test_a_write_that_could_not_connect_in_time_certainly_did_not_happen(
    either: Loomio, wire: responses.RequestsMock
) -> None:
    wire.post(f"{WIRE}/api/b2/comments", body=requests.ConnectTimeout())
    with pytest.raises(TemporaryError):
        comment(either)


def test_a_write_to_a_name_that_cannot_be_resolved_certainly_did_not_happen(
    either: Loomio, wire: responses.RequestsMock
) -> None:
    reason = NameResolutionError("loomio.example.org", HTTPSConnection("loomio.example.org"), OSError("no such name"))  # type: ignore[arg-type]
    fault = requests.ConnectionError(MaxRetryError(HTTPSConnectionPool("loomio.example.org"), "/", reason))
    wire.post(f"{WIRE}/api/b2/comments", body=fault)
    with pytest.raises(TemporaryError):
        comment(either)


def test_the_key_reaches_neither_the_log_nor_an_error(
    loopback: Loopback, speaker: type[Loomio], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.ERROR, "urllib3")  # as app.py has it: it tells whole addresses
    loopback.answers = [raw_reply(200, json.dumps(poll_reply())), raw_reply(403, "{}"), raw_reply(500, ""), RESET]
    loomio = make_loomio(loopback.url, speaker)
    loomio.poll("Ab12Cd34")
    for call in (comment, comment, comment, lambda loomio: loomio.poll("Ab12Cd34")):
        with pytest.raises((PermanentError, UnknownOutcomeError, TemporaryError)) as raised:
            call(loomio)
        logging.getLogger("test").error("it went wrong", exc_info=raised.value)
    assert len(loopback.received) == 5
    assert "it went wrong" in caplog.text
    assert "invented-loomio-key" not in caplog.text
