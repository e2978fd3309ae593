"""GitHub's refusals, read: what each is a sign of, what is only a limit, and when to come back."""

from datetime import UTC, datetime, timedelta

from github import GithubException, RateLimitExceededException

from domain.issues import Gone
from domain.trouble import Trouble
from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError

LONGEST_WAIT_SECONDS = 24 * 3600
STATUS_OF = {
    401: "GitHub does not accept our credentials",
    403: "GitHub does not let us do this (rights, a locked issue or an archived repository)",
    404: "GitHub does not show us this (not there, or no access)",
    410: "GitHub says it is gone (deleted, or issues are switched off)",
    422: "GitHub does not accept what was sent",
    451: "GitHub withholds it for legal reasons",
}
# Signs of something amiss with the repository or our way to it, when a single issue cannot be read.
OF_THE_WAY_THERE = (Trouble.CREDENTIALS, Trouble.SUSPENDED, Trouble.UNINSTALLED, Trouble.ISSUES_OFF)


def refused(error: GithubException, *, wrote: bool, about: str) -> Exception:
    """Sort GitHub's refusals: only limits and its own faults are worth another try (facts on GitHub, section 3)."""
    status = error.status or 0
    if status >= 500 or status == 0:
        said = f"GitHub answered {status}" if status else "GitHub gave no status"
        return UnknownOutcomeError(said) if wrote else TemporaryError(said)
    if 200 <= status < 400:
        # A redirect, or an answer that is no JSON: what it did is not known.
        return (
            UnknownOutcomeError(f"GitHub answered {status} with nothing we can read")
            if wrote
            else TemporaryError(f"GitHub answered {status} with nothing we can read")
        )
    trouble = _sign(status, _said(error))
    return PermanentError(
        STATUS_OF.get(status, f"GitHub answered {status}"), status=status, trouble=trouble, about=about
    )


def uninstalled() -> PermanentError:
    """Say that the App has no installation here, or none any more."""
    return PermanentError("the App is not installed on the repository", status=404, trouble=Trouble.UNINSTALLED)


def asks_for_a_pause(error: GithubException) -> bool:
    """Say whether a refusal is only about how much was asked: GitHub has several ways to say so."""
    if isinstance(error, RateLimitExceededException) or error.status == 429:
        return True
    said = _said(error)
    headers = error.headers or {}
    return error.status == 403 and (
        "retry-after" in headers or "rate limit" in said.casefold() or headers.get("x-ratelimit-remaining") == "0"
    )


def wished(error: GithubException) -> datetime | None:
    """Read until when GitHub wishes for a pause: `retry-after`, else the reset when nothing is left; None if unsaid."""
    headers = {name.casefold(): value for name, value in (error.headers or {}).items()}
    now = datetime.now(UTC)
    try:
        if "retry-after" in headers:
            return now + timedelta(seconds=min(int(headers["retry-after"]), LONGEST_WAIT_SECONDS))
        if headers.get("x-ratelimit-remaining") == "0":
            return datetime.fromtimestamp(int(headers["x-ratelimit-reset"]) + 1, tz=UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        pass
    return None


def why_gone(error: PermanentError) -> Gone | None:
    """Say why an issue cannot be read; None when the refusal is about more than the one issue."""
    # An issue of a repository whose issues are switched off is not deleted, though GitHub says 410 as well.
    if error.status not in (403, 404, 410, 451) or error.trouble in OF_THE_WAY_THERE:
        return None
    return Gone.DELETED if error.status == 410 else Gone.OUT_OF_REACH


def _sign(status: int, said: str) -> Trouble | None:
    """Say what a refusal is a sign of, in GitHub's own words (facts on GitHub, section 3)."""
    said = said.casefold()
    match status:
        case 401:
            return Trouble.CREDENTIALS
        case 403 if "archived" in said:
            return Trouble.ARCHIVED
        case 403 if "locked" in said:
            return Trouble.LOCKED
        case 403 if "suspended" in said:
            return Trouble.SUSPENDED
        case 403:
            return Trouble.NOT_ALLOWED
        case 404:
            return Trouble.OUT_OF_REACH
        case 410:
            return Trouble.ISSUES_OFF if "disabled" in said else Trouble.ISSUE_GONE
        case 451:
            return Trouble.WITHHELD
        case _:
            return None


def _said(error: GithubException) -> str:
    return str((error.data or {}).get("message", "")) if isinstance(error.data, dict) else str(error.data)
