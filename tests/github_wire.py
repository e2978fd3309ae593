"""GitHub on the wire, for the tests of its adapter: what it answers, what was sent to it, every call by its name."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
import responses
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from domain.issues import Comment, Issue
from integrations.github import GitHub
from integrations.github_connection import Connection
from integrations.github_deliveries import Deliveries, FailedDelivery
from integrations.github_files import Files
from tests.wire import requests_to

API = "https://api.github.com"
WIRE = "https://api.github.com:443"  # PyGithub always spells the port out, and `responses` compares literally
HOME = f"{WIRE}/repositories/4001"
FIXTURES = Path(__file__).parent / "fixtures"


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def issue_reply(number: int = 7, **changes: Any) -> Any:
    text = json.dumps(fixture("issue.get__open")).replace("/issues/7", f"/issues/{number}")
    return json.loads(text) | {"number": number} | changes


def comment_reply(**changes: Any) -> Any:
    return fixture("issue_comment.get__by_the_bot") | changes


def label_reply(name: str) -> Any:
    return fixture("label.get__objective") | {"name": name}


def person(login: str) -> Any:
    return fixture("issue.get__open")["user"] | {"login": login}


def repository_reply(**changes: Any) -> Any:
    return fixture("repository.get__ours") | changes


def attempt_reply(**changes: Any) -> Any:
    return {
        "id": LOST.id,
        "guid": LOST.guid,
        "delivered_at": "2027-01-06T11:30:00Z",
        "redelivery": False,
        "duration": 10.0,
        "status": "timed out",
        "status_code": 504,
        "event": "issues",
        "action": "opened",
        "installation_id": None,
        "repository_id": 4001,
        "throttled_at": None,
    } | changes


ISSUE_7 = Issue(
    number=7,
    title="Read a map",
    body="### What do I want to learn?\n\nRead a map\n",
    author="ada",
    url="https://github.com/fennel-works/learning/issues/7",
    open=True,
    close_reason=None,
    labels=("ILO",),
    assignees=("ada",),
    locked=False,
    created_at=datetime(2027, 1, 5, 10, tzinfo=UTC),
    updated_at=datetime(2027, 1, 6, 11, 30, tzinfo=UTC),
)
COMMENT = Comment(
    id=492700400,
    author="trellis-bot",
    body="Well begun.",
    created_at=datetime(2027, 1, 6, 11, 30, tzinfo=UTC),
    url="https://github.com/fennel-works/learning/issues/7#issuecomment-492700400",
)
THEN = datetime(2027, 1, 5, 9, tzinfo=UTC)
LOST = FailedDelivery(
    id=90001,
    guid="0b989ba4-242f-11e5-81e1-c7b6966d2516",
    at=datetime(2027, 1, 6, 11, 30, tzinfo=UTC),
    redelivery=False,
    repository_id=4001,
    hook_id=77,
)
COMMIT = "6dcb09b5b57875f334f61aebed695e2e4193db5e"


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as wire:
        yield wire


def make_github(api_url: str = API) -> GitHub:
    github = GitHub(
        Connection(
            api_url=api_url,
            repository_name="fennel-works/learning",
            token="invented-token",
            call_seconds=1,
            write_gap_seconds=None,
        )
    )
    github.use_repository(4001)
    return github


@pytest.fixture
def github() -> GitHub:
    return make_github()


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the wait between two tries of a read on a real connection; how often it tries stays as it is."""
    monkeypatch.setattr("urllib3.util.retry.Retry._sleep_backoff", lambda _: None)


def sent(wire: responses.RequestsMock) -> list[tuple[str | None, str, Any]]:
    return requests_to(WIRE, wire)


def places(wire: responses.RequestsMock) -> list[str]:
    return [f"{method} {place}" for method, place, _ in sent(wire)]


def query_of(wire: responses.RequestsMock, place: int = 0) -> dict[str, Any]:
    return dict(wire.calls[place].request.params)  # type: ignore[attr-defined]  # `responses` adds it


# -- as an App ---------------------------------------------------------------------------------------------------------


@cache
def app_key() -> RSAPrivateKey:
    """The key of every App in the tests: one is enough, and takes a while to make."""
    return generate_private_key(public_exponent=65537, key_size=2048)


