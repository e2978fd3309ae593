"""Letters over SMTP, one at a time, in steps small enough to tell "certainly not sent" from "nobody knows".

`smtplib.sendmail` fails in the same way before and after the server took the letter over, so the steps are taken by
hand: until the dot that ends the letter has been sent, nothing can have been delivered (RFC 5321, 4.1.1.4 and 4.2.5).

The headers that hold what people typed are written here and not by `EmailMessage`: Python 3.11 folds long names so that
blanks get lost, and turns a long List-Unsubscribe into encoded words, which no mail program reads.
"""

import re
import smtplib
import ssl
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime
from ipaddress import ip_address
from time import monotonic
from typing import TYPE_CHECKING, Literal

from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from integrations.pace import Pace

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

Tls = Literal["none", "starttls", "implicit"]

LONGEST_SHOWN = 200  # characters of a name or a subject; more than anybody reads, and far below SMTP's longest line
LONGEST_URL = 900
LONGEST_LINE = 76
GOODBYE_SECONDS = 2
# A sequence that quoted-printable never writes, so no letter can hold it (RFC 2045, 6.7).
BOUNDARY = "=_trellis"

WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
WORDS = re.compile(rf"{WORD}(?:\.{WORD})*")
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DOMAIN = re.compile(rf"{LABEL}(?:\.{LABEL})*")
NAME_AND_ADDRESS = re.compile(r"\s*(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>\s*")
LOCALE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
WEB_ADDRESS = re.compile(r"https?://[!-~]+")
SPECIAL = re.compile(r'[()<>\[\]:;@\\,."]')
ANY_ADDRESS = re.compile(r"\S*@\S*")

NO_ENTRY = "the mail server does not take mail from here"
NO_LOGIN = (
    "the mail server does not accept the user and password of SMTP_URL; look them up again (some want an app password)"
)
NO_SENDER = "the mail server does not let us send under this sender; is it an address of the account in SMTP_URL?"
NO_RECIPIENT = "the mail server refuses the recipient's address; is it still right?"
NO_LETTER = "the mail server refuses the letter"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One letter to one person.

    `message_id` is the part before the @ of its Message-ID: letters, digits and ``!#$%&'*+/=?^_`{|}~-.``, so no colon.
    The same letter always has the same one, so that a mail system may recognise a repeat. `sender` and `reply_to` read
    "Trellis <trellis@fennel.example>" or are an address alone. With `unsubscribe_url`, mail programs show a button that
    sends one POST to it (RFC 8058).
    """

    message_id: str
    sender: str
    to_name: str
    to_address: str
    subject: str
    text: str
    html: str
    reply_to: str | None = None
    unsubscribe_url: str | None = None
    locale: str = "en"


@dataclass(frozen=True, kw_only=True)
class _Sealed:
    """A letter as it goes over the wire."""

    message_id: str
    sender: str
    recipient: str
    content: bytes


class Mail:
    """One account on one mail server."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls: Tls,
        user: str | None = None,
        password: str | None = None,
        call_seconds: float = 15,
        pace: Pace | None = None,
    ) -> None:
        """Nothing is sent yet. Speaking in clear (`none`) is refused unless the server is on this machine."""
        if tls == "none" and not _is_this_machine(host):
            raise ValueError("letters and passwords go to another machine only over TLS")
        if (user is None) != (password is None):
            raise ValueError("a mail account has both a user and a password, or neither")
        if not f"{user or ''}{password or ''}".isascii():
            raise ValueError("a mail account's user and password keep to plain ASCII")
        self._host = host
        self._port = port
        self._tls = tls
        self._account = None if user is None or password is None else (user, password)
        self._call_seconds = call_seconds
        self._pace = pace
        self.account = f"mail:{host}"  # whose letters the pace counts

    def at_pace(self, pace: Pace | None) -> "Mail":
        """Give the same account for letters of one organisation, which are counted as its own."""
        other = copy(self)
        other._pace = pace
        return other

    def check(self) -> str:
        """Greet, log in when there is an account, and leave; gives the name under which the server greets."""
        with self._talk() as line:
            said = (line.ehlo_resp or line.helo_resp or b"").split(None, 1)
        return _plain(said[0])[:100] if said else self._host

    def send(self, letter: Letter) -> str:
        """Send one letter and give its Message-ID.

        TemporaryError (PacedError among them) and PermanentError mean that it certainly was not sent.
        UnknownOutcomeError means that the answer to the whole letter never came: nobody can look a letter up, so
        whoever sends it again may send it twice.
        """
        sealed = _sealed(letter, datetime.now(UTC))
        if self._pace is not None:
            self._pace.take(self.account)
        with self._talk() as line:
            _hand_over(line, sealed)
        return sealed.message_id

    @contextmanager
    def _talk(self) -> Iterator["_Line"]:
        """Connect, greet, secure and log in. What breaks inside the block was certainly not sent, unless it says so."""
        line: _Line | None = None
        try:
            line = self._connected()
            self._greet(line)
            yield line
        except smtplib.SMTPResponseException as error:
            raise _refused(NO_ENTRY, error.smtp_code, error.smtp_error) from None
        except ssl.SSLCertVerificationError as error:
            raise TemporaryError(
                f"the mail server's certificate does not hold ({error.verify_message}); nothing was sent"
            ) from error
        except OSError as error:
            raise TemporaryError(f"the mail server could not be reached, or broke off ({_kind(error)})") from error
        finally:
            if line is not None:
                line.leave()

    def _connected(self) -> "_Line":
        ends = monotonic() + self._call_seconds
        if self._tls == "implicit":
            return _TlsLine(self._host, self._port, ends)
        return _Line(self._host, self._port, ends)

    def _greet(self, line: "_Line") -> None:
        line.ehlo_or_helo_if_needed()
        if self._tls == "starttls":
            try:
                line.starttls(context=ssl.create_default_context())
            except smtplib.SMTPNotSupportedError:
                raise PermanentError(
                    "the mail server offers no STARTTLS, and without it letters could be read on the way; "
                    "use smtps:// in SMTP_URL, or another server"
                ) from None
            line.ehlo_or_helo_if_needed()
        if self._account is not None:
            _log_in(line, *self._account)


