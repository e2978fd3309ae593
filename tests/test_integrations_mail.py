"""The mail adapter: what goes over the wire, byte by byte, and what each fault of a real server is turned into."""

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from integrations.mail import Letter, Mail

# What a step of the server may do instead of answering.
SILENCE, DROP, RESET = b"(says nothing until the test ends)", b"(closes)", b"(resets the connection)"
PASSWORD = "hunter2-hunter2"
LETTER = Letter(
    message_id="nudge-fennel-ada-2027-W10",
    sender="Trellis <trellis@fennel.example>",
    to_name="Ada Ferreira",
    to_address="ada@fennel.example",
    subject="Your last two weeks",
    text="Hello Ada\n",
    html="<p>Hello Ada</p>\n",
)
TO_BE_UNSUBSCRIBED = replace(
    LETTER,
    reply_to="Fennel Works <hello@fennel.example>",
    unsubscribe_url=f"https://trellis.fennel.example/stop/{'s' * 90}",
    locale="pt-BR",
)


@dataclass
class Server:
    """A mail server that answers each step as it was told, and remembers every byte."""

    answers: dict[str, bytes] = field(default_factory=dict)
    port: int = 0
    commands: list[str] = field(default_factory=list)
    wire: list[bytes] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    seconds_a_step: float = 0
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Server":
        """Listen."""
        self._socket = socket.socket()
        # Small, so that a long letter does not fit into what the systems keep on the way. Connections inherit it.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of whatever is held, and end."""
        self.over.set()
        # A last connection wakes the thread up, which then finds that it is over.
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if self.over.is_set():
                    return
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        with ExitStack() as stack:
            try:
                if self.tls and self.implicit:
                    connection = stack.enter_context(self.tls.wrap_socket(connection, server_side=True))
                if not self._answer(connection, "greeting", b"220 mail.fennel.example ready\r\n"):
                    return
                reader = stack.enter_context(connection.makefile("rb"))
                while line := reader.readline():
                    self.commands.append(line.decode().rstrip("\r\n"))
                    verb = line.split()[0].upper().decode()
                    if not self._answer(connection, verb, self._usual(verb)):
                        return
                    if verb == "STARTTLS" and self.tls:
                        connection = stack.enter_context(self.tls.wrap_socket(connection, server_side=True))
                        reader = stack.enter_context(connection.makefile("rb"))
                    if verb == "QUIT":
                        return
                    if verb == "DATA" and self.answers.get("DATA", b"354").startswith(b"354"):
                        if not self._answer(connection, "letter", b""):
                            return
                        lines = []
                        while (line := reader.readline()) != b".\r\n":
                            if not line:
                                return  # it broke off half way, and must not be kept
                            lines.append(line)
                        self.wire.append(b"".join(lines))
                        if not self._answer(connection, "content", b"250 taken\r\n"):
                            return
            except OSError:
                return  # the client hung up; what it thinks of that is what the tests are about

    def _usual(self, verb: str) -> bytes:
        extensions = b"250-STARTTLS\r\n" if self.tls and not self.implicit else b""
        return {
            "EHLO": b"250-mx.fennel.example at your service\r\n" + extensions + b"250-SIZE 1000\r\n250 AUTH PLAIN\r\n",
            "DATA": b"354 go on\r\n",
            "QUIT": b"221 bye\r\n",
            "AUTH": b"235 welcome\r\n",
            "STARTTLS": b"220 go on\r\n",
        }.get(verb, b"250 ok\r\n")

    def _answer(self, connection: socket.socket, step: str, usual: bytes) -> bool:
        answer = self.answers.get(step, usual)
        self.over.wait(self.seconds_a_step)
        if answer == SILENCE:
            self.over.wait()
            return False
        if answer == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if answer in (DROP, RESET):
            return False
        connection.sendall(answer)
        return True

    def verbs(self) -> list[str]:
        return [command.split()[0].upper() for command in self.commands]

    @property
    def contents(self) -> list[bytes]:
        """Every whole letter, without the dots that were added on the way."""
        return [re.sub(rb"(?m)^\.", b"", one) for one in self.wire]

    def letter(self) -> EmailMessage:
        """The one letter, read as a mail program reads it."""
        (content,) = self.contents
        return read(content)


