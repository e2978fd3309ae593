"""What comes after a yes: a ticket is booked, used and shared, or lapses quietly; a bucket may fund it meanwhile.

Practice rows 39 and 41. Nothing here asks twice, and nothing lapses while the group is still being asked.
"""

from dataclasses import replace
from datetime import date, timedelta

from domain.events import What
from domain.people import Person
from domain.policy import Policy
from domain.ticket import NOTHING, Ticket, TicketDecision
from domain.ticket_states import BY_DEED, UNDECIDED, Deed, TicketState, may
from domain.ticket_words import line, say, show
from domain.tickets import lasts_until

WORDS_OF = {
    Deed.BOOK: (What.TICKET_BOOKED, "ticket-booked"),
    Deed.USE: (What.TICKET_USED, "ticket-used"),
    Deed.SHARE: (What.TICKET_SHARED, "ticket-shared"),
}
ASKED_AFTER = timedelta(days=3)
A_YES_LASTS = timedelta(days=30)  # at least, whatever the year does


def go_on(policy: Policy, ticket: Ticket, person: Person, deed: Deed) -> TicketDecision:
    """Book, use or share a ticket because its member said so. Used, it is asked once whether to share it."""
    if not may(deed, ticket.state):
        return NOTHING
    what, name = WORDS_OF[deed]
    ticket = replace(ticket, state=BY_DEED[deed].to, turn=ticket.turn + 1)
    key = f"{ticket.state.value}:{ticket.turn}"
    answer = say(policy, ticket, person, name, {}, key=key)
    return TicketDecision(ticket=ticket, effects=(answer, *show(policy, ticket, key)), happened=(line(what, ticket),))


def how_was_it(policy: Policy, ticket: Ticket, person: Person, *, today: date) -> TicketDecision:
    """Ask once, some days after its last day, whether an agreed ticket was used. The caller sees to their own hours."""
    last_on = ticket.last_on or ticket.first_on
    if last_on is None or ticket.issue_number is None or today < last_on + ASKED_AFTER:
        return NOTHING
    if not may(Deed.USE, ticket.state):
        return NOTHING
    asked = say(policy, ticket, person, "ticket-how-was-it", {}, key=f"how-was-it:{last_on.isoformat()}")
    return TicketDecision(ticket=ticket, effects=(asked,))


def lapse_when_over(
    policy: Policy, ticket: Ticket, person: Person, *, today: date, voted_on: date | None = None
) -> TicketDecision:
    """Let an unused ticket lapse at the end of its year, or when its member has left: quietly, only its label says so.

    What is booked stays booked, and what is being voted on waits for the vote. `voted_on` is the day a vote closed.
    """
    over = today >= _good_until(policy, ticket, person, voted_on)
    left = person.left_on is not None and person.left_on <= today
    if not (over or left) or not may(Deed.LAPSE, ticket.state):
        return NOTHING
    ticket = replace(ticket, state=TicketState.LAPSED)
    return TicketDecision(
        ticket=ticket, effects=show(policy, ticket, "lapsed"), happened=(line(What.TICKET_LAPSED, ticket),)
    )


def _good_until(policy: Policy, ticket: Ticket, person: Person, voted_on: date | None) -> date:
    """Give the day on which a ticket lapses; a yes late in the year, or to days that come after it, is worth something.

    Otherwise the group's answer of the last days of a year, or after it, would be taken back within the hour.
    """
    until = lasts_until(policy, ticket, person)
    if not may(Deed.USE, ticket.state):
        return until
    last_on = ticket.last_on or ticket.first_on
    begins = [voted_on or ticket.claimed_at.date(), *([last_on] if last_on else [])]
    return max(until, *(day + A_YES_LASTS for day in begins))


def fill_bucket(policy: Policy, ticket: Ticket, person: Person, url: str) -> TicketDecision:
    """Remember where people put money together for a ticket; whether it came together is said by hand (row 41)."""
    if ticket.state not in UNDECIDED or not url.startswith(("https://", "http://")) or ticket.bucket_url == url:
        return NOTHING
    ticket = replace(ticket, bucket_url=url, funded=None, turn=ticket.turn + 1)
    answer = say(policy, ticket, person, "ticket-bucket", {"bucket": url}, key=f"bucket:{ticket.turn}")
    return TicketDecision(ticket=ticket, effects=(answer,), happened=(line(What.TICKET_BUCKET, ticket),))


def fund(policy: Policy, ticket: Ticket, person: Person, by: Person, *, funded: bool) -> TicketDecision:
    """Take somebody's word that a bucket came together, or did not; nobody says it of their own ticket."""
    trusted = (by.coordinator or by.well_working) and by.id != ticket.person_id
    if not trusted or ticket.state not in UNDECIDED or not ticket.bucket_url or ticket.funded is funded:
        return NOTHING
    ticket = replace(ticket, funded=funded, turn=ticket.turn + 1)
    name = "ticket-funded" if funded else "ticket-not-funded"
    answer = say(policy, ticket, person, name, {"by": by.first_name()}, key=f"funded:{ticket.turn}")
    happened = line(What.TICKET_FUNDED, ticket, funded="yes" if funded else "no")
    return TicketDecision(ticket=ticket, effects=(answer,), happened=(happened,))
