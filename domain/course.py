"""One person's course through time: what is waiting to be asked, and which day has room for it.

Everything that waits for a person is kept in order of the day it is wanted on. The first day of theirs with room in the
caps takes along all that waits by then, as one digest; what would otherwise be lost to the caps comes along early.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from operator import attrgetter
from typing import NamedTuple

from domain.almanac import NEVER, OwnDays
from domain.channels import ways_to
from domain.fading import Fading, ask_or_why_not, faded_already
from domain.moments import Asked, Moment, Standing
from domain.parts import ASKS, Ask, Part
from domain.people import local_instant, own_hours, own_zone
from domain.policy import Channel, Policy
from domain.rhythms import MOST_ASKS, Clock, Rhythm, Side, Start
from domain.rules import absent_because, is_before_joining

LEAST_DAYS_BETWEEN_ASKS = 14
# Looked at for everything that waits; a name of an enumeration is found slowly.
MEMBER = Side.MEMBER
MENTION, MOVED, AVAILABLE = Ask.MENTION, Ask.MOVED, Ask.AVAILABLE


class Message(NamedTuple):
    """One message to one person, with everything that waited for them; `on` is the day in their own zone.

    A message without a way is a mention in a team's thread, which one comment does for everybody. A tuple with names,
    as `Part` is.
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
    """Something that waits to be asked: from the day it is wanted to the last day it is of use (as ordinals).

    The order of the fields is the order of the queue: by the day it is wanted on; of one day by what it is, never by
    when it was laid out. `added` differs for everything that waits for a person, so nothing after it is compared.
    Of a `plain` one nothing is looked at on the day: it is said with whatever else there is, unless it is over.
    """

    wanted: int
    rhythm_name: str
    turn: str
    side: Side
    member_id: int
    added: int
    last: int
    rhythm: Rhythm
    moment: Moment
    member: Standing
    ask: Ask
    plain: bool = False
    fixed_at: datetime | None = None