def read(content: bytes) -> EmailMessage:
    return message_from_bytes(content, EmailMessage, policy=policy.default)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


def mail_to(server: Server, *, seconds: float = 15, account: bool = False) -> Mail:
    return Mail(
        host="127.0.0.1", port=server.port, tls="none", call_seconds=seconds,
        user="trellis" if account else None, password=PASSWORD if account else None,
    )  # fmt: skip


# -- the letter -----------------------------------------------------------------------------------------------------


def test_a_letter_goes_out_in_these_bytes(server: Server) -> None:
    started = datetime.now(UTC)

    assert mail_to(server).send(TO_BE_UNSUBSCRIBED) == "<nudge-fennel-ada-2027-W10@fennel.example>"

    date = str(server.letter()["Date"])
    assert timedelta(seconds=-1) <= parsedate_to_datetime(date) - started <= timedelta(minutes=5)
    lines = [
        "From: Trellis <trellis@fennel.example>",
        "To: Ada Ferreira <ada@fennel.example>",
        "Subject: Your last two weeks",
        f"Date: {date}",
        "Message-ID: <nudge-fennel-ada-2027-W10@fennel.example>",
        "Auto-Submitted: auto-generated",
        "Content-Language: pt-BR",
        "Reply-To: Fennel Works <hello@fennel.example>",
        f"List-Unsubscribe: <https://trellis.fennel.example/stop/{'s' * 90}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "MIME-Version: 1.0",
        'Content-Type: multipart/alternative; boundary="=_trellis"',
        "",
    ]
    (content,) = server.contents
    head, _, rest = content.partition(b"--=_trellis")
    assert head.decode("ascii").split("\r\n")[:-1] == lines
    assert rest.endswith(b"\r\n--=_trellis--\r\n")
    assert server.commands[1:] == ["mail FROM:<trellis@fennel.example>", "rcpt TO:<ada@fennel.example>", "DATA", "quit"]


def test_a_letter_without_more_has_no_more_headers(server: Server) -> None:
    mail_to(server).send(LETTER)

    assert set(server.letter().keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language", "MIME-Version",
        "Content-Type",
    }  # fmt: skip


def test_both_parts_arrive_as_they_were_written_with_long_lines_dots_and_every_letter(server: Server) -> None:
    text = "Olá Zoë 🌱\n.\n..two dots\n.hidden\nFrom here\n" + "word " * 500 + "\n\ttab and blank \n"
    html = f"<p>Grüße</p>\n.\n<a href='https://fennel.example/?a=1&b=2'>{'x' * 2000}</a>\n"

    mail_to(server).send(replace(LETTER, text=text, html=html))

    plain, rich = server.letter().get_body(("plain",)), server.letter().get_body(("html",))
    assert isinstance(plain, EmailMessage)
    assert isinstance(rich, EmailMessage)
    assert plain.get_content().replace("\r\n", "\n") == text
    assert rich.get_content().replace("\r\n", "\n") == html
    (wire,) = server.wire
    assert wire.isascii()
    assert max(len(line) for line in wire.split(b"\r\n")) <= 78
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert b"\r\n..\r\n...two dots\r\n..hidden\r\n" in wire, "doubled on the way, or the lone dot ends the letter"


@pytest.mark.parametrize(
    "name",
    [
        "Zoë Lindqvist", 'Bo "the baker" Lindqvist', "Lindqvist, Bo", "李小龍", "Bo (co-op)", "back\\slash",
        "a@b.example",
        "=?utf-8?q?trick?=", 'Zoë, "the" Lindqvist-Ångström with a very long name (of the co-op): Zoë Lindqvist',
        "Плодородная Земля " * 8,
    ],
)  # fmt: skip
def test_a_name_arrives_as_it_is_written(server: Server, name: str) -> None:
    mail_to(server).send(replace(LETTER, to_name=name))

    # Read by the older parser: the newer one of Python 3.11 leaves a blank between two encoded words of a name.
    shown, address = parseaddr(message_from_bytes(server.contents[0])["To"].replace("\r\n", ""))
    assert (str(make_header(decode_header(shown))), address) == (name.strip(), "ada@fennel.example")
    assert [one.addr_spec for one in server.letter()["To"].addresses] == ["ada@fennel.example"]
    assert max(len(line) for line in server.wire[0].split(b"\r\n")) <= 78


