"""`flask migrate`, `worker`, `tick`, `up`: the processes of Trellis."""

import logging
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import NoReturn

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from commands.bench import Bench
from jobs.attempt import WAITING
from jobs.durable import migrate as migrate_engine
from jobs.heartbeat import heartbeat
from jobs.schedule import JOBS, Clock, note_tick, run_once
from jobs.turns import turns
from jobs.workshop import Workshop
from store.accounts import not_queued, queued_count
from store.models import DeliveryRow, EffectRow

log = logging.getLogger(__name__)

STOP_SECONDS = 9.0
ROOT = Path(__file__).parent.parent
DEMO = ROOT / "var" / "demo"


def migrate_command(bench: Bench) -> click.Command:
    """Make the command."""

    @click.command("migrate", help="Bring the database up to date; safe to run again.")
    def migrate() -> None:
        migrate_database(bench.workshop.database.engine.url.render_as_string(hide_password=False), bench)

    return migrate


def migrate_database(url: str, bench: Bench) -> None:
    """Run our migrations, then the engine's own."""
    # Here, not above: a worker, which lives in this file too, has no use for them.
    from alembic import command as alembic
    from alembic.config import Config

    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    with bench.workshop.database.engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.upgrade(config, "head")
    migrate_engine(url)
    click.echo("The database is up to date.")


def worker_command(bench: Bench) -> click.Command:
    """Make the command."""

    @click.command("worker", help="Handle what came in, send what was planned, keep time. Ends cleanly on SIGTERM.")
    def worker() -> None:
        # Not an Event: its lock may be held by this very thread when the signal comes, which would then wait for ever.
        stopping: SimpleQueue[int] = SimpleQueue()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: stopping.put(number))
        workshop, engine = bench.make_worker()
        engine.start()
        clock = Clock(
            workshop, tick_seconds=bench.settings.seconds("TRELLIS_TICK_SECONDS"), executor_id=engine.executor_id
        )
        clock.start()
        click.echo("The worker is ready.")
        stopping.get()
        _end(clock.stop, engine.stop)

    return worker


