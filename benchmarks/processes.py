"""Processes and databases for the benchmarks: what runs here is what runs on a host, started by the same commands."""

import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psycopg

ROOT = Path(__file__).parent.parent
SECRET = "an-invented-webhook-secret"  # noqa: S105 - of a benchmark's own database
SLUG = "fennel-works"
POLICY = """[organisation]
name = "Fennel Works"
mode = "on"
zone = "Europe/Lisbon"
[github]
repository = "{repository}"
"""
PATIENCE_SECONDS = 120.0
# As `flask up` starts it.
WAITRESS = "python -m waitress --listen=127.0.0.1:{port} --threads=8 --call {module}:{function}"


class Running:
    """A process and all it started, ended together."""

    def __init__(self, command: str, environ: Mapping[str, str], folder: Path) -> None:
        self.log = folder / f"{secrets.token_hex(4)}.log"
        arguments = shlex.split(command)
        beside = Path(sys.executable).parent / arguments[0]  # of this environment, whether or not it is on the PATH
        arguments[0] = str(beside) if beside.exists() else arguments[0]
        self.began = time.perf_counter()
        with self.log.open("wb") as said:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands only
                arguments, cwd=ROOT, env=dict(environ), stdout=said, stderr=said, start_new_session=True
            )
        self.pid = self._process.pid

    def wait_until(self, is_so: Callable[[], bool], what: str) -> float:
        """Give the seconds from the start of the process until something is so."""
        while not is_so():
            if self._process.poll() is not None or time.perf_counter() - self.began > PATIENCE_SECONDS:
                raise SystemExit(f"{what}: it did not come.\n{self.said()}")
            time.sleep(0.005)
        return time.perf_counter() - self.began

    def said(self) -> str:
        """Give what it printed and logged so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def pids(self) -> list[int]:
        """Give the numbers of the process and of all it started, in the order they were started."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, _, session, *_rest = stat.read_text().rpartition(")")[2].split()
            except OSError:  # it has ended meanwhile
                continue
            if int(session) == self.pid and state != "Z":
                found.append(int(stat.parent.name))
        return sorted(found)

    def signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        os.kill(self.pid, number)

    def wait(self, seconds: float = 30) -> int:
        """Give its exit code."""
        return self._process.wait(seconds)

    def kill(self) -> None:
        """End the process and all it started, without warning."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(30)


@contextmanager
def running(command: str, environ: Mapping[str, str], folder: Path) -> Iterator[Running]:
    """Start a process that is gone afterwards."""
    process = Running(command, environ, folder)
    try:
        yield process
    finally:
        process.kill()


def cpu_seconds(pid: int) -> float:
    """Give the processor time a process has used, threads that have ended included."""
    return time.clock_gettime((~pid << 3) | 2)  # Linux's number for the clock of another process


def memory_mb(pid: int) -> tuple[float, float]:
    """Give a process's RSS and PSS in MB of 1024²; PSS counts a page that several share in parts, once in all."""
    said = Path(f"/proc/{pid}/smaps_rollup").read_text()
    kb = {line.split(":")[0]: int(line.split()[1]) for line in said.splitlines()[1:]}
    return kb["Rss"] / 1024, kb["Pss"] / 1024


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, path: str = "/healthz") -> bool:
    """Say whether a server answers with 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def waitress_command(port: int, app: str = "app:create_app") -> str:
    """Give the web part's command of `make run`: one process of eight threads."""
    module, _, function = app.partition(":")
    return WAITRESS.format(port=port, module=module, function=function)


def procfile_command(name: str, *, port: int, processes: int = 2, app: str = "app:create_app") -> str:
    """Give a command of the Procfile, as a host runs it."""
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    (command,) = [line.partition(": ")[2] for line in lines if line.startswith(f"{name}: ")]
    command = command.replace("${WEB_CONCURRENCY:-2}", str(processes)).replace("${PORT:-8000}", str(port))
    return command.replace("0.0.0.0:", "127.0.0.1:").replace("app:create_app", app)


def environment(
    database_url: str, folder: Path, *, organisations: Sequence[str] = (SLUG,), **more: str
) -> dict[str, str]:
    """Give the environment of some organisations with default settings; policies go to `folder/organisations`.

    Only Fennel Works' policy names a repository that is there: no two policies may name the same one.
    """
    policies = folder / "organisations"
    policies.mkdir(exist_ok=True)
    for slug in organisations:
        repository = "fennel-works/learning" if slug == SLUG else f"fennel-works/{slug}"
        (policies / f"{slug}.toml").write_text(POLICY.format(repository=repository), encoding="utf-8")
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
    return (
        kept
        | {
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": database_url,
            "TRELLIS_ORGANISATIONS": str(policies),
            "TRELLIS_LOG_LEVEL": "WARNING",
            "GITHUB_API_URL": "http://127.0.0.1:9",
            "GITHUB_TOKEN": "trellis-bot",
            "GITHUB_WEBHOOK_SECRETS": SECRET,
        }
        | more
    )


def migrate(environ: Mapping[str, str], folder: Path) -> None:
    """Bring a benchmark's database up to date."""
    process = Running("python -m flask migrate", environ, folder)
    if process.wait(PATIENCE_SECONDS):
        raise SystemExit(process.said())


@contextmanager
def databases(server: str | None) -> Iterator[tuple[Path, list[tuple[str, str]]]]:
    """Give a folder and empty databases as (kind, address): SQLite, and PostgreSQL when a server is named."""
    name = f"benchmark_{secrets.token_hex(6)}"
    with tempfile.TemporaryDirectory(prefix="trellis-benchmark-") as folder:
        found = [("SQLite", f"sqlite:///{folder}/trellis.sqlite")]
        if server is None:
            yield Path(folder), found
            return
        _on_server(server, f'CREATE DATABASE "{name}"')
        try:
            yield Path(folder), [*found, ("PostgreSQL", f"{server.rpartition('/')[0]}/{name}")]
        finally:
            _on_server(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _on_server(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


def arguments(about: str) -> ArgumentParser:
    """Begin a benchmark: give what reads its arguments, so that `--help` says what it measures."""
    # So that what was started is ended, and the database dropped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return ArgumentParser(description=about.splitlines()[0])


def database_argument(about: str) -> str | None:
    """Read the one argument some benchmarks take: the address of a PostgreSQL server where a database may be made."""
    parser = arguments(about)
    parser.add_argument("--database", metavar="URL", help="PostgreSQL server to measure as well; a database is made")
    found = parser.parse_args().database
    return None if found is None else str(found)