@pytest.mark.parametrize("subject", ["Wie läuft’s? " * 10, "🌱 " * 40, "a plain one", "x" * 200, "=?utf-8?q?trick?="])
def test_a_subject_arrives_as_it_is_written(server: Server, subject: str) -> None:
    mail_to(server).send(replace(LETTER, subject=subject))

    assert server.letter()["Subject"] == subject.strip()


def test_a_subject_that_is_too_long_is_cut_with_a_sign_of_it(server: Server) -> None:
    mail_to(server).send(replace(LETTER, subject="word " * 300))

    subject = server.letter()["Subject"]
    assert subject.startswith("word word")
    assert subject.endswith("…")
    assert len(subject) == 200


@settings(max_examples=50, deadline=None)
@given(
    # Half of a surrogate pair included, and every kind of line end.
    typed=st.text(max_size=120) | st.text(alphabet="a\r\n\x0b\x85\u2028: é\ud800", max_size=40)
)
def test_nothing_typed_into_a_name_or_a_subject_becomes_a_header(typed: str) -> None:
    hostile = f"{typed}\r\nBcc: eve@outside.example\r\n\r\nmine".replace("<", "").replace(">", "")

    with Server() as server:
        mail_to(server).send(
            replace(
                LETTER,
                to_name=hostile,
                subject=hostile,
                sender=f"{hostile} <t@f.example>",
                reply_to=f"{hostile} <r@f.example>",
            )
        )
        letter = server.letter()

    assert set(letter.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language", "MIME-Version",
        "Content-Type", "Reply-To",
    }  # fmt: skip
    assert letter["Subject"].endswith("Bcc: eve@outside.example mine")
    found = [one.addr_spec for name in ("To", "From", "Reply-To") for one in letter[name].addresses]
    assert found == ["ada@fennel.example", "t@f.example", "r@f.example"]
    assert server.verbs() == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]


@pytest.mark.parametrize(
    "changes",
    [
        {"to_address": "ada"}, {"to_address": ""}, {"to_address": "ada@"}, {"to_address": "@fennel.example"},
        {"to_address": "ada@fennel.example\r\nRCPT TO:<eve@outside.example>"}, {"to_address": "a da@fennel.example"},
        {"to_address": "ada@fennel.example,eve@outside.example"}, {"to_address": "ada@fennel..example"},
        {"to_address": ".ada@fennel.example"}, {"to_address": "ada@-fennel.example"}, {"to_address": "zoë@f.example"},
        {"to_address": "ada@bücher.example"}, {"to_address": "<ada@f.example>"}, {"to_address": "a" * 65 + "@f.ex"},
        {"sender": "Trellis"}, {"sender": "Trellis <trellis>"}, {"reply_to": "nobody\r\nBcc: eve@outside.example"},
        {"message_id": "nudge:fennel"}, {"message_id": ""}, {"message_id": "a@b"}, {"message_id": "a>\r\nBcc: e@o.ex"},
        {"unsubscribe_url": "mailto:stop@f.example"}, {"unsubscribe_url": "https://f.example/\r\nBcc: e@o.ex"},
        {"unsubscribe_url": "https://f.example/>,<mailto:e@o.ex"}, {"unsubscribe_url": "https://f.ex/" + "x" * 900},
        {"locale": "en\r\nBcc: eve@outside.example"}, {"locale": ""},
    ],
)  # fmt: skip
def test_a_letter_that_could_never_be_sent_is_refused_before_anybody_is_asked(
    server: Server, changes: dict[str, str]
) -> None:
    with pytest.raises(PermanentError) as refused:
        mail_to(server).send(replace(LETTER, **changes))

    assert server.commands == []
    assert "ada@fennel.example" not in str(refused.value).removesuffix("such as ada@fennel.example")
    assert "eve" not in str(refused.value)


# -- faults ---------------------------------------------------------------------------------------------------------

