"""Follows golden tickets: claims, the member's choices, and what the group decided."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from domain.commands import Command
from domain.effects import StartProposal, StartThread
from domain.forms import TicketAnswers, ticket_answers
from domain.issues import CloseReason, Issue, IssueGone
from domain.people import Person, own_zone
from domain.policy import Policy, ThreadsOf
from domain.proposals import Poll, Result, next_look, read
from domain.ticket import Ticket, TicketDecision
from domain.ticket_states import GIVEN_BACK, UNDECIDED, Deed, Exit, TicketState
from domain.ticket_use import fill_bucket, fund, go_on
from domain.ticket_votes import confirm, decided, proposal_started
from domain.tickets import (
    already_held,
    choose,
    claim,
    first_year_begins_on,
    issue_opened,
    not_yet,
    own_policy,
    still_wanted,
    take_up_again,
    thread_started,
    withdraw,
    year_reference,
)
from domain.years import ticket_year
from integrations.loomio import Thread
from jobs.attempt import enqueue_next
from jobs.objectives import activate_objective, open_objective
from jobs.record import record
from jobs.workshop import Workshop
from store.memory import keep_ticket, payload_of, ticket_of
from store.models import EffectRow, ObjectiveRow, ProposalRow, TeamMomentRow, TicketRow
from store.queries import (
    held_ticket,
    insert_once,
    latest_proposal,
    next_ticket_number,
    people_of,
    person_by_id,
    person_by_login,
    ticket_by_about,
    ticket_row,
)
from store.standings import look_anew, team_moment

LONGEST_GOAL = 200
# What the form's last question offers, in its own words; anything else means "suggest something".
EXIT_OF_ANSWER = {
    "go ahead, it is light": Exit.GO_AHEAD,
    "start a thread": Exit.THREAD,
    "start a proposal": Exit.PROPOSAL,
    "talk to someone first": Exit.TALK,
}


YEAR_THREAD = "golden-tickets"  # under this name the thread that a year's tickets share is remembered


def follow_ticket(workshop: Workshop, session: Session, policy: Policy, issue: Issue, about: str | None) -> None:
    """Bring the ticket of an issue in line with it, or take up the claim the issue makes."""
    row = ticket_row(session, policy.slug, issue.number)
    if row is None and about is not None and about.startswith("ticket:"):
        # Opened by us; its delivery overtook our own answer, which is on its way and will tell.
        ticket_issue_opened(
            workshop, session, policy, int(about.removeprefix("ticket:")), number=issue.number, url=issue.url
        )
        return
    if row is None:
        _claim_from_issue(workshop, session, policy, issue)
        return
    _follow_open_and_closed(workshop, session, policy, row, issue)


def _claim_from_issue(workshop: Workshop, session: Session, policy: Policy, issue: Issue) -> None:
    people = people_of(session, policy.slug)
    assigned = [one for login in issue.assignees if (one := person_by_login(people, login))]
    person = assigned[0] if assigned else person_by_login(people, issue.author)
    if person is None or not issue.open:
        return
    answers = ticket_answers(issue.body)
    if not answers.opportunity:
        answers = replace(answers, opportunity=issue.title)
    request_ticket(
        workshop,
        session,
        policy,
        person,
        answers,
        wanted=EXIT_OF_ANSWER.get(answers.decide.casefold()),
        asked_by=None,
        issue=issue,
    )


def request_ticket(
    workshop: Workshop,
    session: Session,
    policy: Policy,
    person: Person,
    answers: TicketAnswers,
    *,
    wanted: Exit | None,
    asked_by: str | None,
    issue: Issue | None = None,
) -> Ticket | None:
    """Claim a golden ticket; None when the year's is held already, which is then told kindly on the issue."""
    if asked_by is not None:
        known = session.scalar(select(TicketRow).where(TicketRow.asked_by == asked_by))
        if known is not None:
            return ticket_of(known)
    here = today_of(workshop, policy, person)
    begins_on = first_year_begins_on(policy, person)
    if not person.here_on(here):
        return None  # who has left, or has not come yet, claims nothing
    if begins_on is not None and here < begins_on:
        if issue is not None:
            answer = not_yet(policy, person, begins_on=begins_on, issue_number=issue.number)
            record(workshop, session, policy.slug, effects=(answer,))
        return None
    year = ticket_year(policy, person, here)
    held = held_ticket(session, person.id, year)
    if held is not None:
        if issue is not None:
            effect = already_held(policy, ticket_of(held), person, issue_number=issue.number)
            record(workshop, session, policy.slug, effects=(effect,))
        return None
    ticket = Ticket(
        number=next_ticket_number(session, policy.slug),
        person_id=person.id,
        year=year,
        state=TicketState.OFFERED,
        opportunity=answers.opportunity,
        stretch=answers.stretch,
        cost=answers.cost,
        currency=answers.currency or policy.ticket.currency,
        cost_said=answers.cost_said,
        first_on=answers.first_on,
        last_on=answers.last_on,
        bucket_url=answers.bucket_url,
        claimed_at=workshop.now(),
        issue_number=issue.number if issue else None,
        issue_url=issue.url if issue else None,
    )
    row = TicketRow(organisation=policy.slug, asked_by=asked_by)
    keep_ticket(row, ticket)
    session.add(row)
    look_anew(session, [person.id])
    session.flush()
    ticket = _in_its_thread(session, policy, ticket_of(row))
    own = _own_policy(workshop, session, policy, person)
    keep_decision(workshop, session, policy, row, claim(own, ticket, person, wanted, now=workshop.now()))
    return ticket


