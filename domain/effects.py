"""Everything Trellis may do to the outside world: a closed union of imperative records.

An effect says what to send and which words to use, never how. Its key is deterministic, so planning the same effect
twice is planning it once; the key travels in the hidden marker (GitHub) or beside the visible reference (Loomio).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

Values = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Say:
    """Words from `config/messages/<locale>/<name>.md` with their values filled in when they are sent."""

    name: str
    locale: str = "en"
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class OpenIssue:
    """Open an issue for something that was started elsewhere; `about` is `objective:ID` or `ticket:ID`."""

    key: str
    about: str
    title: str
    body: Say
    labels: tuple[str, ...]
    assignees: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CommentOnIssue:
    """Say something on an issue."""

    key: str
    about: str
    issue_number: int
    body: Say


@dataclass(frozen=True, kw_only=True)
class NudgeOnIssue:
    """Nudge one person on their issue, unless they wrote there since `period_starts_at` or it is too late by then.

    Due-ness is judged again at the moment of sending; `due_at` and `too_late_at` are aware UTC.
    """

    key: str
    about: str
    person_id: int
    rhythm: str
    issue_number: int
    period_starts_at: datetime
    due_at: datetime
    too_late_at: datetime
    body: Say


@dataclass(frozen=True, kw_only=True)
class ShowTicketState:
    """Label a ticket's issue with its state at the moment of sending, so that a late one is right too.

    Harmless when repeated.
    """

    key: str
    about: str
    issue_number: int


@dataclass(frozen=True, kw_only=True)
class StartThread:
    """Start a Loomio thread for a ticket; `reference` (GT-0007) stands in the title, where it is found again."""

    key: str
    about: str
    reference: str
    title: str
    body: Say


@dataclass(frozen=True, kw_only=True)
class StartProposal:
    """Start the Loomio proposal that decides a ticket, in its thread. `closes_at` is a whole hour, aware UTC."""

    key: str
    about: str
    reference: str
    round: int
    topic_id: int
    title: str
    body: Say
    options: tuple[str, ...]
    closes_at: datetime
    quorum_percent: int | None


@dataclass(frozen=True, kw_only=True)
class CommentOnThread:
    """Say something in a Loomio thread. `mark` is a short visible sign by which the comment is found again."""

    key: str
    about: str
    discussion_id: int
    topic_id: int
    mark: str
    body: Say


Effect = OpenIssue | CommentOnIssue | NudgeOnIssue | ShowTicketState | StartThread | StartProposal | CommentOnThread


def is_for_loomio(effect: Effect) -> bool:
    """Say which vendor an effect goes to."""
    return isinstance(effect, StartThread | StartProposal | CommentOnThread)
