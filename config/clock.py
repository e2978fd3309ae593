"""The practice clock: the real time, or the sandbox's when a clock file is set.

Only what people live by follows it (moments, closing times). What guards outgoing calls (settling, pace, leases) always
uses real time.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path


def clock(file: Path | None) -> Callable[[], datetime]:
    """Give a function that tells the time as aware UTC; `file` holds whole seconds to add (sandbox only)."""
    if file is None:
        return real_now

    def ahead() -> datetime:
        try:
            seconds = int(file.read_text(encoding="ascii").strip() or 0)
        except FileNotFoundError:
            seconds = 0
        return real_now() + timedelta(seconds=seconds)

    return ahead


def real_now() -> datetime:
    """Tell the real time as aware UTC."""
    return datetime.now(UTC)
