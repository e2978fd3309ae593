"""One active learning goal per person, queued with manners, closed without blame."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.effects import CommentOnIssue, OpenIssue, Say
from domain.events import Happened, What
from domain.issues import CloseReason, Gone, Issue, IssueGone
from domain.objectives import (
    Closing,
    Objective,
    ObjectiveDecision,
    ObjectiveState,
    activate,
    first_state,
    follow,
    follow_gone,
    handed_on,
    issue_opened,
    open_here,
)
from domain.people import Person
from tests.cast import ADA, BO, NOW, POLICY, an_issue, an_objective, issue_url

NOTHING = ObjectiveDecision()
QUEUED, ACTIVE, CLOSED = ObjectiveState.QUEUED, ObjectiveState.ACTIVE, ObjectiveState.CLOSED
OPENED = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
LATER = OPENED + timedelta(hours=1)


def seen(
    issue: Issue, was: Objective | None = None, person: Person | None = ADA, siblings: Sequence[Objective] = ()
) -> ObjectiveDecision:
    return follow(POLICY, issue, was=was, person=person, siblings=siblings, now=NOW)


def line(what: What, about: str, number: int = 11, person: Person = ADA, **details: str) -> Happened:
    return Happened(what=what, person_id=person.id, about=about, url=issue_url(number), details=details)


def which_stays(number: int, about: str, person: Person = ADA, active: int = 11) -> CommentOnIssue:
    values = {"name": person.first_name(), "active": f"[Learn to sharpen tools]({issue_url(active)})"}
    return CommentOnIssue(
        key=f"which-stays:fennel:{number}",
        about=about,
        issue_number=number,
        body=Say(name="objective-which-stays", values=values),
    )


def how_it_ended(number: int = 11) -> CommentOnIssue:
    """The one question after a goal was closed as completed."""
    return CommentOnIssue(
        key=f"closed:fennel:{number}",
        about=f"objective:{100 + number}",
        issue_number=number,
        body=Say(name="objective-closed", values={"name": "Ada"}),
    )


def test_a_first_objective_is_active_and_nothing_is_said() -> None:
    body = "### What do I want to learn?\n\nSharpening\n\n### Why does it matter to me?\n\nDull tools hurt\n"

    assert seen(an_issue(body=body)) == ObjectiveDecision(
        objectives=(an_objective(id=None, why="Dull tools hurt"),),
        happened=(line(What.OBJECTIVE_OPENED, "issue:11"),),
    )


def test_the_label_counts_whatever_its_case() -> None:
    assert seen(an_issue(labels=("bug", "ilo"))).objectives == (an_objective(id=None),)


@pytest.mark.parametrize(
    ("issue", "person"),
    [
        (an_issue(labels=("bug",)), ADA),
        (an_issue(open=False, close_reason=CloseReason.COMPLETED), ADA),
        (an_issue(), None),
    ],
    ids=["without the label", "closed before it was seen", "of nobody known"],
)
def test_an_issue_that_is_no_goal_of_a_member_is_left_alone(issue: Issue, person: Person | None) -> None:
    assert seen(issue, person=person) == NOTHING


def test_a_second_objective_is_queued_and_its_person_is_asked_once() -> None:
    first = an_objective(11)
    second = an_issue(12)
    queued = an_objective(12, id=None, state=QUEUED)

    assert seen(second, siblings=[first]) == ObjectiveDecision(
        objectives=(queued,),
        effects=(which_stays(12, "issue:12"),),
        happened=(line(What.OBJECTIVE_OPENED, "issue:12", 12), line(What.OBJECTIVE_QUEUED, "issue:12", 12)),
    )
    stored = replace(queued, id=112)
    assert seen(second, was=stored, siblings=[first]) == ObjectiveDecision(objectives=(stored,))


def test_a_second_objective_opened_by_us_is_asked_about_when_its_issue_is_first_seen() -> None:
    was = an_objective(12, state=QUEUED, issue_number=None, issue_url=None, issue_updated_at=None)

    decision = seen(an_issue(12), was=was, siblings=[an_objective(11)])

    assert decision.effects == (which_stays(12, "objective:112"),)


def test_a_second_objective_beside_only_queued_ones_is_active() -> None:
    assert seen(an_issue(12), siblings=[an_objective(11, state=QUEUED)]) == ObjectiveDecision(
        objectives=(an_objective(12, id=None),), happened=(line(What.OBJECTIVE_OPENED, "issue:12", 12),)
    )


def test_the_question_is_asked_in_the_persons_language() -> None:
    decision = seen(an_issue(12), person=replace(ADA, locale="pt_BR"), siblings=[an_objective(11)])

    assert decision.effects == (
        replace(
            which_stays(12, "issue:12"),
            body=Say(
                name="objective-which-stays",
                locale="pt_BR",
                values={"name": "Ada", "active": f"[Learn to sharpen tools]({issue_url(11)})"},
            ),
        ),
    )


def test_seeing_the_same_issue_again_changes_nothing() -> None:
    was = an_objective()

    assert seen(an_issue(), was=was) == ObjectiveDecision(objectives=(was,))


def test_an_older_look_at_an_issue_is_ignored() -> None:
    was = an_objective(issue_updated_at=LATER)

    assert seen(an_issue(title="As it was called before", open=False), was=was) == NOTHING


def test_an_edited_goal_is_remembered_and_told_without_its_words() -> None:
    body = "### Why does it matter to me?\n\nBlunt ones slip"
    was = an_objective(why="Dull tools hurt")

    assert seen(an_issue(title="Learn to whet", body=body, updated_at=LATER), was=was) == ObjectiveDecision(
        objectives=(an_objective(title="Learn to whet", why="Blunt ones slip", issue_updated_at=LATER),),
        happened=(line(What.OBJECTIVE_EDITED, "objective:111"),),
    )


@pytest.mark.parametrize(
    ("reason", "closing"),
    [
        (CloseReason.COMPLETED, Closing.LEARNED),
        (CloseReason.NOT_PLANNED, Closing.CHANGED_COURSE),
        (CloseReason.DUPLICATE, Closing.CHANGED_COURSE),
        (None, Closing.LEARNED),
    ],
)
def test_a_closed_issue_closes_the_goal_without_blame(reason: CloseReason | None, closing: Closing) -> None:
    assert seen(an_issue(open=False, close_reason=reason), was=an_objective()) == ObjectiveDecision(
        objectives=(an_objective(state=CLOSED, closing=closing, closed_at=NOW),),
        # Where GitHub's own word leaves it open, its person is asked, once.
        effects=(how_it_ended(),) if closing is Closing.LEARNED else (),
        happened=(line(What.OBJECTIVE_CLOSED, "objective:111", because="closed on GitHub", closing=closing.value),),
    )


def test_a_goal_whose_label_is_taken_off_has_changed_course() -> None:
    assert seen(an_issue(labels=()), was=an_objective()) == ObjectiveDecision(
        objectives=(an_objective(state=CLOSED, closing=Closing.CHANGED_COURSE, closed_at=NOW),),
        happened=(
            line(What.OBJECTIVE_CLOSED, "objective:111", because="no longer labelled ILO", closing="changed course"),
        ),
    )


def test_a_goal_stays_closed_when_its_closed_issue_is_seen_again() -> None:
    was = an_objective(state=CLOSED, closing=Closing.LEARNED, closed_at=OPENED)

    assert seen(an_issue(open=False), was=was) == ObjectiveDecision(objectives=(was,))


def test_closing_the_active_goal_offers_the_one_that_waited_longest() -> None:
    newer = an_objective(13, state=QUEUED, opened_at=LATER)
    older = an_objective(12, state=QUEUED)

    decision = seen(an_issue(open=False), was=an_objective(), siblings=[newer, older])

    assert decision.effects == (
        how_it_ended(),
        CommentOnIssue(
            key="offer-next:fennel:12:11",
            about="objective:112",
            issue_number=12,
            body=Say(
                name="objective-offer-next",
                values={"name": "Ada", "closed": f"[Learn to sharpen tools]({issue_url(11)})"},
            ),
        ),
    )
    assert [one.id for one in decision.objectives] == [111], "the one that waits is not opened by itself"


def test_closing_a_goal_that_waited_offers_nothing() -> None:
    decision = seen(
        an_issue(12, open=False), was=an_objective(12, state=QUEUED), siblings=[an_objective(11), an_objective(13)]
    )

    assert [one.state for one in decision.objectives] == [CLOSED]
    assert decision.effects == (how_it_ended(12),)


def test_a_reopened_goal_is_active_again_when_nothing_else_is() -> None:
    was = an_objective(state=CLOSED, closing=Closing.LEARNED, closed_at=OPENED)

    assert seen(an_issue(), was=was, siblings=[an_objective(12, state=QUEUED)]) == ObjectiveDecision(
        objectives=(an_objective(),), happened=(line(What.OBJECTIVE_REOPENED, "objective:111"),)
    )


def test_a_reopened_goal_waits_and_asks_when_another_is_active() -> None:
    was = an_objective(12, state=CLOSED, closing=Closing.LEARNED, closed_at=OPENED)

    question = which_stays(12, "objective:112")
    assert seen(an_issue(12), was=was, siblings=[an_objective(11)]) == ObjectiveDecision(
        objectives=(an_objective(12, state=QUEUED),),
        effects=(replace(question, key=f"{question.key}:20270301T080000:1"),),
        happened=(line(What.OBJECTIVE_REOPENED, "objective:112", 12),),
    )


def test_a_goal_that_is_handed_over_becomes_the_other_persons() -> None:
    assert seen(an_issue(assignees=("bo-t",)), was=an_objective(), person=BO) == ObjectiveDecision(
        objectives=(an_objective(person_id=BO.id),),
        happened=(line(What.OBJECTIVE_HANDED_OVER, "objective:111", person=BO),),
    )


def test_a_goal_handed_to_somebody_with_another_waits_there() -> None:
    theirs = an_objective(12, person_id=BO.id)

    decision = seen(an_issue(assignees=("bo-t",)), was=an_objective(), person=BO, siblings=[theirs])

    assert decision.objectives == (an_objective(person_id=BO.id, state=QUEUED),)
    assert [(one.what, one.person_id) for one in decision.happened] == [(What.OBJECTIVE_HANDED_OVER, BO.id)]
    [question] = decision.effects
    assert isinstance(question, CommentOnIssue)
    assert question.issue_number == 11
    assert question.body == Say(
        name="objective-which-stays",
        values={"name": "Bo", "active": f"[Learn to sharpen tools]({issue_url(12)})"},
    )


def test_whoever_is_handed_a_waiting_goal_is_asked_though_the_one_before_was() -> None:
    asked_ada = seen(an_issue(12), siblings=[an_objective(11)]).effects
    asked_bo = seen(
        an_issue(12), was=an_objective(12, state=QUEUED), person=BO, siblings=[an_objective(13, person_id=BO.id)]
    ).effects

    assert len(asked_ada) == len(asked_bo) == 1
    assert asked_ada[0].key != asked_bo[0].key, "a key that was used is never used again, so bo would not be asked"


def test_a_goal_closed_while_handed_over_says_nothing_on_the_other_persons_queue() -> None:
    theirs = [an_objective(12, person_id=BO.id), an_objective(13, person_id=BO.id, state=QUEUED)]

    decision = seen(an_issue(open=False, assignees=("bo-t",)), was=an_objective(), person=BO, siblings=theirs)

    assert [(one.id, one.state) for one in decision.objectives] == [(111, CLOSED)]
    assert decision.effects == (), "bo's own goal is still active: nothing of theirs has come to an end"


def test_whoever_hands_their_active_goal_on_is_offered_the_next() -> None:
    waiting = an_objective(12, state=QUEUED)

    assert handed_on(POLICY, an_objective(11), ADA, [waiting]) == ObjectiveDecision(
        effects=(
            CommentOnIssue(
                key="offer-next:fennel:12:11",
                about="objective:112",
                issue_number=12,
                body=Say(
                    name="objective-offer-next",
                    values={"name": "Ada", "closed": f"[Learn to sharpen tools]({issue_url(11)})"},
                ),
            ),
        )
    )
    assert handed_on(POLICY, an_objective(11), ADA, []) == NOTHING
    assert handed_on(POLICY, an_objective(11, state=QUEUED), ADA, [waiting]) == NOTHING


def test_a_goal_whose_person_is_not_known_any_more_keeps_its_owner() -> None:
    was = an_objective()

    assert seen(an_issue(assignees=()), was=was, person=None) == ObjectiveDecision(objectives=(was,))


def gone(why: Gone, was: Objective, *siblings: Objective) -> ObjectiveDecision:
    return follow_gone(POLICY, IssueGone(number=11, why=why), was=was, person=ADA, siblings=siblings, now=NOW)


@pytest.mark.parametrize("why", [Gone.DELETED, Gone.TRANSFERRED])
def test_a_goal_whose_issue_is_gone_has_changed_course(why: Gone) -> None:
    assert gone(why, an_objective()) == ObjectiveDecision(
        objectives=(an_objective(state=CLOSED, closing=Closing.CHANGED_COURSE, closed_at=NOW),),
        happened=(line(What.OBJECTIVE_CLOSED, "objective:111", because=why.value, closing="changed course"),),
    )


def test_a_goal_whose_issue_is_gone_makes_room_for_the_next() -> None:
    [offer] = gone(Gone.DELETED, an_objective(), an_objective(12, state=QUEUED)).effects

    assert offer.key == "offer-next:fennel:12:11"
    assert gone(Gone.DELETED, an_objective(state=QUEUED), an_objective(12, state=QUEUED)).effects == ()


@pytest.mark.parametrize(
    ("why", "was"),
    [
        (Gone.OUT_OF_REACH, an_objective()),
        (Gone.DELETED, an_objective(state=CLOSED, closing=Closing.TRIED, closed_at=OPENED)),
    ],
    ids=["only out of reach", "closed already"],
)
def test_an_issue_that_is_gone_changes_nothing_else(why: Gone, was: Objective) -> None:
    assert gone(why, was) == NOTHING


def test_activating_a_waiting_goal_swaps_the_two() -> None:
    chosen, active, other = an_objective(12, state=QUEUED), an_objective(11), an_objective(13, state=QUEUED)

    assert activate(chosen, [active, other]) == ObjectiveDecision(
        objectives=(an_objective(11, state=QUEUED, rank=1), an_objective(12)),
        happened=(
            line(What.OBJECTIVE_QUEUED, "objective:111"),
            line(What.OBJECTIVE_ACTIVATED, "objective:112", 12),
        ),
    )


def test_activating_a_waiting_goal_when_none_is_active_changes_only_that_one() -> None:
    assert activate(an_objective(12, state=QUEUED), []) == ObjectiveDecision(
        objectives=(an_objective(12),), happened=(line(What.OBJECTIVE_ACTIVATED, "objective:112", 12),)
    )


@pytest.mark.parametrize("state", [ACTIVE, CLOSED])
def test_only_a_waiting_goal_can_be_activated(state: ObjectiveState) -> None:
    assert activate(an_objective(12, state=state), [an_objective(11)]) == NOTHING


def told_here(**changes: Any) -> Objective:
    return an_objective(id=8, issue_number=None, issue_url=None, issue_updated_at=None, **changes)


def test_a_goal_told_to_trellis_becomes_an_issue_of_its_persons() -> None:
    assert open_here(POLICY, ADA, told_here(why="Dull tools hurt")) == ObjectiveDecision(
        effects=(
            OpenIssue(
                key="open:fennel:objective:8",
                about="objective:8",
                title="Learn to sharpen tools",
                body=Say(name="objective-issue", values={"title": "Learn to sharpen tools", "why": "Dull tools hurt"}),
                labels=("ILO",),
                assignees=("ada-m",),
            ),
        ),
        happened=(Happened(what=What.OBJECTIVE_OPENED, person_id=1, about="objective:8"),),
    )


def test_a_goal_of_somebody_without_a_github_login_is_assigned_to_nobody() -> None:
    [effect] = open_here(POLICY, replace(ADA, github_login=None), told_here()).effects

    assert effect == OpenIssue(
        key="open:fennel:objective:8",
        about="objective:8",
        title="Learn to sharpen tools",
        body=Say(name="objective-issue", values={"title": "Learn to sharpen tools", "why": "_No response_"}),
        labels=("ILO",),
        assignees=(),
    )


def test_the_issue_opened_for_a_first_goal_is_remembered_in_silence() -> None:
    decision = issue_opened(POLICY, told_here(), ADA, [], number=14, url=issue_url(14))

    assert decision == ObjectiveDecision(objectives=(replace(told_here(), issue_number=14, issue_url=issue_url(14)),))


def test_the_issue_opened_for_a_second_goal_asks_which_stays() -> None:
    second = told_here(state=QUEUED)

    assert issue_opened(POLICY, second, ADA, [an_objective(11)], number=14, url=issue_url(14)) == ObjectiveDecision(
        objectives=(replace(second, issue_number=14, issue_url=issue_url(14)),),
        effects=(which_stays(14, "objective:8"),),
    )


def test_a_new_goal_is_active_unless_another_is() -> None:
    waiting, closed = an_objective(12, state=QUEUED), an_objective(13, state=CLOSED)

    assert first_state([]) is ACTIVE
    assert first_state([waiting, closed]) is ACTIVE
    assert first_state([waiting, an_objective(11)]) is QUEUED


def test_targets_are_the_boxes_of_the_issue_and_its_sub_issues_together() -> None:
    issue = an_issue(body="- [x] whet\n- [ ] strop", targets_done=1, targets_total=3)

    [fresh] = seen(issue).objectives
    assert (fresh.targets_done, fresh.targets_total) == (2, 5)
