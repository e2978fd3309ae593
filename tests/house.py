"""A whole house for end-to-end tests: sandbox, web and worker as real processes, over real HTTP, on a real database.

Everything listens on loopback, every wait is bounded, and leaving the `with` block leaves nothing running.
"""

import atexit
import json
import os
import shutil
import signal
import socket
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Self, TypeVar

import psycopg
import requests
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook

from config.settings import BY_NAME
from store.database import make_engine
from tests.processes import Process

T = TypeVar("T")

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 150  # a busy machine is slow; only what never comes fails
SECRET = "fennel-webhook-secret"
GOALS_SECRET = "whsec_dHJlbGxpcy10cmVsbGlzLXRyZWxsaXM="

# Quick enough for a test, in the order the settings demand; nothing asserts on these numbers.
QUICK = {
    "TRELLIS_TICK_SECONDS": "0.5",
    "TRELLIS_POLL_SECONDS": "0.2",
    "TRELLIS_RETRY_SECONDS": "0.2",
    "TRELLIS_SETTLE_SECONDS": "0.7",
    "TRELLIS_CALL_SECONDS": "2",
    "TRELLIS_WRITE_GAP_SECONDS": "0.01",
    "TRELLIS_BEAT_SECONDS": "0.3",
    "TRELLIS_FENCE_SECONDS": "5",
    "TRELLIS_TAKEOVER_SECONDS": "7",
}


# Below the range from which the system picks ports for outgoing connections: one of those would take a port away
# between its choice and the moment a server listens on it. Each test process has a stretch of its own; what is run by
# hand, beside others perhaps, begins somewhere else each time.
WORKER = os.environ.get("PYTEST_XDIST_WORKER")
PORTS = count(20_000 + 1_500 * int(WORKER.removeprefix("gw")) if WORKER else 10_000 + os.getpid() * 97 % 9_000)


def free_port() -> int:
    """Give a port of this test process's own stretch that nobody listens on."""
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("unreachable: the count does not end")


def on_server(statement: str) -> None:
    """Run one statement on the PostgreSQL server the tests were given; names in it are made here, never taken in."""
    with psycopg.connect(os.environ["TEST_POSTGRESQL_URL"], autocommit=True) as connection:
        connection.execute(statement.encode())


