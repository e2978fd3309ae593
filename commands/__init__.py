"""The `flask` commands: one file per group, each a thin way in to `jobs/` and `config/`.

Belongs here: reading arguments, printing results, exit codes (0 fine, 1 something to look at, 2 not usable as it is).
Never here: a rule. Only `app.py` imports this.
"""

from flask import Flask

from commands.bench import Bench
from commands.effects import effects_group
from commands.goals import objective_group, ticket_group
from commands.look import check_command, doctor_command, plan_command
from commands.people import people_group
from commands.run import migrate_command, tick_command, up_command, worker_command


def register_commands(app: Flask, bench: Bench) -> None:
    """Add every command to the app."""
    for make in (
        check_command,
        doctor_command,
        effects_group,
        migrate_command,
        objective_group,
        people_group,
        plan_command,
        ticket_group,
        tick_command,
        up_command,
        worker_command,
    ):
        app.cli.add_command(make(bench))
