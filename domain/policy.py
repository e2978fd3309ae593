"""What one organisation chose: the shape of its policy file.

`config/policy.py` reads the file into these classes; the attribute names are the keys of the file. Comments beside each
key are in `config/organisations/example.toml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo


class Weekday(StrEnum):
    """A day of the week by name; digits are refused because tools disagree on which day is 0."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"

    @classmethod
    def of(cls, day: date) -> "Weekday":
        """Name the weekday of a date."""
        return tuple(cls)[day.weekday()]


class Mode(StrEnum):
    """Whether messages go out at all (rule 8 of the design)."""

    ON = "on"
    OBSERVE = "observe"


class YearRule(StrEnum):
    """When a golden-ticket year begins (practice row 39)."""

    CALENDAR = "calendar"
    FISCAL = "fiscal"
    JOINED = "joined"


class VoteRule(StrEnum):
    """How a closed vote is read when no person has written an outcome (facts on Loomio, 3.6)."""

    CONSENT = "consent"
    MAJORITY = "majority"


@dataclass(frozen=True, kw_only=True)
class CriticalPeriod:
    """A stretch of days in which an absence is worth talking about first (practice row 42)."""

    name: str
    first_on: date
    last_on: date


@dataclass(frozen=True, kw_only=True)
class OrganisationPolicy:
    """Who the organisation is and when its people may be written to."""

    name: str
    mode: Mode = Mode.OBSERVE
    zone: ZoneInfo
    locale: str = "en"
    working_days: tuple[Weekday, ...] = (Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU, Weekday.FRI)
    hours_from: time = time(9, 0)
    hours_until: time = time(17, 0)
    holidays: tuple[date, ...] = ()
    year_starts_month: int = 1
    year_starts_day: int = 1
    critical_periods: tuple[CriticalPeriod, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GitHubPolicy:
    """Where the learning goals live."""

    repository: str
    objective_label: str = "ILO"
    ticket_label: str = "golden-ticket"


@dataclass(frozen=True, kw_only=True)
class LoomioPolicy:
    """Where the group decides, and how a vote is set up and read."""

    address: str
    group_id: int
    options: tuple[str, ...] = ("agree", "abstain", "disagree", "block")
    days_open: int = 7
    rule: VoteRule = VoteRule.CONSENT
    majority_percent: int = 50
    quorum_percent: int | None = None
    look_every_minutes: int = 10
    least_seconds_between_looks: int = 60


@dataclass(frozen=True, kw_only=True)
class ObjectivesPolicy:
    """Manners around the one active objective (practice row 47)."""

    grace_days: int = 14


@dataclass(frozen=True, kw_only=True)
class TicketPolicy:
    """The golden ticket's rules (practice rows 39 to 43)."""

    year: YearRule = YearRule.CALENDAR
    money_threshold: Decimal = Decimal(0)
    currency: str = "EUR"
    ask: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RhythmPolicy:
    """One recurring moment: every so many days from an anchor, at an hour of the person's own day (practice row 23)."""

    anchor_on: date
    every_days: int = 14
    at: time = time(10, 0)
    grace_days: int = 3
    on: bool = True


@dataclass(frozen=True, kw_only=True)
class CapsPolicy:
    """The most messages one person gets (rule 4 of the design)."""

    per_day: int = 1
    per_week: int = 1


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Everything one organisation chose."""

    slug: str
    organisation: OrganisationPolicy
    github: GitHubPolicy
    loomio: LoomioPolicy | None = None
    objectives: ObjectivesPolicy = field(default_factory=ObjectivesPolicy)
    ticket: TicketPolicy = field(default_factory=TicketPolicy)
    caps: CapsPolicy = field(default_factory=CapsPolicy)
    rhythms: Mapping[str, RhythmPolicy] = field(default_factory=dict)
