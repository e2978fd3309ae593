"""The footprint: what web and worker take with nothing to do: time to be ready, memory, processor.

`python -m benchmarks.footprint` starts both as a host does, with default settings, all rhythms and a GitHub that
answers, and looks on for a minute; `--database URL` names a PostgreSQL server to measure as well. It ends with 1 when a
bound does not hold: ready within 3 s, together at most 200 MB and 1 % of a core. Together is RSS: a page that several
processes share counts in each; PSS, beside it, counts it once.
"""

import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.machine import load_line, machine_line
from benchmarks.planner import POLICY
from benchmarks.processes import (
    SLUG,
    Running,
    answers,
    cpu_seconds,
    database_argument,
    databases,
    environment,
    free_port,
    memory_mb,
    migrate,
    procfile_command,
    running,
    waitress_command,
)
from sandbox.serving import Server
from sandbox.settings import Settings as SandboxSettings

MOST_SECONDS_TO_READY = 3.0
MOST_MB = 200.0
MOST_CORE = 0.01
STARTS = 5
SETTLE_SECONDS = 20.0
WATCH_SECONDS = 60.0


def main() -> int:
    """Measure, print, and say whether the bounds hold."""
    server = database_argument(__doc__ or "")
    hub = Server(SandboxSettings(port=0, service_url="http://127.0.0.1:9"))
    hub.start()
    holds = True
    print(f"{machine_line()}; {load_line()}")
    with databases(server) as (folder, found):
        print("| what | figure | bound |")
        print("|---|---|---|")
        for kind, url in found:
            environ = environment(url, folder, GITHUB_API_URL=f"{hub.url}/github")
            (folder / "organisations" / f"{SLUG}.toml").write_text(POLICY, encoding="utf-8")
            migrate(environ, folder)
            holds &= on_one_database(kind, environ, folder)
    hub.stop()
    return 0 if holds else 1


def on_one_database(kind: str, environ: dict[str, str], folder: Path) -> bool:
    """Measure web and worker on a database."""
    starts: dict[str, list[float]] = {"web": [], "worker": []}
    for _ in range(STARTS):
        port = free_port()
        with running(waitress_command(port), environ, folder) as web:
            starts["web"].append(web_ready(web, port))
        with running(procfile_command("worker", port=0), environ, folder) as worker:
            starts["worker"].append(worker_ready(worker))
    for name, taken in starts.items():
        said = f"{median(taken):.2f} s (best {min(taken):.2f}, worst {max(taken):.2f} of {STARTS})"
        print(f"| {kind}: {name}, from start to ready | {said} | {MOST_SECONDS_TO_READY:g} s |")
    port = free_port()
    with (
        running(waitress_command(port), environ, folder) as web,
        running(procfile_command("worker", port=0), environ, folder) as worker,
    ):
        web_ready(web, port)
        worker_ready(worker)
        time.sleep(SETTLE_SECONDS)
        rss, cores = watched(kind, {"web": web, "worker": worker})
    port = free_port()
    with running(procfile_command("web", port=port), environ, folder) as web:
        web_ready(web, port)
        time.sleep(SETTLE_SECONDS)
        of_each = [memory_mb(pid) for pid in web.pids()]
        said = f"{sum(one[0] for one in of_each):.0f} MB RSS, {sum(one[1] for one in of_each):.0f} MB PSS"
        print(f"| {kind}: web as in the Procfile, {len(of_each)} processes | {said} | |")
    ready = max(median(taken) for taken in starts.values())
    return ready <= MOST_SECONDS_TO_READY and rss <= MOST_MB and cores <= MOST_CORE


def watched(kind: str, processes: dict[str, Running]) -> tuple[float, float]:
    """Give the memory of processes together, and the part of a core they use while nothing happens."""
    pids = {name: process.pids() for name, process in processes.items()}
    before = {name: sum(map(cpu_seconds, some)) for name, some in pids.items()}
    began = time.monotonic()
    time.sleep(WATCH_SECONDS)
    passed = time.monotonic() - began
    cores = {name: (sum(map(cpu_seconds, some)) - before[name]) / passed for name, some in pids.items()}
    memory = {name: [memory_mb(pid) for pid in some] for name, some in pids.items()}
    rss = {name: sum(one[0] for one in each) for name, each in memory.items()}
    pss = {name: sum(one[1] for one in each) for name, each in memory.items()}
    for name in processes:
        print(f"| {kind}: {name}, memory | {rss[name]:.0f} MB RSS, {pss[name]:.0f} MB PSS | |")
    together = f"{sum(rss.values()):.0f} MB RSS, {sum(pss.values()):.0f} MB PSS"
    print(f"| {kind}: together, memory | {together} | {MOST_MB:.0f} MB RSS |")
    shares = " + ".join(f"{name} {share:.2%}" for name, share in cores.items())
    print(f"| {kind}: idle for {passed:.0f} s, of a core | {sum(cores.values()):.2%} ({shares}) | {MOST_CORE:.0%} |")
    return sum(rss.values()), sum(cores.values())


def web_ready(web: Running, port: int) -> float:
    """Give the seconds a web process took until it answered."""
    return web.wait_until(lambda: answers(port), "the web part")


def worker_ready(worker: Running) -> float:
    """Give the seconds a worker took until it took work."""
    return worker.wait_until(lambda: "The worker is ready." in worker.said(), "the worker")


if __name__ == "__main__":
    sys.exit(main())
