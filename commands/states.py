"""`flask states`: print every state and move of a learning goal and a golden ticket."""

import click

from commands.bench import Bench
from domain.state_tables import tables


def states_command(_: Bench) -> click.Command:
    """Make the command."""

    @click.command("states", help="Print the states of learning goals and golden tickets, as Markdown.")
    def states() -> None:
        click.echo(tables(), nl=False)

    return states
