"""Troubles: what can happen to GitHub under Trellis, what each means for the work, and when it is over.

None of them is anybody's fault, and none loses anything: what cannot go on waits, and goes on by itself when the cause
is gone. Facts on GitHub, sections 3 and 6.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.issues import Issue, IssueGone

# An issue that nobody touched for this long did not lose its label by an act on itself. Clocks differ by less.
UNTOUCHED_FOR = timedelta(minutes=1)


class Trouble(StrEnum):
    """Everything that may be amiss on GitHub; a closed list."""

    # Of the repository, or of our way to it. Only NOT_ALLOWED may be about something: one kind of write.
    CREDENTIALS = "credentials"
    SUSPENDED = "suspended"
    UNINSTALLED = "uninstalled"
    OUT_OF_REACH = "out-of-reach"
    WITHHELD = "withheld"
    ARCHIVED = "archived"
    ISSUES_OFF = "issues-off"
    NOT_ALLOWED = "not-allowed"
    ROLE = "role"
    # Of a label, of an issue (its number), of a person (their login).
    LABEL_MISSING = "label-missing"
    UNLABELLED = "unlabelled"
    LOCKED = "locked"
    ISSUE_GONE = "issue-gone"
    NO_ACCESS = "no-access"


class Meaning(StrEnum):
    """What a trouble means for what was planned."""

    GOES_ON = "goes on"
    WAITS = "waits"
    IS_LET_GO = "is let go"  # there is nothing left to do it to


MEANING = {
    Trouble.CREDENTIALS: Meaning.WAITS,
    Trouble.SUSPENDED: Meaning.WAITS,
    Trouble.UNINSTALLED: Meaning.WAITS,
    Trouble.OUT_OF_REACH: Meaning.WAITS,
    Trouble.WITHHELD: Meaning.WAITS,
    Trouble.ARCHIVED: Meaning.WAITS,
    Trouble.ISSUES_OFF: Meaning.WAITS,
    Trouble.NOT_ALLOWED: Meaning.WAITS,
    Trouble.ROLE: Meaning.GOES_ON,
    Trouble.LABEL_MISSING: Meaning.WAITS,  # issues are not opened: GitHub would make the label anew, beside the old one
    Trouble.UNLABELLED: Meaning.GOES_ON,
    Trouble.LOCKED: Meaning.WAITS,
    Trouble.ISSUE_GONE: Meaning.IS_LET_GO,
    Trouble.NO_ACCESS: Meaning.GOES_ON,
}

# Those that a look at the repository tells; whatever it does not tell is over.
SEEN_BY_LOOKING = frozenset(
    {
        Trouble.CREDENTIALS,
        Trouble.SUSPENDED,
        Trouble.UNINSTALLED,
        Trouble.OUT_OF_REACH,
        Trouble.WITHHELD,
        Trouble.ARCHIVED,
        Trouble.ISSUES_OFF,
        Trouble.NOT_ALLOWED,
    }
)
# With these, issues cannot be read either.
BARS_READING = SEEN_BY_LOOKING - {Trouble.ARCHIVED}
# What has happened for good: told once, and there is no end to tell.
FOR_GOOD = frozenset({Trouble.ISSUE_GONE})


def held_by(trouble: Trouble, about: str) -> str:
    """Name what a piece of work waits for."""
    return f"{trouble.value}:{about}"


def ended_by_look(seen: Trouble | None) -> frozenset[Trouble]:
    """Say which troubles are over when a look at the repository shows `seen`, or nothing amiss."""
    return SEEN_BY_LOOKING - {seen}


def lost_its_label(
    issue: Issue, label: str, *, remembered_at: datetime | None, label_exists: bool, now: datetime
) -> bool:
    """Say whether a goal we know as open is without its label through no act on the issue itself.

    The label was renamed or deleted in the repository, or deleted and made anew, which takes it off every issue and
    touches none. `remembered_at` is the issue's own time when we last saw it; `now` is aware UTC.
    """
    if not issue.open or issue.has_label(label):
        return False
    untouched = issue.updated_at == remembered_at and now - issue.updated_at > UNTOUCHED_FOR
    return not label_exists or untouched


def over(trouble: Trouble, seen: Issue | IssueGone, *, label: str) -> bool:
    """Say whether an issue as it stands now shows that a trouble about it is over."""
    if isinstance(seen, IssueGone):
        return True
    match trouble:
        case Trouble.LOCKED:
            return not seen.locked
        case Trouble.UNLABELLED:
            return not seen.open or seen.has_label(label)
        case _:
            return False


@dataclass(frozen=True, kw_only=True)
class Open:
    """One trouble as it is remembered; times are aware UTC."""

    trouble: Trouble
    about: str
    since: datetime


def worth_telling(found: Sequence[Open]) -> list[tuple[Trouble, list[str]]]:
    """Put troubles together for whoever looks after Trellis: each kind once, with everything it is about.

    While a label is missing, the goals that lost it are part of the same story and not told on their own.
    """
    kinds = {one.trouble for one in found}
    silent = {Trouble.UNLABELLED} if Trouble.LABEL_MISSING in kinds else set()
    return [
        (kind, _in_order(one.about for one in found if one.trouble is kind and one.about))
        for kind in Trouble
        if kind in kinds - silent
    ]


def _in_order(abouts: Iterable[str]) -> list[str]:
    return sorted(abouts, key=lambda one: (int(one), "") if one.isdigit() else (0, one.casefold()))
