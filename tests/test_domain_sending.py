"""The moment of sending: what is not wanted any more, whose hour it is, and by which way it may travel."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.course import Message
from domain.effects import Nudge
from domain.moments import Commitment, Held, How, Standing
from domain.objectives import ObjectiveState
from domain.parts import Ask, Part
from domain.people import OwnRhythm, Pause, Person, Snooze, own_hours, own_zone, settles_until, works_on
from domain.planner import plan
from domain.policy import Channel, ChannelsPolicy, Policy, Weekday
from domain.rhythms import Clock, Entitlement, Interval, Need, Role, Side, Start, Way, Window, Windows
from domain.sending import Drop, Evidence, Reroute, SendAt, SendNow, effect_of, still_due
from tests.cast import ADA, BO, DEE, POLICY, a_standing, an_objective, by_mail, with_rhythms

DUE = datetime(2027, 3, 2, 10, 0, tzinfo=UTC)
BOTH_WAYS = ChannelsPolicy(order=(Channel.GITHUB, Channel.MAIL), sender="trellis@fennel.example")
SPRING = Windows(
    windows=(Window(opens="03-01", closes="04-30"),),
    tells=(Side.MEMBER,),
    private=True,
    done_by=(Way.SPOKE,),
)
TWO_WEEKLY = POLICY.rhythms["two-weekly"]
STAY = Interval(
    anchor_on=date(2027, 3, 1),
    every_months=3,
    open_days=28,
    partners=(Role.MANAGER,),
    tells=(Side.PARTNER,),
    needs=(Need.OBJECTIVE,),
)
ONBOARDING = Clock(since=Start.JOINED, after_months=(3,), open_days=21, partners=(Role.MANAGER,))
RHYTHMS = replace(
    with_rhythms(two_weekly=TWO_WEEKLY, spring=SPRING, stay=STAY, onboarding=ONBOARDING), channels=BOTH_WAYS
)


def part(rhythm: str = "two-weekly", **changes: object) -> Part:
    turns = {"two-weekly": "2027-03-02", "spring": "2027", "stay": "2027-03-01", "onboarding": "m3"}
    last = {"two-weekly": date(2027, 3, 5), "spring": date(2027, 4, 30), "stay": date(2027, 3, 29)}
    found = Part(
        rhythm=rhythm,
        turn=turns.get(rhythm, "1"),
        side=Side.MEMBER,
        ask=Ask.FIRST,
        member_id=ADA.id,
        counts_from_on=date(2027, 2, 17) if rhythm == "two-weekly" else date(2027, 3, 1),
        closes_on=last.get(rhythm, date(2027, 3, 20)),
        private=rhythm == "spring",
    )
    return found._replace(**changes)  # type: ignore[arg-type]


def judged(
    *parts: Part,
    now: datetime = DUE,
    reader: Standing | None = None,
    others: Sequence[Standing] = (),
    evidence: Evidence | None = None,
    policy: Policy = RHYTHMS,
    way: Channel = Channel.MAIL,
    other_ways: tuple[Channel, ...] = (),
) -> SendNow | SendAt | Drop | Reroute:
    who = reader or a_standing(by_mail(ADA))
    effect = Nudge(
        key="nudge:fennel:ada:2027-03-02",
        about="person:1",
        person_id=who.person.id,
        on=date(2027, 3, 2),
        due_at=DUE,
        way=way,
        other_ways=other_ways,
        parts=parts or (part(),),
    )
    members = {one.person.id: one for one in (who, *others)}
    return still_due(policy, effect, who, members, evidence or Evidence(), now=now)


# -- the effect --------------------------------------------------------------------------------------------------------


def test_a_planned_message_becomes_the_effect_that_sends_it() -> None:
    [message] = plan(POLICY, [a_standing()], since=DUE, until=DUE + timedelta(hours=1)).messages

    assert message == Message(
        key="nudge:fennel:ada:2027-03-02",
        person_id=1,
        handle="ada",
        on=date(2027, 3, 2),
        due_at=DUE,
        ways=(Channel.GITHUB,),
        parts=(part(),),
    )
    assert effect_of(message) == Nudge(
        key=message.key,
        about="person:1",
        person_id=1,
        on=date(2027, 3, 2),
        due_at=DUE,
        way=Channel.GITHUB,
        other_ways=(),
        parts=(part(),),
    )


def test_a_page_is_no_way_to_travel() -> None:
    message = Message(key="k", person_id=1, handle="ada", on=date(2027, 3, 2), due_at=DUE, ways=(), parts=(part(),))

    ways = (Channel.MAIL, Channel.GITHUB, Channel.PAGE)
    assert effect_of(message._replace(ways=ways)).other_ways == (Channel.GITHUB,)
    for none in ((), (Channel.PAGE,)):
        with pytest.raises(ValueError, match="no way to travel"):
            effect_of(message._replace(ways=none))


# -- done meanwhile ----------------------------------------------------------------------------------------------------


def test_what_is_still_wanted_goes_out() -> None:
    assert judged() == SendNow(parts=(part(),))


@pytest.mark.parametrize(
    ("wrote_at", "wanted"),
    [
        (datetime(2027, 2, 16, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2027, 2, 17, tzinfo=UTC), False),
        (DUE - timedelta(minutes=1), False),
    ],
)
def test_what_was_written_a_minute_ago_is_not_asked_for(wrote_at: datetime, wanted: bool) -> None:
    by_github = judged(evidence=Evidence(wrote_at=wrote_at))
    by_memory = judged(reader=a_standing(by_mail(ADA), objective=an_objective(11, last_wrote_at=wrote_at)))

    assert by_github == by_memory == (SendNow(parts=(part(),)) if wanted else Drop(why="they wrote already"))


def test_the_turn_begins_at_midnight_where_the_person_is() -> None:
    dee = a_standing(by_mail(DEE))
    mine = part(member_id=DEE.id, counts_from_on=date(2027, 2, 17), closes_on=date(2027, 3, 8))
    morning = datetime(2027, 3, 3, 20, 0, tzinfo=UTC)
    there = datetime(2027, 2, 17, 11, 0, tzinfo=UTC)  # midnight in Pago Pago

    assert judged(mine, reader=dee, now=morning, evidence=Evidence(wrote_at=there)) == Drop(why="they wrote already")
    before = Evidence(wrote_at=there - timedelta(seconds=1))
    assert judged(mine, reader=dee, now=morning, evidence=before) == SendNow(parts=(mine,))


def test_who_spoke_in_the_thread_is_not_asked() -> None:
    spoke = Evidence(spoke={("spring", "2027")})

    assert judged(part("spring"), evidence=spoke) == Drop(why="they spoke in the thread")
    assert judged(part("spring"), evidence=Evidence(spoke={("spring", "2026")})) == SendNow(parts=(part("spring"),))
    assert judged(part(), evidence=Evidence(spoke={("two-weekly", "2027-03-02")})) == SendNow(parts=(part(),))


@pytest.mark.parametrize("how", [How.HELD, How.NOT_NEEDED])
def test_what_was_held_a_minute_ago_is_not_asked_for(how: How) -> None:
    held = Held(rhythm="spring", turn="2027", how=how, on=date(2027, 3, 2))

    assert judged(part("spring"), reader=a_standing(by_mail(ADA), held=(held,))) == Drop(
        why=f"{how.value} on 2027-03-02"
    )
    other = replace(held, turn="2026")
    assert isinstance(judged(part("spring"), reader=a_standing(by_mail(ADA), held=(other,))), SendNow)


def test_parts_that_are_done_fall_away_and_the_rest_goes_out() -> None:
    found = judged(part(), part("spring"), evidence=Evidence(wrote_at=DUE - timedelta(minutes=1)))

    assert found == SendNow(parts=(part("spring"),))


def test_a_message_all_of_whose_parts_are_done_is_dropped() -> None:
    evidence = Evidence(wrote_at=DUE - timedelta(minutes=1), spoke={("spring", "2027")})

    assert isinstance(judged(part(), part("spring"), evidence=evidence), Drop)


@pytest.mark.parametrize(
    ("snooze", "kept"),
    [
        (Snooze(first_on=date(2027, 3, 2)), ()),
        (Snooze(first_on=date(2027, 3, 2), last_on=date(2027, 3, 2), rhythm="spring"), ("two-weekly",)),
        (Snooze(first_on=date(2027, 3, 2), rhythm="two-weekly", turn="2027-03-02"), ("spring",)),
        (Snooze(first_on=date(2027, 3, 2), rhythm="two-weekly", turn="2027-03-16"), ("two-weekly", "spring")),
        (Snooze(first_on=date(2027, 2, 2), last_on=date(2027, 3, 1)), ("two-weekly", "spring")),
    ],
)
def test_what_was_put_off_meanwhile_is_left_out(snooze: Snooze, kept: tuple[str, ...]) -> None:
    found = judged(part(), part("spring"), reader=a_standing(by_mail(ADA), snoozes=(snooze,)))

    assert [one.rhythm for one in found.parts] == list(kept) if isinstance(found, SendNow) else not kept


@pytest.mark.parametrize(
    "policy",
    [
        with_rhythms(RHYTHMS, spring=SPRING),
        with_rhythms(RHYTHMS, two_weekly=replace(TWO_WEEKLY, on=False)),
    ],
    ids=["gone", "off"],
)
def test_a_rhythm_that_is_gone_or_off_is_not_sent(policy: Policy) -> None:
    assert isinstance(judged(policy=policy), Drop)


def test_a_rhythm_the_person_switched_off_meanwhile_is_not_sent() -> None:
    off = by_mail(ADA, own_rhythms={"two-weekly": OwnRhythm(on=False)})

    assert isinstance(judged(reader=a_standing(off)), Drop)


def test_a_ticket_claimed_meanwhile_is_not_asked_for() -> None:
    rhythm = Entitlement(after_months=(5,), needs=(Need.UNUSED_TICKET,), tells=(Side.MEMBER,))
    policy = with_rhythms(RHYTHMS, unused=rhythm)
    mine = part("unused", turn="2027-m5")

    assert isinstance(judged(mine, policy=policy), SendNow)
    holder = a_standing(by_mail(ADA), ticket_years=frozenset({"2027"}))
    assert isinstance(judged(mine, policy=policy, reader=holder), Drop)
    earlier = a_standing(by_mail(ADA), ticket_years=frozenset({"2026"}))
    assert isinstance(judged(mine, policy=policy, reader=earlier), SendNow)


def test_a_promise_that_was_settled_meanwhile_is_not_looked_back_on() -> None:
    policy = with_rhythms(RHYTHMS, look_back=Clock(since=Start.LOOK_BACK, after_days=(0,), open_days=30))
    mine = part("look-back", turn="promise4-d0")
    promise = Commitment(id=4, promised_by="bo", made_on=date(2026, 11, 1), look_back_on=date(2027, 3, 1))

    assert isinstance(judged(mine, policy=policy, reader=a_standing(by_mail(ADA), commitments=(promise,))), SendNow)
    settled = a_standing(by_mail(ADA), commitments=(replace(promise, closed=True),))
    assert isinstance(judged(mine, policy=policy, reader=settled), Drop)


# -- the goal ----------------------------------------------------------------------------------------------------------

CLOSED = an_objective(11, state=ObjectiveState.CLOSED)


@pytest.mark.parametrize("objective", [None, CLOSED, an_objective(11, state=ObjectiveState.QUEUED)])
def test_what_needs_a_goal_is_dropped_once_it_is_closed(objective: object) -> None:
    assert isinstance(judged(reader=a_standing(by_mail(ADA), objective=objective)), Drop)


def test_an_invitation_is_dropped_once_there_is_a_goal() -> None:
    policy = with_rhythms(RHYTHMS, invitation=Clock(since=Start.WITHOUT_OBJECTIVE, needs=(Need.NO_OBJECTIVE,)))
    mine = part("invitation", turn="2027-02-01-d0")

    assert isinstance(judged(mine, policy=policy, reader=a_standing(by_mail(ADA), objective=None)), SendNow)
    assert isinstance(judged(mine, policy=policy), Drop)


def test_a_clock_of_a_goal_is_dropped_once_that_goal_is_closed() -> None:
    """`protect-time` has no need of its own in the profiles: its clock counts from the goal."""
    policy = with_rhythms(RHYTHMS, protect=Clock(since=Start.OBJECTIVE_OPENED, after_days=(3,), open_days=14))
    mine = part("protect", turn="ilo111-d3")

    assert isinstance(judged(mine, policy=policy), SendNow)
    assert isinstance(judged(mine, policy=policy, reader=a_standing(by_mail(ADA), objective=None)), Drop)
    another = a_standing(by_mail(ADA), objective=an_objective(12))
    assert isinstance(judged(mine, policy=policy, reader=another), Drop)


def test_once_the_goal_is_closed_another_way_is_taken_or_none() -> None:
    mine = part("onboarding")
    closed = a_standing(by_mail(ADA), objective=CLOSED)

    found = judged(mine, reader=closed, way=Channel.GITHUB, other_ways=(Channel.MAIL,))
    assert isinstance(found, Reroute)
    assert (found.way, found.other_ways) == (Channel.MAIL, ())
    assert isinstance(judged(mine, reader=closed, way=Channel.GITHUB), Drop)
    no_mail = a_standing(ADA, objective=CLOSED)
    assert isinstance(judged(mine, reader=no_mail, way=Channel.GITHUB, other_ways=(Channel.MAIL,)), Drop)


def test_whoever_looks_at_their_page_by_now_is_not_written_to() -> None:
    at_page = a_standing(by_mail(ADA, channel=Channel.PAGE))

    assert isinstance(judged(reader=at_page, other_ways=(Channel.GITHUB,)), Drop)


# -- private -----------------------------------------------------------------------------------------------------------


def test_a_private_part_never_goes_by_github() -> None:
    for parts in ((part("spring"),), (part(), part("spring"))):
        found = judged(*parts, way=Channel.GITHUB, other_ways=(Channel.MAIL,))
        assert isinstance(found, Reroute)
        assert found.way is Channel.MAIL
        assert isinstance(judged(*parts, way=Channel.GITHUB, other_ways=(Channel.GITHUB,)), Drop)
        found = judged(*parts, reader=a_standing(ADA), other_ways=(Channel.GITHUB,))
        assert not isinstance(found, SendNow | Reroute), "their address is gone, and GitHub is no place for it"


def test_once_the_private_part_is_done_the_rest_may_go_where_it_may() -> None:
    spoke = Evidence(spoke={("spring", "2027")})

    found = judged(part(), part("spring"), reader=a_standing(ADA), other_ways=(Channel.GITHUB,), evidence=spoke)

    assert found == Reroute(way=Channel.GITHUB, other_ways=(), why="mail does not reach them any more")


@settings(max_examples=200, deadline=None)
@given(
    private=st.lists(st.booleans(), min_size=1, max_size=4),
    ways=st.permutations(list(Channel)).flatmap(lambda all_ways: st.integers(1, 3).map(lambda n: all_ways[:n])),
    order=st.permutations(list(Channel)).flatmap(lambda all_ways: st.integers(1, 3).map(lambda n: all_ways[:n])),
    own=st.none() | st.sampled_from(Channel),
    mail=st.booleans(),
    goal=st.booleans(),
)
def test_no_judgement_lets_a_private_part_onto_github(
    private: list[bool], ways: list[Channel], order: list[Channel], own: Channel | None, mail: bool, goal: bool
) -> None:
    travelling = [one for one in ways if one is not Channel.PAGE]
    if not travelling:
        return
    policy = replace(RHYTHMS, channels=replace(BOTH_WAYS, order=tuple(order)))
    person = replace(by_mail(ADA) if mail else ADA, channel=own)
    reader = a_standing(person, objective=an_objective(11) if goal else None)
    parts = tuple(part("onboarding", turn=f"m{n}", private=one) for n, one in enumerate(private))
    found = judged(*parts, policy=policy, reader=reader, way=travelling[0], other_ways=tuple(travelling[1:]))
    match found:
        case SendNow(parts=kept):
            used = travelling[0]
            assert used is not Channel.GITHUB or not any(one.private for one in kept)
            assert used is not Channel.MAIL or mail
            assert used is not Channel.GITHUB or goal
            assert kept == parts
        case Reroute(way=way, other_ways=others):
            assert not (any(private) and Channel.GITHUB in (way, *others))
            assert Channel.PAGE not in (way, *others)
            assert way is not travelling[0]


# -- hours -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (datetime(2027, 3, 2, 9, 0, tzinfo=UTC), SendNow(parts=(part(),))),
        (datetime(2027, 3, 2, 16, 59, 59, tzinfo=UTC), SendNow(parts=(part(),))),
        (datetime(2027, 3, 2, 8, 59, tzinfo=UTC), SendAt(at=datetime(2027, 3, 2, 9, 0, tzinfo=UTC))),
        (datetime(2027, 3, 2, 17, 0, tzinfo=UTC), SendAt(at=datetime(2027, 3, 3, 9, 0, tzinfo=UTC))),
        (datetime(2027, 3, 5, 16, 59, tzinfo=UTC), SendNow(parts=(part(),))),
        (datetime(2027, 3, 5, 17, 0, tzinfo=UTC), Drop(why="the moment has passed")),
        (datetime(2027, 3, 20, 10, 0, tzinfo=UTC), Drop(why="the moment has passed")),
    ],
)
def test_a_message_waits_for_its_persons_hours_while_its_moment_is_open(
    now: datetime, verdict: SendNow | SendAt | Drop
) -> None:
    assert judged(now=now) == verdict


def test_a_message_waits_for_the_next_day_that_is_theirs() -> None:
    away = by_mail(ADA, pauses=(Pause(first_on=date(2027, 3, 2), last_on=date(2027, 3, 3)),))
    resting = by_mail(ADA, pauses=(Pause(first_on=date(2027, 2, 1), last_on=date(2027, 2, 24)),))
    holiday = replace(RHYTHMS, public_holidays={"PT": {date(2027, 3, 2)}})
    at_home = by_mail(ADA, holidays_of="PT")
    fourth, third = datetime(2027, 3, 4, 9, 0, tzinfo=UTC), datetime(2027, 3, 3, 9, 0, tzinfo=UTC)

    assert judged(reader=a_standing(away)) == SendAt(at=fourth)
    assert judged(reader=a_standing(resting)) == SendAt(at=fourth), "they settle in until Wednesday"
    assert judged(reader=a_standing(at_home), policy=holiday) == SendAt(at=third)


def test_a_long_leave_does_not_lose_what_stays_open() -> None:
    """Ten days and settling in are over long before the window closes at the end of April."""
    away = by_mail(ADA, pauses=(Pause(first_on=date(2027, 3, 2), last_on=date(2027, 3, 12)),))

    assert judged(part("spring"), reader=a_standing(away)) == SendAt(at=datetime(2027, 3, 22, 9, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    "person",
    [
        by_mail(ADA, pauses=(Pause(first_on=date(2027, 3, 2)),)),
        by_mail(ADA, left_on=date(2027, 3, 2)),
        by_mail(ADA, working_days=(Weekday.SAT,)),
        by_mail(ADA, working_days=()),
    ],
    ids=["leave without an end", "left", "works only after it is over", "never works"],
)
def test_a_message_that_finds_no_day_any_more_is_dropped(person: Person) -> None:
    assert isinstance(judged(reader=a_standing(person)), Drop)


ZONES = ("Pacific/Pago_Pago", "Pacific/Kiritimati", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin")


@settings(max_examples=300, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    hours=st.tuples(st.integers(0, 23 * 4), st.integers(1, 12)),
    weekdays=st.sets(st.sampled_from(Weekday), min_size=1),
    minutes=st.integers(0, 366 * 24 * 60),
    pauses=st.lists(st.tuples(st.integers(-30, 10), st.integers(0, 20)), max_size=2),
)
@example(
    zone="Europe/Berlin",
    hours=(8, 4),
    weekdays=set(Weekday),
    minutes=(31 + 28 + 27) * 24 * 60 - 60,  # the clock skips 02:00 to 03:00, which are all the hours of this person
    pauses=[],
)
def test_when_the_instant_has_come_it_is_their_hour(
    zone: str, hours: tuple[int, int], weekdays: set[Weekday], minutes: int, pauses: list[tuple[int, int]]
) -> None:
    now = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    hours_until = min(hours[0] + hours[1], 24 * 4 - 1)
    person = by_mail(
        ADA,
        zone=ZoneInfo(zone),
        working_days=tuple(weekdays),
        hours_from=time(hours[0] // 4, hours[0] % 4 * 15),
        hours_until=time(hours_until // 4, hours_until % 4 * 15) if hours_until > hours[0] else time(23, 59),
        pauses=tuple(
            Pause(first_on=now.date() + timedelta(days=first), last_on=now.date() + timedelta(days=first + length))
            for first, length in pauses
        ),
    )
    mine = part("spring", turn="any", closes_on=date(2029, 1, 1))
    found = judged(mine, reader=a_standing(person), now=now)
    if isinstance(found, SendAt):
        assert found.at > now
        now = found.at
        found = judged(mine, reader=a_standing(person), now=now)
        assert found == SendNow(parts=(mine,))
    if isinstance(found, SendNow):
        here = now.astimezone(own_zone(person, RHYTHMS.organisation))
        hours_from, hours_to = own_hours(person, RHYTHMS.organisation)
        assert hours_from <= here.time() < hours_to
        assert works_on(person, here.date(), RHYTHMS)
        assert settles_until(person, here.date(), RHYTHMS) is None


# -- about somebody else -----------------------------------------------------------------------------------------------

MANAGED = replace(ADA, joined_on=date(2026, 12, 2), relations={Role.MANAGER: "bo"})
BO_READS = a_standing(by_mail(BO, zone=None))


def about_ada(rhythm: str, member: Standing | None, **changes: object) -> SendNow | SendAt | Drop | Reroute:
    mine = part(rhythm, side=Side.PARTNER, **changes)
    return judged(mine, reader=BO_READS, others=() if member is None else (member,))


def test_a_partner_hears_while_it_makes_sense() -> None:
    assert isinstance(about_ada("onboarding", a_standing(MANAGED)), SendNow)
    assert isinstance(about_ada("stay", a_standing(MANAGED)), SendNow)


@pytest.mark.parametrize("rhythm", ["onboarding", "stay"])
def test_nobody_is_told_about_somebody_who_left_meanwhile(rhythm: str) -> None:
    assert isinstance(about_ada(rhythm, a_standing(replace(MANAGED, left_on=date(2027, 3, 2)))), Drop)
    assert isinstance(about_ada(rhythm, None), Drop)


def test_nobody_is_told_about_somebody_who_has_not_joined_but_their_buddy() -> None:
    soon = replace(MANAGED, joined_on=date(2027, 3, 8))
    welcome = Clock(since=Start.JOINED, after_days=(-7,), open_days=14, partners=(Role.MANAGER,))
    policy = with_rhythms(RHYTHMS, welcome=welcome, onboarding=ONBOARDING)

    def told(rhythm: str) -> object:
        mine = part(rhythm, side=Side.PARTNER)
        return judged(mine, reader=BO_READS, others=(a_standing(soon),), policy=policy)

    assert isinstance(told("welcome"), SendNow)
    assert isinstance(told("onboarding"), Drop), "their day of joining moved on meanwhile"


def test_nobody_is_told_about_a_goal_that_was_closed_meanwhile() -> None:
    assert isinstance(about_ada("stay", a_standing(MANAGED, objective=CLOSED)), Drop)


def test_nobody_is_told_about_somebody_who_went_on_leave_meanwhile() -> None:
    away = replace(MANAGED, pauses=(Pause(first_on=date(2027, 3, 2), last_on=date(2027, 3, 4)),))

    assert not isinstance(about_ada("stay", a_standing(away)), SendNow)


def test_what_both_held_meanwhile_is_told_to_neither() -> None:
    held = Held(rhythm="onboarding", turn="m3", how=How.HELD, on=date(2027, 3, 2))

    assert isinstance(about_ada("onboarding", a_standing(MANAGED, held=(held,))), Drop)


def test_a_helper_is_told_to_be_available_unless_the_person_answered_meanwhile() -> None:
    assert isinstance(about_ada("two-weekly", a_standing(MANAGED), ask=Ask.AVAILABLE), SendNow)
    held = Held(rhythm="two-weekly", turn="2027-03-02", how=How.HELD, on=date(2027, 3, 2))
    assert isinstance(about_ada("two-weekly", a_standing(MANAGED, held=(held,)), ask=Ask.AVAILABLE), Drop)
    left = replace(MANAGED, left_on=date(2027, 3, 2))
    assert isinstance(about_ada("two-weekly", a_standing(left), ask=Ask.AVAILABLE), Drop)


def test_whoever_switched_it_off_for_themselves_is_not_told_about_others_either() -> None:
    reader = a_standing(by_mail(BO, zone=None, own_rhythms={"stay": OwnRhythm(on=False)}))
    mine = part("stay", side=Side.PARTNER)

    assert isinstance(judged(mine, reader=reader, others=(a_standing(MANAGED),)), Drop)


def test_a_helper_is_not_called_to_somebody_who_wrote_a_minute_ago() -> None:
    wrote = a_standing(MANAGED, objective=an_objective(11, last_wrote_at=DUE - timedelta(minutes=1)))

    found = about_ada("two-weekly", wrote, ask=Ask.AVAILABLE, counts_from_on=date(2027, 3, 2))

    assert isinstance(found, Drop)
