"""Golden tickets: one per person and ticket year, triaged without forcing a vote, decided by the group when it matters.

Practice rows 39 to 43; rules 2, 3 and 7 of the design. Booking, using and sharing a ticket come later; an objection, a
withdrawal or a proposal taken down gives the ticket back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from domain.effects import (
    CommentOnIssue,
    CommentOnThread,
    Effect,
    OpenIssue,
    Say,
    ShowTicketState,
    StartProposal,
    StartThread,
)
from domain.events import Happened, What
from domain.people import Person
from domain.policy import CriticalPeriod, LoomioPolicy, Policy
from domain.proposals import Reading, Result, closing_time


class TicketState(StrEnum):
    """Where a ticket stands. Each state has a next step, said on the ticket's issue."""

    OFFERED = "exits offered"
    LIGHT = "agreed by the member"
    TALK = "talking it over"
    THREAD = "thread started"
    PROPOSED = "proposed"
    CONSENTED = "consented"
    OBJECTION = "objection"
    NO_QUORUM = "no quorum"
    NO_DECISION = "no decision"
    WITHDRAWN = "withdrawn"


# Given back: the person may claim again this ticket year. Everything else holds the year's ticket (a partial unique
# index in the database holds this as well).
GIVEN_BACK = (TicketState.OBJECTION, TicketState.WITHDRAWN)
UNDECIDED = (
    TicketState.OFFERED,
    TicketState.TALK,
    TicketState.THREAD,
    TicketState.PROPOSED,
    TicketState.NO_QUORUM,
    TicketState.NO_DECISION,
)


