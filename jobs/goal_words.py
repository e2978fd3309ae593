"""Goal words: does what people say on an ILO: its order in the queue, how it ended, a hand offered or wanted."""

from datetime import date, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from domain.commands import Command
from domain.effects import Say
from domain.events import Happened, What
from domain.issues import Comment
from domain.later import read_later
from domain.objective_deeds import CLOSING_WORDS, Answered, done, ended, note_safety, queue
from domain.objectives import Objective
from domain.people import Person, today_of
from domain.policy import Policy
from domain.rhythms import Role
from domain.routing import partners_of
from domain.tickets import own_policy
from jobs.answers import obey_on_objective
from jobs.objectives import activate_objective, keep
from jobs.partners import choose_partner
from jobs.record import tell_rooms, told
from jobs.workshop import Workshop
from store.memory import objective_of
from store.models import ObjectiveRow, PauseRow, TimelineRow
from store.queries import people_of, person_by_id, siblings_of
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
            return _partner(workshop, session, policy, mine, by, command.words, comment)
        case "pause":
            return _pause(workshop, session, policy, by, command.words, comment)
        case "wake":
            _end_leave(workshop, session, policy, by)
            return obey_on_objective(workshop, session, policy, by, command, comment.id)
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
    today = today_of(by, policy.organisation, workshop.now())
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
    asked = [*partners, *(one for one in people if one.id in offered)]
    # Leave is leave: nobody is called out of it.
    found = [one for one in asked if one.id != by.id and one.here_on(today) and not one.paused_on(today)]
    mentions = list(dict.fromkeys(one.github_login for one in found if one.github_login))
    values = {"name": by.first_name(), "title": mine.title, "url": mine.issue_url or ""}
    say = Say(name="chat-help-wanted", locale=policy.organisation.locale, values=values)
    tell_rooms(workshop, session, policy, say, key=f"help:{policy.slug}:{comment.id}", about=mine.about())
    if mentions:
        return Say(name="answer-help-wanted", values={"people_mentions": "\n".join(mentions)})
    ask = own_policy(policy, by, people, today).ticket.ask
    return Say(name="answer-help-wanted-nobody", values={"partner_names": "\n".join(ask)})


def _partner(
    workshop: Workshop, session: Session, policy: Policy, mine: Objective, by: Person, said: str, comment: Comment
) -> Say:
    key = f"partner:{comment.id}"
    other = choose_partner(workshop, session, policy, by, said, about=mine.about(), key=key)
    if other is None:
        return Say(name="answer-partner-unknown")
    return Say(name="answer-partner", values={"partner": other.first_name()})


def _pause(
    workshop: Workshop, session: Session, policy: Policy, by: Person, words: str, comment: Comment
) -> Say | None:
    """Take somebody's leave from today to the day they name; nothing comes round meanwhile, and no reason is kept.

    Said anew while they are away, the new day counts, be it earlier or later.
    """
    today = today_of(by, policy.organisation, workshop.now())
    wish = read_later(words, today=today) if words else None
    if wish is None or wish.last_on is None or wish.everything:
        return Say(name="answer-pause-unclear")
    away = _leave_on(session, by, today)
    if away:
        away[0].last_on = wish.last_on
    else:
        session.add(PauseRow(person_id=by.id, first_on=today, last_on=wish.last_on))
    for row in away[1:]:
        session.delete(row)
    told(workshop, session, policy.slug, Happened(what=What.PAUSED, person_id=by.id, key=f"pause:{comment.id}"))
    look_anew(session, [by.id])
    return Say(name="answer-pause", values={"last_on": wish.last_on.isoformat()})


def _end_leave(workshop: Workshop, session: Session, policy: Policy, by: Person) -> None:
    """End the leave somebody is on: they are back, and say so."""
    today = today_of(by, policy.organisation, workshop.now())
    for row in _leave_on(session, by, today):
        if row.first_on == today:
            session.delete(row)
        else:
            row.last_on = today - timedelta(days=1)


def _leave_on(session: Session, by: Person, day: date) -> list[PauseRow]:
    last = or_(PauseRow.last_on.is_(None), PauseRow.last_on >= day)
    mine = select(PauseRow).where(PauseRow.person_id == by.id, PauseRow.first_on <= day, last)
    return list(session.scalars(mine.order_by(PauseRow.first_on, PauseRow.id)))


def _line(what: What, mine: Objective, by: Person, comment: Comment) -> Happened:
    about = f"issue:{mine.issue_number}"
    return Happened(what=what, person_id=by.id, about=about, url=comment.url, key=f"{what.value}:{comment.id}")
