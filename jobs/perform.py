"""Performs what was planned: one attempt at one effect, so that in the end it happened once.

The ledger's statuses: *planned* (nothing was sent), *sending* (a call was made and its outcome is not known here),
*done*, *parked* (a person should look), *withheld* (the organisation observes), *not needed* (silence was right).
`sending` is committed before the call. Whoever finds it waits until the call has settled, then looks for its work by
the hidden marker or the visible reference, and only sends again after looking twice in vain (facts on the engine, 3.4).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from config.messages import words
from domain.effects import (
    CommentOnIssue,
    CommentOnThread,
    Effect,
    NudgeOnIssue,
    OpenIssue,
    ShowTicketState,
    StartProposal,
    StartThread,
)
from domain.events import Happened, What
from domain.issues import Issue, marker_of, same_login
from domain.pace import free_at
from domain.planner import Drop, SendAt, SendNow, still_due
from domain.policy import Mode, Policy
from domain.proposals import Poll
from domain.tickets import TicketState, label_of, still_wanted
from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from integrations.github import LONGEST_BODY, GitHub
from integrations.loomio import Thread
from jobs.attempt import Finished, Later, Outcome, Park, attempt
from jobs.objectives import objective_issue_opened
from jobs.record import record
from jobs.repository import connected_github, connected_loomio
from jobs.tickets import ticket_issue_opened, ticket_proposal_started, ticket_thread_started
from jobs.workshop import Workshop
from store.memory import effect_of
from store.models import EffectRow
from store.queries import active_objectives, person_by_id, ticket_by_about, writes_since

log = logging.getLogger(__name__)

# A second look follows the first in vain at this multiple of the settling time: lists can lag (facts on GitHub, 3).
LOOK_AGAIN_AFTER = 5
LOOKS = 2
LOOK_BACK = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a call left behind: its id and address there, what to remember, and what was quietly not granted."""

    external_id: str
    url: str | None = None
    remember: Callable[[Session], None] | None = None
    dropped: str = ""


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
    if row.status == "sending" and not isinstance(effect, ShowTicketState):
        return _look_first(workshop, policy, row, effect)
    return _send(workshop, policy, row, effect)


def _look_first(workshop: Workshop, policy: Policy, row: EffectRow, effect: Effect) -> Outcome:
    """Look for the work of a call whose outcome is not known; send again only after looking twice in vain."""
    sent_at = row.sent_at or workshop.real_now()
    settle = timedelta(seconds=workshop.pacing.settle_seconds)
    look_at = sent_at + settle * (1 if row.looks == 0 else LOOK_AGAIN_AFTER)
    if workshop.real_now() < look_at:
        return Later(at=look_at, why="the call's outcome is not known; it settles first", counts=False)
    found = _find(workshop, policy, effect, row.planned_at - LOOK_BACK)
    if found is not None:
        log.info("perform %s: its outcome was not known, and it had happened: %s", row.key, found.url)
        return _finish(workshop, policy, row.key, effect, found)
    looks = row.looks + 1
    workshop.database.transact(lambda session: _looked(session, row.key, looks))
    if looks < LOOKS:
        again = sent_at + settle * LOOK_AGAIN_AFTER
        return Later(at=again, why="looked in vain once; once more before sending again", counts=False)
    return _send(workshop, policy, row, effect)


def _looked(session: Session, key: str, looks: int) -> None:
    session.get_one(EffectRow, key).looks = looks


def _send(workshop: Workshop, policy: Policy, row: EffectRow, effect: Effect) -> Outcome:
    if policy.organisation.mode is Mode.OBSERVE:
        return _set_aside(workshop, row.key, "withheld", "the organisation observes: nothing is sent")
    if isinstance(effect, NudgeOnIssue):
        match _judge(workshop, policy, effect):
            case SendAt(at=at):
                # `at` is of the practice clock; what the ledger waits for is real time.
                real = workshop.real_now() + (at - workshop.now())
                return Later(at=real, why="outside the person's own hours", counts=False)
            case Drop(why=why):
                return _not_needed(workshop, policy, row.key, effect, why)
            case SendNow():
                pass
    if isinstance(effect, StartThread | StartProposal):
        ticket = workshop.database.transact(partial(ticket_by_about, about=effect.about))
        if not still_wanted(ticket, effect):
            return _set_aside(workshop, row.key, "not needed", f"the ticket is {ticket.state.value} by now")
    call = _call(workshop, policy, effect)  # connects, which may raise, before anything is marked as sending
    barred = workshop.database.transact(lambda session: _mark_sending(workshop, session, row))
    if barred is not None:
        return barred
    try:
        workshop.check_lease()
        done = call()
    except UnknownOutcomeError as error:
        settles = workshop.real_now() + timedelta(seconds=workshop.pacing.settle_seconds)
        return Later(at=settles, why=str(error))
    except PermanentError as error:
        found = _find(workshop, policy, effect, row.planned_at - LOOK_BACK) if error.may_have_happened else None
        if found is None:
            raise
        done = found
    except TemporaryError:
        workshop.database.transact(lambda session: _planned_again(session, row.key))  # certainly not sent
        raise
    # Anything else that is raised leaves the row *sending*: its outcome is looked for before it is sent again.
    return _finish(workshop, policy, row.key, effect, done)