BEFORE_THE_LETTER = ["greeting", "EHLO", "MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize("step", [*BEFORE_THE_LETTER, "content"])
def test_an_answer_of_4xx_at_any_step_means_later(server: Server, step: str) -> None:
    server.answers = {step: b"451 4.7.1 <ada@fennel.example> greylisted\r\n", "HELO": b"451 no\r\n"}

    with pytest.raises(TemporaryError) as refused:
        mail_to(server).send(LETTER)

    assert "451" in str(refused.value)
    assert "ada@" not in str(refused.value)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("greeting", "does not take mail from here"),
        ("MAIL", "under this sender"),
        ("RCPT", "recipient's address"),
        ("DATA", "refuses the letter"),
        ("content", "refuses the letter"),
    ],
)
def test_an_answer_of_5xx_means_never_and_says_what_to_look_at(server: Server, step: str, words: str) -> None:
    server.answers = {step: b"550 5.1.1 <ada@fennel.example>: not here\r\n"}

    with pytest.raises(PermanentError) as refused:
        mail_to(server).send(LETTER)

    assert words in str(refused.value)
    assert "550 5.1.1" in str(refused.value)
    assert "ada@" not in str(refused.value)
    assert not refused.value.may_have_happened


@pytest.mark.parametrize("how", [DROP, RESET])
@pytest.mark.parametrize("step", BEFORE_THE_LETTER)
def test_a_connection_lost_before_the_letter_means_that_it_was_not_sent(server: Server, step: str, how: bytes) -> None:
    server.answers = {step: how}

    with pytest.raises(TemporaryError):
        mail_to(server).send(LETTER)

    assert server.contents == []


@pytest.mark.parametrize("step", BEFORE_THE_LETTER)
def test_a_server_that_says_nothing_before_the_letter_is_given_up_in_time(server: Server, step: str) -> None:
    server.answers = {step: SILENCE}

    with pytest.raises(TemporaryError):
        mail_to(server, seconds=0.3).send(LETTER)

    assert server.contents == []


def test_a_server_that_is_slow_at_every_step_is_given_up_in_time_as_well(server: Server) -> None:
    server.seconds_a_step = 0.3  # each well within the second, and all of them together not

    with pytest.raises(TemporaryError):
        mail_to(server, seconds=1).send(LETTER)

    assert server.wire == []


@pytest.mark.parametrize("how", [DROP, RESET, SILENCE, b"what?\r\n", b"354 more?\r\n"])
def test_no_answer_to_the_whole_letter_means_that_nobody_knows(server: Server, how: bytes) -> None:
    server.answers = {"content": how}

    with pytest.raises(UnknownOutcomeError):
        mail_to(server, seconds=2 if how == SILENCE else 15).send(LETTER)

    assert len(server.contents) == 1, "the server did have it"


@pytest.mark.parametrize("how", [RESET, SILENCE])
def test_a_letter_that_broke_off_half_way_was_not_sent(server: Server, how: bytes) -> None:
    # More than the systems keep on the way, to a server that says "go on" and reads nothing.
    long = replace(LETTER, text=("x" * 75 + "\n") * 80_000)
    server.answers = {"letter": how}

    with pytest.raises(TemporaryError):
        mail_to(server, seconds=2 if how == SILENCE else 15).send(long)

    assert server.verbs()[:4] == ["EHLO", "MAIL", "RCPT", "DATA"]
    assert server.wire == []


def test_a_server_that_is_not_there_means_later() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and not listening

        with pytest.raises(TemporaryError):
            Mail(host="127.0.0.1", port=nobody.getsockname()[1], tls="none").send(LETTER)


def test_a_server_that_vanishes_after_taking_the_letter_took_it(server: Server) -> None:
    server.answers = {"QUIT": RESET}

    assert mail_to(server).send(LETTER) == "<nudge-fennel-ada-2027-W10@fennel.example>"
    assert len(server.contents) == 1


def test_an_older_server_that_knows_only_helo_is_spoken_to(server: Server) -> None:
    server.answers = {"EHLO": b"502 what?\r\n"}

    mail_to(server).send(LETTER)

    assert server.verbs() == ["EHLO", "HELO", "MAIL", "RCPT", "DATA", "QUIT"]


# -- the account ----------------------------------------------------------------------------------------------------


def test_an_account_is_logged_into_before_the_letter(server: Server) -> None:
    mail_to(server, account=True).send(LETTER)

    assert server.verbs() == ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]


