"""Follows the issues that are objectives: loads what is remembered, lets the domain decide, keeps what it decided."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.effects import Say
from domain.forms import objective_answers
from domain.issues import Issue, IssueGone
from domain.objective_deeds import end_record
from domain.objectives import (
    Closing,
    Objective,
    ObjectiveDecision,
    ObjectiveState,
    Visibility,
    activate,
    first_state,
    follow,
    follow_gone,
    handed_on,
    issue_opened,
    last_rank,
    open_here,
)
from domain.people import Person
from domain.policy import Policy
from jobs.partners import choose_partner
from jobs.record import record, tell_rooms
from jobs.workshop import Workshop
from store.memory import keep_objective, objective_of
from store.models import ObjectiveRow
from store.queries import objective_row, people_of, person_by_id, person_by_login, siblings_of
from store.standings import look_anew


def owner_of(issue: Issue, people: Sequence[Person], was: Objective | None) -> Person | None:
    """Say whose goal an issue is: its owner while still assigned, else the first member assigned, else its author."""
    assigned = [one for login in issue.assignees if (one := person_by_login(people, login))]
    if was is not None:
        if not assigned or any(one.id == was.person_id for one in assigned):
            return next((one for one in people if one.id == was.person_id), None)
        return assigned[0]
    return assigned[0] if assigned else person_by_login(people, issue.author)


def follow_objective(workshop: Workshop, session: Session, policy: Policy, issue: Issue, about: str | None) -> None:
    """Bring the objective of an issue in line with it. `about` is what our own marker in the issue names, if any."""
    row = objective_row(session, policy.slug, issue.number) or _opened_by_us(session, policy, about)
    was = objective_of(row) if row else None
    person = owner_of(issue, people_of(session, policy.slug), was)
    person_id = person.id if person else was.person_id if was else None
    siblings = siblings_of(session, person_id, was.id if was else None) if person_id is not None else []
    decision = follow(policy, issue, was=was, person=person, siblings=siblings, now=workshop.now())
    keep(workshop, session, policy, decision)
    for one in decision.objectives:
        if was is None or one.id == was.id:
            _celebrate(workshop, session, policy, was, one)
    # A fresh goal's form may name who learns beside its person; a later edit leaves what they said since.
    partner = objective_answers(issue.body).partner if was is None and decision.objectives else ""
    if partner and person is not None:
        fresh = f"issue:{issue.number}"
        choose_partner(workshop, session, policy, person, partner, about=fresh, key=f"partner:{fresh}")
    if was is not None and any(one.id == was.id and one.person_id != was.person_id for one in decision.objectives):
        before = person_by_id(session, was.person_id)
        keep(workshop, session, policy, handed_on(policy, was, before, siblings_of(session, before.id, was.id)))


def follow_objective_gone(workshop: Workshop, session: Session, policy: Policy, gone: IssueGone) -> None:
    """Close the objective of an issue that went away."""
    row = objective_row(session, policy.slug, gone.number)
    if row is not None:
        was, person = objective_of(row), person_by_id(session, row.person_id)
        siblings = siblings_of(session, person.id, was.id)
        decision = follow_gone(policy, gone, was=was, person=person, siblings=siblings, now=workshop.now())
        keep(workshop, session, policy, decision)


def open_objective(
    workshop: Workshop,
    session: Session,
    policy: Policy,
    person: Person,
    *,
    title: str,
    why: str,
    asked_by: str | None,
    visibility: Visibility = Visibility.TEAM,
) -> Objective:
    """Take up a goal told to Trellis; `asked_by` (the id of the message that asked) makes a repeat harmless.

    One that is kept between its person and their partner stays a record here, without an issue, and counts like any.
    """
    if asked_by is not None:
        known = session.scalar(select(ObjectiveRow).where(ObjectiveRow.asked_by == asked_by))
        if known is not None:
            return objective_of(known)
    siblings = siblings_of(session, person.id, None)
    state = first_state(siblings)
    row = ObjectiveRow(organisation=policy.slug, asked_by=asked_by)
    fresh = Objective(
        person_id=person.id,
        title=title,
        why=why,
        state=state,
        visibility=visibility,
        rank=last_rank(siblings) if state is ObjectiveState.QUEUED else 0,
        opened_at=workshop.now(),
    )
    keep_objective(row, fresh)
    session.add(row)
    session.flush()
    objective = objective_of(row)
    keep(workshop, session, policy, open_here(policy, person, objective))
    return objective


def objective_issue_opened(
    workshop: Workshop, session: Session, policy: Policy, objective_id: int, *, number: int, url: str
) -> None:
    """Remember which issue was opened for an objective."""
    row = session.get_one(ObjectiveRow, objective_id)
    if row.issue_number is not None:
        return  # its delivery came before our own answer; everything is remembered already
    objective = objective_of(row)
    person = person_by_id(session, objective.person_id)
    siblings = siblings_of(session, person.id, objective.id)
    keep(workshop, session, policy, issue_opened(policy, objective, person, siblings, number=number, url=url))


def activate_objective(workshop: Workshop, session: Session, policy: Policy, row: ObjectiveRow) -> bool:
    """Make a queued objective the active one; False when it was not queued."""
    chosen = objective_of(row)
    siblings = siblings_of(session, chosen.person_id, chosen.id)
    decision = activate(chosen, siblings)
    keep(workshop, session, policy, decision)
    return bool(decision.objectives)


def person_wrote(session: Session, slug: str, issue_number: int, person: Person, at: datetime) -> bool:
    """Remember that a person wrote on their own ILO, which is what a nudge would have asked for."""
    row = objective_row(session, slug, issue_number)
    if row is None or row.person_id != person.id:
        return False
    row.last_wrote_at = at if row.last_wrote_at is None else max(row.last_wrote_at, at)
    look_anew(session, [person.id])
    return True


def keep(workshop: Workshop, session: Session, policy: Policy, decision: ObjectiveDecision) -> None:
    """Store what was decided about objectives.

    Those that step back are stored first: the unique index allows one active objective at every moment.
    """
    for objective in sorted(decision.objectives, key=lambda one: one.state is ObjectiveState.ACTIVE):
        row = session.get(ObjectiveRow, objective.id) if objective.id is not None else None
        if row is None:
            row = ObjectiveRow(organisation=policy.slug)
            session.add(row)
        keep_objective(row, objective)
        session.flush()
    look_anew(session, {objective.person_id for objective in decision.objectives})
    record(workshop, session, policy.slug, happened=decision.happened, effects=decision.effects)


def _celebrate(workshop: Workshop, session: Session, policy: Policy, was: Objective | None, present: Objective) -> None:
    """Tell the team's rooms that a goal was learned, where its person said they may be told (practice row 27)."""
    ended = was is not None and was.state is not ObjectiveState.CLOSED and present.state is ObjectiveState.CLOSED
    if not ended or present.closing is not Closing.LEARNED or present.celebrate not in ("public", "team"):
        return
    name = person_by_id(session, present.person_id).name
    values = {"name": name, "title": present.title, "url": present.issue_url or ""}
    say = Say(name="chat-celebrate", locale=policy.organisation.locale, values=values)
    key = f"celebrate:{policy.slug}:{present.issue_number}"
    tell_rooms(workshop, session, policy, say, key=key, about=present.about())


