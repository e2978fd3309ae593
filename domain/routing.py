"""Routing: who talks with whom, read from the roster; nobody manages themselves, and nobody is left out unseen.

A role that nobody holds is skipped in silence. What cannot be right (a handle nobody has, oneself, somebody who left)
is skipped too and told to a coordinator once (practice rows 13 to 15).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from domain.people import Person
from domain.policy import Policy
from domain.rhythms import Rhythm, Role, Side

HELPERS = (Role.PARTNER, Role.MANAGER, Role.COACH, Role.TECH_LEAD)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something in the roster that a coordinator should look at; `key` names it for good, so that it is told once."""

    key: str
    person: Person
    why: str


def partners_of(
    policy: Policy, person: Person, roles: Sequence[Role], people: Mapping[str, Person], on: date
) -> tuple[Person, ...]:
    """Give the people who hold any of these roles for a person on a day, each once, in the order of the roles.

    Where somebody who holds a role has left, the organisation's fallback contact steps in.
    """
    found: dict[str, Person] = {}
    for role in roles:
        handle = person.relations.get(role)
        if handle is None:
            continue
        other = people.get(handle)
        if other is not None and other.left_on is not None and other.left_on <= on:
            other = people.get(policy.organisation.fallback_contact)
        if other is not None and other.handle != person.handle and other.here_on(on):
            found.setdefault(other.handle, other)
    return tuple(found.values())


def partners_in(
    policy: Policy, rhythm: Rhythm, promised_by: str, member: Person, people: Mapping[str, Person], on: date
) -> tuple[Person, ...]:
    """Give who has a part in somebody's moment on a day: whoever made the promise, or holds one of the roles.

    Where they have left, the organisation's fallback contact steps in. `promised_by` is a handle, '' for no promise.
    """
    if not promised_by:
        return partners_of(policy, member, rhythm.partners, people, on)
    for handle in (promised_by, policy.organisation.fallback_contact):
        other = people.get(handle)
        if other is not None and other.here_on(on):
            return (other,)
    return ()


def readers_of(
    policy: Policy, rhythm: Rhythm, promised_by: str, member: Person, people: Mapping[str, Person], on: date
) -> tuple[Side, tuple[Person, ...]]:
    """Give who hears of somebody's moment besides themselves on a day, and on which side.

    Their partners; where there is none, and the rhythm tells them, the coordinators.
    """
    side, found = Side.PARTNER, partners_in(policy, rhythm, promised_by, member, people, on)
    if not found and Side.COORDINATOR in rhythm.tells:
        side, found = Side.COORDINATOR, tuple(one for one in people.values() if one.coordinator and one.here_on(on))
    if side not in rhythm.tells:
        return side, ()
    return side, tuple(one for one in found if one.handle != member.handle)


def findings(policy: Policy, people: Sequence[Person], on: date) -> Iterator[Finding]:
    """Yield what is not right in the relations of everybody who is a member on a day."""
    by_handle = {one.handle: one for one in people}
    routed = {role for rhythm in policy.rhythms.values() if rhythm.on for role in rhythm.partners}
    for person in people:
        if not person.here_on(on):
            continue
        for role, handle in sorted(person.relations.items()):
            other = by_handle.get(handle)
            why = ""
            if other is None:
                why = f"nobody has the handle {handle}"
            elif other.handle == person.handle:
                why = "nobody is that to themselves"
            elif not other.here_on(on):
                why = f"{handle} is not a member any more" if other.left_on and other.left_on <= on else ""
            if why:
                key = f"routing:{person.handle}:{role.value}:{handle}"
                yield Finding(key=key, person=person, why=f"{person.handle}: {role.value} {handle}: {why}")
        if routed and not partners_of(policy, person, sorted(routed), by_handle, on):
            key = f"routing:{person.handle}:nobody"
            why = f"{person.handle}: nobody to talk with ({', '.join(sorted(routed))})"
            yield Finding(key=key, person=person, why=why)
