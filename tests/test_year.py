"""A year is planned, then lived through by the running service against the sandbox, and the two are equal."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config.policy import load_policy
from domain.course import Message
from domain.parts import Ask
from domain.team import TeamMoment, team_moments
from jobs.nudge import planned
from store.models import PersonRow
from tests.house import House, fresh_database
from tests.scenes import BOTH_DATABASES

BEGINS = datetime(2026, 12, 30, 5, 0, tzinfo=UTC)  # nobody is at work anywhere
ENDS = datetime(2028, 1, 1, tzinfo=UTC)
PEOPLE = ("ada", "bo", "cy", "dee")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with quick clocks, on SQLite."""
    quick = {"TRELLIS_TICK_SECONDS": "0.05", "TRELLIS_POLL_SECONDS": "0.05", "TRELLIS_WRITES_PER_HOUR": "100000"}
    quick["TRELLIS_WRITES_PER_MINUTE"] = "100000"
    with fresh_database("sqlite", tmp_path) as url, House(url, tmp_path, **quick) as house:
        yield house


@pytest.fixture(params=BOTH_DATABASES)
def hurried_house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A house whose workers take over from each other within seconds, once on each database."""
    quick = {
        "TRELLIS_TICK_SECONDS": "0.1",
        "TRELLIS_POLL_SECONDS": "0.05",
        "TRELLIS_BEAT_SECONDS": "0.2",
        "TRELLIS_FENCE_SECONDS": "2",
        "TRELLIS_TAKEOVER_SECONDS": "3",
    }
    with fresh_database(request.param, tmp_path) as url, House(url, tmp_path, **quick) as house:
        yield house


def settle_in(house: House) -> None:
    """Everybody has a goal, Bo goes on leave in March, and the practice is everything Trellis knows."""
    house.change_policy(profile="everything")
    house.control("clock", to=BEGINS.isoformat())
    for handle in PEOPLE:
        house.open_issue(f"{handle}-fw", f"Something new to {handle}")
    house.flask("people", "pause", "bo", "--from", "2027-03-01", "--until", "2027-03-19")
    worker = house.start_worker()
    house.wait_for("everybody's goal", lambda: len(house.objectives()) == len(PEOPLE))
    house.wait_until_quiet()
    house.kill(worker)


def outlook(house: House, begins: datetime, ends: datetime) -> tuple[list[Message], list[TeamMoment]]:
    policy = load_policy(house.policy_file)
    with Session(house.engine) as session:
        found = planned(session, policy, now=begins, since=begins, until=ends)
    return list(found.messages), list(team_moments(policy, since=begins - timedelta(days=60), until=ends))


def live_until(house: House, instant: datetime) -> None:
    """Move the clock and wait until nobody is due and nothing is on its way."""
    house.control("clock", to=instant.isoformat())

    due = select(func.count()).select_from(PersonRow).where(PersonRow.look_at <= instant)

    def settled() -> bool:
        # In this order: who is not due any more has their message planned already.
        with house.engine.connect() as connection:
            if connection.scalar(due) != 0:
                return False
        waiting = house.rows("SELECT count(*) FROM effects WHERE status IN ('planned', 'sending')")
        return bool(waiting[0][0] == 0)

    house.wait_for(f"{instant:%d %B %Y %H:%M} to settle", settled)


def lived(house: House) -> Counter[tuple[Any, ...]]:
    """Give what the service did, as it remembers it: person, day and every part."""
    rows = house.rows(
        "SELECT people.handle, asked.day, asked.rhythm, asked.turn, asked.side, asked.member_id, asked.ask "
        "FROM asked JOIN people ON people.id = asked.person_id"
    )
    return Counter((row[0], str(row[1])[:10], *row[2:]) for row in rows)


def parts_of(messages: list[Message]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (one.handle, one.on.isoformat(), part.rhythm, part.turn, part.side.value, part.member_id, part.ask.value)
        for one in messages
        for part in one.parts
    )


@pytest.mark.timeout(600)
def test_a_year_is_lived_as_it_was_planned(house: House) -> None:
    settle_in(house)
    messages, threads = outlook(house, BEGINS, ENDS)
    open_at_once = {one.key for one in threads if one.opens_at <= BEGINS}
    threads = [one for one in threads if one.opens_at > BEGINS or one.closes_on >= BEGINS.date()]
    house.start_worker()
    instants = sorted(
        {one.due_at for one in messages} | {one.opens_at for one in threads if one.key not in open_at_once}
    )
    live_until(house, BEGINS)
    opening = {one.opens_at: one.key for one in threads}
    for instant in instants:
        live_until(house, instant + timedelta(seconds=30))
        if instant in opening:
            done = f"SELECT 1 FROM effects WHERE key = '{opening[instant]}' AND status = 'done'"
            house.wait_for(opening[instant], lambda done=done: house.rows(done))  # type: ignore[misc]
    live_until(house, ENDS)
    was, should = lived(house), parts_of(messages)
    assert (sorted((was - should).elements()), sorted((should - was).elements())) == ([], [])
    mentions = {one.parts[0].rhythm + one.parts[0].turn for one in messages if one.parts[0].ask is Ask.MENTION}
    personal = [one for one in messages if one.ways]
    world = house.world()
    letters = Counter(one["to"] for one in house.letters())
    by_mail = [one for one in personal if one.ways[0].value == "mail"]
    assert letters == Counter(f"{one.handle}@fennel.example" for one in by_mail)
    comments = Counter(login.removesuffix("-fw") for login, number in goals(house).items() for _ in house.ours(number))
    assert comments == Counter(one.handle for one in personal if one.ways[0].value == "github")
    assert {one["title"].rpartition("(")[2].rstrip(")") for one in world["discussions"] if "(" in one["title"]} == {
        one.reference() for one in threads if one.part.value == "thread"
    }
    assert mentions
    assert house.rows("SELECT key, status, last_error FROM effects WHERE status <> 'done'") == []


def goals(house: House) -> dict[str, int]:
    rows = house.rows(
        "SELECT people.github_login, objectives.issue_number FROM objectives JOIN people ON people.id = person_id"
    )
    return {str(login): int(number) for login, number in rows}


@pytest.mark.timeout(400)
def test_killed_workers_and_a_clock_that_jumps_lose_nothing_and_double_nothing(hurried_house: House) -> None:
    house = hurried_house
    settle_in(house)
    ends = BEGINS + timedelta(days=30)
    messages, _ = outlook(house, BEGINS, ends)
    instants = sorted({one.due_at for one in messages})
    assert len(instants) >= 10
    chance = Random(20270104)
    workers = [house.start_worker(), house.start_worker()]
    live_until(house, BEGINS)
    for number, instant in enumerate(instants):
        house.control("clock", to=(instant + timedelta(seconds=30)).isoformat())
        if number % 3 == 0:  # in the middle of whatever they do
            time.sleep(chance.random() * 0.4)
            house.kill(workers.pop(chance.randrange(2)))
            workers.append(house.start_worker())
        live_until(house, instant + timedelta(seconds=30))
        if number % 4 == 1:  # a day back and forth again: what was said is not said twice
            live_until(house, instant - timedelta(days=1))
            live_until(house, instant + timedelta(seconds=30))
    live_until(house, ends)
    was, should = lived(house), parts_of(messages)
    assert (sorted((was - should).elements()), sorted((should - was).elements())) == ([], [])
    sent = Counter(one["message_id"] for one in house.letters())
    assert {one: count for one, count in sent.items() if count > 1} == {}
    comments = [one for number in goals(house).values() for one in house.ours(number)]
    assert len(comments) == sum(one.ways[0].value == "github" for one in messages if one.ways)
    assert len(sent) == sum(one.ways[0].value == "mail" for one in messages if one.ways)


def test_a_clock_set_forward_a_day_and_back_says_what_is_due_once(hurried_house: House) -> None:
    house = hurried_house
    settle_in(house)
    messages, _ = outlook(house, BEGINS, BEGINS + timedelta(days=16))
    house.start_worker()
    live_until(house, BEGINS)
    first = min(one.due_at for one in messages)
    live_until(house, first + timedelta(days=1, minutes=30))  # a day too early for some of it
    ahead = lived(house)
    live_until(house, first - timedelta(minutes=30))
    live_until(house, first + timedelta(minutes=30))
    assert lived(house) == ahead
    # What moved on a day has its week a day later, too.
    for instant in sorted({one.due_at + timedelta(days=n) for one in messages for n in (0, 1)}):
        live_until(house, instant + timedelta(minutes=1))
    once = Counter((one[0], *one[2:]) for one in lived(house).elements())
    assert {one: count for one, count in once.items() if count > 1} == {}
    assert {(one[0], *one[2:]) for one in parts_of(messages)} <= set(once)
