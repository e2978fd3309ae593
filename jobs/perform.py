"""Performs what was planned: one attempt at one effect, so that in the end it happened once.

The ledger's statuses: *planned* (nothing was sent), *sending* (a call was made and its outcome is not known here),
*done*, *parked* (a person should look), *withheld* (the organisation observes), *not needed* (silence was right).
`sending` is committed before the call. Whoever finds it waits until the call has settled, then looks for its work by
the hidden marker or the visible reference, and only sends again after looking twice in vain (facts on the engine, 3.4).
"""

import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial

from sqlalchemy.orm import Session

from domain.effects import (
    CloseIssue,
    CommentOnIssue,
    Effect,
    MentionInThread,
    Nudge,
    SendReport,
    ShowTicketState,
    StartProposal,
    StartThread,
    TellChat,
)
from domain.events import Happened, What
from domain.pace import queue_of
from domain.policy import Mode, Policy
from domain.sending import Drop, Reroute, SendAt
from domain.trouble import Trouble
from integrations.errors import CannotLookError, PermanentError, TemporaryError, UnknownOutcomeError
from jobs.attempt import Finished, Held, Later, Outcome, Park, Queue, attempt, park
from jobs.calls import Done, account_of, call_for, find
from jobs.letters import judge, still_silent
from jobs.record import record
from jobs.ticket_votes import is_wanted
from jobs.trouble import noticing, taken
from jobs.trouble_issues import gone_from_under
from jobs.turns import room_for
from jobs.workshop import Workshop
from store.memory import effect_of
from store.models import EffectRow
from store.queries import unsaid_before

log = logging.getLogger(__name__)

# A second look follows the first in vain at this multiple of the settling time: lists can lag (facts on GitHub, 3).
LOOK_AGAIN_AFTER = 5
LOOKS = 2
LOOK_BACK = timedelta(minutes=5)


def perform(workshop: Workshop, key: str) -> None:
    """Attempt one effect; again is the same as once."""
    attempt(workshop, EffectRow, key, lambda: _perform(workshop, key))


def _perform(workshop: Workshop, key: str) -> Outcome:
    row = workshop.database.transact(lambda session: session.get(EffectRow, key))
    if row is None or row.status not in ("planned", "sending"):
        return Finished()
    policy = workshop.policies.get(row.organisation)
    if policy is None:
        return Park(why=f"there is no organisation {row.organisation} any more")
    if row.not_before > workshop.real_now():
        return Later(at=row.not_before, why="not yet", counts=False)
    effect = effect_of(row.kind, row.payload)
    with noticing(workshop, policy, doing=row.kind):
        if row.status == "sending" and not isinstance(effect, ShowTicketState | CloseIssue):
            return _look_first(workshop, policy, row, effect)
        return _send(workshop, policy, row, effect)


def _look_first(workshop: Workshop, policy: Policy, row: EffectRow, effect: Effect) -> Outcome:
    """Look for the work of a call whose outcome is not known; send again only after looking twice in vain."""
    sent_at = row.sent_at or workshop.real_now()
    settle = timedelta(seconds=workshop.pacing.settle_seconds)
    look_at = sent_at + settle * (1 if row.looks == 0 else LOOK_AGAIN_AFTER)
    if workshop.real_now() < look_at:
        return Later(at=look_at, why="the call's outcome is not known; it settles first", counts=False)
    try:
        found = find(workshop, policy, effect, row.planned_at - LOOK_BACK)
    except CannotLookError as error:
        return _left_to_people(workshop, row.key, f"the call's outcome is not known, and {error}")
    if found is not None:
        log.info("perform %s: its outcome was not known, and it had happened: %s", row.key, found.url)
        return _finish(workshop, policy, row.key, effect, found)
    if isinstance(effect, TellChat):
        # A chat keeps nothing by which our message could be found: once is enough.
        done = Done(external_id="", dropped="the chat's answer never came; it is not sent a second time")
        return _finish(workshop, policy, row.key, effect, done)
    looks = row.looks + 1
    workshop.database.transact(lambda session: _looked(session, row.key, looks))
    if looks < LOOKS:
        again = sent_at + settle * LOOK_AGAIN_AFTER
        return Later(at=again, why="looked in vain once; once more before sending again", counts=False)
    if gone_from_under(workshop, policy, effect):
        return _set_aside(workshop, row.key, "not needed", "its issue is not there any more")
    return _send(workshop, policy, row, effect)


