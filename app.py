"""The composition root: settings and policy in, a web app or a worker out. Nobody imports this module.

`create_app()` is what a WSGI server calls and what `flask` finds; `create_worker()` is what `flask worker` runs.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dotenv import load_dotenv
from flask import Flask
from sqlalchemy import Engine as DatabaseEngine

from commands import register_commands
from commands.bench import Bench
from config.clock import clock, real_now
from config.errors import ConfigError
from config.links import Links
from config.logs import set_up_log
from config.policy import load_policies
from config.settings import Settings, load_settings
from domain.pace import Window, Windows
from domain.policy import LoomioDialect, Policy
from jobs.durable import Engine, Intake, Lease, is_reachable, quiet_engine_log
from jobs.pace import SharedPace
from jobs.workshop import Pacing, Workshop
from store.database import Database, make_engine
from store.vitals import Vitals, figures, reader, vitals
from web.calendar import calendar_blueprint
from web.choices import choices_blueprint
from web.health import Limits, Unwell, asked, health_blueprint
from web.metrics import Seen, metrics_blueprint
from web.pages import pages_blueprint
from webhooks.github import github_blueprint
from webhooks.goals import goals_blueprint
from webhooks.intake import Door
from webhooks.loomio import loomio_blueprint

if TYPE_CHECKING:
    # Imported where one is made: a web process makes none, and they and what they need are a quarter of its memory.
    from integrations.chat import Chat
    from integrations.github import GitHub
    from integrations.loomio import Loomio
    from integrations.mail import Mail
    from jobs.heartbeat import Pulse

T = TypeVar("T")
PaceOf = Callable[[str, str], SharedPace]
ROOT = Path(__file__).parent
# One line per behaviour: the first line of the docstring of the file that does it. README holds the same lines, in the
# same order, and a test holds the two together.
BEHAVIOURS = (
    "domain.objectives",
    "domain.objective_deeds",
    "domain.tickets",
    "domain.ticket_states",
    "domain.ticket_votes",
    "domain.ticket_use",
    "domain.state_tables",
    "domain.proposals",
    "domain.moments",
    "domain.planner",
    "domain.sending",
    "domain.routing",
    "domain.rules",
    "domain.fading",
    "domain.channels",
    "domain.team",
    "domain.agenda",
    "domain.explain",
    "domain.later",
    "domain.commands",
    "webhooks.github",
    "webhooks.goals",
    "webhooks.loomio",
    "web.choices",
    "web.calendar",
    "web.health",
    "web.metrics",
    "jobs.handle",
    "jobs.listen",
    "jobs.goal_words",
    "jobs.partners",
    "jobs.answers",
    "jobs.perform",
    "jobs.turns",
    "jobs.watch",
    "jobs.nudge",
    "jobs.team",
    "jobs.lapse",
    "jobs.digest",
    "jobs.report",
    "jobs.redeliver",
    "jobs.reconcile",
    "jobs.trouble",
    "jobs.sweep",
    "jobs.prune",
    "jobs.heartbeat",
)
CLOCK_GRACE_SECONDS = 120.0
LARGEST_BODY_BYTES = 26 * 1024 * 1024  # GitHub sends up to 25 MB


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Make the web app. `environ` replaces the environment and `.env`, for tests.

    Ends the process with exit code 2 and one sentence per problem when the configuration cannot be used.
    """
    settings, policies = _configured(environ)
    _set_up_log(settings)
    collect_rarely()
    workshop = _workshop(settings, policies, check_lease=lambda: None)
    app = Flask("trellis", static_folder=None, root_path=str(ROOT))
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY_BYTES
    door = Door(database=workshop.database, intake=workshop.intake, now=workshop.now, real_now=real_now)
    tokens = {slug: settings.for_organisation("LOOMIO_WEBHOOK_TOKEN", slug) for slug in policies}
    secrets = {slug: settings.for_organisation("GOALS_WEBHOOK_SECRET", slug) for slug in policies}
    app.register_blueprint(github_blueprint(door, settings.webhook_secrets()))
    app.register_blueprint(loomio_blueprint(door, policies, tokens))
    app.register_blueprint(goals_blueprint(door, policies, secrets))
    app.register_blueprint(choices_blueprint(workshop.database, policies, workshop.links, workshop.now))
    app.register_blueprint(calendar_blueprint(workshop.database, policies, workshop.now))
    app.register_blueprint(pages_blueprint(behaviours(), settings.text("TRELLIS_PUBLIC_URL")))
    limits = Limits(
        beat_seconds=settings.seconds("TRELLIS_TAKEOVER_SECONDS"),
        tick_seconds=CLOCK_GRACE_SECONDS + 4 * settings.seconds("TRELLIS_TICK_SECONDS"),
    )
    database, reading = workshop.database, reader(workshop.database.engine)
    app.register_blueprint(health_blueprint(partial(_vitals, database, reading), real_now, limits))
    app.register_blueprint(
        metrics_blueprint(partial(_figures, reading), real_now, settings.text("TRELLIS_METRICS_TOKEN"))
    )
    register_commands(
        app, Bench(workshop=workshop, settings=settings, make_worker=partial(create_worker, settings, policies))
    )
    return app


