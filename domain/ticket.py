"""A golden ticket as Trellis remembers it, and what a decision about one holds."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from domain.effects import Effect
from domain.events import Happened
from domain.ticket_states import Exit, TicketState


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One golden ticket as Trellis remembers it. `cost` is None when the words named no sum."""

    id: int | None = None
    number: int
    person_id: int
    year: str
    state: TicketState
    opportunity: str
    stretch: str = ""
    cost: Decimal | None = Decimal(0)
    currency: str = ""
    cost_said: str = ""
    first_on: date | None = None
    last_on: date | None = None
    exit: Exit | None = None
    round: int = 0  # proposals asked for so far
    turn: int = 0  # times its member chose, withdrew or took it up again
    claimed_at: datetime
    issue_number: int | None = None
    issue_url: str | None = None
    issue_open: bool = True
    discussion_id: int | None = None
    topic_id: int | None = None
    thread_url: str | None = None
    bucket_url: str = ""
    funded: bool | None = None  # what people said of the bucket, by hand; None: nothing yet

    def reference(self) -> str:
        """Give the visible reference, such as GT-0007, that stands in titles and finds threads and polls again."""
        return f"GT-{self.number:04d}"

    def about(self) -> str:
        """Name the ticket for the timeline and the effects."""
        return f"ticket:{self.id}"


@dataclass(frozen=True, kw_only=True)
class TicketDecision:
    """What changes: the ticket as it is from now on, effects to plan, lines for the timeline."""

    ticket: Ticket | None = None
    effects: tuple[Effect, ...] = ()
    happened: tuple[Happened, ...] = field(default=())


NOTHING = TicketDecision()
