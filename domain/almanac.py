"""Almanac: which days are somebody's to be written to, worked out once for everybody with the same week and holidays.

Days are counted as ordinals (`date.toordinal`), so that a year for a thousand people stays quick.
"""

from dataclasses import dataclass
from datetime import date

from domain.people import Person, is_holiday, is_long, own_weekdays
from domain.policy import Policy, Weekday

NEVER = date.max.toordinal()


@dataclass(frozen=True, kw_only=True)
class OwnDays:
    """A person's days. `following[n]` is the first working day on or after day `first + n`, leave left aside."""

    first: int
    following: list[int]
    quiet: tuple[tuple[int, int], ...]
    leaves: int

    @property
    def last(self) -> int:
        """Give the last day the almanac knows."""
        return self.first + len(self.following) - 1

    def next(self, day: int) -> int:
        """Give the first day of theirs on or after a day, NEVER when there is none in the almanac."""
        while True:
            n = day - self.first
            if not 0 <= n < len(self.following):
                return NEVER
            day = self.following[n]
            if day >= self.leaves:
                return NEVER
            for start, end in self.quiet:
                if start <= day <= end:
                    day = end + 1
                    break
            else:
                return day


class Almanac:
    """The days from `first` to `last`."""

    def __init__(self, policy: Policy, first: date, last: date) -> None:
        self._policy = policy
        self._first = first.toordinal()
        self._last = last.toordinal()
        self._following: dict[tuple[tuple[Weekday, ...], str | None], list[int]] = {}

    def days_of(self, person: Person) -> OwnDays:
        """Give a person's days: leave and settling in are quiet, and so is the time before joining and after leaving.

        A leave of a single day lies between working days; a long one is followed by days to settle in.
        """
        key = (own_weekdays(person, self._policy.organisation), person.holidays_of)
        if key not in self._following:
            self._following[key] = self._working_days(person)
        settle = self._policy.caps.settle_days
        quiet = [
            (
                one.first_on.toordinal(),
                NEVER
                if one.last_on is None
                else one.last_on.toordinal() + (settle if is_long(one, self._policy) else 0),
            )
            for one in person.pauses
        ]
        if person.joined_on is not None:
            quiet.append((0, person.joined_on.toordinal() + settle - 1))
        quiet = [(start, end) for start, end in quiet if end >= self._first]  # the rest is over: most joined long ago
        leaves = NEVER if person.left_on is None else person.left_on.toordinal()
        return OwnDays(first=self._first, following=self._following[key], quiet=tuple(quiet), leaves=leaves)

    def _working_days(self, person: Person) -> list[int]:
        """Count back from the end, so that each day knows the next working day."""
        weekdays = set(own_weekdays(person, self._policy.organisation))
        following, upcoming = [], NEVER
        for day in range(self._last, self._first - 1, -1):
            as_date = date.fromordinal(day)
            if Weekday.of(as_date) in weekdays and not is_holiday(person, as_date, self._policy):
                upcoming = day
            following.append(upcoming)
        following.reverse()
        return following