def create_worker(settings: Settings, policies: Mapping[str, Policy]) -> tuple[Workshop, Engine]:
    """Make the tools and the engine of a worker process; `start` the engine to take work."""
    from jobs.handle import handle
    from jobs.perform import perform

    engines: list[Engine] = []
    workshop = _workshop(settings, policies, check_lease=lambda: engines[0].check_lease())
    engine = Engine(
        workshop.database,
        {"handle": partial(handle, workshop), "perform": partial(perform, workshop)},
        lease=Lease(
            beat_seconds=settings.seconds("TRELLIS_BEAT_SECONDS"),
            fence_seconds=settings.seconds("TRELLIS_FENCE_SECONDS"),
            takeover_seconds=settings.seconds("TRELLIS_TAKEOVER_SECONDS"),
        ),
        poll_seconds=settings.seconds("TRELLIS_POLL_SECONDS"),
    )
    engines.append(engine)
    return workshop, engine


def _vitals(database: Database, reading: DatabaseEngine) -> Vitals | Unwell:
    if not is_reachable(database):  # as deliveries are stored, so a database that cannot be written to is not ready
        return Unwell(why="it does not answer, or cannot be written to")
    return asked(partial(vitals, reading))


def _figures(reading: DatabaseEngine) -> Seen | Unwell:
    return asked(lambda: Seen(vitals=vitals(reading), figures=figures(reading)))


def collect_rarely() -> None:
    """Have the garbage collector come by less often.

    A plan makes a hundred thousand small objects that all stay; looking through them after every seven hundred, as
    Python does, takes nearly as long as planning (measured: benchmarks/planner.py). Nothing is kept for longer that
    reference counting frees.
    """
    gc.set_threshold(50_000, 25, 50)


def behaviours() -> list[str]:
    """Say what Trellis does, one line per behaviour."""
    return [_first_line(ROOT / f"{name.replace('.', '/')}.py") for name in BEHAVIOURS]


def _first_line(file: Path) -> str:
    """Give the first line of a file's docstring, without importing half of Trellis for it."""
    with file.open(encoding="utf-8") as lines:
        return lines.readline().removeprefix('"""').strip().removesuffix('"""')


def _configured(environ: Mapping[str, str] | None) -> tuple[Settings, dict[str, Policy]]:
    if environ is None:
        load_dotenv(ROOT / ".env")
        environ = os.environ
    try:
        settings = load_settings(environ)
        return settings, load_policies(settings.organisations_folder())
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        raise SystemExit(2) from error


def _workshop(settings: Settings, policies: Mapping[str, Policy], *, check_lease: Callable[[], None]) -> Workshop:
    database = Database(make_engine(settings.database_url()))
    pace = partial(_pace, settings, policies, database)
    github = _once_per_slug(partial(_github, settings, policies, pace))
    loomio = _once_per_slug(partial(_loomio, settings, policies, pace))
    return Workshop(
        database=database,
        intake=Intake(database),
        policies=policies,
        github=github,
        loomio=loomio,
        mail=_mail(settings),
        chat=_once_per_slug(partial(_rooms, settings, pace)),
        links=_links(settings),
        now=clock(settings.path("TRELLIS_CLOCK_FILE")),
        real_now=real_now,
        check_lease=check_lease,
        pacing=Pacing(
            settle_seconds=settings.seconds("TRELLIS_SETTLE_SECONDS"),
            retry_seconds=settings.seconds("TRELLIS_RETRY_SECONDS"),
        ),
        pace=pace,
        pulse=_pulse(settings),
    )


def _pulse(settings: Settings) -> Pulse | None:
    url = settings.text("TRELLIS_HEARTBEAT_URL")
    if url is None:
        return None
    from jobs.heartbeat import Pulse

    return Pulse(url, call_seconds=settings.seconds("TRELLIS_CALL_SECONDS"))


