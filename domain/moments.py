"""Moments: when each turn of a rhythm falls, as pure date arithmetic.

A window belongs to its year, an interval counts from a fixed day, a person's own clock counts from something in their
life here. Restarts, weeks of 53 and clock changes shift none of them (practice rows 1, 8, 9, 19, 23, 54, 73, 75).
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from domain.objectives import Objective, ObjectiveState
from domain.parts import Ask
from domain.people import Pause, Person, Snooze, is_long, midnight
from domain.policy import Policy
from domain.rhythms import Clock, Entitlement, Interval, Manners, Need, Rhythm, Side, Start, Way, Window, Windows
from domain.years import ticket_year_begins_on

FAR_FROM_WINDOW = timedelta(days=120)  # a milestone further away than this belongs to another year


class DateFlaw(StrEnum):
    """What keeps a window's dates from being told (practice row 9)."""

    MISSING = "missing"
    REVERSED = "reversed"
    NO_DAY = "no-day"


@dataclass(frozen=True, kw_only=True)
class DateTrouble:
    """A milestone that is missing or out of order, and the window that waits for it. Values named `…_on` are dates."""

    trouble: DateFlaw
    values: Mapping[str, str]

    def said(self) -> str:
        """Say it for those who keep the policy."""
        of = self.values
        match self.trouble:
            case DateFlaw.MISSING:
                return f"{of['milestone']} is not set for the window from {of['opens_on']} to {of['closes_on']}"
            case DateFlaw.REVERSED:
                return f"{of['milestone']} ({of['first_on']}) is not before {of['other']} ({of['last_on']})"
            case DateFlaw.NO_DAY:
                return f"no day is left between {of['opens_on']} and {of['closes_on']} ({of['dates']})"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One turn of a rhythm, first to last day inclusive. `turn` names it for good, whatever becomes of its dates.

    What a person does from `counts_from_on` on counts as done. `promised_by` is the handle of who made a promise that
    is looked back on. `trouble` says why the dates cannot be told.
    """

    rhythm: str
    turn: str
    opens_on: date
    closes_on: date
    counts_from_on: date
    year: str = ""
    promised_by: str = ""
    trouble: DateTrouble | None = None

    @property
    def problem(self) -> str:
        """Say in plain words why the dates cannot be told, '' when they can."""
        return self.trouble.said() if self.trouble is not None else ""


class How(StrEnum):
    """How a moment came to be done."""

    HELD = "held"
    NOT_NEEDED = "not needed"
    SPOKE = "spoke"


@dataclass(frozen=True, kw_only=True)
class Held:
    """A person's word, or their own contribution, that a moment is done for them."""

    rhythm: str
    turn: str
    how: How
    on: date


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A part of a message that went out, or is on its way. `member_id` is whose moment it was about."""

    rhythm: str
    turn: str
    side: Side
    member_id: int
    ask: Ask
    at: datetime
    on: date
    closes_on: date


@dataclass(frozen=True, kw_only=True)
class Commitment:
    """A promise of support, to be looked back on (practice rows 74, 75)."""

    id: int
    promised_by: str
    made_on: date
    look_back_on: date
    closed: bool = False


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One person and everything about them that the planner needs to know. `asked` is in order of time."""

    person: Person
    objective: Objective | None = None
    without_since_on: date | None = None
    held: tuple[Held, ...] = ()
    asked: tuple[Asked, ...] = ()
    snoozes: tuple[Snooze, ...] = ()
    commitments: tuple[Commitment, ...] = field(default=())
    ticket_years: frozenset[str] = frozenset()

    def wants_safety_note(self) -> bool:
        """Say whether the active goal stretches its person and nobody has said what is safe (practice row 60)."""
        goal = self.objective
        return goal is not None and self.has_objective() and goal.stretch and not goal.safety_noted

    def has_objective(self) -> bool:
        """Say whether the person has an active objective."""
        return self.objective is not None and self.objective.state is ObjectiveState.ACTIVE


