"""Calls: for each kind of effect the one call that does it, and how to find what a call of unknown outcome left.

Nothing here decides whether or when: `jobs/perform.py` does. A call is prepared first, which may fail without
harm; what it returns says what it left and what has to be remembered together with it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
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
    vendor_of,
)
from domain.issues import Issue, marker_of, same_login
from domain.policy import Channel, LoomioPolicy, Policy
from domain.proposals import Poll
from domain.ticket_states import TicketState
from domain.ticket_words import label_of
from integrations.errors import PermanentError
from integrations.github import LONGEST_BODY, GitHub
from integrations.loomio import Thread
from jobs.letters import letter_to, mention, number_now, on_issue, report_letter
from jobs.objectives import objective_issue_opened
from jobs.repository import connected_github, connected_loomio, connected_mail, connected_room, loomio_to_write_in
from jobs.team import team_moment_started
from jobs.ticket_votes import ticket_proposal_started, ticket_thread_started
from jobs.tickets import ticket_issue_opened
from jobs.trouble_issues import not_granted
from jobs.trouble_labels import needs_labels
from jobs.workshop import Workshop
from store.queries import ticket_by_about


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a call left behind: its id and address there, what to remember, and what was quietly not granted."""

    external_id: str
    url: str | None = None
    remember: Callable[[Session], None] | None = None
    dropped: str = ""


def account_of(workshop: Workshop, policy: Policy, effect: Effect) -> str | None:
    """Name whose room a call takes; None where no limits are kept."""
    vendor = vendor_of(effect)
    if workshop.pace(policy.slug, vendor) is None:
        return None
    if isinstance(effect, TellChat):
        return connected_room(workshop, policy.slug, effect.room).account
    match vendor:
        case "github":
            return connected_github(workshop, policy.slug).account
        case "loomio":
            return connected_loomio(workshop, policy.slug).account
        case _:
            return connected_mail(workshop, policy.slug).account


def call_for(workshop: Workshop, policy: Policy, effect: Effect) -> Callable[[], Done]:
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
            body = _marked(effect.key, on_issue(workshop, policy, effect).text)
            return partial(_comment, github, _issue_of(workshop, policy, effect), body)
        case Nudge():
            mail, letter = connected_mail(workshop, policy.slug), letter_to(workshop, policy, effect)
            return lambda: Done(external_id=mail.send(letter))
        case SendReport():
            mail, letter = connected_mail(workshop, policy.slug), report_letter(policy, effect)
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
            return lambda: _started_for_team(workshop, policy, effect, begin())
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
            return lambda: _started_for_team(workshop, policy, effect, ask())


def find(workshop: Workshop, policy: Policy, effect: Effect, since: datetime) -> Done | None:
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
            for comment in github.comments(_issue_of(workshop, policy, effect), since=since):
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
            return _started_for_team(workshop, policy, effect, thread) if thread else None
        case StartTeamPoll():
            poll = connected_loomio(workshop, policy.slug).find_poll(effect.reference)
            return _started_for_team(workshop, policy, effect, poll) if poll else None
        case StartThread():
            thread = connected_loomio(workshop, policy.slug).find_thread(effect.reference)
            return _started_thread(workshop, policy, effect, thread) if thread else None
        case StartProposal():
            loomio = connected_loomio(workshop, policy.slug)
            poll = loomio.find_poll(effect.reference, topic_id=effect.topic_id)
            return _started_proposal(workshop, policy, effect, poll) if poll else None
        case CommentOnThread() | MentionInThread():
            # Ours in anybody's language: a sign of our own would have to stand in every translation.
            mark = effect.mark if isinstance(effect, MentionInThread) else words(effect.body).partition("\n")[0]
            found = connected_loomio(workshop, policy.slug).find_comment(effect.topic_id, mark)
            return Done(external_id=str(found)) if found is not None else None


def _issue_of(workshop: Workshop, policy: Policy, effect: CommentOnIssue | Nudge) -> int:
    """Give the issue a comment was sent to, though its person may have another goal by now."""
    match effect:
        case CommentOnIssue(issue_number=number) | Nudge(issue_number=int() as number):
            return number
        case Nudge():
            # Sent by a version that did not keep it: most likely to the one they still have.
            return number_now(workshop, policy, effect)


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
    found = github.issue(issue_number)
    # Read first, for that takes no room: with room for one write at a time, each attempt gets one step further.
    there = found.labels if isinstance(found, Issue) and found.has_label(mine) else None
    present = {label.casefold() for label in there or github.add_labels(issue_number, (mine,))}
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


def _started_for_team(
    workshop: Workshop, policy: Policy, effect: StartTeamThread | StartTeamPoll, made: Thread | Poll
) -> Done:
    def remember(session: Session) -> None:
        team_moment_started(
            workshop,
            session,
            policy,
            effect,
            url=made.url,
            title=made.title,
            discussion_id=made.discussion_id if isinstance(made, Thread) else None,
            topic_id=made.topic_id,
        )

    return Done(external_id=made.key, url=made.url, remember=remember)


def _close(github: GitHub, number: int) -> Done:
    github.close(number)
    return Done(external_id=str(number))


def _told(tell: Callable[[], None]) -> Done:
    tell()
    return Done(external_id="")


def _marked(key: str, text: str) -> str:
    marker = f"\n\n{marker_of(key)}"
    return text[: LONGEST_BODY - len(marker)] + marker  # a very long answer is cut before the marker, never through it