class _Line(smtplib.SMTP):
    """A conversation with a mail server that ends in time, however many steps it takes."""

    def __init__(self, host: str, port: int, ends: float) -> None:
        self._ends = ends
        self._open(host, port, max(ends - monotonic(), 0.001))
        # By address: looking our own name up may take long and tells the server nothing it needs (RFC 5321, 4.1.3).
        own = self.sock.getsockname()[0].partition("%")[0] if self.sock else "127.0.0.1"
        self.local_hostname = f"[IPv6:{own}]" if ":" in own else f"[{own}]"

    def _open(self, host: str, port: int, seconds: float) -> None:
        smtplib.SMTP.__init__(self, host, port, local_hostname="localhost", timeout=seconds)

    def send(self, s: "ReadableBuffer | str") -> None:
        """Send, in the time that is left; the wait for the answer is as long at most."""
        left = self._ends - monotonic()
        if left <= 0:
            self.close()
            raise TimeoutError("the time for this call is used up")
        if self.sock is not None:
            self.sock.settimeout(left)
        super().send(s)

    def leave(self) -> None:
        """Say goodbye if anybody still listens; the letter's fate is decided by now."""
        self._ends = monotonic() + GOODBYE_SECONDS
        with suppress(OSError):
            self.quit()
        self.close()


