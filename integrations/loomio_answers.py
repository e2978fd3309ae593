"""Reads what Loomio answers: records out of a compound envelope, and what each refusal means.

Facts on Loomio, 1.5 (refusals), 2.3 (envelope), 2.5 and 3.5 (polls and results).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from domain.proposals import OptionCount, Outcome, Poll
from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError

LONGEST_WAIT_SECONDS = 24 * 3600
KEY_REJECTED = "You are not authorized to access this page."


def asks_for_a_pause(answer: requests.Response, *, wrote: bool) -> bool:
    """Say whether Loomio asks for a pause (facts on Loomio, 1.6).

    Its daily limit on invitations answers in JSON, and may come after the poll was saved: that is something else.
    """
    return answer.status_code == 429 and not (wrote and isinstance(_said(answer), dict))


def wished(answer: requests.Response) -> datetime | None:
    """Read until when Loomio wishes for a pause; None when it does not say, as most do not."""
    said = answer.headers.get("Retry-After", "")
    return datetime.now(UTC) + timedelta(seconds=min(int(said), LONGEST_WAIT_SECONDS)) if said.isdigit() else None


def json_of(answer: requests.Response, *, wrote: bool) -> dict[str, Any]:
    """Give the answer's JSON, or raise what its status asks for (facts on Loomio, 1.5)."""
    status = answer.status_code
    found = _said(answer)
    if status == 200 and isinstance(found, dict):
        return found
    if 200 <= status < 300:
        raise UnknownOutcomeError(f"Loomio answered {status} with nothing we can read")
    said = str(found.get("error", "")) if isinstance(found, dict) else ""
    if status == 429:
        raise UnknownOutcomeError("Loomio's daily limit on invitations is reached")
    if status == 403 and said in (KEY_REJECTED, "403"):
        # A rejected key, or a creation that was refused after it was saved: the ledger looks before it gives up.
        raise PermanentError(
            "Loomio does not accept the bot's key, or not for this; flask doctor tells more",
            may_have_happened=wrote,
            status=status,
        )
    if status == 403:
        raise PermanentError(
            f"Loomio does not let the bot do this: {said or 'no reason given'}", may_have_happened=wrote, status=status
        )
    if status == 422:
        raise PermanentError(f"Loomio does not accept what was sent: {_fields(found)}", status=status)
    raise PermanentError(f"Loomio answered {status}", status=status)


def _fields(found: Any) -> str:
    errors = found.get("errors") if isinstance(found, dict) else None
    if not isinstance(errors, dict) or not errors:
        return "no field named"
    return "; ".join(
        f"{name} {', '.join(map(str, said)) if isinstance(said, list) else said}"
        for name, said in sorted(errors.items())
    )