def _mark_sending(workshop: Workshop, session: Session, row: EffectRow) -> Outcome | None:
    """Commit that a call is about to be made; or say what bars it: another attempt's claim, or the pace."""
    fresh = session.get_one(EffectRow, row.key, with_for_update=True)
    if (fresh.status, fresh.sent_at, fresh.generation) != (row.status, row.sent_at, row.generation):
        return Finished()  # another attempt has moved on meanwhile, and goes on
    now = workshop.real_now()
    went = writes_since(session, row.vendor, now - timedelta(hours=1))
    free = free_at(went, workshop.pacing.budget, now=now)
    if free > now:
        return Later(at=free, why="the minute's or hour's budget is used", counts=False)
    fresh.status, fresh.sent_at, fresh.looks = "sending", now, 0
    return None


def _planned_again(session: Session, key: str) -> None:
    row = session.get_one(EffectRow, key)
    row.status, row.sent_at = "planned", None


def _set_aside(workshop: Workshop, key: str, status: str, why: str) -> Outcome:
    def write(session: Session) -> None:
        row = session.get_one(EffectRow, key)
        row.status, row.last_error = status, why

    workshop.database.transact(write)
    log.info("perform %s: %s: %s", key, status, why)
    return Finished()


def _not_needed(workshop: Workshop, policy: Policy, key: str, effect: NudgeOnIssue, why: str) -> Outcome:
    line = Happened(
        what=What.NUDGE_NOT_NEEDED,
        person_id=effect.person_id,
        about=effect.about,
        details={"why": why},
        key=f"silent:{key}",
    )
    workshop.database.transact(lambda session: record(workshop, session, policy.slug, happened=(line,)))
    return _set_aside(workshop, key, "not needed", why)


def _finish(workshop: Workshop, policy: Policy, key: str, effect: Effect, done: Done) -> Outcome:
    """Record what a call left behind together with what follows from it."""

    def write(session: Session) -> None:
        row = session.get_one(EffectRow, key, with_for_update=True)
        if row.status == "done":
            return
        row.status, row.done_at = "done", workshop.real_now()
        row.external_id, row.external_url = done.external_id, done.url
        row.last_error = done.dropped or None
        if isinstance(effect, NudgeOnIssue):
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


def _judge(workshop: Workshop, policy: Policy, effect: NudgeOnIssue) -> SendNow | SendAt | Drop:
    """Judge a nudge on what GitHub shows this very moment."""

    person = workshop.database.transact(lambda session: person_by_id(session, effect.person_id))
    objective = workshop.database.transact(
        lambda session: active_objectives(session, policy.slug).get(effect.person_id)
    )
    github = connected_github(workshop, policy.slug)
    comments = github.comments(effect.issue_number, since=effect.period_starts_at)
    written = [one.created_at for one in comments if same_login(one.author, person.github_login)]
    if objective is not None and objective.last_wrote_at is not None:
        written.append(objective.last_wrote_at)
    return still_due(policy, effect, person, objective, wrote_at=max(written, default=None), now=workshop.now())


# -- one call each, and how to find what it left ----------------------------------------------------------------------


def _call(workshop: Workshop, policy: Policy, effect: Effect) -> Callable[[], Done]:
    """Prepare the call of an effect: words filled in, vendor connected, nothing sent."""
    match effect:
        case OpenIssue():
            github = connected_github(workshop, policy.slug)
            return partial(_open_issue, workshop, policy, github, effect)
        case CommentOnIssue() | NudgeOnIssue():
            github = connected_github(workshop, policy.slug)
            body = _marked(effect.key, words(effect.body))
            return partial(_comment, github, effect.issue_number, body)
        case ShowTicketState():
            github = connected_github(workshop, policy.slug)
            ticket = workshop.database.transact(partial(ticket_by_about, about=effect.about))
            return partial(_show, github, effect.issue_number, ticket.state)
        case StartThread():
            loomio = connected_loomio(workshop, policy.slug)
            start = partial(loomio.start_thread, title=effect.title, description=words(effect.body))
            return lambda: _started_thread(workshop, policy, effect, start())
        case StartProposal():
            loomio = connected_loomio(workshop, policy.slug)
            propose = partial(
                loomio.start_poll,
                topic_id=effect.topic_id,
                title=effect.title,
                details=words(effect.body),
                options=effect.options,
                closing_at=effect.closes_at,
                quorum_percent=effect.quorum_percent,
            )
            return lambda: _started_proposal(workshop, policy, effect, propose())
        case CommentOnThread():
            loomio = connected_loomio(workshop, policy.slug)
            say = partial(loomio.comment, discussion_id=effect.discussion_id, body=words(effect.body))
            return lambda: Done(external_id=str(say()))


