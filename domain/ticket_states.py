"""The golden ticket's machine: its states, and every move between them as one table.

Decisions ask the table; `flask states` prints it and README draws it, so that code, table and picture are one thing.
Practice row 39.
"""

from dataclasses import dataclass
from enum import StrEnum


class TicketState(StrEnum):
    """Where a ticket stands; before it is claimed it is unused, and there is no record of it."""

    OFFERED = "exits offered"
    LIGHT = "agreed by the member"
    TALK = "talking it over"
    THREAD = "thread started"
    PROPOSED = "proposed"
    CONSENTED = "consented"
    OBJECTION = "objection"
    NO_QUORUM = "no quorum"
    NO_DECISION = "no decision"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    BOOKED = "booked"
    USED = "used"
    SHARED = "shared"
    LAPSED = "lapsed"


class Exit(StrEnum):
    """The four ways out of triage (practice row 43)."""

    GO_AHEAD = "go-ahead"
    THREAD = "thread"
    PROPOSAL = "proposal"
    TALK = "talk"


class Deed(StrEnum):
    """What moves a ticket."""

    GO_AHEAD = "goes ahead"
    TALK = "talks it over"
    THREAD = "starts a thread"
    PROPOSE = "asks for a yes"
    CONSENT = "the group agrees"
    OBJECT = "somebody objects"
    TOO_FEW = "too few take part"
    UNDECIDED = "nothing is decided"
    REOPEN = "the vote is open again"
    TAKE_DOWN = "the proposal is taken down"
    CONFIRM = "a coordinator says yes"
    DECLINE = "a coordinator says no"
    WITHDRAW = "takes it back"
    TAKE_UP = "takes it up again"
    BOOK = "books it"
    USE = "uses it"
    SHARE = "shares it"
    LAPSE = "the year ends"


@dataclass(frozen=True, kw_only=True)
class Move:
    """One row of the table: from any of these states, by this deed, to that state; `who` does it."""

    deed: Deed
    who: str
    sources: tuple[TicketState, ...]
    to: TicketState


_S = TicketState
# Nothing is being asked of anybody just now: its member may choose how to go on.
OPEN_TO_CHOICE = (_S.OFFERED, _S.TALK, _S.THREAD, _S.NO_QUORUM, _S.NO_DECISION)
UNDECIDED = (*OPEN_TO_CHOICE, _S.PROPOSED)
# Given back: the person may claim again this ticket year. Everything else holds the year's ticket (a partial unique
# index in the database holds this as well).
GIVEN_BACK = (_S.OBJECTION, _S.WITHDRAWN, _S.CANCELLED)
AGREED = (_S.LIGHT, _S.CONSENTED)
# The vote still speaks: later, what the group says is told and changes nothing.
READABLE = (*UNDECIDED, *AGREED, _S.OBJECTION)

MOVES: tuple[Move, ...] = (
    Move(deed=Deed.GO_AHEAD, who="member", sources=(*OPEN_TO_CHOICE, _S.CANCELLED), to=_S.LIGHT),
    Move(deed=Deed.TALK, who="member", sources=(*OPEN_TO_CHOICE, _S.CANCELLED), to=_S.TALK),
    Move(deed=Deed.THREAD, who="member", sources=(*OPEN_TO_CHOICE, _S.CANCELLED), to=_S.THREAD),
    Move(deed=Deed.PROPOSE, who="member", sources=(*OPEN_TO_CHOICE, _S.CANCELLED), to=_S.PROPOSED),
    Move(deed=Deed.CONSENT, who="group", sources=READABLE, to=_S.CONSENTED),
    Move(deed=Deed.OBJECT, who="group", sources=READABLE, to=_S.OBJECTION),
    Move(deed=Deed.TOO_FEW, who="group", sources=READABLE, to=_S.NO_QUORUM),
    Move(deed=Deed.UNDECIDED, who="group", sources=READABLE, to=_S.NO_DECISION),
    Move(deed=Deed.REOPEN, who="group", sources=READABLE, to=_S.PROPOSED),
    Move(deed=Deed.TAKE_DOWN, who="group", sources=READABLE, to=_S.CANCELLED),
    Move(deed=Deed.CONFIRM, who="coordinator", sources=(_S.NO_QUORUM, _S.NO_DECISION), to=_S.CONSENTED),
    Move(deed=Deed.DECLINE, who="coordinator", sources=(_S.NO_QUORUM, _S.NO_DECISION), to=_S.OBJECTION),
    Move(deed=Deed.WITHDRAW, who="member", sources=(*UNDECIDED, *AGREED, _S.BOOKED), to=_S.WITHDRAWN),
    Move(deed=Deed.TAKE_UP, who="member", sources=(_S.WITHDRAWN, _S.CANCELLED), to=_S.OFFERED),
    Move(deed=Deed.BOOK, who="member", sources=AGREED, to=_S.BOOKED),
    Move(deed=Deed.USE, who="member", sources=(*AGREED, _S.BOOKED), to=_S.USED),
    Move(deed=Deed.SHARE, who="member", sources=(_S.USED,), to=_S.SHARED),
    Move(deed=Deed.LAPSE, who="calendar", sources=(*OPEN_TO_CHOICE, *AGREED), to=_S.LAPSED),
)
BY_DEED = {one.deed: one for one in MOVES}


def may(deed: Deed, state: TicketState) -> bool:
    """Say whether the table has this move."""
    return state in BY_DEED[deed].sources
