"""The job that plans: who is due is found by their instant, and whatever happens to the clock, it is said once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import event, update

from domain.later import Wish, snoozes
from domain.moments import How
from domain.policy import CapsPolicy, Mode, Policy
from domain.rhythms import Clock as OwnClock
from domain.rhythms import Interval, Need, Role, Side, Start, Window, Windows
from jobs.durable import Intake
from jobs.nudge import AT_ONCE, LOOK_AHEAD, nudge, policy_print
from jobs.workshop import Workshop
from store.database import Database, make_engine
from store.models import LONG_AGO, AskedRow, EffectRow, ObjectiveRow, PauseRow, PersonRow
from store.standings import keep_held, keep_snooze, look_anew, wake
from tests.workroom import (
    OURS,
    SLUG,
    TUESDAY,
    TWO_WEEKLY,
    Clock,
    add,
    add_objective,
    add_person,
    asked,
    at_work,
    keys,
    look_at,
    rows,
    send_all,
    statuses,
)

DAY, WEEK, HOUR = timedelta(days=1), timedelta(days=7), timedelta(hours=1)
FIRST = "nudge:fennel-works:ada:2027-01-05"
SECOND = "nudge:fennel-works:ada:2027-01-19"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def work(workshop: Workshop, clock: Clock) -> Workshop:
    return at_work(workshop, clock, OURS)


def under(work: Workshop, policy: Policy) -> Workshop:
    """The same database under another policy, as after a restart."""
    return replace(work, policies={policy.slug: policy})


def tick_until(work: Workshop, clock: Clock, end: datetime, step: timedelta = HOUR) -> None:
    """Let the clock go on to an instant, with a tick at each step."""
    while clock.now < end:
        clock.now = min(clock.now + step, end)
        nudge(work)


# -- who is due --------------------------------------------------------------------------------------------------------


def test_what_is_due_is_planned_with_what_it_says(work: Workshop) -> None:
    ada = add_person(work)

    nudge(work)

    [effect] = rows(work, EffectRow)
    assert (effect.key, effect.organisation, effect.kind, effect.vendor, effect.status) == (
        FIRST, SLUG, "Nudge", "mail", "planned",
    )  # fmt: skip
    assert (effect.planned_at, effect.not_before) == (TUESDAY, TUESDAY)
    [row] = rows(work, AskedRow)
    told = {name: getattr(row, name) for name in ("person_id", "member_id", "rhythm", "turn", "side", "ask")}
    assert told == {
        "person_id": ada, "member_id": ada, "rhythm": "two-weekly", "turn": "2027-01-05", "side": "member",
        "ask": "first",
    }  # fmt: skip
    assert (row.at, row.day, row.closes_on) == (TUESDAY, date(2027, 1, 5), date(2027, 1, 8))
    assert (row.effect_key, row.withheld) == (FIRST, False)


def test_only_those_whose_instant_has_come_are_looked_at(work: Workshop) -> None:
    nudge(work)  # the policy is known from here on
    ada, bo = add_person(work), add_person(work, "bo", look_at=TUESDAY + timedelta(seconds=1))

    nudge(work)

    assert keys(work) == [FIRST]
    assert look_at(work, bo) == TUESDAY + timedelta(seconds=1)
    assert look_at(work, ada) == TUESDAY + LOOK_AHEAD


def test_an_instant_that_is_now_has_come(work: Workshop) -> None:
    nudge(work)
    add_person(work, look_at=TUESDAY)

    nudge(work)

    assert keys(work) == [FIRST]


def test_a_tick_on_which_nobody_is_due_reads_nobody(work: Workshop) -> None:
    """However many people there are: the question is answered from the index."""
    add_person(work)
    nudge(work)
    asked_of_the_database: list[str] = []

    def listen(*given: Any) -> None:
        asked_of_the_database.append(given[2])

    event.listen(work.database.engine, "before_cursor_execute", listen)
    nudge(work)
    event.remove(work.database.engine, "before_cursor_execute", listen)

    tables = [said for said in asked_of_the_database if "FROM people" in said]
    assert len(tables) == 1
    assert "look_at <=" in tables[0]
    assert not [said for said in asked_of_the_database if said.startswith(("INSERT", "UPDATE", "DELETE"))]


def test_more_people_than_are_read_at_once_all_hear(work: Workshop) -> None:
    for n in range(AT_ONCE + 3):
        add_person(work, f"p{n:03}")

    nudge(work)

    assert len(keys(work)) == len(asked(work)) == AT_ONCE + 3


def test_each_organisation_is_planned_under_its_own_policy_and_no_other(work: Workshop, clock: Clock) -> None:
    moss = replace(OURS, slug="moss", rhythms={"weekly": replace(TWO_WEEKLY, every_days=7)})
    both = at_work(work, clock, OURS, moss)
    add_person(both)
    add_person(both, organisation="moss")
    add_person(both, "eve", organisation="gone")

    nudge(both)

    assert keys(both) == ["nudge:fennel-works:ada:2027-01-05", "nudge:moss:ada:2027-01-05"]
    assert [rhythm for _, rhythm, _, _ in asked(both)] == ["two-weekly", "weekly"]


# -- when next ---------------------------------------------------------------------------------------------------------


def test_the_next_look_is_the_next_instant_that_is_due(work: Workshop, clock: Clock) -> None:
    clock.now = datetime(2027, 1, 4, 12, 34, tzinfo=UTC)
    lisbon, kathmandu = add_person(work), add_person(work, "bo", zone="Asia/Kathmandu")

    nudge(work)

    assert keys(work) == []
    assert look_at(work, lisbon) == TUESDAY
    assert look_at(work, kathmandu) == datetime(2027, 1, 5, 4, 15, tzinfo=UTC)


def test_without_anything_due_the_next_look_is_a_week_away(work: Workshop, clock: Clock) -> None:
    clock.now = TUESDAY + HOUR - LOOK_AHEAD * 3
    ada = add_person(work)

    nudge(work)

    assert look_at(work, ada) == clock.now + LOOK_AHEAD


def test_ticking_for_weeks_says_each_turn_once_at_its_hour(work: Workshop, clock: Clock) -> None:
    ada = add_person(work)
    nudge(work)

    tick_until(work, clock, TUESDAY + 8 * WEEK, step=2 * HOUR)

    effects = rows(work, EffectRow)
    assert [row.planned_at for row in effects] == [TUESDAY + n * 2 * WEEK for n in range(5)]
    assert [row[2] for row in asked(work)] == ["2027-01-05", "2027-01-19", "2027-02-02", "2027-02-16", "2027-03-02"]
    assert look_at(work, ada) > clock.now


def test_after_days_of_downtime_there_is_one_message(work: Workshop, clock: Clock) -> None:
    add_person(work)
    nudge(work)

    clock.now = datetime(2027, 2, 4, 15, 20, tzinfo=UTC)  # the turn of the second of February is still open
    nudge(work)

    assert keys(work) == [FIRST, "nudge:fennel-works:ada:2027-02-04"]
    assert asked(work)[1][2] == "2027-02-02"


def test_several_things_of_a_day_are_one_message(work: Workshop) -> None:
    both = under(work, replace(OURS, rhythms={"two-weekly": TWO_WEEKLY, "weekly": replace(TWO_WEEKLY, every_days=7)}))
    add_person(both)

    nudge(both)

    assert keys(both) == [FIRST]
    assert [rhythm for _, rhythm, _, _ in asked(both)] == ["two-weekly", "weekly"]


# -- once --------------------------------------------------------------------------------------------------------------


def test_two_ticks_are_one(work: Workshop) -> None:
    add_person(work)

    nudge(work)
    nudge(work)

    assert keys(work) == [FIRST]
    assert len(asked(work)) == 1


def test_being_looked_at_anew_says_nothing_twice(work: Workshop, clock: Clock) -> None:
    ada = add_person(work)
    nudge(work)

    for _ in range(5):
        work.database.transact(lambda session: look_anew(session, [ada]))
        clock.now += timedelta(minutes=7)
        nudge(work)

    assert keys(work) == [FIRST]
    assert len(asked(work)) == 1


@pytest.fixture
def second(environ: dict[str, str]) -> Iterator[Database]:
    """Another process's connection to the same database."""
    database = Database(make_engine(environ["DATABASE_URL"]))
    yield database
    database.dispose()


