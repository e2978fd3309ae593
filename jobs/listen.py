"""Listening: takes note of what a member wrote on an issue, and does what their commands say.

Nothing is counted that we wrote ourselves, and nobody is answered twice for one comment (facts on GitHub, 6).
"""

from sqlalchemy.orm import Session

from domain.commands import ON_OBJECTIVE, ON_TICKET, Command, Who, Word, commands_in
from domain.effects import CommentOnIssue, Say
from domain.events import Happened, What
from domain.issues import Comment
from domain.people import Person, today_of
from domain.policy import Policy
from jobs.goal_words import obey_on_goal
from jobs.objectives import person_wrote
from jobs.record import record, told
from jobs.tickets import obey_on_ticket
from jobs.workshop import Workshop
from store.models import ObjectiveRow, TicketRow
from store.queries import objective_row, people_of, person_by_login, ticket_row

Thing = ObjectiveRow | TicketRow


def follow_comment(workshop: Workshop, policy: Policy, number: int, comment: Comment) -> None:
    """Take note of what a member wrote and do what their commands say. Never call it with a comment of our own."""
    workshop.database.transact(lambda session: _listen(workshop, session, policy, number, comment))


def _listen(workshop: Workshop, session: Session, policy: Policy, number: int, comment: Comment) -> None:
    by = person_by_login(people_of(session, policy.slug), comment.author)
    if by is None or (by.left_on is not None and by.left_on <= today_of(by, policy.organisation, workshop.now())):
        return  # commands are for members; everybody else, who has left included, just talks
    commands = commands_in(comment.body)
    # A log is what a nudge would have asked for; any other command is not.
    logged = any(one.name == "log" for one in commands)
    if (not commands or logged) and person_wrote(session, policy.slug, number, by, comment.created_at):
        line = Happened(
            what=What.PERSON_WROTE,
            person_id=by.id,
            about=f"issue:{number}",
            url=comment.url,
            key=f"wrote:{comment.id}",
        )
        told(workshop, session, policy.slug, line)
    for command in commands:
        given = Happened(
            what=What.COMMAND_GIVEN,
            person_id=by.id,
            about=f"issue:{number}",
            url=comment.url,
            details={"command": command.name},
            key=f"command:{comment.id}:{command.name}",
        )
        if told(workshop, session, policy.slug, given):
            _obey(workshop, session, policy, number, by, command, comment)


def _obey(
    workshop: Workshop,
    session: Session,
    policy: Policy,
    number: int,
    by: Person,
    command: Command,
    comment: Comment,
) -> None:
    """Do what a command says, or answer once, helpfully, why not."""
    thing: Thing | None = ticket_row(session, policy.slug, number) or objective_row(session, policy.slug, number)
    if thing is None:
        return  # not one of ours to obey on
    words = ON_TICKET if isinstance(thing, TicketRow) else ON_OBJECTIVE
    word = words.get(command.name)
    values = {"name": by.first_name(), "command": command.name}
    if word is None:
        known = "\n".join(f"- `/{name}`" for name in words)
        answer = Say(name="command-unknown", values=values | {"known": known})
    elif not _is_theirs(word, thing, by):
        answer = Say(name="command-not-yours", values=values)
    else:
        found = _done(workshop, session, policy, thing, by, command, comment)
        answer = found if found is not None else Say(name="command-not-now", values=values)
    if answer.name:
        locale = by.locale or policy.organisation.locale
        say = Say(name=answer.name, locale=locale, values=values | dict(answer.values))
        key = f"answer:{policy.slug}:{comment.id}:{command.name}"
        effect = CommentOnIssue(key=key, about=f"issue:{number}", issue_number=number, body=say)
        record(workshop, session, policy.slug, effects=(effect,))


def _is_theirs(word: Word, thing: Thing, by: Person) -> bool:
    match word.who:
        case Who.OWNER:
            return thing.person_id == by.id
        case Who.COORDINATOR:
            return by.coordinator
        case Who.TRUSTED:
            return by.coordinator or by.well_working
        case Who.MEMBER:
            return True


def _done(
    workshop: Workshop,
    session: Session,
    policy: Policy,
    thing: Thing,
    by: Person,
    command: Command,
    comment: Comment,
) -> Say | None:
    """Give the answer, nameless where what was done speaks for itself; None when it does not fit just now."""
    if isinstance(thing, TicketRow):
        return Say(name="") if obey_on_ticket(workshop, session, policy, thing, by, command) else None
    return obey_on_goal(workshop, session, policy, thing, by, command, comment)
