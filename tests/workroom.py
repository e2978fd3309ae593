"""A workshop on a real database whose clock a test moves, and what a test puts into it and reads out of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from sqlalchemy import inspect, select

from domain.policy import Policy
from domain.rhythms import Interval, Side
from jobs.perform import perform
from jobs.workshop import Workshop
from store.models import AskedRow, Base, EffectRow, ObjectiveRow, PersonRow, RelationRow
from tests.cast import BY_MAIL, POLICY, issue_url

SLUG = "fennel-works"
TUESDAY = datetime(2027, 1, 5, 10, tzinfo=UTC)  # the first turn of TWO_WEEKLY, at the hour, in Lisbon
TWO_WEEKLY = Interval(anchor_on=date(2027, 1, 5), every_days=14, open_days=3, tells=(Side.MEMBER,))
OURS = replace(POLICY, slug=SLUG, channels=BY_MAIL, rhythms={"two-weekly": TWO_WEEKLY})

Row = TypeVar("Row", bound=Base)


class Clock:
    """The practice clock and the real one at once; a test sets it."""

    def __init__(self, now: datetime = TUESDAY) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


def at_work(workshop: Workshop, clock: Clock, *policies: Policy, **changes: Any) -> Workshop:
    """The workshop for these organisations, by this clock."""
    return replace(workshop, policies={one.slug: one for one in policies}, now=clock, real_now=clock, **changes)


def add_person(
    workshop: Workshop, handle: str = "ada", *, relations: Mapping[str, str] | None = None, **columns: Any
) -> int:
    """Put somebody into the roster, with a mail address and their handle for a login, and give their id."""
    said = {
        "organisation": SLUG,
        "name": f"{handle.title()} Moreau",
        "mail": f"{handle}@fennel.example",
        "github_login": handle,
        "added_on": date(2026, 1, 1),
    } | columns
    row = PersonRow(handle=handle, **said)

    def keep(session: Any) -> int:
        session.add(row)
        session.flush()
        for role, other in (relations or {}).items():
            session.add(RelationRow(organisation=row.organisation, person_id=row.id, role=role, other=other))
        return row.id

    return workshop.database.transact(keep)


def add_objective(workshop: Workshop, person_id: int, number: int = 11, **columns: Any) -> int:
    """Give somebody a goal that is active, with an issue."""
    said = {
        "organisation": SLUG,
        "title": "Learn to sharpen tools",
        "why": "",
        "state": "active",
        "issue_url": issue_url(number),
        "opened_at": datetime(2026, 12, 1, 9, tzinfo=UTC),
    } | columns
    return add(workshop, ObjectiveRow(person_id=person_id, issue_number=number, **said)).id


def add(workshop: Workshop, row: Row) -> Row:
    """Store one row."""
    workshop.database.transact(lambda session: session.add(row))
    return row


def rows(workshop: Workshop, table: type[Row], *which: Any) -> list[Row]:
    """Every row of a table, or some, by its key."""
    key = inspect(table).primary_key[0]
    return workshop.database.transact(lambda session: list(session.scalars(select(table).where(*which).order_by(key))))


def keys(workshop: Workshop, kind: str = "") -> list[str]:
    """The keys of what was planned, or of one kind of it."""
    return [row.key for row in rows(workshop, EffectRow) if kind in ("", row.kind)]


def statuses(workshop: Workshop) -> dict[str, str]:
    """What has become of everything that was planned."""
    return {row.key: row.status for row in rows(workshop, EffectRow)}


def asked(workshop: Workshop) -> list[tuple[int, str, str, str]]:
    """What was asked: whom, which rhythm and turn, which ask."""
    return [(row.person_id, row.rhythm, row.turn, row.ask) for row in rows(workshop, AskedRow)]


def look_at(workshop: Workshop, person_id: int) -> datetime:
    """When somebody is planned for next."""
    [row] = rows(workshop, PersonRow, PersonRow.id == person_id)
    return row.look_at


def send_all(workshop: Workshop) -> None:
    """Perform whatever is planned, in order of its keys, until nothing more follows from it."""
    tried: set[str] = set()
    while waiting := [row.key for row in rows(workshop, EffectRow) if row.status == "planned" and row.key not in tried]:
        for key in waiting:
            perform(workshop, key)
        tried.update(waiting)
