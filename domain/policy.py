"""What one organisation chose: the shape of its policy file.

`config/policy.py` reads the file into these classes; the attribute names are the keys of the file. Comments beside each
key are in `config/organisations/example.toml`.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.rhythms import Rhythm


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


class LoomioDialect(StrEnum):
    """Which Loomio it is, as far as its API goes: 3.1.3 and later, or 3.0 (facts on Loomio, 6)."""

    CURRENT = "current"
    LEGACY = "legacy"


class HideResults(StrEnum):
    """Until when Loomio keeps the counts of a proposal from people (facts on Loomio, 3.4)."""

    OFF = "off"
    UNTIL_VOTE = "until_vote"
    UNTIL_CLOSED = "until_closed"


class ClosingSoon(StrEnum):
    """Whom Loomio itself reminds a day before a vote closes (facts on Loomio, 3.2)."""

    NOBODY = "nobody"
    AUTHOR = "author"
    UNDECIDED_VOTERS = "undecided_voters"
    VOTERS = "voters"


class ThreadsOf(StrEnum):
    """Whether each golden ticket has a thread of its own, or all of a year share one."""

    TICKET = "per ticket"
    YEAR = "per year"


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
    nudge_at: time = time(10, 0)
    holidays: tuple[date, ...] = ()
    holidays_of: str = ""
    milestones: Mapping[str, tuple[date, ...]] = field(default_factory=dict)
    fallback_contact: str = ""
    year_starts_month: int = 1
    year_starts_day: int = 1
    critical_periods: tuple[CriticalPeriod, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GitHubPolicy:
    """Where the learning goals live. `writes_per_…` lower what the deployment allows; None leaves it at that."""

    repository: str
    objective_label: str = "ILO"
    ticket_label: str = "golden-ticket"
    writes_per_minute: int | None = None
    writes_per_hour: int | None = None


@dataclass(frozen=True, kw_only=True)
class LoomioPolicy:
    """Where the group decides, and how a vote is set up and read.

    `private` None leaves it to the group whether its threads are.
    """

    address: str
    group_id: int
    dialect: LoomioDialect = LoomioDialect.CURRENT
    private: bool | None = None
    options: tuple[str, ...] = ("agree", "abstain", "disagree", "block")
    anonymous: bool = False
    hide_results: HideResults = HideResults.OFF
    closing_soon: ClosingSoon = ClosingSoon.UNDECIDED_VOTERS
    days_open: int = 7
    rule: VoteRule = VoteRule.CONSENT
    majority_percent: int = 50
    quorum_percent: int | None = None
    look_every_minutes: int = 10
    least_seconds_between_looks: int = 60
    threads: ThreadsOf = ThreadsOf.TICKET


@dataclass(frozen=True, kw_only=True)
class ObjectivesPolicy:
    """Manners around the one active objective (practice row 47)."""

    grace_days: int = 14


@dataclass(frozen=True, kw_only=True)
class TicketPolicy:
    """The golden ticket's rules (practice rows 38 to 43).

    An unused ticket is good for `carry_over_months` into the next year; a newcomer's first begins `waits_months` after
    their first day. `has_money = false` is a budget of nothing: time, people and assignments still are to be had.
    """

    year: YearRule = YearRule.CALENDAR
    money_threshold: Decimal = Decimal(0)
    currency: str = "EUR"
    has_money: bool = True
    carry_over_months: int = 0
    waits_months: int = 0
    opens_objective: bool = False
    ask: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Opportunity:
    """Something a golden ticket could be for, such as a residency (practice row 69); shown until its last day."""

    title: str
    url: str = ""
    until_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class CapsPolicy:
    """The most one person hears, and when Trellis eases off (rules 4 and 5 of the design).

    One message a day holds always. After three asks without an answer a rhythm that fades is silent for `quiet_days`.
    A leave of at least `settle_after_days` is followed by `settle_days` of silence and one soft message.
    """

    per_week: int = 1
    quiet_days: int = 90
    settle_after_days: int = 10
    settle_days: int = 7


class Channel(StrEnum):
    """A way to reach one person."""

    GITHUB = "github"
    MAIL = "mail"
    PAGE = "page"


@dataclass(frozen=True, kw_only=True)
class ChannelsPolicy:
    """Ways to people, in the order they are tried; a person's own choice comes first.

    `sender` is the From of letters. `team_chat` has team moments told in the chat rooms of the deployment as well.
    `report_to` is who gets the report of the day, and everything while the organisation observes.
    """

    order: tuple[Channel, ...] = (Channel.GITHUB,)
    sender: str = ""
    reply_to: str = ""
    team_chat: bool = False
    report_to: str = ""


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
    channels: ChannelsPolicy = field(default_factory=ChannelsPolicy)
    opportunities: tuple[Opportunity, ...] = ()
    rhythms: Mapping[str, Rhythm] = field(default_factory=dict)
    public_holidays: Mapping[str, Container[date]] = field(default_factory=dict, compare=False)
