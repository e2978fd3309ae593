"""One person's course through time: what is waiting to be asked, and which day has room for it.

Everything that waits for a person is kept in order of the day it is wanted on. The first day of theirs with room in the
caps takes along all that waits by then, as one digest; what would otherwise be lost to the caps comes along early.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from domain.almanac import NEVER, OwnDays
from domain.channels import ways_to
from domain.moments import Asked, Moment, Standing, days_between_turns
from domain.parts import ASKS, Ask, Part
from domain.people import local_instant, own_hours, own_zone
from domain.policy import Channel, Policy
from domain.rhythms import MOST_ASKS, Clock, Rhythm, Side, Start, Way
from domain.rules import is_before_joining

LEAST_DAYS_BETWEEN_ASKS = 14
# A turn counts as so many lengths after the last ask although its day moved a little within the week.
SLACK_DAYS = 5


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message to one person, with everything that waited for them; `on` is the day in their own zone.

    A message without a way is a mention in a team's thread, which one comment does for everybody.
    """

    key: str
    person_id: int
    handle: str
    on: date
    due_at: datetime
    ways: tuple[Channel, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Silence:
    """Why something is not said to a person. `on` is the day it would have been wanted, None for all the time."""

    handle: str
    rhythm: str
    turn: str
    side: Side
    on: date | None
    rule: str
    why: str


class Waiting(NamedTuple):
    """Something that waits to be asked: from the day it is wanted to the last day it is of use (as ordinals)."""

    wanted: int
    last: int
    rhythm: Rhythm
    moment: Moment
    side: Side
    member: Standing
    ask: Ask
    fixed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Fading:
    """How far a rhythm has faded for a person: asks without an answer, and the day of the last."""

    asks: int = 0
    last: int = 0


# The instant of a day at an hour of a zone, None when it falls outside somebody's hours; for all alike in these.
Instants = dict[tuple[str, time, tuple[time, time]], dict[int, datetime | None]]


# What waits, by the day it is wanted on, not before today; of one day by what it is, never by when it was laid out.
Entry = tuple[int, int, str, str, str, int, int, Waiting]


@dataclass
class Course:
    """The course of one person. It changes while it is walked, and only then; `plan` makes a new one every time."""

    policy: Policy
    me: Standing
    days: OwnDays
    since: datetime
    until: datetime
    silences: list[Silence] | None
    instants: Instants
    _queue: list[Entry] = field(default_factory=list)
    _head: int = 0
    _count: int = 0
    _in_order: bool = False

    def __post_init__(self) -> None:
        organisation, person = self.policy.organisation, self.me.person
        self._zone = own_zone(person, organisation)
        self._hours = own_hours(person, organisation)
        hours_from, hours_until = self._hours
        self._at = organisation.nudge_at if hours_from <= organisation.nudge_at < hours_until else hours_from
        here = self.since.astimezone(self._zone)
        self._today = here.toordinal()
        self.first = self._today if here.time() < hours_until else self._today + 1
        self._horizon = self.until.astimezone(self._zone).toordinal()
        self._sent = sorted({asked.on.toordinal() for asked in self.me.asked})
        self._fading: dict[tuple[str, Side, int], Fading] = {}
        self._due = self.instants.setdefault((self._zone.key, self._at, self._hours), {})
        self._over = False
        self._per_week = self.policy.caps.per_week
        self._returns = {name for name, one in self.policy.rhythms.items() if is_return(one)}
        self._faded_now: set[tuple[str, Side, int]] = set()
        self._next: int | None = None
        self._ways: dict[bool, tuple[Channel, ...]] = {}

    # -- what waits ---------------------------------------------------------------------------------------------------

    def add(self, waiting: Waiting) -> None:
        """Have something wait. What is wanted first comes first, and of one day what was added first."""
        self._count += 1
        self._next = None
        wanted = waiting.wanted if waiting.wanted > self.first else self.first
        moment = waiting.moment
        entry = (
            wanted,
            waiting.wanted,
            moment.rhythm,
            moment.turn,
            waiting.side,
            waiting.member.person.id,
            self._count,
            waiting,
        )
        if self._in_order:
            insort(self._queue, entry, lo=self._head)
        else:
            self._queue.append(entry)

    def holds(self, waiting: Waiting) -> bool:
        """Say whether the same already waits; only where a role changes hands can it come twice."""
        if waiting.wanted <= waiting.moment.opens_on.toordinal():
            return False
        same = (waiting.moment, waiting.side, waiting.member.person.id, waiting.ask)
        return any((one.moment, one.side, one.member.person.id, one.ask) == same for *_, one in self._queue)

    def ways(self, *, private: bool) -> tuple[Channel, ...]:
        """Give the ways to the person."""
        if private not in self._ways:
            self._ways[private] = ways_to(self.policy, self.me, private=private)
        return self._ways[private]

    def next_day(self) -> int:
        """Give the first day on which something may be said, NEVER when there is none before the end."""
        if not self._in_order:
            # Sorted once when all is laid out; what comes later is put in its place.
            self._queue.sort()
            self._in_order = True
        if self._over or self._head == len(self._queue):
            return NEVER
        if self._next is None:
            self._next = self._with_room(self._queue[self._head][0])
        return self._next

    def step(self, day: int) -> Message | None:
        """Say what waits by a day of theirs that has room; None when all of it turned out not to be wanted."""
        batch: list[Waiting] = []
        self._next = None
        self._faded_now.clear()
        while self._head < len(self._queue) and self._queue[self._head][0] <= day:
            waiting = self._queue[self._head][-1]
            self._head += 1
            ready = self._ready(waiting, day)
            if ready is not None:
                batch.append(ready)
        if not batch:
            return None
        shares = True
        if any(one.ask is Ask.MENTION or one.ask is Ask.MOVED or one.moment.rhythm in self._returns for one in batch):
            batch = self._by_itself(self._each_once(batch), day)
            if not batch:
                return None
            shares = batch[0].ask is not Ask.MENTION and not _is_return(batch[0])
        if shares:
            batch += self._coming_along(day)
        fixed_at = batch[0].fixed_at
        due_at = self._due_on(day) if fixed_at is None else max(fixed_at, self.since)
        if due_at is None or due_at >= self.until:
            self._over = True
            return None
        return self._message(batch, day, due_at)

    # -- the day ------------------------------------------------------------------------------------------------------

    def _with_room(self, wanted: int) -> int:
        """Find the first day of theirs from `wanted` on with room, NEVER when it lies past the end of the plan."""
        day = self._room_from(wanted)
        return day if day <= self._horizon else NEVER

    def _room_from(self, wanted: int) -> int:
        """Find the first day of theirs from `wanted` on which the caps leave room and their hours hold the instant."""
        day = self.days.next(wanted)
        while day < NEVER:
            clash = self._clash(day)
            if clash:
                day = self.days.next(clash)
            elif self._due_on(day) is None:
                day = self.days.next(day + 1)
            else:
                return day
        return NEVER

    def _clash(self, day: int) -> int:
        """Give the first day worth trying when a day would be too much, 0 when it is not."""
        per_week = self._per_week
        if per_week < 1:
            return NEVER
        if not self._sent or day - self._sent[-1] >= 7:
            return 0
        at = bisect_left(self._sent, day)
        if at < len(self._sent) and self._sent[at] == day:
            return day + 1
        if per_week == 1:
            if at < len(self._sent) and self._sent[at] - day < 7:
                return self._sent[at] + 7
            return self._sent[at - 1] + 7 if at and day - self._sent[at - 1] < 7 else 0
        near = [one for one in self._sent if -7 < one - day < 7]
        week_starts = range(day - 6, day + 1)
        full = any(sum(start <= one <= start + 6 for one in near) >= per_week for start in week_starts)
        return day + 1 if full else 0

    def _due_on(self, day: int) -> datetime | None:
        """Give the instant of a day at which the person is written to; None when a clock change leaves no such time."""
        if day == self._today:
            return self._within_hours(day, max(self._instant(day), self.since))
        if day not in self._due:
            self._due[day] = self._within_hours(day, self._instant(day))
        return self._due[day]

    def _instant(self, day: int) -> datetime:
        return local_instant(date.fromordinal(day), self._at, self._zone)

    def _within_hours(self, day: int, instant: datetime) -> datetime | None:
        here = instant.astimezone(self._zone)
        return instant if here.toordinal() == day and self._hours[0] <= here.time() < self._hours[1] else None

    # -- what may be said on a day ------------------------------------------------------------------------------------

    def _ready(self, waiting: Waiting, day: int) -> Waiting | None:
        """Give what may be said on a day; drop it with its reason, or have it wait for another day."""
        moment = waiting.moment
        if day > waiting.last:
            fits = self.days.next(max(waiting.wanted, self.first)) <= waiting.last
            why = (
                "another message goes out within the week, and none of its days is left then"
                if fits
                else "no working day of theirs while it is open (leave, holiday, days off)"
            )
            self._silent(waiting, "caps" if fits else "day", why)
            return None
        for snooze in self.me.snoozes:
            if snooze.covers(date.fromordinal(day), moment.rhythm, moment.turn):
                again = NEVER if snooze.last_on is None else snooze.last_on.toordinal() + 1
                self._wait(waiting, again, "snooze", f"put off until {snooze.last_on or 'further notice'}")
                return None
        if waiting.fixed_at is not None and not self._fits_fixed(waiting.fixed_at, day):
            self._silent(waiting, "hours", "the hour of the comment is not one of theirs")
            return None
        if waiting.side is not Side.MEMBER and waiting.member is not self.me:
            return self._about_other(waiting, date.fromordinal(day))
        if waiting.rhythm.fades and waiting.ask in ASKS:
            return self._fade(waiting)
        return waiting

    def _fits_fixed(self, fixed_at: datetime, day: int) -> bool:
        """Say whether an instant fixed for everybody is in this person's hours, and still is when it comes late."""
        return all(self._within_hours(day, one) is not None for one in (fixed_at, max(fixed_at, self.since)))

    def _about_other(self, waiting: Waiting, on: date) -> Waiting | None:
        """Let a partner's message wait while the member is away; somebody who left is not talked about."""
        member = waiting.member.person
        if member.left_on is not None and member.left_on <= on:
            self._silent(waiting, "member", f"{member.handle} has left")
            return None
        if member.joined_on is not None and on < member.joined_on and not is_before_joining(waiting.rhythm):
            self._wait(waiting, member.joined_on.toordinal(), "member", f"{member.handle} has not joined yet")
            return None
        pause = next((one for one in member.pauses if one.covers(on)), None)
        if pause is None:
            return waiting
        again = NEVER if pause.last_on is None else pause.last_on.toordinal() + 1
        self._wait(waiting, again, "member", f"{member.handle} is away")
        return None

    def _fade(self, waiting: Waiting) -> Waiting | None:
        """Ease off a rhythm that finds no answer: later, then "pause?", then silence (rule 5 of the design)."""
        key = (waiting.moment.rhythm, waiting.side, waiting.member.person.id)
        if key in self._faded_now:
            self._silent(waiting, "decay", "another turn of it is said in the same message")
            return None
        fading = self._fading_of(waiting)
        # By the turn's own date, not by the day there is room: a turn passed over stays passed over the day after.
        apart = waiting.moment.opens_on.toordinal() - fading.last
        if fading.asks and apart <= 0:
            # What was open on the day of an ask was asked about with it, also where turns overlap.
            self._silent(waiting, "decay", "another turn of it was said while this one was open")
            return None
        length = days_between_turns(waiting.rhythm)
        if fading.asks >= MOST_ASKS and apart >= self.policy.caps.quiet_days:
            fading = Fading()
        if fading.asks >= MOST_ASKS:
            self._silent(waiting, "decay", "three asks found no answer; quiet for a while")
            return None
        if fading.asks and apart < length * (fading.asks + 1) - SLACK_DAYS:
            self._silent(waiting, "decay", "the last one found no answer yet; the next comes later")
            return None
        self._faded_now.add(key)
        ask = ASKS[fading.asks]
        return waiting if waiting.ask is ask else waiting._replace(ask=ask)

    def _fading_of(self, waiting: Waiting) -> Fading:
        key = (waiting.moment.rhythm, waiting.side, waiting.member.person.id)
        if key not in self._fading:
            self._fading[key] = self._faded_already(waiting)
        return self._fading[key]

    def _faded_already(self, waiting: Waiting) -> Fading:
        """Read from what was asked how far a rhythm has faded; any answer starts it anew."""
        name, objective = waiting.moment.rhythm, self.me.objective
        mine = [
            one
            for one in self.me.asked
            if (one.rhythm, one.side, one.member_id) == (name, waiting.side, waiting.member.person.id)
            and one.ask in ASKS
        ]
        if not mine:
            return Fading()
        last = mine[-1]
        answered = any(one.rhythm == name and one.on >= last.on for one in self.me.held)
        if Way.WROTE in waiting.rhythm.done_by and objective is not None and objective.last_wrote_at is not None:
            answered = answered or objective.last_wrote_at >= last.at
        return Fading() if answered else Fading(asks=ASKS.index(last.ask) + 1, last=last.on.toordinal())

    def _wait(self, waiting: Waiting, again: int, rule: str, why: str) -> None:
        if again > waiting.last:
            self._silent(waiting, rule, why)
        else:
            self.add(waiting._replace(wanted=max(again, waiting.wanted)))

    def close(self) -> None:
        """Say of what still waits, and is over before the end, that no day of theirs had room for it."""
        last = (self.until.astimezone(self._zone)).toordinal()
        for *_, waiting in self._queue[self._head :]:
            if waiting.last < last:
                self._ready(waiting, waiting.last + 1)

    def _silent(self, waiting: Waiting, rule: str, why: str) -> None:
        if self.silences is not None:
            moment, wanted = waiting.moment, date.fromordinal(max(waiting.wanted, self.first))
            self.silences.append(
                Silence(
                    handle=self.me.person.handle,
                    rhythm=moment.rhythm,
                    turn=moment.turn,
                    side=waiting.side,
                    on=wanted,
                    rule=rule,
                    why=why,
                )
            )

    # -- the message --------------------------------------------------------------------------------------------------

    def _each_once(self, batch: list[Waiting]) -> list[Waiting]:
        """Leave out that a date has moved where the moment is asked about anyway: its words name the date."""
        asked = {(one.moment.rhythm, one.moment.turn, one.side) for one in batch if one.ask in ASKS}
        moved = [one for one in batch if one.ask is Ask.MOVED]
        twice = [one for one in moved if (one.moment.rhythm, one.moment.turn, one.side) in asked]
        return [one for one in batch if not any(one is other for other in twice)]

    def _by_itself(self, batch: list[Waiting], day: int) -> list[Waiting]:
        """Keep apart what does not share a message: a mention, which has its own hour, and a soft return from leave.

        A mention gives way to what would be lost by it: it leaves out one name, and no more.
        """
        mentions = [one for one in batch if one.ask is Ask.MENTION]
        others = [one for one in batch if one.ask is not Ask.MENTION]
        if mentions and (any(one.last < day + 7 for one in others) or self._lost_by(day)):
            for mention in mentions:
                self._silent(mention, "caps", "another message goes out that day")
            if not others:
                return self._coming_along(day)
            mentions, batch = [], others
        alone = mentions[0] if mentions else next((one for one in batch if _is_return(one)), None)
        if alone is None:
            return batch
        for waiting in batch:
            if waiting is not alone:
                self.add(waiting._replace(wanted=max(waiting.wanted, day + 1)))
        return [alone]

    def _lost_by(self, day: int) -> bool:
        """Say whether something wanted within the week would be over before there is room again after a day."""
        room_again = self._room_after(day)
        soon = self._queue[self._head : bisect_left(self._queue, (day + 7,), lo=self._head)]
        return any(entry[-1].last < room_again and entry[-1].fixed_at is None for entry in soon)

    def _room_after(self, day: int) -> int:
        """Give the first day with room once something is said on a day; as far as the almanac goes."""
        if self._per_week == 1 and (not self._sent or self._sent[-1] <= day):
            room_again = self.days.next(day + 7)  # the common case, in one step
            if room_again == NEVER or self._due_on(room_again) is not None:
                return min(room_again, self.days.last)
        insort(self._sent, day)
        room_again = self._room_from(day + 1)
        self._sent.remove(day)
        return min(room_again, self.days.last)

    def _coming_along(self, day: int) -> list[Waiting]:
        """Take along what is wanted within the week and would be over before there is room again."""
        end = bisect_left(self._queue, (day + 7,), lo=self._head)
        if end == self._head:
            return []
        found: list[Waiting] = []
        room_again = self._room_after(day)
        soon = self._queue[self._head : end]
        lost = [one for one in soon if one[-1].last < room_again and one[-1].fixed_at is None]
        lost = [one for one in lost if not _is_return(one[-1])]
        for entry in lost:
            self._queue.remove(entry)
        for entry in lost:
            ready = self._ready(entry[-1], day)  # may have it wait for another day
            if ready is not None:
                found.append(ready)
        return found

    def _message(self, batch: list[Waiting], day: int, due_at: datetime) -> Message:
        insort(self._sent, day)
        as_date = date.fromordinal(day)
        parts = tuple(_part(waiting) for waiting in batch)
        for waiting in batch:
            if waiting.rhythm.fades and waiting.ask in ASKS:
                key = (waiting.moment.rhythm, waiting.side, waiting.member.person.id)
                self._fading[key] = Fading(asks=ASKS.index(waiting.ask) + 1, last=day)
            elif waiting.rhythm.again_after_days and waiting.ask in ASKS and waiting.side is Side.MEMBER:
                self._ask_again(waiting, day)
        mention = parts[0].ask is Ask.MENTION
        ways = () if mention else self.ways(private=any(part.private for part in parts))
        person = self.me.person
        return Message(
            key=f"nudge:{self.policy.slug}:{person.handle}:{as_date.isoformat()}",
            person_id=person.id,
            handle=person.handle,
            on=as_date,
            due_at=due_at,
            ways=ways,
            parts=parts,
        )

    def _ask_again(self, waiting: Waiting, day: int) -> None:
        following = again(waiting.rhythm, waiting.moment, asks=ASKS.index(waiting.ask) + 1, last=day)
        if following is not None and following <= waiting.last:
            asks = ASKS.index(waiting.ask) + 1
            self.add(waiting._replace(wanted=following, ask=ASKS[asks]))


def again(rhythm: Rhythm, moment: Moment, *, asks: int, last: int) -> int | None:
    """Give the day on which a moment may be asked about once more after so many asks; None when it is not."""
    if asks >= MOST_ASKS or asks > len(rhythm.again_after_days):
        return None
    offset = moment.opens_on.toordinal() + rhythm.again_after_days[asks - 1]
    return max(offset, last + LEAST_DAYS_BETWEEN_ASKS)


def asks_before(asked: tuple[Asked, ...], moment: Moment, side: Side, member_id: int) -> Iterator[Asked]:
    """Yield what was said about a moment already, in order."""
    if not asked:
        return iter(())
    wanted = (moment.rhythm, moment.turn, side, member_id)
    return (one for one in asked if (one.rhythm, one.turn, one.side, one.member_id) == wanted)


def is_return(rhythm: Rhythm) -> bool:
    """Say whether a rhythm is the soft return from a leave."""
    return isinstance(rhythm, Clock) and rhythm.since is Start.LEAVE_ENDED


def _is_return(waiting: Waiting) -> bool:
    return is_return(waiting.rhythm) and waiting.side is Side.MEMBER


def _part(waiting: Waiting) -> Part:
    moment = waiting.moment
    return Part(
        rhythm=moment.rhythm,
        turn=moment.turn,
        side=waiting.side,
        ask=waiting.ask,
        member_id=waiting.member.person.id,
        counts_from_on=moment.counts_from_on,
        closes_on=moment.closes_on,
        # That somebody did not answer is for their helper's eyes only.
        private=waiting.rhythm.private or waiting.ask is Ask.AVAILABLE,
    )


def midnight(day: date, standing: Standing, policy: Policy) -> datetime:
    """Give the instant a day begins for a person, as aware UTC."""
    return local_instant(day, time(0), own_zone(standing.person, policy.organisation)).astimezone(UTC)