class Exit(StrEnum):
    """The four ways out of triage (practice row 43)."""

    GO_AHEAD = "go-ahead"
    THREAD = "thread"
    PROPOSAL = "proposal"
    TALK = "talk"


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One golden ticket as Trellis remembers it. `cost` is None when the words named no sum."""

    id: int | None = None
    number: int
    person_id: int
    year: str
    state: TicketState
    opportunity: str
    stretch: str = ""
    cost: Decimal | None = Decimal(0)
    currency: str = ""
    cost_said: str = ""
    first_on: date | None = None
    last_on: date | None = None
    exit: Exit | None = None
    round: int = 0  # proposals asked for so far
    turn: int = 0  # times its member chose, withdrew or took it up again
    claimed_at: datetime
    issue_number: int | None = None
    issue_url: str | None = None
    issue_open: bool = True
    discussion_id: int | None = None
    topic_id: int | None = None
    thread_url: str | None = None

    def reference(self) -> str:
        """Give the visible reference, such as GT-0007, that stands in titles and finds threads and polls again."""
        return f"GT-{self.number:04d}"

    def about(self) -> str:
        """Name the ticket for the timeline and the effects."""
        return f"ticket:{self.id}"


@dataclass(frozen=True, kw_only=True)
class TicketDecision:
    """What changes: the ticket as it is from now on, effects to plan, lines for the timeline."""

    ticket: Ticket | None = None
    effects: tuple[Effect, ...] = ()
    happened: tuple[Happened, ...] = field(default=())


NOTHING = TicketDecision()


@dataclass(frozen=True, kw_only=True)
class Triage:
    """What triage found: the exit it suggests and why. It suggests; the member decides."""

    suggested: Exit
    costs_money: bool
    bad_moment: CriticalPeriod | None
    unsure: bool


def triage(policy: Policy, ticket: Ticket) -> Triage:
    """Ask the three questions of practice row 43: money, a bad moment, unsure."""
    unsure = ticket.cost is None
    costs_money = ticket.cost is not None and ticket.cost > policy.ticket.money_threshold
    bad_moment = _overlap(policy.organisation.critical_periods, ticket)
    if costs_money:
        suggested = Exit.PROPOSAL
    elif bad_moment is not None:
        suggested = Exit.THREAD
    elif unsure:
        suggested = Exit.TALK
    else:
        suggested = Exit.GO_AHEAD
    return Triage(suggested=suggested, costs_money=costs_money, bad_moment=bad_moment, unsure=unsure)


def claim(policy: Policy, ticket: Ticket, person: Person, wanted: Exit | None, *, now: datetime) -> TicketDecision:
    """Take up a fresh claim: open its issue when it has none, then leave triage by the member's exit.

    With no exit named, a plain request is agreed at once, one that costs money goes to a proposal (which is what its
    member asked for by claiming with a price), and a bad moment or an unclear price leaves the choice with the member.
    `ticket` is already stored.
    """
    line = Happened(
        what=What.TICKET_CLAIMED,
        person_id=person.id,
        about=ticket.about(),
        url=ticket.issue_url,
        details={"reference": ticket.reference(), "year": ticket.year},
    )
    if ticket.issue_number is None:
        return TicketDecision(
            ticket=replace(ticket, exit=wanted), effects=(_open_issue(policy, ticket, person),), happened=(line,)
        )
    found = triage(policy, ticket)
    if wanted is None and (found.costs_money or found.suggested is Exit.GO_AHEAD):
        wanted = found.suggested
    if wanted is None:
        offer = _exits(policy, ticket, person, key="exits")
        return TicketDecision(ticket=replace(ticket, exit=None), effects=(offer,), happened=(line,))
    chosen = choose(policy, ticket, person, wanted, now=now)
    return replace(chosen, happened=(line, *chosen.happened))


def choose(policy: Policy, ticket: Ticket, person: Person, wanted: Exit, *, now: datetime) -> TicketDecision:
    """Leave triage by an exit the member chose, now or after a vote that decided nothing."""
    if ticket.state not in UNDECIDED or ticket.state is TicketState.PROPOSED:
        return NOTHING
    found = triage(policy, ticket)
    line = _line(What.TICKET_EXIT_CHOSEN, ticket, exit=wanted.value)
    # Each choice is answered, however often somebody changes their mind; the first has the plainest key.
    key = wanted.value + (f":{ticket.turn}" if ticket.turn else "")
    ticket = replace(ticket, turn=ticket.turn + 1)
    if wanted is Exit.GO_AHEAD and found.costs_money:
        # Money is the group's to give; the member still picks how to ask (practice row 40).
        say = _say(policy, ticket, person, "ticket-money-needs-a-yes", {}, key=f"money:{key}")
        return TicketDecision(ticket=replace(ticket, exit=None), effects=(say,))
    ticket = replace(ticket, exit=wanted)
    match wanted:
        case Exit.GO_AHEAD:
            ticket = replace(ticket, state=TicketState.LIGHT)
            say = _say(policy, ticket, person, "ticket-go-ahead", {}, key=key)
            return TicketDecision(ticket=ticket, effects=(say, *_show(policy, ticket, key)), happened=(line,))
        case Exit.TALK:
            ticket = replace(ticket, state=TicketState.TALK)
            say = _say(policy, ticket, person, "ticket-talk", {"people": _people_to_ask(policy)}, key=key)
            return TicketDecision(ticket=ticket, effects=(say, *_show(policy, ticket, key)), happened=(line,))
        case Exit.THREAD | Exit.PROPOSAL:
            return _to_loomio(policy, ticket, person, wanted, line, key=key, now=now)


def withdraw(policy: Policy, ticket: Ticket, person: Person) -> TicketDecision:
    """Take a ticket back because its member said so; the year's ticket is theirs again."""
    if ticket.state in GIVEN_BACK:
        return NOTHING
    ticket = replace(ticket, state=TicketState.WITHDRAWN, turn=ticket.turn + 1)
    effects: list[Effect] = [_say(policy, ticket, person, "ticket-withdrawn", {}, key=f"withdrawn:{ticket.turn}")]
    effects += _show(policy, ticket, f"withdrawn:{ticket.turn}")
    if ticket.topic_id is not None and ticket.discussion_id is not None:
        effects.append(_withdrawn_in_thread(policy, ticket, person, ticket.discussion_id, ticket.topic_id))
    return TicketDecision(ticket=ticket, effects=tuple(effects), happened=(_line(What.TICKET_WITHDRAWN, ticket),))