# The instant of a day at an hour of a zone, None when it falls outside somebody's hours; for all alike in these.
Instants = dict[tuple[str, time, tuple[time, time]], dict[int, datetime | None]]


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
    _queue: deque[Waiting] = field(default_factory=deque)
    _count: int = 0
    _in_order: bool = False

    def __post_init__(self) -> None:
        organisation, person = self.policy.organisation, self.me.person
        self._id, self._handle = person.id, person.handle
        self._key = f"nudge:{self.policy.slug}:{person.handle}:"
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
        self._quiet_days = self.policy.caps.quiet_days
        self._faded_now: set[tuple[str, Side, int]] = set()
        self._next: int | None = None
        self._ways: dict[bool, tuple[Channel, ...]] = {}

    # -- what waits ---------------------------------------------------------------------------------------------------

    def add(
        self,
        wanted: int,
        last: int,
        rhythm: Rhythm,
        moment: Moment,
        side: Side,
        member: Standing,
        ask: Ask,
        *,
        plain: bool = False,
        fixed_at: datetime | None = None,
    ) -> None:
        """Have something wait. What is wanted first comes first, and of one day what was added first."""
        self._count += 1
        name, turn, member_id, place = moment.rhythm, moment.turn, member.person.id, self._count
        waiting = Waiting(
            wanted, name, turn, side, member_id, place, last, rhythm, moment, member, ask, plain, fixed_at
        )
        if self._in_order:
            self._next = None
            insort(self._queue, waiting)
        else:
            self._queue.append(waiting)

    def _put_off(self, waiting: Waiting, wanted: int) -> None:
        *_, last, rhythm, moment, member, ask, plain, fixed_at = waiting
        wanted = max(wanted, waiting.wanted)
        self.add(wanted, last, rhythm, moment, waiting.side, member, ask, plain=plain, fixed_at=fixed_at)

    def holds(self, moment: Moment, side: Side, member: Standing, ask: Ask) -> bool:
        """Say whether the same already waits; only where a role changes hands can it come twice."""
        same = (moment, side, member.person.id, ask)
        return any((one.moment, one.side, one.member_id, one.ask) == same for one in self._queue)

    def ways(self, *, private: bool) -> tuple[Channel, ...]:
        """Give the ways to the person."""
        if private not in self._ways:
            self._ways[private] = ways_to(self.policy, self.me, private=private)
        return self._ways[private]

    def next_day(self) -> int:
        """Give the first day on which something may be said, NEVER when there is none before the end."""
        if self._next is None:
            if not self._in_order:
                # Sorted once when all is laid out; what comes later is put in its place.
                self._queue = deque(sorted(self._queue))
                self._in_order = True
            done = self._over or not self._queue
            self._next = NEVER if done else self._with_room(max(self._queue[0].wanted, self.first))
        return self._next

    def step(self, day: int) -> Message | None:
        """Say what waits by a day of theirs that has room; None when all of it turned out not to be wanted."""
        self._next = None
        self._faded_now.clear()
        batch, apart = self._all_by(day)
        if not batch:
            return None
        shares = True
        if apart:
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

    def _all_by(self, day: int) -> tuple[list[Waiting], bool]:
        """Take from the queue what waits by a day and may be said on it; and say whether it may not all go together."""
        queue = self._queue
        waiting_by_then = []
        while queue and queue[0].wanted <= day:
            waiting_by_then.append(queue.popleft())
        if len(waiting_by_then) > 1:
            waiting_by_then.sort(key=_opens_on)
        batch, apart = [], False
        for waiting in waiting_by_then:
            if waiting.plain and day <= waiting.last:
                batch.append(waiting)
                continue
            ready = self._ready(waiting, day)  # may put it off, and so into the queue again
            if ready is not None:
                batch.append(ready)
                apart = apart or ready.ask is MENTION or ready.ask is MOVED or is_return(ready.rhythm)
        return batch, apart

    # -- the day ------------------------------------------------------------------------------------------------------

    def _with_room(self, wanted: int) -> int:
        """Find the first day of theirs from `wanted` on with room, NEVER when it lies past the end of the plan."""
        day = self._room_from(wanted)
        return day if day <= self._horizon else NEVER

    def _room_from(self, wanted: int) -> int:
        """Find the first day of theirs from `wanted` on which the caps leave room and their hours hold the instant."""
        if self._per_week == 1 and self._sent and wanted > self._sent[-1]:
            wanted = max(wanted, self._sent[-1] + 7)  # the common case: the days until then need no look
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
        if waiting.side is not MEMBER and waiting.member is not self.me:
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
        why = absent_because(member, on, before_joining=is_before_joining(waiting.rhythm))
        if not why:
            return waiting
        if member.left_on is not None and member.left_on <= on:
            self._silent(waiting, "member", why)
            return None
        if member.joined_on is not None and on < member.joined_on:
            self._wait(waiting, member.joined_on.toordinal(), "member", why)
            return None
        pause = next((one for one in member.pauses if one.covers(on)), None)
        ends = pause.last_on if pause is not None else None
        self._wait(waiting, NEVER if ends is None else ends.toordinal() + 1, "member", why)
        return None

    def _fade(self, waiting: Waiting) -> Waiting | None:
        moment, side, member_id = waiting.moment, waiting.side, waiting.member_id
        key = (moment.rhythm, side, member_id)
        if key in self._faded_now:
            self._silent(waiting, "decay", "another turn of it is said in the same message")
            return None
        fading = self._fading.get(key)
        if fading is None:
            fading = self._fading[key] = faded_already(waiting.rhythm, moment, side, member_id, self.me)
        ask, why_not = ask_or_why_not(fading, waiting.rhythm, moment, quiet_days=self._quiet_days)
        if ask is None:
            self._silent(waiting, "decay", why_not)
            return None
        self._faded_now.add(key)
        return waiting if waiting.ask is ask else waiting._replace(ask=ask)

    def _wait(self, waiting: Waiting, again: int, rule: str, why: str) -> None:
        if again > waiting.last:
            self._silent(waiting, rule, why)
        else:
            self._put_off(waiting, again)

    def close(self) -> None:
        """Say of what still waits, and is over before the end, that no day of theirs had room for it."""
        last = (self.until.astimezone(self._zone)).toordinal()
        for waiting in self._queue:
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
                self._put_off(waiting, day + 1)
        return [alone]

    def _lost_by(self, day: int) -> list[Waiting]:
        """Give what is wanted within the week and would be over before there is room again after a day.

        A mention is none of it: it has its own hour.
        """
        soon = []
        for waiting in self._queue:
            if waiting.wanted >= day + 7:
                break
            soon.append(waiting)
        if not soon:
            return soon
        room_again = self._room_after(day)
        return [one for one in soon if one.last < room_again and one.fixed_at is None]

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
        lost = [one for one in self._lost_by(day) if one.plain or not _is_return(one)]
        for waiting in lost:
            self._queue.remove(waiting)
        if len(lost) > 1:
            lost.sort(key=_opens_on)
        found = [self._ready(waiting, day) for waiting in lost]  # may have it wait for another day
        return [one for one in found if one is not None]

    def _message(self, batch: list[Waiting], day: int, due_at: datetime) -> Message:
        insort(self._sent, day)
        as_date = date.fromordinal(day)
        any_private = False
        parts = []
        for waiting in batch:
            rhythm, moment, ask = waiting.rhythm, waiting.moment, waiting.ask
            # That somebody did not answer is for their helper's eyes only.
            private = rhythm.private or ask is AVAILABLE
            any_private = any_private or private
            parts.append(
                Part(
                    waiting.rhythm_name,
                    waiting.turn,
                    waiting.side,
                    ask,
                    waiting.member_id,
                    moment.counts_from_on,
                    moment.closes_on,
                    private,
                )
            )
            if (rhythm.fades or rhythm.again_after_days) and ask in ASKS:
                self._remember(waiting, day)
        ways = () if batch[0].ask is MENTION else self.ways(private=any_private)
        key = f"{self._key}{as_date.isoformat()}"
        return Message(key, self._id, self._handle, as_date, due_at, ways, tuple(parts))

    def _remember(self, waiting: Waiting, day: int) -> None:
        """Keep in mind what is asked on a day: it fades, or is asked again later."""
        asks = ASKS.index(waiting.ask) + 1
        if waiting.rhythm.fades:
            self._fading[waiting.rhythm_name, waiting.side, waiting.member_id] = Fading(asks, day)
        elif waiting.side is MEMBER:
            following = again(waiting.rhythm, waiting.moment, asks=asks, last=day)
            if following is not None and following <= waiting.last:
                last, rhythm, moment, member = waiting.last, waiting.rhythm, waiting.moment, waiting.member
                self.add(following, last, rhythm, moment, MEMBER, member, ASKS[asks], plain=waiting.plain)


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
    return is_return(waiting.rhythm) and waiting.side is MEMBER


# Whatever has put it off since: of two turns the earlier is said.
_opens_on = attrgetter("moment.opens_on")
