"""Roster: who belongs to an organisation, from a CSV file anybody can keep in a spreadsheet."""

import csv
import re
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from zoneinfo import ZoneInfo

from config.errors import ConfigError
from config.holidays import holidays_problem
from config.messages import LOCALE, locales
from domain.policy import Channel, Weekday
from domain.rhythms import Role

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
    "well_working": "yes for a member of the well-working group, or empty",
    "channel": "github, mail or page: the way they like best; empty for the organisation's order",
    "holidays_of": "whose public holidays are theirs, such as PT or DE-BE; empty for the organisation's",
    **{role.value: f"handle of their {role.value.replace('_', ' ')}" for role in Role},
    "choices": "what they opted into, with spaces: career-talk, ticket-name",
    "rhythms": "their own say, with spaces: two-weekly=off weekly=on two-weekly=28 (days)",
}
NEEDED = ("handle", "name")
CHOICES = ("career-talk", "ticket-name")  # hears of career talks; may be named to the well-working group (row 44)
OWN_RHYTHM = re.compile(r"[a-z0-9-]+=(on|off|[1-9]\d{0,2})")


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
    well_working: bool
    channel: str | None
    holidays_of: str | None
    choices: list[str]
    own_rhythms: dict[str, dict[str, bool | int]]
    relations: dict[str, str]


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
    for name in ("coordinator", "well_working"):
        if said.get(name, "") not in ("", "yes", "no"):
            problems.append(f"{name}: yes, no or empty")
    if said.get("channel", "") not in ("", *Channel):
        problems.append(f"channel {said['channel']!r}: one of {', '.join(Channel)}, or empty")
    if said.get("holidays_of") and (problem := holidays_problem(said["holidays_of"])):
        problems.append(f"holidays_of: {problem}")
    if said.get("mail") and not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+", said["mail"]):
        problems.append(f"mail {said['mail']!r} is not an address such as ada@example.org")
    if said.get("locale") and not LOCALE.fullmatch(said["locale"]):
        problems.append(f"locale {said['locale']!r} is not a language such as {', '.join(locales())}")
    known_choices = [
        f"choice {one!r} is not known; known: {', '.join(CHOICES)}"
        for one in _words(said, "choices")
        if one not in CHOICES
    ]
    problems += known_choices
    problems += [
        f"rhythms {one!r}: a rhythm's name, =, then on, off or a number of days"
        for one in _words(said, "rhythms")
        if OWN_RHYTHM.fullmatch(one) is None
    ]
    problems += [
        f"{role.value}: nobody is that to themselves"
        for role in Role
        if said.get(role.value) and said[role.value] == said.get("handle")
    ]
    return problems


def _words(said: dict[str, str], name: str) -> list[str]:
    return said.get(name, "").split()


def _together(said: dict[str, str]) -> list[str]:
    """Say what is wrong with cells that only make sense together; each is right by itself."""
    problems = []
    if said.get("hours_from") and said.get("hours_until") and said["hours_from"] >= said["hours_until"]:
        problems.append("hours_from: comes after hours_until; they could never be written to")
    first, last = (date.fromisoformat(said[one]) if said.get(one) else None for one in ("joined_on", "left_on"))
    if first is not None and last is not None and last < first:
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
        well_working=said.get("well_working") == "yes",
        channel=text("channel"),
        holidays_of=text("holidays_of"),
        choices=_words(said, "choices"),
        own_rhythms=_own_rhythms(_words(said, "rhythms")),
        relations={role.value: said[role.value] for role in Role if said.get(role.value)},
    )


def _own_rhythms(said: list[str]) -> dict[str, dict[str, bool | int]]:
    found: dict[str, dict[str, bool | int]] = {}
    for one in said:
        name, _, value = one.partition("=")
        own = {"every_days": int(value)} if value.isdigit() else {"on": value == "on"}
        found.setdefault(name, {}).update(own)
    return found


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
