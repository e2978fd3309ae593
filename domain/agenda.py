"""Agenda: what a page or a calendar shows of some days: a person's moments, those they have a part in, the team's.

Which moments there are, for whom and on which side, comes from the functions the planner asks as well. What only
sending needs (caps, hours, ways, snoozes, asks) plays no part: whoever looks for themselves is not being written to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from domain.moments import Moment, Standing, done_already, done_because, moments_of, shared_moments
from domain.people import Person
from domain.policy import Channel, Policy
from domain.rhythms import Audience, Interval, Rhythm, Side, Windows
from domain.routing import readers_of
from domain.rules import Case, first_against, is_before_joining, own_rhythm

# Rules ask whether a person can be reached; whoever looks at a page or a calendar is there already.
THEY_LOOK = (Channel.MAIL,)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One moment as a page or a calendar shows it, first to last day inclusive.

    `member_id` is whose moment it is; the team's moments have neither a member nor a side.
    """

    rhythm: str
    turn: str
    side: Side | None
    member_id: int | None
    opens_on: date
    closes_on: date
    private: bool


def agenda(
    policy: Policy, standing: Standing, others: Sequence[Standing], *, since: date, until: date
) -> tuple[Entry, ...]:
    """Give the moments of a person, and those they have a part in, that are open on some day of [since, until].

    Left out is what is switched off, not for them, done already or without dates. `others` are those whose moments may
    concern the person, and those who hold a role for them; they come in the order in which they open.
    """
    standings = {one.person.handle: one for one in (*others, standing)}
    people = {handle: one.person for handle, one in standings.items()}
    found: list[Entry] = []
    for name in policy.rhythms:
        found += _own(policy, name, standing, since, until)
        for member in standings.values():
            if member.person.handle != standing.person.handle:
                found += _at_their_side(policy, name, standing, member, people, since, until)
    return tuple(sorted(found, key=_order))


def team_agenda(policy: Policy, *, since: date, until: date) -> tuple[Entry, ...]:
    """Give what comes round for the whole team in [since, until], without anybody's name.

    That is what opens in the team's own place, and the windows that everybody has alike unless they are private.
    """
    found = [
        _entry(rhythm, moment, None, None)
        for name, rhythm in policy.rhythms.items()
        for moment in _of_the_team(policy, name, rhythm, since, until)
        if not moment.problem
    ]
    return tuple(sorted(found, key=_order))


def _own(policy: Policy, name: str, member: Standing, since: date, until: date) -> Iterator[Entry]:
    rhythm = own_rhythm(policy, member.person, name)
    if Side.MEMBER not in rhythm.tells or _is_against(name, rhythm, member, member):
        return
    for moment in moments_of(policy, name, rhythm, member, since=since, until=until):
        if not moment.problem and _is_here(member.person, moment) and not done_already(policy, rhythm, moment, member):
            yield _entry(rhythm, moment, Side.MEMBER, member.person.id)


def _at_their_side(
    policy: Policy,
    name: str,
    reader: Standing,
    member: Standing,
    people: Mapping[str, Person],
    since: date,
    until: date,
) -> Iterator[Entry]:
    """Yield the moments of one rhythm of somebody else's that a person has a part in."""
    rhythm = own_rhythm(policy, member.person, name)
    if Side.PARTNER not in rhythm.tells and Side.COORDINATOR not in rhythm.tells:
        return
    if _is_against(name, rhythm, reader, member):
        return
    for moment in moments_of(policy, name, rhythm, member, since=since, until=until):
        # A partner is told whatever the member wrote; only a word about this very moment counts for both.
        if moment.problem or done_because(moment, rhythm, member):
            continue
        on = max(moment.opens_on, since)
        side, heard_by = readers_of(policy, rhythm, moment.promised_by, member.person, people, on)
        is_here = _is_here(member.person, moment, before_joining=is_before_joining(rhythm))
        if is_here and any(one.handle == reader.person.handle for one in heard_by):
            yield _entry(rhythm, moment, side, member.person.id)


def _of_the_team(policy: Policy, name: str, rhythm: Rhythm, since: date, until: date) -> Iterator[Moment]:
    if not rhythm.on or rhythm.who is not Audience.EVERYBODY or rhythm.choice:
        return
    if not isinstance(rhythm, Windows | Interval):
        return
    if rhythm.team is not None or (isinstance(rhythm, Windows) and not rhythm.private):
        yield from shared_moments(policy, name, rhythm, since=since, until=until)


def _is_against(name: str, rhythm: Rhythm, reader: Standing, member: Standing) -> bool:
    case = Case(name=name, rhythm=rhythm, reader=reader, member=member, ways=THEY_LOOK)
    return first_against(case) != ("", "")


def _is_here(person: Person, moment: Moment, *, before_joining: bool = False) -> bool:
    """Say whether a person belongs here on some day of a moment."""
    joins = before_joining or person.joined_on is None or person.joined_on <= moment.closes_on
    return joins and (person.left_on is None or person.left_on > moment.opens_on)


def _entry(rhythm: Rhythm, moment: Moment, side: Side | None, member_id: int | None) -> Entry:
    return Entry(
        rhythm=moment.rhythm,
        turn=moment.turn,
        side=side,
        member_id=member_id,
        opens_on=moment.opens_on,
        closes_on=moment.closes_on,
        private=rhythm.private and side is not None,  # what everybody sees is no secret of theirs
    )


def _order(entry: Entry) -> tuple[date, date, str, str, str, int]:
    side, member_id = entry.side or "", entry.member_id or 0
    return entry.opens_on, entry.closes_on, entry.rhythm, entry.turn, side, member_id