def _left_to_people(workshop: Workshop, key: str, why: str) -> Outcome:
    """Park what nobody but a person can look up; to try it again is to say that it is not there."""

    def write(session: Session) -> None:
        row = session.get_one(EffectRow, key, with_for_update=True)
        if row.status not in ("planned", "sending"):
            return
        row.sent_at = None
        park(
            row,
            key,
            f"{why}. Somebody has to look there. If there is nothing, or you delete it: flask effects retry {key}",
        )

    workshop.database.transact(write)
    return Finished()


def _looked(session: Session, key: str, looks: int) -> None:
    session.get_one(EffectRow, key).looks = looks


def _send(workshop: Workshop, policy: Policy, row: EffectRow, effect: Effect) -> Outcome:
    if policy.organisation.mode is Mode.OBSERVE and not isinstance(effect, SendReport):
        return _set_aside(workshop, row.key, "withheld", "the organisation observes: nothing is sent")
    if isinstance(effect, Nudge):
        match judge(workshop, policy, effect):
            case SendAt(at=at):
                # `at` is of the practice clock; what the ledger waits for is real time.
                real = workshop.real_now() + (at - workshop.now())
                return Later(at=real, why="outside the person's own hours", counts=False)
            case Drop(why=why):
                return _not_needed(workshop, policy, row.key, effect, why)
            case Reroute() as other:
                return _by_another_way(workshop, policy, row.key, effect, other)
            case Nudge() as judged:
                effect = judged
    if isinstance(effect, MentionInThread):
        effect = still_silent(workshop, policy, effect)
        if not effect.person_ids:
            return _set_aside(workshop, row.key, "not needed", "everybody has spoken")
    if isinstance(effect, StartThread | StartProposal):
        why_not = workshop.database.transact(
            partial(_set_aside_unless_wanted, policy=policy, key=row.key, effect=effect)
        )
        if why_not:
            log.info("perform %s: not needed: %s", row.key, why_not)
            return Finished()
    # Both connect, which may raise, before anything is marked as sending.
    account, call = account_of(workshop, policy, effect), call_for(workshop, policy, effect)
    barred = workshop.database.transact(lambda session: _mark_sending(workshop, session, row, effect, account))
    if barred is not None:
        return barred
    try:
        workshop.check_lease()
        done = call()
    except UnknownOutcomeError as error:
        settles = workshop.real_now() + timedelta(seconds=workshop.pacing.settle_seconds)
        return Later(at=settles, why=str(error))
    except PermanentError as error:
        try:
            found = find(workshop, policy, effect, row.planned_at - LOOK_BACK) if error.may_have_happened else None
        except CannotLookError as blind:
            return _left_to_people(workshop, row.key, f"{error}; it may have been saved all the same, and {blind}")
        if found is None and isinstance(effect, Nudge) and effect.other_ways:
            other = Reroute(way=effect.other_ways[0], other_ways=effect.other_ways[1:], why=str(error))
            return _by_another_way(workshop, policy, row.key, effect, other)
        if found is None:
            if error.trouble is not None:  # GitHub's refusals are certain: nothing was sent
                workshop.database.transact(lambda session: _planned_again(session, row.key))
            raise
        done = found
    except TemporaryError:
        workshop.database.transact(lambda session: _planned_again(session, row.key))  # certainly not sent
        raise
    # Anything else that is raised leaves the row *sending*: its outcome is looked for before it is sent again.
    return _finish(workshop, policy, row.key, effect, done)


def _mark_sending(
    workshop: Workshop, session: Session, row: EffectRow, effect: Effect, account: str | None
) -> Outcome | None:
    """Commit that a call is about to be made; or say what bars it: another's claim, what comes first, or no room."""
    fresh = session.get_one(EffectRow, row.key, with_for_update=True)
    if (fresh.status, fresh.sent_at, fresh.generation) != (row.status, row.sent_at, row.generation):
        return Finished()  # another attempt has moved on meanwhile, and goes on
    room_at = None if account is None else room_for(workshop, session, fresh, account)
    if account is not None and room_at is not None:
        return Queue(account=account, at=room_at, why=f"{account} takes the next call at {room_at:%H:%M:%S} UTC")
    if isinstance(effect, CommentOnIssue) and (before := unsaid_before(session, fresh, effect.issue_number)):
        return _after(workshop, account, before)
    if isinstance(effect, Nudge):
        fresh.payload = fresh.payload | {"issue_number": effect.issue_number}
    fresh.status, fresh.sent_at, fresh.looks, fresh.held_by = "sending", workshop.real_now(), 0, None
    return None


