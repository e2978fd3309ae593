"""One run of the fault bench: a house, people, bad weather for a while, calm, and the truth."""

import atexit
import contextlib
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Self

import requests

from config.settings import load_settings
from store.database import Database
from tests.chaos.boundaries import CALM, reached
from tests.chaos.clocks import BEGINS, ZONES, Clocks, haste
from tests.chaos.processes import Processes
from tests.chaos.report import counts
from tests.chaos.scenario import MEMBERS, QUIET, Scenario
from tests.chaos.truth import Finding, Truth
from tests.chaos.weather import ON_THE_WAY, Often, Storm, sky, sky_without_long_pauses
from tests.house import ROOT, House, free_port, fresh_database, on_server
from tests.secrets_left import secrets_left

CARRIERS = 6
NO_GAP_SECONDS = 0.01  # each boundary is died at once, so however quickly they die, it comes to an end
# After the storm proper: what else leads to boundaries that are seldom reached.
AFTER_THE_STORM = Often(
    kill=0, stop=10, pause=0, restart=0, read_only=0, disk_full=0, clock=30, hours=0, github_key=30, loomio_key=30
)
NOTHING_NEW_SECONDS = 90.0
LOOK_EVERY_SECONDS = 15.0
LONGEST_REFUSAL = 120  # letters of a row
LONGEST_TICK_SECONDS = 1800.0  # it reads every comment of the last minutes again, and there are thousands
PAUSE_SECONDS = 7.0  # at most, and more than a lease lasts
# Falls due once in a storm, for everybody, each in their own hours.
RHYTHM = f"""
[rhythms.two-weekly]
kind = "interval"
anchor_on = {BEGINS:%Y-%m-%d}
every_days = 14
open_days = 5
tells = ["member"]
"""
TOKEN = "an-invented-token-of-github"  # not the bot's name, which may stand anywhere
WAITING = (
    "SELECT (SELECT count(*) FROM deliveries WHERE status = 'stored') + "
    "(SELECT count(*) FROM effects WHERE status IN ('planned', 'sending'))"
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run is to be."""

    database: str
    seed: int
    seconds: float
    settle_within: float = 900.0
    arrive_within: float = 120.0
    acts_per_second: float = 5.0
    often: Often = field(default_factory=Often)
    call_seconds: float = 3.0
    boundary_seconds: float = 0.0  # at most so long, after the storm, for the boundaries nobody has died at yet
    gap_seconds: float = NO_GAP_SECONDS  # at least, between two deaths at boundaries; 0: nobody dies at any


@dataclass(frozen=True)
class Result:
    """What came of it."""

    rows: list[tuple[str, object]]
    findings: list[Finding]


class Bench(House):
    """A house whose parts are mortal: the sandbox is started here, the rest by `Processes`."""

    def __init__(self, url: str, folder: Path, run: Run) -> None:
        super().__init__(
            url,
            folder,
            TRELLIS_CLOCK_FILE=str(folder / "practice"),
            TRELLIS_CALL_SECONDS=str(run.call_seconds),
            TRELLIS_SETTLE_SECONDS=str(2 * run.call_seconds),
            TRELLIS_FENCE_SECONDS="2.5",
            TRELLIS_TAKEOVER_SECONDS="4",
            TRELLIS_TICK_SECONDS="1",
            TRELLIS_WRITES_PER_MINUTE="6000",
            TRELLIS_WRITES_PER_HOUR="100000",
            TRELLIS_LOOMIO_CALLS="100000",
            TRELLIS_PAUSE_SECONDS="3",
            GITHUB_TOKEN=TOKEN,
            SANDBOX_GITHUB_TOKEN=TOKEN,
        )
        self.second_port = free_port()
        policy = self.policy_file.read_text(encoding="utf-8")
        for old, new in (
            ("quorum_percent = 50", "quorum_percent = 5"),
            ("look_every_minutes = 10", "look_every_minutes = 1"),
            # Who is past their hours waits until the morning, and that in real time: here the day lasts long enough.
            ("hours_until = 17:00:00", "hours_until = 23:30:00"),
        ):
            assert old in policy, old
            policy = policy.replace(old, new)
        self.policy_file.write_text(policy + RHYTHM, encoding="utf-8")
        self.clocks = Clocks(self, folder)

    def __enter__(self) -> Self:
        """Start the sandbox, let the invented people in, on both sides."""
        self.sandbox = self.start("-m", "sandbox")
        self.wait_for("the sandbox", lambda: self.session.get(f"{self.sandbox_url}/_control/clock", timeout=5).ok)
        people = MEMBERS + QUIET
        self.control("people", members=[{"username": one, "name": f"Member {one}"} for one in people])
        self.control("limits", per_minute=100_000, per_hour=1_000_000)
        self.clocks.begin()
        roster = self.folder / "members.csv"
        with roster.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["handle", "name", "github_login", "loomio_username", "mail", "zone", "joined_on"])
            rows.writerows(
                [one, f"Member {one}", f"{one}-fw", one, f"{one}@fennel.example", zone, "2024-01-08"]
                for one, zone in zip(people, cycle(ZONES), strict=False)
            )
        self.flask("people", "import", str(roster))
        return self


def go(run: Run, folder: Path | None = None, server: Path | None = None) -> Result:
    """Run once. `server` is the folder of a PostgreSQL that may be restarted."""
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trellis-chaos-")))
        url = stack.enter_context(fresh_database(run.database, folder))
        bench = stack.enter_context(Bench(url, folder, run))
        doors = (bench.web_url, f"http://127.0.0.1:{bench.second_port}")
        ports = (bench.web_port, bench.second_port)
        quick = haste(run.seconds) if run.often.hours else 1.0
        parts = stack.enter_context(Processes(bench.environ, folder, ports, gap_seconds=run.gap_seconds, haste=quick))
        for door in doors:
            bench.wait_for("a web part", lambda door=door: _answers(door))  # type: ignore[misc]
        return _weather_it(run, bench, doors, parts, server)


def _answers(door: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{door}/healthz", timeout=5).ok
    return False


def _weather_it(run: Run, bench: Bench, doors: tuple[str, str], parts: Processes, server: Path | None) -> Result:
    storm = Storm(bench, parts, bench.clocks, seed=run.seed, pause_seconds=PAUSE_SECONDS, server=server)
    scenario = Scenario(
        bench,
        doors,
        seed=run.seed,
        acts_per_second=run.acts_per_second,
        seconds=run.seconds + run.boundary_seconds,
    )
    bench.control("weather", seed=run.seed, faults=sky(run.call_seconds))
    bench.control("deliveries", carriers=CARRIERS, also_to=[doors[1]], weather=ON_THE_WAY, seed=run.seed)
    started = time.monotonic()
    scenario.start()
    storm.run(run.seconds, run.often)
    _die_everywhere(run, bench, parts, storm)
    scenario.stop()
    raged = time.monotonic() - started
    put_right = _calm_down(run, bench, scenario)
    settled = time.monotonic() - started - raged
    truth = Truth(bench, scenario)
    everything = {"world": truth.world, "carried": truth.carried, "calls": truth.calls}
    (bench.folder / "world.json").write_text(json.dumps(everything), encoding="utf-8")
    died, seen = reached(bench.folder / "boundaries")
    faults = Counter(str(one["fault"]) for one in truth.calls if one["fault"])
    killed = parts.ends["killed"] + parts.ends["died at a boundary"]
    rows: list[tuple[str, object]] = [
        ("database, seed", f"{run.database}, {run.seed}"),
        ("stormy, then calm", f"{raged:.0f} s, {settled:.0f} s"),
        ("acts of people", f"{scenario.acts}, {len(scenario.wishes)} of them wishes at the door"),
        ("deliveries", f"{len(truth.deliveries)} stored, {len(truth.carried)} carried or missing"),
        ("calls", f"{len(truth.calls)}, {sum(faults.values())} of them faulty"),
        ("faults", counts(faults)),
        ("killed", killed),
        ("ends of processes", counts(parts.ends)),
        ("boundaries", f"died at {died} of {seen}"),
        ("befell", counts(storm.happened)),
        ("effects done", sum(one[2] == "done" for one in truth.effects)),
        ("put right by a person", put_right),
        ("goals nobody here saw open", truth.never_told()),
        ("nudges", f"{truth.nudges_on_goals()} on goals, {len(truth.letters)} letters"),
        ("letters again under their Message-ID", truth.doubled_letters()),
        ("refused to people", "; ".join(one[:LONGEST_REFUSAL] for one in scenario.refused[:3]) or "nothing"),
    ]
    told = _secrets_told(bench)
    rows.append(("secrets in logs, database and process list", len(told)))
    return Result(rows, truth.findings() + [Finding("secret told", one) for one in told])


def _secrets_told(bench: Bench) -> list[str]:
    """Look for every secret in all that Trellis wrote, and in what the machine shows of its processes."""
    settings, database = load_settings(bench.environ), Database(bench.engine)
    return secrets_left(settings, [bench.folder / "log"], database)


def _die_everywhere(run: Run, bench: Bench, parts: Processes, storm: Storm) -> None:
    """Have everybody die wherever nobody has yet, until for a while there was no such place."""
    ends = time.monotonic() + run.boundary_seconds
    if not run.boundary_seconds:
        return
    bench.control("weather", seed=run.seed, faults=sky_without_long_pauses(run.call_seconds))
    parts.gap_seconds = NO_GAP_SECONDS
    for part in parts.parts:
        parts.kill(part)
    last, since = (0, 0), time.monotonic()
    while time.monotonic() < ends and time.monotonic() - since < NOTHING_NEW_SECONDS:
        storm.run(LOOK_EVERY_SECONDS, AFTER_THE_STORM)
        found = reached(bench.folder / "boundaries")
        if found[0] != last[0]:
            last, since = found, time.monotonic()


def _calm_down(run: Run, bench: Bench, scenario: Scenario) -> int:
    """End all that is bad, and wait until nothing is on its way; give how often a person had to put something right."""
    put_right = 0
    (bench.folder / "boundaries" / CALM).touch()
    bench.session.delete(f"{bench.sandbox_url}/_control/faults", timeout=30)
    bench.control("release")
    bench.control("deliveries", weather={})
    bench.control("github/access", token_refused=False)
    bench.control("loomio/key", key="fennel-loomio-key")
    (bench.folder / "read-only").unlink(missing_ok=True)
    bench.clocks.end()
    began = time.monotonic()
    quiet = False
    while not quiet and time.monotonic() < began + run.settle_within:
        patient = time.monotonic() < began + run.arrive_within
        if not (scenario.all_taken() and _is_quiet(bench)) or (patient and not _all_arrived(bench)):
            time.sleep(0.5)
            continue
        parked = int(bench.rows("SELECT count(*) FROM effects WHERE status = 'parked'")[0][0])
        if parked:
            bench.flask("effects", "retry", "--all")
            put_right += parked
            continue
        _tick(bench)
        quiet = _is_quiet(bench)
    return put_right


def _tick(bench: Bench) -> None:
    """Ask GitHub and Loomio once more for everything, unhurried: what no delivery told is read here at the latest."""
    command = [sys.executable, "-m", "flask", "tick"]
    subprocess.run(command, cwd=ROOT, env=bench.environ, check=True, capture_output=True, timeout=LONGEST_TICK_SECONDS)


def _is_quiet(bench: Bench) -> bool:
    idle = bench.session.get(f"{bench.sandbox_url}/_control/deliveries/idle", timeout=30).json()["idle"]
    return bool(idle) and bench.rows(WAITING)[0][0] == 0


def _all_arrived(bench: Bench) -> bool:
    """Say whether everything GitHub lists as failed has arrived by now: the workers ask for it again."""
    carried = bench.session.get(f"{bench.sandbox_url}/_control/deliveries", timeout=60).json()
    made = {one["guid"] for one in carried if one["side"] == "github"}
    return made <= {row[0] for row in bench.rows("SELECT id FROM deliveries")}


@contextmanager
def own_server() -> Iterator[Path]:
    """Start a PostgreSQL that nobody else uses, so that it may be restarted; the tests' address names it meanwhile."""
    with tempfile.TemporaryDirectory(prefix="trellis-chaos-server-") as name:
        folder, port, before = Path(name), free_port(), os.environ.get("TEST_POSTGRESQL_URL")
        folder.chmod(0o755)
        script = str(ROOT / ".ci/postgresql")
        subprocess.run([script, "start", str(folder), str(port)], check=True, stdout=subprocess.DEVNULL)
        os.environ["TEST_POSTGRESQL_URL"] = f"postgresql://trellis@127.0.0.1:{port}/postgres"
        try:
            yield folder
        finally:
            atexit.unregister(on_server)  # the template goes with the server
            if before is None:
                del os.environ["TEST_POSTGRESQL_URL"]
            else:
                os.environ["TEST_POSTGRESQL_URL"] = before
            subprocess.run([script, "stop", str(folder)], check=True)
