"""What GitHub could not deliver to us: the webhooks, the attempts that failed, and asking for one once more."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from github.HookDelivery import HookDeliverySummary
from github.PaginatedList import PaginatedList

from integrations.github_connection import Connection


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A webhook of the repository, and the address it delivers to."""

    id: int
    address: str


@dataclass(frozen=True, kw_only=True)
class FailedDelivery:
    """One attempt at a delivery that did not arrive: `id` is the attempt's, `guid` the delivery's, however often tried.

    `hook_id` is None for the App's own webhook, which hears of many repositories; `repository_id` is None for what is
    about none, such as an installation.
    """

    id: int
    guid: str
    at: datetime
    redelivery: bool
    repository_id: int | None
    hook_id: int | None


class Deliveries:
    """What GitHub delivers to one identity: by the webhook of its repository, or by the App's own."""

    def __init__(self, connection: Connection) -> None:
        """Nothing is sent yet."""
        self._connection = connection

    @property
    def is_app(self) -> bool:
        """Say whether we are an App, which has one webhook of its own for all the repositories it is installed on."""
        return self._connection.is_app

    def hooks(self) -> list[Hook]:
        """Read the repository's webhooks; a token needs the permission *Webhooks* for it.

        https://docs.github.com/en/rest/repos/webhooks#list-repository-webhooks
        """

        def listed() -> list[Hook]:
            return [
                Hook(id=one.id, address=str(one.config.get("url", ""))) for one in self._connection.repo().get_hooks()
            ]

        return self._connection.read(listed)

    def failed(self, hook_id: int | None, *, since: datetime, most: int) -> list[FailedDelivery]:
        """Read which attempts did not arrive, newest first, back to an instant and not more than `most`.

        PyGithub knows neither the App's deliveries nor the filter, and follows the cursor all the same.
        https://docs.github.com/en/rest/repos/webhooks#list-deliveries-for-a-repository-webhook
        https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
        """

        def listed() -> list[FailedDelivery]:
            requester, place = self._hook(hook_id)
            pages = PaginatedList(HookDeliverySummary, requester, f"{place}/deliveries", {"status": "failure"})
            found = []
            for one in islice(pages, most):
                attempt = _failed(one, hook_id)
                if attempt.at < since:
                    break
                if one.status != "OK":
                    found.append(attempt)
            return found

        return self._connection.read(listed)

    def redeliver(self, failed: FailedDelivery) -> None:
        """Ask for a delivery once more; GitHub makes the attempt soon, under the same GUID.

        https://docs.github.com/en/rest/repos/webhooks#redeliver-a-delivery-for-a-repository-webhook
        https://docs.github.com/en/rest/apps/webhooks#redeliver-a-delivery-for-an-app-webhook
        """

        def asked() -> None:
            requester, place = self._hook(failed.hook_id)
            _, found = requester.requestJsonAndCheck("POST", f"{place}/deliveries/{failed.id}/attempts")
            if found:
                raise ValueError("an accepted attempt says nothing")  # a redirect, which PyGithub does not report

        self._connection.write(asked, counts=False)

    def _hook(self, hook_id: int | None) -> tuple[Any, str]:
        """Give who asks and where: the App's own webhook is asked about with its signature, not an installation's."""
        if hook_id is None:
            return self._connection.integration().requester, "/app/hook"
        return self._connection.client().requester, f"{self._connection.repo().url}/hooks/{hook_id}"


def _failed(found: HookDeliverySummary, hook_id: int | None) -> FailedDelivery:
    if not found.id or not found.guid or found.delivered_at is None:
        raise ValueError("no delivery in the answer")
    return FailedDelivery(
        id=found.id,
        guid=found.guid,
        at=found.delivered_at,
        redelivery=bool(found.redelivery),
        repository_id=found.repository_id or None,
        hook_id=hook_id,
    )
