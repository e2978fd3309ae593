"""Loomio before 3.1.3, chosen by `dialect = "legacy"`: the key as a parameter, flat bodies, comments as a form.

Before 3.0.24 nothing can be listed: whether a thread was made whose answer never came, only a person can see. Between
3.0.20 and 3.1.3 it is not known where exactly polls began to hang on topics, so what the thread itself shows decides.
Facts on Loomio, 1.2, 2.1, 2.2, 3.3 and 6.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from domain.policy import LoomioDialect
from domain.proposals import Poll
from integrations.errors import CannotLookError, PermanentError
from integrations.loomio import Group, Loomio
from integrations.loomio_answers import by_id, carries, made, rows
from integrations.loomio_versions import numbers_of

GROUPS_SINCE = (3, 1, 0)


class LegacyLoomio(Loomio):
    """One organisation's group on a Loomio of the 3.0 line."""

    dialect = LoomioDialect.LEGACY

    def group(self) -> Group:
        """Learn what we may do there: before 3.1 only a coordinator is shown the memberships (facts, 1.5 and 2.7)."""
        if (numbers_of(self.version()) or ()) >= GROUPS_SINCE:
            return super().group()
        try:
            found = self._read("/api/b2/memberships", group_id=self._group_id, per=1)
        except PermanentError as error:
            if error.status != 403:
                raise
            self._check_key()
            return Group(id=self._group_id, name=f"number {self._group_id}", own_user_id=None, own_admin=False)
        row = by_id(found, "groups", self._group_id) or {}
        name = str(row.get("name") or f"number {self._group_id}")
        return Group(id=self._group_id, name=name, own_user_id=None, own_admin=True)

    def find_poll(self, reference: str, *, topic_id: int | None = None) -> Poll | None:
        """Find our poll in the lists; where there are none, among the open polls its thread shows (facts, 2.3).

        Raises CannotLookError when the thread shows none: it could have been closed since.
        """
        try:
            return super().find_poll(reference)
        except CannotLookError:
            found = self._read(f"/api/b2/discussions/{-topic_id}") if topic_id is not None and topic_id < 0 else {}
            shown = [row for row in rows(found, "polls") if carries(row, reference)]
            ours = [self._poll(row, found) for row in shown if row.get("group_id") == self._group_id]
            if not ours:
                raise
            return min(ours, key=lambda one: one.id)

    def comment(self, *, discussion_id: int, body: str) -> int:
        """Comment in a thread, as a form: JSON is refused here. Source: facts on Loomio, 2.2, as seen on 3.0.24."""
        form = {"body": body, "body_format": "md", "api_key": self._api_key}
        found = self._write("/api/b2/comments", params={"discussion_id": discussion_id}, data=form)
        return int(made(found, "comments")["id"])

    def _check_key(self) -> None:
        """Tell a dead key from a missing role, which sound alike, by something that every member may read."""
        try:
            self._read("/api/b2/discussions", group_id=self._group_id, status="all", limit=1)
        except PermanentError as error:
            if error.status != 404:
                raise
            raise PermanentError(
                f"Loomio does not accept the bot's key, or the bot is no coordinator of group {self._group_id}"
            ) from error

    # -- how this dialect puts it -----------------------------------------------------------------------------------

    def _read(self, path: str, **query: Any) -> dict[str, Any]:
        """Ask with the key in the query string: the only documented way (facts on Loomio, 1.2)."""
        return self._get(path, {**query, "api_key": self._api_key}, self._headers)

    def _create(self, root: str, resource: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Make a thread or a poll flat; what came under its own name would be thrown away (facts on Loomio, 2.2)."""
        flat = {**attributes, "api_key": self._api_key}
        if resource == "poll":
            flat["notify_recipients"] = True  # else nobody hears that there is something to vote on (facts, 3.3)
        return self._write(f"/api/b2/{root}", json=flat)

    def _hung_up(self, topic_id: int, topic: int | None, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Make a poll in a thread: on its topic, if the thread shows one, else on the discussion."""
        if topic is not None:
            try:
                return self._create("polls", "poll", {"topic_id": topic, **attributes})
            except PermanentError as error:
                # An unknown parameter is refused before anything is made.
                if error.status != 400 or topic_id > 0:
                    raise
        return self._create("polls", "poll", {"discussion_id": -topic_id, **attributes})

    def _signed(self) -> dict[str, str]:
        return self._headers

    def _items(self, topic_id: int) -> dict[str, Any]:
        blind = "Loomio before 3.1 does not show what was said in a thread"
        topic = self._topic_of(topic_id)
        if topic is None:
            raise CannotLookError(blind)
        try:
            return self._read(f"/api/b2/threads/{topic}/items")
        except PermanentError as error:
            if error.status != 404:
                raise
            raise CannotLookError(f"{blind} (it answered 404)") from error

    def _listed(self, root: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        try:
            yield from super()._listed(root)
        except PermanentError as error:
            if error.status != 404:
                raise
            raise CannotLookError(f"Loomio before 3.0.24 does not list {root} (it answered 404)") from error

    def _handle(self, row: Mapping[str, Any]) -> int:
        return -int(row["id"])