def close_record(
    workshop: Workshop, session: Session, policy: Policy, person: Person, objective_id: int, closing: Closing
) -> bool:
    """Close a goal that has no issue; False when it is none of the person's, or its issue is the place for that."""
    row = session.get(ObjectiveRow, objective_id)
    if row is None or row.person_id != person.id:
        return False
    mine = objective_of(row)
    siblings = siblings_of(session, person.id, mine.id)
    decision = end_record(policy, mine, person, siblings, closing, now=workshop.now())
    if decision is None:
        return False
    keep(workshop, session, policy, decision)
    return True


def activate_record(workshop: Workshop, session: Session, policy: Policy, person: Person, objective_id: int) -> bool:
    """Make a goal that has no issue the active one; False when it does not wait, or its issue is the place for that."""
    row = session.get(ObjectiveRow, objective_id)
    if row is None or row.person_id != person.id or row.visibility != Visibility.PARTNER.value:
        return False
    return activate_objective(workshop, session, policy, row)


def _opened_by_us(session: Session, policy: Policy, about: str | None) -> ObjectiveRow | None:
    if about is None or not about.startswith("objective:"):
        return None
    row = session.get(ObjectiveRow, int(about.removeprefix("objective:")))
    return row if row is not None and row.organisation == policy.slug and row.issue_number is None else None
