"""Pace, kept together by all processes: what an account outside takes is counted in the database, pauses included.

A call asks right before it is made (`take`). An effect for which there is no room waits in a queue of its account,
without anything under way for it, until `jobs/turns.py` gives it a turn.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from domain.pace import Windows, free_at, longest, pause, room_until
from integrations.errors import PacedError, TemporaryError
from store.accounts import account_row, calls_since, is_full, locked_account, note_call
from store.database import Database
from store.models import AccountRow

log = logging.getLogger(__name__)

T = TypeVar("T")

# Two pauses asked for without a length, this close to each other, are in a row: the second is kept for longer.
IN_A_ROW = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class SharedPace:
    """The pace of one organisation's calls to one vendor; the account they count against may be shared with others.

    `windows` are what the account takes, `own_windows` what the organisation's policy allows itself of it, and
    `pause_seconds` is kept when a vendor asks for a pause and names no length.
    """

    database: Database
    organisation: str
    windows: Windows
    own_windows: Windows = ()
    pause_seconds: float
    real_now: Callable[[], datetime]

    def take(self, account: str) -> None:
        """Count one call that is about to be made, for all processes. Raises PacedError when there is no room."""
        room_at = self._asked(lambda session: self._taken(session, account))
        if room_at is not None:
            raise _no_room(account, room_at)

    def look(self, account: str) -> None:
        """Make sure that the account is not asked to pause. Raises PacedError when it is."""
        ends = paused_until(self._asked(lambda session: account_row(session, account)), self.real_now())
        if ends is not None:
            raise _no_room(account, ends)

    def pause(self, account: str, until: datetime | None) -> datetime:
        """Have every process keep a pause; a longer one that is kept already stays.

        What the vendor said is certain whether or not it can be written down: a bad moment of the database is logged.
        """
        try:
            return self.database.transact(lambda session: self._paused(session, account, until))
        except DBAPIError as error:
            log.warning("pace: a pause of %s could not be noted (%s)", account, type(error).__name__)
            return until or self.real_now() + timedelta(seconds=self.pause_seconds)

    def room_at(self, session: Session, account: str) -> datetime:
        """Give the instant from which one more call has room, if nobody else takes it."""
        free = now = self.real_now()
        if is_full(session, account, self.windows, now=now):
            free = free_at(calls_since(session, account, now - longest(self.windows)), self.windows, now=now)
        if is_full(session, account, self.own_windows, now=now, of=self.organisation):
            own = calls_since(session, account, now - longest(self.own_windows), of=self.organisation)
            free = max(free, free_at(own, self.own_windows, now=now))
        ends = paused_until(account_row(session, account), now)
        return free if ends is None else max(free, ends)

    def own_room(self, session: Session, account: str, *, until: datetime, most: int) -> int:
        """Count the calls before an instant that the organisation's own policy leaves it."""
        now = self.real_now()
        own = calls_since(session, account, now - longest(self.own_windows), of=self.organisation)
        return len(room_until(own, self.own_windows, now=now, until=until, most=most))

    def _asked(self, ask: Callable[[Session], T]) -> T:
        """Ask the database, and raise what adapters raise: nothing has been sent, and it will be tried again."""
        try:
            return self.database.transact(ask)
        except DBAPIError as error:
            raise TemporaryError(f"the pace could not be read or written ({type(error).__name__})") from error

    def _taken(self, session: Session, account: str) -> datetime | None:
        """Count a call and give None, or the instant at which there is room for it."""
        locked_account(session, account)
        free, now = self.room_at(session, account), self.real_now()
        if free > now:
            return free
        note_call(session, account, self.organisation, at=now)
        return None

    def _paused(self, session: Session, account: str, until: datetime | None) -> datetime:
        row, now = locked_account(session, account), self.real_now()
        ends = paused_until(row, now)
        recent = row.paused_until is not None and row.paused_until > now - IN_A_ROW
        if until is not None and until > now:  # an instant that has passed already is no length
            row.pauses_in_a_row = row.pauses_in_a_row if recent else 0
        elif ends is not None:
            return ends  # asked for by a call that was under way when the pause began
        else:
            row.pauses_in_a_row = row.pauses_in_a_row + 1 if recent else 1
            until = now + pause(row.pauses_in_a_row, first_seconds=self.pause_seconds)
        row.paused_until = min(until if ends is None else max(until, ends), now + LONGEST_PAUSE)
        return row.paused_until


def paused_until(row: AccountRow | None, now: datetime) -> datetime | None:
    """Say until when an account was asked to pause; None when it was not, or that is over."""
    if row is None or row.paused_until is None or row.paused_until <= now:
        return None
    return min(row.paused_until, now + LONGEST_PAUSE)  # a clock that was far ahead does not hold it up for ever


def _no_room(account: str, room_at: datetime) -> PacedError:
    return PacedError(f"{account} takes the next call at {room_at:%H:%M:%S} UTC", account=account, room_at=room_at)