def _said(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except requests.JSONDecodeError:
        return None


# -- records ----------------------------------------------------------------------------------------------------------


def rows(found: Mapping[str, Any], root: str) -> list[dict[str, Any]]:
    """Give the records under a root; single ones come as a list too, and side-loads may have joined them."""
    listed = found.get(root)
    return [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []


def by_id(found: Mapping[str, Any], root: str, wanted: int | None) -> dict[str, Any] | None:
    """Give the record of an id, None when the answer does not hold it."""
    return next((row for row in rows(found, root) if row.get("id") == wanted), None)


def made(found: Mapping[str, Any], root: str) -> dict[str, Any]:
    """Give the record that a creation has just made: the newest, should side-loads have joined it.

    Raises UnknownOutcomeError when the answer holds none.
    """
    newest = max(rows(found, root), key=lambda row: int(row.get("id") or 0), default=None)
    if newest is None or not newest.get("id"):
        raise UnknownOutcomeError(f"Loomio's answer holds no {root}")
    return newest


def carries(row: Mapping[str, Any], reference: str) -> bool:
    """Say whether a record is one of ours: its title holds the visible reference, and it was not thrown away."""
    return f"({reference})" in str(row.get("title") or "") and not row.get("discarded_at")


def poll_of(row: dict[str, Any], whole: Mapping[str, Any], address: str) -> Poll:
    """Read one poll, whichever dialect it comes in."""
    icons = {one["id"]: one.get("icon") for one in rows(whole, "poll_options") if one.get("poll_id") == row["id"]}
    results = row.get("results")
    return Poll(
        id=int(row["id"]),
        key=str(row["key"]),
        url=f"{address}/p/{row['key']}",
        group_id=row.get("group_id"),
        topic_id=place_of(row),
        title=str(row.get("title") or ""),
        closing_at=instant(row.get("closing_at")),
        closed_at=instant(row.get("closed_at")),
        discarded_at=instant(row.get("discarded_at")),
        counts=None if results is None else _counts(results, icons),
        voters_count=int(row.get("voters_count") or 0),
        decided_count=row.get("decided_voters_count"),
        quorum_count=row.get("quorum_count") if row.get("quorum_pct") else None,
        outcome=_outcome(row, whole, icons),
    )


def place_of(row: Mapping[str, Any]) -> int | None:
    """Say what a poll hangs on: its topic, or minus its discussion's id, so that neither is taken for the other."""
    topic_id, discussion_id = row.get("topic_id"), row.get("discussion_id")
    if isinstance(topic_id, int):
        return topic_id
    return -discussion_id if isinstance(discussion_id, int) else None


def instant(said: str | None) -> datetime | None:
    """Read a time as Loomio writes it, with or without thousandths."""
    return datetime.fromisoformat(said).astimezone(UTC) if said else None


def _counts(results: list[dict[str, Any]], icons: Mapping[int, str | None]) -> tuple[OptionCount, ...]:
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


def _outcome(row: Mapping[str, Any], whole: Mapping[str, Any], icons: Mapping[int, str | None]) -> Outcome | None:
    wanted = row.get("current_outcome_id")
    if wanted is None:
        return None
    found = by_id(whole, "outcomes", wanted)
    if found is None:
        raise TemporaryError("Loomio's answer does not hold the outcome it names")
    return Outcome(
        id=int(found["id"]),
        statement=str(found.get("statement") or ""),
        icon=icons.get(found.get("poll_option_id") or 0),
    )


# -- the echo of a creation -------------------------------------------------------------------------------------------

# Loomio forces these by itself for an anonymous poll (facts on Loomio, 3.4).
FORCED_WHEN_ANONYMOUS = ("hide_results", "notify_on_closing_soon")
ECHOED = ("anonymous", "hide_results", "notify_on_closing_soon", "quorum_pct")


def differences(
    row: Mapping[str, Any], whole: Mapping[str, Any], asked: Mapping[str, Any], icons: tuple[str | None, ...]
) -> Iterator[str]:
    """Say where a new poll is not what was asked for: a body half lost is answered with 200 all the same.

    `icons` are those its options need for their votes to be read; None where any will do. Facts on Loomio, 2.2 and 3.1.
    """
    names = row.get("poll_option_names") or []
    if len(names) != len(asked["options"]):
        yield f"{len(names)} options instead of {len(asked['options'])}"
    else:
        ours = [one for one in rows(whole, "poll_options") if one.get("poll_id") == row.get("id")]
        ours.sort(key=lambda one: int(one.get("priority") or 0))
        for option, wanted, word in zip(ours, icons, asked["options"], strict=False):
            if wanted is not None and option.get("icon") != wanted:
                yield f"option {word} has the icon {option.get('icon')}, not {wanted}"
    if instant(row.get("closing_at")) != instant(asked["closing_at"]):
        yield f"closing_at is {row.get('closing_at')}, not {asked['closing_at']}"
    forced = FORCED_WHEN_ANONYMOUS if asked.get("anonymous") else ()
    for name in ECHOED:
        if name in asked and name in row and name not in forced and row[name] != asked[name]:
            yield f"{name} is {row[name]}, not {asked[name]}"
