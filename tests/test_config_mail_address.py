"""SMTP_URL is taken apart once, at the start, and whatever is wrong with it is told without its password."""

import pytest

from config.mail_address import SmtpParts, is_this_machine, smtp_parts

HIDDEN = "hunter2"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        (
            "smtp://trellis:hunter2@mail.fennel.example:2525",
            SmtpParts(host="mail.fennel.example", port=2525, tls="starttls", user="trellis", password=HIDDEN),
        ),
        ("smtp://mail.fennel.example", SmtpParts(host="mail.fennel.example", port=587, tls="starttls")),
        ("smtps://mail.fennel.example/", SmtpParts(host="mail.fennel.example", port=465, tls="implicit")),
        ("smtp://127.0.0.1:8825", SmtpParts(host="127.0.0.1", port=8825, tls="none")),
        ("smtp://localhost", SmtpParts(host="localhost", port=25, tls="none")),
        ("smtps://localhost", SmtpParts(host="localhost", port=465, tls="implicit")),
        ("smtp://[::1]:2525", SmtpParts(host="::1", port=2525, tls="none")),
    ],
)
def test_an_address_says_host_port_account_and_how_the_way_is_secured(url: str, parts: SmtpParts) -> None:
    assert smtp_parts(url) == parts


@pytest.mark.parametrize(
    ("written", "user", "password"),
    [
        ("trellis%40fennel.example:a%3Ab%2Fc%23d%3Fe%25", "trellis@fennel.example", "a:b/c#d?e%"),
        ("trellis@fennel.example:plain", "trellis@fennel.example", "plain"),
        ("trellis:a:b", "trellis", "a:b"),
    ],
)
def test_a_user_and_a_password_may_hold_any_sign_when_it_is_written_as_a_percent_code(
    written: str, user: str, password: str
) -> None:
    parts = smtp_parts(f"smtps://{written}@mail.fennel.example:465")

    assert (parts.user, parts.password, parts.host) == (user, password, "mail.fennel.example")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mail.fennel.example:587", "smtp://user:password@host:587"),
        ("https://mail.fennel.example", "smtps://"),
        ("SMTP:mail.fennel.example", "smtp://"),
        ("smtp://", "does not name a host"),
        ("smtp://trellis:hunter2@:587", "does not name a host"),
        ("smtp://mail.fennel.example:seven", "port"),
        ("smtp://mail.fennel.example:65536", "port"),
        ("smtp://mail.fennel.example:0", "port"),
        ("smtp://trellis@mail.fennel.example", "both a user and a password"),
        ("smtp://:hunter2@mail.fennel.example", "both a user and a password"),
        ("smtp://mail.fennel.example/inbox", "does not end after the port"),
        ("smtp://mail.fennel.example?tls=no", "does not end after the port"),
        ("smtp://trellis:hunter2#x@mail.fennel.example", "%23"),
        ("smtp://trellis:hunter2/x@mail.fennel.example", "%2F"),
        ("smtp://trellis:hunter2?x@mail.fennel.example", "%3F"),
        ("smtp://trellis:h%C3%BCnter2@mail.fennel.example", "plain ASCII"),
        ("smtp://trellis:hunter2@mail.fennel.example:587\n", "line end"),
        ("smtp://trellis:hunt er2@mail.fennel.example", "a space"),
        ("smtp://[::1", "host and a port"),
    ],
)
def test_what_is_wrong_is_said_in_half_a_sentence_and_without_the_password(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"^(is|does) ") as refused:
        smtp_parts(url)

    assert words in str(refused.value)
    assert HIDDEN not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_the_parts_never_show_the_password() -> None:
    assert HIDDEN not in repr(smtp_parts("smtp://trellis:hunter2@mail.fennel.example"))


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True),
        ("localhost.fennel.example", False), ("10.0.0.1", False), ("0.0.0.0", False), ("mail", False),
    ],
)  # fmt: skip
def test_only_this_machine_may_be_spoken_to_in_clear(host: str, here: bool) -> None:
    assert is_this_machine(host) is here
