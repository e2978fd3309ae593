"""`flask messages`: whether every language has all the words, and says them as English does."""

import click

from commands.bench import Bench
from config.catalogues import catalogue_problems, catalogues, message_names


def messages_group(_bench: Bench) -> click.Group:
    """Make the group."""

    @click.group("messages", help="The words people read, in every language.")
    def messages() -> None:
        pass

    @messages.command("check", help="Hold every language against English; exit 1 when something is missing or differs.")
    def check() -> None:
        problems = catalogue_problems()
        for problem in problems:
            click.echo(problem)
        if problems:
            raise SystemExit(1)
        click.echo(f"{len(catalogues())} catalogues, {len(message_names())} messages each: complete.")

    return messages
