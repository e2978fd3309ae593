"""Troubles: notices what keeps the work from going on, tells whoever looks after Trellis once, and when it is over.

A refused call is only a sign: before anything is noted, the repository is looked at. What waits for a trouble goes on
when a look, a delivery or a write that was taken shows that it is gone.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from config.messages import titled, words
from domain.effects import CommentOnIssue, Effect, OpenIssue, Say, ShowTicketState
from domain.issues import Gone, Issue, IssueGone, key_in, same_login
from domain.objectives import ObjectiveState
from domain.policy import Policy
from domain.trouble import (
    BARS_READING,
    FOR_GOOD,
    SEEN_BY_LOOKING,
    Open,
    Trouble,
    ended_by_look,
    held_by,
    lost_its_label,
    over,
    worth_telling,
)
from integrations.errors import PermanentError, TemporaryError
from integrations.github import GitHub
from jobs.attempt import let_go_on
from jobs.repository import connected_github
from jobs.workshop import Workshop
from store.models import ObjectiveRow, TicketRow, TroubleRow
from store.queries import insert_once, objective_row, organisation_row, people_of, person_by_login

log = logging.getLogger(__name__)

LOOK_AT_ONE = (Trouble.LOCKED, Trouble.UNLABELLED)
# Deliveries that are a reason to look at the repository or its labels again; none of them is believed.
OF_THE_REPOSITORY = {"repository", "installation", "installation_repositories", "label"}


# -- noting, and the end ----------------------------------------------------------------------------------------------


def note(workshop: Workshop, session: Session, slug: str, trouble: Trouble, about: str = "") -> None:
    """Remember a trouble, once while it lasts."""
    new = insert_once(
        session,
        TroubleRow,
        {"organisation": slug, "what": trouble.value, "about": about[:200], "since": workshop.now()},
    )
    if new:
        log.warning("trouble in %s: %s%s", slug, trouble.value, f" ({about})" if about else "")


def lift(workshop: Workshop, session: Session, slug: str, troubles: Collection[Trouble], about: str = "") -> None:
    """Say that troubles are over, and have what waited for them go on."""
    wanted = select(TroubleRow).where(
        TroubleRow.organisation == slug,
        TroubleRow.what.in_([one.value for one in troubles]),
        TroubleRow.about == about,
        TroubleRow.gone_at.is_(None),
    )
    for row in session.scalars(wanted):
        row.gone_at = workshop.now()
        log.info("trouble in %s is over: %s%s", slug, row.what, f" ({about})" if about else "")
        let_go_on(workshop, session, held_by(Trouble(row.what), about), slug)


def open_troubles(session: Session, slug: str) -> list[Open]:
    """Give what is amiss now, oldest first."""
    wanted = select(TroubleRow).where(TroubleRow.organisation == slug, TroubleRow.gone_at.is_(None))
    return [_open_of(row) for row in session.scalars(wanted.order_by(TroubleRow.since, TroubleRow.id))]


def _open_of(row: TroubleRow) -> Open:
    return Open(trouble=Trouble(row.what), about=row.about, since=row.since)


def _abouts(session: Session, slug: str, trouble: Trouble) -> list[str]:
    return [one.about for one in open_troubles(session, slug) if one.trouble is trouble]


# -- noticing: a call was refused, or taken ---------------------------------------------------------------------------


@contextmanager
def noticing(workshop: Workshop, policy: Policy, *, doing: str = "") -> Iterator[None]:
    """Note the trouble behind a refusal of GitHub's, and raise it on with what it turned out to be.

    `doing` names the kind of write: one may be allowed while another is not.
    """
    try:
        yield
    except PermanentError as error:
        if error.trouble is None:
            raise
        sure = _made_sure(workshop, policy, error, doing)
        if sure.trouble is not None:
            slug, trouble, about = policy.slug, sure.trouble, sure.about
            workshop.database.transact(partial(note, workshop, slug=slug, trouble=trouble, about=about))
        raise sure from error


def taken(workshop: Workshop, session: Session, slug: str, *, doing: str) -> None:
    """Take note that GitHub took a write: whatever kept us from writing is over."""
    lift(workshop, session, slug, SEEN_BY_LOOKING)
    lift(workshop, session, slug, {Trouble.NOT_ALLOWED}, doing)


def _made_sure(workshop: Workshop, policy: Policy, error: PermanentError, doing: str) -> PermanentError:
    """Look whether a refusal is what it seems to be.

    Raises TemporaryError when GitHub cannot be asked now, or when nothing is amiss by now: then it is tried again.
    """
    sign, github = error.trouble, workshop.github(policy.slug)
    if github is None or sign in (Trouble.LOCKED, Trouble.LABEL_MISSING):
        return error
    look = github.look()
    if look.trouble is not None:
        return _as(error, look.trouble, "")
    if sign in (Trouble.OUT_OF_REACH, Trouble.ISSUE_GONE):
        # The repository is there, so it is about the one thing.
        number = int(error.about) if error.about.isdigit() else None
        is_gone = number is not None and isinstance(github.issue(number), IssueGone)
        return _as(error, Trouble.ISSUE_GONE if is_gone else None, error.about)
    if sign is Trouble.NOT_ALLOWED:
        return _as(error, sign, doing)
    raise TemporaryError(f"{error}; a moment later nothing is amiss") from error


def _as(error: PermanentError, trouble: Trouble | None, about: str) -> PermanentError:
    return PermanentError(
        str(error), may_have_happened=error.may_have_happened, status=error.status, trouble=trouble, about=about
    )


# -- looking: by the clock, and when a delivery says so ---------------------------------------------------------------


def look_outside(workshop: Workshop, policy: Policy) -> bool:
    """Look at everything that may be amiss or over; say whether issues can be read.

    Raises TemporaryError when GitHub cannot be asked now.
    """
    with noticing(workshop, policy):
        github = connected_github(workshop, policy.slug)
    look = github.look()

    def write(session: Session) -> None:
        if look.name:
            organisation_row(session, policy.slug).repository_name = look.name
        if look.trouble is not None:
            note(workshop, session, policy.slug, look.trouble)
        lift(workshop, session, policy.slug, ended_by_look(look.trouble))
        if look.keeps_labels:
            lift(workshop, session, policy.slug, {Trouble.ROLE})

    workshop.database.transact(write)
    if look.trouble in BARS_READING:
        return False
    look_at_labels(workshop, policy, github)
    _look_at_issues(workshop, policy, github)
    _look_at_people(workshop, policy, github)
    return True


def look_at_labels(workshop: Workshop, policy: Policy, github: GitHub, *, only: Collection[str] = ()) -> None:
    """Look whether the labels we go by exist, or `only` some of them, as long as something remembered goes by them."""
    slug = policy.slug
    ours = (policy.github.objective_label, policy.github.ticket_label)
    known = workshop.database.transact(partial(_abouts, slug=slug, trouble=Trouble.LABEL_MISSING))
    for label in known:
        if not any(label.casefold() == one.casefold() for one in ours):  # the policy goes by another one now
            workshop.database.transact(
                partial(lift, workshop, slug=slug, troubles={Trouble.LABEL_MISSING}, about=label)
            )
    for label in (one for one in ours if not only or one in only):
        numbers = workshop.database.transact(partial(_going_by, policy=policy, label=label))
        if not numbers and label not in known:
            continue
        if github.has_label(label):
            workshop.database.transact(
                partial(lift, workshop, slug=slug, troubles={Trouble.LABEL_MISSING}, about=label)
            )
        elif numbers:
            workshop.database.transact(partial(_label_is_missing, workshop, policy=policy, label=label))


def _label_is_missing(workshop: Workshop, session: Session, *, policy: Policy, label: str) -> None:
    note(workshop, session, policy.slug, Trouble.LABEL_MISSING, label)
    if label == policy.github.objective_label:
        # Each of them is kept as it is until it carries the label again: a label made anew is on none of them.
        for number in _going_by(session, policy=policy, label=label):
            note(workshop, session, policy.slug, Trouble.UNLABELLED, str(number))


def _going_by(session: Session, *, policy: Policy, label: str) -> list[int]:
    """Give the issues we remember as open that are ours by a label."""
    if label == policy.github.objective_label:
        state = ObjectiveRow.state != ObjectiveState.CLOSED.value
        wanted = select(ObjectiveRow.issue_number).where(ObjectiveRow.organisation == policy.slug, state)
    else:
        wanted = select(TicketRow.issue_number).where(TicketRow.organisation == policy.slug, TicketRow.issue_open)
    return sorted(number for number in session.scalars(wanted) if number is not None)


def _look_at_issues(workshop: Workshop, policy: Policy, github: GitHub) -> None:
    numbers = workshop.database.transact(
        lambda session: {about for one in LOOK_AT_ONE for about in _abouts(session, policy.slug, one)}
    )
    for number in sorted(numbers, key=int):
        seen = github.issue(int(number))
        workshop.database.transact(partial(_issue_seen, workshop, policy=policy, seen=seen))


def _look_at_people(workshop: Workshop, policy: Policy, github: GitHub) -> None:
    for login in workshop.database.transact(partial(_abouts, slug=policy.slug, trouble=Trouble.NO_ACCESS)):
        people = workshop.database.transact(partial(people_of, slug=policy.slug))
        if person_by_login(people, login) is None or github.may_assign(login):
            workshop.database.transact(
                partial(lift, workshop, slug=policy.slug, troubles={Trouble.NO_ACCESS}, about=login)
            )


def follow_outside(workshop: Workshop, event: str, said: Mapping[str, Any]) -> str:
    """Follow a delivery about the repository, its labels or the App: a reason to look, and nothing is believed."""
    slugs = workshop.database.transact(partial(_concerned, workshop, said=said))
    for slug in slugs:
        try:
            look_outside(workshop, workshop.policies[slug])
        except PermanentError as error:
            if error.trouble is None:
                raise
            log.info("%s: %s.%s looked into: %s", slug, event, ascii(said.get("action"))[:40], error)
    return "done" if slugs else "ignored"


def _concerned(workshop: Workshop, session: Session, *, said: Mapping[str, Any]) -> list[str]:
    """Name the organisations a delivery may be about: by repository, or by the account of an App's installation."""
    repository, installation = said.get("repository"), said.get("installation")
    number = repository.get("id") if isinstance(repository, Mapping) else None
    name = str(repository.get("full_name") or "").casefold() if isinstance(repository, Mapping) else None
    account = installation.get("account") if isinstance(installation, Mapping) else None
    owner = account.get("login") if isinstance(account, Mapping) else None
    found = []
    for slug, policy in workshop.policies.items():
        row = organisation_row(session, slug)
        ours = row.repository_name or policy.github.repository
        if repository is not None:
            is_ours = (number is not None and row.repository_id == number) or (
                row.repository_id is None and name == policy.github.repository.casefold()
            )
        else:
            is_ours = isinstance(owner, str) and same_login(owner, ours.partition("/")[0])
        if is_ours:
            found.append(slug)
    return found


