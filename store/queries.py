"""What is asked of the database, by name. Every question names its organisation: each sees only itself (rule 9)."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Executable, func, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from domain.issues import same_login
from domain.objectives import Objective, ObjectiveState
from domain.people import Person
from domain.ticket import Ticket
from domain.ticket_states import GIVEN_BACK
from store.memory import objective_of, person_of, ticket_of
from store.models import (
    Base,
    EffectRow,
    ObjectiveRow,
    OrganisationRow,
    PauseRow,
    PersonRow,
    ProposalRow,
    RelationRow,
    TicketRow,
)

Row = TypeVar("Row", bound=Base)
AT_ONCE = 1_000  # SQLite takes some thirty thousand values in one question


def insert_once(session: Session, table: type[Base], values: Mapping[str, Any]) -> bool:
    """Insert a row unless one of its unique keys is there already; say whether it was new.

    RETURNING decides, because the row count after a conflict is not to be trusted on psycopg (facts on the engine, 6).
    """
    statement = _insert(table, session.get_bind().dialect.name)
    session.flush()  # as the ORM's own insert does: what is pending may be what this row points to
    return session.scalar(statement, dict(values)) is not None


@cache
def _insert(table: type[Base], dialect_name: str) -> Executable:
    """Make the statement once per table: made anew each time, it was two fifths of what storing a delivery costs."""
    dialect = sqlite if dialect_name == "sqlite" else postgresql
    key = inspect(table).primary_key[0]
    statement: Executable = dialect.insert(table.__table__).on_conflict_do_nothing().returning(key)
    return statement


def organisation_row(session: Session, slug: str) -> OrganisationRow:
    """Give the organisation's row, made when it is missing."""
    row = session.get(OrganisationRow, slug)
    if row is None:
        insert_once(session, OrganisationRow, {"slug": slug})
        row = session.get_one(OrganisationRow, slug)
    return row


def people_of(session: Session, slug: str) -> list[Person]:
    """Give everybody of an organisation, with their leave and relations, by handle."""
    return people_where(session, PersonRow.organisation == slug)


def people_where(session: Session, *which: ColumnElement[bool]) -> list[Person]:
    """Give the people that conditions name, with their leave and relations, by handle."""
    rows = session.scalars(select(PersonRow).where(*which).order_by(PersonRow.handle)).all()
    ids = [row.id for row in rows]
    pauses = grouped(session, PauseRow, PauseRow.person_id, ids)
    relations = grouped(session, RelationRow, RelationRow.person_id, ids)
    return [person_of(row, pauses.get(row.id, []), relations.get(row.id, [])) for row in rows]


def grouped(
    session: Session, table: type[Row], column: InstrumentedAttribute[int], ids: Sequence[int], *which: Any
) -> dict[int, list[Row]]:
    """Give the rows of some people, by person, in the order they were written; a thousand people a question."""
    found: dict[int, list[Row]] = {}
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        for row in session.scalars(
            select(table).where(column.in_(some), *which).order_by(inspect(table).primary_key[0])
        ):
            found.setdefault(getattr(row, column.key), []).append(row)
    return found


def person_by_id(session: Session, person_id: int) -> Person:
    """Give one person; they are there, since a foreign key says so."""
    return people_where(session, PersonRow.id == person_id)[0]


def person_by_login(people: Sequence[Person], login: str | None) -> Person | None:
    """Find who a GitHub login is, without case."""
    return next((one for one in people if same_login(one.github_login, login)), None)


def person_by_handle(people: Sequence[Person], handle: str) -> Person | None:
    """Find who a handle is."""
    return next((one for one in people if one.handle == handle), None)


def objective_row(session: Session, slug: str, issue_number: int) -> ObjectiveRow | None:
    """Find the objective of an issue."""
    return session.scalar(
        select(ObjectiveRow).where(ObjectiveRow.organisation == slug, ObjectiveRow.issue_number == issue_number)
    )


def siblings_of(session: Session, person_id: int, besides: int | None) -> list[Objective]:
    """Give a person's other objectives that are not closed, oldest first."""
    rows = session.scalars(
        select(ObjectiveRow)
        .where(ObjectiveRow.person_id == person_id, ObjectiveRow.state != ObjectiveState.CLOSED.value)
        .order_by(ObjectiveRow.opened_at, ObjectiveRow.id)
    )
    return [objective_of(row) for row in rows if row.id != besides]


def ticket_row(session: Session, slug: str, issue_number: int) -> TicketRow | None:
    """Find the ticket of an issue."""
    return session.scalar(
        select(TicketRow).where(TicketRow.organisation == slug, TicketRow.issue_number == issue_number)
    )


def ticket_by_about(session: Session, about: str) -> Ticket:
    """Give the ticket that an effect is about (`ticket:ID`)."""
    return ticket_of(session.get_one(TicketRow, int(about.removeprefix("ticket:"))))


def held_ticket(session: Session, person_id: int, year: str, besides: int | None = None) -> TicketRow | None:
    """Find the ticket that holds a person's ticket year."""
    given_back = [state.value for state in GIVEN_BACK]
    rows = session.scalars(
        select(TicketRow).where(
            TicketRow.person_id == person_id, TicketRow.year == year, TicketRow.state.not_in(given_back)
        )
    )
    return next((row for row in rows if row.id != besides), None)


def next_ticket_number(session: Session, slug: str) -> int:
    """Give the next number of the organisation's tickets; a unique key settles two who ask at once."""
    return (session.scalar(select(func.max(TicketRow.number)).where(TicketRow.organisation == slug)) or 0) + 1


def latest_proposal(session: Session, ticket_id: int) -> ProposalRow | None:
    """Give the proposal of a ticket's last round."""
    return session.scalar(
        select(ProposalRow).where(ProposalRow.ticket_id == ticket_id).order_by(ProposalRow.round.desc()).limit(1)
    )


def unsaid_before(session: Session, row: EffectRow, issue_number: int) -> EffectRow | None:
    """Give what was to be said on an issue before this and is not said yet: people read from the top down.

    Nudges do not count: they wait for their person's hours.
    """
    return session.scalar(
        select(EffectRow)
        .where(
            EffectRow.organisation == row.organisation,
            EffectRow.kind == row.kind,
            EffectRow.status.in_(("planned", "sending")),
            EffectRow.payload["issue_number"].as_integer() == issue_number,
            EffectRow.planned_at < row.planned_at,
        )
        .order_by(EffectRow.planned_at)
        .limit(1)
    )