def _windows(settings: Settings, vendor: str) -> Windows:
    """Give what one account of a vendor takes."""
    if vendor == "loomio":
        return (Window(most=settings.number("TRELLIS_LOOMIO_CALLS"), seconds=300),)
    minute = Window(most=settings.number("TRELLIS_WRITES_PER_MINUTE"), seconds=60)
    hour = Window(most=settings.number("TRELLIS_WRITES_PER_HOUR"), seconds=3600)
    return (minute, hour) if vendor == "github" else (minute,)


def _pace(settings: Settings, policies: Mapping[str, Policy], database: Database, slug: str, vendor: str) -> SharedPace:
    """Make the pace of one organisation's calls; its policy may ask for less than the deployment allows."""
    asked: tuple[int | None, int | None] = (None, None)
    if vendor == "github" and slug in policies:
        asked = (policies[slug].github.writes_per_minute, policies[slug].github.writes_per_hour)
    return SharedPace(
        database=database,
        organisation=slug,
        windows=_windows(settings, vendor),
        own_windows=tuple(Window(most=own, seconds=spell) for own, spell in zip(asked, (60, 3600), strict=True) if own),
        pause_seconds=settings.seconds("TRELLIS_PAUSE_SECONDS"),
        real_now=real_now,
    )


def _links(settings: Settings) -> Links:
    return Links(settings.text("TRELLIS_PUBLIC_URL"), settings.text("TRELLIS_SECRET_KEY"))


def _mail(settings: Settings) -> Mail | None:
    server = settings.mail_server()
    if server is None:
        return None
    from integrations.mail import Mail

    return Mail(
        host=server.host,
        port=server.port,
        tls=server.tls,
        user=server.user,
        password=server.password,
        call_seconds=settings.seconds("TRELLIS_CALL_SECONDS"),
    )


def _rooms(settings: Settings, pace: PaceOf, slug: str) -> tuple[Chat, ...]:
    from integrations.chat import Chat

    seconds = settings.seconds("TRELLIS_CALL_SECONDS")
    return tuple(Chat(url=url, call_seconds=seconds, pace=pace(slug, "chat")) for url in settings.rooms(slug))


def _once_per_slug(make: Callable[[str], T]) -> Callable[[str], T]:
    """Keep one adapter per organisation: it remembers who it is and where its repository lies."""
    made: dict[str, T] = {}
    turn = threading.Lock()

    def give(slug: str) -> T:
        with turn:
            if slug not in made:
                made[slug] = make(slug)
            return made[slug]

    return give


def _github(settings: Settings, policies: Mapping[str, Policy], pace: PaceOf, slug: str) -> GitHub | None:
    token = settings.for_organisation("GITHUB_TOKEN", slug)
    app_id, key = settings.text("GITHUB_APP_ID"), settings.text("GITHUB_APP_PRIVATE_KEY")
    if token is None and app_id is None:
        return None
    from integrations.github import GitHub
    from integrations.github_connection import Connection

    connection = Connection(
        api_url=str(settings.text("GITHUB_API_URL")),
        repository_name=policies[slug].github.repository,
        token=token,
        app_id=app_id if token is None else None,
        app_private_key=key if token is None else None,
        call_seconds=settings.seconds("TRELLIS_CALL_SECONDS"),
        write_gap_seconds=settings.seconds("TRELLIS_WRITE_GAP_SECONDS"),
        pace=pace(slug, "github"),
    )
    return GitHub(connection)


def _loomio(settings: Settings, policies: Mapping[str, Policy], pace: PaceOf, slug: str) -> Loomio | None:
    key, policy = settings.for_organisation("LOOMIO_API_KEY", slug), policies[slug].loomio
    if key is None or policy is None:
        return None
    from integrations.loomio import Loomio
    from integrations.loomio_legacy import LegacyLoomio

    speaker = LegacyLoomio if policy.dialect is LoomioDialect.LEGACY else Loomio
    return speaker(
        address=policy.address,
        api_key=key,
        group_id=policy.group_id,
        call_seconds=settings.seconds("TRELLIS_CALL_SECONDS"),
        pace=pace(slug, "loomio"),
    )


def _set_up_log(settings: Settings) -> None:
    set_up_log(
        level=str(settings.text("TRELLIS_LOG_LEVEL")),
        form=str(settings.text("TRELLIS_LOG_FORMAT")),
        secrets=settings.secrets(),
    )
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # we log what came of a call; its retries are noise
    quiet_engine_log()
