"""Channels: by which way a message reaches a person, and what may not travel there.

A private prompt goes by mail or waits on the person's page; it never reaches GitHub, Loomio or a chat room (rule 6).
"""

from domain.moments import Standing
from domain.policy import Channel, Policy


def ways_to(policy: Policy, standing: Standing, *, private: bool) -> tuple[Channel, ...]:
    """Give the ways that reach a person, the one to try first in front; a page ends the list, for nothing is sent."""
    person = standing.person
    found: list[Channel] = []
    order = policy.channels.order
    if person.channel is not None:
        order = (person.channel, *(one for one in order if one is not person.channel))
    for channel in order:
        match channel:
            case Channel.GITHUB:
                on_issue = standing.has_objective() and standing.objective and standing.objective.issue_number
                if on_issue and person.github_login and not private:
                    found.append(channel)
            case Channel.MAIL:
                if person.mail and policy.channels.sender:
                    found.append(channel)
            case Channel.PAGE:
                found.append(channel)
                break
    return tuple(found)


def reaches(policy: Policy, standing: Standing, *, private: bool) -> bool:
    """Say whether anything can be sent to a person at all."""
    ways = ways_to(policy, standing, private=private)
    return bool(ways) and ways[0] is not Channel.PAGE
