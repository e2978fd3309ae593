"""Loomio's versions: which dialect each speaks, and what is wrong when the policy says another.

Either dialect answers the other's way of speaking with a refusal at best, and at worst with 200 and half of it lost
(facts on Loomio, 1.2, 2.2 and 6). So the version is asked before anything is written.
"""

import re

from domain.policy import LoomioDialect

OLDEST_CURRENT = (3, 1, 3)
OLDEST_LEGACY = (3, 0, 0)
# Only the ends of this stretch were ever looked at closely; in between, whatever Loomio shows decides (facts, 10).
LITTLE_KNOWN_AFTER = (3, 0, 20)


def numbers_of(version: str) -> tuple[int, ...] | None:
    """Give a version's three numbers, None when it is none: `3.8.1`, and `3.9.0.rc1` too."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)(?![\d])", version)
    return tuple(int(one) for one in found.groups()) if found else None


def dialect_problem(version: str, dialect: LoomioDialect, address: str = "Loomio") -> str | None:
    """Say what is wrong when a dialect meets a version: what happened, why, what to do; None when they fit."""
    numbers = numbers_of(version)
    nothing = "Nothing is sent to it, for the wrong dialect loses half of what it says without a word."
    if numbers is None:
        return (
            f"{address} says its version is {version!r}, which Trellis cannot read. {nothing} "
            "Look at its /api/v1/boot/version."
        )
    if numbers < OLDEST_LEGACY:
        return f"{address} is version {version}, whose API Trellis does not speak. Upgrade it to 3.1.3 or later."
    spoken = LoomioDialect.CURRENT if numbers >= OLDEST_CURRENT else LoomioDialect.LEGACY
    if spoken is dialect:
        return None
    instead = " (or upgrade it to 3.1.3 or later)" if spoken is LoomioDialect.LEGACY else ""
    return (
        f"{address} is version {version} and speaks the {spoken.value} dialect, but the policy says "
        f'dialect = "{dialect.value}". {nothing} Set dialect = "{spoken.value}" in [loomio]{instead}, '
        "then: flask effects retry --all"
    )


def is_little_known(version: str) -> bool:
    """Say whether a version lies between those that were looked at closely."""
    numbers = numbers_of(version)
    return numbers is not None and LITTLE_KNOWN_AFTER < numbers < OLDEST_CURRENT
