"""Addresses that secrets are sent to: https, or plain http on this machine only."""

import re

SAID_WRONG = "does not start with https:// (plain http is for this machine only)"
# The host ends where the path begins: `localhost.example.org` and `localhost@example.org` are other machines.
THIS_MACHINE = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?(?:/|$)")


def is_safe(address: str) -> bool:
    """Say whether a secret sent there cannot be read on the way."""
    return address.startswith("https://") or THIS_MACHINE.match(address) is not None