def today_of(workshop: Workshop, policy: Policy, person: Person) -> date:
    """Give the day it is for a person."""
    return workshop.now().astimezone(own_zone(person, policy.organisation)).date()


def _own_policy(workshop: Workshop, session: Session, policy: Policy, person: Person) -> Policy:
    return own_policy(policy, person, people_of(session, policy.slug), today_of(workshop, policy, person))


def follow_ticket_gone(workshop: Workshop, session: Session, policy: Policy, gone: IssueGone) -> None:
    """Withdraw an undecided ticket whose issue was deleted or moved away; decided ones keep their decision."""
    row = ticket_row(session, policy.slug, gone.number)
    if row is None or TicketState(row.state) not in UNDECIDED:
        return
    ticket, person = ticket_of(row), person_by_id(session, row.person_id)
    decision = withdraw(policy, ticket, person)
    # There is no issue left to say it on; the thread, if there is one, is still told.
    spoken = tuple(one for one in decision.effects if getattr(one, "issue_number", None) is None)
    keep_decision(workshop, session, policy, row, replace(decision, effects=spoken))


def _follow_open_and_closed(workshop: Workshop, session: Session, policy: Policy, row: TicketRow, issue: Issue) -> None:
    ticket, person = ticket_of(row), person_by_id(session, row.person_id)
    if issue.open == ticket.issue_open:
        return
    ticket = replace(ticket, issue_open=issue.open)
    keep_ticket(row, ticket)
    if issue.open:
        ticket = _of_the_year_it_is(workshop, policy, ticket, person)
        holds_another = held_ticket(session, person.id, ticket.year, row.id) is not None
        own = _own_policy(workshop, session, policy, person)
        decision = take_up_again(own, ticket, person, holds_another=holds_another)
    elif ticket.state in UNDECIDED or issue.close_reason is CloseReason.NOT_PLANNED:
        decision = withdraw(policy, ticket, person)
    else:
        return  # closed after the decision, as done: nothing more to do
    keep_decision(workshop, session, policy, row, decision)


def ticket_issue_opened(
    workshop: Workshop, session: Session, policy: Policy, ticket_id: int, *, number: int, url: str
) -> None:
    """Remember which issue was opened for a ticket and go on with its triage."""

    def decide(own: Policy, ticket: Ticket, person: Person) -> TicketDecision:
        return issue_opened(own, ticket, person, number=number, url=url, now=workshop.now())

    _decide(workshop, session, policy, ticket_id, decide)


def ticket_thread_started(
    workshop: Workshop, session: Session, policy: Policy, effect: StartThread, thread: Thread
) -> None:
    """Remember a ticket's thread and go on to its proposal, if one was asked for.

    A thread of the whole year is remembered for later tickets, and is what every ticket of the year waited for.
    """
    ticket_id = int(effect.about.removeprefix("ticket:"))
    row = session.get_one(TicketRow, ticket_id)
    waiting = [ticket_id]
    if effect.reference == year_reference(row.year):
        moment = {
            "organisation": policy.slug,
            "rhythm": YEAR_THREAD,
            "turn": row.year,
            "closes_on": date(int(row.year), 12, 31),
            "discussion_id": thread.discussion_id,
            "topic_id": thread.topic_id,
            "url": thread.url,
        }
        insert_once(session, TeamMomentRow, moment)
        waiting = list(session.scalars(_waits_for_a_thread(policy, row.year)))

    def decide(own: Policy, ticket: Ticket, person: Person) -> TicketDecision:
        return thread_started(
            own,
            ticket,
            person,
            discussion_id=thread.discussion_id,
            topic_id=thread.topic_id,
            url=thread.url,
            now=workshop.now(),
        )

    for one in waiting:
        _decide(workshop, session, policy, one, decide)


