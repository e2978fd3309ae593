"""The sandbox's clock: real time plus an offset that the service under test reads from a file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path


class Clock:
    """Tells sandbox time and keeps the clock file in step."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._offset = 0
        self._write()

    @property
    def offset_seconds(self) -> int:
        """How far sandbox time is ahead of real time."""
        return self._offset

    def now(self) -> datetime:
        """Return sandbox time, aware, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self._offset)

    def set_offset(self, seconds: int) -> None:
        """Put sandbox time this far ahead of (or behind) real time."""
        self._offset = seconds
        self._write()

    def move_to(self, moment: datetime) -> None:
        """Make sandbox time equal to this moment, to the second, never earlier."""
        ahead = moment - datetime.now(UTC)
        # Rounded up: whoever asks for 12:00 must not find 11:59:59.
        self.set_offset(-int(-ahead.total_seconds() // 1))

    def _write(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        # A reader sees the old number or the new one, never half of one.
        beside = self._file.with_name(f".{self._file.name}.new")
        beside.write_text(f"{self._offset}\n", encoding="ascii")
        beside.replace(self._file)
