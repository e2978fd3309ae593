"""Fading: a rhythm that finds no answer comes later, then asks "pause?", then falls silent (rule 5 of the design)."""

from typing import NamedTuple

from domain.moments import Asked, Moment, Standing, days_between_turns
from domain.parts import ASKS, Ask
from domain.rhythms import MOST_ASKS, Rhythm, Side, Way

# A turn counts as so many lengths after the last ask although its day moved a little within the week.
SLACK_DAYS = 5


class Fading(NamedTuple):
    """How far a rhythm has faded for a person: asks without an answer, and the day of the last (an ordinal)."""

    asks: int = 0
    last: int = 0


FRESH = Fading()


def faded_already(rhythm: Rhythm, moment: Moment, side: Side, member_id: int, reader: Standing) -> Fading:
    """Read from what a reader was asked how far a rhythm has faded; any answer starts it anew."""
    if not reader.asked:
        return FRESH
    key = (moment.rhythm, side, member_id)
    mine = [one for one in reader.asked if (one.rhythm, one.side, one.member_id) == key and one.ask in ASKS]
    if not mine or _answered(rhythm, mine[-1], reader):
        return FRESH
    return Fading(ASKS.index(mine[-1].ask) + 1, mine[-1].on.toordinal())


def _answered(rhythm: Rhythm, last: Asked, reader: Standing) -> bool:
    if any(one.rhythm == last.rhythm and one.on >= last.on for one in reader.held):
        return True
    wrote_at = reader.objective.last_wrote_at if reader.objective is not None else None
    return Way.WROTE in rhythm.done_by and wrote_at is not None and wrote_at >= last.at


def ask_or_why_not(fading: Fading, rhythm: Rhythm, moment: Moment, *, quiet_days: int) -> tuple[Ask | None, str]:
    """Give the ask that a turn is due, or None and why it is passed over.

    It goes by the turn's own date, not by the day there is room: a turn passed over stays so the day after.
    `quiet_days` is how long three asks without an answer are remembered.
    """
    if not fading.asks:
        return ASKS[0], ""
    apart = moment.opens_on.toordinal() - fading.last
    if apart <= 0:
        # What was open on the day of an ask was asked about with it, also where turns overlap.
        return None, "another turn of it was said while this one was open"
    if fading.asks >= MOST_ASKS:
        return (ASKS[0], "") if apart >= quiet_days else (None, "three asks found no answer; quiet for a while")
    if apart < days_between_turns(rhythm) * (fading.asks + 1) - SLACK_DAYS:
        return None, "the last one found no answer yet; the next comes later"
    return ASKS[fading.asks], ""
