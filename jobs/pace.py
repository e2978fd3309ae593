"""Pace, kept together by all processes: what an account outside takes is counted in the database, pauses included.

A call asks right before it is made (`take`). An effect for which there is no room waits in a queue of its account,
without anything under way for it, until `jobs/turns.py` gives it a turn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from domain.pace import Windows, free_at, longest, pause
from integrations.errors import PacedError
from store.accounts import account_row, calls_since, locked_account, note_call
from store.database import Database

# Two pauses asked for without a length, this close to each other, are in a row: the second is kept for longer.
IN_A_ROW = timedelta(minutes=10)
WHY = "the account has no room for it now"


@dataclass(frozen=True, kw_only=True)
class SharedPace:
    """The pace of one organisation's calls to one vendor; the account they count against may be shared with others.

    `windows` are what the account takes, `pause_seconds` is kept when a vendor asks for a pause and names no length.
    """

    database: Database
    organisation: str
    windows: Windows
    pause_seconds: float
    real_now: Callable[[], datetime]

    def take(self, account: str) -> None:
        """Count one call that is about to be made, for all processes. Raises PacedError when there is no room."""
        self._go_or_wait(account, self.database.transact(lambda session: self._taken(session, account)))

    def look(self, account: str) -> None:
        """Make sure that the account is not asked to pause. Raises PacedError when it is."""
        row = self.database.transact(lambda session: account_row(session, account))
        if row is not None and row.paused_until is not None:
            self._go_or_wait(account, row.paused_until)

    def pause(self, account: str, until: datetime | None) -> datetime:
        """Have every process keep a pause; a longer one that is kept already stays."""
        return self.database.transact(lambda session: self._paused(session, account, until))

    def room_at(self, session: Session, account: str) -> datetime:
        """Give the instant from which one more call has room, if nobody else takes it."""
        row, now = account_row(session, account), self.real_now()
        free = free_at(calls_since(session, account, now - longest(self.windows)), self.windows, now=now)
        return max(free, row.paused_until) if row is not None and row.paused_until is not None else free

    def _taken(self, session: Session, account: str) -> datetime:
        locked_account(session, account)
        free = self.room_at(session, account)
        now = self.real_now()
        if free <= now and self.windows:
            note_call(session, account, self.organisation, at=now)
        return free

    def _paused(self, session: Session, account: str, until: datetime | None) -> datetime:
        row, now = locked_account(session, account), self.real_now()
        if until is None:
            recent = row.paused_until is not None and row.paused_until > now - IN_A_ROW
            row.pauses_in_a_row = row.pauses_in_a_row + 1 if recent else 1
            until = now + pause(row.pauses_in_a_row, first_seconds=self.pause_seconds)
        row.paused_until = until if row.paused_until is None else max(until, row.paused_until)
        return row.paused_until

    def _go_or_wait(self, account: str, free: datetime) -> None:
        if free > self.real_now():
            raise PacedError(f"{WHY} ({account})", account=account, room_at=free)
