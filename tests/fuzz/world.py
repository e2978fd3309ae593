"""The world that is fuzzed: the real web app and a worker's tools on a real database, with a few invented people."""

import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import responses
from flask import Flask
from requests import PreparedRequest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app import create_app, create_worker
from config.links import Links, Named
from config.logs import set_up_log
from config.policy import load_policies
from config.settings import Settings, load_settings
from integrations.github import GitHub
from integrations.github_connection import Connection
from jobs.workshop import Workshop
from store.database import Database, make_engine
from store.feeds import make_feed
from store.models import AskedRow, Base, DeliveryRow, ObjectiveRow, PersonRow, ProposalRow, TicketRow
from tests.fuzz.doors import COMMENTS, GITHUB_SECRET, GOALS_SECRETS, HINT, METRICS_TOKEN, SECRET_KEY, Tokens
from tests.fuzz.rubbish import CANARIES, ODD_TEXTS

ROOT = Path(__file__).parent.parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
WIRE = "https://api.github.com:443"
SLUG = "fennel-works"
PUBLIC_URL = "https://trellis.fennel.example"
LETTER = f"nudge:{SLUG}:1:2027-01-05"
NOW = datetime(2027, 1, 6, 10, tzinfo=UTC)
ISSUES = 40  # those the stubbed GitHub knows; its numbers begin at 1
ENGINE_WORK = "workflow_status"
WHO_CLICKS = ((1, LETTER), (1, LETTER), (1, LETTER), (1, ""), (3, ""))


