"""Objectives: one active learning goal per person, queued with manners, closed without blame.

`follow` reconciles what Trellis remembers with what GitHub shows now, so late, doubled and shuffled deliveries all end
in the same place. Practice rows 46 to 50; rules 1 and 7 of the design.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.effects import CommentOnIssue, Effect, OpenIssue, Say
from domain.events import Happened, What
from domain.forms import objective_answers, targets_in
from domain.issues import CloseReason, Gone, Issue, IssueGone
from domain.people import Person
from domain.policy import Policy


class ObjectiveState(StrEnum):
    """Where an objective stands."""

    QUEUED = "queued"
    ACTIVE = "active"
    CLOSED = "closed"


class Visibility(StrEnum):
    """Who sees a goal: the team, on GitHub, or only its person and their partner, as a record without an issue."""

    TEAM = "team"
    PARTNER = "partner"


class Closing(StrEnum):
    """Why an objective ended; none of these is a failure (practice row 62)."""

    LEARNED = "learned"
    TRIED = "tried"
    CHANGED_COURSE = "changed course"
    PAUSED = "paused"


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One learning goal as Trellis remembers it. `id` is None until it is stored; times are aware UTC."""

    id: int | None = None
    person_id: int
    title: str
    why: str = ""
    state: ObjectiveState
    closing: Closing | None = None
    visibility: Visibility = Visibility.TEAM
    celebrate: str = ""  # "public", "team" or "none", as the form asks; '' when nothing was said
    stretch: bool = False
    safety_noted: bool = False
    targets_done: int = 0
    targets_total: int = 0
    rank: int = 0  # where it stands in the queue: what is lower comes first, and of one rank the older
    issue_number: int | None = None
    issue_url: str | None = None
    issue_updated_at: datetime | None = None
    opened_at: datetime
    closed_at: datetime | None = None
    last_wrote_at: datetime | None = None

    def about(self) -> str:
        """Name the objective for the timeline and the effects."""
        return f"objective:{self.id}" if self.id is not None else f"issue:{self.issue_number}"


@dataclass(frozen=True, kw_only=True)
class ObjectiveDecision:
    """What changes: objectives as they are from now on, effects to plan, lines for the timeline."""

    objectives: tuple[Objective, ...] = ()
    effects: tuple[Effect, ...] = ()
    happened: tuple[Happened, ...] = field(default=())


NOTHING = ObjectiveDecision()

# GitHub knows three reasons, we know four; the person can say more in words (issue comments are theirs).
CLOSING_OF = {
    CloseReason.COMPLETED: Closing.LEARNED,
    CloseReason.NOT_PLANNED: Closing.CHANGED_COURSE,
    CloseReason.DUPLICATE: Closing.CHANGED_COURSE,
    None: Closing.LEARNED,
}


def open_here(policy: Policy, person: Person, objective: Objective) -> ObjectiveDecision:
    """Turn a goal that was told to Trellis (command line, form tool) into an issue.

    `objective` is already stored, in the state `first_state` gave it: its id makes the effect's key.
    """
    happened = (line_of(What.OBJECTIVE_OPENED, objective),)
    if objective.visibility is Visibility.PARTNER:
        return ObjectiveDecision(happened=happened)  # it stays a record of ours, and counts like any other
    effect = OpenIssue(
        key=f"open:{policy.slug}:{objective.about()}",
        about=objective.about(),
        title=objective.title,
        body=Say(
            name="objective-issue",
            locale=_locale(policy, person),
            values={"title": objective.title, "why": objective.why or "_No response_"},
        ),
        labels=(policy.github.objective_label,),
        assignees=(person.github_login,) if person.github_login else (),
    )
    return ObjectiveDecision(effects=(effect,), happened=happened)


