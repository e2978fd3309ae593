"""Fuzzes every door: `python -m tests.fuzz --requests 100000 --seed 1 [--database URL]`; exits 1 when a fault is found.

In process, through the WSGI app, on a database made for this alone: every table is emptied again and again.
"""

import os
import sys
import tempfile
import uuid
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import click

from tests.fuzz.run import Report, run
from tests.fuzz.world import World
from tests.house import address_of, on_server


@click.command()
@click.option("--requests", default=2_000, show_default=True, help="How many requests to send.")
@click.option("--seed", default=1, show_default=True, help="The first batch's; each batch takes the next.")
@click.option(
    "--database",
    default="",
    metavar="URL",
    help="A PostgreSQL server; a database is made on it and dropped. Without it, a SQLite file.",
)
def main(requests: int, seed: int, database: str) -> None:
    """Send requests to every door, judge each answer, and have everything that was stored handled."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trellis-fuzz-")))
        url = f"sqlite:///{folder / 'trellis.sqlite'}"
        if database:
            os.environ["TEST_POSTGRESQL_URL"] = database
            name = f"fuzz_{uuid.uuid4().hex[:12]}"
            on_server(f'CREATE DATABASE "{name}"')
            stack.callback(on_server, f'DROP DATABASE "{name}" WITH (FORCE)')
            url = address_of(name)
        world = World(folder, url)
        stack.callback(world.close)
        report = run(world, requests=requests, start=seed, tell=lambda line: click.echo(line, err=True))
        click.echo("\n".join(told(report)))
        sys.exit(1 if report.wrong else 0)


def told(report: Report) -> list[str]:
    """Tell what came of a run: by door and status, what became of what was stored, and every fault."""
    lines = [f"{report.requests()} requests in {report.seconds:.0f} s"]
    for door in sorted({door for door, _ in report.answers}):
        by_status = {status: count for (where, status), count in sorted(report.answers.items()) if where == door}
        said = ", ".join(f"{status}: {count}" for status, count in by_status.items())
        lines.append(f"  {door:<9} {sum(by_status.values()):>7}  {said}")
    lines.append("What was stored, handled:")
    lines += [f"  {source:<9} {status:<8} {count}" for (source, status), count in sorted(report.became.items())]
    lines += [f"    {count:>6}  {why}" for why, count in Counter(report.why).most_common(20)]
    lines.append(f"Faults: {len(report.wrong)}")
    for what, examples in sorted(report.wrong.items()):
        lines += [f"- {what}", *(f"    {one}" for one in examples)]
    return lines


if __name__ == "__main__":
    main()
