"""GitHub's branches, the files on them, and the pull requests that bring one into another."""

import re

from flask import Response, jsonify, request

from sandbox.github_door import Door
from sandbox.github_errors import GitHubError, invalid, not_found
from sandbox.github_file_shapes import FileShapes, blob_sha
from sandbox.github_rules import GitHubRules
from sandbox.github_sent import LONGEST_TEXT, LONGEST_TITLE, content_in, sent_object, text_in, word_in
from sandbox.world import Repository


class Files:
    """The endpoints of references, contents and pull requests."""

    def __init__(self, rules: GitHubRules, door: Door) -> None:
        self.rules = rules
        self.door = door

    @property
    def shapes(self) -> FileShapes:
        """Renders answers, whose addresses start where the question was asked."""
        return FileShapes(self.door.shapes)

    def show_reference(self, repository: Repository, name_of_ref: str) -> Response:
        """GET …/git/ref/heads/BRANCH."""
        if not repository.branches:
            raise GitHubError(409, "Git Repository is empty.")
        return jsonify(self.shapes.reference(repository, _branch_of(repository, name_of_ref, 404)))

    def create_reference(self, repository: Repository) -> tuple[Response, int]:
        """POST …/git/refs: 422 when it exists already."""
        self.door.require_right("contents")
        sent = sent_object()
        name, sha = sent.get("ref"), word_in(sent, "sha")
        if not isinstance(name, str) or not re.fullmatch(r"refs/heads/[^\s~^:?*\\]+", name):
            raise GitHubError(422, "Reference name must start with 'refs/' and contain at least two slashes.")
        branch = name.removeprefix("refs/heads/")
        if sha is None or sha not in repository.commits:
            raise GitHubError(422, "Object does not exist")
        if branch in repository.branches:
            raise GitHubError(422, "Reference already exists")
        repository.branches[branch] = sha
        return jsonify(self.shapes.reference(repository, branch)), 201

    def move_reference(self, repository: Repository, name_of_ref: str) -> Response:
        """PATCH …/git/refs/heads/BRANCH: forward only, unless forced."""
        self.door.require_right("contents")
        branch = _branch_of(repository, name_of_ref, 422)
        sent = sent_object()
        sha = word_in(sent, "sha")
        if sha is None or sha not in repository.commits:
            raise GitHubError(422, "Object does not exist")
        if sent.get("force") is not True and not self.rules.comes_after(repository, sha, repository.branches[branch]):
            raise GitHubError(422, "Update is not a fast forward")
        repository.branches[branch] = sha
        return jsonify(self.shapes.reference(repository, branch))

    def show_file(self, repository: Repository, path: str) -> Response:
        """GET …/contents/PATH of a branch; folders are not listed here."""
        branch = request.args.get("ref", "main")
        if branch not in repository.branches:
            raise GitHubError(404, f"No commit found for the ref {branch}")
        if path not in repository.files_on(branch):
            raise not_found()
        return jsonify(self.shapes.file(repository, branch, path))

    def write_file(self, repository: Repository, path: str) -> tuple[Response, int]:
        """PUT …/contents/PATH: whoever replaces a file says which one they saw."""
        actor = self.door.require_right("contents")
        sent = sent_object()
        branch, sha = word_in(sent, "branch", "main"), word_in(sent, "sha")
        if branch is None or branch not in repository.branches:
            raise GitHubError(404, f"Branch {branch} not found")
        message, content = sent.get("message"), content_in(sent)
        if not isinstance(message, str) or not message.strip():
            raise GitHubError(422, 'Invalid request.\n\n"message" wasn\'t supplied.')
        before = repository.files_on(branch).get(path)
        if before is not None and not sha:
            raise GitHubError(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
        if before is not None and sha != blob_sha(before):
            raise GitHubError(409, f"{path} does not match {sha}")
        commit = self.rules.write_file(repository, actor, branch, path, content, message)
        file = self.shapes.file(repository, branch, path, whole=False)
        answer = jsonify({"content": file, "commit": self.shapes.commit(repository, commit)})
        return answer, 201 if before is None else 200

    def list_pulls(self, repository: Repository) -> Response:
        """GET …/pulls with its filters; a `head` without an owner is passed over, as GitHub does."""
        state, head, base = (request.args.get(name, "") for name in ("state", "head", "base"))
        pulls = [
            pull
            for pull in sorted(repository.pulls.values(), key=lambda pull: -pull.number)
            if state in {"all", "closed" if pull.closed_at else "open"} or (not state and not pull.closed_at)
        ]
        if ":" in head:
            pulls = [pull for pull in pulls if f"{repository.owner}:{pull.head}".lower() == head.lower()]
        if base:
            pulls = [pull for pull in pulls if pull.base == base]
        return self.door.page([self.shapes.pull(repository, pull) for pull in pulls], repository)

    def create_pull(self, repository: Repository) -> tuple[Response, int]:
        """POST …/pulls: one for each branch, and only where there is something to bring in."""
        actor = self.door.require_right("pull_requests")
        sent = sent_object()
        title = text_in(sent, "title", "PullRequest", LONGEST_TITLE)
        body = text_in(sent, "body", "PullRequest", LONGEST_TEXT)
        head, base = str(sent.get("head", "")).removeprefix(f"{repository.owner}:"), str(sent.get("base", ""))
        if title is None or not title.strip():
            raise invalid("PullRequest", "title", "missing_field")
        for field, branch in (("head", head), ("base", base)):
            if branch not in repository.branches:
                raise invalid("PullRequest", field, "invalid")
        if self.rules.comes_after(repository, repository.branches[base], repository.branches[head]):
            raise invalid("PullRequest", "head", "custom", f"No commits between {base} and {head}")
        if any(pull.head == head and pull.base == base and not pull.closed_at for pull in repository.pulls.values()):
            message = f"A pull request already exists for {repository.owner}:{head}."
            raise invalid("PullRequest", "head", "custom", message)
        pull = self.rules.open_pull(repository, actor, title.strip(), body, head, base)
        return jsonify(self.shapes.pull(repository, pull, whole=True)), 201


def _branch_of(repository: Repository, name_of_ref: str, missing: int) -> str:
    branch = name_of_ref.removeprefix("heads/")
    if not name_of_ref.startswith("heads/") or branch not in repository.branches:
        raise not_found() if missing == 404 else GitHubError(missing, "Reference does not exist")
    return branch
