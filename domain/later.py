"""Later: reads what somebody means by `/snooze`: so long, until a day, this time round, or everything."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from domain.people import Snooze

LENGTHS = {"day": 1, "days": 1, "week": 7, "weeks": 7, "month": 30, "months": 30}
LONGEST_DAYS = 730
THIS_TIME = ("this", "this time", "this cycle", "this round")
A_WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What to put off: everything or what was asked last, and until when (None: no end is said)."""

    everything: bool
    this_time_only: bool
    last_on: date | None


def read_later(words: str, *, today: date) -> Wish | None:
    """Read the words behind `/snooze`; None when they cannot be read. Nothing behind it means a week."""
    said = " ".join(words.lower().split())
    everything = said.split(" ")[0] in ("all", "everything")
    if everything:
        said = said.partition(" ")[2]
    if said in THIS_TIME and not everything:
        return Wish(everything=False, this_time_only=True, last_on=None)
    if not said:
        return Wish(everything=everything, this_time_only=False, last_on=None if everything else today + A_WEEK)
    length = re.fullmatch(r"(?:for )?(\d{1,3}|a|one) ?([a-z]+)", said)
    if length and length[2] in LENGTHS:
        count = int(length[1]) if length[1].isdigit() else 1
        days = min(count * LENGTHS[length[2]], LONGEST_DAYS)
        return Wish(everything=everything, this_time_only=False, last_on=today + timedelta(days=days))
    until = re.fullmatch(r"(?:until |till )?(\d{4}-\d{2}-\d{2})", said)
    try:
        day = date.fromisoformat(until[1]) if until else None
    except ValueError:
        return None
    if day is None or not today < day <= today + timedelta(days=LONGEST_DAYS):
        return None
    return Wish(everything=everything, this_time_only=False, last_on=day - timedelta(days=1))


def snoozes(wish: Wish, turns: list[tuple[str, str]], *, today: date) -> list[Snooze]:
    """Turn a wish into what is remembered; `turns` are the (rhythm, turn) that were asked about last."""
    if wish.everything:
        return [Snooze(first_on=today, last_on=wish.last_on)]
    return [
        Snooze(first_on=today, last_on=wish.last_on, rhythm=rhythm, turn=turn if wish.this_time_only else None)
        for rhythm, turn in dict.fromkeys(turns)
    ]
