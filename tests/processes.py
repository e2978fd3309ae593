"""Starts processes in a moment: a server that has imported everything forks each of them.

What it starts are real processes with an environment and a log file of their own, and go when the tests' process goes.
Importing Trellis takes a second and a half of a core, and a house of the end-to-end tests is three processes.
"""

import multiprocessing
import os
import random
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["app", "flask.cli", "dbos", "psycopg", "waitress", "sandbox.serving", "apprise"])


class Process:
    """One such process; the part of `subprocess.Popen` that tests use."""

    def __init__(
        self, command: tuple[str, ...], environ: Mapping[str, str], log: Path, said: Path | None = None
    ) -> None:
        """Start `python -m MODULE …` or `python -c CODE …`.

        What it says is added to the log, what it says on its standard output to `said`, if that is given.
        """
        self._process = FORKING.Process(target=_become, args=(command, dict(environ), said or log, log), daemon=True)
        self._process.start()
        self.pid = self._process.pid or 0

    def poll(self) -> int | None:
        """Give how it ended, None while it runs; killed by a signal is minus its number."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Wait for its end. Raises `subprocess.TimeoutExpired`."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without any warning."""
        self.send_signal(signal.SIGKILL)


def _become(command: tuple[str, ...], environ: dict[str, str], said: Path, log: Path) -> None:
    """Go on as `python *command` would."""
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    random.seed()
    for number, file in ((1, said), (2, log)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    sys.stdout, sys.stderr = (os.fdopen(one, "w", buffering=1, closefd=False) for one in (1, 2))
    how, what, *arguments = command
    sys.argv = [what, *arguments]
    if how == "-c":
        exec(what, {"__name__": "__main__"})
    else:
        runpy.run_module(what, run_name="__main__", alter_sys=True)
