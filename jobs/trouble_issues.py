"""Issues in trouble: what is amiss or over with one, seen when it is followed, opened or written on a second time."""

from dataclasses import replace
from functools import partial

from sqlalchemy.orm import Session

from domain.effects import CommentOnIssue, Effect, OpenIssue, ShowTicketState
from domain.issues import Gone, Issue, IssueGone, key_in, same_login
from domain.objectives import ObjectiveState
from domain.policy import Policy
from domain.trouble import Trouble, lost_its_label, over
from integrations.github import GitHub
from jobs.repository import connected_github
from jobs.trouble import abouts, lift, note, noticing, open_troubles
from jobs.trouble_labels import going_by, label_is_missing
from jobs.workshop import Workshop
from store.queries import objective_row

LOOK_AT_ONE = (Trouble.LOCKED, Trouble.UNLABELLED)


def issue_now(workshop: Workshop, policy: Policy, github: GitHub, number: int) -> Issue | IssueGone:
    """Read an issue for following it, and notice what is amiss or over with it.

    A goal that lost its label because the repository lost it is shown as if it still carried it, so that it stays as
    it is until the label is back; a goal that lost its label alone is shown as it is.
    """
    with noticing(workshop, policy):
        seen = github.issue(number)
    workshop.database.transact(partial(_issue_seen, workshop, policy=policy, seen=seen))
    if isinstance(seen, IssueGone):
        return seen
    label = policy.github.objective_label
    row = workshop.database.transact(partial(objective_row, slug=policy.slug, issue_number=number))
    if row is None and not seen.has_label(label) and _opened_for_a_goal(seen, github.login()):
        return replace(seen, labels=(*seen.labels, label))  # our own answer is on its way and will tell
    if row is None or row.state == ObjectiveState.CLOSED.value or not seen.open or seen.has_label(label):
        return seen
    kept = str(number) in workshop.database.transact(partial(abouts, slug=policy.slug, trouble=Trouble.UNLABELLED))
    if not kept:
        exists = github.has_label(label)
        if exists:
            # The label may have come back since the issue was read: only what is read while it exists counts.
            again = github.issue(number)
            exists = github.has_label(label)
            if isinstance(again, IssueGone) or again.has_label(label):
                return again
            seen = again
        kept = lost_its_label(seen, label, remembered_at=row.issue_updated_at, label_exists=exists, now=workshop.now())
        if not exists:
            workshop.database.transact(partial(label_is_missing, workshop, policy=policy, label=label))
        elif kept:
            workshop.database.transact(
                partial(note, workshop, slug=policy.slug, trouble=Trouble.UNLABELLED, about=str(number))
            )
    return replace(seen, labels=(*seen.labels, label)) if kept else seen


def _opened_for_a_goal(seen: Issue, login: str) -> bool:
    key = key_in(seen.body) if same_login(seen.author, login) else None
    return seen.open and key is not None and key.startswith("open:") and ":objective:" in key


def look_at_issues(workshop: Workshop, policy: Policy, github: GitHub) -> None:
    """Look whether what is amiss with single issues is over."""
    numbers = workshop.database.transact(
        lambda session: {about for one in LOOK_AT_ONE for about in abouts(session, policy.slug, one)}
    )
    for number in sorted(numbers, key=int):
        seen = github.issue(int(number))
        workshop.database.transact(partial(_issue_seen, workshop, policy=policy, seen=seen))


def _issue_seen(workshop: Workshop, session: Session, *, policy: Policy, seen: Issue | IssueGone) -> None:
    number, slug = str(seen.number), policy.slug
    about_it = [one.trouble for one in open_troubles(session, slug) if one.about == number]
    ended = {one for one in about_it if one in LOOK_AT_ONE and over(one, seen, label=policy.github.objective_label)}
    lift(workshop, session, slug, ended, number)
    if isinstance(seen, IssueGone) and seen.why is not Gone.OUT_OF_REACH and _is_open(session, policy, seen.number):
        note(workshop, session, slug, Trouble.ISSUE_GONE, number)


def _is_open(session: Session, policy: Policy, number: int) -> bool:
    ours = (policy.github.objective_label, policy.github.ticket_label)
    return any(number in going_by(session, policy=policy, label=label) for label in ours)


def not_granted(workshop: Workshop, session: Session, policy: Policy, effect: OpenIssue, issue: Issue) -> None:
    """Note what GitHub quietly left out of an issue that was opened: our label, or the person it is for.

    Both need the same right of ours. When labels were kept and the person was not, they have no access.
    """
    slug = policy.slug
    if not all(issue.has_label(one) for one in effect.labels):
        note(workshop, session, slug, Trouble.ROLE)
        if effect.about.startswith("objective:"):
            note(workshop, session, slug, Trouble.UNLABELLED, str(issue.number))
        return
    if effect.labels:
        lift(workshop, session, slug, {Trouble.ROLE})
    for login in effect.assignees:
        if any(same_login(login, one) for one in issue.assignees):
            lift(workshop, session, slug, {Trouble.NO_ACCESS}, login.casefold())
        else:
            note(workshop, session, slug, Trouble.NO_ACCESS, login.casefold())


def gone_from_under(workshop: Workshop, policy: Policy, effect: Effect) -> bool:
    """Say whether the issue an effect writes on was deleted or moved away, before it is sent a second time."""
    if not isinstance(effect, CommentOnIssue | ShowTicketState):
        return False
    github = connected_github(workshop, policy.slug)
    return isinstance(github.issue(effect.issue_number), IssueGone)
