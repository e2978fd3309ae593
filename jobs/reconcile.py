"""Reconciles with GitHub: reads every issue that changed, whether or not a delivery told of it.

GitHub does not send a delivery again by itself, so whatever was missed (downtime, a full disk, a deleted hook) is found
here: every issue that is ours and changed, and every comment written or edited on one, be it closed by now. One issue's
trouble never stops the others; as long as one could not be read, the next time begins where this one did.

How far it has read is remembered by GitHub's own times, the newest it was shown: however wrong our clock is or was, no
change falls between two readings.
"""

import logging
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from domain.issues import Comment, same_login
from domain.objectives import ObjectiveState
from domain.policy import Policy
from integrations.errors import PermanentError, TemporaryError
from integrations.github import GitHub
from jobs.handle import follow_issue
from jobs.listen import follow_comment
from jobs.repository import connected_github
from jobs.trouble_looks import look_outside
from jobs.workshop import Workshop
from store.models import ObjectiveRow, TicketRow
from store.queries import organisation_row

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=10)  # clocks differ, lists lag


def reconcile(workshop: Workshop) -> None:
    """Read what changed since the last time, for every organisation."""
    for policy in workshop.policies.values():
        try:
            if not look_outside(workshop, policy):
                log.info("reconcile %s: not this time: issues cannot be read (flask doctor says why)", policy.slug)
                continue
            read_until = _catch_up(workshop, policy, connected_github(workshop, policy.slug))
        except (TemporaryError, PermanentError) as error:
            level = logging.WARNING if isinstance(error, PermanentError) else logging.INFO
            log.log(level, "reconcile %s: not this time: %s", policy.slug, error)
            continue
        if read_until is not None:
            workshop.database.transact(partial(_caught_up, slug=policy.slug, at=read_until))


def _catch_up(workshop: Workshop, policy: Policy, github: GitHub) -> datetime | None:
    """Follow every issue and comment that may have changed; give the newest change seen.

    None if not all were read, or if there has been nothing to see yet.
    """
    last, first_until = workshop.database.transact(partial(_read_so_far, slug=policy.slug))
    since = None if last is None else last - OVERLAP
    written = _written_since(github, since or first_until, but_not_before=first_until)
    labels = (policy.github.objective_label, policy.github.ticket_label)
    changed = [issue for label in labels for issue in github.issues(label=label, since=since)]
    numbers = {issue.number for issue in changed}
    times = [issue.updated_at for issue in changed] + [one.created_at for said in written.values() for one in said]
    newest = max(times, default=last)
    if last is None and first_until is None and newest is not None:
        # Also when not all can be read this time: what is said from now on counts.
        workshop.database.transact(partial(_first_read, slug=policy.slug, until=newest))
    # What we remember as open and was not listed may have lost its label, moved or been deleted.
    numbers |= workshop.database.transact(lambda session: _open_numbers(session, policy.slug))
    # What is closed may have been written on: what a closed goal taught is often said afterwards.
    numbers |= written.keys() & workshop.database.transact(lambda session: _known_numbers(session, policy.slug))
    all_read = True
    for number in sorted(numbers):
        try:
            follow_issue(workshop, policy, github, number)
            for comment in written.get(number, ()):
                follow_comment(workshop, policy, number, comment)
        except PermanentError as error:
            log.info("reconcile %s: issue %d cannot be read: %s", policy.slug, number, error)
        except TemporaryError as error:
            log.info("reconcile %s: issue %d not this time: %s", policy.slug, number, error)
            all_read = False
        except DBAPIError:
            raise
        except Exception:
            # The unforeseen, once more than in `jobs/attempt.py`: loud in the log, and the others go on.
            log.exception("reconcile %s: issue %d went wrong in a way nobody thought of", policy.slug, number)
            all_read = False
    return newest if all_read else None


def _read_so_far(session: Session, *, slug: str) -> tuple[datetime | None, datetime | None]:
    row = organisation_row(session, slug)
    return row.reconciled_at, row.first_read_until


def _written_since(
    github: GitHub, since: datetime | None, *, but_not_before: datetime | None
) -> dict[int, list[Comment]]:
    """Read what others wrote or edited, by issue, oldest first; what is from before Trellis came is no command."""
    written: dict[int, list[Comment]] = {}
    if since is None:
        return written
    own = github.login()
    for number, comment in github.comments_since(since):
        came_before = but_not_before is not None and comment.created_at <= but_not_before
        if not came_before and not same_login(comment.author, own):
            written.setdefault(number, []).append(comment)
    return written


def _open_numbers(session: Session, slug: str) -> set[int]:
    objectives = select(ObjectiveRow.issue_number).where(
        ObjectiveRow.organisation == slug, ObjectiveRow.state != ObjectiveState.CLOSED.value
    )
    tickets = select(TicketRow.issue_number).where(TicketRow.organisation == slug, TicketRow.issue_open)
    return {number for query in (objectives, tickets) for number in session.scalars(query) if number is not None}


def _known_numbers(session: Session, slug: str) -> set[int]:
    objectives = select(ObjectiveRow.issue_number).where(ObjectiveRow.organisation == slug)
    tickets = select(TicketRow.issue_number).where(TicketRow.organisation == slug)
    return {number for query in (objectives, tickets) for number in session.scalars(query) if number is not None}


def _first_read(session: Session, *, slug: str, until: datetime) -> None:
    organisation_row(session, slug).first_read_until = until


def _caught_up(session: Session, *, slug: str, at: datetime) -> None:
    organisation_row(session, slug).reconciled_at = at
