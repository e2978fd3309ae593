"""`flask plan`: who hears what in a span or a year, how much that is, and a failure when it is too much."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result
from flask import Flask

from commands.plan import HELP, previewed, read_span
from config.policy import load_policy
from domain.course import Message, Silence
from domain.moments import Standing
from domain.objectives import ObjectiveState
from domain.parts import Ask, Part
from domain.people import Pause
from domain.planner import Outlook, plan
from domain.policy import CapsPolicy, Channel, OrganisationPolicy, Policy
from domain.rhythms import Role, Side, Window, Windows
from domain.year import NOTHING, date_problems, days_heard, never_because, summed_up
from store.database import Database
from store.models import ObjectiveRow, PersonRow, RelationRow
from tests.cast import ADA, BO, CY, DEE, NOW, POLICY, a_standing, after, by_mail, with_rhythms

BEGINS, ENDS = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
EVERYTHING = """
profile = "everything"
[organisation]
name = "Fennel Works"
mode = "on"
zone = "Europe/Lisbon"
[organisation.milestones]
goals_set_on = [2027-09-10]
budget_final_on = [2027-11-12]
[github]
repository = "fennel-works/learning"
[loomio]
address = "https://loomio.fennel.example"
group_id = 7
[channels]
sender = "Trellis <trellis@fennel.example>"
"""


@pytest.fixture
def everything(tmp_path: Path) -> Policy:
    file = tmp_path / "fennel.toml"
    file.write_text(EVERYTHING, encoding="utf-8")
    return load_policy(file)


def the_team() -> list[Standing]:
    """The cast with mail and each other: bo joined in February, cy is away in July, dee has no goal."""
    return [
        a_standing(by_mail(ADA, loomio_username="ada", relations={Role.MANAGER: "cy", Role.TRUSTED: "dee"})),
        a_standing(by_mail(BO, joined_on=date(2027, 2, 8), relations={Role.MANAGER: "cy", Role.BUDDY: "ada"})),
        a_standing(by_mail(CY, pauses=(Pause(first_on=date(2027, 7, 1), last_on=date(2027, 7, 31)),))),
        replace(a_standing(by_mail(DEE, well_working=True)), objective=None, without_since_on=date(2027, 1, 5)),
    ]


def a_message(day: date, handle: str = "ada", parts: int = 1) -> Message:
    part = Part(
        rhythm="two-weekly",
        turn=day.isoformat(),
        side=Side.MEMBER,
        ask=Ask.FIRST,
        member_id=1,
        counts_from_on=day,
        closes_on=day,
    )
    return Message(
        key=f"nudge:fennel:{handle}:{day}",
        person_id=1,
        handle=handle,
        on=day,
        due_at=datetime(day.year, day.month, day.day, 10, tzinfo=UTC),
        ways=(Channel.GITHUB,),
        parts=(part,) * parts,
    )


def march(*days: int, handle: str = "ada") -> list[Message]:
    return [a_message(date(2027, 3, day), handle) for day in days]


# -- how much it is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "cap", "most", "too_much"),
    [
        ((1, 8, 15), 1, 1, ()),
        ((1, 7), 1, 2, ("ada hears 2 times from 2027-03-01 to 2027-03-07; the cap is 1",)),
        ((5, 9), 1, 2, ("ada hears 2 times from 2027-03-03 to 2027-03-09; the cap is 1",)),
        ((1, 7), 2, 2, ()),
        ((1, 3, 6, 8, 9, 31), 3, 4, ("ada hears 4 times from 2027-03-03 to 2027-03-09; the cap is 3",)),
        ((4, 4), 7, 2, ("ada hears 2 times on 2027-03-04; once a day is the most",)),
        ((), 1, 0, ()),
    ],
)
def test_any_seven_days_count_and_so_does_any_day(
    days: Sequence[int], cap: int, most: int, too_much: tuple[str, ...]
) -> None:
    found = summed_up(march(*days), cap=cap)

    assert (found.most_in_seven_days, found.too_much) == (most, too_much)


def test_each_person_is_counted_apart_and_nobody_is_left_out() -> None:
    found = summed_up([*march(1, 8), *march(2, handle="bo")], cap=1, handles=("ada", "cy"))

    assert [(one.handle, one.messages, one.most_in_seven_days) for one in found.people] == [
        ("ada", 2, 1),
        ("bo", 1, 1),
        ("cy", 0, 0),
    ]
    assert (found.messages, found.most_in_seven_days, found.cap, found.too_much) == (3, 1, 1, ())


def test_what_was_heard_before_counts_in_the_first_week_and_is_no_matter_by_itself() -> None:
    asked = [("ada", date(2027, 2, 24)), ("ada", date(2027, 2, 26)), ("ada", date(2027, 2, 26))]
    heard = days_heard(asked)
    assert heard == {"ada": [date(2027, 2, 24), date(2027, 2, 26)]}

    assert summed_up(march(5), cap=1, heard=heard).too_much == ()
    assert summed_up(march(4), cap=1, heard=heard).too_much == (
        "ada hears 2 times from 2027-02-26 to 2027-03-04; the cap is 1",
    )


def test_a_message_of_several_parts_is_a_digest() -> None:
    assert summed_up([a_message(date(2027, 3, 1), parts=3), *march(9)], cap=1).digests == 1


def a_silence(rule: str, why: str, on: date | None = None) -> Silence:
    return Silence(handle="ada", rhythm="x", turn="", side=Side.MEMBER, on=on, rule=rule, why=why)


OFF, NO_WAY = a_silence("rhythm", "this rhythm is switched off"), a_silence("channel", "no way to reach them")
AWAY = a_silence("day", "no working day of theirs", date(2027, 3, 9))


@pytest.mark.parametrize(
    ("changes", "silences", "why"),
    [
        ({}, (), NOTHING),
        ({}, (OFF, NO_WAY, AWAY), "no way to reach them"),
        ({}, (OFF, AWAY), "no working day of theirs"),
        ({}, (OFF,), "this rhythm is switched off"),
        ({"left_on": date(2027, 3, 1)}, (NO_WAY,), "they left on 2027-03-01"),
        ({"joined_on": date(2027, 5, 1)}, (NO_WAY,), "they join on 2027-05-01"),
        ({"pauses": (Pause(first_on=date(2027, 2, 1)),)}, (AWAY,), "on leave until further notice"),
        ({"pauses": (Pause(first_on=date(2027, 3, 5)),)}, (AWAY,), "no working day of theirs"),
    ],
)
def test_who_is_never_reached_has_a_reason_in_words(
    changes: dict[str, Any], silences: Sequence[Silence], why: str
) -> None:
    person = replace(ADA, **changes)

    assert never_because(POLICY, person, silences, date(2027, 3, 1), date(2027, 3, 31)) == why


def test_a_cap_of_nothing_reaches_nobody() -> None:
    policy = replace(POLICY, caps=CapsPolicy(per_week=0))

    found = previewed(policy, [a_standing()], BEGINS, ENDS)

    assert found.messages == []
    assert found.never == {"ada": "the cap is 0: nobody hears anything"}


def test_dates_that_are_missing_or_the_wrong_way_round_are_told_once_each() -> None:
    window = Windows(windows=(Window(opens="09-01", closes="10-31"),), not_before="goals", before="budget")
    off = replace(window, on=False)
    policy = with_rhythms(look_ahead=window, spending_asks=off)

    def problems(**dates: tuple[date, ...]) -> list[str]:
        organisation: OrganisationPolicy = replace(policy.organisation, milestones=dates)
        return list(date_problems(replace(policy, organisation=organisation), date(2027, 1, 1), date(2027, 12, 31)))

    early, late = date(2027, 9, 10), date(2027, 10, 20)
    assert problems(goals=(early,), budget=(late,)) == []
    assert problems(goals=(early,)) == [
        "look-ahead 2027: budget is not set for the window from 2027-09-01 to 2027-10-31"
    ]
    assert problems(goals=(late,), budget=(early,)) == [
        "look-ahead 2027: goals (2027-10-20) is not before budget (2027-09-10)"
    ]


# -- a year ------------------------------------------------------------------------------------------------------------


def said(messages: Sequence[Message]) -> list[tuple[Any, ...]]:
    """What is said when and by which way; the order of the parts of one message is left aside."""
    return [(one.due_at, one.handle, one.ways, sorted(one.parts)) for one in messages]


def months() -> list[datetime]:
    return [*(datetime(2027, month, 1, tzinfo=UTC) for month in range(1, 13)), ENDS]


def weeks() -> list[datetime]:
    return [*(BEGINS + timedelta(days=7 * n) for n in range(52)), ENDS]


@pytest.mark.parametrize("cuts", [months(), weeks()], ids=["months", "weeks"])
def test_a_year_is_what_its_pieces_are_when_each_knows_of_those_before(
    everything: Policy, cuts: list[datetime]
) -> None:
    standings = the_team()
    year = plan(everything, standings, since=BEGINS, until=ENDS).messages
    pieces: list[Message] = []
    for begins, ends in pairwise(cuts):
        found = plan(everything, standings, since=begins, until=ends).messages
        standings = after(standings, found)
        pieces += found

    assert {one.handle for one in year} == {"ada", "bo", "cy", "dee"}
    assert said(pieces) == said(year)


def test_a_whole_year_of_everything_is_never_more_than_the_cap(everything: Policy) -> None:
    found = previewed(everything, the_team(), BEGINS, ENDS)

    assert found.summary.most_in_seven_days == 1
    assert found.summary.too_much == ()
    assert all(one.messages > 20 for one in found.summary.people)
    assert found.never == {}


def test_a_higher_cap_shows_more_messages_and_a_fuller_week(everything: Policy) -> None:
    more = replace(everything, caps=replace(everything.caps, per_week=3))

    one, three = (previewed(policy, the_team(), BEGINS, ENDS).summary for policy in (everything, more))

    assert one.messages < three.messages
    assert (one.most_in_seven_days, three.most_in_seven_days, three.too_much) == (1, 3, ())


def test_one_person_is_shown_as_they_stand_in_the_plan_of_all(everything: Policy) -> None:
    """A helper hears what comes of another's silence, so that other is planned as well."""
    everybody, cy = (previewed(everything, the_team(), BEGINS, ENDS, only) for only in ((), ("cy",)))

    assert [one.handle for one in cy.summary.people] == ["cy"]
    assert cy.messages == [one for one in everybody.messages if one.handle == "cy"]
    assert any(part.ask is Ask.AVAILABLE for one in cy.messages for part in one.parts)


