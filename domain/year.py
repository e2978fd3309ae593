"""A span of the plan in numbers: how much each hears, who hears nothing and why, and what another policy changes.

`flask plan` prints it and fails when somebody would hear too much, so that a policy can be guarded (rule 4 of the
design; facts on the field, C1.7).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest

from domain.course import Message, Silence
from domain.moments import shared_moments
from domain.parts import ASKS, Part
from domain.people import Person
from domain.policy import Policy
from domain.rhythms import Side, Windows

WEEK_DAYS = 7
NOTHING = "nothing comes round for them"
# Of several standing reasons the one that says most about a person comes first.
TELLING = ("channel", "needs", "choice", "audience", "rhythm")


@dataclass(frozen=True, kw_only=True)
class Hears:
    """How much one person hears."""

    handle: str
    messages: int
    most_in_seven_days: int


@dataclass(frozen=True, kw_only=True)
class Summary:
    """How much everybody hears, by handle. `too_much` says, one sentence each, where that is more than the caps."""

    messages: int
    digests: int
    people: tuple[Hears, ...]
    most_in_seven_days: int
    cap: int
    too_much: tuple[str, ...]


def summed_up(
    messages: Sequence[Message],
    *,
    cap: int,
    handles: Sequence[str] = (),
    heard: Mapping[str, Sequence[date]] | None = None,
) -> Summary:
    """Count what each person hears, and hold it against the cap of seven days and against one message a day.

    `handles` names those who may hear nothing at all; `heard` are the days of what went out before, by handle, which
    count in the first week. Any seven days count, not those from Monday to Sunday.
    """
    days: dict[str, list[int]] = {handle: [] for handle in handles}
    for message in messages:
        days.setdefault(message.handle, []).append(message.on.toordinal())
    people, too_much = [], []
    for handle, planned in sorted(days.items()):
        planned.sort()
        before = {day.toordinal() for day in (heard or {}).get(handle, ())}
        most, until = _fullest_week(sorted([*before, *planned]), set(planned))
        people.append(Hears(handle=handle, messages=len(planned), most_in_seven_days=most))
        if most > cap:
            since_on, until_on = (date.fromordinal(day) for day in (until - WEEK_DAYS + 1, until))
            too_much.append(f"{handle} hears {most} times from {since_on} to {until_on}; the cap is {cap}")
        in_a_day = Counter([*before, *planned])
        too_much += [
            f"{handle} hears {in_a_day[day]} times on {date.fromordinal(day)}; once a day is the most"
            for day in sorted(set(planned))
            if in_a_day[day] > 1
        ]
    return Summary(
        messages=len(messages),
        digests=sum(len(message.parts) > 1 for message in messages),
        people=tuple(people),
        most_in_seven_days=max((one.most_in_seven_days for one in people), default=0),
        cap=cap,
        too_much=tuple(too_much),
    )


def _fullest_week(days: Sequence[int], ends: set[int]) -> tuple[int, int]:
    """Give the most days of a sorted list that lie in seven days ending on one of `ends`, and where those end."""
    most, until, first = 0, 0, 0
    for last, day in enumerate(days):
        while days[first] <= day - WEEK_DAYS:
            first += 1
        if day in ends and last - first + 1 > most:
            most, until = last - first + 1, day
    return most, until


def days_heard(asked: Sequence[tuple[str, date]]) -> dict[str, list[date]]:
    """Gather the days on which something went out already, by handle; a digest asks several things at once."""
    found: dict[str, set[date]] = {}
    for handle, day in asked:
        found.setdefault(handle, set()).add(day)
    return {handle: sorted(one) for handle, one in found.items()}


def never_because(policy: Policy, person: Person, silences: Sequence[Silence], first_on: date, last_on: date) -> str:
    """Say why a person hears nothing from one day to another; `silences` are that person's own."""
    if policy.caps.per_week < 1:
        return "the cap is 0: nobody hears anything"
    if person.left_on is not None and person.left_on <= first_on:
        return f"they left on {person.left_on}"
    if person.joined_on is not None and person.joined_on > last_on:
        return f"they join on {person.joined_on}"
    for pause in person.pauses:
        if pause.covers(first_on) and pause.covers(last_on):
            return f"on leave until {pause.last_on or 'further notice'}"
    standing = {one.rule: one.why for one in reversed(silences) if one.on is None}
    for rule in TELLING[:-1]:
        if rule in standing:
            return standing[rule]
    passing = sorted((one for one in silences if one.on is not None), key=lambda one: (one.on, one.rhythm))
    return passing[0].why if passing else standing.get(TELLING[-1], NOTHING)


def date_problems(policy: Policy, first_on: date, last_on: date) -> Iterator[str]:
    """Yield what is wrong with the dates that windows wait for (practice row 9)."""
    for name, rhythm in policy.rhythms.items():
        if rhythm.on and isinstance(rhythm, Windows):
            for moment in shared_moments(policy, name, rhythm, since=first_on, until=last_on):
                if moment.problem:
                    yield f"{name} {moment.turn}: {moment.problem}"


# -- another policy ----------------------------------------------------------------------------------------------------

# Whom something is said to, and about which moment of whom. Three asks of one moment are the same thing three times.
Said = tuple[str, str, str, Side, int, str]


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something that is said under one policy and not, or on another day, under another."""

    handle: str
    rhythm: str
    side: Side
    member_id: int
    before_on: date | None
    after_on: date | None


def changes(before: Sequence[Message], after: Sequence[Message]) -> list[Change]:
    """Compare two plans, part by part, in order of time: what is new, what is gone, and what moved to another day."""
    old, new = _days_said(before), _days_said(after)
    found: list[Change] = []
    for said in old.keys() | new.keys():
        handle, rhythm, _, side, member_id, _ = said
        was, becomes = Counter(old.get(said, ())), Counter(new.get(said, ()))
        gone, come = sorted((was - becomes).elements()), sorted((becomes - was).elements())
        found += [
            Change(
                handle=handle,
                rhythm=rhythm,
                side=side,
                member_id=member_id,
                before_on=before_on,
                after_on=after_on,
            )
            for before_on, after_on in zip_longest(gone, come)
        ]
    return sorted(found, key=_order)


def _order(change: Change) -> tuple[date, str, str, str, int]:
    on = change.after_on or change.before_on or date.max
    return on, change.handle, change.rhythm, change.side.value, change.member_id


def _days_said(messages: Sequence[Message]) -> dict[Said, list[date]]:
    found: dict[Said, list[date]] = {}
    for message in messages:
        for part in message.parts:
            found.setdefault(_said(message.handle, part), []).append(message.on)
    return found


def _said(handle: str, part: Part) -> Said:
    kind = "" if part.ask in ASKS else part.ask.value
    return handle, part.rhythm, part.turn, part.side, part.member_id, kind
