"""Who hears what, when, and when Trellis stays silent: one pure function for preview, sending and explaining.

`plan` walks everybody's course through a span of time, day by day, and yields every message with its parts and, when
asked, every silence with its reason. The clock plans from it, `flask plan` prints it, the calendar shows its moments.
Rules 4 to 6 and 8 of the design.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from heapq import heapify, heappop, heappush, heapreplace
from operator import attrgetter
from typing import NamedTuple

from domain.almanac import NEVER, Almanac
from domain.channels import reaches
from domain.course import Course, Instants, Message, Silence, again, asks_before, is_return
from domain.moments import (
    Moment,
    Standing,
    done_already,
    done_because,
    moments_of,
    what_moments_ask,
)
from domain.parts import ASKS, Ask
from domain.people import Person, own_zone
from domain.policy import Channel, Policy
from domain.rhythms import Need, Rhythm, Side, Way, Windows
from domain.routing import HELPERS, partners_of, readers_of
from domain.rules import Case, first_against, own_rhythm, what_rules_ask
from domain.team import mention_at

# Looked at for every moment of everybody; a name of an enumeration is found slowly.
MEMBER, FIRST, PAUSE = Side.MEMBER, Ask.FIRST, Ask.PAUSE
IN_THREAD = (Channel.GITHUB,)  # a mention needs no way of its own: the thread is there
HELP_OPEN_DAYS = 30
# The almanac goes on after the plan: whether something would be lost hangs on when there is room again after a leave.
ALMANAC_AHEAD = timedelta(days=120)
DATES_AHEAD_DAYS = 28
# A moment may have opened this long ago and still be open; windows over half a year are not made.
LONGEST_OPEN = timedelta(days=400)


class Telling(NamedTuple):
    """What a rhythm has people told of, worked out once: a plan asks it for everybody.

    A `dated` one waits for milestones of the organisation. What a `plain` one says waits for nothing but a day.
    """

    name: str
    rhythm: Rhythm
    members: bool
    dated: bool
    mentions: bool
    partners: bool
    coordinators: bool
    plain: bool


class Turn(NamedTuple):
    """A moment with its first and last day as ordinals, counted once for all who share it."""

    opens: int
    closes: int
    moment: Moment


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What a span of time holds: messages in order of time, and why the rest stays unsaid (when that was asked for)."""

    messages: tuple[Message, ...]
    silences: tuple[Silence, ...]


def plan(
    policy: Policy,
    standings: Sequence[Standing],
    *,
    since: datetime,
    until: datetime,
    only: Collection[int] | None = None,
    with_silences: bool = False,
) -> Outlook:
    """Plan every message whose instant lies in [since, until), in order of time and person.

    `only` names, by id, whose messages are wanted; the others are there because their moments concern them. Nothing is
    planned before `since`: what could have been said earlier waits for the first hour of theirs from then on, so after
    any downtime a person gets one message. Instants are aware UTC.
    """
    return _Planning(policy, standings, since, until, only, with_silences).walk()


