"""Loomio's user API b2, as 3.1.3 and later speak it: Bearer key, nested threads and polls, flat comments.

Public documentation still shows a flat body that this dialect answers with 200 and loses half of; so every creation is
checked against what was asked for (facts on Loomio, 2.2). Outcomes cannot be written and polls cannot be closed. What
came before 3.1.3 speaks otherwise: `integrations/loomio_legacy.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NewConnectionError

from domain.policy import ClosingSoon, HideResults, LoomioDialect
from domain.proposals import ICON_OF, Poll
from integrations.errors import PacedError, PermanentError, TemporaryError, UnknownOutcomeError
from integrations.loomio_answers import (
    asks_for_a_pause,
    by_id,
    carries,
    differences,
    json_of,
    made,
    poll_of,
    rows,
    wished,
)
from integrations.loomio_versions import dialect_problem
from integrations.pace import LEAST_PAUSE, Pace

USER_AGENT = "trellis/0.1"
CONNECT_SECONDS = 10
PAGE = 50
MOST_PAGES = 200
SPEAKING = ("new_comment", "stance_created", "stance_updated")


@dataclass(frozen=True, kw_only=True)
class Thread:
    """A discussion as it was made or found.

    `topic_id` is what polls and comments of it hang on. Where Loomio has no topics yet it is minus the discussion's id:
    no topic is ever mistaken for it, not even after an upgrade.
    """

    discussion_id: int
    topic_id: int
    key: str
    url: str
    title: str
    author_id: int | None


@dataclass(frozen=True, kw_only=True)
class Group:
    """What Loomio says of the group and of our own part in it."""

    id: int
    name: str
    own_user_id: int | None
    own_admin: bool | None


class Loomio:
    """One organisation's group on one Loomio, as seen by its bot account."""

    dialect = LoomioDialect.CURRENT

    def __init__(
        self, *, address: str, api_key: str, group_id: int, call_seconds: float = 30, pace: Pace | None = None
    ) -> None:
        """Nothing is sent yet. `address` has no trailing slash."""
        self._address = address.rstrip("/")
        self._api_key = api_key
        self._group_id = group_id
        self._pace = pace
        # Its limit counts every request from one address, whoever asks (facts on Loomio, 1.6).
        self.account = f"loomio:{urlsplit(self._address).netloc.casefold()}"
        self._timeout = (min(CONNECT_SECONDS, call_seconds), call_seconds)
        # Hosted Loomio refuses the default names of libraries (facts on Loomio, 1.5).
        self._headers = {"Accept": "application/json", "User-Agent": USER_AGENT}

    # -- reading --------------------------------------------------------------------------------------------------

    def version(self) -> str:
        """Give the version; needs no key. Source: boot_controller, facts on Loomio 0."""
        return str(self._get("/api/v1/boot/version", {}, self._headers).get("version", ""))

    def check_dialect(self) -> None:
        """Ask Loomio for its version, before anything is written.

        Raises PermanentError when it speaks the other dialect.
        """
        problem = dialect_problem(self.version(), self.dialect, f"Loomio at {self._address}")
        if problem is not None:
            raise PermanentError(problem)

    def group(self) -> Group:
        """Read the group and our own membership; also the test of a key that works (facts on Loomio, 1.3 and 2.8)."""
        found = self._read("/api/b2/groups")
        row = by_id(found, "groups", self._group_id)
        if row is None:
            raise PermanentError(f"the bot account is not a member of Loomio group {self._group_id}")
        own = next((one for one in rows(found, "memberships") if one.get("group_id") == self._group_id), {})
        return Group(
            id=self._group_id,
            name=str(row.get("name", "")),
            own_user_id=own.get("user_id"),
            own_admin=own.get("admin"),
        )

    def poll(self, key: str) -> Poll:
        """Read one poll as it stands now, selected by key: side-loads may bring other polls (facts on Loomio, 2.3)."""
        found = self._read(f"/api/b2/polls/{key}")
        row = next((one for one in rows(found, "polls") if one.get("key") == key), None)
        if row is None:
            raise TemporaryError("Loomio's answer does not hold the poll that was asked for")
        return self._poll(row, found)

    def find_thread(self, reference: str) -> Thread | None:
        """Find our thread by the visible reference in its title, `(GT-0007)`; the oldest, if there were two."""
        found = [self._thread(row) for row, _ in self._listed("discussions") if carries(row, reference)]
        return min(found, key=lambda one: one.discussion_id, default=None)

    def find_poll(self, reference: str, *, topic_id: int | None = None) -> Poll | None:  # noqa: ARG002
        """Find our poll by the visible reference in its title; the oldest, if there were two.

        `topic_id` is the thread it was meant for, which helps a Loomio that has no lists.
        """
        found = [self._poll(row, whole) for row, whole in self._listed("polls") if carries(row, reference)]
        return min(found, key=lambda one: one.id, default=None)

    def find_comment(self, topic_id: int, mark: str) -> int | None:
        """Find a comment of a thread by the visible sign in it."""
        bodies = ((one.get("id"), str(one.get("body") or "")) for one in rows(self._items(topic_id), "comments"))
        return next((int(one) for one, body in bodies if one is not None and mark in body), None)

    def speakers(self, topic_id: int) -> set[str]:
        """Give the usernames of whoever has spoken in a thread: a comment, or a vote with a reason or without.

        Source: facts on Loomio, 2.8: items are not paginated; users come beside them.
        """
        found = self._items(topic_id)
        spoken = {one.get("actor_id") for one in rows(found, "items") if one.get("kind") in SPEAKING}
        users = rows(found, "users")
        return {str(one["username"]).casefold() for one in users if one.get("id") in spoken and one.get("username")}

    # -- writing: each sent once ------------------------------------------------------------------------------------

    def start_thread(self, *, title: str, description: str, private: bool | None = None) -> Thread:
        """Start a thread in the group. Source: facts on Loomio, 2.4; `private` None leaves it to the group's own rule.

        A group that has only the other kind refuses with 422, before anything is made.
        """
        attributes: dict[str, Any] = {
            "group_id": self._group_id,
            "title": title,
            "description": description,
            "description_format": "md",
        }
        if private is not None:
            attributes["private"] = private
        found = self._create("discussions", "discussion", attributes)
        row = made(found, "discussions")
        topic = by_id(found, "topics", row.get("topic_id")) or {}
        group_id = row.get("group_id") or topic.get("group_id")
        if group_id != self._group_id:
            raise PermanentError(f"Loomio made a thread outside the group: id {row['id']}, group {group_id}")
        is_private = topic.get("private", row.get("private"))
        if private is not None and is_private is not None and is_private is not private:
            raise PermanentError(
                f"Loomio made a thread that is not what was asked for: id {row['id']}, private {is_private}"
            )
        return self._thread(row)

    def start_poll(
        self,
        *,
        topic_id: int,
        title: str,
        details: str,
        options: tuple[str, ...],
        closing_at: datetime,
        quorum_percent: int | None,
        anonymous: bool = False,
        hide_results: HideResults = HideResults.OFF,
        closing_soon: ClosingSoon = ClosingSoon.UNDECIDED_VOTERS,
    ) -> Poll:
        """Start a proposal in a thread. `closing_at` is a whole hour. Source: facts on Loomio, 2.5."""
        attributes = self._question(title, details, options, closing_at, closing_soon) | {
            "poll_type": "proposal",
            "anonymous": anonymous,
            "hide_results": hide_results.value,
        }
        if quorum_percent is not None:
            attributes["quorum_pct"] = quorum_percent
        topic = self._topic_of(topic_id)
        found = self._hung_up(topic_id, topic, attributes)
        row = made(found, "polls")
        poll = self._poll(row, found)
        amiss = list(differences(row, found, attributes, tuple(ICON_OF.get(one) for one in options)))
        if poll.topic_id is None or poll.topic_id not in (topic, topic_id):
            amiss.insert(0, f"thread {poll.topic_id}, not {topic_id}")
        return self._as_asked(poll, amiss)

    def start_team_poll(
        self,
        *,
        title: str,
        details: str,
        options: tuple[str, ...],
        closing_at: datetime,
        closing_soon: ClosingSoon = ClosingSoon.UNDECIDED_VOTERS,
    ) -> Poll:
        """Start a poll of the whole group, in a thread of its own. Source: facts on Loomio, 2.5."""
        attributes = self._question(title, details, options, closing_at, closing_soon)
        attributes |= {"poll_type": "poll", "group_id": self._group_id}
        found = self._create("polls", "poll", attributes)
        row = made(found, "polls")
        return self._as_asked(self._poll(row, found), list(differences(row, found, attributes, ())))

    def comment(self, *, discussion_id: int, body: str) -> int:
        """Comment in a thread, as flat JSON. Source: facts on Loomio, 2.2 and 2.6."""
        attributes = {"discussion_id": discussion_id, "body": body, "body_format": "md"}
        return int(made(self._write("/api/b2/comments", json=attributes), "comments")["id"])

    # -- how this dialect puts it -----------------------------------------------------------------------------------

    def _read(self, path: str, **query: Any) -> dict[str, Any]:
        """Ask with the key. Source: facts on Loomio, 1.2: in the query string it is refused."""
        return self._get(path, query, self._signed())

    def _create(self, root: str, resource: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Make a thread or a poll under its own name. Source: facts on Loomio, 2.2."""
        return self._write(f"/api/b2/{root}", json={resource: dict(attributes)})

    def _hung_up(self, topic_id: int, topic: int | None, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """Make a poll in a thread."""
        if topic is None:
            raise PermanentError(f"Loomio's discussion {-topic_id} names no topic to hang a poll on")
        return self._create("polls", "poll", {"topic_id": topic, **attributes})

    def _signed(self) -> dict[str, str]:
        return {**self._headers, "Authorization": f"Bearer {self._api_key}"}

    def _items(self, topic_id: int) -> dict[str, Any]:
        """Read the whole history of a thread. Source: facts on Loomio, 2.8."""
        return self._read(f"/api/b2/threads/{self._topic_of(topic_id)}/items")

    def _listed(self, root: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield every record of the group under a root, with the answer it came in; `status` is always sent."""
        seen: set[int] = set()
        for page in range(MOST_PAGES):
            found = self._read(f"/api/b2/{root}", group_id=self._group_id, status="all", limit=PAGE, offset=page * PAGE)
            fresh = [row for row in rows(found, root) if row.get("id") not in seen]
            for row in fresh:
                seen.add(row["id"])
                if row.get("group_id") in (None, self._group_id):
                    yield row, found
            if not fresh:
                return

    # -- what both dialects share -----------------------------------------------------------------------------------

    def _question(
        self, title: str, details: str, options: tuple[str, ...], closing_at: datetime, closing_soon: ClosingSoon
    ) -> dict[str, Any]:
        return {
            "title": title,
            "details": details,
            "details_format": "md",
            "options": list(options),
            "closing_at": closing_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "notify_on_closing_soon": closing_soon.value,
        }

    def _as_asked(self, poll: Poll, amiss: list[str]) -> Poll:
        """Give a new poll back, or name the stray when it is not what was asked for."""
        if poll.group_id != self._group_id:
            amiss.insert(0, f"group {poll.group_id}, not {self._group_id}")
        if amiss:
            raise PermanentError(
                f"Loomio made a poll that is not what was asked for: id {poll.id}, key {poll.key}: {'; '.join(amiss)}"
            )
        return poll

    def _topic_of(self, topic_id: int) -> int | None:
        """Give the topic of a thread; of one from before there were topics, ask its discussion. None: there is none."""
        if topic_id > 0:
            return topic_id
        found = self._read(f"/api/b2/discussions/{-topic_id}")
        row = by_id(found, "discussions", -topic_id)
        if row is None:
            raise TemporaryError("Loomio's answer does not hold the thread that was asked for")
        return row.get("topic_id")

    def _thread(self, row: Mapping[str, Any]) -> Thread:
        return Thread(
            discussion_id=int(row["id"]),
            topic_id=self._handle(row),
            key=str(row["key"]),
            url=f"{self._address}/d/{row['key']}",
            title=str(row.get("title") or ""),
            author_id=row.get("author_id"),
        )

    def _handle(self, row: Mapping[str, Any]) -> int:
        topic_id = row.get("topic_id")
        if not isinstance(topic_id, int):
            raise PermanentError(f"Loomio's thread {row.get('id')} names no topic; is it older than 3.1?")
        return topic_id

    def _poll(self, row: dict[str, Any], whole: Mapping[str, Any]) -> Poll:
        return poll_of(row, whole, self._address)

    # -- the connection ---------------------------------------------------------------------------------------------

    def _get(self, path: str, query: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        self._take()
        try:
            answer = requests.get(
                self._address + path, params=query, headers=headers, timeout=self._timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            # Never with its cause, which tells the whole address: in the legacy dialect the key stands there.
            raise TemporaryError(f"Loomio could not be read ({type(error).__name__})") from None
        if answer.status_code >= 500:
            raise TemporaryError(f"Loomio answered {answer.status_code}")
        self._keep_pause(answer, wrote=False)
        try:
            return json_of(answer, wrote=False)
        except UnknownOutcomeError as error:
            raise TemporaryError(str(error)) from error

    def _write(self, path: str, **sent: Any) -> dict[str, Any]:
        self._take()
        try:
            answer = requests.post(
                self._address + path, headers=self._signed(), timeout=self._timeout, allow_redirects=False, **sent
            )
        except requests.ConnectTimeout as error:
            raise TemporaryError("Loomio could not be reached") from error
        except requests.ConnectionError as error:
            # Refused or unresolved: nothing was ever sent.
            if isinstance(getattr(error.args[0] if error.args else None, "reason", None), NewConnectionError):
                raise TemporaryError("Loomio could not be reached") from error
            raise UnknownOutcomeError("the connection to Loomio broke") from error
        except requests.RequestException as error:
            raise UnknownOutcomeError(f"Loomio's answer is not known ({type(error).__name__})") from error
        if answer.status_code >= 500:
            raise UnknownOutcomeError(f"Loomio answered {answer.status_code}")
        self._keep_pause(answer, wrote=True)
        return json_of(answer, wrote=True)

    def _take(self) -> None:
        if self._pace is not None:
            self._pace.take(self.account)

    def _keep_pause(self, answer: requests.Response, *, wrote: bool) -> None:
        if not asks_for_a_pause(answer, wrote=wrote):
            return
        said, until = "Loomio asks for a pause", wished(answer)
        if self._pace is None:
            raise TemporaryError(said, until or datetime.now(UTC) + LEAST_PAUSE)
        raise PacedError(said, account=self.account, room_at=self._pace.pause(self.account, until))
