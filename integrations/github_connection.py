"""The connection to GitHub, through PyGithub: signs in, keeps the pace, and says how a call ended.

PyGithub's own retrying would send a POST again after a 502 or a time-out; it is switched off for writes. Repositories
are addressed by number, because writes to a renamed one are silently lost (facts on GitHub, sections 2 and 3).
"""

import logging
import threading
from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from github import Auth, Github, GithubException, GithubIntegration
from github.Issue import Issue as VendorIssue
from urllib3 import Retry
from urllib3.exceptions import NewConnectionError

from domain.trouble import Trouble
from integrations.errors import PacedError, PermanentError, TemporaryError, UnknownOutcomeError
from integrations.github_errors import asks_for_a_pause, refused, uninstalled, wished
from integrations.pace import LEAST_PAUSE, Pace

T = TypeVar("T")
# What an answer that is no JSON, or not the JSON that was asked for, makes of PyGithub and of whoever reads it.
RUBBISH = (AssertionError, RuntimeError, ValueError, TypeError, AttributeError, KeyError)

USER_AGENT = "trellis/0.1"
API_VERSION = "2022-11-28"
LONGEST_TITLE = 256  # of an issue, and of a pull request

# Importing PyGithub adds a handler of its own, and at DEBUG it logs bodies and tokens in clear.
_vendor_log = logging.getLogger("github")
_vendor_log.handlers.clear()
_vendor_log.setLevel(logging.WARNING)


