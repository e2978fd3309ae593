"""`flask config diff` and `flask explain`: what a change of the policy does, and why somebody hears of something."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import Result

from commands.config_diff import compared
from domain.policy import CapsPolicy, Policy
from domain.rhythms import Interval, Role, Side, TeamPart, Window, Windows
from domain.year import Change, changes
from tests.cast import ADA, BY_MAIL, CY, POLICY, a_standing, by_mail, with_rhythms
from tests.test_commands_plan import EVERYTHING, march
from tests.test_commands_plan import run as run  # the fixture

Run = Callable[..., Result]
MARCH, APRIL = datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
TWO_WEEKLY = POLICY.rhythms["two-weekly"]


def a_change(before: int | None, after: int | None) -> Change:
    before_on, after_on = (date(2027, 3, day) if day is not None else None for day in (before, after))
    return Change(
        handle="ada", rhythm="two-weekly", side=Side.MEMBER, member_id=1, before_on=before_on, after_on=after_on
    )


def between(old: Policy, new: Policy) -> list[str]:
    people = [a_standing(by_mail(ADA, relations={Role.MANAGER: "cy"})), a_standing(by_mail(CY))]
    return compared(old, new, people, MARCH, APRIL)


# -- two plans ---------------------------------------------------------------------------------------------------------


def test_what_is_new_gone_or_moved_is_told_part_by_part() -> None:
    moved = march(20)[0]._replace(parts=march(18)[0].parts)

    assert changes(march(2, 18), [*march(9), moved]) == [a_change(2, None), a_change(None, 9), a_change(18, 20)]
    assert changes(march(2, 18), march(2, 18)) == []


def test_of_several_asks_of_one_moment_only_those_on_other_days_are_told() -> None:
    [first, second, third] = (one._replace(parts=march(1)[0].parts) for one in march(1, 15, 29))

    assert changes([first, second], [first, third]) == [a_change(15, 29)]
    assert changes([first, second], [first]) == [a_change(15, None)]


# -- two policies ------------------------------------------------------------------------------------------------------


def test_the_same_policy_changes_nothing() -> None:
    assert between(POLICY, replace(POLICY)) == ["nothing changes from 2027-03-01 to 2027-04-01"]


def test_a_rhythm_that_comes_goes_or_moves_is_told_for_everybody_it_reaches() -> None:
    talk = Windows(windows=(Window(opens="03-09", closes="04-30"),), partners=(Role.MANAGER,))
    later = replace(talk, windows=(Window(opens="03-23", closes="04-30"),))
    mail = replace(POLICY, channels=BY_MAIL)
    one, two = with_rhythms(mail, talk=talk), with_rhythms(mail, talk=later)

    assert between(with_rhythms(mail), one) == [
        "+ 2027-03-09 ada talk",
        "+ 2027-03-09 cy talk",
        "+ 2027-03-09 cy talk (partner of ada)",
        "",
        "3 new, 0 gone, 0 moved",
        "messages: 0 → 2",
        "the most one person hears in any seven days: 0 (cap 1) → 1 (cap 1)",
    ]
    assert between(one, with_rhythms(mail))[:3] == [
        "- 2027-03-09 ada talk",
        "- 2027-03-09 cy talk",
        "- 2027-03-09 cy talk (partner of ada)",
    ]
    assert between(one, two)[:3] == [
        "> 2027-03-09 → 2027-03-23 ada talk",
        "> 2027-03-09 → 2027-03-23 cy talk",
        "> 2027-03-09 → 2027-03-23 cy talk (partner of ada)",
    ]


def test_a_thread_of_the_team_is_told_as_well() -> None:
    quarterly = Interval(anchor_on=date(2027, 3, 22), every_months=3, tells=(), team=TeamPart.THREAD)

    assert between(with_rhythms(), with_rhythms(celebrations=quarterly))[:3] == [
        "+ 2027-03-22 team thread celebrations 2027-03-22",
        "",
        "1 new, 0 gone, 0 moved",
    ]


def test_a_higher_cap_is_told_by_what_becomes_possible() -> None:
    weekly = Interval(anchor_on=date(2027, 3, 4), every_days=7, open_days=1, tells=(Side.MEMBER,))
    policy = with_rhythms(two_weekly=replace(TWO_WEEKLY, fades=False), weekly=weekly)

    lines = between(policy, replace(policy, caps=CapsPolicy(per_week=2)))

    assert lines[-1] == "the most one person hears in any seven days: 1 (cap 1) → 2 (cap 2)"
    assert any(line[0] == ">" or line[0] == "+" for line in lines[:-4])


# -- the command -------------------------------------------------------------------------------------------------------


def test_an_older_file_is_compared_with_the_present_one(run: Run, tmp_path: Path) -> None:
    old = tmp_path / "Yesterday's.toml"
    old.write_text(EVERYTHING, encoding="utf-8")
    same = run("config", "diff", old)
    old.write_text(EVERYTHING + "[rhythms.spring-growth]\non = false\n", encoding="utf-8")
    other = run("config", "diff", old, "--next", "30d")

    assert (same.exit_code, same.output) == (0, "nothing changes from 2027-03-02 to 2027-05-31\n")
    assert other.exit_code == 0
    assert "+ 2027-03-02 ada spring-growth\n" in other.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "old.toml: cannot be read (FileNotFoundError)"),
        ("caps =", "old.toml: not TOML"),
        ("[cap]\nper_week = 2\n" + EVERYTHING.replace('profile = "everything"', ""), "old.toml: cap: not a key"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_what_is_wrong(
    run: Run, tmp_path: Path, text: str | None, words: str
) -> None:
    old = tmp_path / "old.toml"
    if text is not None:
        old.write_text(text, encoding="utf-8")

    done = run("config", "diff", old)

    assert done.exit_code == 2
    assert words in done.output


# -- flask explain -----------------------------------------------------------------------------------------------------


def test_explaining_says_every_rule_and_the_conclusion(run: Run) -> None:
    done = run("explain", "ada", "--on", "2027-03-01", "--rhythm", "spring-growth")

    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[:2] == [
        "ada, Monday 1 March 2027 (Europe/Lisbon)",
        "The day is past: what went out is told; all else is as it is known today.",
    ]
    assert "spring-growth 2027, open from 2027-03-01 to 2027-04-30" in lines
    assert "  yes  rhythm       it is on (the profile everything has it so)" in lines
    conclusion = next(line for line in lines if "→" in line)
    assert conclusion.startswith(
        "  → goes out on Tuesday 2 March 2027 at 10:00 (Europe/Lisbon) by mail, together with "
    )
    assert "two-weekly" in conclusion


def test_explaining_and_planning_say_the_same_of_a_day(run: Run) -> None:
    planned = json.loads(run("plan", "--json", "--person", "ada").output)["messages"]
    found = json.loads(run("explain", "ada", "--on", planned[0]["on"], "--json").output)

    told = {one["rhythm"] for one in found["moments"] for it in one["outcomes"] if it["at"] == planned[0]["at"]}
    assert told == set(planned[0]["rhythms"])
    assert {one["rhythm"] for one in found["not_open"]}.isdisjoint(told)


def test_who_switched_a_rhythm_is_told_from_the_file(run: Run, environ: dict[str, str]) -> None:
    file = Path(environ["TRELLIS_ORGANISATIONS"]) / "fennel-works.toml"
    file.write_text(EVERYTHING + "[rhythms.two-weekly]\non = true\n", encoding="utf-8")

    assert "it is on (the organisation's choice)" in run("explain", "ada", "--rhythm", "two-weekly").output
    assert "switched off (the profile everything has it so)" in run("explain", "ada", "--rhythm", "weekly").output


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("zoe",), 1, "Nobody in fennel-works has the handle 'zoe'"),
        (("ada", "--rhythm", "two-weeky"), 2, "did you mean two-weekly?"),
        (("ada", "--on", "tomorrow"), 2, "tomorrow"),
    ],
)
def test_what_cannot_be_explained_is_told(run: Run, args: tuple[str, ...], code: int, words: str) -> None:
    done = run("explain", *args)

    assert done.exit_code == code
    assert words in done.output
