"""The machine's line, and a unit of work by which two machines can be compared."""

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

UNIT_LOOPS = 1_000_000


def machine_line() -> str:
    """Say what this is measured on."""
    cpu = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in cpu.read_text().splitlines() if line.startswith("model name")]
    name = names[0] if names else platform.processor() or "unknown processor"
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"


def load_line() -> str:
    """Say what else the machine was doing."""
    return f"load of the last minute {os.getloadavg()[0]:.1f}"


def unit_seconds() -> float:
    """Give how long a million additions take here: the unit in which figures travel between machines."""

    def count() -> None:
        total = 0
        for number in range(UNIT_LOOPS):
            total += number

    return timed(count, times=5)


def timed(work: Callable[[], object], *, times: int) -> float:
    """Give the median of so many runs, in seconds."""
    taken = []
    for _ in range(times):
        begins = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begins)
    return median(taken)
