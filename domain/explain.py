"""Why somebody does or does not hear of something: every rule's word about one day, and what the plan makes of it.

The rules and the small checks say how a day looks; what happens is read from what was asked and from `plan`, the same
function that the clock sends from (facts on the field, C1.8 and B3.9).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from domain.channels import ways_to
from domain.course import Message, Silence
from domain.moments import Asked, Moment, Standing, done_because, moments_of
from domain.parts import ASKS, Ask, Part
from domain.people import Person, is_holiday, own_weekdays, own_zone, settles_until
from domain.planner import Outlook, plan
from domain.policy import Channel, Policy, Weekday
from domain.rhythms import Rhythm, Side
from domain.routing import readers_of
from domain.rules import Case, Verdict, absent_because, first_against, is_before_joining, own_rhythm, verdicts

# How far ahead it is told when a rhythm comes round next.
NEXT_WITHIN = timedelta(days=400)
# The plan goes on so long after the last day of what is asked about: all of it is decided by then.
MARGIN = timedelta(days=10)
# What a helper is told of lies open so long after the day it was asked about.
HELP_OPEN = timedelta(days=40)


class What(StrEnum):
    """What became, or becomes, of a moment."""

    WENT_OUT = "went out"
    GOES_OUT = "goes out"
    SILENT = "stays silent"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One thing that happened, will happen or will not. `at` is aware UTC; `on` the day in the person's own zone.

    `together_with` names the other rhythms of the same message. `why` is a plain sentence, for silence only.
    """

    what: What
    ask: Ask | None = None
    on: date | None = None
    at: datetime | None = None
    ways: tuple[Channel, ...] = ()
    together_with: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Explained:
    """One moment that is open on the day, on one side of it. `about` is the handle of whose moment it is.

    `kind` is empty for the asks of a moment, and names what else is said about one, such as a mention in its thread.
    """

    rhythm: str
    turn: str
    side: Side
    about: str
    kind: str
    opens_on: date
    closes_on: date
    verdicts: tuple[Verdict, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, kw_only=True)
