"""`flask objective` and `flask ticket`: open a learning goal or claim a golden ticket from the command line."""

from functools import partial

import click

from commands.bench import Bench, chosen, member, organisation_option
from domain.forms import TicketAnswers
from domain.objectives import Closing, ObjectiveState, Visibility, in_order
from domain.ticket_states import Exit
from jobs.objectives import activate_record, close_record, open_objective
from jobs.tickets import request_ticket
from store.queries import siblings_of


def objective_group(bench: Bench) -> click.Group:
    """Make the group."""

    @click.group("objective", help="Learning goals (ILOs).")
    def objective() -> None:
        pass

    @objective.command("open", help="Open a learning goal; its GitHub issue follows within seconds.")
    @click.argument("handle")
    @click.option("--title", required=True, help="What the person wants to learn.")
    @click.option("--why", default="", help="Why it matters to them.")
    @click.option(
        "--partner-only", is_flag=True, help="Keep it between them and their partner: no issue, still a goal."
    )
    @organisation_option
    def open_(handle: str, title: str, why: str, partner_only: bool, slug: str | None) -> None:
        policy = chosen(bench, slug)
        person = member(bench, policy, handle)
        work = partial(
            open_objective,
            bench.workshop,
            policy=policy,
            person=person,
            title=title,
            why=why,
            asked_by=None,
            visibility=Visibility.PARTNER if partner_only else Visibility.TEAM,
        )
        made = bench.workshop.database.transact(lambda session: work(session=session))
        follows = f"It is kept here as number {made.id}." if partner_only else "Its issue is opened by the worker."
        click.echo(f"{person.name}: “{made.title}” is {made.state.value}. {follows}")

    @objective.command("list", help="Show a person's goals: the active one, the queue in order, targets done.")
    @click.argument("handle")
    @organisation_option
    def list_(handle: str, slug: str | None) -> None:
        person = member(bench, chosen(bench, slug), handle)
        goals = bench.workshop.database.transact(lambda session: siblings_of(session, person.id, None))
        active = [one for one in goals if one.state is ObjectiveState.ACTIVE]
        for one in (*active, *in_order(goals)):
            targets = f", targets {one.targets_done} of {one.targets_total}" if one.targets_total else ""
            where = one.issue_url or f"kept here as number {one.id}"
            click.echo(f"{one.state.value}: {one.title} ({where}{targets})")
        if not goals:
            click.echo(f"{person.name} has no open goal just now.")

    @objective.command("activate", help="Make a goal that is kept without an issue the active one.")
    @click.argument("handle")
    @click.argument("number", type=int)
    @organisation_option
    def activate(handle: str, number: int, slug: str | None) -> None:
        policy = chosen(bench, slug)
        person = member(bench, policy, handle)
        work = partial(activate_record, bench.workshop, policy=policy, person=person, objective_id=number)
        if not bench.workshop.database.transact(lambda session: work(session=session)):
            raise click.ClickException(
                f"{person.name} keeps no waiting goal here as number {number}. One with an issue is activated there "
                f"by /activate; `flask objective list {handle}` shows what there is."
            )
        click.echo(f"{person.name}: active now; what was active before waits.")

    @objective.command("close", help="Close a goal that is kept without an issue.")
    @click.argument("handle")
    @click.argument("number", type=int)
    @click.option("--as", "said", type=click.Choice([one.value for one in Closing]), default=Closing.LEARNED.value)
    @organisation_option
    def close(handle: str, number: int, said: str, slug: str | None) -> None:
        policy = chosen(bench, slug)
        person = member(bench, policy, handle)
        work = partial(
            close_record,
            bench.workshop,
            policy=policy,
            person=person,
            objective_id=number,
            closing=Closing(said),
        )
        if not bench.workshop.database.transact(lambda session: work(session=session)):
            raise click.ClickException(
                f"{person.name} keeps no open goal here as number {number}. One with an issue is closed on GitHub; "
                f"`flask objective list {handle}` shows what there is."
            )
        click.echo(f"{person.name}: closed as {said}.")

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
            raise click.ClickException(
                f"{person.name} holds a golden ticket for this ticket year already, or their first one begins later."
            )
        click.echo(f"{made.reference()}: the golden ticket of {person.name} for {made.year}. Its issue follows.")

    return ticket