# -- issues -----------------------------------------------------------------------------------------------------------


def issue_now(workshop: Workshop, policy: Policy, github: GitHub, number: int) -> Issue | IssueGone:
    """Read an issue for following it, and notice what is amiss or over with it.

    A goal that lost its label because the repository lost it is shown as if it still carried it, so that it stays as
    it is until the label is back; a goal that lost its label alone is shown as it is.
    """
    with noticing(workshop, policy):
        seen = github.issue(number)
    workshop.database.transact(partial(_issue_seen, workshop, policy=policy, seen=seen))
    if isinstance(seen, IssueGone):
        return seen
    label = policy.github.objective_label
    row = workshop.database.transact(partial(objective_row, slug=policy.slug, issue_number=number))
    if row is None and not seen.has_label(label) and _opened_for_a_goal(seen, github.login()):
        return replace(seen, labels=(*seen.labels, label))  # our own answer is on its way and will tell
    if row is None or row.state == ObjectiveState.CLOSED.value or not seen.open or seen.has_label(label):
        return seen
    kept = str(number) in workshop.database.transact(partial(_abouts, slug=policy.slug, trouble=Trouble.UNLABELLED))
    if not kept:
        exists = github.has_label(label)
        if exists:
            # The label may have come back since the issue was read: only what is read while it exists counts.
            again = github.issue(number)
            exists = github.has_label(label)
            if isinstance(again, IssueGone) or again.has_label(label):
                return again
            seen = again
        kept = lost_its_label(seen, label, remembered_at=row.issue_updated_at, label_exists=exists, now=workshop.now())
        if not exists:
            workshop.database.transact(partial(_label_is_missing, workshop, policy=policy, label=label))
        elif kept:
            workshop.database.transact(
                partial(note, workshop, slug=policy.slug, trouble=Trouble.UNLABELLED, about=str(number))
            )
    return replace(seen, labels=(*seen.labels, label)) if kept else seen


