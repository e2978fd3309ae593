"""Performs what was planned: one attempt at one effect, so that in the end it happened once.

The ledger's statuses: *planned* (nothing was sent), *sending* (a call was made and its outcome is not known here),
*done*, *parked* (a person should look), *withheld* (the organisation observes), *not needed* (silence was right).
`sending` is committed before the call. Whoever finds it waits until the call has settled, then looks for its work by
the hidden marker or the visible reference, and only sends again after looking twice in vain (facts on the engine, 3.4).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from config.messages import titled, words
from domain.effects import (
    CloseIssue,
    CommentOnIssue,
    CommentOnThread,
    Effect,
    MentionInThread,
    Nudge,
    OpenIssue,
    SendReport,
    ShowTicketState,
    StartProposal,
    StartTeamPoll,
    StartTeamThread,
    StartThread,
    TellChat,
)
from domain.events import Happened, What
from domain.issues import Issue, marker_of, same_login
from domain.pace import free_at
from domain.policy import Channel, LoomioPolicy, Mode, Policy
from domain.proposals import Poll
from domain.sending import Drop, Reroute, SendAt, SendNow
from domain.ticket_states import TicketState
from domain.ticket_words import label_of
from integrations.errors import CannotLookError, PermanentError, TemporaryError, UnknownOutcomeError
from integrations.github import LONGEST_BODY, GitHub
from integrations.loomio import Thread
from jobs.attempt import Finished, Later, Outcome, Park, attempt, park
from jobs.letters import issue_of, judge, letter_to, mention, on_issue, report_letter, still_silent
from jobs.objectives import objective_issue_opened
from jobs.record import record
from jobs.repository import connected_github, connected_loomio, connected_mail, connected_room, loomio_to_write_in
from jobs.team import team_moment_started
from jobs.tickets import is_wanted, ticket_issue_opened, ticket_proposal_started, ticket_thread_started
from jobs.trouble import gone_from_under, needs_labels, not_granted, noticing, taken
from jobs.workshop import Workshop
from store.memory import effect_of
from store.models import EffectRow
from store.queries import ticket_by_about, writes_since

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
        found = _find(workshop, policy, effect, row.planned_at - LOOK_BACK)
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
            case SendNow(parts=parts):
                effect = replace(effect, parts=parts)
    if isinstance(effect, MentionInThread):
        effect = still_silent(workshop, policy, effect)
        if not effect.person_ids:
            return _set_aside(workshop, row.key, "not needed", "everybody has spoken")
    if isinstance(effect, StartThread | StartProposal):
        why_not = workshop.database.transact(partial(is_wanted, policy=policy, effect=effect))
        if why_not:
            return _set_aside(workshop, row.key, "not needed", why_not)
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
        try:
            found = _find(workshop, policy, effect, row.planned_at - LOOK_BACK) if error.may_have_happened else None
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
    fresh.status, fresh.sent_at, fresh.looks, fresh.held_by = "sending", now, 0, None
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


# -- one call each, and how to find what it left ----------------------------------------------------------------------


def _call(workshop: Workshop, policy: Policy, effect: Effect) -> Callable[[], Done]:
    """Prepare the call of an effect: words filled in, vendor connected, nothing sent."""
    match effect:
        case OpenIssue():
            github = connected_github(workshop, policy.slug)
            needs_labels(workshop, policy, effect)
            return partial(_open_issue, workshop, policy, github, effect)
        case CommentOnIssue():
            github = connected_github(workshop, policy.slug)
            body = _marked(effect.key, words(effect.body))
            return partial(_comment, github, effect.issue_number, body)
        case Nudge(way=Channel.GITHUB):
            github = connected_github(workshop, policy.slug)
            issue_number, message = on_issue(workshop, policy, effect)
            return partial(_comment, github, issue_number, _marked(effect.key, message.text))
        case Nudge():
            mail, letter = connected_mail(workshop), letter_to(workshop, policy, effect)
            return lambda: Done(external_id=mail.send(letter))
        case SendReport():
            mail, letter = connected_mail(workshop), report_letter(policy, effect)
            return lambda: Done(external_id=mail.send(letter))
        case TellChat():
            room = connected_room(workshop, policy.slug, effect.room)
            title, body = titled(words(effect.body))
            tell = partial(room.post, title=title or policy.organisation.name, body=body)
            return lambda: _told(tell)
        case CloseIssue():
            github = connected_github(workshop, policy.slug)
            return partial(_close, github, effect.issue_number)
        case ShowTicketState():
            github = connected_github(workshop, policy.slug)
            ticket = workshop.database.transact(partial(ticket_by_about, about=effect.about))
            return partial(_show, github, effect.issue_number, ticket.state)
        case StartThread():
            loomio = loomio_to_write_in(workshop, policy.slug)
            start = partial(
                loomio.start_thread, title=effect.title, description=words(effect.body), private=_loomio(policy).private
            )
            return lambda: _started_thread(workshop, policy, effect, start())
        case StartProposal():
            loomio = loomio_to_write_in(workshop, policy.slug)
            propose = partial(
                loomio.start_poll,
                topic_id=effect.topic_id,
                title=effect.title,
                details=words(effect.body),
                options=effect.options,
                closing_at=effect.closes_at,
                quorum_percent=effect.quorum_percent,
                anonymous=_loomio(policy).anonymous,
                hide_results=_loomio(policy).hide_results,
                closing_soon=_loomio(policy).closing_soon,
            )
            return lambda: _started_proposal(workshop, policy, effect, propose())
        case CommentOnThread():
            loomio = loomio_to_write_in(workshop, policy.slug)
            say = partial(loomio.comment, discussion_id=effect.discussion_id, body=words(effect.body))
            return lambda: Done(external_id=str(say()))
        case MentionInThread():
            loomio = loomio_to_write_in(workshop, policy.slug)
            say = partial(loomio.comment, discussion_id=effect.discussion_id, body=mention(workshop, effect))
            return lambda: Done(external_id=str(say()))
        case StartTeamThread():
            loomio = loomio_to_write_in(workshop, policy.slug)
            title, body = titled(words(effect.body))
            title = f"{title} ({effect.reference})"
            begin = partial(loomio.start_thread, title=title, description=body, private=_loomio(policy).private)
            return lambda: _started_team_thread(workshop, policy, effect, begin())
        case StartTeamPoll():
            loomio = loomio_to_write_in(workshop, policy.slug)
            title, body = titled(words(effect.body))
            ask = partial(
                loomio.start_team_poll,
                title=f"{title} ({effect.reference})",
                details=body,
                options=tuple(words(effect.options).splitlines()),
                closing_at=effect.closes_at,
                closing_soon=_loomio(policy).closing_soon,
            )
            return lambda: _started_team_poll(workshop, policy, effect, ask())


def _find(workshop: Workshop, policy: Policy, effect: Effect, since: datetime) -> Done | None:
    """Look for what a call of unknown outcome may have left."""
    match effect:
        case OpenIssue():
            github = connected_github(workshop, policy.slug)
            mine = github.issues(creator=github.login(), since=since)
            marker = marker_of(effect.key)
            issue = min((one for one in mine if marker in one.body), key=lambda one: one.number, default=None)
            return _opened(workshop, policy, effect, issue) if issue else None
        case CommentOnIssue() | Nudge(way=Channel.GITHUB):
            github = connected_github(workshop, policy.slug)
            marker = marker_of(effect.key)
            number = effect.issue_number if isinstance(effect, CommentOnIssue) else issue_of(workshop, policy, effect)
            for comment in github.comments(number, since=since):
                if marker in comment.body and same_login(comment.author, github.login()):
                    return Done(external_id=str(comment.id), url=comment.url)
            return None
        case Nudge() | SendReport():
            # Nobody can look a letter up. It is sent again under the Message-ID it had, by which mail systems know it.
            return None
        case ShowTicketState() | CloseIssue() | TellChat():
            return None  # harmless to repeat; never repeated
        case StartTeamThread():
            thread = connected_loomio(workshop, policy.slug).find_thread(effect.reference)
            return _started_team_thread(workshop, policy, effect, thread) if thread else None
        case StartTeamPoll():
            poll = connected_loomio(workshop, policy.slug).find_poll(effect.reference)
            return _started_team_poll(workshop, policy, effect, poll) if poll else None
        case StartThread():
            thread = connected_loomio(workshop, policy.slug).find_thread(effect.reference)
            return _started_thread(workshop, policy, effect, thread) if thread else None
        case StartProposal():
            loomio = connected_loomio(workshop, policy.slug)
            poll = loomio.find_poll(effect.reference, topic_id=effect.topic_id)
            return _started_proposal(workshop, policy, effect, poll) if poll else None
        case CommentOnThread() | MentionInThread():
            found = connected_loomio(workshop, policy.slug).find_comment(effect.topic_id, effect.mark)
            return Done(external_id=str(found)) if found is not None else None


def _loomio(policy: Policy) -> LoomioPolicy:
    """Give the policy's [loomio] table.

    Raises PermanentError when it is gone since the effect was planned.
    """
    if policy.loomio is None:
        raise PermanentError(f"{policy.slug}: its policy has no [loomio] table")
    return policy.loomio


def _open_issue(workshop: Workshop, policy: Policy, github: GitHub, effect: OpenIssue) -> Done:
    body = _marked(effect.key, words(effect.body))
    issue = github.open_issue(title=effect.title, body=body, labels=effect.labels, assignees=effect.assignees)
    return _opened(workshop, policy, effect, issue)


def _opened(workshop: Workshop, policy: Policy, effect: OpenIssue, issue: Issue) -> Done:
    kind, _, number = effect.about.partition(":")

    def remember(session: Session) -> None:
        remember_issue = objective_issue_opened if kind == "objective" else ticket_issue_opened
        remember_issue(workshop, session, policy, int(number), number=issue.number, url=issue.url)
        not_granted(workshop, session, policy, effect, issue)

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
    def remember(session: Session) -> None:
        ticket_thread_started(workshop, session, policy, effect, thread)

    return Done(external_id=thread.key, url=thread.url, remember=remember)


def _started_proposal(workshop: Workshop, policy: Policy, effect: StartProposal, poll: Poll) -> Done:
    ticket_id = int(effect.about.removeprefix("ticket:"))

    def remember(session: Session) -> None:
        ticket_proposal_started(workshop, session, policy, ticket_id, poll, round_=effect.round)

    return Done(external_id=poll.key, url=poll.url, remember=remember)


def _started_team_thread(workshop: Workshop, policy: Policy, effect: StartTeamThread, thread: Thread) -> Done:
    def remember(session: Session) -> None:
        team_moment_started(
            workshop,
            session,
            policy,
            effect,
            url=thread.url,
            title=thread.title,
            discussion_id=thread.discussion_id,
            topic_id=thread.topic_id,
        )

    return Done(external_id=thread.key, url=thread.url, remember=remember)


def _started_team_poll(workshop: Workshop, policy: Policy, effect: StartTeamPoll, poll: Poll) -> Done:
    def remember(session: Session) -> None:
        team_moment_started(
            workshop,
            session,
            policy,
            effect,
            url=poll.url,
            title=poll.title,
            discussion_id=None,
            topic_id=poll.topic_id,
        )

    return Done(external_id=poll.key, url=poll.url, remember=remember)


def _close(github: GitHub, number: int) -> Done:
    github.close(number)
    return Done(external_id=str(number))


def _told(tell: Callable[[], None]) -> Done:
    tell()
    return Done(external_id="")


def _marked(key: str, text: str) -> str:
    marker = f"\n\n{marker_of(key)}"
    return text[: LONGEST_BODY - len(marker)] + marker  # a very long answer is cut before the marker, never through it
