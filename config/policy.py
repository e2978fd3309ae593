"""Policy: one TOML file per organisation into the domain's classes, unknown keys refused with a suggestion.

A file is named for its organisation (`fennel-works.toml` is the slug `fennel-works`). It may start from a profile
(`profile = "2i2c"`) and say only what is to be otherwise. Problems name the file, the table and the key, and all of
them are told at once.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from types import GenericAlias
from typing import Any, get_args
from zoneinfo import ZoneInfo

from cattrs import ClassValidationError, Converter, ForbiddenExtraKeysError, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from config.address import SAID_WRONG, is_safe
from config.errors import ConfigError
from config.holidays import PublicHolidays, holidays_problem
from config.messages import LOCALE, locales
from config.rhythm_checks import rhythm_problems
from config.settings import env_slug
from domain.policy import Opportunity, Policy
from domain.proposals import AGREE, BLOCK, DISAGREE, ICON_OF
from domain.rhythms import KINDS, Rhythm

PROFILES = Path(__file__).parent / "profiles"
OPPORTUNITIES = Path(__file__).parent / "opportunities.toml"
NOT_AN_ORGANISATION = "example.toml"
SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,58}")  # it stands in every key, and keys stand in hidden markers


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
    problems += _shared(policies)
    if problems:
        raise ConfigError(problems)
    return policies


def load_policy(file: Path, *, slug: str | None = None) -> Policy:
    """Read one organisation's policy file; `slug` replaces the file's name, for an older version kept elsewhere.

    Raises ConfigError whose problems each start with the file's name.
    """
    slug = slug or file.stem
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file.name}: cannot be read ({type(error).__name__})"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{file.name}: not TOML: {error}"]) from error
    if not SLUG.fullmatch(slug) or slug == "file":  # NAME_FILE names a file, whoever it belongs to
        raise ConfigError([f"{file.name}: the file's name is the slug: lower-case letters, digits, - and _ only"])
    if "slug" in said:
        raise ConfigError([f"{file.name}: slug: the file's name is the slug; take this key out"])
    try:
        whole = over_profile(said)
    except ConfigError as error:
        raise ConfigError([f"{file.name}: {line}" for line in error.problems]) from error
    public = PublicHolidays()
    try:
        policy = _CONVERTER.structure({**whole, "slug": slug}, Policy)
    except ClassValidationError as error:
        raise ConfigError([f"{file.name}: {line}" for line in _lines(error, "")]) from error
    policy = replace(policy, public_holidays=public, opportunities=(*policy.opportunities, *opportunities()))
    problems = [f"{file.name}: {line}" for line in _together(policy)]
    if problems:
        raise ConfigError(problems)
    return policy


def opportunities(file: Path = OPPORTUNITIES) -> tuple[Opportunity, ...]:
    """Read what golden tickets could be for, for every organisation here (practice row 69).

    Raises ConfigError whose problems each start with the file's name.
    """
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
        found = _CONVERTER.structure(said.get("opportunities", []), tuple[Opportunity, ...])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([f"{file.name}: cannot be read: {error}"]) from error
    except (ClassValidationError, IterableValidationError, _UnusableError) as error:
        raise ConfigError([f"{file.name}: {line}" for line in _lines(error, "opportunities")]) from error
    unknown = sorted(set(said) - {"opportunities"})
    problems = [f"{key}: not known here; [[opportunities]] is" for key in unknown] + list(_unsafe(found))
    if problems:
        raise ConfigError([f"{file.name}: {line}" for line in problems])
    return found


def _unsafe(found: Sequence[Opportunity]) -> Iterator[str]:
    for number, one in enumerate(found):
        if not one.title.strip():
            yield f"opportunities[{number}].title: is empty"
        if one.url and not is_safe(one.url):
            yield f"opportunities[{number}].url: {one.url!r} {SAID_WRONG}"


def profiles() -> list[str]:
    """Name the profiles a policy may start from."""
    return sorted(file.stem for file in PROFILES.glob("*.toml"))


def load_profile(name: str) -> dict[str, Any]:
    """Read a profile as plain tables.

    Raises ConfigError when there is none of that name.
    """
    if name not in profiles():
        near = difflib.get_close_matches(str(name), profiles(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(profiles())}"
        raise ConfigError([f"profile: {name!r} is not known here; {hint}"])
    return tomllib.loads((PROFILES / f"{name}.toml").read_text(encoding="utf-8"))


def over_profile(said: Mapping[str, Any]) -> dict[str, Any]:
    """Lay what a policy file says over the profile it starts from; each key of the file wins."""
    own = dict(said)
    name = own.pop("profile", None)
    return own if name is None else _laid_over(load_profile(name), own)


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    whole = dict(below)
    for key, value in above.items():
        under = whole.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping):
            # A rhythm of another kind has other keys: it replaces the profile's whole.
            another_kind = value.get("kind", under.get("kind")) != under.get("kind")
            value = value if another_kind else _laid_over(under, value)
        whole[key] = value
    return whole


def _together(policy: Policy) -> Iterator[str]:
    """Yield what is wrong with values that only make sense together."""
    organisation = policy.organisation
    if organisation.hours_from >= organisation.hours_until:
        yield "organisation.hours_from: comes after hours_until; nobody could ever be written to"
    try:
        date(2027, organisation.year_starts_month, organisation.year_starts_day)
    except ValueError:
        yield "organisation.year_starts_month and year_starts_day: there is no such day in every year"
    if not LOCALE.fullmatch(organisation.locale):
        yield f"organisation.locale: {organisation.locale!r} is not a language such as {', '.join(locales())}"
    for period in organisation.critical_periods:
        if period.first_on > period.last_on:
            yield f"organisation.critical_periods: {period.name!r} ends before it begins"
    if organisation.holidays_of and (problem := holidays_problem(organisation.holidays_of)):
        yield f"organisation.holidays_of: {problem}"
    for name, rhythm in policy.rhythms.items():
        yield from (f"rhythms.{name}{line}" for line in rhythm_problems(policy, name, rhythm))
    yield from _unsafe(policy.opportunities)
    if policy.ticket.money_threshold < 0:
        yield "ticket.money_threshold: 0 or more"
    for name in ("carry_over_months", "waits_months"):
        if not 0 <= getattr(policy.ticket, name) <= 12:
            yield f"ticket.{name}: 0 to 12"
    if not 0 <= policy.caps.per_week <= 7:
        yield "caps.per_week: from 0 to 7, for there is one message a day at most; 0 means that nothing is sent"
    for name in ("quiet_days", "settle_after_days", "settle_days"):
        if getattr(policy.caps, name) < 0:
            yield f"caps.{name}: 0 or more days"
    for name in ("writes_per_minute", "writes_per_hour"):
        if (most := getattr(policy.github, name)) is not None and most < 1:
            yield f"github.{name}: at least 1, or leave it out"
    if policy.objectives.grace_days < 0:
        yield "objectives.grace_days: 0 or more days"
    channels = policy.channels
    if len(set(channels.order)) < len(channels.order) or not channels.order:
        yield "channels.order: each way once, and at least one"
    for name in ("sender", "reply_to", "report_to"):
        address = getattr(channels, name)
        if address and "@" not in parseaddr(address)[1]:
            yield f"channels.{name}: {address!r} is not an address such as 'Trellis <trellis@example.org>'"
    loomio = policy.loomio
    if loomio is not None:
        if not is_safe(loomio.address):
            yield f"loomio.address: {loomio.address!r} {SAID_WRONG}"
        if loomio.look_every_minutes < 1:
            yield "loomio.look_every_minutes: at least 1 minute"
        if loomio.least_seconds_between_looks < 0:
            yield "loomio.least_seconds_between_looks: 0 or more"
        if not 0 <= loomio.majority_percent < 100:
            yield "loomio.majority_percent: from 0 to 99; more than this share carries"
        if loomio.days_open < 1:
            yield "loomio.days_open: at least 1 day"
        yield from (f"loomio.options: {line}" for line in _option_problems(loomio.options))
        if loomio.quorum_percent is not None and not 0 < loomio.quorum_percent <= 100:
            yield "loomio.quorum_percent: between 1 and 100, or leave it out for no quorum"


def _option_problems(options: tuple[str, ...]) -> Iterator[str]:
    """Yield what keeps a vote from being read: votes are known by the icon that Loomio gives to its own words."""
    if len(set(options)) < 2:
        yield "at least two different options"
        return
    if len(set(options)) < len(options):
        yield "each option once"
    unknown = [word for word in options if word not in ICON_OF]
    for word in unknown:
        near = difflib.get_close_matches(word, ICON_OF, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(ICON_OF)}"
        yield f"{word!r} has no icon in Loomio, by which votes are read; {hint}"
    if unknown:
        return
    icons = {ICON_OF.get(word) for word in options}
    if AGREE not in icons:
        yield "nobody could agree; add 'agree' or 'consent'"
    if not icons & {DISAGREE, BLOCK}:
        yield "nobody could object; add 'disagree', 'objection' or 'block'"


def _shared(policies: Mapping[str, Policy]) -> Iterator[str]:
    """Yield a problem for whatever two organisations would share: each organisation sees only itself."""
    owners: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for slug, policy in policies.items():
        if policy.loomio is not None:
            group = f"Loomio group {policy.loomio.group_id} of {policy.loomio.address.rstrip('/')}"
            if group in owners:
                yield f"{slug}.toml: loomio.group_id: {group} belongs to {owners[group]}.toml already"
            owners[group] = slug
        tail = env_slug(slug)
        if tail in secrets:
            yield f"{slug}.toml: shares the names of its secrets (…_{tail}) with {secrets[tail]}.toml; rename one"
        secrets[tail] = slug
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
            known = (
                [one.name for one in fields(error.cl) if one.name not in ("slug", "public_holidays")]
                if is_dataclass(error.cl)
                else []
            )
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


def _rhythm(value: Any, _: Any) -> Any:
    """Take a rhythm by its kind, so that only the keys of that kind are known."""
    if not isinstance(value, dict):
        raise _UnusableError(f"{value!r} is not a table")
    kind = value.get("kind")
    if kind not in KINDS:
        near = difflib.get_close_matches(str(kind), KINDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(KINDS)}"
        raise _UnusableError(f"kind {'is needed' if kind is None else f'{kind!r} is not known here'}; {hint}")
    return _CONVERTER.structure({key: one for key, one in value.items() if key != "kind"}, KINDS[kind])


def _exactly(kind: type, what: str) -> Any:
    """Make a reader that takes a TOML value of one kind and nothing that merely looks like it."""

    def read(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise _UnusableError(f"{value!r} is not {what}")
        return value

    return read


def _list(value: Any, kind: Any) -> Any:
    """Take a list where one belongs; a text would otherwise be taken apart into its letters."""
    if not isinstance(value, list):
        raise _UnusableError(f"{value!r} is not a list such as [{value!r}]")
    listed: Any = GenericAlias(list, (get_args(kind)[0],))
    return tuple(_CONVERTER.structure(value, listed))


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
    converter.register_structure_hook_func(lambda kind: kind == Rhythm, _rhythm)
    converter.register_structure_hook_func(lambda kind: getattr(kind, "__origin__", None) is tuple, _list)
    # A StrEnum is a str too: registered by its own base, it wins over plain text.
    converter.register_structure_hook(StrEnum, _enum)
    return converter


_CONVERTER = _converter()
_CONVERTER.register_structure_hook(
    Policy,
    # The calendars of public holidays are given by us, not by the file.
    make_dict_structure_fn(Policy, _CONVERTER, _cattrs_forbid_extra_keys=True, public_holidays=override(omit=True)),
)