def moments_of(
    policy: Policy, name: str, rhythm: Rhythm, standing: Standing, *, since: date, until: date
) -> Iterator[Moment]:
    """Yield, in order, a person's moments that are open on some day of [since, until]."""
    match rhythm:
        case Windows() | Interval():
            yield from shared_moments(policy, name, rhythm, since=since, until=until)
        case Clock():
            found = sorted(_of_clock(policy, name, rhythm, standing, until), key=lambda one: one.opens_on)
            yield from (one for one in found if one.opens_on <= until and one.closes_on >= since)
        case Entitlement():
            found = list(_of_entitlement(policy, name, rhythm, standing, since, until))
            yield from (one for one in found if one.opens_on <= until and one.closes_on >= since)


def what_moments_ask(policy: Policy, rhythm: Rhythm, standing: Standing) -> tuple[object, ...]:
    """Give all of a person that their moments of a rhythm hang on: who is alike in it has the same moments.

    What else moments come to hang on is added here; the planner works them out once for all who are alike.
    """
    person = standing.person
    match rhythm:
        case Windows() | Interval():
            return ()
        case Clock():
            leaves = person.pauses if rhythm.since is Start.JOINED else ()
            return *_beginnings(policy, rhythm, standing), leaves
        case Entitlement():
            return (person.joined_on,)


def shared_moments(
    policy: Policy, name: str, rhythm: Windows | Interval, *, since: date, until: date
) -> Iterator[Moment]:
    """Yield, in order, the moments that everybody has alike and that are open on some day of [since, until]."""
    match rhythm:
        case Windows():
            found = [
                _in_year(policy, name, rhythm, number, window, year)
                for year in range(since.year - 1, until.year + 1)
                for number, window in enumerate(rhythm.windows, start=1)
            ]
            found.sort(key=lambda one: one.opens_on)
        case Interval():
            found = list(_of_interval(name, rhythm, since, until))
    yield from (one for one in found if one.opens_on <= until and one.closes_on >= since)


def _in_year(policy: Policy, name: str, rhythm: Windows, number: int, window: Window, year: int) -> Moment:
    opens_on, closes_on = day_of_year(window.opens, year), day_of_year(window.closes, year)
    if closes_on < opens_on:
        closes_on = day_of_year(window.closes, year + 1)  # over the new year
    turn = str(year) if len(rhythm.windows) == 1 else f"{year}-{number}"
    first_on, last_on, trouble = _between_milestones(policy, rhythm, opens_on, closes_on)
    if trouble is not None:
        first_on, last_on = opens_on, closes_on
    return Moment(
        rhythm=name, turn=turn, opens_on=first_on, closes_on=last_on, counts_from_on=first_on, trouble=trouble
    )


def _between_milestones(
    policy: Policy, rhythm: Windows, opens_on: date, closes_on: date
) -> tuple[date, date, DateTrouble | None]:
    """Narrow a window to the days its milestones allow, or say what keeps it from being told (practice row 9)."""
    window = {"opens_on": opens_on.isoformat(), "closes_on": closes_on.isoformat()}
    dates: dict[str, date] = {}
    for milestone in filter(None, (rhythm.not_before, rhythm.before)):
        near = [
            one
            for one in policy.organisation.milestones.get(milestone, ())
            if opens_on - FAR_FROM_WINDOW <= one <= closes_on + FAR_FROM_WINDOW
        ]
        if not near:
            trouble = DateTrouble(trouble=DateFlaw.MISSING, values=window | {"milestone": milestone})
            return opens_on, closes_on, trouble
        dates[milestone] = min(near, key=lambda one: abs((one - opens_on).days))
    not_before, before = dates.get(rhythm.not_before), dates.get(rhythm.before)
    if not_before is not None and before is not None and not_before >= before:
        values = {
            "milestone": rhythm.not_before,
            "other": rhythm.before,
            "first_on": not_before.isoformat(),
            "last_on": before.isoformat(),
        }
        return opens_on, closes_on, DateTrouble(trouble=DateFlaw.REVERSED, values=window | values)
    first_on = max(opens_on, not_before) if not_before else opens_on
    last_on = min(closes_on, before - timedelta(days=1)) if before else closes_on
    if first_on > last_on:
        said = ", ".join(f"{name} {day}" for name, day in dates.items())
        return opens_on, closes_on, DateTrouble(trouble=DateFlaw.NO_DAY, values=window | {"dates": said})
    return first_on, last_on, None


