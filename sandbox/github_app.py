"""The GitHub App: what it is, where it is installed, and the tokens it acts with there."""

from datetime import UTC, datetime, timedelta

from flask import Response, jsonify

from sandbox.github_app_shapes import API_PERMISSIONS, AppShapes
from sandbox.github_door import Door
from sandbox.github_errors import GitHubError, not_found
from sandbox.github_shapes import stamp
from sandbox.world import Repository, World


class App:
    """The endpoints of the App and its one installation."""

    def __init__(self, world: World, door: Door) -> None:
        self.world = world
        self.door = door

    @property
    def shapes(self) -> AppShapes:
        """Renders answers, whose addresses start where the question was asked."""
        return AppShapes(self.door.shapes)

    def show_app(self) -> Response:
        """GET /app."""
        self.door.require_app()
        return jsonify(self.shapes.app())

    def list_installations(self) -> Response:
        """GET /app/installations."""
        self.door.require_app()
        return self.door.page([self.shapes.installation()] if self.world.installed != "uninstalled" else [])

    def show_installation(self, installation_id: int) -> Response:
        """GET /app/installations/ID."""
        self.door.require_app()
        if installation_id != self.world.installation_id or self.world.installed == "uninstalled":
            raise not_found()
        return jsonify(self.shapes.installation())

    def show_repository_installation(self, repository: Repository) -> Response:  # noqa: ARG002
        """GET …/installation: 404 when the App is not installed there."""
        self.door.require_app()
        if self.world.installed == "uninstalled":
            raise not_found()
        return jsonify(self.shapes.installation())

    def create_token(self, installation_id: int) -> tuple[Response, int]:
        """POST /app/installations/ID/access_tokens: refused while suspended, which is the first sign of it."""
        self.door.require_app()
        if installation_id != self.world.installation_id or self.world.installed == "uninstalled":
            raise not_found()
        if self.world.installed == "suspended":
            raise GitHubError(403, "This installation has been suspended")
        token = f"ghs_sandbox{self.world.next_id('installation token'):04d}"
        self.world.installation_tokens.add(token)
        # Real time: the client library compares this with its own clock, which the sandbox cannot move.
        expires = datetime.now(UTC) + timedelta(hours=1)
        return jsonify(
            {
                "token": token,
                "expires_at": stamp(expires),
                "permissions": API_PERMISSIONS,
                "repository_selection": "selected",
            }
        ), 201
