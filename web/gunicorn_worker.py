"""The worker class gunicorn runs on a host (see the Procfile): its threaded one, with an end to slow clients.

gunicorn's threads wait without limit for the rest of a request once its first byte is there, and `--timeout` does not
count for them: a few clients that send a byte now and then would hold every thread (its own advice is a proxy that
buffers, which is still the better protection). Here a connection whose request does not come, or is not read, worked
on and answered in time, is shut, which frees its thread.
"""

import contextlib
import socket
import time
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

# gunicorn gives a silent connection five seconds before it takes its thread away; an honest head comes in one go.
HEAD_SECONDS = 6.0
# GitHub gives up after ten seconds, and its largest delivery is 25 MB.
WHOLE_SECONDS = 20.0


class BoundedWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, which ends what takes too long."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._ends: dict[TConn, float] = {}

    def handle(self, conn: TConn) -> Any:
        """Serve what comes on a connection, in a thread of the pool."""
        self._ends[conn] = time.monotonic() + HEAD_SECONDS
        try:
            return super().handle(conn)
        finally:
            self._ends.pop(conn, None)

    def handle_request(self, req: Any, conn: TConn) -> Any:
        """Serve one request, whose head is there."""
        self._ends[conn] = time.monotonic() + WHOLE_SECONDS
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """Shut what took too long; the loop of the worker calls this every second."""
        super().murder_pending()
        now = time.monotonic()
        for conn, ends in list(self._ends.items()):
            if ends < now:
                # Only shut down: the thread that reads finds the end of the stream and closes the connection itself.
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RDWR)