def _withdrawn_in_thread(
    policy: Policy, ticket: Ticket, person: Person, discussion_id: int, topic_id: int
) -> CommentOnThread:
    values = {"name": person.name, "reference": ticket.reference()}
    return CommentOnThread(
        key=f"thread-withdrawn:{policy.slug}:{ticket.id}:{ticket.turn}",
        about=ticket.about(),
        discussion_id=discussion_id,
        topic_id=topic_id,
        mark=f"{ticket.reference()} withdrawn",
        body=_words(policy, person, "thread-withdrawn", values),
    )


def still_wanted(ticket: Ticket, effect: StartThread | StartProposal) -> bool:
    """Say, at the moment of sending, whether a thread or a vote is still what the member wants."""
    match effect:
        case StartThread():
            return ticket.state in (TicketState.THREAD, TicketState.PROPOSED)
        case StartProposal():
            return ticket.state is TicketState.PROPOSED and ticket.round == effect.round


def take_up_again(policy: Policy, ticket: Ticket, person: Person, *, holds_another: bool) -> TicketDecision:
    """Offer the exits anew when a withdrawn ticket's issue is reopened, unless the year's ticket is elsewhere now."""
    if ticket.state is not TicketState.WITHDRAWN or holds_another:
        return NOTHING
    ticket = replace(ticket, state=TicketState.OFFERED, exit=None, turn=ticket.turn + 1)
    say = _exits(policy, ticket, person, key=f"exits-again:{ticket.turn}")
    show = _show(policy, ticket, f"exits-again:{ticket.turn}")
    return TicketDecision(ticket=ticket, effects=(say, *show), happened=(_line(What.TICKET_CLAIMED, ticket),))


def issue_opened(
    policy: Policy, ticket: Ticket, person: Person, *, number: int, url: str, now: datetime
) -> TicketDecision:
    """Remember the issue that was opened for a ticket and go on with its triage."""
    if ticket.issue_number is not None:
        return NOTHING
    seen = replace(ticket, issue_number=number, issue_url=url)
    decided = claim(policy, seen, person, ticket.exit, now=now)
    return replace(decided, happened=decided.happened[1:])  # the claim itself is on the timeline already


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
    line = replace(_line(What.THREAD_STARTED, ticket), url=url)
    effects: tuple[Effect, ...] = ()
    if ticket.state is TicketState.PROPOSED and policy.loomio is not None:
        effects = (_proposal(policy, policy.loomio, ticket, person, now=now),)
    elif ticket.state is TicketState.THREAD:
        effects = _in_thread(policy, ticket, person, "thread")
    elif ticket.state is TicketState.WITHDRAWN:
        effects = (_withdrawn_in_thread(policy, ticket, person, discussion_id, topic_id),)
    return TicketDecision(ticket=ticket, effects=effects, happened=(line,))


def _in_thread(policy: Policy, ticket: Ticket, person: Person, key: str) -> tuple[Effect, ...]:
    """Tell the member where to talk."""
    say = _say(policy, ticket, person, "ticket-thread", {"thread": ticket.thread_url or ""}, key=key)
    return (say, *_show(policy, ticket, key))


def proposal_started(
    policy: Policy, ticket: Ticket, person: Person, *, url: str, closes_at: datetime
) -> TicketDecision:
    """Remember that the group is being asked, and say so on the ticket's issue."""
    if ticket.state is not TicketState.PROPOSED:
        return NOTHING  # withdrawn, or decided by people, while the proposal was on its way
    values = {"proposal": url, "closes": f"{closes_at:%d %B %Y, %H:%M} UTC"}
    say = _say(policy, ticket, person, "ticket-proposed", values, key=f"proposed:{ticket.round}")
    line = replace(_line(What.PROPOSAL_STARTED, ticket), url=url)
    return TicketDecision(
        ticket=ticket, effects=(say, *_show(policy, ticket, f"proposed:{ticket.round}")), happened=(line,)
    )


