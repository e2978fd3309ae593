"""Golden tickets: one per person and ticket year, triaged without forcing a vote.

Practice rows 38 to 43; rules 2, 3 and 7 of the design. What the group decides is in `ticket_votes.py`, what comes after
a yes in `ticket_use.py`, the table of all moves in `ticket_states.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from domain.effects import CommentOnIssue, CommentOnThread, Effect, StartProposal, StartThread
from domain.events import Happened, What
from domain.moments import add_months
from domain.people import Person
from domain.policy import CriticalPeriod, LoomioPolicy, Policy, ThreadsOf
from domain.proposals import closing_time
from domain.ticket import NOTHING, Ticket, TicketDecision
from domain.ticket_states import GIVEN_BACK, Deed, Exit, TicketState, may
from domain.ticket_words import in_thread, line, link, open_issue, people_to_ask, say, say_to, show, title_of, told
from domain.years import ticket_year_begins_on

DEED_OF = {
    Exit.GO_AHEAD: Deed.GO_AHEAD,
    Exit.TALK: Deed.TALK,
    Exit.THREAD: Deed.THREAD,
    Exit.PROPOSAL: Deed.PROPOSE,
}
# What people write for their currency; a sign that several share means the organisation's own.
SIGNS = {"€": ("EUR",), "£": ("GBP",), "$": ("USD", "AUD", "CAD", "HKD", "MXN", "NZD", "SGD")}


@dataclass(frozen=True, kw_only=True)
class Triage:
    """What triage found: the exit it suggests and why. It suggests; the member decides."""

    suggested: Exit
    costs_money: bool
    bad_moment: CriticalPeriod | None
    unsure: bool


def triage(policy: Policy, ticket: Ticket) -> Triage:
    """Ask the three questions of practice row 43: money, a bad moment, unsure.

    A sum in another currency than the policy's cannot be compared with its threshold: it counts as money. Where there
    is no money to give, talking is suggested: time, people and assignments cost none (row 38).
    """
    unsure = ticket.cost is None
    most = policy.ticket.money_threshold if _is_ours(policy.ticket.currency, ticket.currency) else 0
    costs_money = ticket.cost is not None and ticket.cost > most and not ticket.funded
    bad_moment = _overlap(policy.organisation.critical_periods, ticket)
    if costs_money:
        suggested = Exit.PROPOSAL if policy.ticket.has_money else Exit.TALK
    elif bad_moment is not None:
        suggested = Exit.THREAD
    elif unsure:
        suggested = Exit.TALK
    else:
        suggested = Exit.GO_AHEAD
    return Triage(suggested=suggested, costs_money=costs_money, bad_moment=bad_moment, unsure=unsure)


def _is_ours(ours: str, said: str) -> bool:
    return said in ("", ours) or ours in SIGNS.get(said, ()) or said in SIGNS.get(ours, ())


def first_year_begins_on(policy: Policy, person: Person) -> date | None:
    """Give the day from which a newcomer may claim, None when they may from the start (practice row 39)."""
    if person.joined_on is None or not policy.ticket.waits_months:
        return None
    return add_months(person.joined_on, policy.ticket.waits_months)


def own_policy(policy: Policy, person: Person, people: Sequence[Person], on: date) -> Policy:
    """Give the policy as it holds for a person: where it names nobody to ask, the roster does (practice row 43).

    That is one of the Well Working Group and a coordinator, never the person themselves.
    """
    if policy.ticket.ask:
        return policy
    here = [one for one in people if one.id != person.id and one.here_on(on) and not one.paused_on(on)]
    chosen = [
        next((one.name for one in here if one.well_working), None),
        next((one.name for one in here if one.coordinator), None),
    ]
    ask = tuple(dict.fromkeys(name for name in chosen if name))
    return replace(policy, ticket=replace(policy.ticket, ask=ask))


def claim(policy: Policy, ticket: Ticket, person: Person, wanted: Exit | None, *, now: datetime) -> TicketDecision:
    """Take up a fresh claim: open its issue when it has none, then leave triage by the member's exit.

    With no exit named, a plain request is agreed at once, one that costs money goes to a proposal (which is what its
    member asked for by claiming with a price), and a bad moment or an unclear price leaves the choice with the member.
    `ticket` is already stored.
    """
    claimed = line(What.TICKET_CLAIMED, ticket, year=ticket.year)
    if ticket.issue_number is None:
        return TicketDecision(
            ticket=replace(ticket, exit=wanted), effects=(open_issue(policy, ticket, person),), happened=(claimed,)
        )
    found = triage(policy, ticket)
    if wanted is None and found.suggested in (Exit.PROPOSAL, Exit.GO_AHEAD):
        wanted = found.suggested
    if wanted is None:
        offer = _exits(policy, ticket, person, key="exits")
        return TicketDecision(ticket=replace(ticket, exit=None), effects=(offer,), happened=(claimed,))
    chosen = choose(policy, ticket, person, wanted, holds_another=False, now=now)
    return replace(chosen, happened=(claimed, *chosen.happened))


def choose(
    policy: Policy, ticket: Ticket, person: Person, wanted: Exit, *, holds_another: bool, now: datetime
) -> TicketDecision:
    """Leave triage by an exit the member chose, now or after a vote that decided nothing.

    `holds_another` says whether the year's ticket is elsewhere by now: then one that was given back stays so.
    """
    if not may(DEED_OF[wanted], ticket.state) or (ticket.state in GIVEN_BACK and holds_another):
        return NOTHING
    found = triage(policy, ticket)
    chosen = line(What.TICKET_EXIT_CHOSEN, ticket, exit=wanted.value)
    # Each choice is answered, however often somebody changes their mind; the first has the plainest key.
    key = wanted.value + (f":{ticket.turn}" if ticket.turn else "")
    ticket = replace(ticket, turn=ticket.turn + 1)
    if wanted is Exit.GO_AHEAD and found.costs_money:
        # Money is the group's to give; the member still picks how to ask (practice row 40).
        name = "ticket-money-needs-a-yes" if policy.ticket.has_money else "ticket-no-money"
        values = {} if policy.ticket.has_money else {"partner_names": people_to_ask(policy)}
        asked = say(policy, ticket, person, name, values, key=f"money:{key}")
        return TicketDecision(ticket=replace(ticket, exit=None), effects=(asked,))
    ticket = replace(ticket, exit=wanted)
    match wanted:
        case Exit.GO_AHEAD:
            ticket = replace(ticket, state=TicketState.LIGHT)
            answer = say(policy, ticket, person, "ticket-go-ahead", {}, key=key)
        case Exit.TALK:
            ticket = replace(ticket, state=TicketState.TALK)
            answer = say(policy, ticket, person, "ticket-talk", {"partner_names": people_to_ask(policy)}, key=key)
        case Exit.THREAD | Exit.PROPOSAL:
            return _to_loomio(policy, ticket, person, wanted, chosen, key=key, now=now)
    return TicketDecision(ticket=ticket, effects=(answer, *show(policy, ticket, key)), happened=(chosen,))


def withdraw(policy: Policy, ticket: Ticket, person: Person) -> TicketDecision:
    """Take a ticket back because its member said so; the year's ticket is theirs again."""
    if not may(Deed.WITHDRAW, ticket.state):
        return NOTHING
    ticket = replace(ticket, state=TicketState.WITHDRAWN, turn=ticket.turn + 1)
    key = f"withdrawn:{ticket.turn}"
    effects: list[Effect] = [say(policy, ticket, person, "ticket-withdrawn", {}, key=key)]
    effects += show(policy, ticket, key)
    if ticket.topic_id is not None:
        effects.append(_told_withdrawn(policy, ticket, person))
    return TicketDecision(ticket=ticket, effects=tuple(effects), happened=(line(What.TICKET_WITHDRAWN, ticket),))


