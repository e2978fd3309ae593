"""Handles what came in: a delivery is a reason to look again at what GitHub shows now.

Every GitHub event is in one of three lists: handled, ignored on purpose, or unknown (one log line, and that is all).
Deliveries come late, doubled and out of order, so nothing is believed but the issue as it is read here.
"""

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from domain.forms import TicketAnswers
from domain.issues import Comment, Issue, IssueGone, key_in, same_login
from domain.objectives import Visibility
from domain.policy import Policy
from domain.ticket_states import Exit
from integrations.errors import PermanentError
from integrations.github import GitHub
from jobs.attempt import Finished, Outcome, attempt
from jobs.listen import follow_comment
from jobs.objectives import (
    follow_objective,
    follow_objective_gone,
    open_objective,
)
from jobs.repository import connected_github
from jobs.tickets import follow_ticket, follow_ticket_gone, request_ticket
from jobs.trouble_issues import issue_now
from jobs.trouble_looks import OF_THE_REPOSITORY, follow_outside
from jobs.workshop import Workshop
from store.memory import effect_of
from store.models import DeliveryRow, EffectRow
from store.queries import organisation_row, people_of, person_by_handle, ticket_row

log = logging.getLogger(__name__)

# What the columns take; GitHub is far from either.
LARGEST_ISSUE, LARGEST_COMMENT = 2**31 - 1, 2**63 - 1
KNOWN_SHAPE = re.compile(r"[a-z_]{0,60}")
ADDRESS = re.compile(r"https?://[!-~]{1,500}")
# What concerns an issue, whatever the action: each is followed by reading the issue again.
ISSUE_ACTIONS = {
    "opened", "edited", "deleted", "transferred", "closed", "reopened", "assigned", "unassigned", "labeled",
    "unlabeled", "locked", "unlocked",
}  # fmt: skip
COMMENT_ACTIONS = {"created", "edited"}
IGNORED = {
    "ping", "installation_target", "meta", "github_app_authorization", "member", "organization", "sub_issues",
    "milestone", "issue_dependencies", "push",
}  # fmt: skip
IGNORED_ACTIONS = {
    "issues": {
        "pinned", "unpinned", "milestoned", "demilestoned", "typed", "untyped", "field_added", "field_removed",
    },
    "issue_comment": {"deleted", "pinned", "unpinned"},
}  # fmt: skip


def handle(workshop: Workshop, delivery_id: str) -> None:
    """Handle one stored delivery; again is the same as once."""
    attempt(workshop, DeliveryRow, delivery_id, lambda: _handle(workshop, delivery_id))


def _handle(workshop: Workshop, delivery_id: str) -> Outcome:
    row = workshop.database.transact(lambda session: session.get(DeliveryRow, delivery_id))
    if row is None or row.status != "stored":
        return Finished()
    said = json.loads(row.body)
    if row.source == "goals":
        status = _take_up(workshop, delivery_id, said)
    else:
        status = _follow(workshop, delivery_id, row.event, said)
    workshop.database.transact(lambda session: _end(session, delivery_id, status))
    log.info("handle %s: %s %s: %s", delivery_id, row.source, row.event, status)
    return Finished()


def _end(session: Session, delivery_id: str, status: str) -> None:
    row = session.get_one(DeliveryRow, delivery_id)
    row.status = status
    row.last_error = None


def _follow(workshop: Workshop, delivery_id: str, event: str, said: Mapping[str, Any]) -> str:
    action = _action_in(said)
    if event in OF_THE_REPOSITORY:
        return follow_outside(workshop, event, action, said)
    is_issue = event == "issues" and action in ISSUE_ACTIONS
    is_comment = event == "issue_comment" and action in COMMENT_ACTIONS
    if not is_issue and not is_comment:
        if event not in IGNORED and action not in IGNORED_ACTIONS.get(event, ()):
            log.warning("delivery %s: unknown event %s.%s, stored and left alone", delivery_id, event, action)
        return "ignored"
    policy = _organisation(workshop, said.get("repository"))
    issue = _mapping(said.get("issue"))
    # GitHub tells of pull requests as of issues.
    number = None if issue.get("pull_request") else issue.get("number")
    if policy is None or type(number) is not int or not 0 < number <= LARGEST_ISSUE:
        log.info("delivery %s: %s.%s is for no repository of ours", delivery_id, event, action)
        return "ignored"
    github = connected_github(workshop, policy.slug)
    if is_issue:
        follow_issue(workshop, policy, github, number)
    else:
        # The issue first: a comment may be the first we hear of it. Then the comment, as it was told: an edit that is
        # overtaken by another comes as its own delivery, and a command counts once per comment.
        follow_issue(workshop, policy, github, number)
        comment = _comment_in(_mapping(said.get("comment")))
        if comment is not None and not same_login(comment.author, github.login()):
            follow_comment(workshop, policy, number, comment)
    return "done"


