"""Partners: remembers who learns beside somebody, by their word or their form; a peer, never themselves."""

from sqlalchemy import delete
from sqlalchemy.orm import Session

from domain.events import Happened, What
from domain.people import Person, today_of
from domain.policy import Policy
from domain.rhythms import Role
from jobs.record import told
from jobs.workshop import Workshop
from store.models import RelationRow
from store.queries import people_of, person_by_handle, person_by_login
from store.standings import look_anew


def choose_partner(
    workshop: Workshop, session: Session, policy: Policy, by: Person, said: str, *, about: str, key: str
) -> Person | None:
    """Remember whom somebody named, by login or handle (practice row 36); None for nobody we know and have here."""
    people = people_of(session, policy.slug)
    name = (said.split() or [""])[0].strip("@.,;")
    today = today_of(by, policy.organisation, workshop.now())
    other = person_by_login(people, name) or person_by_handle(people, name.casefold())
    if other is None or other.id == by.id or not other.here_on(today):
        return None
    if by.relations.get(Role.PARTNER) != other.handle:
        mine = (RelationRow.person_id == by.id, RelationRow.role == Role.PARTNER.value)
        session.execute(delete(RelationRow).where(*mine))
        session.add(RelationRow(organisation=policy.slug, person_id=by.id, role=Role.PARTNER.value, other=other.handle))
        line = Happened(what=What.PARTNER_CHOSEN, person_id=by.id, about=about, key=key)
        told(workshop, session, policy.slug, line)
        look_anew(session, [by.id, other.id])
    return other
