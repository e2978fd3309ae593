"""The one table of `POST /webhooks/goals`: its kinds, their keys, and how long each may be."""

import re

LARGEST_BYTES = 64 * 1024
MESSAGE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Each type's keys: needed ones first. The lengths are GitHub's for a title and generous for the rest.
KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "objective.open": (("person", "title"), ("why", "visibility")),
    "ticket.request": (("person", "opportunity"), ("stretch", "cost", "first_on", "last_on", "decide")),
}
LONGEST = {"title": 256, "person": 60, "why": 20_000, "opportunity": 5_000, "stretch": 20_000, "cost": 200}
LONGEST_OTHER = 100


def longest(key: str) -> int:
    """Say how many characters a key's text may have."""
    return LONGEST.get(key, LONGEST_OTHER)
