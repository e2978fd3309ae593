"""Connects an organisation to its vendors; to its repository by number, learned once, so a rename loses nothing."""

from sqlalchemy.orm import Session

from integrations.chat import Chat
from integrations.errors import PermanentError
from integrations.github import GitHub
from integrations.loomio import Loomio
from integrations.mail import Mail
from jobs.workshop import Workshop
from store.queries import organisation_row


def connected_github(workshop: Workshop, slug: str) -> GitHub:
    """Give the organisation's GitHub, addressed by repository number.

    Raises PermanentError when no credentials are set, and what the first look at the repository raises.
    """
    github = workshop.github(slug)
    if github is None:
        raise PermanentError(f"{slug}: no GitHub token or App is set")
    known = workshop.database.transact(lambda session: organisation_row(session, slug).repository_id)
    if known is None:
        found, name = github.repository()
        known = workshop.database.transact(lambda session: _learn(session, slug, found, name))
    github.use_repository(known)
    return github


def _learn(session: Session, slug: str, repository_id: int, name: str) -> int:
    row = organisation_row(session, slug)
    row.repository_id, row.repository_name = repository_id, name
    return repository_id


def connected_loomio(workshop: Workshop, slug: str) -> Loomio:
    """Give the organisation's Loomio.

    Raises PermanentError when its policy has none or no key is set.
    """
    loomio = workshop.loomio(slug)
    if loomio is None:
        raise PermanentError(f"{slug}: no Loomio key is set, or its policy has no [loomio] table")
    return loomio


def loomio_to_write_in(workshop: Workshop, slug: str) -> Loomio:
    """Give the organisation's Loomio once it has said that it speaks the policy's dialect, so nothing is half-created.

    Raises PermanentError when it speaks the other one, and what `connected_loomio` raises.
    """
    loomio = connected_loomio(workshop, slug)
    loomio.check_dialect()
    return loomio


def connected_mail(workshop: Workshop, slug: str) -> Mail:
    """Give the deployment's mail server, for letters of one organisation.

    Raises PermanentError when none is set.
    """
    if workshop.mail is None:
        raise PermanentError("no mail server is set: SMTP_URL")
    return workshop.mail.at_pace(workshop.pace(slug, "mail"))


def connected_room(workshop: Workshop, slug: str, room: int) -> Chat:
    """Give one of an organisation's chat rooms, counted from 0 in the order of the setting.

    Raises PermanentError when there are fewer.
    """
    rooms = workshop.chat(slug)
    if room >= len(rooms):
        raise PermanentError(f"{slug}: CHAT_URLS names no chat room number {room + 1} any more")
    return rooms[room]