def _after(workshop: Workshop, account: str | None, before: EffectRow) -> Outcome:
    """Wait for what is to be said first: for the same as it waits for, or until it may have been said."""
    why = f"{before.key} is to be said first"
    if account is not None and before.held_by == queue_of(account):
        return Queue(account=account, at=before.not_before, why=why)
    if before.held_by is not None and before.held_by.startswith(tuple(Trouble)):
        return Held(by=before.held_by, why=why)
    soon = workshop.real_now() + timedelta(seconds=workshop.pacing.retry_seconds)
    return Later(at=max(before.not_before, soon), why=why, counts=False)


def _planned_again(session: Session, key: str) -> None:
    row = session.get_one(EffectRow, key)
    row.status, row.sent_at = "planned", None


def _set_aside(workshop: Workshop, key: str, status: str, why: str) -> Outcome:
    def write(session: Session) -> None:
        row = session.get_one(EffectRow, key)
        row.status, row.last_error, row.held_by = status, why, None

    workshop.database.transact(write)
    log.info("perform %s: %s: %s", key, status, why)
    return Finished()


def _set_aside_unless_wanted(session: Session, *, policy: Policy, key: str, effect: StartThread | StartProposal) -> str:
    """Judge and write down in one transaction, so that a choice made at this very moment is not overlooked."""
    row = session.get_one(EffectRow, key, with_for_update=True)
    if row.status not in ("planned", "sending"):
        return "another attempt has moved on"
    why_not = is_wanted(session, policy, effect)
    if why_not:
        row.status, row.last_error, row.held_by = "not needed", why_not, None
    return why_not


def _not_needed(workshop: Workshop, policy: Policy, key: str, effect: Nudge, why: str) -> Outcome:
    line = Happened(
        what=What.NUDGE_NOT_NEEDED,
        person_id=effect.person_id,
        about=effect.about,
        details={"why": why},
        key=f"silent:{key}",
    )
    workshop.database.transact(lambda session: record(workshop, session, policy.slug, happened=(line,)))
    return _set_aside(workshop, key, "not needed", why)


def _by_another_way(workshop: Workshop, policy: Policy, key: str, effect: Nudge, other: Reroute) -> Outcome:
    """Plan the same message by the next way, in the same transaction that gives this one up."""
    instead = replace(effect, key=f"{key}:{other.way.value}", way=other.way, other_ways=other.other_ways)

    def write(session: Session) -> None:
        row = session.get_one(EffectRow, key)
        row.held_by = None
        row.status, row.last_error = "not needed", f"by {other.way.value} instead: {other.why}"
        record(workshop, session, policy.slug, effects=(instead,))

    workshop.database.transact(write)
    log.info("perform %s: by %s instead: %s", key, other.way.value, other.why)
    return Finished()


def _finish(workshop: Workshop, policy: Policy, key: str, effect: Effect, done: Done) -> Outcome:
    """Record what a call left behind together with what follows from it."""

    def write(session: Session) -> None:
        row = session.get_one(EffectRow, key, with_for_update=True)
        if row.status == "done":
            return
        row.status, row.done_at = "done", workshop.real_now()
        row.external_id, row.external_url = done.external_id, done.url
        row.last_error = done.dropped or None
        if row.vendor == "github":
            taken(workshop, session, policy.slug, doing=row.kind)
        if isinstance(effect, Nudge):
            line = Happened(
                what=What.NUDGE_SENT, person_id=effect.person_id, about=effect.about, url=done.url, key=f"sent:{key}"
            )
            record(workshop, session, policy.slug, happened=(line,))
        if done.remember is not None:
            done.remember(session)

    workshop.database.transact(write)
    if done.dropped:
        log.warning("perform %s: done, but %s", key, done.dropped)
    else:
        log.info("perform %s: done", key)
    return Finished()
