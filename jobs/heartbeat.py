"""Heartbeat: tells a dead-man's switch outside, once a minute, that the clock goes well; its silence is the alarm.

Only that something arrived counts, so nothing is sent along and nothing of the answer is read. The address is a secret
(whoever has it can keep the alarm quiet) and never stands in the log.
"""

import logging
import threading
import time
from datetime import timedelta

import requests
from sqlalchemy import func, select

from jobs.workshop import Workshop
from store.models import ExecutorRow

log = logging.getLogger(__name__)

LEAST_SECONDS = 60.0
# Longer ago, and nobody's clock goes well: the switch is left to sound.
STILL_WELL = timedelta(minutes=5)


class Pulse:
    """Asks for one address, at most once a minute however often it is told to."""

    def __init__(self, url: str, *, call_seconds: float) -> None:
        self._url = url
        self._call_seconds = call_seconds
        self._turn = threading.Lock()
        self._asked_at: float | None = None

    def __call__(self) -> None:
        """Ask, unless it was within the minute; what goes wrong is one line in the log."""
        with self._turn:
            now = time.monotonic()
            if self._asked_at is not None and now - self._asked_at < LEAST_SECONDS:
                return
            self._asked_at = now
        try:
            # A redirect is not followed: it would carry the secret to somebody else. The body is not read (`stream`).
            with requests.get(
                self._url,
                timeout=self._call_seconds,
                allow_redirects=False,
                stream=True,
                headers={"User-Agent": "Trellis", "Connection": "close"},
            ) as answer:
                status = answer.status_code
        except requests.RequestException as error:
            # Its words hold the address.
            log.warning("heartbeat: it did not arrive (%s)", type(error).__name__)
            return
        if not 200 <= status < 300:
            log.warning("heartbeat: answered %d, so it may not have counted", status)


def heartbeat(workshop: Workshop) -> None:
    """Tell that all is well, if it is."""
    if workshop.pulse is None:
        return
    newest = workshop.database.transact(lambda session: session.scalar(select(func.max(ExecutorRow.ticked_at))))
    if newest is not None and abs(workshop.real_now() - newest) < STILL_WELL:
        workshop.pulse()
