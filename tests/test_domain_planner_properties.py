"""What has to hold for every policy, crowd, zone and clock, searched by hypothesis: purity, seams and manners."""

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.course import Message
from domain.moments import Commitment, Held, How, Moment, Standing, done_because, moments_of, what_moments_ask
from domain.parts import Ask, Part
from domain.people import OwnRhythm, Pause, Person, Snooze
from domain.planner import Outlook, plan
from domain.policy import (
    CapsPolicy,
    Channel,
    ChannelsPolicy,
    OrganisationPolicy,
    Policy,
    TicketPolicy,
    Weekday,
    YearRule,
)
from domain.rhythms import (
    Audience,
    Clock,
    Entitlement,
    Interval,
    Need,
    Rhythm,
    Role,
    Side,
    Start,
    TeamPart,
    Way,
    Window,
    Windows,
)
from domain.routing import partners_of
from domain.rules import own_rhythm
from tests.cast import POLICY, a_standing, after, an_objective

ZONES = tuple(
    ZoneInfo(name)
    for name in (
        "Europe/Lisbon",
        "Pacific/Pago_Pago",
        "Pacific/Kiritimati",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",  # half an hour of summer time
        "America/Santiago",  # changes at midnight
        "Antarctica/Troll",  # two hours of summer time
    )
)
MEMBER, PARTNER, COORDINATOR = Side.MEMBER, Side.PARTNER, Side.COORDINATOR
T = TypeVar("T")
# Days on which clocks change somewhere, leap days and the new year lie close to these.
AROUND = tuple(date(*day) for day in ((2027, 3, 20), (2027, 3, 30), (2027, 9, 28), (2028, 2, 20), (2027, 12, 20)))


