"""`flask people`: the roster of an organisation, and leave."""

from datetime import date
from functools import partial
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from commands.bench import Bench, chosen, member, organisation_option
from config.errors import ConfigError
from config.roster import COLUMNS, RosterEntry, load_roster
from domain.routing import findings
from store.models import PauseRow, PersonRow, RelationRow
from store.queries import people_of
from store.standings import look_anew, look_anew_at_all


def people_group(bench: Bench) -> click.Group:
    """Make the group."""

    @click.group("people", help="Who belongs to an organisation.")
    def people() -> None:
        pass

    columns = "\n\n".join(f"{name}: {what or 'text'}" for name, what in COLUMNS.items())

    @people.command(
        "import", help=f"Add and update people from a CSV file. Nobody is removed.\n\nColumns:\n\n{columns}"
    )
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @organisation_option
    def import_(file: Path, slug: str | None) -> None:
        policy = chosen(bench, slug)
        today = bench.workshop.now().date()
        try:
            entries = load_roster(file)
        except ConfigError as error:
            for problem in error.problems:
                click.echo(problem, err=True)
            raise SystemExit(2) from error
        unknown = sorted(
            {f"{one.handle}: {name}" for one in entries for name in one.own_rhythms if name not in policy.rhythms}
        )
        if unknown:
            raise click.ClickException(f"rhythms that {policy.slug} does not have: {', '.join(unknown)}")
        added = bench.workshop.database.transact(lambda session: _keep(session, policy.slug, entries, today))
        click.echo(f"{added} added, {len(entries) - added} updated, nobody removed.")
        people = bench.workshop.database.transact(lambda session: people_of(session, policy.slug))
        for finding in findings(policy, people, today):
            click.echo(f"LOOK  {finding.why}")

    @people.command("list", help="Show the roster.")
    @organisation_option
    def list_(slug: str | None) -> None:
        policy = chosen(bench, slug)
        for one in bench.workshop.database.transact(lambda session: people_of(session, policy.slug)):
            zone = one.zone or policy.organisation.zone
            click.echo(f"{one.handle:<12} {one.name:<24} GitHub {one.github_login or '–':<20} {zone.key}")

    @people.command("pause", help="Note leave: nothing is sent in it. No reason is asked or stored.")
    @click.argument("handle")
    @click.option("--from", "first_on", required=True, type=click.DateTime(["%Y-%m-%d"]), help="First day.")
    @click.option("--until", "last_on", type=click.DateTime(["%Y-%m-%d"]), help="Last day; leave out for an open end.")
    @organisation_option
    def pause(handle: str, first_on: date, last_on: date | None, slug: str | None) -> None:
        policy = chosen(bench, slug)
        person = member(bench, policy, handle)
        first, last = _day(first_on), _day(last_on) if last_on else None
        if last is not None and last < first:
            raise click.ClickException("The last day comes before the first.")
        bench.workshop.database.transact(partial(_pause, person_id=person.id, first_on=first, last_on=last))
        click.echo(f"{person.name} hears nothing from {first} until {last or 'further notice'}.")

    return people


def _pause(session: Session, *, person_id: int, first_on: date, last_on: date | None) -> None:
    session.add(PauseRow(person_id=person_id, first_on=first_on, last_on=last_on))
    look_anew(session, [person_id])


def _day(value: date) -> date:
    return date(value.year, value.month, value.day)


def _keep(session: Session, slug: str, entries: list[RosterEntry], today: date) -> int:
    rows = {row.handle: row for row in session.scalars(select(PersonRow).where(PersonRow.organisation == slug))}
    added = 0
    for entry in entries:
        row = rows.get(entry.handle)
        if row is None:
            row = PersonRow(organisation=slug, added_on=today)
            session.add(row)
            added += 1
        for name, value in vars(entry).items():
            if name != "relations":
                setattr(row, name, value)
        session.flush()
        _relate(session, slug, row.id, entry.relations)
    # Anybody's relations may have changed, so everybody is looked at again.
    look_anew_at_all(session, slug)
    return added


def _relate(session: Session, slug: str, person_id: int, relations: dict[str, str]) -> None:
    known = {row.role: row for row in session.scalars(select(RelationRow).where(RelationRow.person_id == person_id))}
    for role, other in relations.items():
        row = known.pop(role, None)
        if row is None:
            session.add(RelationRow(organisation=slug, person_id=person_id, role=role, other=other))
        else:
            row.other = other
    for row in known.values():
        session.delete(row)
