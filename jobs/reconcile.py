"""Reconciles with GitHub: reads every issue that changed, whether or not a delivery told of it.

GitHub does not send a delivery again by itself, so whatever was missed (downtime, a full disk, a deleted hook) is found
here. One issue's trouble never stops the others.
"""

import logging
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.issues import same_login
from domain.objectives import ObjectiveState
from domain.policy import Policy
from integrations.errors import PermanentError, TemporaryError
from integrations.github import GitHub
from jobs.handle import follow_issue
from jobs.listen import follow_comment
from jobs.repository import connected_github
from jobs.trouble import look_outside
from jobs.workshop import Workshop
from store.models import ObjectiveRow, TicketRow
from store.queries import organisation_row

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=10)  # clocks differ, lists lag


def reconcile(workshop: Workshop) -> None:
    """Read what changed since the last time, for every organisation."""
    for policy in workshop.policies.values():
        started = workshop.now()
        try:
            if not look_outside(workshop, policy):
                log.info("reconcile %s: not this time: issues cannot be read (flask doctor says why)", policy.slug)
                continue
            _catch_up(workshop, policy, connected_github(workshop, policy.slug))
        except (TemporaryError, PermanentError) as error:
            level = logging.WARNING if isinstance(error, PermanentError) else logging.INFO
            log.log(level, "reconcile %s: not this time: %s", policy.slug, error)
            continue
        workshop.database.transact(partial(_caught_up, slug=policy.slug, at=started))


def _catch_up(workshop: Workshop, policy: Policy, github: GitHub) -> None:
    last = workshop.database.transact(lambda session: organisation_row(session, policy.slug).reconciled_at)
    since = None if last is None else last - OVERLAP
    numbers: set[int] = set()
    for label in (policy.github.objective_label, policy.github.ticket_label):
        numbers |= {issue.number for issue in github.issues(label=label, since=since)}
    # What we remember as open and was not listed may have lost its label, moved or been deleted.
    numbers |= workshop.database.transact(lambda session: _open_numbers(session, policy.slug))
    for number in sorted(numbers):
        try:
            follow_issue(workshop, policy, github, number)
            _catch_up_comments(workshop, policy, github, number, since)
        except (TemporaryError, PermanentError) as error:
            log.info("reconcile %s: issue %d not this time: %s", policy.slug, number, error)


def _catch_up_comments(workshop: Workshop, policy: Policy, github: GitHub, number: int, since: datetime | None) -> None:
    if since is None:
        return  # the first time: commands from before Trellis came are not obeyed
    for comment in github.comments(number, since=since):
        if not same_login(comment.author, github.login()):
            follow_comment(workshop, policy, number, comment)


def _open_numbers(session: Session, slug: str) -> set[int]:
    objectives = select(ObjectiveRow.issue_number).where(
        ObjectiveRow.organisation == slug, ObjectiveRow.state != ObjectiveState.CLOSED.value
    )
    tickets = select(TicketRow.issue_number).where(TicketRow.organisation == slug, TicketRow.issue_open)
    return {number for query in (objectives, tickets) for number in session.scalars(query) if number is not None}


def _caught_up(session: Session, *, slug: str, at: datetime) -> None:
    organisation_row(session, slug).reconciled_at = at
