"""Years: which ticket year a day falls into, and when it began."""

from datetime import date

from domain.people import Person
from domain.policy import Policy, YearRule


def ticket_year(policy: Policy, person: Person, on: date) -> str:
    """Name the ticket year a day falls into: by calendar, fiscal year or the person's join date (practice row 39)."""
    return str(on.year if on >= ticket_year_begins_on(policy, person, on.year) else on.year - 1)


def ticket_year_begins_on(policy: Policy, person: Person, year: int) -> date:
    """Give the first day of a ticket year; one that begins on 29 February begins on the 1st of March elsewhere."""
    match policy.ticket.year:
        case YearRule.CALENDAR:
            month, day = 1, 1
        case YearRule.FISCAL:
            month, day = policy.organisation.year_starts_month, policy.organisation.year_starts_day
        case YearRule.JOINED:
            joined = person.joined_on
            month, day = (joined.month, joined.day) if joined else (1, 1)
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, 3, 1)
