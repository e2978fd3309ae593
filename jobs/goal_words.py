"""Goal words: does what people say on an ILO: its order in the queue, how it ended, a hand offered or wanted."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from domain.commands import Command
from domain.effects import Say
from domain.events import Happened, What
from domain.issues import Comment
from domain.later import read_later
from domain.objective_deeds import CLOSING_WORDS, Answered, done, ended, note_safety, queue
from domain.objectives import Objective
from domain.people import Person, own_zone
from domain.policy import Policy
from domain.rhythms import Role
from domain.routing import partners_of
from domain.tickets import own_policy
from jobs.answers import obey_on_objective
from jobs.objectives import activate_objective, keep
from jobs.record import tell_rooms, told
from jobs.workshop import Workshop
from store.memory import objective_of
from store.models import ObjectiveRow, PauseRow, RelationRow, TimelineRow
from store.queries import people_of, person_by_handle, person_by_id, person_by_login, siblings_of
from store.standings import look_anew


def obey_on_goal(
    workshop: Workshop,
    session: Session,
    policy: Policy,
    row: ObjectiveRow,
    by: Person,
    command: Command,
    comment: Comment,
) -> Say | None:
    """Do what somebody said on an ILO. Gives the answer, nameless when none is needed, or None when it cannot be."""
    mine = objective_of(row)
    match command.name:
        case "activate":
            active = activate_objective(workshop, session, policy, row)
            return Say(name="objective-activated") if active else None
        case "queue":
            return _kept(workshop, session, policy, queue(mine, _siblings(session, mine), command.words))
        case "done":
            decision = done(policy, mine, now=comment.created_at)
            if decision is None:
                return None
            keep(workshop, session, policy, decision)
            return Say(name="")
        case name if name in CLOSING_WORDS:
            return _kept(workshop, session, policy, ended(mine, name))
        case "safety-note":
            return (
                _kept(workshop, session, policy, note_safety(mine)) if command.words else Say(name="answer-safety-how")
            )
        case "offer":
            return _offer(workshop, session, policy, mine, by, comment)
        case "help-wanted":
            return _hand_wanted(workshop, session, policy, mine, by, comment)
        case "partner":
            return choose_partner(workshop, session, policy, mine, by, command.words, key=f"partner:{comment.id}")
        case "pause":
            return _pause(workshop, session, policy, by, command.words, comment)
        case _:
            return obey_on_objective(workshop, session, policy, by, command, comment.id)


def _siblings(session: Session, mine: Objective) -> list[Objective]:
    return siblings_of(session, mine.person_id, mine.id)


def _kept(workshop: Workshop, session: Session, policy: Policy, answered: Answered | None) -> Say | None:
    if answered is None:
        return None
    keep(workshop, session, policy, answered.decision)
    return Say(name=answered.answer, values=dict(answered.values))


def _offer(
    workshop: Workshop, session: Session, policy: Policy, mine: Objective, by: Person, comment: Comment
) -> Say | None:
    """Remember who offered a hand; what they offered stays in their comment (practice row 35)."""
    if by.id == mine.person_id:
        return None
    line = _line(What.SKILL_OFFERED, mine, by, comment)
    told(workshop, session, policy.slug, line)
    return Say(name="answer-offer", values={"owner": person_by_id(session, mine.person_id).first_name()})


def _hand_wanted(
    workshop: Workshop, session: Session, policy: Policy, mine: Objective, by: Person, comment: Comment
) -> Say:
    """Tell the partner and whoever offered a hand: the one place where people are mentioned (practice row 28)."""
    told(workshop, session, policy.slug, _line(What.HAND_WANTED, mine, by, comment))
    people = people_of(session, policy.slug)
    today = workshop.now().astimezone(own_zone(by, policy.organisation)).date()
    offered = set(
        session.scalars(
            select(TimelineRow.person_id).where(
                TimelineRow.organisation == policy.slug,
                TimelineRow.what == What.SKILL_OFFERED.value,
                TimelineRow.about == f"issue:{mine.issue_number}",
            )
        )
    )
    partners = partners_of(policy, by, (Role.PARTNER,), {one.handle: one for one in people}, today)
    found = [*partners, *(one for one in people if one.id in offered and one.here_on(today))]
    mentions = list(dict.fromkeys(one.github_login for one in found if one.github_login))
    values = {"name": by.first_name(), "title": mine.title, "url": mine.issue_url or ""}
    say = Say(name="chat-help-wanted", locale=policy.organisation.locale, values=values)
    tell_rooms(workshop, session, policy, say, key=f"help:{policy.slug}:{comment.id}", about=mine.about())
    if mentions:
        return Say(name="answer-help-wanted", values={"people_mentions": "\n".join(mentions)})
    ask = own_policy(policy, by, people, today).ticket.ask
    return Say(name="answer-help-wanted-nobody", values={"partner_names": "\n".join(ask)})


def choose_partner(
    workshop: Workshop, session: Session, policy: Policy, mine: Objective, by: Person, said: str, *, key: str
) -> Say:
    """Remember who learns beside somebody: a peer, by login or handle (practice row 36)."""
    people = people_of(session, policy.slug)
    name = said.strip().removeprefix("@")
    today = workshop.now().astimezone(own_zone(by, policy.organisation)).date()
    other = person_by_login(people, name) or person_by_handle(people, name)
    if other is None or other.id == by.id or not other.here_on(today):
        return Say(name="answer-partner-unknown")
    if by.relations.get(Role.PARTNER) != other.handle:
        session.execute(
            delete(RelationRow).where(RelationRow.person_id == by.id, RelationRow.role == Role.PARTNER.value)
        )
        session.add(RelationRow(organisation=policy.slug, person_id=by.id, role=Role.PARTNER.value, other=other.handle))
        line = Happened(what=What.PARTNER_CHOSEN, person_id=by.id, about=mine.about(), key=key)
        told(workshop, session, policy.slug, line)
        look_anew(session, [by.id, other.id])
    return Say(name="answer-partner", values={"partner": other.first_name()})


def _pause(
    workshop: Workshop, session: Session, policy: Policy, by: Person, words: str, comment: Comment
) -> Say | None:
    """Take somebody's leave from today to the day they name; nothing comes round meanwhile, and no reason is kept."""
    today = workshop.now().astimezone(own_zone(by, policy.organisation)).date()
    wish = read_later(words, today=today) if words else None
    if wish is None or wish.last_on is None or wish.everything:
        return Say(name="answer-pause-unclear")
    session.add(PauseRow(person_id=by.id, first_on=today, last_on=wish.last_on))
    told(workshop, session, policy.slug, Happened(what=What.PAUSED, person_id=by.id, key=f"pause:{comment.id}"))
    look_anew(session, [by.id])
    return Say(name="answer-pause", values={"last_on": wish.last_on.isoformat()})


def _line(what: What, mine: Objective, by: Person, comment: Comment) -> Happened:
    about = f"issue:{mine.issue_number}"
    return Happened(what=what, person_id=by.id, about=about, url=comment.url, key=f"{what.value}:{comment.id}")
