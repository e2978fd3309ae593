"""GitHub's webhooks, the repository's and the App's: what was delivered, and delivering it again."""

import re
from datetime import timedelta
from urllib.parse import urlencode

from flask import Response, jsonify, request

from sandbox.deliveries import Courier
from sandbox.github_app_shapes import AppShapes
from sandbox.github_door import Door
from sandbox.github_errors import GitHubError, not_found
from sandbox.github_sent import asked_page_size
from sandbox.world import Delivery, Repository, World


class Hooks:
    """The endpoints of hooks and of their deliveries."""

    def __init__(self, world: World, courier: Courier, door: Door) -> None:
        self.world = world
        self.courier = courier
        self.door = door

    @property
    def shapes(self) -> AppShapes:
        """Renders answers, whose addresses start where the question was asked."""
        return AppShapes(self.door.shapes)

    def list_hooks(self, repository: Repository) -> Response:
        """GET …/hooks."""
        self.door.require_right("repository_hooks")
        return self.door.page([self.shapes.hook(repository)], repository)

    def list_hook_deliveries(self, repository: Repository) -> Response:
        """GET …/hooks/ID/deliveries."""
        self.door.require_right("repository_hooks")
        return self._list(repository)

    def show_hook_delivery(self, repository: Repository, delivery_id: int) -> Response:  # noqa: ARG002
        """GET …/hooks/ID/deliveries/ID."""
        self.door.require_right("repository_hooks")
        return jsonify(self.shapes.delivery(self._find(delivery_id), whole=True))

    def redeliver_to_hook(self, repository: Repository, delivery_id: int) -> tuple[Response, int]:  # noqa: ARG002
        """POST …/hooks/ID/deliveries/ID/attempts."""
        self.door.require_right("repository_hooks")
        self.courier.redeliver(self._find(delivery_id))
        return jsonify({}), 202

    def list_app_deliveries(self) -> Response:
        """GET /app/hook/deliveries."""
        self.door.require_app()
        return self._list(None)

    def show_app_delivery(self, delivery_id: int) -> Response:
        """GET /app/hook/deliveries/ID."""
        self.door.require_app()
        return jsonify(self.shapes.delivery(self._find(delivery_id), whole=True))

    def redeliver_to_app(self, delivery_id: int) -> tuple[Response, int]:
        """POST /app/hook/deliveries/ID/attempts."""
        self.door.require_app()
        self.courier.redeliver(self._find(delivery_id))
        return jsonify({}), 202

    def _find(self, delivery_id: int) -> Delivery:
        for delivery in self.world.deliveries:
            if delivery.id == delivery_id and delivery.side == "github" and delivery.delivered_at:
                return delivery
        raise not_found()

    def _list(self, repository: Repository | None) -> Response:
        """Newest first, paged by a cursor, kept for three days."""
        oldest = self.world.now() - timedelta(days=3)
        found = [
            delivery
            for delivery in reversed(self.world.deliveries)
            if delivery.side == "github"
            and delivery.delivered_at
            and delivery.delivered_at >= oldest
            and delivery.headers["X-GitHub-Hook-Installation-Target-Type"]
            == ("repository" if repository else "integration")
            and (repository is None or delivery.repository_id == repository.id)
        ]
        status = request.args.get("status")
        if status:
            found = [delivery for delivery in found if (delivery.status == "OK") == (status == "success")]
        cursor = request.args.get("cursor", "")
        if cursor:
            if not re.fullmatch(r"v1_\d+", cursor):
                raise GitHubError(400, "Invalid cursor")
            found = [delivery for delivery in found if delivery.id < int(cursor.removeprefix("v1_"))]
        per_page = asked_page_size()
        response = jsonify([self.shapes.delivery(delivery) for delivery in found[:per_page]])
        if len(found) > per_page:
            kept = [(key, value) for key, value in request.args.items() if key != "cursor"]
            query = urlencode([*kept, ("cursor", f"v1_{found[per_page - 1].id}")])
            response.headers["Link"] = f'<{self.door.shapes.web}{request.path}?{query}>; rel="next"'
        return response
