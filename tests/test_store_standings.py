"""What the planner is told of people: all that bears on them and nothing of anybody else's, in few questions."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import pytest
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from domain.moments import Commitment, Held, How, Standing
from domain.people import OwnRhythm, Pause, Snooze
from domain.policy import Channel, Mode, Policy
from domain.rhythms import Role
from jobs.workshop import Workshop
from store.models import LONG_AGO, AskedRow, CommitmentRow, HeldRow, PauseRow, PersonRow, SnoozeRow, TicketRow
from store.standings import (
    circle_of,
    keep_held,
    keep_snooze,
    last_parts,
    look_anew,
    look_anew_at_all,
    standings_of,
    wake,
)
from tests.workroom import OURS, SLUG, TUESDAY, add, add_objective, add_person, rows

TODAY = date(2027, 1, 5)
T = TypeVar("T")


@pytest.fixture
def do(workshop: Workshop) -> Callable[[Callable[[Session], Any]], Any]:
    return workshop.database.transact


def standings(workshop: Workshop, policy: Policy = OURS, **more: Any) -> dict[str, Standing]:
    found = workshop.database.transact(lambda session: standings_of(session, policy, now=TUESDAY, **more))
    return {one.person.handle: one for one in found}


def an_ask(person_id: int, at: datetime = TUESDAY, **changes: Any) -> AskedRow:
    said = {
        "member_id": person_id, "rhythm": "two-weekly", "turn": at.date().isoformat(), "side": "member", "ask": "first",
        "day": at.date(), "closes_on": at.date() + timedelta(days=3), "effect_key": f"nudge:{at}", "withheld": False,
    } | changes  # fmt: skip
    return AskedRow(person_id=person_id, at=at, **said)


# -- one person --------------------------------------------------------------------------------------------------------


def test_a_person_comes_back_with_everything_the_roster_said(workshop: Workshop) -> None:
    ada = add_person(
        workshop, relations={"manager": "bo", "tech_lead": "cy"}, channel="page", holidays_of="DE-BE",
        choices=["career-talk"], well_working=True, joined_on=date(2026, 3, 1),
        own_rhythms={"two-weekly": {"on": False}, "weekly": {"every_days": 28}},
    )  # fmt: skip
    add(workshop, PauseRow(person_id=ada, first_on=TODAY, last_on=None))

    person = standings(workshop)["ada"].person

    assert (person.channel, person.holidays_of, person.choices, person.well_working) == (
        Channel.PAGE, "DE-BE", frozenset({"career-talk"}), True,
    )  # fmt: skip
    assert person.relations == {Role.MANAGER: "bo", Role.TECH_LEAD: "cy"}
    assert person.own_rhythms == {"two-weekly": OwnRhythm(on=False), "weekly": OwnRhythm(every_days=28)}
    assert person.pauses == (Pause(first_on=TODAY, last_on=None),)


def test_a_person_of_whom_little_is_known_has_empty_hands(workshop: Workshop) -> None:
    add_person(workshop, added_on=None)

    found = standings(workshop)["ada"]

    assert found == Standing(person=found.person)
    assert (found.person.channel, found.person.relations, found.person.own_rhythms) == (None, {}, {})


def test_what_was_held_put_off_and_promised_is_theirs_alone(workshop: Workshop) -> None:
    ada, bo = add_person(workshop), add_person(workshop, "bo")
    for person in (ada, bo):
        add(workshop, HeldRow(person_id=person, rhythm="x", turn=f"{person}", how="spoke", day=TODAY))
        add(workshop, SnoozeRow(person_id=person, first_on=TODAY, last_on=None, rhythm=None, turn=None))
        promise = {"promised_by": "bo", "made_on": TODAY, "look_back_on": date(2027, 4, 5)}
        add(workshop, CommitmentRow(organisation=SLUG, person_id=person, **promise))
        add(workshop, an_ask(person))

    found = standings(workshop)["bo"]

    assert found.held == (Held(rhythm="x", turn=f"{bo}", how=How.SPOKE, on=TODAY),)
    assert found.snoozes == (Snooze(first_on=TODAY),)
    assert found.commitments == (
        Commitment(id=2, promised_by="bo", made_on=TODAY, look_back_on=date(2027, 4, 5), closed=False),
    )
    assert [one.member_id for one in found.asked] == [bo]


def test_what_was_asked_is_in_order_of_time_and_goes_back_a_year_and_a_bit(workshop: Workshop) -> None:
    ada = add_person(workshop)
    for days in (3, 500, 1, 399):
        add(workshop, an_ask(ada, TUESDAY - timedelta(days=days)))

    found = standings(workshop)["ada"]

    assert [(TUESDAY - one.at).days for one in found.asked] == [399, 3, 1]


def test_what_was_only_observed_is_remembered_while_observing_and_what_was_said_otherwise(workshop: Workshop) -> None:
    ada = add_person(workshop)
    add(workshop, an_ask(ada, turn="said"))
    add(workshop, an_ask(ada, turn="observed", withheld=True))
    observing = replace(OURS, organisation=replace(OURS.organisation, mode=Mode.OBSERVE))

    assert [one.turn for one in standings(workshop)["ada"].asked] == ["said"]
    assert [one.turn for one in standings(workshop, observing)["ada"].asked] == ["observed"]


def test_the_active_goal_is_known_and_since_when_there_is_none(workshop: Workshop) -> None:
    ada, bo, cy, dee = (add_person(workshop, one) for one in ("ada", "bo", "cy", "dee"))
    add_person(workshop, "eve", joined_on=date(2026, 11, 2))
    add_person(workshop, "fay", added_on=date(2026, 10, 1))
    first, last = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)
    goal = add_objective(workshop, ada, 11)
    add_objective(workshop, ada, 12, state="closed", closed_at=first)
    add_objective(workshop, bo, 13, state="queued")
    add_objective(workshop, cy, 14, state="closed", closed_at=last)
    add_objective(workshop, cy, 15, state="closed", closed_at=first)
    add_objective(workshop, dee, 16, state="closed", closed_at=None)

    found = standings(workshop)

    assert found["ada"].objective is not None
    assert (found["ada"].objective.id, found["ada"].without_since_on) == (goal, None)
    assert (found["bo"].objective, found["bo"].without_since_on) == (None, None)
    assert (found["cy"].objective, found["cy"].without_since_on) == (None, date(2026, 9, 1))
    assert [found[one].without_since_on for one in ("eve", "fay")] == [date(2026, 11, 2), date(2026, 10, 1)]


def test_a_ticket_that_was_given_back_leaves_the_year_free(workshop: Workshop) -> None:
    ada = add_person(workshop)
    for number, (year, state) in enumerate(
        [("2025", "withdrawn"), ("2026", "consented"), ("2027", "objection"), ("2028", "proposed")], start=1
    ):
        said = {"opportunity": "x", "claimed_at": TUESDAY, "organisation": SLUG, "number": number}
        add(workshop, TicketRow(person_id=ada, year=year, state=state, **said))

    assert standings(workshop)["ada"].ticket_years == {"2026", "2028"}


# -- everybody, and some -----------------------------------------------------------------------------------------------


def test_each_organisation_sees_only_itself(workshop: Workshop) -> None:
    add_person(workshop)
    add_person(workshop, organisation="moss", github_login="ada-of-moss")
    there = add_person(workshop, "mo", organisation="moss")

    assert list(standings(workshop)) == ["ada"]
    assert standings(workshop, ids=[there]) == {}


def test_many_people_are_read_in_as_many_questions_as_few(workshop: Workshop) -> None:
    """Else a tick for a thousand would ask the database ten thousand times."""

    def questions() -> int:
        asked: list[str] = []

        def listen(*given: Any) -> None:
            asked.append(given[2])

        event.listen(workshop.database.engine, "before_cursor_execute", listen)
        standings(workshop)
        event.remove(workshop.database.engine, "before_cursor_execute", listen)
        return len(asked)

    add_person(workshop)
    few = questions()
    for n in range(60):
        add_person(workshop, f"p{n}")

    assert questions() == few < 15


def test_the_circle_of_somebody_is_whoever_bears_on_their_messages(workshop: Workshop) -> None:
    """Cy accompanies ada, whose coach is dee; bo promised something to eve; the others have nothing to do with cy."""
    ids = {
        "ada": add_person(workshop, relations={"manager": "cy", "coach": "dee"}),
        "bo": add_person(workshop, "bo", relations={"manager": "fay"}),
        "cy": add_person(workshop, "cy", relations={"manager": "gus"}),
        "dee": add_person(workshop, "dee"),
        "eve": add_person(workshop, "eve", relations={"partner": "hal"}),
        "fay": add_person(workshop, "fay"),
        "gus": add_person(workshop, "gus"),
        "hal": add_person(workshop, "hal"),
    }
    promise = {"promised_by": "bo", "made_on": TODAY, "look_back_on": date(2027, 4, 5), "organisation": SLUG}
    add(workshop, CommitmentRow(person_id=ids["eve"], **promise))

    def circle(*handles: str) -> set[str]:
        mine = [ids[one] for one in handles]
        found = workshop.database.transact(lambda session: circle_of(session, OURS, mine, today=TODAY))
        return {name for name, one in ids.items() if one in found}

    assert circle("cy") == {"ada", "cy", "dee", "gus"}
    assert circle("bo") == {"bo", "eve", "fay", "hal"}
    assert circle("eve") == {"bo", "eve", "hal"}
    assert circle("hal") == {"bo", "eve", "hal"}
    assert circle() == set()


def test_whoever_steps_in_for_those_who_left_has_their_people_in_the_circle(workshop: Workshop) -> None:
    ada = add_person(workshop, relations={"manager": "gone"})
    add_person(workshop, "gone", left_on=date(2026, 12, 1))
    cy = add_person(workshop, "cy")
    falls_back = replace(OURS, organisation=replace(OURS.organisation, fallback_contact="cy"))

    found = workshop.database.transact(lambda session: circle_of(session, falls_back, [cy], today=TODAY))

    assert {ada, cy} <= found


def test_coordinators_have_the_newcomers_in_their_circle(workshop: Workshop) -> None:
    cy = add_person(workshop, "cy", coordinator=True)
    soon = add_person(workshop, "eve", joined_on=date(2027, 1, 12))
    add_person(workshop, "bo", joined_on=date(2025, 1, 1))

    found = workshop.database.transact(lambda session: circle_of(session, OURS, [cy], today=TODAY))

    assert found == {cy, soon}


# -- what is said ------------------------------------------------------------------------------------------------------


def looked_at(workshop: Workshop) -> set[str]:
    return {row.handle for row in rows(workshop, PersonRow) if row.look_at == LONG_AGO}


def plan_later(session: Session) -> None:
    session.execute(update(PersonRow).values(look_at=TUESDAY))


def test_a_change_has_somebody_and_those_they_name_looked_at(
    workshop: Workshop, do: Callable[[Callable[[Session], Any]], Any]
) -> None:
    ada = add_person(workshop, relations={"manager": "cy", "buddy": "nobody"})
    add_person(workshop, "bo", relations={"manager": "ada"})
    add_person(workshop, "cy")
    add_person(workshop, "cy", organisation="moss", github_login=None)
    do(plan_later)

    do(lambda session: look_anew(session, [ada]))

    assert looked_at(workshop) == {"ada", "cy"}
    assert [one.organisation for one in rows(workshop, PersonRow) if one.look_at == LONG_AGO] == [SLUG, SLUG]
    do(plan_later)
    do(lambda session: look_anew_at_all(session, SLUG))
    assert len([one for one in rows(workshop, PersonRow) if one.look_at == LONG_AGO]) == 3


def test_a_word_goes_before_a_guess_and_a_later_word_before_an_earlier(
    workshop: Workshop, do: Callable[[Callable[[Session], Any]], Any]
) -> None:
    ada = add_person(workshop)

    def keep(how: How) -> bool:
        return bool(do(lambda session: keep_held(session, ada, "x", "2027", how, TODAY)))

    assert keep(How.SPOKE)
    assert not keep(How.NOT_NEEDED)
    assert [row.how for row in rows(workshop, HeldRow)] == ["not needed"]
    assert not keep(How.SPOKE)
    assert [row.how for row in rows(workshop, HeldRow)] == ["not needed"], "a guess of ours changes no word of theirs"
    assert not keep(How.HELD)
    assert [row.how for row in rows(workshop, HeldRow)] == ["held"]


def test_later_is_said_once_and_waking_forgets_all_of_ones_own(
    workshop: Workshop, do: Callable[[Callable[[Session], Any]], Any]
) -> None:
    ada, bo = add_person(workshop), add_person(workshop, "bo")
    week = Snooze(first_on=TODAY, last_on=date(2027, 1, 12), rhythm="x")
    for one in (week, week, replace(week, rhythm=None), Snooze(first_on=TODAY), Snooze(first_on=TODAY)):
        do(partial(keep_snooze, person_id=ada, snooze=one))
    do(lambda session: keep_snooze(session, bo, week))
    assert len(rows(workshop, SnoozeRow)) == 4

    do(lambda session: wake(session, ada))

    assert [row.person_id for row in rows(workshop, SnoozeRow)] == [bo]


def test_the_last_parts_are_those_of_the_last_message_or_of_the_one_that_is_named(
    workshop: Workshop, do: Callable[[Callable[[Session], Any]], Any]
) -> None:
    ada, bo = add_person(workshop), add_person(workshop, "bo")
    earlier = TUESDAY - timedelta(days=14)
    add(workshop, an_ask(ada, earlier, rhythm="a", effect_key="first"))
    add(workshop, an_ask(ada, TUESDAY, rhythm="b", effect_key="second"))
    add(workshop, an_ask(ada, TUESDAY, rhythm="c", effect_key="second"))
    add(workshop, an_ask(bo, TUESDAY + timedelta(days=1), rhythm="d", effect_key="third"))

    def parts(**more: Any) -> list[str]:
        return [row.rhythm for row in do(lambda session: last_parts(session, ada, **more))]

    assert parts() == ["b", "c"]
    assert parts(effect_key="first") == ["a"]
    assert parts(effect_key="third") == [], "a link of somebody else's leads nowhere"
    assert [row.rhythm for row in do(lambda session: last_parts(session, 77))] == []
