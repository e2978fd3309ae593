"""What a person does with a goal by a word: their own order, an end in their words; what is kept is not named."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.effects import CloseIssue, CommentOnIssue, Say
from domain.events import Happened, What
from domain.objective_deeds import Answered, done, end_record, ended, note_safety, queue
from domain.objectives import Closing, Objective, ObjectiveDecision, ObjectiveState, Visibility, in_order
from tests.cast import ADA, NOW, POLICY, an_objective, issue_url

QUEUED, CLOSED = ObjectiveState.QUEUED, ObjectiveState.CLOSED
UNCHANGED = ObjectiveDecision()


def waiting(number: int, rank: int = 0, **changes: Any) -> Objective:
    """A goal of ada's that waits."""
    return an_objective(number, state=QUEUED, rank=rank, title=f"Goal {number}", **changes)


def kept_between_two(rank: int = 0, **changes: Any) -> Objective:
    """A goal without an issue, which is named nowhere."""
    record = waiting(90, rank, visibility=Visibility.PARTNER)
    return replace(record, title="Say no more often", issue_number=None, issue_url=None, **changes)


def shown(*numbers: int) -> tuple[tuple[str, str], ...]:
    """The list somebody is answered with."""
    lines = (f"{place}. [Goal {number}]({issue_url(number)})" for place, number in enumerate(numbers, start=1))
    return (("queue", "\n".join(lines)),)


def line(what: What, number: int = 11, **details: str) -> Happened:
    return Happened(what=what, person_id=1, about=f"objective:{100 + number}", url=issue_url(number), details=details)


def order_after(answered: Answered | None, *all_of_them: Objective) -> list[int | None]:
    """The numbers of what waits, in order, once a decision is kept."""
    assert answered is not None
    changed = {one.id: one for one in answered.decision.objectives}
    return [one.issue_number for one in in_order([changed.get(one.id, one) for one in all_of_them])]


# -- the queue ---------------------------------------------------------------------------------------------------------


def test_the_order_is_shown_and_nothing_moves() -> None:
    mine, other = waiting(12, 1), waiting(13, 0)

    assert queue(mine, [other], "") == Answered(decision=UNCHANGED, answer="answer-queue", values=shown(13, 12))


def test_the_active_goal_is_parked_behind_all_others_and_nothing_takes_its_place() -> None:
    mine, other = replace(waiting(11), state=ObjectiveState.ACTIVE), waiting(12, 0)

    assert queue(mine, [other], "") == Answered(
        decision=ObjectiveDecision(
            objectives=(replace(mine, state=QUEUED, rank=1),), happened=(line(What.OBJECTIVE_QUEUED),)
        ),
        answer="answer-queue",
        values=shown(12, 11),
    )


def test_the_active_goal_may_be_parked_before_all_others() -> None:
    mine, other = replace(waiting(11), state=ObjectiveState.ACTIVE), waiting(12, 0)

    assert queue(mine, [other], "First") == Answered(
        decision=ObjectiveDecision(
            objectives=(replace(mine, state=QUEUED, rank=0), replace(other, rank=1)),
            happened=(line(What.OBJECTIVE_QUEUED),),
        ),
        answer="answer-queue",
        values=shown(11, 12),
    )


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("first", [14, 12, 13]),
        ("1", [14, 12, 13]),
        ("0", [14, 12, 13]),
        ("2", [12, 14, 13]),
        ("3", [12, 13, 14]),
        ("999", [12, 13, 14]),
        ("last", [12, 13, 14]),
        ("  TOP  ", [14, 12, 13]),
    ],
)
def test_a_waiting_goal_is_put_where_its_person_says(words: str, order: list[int]) -> None:
    mine, others = waiting(14, 2), [waiting(12, 0), waiting(13, 1)]

    answered = queue(mine, others, words)

    assert order_after(answered, mine, *others) == order
    assert answered is not None
    assert (answered.values, answered.decision.happened) == (shown(*order), ())


def test_an_order_that_is_so_already_changes_nothing() -> None:
    mine, other = waiting(12, 0), waiting(13, 1)

    assert queue(mine, [other], "first") == Answered(decision=UNCHANGED, answer="answer-queue", values=shown(12, 13))


@pytest.mark.parametrize("words", ["second", "-1", "1.5", "1000", "²", "first please"])
def test_words_that_name_no_place_change_nothing(words: str) -> None:
    assert queue(waiting(12), [waiting(13)], words) is None


def test_a_closed_goal_is_not_queued() -> None:
    assert queue(an_objective(state=CLOSED), [], "") is None


