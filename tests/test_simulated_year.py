"""A year for twelve people in four zones under everything Trellis knows: nobody hears too much, or at a bad moment."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.policy import load_policy
from domain.course import Message
from domain.moments import Held, How, Standing
from domain.objectives import Objective, ObjectiveState
from domain.people import Pause, Person, is_holiday, settles_until
from domain.planner import plan
from domain.policy import Policy, Weekday
from domain.rhythms import Role

ROOT = Path(__file__).parent.parent
YEAR = (datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
ZONES = ("Europe/Lisbon", "Asia/Kathmandu", "America/Halifax", "Pacific/Auckland")
PART_TIME = (Weekday.TUE, Weekday.THU)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(ROOT / "sandbox" / "co_op" / "fennel-works.toml")


def twelve() -> list[Standing]:
    """Part-timers, two on long leave, one who joins in May, one who leaves in September; a manager for each."""
    found = []
    for number in range(12):
        handle = f"p{number}"
        person = Person(
            id=number + 1,
            handle=handle,
            name=handle.title(),
            github_login=handle,
            loomio_username=handle,
            mail=f"{handle}@fennel.example",
            zone=ZoneInfo(ZONES[number % 4]),
            holidays_of=("PT", None, "CA-NS", "NZ-AUK")[number % 4],
            working_days=PART_TIME if number % 5 == 0 else None,
            joined_on=date(2027, 5, 10) if number == 7 else date(2025, 2, 3),
            left_on=date(2027, 9, 20) if number == 8 else None,
            coordinator=number == 0,
            well_working=number < 2,
            relations={Role.MANAGER: f"p{(number + 1) % 3}", Role.PARTNER: f"p{(number + 5) % 12}"},
            pauses=(Pause(first_on=date(2027, 3, 1), last_on=date(2027, 4, 4)),) if number in (2, 3) else (),
        )
        objective = Objective(
            id=number + 1,
            person_id=number + 1,
            title="Something new",
            state=ObjectiveState.ACTIVE,
            issue_number=number + 1,
            opened_at=datetime(2026, 12, 1, tzinfo=UTC),
        )
        found.append(Standing(person=person, objective=objective))
    return found


def test_twelve_people_hear_at_most_once_a_week_and_only_when_they_may(policy: Policy) -> None:
    standings = twelve()
    people = {one.person.id: one.person for one in standings}
    days: dict[int, list[date]] = defaultdict(list)
    messages = plan(policy, standings, since=YEAR[0], until=YEAR[1]).messages
    for message in messages:
        person = people[message.person_id]
        here = message.due_at.astimezone(person.zone)
        assert here.date() == message.on
        assert policy.organisation.hours_from <= here.time() < policy.organisation.hours_until
        assert Weekday.of(message.on) in (person.working_days or policy.organisation.working_days)
        assert not is_holiday(person, message.on, policy)
        assert not person.paused_on(message.on)
        assert person.here_on(message.on)
        assert settles_until(person, message.on, policy) is None
        days[person.id].append(message.on)
    assert set(days) == set(people)  # and everybody hears something
    for mine in days.values():
        assert all(later - earlier >= timedelta(days=7) for earlier, later in pairwise(mine))


def test_nothing_is_asked_after_it_is_done(policy: Policy) -> None:
    standings = twelve()
    asked = parts(plan(policy, standings, since=YEAR[0], until=YEAR[1]).messages)
    mine = {(rhythm, turn) for person_id, member_id, rhythm, turn in asked if person_id == member_id == 5}
    assert len(mine) > 10
    held = tuple(Held(rhythm=name, turn=turn, how=How.HELD, on=date(2026, 12, 31)) for name, turn in sorted(mine))
    done = [Standing(**{**vars(one), "held": held}) if one.person.id == 5 else one for one in standings]
    after = parts(plan(policy, done, since=YEAR[0], until=YEAR[1]).messages)
    about = {(rhythm, turn) for _, member_id, rhythm, turn in after if member_id == 5}
    assert about & mine == set()


def parts(messages: tuple[Message, ...]) -> set[tuple[int, int, str, str]]:
    return {(one.person_id, part.member_id, part.rhythm, part.turn) for one in messages for part in one.parts}