def _opened_for_a_goal(seen: Issue, login: str) -> bool:
    key = key_in(seen.body) if same_login(seen.author, login) else None
    return seen.open and key is not None and key.startswith("open:") and ":objective:" in key


def _issue_seen(workshop: Workshop, session: Session, *, policy: Policy, seen: Issue | IssueGone) -> None:
    number, slug = str(seen.number), policy.slug
    about_it = [one.trouble for one in open_troubles(session, slug) if one.about == number]
    ended = {one for one in about_it if one in LOOK_AT_ONE and over(one, seen, label=policy.github.objective_label)}
    lift(workshop, session, slug, ended, number)
    if isinstance(seen, IssueGone) and seen.why is not Gone.OUT_OF_REACH and _is_open(session, policy, seen.number):
        note(workshop, session, slug, Trouble.ISSUE_GONE, number)


def _is_open(session: Session, policy: Policy, number: int) -> bool:
    ours = (policy.github.objective_label, policy.github.ticket_label)
    return any(number in _going_by(session, policy=policy, label=label) for label in ours)


def needs_labels(workshop: Workshop, policy: Policy, effect: Effect) -> None:
    """Make sure that opening an issue would not make a label anew that was renamed or deleted.

    Raises PermanentError while one is missing that other issues went by.
    """
    if not isinstance(effect, OpenIssue):
        return
    look_at_labels(workshop, policy, connected_github(workshop, policy.slug), only=effect.labels)
    known = workshop.database.transact(partial(_abouts, slug=policy.slug, trouble=Trouble.LABEL_MISSING))
    for label in effect.labels:
        if label in known:
            raise PermanentError(f"the label {label} is not there any more", trouble=Trouble.LABEL_MISSING, about=label)


