"""Rules: what keeps a rhythm from a person altogether, each with its reason in plain words.

The planner asks them for the first reason to stay silent; `flask explain` shows every one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from domain.moments import Standing
from domain.people import Person
from domain.policy import Channel, Policy
from domain.rhythms import Audience, Clock, Interval, Need, Rhythm, Start


@dataclass(frozen=True, kw_only=True)
class Case:
    """One rhythm and one person, on one side of it. `member` is whose moment it is; `ways` lead to the reader."""

    name: str
    rhythm: Rhythm
    reader: Standing
    member: Standing
    ways: tuple[Channel, ...]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one rule said; `why` is a plain sentence."""

    rule: str
    allows: bool
    why: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: its name, what it says against a case ('' when nothing), and what it says when all is well."""

    name: str
    against: Callable[[Case], str]
    fine: str


def _switched_off(case: Case) -> str:
    own = case.reader.person.own_rhythms.get(case.name)
    if own is not None and own.on is False:
        return "they switched it off for themselves"
    return "" if case.rhythm.on else "this rhythm is switched off"


def _not_for_them(case: Case) -> str:
    person = case.member.person
    match case.rhythm.who:
        case Audience.COORDINATORS if not person.coordinator:
            return "it is for coordinators"
        case Audience.WELL_WORKING if not person.well_working:
            return "it is for the well-working group"
        case _:
            return ""


def _not_chosen(case: Case) -> str:
    wanted = case.rhythm.choice
    return f"it is for those who chose {wanted}" if wanted and wanted not in case.member.person.choices else ""


def _nothing_to_talk_about(case: Case) -> str:
    for need in case.rhythm.needs:
        if need is Need.OBJECTIVE and not case.member.has_objective():
            return "there is no active ILO"
        if need is Need.NO_OBJECTIVE and case.member.has_objective():
            return "there is an active ILO"
        if need is Need.SAFETY_NOTE and not case.member.wants_safety_note():
            return "no safety note is waited for"
    return ""


def _out_of_reach(case: Case) -> str:
    if not case.ways:
        return "no way to reach them: it is private and needs e-mail" if case.rhythm.private else "no way to reach them"
    return "they look at their page themselves" if case.ways[0] is Channel.PAGE else ""


RULES: tuple[Rule, ...] = (
    Rule(name="rhythm", against=_switched_off, fine="it is on"),
    Rule(name="audience", against=_not_for_them, fine="it is for them"),
    Rule(name="choice", against=_not_chosen, fine="no choice is needed, or they made it"),
    Rule(name="needs", against=_nothing_to_talk_about, fine="there is something to talk about"),
    Rule(name="channel", against=_out_of_reach, fine="they can be reached"),
)


def first_against(case: Case) -> tuple[str, str]:
    """Give the first rule that keeps a rhythm from a person, with its reason; two empty texts when none does."""
    for rule in RULES:
        why = rule.against(case)
        if why:
            return rule.name, why
    return "", ""


def what_rules_ask(member: Standing) -> tuple[object, ...]:
    """Give all of a member that the rules look at, where nobody has a say of their own: who is alike hears the same.

    A rule that asks about something else has it added here; the planner asks the rules once per kind of person.
    """
    person = member.person
    goal = member.has_objective(), member.wants_safety_note()
    return person.coordinator, person.well_working, goal, person.choices


def verdicts(case: Case) -> Iterator[Verdict]:
    """Give every rule's verdict."""
    for rule in RULES:
        why = rule.against(case)
        yield Verdict(rule=rule.name, allows=not why, why=why or rule.fine)


def own_rhythm(policy: Policy, person: Person, name: str) -> Rhythm:
    """Give a rhythm as it holds for a person: their own say goes before the organisation's (facts on the field, C)."""
    rhythm, own = policy.rhythms[name], person.own_rhythms.get(name)
    if own is None:
        return rhythm
    if own.on is not None and own.on is not rhythm.on:
        rhythm = replace(rhythm, on=own.on)
    if own.every_days is not None and isinstance(rhythm, Interval) and rhythm.every_months is None:
        rhythm = replace(rhythm, every_days=own.every_days)
    return rhythm


def is_before_joining(rhythm: Rhythm) -> bool:
    """Say whether a rhythm may concern somebody who has not joined yet, such as the welcome of a buddy (row 56)."""
    return isinstance(rhythm, Clock) and rhythm.since is Start.JOINED and any(days < 0 for days in rhythm.after_days)


def absent_because(member: Person, on: date, *, before_joining: bool, leave_counts: bool = True) -> str:
    """Say why somebody is not there to be talked with on a day, '' when they are.

    `before_joining`: the rhythm may concern them before their first day. `leave_counts`: nor while they are away.
    """
    if member.left_on is not None and member.left_on <= on:
        return f"{member.handle} has left"
    if member.joined_on is not None and on < member.joined_on and not before_joining:
        return f"{member.handle} has not joined yet"
    return f"{member.handle} is away" if leave_counts and member.paused_on(on) else ""