def _of_interval(name: str, rhythm: Interval, since: date, until: date) -> Iterator[Moment]:
    earliest = max(since - timedelta(days=rhythm.open_days), rhythm.anchor_on)
    turn = max(0, turns_before(rhythm, earliest))
    while (opens_on := turn_of(rhythm, turn)) <= until:
        yield Moment(
            rhythm=name,
            turn=opens_on.isoformat(),
            opens_on=opens_on,
            closes_on=opens_on + timedelta(days=rhythm.open_days),
            counts_from_on=turn_of(rhythm, turn - 1) + timedelta(days=1),
        )
        turn += 1


def turn_of(rhythm: Interval, turn: int) -> date:
    """Give the day of an interval's n-th turn, counted from its anchor."""
    if rhythm.every_months is not None:
        return add_months(rhythm.anchor_on, turn * rhythm.every_months)
    return rhythm.anchor_on + timedelta(days=turn * (rhythm.every_days or 1))


def turns_before(rhythm: Interval, day: date) -> int:
    """Count the turns that lie before a day; below zero when it lies before the anchor."""
    if rhythm.every_months is None:
        return -((rhythm.anchor_on - day).days // (rhythm.every_days or 1))  # rounded up
    months = (day.year - rhythm.anchor_on.year) * 12 + day.month - rhythm.anchor_on.month
    turn = months // rhythm.every_months
    return turn if turn_of(rhythm, turn) >= day else turn + 1


def days_between_turns(rhythm: Manners) -> int:
    """Give about how many days lie between two turns; 0 for a rhythm without a length."""
    if not isinstance(rhythm, Interval):
        return 0
    return rhythm.every_days if rhythm.every_days is not None else 30 * (rhythm.every_months or 1)


def _of_clock(policy: Policy, name: str, rhythm: Clock, standing: Standing, until: date) -> Iterator[Moment]:
    for turn, began_on, promised_by in _beginnings(policy, rhythm, standing):
        offsets = [(f"d{days}", began_on + timedelta(days=days)) for days in rhythm.after_days]
        offsets += [(f"m{months}", add_months(began_on, months)) for months in rhythm.after_months]
        if rhythm.repeat_months and rhythm.after_months:
            months = rhythm.after_months[-1] + rhythm.repeat_months
            while add_months(began_on, months) <= until:
                offsets.append((f"m{months}", add_months(began_on, months)))
                months += rhythm.repeat_months
        for tail, reckoned_on in offsets:
            extends = rhythm.since is Start.JOINED and not rhythm.repeat_months
            opens_on = _after_leave(policy, standing.person, began_on, reckoned_on) if extends else reckoned_on
            yield Moment(
                rhythm=name,
                turn=f"{turn}-{tail}" if turn else tail,
                opens_on=opens_on,
                closes_on=opens_on + timedelta(days=rhythm.open_days),
                counts_from_on=opens_on,
                promised_by=promised_by,
            )


def _after_leave(policy: Policy, person: Person, began_on: date, reckoned_on: date) -> date:
    """Move a date on by the long leaves that came before it: onboarding waits for its person (practice row 53)."""
    day, counted_to = reckoned_on, began_on - timedelta(days=1)
    for pause in sorted(person.pauses, key=lambda one: one.first_on):
        if pause.last_on is not None and began_on <= pause.first_on <= day and is_long(pause, policy):
            first_on = max(pause.first_on, counted_to + timedelta(days=1))  # leaves that overlap count once
            if pause.last_on >= first_on:
                day += pause.last_on - first_on + timedelta(days=1)
                counted_to = pause.last_on
    return day


def _beginnings(policy: Policy, rhythm: Clock, standing: Standing) -> Iterator[tuple[str, date, str]]:
    """Yield what a person's clock counts from: a name for good, the day, and who made the promise, if it is one."""
    person, objective = standing.person, standing.objective
    match rhythm.since:
        case Start.JOINED:
            if person.joined_on is not None:
                yield "", person.joined_on, ""
        case Start.OBJECTIVE_OPENED:
            if objective is not None and standing.has_objective():
                yield f"ilo{objective.id}", objective.opened_at.date(), ""
        case Start.WITHOUT_OBJECTIVE:
            if standing.without_since_on is not None:
                grace = timedelta(days=policy.objectives.grace_days)
                yield standing.without_since_on.isoformat(), standing.without_since_on + grace, ""
        case Start.LOOK_BACK:
            for one in standing.commitments:
                if not one.closed:
                    yield f"promise{one.id}", one.look_back_on, one.promised_by
        case Start.LEAVE_ENDED:
            for pause in person.pauses:
                if pause.last_on is not None and is_long(pause, policy) and not _goes_on(policy, person, pause):
                    yield pause.last_on.isoformat(), pause.last_on + timedelta(days=1), ""
        case Start.HELD:
            for held in standing.held:
                if held.rhythm == rhythm.after and held.how is How.HELD:
                    yield held.turn, held.on, ""


def _goes_on(policy: Policy, person: Person, pause: Pause) -> bool:
    """Say whether another long leave follows before the return from this one was over: there is one return then."""
    if pause.last_on is None:
        return True
    settled_on = pause.last_on + timedelta(days=policy.caps.settle_days + 7)
    return any(
        one is not pause
        and one.first_on <= settled_on
        and (one.last_on is None or one.last_on > pause.last_on)
        and (one.last_on is None or is_long(one, policy))
        for one in person.pauses
    )


def _of_entitlement(
    policy: Policy, name: str, rhythm: Entitlement, standing: Standing, since: date, until: date
) -> Iterator[Moment]:
    for year in range(since.year - 2, until.year + 1):
        begins_on = ticket_year_begins_on(policy, standing.person, year)
        for months in rhythm.after_months:
            opens_on = add_months(begins_on, months)
            yield Moment(
                rhythm=name,
                turn=f"{year}-m{months}",
                opens_on=opens_on,
                closes_on=opens_on + timedelta(days=rhythm.open_days),
                counts_from_on=opens_on,
                year=str(year),
            )


def done_because(moment: Moment, rhythm: Manners, standing: Standing) -> str:
    """Say in what way a moment is done for a person already, '' when it is not (facts on the field, B3.1)."""
    for held in standing.held:
        if held.turn == moment.turn and held.rhythm == moment.rhythm:
            return f"{held.how.value} on {held.on}"
    if Need.UNUSED_TICKET in rhythm.needs and moment.year in standing.ticket_years:
        return f"their golden ticket of {moment.year} is in use"
    return ""


def done_already(policy: Policy, rhythm: Manners, moment: Moment, member: Standing) -> str:
    """Say in what way a moment is done for its member, by their word or by what they wrote; '' when it is not."""
    done = done_because(moment, rhythm, member)
    if done or Way.WROTE not in rhythm.done_by or member.objective is None or member.objective.last_wrote_at is None:
        return done
    begins_at = midnight(moment.counts_from_on, member.person, policy)
    ends_at = midnight(moment.closes_on + timedelta(days=1), member.person, policy)
    return "they wrote already" if begins_at <= member.objective.last_wrote_at < ends_at else ""


def add_months(day: date, months: int) -> date:
    """Go so many months on, or back; a day that the month does not have becomes its last."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    if day.day <= 28:
        return date(year, month + 1, day.day)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def day_of_year(said: str, year: int) -> date:
    """Give the day of a year for month and day such as 03-01; 02-29 is the 28th in other years.

    Raises ValueError when it is no day of any year.
    """
    month, day = (int(part) for part in said.split("-"))
    if (month, day) == (2, 29):
        day = monthrange(year, 2)[1]
    return date(year, month, day)
