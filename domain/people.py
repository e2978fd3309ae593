"""People of an organisation: who they are to each system and when they may be written to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.policy import Channel, OrganisationPolicy, Policy, Weekday
from domain.rhythms import Role


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Leave of any kind, first to last day inclusive. No reason is stored; an open end is allowed."""

    first_on: date
    last_on: date | None = None

    def covers(self, day: date) -> bool:
        """Say whether a day lies in the pause."""
        return self.first_on <= day and (self.last_on is None or day <= self.last_on)


@dataclass(frozen=True, kw_only=True)
class Snooze:
    """ "Later": for one rhythm or all of them, for one turn of it or every one, first to last day inclusive."""

    first_on: date
    last_on: date | None = None
    rhythm: str | None = None
    turn: str | None = None

    def covers(self, day: date, rhythm: str, turn: str) -> bool:
        """Say whether a turn of a rhythm is put off on a day."""
        return (
            self.rhythm in (None, rhythm)
            and self.turn in (None, turn)
            and self.first_on <= day
            and (self.last_on is None or day <= self.last_on)
        )


@dataclass(frozen=True, kw_only=True)
class OwnRhythm:
    """A person's own say about a rhythm, which goes before the organisation's and the profile's."""

    on: bool | None = None
    every_days: int | None = None


@dataclass(frozen=True, kw_only=True)
class Person:
    """A member. `handle` is the short name the organisation uses; what is None falls back to the organisation.

    `relations` names others by handle; `choices` are what the person opted into, such as "career-talk";
    `holidays_of` is a country or region such as PT or DE-BE.
    """

    id: int
    handle: str
    name: str
    github_login: str | None = None
    loomio_username: str | None = None
    mail: str | None = None
    zone: ZoneInfo | None = None
    locale: str | None = None
    working_days: tuple[Weekday, ...] | None = None
    hours_from: time | None = None
    hours_until: time | None = None
    joined_on: date | None = None
    left_on: date | None = None
    coordinator: bool = False
    well_working: bool = False
    channel: Channel | None = None
    holidays_of: str | None = None
    relations: Mapping[Role, str] = field(default_factory=dict)
    choices: frozenset[str] = frozenset()
    own_rhythms: Mapping[str, OwnRhythm] = field(default_factory=dict)
    pauses: tuple[Pause, ...] = field(default=())

    def here_on(self, day: date) -> bool:
        """Say whether the person belongs to the organisation on a day."""
        return (self.joined_on is None or self.joined_on <= day) and (self.left_on is None or day < self.left_on)

    def paused_on(self, day: date) -> bool:
        """Say whether the person is on leave on a day."""
        return any(pause.covers(day) for pause in self.pauses)

    def first_name(self) -> str:
        """Give the name to greet with, as typed."""
        return self.name.split()[0] if self.name.split() else self.handle


def works_on(person: Person, day: date, policy: Policy) -> bool:
    """Say whether a day is a working day of this person: their weekdays, no holiday, no pause, and a member."""
    return (
        Weekday.of(day) in own_weekdays(person, policy.organisation)
        and not is_holiday(person, day, policy)
        and not person.paused_on(day)
        and person.here_on(day)
    )


def own_weekdays(person: Person, organisation: OrganisationPolicy) -> tuple[Weekday, ...]:
    """Give the weekdays the person works on."""
    return organisation.working_days if person.working_days is None else person.working_days


def is_holiday(person: Person, day: date, policy: Policy) -> bool:
    """Say whether a day is a holiday of the organisation, or a public one where the person lives."""
    if day in policy.organisation.holidays:
        return True
    where = person.holidays_of or policy.organisation.holidays_of
    return bool(where) and day in policy.public_holidays[where]


def settles_until(person: Person, day: date, policy: Policy) -> date | None:
    """Give the last day of the settling-in time a day lies in, None when it lies in none.

    The first days after joining and after a long leave are quiet (facts on the field, D5).
    """
    caps = policy.caps
    ends = [one.last_on for one in person.pauses if one.last_on is not None and is_long(one, policy)]
    if person.joined_on is not None:
        ends.append(person.joined_on - timedelta(days=1))
    for end in ends:
        if end < day <= end + timedelta(days=caps.settle_days):
            return end + timedelta(days=caps.settle_days)
    return None


def is_long(pause: Pause, policy: Policy) -> bool:
    """Say whether a leave is long enough for a soft return."""
    if pause.last_on is None:
        return False
    return (pause.last_on - pause.first_on).days + 1 >= policy.caps.settle_after_days


def own_hours(person: Person, organisation: OrganisationPolicy) -> tuple[time, time]:
    """Give the hours of the day, in the person's own zone, in which they may be written to."""
    return person.hours_from or organisation.hours_from, person.hours_until or organisation.hours_until


def own_zone(person: Person, organisation: OrganisationPolicy) -> ZoneInfo:
    """Give the person's zone, or the organisation's."""
    return person.zone or organisation.zone


def today_of(person: Person, organisation: OrganisationPolicy, now: datetime) -> date:
    """Give the day it is for a person; `now` is aware."""
    return now.astimezone(own_zone(person, organisation)).date()


def local_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Turn a wall-clock time of a zone into an aware UTC instant.

    A time that the spring change skips moves on by the length of the gap (02:30 becomes 03:30); a time that the
    autumn change repeats means its first occurrence.
    """
    local = datetime.combine(day, at.replace(fold=0), tzinfo=zone)
    # fold=0 reads both a skipped and a repeated time with the offset from before the change.
    return local.astimezone(UTC)


def midnight(day: date, person: Person, policy: Policy) -> datetime:
    """Give the instant a day begins for a person, as aware UTC."""
    return local_instant(day, time(0), own_zone(person, policy.organisation)).astimezone(UTC)