def still_wanted(ticket: Ticket, effect: StartThread | StartProposal) -> bool:
    """Say, at the moment of sending, whether a thread or a vote is still what the member wants."""
    match effect:
        case StartThread():
            return ticket.state in (TicketState.THREAD, TicketState.PROPOSED)
        case StartProposal():
            return ticket.state is TicketState.PROPOSED and ticket.round == effect.round


def take_up_again(policy: Policy, ticket: Ticket, person: Person, *, holds_another: bool) -> TicketDecision:
    """Offer the exits anew when a given-back ticket's issue is reopened, unless the year's ticket is elsewhere now."""
    if not may(Deed.TAKE_UP, ticket.state) or holds_another:
        return NOTHING
    ticket = replace(ticket, state=TicketState.OFFERED, exit=None, turn=ticket.turn + 1)
    key = f"exits-again:{ticket.turn}"
    offer = _exits(policy, ticket, person, key=key)
    again = line(What.TICKET_CLAIMED, ticket)
    return TicketDecision(ticket=ticket, effects=(offer, *show(policy, ticket, key)), happened=(again,))


def issue_opened(
    policy: Policy, ticket: Ticket, person: Person, *, number: int, url: str, now: datetime
) -> TicketDecision:
    """Remember the issue that was opened for a ticket and go on with its triage."""
    if ticket.issue_number is not None:
        return NOTHING
    seen = replace(ticket, issue_number=number, issue_url=url)
    found = claim(policy, seen, person, ticket.exit, now=now)
    return replace(found, happened=found.happened[1:])  # the claim itself is on the timeline already


