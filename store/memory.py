"""Rows into the domain's frozen objects and back; the domain never sees a row."""

from collections.abc import Sequence
from datetime import time
from typing import Any, get_args
from zoneinfo import ZoneInfo

from cattrs.preconf.json import JsonConverter, make_converter

from domain.effects import Effect
from domain.moments import Asked, Commitment, Held, How
from domain.objectives import Closing, Objective, ObjectiveState, Visibility
from domain.parts import Ask
from domain.people import OwnRhythm, Pause, Person, Snooze
from domain.policy import Channel, Weekday
from domain.rhythms import Role, Side
from domain.ticket import Ticket
from domain.ticket_states import Exit, TicketState
from store.models import (
    AskedRow,
    CommitmentRow,
    HeldRow,
    ObjectiveRow,
    PauseRow,
    PersonRow,
    RelationRow,
    SnoozeRow,
    TicketRow,
)

KINDS: dict[str, type[Any]] = {one.__name__: one for one in get_args(Effect)}
_CONVERTER: JsonConverter = make_converter()


def payload_of(effect: Effect) -> dict[str, Any]:
    """Turn an effect into plain JSON values for the ledger."""
    payload: dict[str, Any] = _CONVERTER.unstructure(effect)
    return payload


def effect_of(kind: str, payload: dict[str, Any]) -> Effect:
    """Turn the ledger's values back into the effect."""
    effect: Effect = _CONVERTER.structure(payload, KINDS[kind])
    return effect


def person_of(row: PersonRow, pauses: Sequence[PauseRow], relations: Sequence[RelationRow]) -> Person:
    """Make a person of their row, leave and relations."""
    return Person(
        id=row.id,
        handle=row.handle,
        name=row.name,
        github_login=row.github_login,
        loomio_username=row.loomio_username,
        mail=row.mail,
        zone=ZoneInfo(row.zone) if row.zone else None,
        locale=row.locale,
        working_days=tuple(Weekday(day) for day in row.working_days) if row.working_days is not None else None,
        hours_from=time.fromisoformat(row.hours_from) if row.hours_from else None,
        hours_until=time.fromisoformat(row.hours_until) if row.hours_until else None,
        joined_on=row.joined_on,
        left_on=row.left_on,
        coordinator=row.coordinator,
        well_working=row.well_working,
        channel=Channel(row.channel) if row.channel else None,
        holidays_of=row.holidays_of,
        relations={Role(one.role): one.other for one in relations},
        choices=frozenset(row.choices or ()),
        own_rhythms={name: OwnRhythm(**own) for name, own in (row.own_rhythms or {}).items()},
        pauses=tuple(Pause(first_on=one.first_on, last_on=one.last_on) for one in pauses),
    )


def asked_of(row: AskedRow) -> Asked:
    """Make what was asked of its row."""
    return Asked(
        rhythm=row.rhythm,
        turn=row.turn,
        side=Side(row.side),
        member_id=row.member_id,
        ask=Ask(row.ask),
        at=row.at,
        on=row.day,
        closes_on=row.closes_on,
    )


def held_of(row: HeldRow) -> Held:
    """Make a held moment of its row."""
    return Held(rhythm=row.rhythm, turn=row.turn, how=How(row.how), on=row.day)


def snooze_of(row: SnoozeRow) -> Snooze:
    """Make a snooze of its row."""
    return Snooze(first_on=row.first_on, last_on=row.last_on, rhythm=row.rhythm, turn=row.turn)


def commitment_of(row: CommitmentRow) -> Commitment:
    """Make a promise of its row."""
    return Commitment(
        id=row.id,
        promised_by=row.promised_by,
        made_on=row.made_on,
        look_back_on=row.look_back_on,
        closed=row.closed,
    )


OBJECTIVE_COLUMNS = (
    "person_id",
    "title",
    "why",
    "celebrate",
    "stretch",
    "safety_noted",
    "targets_done",
    "targets_total",
    "rank",
    "issue_number",
    "issue_url",
    "issue_updated_at",
    "opened_at",
    "closed_at",
    "last_wrote_at",
)


def objective_of(row: ObjectiveRow) -> Objective:
    """Make an objective of its row."""
    return Objective(
        id=row.id,
        state=ObjectiveState(row.state),
        closing=Closing(row.closing) if row.closing else None,
        visibility=Visibility(row.visibility),
        **{name: getattr(row, name) for name in OBJECTIVE_COLUMNS},
    )


def keep_objective(row: ObjectiveRow, objective: Objective) -> None:
    """Write an objective into its row."""
    for name in OBJECTIVE_COLUMNS:
        setattr(row, name, getattr(objective, name))
    row.state = objective.state.value
    row.visibility = objective.visibility.value
    row.closing = objective.closing.value if objective.closing else None


TICKET_COLUMNS = (
    "number",
    "person_id",
    "year",
    "opportunity",
    "stretch",
    "cost",
    "currency",
    "cost_said",
    "first_on",
    "last_on",
    "round",
    "turn",
    "claimed_at",
    "issue_number",
    "issue_url",
    "issue_open",
    "discussion_id",
    "topic_id",
    "thread_url",
    "bucket_url",
    "funded",
)


def ticket_of(row: TicketRow) -> Ticket:
    """Make a ticket of its row."""
    return Ticket(
        id=row.id,
        state=TicketState(row.state),
        exit=Exit(row.exit) if row.exit else None,
        **{name: getattr(row, name) for name in TICKET_COLUMNS},
    )


def keep_ticket(row: TicketRow, ticket: Ticket) -> None:
    """Write a ticket into its row."""
    for name in TICKET_COLUMNS:
        setattr(row, name, getattr(ticket, name))
    row.state = ticket.state.value
    row.exit = ticket.exit.value if ticket.exit else None