def _action_in(said: Mapping[str, Any]) -> str:
    """Read what happened, as a word the log can show: it may hold anything, a made-up line of the log included."""
    action = _text(said.get("action"))
    return action if KNOWN_SHAPE.fullmatch(action) else "(strange)"


def follow_issue(workshop: Workshop, policy: Policy, github: GitHub, number: int) -> None:
    """Read an issue and bring what we remember in line with it."""
    seen = issue_now(workshop, policy, github, number)
    login = github.login()
    workshop.database.transact(lambda session: _remember(workshop, session, policy, seen, login))


def _remember(workshop: Workshop, session: Session, policy: Policy, seen: Issue | IssueGone, login: str) -> None:
    if isinstance(seen, IssueGone):
        follow_objective_gone(workshop, session, policy, seen)
        follow_ticket_gone(workshop, session, policy, seen)
        return
    about = None
    if same_login(seen.author, login) and (key := key_in(seen.body)) is not None:
        effect = session.get(EffectRow, key)
        if effect is not None and effect.organisation == policy.slug:
            about = getattr(effect_of(effect.kind, effect.payload), "about", None)
    is_ticket = ticket_row(session, policy.slug, seen.number) is not None or seen.has_label(policy.github.ticket_label)
    if is_ticket:
        follow_ticket(workshop, session, policy, seen, about)
    else:
        follow_objective(workshop, session, policy, seen, about)


def _comment_in(said: Mapping[str, Any]) -> Comment | None:
    number, author = said.get("id"), _mapping(said.get("user")).get("login")
    created_at = _instant(said.get("created_at"))
    if created_at is None or type(number) is not int or not 0 < number <= LARGEST_COMMENT:
        return None  # an old or cut payload; reconciling reads the comment from GitHub
    url = _text(said.get("html_url"))  # the timeline shows it, so it has to be one
    return Comment(
        id=number,
        author=_text(author) or "ghost",
        body=_text(said.get("body")),
        created_at=created_at,
        url=url if ADDRESS.fullmatch(url) else "",
    )


def _take_up(workshop: Workshop, delivery_id: str, said: Mapping[str, Any]) -> str:
    """Open the objective or claim the ticket that a form tool asked for; `webhooks/goals.py` checked its shape."""
    policy = workshop.policies.get(str(said["organisation"]))
    if policy is None:
        raise PermanentError(f"there is no organisation {said['organisation']!r} any more")
    data = _mapping(said["data"])

    def take_up(session: Session) -> str:
        person = person_by_handle(people_of(session, policy.slug), str(data["person"]))
        if person is None:
            raise PermanentError(f"nobody in {policy.slug} has the handle {data['person']!r}")
        if said["type"] == "objective.open":
            title, why = str(data["title"]), str(data.get("why", ""))
            visibility = Visibility(data.get("visibility") or Visibility.TEAM)
            open_objective(
                workshop, session, policy, person, title=title, why=why, asked_by=delivery_id, visibility=visibility
            )
            return "done"
        wanted = data.get("decide")
        ticket = request_ticket(
            workshop,
            session,
            policy,
            person,
            TicketAnswers.from_plain(data),
            wanted=Exit(wanted) if wanted else None,
            asked_by=delivery_id,
        )
        if ticket is None:
            raise PermanentError(f"the golden ticket of {person.handle} is held already")
        return "done"

    return workshop.database.transact(take_up)


def _organisation(workshop: Workshop, repository: object) -> Policy | None:
    """Find whose repository it is, by its number once we know it, else by its name."""
    said = _mapping(repository)
    number, name = said.get("id"), str(said.get("full_name", "")).casefold()

    def known(session: Session) -> Policy | None:
        for slug, policy in workshop.policies.items():
            row = organisation_row(session, slug)
            if (number is not None and row.repository_id == number) or (
                row.repository_id is None and policy.github.repository.casefold() == name
            ):
                return policy
        return None

    return workshop.database.transact(known)


def _instant(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(_text(value))
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):  # in UTC, some hours of the first and last day there is are none
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
