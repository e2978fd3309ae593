"""When each turn of a rhythm falls: windows, gates, intervals, clocks of one's own and yearly entitlements."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.moments import (
    Commitment,
    Held,
    How,
    Moment,
    Standing,
    add_months,
    day_of_year,
    done_because,
    moments_of,
    shared_moments,
)
from domain.objectives import ObjectiveState
from domain.people import Pause, Person
from domain.policy import Policy, TicketPolicy, YearRule
from domain.rhythms import Clock, Entitlement, Interval, Need, Rhythm, Start, Window, Windows
from tests.cast import ADA, POLICY, a_standing, an_objective

SPRING = Windows(windows=(Window(opens="03-01", closes="04-30"),))


def days(
    rhythm: Rhythm, since: date, until: date, *, standing: Standing | None = None, policy: Policy = POLICY
) -> list[tuple[str, date, date]]:
    """The turns of a rhythm that are open on some day of [since, until], first to last day."""
    found = moments_of(policy, "any", rhythm, standing or a_standing(), since=since, until=until)
    return [(one.turn, one.opens_on, one.closes_on) for one in found]


def the_year(rhythm: Rhythm, year: int, standing: Standing | None = None) -> list[tuple[str, date, date]]:
    return days(rhythm, date(year, 1, 1), date(year, 12, 31), standing=standing)


# -- windows -----------------------------------------------------------------------------------------------------------


def test_spring_comes_once_a_year_from_march_to_the_end_of_april() -> None:
    assert days(SPRING, date(2026, 12, 1), date(2028, 12, 31)) == [
        ("2027", date(2027, 3, 1), date(2027, 4, 30)),
        ("2028", date(2028, 3, 1), date(2028, 4, 30)),
    ]


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        (date(2027, 4, 30), date(2027, 4, 30), True),
        (date(2027, 3, 1), date(2027, 3, 1), True),
        (date(2027, 5, 1), date(2028, 2, 29), False),
        (date(2027, 1, 1), date(2027, 2, 28), False),
    ],
)
def test_a_window_holds_its_first_and_its_last_day(since: date, until: date, found: bool) -> None:
    assert bool(days(SPRING, since, until)) is found


def test_a_window_may_run_over_the_new_year_and_belongs_to_the_year_it_opened_in() -> None:
    winter = Windows(windows=(Window(opens="11-15", closes="01-20"),))
    opened = ("2026", date(2026, 11, 15), date(2027, 1, 20))

    assert days(winter, date(2027, 1, 20), date(2027, 2, 20)) == [opened]
    assert days(winter, date(2026, 12, 31), date(2026, 12, 31)) == [opened]
    assert days(winter, date(2027, 1, 1), date(2027, 1, 1)) == [opened]
    assert days(winter, date(2027, 1, 21), date(2027, 11, 14)) == []


def test_the_leap_day_is_the_last_of_february_in_other_years() -> None:
    leap = Windows(windows=(Window(opens="02-29", closes="03-10"),))
    until_leap = Windows(windows=(Window(opens="02-01", closes="02-29"),))

    assert the_year(leap, 2028) == [("2028", date(2028, 2, 29), date(2028, 3, 10))]
    assert the_year(leap, 2027) == [("2027", date(2027, 2, 28), date(2027, 3, 10))]
    assert the_year(until_leap, 2027) == [("2027", date(2027, 2, 1), date(2027, 2, 28))]
    assert the_year(until_leap, 2028) == [("2028", date(2028, 2, 1), date(2028, 2, 29))]


def test_a_leap_year_is_no_leap_year_every_century() -> None:
    assert day_of_year("02-29", 2100) == date(2100, 2, 28)
    assert day_of_year("02-29", 2000) == date(2000, 2, 29)
    with pytest.raises(ValueError, match="day"):
        day_of_year("02-30", 2028)


def test_two_windows_a_year_are_two_turns_whatever_order_the_file_has_them_in() -> None:
    twice = Windows(windows=(Window(opens="09-01", closes="10-31"), Window(opens="03-01", closes="04-30")))

    assert [(turn, opens_on) for turn, opens_on, _ in the_year(twice, 2027)] == [
        ("2027-2", date(2027, 3, 1)),
        ("2027-1", date(2027, 9, 1)),
    ]


def test_a_window_of_a_single_day() -> None:
    assert the_year(Windows(windows=(Window(opens="05-01", closes="05-01"),)), 2027) == [
        ("2027", date(2027, 5, 1), date(2027, 5, 1))
    ]


# -- gates -------------------------------------------------------------------------------------------------------------

AHEAD = Windows(windows=(Window(opens="09-01", closes="10-31"),), not_before="goals_set_on", before="budget_final_on")


def with_milestones(**dates: date | tuple[date, ...]) -> Policy:
    milestones = {name: one if isinstance(one, tuple) else (one,) for name, one in dates.items()}
    return replace(POLICY, organisation=replace(POLICY.organisation, milestones=milestones))


def look_ahead(policy: Policy, year: int = 2027, rhythm: Windows = AHEAD) -> Moment:
    [moment] = shared_moments(policy, "look-ahead", rhythm, since=date(year, 1, 1), until=date(year, 12, 31))
    return moment


@pytest.mark.parametrize(
    ("goals", "budget", "opens_on", "closes_on"),
    [
        (date(2027, 9, 15), date(2027, 10, 20), date(2027, 9, 15), date(2027, 10, 19)),
        (date(2027, 8, 1), date(2027, 12, 1), date(2027, 9, 1), date(2027, 10, 31)),
        (date(2027, 9, 1), date(2027, 11, 1), date(2027, 9, 1), date(2027, 10, 31)),
        (date(2027, 9, 1), date(2027, 10, 31), date(2027, 9, 1), date(2027, 10, 30)),
        (date(2027, 10, 30), date(2027, 10, 31), date(2027, 10, 30), date(2027, 10, 30)),
        (date(2027, 8, 1), date(2027, 9, 2), date(2027, 9, 1), date(2027, 9, 1)),
    ],
)
def test_a_gate_leaves_the_days_from_the_goals_to_the_day_before_the_budget(
    goals: date, budget: date, opens_on: date, closes_on: date
) -> None:
    moment = look_ahead(with_milestones(goals_set_on=goals, budget_final_on=budget))

    assert (moment.opens_on, moment.closes_on, moment.problem, moment.turn) == (opens_on, closes_on, "", "2027")


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        ({}, "goals_set_on"),
        ({"goals_set_on": date(2027, 9, 5)}, "budget_final_on"),
        ({"budget_final_on": date(2027, 10, 5)}, "goals_set_on"),
        ({"goals_set_on": (), "budget_final_on": date(2027, 10, 5)}, "goals_set_on"),
        ({"goals_set_on": date(2027, 10, 5), "budget_final_on": date(2027, 9, 5)}, "is not before"),
        ({"goals_set_on": date(2027, 9, 5), "budget_final_on": date(2027, 9, 5)}, "is not before"),
        ({"goals_set_on": date(2027, 11, 5), "budget_final_on": date(2027, 11, 25)}, "no day is left"),
        ({"goals_set_on": date(2027, 8, 1), "budget_final_on": date(2027, 9, 1)}, "no day is left"),
        ({"goals_set_on": date(2026, 9, 5), "budget_final_on": date(2026, 10, 5)}, "goals_set_on"),
        ({"goals_set_on": date(2027, 9, 5), "budget_final_on": date(2026, 10, 5)}, "budget_final_on"),
    ],
    ids=[
        "both missing",
        "no budget date",
        "no goals date",
        "an empty list",
        "reversed",
        "a gap of no day",
        "after the window",
        "before the window",
        "of last year",
        "one of last year",
    ],
)
def test_dates_that_do_not_leave_a_day_are_a_problem_and_nothing_is_guessed(
    dates: dict[str, date | tuple[date, ...]], said: str
) -> None:
    moment = look_ahead(with_milestones(**dates))

    assert said in moment.problem
    assert moment.turn == "2027"


def test_each_year_takes_its_own_dates() -> None:
    policy = with_milestones(
        goals_set_on=(date(2028, 9, 20), date(2027, 9, 10)), budget_final_on=(date(2027, 10, 10), date(2028, 10, 5))
    )

    assert (look_ahead(policy).opens_on, look_ahead(policy).closes_on) == (date(2027, 9, 10), date(2027, 10, 9))
    assert (look_ahead(policy, 2028).opens_on, look_ahead(policy, 2028).closes_on) == (
        date(2028, 9, 20),
        date(2028, 10, 4),
    )


def test_a_moved_budget_date_leaves_the_turn_its_name() -> None:
    before = look_ahead(with_milestones(goals_set_on=date(2027, 9, 1), budget_final_on=date(2027, 10, 20)))
    after = look_ahead(with_milestones(goals_set_on=date(2027, 9, 1), budget_final_on=date(2027, 10, 6)))

    assert (before.turn, before.closes_on) == ("2027", date(2027, 10, 19))
    assert (after.turn, after.closes_on) == ("2027", date(2027, 10, 5))


def test_a_gate_of_one_side_is_enough() -> None:
    from_goals, until_budget = replace(AHEAD, before=""), replace(AHEAD, not_before="")

    found = look_ahead(with_milestones(goals_set_on=date(2027, 9, 9)), rhythm=from_goals)
    assert (found.opens_on, found.closes_on, found.problem) == (date(2027, 9, 9), date(2027, 10, 31), "")
    found = look_ahead(with_milestones(budget_final_on=date(2027, 10, 9)), rhythm=until_budget)
    assert (found.opens_on, found.closes_on, found.problem) == (date(2027, 9, 1), date(2027, 10, 8), "")


def test_a_gate_over_the_new_year_takes_the_dates_around_it() -> None:
    winter = replace(AHEAD, windows=(Window(opens="11-15", closes="01-31"),))
    policy = with_milestones(goals_set_on=date(2027, 12, 1), budget_final_on=date(2028, 1, 15))

    [moment] = shared_moments(policy, "any", winter, since=date(2027, 12, 1), until=date(2027, 12, 31))

    assert (moment.turn, moment.opens_on, moment.closes_on) == ("2027", date(2027, 12, 1), date(2028, 1, 14))


@settings(max_examples=200, deadline=None)
@given(goals=st.dates(date(2027, 5, 4), date(2028, 2, 28)), budget=st.dates(date(2027, 5, 4), date(2028, 2, 28)))
def test_a_gated_day_never_lies_outside_its_gate(goals: date, budget: date) -> None:
    policy = with_milestones(goals_set_on=goals, budget_final_on=budget)
    for moment in shared_moments(policy, "any", AHEAD, since=date(2027, 1, 1), until=date(2028, 12, 31)):
        if not moment.problem:
            assert goals <= moment.opens_on <= moment.closes_on < budget
            assert date(2027, 9, 1) <= moment.opens_on <= moment.closes_on <= date(2027, 10, 31)
    fits = max(goals, date(2027, 9, 1)) <= min(budget - timedelta(days=1), date(2027, 10, 31)) and goals < budget
    assert bool(look_ahead(policy).problem) is not fits


# -- intervals ---------------------------------------------------------------------------------------------------------


def test_turns_count_from_the_anchor_and_name_their_day() -> None:
    two_weekly = Interval(anchor_on=date(2027, 1, 5), every_days=14, open_days=3)

    assert days(two_weekly, date(2027, 1, 19), date(2027, 2, 2)) == [
        ("2027-01-19", date(2027, 1, 19), date(2027, 1, 22)),
        ("2027-02-02", date(2027, 2, 2), date(2027, 2, 5)),
    ]
    assert days(two_weekly, date(2020, 1, 1), date(2027, 1, 5)) == [("2027-01-05", date(2027, 1, 5), date(2027, 1, 8))]
    assert days(two_weekly, date(2020, 1, 1), date(2027, 1, 4)) == []
    assert days(two_weekly, date(2027, 1, 23), date(2027, 2, 1)) == []


def test_what_was_done_since_the_turn_before_counts() -> None:
    two_weekly = Interval(anchor_on=date(2027, 1, 5), every_days=14)
    first, second = shared_moments(POLICY, "any", two_weekly, since=date(2027, 1, 5), until=date(2027, 1, 19))

    assert (first.counts_from_on, second.counts_from_on) == (date(2026, 12, 23), date(2027, 1, 6))


def test_the_thirty_first_becomes_the_last_of_shorter_months_and_comes_back() -> None:
    monthly = Interval(anchor_on=date(2027, 12, 31), every_months=1, open_days=0)

    assert [opens_on for _, opens_on, _ in days(monthly, date(2027, 12, 1), date(2028, 5, 31))] == [
        date(2027, 12, 31),
        date(2028, 1, 31),
        date(2028, 2, 29),
        date(2028, 3, 31),
        date(2028, 4, 30),
        date(2028, 5, 31),
    ]


def test_a_quarter_goes_on_over_the_new_year() -> None:
    quarterly = Interval(anchor_on=date(2027, 1, 1), every_months=3, open_days=28)

    assert [turn for turn, _, _ in days(quarterly, date(2027, 9, 1), date(2028, 4, 1))] == [
        "2027-10-01",
        "2028-01-01",
        "2028-04-01",
    ]


INTERVALS = st.builds(
    Interval,
    anchor_on=st.dates(date(2024, 1, 1), date(2032, 12, 31)),
    every_days=st.integers(1, 50),
    open_days=st.integers(0, 60),
) | st.builds(
    Interval,
    anchor_on=st.dates(date(2024, 1, 1), date(2032, 12, 31)),
    every_months=st.integers(1, 14),
    open_days=st.integers(0, 60),
)


@settings(max_examples=200, deadline=None)
@given(rhythm=INTERVALS, ahead=st.integers(-400, 2000), length=st.integers(0, 300))
@example(rhythm=Interval(anchor_on=date(2028, 1, 31), every_months=1, open_days=0), ahead=28, length=3)
def test_turns_do_not_depend_on_where_the_looking_starts(rhythm: Interval, ahead: int, length: int) -> None:
    since = rhythm.anchor_on + timedelta(days=ahead)
    until = since + timedelta(days=length)
    every = days(rhythm, rhythm.anchor_on, until)

    assert days(rhythm, since, until) == [one for one in every if one[2] >= since]
    assert len({turn for turn, _, _ in every}) == len(every)
    for n, (turn, opens_on, closes_on) in enumerate(every):
        reckoned = rhythm.anchor_on + timedelta(days=n * (rhythm.every_days or 0))
        if rhythm.every_months is not None:
            count = rhythm.anchor_on.month - 1 + n * rhythm.every_months
            year, month = rhythm.anchor_on.year + count // 12, count % 12 + 1
            last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
            reckoned = date(year, month, min(rhythm.anchor_on.day, last))
        assert opens_on == reckoned
        assert (turn, closes_on) == (opens_on.isoformat(), opens_on + timedelta(days=rhythm.open_days))


@settings(max_examples=200, deadline=None)
@given(day=st.dates(date(2000, 1, 1), date(2090, 1, 1)), months=st.integers(-200, 200))
def test_months_are_added_without_leaving_the_month(day: date, months: int) -> None:
    there = add_months(day, months)

    assert (there.year * 12 + there.month) - (day.year * 12 + day.month) == months
    assert there.day == day.day or (there.day < day.day and (there + timedelta(days=1)).day == 1)


# -- clocks of one's own -----------------------------------------------------------------------------------------------

ONBOARDING = Clock(since=Start.JOINED, after_months=(3, 6, 9), open_days=21)
NEWCOMER = replace(ADA, joined_on=date(2027, 1, 31))


def test_onboarding_falls_three_six_and_nine_months_after_joining() -> None:
    assert the_year(ONBOARDING, 2027, a_standing(NEWCOMER)) == [
        ("m3", date(2027, 4, 30), date(2027, 5, 21)),
        ("m6", date(2027, 7, 31), date(2027, 8, 21)),
        ("m9", date(2027, 10, 31), date(2027, 11, 21)),
    ]
    assert the_year(ONBOARDING, 2027, a_standing(ADA)) == [], "nobody knows when they joined"


def test_onboarding_ends_after_nine_months() -> None:
    assert the_year(ONBOARDING, 2028, a_standing(NEWCOMER)) == []


@pytest.mark.parametrize(
    ("pauses", "opens_on"),
    [
        ((), [date(2027, 4, 30), date(2027, 7, 31), date(2027, 10, 31)]),
        (
            (Pause(first_on=date(2027, 5, 10), last_on=date(2027, 5, 30)),),
            [date(2027, 4, 30), date(2027, 8, 21), date(2027, 11, 21)],
        ),
        (
            (Pause(first_on=date(2027, 5, 10), last_on=date(2027, 5, 18)),),
            [date(2027, 4, 30), date(2027, 7, 31), date(2027, 10, 31)],
        ),
        (
            (
                Pause(first_on=date(2027, 8, 10), last_on=date(2027, 8, 29)),
                Pause(first_on=date(2027, 4, 25), last_on=date(2027, 5, 14)),
            ),
            [date(2027, 5, 20), date(2027, 9, 9), date(2027, 12, 10)],
        ),
        (
            (Pause(first_on=date(2026, 11, 1), last_on=date(2027, 1, 15)),),
            [date(2027, 4, 30), date(2027, 7, 31), date(2027, 10, 31)],
        ),
        (
            (Pause(first_on=date(2027, 5, 10)),),
            [date(2027, 4, 30), date(2027, 7, 31), date(2027, 10, 31)],
        ),
    ],
    ids=["none", "three weeks", "a short one", "two", "before joining", "nobody knows how long"],
)
def test_long_leave_moves_onboarding_on(pauses: tuple[Pause, ...], opens_on: list[date]) -> None:
    found = the_year(ONBOARDING, 2027, a_standing(replace(NEWCOMER, pauses=pauses)))

    assert [(turn, day) for turn, day, _ in found] == list(zip(("m3", "m6", "m9"), opens_on, strict=True))


def test_a_leave_counts_once_when_two_rows_of_it_overlap() -> None:
    twice = (
        Pause(first_on=date(2027, 5, 10), last_on=date(2027, 5, 30)),
        Pause(first_on=date(2027, 5, 10), last_on=date(2027, 5, 30)),
    )

    found = the_year(ONBOARDING, 2027, a_standing(replace(NEWCOMER, pauses=twice)))

    assert [day for _, day, _ in found] == [date(2027, 4, 30), date(2027, 8, 21), date(2027, 11, 21)]


def test_a_clock_may_go_off_before_joining_and_come_round_every_year() -> None:
    welcome = Clock(since=Start.JOINED, after_days=(-7,), open_days=14)
    yearly = Clock(since=Start.JOINED, after_months=(1,), repeat_months=12, open_days=21)

    assert the_year(welcome, 2027, a_standing(NEWCOMER)) == [("d-7", date(2027, 1, 24), date(2027, 2, 7))]
    assert days(yearly, date(2027, 1, 1), date(2029, 12, 31), standing=a_standing(NEWCOMER)) == [
        ("m1", date(2027, 2, 28), date(2027, 3, 21)),
        ("m13", date(2028, 2, 29), date(2028, 3, 21)),
        ("m25", date(2029, 2, 28), date(2029, 3, 21)),
    ]


def test_a_clock_that_comes_round_does_not_wait_for_leave() -> None:
    yearly = Clock(since=Start.JOINED, after_months=(1,), repeat_months=12)
    away = replace(NEWCOMER, pauses=(Pause(first_on=date(2027, 2, 10), last_on=date(2027, 3, 10)),))

    assert [day for _, day, _ in days(yearly, date(2027, 1, 1), date(2028, 3, 1), standing=a_standing(away))] == [
        date(2027, 2, 28),
        date(2028, 2, 29),
    ]


def test_a_goal_starts_a_clock_while_it_is_active() -> None:
    protect = Clock(since=Start.OBJECTIVE_OPENED, after_days=(3,), open_days=14)

    assert the_year(protect, 2027) == [("ilo111-d3", date(2027, 3, 4), date(2027, 3, 18))]
    assert the_year(protect, 2027, a_standing(objective=None)) == []
    assert the_year(protect, 2027, a_standing(objective=an_objective(11, state=ObjectiveState.QUEUED))) == []


def test_being_without_a_goal_starts_a_clock_after_the_grace() -> None:
    invitation = Clock(since=Start.WITHOUT_OBJECTIVE, after_days=(0,), open_days=90)
    without = a_standing(objective=None, without_since_on=date(2027, 2, 1))

    assert the_year(invitation, 2027, without) == [("2027-02-01-d0", date(2027, 2, 15), date(2027, 5, 16))]
    assert the_year(invitation, 2027) == []


def test_a_promise_is_looked_back_on_on_its_day_until_it_is_closed() -> None:
    look_back = Clock(since=Start.LOOK_BACK, after_days=(0,), open_days=30)
    promise = Commitment(id=4, promised_by="cy", made_on=date(2027, 3, 1), look_back_on=date(2027, 7, 1))
    other = replace(promise, id=5, look_back_on=date(2027, 6, 1))

    [first, second] = moments_of(
        POLICY,
        "look-back",
        look_back,
        a_standing(commitments=(promise, other)),
        since=date(2027, 1, 1),
        until=date(2027, 12, 31),
    )
    assert (first.turn, first.opens_on, first.promised_by) == ("promise5-d0", date(2027, 6, 1), "cy")
    assert (second.turn, second.opens_on, second.promised_by) == ("promise4-d0", date(2027, 7, 1), "cy")
    assert the_year(look_back, 2027, a_standing(commitments=(replace(promise, closed=True),))) == []


def test_only_a_long_leave_with_an_end_is_followed_by_a_return() -> None:
    back = Clock(since=Start.LEAVE_ENDED, after_days=(0,), open_days=30)
    pauses = (
        Pause(first_on=date(2027, 3, 1), last_on=date(2027, 3, 10)),
        Pause(first_on=date(2027, 5, 1), last_on=date(2027, 5, 9)),
        Pause(first_on=date(2027, 8, 1)),
    )

    assert the_year(back, 2027, a_standing(replace(ADA, pauses=pauses))) == [
        ("2027-03-10-d0", date(2027, 3, 11), date(2027, 4, 10))
    ]


def test_what_was_held_starts_the_next_step_and_what_was_not_needed_does_not() -> None:
    approach = Clock(since=Start.HELD, after="big-picture", after_days=(3,), open_days=30)
    held = Held(rhythm="big-picture", turn="2027-1", how=How.HELD, on=date(2027, 3, 10))

    assert the_year(approach, 2027, a_standing(held=(held,))) == [("2027-1-d3", date(2027, 3, 13), date(2027, 4, 12))]
    for other in (replace(held, how=How.NOT_NEEDED), replace(held, rhythm="spring-growth")):
        assert the_year(approach, 2027, a_standing(held=(other,))) == []


# -- entitlements ------------------------------------------------------------------------------------------------------

UNUSED = Entitlement(after_months=(5, 10), open_days=30, needs=(Need.UNUSED_TICKET,))


def of_year(rule: YearRule, person: Person = ADA, **organisation: Any) -> list[tuple[str, date]]:
    policy = replace(POLICY, ticket=TicketPolicy(year=rule), organisation=replace(POLICY.organisation, **organisation))
    found = days(UNUSED, date(2027, 1, 1), date(2027, 12, 31), standing=a_standing(person), policy=policy)
    return [(turn, opens_on) for turn, opens_on, _ in found]


def test_a_ticket_year_is_of_the_calendar_the_organisation_or_the_person() -> None:
    joined = replace(ADA, joined_on=date(2024, 2, 29))

    assert of_year(YearRule.CALENDAR) == [("2027-m5", date(2027, 6, 1)), ("2027-m10", date(2027, 11, 1))]
    assert of_year(YearRule.FISCAL, year_starts_month=7) == [
        ("2026-m10", date(2027, 5, 1)),
        ("2027-m5", date(2027, 12, 1)),
    ]
    assert of_year(YearRule.JOINED, joined) == [
        ("2026-m10", date(2027, 1, 1)),
        ("2027-m5", date(2027, 8, 1)),
    ]
    assert of_year(YearRule.JOINED) == of_year(YearRule.CALENDAR), "a day nobody knows is the first of January"


def test_a_ticket_that_is_held_is_asked_about_no_more_in_its_year() -> None:
    standing = a_standing(ticket_years=frozenset({"2027"}))
    found = list(moments_of(POLICY, "any", UNUSED, standing, since=date(2027, 1, 1), until=date(2028, 12, 31)))

    assert [bool(done_because(one, UNUSED, standing)) for one in found] == [True, True, False, False]
    renewal = Entitlement(after_months=(0,))
    [new, _] = moments_of(POLICY, "any", renewal, standing, since=date(2027, 1, 1), until=date(2028, 1, 31))
    assert not done_because(new, renewal, standing), "a new ticket is told of whoever used the one before"


# -- done --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", list(How))
def test_a_moment_is_done_by_a_word_of_the_person(how: How) -> None:
    held = Held(rhythm="spring", turn="2027", how=how, on=date(2027, 3, 10))
    moment = Moment(
        rhythm="spring",
        turn="2027",
        opens_on=date(2027, 3, 1),
        closes_on=date(2027, 4, 30),
        counts_from_on=date(2027, 3, 1),
    )

    assert done_because(moment, SPRING, a_standing(held=(held,))) == f"{how.value} on 2027-03-10"
    assert done_because(replace(moment, turn="2028"), SPRING, a_standing(held=(held,))) == ""
    assert done_because(replace(moment, rhythm="other"), SPRING, a_standing(held=(held,))) == ""


def test_moments_come_in_order_of_time() -> None:
    rhythm = Clock(since=Start.JOINED, after_days=(200,), after_months=(3, 9), open_days=5)
    found = the_year(rhythm, 2027, a_standing(NEWCOMER))

    assert [day for _, day, _ in found] == sorted(day for _, day, _ in found)