def thread_started(
    policy: Policy,
    ticket: Ticket,
    person: Person,
    *,
    discussion_id: int,
    topic_id: int,
    url: str,
    now: datetime,
) -> TicketDecision:
    """Remember the Loomio thread; then start the proposal in it, or tell the member where to talk.

    What the member wants *now* counts: they may have chosen anew, or withdrawn, while the thread was on its way.
    """
    ticket = replace(ticket, discussion_id=discussion_id, topic_id=topic_id, thread_url=url)
    started = replace(line(What.THREAD_STARTED, ticket), url=url)
    effects: tuple[Effect, ...] = ()
    if ticket.state is TicketState.PROPOSED and policy.loomio is not None:
        effects = (_proposal(policy, policy.loomio, ticket, person, now=now),)
    elif ticket.state is TicketState.THREAD:
        effects = _talk_in_thread(policy, ticket, person, "thread")
    elif ticket.state is TicketState.WITHDRAWN:
        effects = (_told_withdrawn(policy, ticket, person),)
    return TicketDecision(ticket=ticket, effects=effects, happened=(started,))


def already_held(policy: Policy, held: Ticket, person: Person, *, issue_number: int) -> CommentOnIssue:
    """Answer a second claim of the same ticket year, kindly and with the way on."""
    values = {"name": person.first_name(), "year": held.year, "held": link(held)}
    return CommentOnIssue(
        key=f"ticket-held:{policy.slug}:{issue_number}",
        about=held.about(),
        issue_number=issue_number,
        body=say_to(policy, person, "ticket-already-held", values),
    )


def not_yet(policy: Policy, person: Person, *, begins_on: date, issue_number: int) -> CommentOnIssue:
    """Answer a newcomer's claim that comes before their first ticket: when it begins, and that nothing is lost."""
    values = {"name": person.first_name(), "begins_on": begins_on.isoformat()}
    return CommentOnIssue(
        key=f"ticket-soon:{policy.slug}:{issue_number}",
        about=f"issue:{issue_number}",
        issue_number=issue_number,
        body=say_to(policy, person, "ticket-not-yet", values),
    )


def lasts_until(policy: Policy, ticket: Ticket, person: Person) -> date:
    """Give the day on which an unused ticket lapses: the end of its year, and the months it is carried over."""
    next_begins_on = ticket_year_begins_on(policy, person, int(ticket.year) + 1)
    return add_months(next_begins_on, policy.ticket.carry_over_months)


def _to_loomio(
    policy: Policy, ticket: Ticket, person: Person, wanted: Exit, chosen: Happened, *, key: str, now: datetime
) -> TicketDecision:
    if policy.loomio is None:
        answer = say(policy, ticket, person, "ticket-no-loomio", {"partner_names": people_to_ask(policy)}, key=key)
        ticket = replace(ticket, state=TicketState.TALK)
        return TicketDecision(ticket=ticket, effects=(answer, *show(policy, ticket, key)), happened=(chosen,))
    propose = wanted is Exit.PROPOSAL
    # PROPOSED from the moment it is asked for: a second `/proposal` meanwhile must not start a second one.
    ticket = replace(
        ticket, round=ticket.round + propose, state=TicketState.PROPOSED if propose else TicketState.THREAD
    )
    if ticket.topic_id is not None:
        effects: tuple[Effect, ...] = (
            (_proposal(policy, policy.loomio, ticket, person, now=now),)
            if propose
            else _talk_in_thread(policy, ticket, person, key)
        )
        return TicketDecision(ticket=ticket, effects=effects, happened=(chosen,))
    return TicketDecision(ticket=ticket, effects=(_thread(policy, policy.loomio, ticket, person),), happened=(chosen,))


