"""What the commands get from `app.py`, and the small things they share."""

from collections.abc import Callable
from dataclasses import dataclass

import click

from config.settings import Settings
from domain.people import Person
from domain.policy import Policy
from jobs.durable import Engine
from jobs.workshop import Workshop
from store.queries import people_of, person_by_handle


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A workshop that runs no work, a way to make an engine that does, and the settings they came from."""

    workshop: Workshop
    settings: Settings
    make_worker: Callable[[], tuple[Workshop, Engine]]


organisation_option = click.option("--organisation", "slug", help="Slug of the organisation; not needed with only one.")


def chosen(bench: Bench, slug: str | None) -> Policy:
    """Give the organisation a command is about.

    Raises click's error when there is none, several, or not this one.
    """
    policies = bench.workshop.policies
    if not policies:
        folder = bench.settings.organisations_folder()
        raise click.ClickException(f"There is no organisation yet. Copy {folder}/example.toml to {folder}/<slug>.toml.")
    if slug is None and len(policies) == 1:
        return next(iter(policies.values()))
    if slug is None or slug not in policies:
        raise click.ClickException(f"Which organisation? Name one with --organisation: {', '.join(sorted(policies))}")
    return policies[slug]


def member(bench: Bench, policy: Policy, handle: str) -> Person:
    """Give the person a command is about.

    Raises click's error when nobody has that handle.
    """
    people = bench.workshop.database.transact(lambda session: people_of(session, policy.slug))
    person = person_by_handle(people, handle)
    if person is None:
        known = ", ".join(one.handle for one in people) or "nobody yet: flask people import FILE"
        raise click.ClickException(f"Nobody in {policy.slug} has the handle {handle!r}. Known: {known}")
    return person
