"""`flask calendar`: secret addresses under which a calendar program shows somebody's moments, or the team's."""

from functools import partial

import click

from commands.bench import Bench, chosen, member, organisation_option
from domain.policy import Policy
from store.feeds import make_feed, revoke_feeds

team_option = click.option("--team", "is_team", is_flag=True, help="The team's calendar, without any name.")
NOT_STORED = "It is shown this once: only its hash is kept. Earlier addresses keep working until they are revoked."


def calendar_group(bench: Bench) -> click.Group:
    """Make the group."""

    @click.group("calendar", help="Calendars to subscribe to: somebody's own moments, or the team's without a name.")
    def calendar() -> None:
        pass

    @calendar.command(
        "link",
        help="Make a secret address of a person's calendar, or of the team's, to subscribe to in any calendar program."
        "\n\nWhoever has the address can read the calendar: titles and days, and never what is asked.",
    )
    @click.argument("handle", required=False)
    @team_option
    @organisation_option
    def link(handle: str | None, is_team: bool, slug: str | None) -> None:
        policy = chosen(bench, slug)
        person_id = _whose(bench, policy, handle, is_team)
        work = partial(make_feed, slug=policy.slug, person_id=person_id, now=bench.workshop.now())
        path = f"/calendar/{bench.workshop.database.transact(work)}.ics"
        public_url = bench.settings.text("TRELLIS_PUBLIC_URL")
        click.echo(f"{public_url or ''}{path}")
        if public_url is None:
            click.echo("Put the address of your Trellis before it: TRELLIS_PUBLIC_URL is not set.", err=True)
        click.echo(NOT_STORED, err=True)

    @calendar.command("revoke", help="Take back every address of a person's calendar, or of the team's.")
    @click.argument("handle", required=False)
    @team_option
    @organisation_option
    def revoke(handle: str | None, is_team: bool, slug: str | None) -> None:
        policy = chosen(bench, slug)
        person_id = _whose(bench, policy, handle, is_team)
        work = partial(revoke_feeds, slug=policy.slug, person_id=person_id)
        count = bench.workshop.database.transact(work)
        click.echo(f"{count} taken back." if count else "There was no address to take back.")

    return calendar


def _whose(bench: Bench, policy: Policy, handle: str | None, is_team: bool) -> int | None:
    if (handle is None) != is_team:
        raise click.ClickException("Name one person by handle, or say --team.")
    return member(bench, policy, handle).id if handle is not None else None