def issue_opened(
    policy: Policy, objective: Objective, person: Person, siblings: Sequence[Objective], *, number: int, url: str
) -> ObjectiveDecision:
    """Remember the issue that was opened for an objective, and ask which stays when it is the second."""
    seen = replace(objective, issue_number=number, issue_url=url)
    return ObjectiveDecision(objectives=(seen,), effects=_question(policy, seen, person, siblings))


def first_state(siblings: Sequence[Objective]) -> ObjectiveState:
    """Give the state a new objective starts in: active, or queued when another one is active already."""
    taken = any(one.state is ObjectiveState.ACTIVE for one in siblings)
    return ObjectiveState.QUEUED if taken else ObjectiveState.ACTIVE


def follow(
    policy: Policy,
    issue: Issue,
    *,
    was: Objective | None,
    person: Person | None,
    siblings: Sequence[Objective],
    now: datetime,
) -> ObjectiveDecision:
    """Bring what we remember in line with an issue as it stands now.

    `was` is what we remember of this issue; `person` whose goal it is now (None when nobody we know); `siblings` that
    person's other objectives. The same issue seen twice changes nothing the second time.
    """
    if was is not None and was.issue_updated_at is not None and issue.updated_at < was.issue_updated_at:
        return NOTHING  # an older look at the same issue; the newer one is already remembered
    is_objective = issue.open and issue.has_label(policy.github.objective_label)
    if was is None:
        if person is None or not is_objective:
            return NOTHING
        return _begin(policy, issue, person, siblings)
    seen = replace(was, **_shown(issue))
    happened: list[Happened] = []
    if (seen.title, seen.why) != (was.title, was.why):
        happened.append(line_of(What.OBJECTIVE_EDITED, seen))
    if not is_objective:
        return _end(policy, issue, seen, person, siblings, happened, now)
    return _continue(policy, was, seen, person, siblings, happened)


def handed_on(policy: Policy, was: Objective, person: Person, siblings: Sequence[Objective]) -> ObjectiveDecision:
    """Offer the next to the person whose active goal somebody else has taken over; `siblings` are that person's."""
    if was.state is not ObjectiveState.ACTIVE:
        return NOTHING
    return ObjectiveDecision(effects=offer_next(policy, was, person, siblings))


def follow_gone(
    policy: Policy,
    gone: IssueGone,
    *,
    was: Objective,
    person: Person,
    siblings: Sequence[Objective],
    now: datetime,
) -> ObjectiveDecision:
    """Close what we remember of an issue that was deleted or moved away; out of reach changes nothing."""
    if was.state is ObjectiveState.CLOSED or gone.why is Gone.OUT_OF_REACH:
        return NOTHING
    closed = replace(was, state=ObjectiveState.CLOSED, closing=Closing.CHANGED_COURSE, closed_at=now)
    line = line_of(What.OBJECTIVE_CLOSED, closed, because=gone.why.value)
    effects = offer_next(policy, closed, person, siblings) if was.state is ObjectiveState.ACTIVE else ()
    return ObjectiveDecision(objectives=(closed,), effects=effects, happened=(line,))


def _shown(issue: Issue) -> dict[str, Any]:
    """Give what an issue says of a goal, by the goal's own fields."""
    answers = objective_answers(issue.body)
    done, total = targets_in(issue.body)
    return {
        "title": issue.title,
        "why": answers.why,
        # Whoever wants few to know wants no fanfare either.
        "celebrate": "none" if answers.visibility == "partner" else answers.celebrate,
        "stretch": answers.stretch,
        "targets_done": done + issue.targets_done,
        "targets_total": total + issue.targets_total,
        "issue_number": issue.number,
        "issue_url": issue.url,
        "issue_updated_at": issue.updated_at,
    }