def is_wanted(session: Session, policy: Policy, effect: StartThread | StartProposal) -> str:
    """Say, at the moment of sending, why a thread or a vote is not wanted any more; '' when it is."""
    ticket = ticket_by_about(session, effect.about)
    if isinstance(effect, StartThread) and effect.reference == year_reference(ticket.year):
        known = team_moment(session, policy.slug, YEAR_THREAD, ticket.year) is not None
        waits = session.scalar(_waits_for_a_thread(policy, ticket.year).limit(1)) is not None
        return "" if waits and not known else "no ticket waits for the year's thread"
    return "" if still_wanted(ticket, effect) else f"the ticket is {ticket.state.value} by now"


def _of_the_year_it_is(workshop: Workshop, policy: Policy, ticket: Ticket, person: Person) -> Ticket:
    """Give what was given back as a ticket of the year it is by now: taken up again, that is the year it holds."""
    if ticket.state not in GIVEN_BACK:
        return ticket
    return replace(ticket, year=ticket_year(policy, person, today_of(workshop, policy, person)))


def _waits_for_a_thread(policy: Policy, year: str) -> Select[int]:
    wanting = [TicketState.THREAD.value, TicketState.PROPOSED.value]
    return select(TicketRow.id).where(
        TicketRow.organisation == policy.slug,
        TicketRow.year == year,
        TicketRow.topic_id.is_(None),
        TicketRow.state.in_(wanting),
    )


def _in_its_thread(session: Session, policy: Policy, ticket: Ticket) -> Ticket:
    """Give the ticket with the thread of its year, where tickets share one and it is there already."""
    if ticket.topic_id is not None or policy.loomio is None or policy.loomio.threads is not ThreadsOf.YEAR:
        return ticket
    shared = team_moment(session, policy.slug, YEAR_THREAD, ticket.year)
    if shared is None:
        return ticket
    return replace(ticket, discussion_id=shared.discussion_id, topic_id=shared.topic_id, thread_url=shared.url)


def ticket_proposal_started(
    workshop: Workshop, session: Session, policy: Policy, ticket_id: int, poll: Poll, *, round_: int
) -> None:
    """Remember the proposal of a ticket's round and look at it from now on."""
    now = workshop.now()
    session.add(
        ProposalRow(
            organisation=policy.slug,
            ticket_id=ticket_id,
            round=round_,
            poll_key=poll.key,
            url=poll.url,
            closes_at=poll.closing_at or now,
            look_at=now if policy.loomio is None else next_look(poll, policy.loomio, now=now),
        )
    )

    def decide(own: Policy, ticket: Ticket, person: Person) -> TicketDecision:
        return proposal_started(own, ticket, person, url=poll.url, closes_at=poll.closing_at or now)

    _decide(workshop, session, policy, ticket_id, decide)


def ticket_poll_seen(
    workshop: Workshop, session: Session, policy: Policy, proposal: ProposalRow, poll: Poll, *, asked_at: datetime
) -> None:
    """Read a poll as it stood when it was asked for, on the practice clock, and write back what is new."""
    if policy.loomio is None:
        return
    reading = read(poll, policy.loomio, now=asked_at)
    proposal.looked_at, proposal.looks_in_vain, proposal.last_error = asked_at, 0, None
    proposal.look_at = next_look(poll, policy.loomio, now=asked_at)
    latest = latest_proposal(session, proposal.ticket_id)
    if latest is None or latest.id != proposal.id:
        proposal.look_at = None  # a later round decides now
        return
    row = session.get_one(TicketRow, proposal.ticket_id)
    holds_another = held_ticket(session, row.person_id, row.year, row.id) is not None

    def decide(own: Policy, ticket: Ticket, person: Person) -> TicketDecision:
        return decided(
            own,
            ticket,
            person,
            reading,
            before=proposal.reading,
            url=proposal.url,
            look=proposal.round * 1000 + proposal.readings_written,
            holds_another=holds_another,
        )

    if _decide(workshop, session, policy, proposal.ticket_id, decide):
        proposal.reading = reading.fingerprint() if reading.result is not Result.OPEN else ""
        proposal.readings_written += 1


