"""What can be wrong with a rhythm of a policy although each of its values is right by itself."""

import difflib
from collections.abc import Iterator

from config.messages import asked_for, has_message, rhythms_with_words
from domain.moments import day_of_year
from domain.policy import Policy
from domain.rhythms import MOST_ASKS, Clock, Entitlement, Interval, Need, Rhythm, Side, Start, TeamPart, Windows

MOST_TICKET_PROMPTS = 2


def rhythm_problems(policy: Policy, name: str, rhythm: Rhythm) -> Iterator[str]:
    """Yield each problem, as the tail of `rhythms.NAME`."""
    yield from _words(name, rhythm)
    asks = rhythm.again_after_days
    if len(asks) >= MOST_ASKS or any(days < 1 for days in asks) or list(asks) != sorted(asks):
        yield f".again_after_days: at most {MOST_ASKS - 1} numbers of days, above zero and growing"
    if rhythm.fades and not isinstance(rhythm, Interval):
        yield ".fades: only an interval fades from turn to turn"
    if rhythm.team is not None and not isinstance(rhythm, Windows | Interval):
        yield ".team: only windows and intervals open something for the whole team"
    if rhythm.mention_days_before_close is not None and rhythm.team is not TeamPart.THREAD:
        yield '.mention_days_before_close: needs team = "thread", where people speak'
    match rhythm:
        case Windows():
            yield from _windows(policy, rhythm)
        case Interval():
            yield from _interval(rhythm)
        case Clock():
            yield from _clock(policy, rhythm)
        case Entitlement():
            if not rhythm.after_months or any(not 0 <= one < 12 for one in rhythm.after_months):
                yield ".after_months: at least one, each from 0 to 11 months after the ticket year began"
    if Need.UNUSED_TICKET in rhythm.needs and isinstance(rhythm, Entitlement):
        prompts = len(rhythm.after_months) * (1 + len(rhythm.again_after_days))
        if prompts > MOST_TICKET_PROMPTS:
            yield f": {prompts} prompts about an unused ticket a year; at most {MOST_TICKET_PROMPTS} (practice row 44)"
    if not isinstance(rhythm, Windows) and rhythm.open_days < 0:
        yield ".open_days: 0 or more days"


def _words(name: str, rhythm: Rhythm) -> Iterator[str]:
    known = rhythms_with_words()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        yield f": there are no words for it (messages/en/nudge-{name}.md); {hint}"
        return
    tails = {Side.MEMBER: "", Side.PARTNER: "-partner", Side.COORDINATOR: "-coordinator"}
    for side in rhythm.tells:
        # A rhythm nobody holds a role for tells no partner, whatever `tells` says.
        told = side is Side.MEMBER or rhythm.partners or getattr(rhythm, "since", None) is Start.LOOK_BACK
        if told and not isinstance(rhythm, Interval) and "days" in asked_for(f"nudge-{name}{tails[side]}"):
            yield f': its words say how often it comes (messages/en/nudge-{name}{tails[side]}.md); kind = "interval"'
        if told and not has_message(f"nudge-{name}{tails[side]}"):
            yield f".tells: there are no words for the {side.value}'s side (messages/en/nudge-{name}{tails[side]}.md)"
    if rhythm.team is not None and not has_message(f"{rhythm.team.value}-{name}"):
        yield f".team: there are no words for it (messages/en/{rhythm.team.value}-{name}.md)"


def _windows(policy: Policy, rhythm: Windows) -> Iterator[str]:
    if not rhythm.windows:
        yield ".windows: at least one"
    for number, window in enumerate(rhythm.windows):
        for key in ("opens", "closes"):
            try:
                day_of_year(getattr(window, key), 2028)
            except ValueError:
                yield f".windows[{number}].{key}: {getattr(window, key)!r} is not a month and day such as 03-01"
    for key in ("not_before", "before"):
        milestone = getattr(rhythm, key)
        known = sorted(policy.organisation.milestones)
        near = difflib.get_close_matches(milestone, known, n=1)
        if milestone and milestone not in known and near:
            yield f".{key}: {milestone!r} is not among organisation.milestones; did you mean {near[0]}?"


def _interval(rhythm: Interval) -> Iterator[str]:
    if (rhythm.every_days is None) == (rhythm.every_months is None):
        yield ": every_days or every_months, one of the two"
    if rhythm.every_days is not None and rhythm.every_days < 1:
        yield ".every_days: at least 1 day"
    if rhythm.every_months is not None and rhythm.every_months < 1:
        yield ".every_months: at least 1 month"
    if rhythm.team is TeamPart.POLL and rhythm.every_days is not None and rhythm.every_days < 28:
        yield ".team: a poll more often than every four weeks is too much to ask"


def _clock(policy: Policy, rhythm: Clock) -> Iterator[str]:
    if not rhythm.after_days and not rhythm.after_months:
        yield ": after_days or after_months is needed"
    if any(months < 0 for months in rhythm.after_months):
        yield ".after_months: 0 or more months"
    if rhythm.repeat_months is not None and (rhythm.repeat_months < 1 or not rhythm.after_months):
        yield ".repeat_months: at least 1 month, after the last of after_months"
    if rhythm.since is Start.HELD and rhythm.after not in policy.rhythms:
        near = difflib.get_close_matches(rhythm.after, list(policy.rhythms), n=1)
        hint = f"did you mean {near[0]}?" if near else "it names another rhythm of this policy"
        yield f".after: {rhythm.after!r} is not a rhythm here; {hint}"
    if rhythm.since is not Start.HELD and rhythm.after:
        yield '.after: only goes with since = "held"'