def test_a_span_is_days_or_weeks() -> None:
    assert (read_span("30d"), read_span("8w")) == (timedelta(days=30), timedelta(days=56))
    for wrong in ("30", "d", "-3d", "1m", "12345d", ""):
        with pytest.raises(click.BadParameter, match="such as 30d or 8w"):
            read_span(wrong)


# -- the command -------------------------------------------------------------------------------------------------------

Run = Callable[..., Result]


@pytest.fixture
def run(environ: dict[str, str], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command at `NOW` in an organisation that starts from everything, with ada, who has a goal, and cy."""
    policy = Path(environ["TRELLIS_ORGANISATIONS"]) / "fennel-works.toml"
    policy.write_text(EVERYTHING, encoding="utf-8")
    monkeypatch.setattr("app.clock", lambda _: lambda: NOW)
    app: Flask = request.getfixturevalue("app")
    database: Database = request.getfixturevalue("database")

    def settle(session: Any) -> None:
        ada = PersonRow(organisation="fennel-works", handle="ada", name="Ada", github_login="ada-m", mail="a@x.example")
        cy = PersonRow(organisation="fennel-works", handle="cy", name="Cy", zone="Europe/Berlin")
        session.add_all([ada, cy])
        session.flush()
        session.add(RelationRow(person_id=ada.id, organisation="fennel-works", role="manager", other="cy"))
        session.add(
            ObjectiveRow(
                organisation="fennel-works",
                person_id=ada.id,
                title="Sharpen tools",
                state=ObjectiveState.ACTIVE.value,
                issue_number=11,
                opened_at=datetime(2027, 1, 4, tzinfo=UTC),
            )
        )

    database.transact(settle)
    return lambda *args: app.test_cli_runner().invoke(args=[str(one) for one in args])


def test_the_plan_says_when_by_which_way_and_what(run: Run) -> None:
    done = run("plan", "--next", "8w")

    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "Fennel Works, from Tue 2027-03-02 09:30 until Tue 2027-04-27 10:30 (Europe/Lisbon)"
    first = next(line for line in lines if "ada" in line)
    assert first.startswith("  Tue 2027-03-02 10:00  Europe/Lisbon        ada          mail    ")
    assert {"spring-growth first", "two-weekly first"} < set(first.partition("mail")[2].strip().split(" + "))
    assert "  Mon 2027-03-22 10:00  thread  celebrations 2027-03-22, until 2027-03-31" in lines
    assert "  cy           never reached: no way to reach them" in lines
    assert lines[-1].endswith("the most one person hears in any seven days: 1 (cap 1)")


def test_the_plan_fails_when_somebody_would_hear_too_much(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    too_much = Outlook(messages=tuple(march(3, 4)), silences=())
    monkeypatch.setattr("commands.plan.plan", lambda *_, **__: too_much)

    done = run("plan")
    found = run("plan", "--json")

    assert (done.exit_code, found.exit_code) == (1, 1)
    assert "cap: ada hears 2 times from 2027-02-26 to 2027-03-04; the cap is 1" in done.output
    assert {"kind": "cap", "why": "ada hears 2 times from 2027-02-26 to 2027-03-04; the cap is 1"} in json.loads(
        found.output
    )["problems"]


def test_the_json_has_the_fields_that_its_help_names(run: Run) -> None:
    found = json.loads(run("plan", "--json", "--all").output)

    assert list(found) == [
        *("organisation", "since", "until", "messages", "team", "people"),
        *("most_in_seven_days", "cap", "problems", "silences"),
    ]
    [message, *_] = found["messages"]
    assert message["at"] == "2027-03-02T10:00:00+00:00"
    assert message["key"] == "nudge:fennel-works:ada:2027-03-02"
    assert (message["person"], message["channel"], message["digest"]) == ("ada", "mail", True)
    fields = {*found, *message, *message["parts"][0], *found["people"][0], *found["silences"][0], *found["team"][0]}
    assert {one for one in fields if one not in HELP} == set()
    assert "silences" not in json.loads(run("plan", "--json").output)


def test_a_year_that_lies_ahead_begins_on_its_first_day_and_the_running_one_now(run: Run) -> None:
    ahead, running = (json.loads(run("plan", "--json", "--year", year).output) for year in (2028, 2027))

    assert (ahead["since"], ahead["until"]) == ("2028-01-01T00:00:00+00:00", "2029-01-01T00:00:00+00:00")
    assert (running["since"], running["until"]) == ("2027-03-02T09:30:00+00:00", "2028-01-01T00:00:00+00:00")
    assert "What is left of the year, from now on." in run("plan", "--year", 2027).output
    assert "What is left of the year" not in run("plan", "--year", 2028).output


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--year", "2026"), "2026 is over"),
        (("--year", "2028", "--next", "8w"), "one of the two"),
        (("--next", "soon"), "such as 30d or 8w"),
        (("--person", "zoe"), "Nobody in fennel-works has the handle 'zoe'. Known: ada, cy"),
    ],
)
def test_what_cannot_be_planned_is_told_with_another_code_than_too_much(
    run: Run, args: tuple[str, ...], words: str
) -> None:
    done = run("plan", *args)

    assert done.exit_code == 2
    assert words in done.output


def test_only_the_people_asked_for_are_shown(run: Run) -> None:
    found = json.loads(run("plan", "--json", "--person", "cy").output)

    assert [one["handle"] for one in found["people"]] == ["cy"]
    assert found["messages"] == []


def test_what_stays_silent_is_shown_on_request(run: Run) -> None:
    silence = "  always      ada          weekly, member: rhythm: this rhythm is switched off"

    assert silence in run("plan", "--all").output.splitlines()
    assert silence not in run("plan").output.splitlines()


def test_the_roster_and_missing_dates_are_to_be_looked_at_and_fail_nothing(
    run: Run, environ: dict[str, str], database: Database
) -> None:
    database.transact(
        lambda session: session.add(
            RelationRow(person_id=1, organisation="fennel-works", role="buddy", other="nobody-yet")
        )
    )

    done = run("plan", "--year", "2029")

    assert done.exit_code == 0
    assert "  roster: ada: buddy nobody-yet: nobody has the handle nobody-yet" in done.output.splitlines()
    assert "dates: look-ahead 2029: goals_set_on is not set for the window from 2029-09-01" in done.output