@cache
def app_pem() -> str:
    """That key, as a setting holds it."""
    return app_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def make_app(pem: str | None = None) -> GitHub:
    github = GitHub(
        Connection(
            api_url=API,
            repository_name="fennel-works/learning",
            app_id="55",
            app_private_key=app_pem() if pem is None else pem,
            write_gap_seconds=None,
        )
    )
    github.use_repository(4001)
    return github


INSTALLATION = f"{WIRE}/repos/fennel-works/learning/installation"
TOKENS = f"{WIRE}/app/installations/66/access_tokens"


def signed_in(wire: responses.RequestsMock) -> None:
    wire.get(INSTALLATION, json=fixture("installation.get__ours"))
    wire.post(TOKENS, status=201, json=fixture("installation_token.post__fresh"))


def claims_of(request: requests.PreparedRequest) -> dict[str, Any]:
    word, _, token = str(request.headers["Authorization"]).partition(" ")
    assert word == "Bearer"
    claims: dict[str, Any] = jwt.decode(token, app_key().public_key(), algorithms=["RS256"])
    return claims


# -- every call, where it goes and how it is made ----------------------------------------------------------------------

Call = Callable[[GitHub], object]
READS: dict[str, tuple[str, Call]] = {
    "repository": ("/repos/fennel-works/learning", lambda github: github.repository()),
    "login": ("/user", lambda github: github.login()),
    "issue": ("/repositories/4001/issues/7", lambda github: github.issue(7)),
    "issues": ("/repositories/4001/issues", lambda github: list(github.issues())),
    "comments": ("/repositories/4001/issues/7/comments", lambda github: github.comments(7)),
    "comments_since": ("/repositories/4001/issues/comments", lambda github: github.comments_since(THEN)),
    "hooks": ("/repositories/4001/hooks", lambda github: Deliveries(github.connection).hooks()),
    "failed_deliveries": (
        "/repositories/4001/hooks/77/deliveries",
        lambda github: Deliveries(github.connection).failed(77, since=THEN, most=10),
    ),
    "may_assign": ("/repositories/4001/assignees/ada", lambda github: github.may_assign("ada")),
    "default_branch": ("/repositories/4001", lambda github: Files(github.connection).default_branch()),
    "branch_head": (
        "/repositories/4001/git/ref/heads/main",
        lambda github: Files(github.connection).branch_head("main"),
    ),
    "file": ("/repositories/4001/contents/a.yml", lambda github: Files(github.connection).file("a.yml", branch="main")),
    "pull_request_from": ("/repositories/4001", lambda github: Files(github.connection).pull_request_from("forms")),
}
WRITES: dict[str, tuple[str, str, Call]] = {
    "open_issue": (
        "POST",
        "/repositories/4001/issues",
        lambda github: github.open_issue(title="Read a map", body="Why", labels=(), assignees=()),
    ),
    "comment": ("POST", "/repositories/4001/issues/7/comments", lambda github: github.comment(7, "Well begun.")),
    "add_labels": ("POST", "/repositories/4001/issues/7/labels", lambda github: github.add_labels(7, ("ILO",))),
    "remove_label": (
        "DELETE",
        "/repositories/4001/issues/7/labels/ILO",
        lambda github: github.remove_label(7, "ILO"),
    ),
    "redeliver": (
        "POST",
        "/repositories/4001/hooks/77/deliveries/90001/attempts",
        lambda github: Deliveries(github.connection).redeliver(LOST),
    ),
    "make_label": ("POST", "/repositories/4001/labels", lambda github: github.make_label("ILO", "")),
    "make_branch": (
        "POST",
        "/repositories/4001/git/refs",
        lambda github: Files(github.connection).make_branch("forms", COMMIT),
    ),
    "move_branch": (
        "PATCH",
        "/repositories/4001/git/refs/heads/forms",
        lambda github: Files(github.connection).move_branch("forms", COMMIT),
    ),
    "write_file": (
        "PUT",
        "/repositories/4001/contents/a.yml",
        lambda github: Files(github.connection).write_file(
            "a.yml", "a", branch="forms", message="Add it", replaces=None
        ),
    ),
    "open_pull_request": (
        "POST",
        "/repositories/4001/pulls",
        lambda github: Files(github.connection).open_pull_request(title="Forms", body="", branch="forms", into="main"),
    ),
}
