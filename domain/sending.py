"""At the moment of sending: whether it is still wanted, whether it is the person's hour, and by which way.

What was done a minute ago is not asked about. A part whose moment is over, done or put off falls away; without any part
left nothing is sent (facts on the field, B3.1).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from domain.channels import ways_to
from domain.course import Message
from domain.effects import Nudge
from domain.moments import Standing
from domain.parts import Ask, Part
from domain.people import local_instant, midnight, own_hours, own_zone, settles_until, works_on
from domain.policy import Channel, Policy
from domain.rhythms import Clock, Need, Rhythm, Side, Start, Way
from domain.rules import absent_because, is_before_joining, own_rhythm


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What GitHub and Loomio show this very moment: when the person last wrote on their ILO (aware UTC), and the
    turns of rhythms, as (rhythm, turn), in whose threads they have spoken."""

    wrote_at: datetime | None = None
    spoke: Collection[tuple[str, str]] = ()


@dataclass(frozen=True, kw_only=True)
class SendNow:
    """These parts may go out this instant."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class SendAt:
    """The message waits for the person's own hours."""

    at: datetime


@dataclass(frozen=True, kw_only=True)
class Drop:
    """The message is not needed any more."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Reroute:
    """The way is barred by now; another one leads there."""

    way: Channel
    other_ways: tuple[Channel, ...]
    why: str


def effect_of(message: Message) -> Nudge:
    """Turn a planned message into the effect that sends it.

    Raises ValueError for a mention, which one comment does for everybody.
    """
    ways = tuple(one for one in message.ways if one is not Channel.PAGE)
    if not ways:
        raise ValueError(f"{message.key} has no way to travel")
    return Nudge(
        key=message.key,
        about=f"person:{message.person_id}",
        person_id=message.person_id,
        on=message.on,
        due_at=message.due_at,
        way=ways[0],
        other_ways=ways[1:],
        parts=message.parts,
    )


def still_due(
    policy: Policy,
    effect: Nudge,
    reader: Standing,
    members: Mapping[int, Standing],
    evidence: Evidence,
    *,
    now: datetime,
) -> SendNow | SendAt | Drop | Reroute:
    """Judge a planned message at the moment of sending.

    `members` are those its parts are about, by id, the reader among them; `now` is aware UTC.
    """
    zone = own_zone(reader.person, policy.organisation)
    today = now.astimezone(zone).date()
    kept, reasons = [], []
    for part in effect.parts:
        member = members.get(part.member_id)
        why = (
            "they are not a member any more" if member is None else _over(policy, part, reader, member, evidence, today)
        )
        if why:
            reasons.append(why)
        else:
            kept.append(part)
    if not kept:
        return Drop(why=reasons[0] if reasons else "nothing is left to say")
    at = _own_hour(policy, reader, now, last_on=max(part.closes_on for part in kept))
    if at is None:
        return Drop(why="the moment has passed")
    if at > now:
        return SendAt(at=at)
    open_ways = ways_to(policy, reader, private=any(part.private for part in kept))
    if effect.way not in open_ways:
        others = tuple(one for one in open_ways if one is not Channel.PAGE and one in effect.other_ways)
        if not others:
            return Drop(why="no way to reach them any more")
        return Reroute(way=others[0], other_ways=others[1:], why=f"{effect.way.value} does not reach them any more")
    return SendNow(parts=tuple(kept))


def _over(policy: Policy, part: Part, reader: Standing, member: Standing, evidence: Evidence, today: date) -> str:
    """Say why a part is not wanted any more, '' when it is."""
    if part.rhythm not in policy.rhythms:
        return "the rhythm is gone"
    rhythm, own = own_rhythm(policy, member.person, part.rhythm), reader.person.own_rhythms.get(part.rhythm)
    if not rhythm.on or (own is not None and own.on is False):
        return "the rhythm is switched off"
    if part.closes_on < today:
        return "the moment has passed"
    if any(one.covers(today, part.rhythm, part.turn) for one in reader.snoozes):
        return "they put it off"
    for held in member.held:
        if (held.rhythm, held.turn) == (part.rhythm, part.turn):
            return f"{held.how.value} on {held.on}"
    if part.ask is Ask.DATES:
        return ""
    before, others = is_before_joining(rhythm), part.side is not Side.MEMBER
    away = absent_because(member.person, today, before_joining=before, leave_counts=others)
    if away:
        return away
    if part.side is Side.MEMBER and Way.SPOKE in rhythm.done_by and (part.rhythm, part.turn) in evidence.spoke:
        return "they spoke in the thread"
    return _answered_by_deed(policy, part, rhythm, member, evidence)


def _answered_by_deed(policy: Policy, part: Part, rhythm: Rhythm, member: Standing, evidence: Evidence) -> str:
    written = [evidence.wrote_at] if evidence.wrote_at is not None and part.side is Side.MEMBER else []
    if member.objective is not None and member.objective.last_wrote_at is not None:
        written.append(member.objective.last_wrote_at)
    # A helper is told of three asks without an answer, so the answer may lie before the help begins to count.
    since_on = part.counts_from_on - (timedelta(days=1) if part.ask is Ask.AVAILABLE else timedelta(0))
    begins_at = midnight(since_on, member.person, policy)
    if Way.WROTE in rhythm.done_by and any(at >= begins_at for at in written):
        return "they wrote already"
    if Need.OBJECTIVE in rhythm.needs and not member.has_objective():
        return "there is no active ILO any more"
    if Need.NO_OBJECTIVE in rhythm.needs and member.has_objective():
        return "there is an active ILO by now"
    if Need.SAFETY_NOTE in rhythm.needs and not member.wants_safety_note():
        return "the safety note is written"
    if Need.UNUSED_TICKET in rhythm.needs and part.turn.partition("-")[0] in member.ticket_years:
        return "their golden ticket is in use"
    return _begun_by_what_is_over(rhythm, part, member)


def _begun_by_what_is_over(rhythm: Rhythm, part: Part, member: Standing) -> str:
    """Say whether what a clock of their own counts from is not there any more: that goal, or an open promise."""
    since = rhythm.since if isinstance(rhythm, Clock) else None
    beginning = part.turn.partition("-")[0]
    if since is Start.OBJECTIVE_OPENED:
        present = member.objective.id if member.objective is not None and member.has_objective() else None
        return "" if beginning == f"ilo{present}" else "that goal is over"
    if since is Start.LOOK_BACK:
        open_ones = {f"promise{one.id}" for one in member.commitments if not one.closed}
        return "" if beginning in open_ones else "the promise is closed"
    return ""


def _own_hour(policy: Policy, reader: Standing, now: datetime, *, last_on: date) -> datetime | None:
    """Give the first instant from now on, to the end of a day, that is in the person's own hours; None for none."""
    person, zone = reader.person, own_zone(reader.person, policy.organisation)
    hours_from, hours_until = own_hours(person, policy.organisation)
    here = now.astimezone(zone)
    for n in range(max(0, (last_on - here.date()).days) + 1):
        day = here.date() + timedelta(days=n)
        if day > last_on or not works_on(person, day, policy) or settles_until(person, day, policy) is not None:
            continue
        if n == 0 and hours_from <= here.time() < hours_until:
            return now
        opens_at = local_instant(day, hours_from, zone).astimezone(UTC)
        there = opens_at.astimezone(zone)  # a clock change may have moved it out of their hours
        if opens_at > now and there.date() == day and hours_from <= there.time() < hours_until:
            return opens_at
    return None
