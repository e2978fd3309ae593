"""Who hears what and when: anchored rhythms, own hours, caps, and every silence with its reason."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.effects import NudgeOnIssue, Say
from domain.objectives import Objective, ObjectiveState
from domain.people import Pause, Person
from domain.planner import Drop, Nudge, SendAt, SendNow, Sent, Verdict, effect_of, plan, still_due
from domain.policy import CapsPolicy, Policy, RhythmPolicy, Weekday
from domain.rhythms import Period, periods
from tests.cast import ADA, BO, CY, DEE, POLICY, an_objective

RHYTHM = POLICY.rhythms["two-weekly"]
CHECK_IN = date(2027, 3, 2)  # a Tuesday, the fifth check-in
DUE = datetime(2027, 3, 2, 10, 0, tzinfo=UTC)
WEEK = (datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 3, 8, tzinfo=UTC))


def goals(*people: Person) -> dict[int, Objective]:
    return {one.id: an_objective(10 + one.id, person_id=one.id) for one in people}


def planned(
    *people: Person,
    policy: Policy = POLICY,
    objectives: Mapping[int, Objective] | None = None,
    sent: Sequence[Sent] = (),
    span: tuple[datetime, datetime] = WEEK,
) -> tuple[Nudge, ...]:
    found = goals(*people) if objectives is None else objectives
    return plan(policy, people, found, sent, since=span[0], until=span[1])


def with_rhythms(*, caps: CapsPolicy | None = None, **rhythms: RhythmPolicy) -> Policy:
    named = {name.replace("_", "-"): rhythm for name, rhythm in rhythms.items()}
    return replace(POLICY, rhythms=named, caps=caps or POLICY.caps)


def silences(nudges: Sequence[Nudge]) -> list[tuple[str, str]]:
    return [(one.person.handle, one.silence()) for one in nudges]


# -- rhythms -----------------------------------------------------------------------------------------------------------


def check_ins(rhythm: RhythmPolicy, since: date, until: date) -> list[date]:
    return [one.check_in_on for one in periods(rhythm, since=since, until=until)]


def test_periods_count_from_the_anchor_and_end_before_the_last_day_asked_for() -> None:
    assert list(periods(RHYTHM, since=date(2027, 1, 19), until=date(2027, 2, 16))) == [
        Period(first_on=date(2027, 1, 6), check_in_on=date(2027, 1, 19)),
        Period(first_on=date(2027, 1, 20), check_in_on=date(2027, 2, 2)),
    ]


def test_there_is_no_period_before_the_anchor() -> None:
    assert check_ins(RHYTHM, date(2020, 1, 1), date(2027, 1, 6)) == [date(2027, 1, 5)]
    assert check_ins(RHYTHM, date(2020, 1, 1), date(2027, 1, 5)) == []


@pytest.mark.parametrize("days", [0, 1, 7, 13])
def test_periods_do_not_depend_on_where_the_looking_starts(days: int) -> None:
    since = date(2030, 12, 30) + timedelta(days=days)

    assert check_ins(RHYTHM, since, date(2031, 3, 1)) == [
        one for one in check_ins(RHYTHM, RHYTHM.anchor_on, date(2031, 3, 1)) if one >= since
    ]


def test_a_daily_rhythm_has_periods_of_one_day() -> None:
    daily = RhythmPolicy(anchor_on=date(2028, 2, 28), every_days=1)

    assert list(periods(daily, since=date(2028, 2, 28), until=date(2028, 3, 2))) == [
        Period(first_on=day, check_in_on=day) for day in (date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1))
    ]


# -- what is planned ---------------------------------------------------------------------------------------------------

ALLOWED = (
    Verdict(rule="rhythm", allows=True, why="it is on"),
    Verdict(rule="member", allows=True, why="a member"),
    Verdict(rule="day", allows=True, why="on Tuesday 02 March"),
    Verdict(rule="objective", allows=True, why="has an active ILO"),
    Verdict(rule="done", allows=True, why="nothing written yet"),
    Verdict(rule="caps", allows=True, why="within the caps"),
)


def test_a_check_in_comes_round_with_every_verdict_told() -> None:
    assert planned(ADA) == (
        Nudge(
            key="nudge:fennel:ada:two-weekly:2027-03-02",
            person=ADA,
            rhythm="two-weekly",
            period=Period(first_on=date(2027, 2, 17), check_in_on=CHECK_IN),
            period_starts_at=datetime(2027, 2, 17, 0, 0, tzinfo=UTC),
            due_at=DUE,
            too_late_at=datetime(2027, 3, 5, 17, 0, tzinfo=UTC),
            objective=an_objective(11),
            verdicts=ALLOWED,
        ),
    )


def test_everybody_is_written_to_on_their_own_day_and_in_their_own_hours() -> None:
    found = planned(ADA, BO, CY, DEE)

    assert [(one.person.handle, one.due_at, one.goes_out()) for one in found] == [
        ("bo", datetime(2027, 3, 2, 4, 15, tzinfo=UTC), True),
        ("cy", datetime(2027, 3, 2, 9, 0, tzinfo=UTC), True),
        ("ada", DUE, True),
        ("dee", datetime(2027, 3, 3, 21, 0, tzinfo=UTC), True),  # Wednesday, their first working day, 10:00 there
    ]


def test_the_span_has_its_first_instant_and_not_its_last() -> None:
    before, after = DUE - timedelta(days=1), DUE + timedelta(days=1)

    assert len(planned(ADA, span=(DUE, after))) == 1
    assert planned(ADA, span=(before, DUE)) == ()
    assert planned(ADA, span=(DUE, DUE)) == ()


def test_an_hour_outside_a_persons_own_becomes_their_first() -> None:
    early, late = replace(ADA, hours_from=time(11)), replace(ADA, handle="late", hours_until=time(10))

    assert [one.due_at for one in planned(early)] == [datetime(2027, 3, 2, 11, 0, tzinfo=UTC)]
    assert [one.due_at for one in planned(late)] == [datetime(2027, 3, 2, 9, 0, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("pauses", "day"),
    [
        ((Pause(first_on=date(2027, 3, 2), last_on=date(2027, 3, 2)),), 3),
        ((Pause(first_on=date(2027, 2, 1), last_on=date(2027, 3, 4)),), 5),
    ],
)
def test_a_check_in_that_meets_leave_moves_on_within_the_grace(pauses: tuple[Pause, ...], day: int) -> None:
    [nudge] = planned(replace(ADA, pauses=pauses))

    assert (nudge.due_at, nudge.goes_out()) == (datetime(2027, 3, day, 10, 0, tzinfo=UTC), True)
    assert nudge.key == "nudge:fennel:ada:two-weekly:2027-03-02", "the key is that of the check-in, wherever it moves"


def test_a_check_in_that_meets_longer_leave_is_left_out_and_says_why() -> None:
    [nudge] = planned(replace(ADA, pauses=(Pause(first_on=date(2027, 3, 1)),)))

    assert nudge.due_at is None
    assert not nudge.goes_out()
    assert nudge.silence() == "no working day of theirs within the grace days (leave, holiday, days off)"


def test_a_holiday_moves_a_check_in_on() -> None:
    policy = replace(POLICY, organisation=replace(POLICY.organisation, holidays=(CHECK_IN,)))

    assert [one.due_at for one in planned(ADA, policy=policy)] == [datetime(2027, 3, 3, 10, 0, tzinfo=UTC)]


def test_clock_changes_move_the_instant_and_not_the_hour() -> None:
    winter, summer = planned(CY, span=(datetime(2027, 3, 14, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)))

    assert winter.due_at == datetime(2027, 3, 16, 9, 0, tzinfo=UTC)
    assert summer.due_at == datetime(2027, 3, 30, 8, 0, tzinfo=UTC)


def test_a_clock_change_never_pushes_a_nudge_out_of_its_persons_hours() -> None:
    """The clock skips 02:00 to 03:00, which are all the hours this person has; the next day has them again."""
    night = replace(
        ADA,
        zone=ZoneInfo("Europe/Berlin"),
        hours_from=time(2),
        hours_until=time(3),
        working_days=tuple(Weekday),
    )
    policy = with_rhythms(two_weekly=RhythmPolicy(anchor_on=date(2027, 3, 28), at=time(2, 30)))

    [nudge] = planned(night, policy=policy, span=(datetime(2027, 3, 27, tzinfo=UTC), datetime(2027, 4, 4, tzinfo=UTC)))

    assert nudge.due_at == datetime(2027, 3, 29, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("person", "objective", "why"),
    [
        (replace(ADA, joined_on=date(2027, 3, 3)), an_objective(11), "not a member on that day"),
        (
            replace(ADA, left_on=CHECK_IN),
            an_objective(11),
            "not a member on that day",
        ),
        (ADA, None, "no active ILO to nudge on"),
        (ADA, an_objective(11, state=ObjectiveState.QUEUED), "no active ILO to nudge on"),
        (ADA, an_objective(11, issue_number=None), "no active ILO to nudge on"),
        (ADA, an_objective(11, last_wrote_at=datetime(2027, 2, 17, tzinfo=UTC)), "wrote this period already"),
        (ADA, an_objective(11, last_wrote_at=DUE + timedelta(days=9)), "wrote this period already"),
    ],
)
def test_a_nudge_stays_silent_and_says_why(person: Person, objective: Objective | None, why: str) -> None:
    [nudge] = planned(person, objectives={} if objective is None else {1: objective})

    assert not nudge.goes_out()
    assert nudge.silence() == why
    with pytest.raises(ValueError, match=f"^nudge:fennel:ada:two-weekly:2027-03-02 stays silent: {why}$"):
        effect_of(POLICY, nudge)


def test_what_was_written_in_the_period_before_does_not_silence_this_one() -> None:
    before = an_objective(11, last_wrote_at=datetime(2027, 2, 16, 23, 59, 59, tzinfo=UTC))

    assert [one.goes_out() for one in planned(ADA, objectives={1: before})] == [True]


def test_a_rhythm_that_is_switched_off_is_planned_and_silent() -> None:
    policy = with_rhythms(two_weekly=replace(RHYTHM, on=False))

    assert silences(planned(ADA, policy=policy)) == [("ada", "this rhythm is switched off")]


# -- caps --------------------------------------------------------------------------------------------------------------

EARLIER = replace(RHYTHM, anchor_on=date(2027, 1, 4), at=time(9, 30))  # Mondays


def test_the_second_message_of_a_week_stays_silent() -> None:
    policy = with_rhythms(two_weekly=RHYTHM, earlier=EARLIER)

    found = planned(ADA, policy=policy)

    assert [(one.rhythm, one.goes_out(), one.silence()) for one in found] == [
        ("earlier", True, ""),
        ("two-weekly", False, "already 1 this week, 0 that day"),
    ]


def test_the_second_message_of_a_day_stays_silent_however_many_a_week_may_have() -> None:
    policy = with_rhythms(two_weekly=RHYTHM, early=replace(RHYTHM, at=time(9)), caps=CapsPolicy(per_week=5))

    assert [(one.rhythm, one.silence()) for one in planned(ADA, policy=policy)] == [
        ("early", ""),
        ("two-weekly", "already 1 this week, 1 that day"),
    ]


def test_one_persons_messages_do_not_count_for_another() -> None:
    sent = [Sent(person_id=BO.id, at=datetime(2027, 3, 1, 10, 0, tzinfo=UTC))]

    assert silences(planned(ADA, BO, sent=sent)) == [("bo", "already 1 this week, 0 that day"), ("ada", "")]


@pytest.mark.parametrize(
    ("at", "goes_out"),
    [
        (datetime(2027, 2, 28, 23, 59, tzinfo=UTC), True),  # Sunday of the week before
        (datetime(2027, 3, 1, 0, 0, tzinfo=UTC), False),
    ],
)
def test_a_week_begins_on_monday(at: datetime, goes_out: bool) -> None:
    assert [one.goes_out() for one in planned(ADA, sent=[Sent(person_id=ADA.id, at=at)])] == [goes_out]


def test_a_week_goes_on_over_the_new_year() -> None:
    policy = with_rhythms(two_weekly=replace(RHYTHM, anchor_on=date(2027, 1, 1)))
    sent = [Sent(person_id=ADA.id, at=datetime(2026, 12, 31, 10, 0, tzinfo=UTC))]
    span = (datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC))

    found = planned(ADA, policy=policy, sent=sent, span=span)

    assert silences(found) == [("ada", "already 1 this week, 0 that day")]


def test_a_week_begins_where_the_person_is() -> None:
    sent = [Sent(person_id=DEE.id, at=datetime(2027, 3, 1, 9, 0, tzinfo=UTC))]  # still Sunday in Pago Pago

    assert [one.goes_out() for one in planned(DEE, sent=sent)] == [True]


def test_a_silent_nudge_uses_nothing_up() -> None:
    policy = with_rhythms(two_weekly=RHYTHM, earlier=replace(EARLIER, on=False))

    assert [(one.rhythm, one.goes_out()) for one in planned(ADA, policy=policy)] == [
        ("earlier", False),
        ("two-weekly", True),
    ]


def test_what_the_caps_silenced_uses_nothing_up() -> None:
    on_wednesdays = replace(RHYTHM, anchor_on=date(2027, 1, 6))
    policy = with_rhythms(
        early=replace(RHYTHM, at=time(9)),
        two_weekly=RHYTHM,
        wednesdays=on_wednesdays,
        caps=CapsPolicy(per_day=1, per_week=2),
    )

    assert [(one.rhythm, one.goes_out()) for one in planned(ADA, policy=policy)] == [
        ("early", True),
        ("two-weekly", False),
        ("wednesdays", True),
    ]


def test_what_went_out_already_is_not_counted_a_second_time_when_its_span_is_planned_again() -> None:
    """The clock plans the last days again at every tick, and is told what it sent in them."""
    policy = with_rhythms(two_weekly=RHYTHM, earlier=EARLIER, caps=CapsPolicy(per_day=2, per_week=2))
    first, _ = planned(ADA, policy=policy)
    assert first.due_at is not None

    again = planned(ADA, policy=policy, sent=[Sent(person_id=ADA.id, at=first.due_at, key=first.key)])

    assert [(one.rhythm, one.silence()) for one in again if one.rhythm == "two-weekly"] == [("two-weekly", "")]


# -- the effect, and the moment of sending -----------------------------------------------------------------------------

EFFECT = NudgeOnIssue(
    key="nudge:fennel:ada:two-weekly:2027-03-02",
    about="objective:111",
    person_id=1,
    rhythm="two-weekly",
    issue_number=11,
    period_starts_at=datetime(2027, 2, 17, 0, 0, tzinfo=UTC),
    due_at=DUE,
    too_late_at=datetime(2027, 3, 5, 17, 0, tzinfo=UTC),
    body=Say(name="nudge-two-weekly", values={"name": "Ada", "days": "14"}),
)


def test_a_nudge_becomes_the_effect_that_sends_it() -> None:
    [nudge] = planned(ADA)

    assert effect_of(POLICY, nudge) == EFFECT


def test_a_nudge_is_in_the_persons_language() -> None:
    [nudge] = planned(replace(ADA, locale="pt_BR"))

    assert effect_of(POLICY, nudge).body == replace(EFFECT.body, locale="pt_BR")


GOAL = an_objective(11)


def judged(
    now: datetime,
    *,
    person: Person = ADA,
    objective: Objective | None = GOAL,
    wrote_at: datetime | None = None,
    **changes: Any,
) -> SendNow | SendAt | Drop:
    effect = replace(EFFECT, **changes)
    return still_due(POLICY, effect, person, objective, wrote_at=wrote_at, now=now)


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (DUE, SendNow()),
        (datetime(2027, 3, 2, 16, 59, 59, tzinfo=UTC), SendNow()),
        (datetime(2027, 3, 2, 17, 0, tzinfo=UTC), SendAt(at=datetime(2027, 3, 3, 9, 0, tzinfo=UTC))),
        (datetime(2027, 3, 2, 8, 59, tzinfo=UTC), SendAt(at=datetime(2027, 3, 2, 9, 0, tzinfo=UTC))),
        (datetime(2027, 3, 5, 16, 59, tzinfo=UTC), SendNow()),
        (datetime(2027, 3, 5, 17, 0, tzinfo=UTC), Drop(why="the moment has passed")),
        (datetime(2027, 3, 20, 10, 0, tzinfo=UTC), Drop(why="the moment has passed")),
    ],
)
def test_a_nudge_waits_for_its_persons_hours_until_it_is_too_late(
    now: datetime, verdict: SendNow | SendAt | Drop
) -> None:
    assert judged(now) == verdict


def test_a_nudge_is_too_late_from_the_very_instant_on() -> None:
    assert judged(DUE, too_late_at=DUE) == Drop(why="the moment has passed")
    assert judged(DUE, too_late_at=DUE + timedelta(seconds=1)) == SendNow()


def test_a_nudge_waits_for_its_persons_next_working_day() -> None:
    away = replace(ADA, pauses=(Pause(first_on=date(2027, 3, 2), last_on=date(2027, 3, 3)),))

    assert judged(DUE, person=away) == SendAt(at=datetime(2027, 3, 4, 9, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    "person",
    [
        replace(ADA, pauses=(Pause(first_on=date(2027, 3, 2)),)),
        replace(ADA, left_on=date(2027, 3, 2)),
        replace(ADA, working_days=(Weekday.SAT,)),
    ],
    ids=["on leave without an end", "left", "works only after it is too late"],
)
def test_a_nudge_that_finds_no_more_day_is_dropped(person: Person) -> None:
    assert judged(DUE, person=person) == Drop(why="the moment has passed")


@pytest.mark.parametrize(
    ("wrote_at", "verdict"),
    [
        (EFFECT.period_starts_at, Drop(why="the person wrote this period")),
        (DUE - timedelta(minutes=1), Drop(why="the person wrote this period")),
        (EFFECT.period_starts_at - timedelta(seconds=1), SendNow()),
    ],
)
def test_what_was_done_a_minute_ago_is_not_nudged(wrote_at: datetime, verdict: SendNow | Drop) -> None:
    assert judged(DUE, wrote_at=wrote_at) == verdict


@pytest.mark.parametrize(
    "objective",
    [None, an_objective(11, state=ObjectiveState.QUEUED), an_objective(11, state=ObjectiveState.CLOSED)],
    ids=["none", "queued", "closed"],
)
def test_a_goal_that_is_not_active_any_more_is_not_nudged(objective: Objective | None) -> None:
    assert judged(DUE, objective=objective) == Drop(why="the objective is not active any more")


def test_a_nudge_planned_for_a_goal_that_was_swapped_meanwhile_is_dropped() -> None:
    """The one active now is another than the one whose issue the nudge would be written on."""
    assert judged(DUE, objective=an_objective(12)) == Drop(why="the objective is not active any more")
