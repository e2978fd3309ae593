"""Three ways an outgoing call can go wrong; adapters raise nothing else, and the ledger knows what each asks for."""

from datetime import datetime


class TemporaryError(Exception):
    """It certainly did not happen, and may work later. `retry_at` (aware UTC) is the vendor's own wish, if any."""

    def __init__(self, message: str, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class PermanentError(Exception):
    """It will not work until a person changes something.

    `may_have_happened` warns of vendors that save first and refuse afterwards (facts on Loomio, 2.5); `status` is the
    vendor's HTTP status, where there was one.
    """

    def __init__(self, message: str, *, may_have_happened: bool = False, status: int | None = None) -> None:
        super().__init__(message)
        self.may_have_happened = may_have_happened
        self.status = status


class UnknownOutcomeError(Exception):
    """It may or may not have happened: look before repeating."""