class _TlsLine(_Line, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""

    def _open(self, host: str, port: int, seconds: float) -> None:
        context = ssl.create_default_context()
        smtplib.SMTP_SSL.__init__(self, host, port, local_hostname="localhost", timeout=seconds, context=context)


def _log_in(line: _Line, user: str, password: str) -> None:
    # Nothing is chained, and nothing the server said is repeated: some repeat what they were told.
    try:
        line.login(user, password)
    except smtplib.SMTPServerDisconnected:
        raise TemporaryError("the mail server broke off while we logged in") from None
    except smtplib.SMTPResponseException as error:
        raise _refused(NO_LOGIN, error.smtp_code, b"") from None
    except (smtplib.SMTPException, ValueError):
        raise PermanentError("the mail server offers no way of logging in that Trellis knows") from None


def _hand_over(line: _Line, sealed: _Sealed) -> None:
    """Take the steps of one letter; whatever fails before the final dot is sent leaves nothing behind."""
    _agreed(NO_SENDER, line.mail(sealed.sender))
    _agreed(NO_RECIPIENT, line.rcpt(sealed.recipient))
    _agreed(NO_LETTER, line.docmd("DATA"))
    # A line that begins with a dot gets a second one, so that none of them ends the letter (RFC 5321, 4.5.2).
    line.send(re.sub(rb"(?m)^\.", b"..", sealed.content))
    try:
        line.send(b".\r\n")
        code, said = line.getreply()
    except OSError as error:
        raise UnknownOutcomeError("the mail server had the whole letter and never answered") from error
    if 400 <= code < 600:
        # Also 4xx is an answer: the server must not deliver what it did not accept (RFC 5321, 4.2.5).
        raise _refused(NO_LETTER, code, said)
    if not 200 <= code < 300:
        raise UnknownOutcomeError("the mail server had the whole letter and answered with something that is no answer")


def _agreed(problem: str, answer: tuple[int, bytes]) -> None:
    code, said = answer
    if not 200 <= code < 400:
        raise _refused(problem, code, said)


def _refused(problem: str, code: int, said: bytes | str) -> TemporaryError | PermanentError:
    """Make the exception that a refusal asks for, with what the server said, addresses left out."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    told = f"{code} {ANY_ADDRESS.sub('…', _plain(text))[:LONGEST_SHOWN]}".strip()
    if 500 <= code < 600:
        return PermanentError(f"{problem} ({told})")
    return TemporaryError(f"the mail server cannot do it now ({told})")


def _kind(error: OSError) -> str:
    # smtplib wraps what happened to the connection; its own words name no secret.
    return str(error) if isinstance(error, smtplib.SMTPServerDisconnected) else type(error).__name__


# -- the letter itself ------------------------------------------------------------------------------------------------


def _sealed(letter: Letter, now: datetime) -> _Sealed:
    """Write a letter out, or say what about it could never be sent."""
    sender_name, sender = _name_and_address(letter.sender, "the sender")
    recipient = _address(letter.to_address, "the recipient's address")
    if not WORDS.fullmatch(letter.message_id) or len(letter.message_id) > LONGEST_SHOWN:
        raise PermanentError("the letter's id holds something that a Message-ID may not hold")
    if not LOCALE.fullmatch(letter.locale):
        raise PermanentError("the letter's locale is not one such as en or pt-BR")
    message_id = f"<{letter.message_id}@{sender.partition('@')[2]}>"
    headers = [
        ("From", _mailbox("From", sender_name, sender)),
        ("To", _mailbox("To", letter.to_name, recipient)),
        ("Subject", _phrase("Subject", _plain(letter.subject))),
        ("Date", format_datetime(now)),
        ("Message-ID", message_id),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Language", letter.locale),
    ]
    if letter.reply_to is not None:
        headers.append(
            ("Reply-To", _mailbox("Reply-To", *_name_and_address(letter.reply_to, "the address for replies")))
        )
    if letter.unsubscribe_url is not None:
        if not WEB_ADDRESS.fullmatch(letter.unsubscribe_url) or set(letter.unsubscribe_url) & set("<>"):
            raise PermanentError("the address for unsubscribing is not a web address")
        if len(letter.unsubscribe_url) > LONGEST_URL:
            raise PermanentError("the address for unsubscribing is too long for a header")
        headers.append(("List-Unsubscribe", f"<{letter.unsubscribe_url}>"))
        headers.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers).encode("ascii")
    content = head + _body(letter).as_bytes()
    return _Sealed(message_id=message_id, sender=sender, recipient=recipient, content=content)


def _body(letter: Letter) -> EmailMessage:
    """Write both parts as quoted-printable: no long lines, no bytes that an old server could spoil."""
    body = EmailMessage(policy=policy.SMTP)
    body.set_content(_sendable(letter.text), cte="quoted-printable")
    body.add_alternative(_sendable(letter.html), subtype="html", cte="quoted-printable")
    body.set_boundary(BOUNDARY)
    return body


def _mailbox(header: str, name: str, address: str) -> str:
    name = _plain(name)
    if not name:
        return address
    phrase = _phrase(header, name)
    if phrase == name and SPECIAL.search(name):
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        phrase = f'"{quoted}"'
    last_line = phrase.rpartition("\r\n")[2]
    gap = " " if len(header) + len(last_line) + len(address) + 6 <= LONGEST_LINE else "\r\n "
    return f"{phrase}{gap}<{address}>"


def _phrase(header: str, text: str) -> str:
    """Give a text as it may stand in a header: itself when it is plain ASCII, else in encoded words, folded."""
    text = text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
    if text.isascii() and "=?" not in text:
        return text
    return Header(text, "utf-8", header_name=header, maxlinelen=LONGEST_LINE).encode(linesep="\r\n")


def _plain(text: str | bytes) -> str:
    """Give a text as one line without control characters, so that it can never begin a header of its own."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return " ".join("".join(one for one in _sendable(said) if not _is_control(one) or one.isspace()).split())


def _is_control(letter: str) -> bool:
    return unicodedata.category(letter) == "Cc"


def _sendable(text: str) -> str:
    """Give a text in which everything can be written as UTF-8: half of a surrogate pair cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _name_and_address(said: str, whose: str) -> tuple[str, str]:
    found = NAME_AND_ADDRESS.fullmatch(said)
    if found is None:
        return "", _address(said, whose)
    name = found["name"]
    quoted = len(name) > 1 and name.startswith('"') and name.endswith('"')
    return (name[1:-1] if quoted else name), _address(found["address"], whose)


def _address(said: str, whose: str) -> str:
    """Give an e-mail address that any mail server takes, or say whose is none; its text is nobody's business here."""
    local, at, domain = said.strip().rpartition("@")
    if not at or len(local) > 64 or len(domain) > 253 or not WORDS.fullmatch(local) or not DOMAIN.fullmatch(domain):
        raise PermanentError(f"{whose} is not an e-mail address such as ada@fennel.example")
    return f"{local}@{domain}"


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
