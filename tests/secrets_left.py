"""Looks for secrets where none may be left: files of a folder, every column of a database, command lines of processes.

Each secret of the settings is looked for as it is, in base64, URL-quoted, and as JSON writes it.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from sqlalchemy import MetaData, inspect, select

from config.logs import LEAST_LETTERS
from config.settings import Settings
from store.database import Database

PROCESSES = Path("/proc")


def secrets_left(
    settings: Settings, places: Iterable[Path] = (), database: Database | None = None, processes: Path = PROCESSES
) -> list[str]:
    """Name every secret that was found, by where it is and its first two letters; the secret itself is never told.

    `places` are files, or folders with everything below them. Secrets of fewer letters than the log blots out are left
    alone: they would be found in ordinary words.
    """
    spelt = spellings(settings.secrets())
    found = [f"{place}: {what}" for place, said in _written(places, processes) for what in _in(said, spelt)]
    if database is not None:
        found += [f"{place}: {what}" for place, said in _rows(database) for what in _in(said, spelt)]
    return sorted(set(found))


def spellings(secrets: Iterable[str]) -> Mapping[bytes, str]:
    """Give each secret in every spelling it may have taken, with how to tell of it."""
    found: dict[bytes, str] = {}
    for secret in secrets:
        if len(secret) < LEAST_LETTERS:
            continue
        raw = secret.encode()
        spelt = {
            "as it is": secret,
            "URL-quoted": quote(secret, safe=""),
            "as a path quotes it": quote(secret),
            "as a form quotes it": quote_plus(secret),
            "as JSON": json.dumps(secret)[1:-1],
            **{f"in base64, from byte {start}": _base64_within(raw, start) for start in range(3)},
            **{f"in base64 for addresses, from byte {start}": _for_address(raw, start) for start in range(3)},
        }
        for how, text in spelt.items():
            found.setdefault(text.encode(), f"a secret that begins with {secret[:2]!r}, {how}")
    return found


def _base64_within(raw: bytes, start: int) -> str:
    """Give the base64 letters that stand for a secret wherever it begins inside a longer text (`user:secret`)."""
    padded = base64.b64encode(b"\0" * start + raw).decode().rstrip("=")
    # The first and last letters also hold bits of what stands beside it.
    first = (0, 2, 3)[start]
    last = len(padded) - (1 if (start + len(raw)) % 3 else 0)
    return padded[first:last]


def _for_address(raw: bytes, start: int) -> str:
    return _base64_within(raw, start).replace("+", "-").replace("/", "_")


def _in(said: bytes, spelt: Mapping[bytes, str]) -> Iterator[str]:
    return (what for text, what in spelt.items() if text in said)


def _written(places: Iterable[Path], processes: Path) -> Iterator[tuple[str, bytes]]:
    for place in places:
        for file in [place] if place.is_file() else sorted(place.rglob("*")):
            if file.is_file():
                yield str(file), file.read_bytes()
    for line in sorted(processes.glob("[0-9]*/cmdline")):
        try:
            yield f"the command line of process {line.parent.name}", line.read_bytes()
        except OSError:
            continue  # it ended meanwhile


def _rows(database: Database) -> Iterator[tuple[str, bytes]]:
    """Give every row of every table, the engine's included, column by column."""
    inspector = inspect(database.engine)
    schemas = [one for one in inspector.get_schema_names() if one not in ("information_schema", "pg_catalog")]
    for schema in schemas:
        known = MetaData()
        known.reflect(database.engine, schema=None if database.engine.dialect.name == "sqlite" else schema)
        for table in known.sorted_tables:
            with database.engine.connect() as connection:
                for row in connection.execute(select(table)).mappings():
                    for name, value in row.items():
                        said = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
                        if value is not None and len(said) >= LEAST_LETTERS:
                            yield f"{table.fullname}.{name}", said