def activate(chosen: Objective, siblings: Sequence[Objective]) -> ObjectiveDecision:
    """Make a queued objective the active one because its person said so; the one active until now is queued."""
    if chosen.state is not ObjectiveState.QUEUED:
        return NOTHING
    behind = last_rank(siblings)
    parked = tuple(
        replace(one, state=ObjectiveState.QUEUED, rank=behind) for one in siblings if one.state is ObjectiveState.ACTIVE
    )
    active = replace(chosen, state=ObjectiveState.ACTIVE, rank=0)
    lines = (*(line_of(What.OBJECTIVE_QUEUED, one) for one in parked), line_of(What.OBJECTIVE_ACTIVATED, active))
    return ObjectiveDecision(objectives=(*parked, active), happened=lines)


def _begin(policy: Policy, issue: Issue, person: Person, siblings: Sequence[Objective]) -> ObjectiveDecision:
    state = first_state(siblings)
    fresh = Objective(
        person_id=person.id,
        state=state,
        rank=last_rank(siblings) if state is ObjectiveState.QUEUED else 0,
        opened_at=issue.created_at,
        **_shown(issue),
    )
    happened = [line_of(What.OBJECTIVE_OPENED, fresh)]
    if state is ObjectiveState.QUEUED:
        happened.append(line_of(What.OBJECTIVE_QUEUED, fresh))
    effects = (*_question(policy, fresh, person, siblings), *_missing(policy, issue, fresh, person))
    return ObjectiveDecision(objectives=(fresh,), effects=effects, happened=tuple(happened))


def _missing(policy: Policy, issue: Issue, fresh: Objective, person: Person) -> tuple[Effect, ...]:
    """Ask once, kindly, for what the form needs and got no answer to; private repositories do not see to it."""
    missing = objective_answers(issue.body).missing
    if not missing:
        return ()
    values = {"name": person.first_name(), "questions": "\n".join(f"- {one}" for one in missing)}
    return (comment_on(policy, "missing", fresh, person, values),)


def _continue(
    policy: Policy,
    was: Objective,
    seen: Objective,
    person: Person | None,
    siblings: Sequence[Objective],
    happened: list[Happened],
) -> ObjectiveDecision:
    owner = seen.person_id if person is None else person.id
    moved = owner != seen.person_id
    reopened = seen.state is ObjectiveState.CLOSED
    if moved or reopened:
        state = first_state(siblings)
        rank = last_rank(siblings) if state is ObjectiveState.QUEUED else 0
        seen = replace(seen, person_id=owner, state=state, rank=rank, closing=None, closed_at=None)
        if moved:
            happened.append(line_of(What.OBJECTIVE_HANDED_OVER, seen))
        if reopened:
            happened.append(line_of(What.OBJECTIVE_REOPENED, seen))
    if not (moved or reopened or was.issue_number is None):
        return ObjectiveDecision(objectives=(seen,), happened=tuple(happened))
    # Each time it comes to wait anew is a question of its own; the issue's own time tells them apart.
    again = f":{seen.issue_updated_at:%Y%m%dT%H%M%S}:{owner}" if moved or reopened else ""
    effects = _question(policy, seen, person, siblings, again)
    return ObjectiveDecision(objectives=(seen,), effects=effects, happened=tuple(happened))


def _end(
    policy: Policy,
    issue: Issue,
    seen: Objective,
    person: Person | None,
    siblings: Sequence[Objective],
    happened: list[Happened],
    now: datetime,
) -> ObjectiveDecision:
    if seen.state is ObjectiveState.CLOSED:
        return ObjectiveDecision(objectives=(seen,), happened=tuple(happened))
    if issue.open:
        closing, because = Closing.CHANGED_COURSE, f"no longer labelled {policy.github.objective_label}"
    else:
        closing, because = CLOSING_OF[issue.close_reason], "closed on GitHub"
    was_active = seen.state is ObjectiveState.ACTIVE
    seen = replace(seen, state=ObjectiveState.CLOSED, closing=closing, closed_at=now)
    happened.append(line_of(What.OBJECTIVE_CLOSED, seen, because=because))
    # Handed over and closed at once, `siblings` are another person's, and nothing of theirs has come to an end.
    effects: tuple[Effect, ...] = ()
    if person is not None and person.id == seen.person_id:
        open_end = not issue.open and issue.close_reason in (None, CloseReason.COMPLETED)
        effects = ask_how_it_ended(policy, seen, person) if open_end else ()
        effects += offer_next(policy, seen, person, siblings) if was_active else ()
    return ObjectiveDecision(objectives=(seen,), effects=effects, happened=tuple(happened))


