"""Labels that went away: which of those we go by is missing, and what is kept as it is until it is back.

GitHub makes a label anew whenever somebody uses its name, and a label made anew is on no issue.
"""

from collections.abc import Collection
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.effects import Effect, OpenIssue
from domain.objectives import ObjectiveState
from domain.policy import Policy
from domain.trouble import Trouble
from integrations.errors import PermanentError
from integrations.github import GitHub
from jobs.repository import connected_github
from jobs.trouble import abouts, lift, note
from jobs.workshop import Workshop
from store.models import ObjectiveRow, TicketRow


def look_at_labels(workshop: Workshop, policy: Policy, github: GitHub, *, only: Collection[str] = ()) -> None:
    """Look whether the labels we go by exist, or `only` some of them, as long as something remembered goes by them."""
    slug = policy.slug
    ours = (policy.github.objective_label, policy.github.ticket_label)
    known = workshop.database.transact(partial(abouts, slug=slug, trouble=Trouble.LABEL_MISSING))
    for label in known:
        if not any(label.casefold() == one.casefold() for one in ours):  # the policy goes by another one now
            workshop.database.transact(
                partial(lift, workshop, slug=slug, troubles={Trouble.LABEL_MISSING}, about=label)
            )
    for label in (one for one in ours if not only or one in only):
        numbers = workshop.database.transact(partial(going_by, policy=policy, label=label))
        if not numbers and label not in known:
            continue
        if github.has_label(label):
            workshop.database.transact(
                partial(lift, workshop, slug=slug, troubles={Trouble.LABEL_MISSING}, about=label)
            )
        elif numbers:
            workshop.database.transact(partial(label_is_missing, workshop, policy=policy, label=label))


def label_is_missing(workshop: Workshop, session: Session, *, policy: Policy, label: str) -> None:
    """Note that a label is not there any more, and which goals are kept without it."""
    note(workshop, session, policy.slug, Trouble.LABEL_MISSING, label)
    if label == policy.github.objective_label:
        # Each of them is kept as it is until it carries the label again: a label made anew is on none of them.
        for number in going_by(session, policy=policy, label=label):
            note(workshop, session, policy.slug, Trouble.UNLABELLED, str(number))


def going_by(session: Session, *, policy: Policy, label: str) -> list[int]:
    """Give the issues we remember as open that are ours by a label."""
    if label == policy.github.objective_label:
        state = ObjectiveRow.state != ObjectiveState.CLOSED.value
        wanted = select(ObjectiveRow.issue_number).where(ObjectiveRow.organisation == policy.slug, state)
    else:
        wanted = select(TicketRow.issue_number).where(TicketRow.organisation == policy.slug, TicketRow.issue_open)
    return sorted(number for number in session.scalars(wanted) if number is not None)


def needs_labels(workshop: Workshop, policy: Policy, effect: Effect) -> None:
    """Make sure that opening an issue would not make a label anew that was renamed or deleted.

    Raises PermanentError while one is missing that other issues went by.
    """
    if not isinstance(effect, OpenIssue):
        return
    look_at_labels(workshop, policy, connected_github(workshop, policy.slug), only=effect.labels)
    known = workshop.database.transact(partial(abouts, slug=policy.slug, trouble=Trouble.LABEL_MISSING))
    for label in effect.labels:
        if label in known:
            raise PermanentError(f"the label {label} is not there any more", trouble=Trouble.LABEL_MISSING, about=label)
