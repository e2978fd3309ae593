"""Pace, as the adapters see it: they ask before every call, and say when a vendor asks for a pause.

Whether there is room is decided elsewhere, for all processes at once (`jobs/pace.py`).
"""

from datetime import datetime, timedelta
from typing import Protocol

# Without a wish of its own, GitHub asks for at least a minute (facts on GitHub, section 2).
LEAST_PAUSE = timedelta(seconds=60)


class Pace(Protocol):
    """What an adapter asks of the pace. An account is whoever the vendor's limits count: an identity, or a host."""

    def take(self, account: str) -> None:
        """Count one call that is about to be made.

        Raises PacedError when there is no room for it now, or the account was asked to pause.
        """

    def look(self, account: str) -> None:
        """Make sure that the account was not asked to pause; nothing is counted.

        Raises PacedError when it was.
        """

    def pause(self, account: str, until: datetime | None) -> datetime:
        """Have every process keep a pause, until an instant (aware UTC) or, when the vendor named none, for a while.

        Gives the instant.
        """