class _Planning:
    """One planning: everybody's course, walked together so that what one hears can bring something to another."""

    def __init__(
        self,
        policy: Policy,
        standings: Sequence[Standing],
        since: datetime,
        until: datetime,
        only: Collection[int] | None,
        with_silences: bool,
    ) -> None:
        self.policy = policy
        self.since, self.until = since, until
        self.silences: list[Silence] | None = [] if with_silences else None
        self.people: Mapping[str, Person] = {one.person.handle: one.person for one in standings}
        # A day of margin on either side: the same instant is another day elsewhere.
        # And a week ahead: what would be lost to the caps comes along although the span ends before its day.
        self.first, self.last = since.date() - timedelta(days=1), until.date() + timedelta(days=8)
        almanac = Almanac(policy, self.first, self.last + ALMANAC_AHEAD)
        instants: Instants = {}
        # Everybody's course is walked, for what one hears may bring something to another; only some are told of.
        self.only = {one.person.id for one in standings} if only is None else set(only)
        self.courses = {
            one.person.handle: Course(
                policy,
                one,
                almanac.days_of(one.person),
                since,
                until,
                self.silences if one.person.id in self.only else None,
                instants,
            )
            for one in sorted(standings, key=lambda one: one.person.handle)
        }
        # Who comes or goes while this is planned, and when: roles may change hands then.
        self.movers = {
            handle: days
            for handle, one in self.people.items()
            if (days := [day for day in (one.joined_on, one.left_on) if day is not None and day >= self.first])
        }
        self.coordinators = {handle for handle, one in self.people.items() if one.coordinator}
        # Whoever is alike in what the rules ask about is of one kind, and the rules are asked once for each.
        kinds: dict[tuple[object, ...], int] = {}
        self.kinds = {one.person.id: kinds.setdefault(what_rules_ask(one), len(kinds)) for one in standings}
        self.by_id = {one.person.id: one for one in standings}
        self._against: dict[tuple[str, int, tuple[Channel, ...]], tuple[str, str]] = {}
        self._turns: dict[tuple[str, tuple[object, ...]], tuple[Turn, ...]] = {}
        self._mentions: dict[tuple[str, str], datetime | None] = {}
        tellings = [_telling(name, rhythm) for name, rhythm in policy.rhythms.items()]
        for standing in standings:
            for telling in _own_tellings(policy, standing.person) if standing.person.own_rhythms else tellings:
                self._lay_out(telling, standing)
            self._lay_out_help(standing)

    def walk(self) -> Outlook:
        """Walk all courses in order of days."""
        messages: list[Message] = []
        # The day and whose course it is, as one number: a heap compares these quicker than pairs.
        courses = list(self.courses.values())
        crowd = len(courses)
        places = {handle: place for place, handle in enumerate(self.courses)}
        upcoming = [course.next_day() * crowd + place for place, course in enumerate(courses)]
        heapify(upcoming)
        while upcoming and upcoming[0] < NEVER * crowd:
            day, place = divmod(upcoming[0], crowd)
            course = courses[place]
            if course.next_day() != day:
                heappop(upcoming)
                continue  # something else came to wait meanwhile; it has an entry of its own
            message = course.step(day)
            heapreplace(upcoming, course.next_day() * crowd + place)
            if message is not None:
                if message.person_id in self.only:
                    messages.append(message)
                for helper in self._bring_help(message):
                    heappush(upcoming, self.courses[helper].next_day() * crowd + places[helper])
        for course in self.courses.values() if self.silences is not None else ():
            course.close()
        messages.sort(key=attrgetter("due_at", "handle"))
        return Outlook(messages=tuple(messages), silences=tuple(self.silences or ()))

    # -- laying out what waits ----------------------------------------------------------------------------------------

    def _lay_out(self, telling: Telling, member: Standing) -> None:
        """Have every side of a person's moments of one rhythm wait for whoever hears of them."""
        mine = self.courses.get(member.person.handle)
        if mine is not None and telling.members:
            self._lay_out_own(mine, telling, member)
        if mine is not None and telling.dated:
            for _, _, moment in self._turns_of(telling, member):
                if moment.problem:
                    self._lay_out_problem(mine, telling.rhythm, moment, member)
        if mine is not None and telling.mentions:
            for _, _, moment in self._turns_of(telling, member):
                self._lay_out_mention(mine, telling.rhythm, moment, member)
        if telling.partners or telling.coordinators:
            self._lay_out_partners(telling, member)

    def _lay_out_own(self, course: Course, telling: Telling, member: Standing) -> None:
        name, rhythm = telling.name, telling.rhythm
        rule, why = self._first_against(name, rhythm, course.me, member, course.ways(private=rhythm.private))
        if rule:
            self._silent(member, name, "", MEMBER, None, rule, why)
            return
        plain = telling.plain and not member.snoozes
        forgetful = _nothing_remembered(rhythm, member)
        for opens, closes, moment in self._turns_of(telling, member):
            if moment.trouble is not None:
                continue
            if forgetful:
                course.add(opens, closes, rhythm, moment, MEMBER, member, FIRST, plain=plain)
            else:
                self._lay_out_moment(course, rhythm, moment, member, plain=plain)

    def _lay_out_moment(self, course: Course, rhythm: Rhythm, moment: Moment, member: Standing, *, plain: bool) -> None:
        done = done_already(self.policy, rhythm, moment, member)
        if done:
            self._silent(member, moment.rhythm, moment.turn, Side.MEMBER, moment.opens_on, "done", done)
            return
        asked = list(asks_before(member.asked, moment, Side.MEMBER, member.person.id))
        asks = [one for one in asked if one.ask in ASKS]
        closes = moment.closes_on.toordinal()
        wanted: int | None = moment.opens_on.toordinal()
        if asks:
            last = max(one.on.toordinal() for one in asks)
            wanted = None if rhythm.fades else again(rhythm, moment, asks=len(asks), last=last)
        if wanted is not None and wanted <= closes:
            course.add(wanted, closes, rhythm, moment, MEMBER, member, ASKS[len(asks)], plain=plain)
        told = [one for one in asked if one.ask in ASKS or one.ask is Ask.MOVED]
        known = any(one.ask is Ask.MOVED and one.closes_on == moment.closes_on for one in told)
        if told and not known and isinstance(rhythm, Windows) and told[-1].closes_on != moment.closes_on:
            course.add(course.first, closes, rhythm, moment, MEMBER, member, Ask.MOVED)

    def _lay_out_mention(self, course: Course, rhythm: Rhythm, moment: Moment, member: Standing) -> None:
        person = member.person
        if person.loomio_username is None:
            return
        key = (moment.rhythm, moment.turn)
        if key not in self._mentions:
            self._mentions[key] = mention_at(self.policy, rhythm, moment)
        fixed_at = self._mentions[key]
        if fixed_at is None or done_because(moment, rhythm, member):
            return
        if self._first_against(moment.rhythm, rhythm, member, member, IN_THREAD)[0]:
            return
        if any(one.ask is Ask.MENTION for one in asks_before(member.asked, moment, Side.MEMBER, person.id)):
            return
        on = fixed_at.astimezone(own_zone(person, self.policy.organisation)).toordinal()
        if on >= course.first:
            course.add(on, on, rhythm, moment, MEMBER, member, Ask.MENTION, fixed_at=fixed_at)

    def _lay_out_problem(self, course: Course, rhythm: Rhythm, moment: Moment, member: Standing) -> None:
        """Tell a coordinator once which date is wanted; nobody else hears anything, and nothing is guessed (row 9)."""
        asked = asks_before(member.asked, moment, Side.COORDINATOR, member.person.id)
        hears = member.person.coordinator and rhythm.on and reaches(self.policy, member, private=rhythm.private)
        if hears and not any(one.ask is Ask.DATES for one in asked):
            wanted = moment.opens_on.toordinal() - DATES_AHEAD_DAYS
            course.add(wanted, moment.closes_on.toordinal(), rhythm, moment, Side.COORDINATOR, member, Ask.DATES)
        self._silent(member, moment.rhythm, moment.turn, Side.MEMBER, moment.opens_on, "dates", moment.problem)

    def _lay_out_partners(self, telling: Telling, member: Standing) -> None:
        name, rhythm, person = telling.name, telling.rhythm, member.person
        readers = {person.relations[role] for role in rhythm.partners if role in person.relations}
        readers.add(self.policy.organisation.fallback_contact)
        readers.update(one.promised_by for one in member.commitments)
        if telling.coordinators:
            readers |= self.coordinators
        elif self.courses.keys().isdisjoint(readers):
            return
        against: dict[str, tuple[str, str]] = {}
        moving = {day for handle in readers & self.movers.keys() for day in self.movers[handle]}
        # Whoever is here all along needs no look on the day.
        stays = person.left_on is None and not person.pauses
        stays = stays and (person.joined_on is None or person.joined_on <= self.first)
        settled: tuple[Side, Sequence[Person]] | None = None
        for turn in self._turns_of(telling, member):
            moment = turn.moment
            if moment.trouble is not None or done_because(moment, rhythm, member):
                continue
            for from_on in self._seats_change(moving, moment):
                if settled is None or moment.promised_by or moving:
                    settled = readers_of(self.policy, rhythm, moment.promised_by, person, self.people, from_on)
                side, found = settled
                for other in found:
                    course = self.courses.get(other.handle)
                    if course is not None:
                        if other.handle not in against:
                            ways = course.ways(private=rhythm.private)
                            against[other.handle] = self._first_against(name, rhythm, course.me, member, ways)
                        rule, why = against[other.handle]
                        if rule:
                            self._silent(course.me, name, moment.turn, side, moment.opens_on, rule, why)
                        else:
                            self._lay_out_partner(course, rhythm, turn, side, member, from_on, stays=stays)

    def _seats_change(self, moving: Collection[date], moment: Moment) -> Sequence[date]:
        """Give the days from which somebody else may hold a role: the opening, and when one of them comes or goes."""
        from_on = max(moment.opens_on, self.first)
        if not moving:
            return (from_on,)
        return (from_on, *sorted(day for day in moving if from_on < day <= moment.closes_on))

    def _lay_out_partner(
        self,
        course: Course,
        rhythm: Rhythm,
        turn: Turn,
        side: Side,
        member: Standing,
        from_on: date,
        *,
        stays: bool,
    ) -> None:
        opens, closes, moment = turn
        if any(asks_before(course.me.asked, moment, side, member.person.id)):
            return
        late = from_on > moment.opens_on
        if late and course.holds(moment, side, member, FIRST):
            return
        wanted = from_on.toordinal() if late else opens
        course.add(wanted, closes, rhythm, moment, side, member, FIRST, plain=stays and not course.me.snoozes)

    def _lay_out_help(self, member: Standing) -> None:
        """Tell a helper of what was asked three times already; those asked further on are told as they are walked."""
        for asked in member.asked:
            if asked.ask is Ask.PAUSE and asked.side is Side.MEMBER and asked.rhythm in self.policy.rhythms:
                wrote_at = member.objective.last_wrote_at if member.objective is not None else None
                answered = wrote_at is not None and wrote_at >= asked.at
                answered = answered or any(held.rhythm == asked.rhythm and held.on >= asked.on for held in member.held)
                if not answered:
                    self._help(member, asked.rhythm, asked.turn, asked.at)

    def _bring_help(self, message: Message) -> list[str]:
        found: list[str] = []
        for part in message.parts:
            if part.ask is PAUSE and part.side is MEMBER:
                helper = self._help(self.by_id[message.person_id], part.rhythm, part.turn, message.due_at)
                if helper is not None:
                    found.append(helper)
        return found

    def _help(self, member: Standing, name: str, turn: str, at: datetime) -> str | None:
        """Have one helper told to be available from the day after somebody was asked three times (row 65)."""
        rhythm = self.policy.rhythms[name]
        helpers = partners_of(self.policy, member.person, rhythm.partners or HELPERS, self.people, at.date())
        course = self.courses.get(helpers[0].handle) if helpers else None
        if course is None or not reaches(self.policy, course.me, private=True):
            return None
        # The day after, by the helper's own calendar.
        from_on = at.astimezone(own_zone(course.me.person, self.policy.organisation)).date() + timedelta(days=1)
        moment = Moment(
            rhythm=name,
            turn=turn,
            opens_on=from_on,
            closes_on=from_on + timedelta(days=HELP_OPEN_DAYS),
            counts_from_on=from_on,
        )
        told = asks_before(course.me.asked, moment, Side.PARTNER, member.person.id)
        if any(one.ask is Ask.AVAILABLE for one in told):
            return None
        wanted = from_on.toordinal()
        course.add(wanted, wanted + HELP_OPEN_DAYS, rhythm, moment, Side.PARTNER, member, Ask.AVAILABLE)
        return course.me.person.handle

    # -- small things -------------------------------------------------------------------------------------------------

    def _first_against(
        self, name: str, rhythm: Rhythm, reader: Standing, member: Standing, ways: tuple[Channel, ...]
    ) -> tuple[str, str]:
        """Ask the rules once for all who are alike in what the rules ask about; a say of one's own is asked alone."""
        if member.person.own_rhythms or reader.person.own_rhythms:
            return first_against(Case(name=name, rhythm=rhythm, reader=reader, member=member, ways=ways))
        key = (name, self.kinds[member.person.id], ways)
        if key not in self._against:
            case = Case(name=name, rhythm=rhythm, reader=reader, member=member, ways=ways)
            self._against[key] = first_against(case)
        return self._against[key]

    def _turns_of(self, telling: Telling, member: Standing) -> Sequence[Turn]:
        """Work out a person's moments once for all who are alike in what these hang on."""
        name, rhythm, until = telling.name, telling.rhythm, self.last
        if self.policy.rhythms[name] is not rhythm:
            return _turns(moments_of(self.policy, name, rhythm, member, since=self.first, until=until))
        key = (name, what_moments_ask(self.policy, rhythm, member))
        if key not in self._turns:
            if isinstance(rhythm, Windows):
                until += timedelta(days=DATES_AHEAD_DAYS)  # dates are asked for weeks before the window
            self._turns[key] = _turns(moments_of(self.policy, name, rhythm, member, since=self.first, until=until))
        return self._turns[key]

    def _silent(self, reader: Standing, name: str, turn: str, side: Side, on: date | None, rule: str, why: str) -> None:
        if self.silences is not None and reader.person.id in self.only:
            self.silences.append(
                Silence(handle=reader.person.handle, rhythm=name, turn=turn, side=side, on=on, rule=rule, why=why)
            )


