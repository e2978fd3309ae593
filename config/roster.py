"""Roster: who belongs to an organisation, from a CSV file anybody can keep in a spreadsheet."""

import csv
import re
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

from config.errors import ConfigError
from domain.policy import Weekday

COLUMNS = {
    "handle": "short name, unique in the organisation: letters, digits, dashes",
    "name": "as the person writes it",
    "github_login": "",
    "loomio_username": "",
    "mail": "",
    "zone": "such as Europe/Lisbon; empty for the organisation's",
    "locale": "such as pt_BR; empty for the organisation's",
    "working_days": "such as 'mon tue thu'; empty for the organisation's",
    "hours_from": "such as 09:30; empty for the organisation's",
    "hours_until": "",
    "joined_on": "such as 2027-03-01",
    "left_on": "first day no longer a member",
    "coordinator": "yes, or empty",
}
NEEDED = ("handle", "name")


@dataclass(frozen=True, kw_only=True)
class RosterEntry:
    """One line of the roster, checked, in the shape it is stored."""

    handle: str
    name: str
    github_login: str | None
    loomio_username: str | None
    mail: str | None
    zone: str | None
    locale: str | None
    working_days: list[str] | None
    hours_from: str | None
    hours_until: str | None
    joined_on: date | None
    left_on: date | None
    coordinator: bool


def load_roster(file: Path) -> list[RosterEntry]:
    """Read a roster. Columns may come in any order and only the needed ones have to be there.

    Raises ConfigError with every problem and its line; then nothing of the file is used.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file.name}: cannot be read ({type(error).__name__})"]) from error
    reader = csv.DictReader(text.splitlines())
    columns = [name.strip() for name in reader.fieldnames or []]
    problems = [f"{file.name}: column {name!r} is not known here" for name in columns if name not in COLUMNS]
    problems += [f"{file.name}: column {name!r} is needed" for name in NEEDED if name not in columns]
    twice = [name for name in COLUMNS if columns.count(name) > 1]
    problems += [f"{file.name}: column {name!r} stands there twice" for name in twice]
    if problems:
        raise ConfigError(problems)
    reader.fieldnames = columns
    entries: list[RosterEntry] = []
    for row in reader:
        said = {key: (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        found = [f"{file.name}, line {reader.line_num}: {one}" for one in _problems(said, row)]
        problems += found
        if not found:
            entries.append(_entry(said))
    problems += _doubles(file.name, entries)
    if problems:
        raise ConfigError(problems)
    return entries


def _problems(said: dict[str, str], row: dict[str | None, object]) -> list[str]:
    problems = [f"{name} is empty" for name in NEEDED if not said.get(name)]
    if None in row:
        problems.append("more cells than columns")
    if said.get("handle") and not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,58}", said["handle"]):
        problems.append(f"handle {said['handle']!r}: lower-case letters, digits and dashes only")
    if said.get("zone"):
        try:
            ZoneInfo(said["zone"])
        except (KeyError, ValueError, OSError):
            problems.append(f"zone {said['zone']!r} is not a time zone such as Europe/Lisbon")
    known = {day.value for day in Weekday}
    problems += [
        f"working day {day!r} is not known" for day in said.get("working_days", "").split() if day not in known
    ]
    for name in ("hours_from", "hours_until"):
        if said.get(name) and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", said[name]):
            problems.append(f"{name} {said[name]!r} is not a time such as 09:30")
    for name in ("joined_on", "left_on"):
        try:
            date.fromisoformat(said.get(name) or "2027-01-01")
        except ValueError:
            problems.append(f"{name} {said[name]!r} is not a date such as 2027-03-01")
    if not problems:
        problems += _together(said)
    if said.get("coordinator", "") not in ("", "yes", "no"):
        problems.append("coordinator: yes, no or empty")
    return problems


def _together(said: dict[str, str]) -> list[str]:
    """Say what is wrong with cells that only make sense together; each is right by itself."""
    problems = []
    if said.get("hours_from") and said.get("hours_until") and said["hours_from"] >= said["hours_until"]:
        problems.append("hours_from: comes after hours_until; they could never be written to")
    if said.get("joined_on") and said.get("left_on") and said["left_on"] < said["joined_on"]:
        problems.append("left_on: comes before joined_on")
    return problems


def _entry(said: dict[str, str]) -> RosterEntry:
    def text(name: str) -> str | None:
        return said.get(name) or None

    def day(name: str) -> date | None:
        return date.fromisoformat(said[name]) if said.get(name) else None

    def clock(name: str) -> str | None:
        return time.fromisoformat(said[name]).isoformat("minutes") if said.get(name) else None

    login = text("github_login")
    return RosterEntry(
        handle=said["handle"],
        name=said["name"],
        github_login=login.lstrip("@").lower() if login else None,
        loomio_username=text("loomio_username"),
        mail=text("mail"),
        zone=text("zone"),
        locale=text("locale"),
        working_days=said["working_days"].split() if said.get("working_days") else None,
        hours_from=clock("hours_from"),
        hours_until=clock("hours_until"),
        joined_on=day("joined_on"),
        left_on=day("left_on"),
        coordinator=said.get("coordinator") == "yes",
    )


def _doubles(name: str, entries: list[RosterEntry]) -> list[str]:
    problems = []
    for column in ("handle", "github_login"):
        seen: set[str] = set()
        for entry in entries:
            value = getattr(entry, column)
            if value is not None and value in seen:
                problems.append(f"{name}: {column} {value!r} stands there twice")
            seen.add(value)
    return problems
