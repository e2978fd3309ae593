"""GitHub's labels: those a repository has, and those an issue wears."""

from flask import Response, jsonify, request

from sandbox.faults import fault_to_play
from sandbox.github_door import Door
from sandbox.github_errors import GitHubError, invalid, not_found
from sandbox.github_issues import find_issue
from sandbox.github_rules import GitHubRules
from sandbox.github_sent import as_color, as_label_name, description_in, sent_labels, sent_object
from sandbox.world import Issue, Repository


class Labels:
    """The endpoints of labels."""

    def __init__(self, rules: GitHubRules, door: Door) -> None:
        self.rules = rules
        self.door = door

    # Of the repository

    def list_labels(self, repository: Repository) -> Response:
        """GET …/labels."""
        return self.door.page([self.door.shapes.label(repository, label) for label in repository.labels], repository)

    def create_label(self, repository: Repository) -> tuple[Response, int]:
        """POST …/labels: 422 already_exists, whatever the case of the letters."""
        actor = self.door.require_push()
        sent = sent_object()
        name = as_label_name(sent.get("name"))
        if repository.label_named(name):
            raise invalid("Label", "name", "already_exists")
        color = as_color(sent.get("color", "ededed"))
        label = self.rules.create_label(repository, actor, name, color, description_in(sent))
        return jsonify(self.door.shapes.label(repository, label)), 201

    def show_label(self, repository: Repository, label_name: str) -> Response:
        """GET …/labels/NAME."""
        label = repository.label_named(label_name)
        if label is None:
            raise not_found()
        return jsonify(self.door.shapes.label(repository, label))

    def edit_label(self, repository: Repository, label_name: str) -> Response:
        """PATCH …/labels/NAME."""
        actor = self.door.require_push()
        label = repository.label_named(label_name)
        if label is None:
            raise not_found()
        sent = sent_object()
        name = as_label_name(sent["new_name"]) if sent.get("new_name") else label.name
        namesake = repository.label_named(name)
        if namesake is not None and namesake is not label:
            raise invalid("Label", "name", "already_exists")
        color = as_color(sent["color"]) if sent.get("color") else label.color
        description = description_in(sent) if "description" in sent else label.description
        self.rules.edit_label(repository, label, actor, name, color, description)
        return jsonify(self.door.shapes.label(repository, label))

    def delete_label(self, repository: Repository, label_name: str) -> Response:
        """DELETE …/labels/NAME."""
        actor = self.door.require_push()
        label = repository.label_named(label_name)
        if label is None:
            raise not_found()
        self.rules.delete_label(repository, label, actor)
        return Response(status=204)

    # Of an issue

    def _labels_answer(self, repository: Repository, issue: Issue) -> Response:
        return jsonify([self.door.shapes.label(repository, label) for label in repository.labels_of(issue)])

    def list_issue_labels(self, repository: Repository, number: int) -> Response:
        """GET …/issues/N/labels."""
        return self._labels_answer(repository, find_issue(repository, number))

    def add_labels(self, repository: Repository, number: int) -> Response:
        """POST …/issues/N/labels: adds, and creates unknown names on the fly."""
        issue = find_issue(repository, number)
        actor = self.door.require_triage()
        names = sent_labels()
        if not fault_to_play(request.environ, "drop_labels"):
            before = [label.name for label in repository.labels_of(issue)]
            self.rules.set_labels(repository, issue, actor, [*before, *names])
        return self._labels_answer(repository, issue)

    def replace_labels(self, repository: Repository, number: int) -> Response:
        """PUT …/issues/N/labels."""
        issue = find_issue(repository, number)
        actor = self.door.require_triage()
        names = sent_labels()
        if not fault_to_play(request.environ, "drop_labels"):
            self.rules.set_labels(repository, issue, actor, names)
        return self._labels_answer(repository, issue)

    def remove_labels(self, repository: Repository, number: int) -> Response:
        """DELETE …/issues/N/labels: all of them."""
        issue = find_issue(repository, number)
        self.rules.set_labels(repository, issue, self.door.require_triage(), ())
        return Response(status=204)

    def remove_label(self, repository: Repository, number: int, label_name: str) -> Response:
        """DELETE …/issues/N/labels/NAME."""
        issue = find_issue(repository, number)
        actor = self.door.require_triage()
        names = [label.name for label in repository.labels_of(issue)]
        kept = [name for name in names if name.lower() != label_name.lower()]
        if len(kept) == len(names):
            raise GitHubError(404, "Label does not exist")
        self.rules.set_labels(repository, issue, actor, kept)
        return self._labels_answer(repository, issue)
