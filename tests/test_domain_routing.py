"""Who talks with whom: roles in order, oneself never, a fallback for whoever left, and findings told once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from domain.people import Person
from domain.policy import Policy
from domain.rhythms import Interval, Role, Side
from domain.routing import findings, partners_of
from tests.cast import ADA, BO, CY, DEE, POLICY, with_rhythms

DAY = date(2027, 3, 2)
WITH_FALLBACK = replace(POLICY, organisation=replace(POLICY.organisation, fallback_contact="cy"))
BOTH = (Role.MANAGER, Role.TECH_LEAD)
GONE = replace(BO, left_on=DAY)


def partners(
    relations: Mapping[Role, str],
    *people: Person,
    policy: Policy = WITH_FALLBACK,
    roles: tuple[Role, ...] = BOTH,
    on: date = DAY,
) -> list[str]:
    everybody = {one.handle: one for one in (replace(ADA, relations=relations), *people)}
    return [one.handle for one in partners_of(policy, everybody["ada"], roles, everybody, on)]


@pytest.mark.parametrize(
    ("relations", "found"),
    [
        ({Role.MANAGER: "bo", Role.TECH_LEAD: "dee"}, ["bo", "dee"]),
        ({Role.TECH_LEAD: "bo", Role.MANAGER: "dee"}, ["dee", "bo"]),
        ({Role.TECH_LEAD: "bo", Role.MANAGER: "bo"}, ["bo"]),
        ({Role.TECH_LEAD: "bo"}, ["bo"]),
        ({Role.COACH: "bo"}, []),
        ({}, []),
        ({Role.MANAGER: "ada"}, []),
        ({Role.MANAGER: "ada", Role.TECH_LEAD: "bo"}, ["bo"]),
        ({Role.MANAGER: "zed"}, []),
    ],
    ids=[
        "both",
        "in the order of the roles",
        "one for both",
        "one of them",
        "another role",
        "nobody",
        "oneself",
        "oneself and another",
        "an unknown handle",
    ],
)
def test_partners_come_by_role_in_order_each_once_and_never_oneself(
    relations: Mapping[Role, str], found: list[str]
) -> None:
    assert partners(relations, BO, CY, DEE) == found


def test_roles_are_asked_for_in_the_order_of_the_rhythm() -> None:
    assert partners({Role.MANAGER: "bo", Role.TECH_LEAD: "dee"}, BO, DEE, roles=BOTH[::-1]) == ["dee", "bo"]
    assert partners({Role.MANAGER: "bo"}, BO, roles=()) == []


def test_for_somebody_who_left_the_fallback_contact_steps_in() -> None:
    assert partners({Role.MANAGER: "bo"}, GONE, CY) == ["cy"]
    assert partners({Role.MANAGER: "bo"}, replace(BO, left_on=date(2027, 3, 3)), CY) == ["bo"], "their last day"
    assert partners({Role.MANAGER: "bo", Role.TECH_LEAD: "cy"}, GONE, CY) == ["cy"], "once"


def test_without_a_fallback_that_is_here_there_is_nobody() -> None:
    assert partners({Role.MANAGER: "bo"}, GONE, CY, policy=POLICY) == []
    assert partners({Role.MANAGER: "bo"}, GONE, replace(CY, left_on=DAY)) == []
    assert partners({Role.MANAGER: "bo"}, GONE) == []


def test_nobody_falls_back_on_themselves() -> None:
    policy = replace(POLICY, organisation=replace(POLICY.organisation, fallback_contact="ada"))

    assert partners({Role.MANAGER: "bo"}, GONE, policy=policy) == []


def test_somebody_who_has_not_joined_yet_is_no_partner_yet() -> None:
    later = replace(BO, joined_on=date(2027, 3, 3))

    assert partners({Role.MANAGER: "bo"}, later, CY) == []
    assert partners({Role.MANAGER: "bo"}, later, CY, on=date(2027, 3, 3)) == ["bo"]


# -- findings ----------------------------------------------------------------------------------------------------------

TALK = Interval(anchor_on=date(2027, 1, 5), every_days=14, partners=BOTH)
ROUTED = with_rhythms(WITH_FALLBACK, talk=TALK)


def found(relations: Mapping[Role, str], *people: Person, policy: Policy = ROUTED, on: date = DAY) -> list[str]:
    everybody = (replace(ADA, relations=relations), *people)
    return [one.key for one in findings(policy, everybody, on) if one.person.handle == "ada"]


@pytest.mark.parametrize(
    ("relations", "keys"),
    [
        ({Role.MANAGER: "bo"}, []),
        ({Role.MANAGER: "bo", Role.COACH: "zed"}, ["routing:ada:coach:zed"]),
        ({Role.MANAGER: "ada"}, ["routing:ada:manager:ada", "routing:ada:nobody"]),
        ({Role.MANAGER: "gone", Role.TECH_LEAD: "bo"}, ["routing:ada:manager:gone"]),
        ({Role.MANAGER: "gone"}, ["routing:ada:manager:gone"]),
        ({Role.MANAGER: "soon"}, ["routing:ada:nobody"]),
        ({Role.COACH: "bo"}, ["routing:ada:nobody"]),
        ({}, ["routing:ada:nobody"]),
    ],
)
def test_what_cannot_be_right_is_found_with_a_key_of_its_own(relations: Mapping[Role, str], keys: list[str]) -> None:
    gone = replace(DEE, handle="gone", left_on=date(2027, 1, 1))
    soon = replace(DEE, id=9, handle="soon", joined_on=date(2027, 9, 1))

    assert found(relations, BO, CY, gone, soon) == keys
    assert found(relations, CY, soon, gone, BO, on=date(2027, 3, 9)) == keys, "the same keys a week later"


def test_nobody_has_to_talk_where_no_rhythm_does() -> None:
    assert found({}, BO, policy=with_rhythms(WITH_FALLBACK, talk=replace(TALK, on=False))) == []
    assert found({}, BO, policy=with_rhythms(WITH_FALLBACK, log=replace(TALK, partners=(), tells=(Side.MEMBER,)))) == []


def test_whoever_is_not_here_is_not_looked_at() -> None:
    for person in (replace(ADA, left_on=DAY), replace(ADA, joined_on=date(2027, 3, 3))):
        assert list(findings(ROUTED, [person], DAY)) == []


def test_every_finding_says_who_and_why() -> None:
    person = replace(ADA, relations={Role.MANAGER: "zed", Role.COACH: "ada"})
    found = list(findings(ROUTED, [person], DAY))

    assert len({one.key for one in found}) == len(found) == 3
    assert all(one.person == person and one.why.startswith("ada: ") for one in found)