def _find(workshop: Workshop, policy: Policy, effect: Effect, since: datetime) -> Done | None:
    """Look for what a call of unknown outcome may have left."""
    match effect:
        case OpenIssue():
            github = connected_github(workshop, policy.slug)
            mine = github.issues(creator=github.login(), since=since)
            marker = marker_of(effect.key)
            issue = min((one for one in mine if marker in one.body), key=lambda one: one.number, default=None)
            return _opened(workshop, policy, effect, issue) if issue else None
        case CommentOnIssue() | NudgeOnIssue():
            github = connected_github(workshop, policy.slug)
            marker = marker_of(effect.key)
            for comment in github.comments(effect.issue_number, since=since):
                if marker in comment.body and same_login(comment.author, github.login()):
                    return Done(external_id=str(comment.id), url=comment.url)
            return None
        case ShowTicketState():
            return None  # harmless to repeat
        case StartThread():
            thread = connected_loomio(workshop, policy.slug).find_thread(effect.reference)
            return _started_thread(workshop, policy, effect, thread) if thread else None
        case StartProposal():
            poll = connected_loomio(workshop, policy.slug).find_poll(effect.reference)
            return _started_proposal(workshop, policy, effect, poll) if poll else None
        case CommentOnThread():
            found = connected_loomio(workshop, policy.slug).find_comment(effect.topic_id, effect.mark)
            return Done(external_id=str(found)) if found is not None else None


def _open_issue(workshop: Workshop, policy: Policy, github: GitHub, effect: OpenIssue) -> Done:
    body = _marked(effect.key, words(effect.body))
    issue = github.open_issue(title=effect.title, body=body, labels=effect.labels, assignees=effect.assignees)
    return _opened(workshop, policy, effect, issue)


def _opened(workshop: Workshop, policy: Policy, effect: OpenIssue, issue: Issue) -> Done:
    kind, _, number = effect.about.partition(":")

    def remember(session: Session) -> None:
        remember_issue = objective_issue_opened if kind == "objective" else ticket_issue_opened
        remember_issue(workshop, session, policy, int(number), number=issue.number, url=issue.url)

    missing = [one for one in effect.labels if not issue.has_label(one)]
    missing += [one for one in effect.assignees if not any(same_login(one, found) for found in issue.assignees)]
    dropped = f"GitHub dropped {', '.join(missing)}: it needs write access to set them" if missing else ""
    return Done(external_id=str(issue.number), url=issue.url, remember=remember, dropped=dropped)


def _comment(github: GitHub, issue_number: int, body: str) -> Done:
    comment = github.comment(issue_number, body)
    return Done(external_id=str(comment.id), url=comment.url)


def _show(github: GitHub, issue_number: int, state: TicketState) -> Done:
    mine = label_of(state)
    present = {label.casefold() for label in github.add_labels(issue_number, (mine,))}
    others = [label_of(one) for one in TicketState if one is not state]
    for label in others:
        if label.casefold() in present:
            github.remove_label(issue_number, label)
    dropped = "" if mine.casefold() in present else f"GitHub dropped {mine}: it needs write access to set it"
    return Done(external_id=str(issue_number), dropped=dropped)


def _started_thread(workshop: Workshop, policy: Policy, effect: StartThread, thread: Thread) -> Done:
    ticket_id = int(effect.about.removeprefix("ticket:"))

    def remember(session: Session) -> None:
        ticket_thread_started(workshop, session, policy, ticket_id, thread)

    return Done(external_id=thread.key, url=thread.url, remember=remember)


def _started_proposal(workshop: Workshop, policy: Policy, effect: StartProposal, poll: Poll) -> Done:
    ticket_id = int(effect.about.removeprefix("ticket:"))

    def remember(session: Session) -> None:
        ticket_proposal_started(workshop, session, policy, ticket_id, poll, round_=effect.round)

    return Done(external_id=poll.key, url=poll.url, remember=remember)


def _marked(key: str, text: str) -> str:
    marker = f"\n\n{marker_of(key)}"
    return text[: LONGEST_BODY - len(marker)] + marker  # a very long answer is cut before the marker, never through it
