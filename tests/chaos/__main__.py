"""`python -m tests.chaos --minutes 10 --database sqlite --seed 1`: one run, one table, exit code 1 on any finding."""

import argparse
import contextlib
import sys
from dataclasses import fields, replace
from pathlib import Path

from tests.chaos.bench import Run, go, own_server
from tests.chaos.report import table
from tests.chaos.weather import Often


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--acts-per-second", type=float, default=Run.acts_per_second)
    parser.add_argument("--boundary-gap", type=float, default=Run.gap_seconds, help="seconds; 0: nobody dies at any")
    parser.add_argument("--boundary-minutes", type=float, default=0, help="afterwards, for those nobody died at yet")
    parser.add_argument("--without", nargs="*", default=[], choices=[one.name for one in fields(Often)])
    parser.add_argument("--keep", type=Path, help="a new folder for the log and the database")
    asked = parser.parse_args()
    run = Run(
        database=asked.database,
        seed=asked.seed,
        seconds=asked.minutes * 60,
        acts_per_second=asked.acts_per_second,
        gap_seconds=asked.boundary_gap,
        boundary_seconds=asked.boundary_minutes * 60,
        often=replace(Often(), **dict.fromkeys(asked.without, 0.0)),
    )
    if asked.keep:
        asked.keep.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(own_server()) if run.database == "postgresql" else None
        result = go(run, asked.keep, server)
    sys.stdout.write(table(result.rows, result.findings) + "\n")
    return 1 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main())