@pytest.mark.parametrize(
    ("words", "order"), [("2", [12, None, 14, 13]), ("1", [14, 12, None, 13]), ("3", [12, None, 13, 14])]
)
def test_a_place_is_counted_among_what_is_shown_and_what_is_kept_between_two_is_not_named(
    words: str, order: list[int | None]
) -> None:
    mine, others = waiting(14, 3), [waiting(12, 0), kept_between_two(1), waiting(13, 2)]

    answered = queue(mine, others, words)

    assert order_after(answered, mine, *others) == order
    assert answered is not None
    assert answered.values == shown(*(one for one in order if one is not None))


# -- an end ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [ObjectiveState.ACTIVE, QUEUED])
def test_done_closes_the_issue_from_where_the_close_is_followed(state: ObjectiveState) -> None:
    close = CloseIssue(key="close:fennel:11:20270302T093000", about="objective:111", issue_number=11)

    assert done(POLICY, an_objective(state=state), now=NOW) == ObjectiveDecision(effects=(close,))


@pytest.mark.parametrize("mine", [an_objective(state=CLOSED), kept_between_two()])
def test_what_is_closed_or_has_no_issue_is_not_closed_there(mine: Objective) -> None:
    assert done(POLICY, mine, now=NOW) is None


@pytest.mark.parametrize(
    ("word", "closing"),
    [
        ("learned", Closing.LEARNED),
        ("tried", Closing.TRIED),
        ("changed-course", Closing.CHANGED_COURSE),
        ("paused", Closing.PAUSED),
    ],
)
def test_an_end_is_kept_in_the_persons_own_word_whatever_was_taken_for_it(word: str, closing: Closing) -> None:
    mine = an_objective(state=CLOSED, closing=Closing.LEARNED, closed_at=NOW)

    assert ended(mine, word) == Answered(
        decision=ObjectiveDecision(
            objectives=(replace(mine, closing=closing),),
            happened=(line(What.OBJECTIVE_CLOSED, closing=closing.value),),
        ),
        answer=f"answer-closed-{word}",
    )


@pytest.mark.parametrize("state", [ObjectiveState.ACTIVE, QUEUED])
def test_what_has_not_ended_has_no_end_yet(state: ObjectiveState) -> None:
    assert ended(an_objective(state=state), "tried") is None


# -- kept between two --------------------------------------------------------------------------------------------------


def test_a_goal_kept_between_two_is_closed_and_makes_room_without_being_named() -> None:
    mine = kept_between_two(state=ObjectiveState.ACTIVE)

    decision = end_record(POLICY, mine, ADA, [waiting(12)], Closing.TRIED, now=NOW)

    assert decision == ObjectiveDecision(
        objectives=(replace(mine, state=CLOSED, closing=Closing.TRIED, closed_at=NOW),),
        effects=(
            CommentOnIssue(
                key="offer-next-private:fennel:12:record-190",
                about="objective:112",
                issue_number=12,
                body=Say(name="objective-offer-next-private", values={"name": "Ada", "closed": ""}),
            ),
        ),
        happened=(
            Happened(what=What.OBJECTIVE_CLOSED, person_id=1, about="objective:190", details={"closing": "tried"}),
        ),
    )
    assert "Say no" not in str(decision.effects) + str(decision.happened)


def test_a_goal_kept_between_two_that_waited_makes_no_room() -> None:
    decision = end_record(POLICY, kept_between_two(), ADA, [waiting(12)], Closing.LEARNED, now=NOW)

    assert decision is not None
    assert decision.effects == ()


@pytest.mark.parametrize("mine", [an_objective(), kept_between_two(state=CLOSED)])
def test_a_goal_with_an_issue_or_an_ended_one_is_not_closed_as_a_record(mine: Objective) -> None:
    assert end_record(POLICY, mine, ADA, [], Closing.LEARNED, now=NOW) is None


# -- safe to try -------------------------------------------------------------------------------------------------------


def test_a_safety_note_is_remembered_and_told_once_without_its_words() -> None:
    mine = an_objective(stretch=True)
    noted = replace(mine, safety_noted=True)

    assert note_safety(mine) == Answered(
        decision=ObjectiveDecision(objectives=(noted,), happened=(line(What.SAFETY_NOTED),)),
        answer="answer-safety-noted",
    )
    assert note_safety(noted) == Answered(decision=ObjectiveDecision(objectives=(noted,)), answer="answer-safety-noted")


def test_a_closed_goal_needs_no_safety_note() -> None:
    assert note_safety(an_objective(state=CLOSED, closed_at=datetime(2027, 3, 1, tzinfo=UTC))) is None