def obey_on_ticket(
    workshop: Workshop, session: Session, policy: Policy, row: TicketRow, by: Person, command: Command
) -> bool:
    """Do what a command on a ticket's issue says; False when it does not fit here, now, or from this person."""
    ticket, person = ticket_of(row), person_by_id(session, row.person_id)
    policy = _own_policy(workshop, session, policy, person)
    ticket = _of_the_year_it_is(workshop, policy, ticket, person)
    holds_another = held_ticket(session, person.id, ticket.year, row.id) is not None
    match command.name:
        case "go-ahead" | "thread" | "proposal" | "talk":
            ticket = _in_its_thread(session, policy, ticket)
            wanted = Exit(command.name)
            decision = choose(policy, ticket, person, wanted, holds_another=holds_another, now=workshop.now())
        case "withdraw":
            decision = withdraw(policy, ticket, person)
        case "booked" | "used" | "shared":
            decision = go_on(policy, ticket, person, DEED_OF[command.name])
        case "bucket":
            decision = fill_bucket(policy, ticket, person, command.words.strip())
        case "funded" | "not-funded":
            decision = fund(policy, ticket, person, by, funded=command.name == "funded")
        case "ilo":
            if ticket.state not in GOES_WITH_A_GOAL:
                return False
            goal = _matching_goal(session, policy, ticket)
            if goal is not None:
                return activate_objective(workshop, session, policy, goal)
            _open_matching_goal(workshop, session, policy, ticket, person)
            return True
        case "consented":
            decision = confirm(policy, ticket, person, Result.CONSENTED, by)
        case "objection":
            decision = confirm(policy, ticket, person, Result.OBJECTION, by)
        case _:
            return False
    keep_decision(workshop, session, policy, row, decision)
    return decision.ticket is not None


DEED_OF = {"booked": Deed.BOOK, "used": Deed.USE, "shared": Deed.SHARE}
GOES_WITH_A_GOAL = (TicketState.LIGHT, TicketState.CONSENTED, TicketState.BOOKED, TicketState.USED)


def _matching_goal(session: Session, policy: Policy, ticket: Ticket) -> ObjectiveRow | None:
    return session.scalar(select(ObjectiveRow).where(ObjectiveRow.asked_by == _goal_asked_by(policy, ticket)))


def _goal_asked_by(policy: Policy, ticket: Ticket) -> str:
    return f"{policy.slug}:{ticket.reference()}"


def _open_matching_goal(workshop: Workshop, session: Session, policy: Policy, ticket: Ticket, person: Person) -> None:
    """Open the ILO that goes with an agreed ticket; one that is there already stays as it is."""
    title = ticket.opportunity.strip().partition("\n")[0].strip()[:LONGEST_GOAL]
    asked_by = _goal_asked_by(policy, ticket)
    open_objective(workshop, session, policy, person, title=title, why=ticket.stretch, asked_by=asked_by)


def _decide(
    workshop: Workshop,
    session: Session,
    policy: Policy,
    ticket_id: int,
    decide: Callable[[Policy, Ticket, Person], TicketDecision],
) -> bool:
    row = session.get_one(TicketRow, ticket_id)
    person = person_by_id(session, row.person_id)
    own = _own_policy(workshop, session, policy, person)
    decision = decide(own, _in_its_thread(session, policy, ticket_of(row)), person)
    keep_decision(workshop, session, policy, row, decision)
    return decision.ticket is not None


def keep_decision(
    workshop: Workshop, session: Session, policy: Policy, row: TicketRow, decision: TicketDecision
) -> None:
    """Store what was decided about a ticket, and plan what follows from it."""
    if decision.ticket is not None:
        agreed = decision.ticket.state is TicketState.CONSENTED and row.state != TicketState.CONSENTED.value
        keep_ticket(row, decision.ticket)
        look_anew(session, [decision.ticket.person_id])
        session.flush()
        if agreed and policy.ticket.opens_objective:
            person = person_by_id(session, row.person_id)
            _open_matching_goal(workshop, session, policy, decision.ticket, person)
    record(workshop, session, policy.slug, happened=decision.happened, effects=decision.effects)
    for effect in decision.effects:
        if isinstance(effect, StartThread):
            _plan_thread_anew(workshop, session, effect)


def _plan_thread_anew(workshop: Workshop, session: Session, effect: StartThread) -> None:
    """Have a thread started after all that was given up while nobody wanted it, or while the organisation observed.

    Nothing was sent under its key. Its row is written in any case: whoever judges it, or remembers what it started, at
    this very moment begins again.
    """
    row = session.get_one(EffectRow, effect.key, with_for_update=True)
    if row.status == "done":
        return
    row.planned_at = workshop.now()
    if row.status in ("not needed", "withheld"):
        row.status, row.payload, row.sent_at, row.attempts = "planned", payload_of(effect), None, 0
        enqueue_next(workshop, session, row, effect.key, at=workshop.real_now())
