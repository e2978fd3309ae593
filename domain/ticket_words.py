"""What a ticket's people and group read: every message's name, and the values that fill it."""

from dataclasses import replace

from domain.effects import CommentOnIssue, CommentOnThread, Effect, OpenIssue, Say, ShowTicketState
from domain.events import Happened, What
from domain.people import Person
from domain.policy import Policy
from domain.proposals import Reading, Result
from domain.ticket import Ticket
from domain.ticket_states import TicketState

LONGEST_TITLE = 150  # Loomio refuses longer thread titles (facts on Loomio, 2.4)
NO_ANSWER = "_No response_"


def title_of(ticket: Ticket, reference: str | None = None) -> str:
    """Give the title of a ticket's issue, thread or proposal, its visible reference at the end."""
    tail = f" ({reference or ticket.reference()})"
    head = "Golden ticket: "
    room = LONGEST_TITLE - len(head) - len(tail)
    opportunity = " ".join(ticket.opportunity.split())
    if len(opportunity) > room:
        opportunity = opportunity[: room - 1].rstrip() + "…"
    return f"{head}{opportunity}{tail}"


def open_issue(policy: Policy, ticket: Ticket, person: Person) -> OpenIssue:
    """Have an issue opened for a ticket that was claimed elsewhere."""
    return OpenIssue(
        key=f"open:{policy.slug}:{ticket.about()}",
        about=ticket.about(),
        title=title_of(ticket),
        body=say_to(policy, person, "ticket-issue", _answers(ticket, person)),
        labels=(policy.github.ticket_label,),
        assignees=(person.github_login,) if person.github_login else (),
    )


def _answers(ticket: Ticket, person: Person) -> dict[str, str]:
    """Give the ticket as the form would render it, so that the issue reads back the same."""
    return {
        "name": person.name,
        "reference": ticket.reference(),
        "opportunity": ticket.opportunity,
        "stretch": ticket.stretch or NO_ANSWER,
        "cost": cost_words(ticket) or NO_ANSWER,
        "first_day": ticket.first_on.isoformat() if ticket.first_on else NO_ANSWER,
        "last_day": ticket.last_on.isoformat() if ticket.last_on else NO_ANSWER,
    }


def told(ticket: Ticket, person: Person) -> dict[str, str]:
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


def rule_of(reading: Reading) -> dict[str, str]:
    """Name the sentence that says which rule applied to a reading."""
    return {"rule": f"rule-{reading.rule.replace(' ', '-')}"} if reading.rule else {}


def reading_values(policy: Policy, reading: Reading, url: str) -> dict[str, str]:
    """Give what a reading says: the counts, and the rule that applied to them."""
    return {
        "agree": str(reading.agree),
        "abstain": str(reading.abstain),
        "disagree": str(reading.disagree),
        "block": str(reading.block),
        "statement": reading.statement,
        "proposal": url,
        "partner_names": people_to_ask(policy),
    }


def message_for(reading: Reading) -> str:
    """Name the message that tells of a reading."""
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


def show(policy: Policy, ticket: Ticket, key: str) -> tuple[Effect, ...]:
    """Have the ticket's issue show its state."""
    if ticket.issue_number is None:
        return ()
    key = f"ticket-label:{policy.slug}:{ticket.number}:{key}"
    return (ShowTicketState(key=key, about=ticket.about(), issue_number=ticket.issue_number),)


def label_of(state: TicketState) -> str:
    """Give the one label that shows a state on the ticket's issue."""
    return f"ticket: {state.value}"


def say(
    policy: Policy,
    ticket: Ticket,
    person: Person,
    name: str,
    values: dict[str, str],
    *,
    key: str,
    spoken: dict[str, str] | None = None,
) -> CommentOnIssue:
    """Say something to a ticket's member on its issue. Raises ValueError while it has none."""
    if ticket.issue_number is None:
        raise ValueError(f"{ticket.reference()} has no issue to speak on yet")
    common = {"name": person.first_name(), "reference": ticket.reference()}
    body = say_to(policy, person, name, common | values)
    return CommentOnIssue(
        key=f"ticket-say:{policy.slug}:{ticket.number}:{key}",
        about=ticket.about(),
        issue_number=ticket.issue_number,
        body=replace(body, spoken=spoken or {}),
    )


def say_to(policy: Policy, person: Person, name: str, values: dict[str, str]) -> Say:
    """Choose words in a person's language."""
    return Say(name=name, locale=person.locale or policy.organisation.locale, values=values)


def in_thread(policy: Policy, ticket: Ticket, body: Say, *, sign: str) -> CommentOnThread:
    """Say something about a ticket in its thread; `sign` tells this comment from the ticket's others there."""
    if ticket.discussion_id is None or ticket.topic_id is None:
        raise ValueError(f"{ticket.reference()} has no thread to speak in yet")
    return CommentOnThread(
        key=f"thread-{sign}:{policy.slug}:{ticket.number}:{ticket.turn}",
        about=ticket.about(),
        discussion_id=ticket.discussion_id,
        topic_id=ticket.topic_id,
        body=body,
    )


def people_to_ask(policy: Policy) -> str:
    """Name whom a member could talk with, a name a line; `own_policy` puts the roster's people there."""
    return "\n".join(policy.ticket.ask)


def link(ticket: Ticket) -> str:
    """Link to a ticket's issue by its reference."""
    return f"[{ticket.reference()}]({ticket.issue_url})" if ticket.issue_url else ticket.reference()


def line(what: What, ticket: Ticket, **details: str) -> Happened:
    """Write a line about a ticket for the timeline."""
    return Happened(
        what=what,
        person_id=ticket.person_id,
        about=ticket.about(),
        url=ticket.issue_url,
        details={"reference": ticket.reference(), **details},
    )
