"""`flask doctor` on Loomio: which version it is, whether the policy's dialect fits, what is amiss with proposals."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from store.database import Database
from store.models import ProposalRow
from tests.test_both_dialects import Played, played
from tests.test_webhooks_loomio import watched

__all__ = ["played"]  # a fixture, used by name


@pytest.fixture
def dialect() -> str:
    return "current"


@pytest.fixture
def version() -> str:
    return "3.8.1"


@pytest.fixture
def environ(environ: dict[str, str], played: Played, dialect: str) -> dict[str, str]:
    """An environment whose GitHub and Loomio are the stand-ins."""
    file = Path(environ["TRELLIS_ORGANISATIONS"]) / "fennel-works.toml"
    policy = file.read_text(encoding="utf-8").replace("https://loomio.example.org", f"{played.server.url}/loomio")
    file.write_text(policy.replace('dialect = "current"', f'dialect = "{dialect}"'), encoding="utf-8")
    github = {"GITHUB_API_URL": f"{played.server.url}/github", "GITHUB_TOKEN": "trellis-bot"}
    return environ | github | {"LOOMIO_API_KEY": "fennel-loomio-key"}


def said(app: Flask) -> list[str]:
    """What the doctor says of Loomio."""
    done = app.test_cli_runner().invoke(args=["doctor"])
    return [line for line in done.output.splitlines() if "oomio" in line]


@pytest.mark.parametrize(
    ("version", "dialect", "line"),
    [
        ("3.8.1", "current", "fine  fennel-works: Loomio 3.8.1 in the current dialect, group Fennel Works"),
        ("3.0.20", "legacy", "fine  fennel-works: Loomio 3.0.20 in the legacy dialect, group Fennel Works"),
        (
            "3.0.24",
            "legacy",
            "fine  fennel-works: Loomio 3.0.24 in the legacy dialect, group Fennel Works; of versions such as this "
            "little is known: watch the first proposal",
        ),
        (
            "3.0.20",
            "current",
            "LOOK  fennel-works: Loomio is version 3.0.20 and speaks the legacy dialect, but the policy says dialect = "
            '"current". Nothing is sent to it, for the wrong dialect loses half of what it says without a word. Set '
            'dialect = "legacy" in [loomio] (or upgrade it to 3.1.3 or later), then: flask effects retry --all',
        ),
    ],
)
def test_the_version_is_told_and_held_against_the_policy(app: Flask, line: str) -> None:
    assert said(app) == [line]


@pytest.mark.parametrize(
    ("version", "dialect", "group"), [("3.8.1", "current", "Fennel Works"), ("3.0.24", "legacy", "number 7")]
)
def test_a_bot_that_is_no_coordinator_is_told(app: Flask, played: Played, group: str) -> None:
    played.demote()
    line = f"LOOK  fennel-works: the bot is no coordinator of Loomio's {group}: it may be refused to start proposals"
    assert said(app)[1] == line


def test_a_proposal_that_could_not_be_read_is_told_with_its_address(app: Flask, database: Database) -> None:
    proposal_id = watched(database, look_at=datetime.now(UTC) + timedelta(hours=1))

    def in_vain(session: object) -> None:
        row = session.get_one(ProposalRow, proposal_id)  # type: ignore[attr-defined]
        row.last_error = "Loomio answered 404"

    database.transact(in_vain)
    assert said(app)[1] == "LOOK  fennel-works: https://loomio.example.org/p/Key7: Loomio answered 404"
