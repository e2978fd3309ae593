"""The search for secrets finds each of them in every spelling and place, and tells of it without saying it."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from config.settings import Settings, load_settings
from store.database import Database
from store.models import DeliveryRow
from tests.fuzz.doors import SECRET_KEY
from tests.secrets_left import secrets_left
from tests.workroom import TUESDAY

SECRET = "p+a/s s?wörd&of=hook"


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    return load_settings(environ | {"GITHUB_WEBHOOK_SECRETS": SECRET, "TRELLIS_SECRET_KEY": SECRET_KEY})


@pytest.fixture
def processes(tmp_path: Path) -> Path:
    """An invented list of processes: the machine's own is whatever it is."""
    folder = tmp_path / "proc"
    (folder / "7").mkdir(parents=True)
    (folder / "7" / "cmdline").write_bytes(b"flask\0worker\0")
    return folder


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(SECRET, id="as it is"),
        pytest.param(quote(SECRET), id="in an address"),
        pytest.param(quote(SECRET, safe=""), id="in a query"),
        pytest.param(json.dumps({"secret": SECRET}), id="in JSON"),
        *(
            pytest.param(
                base64.b64encode(("u" * before + SECRET + ":more").encode()).decode(), id=f"in base64, {before}"
            )
            for before in range(5)
        ),
        pytest.param(base64.urlsafe_b64encode(f"user:{SECRET}".encode()).decode(), id="in base64 for addresses"),
    ],
)
def test_a_secret_is_found_in_every_spelling(settings: Settings, processes: Path, tmp_path: Path, said: str) -> None:
    (tmp_path / "logs" / "deeper").mkdir(parents=True)
    (tmp_path / "logs" / "deeper" / "log").write_text(f"before {said} after", encoding="utf-8")
    found = secrets_left(settings, [tmp_path / "logs"], processes=processes)
    assert found
    assert all(str(tmp_path / "logs" / "deeper" / "log") in one for one in found)
    assert SECRET not in "".join(found)


def test_a_secret_is_found_in_a_command_line(settings: Settings, processes: Path) -> None:
    (processes / "8").mkdir()
    (processes / "8" / "cmdline").write_bytes(f"curl\0-H\0{SECRET_KEY}\0".encode())
    (found,) = secrets_left(settings, processes=processes)
    assert found.startswith("the command line of process 8: a secret that begins with 'an'")


def test_a_secret_is_found_in_any_column(settings: Settings, processes: Path, database: Database) -> None:
    row = DeliveryRow(id="a-delivery", source="github", event="ping", about="github", body=SECRET_KEY.encode())
    row.received_at = row.not_before = TUESDAY
    row.status, row.last_error = "parked", f"refused: {SECRET}"
    database.transact(lambda session: session.add(row))
    found = secrets_left(settings, database=database, processes=processes)
    assert {one.partition(":")[0] for one in found} == {"deliveries.body", "deliveries.last_error"}


def test_where_there_is_none_nothing_is_found(
    settings: Settings, processes: Path, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "log").write_text("INFO all is well, •••", encoding="utf-8")
    assert secrets_left(settings, [tmp_path / "log"], database, processes) == []
