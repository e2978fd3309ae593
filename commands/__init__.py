"""The `flask` commands: one file per group, each a thin way in to `jobs/` and `config/`.

Belongs here: reading arguments, printing results, exit codes (0 fine, 1 something to look at, 2 not usable as it is).
Never here: a rule. Only `app.py` imports this.
"""

import importlib

import click
from flask import Flask
from flask.cli import AppGroup

from commands.bench import Bench

# By name: the file, and the function in it that makes the command.
COMMANDS = {
    "calendar": ("calendar", "calendar_group"),
    "check": ("look", "check_command"),
    "config": ("config_diff", "config_group"),
    "doctor": ("look", "doctor_command"),
    "effects": ("effects", "effects_group"),
    "explain": ("explain", "explain_command"),
    "github": ("github", "github_group"),
    "messages": ("messages", "messages_group"),
    "migrate": ("run", "migrate_command"),
    "moment": ("moments", "moment_group"),
    "objective": ("goals", "objective_group"),
    "people": ("people", "people_group"),
    "plan": ("plan", "plan_command"),
    "states": ("states", "states_command"),
    "support": ("moments", "support_group"),
    "ticket": ("goals", "ticket_group"),
    "tick": ("run", "tick_command"),
    "up": ("run", "up_command"),
    "worker": ("run", "worker_command"),
}


class Commands(AppGroup):
    """Imports a command when it is asked for: a web process needs none of them, nor all they import."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(name="trellis")
        self._bench = bench

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names."""
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Give a command, None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        file, function = COMMANDS[cmd_name]
        make = getattr(importlib.import_module(f"commands.{file}"), function)
        command: click.Command = make(self._bench)
        return command


def register_commands(app: Flask, bench: Bench) -> None:
    """Give the app its commands."""
    app.cli = Commands(bench)