STATE_OF = {
    Result.CONSENTED: TicketState.CONSENTED,
    Result.OBJECTION: TicketState.OBJECTION,
    Result.NO_QUORUM: TicketState.NO_QUORUM,
    Result.NO_DECISION: TicketState.NO_DECISION,
    Result.PEOPLE_SAID: TicketState.NO_DECISION,
    Result.CANCELLED: TicketState.WITHDRAWN,
    Result.UNREADABLE: TicketState.NO_DECISION,
    Result.OPEN: TicketState.PROPOSED,
}


def decided(
    policy: Policy,
    ticket: Ticket,
    person: Person,
    reading: Reading,
    *,
    before: str,
    url: str,
    look: int,
    holds_another: bool,
) -> TicketDecision:
    """Write a new reading back to the ticket; the same reading again changes nothing.

    `before` is the fingerprint last written ('' for none), `look` the running number of readings written so far, and
    `holds_another` says whether the member has claimed anew since: then a poll that turns around is told, not obeyed.
    """
    if reading.fingerprint() == before or reading.result is Result.LAPSED:
        return NOTHING
    if reading.result is Result.OPEN and not before:
        return NOTHING
    if ticket.state is TicketState.WITHDRAWN:
        return NOTHING  # the member took it back; what the group says afterwards stays in Loomio
    state = STATE_OF[reading.result]
    if ticket.state is TicketState.OBJECTION and state not in GIVEN_BACK and holds_another:
        say = _say(policy, ticket, person, "ticket-turned-around", {"proposal": url}, key=f"reading:{look}")
        return TicketDecision(ticket=ticket, effects=(say,))
    ticket = replace(ticket, state=state)
    say = _say(
        policy, ticket, person, _message_for(reading), _reading_values(policy, reading, url), key=f"reading:{look}"
    )
    line = replace(_line(What.TICKET_DECIDED, ticket, result=reading.result.value, rule=reading.rule), url=url)
    return TicketDecision(ticket=ticket, effects=(say, *_show(policy, ticket, f"reading:{look}")), happened=(line,))


def confirm(policy: Policy, ticket: Ticket, person: Person, result: Result, by: Person) -> TicketDecision:
    """Settle by a coordinator's word what a free-text outcome means (rule 3: people outrank the reading).

    Nobody settles their own ticket.
    """
    settled = STATE_OF[result]
    if (
        not by.coordinator
        or by.id == ticket.person_id
        or ticket.state not in (TicketState.NO_DECISION, TicketState.NO_QUORUM)
    ):
        return NOTHING
    ticket = replace(ticket, state=settled)
    name = "ticket-consented-by-people" if result is Result.CONSENTED else "ticket-objection-by-people"
    key = f"confirmed:{ticket.round}:{result.value}"
    say = _say(policy, ticket, person, name, {"by": by.first_name()}, key=key)
    line = _line(What.TICKET_DECIDED, ticket, result=result.value, rule="coordinator")
    return TicketDecision(ticket=ticket, effects=(say, *_show(policy, ticket, key)), happened=(line,))


def already_held(policy: Policy, held: Ticket, person: Person, *, issue_number: int) -> CommentOnIssue:
    """Answer a second claim of the same ticket year, kindly and with the way on."""
    values = {"name": person.first_name(), "year": held.year, "held": _link(held)}
    return CommentOnIssue(
        key=f"ticket-held:{policy.slug}:{issue_number}",
        about=held.about(),
        issue_number=issue_number,
        body=_words(policy, person, "ticket-already-held", values),
    )