def year_reference(year: str) -> str:
    """Give the visible reference of the thread that all tickets of a year share."""
    return f"GT year {year}"


def _thread(policy: Policy, loomio: LoomioPolicy, ticket: Ticket, person: Person) -> StartThread:
    if loomio.threads is ThreadsOf.YEAR:
        reference = year_reference(ticket.year)
        say_it = say_to(policy, person, "thread-of-the-year", {"year": ticket.year, "reference": reference})
        return StartThread(
            key=f"thread:{policy.slug}:year:{ticket.year}",
            about=ticket.about(),
            reference=reference,
            title=f"Golden tickets {ticket.year} ({reference})",
            body=replace(say_it, locale=policy.organisation.locale),
        )
    return StartThread(
        key=f"thread:{policy.slug}:{ticket.number}",
        about=ticket.about(),
        reference=ticket.reference(),
        title=title_of(ticket),
        body=say_to(policy, person, "thread", told(ticket, person)),
    )


def _talk_in_thread(policy: Policy, ticket: Ticket, person: Person, key: str) -> tuple[Effect, ...]:
    """Tell the member where to talk; in a thread that tickets share, tell the group what it is about as well."""
    answer = say(policy, ticket, person, "ticket-thread", {"thread": ticket.thread_url or ""}, key=key)
    effects: tuple[Effect, ...] = (answer, *show(policy, ticket, key))
    if policy.loomio is not None and policy.loomio.threads is ThreadsOf.YEAR:
        effects += (_told_in_thread(policy, ticket, person),)
    return effects


def _told_withdrawn(policy: Policy, ticket: Ticket, person: Person) -> CommentOnThread:
    body = say_to(policy, person, "thread-withdrawn", {"name": person.name, "reference": ticket.reference()})
    return in_thread(policy, ticket, body, sign="withdrawn")


def _told_in_thread(policy: Policy, ticket: Ticket, person: Person) -> CommentOnThread:
    body = say_to(policy, person, "thread", told(ticket, person))
    return in_thread(policy, ticket, body, sign="asks")


def _proposal(policy: Policy, loomio: LoomioPolicy, ticket: Ticket, person: Person, *, now: datetime) -> StartProposal:
    if ticket.topic_id is None:
        raise ValueError(f"{ticket.reference()} has no thread to propose in yet")
    return StartProposal(
        key=f"proposal:{policy.slug}:{ticket.number}:{ticket.round}",
        about=ticket.about(),
        reference=_round_reference(ticket),
        round=ticket.round,
        topic_id=ticket.topic_id,
        title=title_of(ticket, _round_reference(ticket)),
        body=say_to(policy, person, "proposal", told(ticket, person)),
        options=loomio.options,
        closes_at=closing_time(loomio, now=now),
        quorum_percent=loomio.quorum_percent,
    )


def _round_reference(ticket: Ticket) -> str:
    return ticket.reference() if ticket.round <= 1 else f"{ticket.reference()} round {ticket.round}"


def _exits(policy: Policy, ticket: Ticket, person: Person, *, key: str) -> CommentOnIssue:
    """Offer the four ways out, with the one that could fit and, where dates meet a critical period, why."""
    found = triage(policy, ticket)
    values = {"suggested": f"/{found.suggested.value}", "partner_names": people_to_ask(policy)}
    if found.costs_money and not policy.ticket.has_money:
        return say(policy, ticket, person, "ticket-exits-without-money", values, key=key)
    if found.bad_moment is None or found.costs_money:
        return say(policy, ticket, person, "ticket-exits", values, key=key)
    values["moment"] = found.bad_moment.name
    return say(policy, ticket, person, "ticket-exits-at-a-moment", values, key=key)


def _overlap(periods: Sequence[CriticalPeriod], ticket: Ticket) -> CriticalPeriod | None:
    first = ticket.first_on or ticket.last_on
    last = ticket.last_on or ticket.first_on
    if first is None or last is None:
        return None
    return next((one for one in periods if first <= one.last_on and one.first_on <= last), None)
