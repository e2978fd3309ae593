"""People of an organisation: who they are to each system and when they may be written to."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from domain.policy import OrganisationPolicy, Weekday


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Leave of any kind, first to last day inclusive. No reason is stored; an open end is allowed."""

    first_on: date
    last_on: date | None = None

    def covers(self, day: date) -> bool:
        """Say whether a day lies in the pause."""
        return self.first_on <= day and (self.last_on is None or day <= self.last_on)


@dataclass(frozen=True, kw_only=True)
class Person:
    """A member. `handle` is the short name the organisation uses; what is None falls back to the organisation."""

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


def works_on(person: Person, day: date, organisation: OrganisationPolicy) -> bool:
    """Say whether a day is a working day of this person: their weekdays, no holiday, no pause, and a member."""
    weekdays = organisation.working_days if person.working_days is None else person.working_days
    return (
        Weekday.of(day) in weekdays
        and day not in organisation.holidays
        and not person.paused_on(day)
        and person.here_on(day)
    )


def own_hours(person: Person, organisation: OrganisationPolicy) -> tuple[time, time]:
    """Give the hours of the day, in the person's own zone, in which they may be written to."""
    return person.hours_from or organisation.hours_from, person.hours_until or organisation.hours_until


def own_zone(person: Person, organisation: OrganisationPolicy) -> ZoneInfo:
    """Give the person's zone, or the organisation's."""
    return person.zone or organisation.zone


def local_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Turn a wall-clock time of a zone into an aware UTC instant.

    A time that the spring change skips moves on by the length of the gap (02:30 becomes 03:30); a time that the
    autumn change repeats means its first occurrence.
    """
    local = datetime.combine(day, at, tzinfo=zone)
    # fold=0 (the default) reads both a skipped and a repeated time with the offset from before the change.
    return local.astimezone(UTC)
