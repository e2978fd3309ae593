"""SMTP_URL: which mail server sends our letters, how the way there is secured, and as whom we log in."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import unquote, urlsplit

MAIL_PORTS = {"smtp": 587, "smtps": 465}
LOCAL_RELAY_PORT = 25
HOW_TO_WRITE = "smtp://user:password@host:587 or smtps://user:password@host:465"


@dataclass(frozen=True, kw_only=True)
class SmtpParts:
    """What SMTP_URL says, taken apart. Its representation never shows the password."""

    host: str
    port: int
    tls: Literal["none", "starttls", "implicit"]
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def smtp_parts(url: str) -> SmtpParts:
    """Take SMTP_URL apart, or raise ValueError with what is wrong; the sentence never repeats a secret.

    `smtps://` speaks TLS from the first byte, `smtp://` has to switch to it (STARTTLS). Only a server on this machine
    may be spoken to in clear.
    """
    # Looked for first, because urlsplit drops tabs and line ends without a word.
    if any(letter.isspace() or not letter.isprintable() for letter in url):
        raise ValueError("does not hold together: there is a space or a line end in it")
    scheme, divider, _ = url.partition("://")
    if not divider or scheme not in MAIL_PORTS:
        raise ValueError(f"does not read like {HOW_TO_WRITE}")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Not chained: its text holds a piece of what stands where the port should be, which may be a password.
        raise ValueError(f"does not name a host and a port that exist{_escape_hint(url)}") from None
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"does not end after the port{_escape_hint(url)}")
    if not parts.hostname:
        raise ValueError(f"does not name a host; it is written {HOW_TO_WRITE}")
    if port == 0:
        raise ValueError("does not name a port that exists")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ValueError("does not have both a user and a password; either give both or none")
    if not (user + password).isascii():
        raise ValueError("does not keep to plain ASCII in its user and password, as mail servers ask")
    on_this_machine = is_this_machine(parts.hostname)
    tls: Literal["none", "starttls", "implicit"] = "none" if on_this_machine else "starttls"
    return SmtpParts(
        host=parts.hostname,
        port=port or (LOCAL_RELAY_PORT if scheme == "smtp" and on_this_machine else MAIL_PORTS[scheme]),
        tls="implicit" if scheme == "smtps" else tls,
        user=user or None,
        password=password or None,
    )


def is_this_machine(host: str) -> bool:
    """Say whether nothing that is sent there leaves this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _escape_hint(url: str) -> str:
    """Say how to write the letters that end an address early, when there seems to be a password with one of them."""
    return " (in a user or password, write / ? # : @ as %2F %3F %23 %3A %40)" if "@" in url else ""
