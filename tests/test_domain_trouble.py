"""What each trouble means, when a goal only seems to have lost its label, and how troubles are put together."""

from dataclasses import replace
from datetime import timedelta

import pytest

from config.messages import FOLDER, titled
from domain.issues import Gone, Issue, IssueGone
from domain.trouble import (
    BARS_READING,
    FOR_GOOD,
    MEANING,
    SEEN_BY_LOOKING,
    Meaning,
    Open,
    Trouble,
    ended_by_look,
    lost_its_label,
    over,
    worth_telling,
)
from tests.cast import NOW

LAST_WEEK = NOW - timedelta(days=7)
ISSUE = Issue(
    number=7, title="Read a map", body="", author="ada-m", url="https://github.com/x/y/issues/7", open=True,
    close_reason=None, labels=("Learning",), assignees=("ada-m",), locked=False, created_at=LAST_WEEK,
    updated_at=LAST_WEEK,
)  # fmt: skip


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_has_a_meaning_and_words_for_whoever_looks_after_trellis(trouble: Trouble) -> None:
    title, text = titled((FOLDER / "en" / f"trouble-{trouble.value}.md").read_text(encoding="utf-8"))

    assert trouble in MEANING
    assert title
    assert len(title) <= 50
    assert len(text.split(". ")) >= 2  # what happened, and what helps
    assert "\n\n" not in text.strip()  # it becomes one line of a list


def test_nothing_that_is_amiss_has_anything_parked_for_a_person() -> None:
    assert {one for one, meaning in MEANING.items() if meaning is Meaning.IS_LET_GO} == FOR_GOOD
    assert all(MEANING[one] is Meaning.WAITS for one in SEEN_BY_LOOKING)
    assert {Trouble.ARCHIVED} == SEEN_BY_LOOKING - BARS_READING


@pytest.mark.parametrize("seen", [None, *sorted(SEEN_BY_LOOKING)])
def test_a_look_ends_everything_it_could_have_shown_and_did_not(seen: Trouble | None) -> None:
    assert ended_by_look(seen) == SEEN_BY_LOOKING - {seen}


# -- the label --------------------------------------------------------------------------------------------------------


def lost(issue: Issue = ISSUE, *, exists: bool = False, minutes: float = 60, remembered: bool = True) -> bool:
    return lost_its_label(
        issue,
        "ILO",
        remembered_at=issue.updated_at if remembered else issue.updated_at - timedelta(hours=1),
        label_exists=exists,
        now=issue.updated_at + timedelta(minutes=minutes),
    )


def test_a_goal_whose_label_is_gone_from_the_repository_did_not_lose_it_by_itself() -> None:
    assert lost()
    assert lost(remembered=False, minutes=0)


def test_nor_did_one_that_nobody_touched_since_it_was_seen_with_it() -> None:
    assert lost(exists=True, minutes=61)


@pytest.mark.parametrize(("minutes", "remembered"), [(60, False), (1, True), (0.5, True)])
def test_one_that_was_touched_since_or_just_now_lost_it_by_an_act_on_itself(minutes: float, remembered: bool) -> None:
    assert not lost(exists=True, minutes=minutes, remembered=remembered)


def test_a_goal_that_carries_its_label_or_is_closed_lost_nothing() -> None:
    assert not lost(replace(ISSUE, labels=("ilo",)))
    assert not lost(replace(ISSUE, open=False))


# -- the end ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "issue", "is_over"),
    [
        (Trouble.LOCKED, replace(ISSUE, locked=True), False),
        (Trouble.LOCKED, ISSUE, True),
        (Trouble.UNLABELLED, ISSUE, False),
        (Trouble.UNLABELLED, replace(ISSUE, labels=("ILO",)), True),
        (Trouble.UNLABELLED, replace(ISSUE, open=False), True),
        (Trouble.LOCKED, IssueGone(number=7, why=Gone.DELETED), True),
        (Trouble.UNLABELLED, IssueGone(number=7, why=Gone.TRANSFERRED), True),
        (Trouble.NO_ACCESS, ISSUE, False),
    ],
)
def test_an_issue_shows_whether_a_trouble_about_it_is_over(
    trouble: Trouble, issue: Issue | IssueGone, is_over: bool
) -> None:
    assert over(trouble, issue, label="ILO") is is_over


# -- telling ----------------------------------------------------------------------------------------------------------


def amiss(trouble: Trouble, about: str = "") -> Open:
    return Open(trouble=trouble, about=about, since=NOW)


def test_each_kind_is_told_once_with_everything_it_is_about_in_order() -> None:
    found = [
        amiss(Trouble.LOCKED, "12"), amiss(Trouble.NO_ACCESS, "dee"), amiss(Trouble.LOCKED, "3"),
        amiss(Trouble.ARCHIVED), amiss(Trouble.NO_ACCESS, "Bo"),
    ]  # fmt: skip

    assert worth_telling(found) == [
        (Trouble.ARCHIVED, []),
        (Trouble.LOCKED, ["3", "12"]),
        (Trouble.NO_ACCESS, ["Bo", "dee"]),
    ]


def test_goals_without_a_label_are_part_of_the_labels_story_while_it_is_missing() -> None:
    goals = [amiss(Trouble.UNLABELLED, "3"), amiss(Trouble.UNLABELLED, "5")]

    assert worth_telling([*goals, amiss(Trouble.LABEL_MISSING, "ILO")]) == [(Trouble.LABEL_MISSING, ["ILO"])]
    assert worth_telling(goals) == [(Trouble.UNLABELLED, ["3", "5"])]


def test_nothing_amiss_is_nothing_to_tell() -> None:
    assert worth_telling([]) == []