def _end(*stops: Callable[[], None]) -> NoReturn:
    """Stop everything at once and end the process, in less than the ten seconds a host grants before it kills.

    What is still in the middle of a slow call then is left there. Its effect is marked *sending* since before the call,
    so whoever works next looks for what the call left before it sends again: nothing is lost and nothing doubled.
    The process ends without waiting for its threads, one of which may be in that call for longer.
    """
    ends = time.monotonic() + STOP_SECONDS
    threads = [threading.Thread(target=stop, name="trellis-stop", daemon=True) for stop in stops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=max(0.0, ends - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        log.warning("stopping: a call was under way for too long; it is looked up by whoever works next")
    logging.shutdown()
    sys.stdout.flush()
    os._exit(0)


def tick_command(bench: Bench) -> click.Command:
    """Make the command."""

    @click.command("tick", help="Do once what the worker does all the time, then end: for hosts that only offer cron.")
    @click.option("--seconds", default=60.0, help="The longest it may take.")
    def tick(seconds: float) -> None:
        workshop, engine = bench.make_worker()
        engine.start()
        try:
            amiss = [job.name() for job in JOBS if not run_once(workshop, job)]
            if not amiss:
                note_tick(workshop, engine.executor_id)
                heartbeat(workshop)  # once more: when its turn came, nothing had been noted yet
            left = _until_quiet(workshop, seconds)
        finally:
            engine.stop()
        queued = workshop.database.transact(queued_count)
        done = "Everything that was due is done." if not left else f"{left} pieces of work wait for the next tick."
        click.echo(f"{done} {queued} wait until GitHub, Loomio, mail or chat takes more." if queued else done)
        if amiss:
            raise click.ClickException(
                f"{', '.join(amiss)} did not go well; the log says why. The next tick tries again."
            )

    return tick


def _until_quiet(workshop: Workshop, seconds: float) -> int:
    ends = time.monotonic() + seconds
    while (left := workshop.database.transact(lambda session: _due(workshop, session))) and time.monotonic() < ends:
        time.sleep(0.2)
        turns(workshop)
    return left


def _due(workshop: Workshop, session: Session) -> int:
    now = workshop.real_now()
    return sum(
        session.scalar(
            select(func.count())
            .select_from(table)
            .where(table.status.in_(WAITING), table.not_before <= now, not_queued(table))
        )
        or 0
        for table in (DeliveryRow, EffectRow)
    )


def up_command(bench: Bench) -> click.Command:
    """Make the command."""

    @click.command(
        "up", help="Run everything on this machine: web and worker, and the sandbox when there are no credentials."
    )
    @click.option("--sandbox-port", default=8800, help="Port of the sandbox.")
    def up(sandbox_port: int) -> None:
        from honcho.manager import Manager

        port = bench.settings.number("TRELLIS_PORT")
        sandboxed = not bench.settings.has_credentials()
        for one in (port, sandbox_port) if sandboxed else (port,):
            _needs_free(one)
        environ = dict(os.environ) | (_demo_environment(port, sandbox_port) if sandboxed else {})
        flask = f"{sys.executable} -m flask"
        steps = [f"{flask} migrate"]
        if sandboxed:
            shutil.rmtree(DEMO, ignore_errors=True)  # an invented co-op starts afresh each time
            DEMO.mkdir(parents=True)
            steps.append(f"{flask} people import sandbox/co_op/people.csv")
        for step in steps:
            _run(step, environ)
        manager = Manager()
        if sandboxed:
            manager.add_process("sandbox", f"exec {sys.executable} -m sandbox", env=environ, cwd=str(ROOT))
        web = f"exec {sys.executable} -m waitress --listen=127.0.0.1:{port} --threads=8 --call app:create_app"
        manager.add_process("web", web, env=environ, cwd=str(ROOT))
        manager.add_process("worker", f"exec {flask} worker", env=environ, cwd=str(ROOT))
        address = f"http://127.0.0.1:{sandbox_port}/" if sandboxed else f"http://127.0.0.1:{port}/"
        what = "an invented co-op to try things with; nothing leaves this machine" if sandboxed else "your Trellis"
        click.secho(f"\n  Open {address}  ({what}). Ctrl-C ends everything.\n", bold=True)
        manager.loop()
        # Ctrl-C is how this ends well; only a process that fell over by itself is a fault.
        raise SystemExit(0 if manager.returncode in (0, 130, 143, -signal.SIGTERM) else 1)

    return up


def _run(step: str, environ: dict[str, str]) -> None:
    # The command is put together above, from our own words only.
    done = subprocess.run(shlex.split(step), env=environ, cwd=ROOT, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(done.returncode)


def _needs_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise click.ClickException(
                f"Port {port} is in use on this machine. Stop what uses it, or choose others: "
                "TRELLIS_PORT=8001 flask up --sandbox-port 8801"
            ) from error


def _demo_environment(port: int, sandbox_port: int) -> dict[str, str]:
    """Give the environment of the invented co-op: quick clocks, invented secrets, nothing of the real one."""
    sandbox = f"http://127.0.0.1:{sandbox_port}"
    clock = str(DEMO / "clock")
    plan = f"{sys.executable} -m flask plan --next 60d --json"
    return {
        "DATABASE_URL": f"sqlite:///{DEMO / 'trellis.sqlite'}",
        "TRELLIS_ORGANISATIONS": str(ROOT / "sandbox" / "co_op"),
        "TRELLIS_CLOCK_FILE": clock,
        "TRELLIS_TICK_SECONDS": "1",
        "TRELLIS_POLL_SECONDS": "0.2",
        "TRELLIS_SETTLE_SECONDS": "5",
        "TRELLIS_WRITE_GAP_SECONDS": "0.1",
        "GITHUB_API_URL": f"{sandbox}/github",
        "GITHUB_TOKEN": "trellis-bot",
        "GITHUB_WEBHOOK_SECRETS": "fennel-webhook-secret",
        "LOOMIO_API_KEY": "fennel-loomio-key",
        "LOOMIO_WEBHOOK_TOKEN": "fennel-hint",
        "SMTP_URL": f"smtp://127.0.0.1:{sandbox_port + 25}",
        "CHAT_URLS": f"json://127.0.0.1:{sandbox_port}/chat/team",
        "TRELLIS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TRELLIS_SECRET_KEY": secrets.token_urlsafe(32),
        "SANDBOX_PORT": str(sandbox_port),
        "SANDBOX_MAIL_PORT": str(sandbox_port + 25),
        "SANDBOX_SERVICE_URL": f"http://127.0.0.1:{port}",
        "SANDBOX_CLOCK_FILE": clock,
        "SANDBOX_LOOMIO_WEBHOOK_URL": f"http://127.0.0.1:{port}/webhooks/loomio/fennel-hint",
        "SANDBOX_PLAN_COMMAND": plan,
    }