class Connection:
    """One identity's (a token's user or an App) way to one organisation's repository on GitHub."""

    def __init__(
        self,
        *,
        api_url: str,
        repository_name: str,
        token: str | None = None,
        app_id: str | None = None,
        app_private_key: str | None = None,
        call_seconds: float = 15,
        write_gap_seconds: float | None = 1.0,
        pace: Pace | None = None,
    ) -> None:
        """Take either a token, or an App's id and private key. Nothing is sent yet."""
        if (token is None) == (app_id is None or app_private_key is None):
            raise ValueError("GitHub needs either a token or an App's id and private key")
        self._api_url = api_url
        self.repository_name = repository_name
        self._token = token
        self._app: Auth.AppAuth | None = None
        self._key_errors: tuple[type[Exception], ...] = ()
        if app_id and app_private_key:
            from jwt.exceptions import PyJWTError  # loads what an App signs with, which a token needs nothing of

            self._app, self._key_errors = Auth.AppAuth(app_id, app_private_key), (PyJWTError,)
        self._call_seconds = max(1, round(call_seconds))  # PyGithub takes whole seconds only
        self._write_gap_seconds = write_gap_seconds
        self._pace = pace
        # Whom GitHub's limits count: whoever has this token, or an App with one owner it is installed at. Known without
        # asking, so that a process that has just started keeps a pause.
        who = sha256(token.encode()).hexdigest()[:12] if token else f"app-{app_id}@{repository_name.partition('/')[0]}"
        self.account = f"github:{urlsplit(api_url).netloc}/{who}".casefold()
        self.is_app = self._app is not None
        self.repository_id: int | None = None  # once it is known, the repository is addressed by it
        # PyGithub is not safe to share between threads: comments were sent twice (facts on GitHub, section 2).
        self._local = threading.local()

    def by_hand(self) -> "Connection":
        """Give the same without its pace: for whoever sits at a keyboard, perhaps without a database yet."""
        other = copy(self)
        other._pace = None
        return other

    def read(self, call: Callable[[], T], *, about: str = "") -> T:
        """Make a call that changes nothing; `about` says what of, as the error tells it on.

        Raises TemporaryError or PermanentError.
        """
        if self._pace is not None:
            self._pace.look(self.account)
        try:
            return call()
        except GithubException as error:
            raise self._refused(error, wrote=False, about=about) from error
        except self._key_errors as error:
            raise PermanentError("the App's private key cannot be used", trouble=Trouble.CREDENTIALS) from error
        except (requests.RequestException, *RUBBISH) as error:
            raise TemporaryError(f"GitHub could not be read ({type(error).__name__})") from error

    def write(self, call: Callable[[], T], *, about: str = "", counts: bool = True) -> T:
        """Make a call that changes something; `counts` says that it makes content, of which GitHub takes so much.

        Raises UnknownOutcomeError too: what was sent is never sent again.
        """
        self.read(self.client)  # signs in: its own calls, and their faults are certainly not the write's
        if self._pace is not None and counts:
            self._pace.take(self.account)
        try:
            return call()
        except GithubException as error:
            raise self._refused(error, wrote=True, about=about) from error
        except requests.ConnectTimeout as error:
            raise TemporaryError("GitHub could not be reached") from error
        except requests.ConnectionError as error:
            # Refused or unresolved: nothing was ever sent.
            if isinstance(getattr(error.args[0] if error.args else None, "reason", None), NewConnectionError):
                raise TemporaryError("GitHub could not be reached") from error
            raise UnknownOutcomeError("the connection to GitHub broke") from error
        except (requests.RequestException, *RUBBISH) as error:
            raise UnknownOutcomeError(f"GitHub's answer is not known ({type(error).__name__})") from error

    def _refused(self, error: GithubException, *, wrote: bool, about: str) -> Exception:
        if not asks_for_a_pause(error):
            return refused(error, wrote=wrote, about=about)
        said, until = "GitHub asks for a pause", wished(error)
        if self._pace is None:
            return TemporaryError(said, until or datetime.now(UTC) + LEAST_PAUSE)
        return PacedError(said, account=self.account, room_at=self._pace.pause(self.account, until))

    def client(self) -> Github:
        """Give this thread's own client, signed in."""
        client: Github | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = Github(auth=self._auth(), **self._options())
        self._sign_in(client)
        return client

    def repo(self) -> Any:
        """Give the repository, of which nothing is asked before something of it is."""
        return self.client().get_repo(self.repository_id if self.repository_id is not None else self.repository_name)

    def is_ours(self, issue: VendorIssue) -> bool:
        """Say whether an issue is in our repository, whichever name that has by now."""
        name = issue.repository_url.split("/repos/", 1)[-1].casefold()
        by_number = f"/repositories/{self.repository_id}"
        if issue.repository_url.endswith(by_number) or name == getattr(self._local, "present_name", None):
            return True
        # Not known yet, or the repository was renamed since, or the issue really is elsewhere.
        self._local.present_name = self.repo().complete().full_name.casefold()
        return bool(name == self._local.present_name)

    def integration(self) -> GithubIntegration:
        """Give this thread's own way to ask as the App itself, not as its installation."""
        integration: GithubIntegration | None = getattr(self._local, "integration", None)
        if integration is None:
            options = self._options()
            integration = self._local.integration = GithubIntegration(auth=self._app, **options)
        return integration

    def sign_in_anew(self) -> None:
        """Have this thread sign in again with its next call: an App may have been installed again since."""
        if self.is_app:
            self._local.client = None

    def _sign_in(self, client: Github) -> None:
        auth = client.requester.auth
        if not isinstance(auth, Auth.AppInstallationAuth):
            return
        try:
            _ = auth.token  # fetched when there is none, or an old one
        except GithubException as error:
            self._local.client = None  # an App that is installed again has another installation
            if error.status == 404:
                raise uninstalled() from error
            raise

    def _auth(self) -> Auth.Auth:
        if self._app is None:
            return Auth.Token(self._token or "")
        owner, _, name = self.repository_name.partition("/")
        try:
            installation = self.integration().get_repo_installation(owner, name)
        except GithubException as error:
            if error.status == 404:
                raise uninstalled() from error
            raise
        return self._app.get_installation_auth(installation.id)

    def _options(self) -> dict[str, Any]:
        return {
            "base_url": self._api_url,
            # Reads may be asked again; a write never is, its outcome is looked up instead.
            "retry": Retry(
                total=2,
                allowed_methods=frozenset({"GET", "HEAD"}),
                status_forcelist=range(500, 600),
                backoff_factor=0.5,
                respect_retry_after_header=False,
            ),
            "timeout": self._call_seconds,
            "per_page": 100,
            "lazy": True,
            "api_version": API_VERSION,
            "user_agent": USER_AGENT,
            "seconds_between_requests": min(0.1, self._write_gap_seconds) if self._write_gap_seconds else None,
            "seconds_between_writes": self._write_gap_seconds,
        }
