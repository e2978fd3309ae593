"""The ways an outgoing call can go wrong; adapters raise nothing else, and the ledger knows what each asks for."""

from datetime import datetime

from domain.trouble import Trouble


class TemporaryError(Exception):
    """It certainly did not happen, and may work later. `retry_at` (aware UTC) is the vendor's own wish, if any."""

    def __init__(self, message: str, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class PacedError(TemporaryError):
    """It was not sent, because the account has no room for it before `room_at`: nothing is amiss with the call."""

    def __init__(self, message: str, *, account: str, room_at: datetime) -> None:
        super().__init__(message, room_at)
        self.account = account
        self.room_at = room_at


class PermanentError(Exception):
    """It will not work until a person changes something.

    `may_have_happened` warns of vendors that save first and refuse afterwards (facts on Loomio, 2.5); `status` is the
    vendor's HTTP status, where there was one; `trouble` is what it is a sign of, `about` whom or what it concerns
    (`jobs/trouble.py` makes sure before anybody is told).
    """

    def __init__(
        self,
        message: str,
        *,
        may_have_happened: bool = False,
        status: int | None = None,
        trouble: Trouble | None = None,
        about: str = "",
    ) -> None:
        super().__init__(message)
        self.may_have_happened = may_have_happened
        self.status = status
        self.trouble = trouble
        self.about = about


class CannotLookError(PermanentError):
    """The vendor has no way to be asked whether it happened: a person has to look (Loomio before 3.0.24)."""


class UnknownOutcomeError(Exception):
    """It may or may not have happened: look before repeating."""
