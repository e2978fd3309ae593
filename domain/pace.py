"""Pace: how many calls an account outside takes, and whose effect goes next when there is not room for all.

GitHub allows 80 content-creating requests a minute and 500 an hour per identity and cannot be asked how many are left;
ignoring it gets an integration banned (facts on GitHub, section 2). Loomio allows 900 requests in five minutes per
address that asks (facts on Loomio, 1.6).
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Window:
    """At most so many calls in any stretch of so many seconds."""

    most: int
    seconds: float

    def length(self) -> timedelta:
        """Give the stretch as a span of time."""
        return timedelta(seconds=self.seconds)


Windows = tuple[Window, ...]


def longest(windows: Windows) -> timedelta:
    """Give how long a call counts."""
    return max((window.length() for window in windows), default=timedelta())


@dataclass(frozen=True, kw_only=True)
class Queued:
    """An effect that waits for room. `own` says that a person's own action asked for it, not a moment come round."""

    key: str
    organisation: str
    own: bool
    planned_at: datetime


def free_at(went: Sequence[datetime], windows: Windows, *, now: datetime) -> datetime:
    """Give the instant from which one more call fits every window; `now` when it fits already."""
    ordered = sorted(went)
    free = now
    for window in windows:
        since = now - window.length()
        # What lies further ahead than a window was noted by a clock that was wrong then.
        inside = [at for at in ordered if since < at <= now + window.length()]
        if len(inside) >= window.most:
            free = max(free, inside[len(inside) - window.most] + window.length())
    return free


def room_until(
    went: Sequence[datetime], windows: Windows, *, now: datetime, until: datetime, most: int
) -> list[datetime]:
    """Give the instants before `until` at which one more call fits, if each of them is used; at most so many."""
    taken, found = list(went), list[datetime]()
    while len(found) < most and (free := free_at(taken, windows, now=found[-1] if found else now)) < until:
        found.append(free)
        taken.append(free)
    return found


def next_up(
    queued: Sequence[Queued], went: Mapping[str, int], places: int, own_places: Mapping[str, int] | None = None
) -> list[str]:
    """Choose who goes next, as keys in order: what people did themselves first, then in turn among organisations.

    `went` says how many calls each organisation has had lately; whoever has had fewest is next, with their oldest.
    `own_places` holds those back that allow themselves less.
    """
    had, left = dict(went), dict(own_places or {})
    lines: dict[tuple[bool, str], deque[Queued]] = {}
    for one in sorted(queued, key=lambda one: (one.planned_at, one.key)):
        if left.get(one.organisation, places) > 0:
            lines.setdefault((one.own, one.organisation), deque()).append(one)
    chosen: list[str] = []
    while lines and len(chosen) < places:
        line = min(lines, key=lambda name: (not name[0], had.get(name[1], 0), lines[name][0].planned_at, name[1]))
        chosen.append(lines[line].popleft().key)
        had[line[1]] = had.get(line[1], 0) + 1
        left[line[1]] = left.get(line[1], places) - 1
        for name in [one for one in lines if not lines[one] or left.get(one[1], places) <= 0]:
            del lines[name]
    return chosen


def queue_of(account: str) -> str:
    """Name the queue in which effects wait for an account's room; such rows say so in `held_by`."""
    return f"pace {account}"


def turn_of(account: str) -> str:
    """Name that an effect has been given its turn, likewise."""
    return f"turn {account}"


def pause(in_a_row: int, *, first_seconds: float) -> timedelta:
    """Give the pause to keep when a vendor asks for one and does not say how long: doubling, at most an hour."""
    return timedelta(seconds=min(3600.0, first_seconds * 2 ** min(in_a_row - 1, 20)))


def backoff(attempts: int, *, first_seconds: float = 5, most_seconds: float = 900) -> timedelta:
    """Give the wait after so many attempts (1 is the first): doubling, up to a quarter of an hour."""
    return timedelta(seconds=min(most_seconds, first_seconds * 2 ** min(attempts - 1, 20)))
