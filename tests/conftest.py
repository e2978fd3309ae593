"""What every test shares: GitHub's judge over all traffic, an app on a database of its own, a server on loopback."""

import re
import shutil
import socket
import sqlite3
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app import create_app
from config.clock import real_now
from config.links import Links
from config.policy import load_policies
from integrations.github import GitHub
from integrations.github_connection import Connection
from jobs.durable import Intake
from jobs.workshop import Pacing, Workshop
from store.database import Database, make_engine
from tests.github_contract import check_reply, check_request

ROOT = Path(__file__).parent.parent
# These hold the judge and the stand-in to account themselves, with requests that are wrong on purpose.
JUDGE_THEMSELVES = ("test_github_contract", "test_sandbox_")
# GitHub sends null for an issue that was never closed and says so ("nullable"), but its list of values forgets null.
NULL_REASON = "state_reason: None is not one of"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "broken_replies: GitHub's 2xx replies are broken on purpose, so are not judged")


# The files whose tests start processes and wait for them, longest first. They go first, so that at the end no single
# long test keeps one worker busy while the others have nothing left.
LONG = (
    "test_year", "test_chaos", "test_redelivery", "test_hygiene", "test_end_to_end", "test_faults", "test_goal_words",
    "test_both_dialects", "test_two_claims", "test_graceful_stop", "test_jobs_durable", "test_commands_github",
    "test_jobs_turns", "test_domain_planner_properties", "test_several_people", "test_store_rules", "test_fuzz",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONG)))


# -- GitHub's judge ---------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def judge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Holds every request to GitHub, and every faked 2xx reply, against GitHub's own description."""
    if request.path.name.startswith(JUDGE_THEMSELVES):
        yield
        return
    problems: list[str] = []
    trusts_replies = request.node.get_closest_marker("broken_replies") is not None
    send = requests.Session.send

    def judged(session: requests.Session, prepared: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        base = _github_base(prepared.url or "")
        if base is not None:
            problems.extend(check_request(prepared, base))
        reply = send(session, prepared, **kwargs)
        if base is not None and 200 <= reply.status_code < 300 and not trusts_replies:
            found = check_reply(
                prepared.method or "", prepared.url or "", reply.status_code, reply.headers, reply.content, base
            )
            problems.extend(problem for problem in found if NULL_REASON not in problem)
        return reply

    monkeypatch.setattr(requests.Session, "send", judged)
    yield
    assert problems == []


def _github_base(url: str) -> str | None:
    parts = urlsplit(url)
    if parts.hostname == "api.github.com":
        return "https://api.github.com"
    if parts.hostname in ("127.0.0.1", "localhost") and parts.path.startswith("/github/"):
        return f"{parts.scheme}://{parts.netloc}/github"
    return None


# -- an app on a database of its own ----------------------------------------------------------------------------------


def make_environ(folder: Path) -> dict[str, str]:
    """A complete, valid environment: the defaults that `.env.example` shows, and everything else invented."""
    policies = folder / "organisations"
    policies.mkdir()
    policy = (ROOT / "config/organisations/example.toml").read_text(encoding="utf-8")
    assert 'mode = "observe"' in policy
    (policies / "fennel-works.toml").write_text(policy.replace('mode = "observe"', 'mode = "on"'), encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8") if (ROOT / ".env.example").is_file() else ""
    return dict(re.findall(r"^#?([A-Z_]+)=(.+)$", example, re.MULTILINE)) | {
        "DATABASE_URL": f"sqlite:///{folder / 'trellis.sqlite'}",
        "TRELLIS_ORGANISATIONS": str(policies),
        "GITHUB_TOKEN": "invented-token",
        "GITHUB_WEBHOOK_SECRETS": "invented-old-secret,invented-new-secret",
        "LOOMIO_API_KEY": "invented-loomio-key",
        "LOOMIO_WEBHOOK_TOKEN": "invented-hint",
        "GOALS_WEBHOOK_SECRET": "whsec_aW52ZW50ZWQtZ29hbHMtc2VjcmV0",
        "TRELLIS_PUBLIC_URL": "https://trellis.fennel.example",
        "TRELLIS_SECRET_KEY": "an-invented-secret-of-at-least-32-letters",
    }


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with our tables and the engine's: migrated once, copied by every test that needs one."""
    folder = tmp_path_factory.mktemp("migrated")
    done = create_app(make_environ(folder)).test_cli_runner().invoke(args=["migrate"])
    assert (done.exit_code, done.output) == (0, "The database is up to date.\n")
    # The file alone is not the whole database while there is a write-ahead log beside it.
    with sqlite3.connect(folder / "trellis.sqlite") as grown:
        grown.execute("VACUUM INTO ?", (str(folder / "whole.sqlite"),))
    grown.close()
    return folder / "whole.sqlite"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return make_environ(tmp_path)


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Engine]]:
    """The database engines that the composition root made, so a test can cut them off; closed at the end."""
    made: list[Engine] = []

    def make_and_remember(url: str) -> Engine:
        made.append(make_engine(url))
        return made[-1]

    monkeypatch.setattr("app.make_engine", make_and_remember)
    yield made
    for engine in made:
        engine.dispose()


