"""What happened, in the past tense: the lines of the timeline.

A timeline line never carries private text: only ids, states, dates and links (rule 6 of the design).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class What(StrEnum):
    """Every kind of line in the timeline."""

    OBJECTIVE_OPENED = "objective opened"
    OBJECTIVE_QUEUED = "objective queued"
    OBJECTIVE_ACTIVATED = "objective activated"
    OBJECTIVE_EDITED = "objective edited"
    OBJECTIVE_HANDED_OVER = "objective handed over"
    OBJECTIVE_CLOSED = "objective closed"
    OBJECTIVE_REOPENED = "objective reopened"
    SAFETY_NOTED = "safety note written"
    SKILL_OFFERED = "skill offered"
    HAND_WANTED = "hand wanted"
    PARTNER_CHOSEN = "partner chosen"
    PAUSED = "paused"
    PERSON_WROTE = "person wrote"
    TICKET_CLAIMED = "ticket claimed"
    TICKET_EXIT_CHOSEN = "ticket exit chosen"
    TICKET_DECIDED = "ticket decided"
    TICKET_WITHDRAWN = "ticket withdrawn"
    TICKET_BOOKED = "ticket booked"
    TICKET_USED = "ticket used"
    TICKET_SHARED = "ticket shared"
    TICKET_LAPSED = "ticket lapsed"
    TICKET_BUCKET = "ticket has a bucket"
    TICKET_FUNDED = "ticket funded"
    THREAD_STARTED = "thread started"
    PROPOSAL_STARTED = "proposal started"
    COMMAND_GIVEN = "command given"
    NUDGE_SENT = "nudge sent"
    NUDGE_NOT_NEEDED = "nudge not needed"
    MOMENT_HELD = "moment held"
    PUT_OFF = "put off"
    WOKEN = "hears from us again"
    ROUTING_FOUND = "routing found"
    EFFECT_RETRIED = "effect retried"


@dataclass(frozen=True, kw_only=True)
class Happened:
    """One line of the timeline. `key`, where given, makes the line happen once however often it is told."""

    what: What
    person_id: int | None = None
    about: str = ""
    url: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
