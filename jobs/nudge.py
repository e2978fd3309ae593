"""Nudges: asks the planner what is due for whoever is due, and plans each message once.

Everybody has an instant of their next look, kept in an index: a tick reads only those whose instant has come, whatever
the number of people. Level-triggered: restarts, two clocks and days of downtime give the same messages once, since what
was asked is a row with a unique key.
"""

import gc
import hashlib
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.course import Message
from domain.parts import Ask, Part
from domain.planner import Outlook, plan
from domain.policy import Mode, Policy
from domain.rhythms import Side
from domain.sending import effect_of
from jobs.record import plan_effect
from jobs.workshop import Workshop
from store.models import AskedRow, PersonRow
from store.queries import insert_once, organisation_row
from store.standings import circle_of, look_anew, look_anew_at_all, standings_of

log = logging.getLogger(__name__)

T = TypeVar("T")
AT_ONCE = 50
LOOK_AHEAD = timedelta(days=7)
NOTED_EVERY = timedelta(minutes=10)


def nudge(workshop: Workshop) -> None:
    """Plan every message that is due now."""
    for policy in workshop.policies.values():
        workshop.database.transact(partial(_after_a_change, policy, workshop.now()))
        while _some(workshop, policy):
            pass


def planned(
    session: Session,
    policy: Policy,
    *,
    now: datetime,
    since: datetime,
    until: datetime,
    ids: Collection[int] | None = None,
    with_silences: bool = False,
) -> Outlook:
    """Plan a span of the practice clock from what is remembered: for sending, and for `flask plan` alike."""
    circle = None if ids is None else circle_of(session, policy, ids, today=now.date())
    standings = standings_of(session, policy, now=now, ids=circle)
    return undisturbed(lambda: plan(policy, standings, since=since, until=until, only=ids, with_silences=with_silences))


def undisturbed(work: Callable[[], T]) -> T:
    """Run something that makes many objects, all of which stay, without the garbage collector looking through them.

    A plan of a year takes a tenth less (measured: benchmarks/planner.py). Reference counting goes on freeing.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        return work()
    finally:
        if was_on:
            gc.enable()


def keep_asked(session: Session, policy: Policy, message: Message, key: str) -> None:
    """Remember what a message says, so that it is never said again."""
    for part in message.parts:
        row = {
            "person_id": message.person_id,
            "member_id": part.member_id,
            "rhythm": part.rhythm,
            "turn": part.turn,
            "side": part.side.value,
            "ask": part.ask.value,
            "at": message.due_at,
            "day": message.on,
            "closes_on": part.closes_on,
            "effect_key": key,
            "withheld": policy.organisation.mode is Mode.OBSERVE,
        }
        insert_once(session, AskedRow, row)


def effect_prefix(policy: Policy) -> str:
    """Give what stands before a key: what is only observed has keys of its own, and is said when observing ends."""
    return "" if policy.organisation.mode is Mode.ON else "observed:"


def _some(workshop: Workshop, policy: Policy) -> bool:
    """Plan for the next few people who are due; say whether there may be more."""
    now = workshop.now()

    def plan_some(session: Session) -> int:
        due = (PersonRow.organisation == policy.slug, PersonRow.look_at <= now)
        ids = list(session.scalars(select(PersonRow.id).where(*due).order_by(PersonRow.look_at).limit(AT_ONCE)))
        if ids:
            outlook = planned(session, policy, now=now, since=now, until=now + LOOK_AHEAD, ids=ids)
            _plan_for(workshop, session, policy, ids, outlook.messages, now)
        return len(ids)

    return workshop.database.transact(plan_some) == AT_ONCE


def _plan_for(
    workshop: Workshop,
    session: Session,
    policy: Policy,
    ids: Sequence[int],
    messages: Sequence[Message],
    now: datetime,
) -> None:
    looks = dict.fromkeys(ids, now + LOOK_AHEAD)
    helped: set[int] = set()
    for message in messages:
        if message.due_at > now:
            looks[message.person_id] = min(looks[message.person_id], message.due_at)
        elif not message.ways:
            # A mention: one comment does it for everybody. Whoever is looked at before it was made waits a little.
            looks[message.person_id] = min(looks[message.person_id], now + timedelta(minutes=10))
        elif _plan_message(workshop, session, policy, message):
            helped |= {message.person_id for part in message.parts if _wants_help(part)}
    for person_id, look_at in looks.items():
        session.execute(update(PersonRow).where(PersonRow.id == person_id).values(look_at=look_at))
    if helped:
        look_anew(session, helped)


def _plan_message(workshop: Workshop, session: Session, policy: Policy, message: Message) -> bool:
    effect = effect_of(message)
    key = effect_prefix(policy) + message.key
    if not plan_effect(workshop, session, policy.slug, replace(effect, key=key)):
        return False  # another worker was quicker, or the clock was set back to a day that had its message
    keep_asked(session, policy, message, key)
    return True


def _wants_help(part: Part) -> bool:
    return part.ask is Ask.PAUSE and part.side is Side.MEMBER


def _after_a_change(policy: Policy, now: datetime, session: Session) -> None:
    """Look at everybody again when the policy they were planned under has changed, or the clock was set back."""
    row = organisation_row(session, policy.slug)
    present = policy_print(policy)
    if row.policy_print != present:
        row.policy_print = present
        look_anew_at_all(session, policy.slug)
        log.info("nudge %s: the policy is new or has changed; everybody is looked at again", policy.slug)
    if row.ticked_at is not None and now < row.ticked_at - NOTED_EVERY:
        look_anew_at_all(session, policy.slug)
        log.warning("nudge %s: the clock was set back; everybody is looked at again", policy.slug)
    if row.ticked_at is None or abs(now - row.ticked_at) > NOTED_EVERY:
        row.ticked_at = now


def policy_print(policy: Policy) -> str:
    """Give a short sign of everything a policy says, by which a change is noticed."""
    said = repr([(name, getattr(policy, name)) for name in sorted(vars(policy)) if name != "public_holidays"])
    return hashlib.sha256(said.encode()).hexdigest()