class NotOpen:
    """A rhythm without an open moment on the day. `next_on` is when it comes round next, `why` what is to say of it."""

    rhythm: str
    next_on: date | None
    why: str


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Everything about one person and one day; `day` is what holds of all its moments alike.

    In the `past`, what was asked is told; all else is as known now.
    """

    handle: str
    on: date
    zone: str
    past: bool
    day: tuple[Verdict, ...]
    moments: tuple[Explained, ...]
    not_open: tuple[NotOpen, ...]


class _Key(NamedTuple):
    """Names one moment on one side of it; `kind` keeps apart what is not one of the three asks of it."""

    rhythm: str
    turn: str
    side: Side
    member_id: int
    kind: str = ""


class _Open(NamedTuple):
    """A moment that is open on the day, for the person; without a rhythm where only the plan knows of it."""

    key: _Key
    opens_on: date
    closes_on: date
    moment: Moment | None = None
    rhythm: Rhythm | None = None


def explain(
    policy: Policy,
    standings: Sequence[Standing],
    person_id: int,
    on: date,
    now: datetime,
    rhythm: str | None = None,
    said_by: Mapping[str, str] | None = None,
) -> Explanation:
    """Explain one day of one person: every moment that is open on it, or those of one rhythm only.

    `said_by` says in words who switched a rhythm on or off, by its name, where the person did not.
    Raises KeyError when the person or the rhythm is not there.
    """
    return _Explaining(policy, standings, person_id, on, now, said_by or {}).explanation(rhythm)


class _Explaining:
    def __init__(
        self,
        policy: Policy,
        standings: Sequence[Standing],
        person_id: int,
        on: date,
        now: datetime,
        said_by: Mapping[str, str],
    ) -> None:
        self.policy, self.standings, self.on, self.now, self.said_by = policy, standings, on, now, said_by
        self.by_id = {one.person.id: one for one in standings}
        self.people: Mapping[str, Person] = {one.person.handle: one.person for one in standings}
        self.me = self.by_id[person_id]
        self.zone = own_zone(self.me.person, policy.organisation)

    def explanation(self, only: str | None) -> Explanation:
        names = list(self.policy.rhythms) if only is None else [only]
        rhythms = {name: self.policy.rhythms[name] for name in names}
        found = [one for name in rhythms for one in self._own(name) + self._others(name)]
        self.messages, self.silences = self._planned([one.closes_on for one in found])
        known = {one.key for one in found}
        found += [one for one in self._only_planned() if one.key not in known and one.key.rhythm in rhythms]
        found.sort(key=lambda one: (one.opens_on, one.key.rhythm, one.key.side, one.key.member_id))
        open_names = {one.key.rhythm for one in found}
        return Explanation(
            handle=self.me.person.handle,
            on=self.on,
            zone=self.zone.key,
            past=self.on < self.now.astimezone(self.zone).date(),
            day=tuple(day_verdicts(self.policy, self.me.person, self.on)),
            moments=tuple(self._explained(one) for one in found),
            not_open=tuple(self._not_open(name) for name in rhythms if name not in open_names),
        )

    # -- what is open on the day --------------------------------------------------------------------------------------

    def _own(self, name: str) -> list[_Open]:
        rhythm = own_rhythm(self.policy, self.me.person, name)
        if Side.MEMBER not in rhythm.tells:
            return []
        return [self._open(one, rhythm, Side.MEMBER, self.me) for one in self._moments(name, rhythm, self.me)]

    def _others(self, name: str) -> list[_Open]:
        tells = self.policy.rhythms[name].tells
        if Side.PARTNER not in tells and Side.COORDINATOR not in tells:
            return []
        found = []
        for member in self.standings:
            if member is self.me or not self._may_concern(name, member):
                continue
            rhythm = own_rhythm(self.policy, member.person, name)
            for moment in self._moments(name, rhythm, member):
                side = self._my_side(rhythm, moment, member)
                if side is not None and side in tells and not moment.problem:
                    found.append(self._open(moment, rhythm, side, member))
        return found

    def _names_me(self, rhythm: Rhythm, member: Standing) -> bool:
        handle = self.me.person.handle
        named = any(member.person.relations.get(role) == handle for role in rhythm.partners)
        return named or any(one.promised_by == handle for one in member.commitments)

    def _may_concern(self, name: str, member: Standing) -> bool:
        """Say quickly of most people that their conversation is none of the reader's."""
        rhythm = self.policy.rhythms[name]
        lonely = Side.COORDINATOR in rhythm.tells and self.me.person.coordinator
        fallback = self.me.person.handle == self.policy.organisation.fallback_contact
        return lonely or fallback or self._names_me(rhythm, member)

    def _my_side(self, rhythm: Rhythm, moment: Moment, member: Standing) -> Side | None:
        """Say on which side of somebody else's moment the person is, None when on none of them."""
        on = max(moment.opens_on, self.now.date() - timedelta(days=1))
        side, found = readers_of(self.policy, rhythm, moment.promised_by, member.person, self.people, on)
        return side if any(one.handle == self.me.person.handle for one in found) else None

    def _moments(self, name: str, rhythm: Rhythm, member: Standing) -> Iterator[Moment]:
        return moments_of(self.policy, name, rhythm, member, since=self.on, until=self.on)

    def _open(self, moment: Moment, rhythm: Rhythm, side: Side, member: Standing) -> _Open:
        key = _Key(moment.rhythm, moment.turn, side, member.person.id)
        return _Open(key, moment.opens_on, moment.closes_on, moment, rhythm)

    def _only_planned(self) -> list[_Open]:
        """Find what only the plan, or what was asked, knows of: a helper's message, a wanted date, a mention."""
        found = {}
        for part in (one for message in self.messages for one in message.parts):
            if part.ask in (Ask.AVAILABLE, Ask.DATES):
                is_open = part.counts_from_on <= self.on <= part.closes_on
                opening = _Open(_key_of(part), part.counts_from_on, part.closes_on) if is_open else None
            else:
                opening = self._opening(part)
            if opening is not None:
                found[opening.key] = opening
        for asked in self.me.asked:
            if asked.on <= self.on <= asked.closes_on:
                key = _key_of(asked)
                found.setdefault(key, self._opening(asked) or _Open(key, asked.on, asked.closes_on))
        return list(found.values())

    def _opening(self, said: Part | Asked) -> _Open | None:
        """Find the moment of something that was said, or will be, among those open on the day."""
        member = self.by_id.get(said.member_id)
        if member is None or said.rhythm not in self.policy.rhythms or said.ask in (Ask.AVAILABLE, Ask.DATES):
            return None
        rhythm = own_rhythm(self.policy, member.person, said.rhythm)
        moment = next((one for one in self._moments(said.rhythm, rhythm, member) if one.turn == said.turn), None)
        return None if moment is None else self._open(moment, rhythm, said.side, member)._replace(key=_key_of(said))

    # -- what becomes of it -------------------------------------------------------------------------------------------

    def _planned(self, closing: Sequence[date]) -> tuple[list[Message], list[Silence]]:
        last = max([self.on + HELP_OPEN, *closing]) + MARGIN
        until = datetime.combine(last, self.now.timetz())
        outlook = Outlook(messages=(), silences=())
        if until > self.now:
            outlook = plan(self.policy, self.standings, since=self.now, until=until, with_silences=True)
        handle = self.me.person.handle
        mine = [one for one in outlook.messages if one.person_id == self.me.person.id]
        return mine, [one for one in outlook.silences if one.handle == handle]

    def _explained(self, found: _Open) -> Explained:
        key = found.key
        member = self.by_id.get(key.member_id)
        silences = self._silences_about(key)
        checks = self._checks(found, member, silences)
        return Explained(
            rhythm=key.rhythm,
            turn=key.turn,
            side=key.side,
            about=member.person.handle if member is not None else "",
            kind=key.kind,
            opens_on=found.opens_on,
            closes_on=found.closes_on,
            verdicts=tuple(checks),
            outcomes=tuple(self._outcomes(found, silences, checks)),
        )

    def _outcomes(self, found: _Open, silences: Sequence[Silence], checks: Sequence[Verdict]) -> list[Outcome]:
        key = found.key
        outcomes = []
        for asked in self.me.asked:
            if _key_of(asked) == key:
                others = [one.rhythm for one in self.me.asked if one.at == asked.at and one.rhythm != key.rhythm]
                outcomes.append(
                    Outcome(
                        what=What.WENT_OUT,
                        ask=asked.ask,
                        on=asked.on,
                        at=asked.at,
                        together_with=tuple(dict.fromkeys(others)),
                    )
                )
        for message in self.messages:
            for part in message.parts:
                if _key_of(part) == key:
                    others = [one.rhythm for one in message.parts if one.rhythm != key.rhythm]
                    outcomes.append(
                        Outcome(
                            what=What.GOES_OUT,
                            ask=part.ask,
                            on=message.on,
                            at=message.due_at,
                            ways=message.ways,
                            together_with=tuple(dict.fromkeys(others)),
                        )
                    )
        outcomes += [Outcome(what=What.SILENT, why=why) for why in dict.fromkeys(one.why for one in silences)]
        return outcomes or [Outcome(what=What.SILENT, why=self._untold(found, checks))]

    def _untold(self, found: _Open, checks: Sequence[Verdict]) -> str:
        """Say why a moment has nothing in the plan, not even a silence: it is over, or it is none of theirs."""
        against = next((one.why for one in checks if not one.allows and one.rule in STANDING), "")
        if against:
            return against
        if found.closes_on < self.now.astimezone(self.zone).date():
            return f"it was over on {found.closes_on}, and nothing is known to have gone out"
        return "the plan has nothing about it"

    def _silences_about(self, key: _Key) -> list[Silence]:
        """Give the silences about a moment, and about its rhythm at all times.

        A silence does not say whose moment it was: those about several people's turn of one rhythm are told of each
        that has nothing else to tell.
        """
        if key.kind:
            return []
        mine = [one for one in self.silences if (one.rhythm, one.side) == (key.rhythm, key.side)]
        if key.side is not Side.MEMBER and any(_key_of(part) == key for one in self.messages for part in one.parts):
            return []
        return [one for one in mine if one.turn == key.turn or (one.on is None and not one.turn)]

    # -- how the day looks --------------------------------------------------------------------------------------------

    def _checks(self, found: _Open, member: Standing | None, silences: Sequence[Silence]) -> list[Verdict]:
        checks: list[Verdict] = []
        if found.rhythm is not None and member is not None:
            checks += self._rules(found.key.rhythm, found.rhythm, member)
        if found.moment is not None and found.moment.problem:
            checks.append(Verdict(rule="dates", allows=False, why=found.moment.problem))
        if member is not None and member is not self.me:
            checks.append(_of_member(member.person, found.rhythm, self.on))
        if found.moment is not None and found.rhythm is not None and member is not None:
            why = done_because(found.moment, found.rhythm, member)
            why = why or next((one.why for one in silences if one.rule == "done"), "")
            checks.append(_verdict("done", why, "not done yet, as far as is known"))
        put_off = [one for one in self.me.snoozes if one.covers(self.on, found.key.rhythm, found.key.turn)]
        why = f"put off until {put_off[0].last_on or 'further notice'}" if put_off else ""
        checks.append(_verdict("snooze", why, "not put off"))
        checks.append(self._asked(found.key))
        if found.rhythm is not None and found.rhythm.fades:
            why = next((one.why for one in silences if one.rule == "decay"), "")
            checks.append(_verdict("faded", why, "not faded"))
        checks.append(self._caps())
        return checks

    def _rules(self, name: str, rhythm: Rhythm, member: Standing) -> Iterator[Verdict]:
        for one in verdicts(self._case(name, rhythm, member)):
            if one.rule != "rhythm":
                yield one
                continue
            own = member.person.own_rhythms.get(name)
            whose = self.said_by.get(name, "the policy says so")
            if own is not None and own.on is not None:
                whose = f"{'their' if member is self.me else member.person.handle + 's'} own choice"
            if own is not None and own.every_days is not None:
                whose += f"; every {own.every_days} days is their own choice"
            yield Verdict(rule=one.rule, allows=one.allows, why=f"{one.why} ({whose})")

    def _case(self, name: str, rhythm: Rhythm, member: Standing) -> Case:
        ways = ways_to(self.policy, self.me, private=rhythm.private)
        return Case(name=name, rhythm=rhythm, reader=self.me, member=member, ways=ways)

    def _asked(self, key: _Key) -> Verdict:
        days = [f"{one.on} ({one.ask.value})" for one in self.me.asked if _key_of(one) == key]
        return _verdict("asked", f"asked on {', '.join(days)}" if days else "", "not asked yet")

    def _caps(self) -> Verdict:
        """Say whether the week around the day has room, or which messages took it."""
        cap = self.policy.caps.per_week
        if cap < 1:
            return Verdict(rule="caps", allows=False, why="the cap is 0: nobody hears anything")
        said: dict[date, dict[str, None]] = {}
        for asked in self.me.asked:
            said.setdefault(asked.on, {})[asked.rhythm] = None
        for message in self.messages:
            said.setdefault(message.on, {}).update(dict.fromkeys(part.rhythm for part in message.parts))
        near = sorted(day for day in said if day != self.on and abs((day - self.on).days) < 7)
        weeks = ([day for day in near if 0 <= (day - self.on).days + back < 7] for back in range(7))
        fullest = max(weeks, key=len)
        if self.on in said:
            why = f"a message of that day takes along what waits ({', '.join(said[self.on])})"
            return Verdict(rule="caps", allows=True, why=why)
        took = "; ".join(f"the message of {day} ({', '.join(said[day])})" for day in fullest)
        return _verdict("caps", f"{took} took the week" if len(fullest) >= cap else "", "the week has room")

    # -- what is not open ---------------------------------------------------------------------------------------------

    def _not_open(self, name: str) -> NotOpen:
        rhythm = own_rhythm(self.policy, self.me.person, name)
        if not rhythm.on:
            return NotOpen(rhythm=name, next_on=None, why=f"switched off ({self._whose(name)})")
        if not rhythm.tells:
            return NotOpen(rhythm=name, next_on=None, why="for the team as a whole; nobody is written to by name")
        if Side.MEMBER in rhythm.tells:
            case = self._case(name, rhythm, self.me)
            rule, why = first_against(case)
            if rule in ("audience", "choice") and not rhythm.partners:
                return NotOpen(rhythm=name, next_on=None, why=why)
        coming = [one for member in self._concerned(rhythm) for one in self._coming(name, member)]
        if not coming:
            return NotOpen(rhythm=name, next_on=None, why="does not come round for them, as far as is known")
        nearest = min(coming, key=lambda one: one.opens_on)
        return NotOpen(rhythm=name, next_on=nearest.opens_on, why=nearest.problem)

    def _concerned(self, rhythm: Rhythm) -> Iterator[Standing]:
        if Side.MEMBER in rhythm.tells:
            yield self.me
        if Side.PARTNER in rhythm.tells:
            yield from (one for one in self.standings if one is not self.me and self._names_me(rhythm, one))

    def _coming(self, name: str, member: Standing) -> Iterator[Moment]:
        rhythm = own_rhythm(self.policy, member.person, name)
        until = self.on + NEXT_WITHIN
        found = moments_of(self.policy, name, rhythm, member, since=self.on, until=until)
        yield from (one for one in found if one.opens_on > self.on)

    def _whose(self, name: str) -> str:
        own = self.me.person.own_rhythms.get(name)
        return "their own choice" if own is not None and own.on is not None else self.said_by.get(name, "the policy")


