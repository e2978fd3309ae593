"""What the group decides about a golden ticket, read again and again, and written back once each.

Rule 3 of the design: a person's word outranks the reading. What comes after the member has moved on is told, and
changes nothing.
"""

from dataclasses import replace
from datetime import datetime

from domain.events import What
from domain.people import Person
from domain.policy import Policy
from domain.proposals import Reading, Result
from domain.ticket import NOTHING, Ticket, TicketDecision
from domain.ticket_states import BY_DEED, GIVEN_BACK, Deed, TicketState, may
from domain.ticket_words import line, message_for, reading_values, rule_of, say, show

DEED_OF = {
    Result.CONSENTED: Deed.CONSENT,
    Result.OBJECTION: Deed.OBJECT,
    Result.NO_QUORUM: Deed.TOO_FEW,
    Result.NO_DECISION: Deed.UNDECIDED,
    Result.PEOPLE_SAID: Deed.UNDECIDED,
    Result.UNREADABLE: Deed.UNDECIDED,
    Result.CANCELLED: Deed.TAKE_DOWN,
    Result.OPEN: Deed.REOPEN,
}
# The member is past the vote: what the group says now is told, once, and changes nothing.
PAST_THE_VOTE = (TicketState.BOOKED, TicketState.USED, TicketState.SHARED, TicketState.LAPSED)


def proposal_started(
    policy: Policy, ticket: Ticket, person: Person, *, url: str, closes_at: datetime
) -> TicketDecision:
    """Remember that the group is being asked, and say so on the ticket's issue."""
    if ticket.state is not TicketState.PROPOSED:
        return NOTHING  # withdrawn, or decided by people, while the proposal was on its way
    values = {"proposal": url, "closes": f"{closes_at:%Y-%m-%d %H:%M} UTC"}
    key = f"proposed:{ticket.round}"
    asked = say(policy, ticket, person, "ticket-proposed", values, key=key)
    started = replace(line(What.PROPOSAL_STARTED, ticket), url=url)
    return TicketDecision(ticket=ticket, effects=(asked, *show(policy, ticket, key)), happened=(started,))


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
    key = f"reading:{look}"
    if ticket.state in PAST_THE_VOTE:
        late = say(policy, ticket, person, "ticket-late", reading_values(policy, reading, url), key=key)
        return TicketDecision(ticket=ticket, effects=(late,))
    deed = DEED_OF[reading.result]
    if not may(deed, ticket.state):
        return NOTHING  # the member took it back; what the group says afterwards stays in Loomio
    state = BY_DEED[deed].to
    if ticket.state is TicketState.OBJECTION and state not in GIVEN_BACK and holds_another:
        turned = say(policy, ticket, person, "ticket-turned-around", {"proposal": url}, key=key)
        return TicketDecision(ticket=ticket, effects=(turned,))
    ticket = replace(ticket, state=state)
    values, spoken = reading_values(policy, reading, url), rule_of(reading)
    written = say(policy, ticket, person, message_for(reading), values, key=key, spoken=spoken)
    happened = replace(line(What.TICKET_DECIDED, ticket, result=reading.result.value, rule=reading.rule), url=url)
    return TicketDecision(ticket=ticket, effects=(written, *show(policy, ticket, key)), happened=(happened,))


def confirm(policy: Policy, ticket: Ticket, person: Person, result: Result, by: Person) -> TicketDecision:
    """Settle by a coordinator's word what a free-text outcome means (rule 3: people outrank the reading).

    Nobody settles their own ticket.
    """
    deed = Deed.CONFIRM if result is Result.CONSENTED else Deed.DECLINE
    if not by.coordinator or by.id == ticket.person_id or not may(deed, ticket.state):
        return NOTHING
    ticket = replace(ticket, state=BY_DEED[deed].to)
    name = "ticket-consented-by-people" if deed is Deed.CONFIRM else "ticket-objection-by-people"
    key = f"confirmed:{ticket.round}:{result.value}"
    said = say(policy, ticket, person, name, {"by": by.first_name()}, key=key)
    happened = line(What.TICKET_DECIDED, ticket, result=result.value, rule="coordinator")
    return TicketDecision(ticket=ticket, effects=(said, *show(policy, ticket, key)), happened=(happened,))
