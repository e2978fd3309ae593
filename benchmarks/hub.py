"""The hub: a stand-in GitHub to comment in, and the tools to plan comments for it and to find them there again."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from app import create_worker
from config.policy import load_policies
from config.settings import load_settings
from domain.effects import CommentOnIssue, Say
from domain.issues import key_in
from jobs.record import plan_effect
from jobs.workshop import Workshop
from sandbox.people import REPOSITORY_ID
from sandbox.serving import Server
from sandbox.settings import Settings as SandboxSettings
from sandbox.world import Limits
from store.queries import organisation_row

NO_LIMITS = Limits(per_minute=1_000_000, per_hour=1_000_000)


@contextmanager
def hub(clock: Callable[[], datetime] | None = None, limits: Limits = NO_LIMITS) -> Iterator[Server]:
    """A GitHub that answers at once and takes so much, by a clock of its own or ours; nobody hears its deliveries."""
    server = Server(SandboxSettings(port=0, service_url="http://127.0.0.1:9"))
    server.sandbox.world.limits = replace(limits)
    if clock is not None:
        server.sandbox.world.limits_clock = lambda: clock().timestamp()
    server.start()
    yield server
    server.stop()


def tools(environ: Mapping[str, str]) -> Workshop:
    """Give a worker's tools to this process, which plans, looks and performs, and never takes work."""
    settings = load_settings(environ)
    workshop, _ = create_worker(settings, load_policies(settings.organisations_folder()))
    workshop = replace(workshop, check_lease=lambda: None)  # nobody beats here, so there is no lease to be lost
    for slug in workshop.policies:
        workshop.database.transact(partial(_know_repository, slug=slug))
    return workshop


def _know_repository(session: Session, *, slug: str) -> None:
    # No two policies may name the same repository, and only one of theirs is there: by its number it is everybody's.
    organisation_row(session, slug).repository_id = REPOSITORY_ID


def an_issue(github: Server) -> int:
    """Open an issue to comment on."""
    world = github.sandbox.world
    ada = world.accounts["ada-fw"]
    issue = github.sandbox.github.open_issue(world.repositories[REPOSITORY_ID], ada, "Read a map", "", (), ())
    return int(issue.number)


def plan_comment(workshop: Workshop, slug: str, key: str, issue_number: int) -> None:
    """Plan one comment, as any behaviour does."""
    say = Say(name="objective-activated", values={"name": "Ada"})
    effect = CommentOnIssue(key=key, about="issue", issue_number=issue_number, body=say)
    workshop.database.transact(lambda session: plan_effect(workshop, session, slug, effect))


def keys_in(github: Server, issue_number: int) -> list[str]:
    """Give the keys that the comments on an issue carry."""
    repository = github.sandbox.world.repositories[REPOSITORY_ID]
    return [key for one in repository.issues[issue_number].comments if (key := key_in(one.body)) is not None]
