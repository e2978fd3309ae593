"""Troubles: notices what keeps the work from going on, tells whoever looks after Trellis once, and when it is over.

A refused call is only a sign: before anything is noted, the repository is looked at. What waits for a trouble goes on
when a look, a delivery or a write that was taken shows that it is gone. Here is what every part of this needs: noting
one, its end, and what a refused or a taken call says of it. `trouble_looks.py` looks at the repository,
`trouble_labels.py` at its labels, `trouble_issues.py` at one issue, and `trouble_news.py` tells of it all.
"""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.issues import IssueGone
from domain.policy import Policy
from domain.trouble import SEEN_BY_LOOKING, Open, Trouble, held_by
from integrations.errors import PermanentError, TemporaryError
from jobs.attempt import let_go_on
from jobs.workshop import Workshop
from store.models import TroubleRow
from store.queries import insert_once

log = logging.getLogger(__name__)


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
    return [open_of(row) for row in session.scalars(wanted.order_by(TroubleRow.since, TroubleRow.id))]


def open_of(row: TroubleRow) -> Open:
    """Give a row as what the domain knows."""
    return Open(trouble=Trouble(row.what), about=row.about, since=row.since)


def abouts(session: Session, slug: str, trouble: Trouble) -> list[str]:
    """Name what a kind of trouble is about now: labels, issues or people, oldest first."""
    return [one.about for one in open_troubles(session, slug) if one.trouble is trouble]


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
