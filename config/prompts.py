"""Prompts: the title and the words of one moment, with the names and days they ask for.

What a letter says and what a page shows are the same words: both come from here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from config.messages import has_message, titled, words
from domain.effects import Say
from domain.moments import Standing, days_between_turns, moments_of
from domain.parts import Ask, Part
from domain.people import Person
from domain.policy import Policy
from domain.rhythms import Interval, Role, Side
from domain.routing import partners_in
from domain.rules import own_rhythm
from domain.years import ticket_year

FEWEST_TO_COUNT = 5  # fewer than this are not counted aloud (rule 6 of the design)
MOST_OPPORTUNITIES = 3
TAILS = {Side.MEMBER: "", Side.PARTNER: "-partner", Side.COORDINATOR: "-coordinator"}
# These speak of everybody, not only of those they concern.
ABOUT_EVERYBODY = ("ticket-counts", "onboarding-evaluation")


@dataclass(frozen=True, kw_only=True)
class Around:
    """Who and what words may speak of: everybody the parts concern, by id and by handle, and the day."""

    policy: Policy
    reader: Standing
    members: Mapping[int, Standing]
    people: Mapping[str, Person]
    everybody: Sequence[Standing]
    today: date


def around_of(policy: Policy, standings: Sequence[Standing], reader_id: int, today: date) -> Around | None:
    """Put together what words may speak of to one of some people; None when that person is not among them."""
    members = {one.person.id: one for one in standings}
    if reader_id not in members:
        return None
    return Around(
        policy=policy,
        reader=members[reader_id],
        members=members,
        people={one.person.handle: one.person for one in standings},
        everybody=standings,
        today=today,
    )


def prompt(around: Around, group: Sequence[Part], locale: str) -> tuple[str, str]:
    """Give the title and the words of a part, or of parts that several people bring about the same turn."""
    part, values = group[0], values_of(around, group)
    if part.ask is Ask.AVAILABLE:
        return titled(words(Say(name="nudge-be-available-partner", locale=locale, values=values)))
    if part.ask is Ask.DATES:
        values = {"moment": title_of(around, part, locale), "problem": _trouble(around, part, locale)}
        return titled(words(Say(name="nudge-dates-wanted-coordinator", locale=locale, values=values)))
    name = f"nudge-{part.rhythm}{TAILS[part.side]}"
    if not has_message(name):
        return title_of(around, part, locale), ""
    title, text = titled(words(Say(name=name, locale=locale, values=values)))
    found = _opportunities(around) if part.rhythm == "ticket-unused" else ""
    if found:
        text += "\n\n" + words(Say(name="part-opportunities", locale=locale, values={"opportunities": found}))
    return title, text


def title_of(around: Around, part: Part, locale: str) -> str:
    """Give the title of a part as its member knows it; the side's own where the member hears of nothing."""
    for name in (f"nudge-{part.rhythm}", f"nudge-{part.rhythm}{TAILS[part.side]}"):
        if has_message(name):
            return titled(words(Say(name=name, locale=locale, values=values_of(around, [part]))))[0]
    return part.rhythm


def team_title(policy: Policy, rhythm: str, closes_on: date, locale: str) -> str:
    """Give the title of a moment of the whole team, that of its thread or poll where it has one."""
    values = {"organisation": policy.organisation.name, "closes_on": closes_on.isoformat(), "partner_names": ""}
    for name in (f"thread-{rhythm}", f"poll-{rhythm}", f"nudge-{rhythm}"):
        if has_message(name):
            return titled(words(Say(name=name, locale=locale, values=values)))[0]
    return rhythm


def values_of(around: Around, group: Sequence[Part]) -> dict[str, str]:
    """Give every value that words may ask for; words take what they need."""
    part, policy = group[0], around.policy
    member = around.members[part.member_id].person
    rhythm = own_rhythm(policy, member, part.rhythm)
    values = {
        "name": around.reader.person.first_name(),
        "closes_on": min(one.closes_on for one in group).isoformat(),
        "member_names": "\n".join(dict.fromkeys(around.members[one.member_id].person.name for one in group)),
        "partner_names": "\n".join(one.name for one in _partners(around, part, member)),
    }
    if isinstance(rhythm, Interval):
        values["days"] = str(days_between_turns(rhythm))
    if part.rhythm == "ticket-counts":
        values |= _unused_tickets(around)
    if part.rhythm == "onboarding-evaluation":
        values["confidential_names"] = "\n".join(one.name for one in _in_confidence(around, member))
    return values


def _partners(around: Around, part: Part, member: Person) -> Sequence[Person]:
    promised_by = next(
        (
            one.promised_by
            for one in around.members[part.member_id].commitments
            if part.turn.startswith(f"promise{one.id}-")
        ),
        "",
    )
    rhythm = own_rhythm(around.policy, member, part.rhythm)
    return partners_in(around.policy, rhythm, promised_by, member, around.people, around.today)


def _opportunities(around: Around) -> str:
    """List a few things a ticket could be for; not everybody sees the same few (practice row 69)."""
    there = [one for one in around.policy.opportunities if one.until_on is None or one.until_on >= around.today]
    start = around.reader.person.id % len(there) if there else 0
    shown = [*there[start:], *there[:start]][:MOST_OPPORTUNITIES]
    return "\n".join(f"- [{one.title}]({one.url})" if one.url else f"- {one.title}" for one in shown)


def _in_confidence(around: Around, member: Person) -> list[Person]:
    """Name whom a newcomer may tell in confidence: never those they would speak about (practice row 55)."""
    judged = {member.relations.get(role) for role in (Role.MANAGER, Role.BUDDY, Role.TECH_LEAD)} | {member.handle}
    trusted = [one.person for one in around.everybody if one.person.coordinator or one.person.well_working]
    return [one for one in trusted if one.handle not in judged and one.here_on(around.today)]


def _unused_tickets(around: Around) -> dict[str, str]:
    """Count whose golden ticket of the year is unused, and name those who agreed to it (practice row 44)."""
    unused = [
        one.person
        for one in around.everybody
        if one.person.here_on(around.today)
        and not one.person.paused_on(around.today)
        and ticket_year(around.policy, one.person, around.today) not in one.ticket_years
    ]
    locale = around.reader.person.locale or around.policy.organisation.locale
    few = words(Say(name="part-fewer-than-five", locale=locale))
    named = [one.name for one in unused if "ticket-name" in one.choices]
    return {
        "unused": str(len(unused)) if len(unused) >= FEWEST_TO_COUNT else few,
        "consented_names": "\n".join(named),
    }


def _trouble(around: Around, part: Part, locale: str) -> str:
    """Say what keeps a window's dates from being told, in the reader's language."""
    standing, rhythm = around.members[part.member_id], around.policy.rhythms[part.rhythm]
    found = moments_of(around.policy, part.rhythm, rhythm, standing, since=around.today, until=part.closes_on)
    trouble = next((one.trouble for one in found if one.turn == part.turn and one.trouble is not None), None)
    if trouble is None:
        return ""
    return words(Say(name=f"part-dates-{trouble.trouble.value}", locale=locale, values=trouble.values))
