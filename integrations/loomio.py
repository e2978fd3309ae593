"""Loomio's user API b2, in the dialect of 3.1.3 and later: Bearer key, nested threads and polls, flat comments.

Public documentation still shows a flat body that this dialect answers with 200 and loses half of; so every creation is
checked against what was asked for (facts on Loomio, 2.2). Outcomes cannot be written and polls cannot be closed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from urllib3.exceptions import NewConnectionError

from domain.proposals import OptionCount, Outcome, Poll
from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError

USER_AGENT = "trellis/0.1"
CONNECT_SECONDS = 10
PAGE = 50
MOST_PAGES = 200
LONGEST_WAIT_SECONDS = 24 * 3600
KEY_REJECTED = "You are not authorized to access this page."
OLDEST = (3, 1, 3)
SPEAKING = ("new_comment", "stance_created", "stance_updated")


@dataclass(frozen=True, kw_only=True)
class Thread:
    """A discussion as it was made or found."""

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

    def __init__(self, *, address: str, api_key: str, group_id: int, call_seconds: float = 30) -> None:
        """Nothing is sent yet. `address` has no trailing slash."""
        self._address = address.rstrip("/")
        self._group_id = group_id
        self._timeout = (min(CONNECT_SECONDS, call_seconds), call_seconds)
        self._headers = {
            "Authorization": f"Bearer {api_key}",
            "Accept": "application/json",
            # Hosted Loomio refuses the default names of libraries (facts on Loomio, 1.5).
            "User-Agent": USER_AGENT,
        }

    # -- reading --------------------------------------------------------------------------------------------------

    def version(self) -> str:
        """Give the version; needs no key. Source: boot_controller, facts on Loomio 0."""
        return str(self._read("/api/v1/boot/version").get("version", ""))

    def group(self) -> Group:
        """Read the group and our own membership; also the test of a key that works (facts on Loomio, 1.3 and 2.8)."""
        found = self._read("/api/b2/groups")
        row = _by_id(found, "groups", self._group_id)
        if row is None:
            raise PermanentError(f"the bot account is not a member of Loomio group {self._group_id}")
        own = next((one for one in _rows(found, "memberships") if one.get("group_id") == self._group_id), {})
        return Group(
            id=self._group_id,
            name=str(row.get("name", "")),
            own_user_id=own.get("user_id"),
            own_admin=own.get("admin"),
        )

    def poll(self, key: str) -> Poll:
        """Read one poll as it stands now, selected by key: side-loads may bring other polls (facts on Loomio, 2.3)."""
        found = self._read(f"/api/b2/polls/{key}")
        row = next((one for one in _rows(found, "polls") if one.get("key") == key), None)
        if row is None:
            raise TemporaryError("Loomio's answer does not hold the poll that was asked for")
        return self._poll(row, found)

    def find_thread(self, reference: str) -> Thread | None:
        """Find our thread by the visible reference in its title, `(GT-0007)`; the oldest, if there were two."""
        found = [self._thread(row) for row, _ in self._listed("discussions") if _carries(row, reference)]
        return min(found, key=lambda one: one.discussion_id, default=None)

    def find_poll(self, reference: str) -> Poll | None:
        """Find our poll by the visible reference in its title; the oldest, if there were two."""
        found = [self._poll(row, whole) for row, whole in self._listed("polls") if _carries(row, reference)]
        return min(found, key=lambda one: one.id, default=None)

    def find_comment(self, topic_id: int, mark: str) -> int | None:
        """Find a comment of a thread by the visible sign in it."""
        found = self._read(f"/api/b2/threads/{topic_id}/items")
        bodies = ((one.get("id"), str(one.get("body") or "")) for one in _rows(found, "comments"))
        return next((int(one) for one, body in bodies if one is not None and mark in body), None)

    def speakers(self, topic_id: int) -> set[str]:
        """Give the usernames of whoever has spoken in a thread: a comment, or a vote with a reason or without.

        Source: facts on Loomio, 2.8: items are not paginated; users come beside them.
        """
        found = self._read(f"/api/b2/threads/{topic_id}/items")
        spoken = {one.get("actor_id") for one in _rows(found, "items") if one.get("kind") in SPEAKING}
        users = _rows(found, "users")
        return {str(one["username"]).casefold() for one in users if one.get("id") in spoken and one.get("username")}

    # -- writing: each sent once ------------------------------------------------------------------------------------

    def start_thread(self, *, title: str, description: str) -> Thread:
        """Start a thread in the group. Source: facts on Loomio, 2.4; `private` is left to the group's own rule."""
        attributes = {
            "group_id": self._group_id,
            "title": title,
            "description": description,
            "description_format": "md",
        }
        found = self._write("/api/b2/discussions", {"discussion": attributes})
        row = _only(found, "discussions")
        thread = self._thread(row)
        group_id = row.get("group_id") or _topic(found, thread.topic_id).get("group_id")
        if group_id != self._group_id:
            raise PermanentError(f"Loomio made a thread outside the group: id {thread.discussion_id}, group {group_id}")
        return thread

    def start_poll(
        self,
        *,
        topic_id: int,
        title: str,
        details: str,
        options: tuple[str, ...],
        closing_at: datetime,
        quorum_percent: int | None,
    ) -> Poll:
        """Start a proposal in a thread. `closing_at` is a whole hour. Source: facts on Loomio, 2.5."""
        attributes: dict[str, Any] = {
            "topic_id": topic_id,
            "title": title,
            "poll_type": "proposal",
            "details": details,
            "details_format": "md",
            "options": list(options),
            "closing_at": closing_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "notify_on_closing_soon": "undecided_voters",
        }
        if quorum_percent is not None:
            attributes["quorum_pct"] = quorum_percent
        found = self._write("/api/b2/polls", {"poll": attributes})
        row = _only(found, "polls")
        poll = self._poll(row, found)
        names = row.get("poll_option_names") or []
        if len(names) != len(options) or poll.topic_id != topic_id or poll.group_id != self._group_id:
            raise PermanentError(
                f"Loomio made a poll that is not what was asked for: id {poll.id}, key {poll.key}, "
                f"{len(names)} options, topic {poll.topic_id}"
            )
        return poll

    def start_team_poll(self, *, title: str, details: str, options: tuple[str, ...], closing_at: datetime) -> Poll:
        """Start a poll of the whole group, in a thread of its own. Source: facts on Loomio, 2.5."""
        attributes = {
            "group_id": self._group_id,
            "title": title,
            "poll_type": "poll",
            "details": details,
            "details_format": "md",
            "options": list(options),
            "closing_at": closing_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "notify_on_closing_soon": "undecided_voters",
        }
        found = self._write("/api/b2/polls", {"poll": attributes})
        row = _only(found, "polls")
        names = row.get("poll_option_names") or []
        poll = self._poll(row, found)
        if len(names) != len(options) or poll.group_id != self._group_id:
            raise PermanentError(f"Loomio made a poll that is not what was asked for: id {poll.id}, key {poll.key}")
        return poll

    def comment(self, *, discussion_id: int, body: str) -> int:
        """Comment in a thread, as flat JSON. Source: facts on Loomio, 2.2 and 2.6."""
        found = self._write("/api/b2/comments", {"discussion_id": discussion_id, "body": body, "body_format": "md"})
        return int(_only(found, "comments")["id"])

    # -- the connection ---------------------------------------------------------------------------------------------

    def _read(self, path: str, **query: Any) -> dict[str, Any]:
        try:
            answer = requests.get(
                self._address + path, params=query, headers=self._headers, timeout=self._timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            raise TemporaryError(f"Loomio could not be read ({type(error).__name__})") from error
        if answer.status_code >= 500:
            raise TemporaryError(f"Loomio answered {answer.status_code}")
        try:
            return _json(answer, wrote=False)
        except UnknownOutcomeError as error:
            raise TemporaryError(str(error)) from error

    def _write(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = requests.post(
                self._address + path, json=body, headers=self._headers, timeout=self._timeout, allow_redirects=False
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
        return _json(answer, wrote=True)

    def _listed(self, root: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield every record of the group under a root, with the answer it came in; `status` is always sent."""
        seen: set[int] = set()
        for page in range(MOST_PAGES):
            found = self._read(f"/api/b2/{root}", group_id=self._group_id, status="all", limit=PAGE, offset=page * PAGE)
            rows = [row for row in _rows(found, root) if row.get("id") not in seen]
            for row in rows:
                seen.add(row["id"])
                if row.get("group_id") in (None, self._group_id):
                    yield row, found
            if not rows:
                return

    def _thread(self, row: dict[str, Any]) -> Thread:
        topic_id, key = row.get("topic_id"), row.get("key")
        if not isinstance(topic_id, int) or not key:
            raise PermanentError(f"Loomio's thread {row.get('id')} names no topic; is it older than 3.1?")
        return Thread(
            discussion_id=int(row["id"]),
            topic_id=topic_id,
            key=str(key),
            url=f"{self._address}/d/{key}",
            title=str(row.get("title") or ""),
            author_id=row.get("author_id"),
        )

    def _poll(self, row: dict[str, Any], whole: dict[str, Any]) -> Poll:
        icons = {one["id"]: one.get("icon") for one in _rows(whole, "poll_options") if one.get("poll_id") == row["id"]}
        results = row.get("results")
        return Poll(
            id=int(row["id"]),
            key=str(row["key"]),
            url=f"{self._address}/p/{row['key']}",
            group_id=row.get("group_id"),
            topic_id=row.get("topic_id"),
            title=str(row.get("title") or ""),
            closing_at=_instant(row.get("closing_at")),
            closed_at=_instant(row.get("closed_at")),
            discarded_at=_instant(row.get("discarded_at")),
            counts=None if results is None else _counts(results, icons),
            voters_count=int(row.get("voters_count") or 0),
            decided_count=row.get("decided_voters_count"),
            quorum_count=row.get("quorum_count") if row.get("quorum_pct") else None,
            outcome=_outcome(row, whole, icons),
        )


def _counts(results: list[dict[str, Any]], icons: dict[int, str | None]) -> tuple[OptionCount, ...]:
    """Count people, never points, and leave out the rows for 'none of these' and 'undecided' (facts on Loomio, 3.5)."""
    return tuple(
        OptionCount(
            option_id=int(one["id"]),
            icon=one.get("icon") or icons.get(one["id"]),
            name=str(one.get("name") or ""),
            voter_count=int(one.get("voter_count") or 0),
            test_passed=one.get("test_result"),
        )
        for one in results
        if int(one.get("id") or 0) > 0
    )


def _outcome(row: dict[str, Any], whole: dict[str, Any], icons: dict[int, str | None]) -> Outcome | None:
    wanted = row.get("current_outcome_id")
    found = next((one for one in _rows(whole, "outcomes") if one.get("id") == wanted), None)
    if wanted is None:
        return None
    if found is None:
        raise TemporaryError("Loomio's answer does not hold the outcome it names")
    return Outcome(
        id=int(found["id"]),
        statement=str(found.get("statement") or ""),
        icon=icons.get(found.get("poll_option_id") or 0),
    )


def _carries(row: dict[str, Any], reference: str) -> bool:
    return f"({reference})" in str(row.get("title") or "") and not row.get("discarded_at")


def _rows(found: dict[str, Any], root: str) -> list[dict[str, Any]]:
    rows = found.get(root)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _by_id(found: dict[str, Any], root: str, wanted: int) -> dict[str, Any] | None:
    return next((row for row in _rows(found, root) if row.get("id") == wanted), None)


def _topic(found: dict[str, Any], topic_id: int) -> dict[str, Any]:
    return _by_id(found, "topics", topic_id) or {}


def _only(found: dict[str, Any], root: str) -> dict[str, Any]:
    rows = _rows(found, root)
    # A creation answers with the one record it made; the newest id is ours should side-loads have joined it.
    made = max(rows, key=lambda row: int(row.get("id") or 0), default=None)
    if made is None or not made.get("id"):
        raise UnknownOutcomeError(f"Loomio's answer holds no {root}")
    return made


def _instant(said: str | None) -> datetime | None:
    return datetime.fromisoformat(said).astimezone(UTC) if said else None


def _json(answer: requests.Response, *, wrote: bool) -> dict[str, Any]:
    """Give the answer's JSON, or raise what its status asks for (facts on Loomio, 1.5)."""
    status = answer.status_code
    try:
        found = answer.json()
    except requests.JSONDecodeError:
        found = None
    if status == 200 and isinstance(found, dict):
        return found
    if 200 <= status < 300:
        raise UnknownOutcomeError(f"Loomio answered {status} with nothing we can read")
    said = str(found.get("error", "")) if isinstance(found, dict) else ""
    if status == 429 and wrote and isinstance(found, dict):
        # The daily limit on invitations answers in JSON, and may come after the poll was saved (facts on Loomio, 1.6).
        raise UnknownOutcomeError("Loomio's daily limit on invitations is reached")
    if status == 429:
        raise TemporaryError("Loomio asks for a pause", _retry_at(answer))
    if status == 403 and (said == KEY_REJECTED or said == "403"):
        # A rejected key, or a creation that was refused after it was saved: the ledger looks before it gives up.
        raise PermanentError("Loomio does not accept the bot's key, or not for this", may_have_happened=wrote)
    if status == 403:
        raise PermanentError(
            f"Loomio does not let the bot do this: {said or 'no reason given'}", may_have_happened=wrote
        )
    if status == 422:
        errors = found.get("errors") if isinstance(found, dict) else None
        fields = ", ".join(sorted(errors)) if isinstance(errors, dict) else ""
        raise PermanentError(f"Loomio does not accept what was sent: {fields or 'no field named'}")
    raise PermanentError(f"Loomio answered {status}")


def _retry_at(answer: requests.Response) -> datetime:
    said = answer.headers.get("Retry-After", "")
    # The limit is 900 requests in five minutes; without a wish of Loomio's, half a window is waited.
    return datetime.now(UTC) + timedelta(seconds=min(int(said), LONGEST_WAIT_SECONDS) if said.isdigit() else 150)


def dialect_problem(version: str) -> str | None:
    """Say what is wrong with a Loomio version, None when this client speaks its dialect."""
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if len(numbers) < 3:
        return f"Loomio's version {version!r} is not known here"
    if numbers < OLDEST:
        return f"Loomio {version} speaks an older dialect; Trellis needs 3.1.3 or later"
    return None
