"""What a person does with a goal by a word: park it, order the queue, say how it ended, ask for a hand.

Practice rows 28, 35, 36, 47, 60 and 62. Each gives a decision and the name of the answer; a word that does not fit just
now changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.effects import CloseIssue
from domain.events import What
from domain.objectives import (
    Closing,
    Objective,
    ObjectiveDecision,
    ObjectiveState,
    Visibility,
    in_order,
    line_of,
    link,
    offer_next,
)
from domain.people import Person
from domain.policy import Policy

FIRST = ("first", "1", "next", "top")
LAST = ("last", "bottom")
CLOSING_WORDS = {
    "learned": Closing.LEARNED,
    "tried": Closing.TRIED,
    "changed-course": Closing.CHANGED_COURSE,
    "paused": Closing.PAUSED,
}


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a word changes, and what is answered: the name of the message, with the values only this answer has."""

    decision: ObjectiveDecision
    answer: str
    values: tuple[tuple[str, str], ...] = ()


def queue(mine: Objective, siblings: Sequence[Objective], words: str) -> Answered | None:
    """Park the active goal, move a waiting one to a place, or just show the order. None when the words name no place.

    Nothing is opened in place of what was parked: a pause is fine.
    """
    if mine.state is ObjectiveState.CLOSED:
        return None
    said = words.strip().casefold()
    waiting = in_order(siblings)
    place = _place(said, waiting)
    if said and place is None:
        return None
    was_active = mine.state is ObjectiveState.ACTIVE
    if not said and not was_active:
        return Answered(decision=ObjectiveDecision(), answer="answer-queue", values=_listed([*siblings, mine]))
    waiting.insert(len(waiting) if place is None else place, replace(mine, state=ObjectiveState.QUEUED))
    ordered = [replace(one, rank=rank) for rank, one in enumerate(waiting)]
    known = {one.id: one for one in (*siblings, mine)}
    changed = tuple(one for one in ordered if one != known.get(one.id))
    happened = (line_of(What.OBJECTIVE_QUEUED, mine),) if was_active else ()
    return Answered(
        decision=ObjectiveDecision(objectives=changed, happened=happened),
        answer="answer-queue",
        values=_listed(ordered),
    )


def _place(said: str, waiting: Sequence[Objective]) -> int | None:
    """Say before which of those that wait a goal is put; a number counts only those the person is shown here."""
    if said in FIRST:
        return 0
    if said in LAST:
        return len(waiting)
    if not said.isdecimal() or len(said) > 3:
        return None
    shown = [place for place, one in enumerate(waiting) if one.visibility is Visibility.TEAM]
    before = max(0, int(said) - 1)
    return shown[before] if before < len(shown) else len(waiting)


def _listed(objectives: Sequence[Objective]) -> tuple[tuple[str, str], ...]:
    shown = [one for one in in_order(objectives) if one.visibility is Visibility.TEAM]
    return (("queue", "\n".join(f"{n}. {link(one)}" for n, one in enumerate(shown, start=1))),)


def done(policy: Policy, mine: Objective, *, now: datetime) -> ObjectiveDecision | None:
    """Close a goal because its person says it is done: on GitHub, from where the close is followed as any other."""
    if mine.state is ObjectiveState.CLOSED or mine.issue_number is None:
        return None
    key = f"close:{policy.slug}:{mine.issue_number}:{now:%Y%m%dT%H%M%S}"
    close = CloseIssue(key=key, about=mine.about(), issue_number=mine.issue_number)
    return ObjectiveDecision(effects=(close,))


def ended(mine: Objective, word: str) -> Answered | None:
    """Keep how a closed goal ended, in its person's own word; they may change their mind. Tried: four questions."""
    if mine.state is not ObjectiveState.CLOSED:
        return None
    closing = CLOSING_WORDS[word]
    closed = replace(mine, closing=closing)
    happened = (line_of(What.OBJECTIVE_CLOSED, closed),)
    return Answered(decision=ObjectiveDecision(objectives=(closed,), happened=happened), answer=f"answer-closed-{word}")


def end_record(
    policy: Policy,
    mine: Objective,
    person: Person,
    siblings: Sequence[Objective],
    closing: Closing,
    *,
    now: datetime,
) -> ObjectiveDecision | None:
    """Close a goal that has no issue, and offer what waits; None for one whose issue is the place to close it."""
    if mine.visibility is not Visibility.PARTNER or mine.state is ObjectiveState.CLOSED:
        return None
    closed = replace(mine, state=ObjectiveState.CLOSED, closing=closing, closed_at=now)
    effects = offer_next(policy, closed, person, siblings) if mine.state is ObjectiveState.ACTIVE else ()
    happened = (line_of(What.OBJECTIVE_CLOSED, closed),)
    return ObjectiveDecision(objectives=(closed,), effects=effects, happened=happened)


def note_safety(mine: Objective) -> Answered | None:
    """Keep that the safety note of a stretch goal is written; its words stay in the comment (practice row 60)."""
    if mine.state is ObjectiveState.CLOSED:
        return None
    noted = replace(mine, safety_noted=True)
    happened = (line_of(What.SAFETY_NOTED, mine),) if not mine.safety_noted else ()
    return Answered(decision=ObjectiveDecision(objectives=(noted,), happened=happened), answer="answer-safety-noted")
