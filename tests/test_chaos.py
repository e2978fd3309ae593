"""A short, seeded storm over a whole house: processes die, calls go wrong, and nothing is lost, doubled or wrong.

The long one is `python -m tests.chaos`; docs/operating.md says what it found. Time decides nothing here: waits are
bounded generously, and only what is really lost or doubled fails.
"""

from pathlib import Path

import pytest

from tests.chaos.bench import Run, go
from tests.chaos.report import table
from tests.chaos.weather import Often
from tests.scenes import BOTH_DATABASES

# The server is shared with other tests, so it is neither restarted nor made read-only.
OFTEN = Often(
    kill=2, stop=9, pause=8, restart=0, read_only=6, disk_full=8, clock=6, hours=1, github_key=9, loomio_key=12
)


@pytest.mark.parametrize("database", BOTH_DATABASES)
def test_a_storm_leaves_nothing_lost_nothing_doubled_and_nothing_wrong(database: str, tmp_path: Path) -> None:
    run = Run(database=database, seed=1, seconds=10, often=OFTEN, call_seconds=1.2, gap_seconds=1, arrive_within=20)
    result = go(run, tmp_path)
    assert result.findings == [], table(result.rows, result.findings)
    assert int(str(dict(result.rows)["killed"])) > 0