@cache
def template(kind: str) -> str:
    """Make one migrated database with the invented co-op in it, once per test process; every house gets a copy.

    SQLite: the path of the file. PostgreSQL: the name of the database, dropped when the process ends.
    """
    folder = Path(tempfile.mkdtemp(prefix="trellis-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    name = f"template_{uuid.uuid4().hex[:12]}"
    if kind == "postgresql":
        on_server(f'CREATE DATABASE "{name}"')
        atexit.register(on_server, f'DROP DATABASE "{name}" WITH (FORCE)')
    url = f"sqlite:///{folder / 'trellis.sqlite'}" if kind == "sqlite" else address_of(name)
    environ = {"PATH": os.environ["PATH"], "DATABASE_URL": url, "TRELLIS_ORGANISATIONS": "sandbox/co_op"}
    for command in (("migrate",), ("people", "import", "sandbox/co_op/people.csv")):
        code = Process(("-m", "flask", *command), environ, folder / "log").wait(PATIENCE_SECONDS)
        assert code == 0, (folder / "log").read_text()
    if kind == "postgresql":
        return name
    with closing(sqlite3.connect(folder / "trellis.sqlite")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return str(folder / "trellis.sqlite")


def address_of(name: str) -> str:
    """Give the address of a database on the PostgreSQL server the tests were given."""
    return os.environ["TEST_POSTGRESQL_URL"].rsplit("/", 1)[0] + f"/{name}"


@contextmanager
def fresh_database(kind: str, folder: Path) -> Iterator[str]:
    """Give the address of a database of a kind, migrated and with the invented co-op in it, gone afterwards."""
    if kind == "sqlite":
        shutil.copy(template(kind), folder / "trellis.sqlite")
        yield f"sqlite:///{folder / 'trellis.sqlite'}"
        return
    name = f"trellis_{uuid.uuid4().hex[:12]}"
    on_server(f'CREATE DATABASE "{name}" TEMPLATE "{template(kind)}"')
    try:
        yield address_of(name)
    finally:
        on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


class House:
    """The processes of one Trellis and its sandbox."""

    def __init__(self, database_url: str, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.web_port, self.sandbox_port, self.mail_port = free_port(), free_port(), free_port()
        self.sandbox_url = f"http://127.0.0.1:{self.sandbox_port}"
        self.web_url = f"http://127.0.0.1:{self.web_port}"
        policies = folder / "organisations"
        policies.mkdir()
        policy = (ROOT / "sandbox/co_op/fennel-works.toml").read_text(encoding="utf-8")
        policy = policy.replace("http://127.0.0.1:8800", self.sandbox_url)
        # Nothing comes round by itself unless a test asks for it: the day on which tests run decides nothing.
        policy = policy.replace('profile = "everything"\n', "").partition("[rhythms.")[0]
        policy = policy.replace('report_to = "cy@fennel.example"\n', "")
        self.policy_file = policies / "fennel-works.toml"
        self.policy_file.write_text(policy, encoding="utf-8")
        clock = str(folder / "clock")
        names = ("PATH", "HOME", "LANG", "TZ")
        self.environ = (
            {name: os.environ[name] for name in names if name in os.environ}
            | QUICK
            | {
                "PYTHONUNBUFFERED": "1",
                "DATABASE_URL": database_url,
                "TRELLIS_ORGANISATIONS": str(policies),
                "TRELLIS_CLOCK_FILE": clock,
                "GITHUB_API_URL": f"{self.sandbox_url}/github",
                "GITHUB_TOKEN": "trellis-bot",
                "GITHUB_WEBHOOK_SECRETS": f"the-next-secret,{SECRET}",
                "LOOMIO_API_KEY": "fennel-loomio-key",
                "LOOMIO_WEBHOOK_TOKEN": "fennel-hint",
                "GOALS_WEBHOOK_SECRET": GOALS_SECRET,
                "SMTP_URL": f"smtp://127.0.0.1:{self.mail_port}",
                "CHAT_URLS": f"json://127.0.0.1:{self.sandbox_port}/chat/team",
                "TRELLIS_PUBLIC_URL": self.web_url,
                "TRELLIS_SECRET_KEY": "an-invented-secret-of-at-least-32-letters",
                "SANDBOX_PORT": str(self.sandbox_port),
                "SANDBOX_MAIL_PORT": str(self.mail_port),
                "SANDBOX_SERVICE_URL": self.web_url,
                "SANDBOX_CLOCK_FILE": clock,
                "SANDBOX_GITHUB_SECRET": SECRET,
                "SANDBOX_LOOMIO_WEBHOOK_URL": f"{self.web_url}/webhooks/loomio/fennel-hint",
            }
            | environ
        )
        self.processes: list[Process] = []
        self.session = requests.Session()
        self.engine = make_engine(BY_NAME["DATABASE_URL"].read(database_url))

    def __enter__(self) -> Self:
        """Start the sandbox and the web part; a worker is started by the test."""
        self.sandbox = self.start("-m", "sandbox")
        self.start_web()
        self.wait_for("the sandbox", lambda: self.session.get(f"{self.sandbox_url}/_control/world", timeout=5).ok)
        self.wait_for("the web part", lambda: self.session.get(f"{self.web_url}/healthz", timeout=5).ok)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
            process.wait(timeout=10)
        self.session.close()
        self.engine.dispose()

    def start_web(self) -> None:
        """Start the web part."""
        self.web = self.start("-m", "waitress", f"--listen=127.0.0.1:{self.web_port}", "--call", "app:create_app")

    # -- processes ------------------------------------------------------------------------------------------------

    def start(self, *command: str) -> Process:
        """Start `python *command` as a process of this house; what it says goes to the house's log file."""
        process = Process(command, self.environ, self.folder / "log")
        self.processes.append(process)
        return process

    def start_worker(self) -> Process:
        """Start a worker."""
        return self.start("-m", "flask", "worker")

    def kill(self, process: Process) -> None:
        """End a process without any warning."""
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)

    def flask(self, *arguments: str, expect: int = 0) -> str:
        """Run a `flask` command to its end and give what it printed."""
        code, said, log = self.ran(*arguments)
        assert code == expect, f"flask {' '.join(arguments)}: {code}\n{said}\n{log}"
        return said

    def ran(self, *arguments: str) -> tuple[int, str, str]:
        """Run a `flask` command to its end and give how it ended, what it printed and what it said beside that."""
        said, log = (self.folder / f"{uuid.uuid4().hex}.{name}" for name in ("said", "log"))
        code = Process(("-m", "flask", *arguments), self.environ, log, said).wait(PATIENCE_SECONDS)
        return code, said.read_text(encoding="utf-8"), log.read_text(encoding="utf-8")

    def change_policy(self, *, profile: str = "", rhythms: str = "", **words: str) -> None:
        """Change the policy before a worker is started: start from a profile, add rhythms, replace words.

        The web part is started again: a process reads its policies once.
        """
        policy = self.policy_file.read_text(encoding="utf-8")
        for old, new in words.items():
            assert old in policy, old
            policy = policy.replace(old, new)
        head = f'profile = "{profile}"\n' if profile else ""
        self.policy_file.write_text(f"{head}{policy}\n{rhythms}", encoding="utf-8")
        self.kill(self.web)
        self.start_web()
        self.wait_for("the web part", lambda: self.session.get(f"{self.web_url}/healthz", timeout=5).ok)

    def letters(self) -> list[dict[str, Any]]:
        """Give every letter that arrived, in order; each of ours goes to one person."""
        return [letter | {"to": ", ".join(letter["to"])} for letter in self.world()["letters"]]

    def said(self) -> str:
        """Give what all processes have logged so far."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    # -- the sandbox ------------------------------------------------------------------------------------------------

    def control(self, path: str, /, **sent: Any) -> dict[str, Any]:
        """Turn a knob of the sandbox."""
        answer = self.session.post(f"{self.sandbox_url}/_control/{path}", json=sent, timeout=30)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def world(self) -> dict[str, Any]:
        """Give everything the sandbox knows."""
        found: dict[str, Any] = self.session.get(f"{self.sandbox_url}/_control/world", timeout=30).json()
        return found

    def calls(self) -> list[dict[str, Any]]:
        """Give every API request the sandbox was sent, those it still holds included."""
        found: list[dict[str, Any]] = self.session.get(f"{self.sandbox_url}/_control/requests", timeout=30).json()
        return found

    def is_locked(self) -> bool:
        """Say whether somebody holds SQLite's write lock; PostgreSQL has no such thing."""
        if self.engine.dialect.name != "sqlite":
            return False
        with closing(sqlite3.connect(self.folder / "trellis.sqlite", timeout=0.3, isolation_level=None)) as probe:
            try:
                probe.execute("BEGIN IMMEDIATE")
                probe.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return True
        return False

    def issue(self, number: int) -> dict[str, Any]:
        """Give one issue."""
        found: dict[str, Any] = next(one for one in self.world()["issues"] if one["number"] == number)
        return found

    def ours(self, number: int) -> list[str]:
        """Give what Trellis said on an issue, markers left out, in order."""
        comments = self.issue(number)["comments"]
        return [one["body"].split("\n\n<!--")[0] for one in comments if one["author"] == "trellis-bot"]

    def as_person(self, login: str, method: str, path: str, **sent: Any) -> dict[str, Any]:
        """Do something on GitHub as a person, over its REST API."""
        answer = self.session.request(
            method,
            f"{self.sandbox_url}/github/repos/fennel-works/learning{path}",
            json=sent,
            headers={"Authorization": f"Bearer person-{login}", "Connection": "close"},
            timeout=30,
        )
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def open_issue(self, login: str, title: str, body: str = "", *labels: str) -> int:
        """Open an issue as a person, assigned to them."""
        made = self.as_person(
            login, "POST", "/issues", title=title, body=body, labels=list(labels or ["ILO"]), assignees=[login]
        )
        return int(made["number"])

    def open_goal(self, login: str, title: str) -> int:
        """Open an issue as a person and wait until it is their objective, so that the next one comes after it."""
        number = self.open_issue(login, title)
        self.wait_for(f"the goal {title}", lambda: number in self.objectives())
        return number

    def vote(self, key: str, **choices: str) -> None:
        """Vote in a poll: `ada="agree"`."""
        for username, option in choices.items():
            self.control("loomio/votes", poll_key=key, username=username, option=option, reason="")

    def fault(self, side: str, method: str, path: str, fault: str, **more: Any) -> None:
        """Have the sandbox misbehave on a call."""
        self.control("faults", side=side, method=method, path=path, fault=fault, **({"count": 1} | more))

    def ask(self, kind: str, **data: str) -> requests.Response:
        """Ask for something as a form tool does, signed, with an id of its own."""
        message_id, now = uuid.uuid4().hex, datetime.now(UTC)
        return self.send(message_id, now, json.dumps({"type": kind, "organisation": "fennel-works", "data": data}))

    def send(self, message_id: str, now: datetime, body: str) -> requests.Response:
        """Send a signed message to the goals door."""
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(GOALS_SECRET).sign(message_id, now, body),
            "content-type": "application/json",
        }
        answer = self.session.post(f"{self.web_url}/webhooks/goals", data=body, headers=headers, timeout=30)
        assert answer.status_code == 202, answer.text
        return answer

    def hint(self) -> requests.Response:
        """Knock at Loomio's door, as its webhook does: something happened, nobody says what."""
        return self.session.post(f"{self.web_url}/webhooks/loomio/fennel-hint", json={}, timeout=30)

    # -- the database -----------------------------------------------------------------------------------------------

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Ask our own tables."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def objectives(self) -> dict[int, str]:
        """Give each objective's state by issue number."""
        return dict(self.rows("SELECT issue_number, state FROM objectives WHERE issue_number IS NOT NULL"))

    def ticket_state(self) -> str:
        """Give the state of the newest ticket."""
        found = self.rows("SELECT state FROM tickets ORDER BY id DESC LIMIT 1")
        return str(found[0][0]) if found else ""

    # -- waiting ------------------------------------------------------------------------------------------------------

    def wait_for(self, what: str, condition: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
        """Wait until a condition holds and give its value; fail with the log when it does not come."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            try:
                found = condition()
            except (requests.ConnectionError, StopIteration, IndexError, KeyError):
                found = None
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"waited {seconds:g} s for {what}\n{self.said()[-6000:]}")

    def wait_until_quiet(self) -> None:
        """Wait until nothing is on its way and nothing waits, so that "nothing else was sent" can be said."""

        def quiet() -> bool:
            idle = self.session.get(f"{self.sandbox_url}/_control/deliveries/idle", timeout=5).json()["idle"]
            waiting = self.rows(
                "SELECT (SELECT count(*) FROM deliveries WHERE status = 'stored') + "
                "(SELECT count(*) FROM effects WHERE status IN ('planned', 'sending'))"
            )
            return bool(idle) and waiting[0][0] == 0

        self.wait_for("quiet", quiet)
        time.sleep(0.3)  # a delivery caused by the last effect may be just about to leave
        self.wait_for("quiet", quiet)
