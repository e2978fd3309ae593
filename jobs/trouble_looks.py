"""Looks at everything outside that may be amiss or over, by the clock and when a delivery says so."""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from domain.issues import same_login
from domain.policy import Policy
from domain.trouble import BARS_READING, Trouble, ended_by_look
from integrations.errors import PermanentError
from integrations.github import GitHub
from jobs.repository import connected_github
from jobs.trouble import abouts, lift, note, noticing
from jobs.trouble_issues import look_at_issues
from jobs.trouble_labels import look_at_labels
from jobs.workshop import Workshop
from store.queries import organisation_row, people_of, person_by_login

log = logging.getLogger(__name__)

# Deliveries that are a reason to look at the repository or its labels again; none of them is believed.
OF_THE_REPOSITORY = {"repository", "installation", "installation_repositories", "label"}


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
    look_at_issues(workshop, policy, github)
    _look_at_people(workshop, policy, github)
    return True


def _look_at_people(workshop: Workshop, policy: Policy, github: GitHub) -> None:
    for login in workshop.database.transact(partial(abouts, slug=policy.slug, trouble=Trouble.NO_ACCESS)):
        people = workshop.database.transact(partial(people_of, slug=policy.slug))
        if person_by_login(people, login) is None or github.may_assign(login):
            workshop.database.transact(
                partial(lift, workshop, slug=policy.slug, troubles={Trouble.NO_ACCESS}, about=login)
            )


def follow_outside(workshop: Workshop, event: str, action: str, said: Mapping[str, Any]) -> str:
    """Follow a delivery about the repository, its labels or the App: a reason to look, and nothing is believed.

    The log shows its event and action: both are words that can be shown.
    """
    slugs = workshop.database.transact(partial(_concerned, workshop, said=said))
    for slug in slugs:
        try:
            look_outside(workshop, workshop.policies[slug])
        except PermanentError as error:
            if error.trouble is None:
                raise
            log.info("%s: %s.%s looked into: %s", slug, event, action, error)
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
