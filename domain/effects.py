"""Everything Trellis may do to the outside world: a closed union of imperative records.

An effect says what to send and which words to use, never how. Its key is deterministic, so planning the same effect
twice is planning it once; the key travels in the hidden marker (GitHub) or beside the visible reference (Loomio).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from domain.parts import Part
from domain.policy import Channel

Values = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Say:
    """Words from `config/messages/<locale>/<name>.md` with their values filled in when they are sent.

    `spoken` are values that are words of ours themselves, each by the name of its message, in the same language.
    """

    name: str
    locale: str = "en"
    values: Values = field(default_factory=dict)
    spoken: Values = field(default_factory=dict)


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
class CloseIssue:
    """Close an issue as completed, because its person said so. Harmless when repeated."""

    key: str
    about: str
    issue_number: int


@dataclass(frozen=True, kw_only=True)
class Nudge:
    """Send one person one message about the moments in `parts`, by `way`, and by `other_ways` when that one is barred.

    Due-ness is judged again at the moment of sending: parts that are done by then are left out, and without any part
    left nothing is sent. `on` is the day in the person's own zone; `due_at` is aware UTC. `issue_number` is the ILO it
    was last sent to, which need not be the one they have by now; None before it was sent to any.
    """

    key: str
    about: str
    person_id: int
    on: date
    due_at: datetime
    way: Channel
    other_ways: tuple[Channel, ...]
    parts: tuple[Part, ...]
    issue_number: int | None = None


@dataclass(frozen=True, kw_only=True)
class MentionInThread:
    """Invite those who have not spoken in a team's thread with one comment that names them.

    Who has spoken by the moment of sending is left out. `mark` is the visible sign the comment is found by.
    """

    key: str
    about: str
    rhythm: str
    turn: str
    discussion_id: int
    topic_id: int
    mark: str
    person_ids: tuple[int, ...]
    body: Say


@dataclass(frozen=True, kw_only=True)
class StartTeamThread:
    """Start the thread of a team moment; the first line of the words is its title, `reference` stands behind it."""

    key: str
    about: str
    reference: str
    body: Say
    closes_on: date


@dataclass(frozen=True, kw_only=True)
class StartTeamPoll:
    """Start the poll of a team moment, a line of `options` each. `closes_at` is a whole hour, aware UTC."""

    key: str
    about: str
    reference: str
    body: Say
    closes_on: date
    options: Say
    closes_at: datetime


@dataclass(frozen=True, kw_only=True)
class TellChat:
    """Tell one of the team's chat rooms; `room` counts from 0 in the order of the setting."""

    key: str
    about: str
    room: int
    body: Say


@dataclass(frozen=True, kw_only=True)
class SendReport:
    """Send the report of a day to whoever looks after Trellis."""

    key: str
    about: str
    to_address: str
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
    """Say something in a Loomio thread. By its first line, which names what it is about, it is found again."""

    key: str
    about: str
    discussion_id: int
    topic_id: int
    body: Say


Effect = (
    OpenIssue
    | CommentOnIssue
    | CloseIssue
    | Nudge
    | ShowTicketState
    | StartThread
    | StartProposal
    | CommentOnThread
    | MentionInThread
    | StartTeamThread
    | StartTeamPoll
    | TellChat
    | SendReport
)


# What comes round by itself, by its kind. All else answers a person or carries out what they did, and goes first.
ROUTINE = tuple(one.__name__ for one in (Nudge, MentionInThread, StartTeamThread, StartTeamPoll, SendReport))


def vendor_of(effect: Effect) -> str:
    """Name who an effect goes to."""
    match effect:
        case OpenIssue() | CommentOnIssue() | CloseIssue() | ShowTicketState():
            return "github"
        case StartThread() | StartProposal() | CommentOnThread() | MentionInThread():
            return "loomio"
        case StartTeamThread() | StartTeamPoll():
            return "loomio"
        case Nudge(way=Channel.GITHUB):
            return "github"
        case Nudge() | SendReport():
            return "mail"
        case TellChat():
            return "chat"
