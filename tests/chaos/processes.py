"""Keeps two web parts and two workers running: whatever dies is started again at once, and counted by how it died."""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Self

from tests.chaos import mortal
from tests.chaos.boundaries import DIED

HOW = {
    -signal.SIGKILL: "killed",
    DIED: "died at a boundary",
    70: "fenced itself",
    71: "was taken over",
    1: "could not start",
    0: "ended well",
    -signal.SIGTERM: "ended well",
}
LOOK_EVERY_SECONDS = 0.05
BREATH_SECONDS = 0.3  # one that cannot start is not started again in a tight loop


@dataclass
class Part:
    """One process of the house, and the one that takes its place when it dies."""

    role: str
    port: int = 0
    process: ForkServerProcess | None = None
    paused_until: float = 0.0
    started_at: float = 0.0


class Processes:
    """The mortal parts of one Trellis."""

    def __init__(
        self, environ: dict[str, str], folder: Path, ports: tuple[int, int], *, gap_seconds: float, haste: float
    ) -> None:
        self.parts = [Part("web", ports[0]), Part("web", ports[1]), Part("worker"), Part("worker")]
        self.ends: Counter[str] = Counter()
        self.pauses = 0
        self._environ = environ
        self._folder = folder
        self.gap_seconds = gap_seconds
        self._haste = haste
        self._turn = threading.Lock()
        self._ending = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="chaos-keeper", daemon=True)

    def __enter__(self) -> Self:
        """Start them all, and the log that they speak to through a pipe: a full disk does not silence it."""
        (self._folder / "boundaries").mkdir(exist_ok=True)
        os.mkfifo(self._folder / "log.pipe")
        self._pipe = os.open(self._folder / "log.pipe", os.O_RDWR)  # held open, so that the log never ends early
        with (self._folder / "log").open("ab") as log:
            self._log = subprocess.Popen(["cat"], stdin=self._pipe, stdout=log)
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running."""
        self._ending.set()
        self._keeper.join(timeout=30)
        for part in self.parts:
            if part.process is not None:
                part.process.kill()
                part.process.join(timeout=10)
        self._log.kill()
        self._log.wait(timeout=10)
        os.close(self._pipe)

    def kill(self, part: Part) -> bool:
        """End a process without any warning; False when it was not alive."""
        with self._turn:
            if part.process is None or part.process.pid is None or part.process.exitcode is not None:
                return False
            part.process.kill()
            return True

    def stop(self, part: Part) -> None:
        """Ask a process to end."""
        with self._turn:
            if part.process is not None and part.process.exitcode is None:
                part.process.terminate()

    def pause(self, part: Part, seconds: float) -> None:
        """Freeze a process for a while."""
        with self._turn:
            if part.process is not None and part.process.pid is not None and part.process.exitcode is None:
                os.kill(part.process.pid, signal.SIGSTOP)
                part.paused_until = time.monotonic() + seconds
                self.pauses += 1

    def wake_all(self) -> None:
        """Let every frozen process go on."""
        for part in self.parts:
            part.paused_until = min(part.paused_until, time.monotonic())

    def pids(self) -> list[int]:
        """Name the living."""
        with self._turn:
            found = [part.process for part in self.parts if part.process is not None and part.process.exitcode is None]
            return [one.pid for one in found if one.pid is not None]

    def _keep(self) -> None:
        while not self._ending.wait(LOOK_EVERY_SECONDS):
            for part in self.parts:
                with self._turn:
                    self._look_after(part)

    def _look_after(self, part: Part) -> None:
        process, now = part.process, time.monotonic()
        if process is not None and process.exitcode is None:
            if part.paused_until and now >= part.paused_until and process.pid is not None:
                os.kill(process.pid, signal.SIGCONT)
                part.paused_until = 0.0
            return
        if process is not None:
            code = int(process.exitcode or 0)
            self.ends[HOW.get(code, f"ended with {code}")] += 1
            part.process = None
            process.close()
        if now - part.started_at < BREATH_SECONDS:
            return
        part.paused_until, part.started_at = 0.0, now
        part.process = mortal.start(
            part.role,
            self._environ,
            self._folder,
            port=part.port,
            gap_seconds=self.gap_seconds,
            haste=self._haste,
        )
