"""The `flask` commands: one file per group, each a thin way in to `jobs/` and `config/`.

Belongs here: reading arguments, printing results, exit codes (0 fine, 1 something to look at, 2 not usable as it is).
Never here: a rule. Only `app.py` imports this.
"""

from flask import Flask

from commands.bench import Bench
from commands.calendar import calendar_group
from commands.config_diff import config_group
from commands.effects import effects_group
from commands.explain import explain_command
from commands.github import github_group
from commands.goals import objective_group, ticket_group
from commands.look import check_command, doctor_command
from commands.messages import messages_group
from commands.moments import moment_group, support_group
from commands.people import people_group
from commands.plan import plan_command
from commands.run import migrate_command, tick_command, up_command, worker_command
from commands.states import states_command


def register_commands(app: Flask, bench: Bench) -> None:
    """Add every command to the app."""
    for make in (
        calendar_group,
        check_command,
        config_group,
        doctor_command,
        effects_group,
        explain_command,
        github_group,
        messages_group,
        migrate_command,
        moment_group,
        objective_group,
        people_group,
        plan_command,
        states_command,
        support_group,
        ticket_group,
        tick_command,
        up_command,
        worker_command,
    ):
        app.cli.add_command(make(bench))