def _to_loomio(
    policy: Policy, ticket: Ticket, person: Person, wanted: Exit, line: Happened, *, key: str, now: datetime
) -> TicketDecision:
    if policy.loomio is None:
        say = _say(policy, ticket, person, "ticket-no-loomio", {"people": _people_to_ask(policy)}, key=key)
        ticket = replace(ticket, state=TicketState.TALK)
        return TicketDecision(ticket=ticket, effects=(say, *_show(policy, ticket, key)), happened=(line,))
    propose = wanted is Exit.PROPOSAL
    # PROPOSED from the moment it is asked for: a second `/proposal` meanwhile must not start a second one.
    ticket = replace(
        ticket, round=ticket.round + propose, state=TicketState.PROPOSED if propose else TicketState.THREAD
    )
    if ticket.topic_id is not None:
        effects: tuple[Effect, ...] = (
            (_proposal(policy, policy.loomio, ticket, person, now=now),)
            if propose
            else _in_thread(policy, ticket, person, key)
        )
        return TicketDecision(ticket=ticket, effects=effects, happened=(line,))
    thread = StartThread(
        key=f"thread:{policy.slug}:{ticket.id}",
        about=ticket.about(),
        reference=ticket.reference(),
        title=_title(ticket),
        body=_words(policy, person, "thread", _told(ticket, person)),
    )
    return TicketDecision(ticket=ticket, effects=(thread,), happened=(line,))


def _proposal(policy: Policy, loomio: LoomioPolicy, ticket: Ticket, person: Person, *, now: datetime) -> StartProposal:
    if ticket.topic_id is None:
        raise ValueError(f"{ticket.reference()} has no thread to propose in yet")
    return StartProposal(
        key=f"proposal:{policy.slug}:{ticket.id}:{ticket.round}",
        about=ticket.about(),
        reference=_round_reference(ticket),
        round=ticket.round,
        topic_id=ticket.topic_id,
        title=_title(ticket, _round_reference(ticket)),
        body=_words(policy, person, "proposal", _told(ticket, person)),
        options=loomio.options,
        closes_at=closing_time(loomio, now=now),
        quorum_percent=loomio.quorum_percent,
    )


def _round_reference(ticket: Ticket) -> str:
    return ticket.reference() if ticket.round <= 1 else f"{ticket.reference()} round {ticket.round}"


LONGEST_TITLE = 150  # Loomio refuses longer thread titles (facts on Loomio, 2.4)


def _title(ticket: Ticket, reference: str | None = None) -> str:
    tail = f" ({reference or ticket.reference()})"
    head = "Golden ticket: "
    room = LONGEST_TITLE - len(head) - len(tail)
    opportunity = " ".join(ticket.opportunity.split())
    if len(opportunity) > room:
        opportunity = opportunity[: room - 1].rstrip() + "…"
    return f"{head}{opportunity}{tail}"


def _open_issue(policy: Policy, ticket: Ticket, person: Person) -> OpenIssue:
    return OpenIssue(
        key=f"open:{policy.slug}:{ticket.about()}",
        about=ticket.about(),
        title=_title(ticket),
        body=_words(policy, person, "ticket-issue", _answers(ticket, person)),
        labels=(policy.github.ticket_label,),
        assignees=(person.github_login,) if person.github_login else (),
    )


def _answers(ticket: Ticket, person: Person) -> dict[str, str]:
    """Give the ticket as the form would render it, so that the issue reads back the same."""
    none = "_No response_"
    return {
        "name": person.name,
        "reference": ticket.reference(),
        "opportunity": ticket.opportunity,
        "stretch": ticket.stretch or none,
        "cost": cost_words(ticket) or none,
        "first_day": ticket.first_on.isoformat() if ticket.first_on else none,
        "last_day": ticket.last_on.isoformat() if ticket.last_on else none,
    }


def _told(ticket: Ticket, person: Person) -> dict[str, str]:
    """Give the ticket as the group reads it; a dash where nothing was said."""
    days = dict.fromkeys(day.isoformat() for day in (ticket.first_on, ticket.last_on) if day)
    return {
        "name": person.name,
        "reference": ticket.reference(),
        "opportunity": ticket.opportunity,
        "stretch": ticket.stretch or "–",
        "cost": cost_words(ticket) or "–",
        "days": " – ".join(days) or "–",
        "issue": ticket.issue_url or ticket.reference(),
    }


