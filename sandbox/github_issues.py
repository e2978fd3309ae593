"""Issues on GitHub: listed, opened, edited, assigned and locked."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Response, jsonify, request

from sandbox.faults import fault_to_play
from sandbox.github_door import Door
from sandbox.github_errors import GitHubError, Moved, invalid, not_found
from sandbox.github_rules import GitHubRules
from sandbox.github_sent import (
    LONGEST_TEXT,
    LONGEST_TITLE,
    asked_since,
    labels_in,
    logins_in,
    sent_object,
    text_in,
    word_in,
)
from sandbox.world import Account, Issue, Repository, World

STATE_REASONS = ("completed", "not_planned", "duplicate", "reopened", None)


class Issues:
    """The endpoints of issues and of their assignees."""

    def __init__(self, world: World, rules: GitHubRules, door: Door) -> None:
        self.world = world
        self.rules = rules
        self.door = door

    def list_issues(self, repository: Repository) -> Response:
        """GET …/issues with its filters; there are no pull requests here."""
        if not repository.has_issues:
            raise not_found()
        issues = _sorted([i for i in repository.issues.values() if _asked_for(repository, i)])
        fault = fault_to_play(request.environ, "list_lag")
        if fault:
            youngest = self.world.now() - timedelta(seconds=fault.seconds)
            issues = [issue for issue in issues if issue.created_at <= youngest]
        return self.door.page([self.door.shapes.issue(repository, issue) for issue in issues], repository)

    def create_issue(self, repository: Repository) -> tuple[Response, int]:
        """POST …/issues."""
        actor = self.door.require_actor()
        if not repository.has_issues:
            raise GitHubError(410, "Issues are disabled for this repo")
        sent = sent_object()
        title = text_in(sent, "title", "Issue", LONGEST_TITLE)
        if title is None or not title.strip():
            raise invalid("Issue", "title", "missing_field")
        body = text_in(sent, "body", "Issue", LONGEST_TEXT)
        labels = labels_in(sent)
        assignees = logins_in(sent)
        issue = self.rules.open_issue(
            repository,
            actor,
            title.strip(),
            body,
            labels if labels and _keeps_labels(actor) else (),
            assignees if assignees and _keeps_assignees(actor) else (),
        )
        return jsonify(self.door.shapes.issue(repository, issue)), 201

    def show_issue(self, repository: Repository, number: int) -> Response:
        """GET …/issues/N."""
        return jsonify(self.door.shapes.issue(repository, find_issue(repository, number)))

    def edit_issue(self, repository: Repository, number: int) -> Response:
        """PATCH …/issues/N."""
        actor = self.door.require_actor()
        issue = find_issue(repository, number)
        if not actor.may_triage and actor.login != issue.author:
            raise GitHubError(403, "Must have admin rights to Repository.")
        sent = sent_object()
        title = text_in(sent, "title", "Issue", LONGEST_TITLE)
        if "title" in sent and (title is None or not title.strip()):
            raise invalid("Issue", "title", "missing_field")
        body = text_in(sent, "body", "Issue", LONGEST_TEXT)
        state, reason = word_in(sent, "state"), sent.get("state_reason")
        if state not in {"open", "closed", None}:
            raise invalid("Issue", "state", "invalid")
        if reason not in STATE_REASONS:
            raise invalid("Issue", "state_reason", "invalid")
        labels = labels_in(sent)
        assignees = logins_in(sent)
        if (title is not None or body is not None) and not actor.may_push and actor.login != issue.author:
            raise GitHubError(403, "Must have admin rights to Repository.")
        self.rules.edit_text(repository, issue, actor, title, body)
        if state is not None:
            self.rules.set_state(repository, issue, actor, state, reason if state == "closed" else None)
        if labels is not None and _keeps_labels(actor):
            self.rules.set_labels(repository, issue, actor, labels)
        if assignees is not None and _keeps_assignees(actor):
            self.rules.set_assignees(repository, issue, actor, assignees)
        return jsonify(self.door.shapes.issue(repository, issue))

    def lock_issue(self, repository: Repository, number: int) -> Response:
        """PUT …/issues/N/lock."""
        self.rules.set_locked(repository, find_issue(repository, number), self.door.require_push(), True)
        return Response(status=204)

    def unlock_issue(self, repository: Repository, number: int) -> Response:
        """DELETE …/issues/N/lock."""
        self.rules.set_locked(repository, find_issue(repository, number), self.door.require_push(), False)
        return Response(status=204)

    def add_assignees(self, repository: Repository, number: int) -> tuple[Response, int]:
        """POST …/issues/N/assignees."""
        issue = find_issue(repository, number)
        actor = self.door.require_actor()
        logins = logins_in(sent_object()) or []
        if _keeps_assignees(actor):
            self.rules.set_assignees(repository, issue, actor, [*issue.assignees, *logins])
        return jsonify(self.door.shapes.issue(repository, issue)), 201

    def remove_assignees(self, repository: Repository, number: int) -> Response:
        """DELETE …/issues/N/assignees."""
        issue = find_issue(repository, number)
        actor = self.door.require_actor()
        gone = {login.lower() for login in logins_in(sent_object()) or []}
        if _keeps_assignees(actor):
            kept = [login for login in issue.assignees if login.lower() not in gone]
            self.rules.set_assignees(repository, issue, actor, kept)
        return jsonify(self.door.shapes.issue(repository, issue))


def find_issue(repository: Repository, number: int) -> Issue:
    """Return an issue, or raise what tells where it went."""
    issue = repository.issues.get(number)
    if issue is not None and repository.has_issues:
        return issue
    if number in repository.moved:
        new_repository, new_number = repository.moved[number]
        tail = re.sub(r"^.*?/issues/\d+", "", request.path)
        raise Moved(f"/repositories/{new_repository}/issues/{new_number}{tail}")
    if number in repository.deleted:
        raise GitHubError(410, "This issue was deleted")
    if not repository.has_issues:
        raise GitHubError(410, "Issues are disabled for this repo")
    raise not_found()


def _asked_for(repository: Repository, issue: Issue) -> bool:
    asked = request.args
    state = asked.get("state", "open")
    if state not in {"open", "closed", "all"}:
        raise invalid("Issue", "state", "invalid")
    if state not in {"all", issue.state}:
        return False
    names = {label.name.lower() for label in repository.labels_of(issue)}
    if not {name.strip().lower() for name in asked.get("labels", "").split(",") if name.strip()} <= names:
        return False
    creator = asked.get("creator")
    if creator and creator.lower() != issue.author.lower():
        return False
    assignee = asked.get("assignee", "")
    logins = {login.lower() for login in issue.assignees}
    if (assignee == "none" and logins) or (assignee == "*" and not logins):
        return False
    if assignee not in {"", "none", "*"} and assignee.lower() not in logins:
        return False
    since = asked_since()
    return since is None or issue.updated_at.replace(microsecond=0) >= since


def _sorted(issues: list[Issue]) -> list[Issue]:
    keys: dict[str, Callable[[Issue], Any]] = {
        "created": lambda issue: (issue.created_at, issue.number),
        "updated": lambda issue: (issue.updated_at, issue.number),
        "comments": lambda issue: (len(issue.comments), issue.number),
    }
    key = keys.get(request.args.get("sort", "created"), keys["created"])
    return sorted(issues, key=key, reverse=request.args.get("direction", "desc") != "asc")


def _keeps_labels(actor: Account) -> bool:
    return actor.may_triage and not fault_to_play(request.environ, "drop_labels")


def _keeps_assignees(actor: Account) -> bool:
    return actor.may_triage and not fault_to_play(request.environ, "drop_assignees")