# Rules that hold whatever the day.
STANDING = frozenset({"rhythm", "audience", "choice", "needs", "channel", "dates", "done"})


def day_verdicts(policy: Policy, person: Person, on: date) -> Iterator[Verdict]:
    """Give what a day itself has to say: a member, no leave, settled in, a working day, no holiday."""
    why = ""
    if person.joined_on is not None and on < person.joined_on:
        why = f"they join on {person.joined_on}"
    elif person.left_on is not None and on >= person.left_on:
        why = f"they left on {person.left_on}"
    yield _verdict("member", why, "a member on that day")
    pause = next((one for one in person.pauses if one.covers(on)), None)
    settles = settles_until(person, on, policy)
    why = f"on leave until {pause.last_on or 'further notice'}" if pause is not None else ""
    why = why or (f"settling in until {settles}" if settles is not None else "")
    yield _verdict("leave", why, "not on leave")
    why = "" if Weekday.of(on) in own_weekdays(person, policy.organisation) else f"{on:%A} is no working day of theirs"
    yield _verdict("working day", why, f"{on:%A} is a working day of theirs")
    why = ""
    if is_holiday(person, on, policy):
        where = person.holidays_of or policy.organisation.holidays_of
        of_us = on in policy.organisation.holidays
        why = "a holiday of the organisation" if of_us else f"a public holiday ({where})"
    yield _verdict("holiday", why, "no holiday")


def _of_member(member: Person, rhythm: Rhythm | None, on: date) -> Verdict:
    why = absent_because(member, on, before_joining=rhythm is not None and is_before_joining(rhythm))
    return _verdict("the other", why, f"{member.handle} is here")


def _verdict(rule: str, why: str, fine: str) -> Verdict:
    return Verdict(rule=rule, allows=not why, why=why or fine)


def _key_of(said: Part | Asked) -> _Key:
    kind = "" if said.ask in ASKS or said.ask is Ask.MOVED else said.ask.value
    return _Key(said.rhythm, said.turn, said.side, said.member_id, kind)