def _own_tellings(policy: Policy, person: Person) -> Iterator[Telling]:
    return (_telling(name, own_rhythm(policy, person, name)) for name in policy.rhythms)


def _telling(name: str, rhythm: Rhythm) -> Telling:
    return Telling(
        name=name,
        rhythm=rhythm,
        members=Side.MEMBER in rhythm.tells,
        dated=isinstance(rhythm, Windows) and bool(rhythm.not_before or rhythm.before),
        mentions=rhythm.on and rhythm.mention_days_before_close is not None,
        partners=rhythm.on and Side.PARTNER in rhythm.tells,
        coordinators=rhythm.on and Side.COORDINATOR in rhythm.tells,
        plain=not rhythm.fades and not is_return(rhythm),
    )


def _turns(moments: Iterable[Moment]) -> tuple[Turn, ...]:
    return tuple(Turn(one.opens_on.toordinal(), one.closes_on.toordinal(), one) for one in moments)


def _nothing_remembered(rhythm: Rhythm, member: Standing) -> bool:
    """Say whether nothing that a person did or heard can bear on a rhythm, which is so in most of a plan of a year."""
    if member.held or member.asked or Need.UNUSED_TICKET in rhythm.needs:
        return False
    return Way.WROTE not in rhythm.done_by or member.objective is None or member.objective.last_wrote_at is None
