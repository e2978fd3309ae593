"""Policy: one TOML file per organisation into the domain's classes, unknown keys refused with a suggestion.

A file is named for its organisation (`fennel-works.toml` is the slug `fennel-works`). Problems name the file, the table
and the key, and all of them are told at once.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cattrs import ClassValidationError, Converter, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn

from config.errors import ConfigError
from domain.policy import Policy

NOT_AN_ORGANISATION = "example.toml"


class _UnusableError(ValueError):
    """A value that cannot be used, with the sentence to show."""


def load_policies(folder: Path) -> dict[str, Policy]:
    """Read every organisation's policy in a folder, by slug; `example.toml` is a pattern, not an organisation.

    Raises ConfigError with every problem of every file.
    """
    problems: list[str] = []
    policies: dict[str, Policy] = {}
    files = sorted(file for file in folder.glob("*.toml") if file.name != NOT_AN_ORGANISATION)
    for file in files:
        try:
            policies[file.stem] = load_policy(file)
        except ConfigError as error:
            problems += error.problems
    problems += _shared_repositories(policies)
    if problems:
        raise ConfigError(problems)
    return policies


def load_policy(file: Path) -> Policy:
    """Read one organisation's policy file.

    Raises ConfigError whose problems each start with the file's name.
    """
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file.name}: cannot be read ({type(error).__name__})"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{file.name}: not TOML: {error}"]) from error
    if "slug" in said:
        raise ConfigError([f"{file.name}: slug: the file's name is the slug; take this key out"])
    try:
        policy = _CONVERTER.structure({**said, "slug": file.stem}, Policy)
    except ClassValidationError as error:
        raise ConfigError([f"{file.name}: {line}" for line in _lines(error, "")]) from error
    problems = [f"{file.name}: {line}" for line in _together(policy)]
    if problems:
        raise ConfigError(problems)
    return policy


def _together(policy: Policy) -> Iterator[str]:
    """Yield what is wrong with values that only make sense together."""
    organisation = policy.organisation
    if organisation.hours_from >= organisation.hours_until:
        yield "organisation.hours_from: comes after hours_until; nobody could ever be written to"
    for period in organisation.critical_periods:
        if period.first_on > period.last_on:
            yield f"organisation.critical_periods: {period.name!r} ends before it begins"
    for name, rhythm in policy.rhythms.items():
        if rhythm.every_days < 1:
            yield f"rhythms.{name}.every_days: at least 1 day"
        if rhythm.grace_days < 0:
            yield f"rhythms.{name}.grace_days: 0 or more days"
    loomio = policy.loomio
    if loomio is not None:
        if loomio.days_open < 1:
            yield "loomio.days_open: at least 1 day"
        if len(set(loomio.options)) < 2:
            yield "loomio.options: at least two different options"
        if loomio.quorum_percent is not None and not 0 < loomio.quorum_percent <= 100:
            yield "loomio.quorum_percent: between 1 and 100, or leave it out for no quorum"


def _shared_repositories(policies: Mapping[str, Policy]) -> Iterator[str]:
    """Yield a problem for each repository that two organisations claim: each organisation sees only itself."""
    owners: dict[str, str] = {}
    for slug, policy in policies.items():
        name = policy.github.repository.casefold()
        if name in owners:
            yield f"{slug}.toml: github.repository: {policy.github.repository} belongs to {owners[name]}.toml already"
        owners[name] = slug


def _lines(error: BaseException, place: str) -> Iterator[str]:
    """Turn the converter's nested errors into one plain sentence each."""
    match error:
        case ClassValidationError() | IterableValidationError():
            for inner in error.exceptions:
                yield from _lines(inner, _step(inner, place))
        case ForbiddenExtraKeysError():
            known = [one.name for one in fields(error.cl) if one.name != "slug"] if is_dataclass(error.cl) else []
            for key in sorted(error.extra_fields):
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
                yield f"{place}{'.' if place else ''}{key}: not a key of this table; {hint}"
        case KeyError():
            yield f"{place or error.args[0]}: is needed"
        case _UnusableError():
            yield f"{place}: {error}"
        case _:
            yield f"{place}: cannot be used ({error})"


def _step(error: BaseException, place: str) -> str:
    for note in getattr(error, "__notes__", ()):
        name = getattr(note, "name", None)
        index = getattr(note, "index", None)
        if name is not None:
            return f"{place}.{name}" if place else str(name)
        if index is not None:
            return f"{place}[{index}]" if isinstance(index, int) else f"{place}.{index}"
    if isinstance(error, KeyError) and error.args:
        return f"{place}.{error.args[0]}" if place else str(error.args[0])
    return place


def _exactly(kind: type, what: str) -> Any:
    """Make a reader that takes a TOML value of one kind and nothing that merely looks like it."""

    def read(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise _UnusableError(f"{value!r} is not {what}")
        return value

    return read


def _zone(value: Any, _: Any) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise _UnusableError(f"{value!r} is not a time zone such as 'Europe/Lisbon'") from error


def _decimal(value: Any, _: Any) -> Decimal:
    if type(value) not in (int, float):
        raise _UnusableError(f"{value!r} is not a number")
    return Decimal(str(value))


def _enum(value: Any, kind: Any) -> Any:
    known = [one.value for one in kind]
    if value not in known:
        near = difflib.get_close_matches(str(value), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(known)}"
        raise _UnusableError(f"{value!r} is not known here; {hint}")
    return kind(value)


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_structure_hook(ZoneInfo, _zone)
    converter.register_structure_hook(Decimal, _decimal)
    converter.register_structure_hook(date, _exactly(date, "a date such as 2027-03-01 (no quotes)"))
    converter.register_structure_hook(datetime, _exactly(datetime, "a date and time"))
    converter.register_structure_hook(time, _exactly(time, "a time such as 09:30:00 (no quotes)"))
    converter.register_structure_hook(int, _exactly(int, "a whole number"))
    converter.register_structure_hook(bool, _exactly(bool, "true or false"))
    converter.register_structure_hook(str, _exactly(str, "text in quotes"))
    # A StrEnum is a str too: registered by its own base, it wins over plain text.
    converter.register_structure_hook(StrEnum, _enum)
    return converter


_CONVERTER = _converter()
_CONVERTER.register_structure_hook(Policy, make_dict_structure_fn(Policy, _CONVERTER, _cattrs_forbid_extra_keys=True))