def _question(
    policy: Policy, queued: Objective, person: Person | None, siblings: Sequence[Objective], again: str = ""
) -> tuple[Effect, ...]:
    """Ask which stays, once each time a goal comes to wait, when it has an issue to be asked on."""
    active = next((one for one in siblings if one.state is ObjectiveState.ACTIVE), None)
    if queued.state is not ObjectiveState.QUEUED or queued.issue_number is None or active is None or person is None:
        return ()
    values = {"name": person.first_name(), "active": link(active)}
    name = "which-stays" if active.visibility is Visibility.TEAM else "which-stays-private"
    return (comment_on(policy, name, queued, person, values, again),)


def offer_next(
    policy: Policy, closed: Objective, person: Person | None, siblings: Sequence[Objective]
) -> tuple[Effect, ...]:
    """Offer the head of the queue when the active one ended; it is never opened by itself, and a pause is fine."""
    head = next(iter(in_order(siblings)), None)
    if head is None or head.issue_number is None or person is None:
        return ()
    values = {"name": person.first_name(), "closed": link(closed)}
    name = "offer-next" if closed.visibility is Visibility.TEAM else "offer-next-private"
    after = closed.issue_number if closed.issue_number is not None else f"record-{closed.id}"
    return (comment_on(policy, name, head, person, values, f":{after}"),)


def ask_how_it_ended(policy: Policy, closed: Objective, person: Person) -> tuple[Effect, ...]:
    """Ask once, and only where GitHub's own reason leaves it open, how a goal came to its end (practice row 62)."""
    values = {"name": person.first_name()}
    return (comment_on(policy, "closed", closed, person, values),) if closed.issue_number is not None else ()


def in_order(objectives: Sequence[Objective]) -> list[Objective]:
    """Give what waits, in the order its person gave it."""
    waiting = [one for one in objectives if one.state is ObjectiveState.QUEUED]
    return sorted(waiting, key=lambda one: (one.rank, one.opened_at, one.id or 0))


def last_rank(siblings: Sequence[Objective]) -> int:
    """Give the rank of what comes to wait behind all others."""
    return max((one.rank + 1 for one in siblings if one.state is ObjectiveState.QUEUED), default=0)


def comment_on(
    policy: Policy, name: str, about: Objective, person: Person, values: dict[str, str], key_tail: str = ""
) -> CommentOnIssue:
    """Say something on a goal's issue, once for a key. Raises ValueError for a goal that has none."""
    if about.issue_number is None:
        raise ValueError(f"{about.about()} has no issue to speak on")
    return CommentOnIssue(
        key=f"{name}:{policy.slug}:{about.issue_number}{key_tail}",
        about=about.about(),
        issue_number=about.issue_number,
        body=Say(name=f"objective-{name}", locale=_locale(policy, person), values=values),
    )


def link(objective: Objective) -> str:
    """Link to a goal by its title; one that is kept between two people is never named."""
    if objective.visibility is Visibility.PARTNER:
        return ""
    return f"[{objective.title}]({objective.issue_url})" if objective.issue_url else objective.title


def _locale(policy: Policy, person: Person) -> str:
    return person.locale or policy.organisation.locale


def line_of(what: What, objective: Objective, **details: str) -> Happened:
    """Write a line about a goal for the timeline: how it ended is in it, its title never."""
    if objective.closing is not None:
        details["closing"] = objective.closing.value
    return Happened(
        what=what,
        person_id=objective.person_id,
        about=objective.about(),
        url=objective.issue_url,
        details=details,
    )
