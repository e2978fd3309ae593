"""Parts: what one message says about one moment, and which message of that moment it is."""

from datetime import date
from enum import StrEnum
from typing import NamedTuple

from domain.rhythms import Side


class Ask(StrEnum):
    """Which message of a moment it is; there are three asks at most, then silence (rule 5 of the design)."""

    FIRST = "first"
    AGAIN = "again"
    PAUSE = "pause"
    MENTION = "mention"
    MOVED = "moved"
    AVAILABLE = "available"
    DATES = "dates"


ASKS = (Ask.FIRST, Ask.AGAIN, Ask.PAUSE)


class Part(NamedTuple):
    """What one message says about one moment. `member_id` is whose moment it is; days are first to last, inclusive.

    A tuple with names, as `Waiting` is: a year for a thousand people makes a hundred thousand of either.
    """

    rhythm: str
    turn: str
    side: Side
    ask: Ask
    member_id: int
    counts_from_on: date
    closes_on: date
    private: bool = False
