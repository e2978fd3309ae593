"""The clocks of a storm: the one people live by passes quicker than in earnest, and any may be wrong for a while."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.house import House

BEGINS = datetime(2027, 3, 2, 6, 0, tzinfo=UTC)  # a Tuesday on which a rhythm falls due, before anybody works
STORM_HOURS = 14  # pass during a storm, however long it is: by then everybody's working day has begun
# By then every look at a proposal is due, and everybody is at work who was past their hours when their turn came.
ENDS = datetime(2027, 3, 4, 15, 0, tzinfo=UTC)
ZONES = ("Europe/Lisbon", "Europe/Stockholm", "Africa/Lagos", "America/Halifax")


def haste(storm_seconds: float) -> float:
    """Say how many times quicker than in earnest time passes in a storm of so many seconds."""
    return max(1.0, STORM_HOURS * 3600 / storm_seconds)


class Clocks:
    """Both: the practice clock, which sandbox and Trellis share, and the machine's."""

    def __init__(self, house: House, folder: Path) -> None:
        """Trellis reads its practice clock and what the machine's is wrong by from files in `folder`."""
        self._house = house
        self._practice, self._machine = folder / "practice", folder / "skew"
        self._ahead_seconds = 0
        self._wrong_seconds = 0
        self._turn = threading.Lock()
        self._began_at = datetime.now(UTC)

    def begin(self) -> None:
        """Let it be the morning of the first day."""
        self._began_at = datetime.now(UTC)
        self._move_to(BEGINS)

    def go_on(self, storm_seconds: float) -> None:
        """Let it be as late as it should be by now, in a storm of so many real seconds."""
        share = (datetime.now(UTC) - self._began_at).total_seconds() / storm_seconds
        self._move_to(BEGINS + timedelta(hours=STORM_HOURS * min(1.0, share)))

    def end(self) -> None:
        """Let it be days later, and every clock right."""
        self.set_machine_wrong(0)
        self.set_practice_wrong(0)
        self._move_to(ENDS)

    def _move_to(self, moment: datetime) -> None:
        with self._turn:
            self._ahead_seconds = round((moment - datetime.now(UTC)).total_seconds())
            self._house.control("clock", offset_seconds=self._ahead_seconds)
            self._tell_trellis()

    def set_practice_wrong(self, seconds: int) -> None:
        """Let the practice clock of Trellis be wrong by so much; 0 puts it right."""
        with self._turn:
            self._wrong_seconds = seconds
            self._tell_trellis()

    def set_machine_wrong(self, seconds: int) -> None:
        """Let the machine's clock be wrong by so much, for all processes; 0 puts it right."""
        _write(self._machine, seconds)

    def _tell_trellis(self) -> None:
        _write(self._practice, self._ahead_seconds + self._wrong_seconds)


def _write(file: Path, seconds: int) -> None:
    """A reader sees the old number or the new one, never half of one."""
    beside = file.with_name(f".{file.name}.{threading.get_ident()}")
    beside.write_text(f"{seconds}\n", encoding="ascii")
    beside.replace(file)
