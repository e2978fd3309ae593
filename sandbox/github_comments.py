"""Comments on GitHub's issues: listed, written, edited and deleted."""

from datetime import timedelta

from flask import Response, jsonify, request

from sandbox.faults import fault_to_play
from sandbox.github_door import Door
from sandbox.github_errors import GitHubError, invalid, not_found
from sandbox.github_issues import find_issue
from sandbox.github_rules import GitHubRules
from sandbox.github_sent import LONGEST_TEXT, asked_since, sent_object, text_in
from sandbox.world import Issue, IssueComment, Repository, World


class Comments:
    """The endpoints of comments."""

    def __init__(self, world: World, rules: GitHubRules, door: Door) -> None:
        self.world = world
        self.rules = rules
        self.door = door

    def list_comments(self, repository: Repository, number: int) -> Response:
        """GET …/issues/N/comments, oldest first."""
        issue = find_issue(repository, number)
        comments = self._fresh_enough(issue.comments)
        return self.door.page(
            [self.door.shapes.comment(repository, issue, comment) for comment in comments], repository
        )

    def list_all_comments(self, repository: Repository) -> Response:
        """GET …/issues/comments: those of every issue."""
        pairs = [(issue, comment) for issue in repository.issues.values() for comment in issue.comments]
        kept = {comment.id for comment in self._fresh_enough([comment for _, comment in pairs])}
        pairs = sorted((pair for pair in pairs if pair[1].id in kept), key=lambda pair: pair[1].id)
        return self.door.page([self.door.shapes.comment(repository, *pair) for pair in pairs], repository)

    def _fresh_enough(self, comments: list[IssueComment]) -> list[IssueComment]:
        since = asked_since()
        fault = fault_to_play(request.environ, "list_lag")
        youngest = self.world.now() - timedelta(seconds=fault.seconds) if fault else None
        return [
            comment
            for comment in comments
            if (since is None or comment.updated_at.replace(microsecond=0) >= since)
            and (youngest is None or comment.created_at <= youngest)
        ]

    def create_comment(self, repository: Repository, number: int) -> tuple[Response, int]:
        """POST …/issues/N/comments."""
        actor = self.door.require_actor()
        issue = find_issue(repository, number)
        body = _comment_text()
        if issue.locked and actor.role != "admin":
            # Stricter than GitHub, where an account with push may still write: a locked issue must always hurt.
            raise GitHubError(403, "Unable to create comment because issue is locked.")
        comment = self.rules.add_comment(repository, issue, actor, body)
        return jsonify(self.door.shapes.comment(repository, issue, comment)), 201

    def show_comment(self, repository: Repository, comment_id: int) -> Response:
        """GET …/issues/comments/ID."""
        return jsonify(self.door.shapes.comment(repository, *_find_comment(repository, comment_id)))

    def edit_comment(self, repository: Repository, comment_id: int) -> Response:
        """PATCH …/issues/comments/ID."""
        actor = self.door.require_actor()
        issue, comment = _find_comment(repository, comment_id)
        if not actor.may_push and actor.login != comment.author:
            raise GitHubError(403, "Must have admin rights to Repository.")
        self.rules.edit_comment(repository, issue, comment, actor, _comment_text())
        return jsonify(self.door.shapes.comment(repository, issue, comment))

    def delete_comment(self, repository: Repository, comment_id: int) -> Response:
        """DELETE …/issues/comments/ID."""
        actor = self.door.require_actor()
        issue, comment = _find_comment(repository, comment_id)
        if not actor.may_push and actor.login != comment.author:
            raise GitHubError(403, "Must have admin rights to Repository.")
        self.rules.delete_comment(repository, issue, comment, actor)
        return Response(status=204)


def _find_comment(repository: Repository, comment_id: int) -> tuple[Issue, IssueComment]:
    for issue in repository.issues.values():
        for comment in issue.comments:
            if comment.id == comment_id:
                return issue, comment
    raise not_found()


def _comment_text() -> str:
    body = text_in(sent_object(), "body", "IssueComment", LONGEST_TEXT)
    if body is None:
        raise invalid("IssueComment", "body", "missing_field")
    if not body.strip():
        raise invalid("IssueComment", "data", "unprocessable", "Body cannot be blank")
    return body
