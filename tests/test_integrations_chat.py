"""The chat adapter, against a real HTTP server: what a room gets, what faults are turned into, and what is hidden."""

import json
import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from integrations.chat import Chat, room_of
from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from tests.conftest import RESET, SILENCE, Loopback, raw_reply

HIDDEN = "hunter2-hunter2"
ACCOUNT = f"{'a' * 17}/{'b' * 43}@"
POSTED = raw_reply(200, '{"ok": true}')


def url_of(loopback: Loopback, path: str = f"/chat/{HIDDEN}") -> str:
    return loopback.url.replace("http://", "json://") + path


def rocket(loopback: Loopback) -> str:
    return loopback.url.replace("http://", f"rocket://{ACCOUNT}") + "/%23general"


def post(url: str, *, seconds: float = 15) -> None:
    Chat(url=url, call_seconds=seconds).post(title="Golden ticket", body="**Bo** goes to *RubyConf*")


def sent(loopback: Loopback) -> list[Any]:
    return [json.loads(one.body) for one in loopback.received]


@pytest.fixture
def nobody() -> Iterator[str]:
    """The address of a room where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"json://127.0.0.1:{bound.getsockname()[1]}/chat/{HIDDEN}"


# -- what a room gets -------------------------------------------------------------------------------------------------


def test_a_message_is_posted_once_as_it_was_written(loopback: Loopback) -> None:
    loopback.answers = [POSTED]

    post(url_of(loopback))

    assert loopback.asked() == [("POST", f"/chat/{HIDDEN}")]
    (message,) = sent(loopback)
    assert (message["title"], message["message"]) == ("Golden ticket", "**Bo** goes to *RubyConf*")


@pytest.mark.parametrize(
    "url_at", [lambda at: at.url.replace("http://", "mmost://") + "/a1b2c3d4e5f6g7h8", rocket], ids=["mmost", "rocket"]
)
def test_rooms_of_real_chats_get_markdown_with_its_title(loopback: Loopback, url_at: Callable[[Loopback], str]) -> None:
    loopback.answers = [POSTED]

    post(url_at(loopback))

    (message,) = sent(loopback)
    assert "Golden ticket" in message["text"]
    assert "**Bo** goes to *RubyConf*" in message["text"]
    assert "github.com/caronc" not in json.dumps(message), "no picture from elsewhere"


def test_a_message_that_is_too_long_is_cut_and_stays_one(loopback: Loopback) -> None:
    loopback.answers = [POSTED]

    Chat(url=url_of(loopback) + "?overflow=split").post(title="t" * 300, body="word " * 20_000)
    Chat(url=rocket(loopback)).post(title="Long", body="x" * 2_000)

    first, second = sent(loopback)
    assert (len(first["title"]), first["title"][-1]) == (250, "…")
    assert 32_000 < len(first["message"]) <= 32_768
    assert first["message"].endswith(" …")
    assert 990 < len(second["text"]) <= 1_000
    assert second["text"].endswith("xx …")


def test_the_time_and_the_pace_of_a_call_are_ours_and_not_the_addresss() -> None:
    plugin = Chat(url=f"rocket://{ACCOUNT}127.0.0.1:9/%23general?rto=99&cto=99", call_seconds=3)._plugin

    assert plugin.request_timeout == (3, 3)
    assert plugin.request_rate_per_sec == 0, "apprise would sleep for seconds between two messages"


# -- faults -----------------------------------------------------------------------------------------------------------


def test_a_room_that_is_not_there_certainly_got_nothing(nobody: str) -> None:
    with pytest.raises(TemporaryError):
        post(nobody)


@pytest.mark.parametrize("status", [408, 425, 429])
def test_a_room_that_asks_for_patience_is_asked_later(loopback: Loopback, status: int) -> None:
    loopback.answers = [raw_reply(status, "{}")]

    with pytest.raises(TemporaryError, match=str(status)):
        post(url_of(loopback))


@pytest.mark.parametrize("status", [301, 307, 308, 400, 401, 403, 404, 410, 413])
def test_a_room_that_refuses_is_told_of(loopback: Loopback, status: int) -> None:
    loopback.answers = [raw_reply(status, "{}", f"Location: {loopback.url}/elsewhere"), POSTED]

    with pytest.raises(PermanentError, match=str(status)) as refused:
        post(url_of(loopback))

    assert (refused.value.status, refused.value.may_have_happened) == (status, False)
    assert len(loopback.received) == 1


@pytest.mark.parametrize(
    "answer",
    [
        SILENCE,
        RESET,
        b"rubbish\r\n\r\n",
        *(raw_reply(status, "{}", "Location: /x") for status in (302, 303, 500, 502, 503)),
    ],
)
def test_whatever_else_happens_nobody_knows_and_nothing_is_repeated(loopback: Loopback, answer: bytes) -> None:
    loopback.answers = [answer, POSTED]

    with pytest.raises(UnknownOutcomeError):
        post(url_of(loopback), seconds=0.3 if answer == SILENCE else 15)

    assert len(loopback.received) == 1, "no redirect was followed, and apprise's own repeating is off"


def test_an_address_cannot_switch_repeating_following_or_forgiving_on(loopback: Loopback) -> None:
    loopback.answers = [raw_reply(302, "{}", f"Location: {loopback.url}/page"), POSTED]

    with pytest.raises(UnknownOutcomeError):
        post(url_of(loopback) + "?retry=3&wait=0&redirect=yes&optional=yes")

    assert len(loopback.received) == 1


def test_a_room_that_failed_is_tried_again_without_a_second_message_in_the_other(
    loopback: Loopback, nobody: str
) -> None:
    loopback.answers = [POSTED]
    rooms = {chat.room: chat for chat in (Chat(url=url_of(loopback)), Chat(url=nobody))}
    waiting = set(rooms)

    for _ in range(2):
        for room in sorted(waiting):
            try:
                rooms[room].post(title="Once", body="once")
            except TemporaryError:
                continue
            waiting.remove(room)

    assert waiting == {room_of(nobody)}
    assert len(loopback.received) == 1


def test_an_empty_message_goes_nowhere(loopback: Loopback) -> None:
    with pytest.raises(PermanentError):
        Chat(url=url_of(loopback)).post(title="Nothing", body=" \n")

    assert loopback.received == []


def test_what_our_caller_is_handling_is_not_taken_for_what_happened_here(loopback: Loopback, nobody: str) -> None:
    loopback.answers = [raw_reply(500, "{}")]
    chat = Chat(url=url_of(loopback))
    try:
        requests.get(nobody.replace("json://", "http://"), timeout=5)
    except requests.ConnectionError:
        with pytest.raises(UnknownOutcomeError):
            chat.post(title="Again", body="again")
    else:
        pytest.fail("somebody listens there")


def test_what_another_thread_posts_meanwhile_is_not_taken_for_ours(loopback: Loopback) -> None:
    loopback.answers = [raw_reply(404, "{}"), POSTED]
    ours, theirs = Chat(url=url_of(loopback)), Chat(url=url_of(loopback, "/chat/theirs"))
    us, vendor = threading.get_ident(), logging.getLogger("apprise")

    def meanwhile(record: logging.LogRecord) -> bool:
        """Let the other thread post from beginning to end, just before our line is heard."""
        if record.thread == us:
            other = threading.Thread(target=lambda: theirs.post(title="Theirs", body="theirs"))
            other.start()
            other.join()
        return True

    vendor.filters.insert(0, meanwhile)
    try:
        with pytest.raises(PermanentError, match="404"):
            ours.post(title="Ours", body="ours")
    finally:
        vendor.removeFilter(meanwhile)

    assert [one["title"] for one in sent(loopback)] == ["Ours", "Theirs"]


def test_one_certain_refusal_makes_nothing_certain_when_something_else_was_sent(loopback: Loopback) -> None:
    loopback.answers = [raw_reply(404, "{}")]
    vendor = logging.getLogger("apprise")
    told: list[str] = []

    def before(record: logging.LogRecord) -> bool:
        if not told:
            told.append(record.getMessage())
            vendor.info("Sent the first of two requests.")
        return True

    vendor.filters.insert(0, before)
    try:
        with pytest.raises(UnknownOutcomeError):
            post(url_of(loopback))
    finally:
        vendor.removeFilter(before)


# -- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"frobnicate://{HIDDEN}@host/room", "frobnicate://"),
        (f"slack://{HIDDEN}", "slack://"),
        (f"https://example.org/{HIDDEN}", "https://"),
        (f"mmosts://host/{HIDDEN}?channel=one,two", "2 rooms"),
        (HIDDEN, "begins with the kind of chat"),
        (f"{HIDDEN * 3}://host", "begins with the kind of chat"),
        ("", "begins with the kind of chat"),
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(
    url: str, words: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(ValueError, match=r"chat|rooms") as refused:
        Chat(url=url)

    assert words in str(refused.value)
    assert HIDDEN not in "".join(traceback.format_exception(refused.value)) + caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize("answer", [POSTED, RESET, raw_reply(404, "{}"), raw_reply(500, "{}"), b"rubbish\r\n\r\n"])
def test_an_address_is_never_shown_whatever_comes_of_a_message(
    loopback: Loopback, answer: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    loopback.answers = [answer]
    shown = ""
    with caplog.at_level(logging.DEBUG):
        try:
            post(url_of(loopback))
        except (PermanentError, UnknownOutcomeError) as error:
            shown = "".join(traceback.format_exception(error))

    assert bool(shown) is (answer != POSTED)
    assert HIDDEN not in shown + caplog.text + "".join(capfd.readouterr()) + repr(Chat(url=url_of(loopback)))


def test_a_refused_connection_does_not_show_the_address_either(nobody: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(TemporaryError) as refused:
        post(nobody)

    assert HIDDEN not in "".join(traceback.format_exception(refused.value)) + caplog.text


def test_a_room_has_a_name_for_keys_that_is_the_same_every_time_and_tells_nothing() -> None:
    one = room_of(f"slack://{HIDDEN}/a")

    assert one == room_of(f"slack://{HIDDEN}/a") == "slack-" + one.removeprefix("slack-")
    assert one != room_of(f"slack://{HIDDEN}/b")
    assert HIDDEN not in one
    assert len(one) == len("slack-") + 10