@pytest.fixture
def app(environ: dict[str, str], engines: list[Engine], migrated_file: Path) -> Flask:
    """The web app on a migrated database. A test may change `environ` before it asks for this."""
    shutil.copyfile(migrated_file, environ["DATABASE_URL"].removeprefix("sqlite:///"))
    return create_app(environ)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def database(app: Flask, environ: dict[str, str]) -> Iterator[Database]:
    """The app's database, by a connection of the test's own."""
    database = Database(make_engine(environ["DATABASE_URL"]))
    yield database
    database.dispose()


@pytest.fixture
def workshop(database: Database, environ: dict[str, str]) -> Workshop:
    """A worker's tools, without a worker: tests call the jobs themselves. GitHub is the real adapter."""
    github = GitHub(
        Connection(
            api_url="https://api.github.com",
            repository_name="fennel-works/learning",
            token=environ["GITHUB_TOKEN"],
            write_gap_seconds=None,
        )
    )
    return Workshop(
        database=database,
        intake=Intake(database),
        policies=load_policies(Path(environ["TRELLIS_ORGANISATIONS"])),
        github=lambda _: github,
        loomio=lambda _: None,
        mail=None,
        chat=lambda _: (),
        links=Links(None, None),
        now=real_now,
        real_now=real_now,
        check_lease=lambda: None,
        pacing=Pacing(settle_seconds=60, retry_seconds=5),
    )


@pytest.fixture
def lose_database(engines: list[Engine], environ: dict[str, str]) -> Callable[[], None]:
    """Takes the database away from under the app: a folder lies where its file was."""

    def lose() -> None:
        for engine in engines:
            engine.dispose()
        file = Path(environ["DATABASE_URL"].removeprefix("sqlite:///"))
        for one in file.parent.glob(f"{file.name}*"):
            one.unlink()
        file.mkdir()

    return lose


# -- a server on loopback, for what `responses` cannot show -----------------------------------------------------------

SILENCE, RESET = b"(says nothing until the test ends)", b"(resets the connection)"


@dataclass(frozen=True)
class Received:
    """A request that arrived, whole, and from which connection."""

    method: str
    path: str
    body: bytes
    port: int


@dataclass
class Loopback:
    """Records what arrives and gives the prepared answers in turn, the last one again and again: raw bytes of HTTP."""

    url: str = ""
    answers: list[bytes] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    def asked(self) -> list[tuple[str, str]]:
        return [(one.method, one.path) for one in self.received]


def raw_reply(status: int, body: str, *headers: str, kind: str = "application/json") -> bytes:
    """An HTTP answer as it travels."""
    head = [f"HTTP/1.1 {status} Said", f"Content-Type: {kind}", f"Content-Length: {len(body.encode())}", *headers]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    wire, over, turn = Loopback(), threading.Event(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with turn:
                wire.received.append(Received(self.command, self.path, body, self.client_address[1]))
                said = wire.answers.pop(0) if len(wire.answers) > 1 else wire.answers[0]
            if said == SILENCE:
                over.wait()
            elif said == RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                self.wfile.write(said)
            self.close_connection = said in (SILENCE, RESET) or b"Connection: close" in said

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    wire.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield wire
    over.set()
    server.shutdown()
    thread.join()
    server.server_close()
