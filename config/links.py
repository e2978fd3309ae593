"""Links: signed addresses of the pages on which a person answers, puts off or stops what they get.

A link names one person and one message, ends by itself, and changes nothing until it is confirmed by POST: mail
scanners follow links (facts on the field, D4). Signed with itsdangerous, which Flask brings.
"""

from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeTimedSerializer

CHOICES_DAYS = 120
LARGEST_ID = 2**31 - 1
STOP_DAYS = 400  # an old letter's "stop" should still work


@dataclass(frozen=True, kw_only=True)
class Named:
    """Whom and what a link is about. `effect_key` is '' for a page that shows everything open."""

    slug: str
    person_id: int
    effect_key: str


class Links:
    """Makes and reads links; without a public address or a key there are none."""

    def __init__(self, public_url: str | None, secret: str | None) -> None:
        self._public_url = public_url
        self._choices = URLSafeTimedSerializer(secret, salt="trellis.choices") if secret else None
        self._stop = URLSafeTimedSerializer(secret, salt="trellis.stop") if secret else None

    @property
    def public_url(self) -> str | None:
        """Give where people and GitHub reach the web part, None when it was not said."""
        return self._public_url

    def choices_url(self, named: Named) -> str | None:
        """Give the address of the page on which a message is answered, None when there are no links."""
        return self._url("choices", self._choices, named)

    def stop_url(self, named: Named) -> str | None:
        """Give the address that stops everything at one click, for the mail program's own button (RFC 8058)."""
        return self._url("stop", self._stop, named)

    def read_choices(self, token: str) -> Named | None:
        """Read a link to the page of choices; None when it is not ours or too old."""
        return self._read(self._choices, token, CHOICES_DAYS)

    def read_stop(self, token: str) -> Named | None:
        """Read a link that stops everything; None when it is not ours or too old."""
        return self._read(self._stop, token, STOP_DAYS)

    def _url(self, path: str, signer: URLSafeTimedSerializer | None, named: Named) -> str | None:
        if signer is None or self._public_url is None:
            return None
        token = signer.dumps([named.slug, named.person_id, named.effect_key])
        return f"{self._public_url}/{path}/{token}"

    def _read(self, signer: URLSafeTimedSerializer | None, token: str, days: int) -> Named | None:
        if signer is None:
            return None
        try:
            slug, person_id, effect_key = signer.loads(token, max_age=days * 86_400)
        except (BadSignature, ValueError, TypeError):
            return None
        # Signed by us, yet perhaps by a version that named people otherwise: only what the database can be asked for.
        if not isinstance(slug, str) or not isinstance(effect_key, str) or "\0" in effect_key:
            return None
        if type(person_id) is not int or not 0 < person_id <= LARGEST_ID:
            return None
        return Named(slug=slug, person_id=person_id, effect_key=effect_key)