class World:
    """One web app, one worker's tools, one database; `reset` puts all of it back to its beginning."""

    def __init__(self, folder: Path, database_url: str) -> None:
        """Migrate the database, unless it is, and begin anew in it: it should be one made for this."""
        policies = folder / "organisations"
        policies.mkdir()
        policy = (ROOT / "config/organisations/example.toml").read_text(encoding="utf-8")
        policy = policy.replace('mode = "observe"', 'mode = "on"')
        (policies / f"{SLUG}.toml").write_text(policy, encoding="utf-8")
        other = policy.replace("fennel-works/learning", "moss-farm/learning").replace("group_id = 7", "group_id = 8")
        (policies / "moss-farm.toml").write_text(other, encoding="utf-8")
        # The practice clock stands wherever the machine's does: no rubbish depends on the day.
        self.environ = {
            "DATABASE_URL": database_url,
            "TRELLIS_ORGANISATIONS": str(policies),
            "GITHUB_TOKEN": "invented-token-for-github",
            "GITHUB_WEBHOOK_SECRETS": f"invented-old-secret,{GITHUB_SECRET}",
            "LOOMIO_API_KEY": "invented-loomio-key",
            "LOOMIO_WEBHOOK_TOKEN": HINT,
            "GOALS_WEBHOOK_SECRET": GOALS_SECRETS[SLUG],
            "GOALS_WEBHOOK_SECRET_MOSS_FARM": GOALS_SECRETS["moss-farm"],
            "TRELLIS_PUBLIC_URL": PUBLIC_URL,
            "TRELLIS_SECRET_KEY": SECRET_KEY,
            "TRELLIS_METRICS_TOKEN": METRICS_TOKEN,
        }
        self.folder = folder
        self.settings: Settings = load_settings(self.environ)
        self.log = (folder / "log").open("a", encoding="utf-8", errors="backslashreplace")
        set_up_log(level="INFO", form="plain", secrets=self.settings.secrets(), stream=self.log)
        self.app: Flask = create_app(self.environ)
        self.database = Database(make_engine(self.settings.database_url()))
        done = self.app.test_cli_runner().invoke(args=["migrate"])
        if done.exit_code:
            raise RuntimeError(done.output)
        workshop, _ = create_worker(self.settings, load_policies(policies))
        # Without the pause that GitHub wants between two requests: nobody is asked here.
        github = GitHub(
            Connection(
                api_url="https://api.github.com",
                repository_name="fennel-works/learning",
                token=self.environ["GITHUB_TOKEN"],
                write_gap_seconds=None,
            )
        )
        self.workshop: Workshop = replace(workshop, check_lease=lambda: None, github=lambda _: github)
        self.feeds: tuple[str, ...] = ()
        self.reset()

    def close(self) -> None:
        """Let go of every connection that is ours."""
        self.database.dispose()
        self.workshop.database.dispose()
        self.log.close()

    # -- what is in it ----------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Empty every table and put the people back."""
        self.database.transact(self._begin)

    def _begin(self, session: Session) -> None:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
        session.execute(text(f"DELETE FROM {self.engine_work}"))
        people = []
        for number, (handle, name) in enumerate(
            (("ada", f"Ada {CANARIES[0]}"), ("bo", "Bo Lind"), ("cy", f"Cy {CANARIES[1]}")), start=1
        ):
            row = PersonRow(id=number, organisation=SLUG, handle=handle, name=name, github_login=handle)
            row.mail, row.coordinator = f"{handle}@fennel.example", handle == "cy"
            people.append(row)
        session.add_all([*people, PersonRow(id=4, organisation="moss-farm", handle="ada", name="Ada Moss")])
        session.flush()
        session.add(
            ObjectiveRow(
                organisation=SLUG,
                person_id=1,
                title=f"Read a map {CANARIES[0]}",
                state="active",
                issue_number=7,
                issue_url="https://github.com/fennel-works/learning/issues/7",
                opened_at=NOW,
            )
        )
        ticket = TicketRow(
            organisation=SLUG,
            number=1,
            person_id=2,
            year="2026",
            state="exits offered",
            opportunity="A week",
            claimed_at=NOW,
        )
        ticket.issue_number, ticket.issue_url = 8, "https://github.com/fennel-works/learning/issues/8"
        session.add(ticket)
        session.flush()
        session.add(
            ProposalRow(
                organisation=SLUG,
                ticket_id=ticket.id,
                round=1,
                poll_key="abc",
                url="https://loomio.example.org/p/abc",
                closes_at=NOW,
                look_at=datetime(2100, 1, 1, tzinfo=UTC),
            )
        )
        for rhythm in sorted(self.workshop.policies[SLUG].rhythms)[:3]:
            asked = AskedRow(person_id=1, member_id=1, rhythm=rhythm, turn="2026-11-01", side="member", ask="first")
            asked.at, asked.day, asked.closes_on = NOW, date(2026, 11, 1), date(2026, 12, 1)
            asked.effect_key = LETTER
            session.add(asked)
        self.feeds = tuple(make_feed(session, SLUG, whose, now=NOW) for whose in (1, None))

    @property
    def engine_work(self) -> str:
        """Name the engine's table of work."""
        return ENGINE_WORK if self.database.engine.dialect.name == "sqlite" else f"dbos.{ENGINE_WORK}"

    def tokens(self) -> Tokens:
        """Give what opens the doors whose key is in the address."""
        links = Links("", SECRET_KEY)
        # As they are signed here, whatever `Links` itself would make of it.
        named = [Named(slug=SLUG, person_id=number, effect_key=key) for number, key in WHO_CLICKS]
        named += [Named(slug=SLUG, person_id=99, effect_key=LETTER), Named(slug="nobody", person_id=1, effect_key="")]
        rhythms = sorted(self.workshop.policies[SLUG].rhythms)[:3]
        return Tokens(
            choices=tuple(str(links.choices_url(one)).rpartition("/")[2] for one in named),
            stops=tuple(str(links.stop_url(one)).rpartition("/")[2] for one in named),
            feeds=self.feeds,
            parts=tuple(f"{name}|2026-11-01" for name in rhythms),
        )

    def count(self) -> dict[str, int]:
        """Count the rows of every table of ours, and the engine's work."""

        def counted(session: Session) -> dict[str, int]:
            found = {
                table.name: session.scalar(select(func.count()).select_from(table)) or 0
                for table in Base.metadata.sorted_tables
            }
            return found | {ENGINE_WORK: session.scalar(text(f"SELECT count(*) FROM {self.engine_work}")) or 0}

        return self.database.transact(counted)

    def delivery(self, name: str) -> DeliveryRow | None:
        """Give one stored delivery."""
        return self.database.transact(lambda session: session.get(DeliveryRow, name))

    def deliveries(self) -> list[DeliveryRow]:
        """Give every stored delivery."""
        return self.database.transact(lambda session: list(session.scalars(select(DeliveryRow))))