def test_two_workers_at_once_plan_everything_once(work: Workshop, second: Database) -> None:
    """The unique keys decide, whoever comes first."""
    for n in range(60):
        add_person(work, f"p{n:02}", relations={"manager": f"p{(n + 1) % 60:02}"})
    other = replace(work, database=second, intake=Intake(second))
    start, faults = Barrier(2), []

    def run(mine: Workshop) -> None:
        start.wait(timeout=20)
        for _ in range(3):
            try:
                nudge(mine)
            except Exception as error:  # noqa: BLE001 - any fault in a thread has to reach the test
                faults.append(error)

    threads = [Thread(target=run, args=(one,)) for one in (work, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert faults == []
    assert sorted(keys(work)) == [f"nudge:fennel-works:p{n:02}:2027-01-05" for n in range(60)]
    assert len(asked(work)) == 60
    work_ids = {f"perform:{key}:0" for key in keys(work)}
    assert work.intake.underway(work_ids) == work_ids


def test_a_clock_that_goes_back_a_day_and_forward_again_says_nothing_twice(work: Workshop, clock: Clock) -> None:
    ada = add_person(work)
    nudge(work)

    for now in (TUESDAY - DAY, TUESDAY - 2 * HOUR, TUESDAY, TUESDAY + DAY, TUESDAY - DAY, TUESDAY + 3 * DAY):
        clock.now = now
        nudge(work)
        work.database.transact(lambda session: look_anew(session, [ada]))
        nudge(work)

    assert keys(work) == [FIRST]
    assert len(asked(work)) == 1


def test_a_clock_that_was_a_day_ahead_by_mistake_has_said_it_a_day_early_and_that_is_all(
    work: Workshop, clock: Clock
) -> None:
    clock.now = TUESDAY - DAY
    ada = add_person(work)
    nudge(work)
    assert keys(work) == []

    clock.now = TUESDAY  # wrongly
    nudge(work)
    clock.now = TUESDAY - DAY + HOUR  # set right again
    nudge(work)
    work.database.transact(lambda session: look_anew(session, [ada]))
    tick_until(work, clock, TUESDAY + 3 * DAY)

    assert keys(work) == [FIRST]
    assert len(asked(work)) == 1


def test_a_clock_that_goes_back_a_month_does_not_stop_what_comes_later(work: Workshop, clock: Clock) -> None:
    add_person(work)
    tick_until(work, clock, TUESDAY + 2 * WEEK)
    assert keys(work) == [FIRST, SECOND]

    clock.now = TUESDAY - 4 * WEEK
    tick_until(work, clock, TUESDAY + 4 * WEEK, step=3 * HOUR)

    assert keys(work) == [FIRST, SECOND, "nudge:fennel-works:ada:2027-02-02"]


# -- looked at anew ----------------------------------------------------------------------------------------------------


def test_a_change_of_policy_has_everybody_looked_at_again(work: Workshop, clock: Clock) -> None:
    ada = add_person(work)
    clock.now = TUESDAY - DAY
    nudge(work)
    assert look_at(work, ada) == TUESDAY

    earlier = under(work, replace(OURS, rhythms={"two-weekly": replace(TWO_WEEKLY, anchor_on=date(2027, 1, 4))}))
    nudge(earlier)

    assert keys(work) == ["nudge:fennel-works:ada:2027-01-04"]


def test_a_policy_that_is_read_again_and_says_the_same_changes_nothing(work: Workshop, clock: Clock) -> None:
    ada = add_person(work)
    nudge(work)
    work.database.transact(lambda session: session.execute(update(PersonRow).values(look_at=TUESDAY + WEEK)))

    again = {name: replace(rhythm) for name, rhythm in OURS.rhythms.items()}
    nudge(under(work, replace(OURS, rhythms=again, public_holidays={"PT": frozenset({date(2027, 1, 1)})})))

    assert look_at(work, ada) == TUESDAY + WEEK


@pytest.mark.parametrize(
    "changed",
    [
        replace(OURS, caps=CapsPolicy(per_week=2)),
        replace(OURS, organisation=replace(OURS.organisation, locale="de")),
        replace(OURS, organisation=replace(OURS.organisation, mode=Mode.OBSERVE)),
        replace(OURS, organisation=replace(OURS.organisation, milestones={"goals_set_on": (date(2027, 9, 1),)})),
        replace(OURS, loomio=None),
        replace(OURS, rhythms={}),
        replace(OURS, rhythms={"two-weekly": replace(TWO_WEEKLY, fades=True)}),
        replace(OURS, channels=replace(OURS.channels, order=())),
    ],
    ids=["caps", "locale", "mode", "milestone", "loomio", "no rhythms", "a rhythm", "channels"],
)
def test_whatever_a_policy_says_is_in_its_sign(changed: Policy) -> None:
    assert policy_print(changed) != policy_print(OURS)
    assert policy_print(replace(changed)) == policy_print(changed)


def test_each_organisation_has_a_sign_of_its_own(work: Workshop, clock: Clock) -> None:
    moss = replace(OURS, slug="moss")
    both = at_work(work, clock, OURS, moss)
    ada, mo = add_person(both), add_person(both, "mo", organisation="moss")
    nudge(both)
    work.database.transact(lambda session: session.execute(update(PersonRow).values(look_at=TUESDAY + WEEK)))

    nudge(at_work(work, clock, OURS, replace(moss, caps=CapsPolicy(per_week=3))))

    assert (look_at(work, ada), look_at(work, mo)) == (TUESDAY + WEEK, TUESDAY + LOOK_AHEAD)


def test_leave_that_is_noted_is_seen_before_the_next_message(work: Workshop, clock: Clock) -> None:
    clock.now = TUESDAY - DAY
    ada = add_person(work)
    nudge(work)
    add(work, PauseRow(person_id=ada, first_on=date(2027, 1, 5), last_on=date(2027, 1, 5)))
    work.database.transact(lambda session: look_anew(session, [ada]))

    tick_until(work, clock, TUESDAY + DAY)

    assert keys(work) == ["nudge:fennel-works:ada:2027-01-06"]


def test_what_is_held_already_is_not_asked_about(work: Workshop, clock: Clock) -> None:
    clock.now = TUESDAY - DAY
    ada = add_person(work)
    nudge(work)

    def hold(session: Any) -> bool:
        return keep_held(session, ada, "two-weekly", "2027-01-05", How.HELD, date(2027, 1, 4))

    assert work.database.transact(hold)
    assert look_at(work, ada) == LONG_AGO
    tick_until(work, clock, TUESDAY + 2 * WEEK)

    assert keys(work) == [SECOND]


def test_what_is_put_off_waits_and_comes_when_it_is_woken(work: Workshop, clock: Clock) -> None:
    clock.now = TUESDAY - DAY
    ada = add_person(work)
    nudge(work)
    [later] = snoozes(Wish(everything=True, this_time_only=False, last_on=None), [], today=date(2027, 1, 4))
    work.database.transact(lambda session: keep_snooze(session, ada, later))

    tick_until(work, clock, TUESDAY + 15 * DAY)
    assert keys(work) == []

    work.database.transact(lambda session: wake(session, ada))
    nudge(work)
    assert keys(work) == ["nudge:fennel-works:ada:2027-01-20"]


def test_a_goal_that_ends_ends_what_needs_one_and_a_new_one_begins_it(work: Workshop, clock: Clock) -> None:
    about_goals = under(
        work,
        replace(
            OURS,
            rhythms={
                "two-weekly": replace(TWO_WEEKLY, needs=(Need.OBJECTIVE,)),
                "invitation": OwnClock(
                    since=Start.WITHOUT_OBJECTIVE, after_days=(0,), tells=(Side.MEMBER,), needs=(Need.NO_OBJECTIVE,)
                ),
            },
        ),
    )
    clock.now = TUESDAY - DAY
    ada = add_person(work)
    goal = add_objective(work, ada)
    nudge(about_goals)
    assert look_at(work, ada) == TUESDAY

    def end(session: Any) -> None:
        row = session.get(ObjectiveRow, goal)
        row.state, row.closed_at = "closed", clock.now
        look_anew(session, [ada])

    work.database.transact(end)
    tick_until(about_goals, clock, TUESDAY + 3 * WEEK, step=2 * HOUR)

    assert [row[1:] for row in asked(work)] == [("invitation", "2027-01-04-d0", "first")]
    assert keys(work) == ["nudge:fennel-works:ada:2027-01-18"], "after the grace time"


def test_a_partner_is_looked_at_when_the_member_they_accompany_answers(work: Workshop, clock: Clock) -> None:
    talk = Interval(anchor_on=date(2027, 1, 5), every_months=3, open_days=40, partners=(Role.MANAGER,), private=True)
    talks = under(work, replace(OURS, rhythms={"quarterly-talk": talk}))
    clock.now = TUESDAY - DAY
    ada, bo = add_person(work, relations={"manager": "bo"}), add_person(work, "bo")
    nudge(talks)
    assert look_at(work, bo) == TUESDAY

    work.database.transact(
        lambda session: keep_held(session, ada, "quarterly-talk", "2027-01-05", How.HELD, date(2027, 1, 4))
    )
    assert look_at(work, bo) == LONG_AGO
    tick_until(talks, clock, TUESDAY + DAY)

    assert [row[:3] for row in asked(work)] == [(bo, "quarterly-talk", "2027-01-05")], "only bo's own talk is left"


def test_a_third_ask_brings_a_helper_the_next_day(work: Workshop, clock: Clock) -> None:
    spring = Windows(
        windows=(Window(opens="01-05", closes="04-30"),), tells=(Side.MEMBER,), again_after_days=(14, 28), private=True
    )
    asks = under(work, replace(OURS, rhythms={"self-prep": spring}))
    ada, bo = add_person(work, relations={"partner": "bo"}), add_person(work, "bo")
    work.database.transact(
        lambda session: keep_held(session, bo, "self-prep", "2027", How.NOT_NEEDED, date(2027, 1, 5))
    )
    nudge(asks)
    tick_until(asks, clock, TUESDAY + 6 * WEEK, step=2 * HOUR)

    assert asked(work) == [
        (ada, "self-prep", "2027", "first"),
        (ada, "self-prep", "2027", "again"),
        (ada, "self-prep", "2027", "pause"),
        (bo, "self-prep", "2027", "available"),
    ]
    [helped] = [row for row in rows(work, AskedRow) if row.person_id == bo]
    assert (helped.member_id, helped.side, helped.day) == (ada, "partner", date(2027, 2, 3))


# -- observing ---------------------------------------------------------------------------------------------------------


OBSERVING = replace(OURS, organisation=replace(OURS.organisation, mode=Mode.OBSERVE))


def test_while_observing_everything_is_worked_out_under_keys_of_its_own_and_nothing_is_sent(
    work: Workshop, clock: Clock
) -> None:
    observing = under(work, OBSERVING)
    add_person(work)
    nudge(observing)
    tick_until(observing, clock, TUESDAY + 2 * WEEK)
    send_all(observing)  # without a mail server: an attempt to send would be parked

    assert statuses(work) == {f"observed:{FIRST}": "withheld", f"observed:{SECOND}": "withheld"}
    assert [row.withheld for row in rows(work, AskedRow)] == [True, True]


def test_what_was_only_observed_is_said_when_observing_ends(work: Workshop, clock: Clock) -> None:
    add_person(work)
    nudge(under(work, OBSERVING))
    send_all(under(work, OBSERVING))

    clock.now += HOUR
    nudge(work)

    assert statuses(work) == {f"observed:{FIRST}": "withheld", FIRST: "planned"}
    assert [(row.withheld, row.effect_key) for row in rows(work, AskedRow)] == [
        (True, f"observed:{FIRST}"),
        (False, FIRST),
    ]


def test_what_was_said_for_real_stays_said_when_observing_ends_again(work: Workshop, clock: Clock) -> None:
    add_person(work)
    nudge(work)
    clock.now += HOUR
    nudge(under(work, OBSERVING))
    clock.now += HOUR
    nudge(work)

    assert [key for key in keys(work) if not key.startswith("observed:")] == [FIRST]


def test_observing_keeps_the_caps_of_its_own_world(work: Workshop, clock: Clock) -> None:
    """What would be heard in a week counts together, so the report shows what will come."""
    weekly = replace(TWO_WEEKLY, every_days=1, open_days=6)
    observing = under(work, replace(OBSERVING, rhythms={"weekly": weekly}))
    add_person(work)
    nudge(observing)
    tick_until(observing, clock, TUESDAY + 2 * WEEK, step=6 * HOUR)

    assert len(keys(work)) == 3