def cost_words(ticket: Ticket) -> str:
    """Say what a ticket costs, in the member's own words where they wrote any."""
    if ticket.cost_said:
        return ticket.cost_said
    return f"{ticket.cost} {ticket.currency}".strip() if ticket.cost else ""


def _exits(policy: Policy, ticket: Ticket, person: Person, *, key: str) -> CommentOnIssue:
    """Offer the four ways out, with the one that could fit and, where dates meet a critical period, why."""
    found = triage(policy, ticket)
    values = {"suggested": f"/{found.suggested.value}", "people": _people_to_ask(policy)}
    if found.bad_moment is None or found.costs_money:
        return _say(policy, ticket, person, "ticket-exits", values, key=key)
    values["moment"] = found.bad_moment.name
    return _say(policy, ticket, person, "ticket-exits-at-a-moment", values, key=key)


def _reading_values(policy: Policy, reading: Reading, url: str) -> dict[str, str]:
    return {
        "agree": str(reading.agree),
        "abstain": str(reading.abstain),
        "disagree": str(reading.disagree),
        "block": str(reading.block),
        "rule": reading.rule,
        "statement": reading.statement,
        "proposal": url,
        "people": _people_to_ask(policy),
    }


def _message_for(reading: Reading) -> str:
    match reading.result:
        case Result.CONSENTED:
            return "ticket-outcome-consented" if reading.outcome_id else "ticket-consented"
        case Result.OBJECTION:
            return "ticket-outcome-objection" if reading.outcome_id else "ticket-objection"
        case Result.NO_QUORUM:
            return "ticket-no-quorum"
        case Result.PEOPLE_SAID:
            return "ticket-people-said"
        case Result.CANCELLED:
            return "ticket-proposal-taken-down"
        case Result.OPEN:
            return "ticket-reopened"
        case Result.UNREADABLE:
            return "ticket-unreadable"
        case Result.NO_DECISION | Result.LAPSED:
            return "ticket-no-decision"


def _show(policy: Policy, ticket: Ticket, key: str) -> tuple[Effect, ...]:
    """Have the ticket's issue show its state."""
    if ticket.issue_number is None:
        return ()
    key = f"ticket-label:{policy.slug}:{ticket.id}:{key}"
    return (ShowTicketState(key=key, about=ticket.about(), issue_number=ticket.issue_number),)


def label_of(state: TicketState) -> str:
    """Give the one label that shows a state on the ticket's issue."""
    return f"ticket: {state.value}"


def _say(
    policy: Policy, ticket: Ticket, person: Person, name: str, values: dict[str, str], *, key: str
) -> CommentOnIssue:
    if ticket.issue_number is None:
        raise ValueError(f"{ticket.reference()} has no issue to speak on yet")
    common = {"name": person.first_name(), "reference": ticket.reference()}
    return CommentOnIssue(
        key=f"ticket-say:{policy.slug}:{ticket.id}:{key}",
        about=ticket.about(),
        issue_number=ticket.issue_number,
        body=_words(policy, person, name, common | values),
    )


def _words(policy: Policy, person: Person, name: str, values: dict[str, str]) -> Say:
    return Say(name=name, locale=person.locale or policy.organisation.locale, values=values)


def _people_to_ask(policy: Policy) -> str:
    return ", ".join(policy.ticket.ask) or "a coordinator"


def _link(ticket: Ticket) -> str:
    return f"[{ticket.reference()}]({ticket.issue_url})" if ticket.issue_url else ticket.reference()


def _overlap(periods: Sequence[CriticalPeriod], ticket: Ticket) -> CriticalPeriod | None:
    first = ticket.first_on or ticket.last_on
    last = ticket.last_on or ticket.first_on
    if first is None or last is None:
        return None
    return next((one for one in periods if first <= one.last_on and one.first_on <= last), None)


def _line(what: What, ticket: Ticket, **details: str) -> Happened:
    return Happened(
        what=what,
        person_id=ticket.person_id,
        about=ticket.about(),
        url=ticket.issue_url,
        details={"reference": ticket.reference(), **details},
    )