def not_granted(workshop: Workshop, session: Session, policy: Policy, effect: OpenIssue, issue: Issue) -> None:
    """Note what GitHub quietly left out of an issue that was opened: our label, or the person it is for.

    Both need the same right of ours. When labels were kept and the person was not, they have no access.
    """
    slug = policy.slug
    if not all(issue.has_label(one) for one in effect.labels):
        note(workshop, session, slug, Trouble.ROLE)
        if effect.about.startswith("objective:"):
            note(workshop, session, slug, Trouble.UNLABELLED, str(issue.number))
        return
    if effect.labels:
        lift(workshop, session, slug, {Trouble.ROLE})
    for login in effect.assignees:
        if any(same_login(login, one) for one in issue.assignees):
            lift(workshop, session, slug, {Trouble.NO_ACCESS}, login.casefold())
        else:
            note(workshop, session, slug, Trouble.NO_ACCESS, login.casefold())


def gone_from_under(workshop: Workshop, policy: Policy, effect: Effect) -> bool:
    """Say whether the issue an effect writes on was deleted or moved away, before it is sent a second time."""
    if not isinstance(effect, CommentOnIssue | ShowTicketState):
        return False
    github = connected_github(workshop, policy.slug)
    return isinstance(github.issue(effect.issue_number), IssueGone)


# -- telling ----------------------------------------------------------------------------------------------------------


def news(workshop: Workshop, session: Session, policy: Policy) -> list[str]:
    """Give a line for each trouble nobody was told of, and for each end of one that was told; each of them once."""
    now, slug = workshop.now(), policy.slug
    wanted = select(TroubleRow).where(TroubleRow.organisation == slug).order_by(TroubleRow.id)
    unsaid = (TroubleRow.told_at.is_(None), TroubleRow.gone_at.is_(None))
    ended = (TroubleRow.told_at.is_not(None), TroubleRow.gone_at.is_not(None), TroubleRow.gone_told_at.is_(None))
    begun, gone = list(session.scalars(wanted.where(*unsaid))), list(session.scalars(wanted.where(*ended)))
    present = open_troubles(session, slug)
    silent = {one.trouble for one in present} - {kind for kind, _ in worth_telling(present)}
    begun = [row for row in begun if Trouble(row.what) not in silent]
    for row in begun:
        row.told_at = now
        if Trouble(row.what) in FOR_GOOD:
            row.gone_at = row.gone_told_at = now
    for row in gone:
        row.gone_told_at = now
    lines = [f"**{title}.** {text}" for title, text in said(session, policy, [_open_of(row) for row in begun])]
    for kind, abouts in worth_telling([_open_of(row) for row in gone]):
        what, _ = titled(words(_say(session, policy, kind, abouts)))
        over_now = Say(name="trouble-over", locale=policy.organisation.locale, values={"what": what})
        title, text = titled(words(over_now))
        lines.append(f"**{title}.** {text}")
    return lines


def said(session: Session, policy: Policy, found: Sequence[Open]) -> list[tuple[str, str]]:
    """Say troubles in words, each kind once: what it is, and what it means and what helps."""
    texts = [titled(words(_say(session, policy, kind, abouts))) for kind, abouts in worth_telling(found)]
    return [(title, " ".join(text.split())) for title, text in texts]


def _say(session: Session, policy: Policy, kind: Trouble, abouts: Sequence[str]) -> Say:
    row = organisation_row(session, policy.slug)
    people = people_of(session, policy.slug)
    named = [(one, person_by_login(people, one)) for one in abouts]
    values = {
        "repository": row.repository_name or policy.github.repository,
        "label": ", ".join(abouts),
        "objective_label": policy.github.objective_label,
        "issue_names": "\n".join(f"#{one}" for one in abouts),
        "person_names": "\n".join(f"{person.handle} ({login})" if person else login for login, person in named),
    }
    given = {name: value for name, value in values.items() if value}
    return Say(name=f"trouble-{kind.value}", locale=policy.organisation.locale, values=given)