def test_a_password_that_is_not_right_is_told_and_never_shown(server: Server) -> None:
    server.answers = {"AUTH": f"535 5.7.8 not {PASSWORD}\r\n".encode()}

    with pytest.raises(PermanentError) as refused:
        mail_to(server, account=True).send(LETTER)

    assert "SMTP_URL" in str(refused.value)
    assert "535" in str(refused.value)
    assert PASSWORD not in str(refused.value)
    assert refused.value.__suppress_context__, "a traceback would show what the server said"
    assert server.contents == []


@pytest.mark.parametrize("answer", [b"454 4.7.0 not now\r\n", DROP])
def test_a_login_that_does_not_work_just_now_is_tried_later(server: Server, answer: bytes) -> None:
    server.answers = {"AUTH": answer}

    with pytest.raises(TemporaryError):
        mail_to(server, account=True).send(LETTER)


def test_a_server_without_a_login_we_know_is_told_of(server: Server) -> None:
    server.answers = {"EHLO": b"250-mx.fennel.example\r\n250 AUTH KERBEROS_V4\r\n"}

    with pytest.raises(PermanentError, match="no way of logging in"):
        mail_to(server, account=True).send(LETTER)


@pytest.mark.parametrize(
    "how",
    [
        {"host": "mail.fennel.example", "tls": "none"},
        {"host": "127.0.0.1", "tls": "none", "user": "trellis"},
        {"host": "127.0.0.1", "tls": "none", "password": PASSWORD},
        {"host": "127.0.0.1", "tls": "none", "user": "trellis", "password": "hünter2"},
    ],
)
def test_an_account_that_cannot_be_right_is_refused_at_once(how: dict[str, str]) -> None:
    with pytest.raises(ValueError) as refused:
        Mail(port=587, **how)  # type: ignore[arg-type]  # the names are right

    assert "hunter2" not in str(refused.value)
    assert "hünter2" not in str(refused.value)


def test_a_check_greets_logs_in_and_leaves_and_gives_the_servers_name(server: Server) -> None:
    assert mail_to(server, account=True).check() == "mx.fennel.example"
    assert server.verbs() == ["EHLO", "AUTH", "QUIT"]


def test_a_check_says_what_sending_would_say(server: Server) -> None:
    server.answers = {"AUTH": b"535 no\r\n"}

    with pytest.raises(PermanentError):
        mail_to(server, account=True).check()


# -- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that vouches for itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.fennel.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def secured(certificate: Path) -> Callable[[bool], Server]:
    def make(implicit: bool) -> Server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return Server(tls=context, implicit=implicit)

    return make


@pytest.mark.parametrize("implicit", [False, True])
def test_letters_go_over_tls_to_a_server_that_proves_who_it_is(
    secured: Callable[[bool], Server], certificate: Path, monkeypatch: pytest.MonkeyPatch, implicit: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with secured(implicit) as server:
        mail = Mail(
            host="127.0.0.1", port=server.port, tls="implicit" if implicit else "starttls",
            user="trellis", password=PASSWORD,
        )  # fmt: skip
        mail.send(LETTER)

        secret = ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]
        assert server.verbs() == (secret if implicit else ["EHLO", "STARTTLS", *secret])


@pytest.mark.parametrize("implicit", [False, True])
def test_a_server_that_cannot_prove_who_it_is_is_told_nothing(
    secured: Callable[[bool], Server], implicit: bool
) -> None:
    with secured(implicit) as server:
        mail = Mail(
            host="127.0.0.1", port=server.port, tls="implicit" if implicit else "starttls",
            user="trellis", password=PASSWORD,
        )  # fmt: skip
        with pytest.raises(TemporaryError, match="certificate"):
            mail.send(LETTER)

        assert server.verbs() == ([] if implicit else ["EHLO", "STARTTLS"])


def test_a_server_without_starttls_is_told_nothing(server: Server) -> None:
    with pytest.raises(PermanentError, match="STARTTLS"):
        Mail(host="127.0.0.1", port=server.port, tls="starttls", user="trellis", password=PASSWORD).send(LETTER)

    assert server.verbs() == ["EHLO", "QUIT"]
