"""The connection to GitHub: who we are, as a token's user and as an App, and what stays between us."""

import base64
import json
import logging
import threading

import pytest
import responses

from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from integrations.github import GitHub
from integrations.github_connection import Connection
from tests.conftest import Loopback, raw_reply
from tests.github_wire import (
    API,
    COMMENT,
    HOME,
    INSTALLATION,
    READS,
    TOKENS,
    WIRE,
    WRITES,
    claims_of,
    comment_reply,
    fixture,
    github,
    make_app,
    make_github,
    no_backoff,
    person,
    places,
    signed_in,
    wire,
)

__all__ = ["github", "no_backoff", "wire"]  # fixtures, used by name


def test_making_the_adapter_sends_nothing() -> None:
    with responses.RequestsMock() as wire:
        make_github()
        assert len(wire.calls) == 0


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"app_id": "55"},
        {"app_private_key": "key"},
        {"token": "invented-token", "app_id": "55", "app_private_key": "key"},
    ],
)
def test_it_takes_a_token_or_a_whole_app_never_both_nor_half(credentials: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either a token or an App's id and private key"):
        Connection(api_url=API, repository_name="fennel-works/learning", **credentials)  # type: ignore[arg-type]


def test_every_request_says_who_we_are_and_which_version_of_the_api_we_speak(
    github: GitHub, wire: responses.RequestsMock
) -> None:
    wire.get(f"{WIRE}/user", json=fixture("user.get__bot"))
    assert github.login() == "trellis-bot"
    headers = wire.calls[0].request.headers
    assert headers["Authorization"] == "token invented-token"
    assert headers["User-Agent"] == "trellis/0.1"
    assert headers["X-GitHub-Api-Version"] == "2022-11-28"


# -- threads and secrets -----------------------------------------------------------------------------------------------


def test_each_thread_has_a_connection_of_its_own(loopback: Loopback) -> None:
    # Shared between threads, PyGithub sent some comments twice and others never (facts on GitHub, section 2).
    loopback.answers = [raw_reply(200, json.dumps([comment_reply()]))]
    github = make_github(f"{loopback.url}/github")
    both = threading.Barrier(2)

    def read_twice() -> None:
        github.comments(7)
        both.wait(timeout=5)  # neither thread ends before the other has its connection
        github.comments(7)

    threads = [threading.Thread(target=read_twice) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ports = [one.port for one in loopback.received]
    assert sorted(ports.count(port) for port in set(ports)) == [2, 2]


def test_importing_the_adapter_leaves_pygithubs_log_without_a_handler_and_above_debug() -> None:
    log = logging.getLogger("github")
    assert (log.handlers, log.isEnabledFor(logging.INFO), log.isEnabledFor(logging.WARNING)) == ([], False, True)


def test_no_secret_reaches_the_log_or_an_error(
    loopback: Loopback, caplog: pytest.LogCaptureFixture, no_backoff: None
) -> None:
    caplog.set_level(logging.DEBUG)
    said = json.dumps({"message": "Bad credentials"})
    loopback.answers = [
        raw_reply(200, json.dumps([comment_reply()])),
        raw_reply(401, said),
        raw_reply(403, said),
        raw_reply(502, said),
    ]
    github = make_github(f"{loopback.url}/github")
    github.comments(7)
    for call in (lambda: github.comments(7), lambda: github.comments(7), lambda: github.comment(7, "Well begun.")):
        with pytest.raises((PermanentError, UnknownOutcomeError)) as raised:
            call()
        logging.getLogger("test").error("it went wrong", exc_info=raised.value)
    assert len(loopback.received) == 4
    assert "it went wrong" in caplog.text
    assert "invented-token" not in caplog.text


# -- as an App ---------------------------------------------------------------------------------------------------------


def test_an_app_signs_in_finds_its_installation_and_reads_with_the_installations_token(
    wire: responses.RequestsMock,
) -> None:
    signed_in(wire)
    wire.get(f"{HOME}/issues/7/comments", json=[comment_reply()])
    github = make_app()
    assert [github.comments(7), github.comments(7)] == [[COMMENT], [COMMENT]]
    assert places(wire) == [
        "GET /repos/fennel-works/learning/installation",
        "POST /app/installations/66/access_tokens",
        "GET /repositories/4001/issues/7/comments?per_page=100",
        "GET /repositories/4001/issues/7/comments?per_page=100",
    ]
    asked_installation, asked_token, read, _ = [call.request for call in wire.calls]
    for request in (asked_installation, asked_token):
        claims = claims_of(request)
        assert claims["iss"] == "55"
        assert claims["exp"] - claims["iat"] <= 660
    assert read.headers["Authorization"] == "token invented-installation-token"


def test_an_apps_login_is_its_slug_with_bot_behind_it(wire: responses.RequestsMock) -> None:
    wire.get(f"{WIRE}/app", json=fixture("app.get__ours"))
    github = make_app()
    assert [github.login(), github.login()] == ["trellis[bot]", "trellis[bot]"]
    assert places(wire) == ["GET /app"]
    assert claims_of(wire.calls[0].request)["iss"] == "55"


def test_an_app_comments_once_with_the_installations_token(wire: responses.RequestsMock) -> None:
    signed_in(wire)
    mine = comment_reply(user=person("trellis[bot]"))
    wire.post(f"{HOME}/issues/7/comments", status=201, json=mine)
    assert make_app().comment(7, "Well begun.").author == "trellis[bot]"
    assert places(wire)[-1] == "POST /repositories/4001/issues/7/comments"
    assert len(wire.calls) == 3


@pytest.mark.parametrize(
    ("status", "expected"), [(404, PermanentError), (401, PermanentError), (502, TemporaryError), (429, TemporaryError)]
)
@pytest.mark.parametrize("name", ["comments", "comment"])
def test_an_app_that_cannot_find_its_installation_sent_nothing_and_says_so(
    wire: responses.RequestsMock, name: str, status: int, expected: type[Exception]
) -> None:
    wire.get(INSTALLATION, status=status, json={"message": "Not Found" if status == 404 else "No"})
    call = READS[name][1] if name in READS else WRITES[name][2]
    with pytest.raises(expected):
        call(make_app())
    assert set(places(wire)) == {"GET /repos/fennel-works/learning/installation"}


@pytest.mark.parametrize(
    ("status", "expected"), [(404, PermanentError), (401, PermanentError), (502, TemporaryError), (429, TemporaryError)]
)
@pytest.mark.parametrize("name", ["comments", "comment"])
def test_an_app_that_gets_no_token_sent_nothing_and_says_so(
    wire: responses.RequestsMock, name: str, status: int, expected: type[Exception]
) -> None:
    wire.get(INSTALLATION, json=fixture("installation.get__ours"))
    wire.post(TOKENS, status=status, json={"message": "Not Found" if status == 404 else "No"})
    call = READS[name][1] if name in READS else WRITES[name][2]
    with pytest.raises(expected):
        call(make_app())
    assert places(wire)[-1] == "POST /app/installations/66/access_tokens"


@pytest.mark.parametrize("name", ["login", "comments", "comment"])
def test_a_private_key_that_is_none_is_a_problem_for_a_person(wire: responses.RequestsMock, name: str) -> None:
    github = make_app("-----BEGIN RSA PRIVATE KEY-----\ninvented\n-----END RSA PRIVATE KEY-----\n")
    call = READS[name][1] if name in READS else WRITES[name][2]
    with pytest.raises(PermanentError):
        call(github)
    assert len(wire.calls) == 0


def test_neither_the_installations_token_nor_the_apps_signature_reaches_the_log(
    wire: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    signed_in(wire)
    wire.get(f"{HOME}/issues/7/comments", status=403, json={"message": "Resource not accessible by integration"})
    with pytest.raises(PermanentError) as raised:
        make_app().comments(7)
    logging.getLogger("test").error("it went wrong", exc_info=raised.value)
    claims = base64.urlsafe_b64encode(b'{"iat"').decode().rstrip("=")
    assert "it went wrong" in caplog.text
    assert "invented-installation-token" not in caplog.text
    assert f".{claims}" not in caplog.text
