"""Renders what GitHub says of the App, its installation, the webhook and what was delivered."""

from sandbox.github_shapes import Shapes, node, stamp
from sandbox.world import Delivery, Json, Repository

HOOK_ID = 77
APP_ID = 55
INSTALLATION_ID = 66
EVENTS = ["issues", "issue_comment", "label", "repository"]
API_PERMISSIONS = {"issues": "write", "metadata": "read", "members": "read"}


class AppShapes:
    """Renders them with the addresses of the other shapes, which it asks for accounts."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes

    def app(self) -> Json:
        """Return the GitHub App behind `trellis[bot]`."""
        born = stamp(self.shapes.world.repositories[4001].created_at)
        return {
            "id": APP_ID,
            "slug": "trellis",
            "client_id": "Iv1.sandbox0trellis",
            "node_id": node("A", APP_ID),
            "owner": self.shapes.account("fennel-works"),
            "name": "Trellis",
            "description": "Invented for the sandbox",
            "external_url": f"{self.shapes.web}/",
            "html_url": f"{self.shapes.web}/",
            "created_at": born,
            "updated_at": born,
            "permissions": API_PERMISSIONS,
            "events": EVENTS,
            "installations_count": 1,
        }

    def installation(self) -> Json:
        """Return the one installation of that App."""
        born = stamp(self.shapes.world.repositories[4001].created_at)
        number, suspended = self.shapes.world.installation_id, self.shapes.world.installed == "suspended"
        url = f"{self.shapes.api}/app/installations/{number}"
        return {
            "id": number,
            "account": self.shapes.account("fennel-works"),
            "access_tokens_url": f"{url}/access_tokens",
            "repositories_url": f"{self.shapes.api}/installation/repositories",
            "html_url": f"{self.shapes.web}/",
            "app_id": APP_ID,
            "app_slug": "trellis",
            "target_id": 900,
            "target_type": "Organization",
            "repository_selection": "selected",
            "permissions": API_PERMISSIONS,
            "events": EVENTS,
            "single_file_name": None,
            "created_at": born,
            "updated_at": born,
            "suspended_by": self.shapes.account("ada-fw") if suspended else None,
            "suspended_at": stamp(self.shapes.world.now()) if suspended else None,
        }

    def hook(self, repository: Repository) -> Json:
        """Return the repository's one webhook."""
        url = f"{self.shapes.repository_url(repository)}/hooks/{HOOK_ID}"
        born = stamp(repository.created_at)
        return {
            "id": HOOK_ID,
            "type": "Repository",
            "name": "web",
            "active": True,
            "events": EVENTS,
            "config": {
                "url": f"{self.shapes.world.settings.service_url}/webhooks/github",
                "content_type": "json",
                "insecure_ssl": "0",
                "secret": "********",
            },
            "url": url,
            "ping_url": f"{url}/pings",
            "test_url": f"{url}/tests",
            "deliveries_url": f"{url}/deliveries",
            "last_response": {"code": None, "status": "unused", "message": None},
            "created_at": born,
            "updated_at": born,
        }

    def delivery(self, delivery: Delivery, whole: bool = False) -> Json:
        """Return one delivery, for the list or with request and response."""
        rendered: Json = {
            "id": delivery.id,
            "guid": delivery.guid,
            "delivered_at": stamp(delivery.delivered_at or self.shapes.world.now()),
            "redelivery": delivery.redelivery,
            "duration": delivery.duration,
            "status": delivery.status,
            "status_code": delivery.status_code,
            "event": delivery.event,
            "action": delivery.action,
            "installation_id": delivery.installation_id,
            "repository_id": delivery.repository_id,
            "throttled_at": None,
        }
        if whole:
            rendered["url"] = delivery.url
            rendered["request"] = {"headers": delivery.headers, "payload": delivery.payload}
            rendered["response"] = {"headers": delivery.response_headers, "payload": delivery.response_body}
        return rendered
