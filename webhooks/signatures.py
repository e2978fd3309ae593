"""Signatures: is this from who it says? Raw bytes, constant time, several secrets so one can be rotated.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import hashlib
import hmac
from collections.abc import Sequence


def github_signed(body: bytes, header: str | None, secrets: Sequence[str]) -> bool:
    """Say whether GitHub's `X-Hub-Signature-256` fits the raw body under any of the secrets.

    Without a header or without a secret the answer is no. Bytes are compared, because comparing text with a character
    outside ASCII in it raises instead of answering.
    """
    if not header:
        return False
    given = header.encode("latin-1", "replace")
    fits = False
    for secret in secrets:
        expected = b"sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
        fits |= hmac.compare_digest(expected, given)
    return fits


def same_token(given: str, expected: str | None) -> bool:
    """Compare an unguessable part of an address in constant time."""
    return expected is not None and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