# -- GitHub at the wire -----------------------------------------------------------------------------------------------

BODIES = (
    "### What do I want to learn?\n\n{0}\n\n### Why does it matter to me?\n\n{0}\n\n### Partner\n\n@bo {0}\n",
    "### What is the opportunity?\n\n{0}\n\n### How does it stretch me?\n\n{0}\n\n### What does it cost?\n\n{0}\n\n"
    "### First day\n\n9999-12-31\n\n### Last day\n\n{0}\n\n### How shall we decide?\n\nStart a proposal\n",
    "### What does it cost?\n\n" + "9" * 60 + " EUR\n\n### Funding bucket\n\nhttps://elsewhere.example/{0}",
    "```\n{0}",
    "- [x] {0}\n" * 50,
    "<!-- trellis:key=open:fennel-works:objective:99999999999999999999 --> {0}",
    "",
    "{0}",
)
LABELS: tuple[list[str], ...] = ([], ["ILO"], ["ILO"], ["golden-ticket"], ["ilo", "golden-ticket"], ["\0", "x" * 300])


@contextmanager
def github_stub(seed: int) -> Iterator[None]:
    """A GitHub that knows our repository and the bot, and shows whatever people may have written on forty issues."""
    chance = random.Random(seed)
    whole = json.loads((FIXTURES / "issue.get__open.json").read_text(encoding="utf-8"))
    nothing: tuple[int, dict[str, str], str] = (
        404,
        {},
        json.dumps({"message": "Not Found", "documentation_url": "", "status": "404"}),
    )
    # No letter that GitHub itself would not let through is held back: what is stored must not depend on that.
    said = (*ODD_TEXTS, *COMMENTS, "480 EUR", "1.200,50 €", "2027-05-10", "Something to learn")

    def issue(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        number = int(str(request.url).rpartition("/")[2])
        what = chance.random()
        if number > ISSUES or what < 0.1:
            return nothing
        if what < 0.15:
            return 410, {}, json.dumps({"message": "This issue was deleted"})
        one: dict[str, Any] = whole | {"number": number, "state": chance.choice(("open", "open", "closed"))}
        one["title"] = chance.choice(said)
        one["body"] = chance.choice(BODIES).replace("{0}", chance.choice(said))
        one["user"] = whole["user"] | {"login": chance.choice(("ada", "Bo", "cy", "trellis-bot", "stranger"))}
        one["assignees"] = [whole["user"] | {"login": who} for who in chance.choice(([], ["ada"], ["bo", "cy"], ["x"]))]
        one["labels"] = [whole["labels"][0] | {"name": name} for name in chance.choice(LABELS)]
        one["state_reason"] = chance.choice(("completed", "not_planned", "duplicate", None, "strange"))
        one["locked"] = chance.random() < 0.1
        one["updated_at"] = f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T12:00:00Z"
        one["html_url"] = f"https://github.com/fennel-works/learning/issues/{number}"
        return 200, {}, json.dumps(one)

    def label(request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        name = str(request.url).rpartition("/")[2]
        return (200, {}, json.dumps(whole["labels"][0] | {"name": name})) if chance.random() < 0.9 else nothing

    ours, bot = (FIXTURES / f"{name}.json" for name in ("repository.get__ours", "user.get__bot"))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.get(f"{WIRE}/repos/fennel-works/learning", body=ours.read_text(encoding="utf-8"))
        wire.get(f"{WIRE}/repositories/4001", body=ours.read_text(encoding="utf-8"))
        wire.get(f"{WIRE}/user", body=bot.read_text(encoding="utf-8"))
        wire.add_callback(responses.GET, re.compile(rf"{WIRE}/repositories/4001/issues/\d+$"), issue)
        wire.add_callback(responses.GET, re.compile(rf"{WIRE}/\S+/labels/[^/]+$"), label)
        wire.get(re.compile(rf"{WIRE}/\S+/assignees/[^/]+$"), status=404, json={"message": "Not Found"})
        yield
