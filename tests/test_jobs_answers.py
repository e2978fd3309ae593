"""Answers in comments: done once, answered kindly, and only on the own ILO of whoever gives them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.issues import Comment
from domain.rhythms import Interval, Role
from jobs.listen import follow_comment
from jobs.nudge import nudge
from jobs.workshop import Workshop
from store.memory import effect_of
from store.models import AskedRow, EffectRow, HeldRow, ObjectiveRow, SnoozeRow, TimelineRow
from tests.cast import with_rhythms
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
    rows,
)

FORTNIGHT = timedelta(days=14)
PROTECT_TIME = Interval(anchor_on=date(2027, 1, 5), every_months=3, open_days=30, partners=(Role.MANAGER,))
POLICY = with_rhythms(OURS, two_weekly=TWO_WEEKLY, protect_time=PROTECT_TIME)


@pytest.fixture
def clock() -> Clock:
    return Clock(TUESDAY + timedelta(hours=5))


@pytest.fixture
def work(workshop: Workshop, clock: Clock) -> Workshop:
    return at_work(workshop, clock, POLICY)


def said_here(work: Workshop, clock: Clock, body: str, *, by: str = "ada", number: int = 11, id: int = 900) -> None:  # noqa: A002
    """Somebody comments on an issue."""
    comment = Comment(id=id, author=by, body=body, created_at=clock(), url=f"https://github.com/c/{id}")
    follow_comment(work, POLICY, number, comment)


Says = Callable[..., None]


@pytest.fixture
def says(work: Workshop, clock: Clock) -> Says:
    def say(body: str, **more: Any) -> None:
        said_here(work, clock, body, **more)

    return say


def answers(work: Workshop) -> list[tuple[str, str]]:
    """What Trellis plans to answer: the name of the words, and to whom."""
    found = [effect_of(row.kind, row.payload) for row in rows(work, EffectRow, EffectRow.kind == "CommentOnIssue")]
    return [(one.body.name, one.body.values["name"]) for one in found]  # type: ignore[union-attr] # by their kind


def held(work: Workshop) -> list[tuple[int, str, str, str, date]]:
    return [(row.person_id, row.rhythm, row.turn, row.how, row.day) for row in rows(work, HeldRow)]


def put_off(work: Workshop) -> list[tuple[str | None, str | None, date, date | None]]:
    return [(row.rhythm, row.turn, row.first_on, row.last_on) for row in rows(work, SnoozeRow)]


def timeline(work: Workshop) -> list[str]:
    return [row.what for row in rows(work, TimelineRow)]


@pytest.fixture
def ada(work: Workshop) -> int:
    """Ada, whom a message about both rhythms has just reached."""
    person = add_person(work, relations={"manager": "bo"})
    add_objective(work, person)
    nudge(work)
    assert [row[1] for row in asked(work)] == ["protect-time", "two-weekly"]
    return person


# -- done, and not needed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "how"), [("/held", "held"), ("/not-needed", "not needed")])
def test_the_last_message_is_answered_with_one_word(
    work: Workshop, says: Says, ada: int, command: str, how: str
) -> None:
    says(command)

    assert held(work) == [
        (ada, "protect-time", "2027-01-05", how, date(2027, 1, 5)),
        (ada, "two-weekly", "2027-01-05", how, date(2027, 1, 5)),
    ]
    assert answers(work) == [("answer-held", "Ada")]
    assert timeline(work) == ["command given", "moment held"]


def test_a_rhythm_may_be_named(work: Workshop, says: Says, ada: int) -> None:
    says("/held Two-Weekly ")

    assert held(work) == [(ada, "two-weekly", "2027-01-05", "held", date(2027, 1, 5))]
    assert answers(work) == [("answer-held", "Ada")]


def test_a_rhythm_may_be_named_before_anybody_asks_about_it(work: Workshop, says: Says) -> None:
    ada = add_person(work)
    add_objective(work, ada)

    says("/not-needed protect-time")

    assert held(work) == [(ada, "protect-time", "2027-01-05", "not needed", date(2027, 1, 5))]


@pytest.mark.parametrize("named", ["nothing-of-ours", "two weekly", "the talk"])
def test_a_rhythm_that_is_none_of_ours_is_answered_kindly(work: Workshop, says: Says, ada: int, named: str) -> None:
    says(f"/held {named}")

    assert held(work) == []
    assert answers(work) == [("command-not-now", "Ada")]
    assert timeline(work) == ["command given"]


def test_with_nothing_asked_there_is_nothing_to_answer(work: Workshop, says: Says) -> None:
    add_objective(work, add_person(work))

    says("/held")

    assert held(work) == []
    assert answers(work) == [("command-not-now", "Ada")]


def test_only_the_last_message_is_meant(work: Workshop, clock: Clock, says: Says, ada: int) -> None:
    clock.now += FORTNIGHT
    nudge(work)

    says("/held")

    assert [row[1:3] for row in held(work)] == [("two-weekly", "2027-01-19")]


def test_a_partners_word_counts_for_the_member_it_is_about(work: Workshop, says: Says) -> None:
    ada, bo = add_person(work, relations={"manager": "bo"}), add_person(work, "bo")
    add_objective(work, bo, number=12)
    add(work, HeldRow(person_id=bo, rhythm="two-weekly", turn="2027-01-05", how="held", day=date(2027, 1, 5)))
    add(work, HeldRow(person_id=bo, rhythm="protect-time", turn="2027-01-05", how="held", day=date(2027, 1, 5)))
    nudge(work)
    assert ("partner", ada) in [(row.side, row.member_id) for row in rows(work, AskedRow) if row.person_id == bo]

    says("/held", by="bo", number=12)

    assert (ada, "protect-time", "2027-01-05", "held", date(2027, 1, 5)) in held(work)
    assert answers(work) == [("answer-held", "Bo")]


def test_a_partner_who_names_the_rhythm_means_the_talk_they_were_asked_about(work: Workshop, says: Says) -> None:
    ada, bo = add_person(work, relations={"manager": "bo"}), add_person(work, "bo")
    add_objective(work, bo, number=12)
    add(work, HeldRow(person_id=bo, rhythm="two-weekly", turn="2027-01-05", how="held", day=date(2027, 1, 5)))
    add(work, HeldRow(person_id=bo, rhythm="protect-time", turn="2027-01-05", how="held", day=date(2027, 1, 5)))
    nudge(work)

    says("/held protect-time", by="bo", number=12)

    assert (ada, "protect-time", "2027-01-05", "held", date(2027, 1, 5)) in held(work)


def test_what_was_only_worked_out_while_observing_was_never_asked(work: Workshop, says: Says, ada: int) -> None:
    later = {"person_id": ada, "member_id": ada, "turn": "2027-01-12", "side": "member", "ask": "first"}
    add(
        work,
        AskedRow(
            rhythm="weekly", at=TUESDAY + timedelta(hours=6), day=date(2027, 1, 5), closes_on=date(2027, 1, 15),
            effect_key="observed:x", withheld=True, **later,
        ),
    )  # fmt: skip

    says("/held")

    assert sorted(row[1] for row in held(work)) == ["protect-time", "two-weekly"]


def test_a_word_of_theirs_goes_before_a_guess_of_ours(work: Workshop, says: Says, ada: int) -> None:
    add(work, HeldRow(person_id=ada, rhythm="two-weekly", turn="2027-01-05", how="spoke", day=date(2027, 1, 5)))

    says("/not-needed two-weekly")

    assert [row[3] for row in held(work)] == ["not needed"]


def test_a_change_of_mind_counts(work: Workshop, says: Says, ada: int) -> None:
    says("/not-needed two-weekly", id=900)
    says("/held two-weekly", id=901)

    assert [row[3] for row in held(work)] == ["held"]
    assert answers(work) == [("answer-held", "Ada"), ("answer-held", "Ada")]


def test_the_day_is_the_persons_own(work: Workshop, clock: Clock, says: Says) -> None:
    bo = add_person(work, "bo", zone="Asia/Kathmandu")
    add_objective(work, bo, number=12)
    clock.now = datetime(2027, 1, 5, 20, tzinfo=UTC)  # a quarter to two in the morning of the sixth, in Kathmandu

    says("/held two-weekly", by="bo", number=12)

    assert [row[4] for row in held(work)] == [date(2027, 1, 6)]


# -- later -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "rows_", "answer"),
    [
        ("/snooze", [("protect-time", None, date(2027, 1, 12)), ("two-weekly", None, date(2027, 1, 12))], "snoozed"),
        (
            "/snooze 2 weeks",
            [("protect-time", None, date(2027, 1, 19)), ("two-weekly", None, date(2027, 1, 19))],
            "snoozed",
        ),
        (
            "/snooze until 2027-02-01",
            [("protect-time", None, date(2027, 1, 31)), ("two-weekly", None, date(2027, 1, 31))],
            "snoozed",
        ),
        (
            "/snooze this time",
            [("protect-time", "2027-01-05", None), ("two-weekly", "2027-01-05", None)],
            "snoozed",
        ),
        ("/snooze all", [(None, None, None)], "snoozed"),
        ("/snooze everything until 2027-03-01", [(None, None, date(2027, 2, 28))], "snoozed"),
        ("/snooze soon", [], "snooze-unclear"),
        ("/snooze until 2026-12-24", [], "snooze-unclear"),
        ("/snooze until 2027-02-30", [], "snooze-unclear"),
        ("/snooze two-weekly", [], "snooze-unclear"),
    ],
)
def test_what_is_put_off_is_put_off(
    work: Workshop,
    says: Says,
    ada: int,
    said: str,
    rows_: list[tuple[str | None, str | None, date | None]],
    answer: str,
) -> None:
    says(said)

    assert put_off(work) == [(rhythm, turn, date(2027, 1, 5), last) for rhythm, turn, last in rows_]
    assert answers(work) == [(f"answer-{answer}", "Ada")]
    assert timeline(work) == (["command given", "put off"] if rows_ else ["command given"])


def test_with_nothing_asked_only_everything_can_be_put_off(work: Workshop, says: Says) -> None:
    add_objective(work, add_person(work))

    says("/snooze 2 weeks", id=900)
    assert (put_off(work), answers(work)) == ([], [("command-not-now", "Ada")])

    says("/snooze all", id=901)
    assert put_off(work) == [(None, None, date(2027, 1, 5), None)]
    assert answers(work)[1:] == [("answer-snoozed", "Ada")]


def test_what_is_put_off_is_quiet_and_woken_it_comes_again(work: Workshop, clock: Clock, says: Says, ada: int) -> None:
    says("/snooze all", id=900)
    clock.now += FORTNIGHT
    nudge(work)
    assert len(asked(work)) == 2

    says("/wake", id=901)
    nudge(work)

    assert put_off(work) == []
    assert answers(work) == [("answer-snoozed", "Ada"), ("answer-awake", "Ada")]
    assert timeline(work)[-2:] == ["command given", "hears from us again"]
    assert asked(work)[2:] == [(ada, "two-weekly", "2027-01-19", "first")]


# -- writing it down ---------------------------------------------------------------------------------------------------


def test_a_log_is_writing_and_needs_no_answer(work: Workshop, clock: Clock, says: Says, ada: int) -> None:
    says("/log Sharpened a plane iron, and cut myself less than last time")

    [goal] = rows(work, ObjectiveRow)
    assert goal.last_wrote_at == clock()
    assert answers(work) == []
    assert timeline(work) == ["person wrote", "command given"]


def test_words_alone_are_writing_too(work: Workshop, clock: Clock, says: Says, ada: int) -> None:
    says("Sharpened a plane iron")

    [goal] = rows(work, ObjectiveRow)
    assert goal.last_wrote_at == clock()
    assert timeline(work) == ["person wrote"]


@pytest.mark.parametrize("command", ["/held", "/snooze all", "/wake", "/not-needed"])
def test_a_command_by_itself_is_no_writing(work: Workshop, says: Says, ada: int, command: str) -> None:
    says(command)

    [goal] = rows(work, ObjectiveRow)
    assert goal.last_wrote_at is None


# -- not a command -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "> /held",
        "> > /snooze all",
        "```\n/held\n```",
        "~~~ sh\n/held\n~~~",
        "    /held",
        "\t/held",
        "we /held it",
        "I would write /held if I knew what it does",
        "- /held",
        "`/held`",
        "//held",
        "/Held",
        "/held\\",
        "_To answer, write one of these: `/held`, `/not-needed`_",
    ],
)
def test_what_is_quoted_or_in_code_or_in_a_sentence_is_talk(work: Workshop, says: Says, ada: int, body: str) -> None:
    says(body)

    assert (held(work), put_off(work), answers(work)) == ([], [], [])
    assert timeline(work) == ["person wrote"]


def test_what_stands_below_a_quotation_counts(work: Workshop, says: Says, ada: int) -> None:
    """Answering by mail quotes what Trellis wrote, commands and all."""
    says("> To answer, write one of these alone on a line:\n> /snooze all\n\n/held\n")

    assert len(held(work)) == 2
    assert put_off(work) == []


# -- whose word --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["/held", "/not-needed two-weekly", "/snooze all", "/wake", "/log I saw it"])
def test_nobody_answers_for_somebody_else(work: Workshop, says: Says, ada: int, body: str) -> None:
    add_person(work, "bo")

    says(body, by="bo")

    assert (held(work), put_off(work)) == ([], [])
    assert answers(work) == [("command-not-yours", "Bo")]
    [goal] = rows(work, ObjectiveRow)
    assert goal.last_wrote_at is None


def test_somebody_from_elsewhere_just_talks(work: Workshop, says: Says, ada: int) -> None:
    says("/snooze all", by="a-stranger")

    assert (held(work), put_off(work), answers(work), timeline(work)) == ([], [], [], [])


def test_an_issue_that_is_no_goal_of_ours_is_left_alone(work: Workshop, says: Says, ada: int) -> None:
    says("/held", number=77)

    assert (held(work), answers(work)) == ([], [])


def test_a_login_is_a_login_however_it_is_written(work: Workshop, says: Says, ada: int) -> None:
    says("/held", by="ADA")

    assert len(held(work)) == 2


# -- once --------------------------------------------------------------------------------------------------------------


def test_a_comment_that_is_told_twice_counts_once(work: Workshop, says: Says, ada: int) -> None:
    says("/held")
    says("/held")

    assert len(held(work)) == 2
    assert answers(work) == [("answer-held", "Ada")]
    assert timeline(work) == ["command given", "moment held"]


def test_an_edited_comment_adds_what_is_new(work: Workshop, says: Says, ada: int) -> None:
    says("/held two-weekly")
    says("/held two-weekly\n/snooze all")

    assert answers(work) == [("answer-held", "Ada"), ("answer-snoozed", "Ada")]


def test_several_commands_of_one_comment_are_all_done(work: Workshop, says: Says, ada: int) -> None:
    says("/held\r\n/snooze all\r\n/log Tried the new plane")

    assert len(held(work)) == 2
    assert put_off(work) == [(None, None, date(2027, 1, 5), None)]
    assert answers(work) == [("answer-held", "Ada"), ("answer-snoozed", "Ada")]


def test_what_was_said_of_a_moment_is_not_in_the_timeline(work: Workshop, says: Says, ada: int) -> None:
    """Many moments are private (rule 6): the timeline knows that something was answered, not what."""
    says("/held protect-time\n/snooze 2 weeks")

    for row in rows(work, TimelineRow):
        assert "protect-time" not in f"{row.details}{row.key}{row.about}"
        assert row.organisation == SLUG
