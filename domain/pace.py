"""Pace: when the next outgoing write may go, from when the last ones went.

GitHub allows 80 content-creating requests a minute and 500 an hour per identity and cannot be asked how many are left;
ignoring it gets an integration banned (facts on GitHub, section 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How many writes one identity may make."""

    per_minute: int
    per_hour: int


def free_at(went: Sequence[datetime], budget: Budget, *, now: datetime) -> datetime:
    """Give the instant from which one more write fits both windows; `now` when it fits already."""
    ordered = sorted(went)
    free = now
    for window, limit in ((timedelta(minutes=1), budget.per_minute), (timedelta(hours=1), budget.per_hour)):
        inside = [at for at in ordered if at > now - window]
        if len(inside) >= limit:
            free = max(free, inside[len(inside) - limit] + window)
    return free


def backoff(attempts: int, *, first_seconds: float = 5, most_seconds: float = 900) -> timedelta:
    """Give the wait after so many attempts (1 is the first): doubling, up to a quarter of an hour."""
    return timedelta(seconds=min(most_seconds, first_seconds * 2 ** min(attempts - 1, 20)))
