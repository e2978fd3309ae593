"""GitHub's present state of one issue, as Trellis reads it; deliveries are only a reason to look again."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CloseReason(StrEnum):
    """GitHub's own words for why an issue was closed."""

    COMPLETED = "completed"
    NOT_PLANNED = "not_planned"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, kw_only=True)
class Issue:
    """An issue as it stands now. Logins and labels compare without case, as GitHub does. Times are aware UTC."""

    number: int
    title: str
    body: str
    author: str
    url: str
    open: bool
    close_reason: CloseReason | None
    labels: tuple[str, ...]
    assignees: tuple[str, ...]
    locked: bool
    targets_done: int = 0  # of its sub-issues
    targets_total: int = 0
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        for name in ("title", "body", "url"):
            object.__setattr__(self, name, storable(getattr(self, name)))

    def has_label(self, name: str) -> bool:
        """Say whether the issue carries a label, whatever its case."""
        return name.casefold() in {label.casefold() for label in self.labels}


class Gone(StrEnum):
    """Why an issue can no longer be read where it was."""

    DELETED = "deleted"
    TRANSFERRED = "transferred"
    OUT_OF_REACH = "out of reach"


@dataclass(frozen=True, kw_only=True)
class IssueGone:
    """An issue that is not there any more, or not for us."""

    number: int
    why: Gone


@dataclass(frozen=True, kw_only=True)
class Comment:
    """One comment of an issue."""

    id: int
    author: str
    body: str
    created_at: datetime
    url: str

    def __post_init__(self) -> None:
        for name in ("body", "url"):
            object.__setattr__(self, name, storable(getattr(self, name)))


def storable(text: str) -> str:
    """Put a replacement sign where a text has a zero byte or half a character, which no database takes."""
    whole = text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "\ufffd")


MARKER = re.compile(r"<!-- trellis:key=(?P<key>[^\s>]{1,200}) -->")


def marker_of(key: str) -> str:
    """Give the hidden line that makes an issue or comment of ours recognisable after an unknown outcome."""
    return f"<!-- trellis:key={key} -->"


def key_in(body: str) -> str | None:
    """Find the key of our hidden marker. Believe it only when the author is our own login: people can copy it."""
    found = MARKER.search(body)
    return found["key"] if found else None


def same_login(left: str | None, right: str | None) -> bool:
    """Compare two logins as GitHub does, without case; nobody equals nobody is False."""
    return left is not None and right is not None and left.casefold() == right.casefold()
