"""Serves a sandbox over real HTTP with waitress, and ends it within a second."""

import logging
import threading
from typing import Any

import waitress  # type: ignore[import-untyped]  # ships no type information
from waitress import wasyncore

from sandbox.app import Sandbox
from sandbox.settings import Settings

# Held answers keep a thread each, and the service under test may ask many things at once.
THREADS = 24


class Server:
    """A sandbox that listens on 127.0.0.1."""

    def __init__(self, settings: Settings) -> None:
        # Waitress speaks of every connection dropped on purpose; nobody wants to hear it.
        logging.getLogger("waitress").setLevel(logging.CRITICAL)
        self.sandbox = Sandbox(settings)
        self._sockets: dict[int, Any] = {}
        self._waitress: Any = waitress.create_server(
            self.sandbox.app,
            map=self._sockets,
            host="127.0.0.1",
            port=settings.port,
            threads=THREADS,
            ident="sandbox",
        )
        self.url = f"http://127.0.0.1:{self._waitress.effective_port}"
        self.sandbox.world.base_url = self.url
        self._ending = False
        self._thread: threading.Thread | None = None

    def run(self) -> None:
        """Serve until told to stop."""
        self.sandbox.start()
        while not self._ending:
            wasyncore.loop(timeout=0.1, map=self._sockets, count=1)
        self.sandbox.stop()
        self._waitress.task_dispatcher.shutdown(timeout=0.5)
        wasyncore.close_all(self._sockets)

    def end(self, *_: object) -> None:
        """Let run return; also fit to be a signal handler."""
        self._ending = True

    def start(self) -> None:
        """Serve in a thread of one's own; for tests."""
        self._thread = threading.Thread(target=self.run, name="sandbox-server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End what start began."""
        self.end()
        if self._thread is not None:
            self._thread.join(timeout=5)
