"""The stand-ins for mail and chat keep everything they took, show it on pages, and go wrong when they are told to."""

import re
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from select import select
from typing import Any

import pytest
import requests

from integrations.chat import Chat
from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from integrations.mail import Letter, Mail
from sandbox.serving import Server
from sandbox.settings import Settings, read_settings
from tests.house import free_port

PATIENCE_SECONDS = 30
LETTER = Letter(
    message_id="nudge-fennel-ada-2027-W10",
    sender="Trellis <trellis@fennel.example>",
    to_name="Zoë Ferreira de Albuquerque e Vasconcelos, baker",
    to_address="zoe@fennel.example",
    subject="Wie läuft’s?",
    text="Hello Zoë\n\nSay what you learned: http://127.0.0.1:8000/answer?a=1&b=2\n.\n<script>no</script>\n",
    html='<p>Hello Zoë</p><p><a href="http://127.0.0.1:8000/answer">Say what you learned</a></p>',
    unsubscribe_url="http://127.0.0.1:8000/stop/s3cr3t",
)


class Place:
    """A sandbox that runs, and the adapters that talk to it."""

    def __init__(self) -> None:
        self.server = Server(Settings(port=0, mail_port=free_port(), service_url="http://127.0.0.1:9"))
        post_office = self.server.sandbox.post_office
        assert post_office is not None
        self.mail_port = post_office.port

    def mail(self, seconds: float = 15) -> Mail:
        return Mail(host="127.0.0.1", port=self.mail_port, tls="none", call_seconds=seconds)

    def chat(self, room: str, seconds: float = 15) -> Chat:
        return Chat(url=self.server.url.replace("http://", "json://") + f"/chat/{room}", call_seconds=seconds)

    def control(self, path: str, /, **sent: Any) -> Any:
        answer = requests.post(f"{self.server.url}/_control/{path}", json=sent, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def world(self) -> Any:
        return requests.get(f"{self.server.url}/_control/world", timeout=10).json()

    def attempts(self) -> list[tuple[str, str, int | None, str | None]]:
        seen = requests.get(f"{self.server.url}/_control/requests", timeout=10).json()
        return [(one["side"], one["path"], one["status"], one["fault"]) for one in seen]

    def page(self, path: str) -> str:
        answer = requests.get(self.server.url + path, timeout=10)
        assert answer.ok, answer.text
        return answer.text


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    place.server.start()
    yield place
    place.server.stop()


def wait_for(what: str, condition: Callable[[], object]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < ends, f"waited in vain for {what}"
        time.sleep(0.02)


# -- mail -----------------------------------------------------------------------------------------------------------


def test_a_letter_is_kept_with_its_parts_and_headers_at_the_practice_clocks_time(place: Place) -> None:
    place.control("clock", to="2027-03-10T09:00:00+00:00")

    message_id = place.mail().send(LETTER)

    (letter,) = place.world()["letters"]
    assert (letter["sender"], letter["to"]) == ("trellis@fennel.example", ["zoe@fennel.example"])
    assert (letter["subject"], letter["message_id"]) == ("Wie läuft’s?", message_id)
    assert (letter["text"], letter["html"].rstrip("\n")) == (LETTER.text, LETTER.html)
    assert letter["headers"]["To"] == f"{LETTER.to_name} <zoe@fennel.example>"
    assert letter["headers"]["List-Unsubscribe"] == "<http://127.0.0.1:8000/stop/s3cr3t>"
    assert letter["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert letter["headers"]["Auto-Submitted"] == "auto-generated"
    assert letter["at"].startswith("2027-03-10T09:0")
    assert place.attempts() == [("mail", "zoe@fennel.example", 250, None)]


def test_a_letter_that_comes_twice_is_there_twice(place: Place) -> None:
    assert place.mail().send(LETTER) == place.mail().send(LETTER)

    assert [one["id"] for one in place.world()["letters"]] == [1, 2]


def test_the_post_office_greets_by_name(place: Place) -> None:
    assert place.mail().check() == "mail.fennel.example"


def test_a_letter_of_another_kind_is_kept_too(place: Place) -> None:
    raw = "Subject: =?utf-8?q?gr=C3=BCn?=\r\nReceived: one\r\nReceived: two\r\n\r\njust text\r\n"
    with smtplib.SMTP("127.0.0.1", place.mail_port, local_hostname="here", timeout=10) as line:
        line.sendmail("eve@outside.example", ["ada@fennel.example", "bo@fennel.example"], raw)

    (letter,) = place.world()["letters"]
    assert (letter["subject"], letter["text"], letter["html"]) == ("grün", "just text\n", "")
    assert letter["to"] == ["ada@fennel.example", "bo@fennel.example"]
    assert letter["headers"]["Received"] == "one\ntwo"


@pytest.mark.parametrize(
    ("fault", "raised", "kept", "status"),
    [
        ("refuse_550", PermanentError, 0, 550),
        ("greylist_451", TemporaryError, 0, 451),
        ("reset_early", TemporaryError, 0, None),
        ("reset_before", UnknownOutcomeError, 0, None),
        ("reset_after", UnknownOutcomeError, 1, None),
    ],
)
def test_a_letter_goes_wrong_once_as_it_was_ordered_and_then_right(
    place: Place, fault: str, raised: type[Exception], kept: int, status: int | None
) -> None:
    place.control("faults", side="mail", fault=fault, path="^zoe@")

    with pytest.raises(raised):
        place.mail().send(LETTER)
    assert len(place.world()["letters"]) == kept

    place.mail().send(LETTER)
    assert len(place.world()["letters"]) == kept + 1
    assert place.attempts() == [
        ("mail", "zoe@fennel.example", status, fault),
        ("mail", "zoe@fennel.example", 250, None),
    ]


def test_a_fault_meant_for_somebody_else_waits_for_them(place: Place) -> None:
    place.control("faults", side="mail", fault="refuse_550", path="^ada@")

    place.mail().send(LETTER)

    assert len(place.world()["letters"]) == 1
    (waiting,) = requests.get(f"{place.server.url}/_control/faults", timeout=10).json()
    assert waiting["path"] == "^ada@"


@pytest.mark.parametrize(("fault", "kept"), [("before_hang", 0), ("after_hang", 1)])
def test_a_letter_that_is_held_leaves_the_sender_without_an_answer(place: Place, fault: str, kept: int) -> None:
    place.control("faults", side="mail", fault=fault, seconds=60)

    with pytest.raises(UnknownOutcomeError):
        place.mail(seconds=2).send(LETTER)

    assert len(place.world()["letters"]) == kept
    place.control("release")
    place.mail().send(LETTER)
    assert len(place.world()["letters"]) == kept + 1


@contextmanager
def held(place: Place, fault: str) -> Iterator[smtplib.SMTP]:
    """A conversation in which the whole letter was handed over and no answer has come."""
    place.control("faults", side="mail", fault=fault, seconds=60)
    with smtplib.SMTP("127.0.0.1", place.mail_port, local_hostname="here", timeout=PATIENCE_SECONDS) as line:
        line.ehlo()
        line.mail("t@f.example")
        line.rcpt("zoe@fennel.example")
        line.docmd("DATA")
        line.send("Subject: held\r\n\r\nheld\r\n.\r\n")
        yield line


def test_a_held_letter_is_kept_at_once_and_answered_when_it_is_let_go(place: Place) -> None:
    with held(place, "after_hang") as line:
        wait_for("the letter", lambda: place.world()["letters"])
        assert place.attempts() == [("mail", "zoe@fennel.example", None, "after_hang")]
        place.control("release")
        assert line.getreply()[0] == 250
    assert place.attempts() == [("mail", "zoe@fennel.example", 250, "after_hang")]


def test_a_letter_held_before_it_was_kept_is_dropped_when_it_is_let_go(place: Place) -> None:
    with held(place, "before_hang") as line:
        # Let go again and again: nothing outside shows when the letter has come and is held.
        def let_go() -> bool:
            place.control("release")
            assert line.sock is not None
            return bool(select([line.sock], [], [], 0.05)[0])

        wait_for("the end of the connection", let_go)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            line.getreply()
    assert place.world()["letters"] == []


@pytest.mark.parametrize(
    ("side", "fault"),
    [("mail", "after_502"), ("github", "refuse_550"), ("chat", "greylist_451"), ("post", "after_502")],
)
def test_a_fault_that_does_not_exist_there_is_refused(place: Place, side: str, fault: str) -> None:
    answer = requests.post(f"{place.server.url}/_control/faults", json={"side": side, "fault": fault}, timeout=10)

    assert answer.status_code == 400
    assert ("fault is one of" if side != "post" else "side is one of") in answer.json()["error"]


def test_a_new_beginning_forgets_letters_and_messages(place: Place) -> None:
    place.mail().send(LETTER)
    place.chat("team").post(title="Hello", body="there")

    place.control("reset")

    assert (place.world()["letters"], place.world()["posts"]) == ([], [])


# -- chat -----------------------------------------------------------------------------------------------------------


def test_a_message_is_kept_in_its_room(place: Place) -> None:
    place.control("clock", to="2027-03-10T09:00:00+00:00")

    place.chat("team").post(title="Golden ticket", body="**Bo** goes to RubyConf")

    (post,) = place.world()["posts"]
    assert (post["room"], post["title"], post["body"]) == ("team", "Golden ticket", "**Bo** goes to RubyConf")
    assert post["at"].startswith("2027-03-10T09:0")
    assert place.attempts() == [("chat", "/team", 200, None)]


@pytest.mark.parametrize(
    ("fault", "raised", "kept"),
    [
        ("limit_429", TemporaryError, 0),
        ("before_503", UnknownOutcomeError, 0),
        ("reset_after", UnknownOutcomeError, 1),
        ("after_502", UnknownOutcomeError, 1),
    ],
)
def test_a_room_goes_wrong_as_it_was_ordered_and_the_other_does_not(
    place: Place, fault: str, raised: type[Exception], kept: int
) -> None:
    place.control("faults", side="chat", fault=fault, path="^/team$")

    place.chat("board").post(title="Hello", body="board")
    with pytest.raises(raised):
        place.chat("team").post(title="Hello", body="team")

    assert [one["room"] for one in place.world()["posts"]] == ["board", *["team"] * kept]


@pytest.mark.parametrize("body", [b"{}", b"[]", b"not json", b'{"message": "  "}'])
def test_a_message_without_words_is_not_one(place: Place, body: bytes) -> None:
    answer = requests.post(f"{place.server.url}/chat/team", data=body, timeout=10)

    assert answer.status_code == 400
    assert place.world()["posts"] == []


# -- pages ----------------------------------------------------------------------------------------------------------


def test_every_page_leads_to_mail_and_chat_and_tells_how_much_there_is(place: Place) -> None:
    place.mail().send(LETTER)

    home = re.sub(r"\s+", " ", place.page("/?still=1"))

    assert '<a href="/mail">Mail</a> <span class="quiet">1</span>' in home
    assert '<a href="/chat">Chat</a> <span class="quiet">0</span>' in home


def test_the_list_of_letters_shows_to_whom_about_what_and_when_the_newest_first(place: Place) -> None:
    assert "Nothing was sent yet" in place.page("/mail")
    place.mail().send(LETTER)
    place.control("clock", to="2027-03-10T09:00:00+00:00")
    place.mail().send(LETTER)

    page = place.page("/mail")

    assert page.index('href="/mail/2"') < page.index('href="/mail/1"')
    assert "Wie läuft’s?" in page
    assert "Zoë Ferreira de Albuquerque e Vasconcelos, baker &lt;zoe@fennel.example&gt;" in page
    assert "Wed 10 Mar 2027, 09:0" in page
    assert f"smtp://127.0.0.1:{place.mail_port}" in page
    assert 'http-equiv="refresh"' not in page
    assert 'http-equiv="refresh"' in place.page("/mail?watch=1")


def test_a_letter_is_shown_as_text_with_links_and_as_html_that_can_do_no_harm(place: Place) -> None:
    place.mail().send(LETTER)

    page = place.page("/mail/1")

    assert 'href="http://127.0.0.1:8000/answer?a=1&amp;b=2"' in page
    assert "<script>" not in page
    (frame,) = re.findall(r"<iframe[^>]*>", page)
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame
    (inside,) = re.findall(r'srcdoc="([^"]*)"', frame)
    assert unescape(inside).endswith(LETTER.html + "\n")
    assert "default-src 'none'" in unescape(inside)
    assert '<base target="_blank">' in unescape(inside)
    assert 'action="http://127.0.0.1:8000/stop/s3cr3t"' in page
    assert 'name="List-Unsubscribe" value="One-Click"' in page
    assert "Auto-Submitted: auto-generated" in page


def test_a_letter_cannot_give_its_button_another_kind_of_address(place: Place) -> None:
    raw = "Subject: x\r\nList-Unsubscribe: <javascript:alert(1)>\r\nList-Unsubscribe-Post: x\r\n\r\nx\r\n"
    with smtplib.SMTP("127.0.0.1", place.mail_port, local_hostname="here", timeout=10) as line:
        line.sendmail("eve@outside.example", ["ada@fennel.example"], raw)

    page = place.page("/mail/1")

    assert 'action="javascript' not in page
    assert "<iframe" not in page


def test_a_letter_that_is_not_there_is_said_kindly(place: Place) -> None:
    answer = requests.get(f"{place.server.url}/mail/7", timeout=10)

    assert (answer.status_code, "Nothing here" in answer.text) == (404, True)


def test_the_chat_shows_every_room_the_newest_first(place: Place) -> None:
    assert "Nothing was posted yet" in place.page("/chat")
    place.chat("team").post(title="First", body="**one** <script>")
    place.chat("board").post(title="Second", body="two")

    page = place.page("/chat")

    assert page.index("#board") < page.index("#team")
    assert "<strong>one</strong> &lt;script&gt;" in page
    assert place.attempts() == [("chat", "/team", 200, None), ("chat", "/board", 200, None)], "reading is no attempt"


def test_a_sandbox_without_a_post_office_says_so() -> None:
    server = Server(Settings(port=0))
    server.start()
    try:
        assert "This sandbox takes none" in requests.get(f"{server.url}/mail", timeout=10).text
    finally:
        server.stop()


# -- beginning and end ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "environ", "port"),
    [
        ([], {}, 8825),
        ([], {"SANDBOX_PORT": "8801"}, 8826),
        ([], {"SANDBOX_MAIL_PORT": "2525"}, 2525),
        (["--mail-port", "2526"], {"SANDBOX_MAIL_PORT": "2525"}, 2526),
        ([], {"SANDBOX_MAIL_PORT": "0"}, None),
        (["--port", "0"], {}, None),
        (["--port", "0", "--mail-port", "2525"], {}, 2525),
    ],
)
def test_the_mail_port_is_said_or_lies_beside_the_port_or_is_off(
    arguments: list[str], environ: dict[str, str], port: int | None
) -> None:
    assert read_settings(arguments, environ).mail_port == port


def test_a_mail_port_that_is_no_number_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_settings(["--mail-port", "post"], {})

    assert "'post'" in capsys.readouterr().err


def test_a_sandbox_that_never_began_leaves_its_mail_port_free() -> None:
    port = free_port()
    server = Server(Settings(port=0, mail_port=port))
    server.sandbox.stop()
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))
    server._waitress.close()
    server._waitress.task_dispatcher.shutdown(timeout=1)


def test_the_command_takes_mail_once_it_is_ready_and_ends_at_once_whoever_is_still_there(
    tmp_path: Path,
) -> None:
    port = free_port()
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--mail-port", str(port)]
    command += ["--clock-file", str(tmp_path / "clock"), "--service-url", "http://127.0.0.1:9"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
        socket.socket() as silent,
        socket.socket() as held,
    ):
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        silent.connect(("127.0.0.1", port))  # without any patience: it was ready
        fault: Any = {"side": "mail", "fault": "after_hang", "seconds": 60}
        requests.post(f"{url}/_control/faults", json=fault, timeout=5)
        held.connect(("127.0.0.1", port))
        with held.makefile("rwb") as line:
            for said in (b"HELO me", b"MAIL FROM:<t@f.ex>", b"RCPT TO:<a@f.ex>", b"DATA", b"Subject: x\r\n\r\nx\r\n."):
                line.readline()
                line.write(said + b"\r\n")
                line.flush()
            wait_for("the letter", lambda: requests.get(f"{url}/_control/world", timeout=5).json()["letters"])
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=PATIENCE_SECONDS) == 0, "half of the time for which the letter is held"
            assert process.stdout.read() == ""
