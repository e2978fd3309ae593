"""`flask objective` and `flask ticket`: open a learning goal or claim a golden ticket from the command line."""

from functools import partial

import click

from commands.bench import Bench, chosen, member, organisation_option
from domain.forms import TicketAnswers
from domain.tickets import Exit
from jobs.objectives import open_objective
from jobs.tickets import request_ticket


def objective_group(bench: Bench) -> click.Group:
    """Make the group."""

    @click.group("objective", help="Learning goals (ILOs).")
    def objective() -> None:
        pass

    @objective.command("open", help="Open a learning goal; its GitHub issue follows within seconds.")
    @click.argument("handle")
    @click.option("--title", required=True, help="What the person wants to learn.")
    @click.option("--why", default="", help="Why it matters to them.")
    @organisation_option
    def open_(handle: str, title: str, why: str, slug: str | None) -> None:
        policy = chosen(bench, slug)
        person = member(bench, policy, handle)
        work = partial(
            open_objective, bench.workshop, policy=policy, person=person, title=title, why=why, asked_by=None
        )
        made = bench.workshop.database.transact(lambda session: work(session=session))
        click.echo(f"{person.name}: “{made.title}” is {made.state.value}. Its issue is opened by the worker.")

    return objective


def ticket_group(bench: Bench) -> click.Group:
    """Make the group."""

    @click.group("ticket", help="Golden tickets.")
    def ticket() -> None:
        pass

    @ticket.command("request", help="Claim the golden ticket of a person's year.")
    @click.argument("handle")
    @click.option("--opportunity", required=True, help="What it is.")
    @click.option("--stretch", default="", help="How it stretches them.")
    @click.option("--cost", default="", help="Such as '480 EUR'; leave out when it costs nothing.")
    @click.option("--first-on", default="", help="First day, such as 2027-05-10.")
    @click.option("--last-on", default="", help="Last day.")
    @click.option(
        "--decide", type=click.Choice([one.value for one in Exit]), help="The way out; left out, one is suggested."
    )
    @organisation_option
    def request(handle: str, slug: str | None, decide: str | None, **said: str) -> None:
        policy = chosen(bench, slug)
        person = member(bench, policy, handle)
        answers = TicketAnswers.from_plain(said)
        for name in ("first_on", "last_on"):
            if said[name] and getattr(answers, name) is None:
                raise click.ClickException(
                    f"--{name.replace('_', '-')}: {said[name]!r} is not a date such as 2027-05-10"
                )
        work = partial(
            request_ticket,
            bench.workshop,
            policy=policy,
            person=person,
            answers=answers,
            wanted=Exit(decide) if decide else None,
            asked_by=None,
        )
        made = bench.workshop.database.transact(lambda session: work(session=session))
        if made is None:
            raise click.ClickException(f"{person.name} holds a golden ticket for this ticket year already.")
        click.echo(f"{made.reference()}: the golden ticket of {person.name} for {made.year}. Its issue follows.")

    return ticket
