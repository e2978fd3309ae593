"""What the planner needs to know of people, in few questions, and what people say that changes it.

Whoever's plan something may change is looked at again: `look_anew` sets their next look back to now, and an index finds
who is due (practice rows 13, 74; facts on the field, D5).
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from domain.moments import How, Standing
from domain.objectives import Objective, ObjectiveState
from domain.people import Person, Snooze
from domain.policy import Mode, Policy
from domain.ticket_states import GIVEN_BACK
from store.memory import asked_of, commitment_of, held_of, objective_of, snooze_of
from store.models import (
    LONG_AGO,
    AskedRow,
    CommitmentRow,
    HeldRow,
    ObjectiveRow,
    PersonRow,
    RelationRow,
    SnoozeRow,
    TeamMomentRow,
    TicketRow,
)
from store.queries import grouped, insert_once, people_where

LONGEST_MEMORY = timedelta(days=400)
JOINING_WITHIN = timedelta(days=60)


def standings_of(
    session: Session, policy: Policy, *, now: datetime, ids: Collection[int] | None = None
) -> list[Standing]:
    """Give everybody of an organisation as the planner sees them, or only some, by handle."""
    which = [PersonRow.organisation == policy.slug]
    if ids is not None:
        which.append(PersonRow.id.in_(ids))
    people = people_where(session, *which)
    known = [one.id for one in people]
    objectives = grouped(session, ObjectiveRow, ObjectiveRow.person_id, known)
    held = grouped(session, HeldRow, HeldRow.person_id, known)
    # What was only worked out while the organisation observed was heard by nobody.
    heard = [AskedRow.withheld.is_(policy.organisation.mode is Mode.OBSERVE), AskedRow.at > now - LONGEST_MEMORY]
    asked = grouped(session, AskedRow, AskedRow.person_id, known, *heard)
    snoozes = grouped(session, SnoozeRow, SnoozeRow.person_id, known)
    commitments = grouped(session, CommitmentRow, CommitmentRow.person_id, known)
    given_back = [state.value for state in GIVEN_BACK]
    tickets = grouped(session, TicketRow, TicketRow.person_id, known, TicketRow.state.not_in(given_back))
    added = {
        row.id: row.added_on
        for some in _chunks(known)
        for row in session.execute(select(PersonRow.id, PersonRow.added_on).where(PersonRow.id.in_(some)))
    }
    return [
        Standing(
            person=person,
            objective=_active(objectives.get(person.id, [])),
            without_since_on=_without_since(person, objectives.get(person.id, []), added[person.id]),
            held=tuple(held_of(row) for row in held.get(person.id, [])),
            asked=tuple(sorted((asked_of(row) for row in asked.get(person.id, [])), key=lambda one: one.at)),
            snoozes=tuple(snooze_of(row) for row in snoozes.get(person.id, [])),
            commitments=tuple(commitment_of(row) for row in commitments.get(person.id, [])),
            ticket_years=frozenset(row.year for row in tickets.get(person.id, [])),
        )
        for person in people
    ]


def circle_of(session: Session, policy: Policy, ids: Collection[int], *, today: date) -> set[int]:
    """Give the ids of everybody whose standing may matter to the messages of some people: those who name them, those
    they name, those named by these, and for coordinators whoever is about to join or has just joined."""
    slug = policy.slug
    handles = set(session.scalars(select(PersonRow.handle).where(PersonRow.id.in_(ids))))
    naming = set(
        session.scalars(
            select(RelationRow.person_id).where(RelationRow.organisation == slug, RelationRow.other.in_(handles))
        )
    )
    naming |= set(
        session.scalars(
            select(CommitmentRow.person_id).where(
                CommitmentRow.organisation == slug, CommitmentRow.promised_by.in_(handles)
            )
        )
    )
    if policy.organisation.fallback_contact in handles:
        other = aliased(PersonRow)
        naming |= set(
            session.scalars(
                select(RelationRow.person_id)
                .join(other, (other.organisation == RelationRow.organisation) & (other.handle == RelationRow.other))
                .where(RelationRow.organisation == slug, other.left_on.is_not(None))
            )
        )
    coordinates = select(PersonRow.id).where(PersonRow.id.in_(ids), PersonRow.coordinator).limit(1)
    if session.scalar(coordinates) is not None:
        joining = (PersonRow.joined_on > today - JOINING_WITHIN, PersonRow.joined_on < today + JOINING_WITHIN)
        naming |= set(session.scalars(select(PersonRow.id).where(PersonRow.organisation == slug, *joining)))
    circle = set(ids) | naming
    named = select(RelationRow.other).where(RelationRow.person_id.in_(circle))
    helpers = {*session.scalars(named), policy.organisation.fallback_contact} - {""}
    promised = select(CommitmentRow.promised_by).where(CommitmentRow.person_id.in_(circle))
    helpers |= set(session.scalars(promised))
    return circle | set(
        session.scalars(select(PersonRow.id).where(PersonRow.organisation == slug, PersonRow.handle.in_(helpers)))
    )


def look_anew(session: Session, person_ids: Iterable[int]) -> None:
    """Have some people, and those they name, planned for again at the next tick."""
    ids = set(person_ids)
    named = (
        select(PersonRow.id)
        .join(
            RelationRow,
            (RelationRow.organisation == PersonRow.organisation) & (RelationRow.other == PersonRow.handle),
        )
        .where(RelationRow.person_id.in_(ids))
    )
    session.execute(
        update(PersonRow).where(or_(PersonRow.id.in_(ids), PersonRow.id.in_(named))).values(look_at=LONG_AGO)
    )


def look_anew_at_all(session: Session, slug: str) -> None:
    """Have everybody of an organisation planned for again, as after a change of its policy."""
    session.execute(update(PersonRow).where(PersonRow.organisation == slug).values(look_at=LONG_AGO))


def keep_held(
    session: Session, person_id: int, rhythm: str, turn: str, how: How, day: date, *, replaces: bool = True
) -> bool:
    """Remember that a moment is done for a person; False when it was known.

    Their own word replaces what was known; a partner's, or what was only seen, does not (`replaces`).
    """
    new = insert_once(
        session,
        HeldRow,
        {"person_id": person_id, "rhythm": rhythm, "turn": turn, "how": how.value, "day": day},
    )
    if not new and replaces and how is not How.SPOKE:
        mine = (HeldRow.person_id == person_id, HeldRow.rhythm == rhythm, HeldRow.turn == turn)
        session.execute(update(HeldRow).where(*mine).values(how=how.value))
    look_anew(session, [person_id])
    return new


def keep_snooze(session: Session, person_id: int, snooze: Snooze) -> None:
    """Remember "later"; the same said twice is said once."""
    said = {
        "person_id": person_id,
        "first_on": snooze.first_on,
        "last_on": snooze.last_on,
        "rhythm": snooze.rhythm,
        "turn": snooze.turn,
    }
    columns = [SnoozeRow.rhythm == snooze.rhythm, SnoozeRow.turn == snooze.turn, SnoozeRow.last_on == snooze.last_on]
    if session.scalar(select(SnoozeRow.id).where(SnoozeRow.person_id == person_id, *columns).limit(1)) is None:
        session.add(SnoozeRow(**said))
    look_anew(session, [person_id])


def wake(session: Session, person_id: int) -> None:
    """Forget every snooze of a person."""
    session.execute(delete(SnoozeRow).where(SnoozeRow.person_id == person_id))
    look_anew(session, [person_id])


def team_moment(session: Session, slug: str, rhythm: str, turn: str) -> TeamMomentRow | None:
    """Find what was started for a team moment."""
    return session.scalar(
        select(TeamMomentRow).where(
            TeamMomentRow.organisation == slug, TeamMomentRow.rhythm == rhythm, TeamMomentRow.turn == turn
        )
    )


def last_parts(session: Session, person_id: int, *, effect_key: str | None = None) -> list[AskedRow]:
    """Give the parts of one message to a person, the last that was heard unless a key names another."""
    mine = [AskedRow.person_id == person_id]
    if effect_key is None:
        heard = [*mine, AskedRow.withheld.is_(False)]
        latest = select(func.max(AskedRow.at)).where(*heard)
        mine = [*heard, AskedRow.at == latest.scalar_subquery()]
    else:
        mine.append(AskedRow.effect_key == effect_key)
    return list(session.scalars(select(AskedRow).where(*mine).order_by(AskedRow.id)))


def _active(rows: Sequence[ObjectiveRow]) -> Objective | None:
    row = next((one for one in rows if one.state == ObjectiveState.ACTIVE.value), None)
    return objective_of(row) if row is not None else None


def _without_since(person: Person, rows: Sequence[ObjectiveRow], added_on: date | None) -> date | None:
    """Say since when a person has no active objective; None when they have one, or a queued one to take up."""
    if any(one.state != ObjectiveState.CLOSED.value for one in rows):
        return None
    ended = [one.closed_at.date() for one in rows if one.closed_at is not None]
    return max(ended, default=person.joined_on or added_on)


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + 1_000] for start in range(0, len(ids), 1_000))