class Dice:
    """Makes cases in which much happens; hypothesis turns the dice, and turns them back to the least that fails."""

    def __init__(self, chance: random.Random, around: date) -> None:
        self.chance = chance
        self.around = around

    def day(self, least: int = -40, most: int = 60) -> date:
        return self.around + timedelta(days=self.chance.randint(least, most))

    def one_in(self, number: int) -> bool:
        return self.chance.randint(1, number) == number

    def of(self, *found: T) -> T:
        return self.chance.choice(found)

    def manners(self) -> dict[str, Any]:
        return {
            "on": not self.one_in(12),
            "who": Audience.COORDINATORS if self.one_in(10) else Audience.EVERYBODY,
            "partners": self.of((), (Role.MANAGER,), (Role.MANAGER, Role.BUDDY), (Role.PARTNER,)),
            "tells": self.of((MEMBER,), (MEMBER, PARTNER), (MEMBER, PARTNER), (PARTNER, COORDINATOR)),
            "private": self.one_in(3),
            "choice": "career-talk" if self.one_in(10) else "",
            "done_by": (Way.WROTE,) if self.one_in(4) else (),
            "needs": (Need.OBJECTIVE,) if self.one_in(5) else (),
            "again_after_days": self.of((), (7,), (14, 20), (20, 40)),
        }

    def rhythm(self) -> Rhythm:
        length, common = self.of(0, 1, 2, 5, 8, 20, 45), self.manners()
        match self.chance.randint(0, 5):
            case 0 | 1:
                opens_on = self.day(-30, 40)
                closes_on = opens_on + timedelta(days=length)
                gate = self.of(("", ""), ("", ""), ("goals", "budget"), ("", "budget"))
                return Windows(
                    **common,
                    windows=(Window(opens=f"{opens_on:%m-%d}", closes=f"{closes_on:%m-%d}"),),
                    not_before=gate[0],
                    before=gate[1],
                    team=self.of(None, TeamPart.THREAD),
                    mention_days_before_close=self.of(1, 3, 10, 20),
                )
            case 2 | 3:
                monthly = self.one_in(3)
                return Interval(
                    **common,
                    anchor_on=self.day(-60, 10),
                    every_days=None if monthly else self.chance.randint(2, 20),
                    every_months=self.chance.randint(1, 3) if monthly else None,
                    open_days=length,
                    fades=self.of(True, False),
                )
            case 4:
                months = sorted(self.chance.sample(range(12), 2))
                unused = common | {"needs": (Need.UNUSED_TICKET,)}
                return Entitlement(**unused, after_months=tuple(months), open_days=length)
            case _:
                since = self.of(*Start, Start.JOINED, Start.LEAVE_ENDED)
                first = self.of(-7, 0, 3) if since is Start.JOINED else self.of(0, 3, 10)
                return Clock(
                    **common,
                    since=since,
                    after="r0",
                    after_days=(first, first + self.chance.randint(1, 20)) if self.one_in(2) else (first,),
                    after_months=self.of((), (1,), (1, 3)),
                    repeat_months=self.of(None, None, 2),
                    open_days=length,
                )

    def pause(self) -> Pause:
        first_on = self.day()
        length = self.of(0, 1, 3, 10, 20, 50)
        return Pause(first_on=first_on, last_on=None if self.one_in(8) else first_on + timedelta(days=length))

    def person(self, number: int, crowd: int) -> Person:
        """Somebody who may be on leave, newly here or gone, by day or by night."""
        hours_from = self.chance.randint(0, 90)
        hours_until = self.chance.randint(hours_from + 1, 95)
        own_hours = self.one_in(3)
        others = [f"p{n}" for n in range(crowd)] + ["nobody"]
        return Person(
            id=number + 1,
            handle=f"p{number}",
            name=f"Person {number}",
            github_login=f"login-{number}",
            loomio_username=self.of(None, f"p{number}"),
            mail=None if self.one_in(8) else f"p{number}@fennel.example",
            channel=self.of(*Channel) if self.one_in(6) else None,
            zone=self.of(None, *ZONES),
            working_days=self.of(None, tuple(Weekday), tuple(self.chance.sample(list(Weekday), 3))),
            holidays_of=self.of(None, "PT"),
            hours_from=time(hours_from // 4, hours_from % 4 * 15) if own_hours else None,
            hours_until=time(hours_until // 4, hours_until % 4 * 15) if own_hours else None,
            joined_on=self.day(-100, 40) if self.one_in(3) else None,
            left_on=self.day() if self.one_in(6) else None,
            coordinator=self.of(True, False),
            choices=frozenset({"career-talk"}) if self.one_in(2) else frozenset(),
            relations={role: self.of(*others) for role in (Role.MANAGER, Role.BUDDY, Role.PARTNER) if self.one_in(2)},
            own_rhythms={"r0": OwnRhythm(on=self.of(None, True, False), every_days=self.of(None, 9))}
            if self.one_in(6)
            else {},
            pauses=tuple(self.pause() for _ in range(self.of(0, 0, 1, 2))),
        )

    def standing(self, person: Person, names: Sequence[str], crowd: int) -> Standing:
        start = datetime.combine(self.around, time(0), tzinfo=UTC)
        wrote_at = start - timedelta(minutes=self.chance.randint(0, 30 * 24 * 60)) if self.one_in(3) else None
        goal = an_objective(10 + person.id, person_id=person.id, last_wrote_at=wrote_at, opened_at=start)
        has_goal = not self.one_in(4)
        promises = [self.day() for _ in range(self.of(0, 0, 1, 2))]
        snoozes = []
        if self.one_in(5):
            on, last_on = self.day(-20, 20), self.day(20, 40)
            snoozes = [Snooze(rhythm=self.of(None, *names), first_on=on, last_on=self.of(None, last_on))]
        return a_standing(
            person,
            objective=goal if has_goal else None,
            without_since_on=None if has_goal else self.day(-30, 10),
            held=(Held(rhythm="r0", turn="x", how=self.of(*How), on=self.day(-30, -2)),) if self.one_in(3) else (),
            commitments=tuple(
                Commitment(
                    id=n,
                    promised_by=f"p{self.chance.randrange(crowd)}",
                    made_on=on - timedelta(days=90),
                    look_back_on=on,
                )
                for n, on in enumerate(promises)
            ),
            snoozes=tuple(snoozes),
            ticket_years=frozenset({"2027"}) if self.one_in(3) else frozenset(),
        )

    def policy(self) -> Policy:
        milestones = {name: (self.day(),) for name in ("goals", "budget") if not self.one_in(4)}
        return replace(
            POLICY,
            organisation=OrganisationPolicy(
                name="Anywhere",
                zone=self.of(*ZONES),
                nudge_at=self.of(time(10), time(2, 30), time(16, 45)),
                holidays=(self.day(0, 60), self.day(0, 60)),
                milestones=milestones,
                fallback_contact=self.of("", "p0"),
            ),
            public_holidays={"PT": {self.day(0, 5), self.day(0, 60)}},
            ticket=TicketPolicy(year=self.of(*YearRule)),
            caps=CapsPolicy(per_week=self.of(1, 1, 2, 3), quiet_days=self.of(90, 30), settle_days=self.of(7, 0)),
            channels=ChannelsPolicy(
                order=self.of((Channel.GITHUB, Channel.MAIL), (Channel.MAIL,), (Channel.GITHUB,)),
                sender="trellis@fennel.example",
            ),
            rhythms={f"r{n}": self.rhythm() for n in range(self.chance.randint(1, 5))},
        )


@dataclass(frozen=True)
class Case:
    """A policy, a crowd, and instants in order."""

    policy: Policy
    crowd: tuple[Standing, ...]
    instants: tuple[datetime, ...]

    def plan(self, **changes: Any) -> Outlook:
        whole: dict[str, Any] = {"since": self.instants[0], "until": self.instants[-1], "with_silences": True}
        return plan(self.policy, self.crowd, **(whole | changes))


def a_case(chance: random.Random, *, seams: int = 0, days: int = 120) -> Case:
    around = chance.choice(AROUND)
    dice = Dice(chance, around)
    start = datetime.combine(around, time(0), tzinfo=UTC) + timedelta(minutes=chance.randrange(24 * 60))
    offsets = sorted(chance.randint(0, days * 24 * 60) for _ in range(seams))
    policy, number = dice.policy(), chance.randint(1, 3)
    people = [dice.person(n, number) for n in range(number)]
    crowd = tuple(dice.standing(one, sorted(policy.rhythms), number) for one in people)
    instants = [start + timedelta(minutes=offset) for offset in (*offsets, days * 24 * 60)]
    return Case(policy, crowd, (start, *instants))


SEEDS = st.randoms(use_true_random=False)


@st.composite
def cases(draw: st.DrawFn, /, **changes: int) -> Case:
    return a_case(draw(SEEDS), **changes)


SOME = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
MORE = settings(SOME, max_examples=120)


# -- the rules, said once more and apart from the planner --------------------------------------------------------------


def may_be_written_to(person: Person, day: date, policy: Policy) -> bool:
    organisation, caps = policy.organisation, policy.caps
    weekdays = organisation.working_days if person.working_days is None else person.working_days
    joined, left = person.joined_on or date.min, person.left_on or date.max
    for pause in person.pauses:
        last = pause.last_on or date.max
        long = pause.last_on is not None and (last - pause.first_on).days + 1 >= caps.settle_after_days
        if pause.first_on <= day <= (last + timedelta(days=caps.settle_days) if long else last):
            return False
    if person.joined_on is not None and day < joined + timedelta(days=caps.settle_days):
        return False
    return (
        Weekday.of(day) in weekdays
        and day not in organisation.holidays
        and not (person.holidays_of and day in policy.public_holidays[person.holidays_of])
        and joined <= day < left
    )


def wall(message: Message, person: Person, policy: Policy) -> datetime:
    return message.due_at.astimezone(person.zone or policy.organisation.zone)


def check_day_and_hour(message: Message, person: Person, policy: Policy) -> None:
    here = wall(message, person, policy)
    assert here.date() == message.on
    assert may_be_written_to(person, message.on, policy)
    hours_from = person.hours_from or policy.organisation.hours_from
    hours_until = person.hours_until or policy.organisation.hours_until
    assert hours_from <= here.time() < hours_until


def check_parts(message: Message, standing: Standing, case: Case) -> None:
    assert message.parts
    assert Channel.GITHUB not in message.ways or not any(part.private for part in message.parts)
    if message.parts[0].ask is Ask.MENTION:
        assert (len(message.parts), message.ways) == (1, ())
        assert standing.person.loomio_username
    else:
        assert message.ways, "what is no mention has a way"
        assert message.ways[0] is not Channel.PAGE
    returns = [part for part in message.parts if _is_return(case.policy, part)]
    assert not returns or len(message.parts) == 1, "a soft return goes by itself"
    for part in message.parts:
        rhythm = case.policy.rhythms[part.rhythm]
        assert part.closes_on >= message.on
        assert part.private or not rhythm.private
        assert part.ask is not Ask.AVAILABLE or part.private
        if isinstance(rhythm, Interval) and rhythm.fades and part.side is MEMBER:
            assert [one.rhythm for one in message.parts if one.side is MEMBER].count(part.rhythm) == 1
        assert (part.member_id == standing.person.id) is (part.side is MEMBER or part.ask is Ask.DATES)
        assert not any(one.covers(message.on, part.rhythm, part.turn) for one in standing.snoozes)
        if part.side is not MEMBER and part.ask is not Ask.DATES:
            [member] = [one.person for one in case.crowd if one.person.id == part.member_id]
            assert not member.paused_on(message.on)
            assert member.left_on is None or message.on < member.left_on
            early = isinstance(rhythm, Clock) and min(rhythm.after_days, default=0) < 0
            assert early or member.joined_on is None or member.joined_on <= message.on


def _is_return(policy: Policy, part: Part) -> bool:
    rhythm = policy.rhythms[part.rhythm]
    return isinstance(rhythm, Clock) and rhythm.since is Start.LEAVE_ENDED and part.side is MEMBER


def check_caps(days: Sequence[date], policy: Policy) -> None:
    """One message a day, and no more than the cap in any seven days in a row."""
    assert len(set(days)) == len(days)
    for day in days:
        assert sum(day <= one < day + timedelta(days=7) for one in days) <= policy.caps.per_week


def said(messages: Iterable[Message]) -> list[tuple[object, ...]]:
    return [(one.handle, one.on, part._replace(closes_on=date.max)) for one in messages for part in one.parts]


def once_each(messages: Iterable[Message]) -> None:
    everything = Counter(
        (one.person_id, part.rhythm, part.turn, part.side, part.member_id, part.ask)
        for one in messages
        for part in one.parts
    )
    assert [one for one, count in everything.items() if count > 1] == []


def alike(messages: Iterable[Message]) -> list[tuple[object, ...]]:
    """Messages without the order of their parts."""
    return [(one.key, one.due_at, one.ways, frozenset(one.parts)) for one in messages]


# -- one plan ----------------------------------------------------------------------------------------------------------


@MORE
@given(cases())
def test_nobody_is_written_to_but_on_their_own_days_in_their_own_hours_within_the_caps(case: Case) -> None:
    found = case.plan().messages
    by_id = {one.person.id: one for one in case.crowd}
    once_each(found)
    assert len({one.key for one in found}) == len(found)
    for message in found:
        assert case.instants[0] <= message.due_at < case.instants[-1]
        check_day_and_hour(message, by_id[message.person_id].person, case.policy)
        check_parts(message, by_id[message.person_id], case)
    for standing in case.crowd:
        check_caps([one.on for one in found if one.person_id == standing.person.id], case.policy)


@MORE
@given(cases())
def test_nobody_is_asked_before_the_opening_or_more_often_than_a_turn_allows(case: Case) -> None:
    for standing in case.crowd:
        mine = [one for one in case.plan().messages if one.person_id == standing.person.id]
        asks: dict[tuple[str, str, Side, int], list[tuple[Ask, date]]] = {}
        for message in mine:
            for part in message.parts:
                if part.ask in (Ask.FIRST, Ask.AGAIN, Ask.PAUSE):
                    where = (part.rhythm, part.turn, part.side, part.member_id)
                    asks.setdefault(where, []).append((part.ask, message.on))
        for (name, _, side, _), found in asks.items():
            rhythm = case.policy.rhythms[name]
            fades = isinstance(rhythm, Interval) and rhythm.fades
            assert len(found) <= (1 if fades or side is not MEMBER else 1 + len(rhythm.again_after_days))
            if not fades:
                assert [ask for ask, _ in found] == [Ask.FIRST, Ask.AGAIN, Ask.PAUSE][: len(found)]
            for (_, before), (_, later) in itertools.pairwise(found):
                assert (later - before).days >= 7


def wanted_by(case: Case, standing: Standing) -> Iterator[tuple[str, Moment]]:
    """The moments that a member should have heard of by the end, or been told about in a silence."""
    zone = standing.person.zone or case.policy.organisation.zone
    # Hours of the night may lie on either side of an instant: whatever ends a day before the end has ended.
    first, last = (at.astimezone(zone).date() for at in (case.instants[0], case.instants[-1]))
    for name in case.policy.rhythms:
        rhythm = own_rhythm(case.policy, standing.person, name)
        for moment in moments_of(case.policy, name, rhythm, standing, since=first, until=last):
            if first + timedelta(days=1) <= moment.closes_on < last - timedelta(days=1) and not moment.problem:
                yield name, moment


def all_but_one_thing_of(one: Standing, dice: Dice) -> Standing:
    """Somebody with another's life here but for one thing, which is drawn anew."""
    new = dice.standing(dice.person(1, 2), ["r0"], 2)
    person = replace(new.person, joined_on=one.person.joined_on, pauses=one.person.pauses)
    alike = replace(one, person=person)
    match dice.of("joined_on", "pauses", "objective", "without_since_on", "held", "commitments"):
        case "joined_on":
            return replace(alike, person=replace(person, joined_on=dice.day(-100, 0)))
        case "pauses":
            return replace(alike, person=replace(person, pauses=(dice.pause(), dice.pause())))
        case thing:
            return replace(alike, **{thing: getattr(new, thing)})


@SOME
@given(SEEDS)
def test_who_is_alike_in_what_moments_ask_has_the_same_moments(chance: random.Random) -> None:
    dice = Dice(chance, chance.choice(AROUND))
    policy = dice.policy()
    person = replace(dice.person(0, 2), joined_on=dice.day(-100, 0))
    one = dice.standing(person, ["r0"], 2)
    since, until = dice.around - timedelta(days=100), dice.around + timedelta(days=400)
    for rhythm in [dice.rhythm() for _ in range(20)]:
        people = (one, all_but_one_thing_of(one, dice))
        mine, theirs = (list(moments_of(policy, "r", rhythm, who, since=since, until=until)) for who in people)
        what_is_mine, what_is_theirs = (what_moments_ask(policy, rhythm, who) for who in people)
        assert mine == theirs or what_is_mine != what_is_theirs


@MORE
@given(cases())
def test_every_moment_is_said_or_has_its_reason(case: Case) -> None:
    found = case.plan()
    heard = {
        (one.handle, part.rhythm, part.turn, part.side, part.member_id) for one in found.messages for part in one.parts
    }
    silent = {(one.handle, one.rhythm, one.turn, one.side) for one in found.silences}
    people = {one.person.handle: one.person for one in case.crowd}
    for standing in case.crowd:
        me = standing.person
        for name, moment in wanted_by(case, standing):
            rhythm = own_rhythm(case.policy, me, name)
            if MEMBER in rhythm.tells:
                assert (me.handle, name, moment.turn, MEMBER, me.id) in heard or silent & {
                    (me.handle, name, turn, MEMBER) for turn in (moment.turn, "")
                }
            if PARTNER not in rhythm.tells or not rhythm.on or done_because(moment, rhythm, standing):
                continue
            on = max(moment.opens_on, case.instants[0].date())
            for partner in partners_of(case.policy, me, rhythm.partners, people, on) if not moment.promised_by else ():
                assert (partner.handle, name, moment.turn, PARTNER, me.id) in heard or silent & {
                    (partner.handle, name, turn, PARTNER) for turn in (moment.turn, "")
                }


# -- order and subsets -------------------------------------------------------------------------------------------------


@SOME
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_people_and_of_rhythms_changes_nothing(case: Case, chance: random.Random) -> None:
    crowd, named = list(case.crowd), list(case.policy.rhythms.items())
    chance.shuffle(crowd)
    chance.shuffle(named)
    shuffled = replace(case, crowd=tuple(crowd), policy=replace(case.policy, rhythms=dict(named)))

    assert alike(shuffled.plan().messages) == alike(case.plan().messages)


@SOME
@given(cases(), st.sets(st.integers(1, 3)))
def test_planning_for_some_gives_what_planning_for_all_gives_them(case: Case, wanted: set[int]) -> None:
    mine = [one for one in case.plan().messages if one.person_id in wanted]

    assert list(case.plan(only=wanted).messages) == mine


# -- seams -------------------------------------------------------------------------------------------------------------


def bit_by_bit(case: Case, instants: Sequence[datetime]) -> list[Message]:
    """Plan from instant to instant, as the clock does: what was planned is remembered each time."""
    crowd, found = list(case.crowd), list[Message]()
    for since, until in itertools.pairwise(instants):
        messages = plan(case.policy, crowd, since=since, until=until).messages
        crowd = after(crowd, messages)
        found += messages
    return found


@MORE
@given(cases(seams=3))
def test_planning_a_span_is_planning_its_parts_one_after_the_other(case: Case) -> None:
    whole = case.plan().messages
    expected = alike(whole)

    assert alike(bit_by_bit(case, case.instants)) == expected
    # The hardest seams are the very instants of messages, and the instant after them.
    instant = timedelta(microseconds=1)
    seams = sorted({at for one in whole[:6] for at in (one.due_at, one.due_at + instant)})
    seams = [at for at in seams if case.instants[0] < at < case.instants[-1]]
    assert alike(bit_by_bit(case, [case.instants[0], *seams, case.instants[-1]])) == expected


@SOME
@given(cases(days=40), st.integers(1, 4))
def test_planning_day_by_day_is_planning_at_once(case: Case, days: int) -> None:
    first, last = case.instants[0], case.instants[-1]
    instants = [first]
    while instants[-1] < last:
        instants.append(min(instants[-1] + timedelta(days=days), last))

    assert alike(bit_by_bit(case, instants)) == alike(case.plan().messages)


LONG = Windows(windows=(Window(opens="01-01", closes="12-31"),), tells=(MEMBER,))


@SOME
@given(cases(days=60), st.lists(st.sampled_from([-1, 0, 1, 1, 2]), min_size=3, max_size=25))
def test_a_clock_that_is_set_back_or_forward_neither_repeats_nor_loses_anything(case: Case, jumps: list[int]) -> None:
    """The clock ticks a few hours on, and some nights it is set by a day in either direction."""
    policy = replace(case.policy, rhythms={**case.policy.rhythms, "long": LONG})
    crowd, found = list(case.crowd), list[Message]()
    now = case.instants[0]
    for n, jump in enumerate(jumps):
        for hours in range(0, 24, 6):
            at = now + timedelta(hours=hours)
            messages = plan(policy, crowd, since=at, until=at + timedelta(hours=6)).messages
            crowd = after(crowd, messages)
            found += messages
        now += timedelta(days=jump + n % 2)
    once_each(found)
    for standing in crowd:
        check_caps(sorted(one.on for one in found if one.person_id == standing.person.id), policy)
    # Whatever could be said later is said later: the year-long window reaches everybody who may hear of it at all.
    asked = {(one.person_id, part.rhythm) for one in found for part in one.parts if part.turn == f"{now.year}"}
    rest = plan(policy, crowd, since=now, until=now + timedelta(days=30), with_silences=True)
    heard = asked | {(one.person_id, part.rhythm) for one in rest.messages for part in one.parts}
    for standing in crowd:
        person = standing.person
        free = [now.date() + timedelta(days=n) for n in range(16, 28)]
        reachable = not [one for one in rest.silences if (one.handle, one.rhythm) == (person.handle, "long")]
        year_stays = now.year == (now + timedelta(days=30)).year == case.instants[0].year
        alone = len(case.policy.rhythms) == 1
        if reachable and year_stays and alone and sum(may_be_written_to(person, day, policy) for day in free) >= 9:
            assert (person.id, "long") in heard
