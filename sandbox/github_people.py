"""Who is on GitHub: accounts, who of them can be assigned, and the repository with what its reader may do there."""

from flask import Response, g, jsonify

from sandbox.github_door import Door
from sandbox.github_errors import GitHubError, not_found
from sandbox.world import Repository, World


class People:
    """The endpoints of accounts and of their place in a repository."""

    def __init__(self, world: World, door: Door) -> None:
        self.world = world
        self.door = door

    def show_repository(self, repository: Repository) -> Response:
        """GET /repos/O/R."""
        return jsonify(self.door.shapes.repository(repository, g.actor))

    def show_me(self) -> Response:
        """GET /user."""
        actor = self.door.require_actor()
        if actor.login == "trellis[bot]":
            raise GitHubError(403, "Resource not accessible by integration")
        return jsonify(self.door.shapes.full_account(actor))

    def show_user(self, login: str) -> Response:
        """GET /users/LOGIN."""
        for account in self.world.accounts.values():
            if account.login.lower() == login.lower():
                return jsonify(self.door.shapes.full_account(account))
        raise not_found()

    def list_assignees(self, repository: Repository) -> Response:
        """GET …/assignees."""
        people = [a for a in self.world.accounts.values() if a.kind == "User" and a.may_triage]
        return self.door.page([self.door.shapes.account(person.login) or {} for person in people], repository)

    def check_assignee(self, repository: Repository, login: str) -> Response:  # noqa: ARG002
        """GET …/assignees/LOGIN: 204 if assignable."""
        for account in self.world.accounts.values():
            if account.login.lower() == login.lower() and account.kind == "User" and account.may_triage:
                return Response(status=204)
        raise not_found()
