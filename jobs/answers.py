"""Answers: what a person says about what they were asked, in a comment on their ILO: done, not needed, later.

Their word is about the last message they got, or about the rhythm they name. A partner's "we had it" counts for both.
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from domain.commands import Command
from domain.effects import Say
from domain.events import Happened, What
from domain.later import read_later, snoozes
from domain.moments import How, Standing, moments_of
from domain.people import Person, today_of
from domain.policy import Policy
from domain.rhythms import Side
from domain.rules import own_rhythm
from jobs.record import told
from jobs.workshop import Workshop
from store.standings import keep_held, keep_snooze, last_parts, standings_of, wake

HOW = {"held": How.HELD, "not-needed": How.NOT_NEEDED}


def obey_on_objective(
    workshop: Workshop, session: Session, policy: Policy, by: Person, command: Command, comment_id: int
) -> Say | None:
    """Do what the owner of an ILO said. Gives the answer, nameless when none is needed, or None when it cannot be."""
    today = today_of(by, policy.organisation, workshop.now())
    match command.name:
        case "held" | "not-needed":
            turns = _meant(session, policy, by, command.words, workshop)
            for member_id, rhythm, turn in turns:
                # A partner's word counts for both, and never replaces what the member said.
                own = member_id == by.id
                keep_held(session, member_id, rhythm, turn, HOW[command.name], today, replaces=own)
            what, answer = What.MOMENT_HELD, Say(name="answer-held") if turns else None
        case "snooze":
            wish = read_later(command.words, today=today)
            mine = [(rhythm, turn) for _, rhythm, turn in _meant(session, policy, by, "", workshop)]
            if wish is None:
                return Say(name="answer-snooze-unclear")
            found = snoozes(wish, mine, today=today)
            for one in found:
                keep_snooze(session, by.id, one)
            what = What.PUT_OFF
            answer = Say(name="answer-snoozed") if found else None
        case "wake":
            wake(session, by.id)
            what, answer = What.WOKEN, Say(name="answer-awake")
        case "log":
            return Say(name="")
        case _:
            return None
    if answer is not None:
        line = Happened(
            what=what, person_id=by.id, about=f"person:{by.id}", key=f"{what.value}:{comment_id}:{command.name}"
        )
        told(workshop, session, policy.slug, line)
    return answer


def _meant(
    session: Session, policy: Policy, by: Person, named: str, workshop: Workshop
) -> Sequence[tuple[int, str, str]]:
    """Give what a person's word is about, as (whose moment, rhythm, turn)."""
    asked = [
        (row.member_id if row.side != Side.MEMBER.value else by.id, row.rhythm, row.turn)
        for row in last_parts(session, by.id)
        if row.side != Side.COORDINATOR.value  # whoever only looks after things does not speak for those concerned
    ]
    name = named.strip().casefold()
    if not name:
        return asked
    if name not in policy.rhythms:
        return []
    # A partner who names a rhythm means the talk they were asked about, as one who names none does.
    about = [one for one in asked if one[1] == name]
    if about:
        return about
    (standing,) = standings_of(session, policy, now=workshop.now(), ids=[by.id])
    return [(by.id, name, turn) for turn in _open_turns(policy, name, standing, workshop)]


def _open_turns(policy: Policy, name: str, standing: Standing, workshop: Workshop) -> list[str]:
    today = today_of(standing.person, policy.organisation, workshop.now())
    rhythm = own_rhythm(policy, standing.person, name)
    return [one.turn for one in moments_of(policy, name, rhythm, standing, since=today, until=today)]
