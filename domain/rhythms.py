"""Rhythms: when a recurring moment falls, as pure date arithmetic from an anchor.

An anchored interval counts days from one fixed date, so restarts, weeks of 53 and clock changes never shift it
(practice row 23; facts on the field, B1, triagebot).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from domain.policy import RhythmPolicy


@dataclass(frozen=True, kw_only=True)
class Period:
    """One turn of an anchored rhythm: it begins the day after the last check-in and ends with its own."""

    first_on: date
    check_in_on: date


def periods(rhythm: RhythmPolicy, *, since: date, until: date) -> Iterator[Period]:
    """Yield, in order, the periods whose check-in lies in [since, until); there are none before the anchor."""
    start = max(since, rhythm.anchor_on)
    turns = -((rhythm.anchor_on - start).days // rhythm.every_days)  # rounded up
    while (check_in_on := rhythm.anchor_on + timedelta(days=turns * rhythm.every_days)) < until:
        yield Period(first_on=check_in_on - timedelta(days=rhythm.every_days - 1), check_in_on=check_in_on)
        turns += 1
