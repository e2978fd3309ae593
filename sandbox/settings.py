"""How one sandbox is set up: from the command line, else from SANDBOX_* variables, else invented demo values."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Everything a sandbox is told at start; the secrets are invented and worth nothing."""

    port: int = 8800
    mail_port: int | None = None
    service_url: str = "http://127.0.0.1:8000"
    clock_file: Path | None = None
    github_secret: str = "fennel-webhook-secret"
    github_token: str = "trellis-bot"
    loomio_key: str = "fennel-loomio-key"
    loomio_webhook_url: str = ""
    loomio_version: str = "3.8.1"
    plan_command: str = ""


# 8800 gives 8825, and several sandboxes on one machine do not meet.
MAIL_PORT_DISTANCE = 25
HELP = {
    "port": "where to listen on 127.0.0.1; 0 takes any free port",
    "mail_port": f"where to take e-mail (SMTP); 0 takes none; without it, {MAIL_PORT_DISTANCE} above the port",
    "service_url": "where the service under test listens for webhooks",
    "clock_file": "file that carries the clock's offset in whole seconds",
    "github_secret": "secret that signs GitHub deliveries",
    "github_token": "token of the bot account on GitHub",
    "loomio_key": "API key of the bot account on Loomio",
    "loomio_webhook_url": "where Loomio posts its chat messages; empty posts none",
    "loomio_version": "which Loomio to be, such as 3.8.1 or 3.0.20",
    "plan_command": "command that prints planned nudges as JSON, for the button 'to the next nudge'",
}


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Return the settings; an argument wins over a variable, a variable over the default."""
    defaults = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Stand-ins for GitHub, Loomio, mail and chat."
    )
    for name, explanation in HELP.items():
        default = environment.get(f"SANDBOX_{name.upper()}", getattr(defaults, name))
        parser.add_argument(f"--{name.replace('_', '-')}", default=default, help=explanation)
    found = parser.parse_args(arguments)
    port = _port(parser, found.port)
    beside = port + MAIL_PORT_DISTANCE if port else 0
    mail_port = beside if found.mail_port in (None, "") else _port(parser, found.mail_port)
    return Settings(
        port=port,
        mail_port=mail_port or None,
        service_url=found.service_url.rstrip("/"),
        clock_file=Path(found.clock_file) if found.clock_file else None,
        github_secret=found.github_secret,
        github_token=found.github_token,
        loomio_key=found.loomio_key,
        loomio_webhook_url=found.loomio_webhook_url,
        loomio_version=found.loomio_version,
        plan_command=found.plan_command,
    )


def _port(parser: argparse.ArgumentParser, said: object) -> int:
    try:
        return int(str(said))
    except ValueError:
        parser.error(f"the port must be a number, not {said!r}")
