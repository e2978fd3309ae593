"""A room of the team's chat, through apprise, which speaks to Slack, Mattermost, Rocket.Chat, Zulip, Discord and more.

apprise answers True or False and tells the reason only to its log. So we listen to that log while it posts, and let
nothing of it through: its lines, and those of the library below it, may hold addresses, which are secrets here.
"""

import hashlib
import logging
import re
import sys
import threading
import warnings
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import NewConnectionError

from integrations.errors import PermanentError, TemporaryError, UnknownOutcomeError
from integrations.pace import Pace

if TYPE_CHECKING:
    from apprise import NotifyBase

APP_NAME = "Trellis"
CONNECT_SECONDS = 10
LONGEST_TITLE = 200
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,19})://")
STATUS = re.compile(r"\berror=(\d{3})\b")
MOVED = (301, 307, 308)
COME_BACK_LATER = (408, 425, 429)
NO_ENTRY = (401, 403, 404, 410)

_loading = threading.Lock()
_hearing = threading.local()


def _hear(record: logging.LogRecord) -> bool:
    """Show a line of apprise's log to whoever posts in this thread, and to nobody else."""
    ear: _Ear | None = getattr(_hearing, "ear", None)
    if ear is not None:
        ear.hear(record)
    return False


_vendor_log = logging.getLogger("apprise")
_vendor_log.addFilter(_hear)
_vendor_log.setLevel(logging.INFO)  # at INFO it says "sent", which we want to hear
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # below that it says paths, and webhooks are paths


class Chat:
    """One room behind one address.

    A team with several rooms has several of these, and each message to each room is planned as an effect of its own:
    so a room that did not get it can be tried again without a second message in the room that did.
    """

    def __init__(self, *, url: str, call_seconds: float = 15, pace: Pace | None = None) -> None:
        """Nothing is sent yet. Raises ValueError, which never repeats the address: it holds the room's secret."""
        self.room = room_of(url)
        self.account = f"chat:{self.room}"  # whose messages the pace counts
        self._pace = pace
        self._plugin = _plugin(url)
        # Set on the object, where they win over what the address asks for.
        self._plugin.redirects = False  # requests would follow with a GET, and a page would count as posted
        self._plugin.socket_connect_timeout = min(CONNECT_SECONDS, call_seconds)
        self._plugin.socket_read_timeout = call_seconds
        self._plugin.request_rate_per_sec = 0  # the pace is ours; apprise would sleep
        self._plugin.retry = 0
        if len(self._plugin) != 1:
            raise ValueError(
                f"the {_scheme(url)}:// address names {len(self._plugin)} rooms; give each an address of its own, "
                "so that one that fails never doubles a message in another"
            )

    def post(self, *, title: str, body: str) -> None:
        """Post one message, in Markdown; longer than the room allows, it is cut and not split.

        TemporaryError: certainly not posted, because no connection came about or the room asked for patience.
        PermanentError: certainly not posted, because the room refused. UnknownOutcomeError: everything else, a 5xx or
        a lost connection for example; chats keep nothing by which the message could be found again. What is certain
        is read from what apprise logs about each request; a line that is not understood counts as not certain.
        """
        if not body.strip():
            raise PermanentError("a message to the chat has to say something")
        if self._pace is not None:
            self._pace.take(self.account)
        with _Ear() as ear:
            try:
                posted = self._plugin.notify(**self._fitted(title, body), body_format="markdown", overflow="upstream")
            except Exception as error:  # noqa: BLE001 - whatever it trips over, the message may be out
                # Not chained: errors of requests hold the address.
                raise UnknownOutcomeError(f"apprise broke off while posting ({type(error).__name__})") from None
        if not posted:
            raise ear.verdict()

    def _fitted(self, title: str, body: str) -> dict[str, str]:
        """Cut what is too long for the room; apprise's own cutting (2.2) also loses the end of short messages."""
        title = _cut(" ".join(title.split()), self._plugin.title_maxlen or LONGEST_TITLE)
        # Where there is no title, apprise puts it above the body.
        above = 0 if self._plugin.title_maxlen else len(title) + len("# \r\n")
        return {"title": title, "body": _cut(body, self._plugin.body_maxlen - above)}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 2].rstrip() + " …"


def room_of(url: str) -> str:
    """Give a name for a room that keys and logs may hold: the same for the same address, and nothing secret in it."""
    return f"{_scheme(url)}-{hashlib.sha256(url.encode()).hexdigest()[:10]}"


def _scheme(url: str) -> str:
    found = SCHEME.match(url)
    if found is None:
        raise ValueError("a chat address begins with the kind of chat, such as slack:// or mmosts://")
    return found[1].lower()


def _plugin(url: str) -> "NotifyBase":
    with _loading, warnings.catch_warnings():
        # Loading apprise takes a second, so only those pay who post; it imports a module that Python is to drop.
        warnings.simplefilter("ignore", DeprecationWarning)
        from apprise import Apprise, AppriseAsset, PersistentStoreMode

        asset = AppriseAsset(
            app_id=APP_NAME,
            app_desc=APP_NAME,
            app_url="",
            # No pictures from elsewhere in our messages, and nothing on our disk.
            image_url_mask="",
            image_url_logo="",
            storage_mode=PersistentStoreMode.MEMORY,
        )
        plugin = Apprise.instantiate(url, asset=asset)
    if plugin is None:
        raise ValueError(f"apprise knows no {_scheme(url)}:// chat, or the rest of the address is not complete")
    return plugin


class _Ear:
    """Hears what apprise logs in this thread, and judges from it whether the message can be out."""

    def __init__(self) -> None:
        self._before = sys.exc_info()[1]  # being handled by our caller already, so not apprise's
        self._verdicts: list[TemporaryError | PermanentError | None] = []

    def __enter__(self) -> "_Ear":
        _hearing.ear = self
        return self

    def __exit__(self, *_: object) -> None:
        _hearing.ear = None

    def hear(self, record: logging.LogRecord) -> None:
        """Judge one line; it is not kept."""
        # apprise logs while it handles the exception, which it then forgets: here it can still be seen.
        error = sys.exc_info()[1]
        self._verdicts.append(_judged(record, None if error is self._before else error))

    def verdict(self) -> TemporaryError | PermanentError | UnknownOutcomeError:
        """Give what to raise: something certain only if every single line was."""
        certain = [one for one in self._verdicts if one is not None]
        if certain and len(certain) == len(self._verdicts):
            return certain[-1]
        return UnknownOutcomeError("whether the chat took the message is not known")


def _judged(record: logging.LogRecord, error: BaseException | None) -> TemporaryError | PermanentError | None:
    """Say what one line makes certain, None when it leaves open whether the message is out."""
    if error is not None:
        return TemporaryError("the chat could not be reached") if _never_connected(error) else None
    found = STATUS.search(record.getMessage())
    status = int(found[1]) if found and record.levelno >= logging.WARNING else 0
    if status in COME_BACK_LATER:
        return TemporaryError(f"the chat asks for patience ({status})")
    if status in MOVED:
        return PermanentError(f"the chat's address has moved ({status}); set CHAT_URLS to the new one", status=status)
    if status in NO_ENTRY:
        return PermanentError(
            f"the chat does not let us in ({status}); make a new address for the room and set it in CHAT_URLS",
            status=status,
        )
    if 400 <= status < 500:
        return PermanentError(f"the chat refuses the message ({status})", status=status)
    return None


def _never_connected(error: BaseException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    # Refused or unresolved: nothing was ever sent.
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(error, requests.ConnectionError) and isinstance(reason, NewConnectionError)
