"""GitHub, through PyGithub: the few calls Trellis makes, each sent at most once.

PyGithub's own retrying would send a POST again after a 502 or a time-out; it is switched off for writes. Repositories
are addressed by number, because writes to a renamed one are silently lost, and every result is checked (facts on
GitHub, sections 2 and 3).
"""

import logging
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import requests
from github import Auth, Github, GithubException, GithubIntegration, RateLimitExceededException
from github.GithubObject import NotSet
from github.HookDelivery import HookDeliverySummary
from github.Issue import Issue as VendorIssue
from github.IssueComment import IssueComment as VendorComment
from github.PaginatedList import PaginatedList
from jwt.exceptions import PyJWTError
from urllib3 import Retry
from urllib3.exceptions import NewConnectionError

from domain.issues import CloseReason, Comment, Gone, Issue, IssueGone, same_login
from domain.trouble import Trouble
from integrations.errors import PacedError, PermanentError, TemporaryError, UnknownOutcomeError
from integrations.pace import LEAST_PAUSE, Pace

T = TypeVar("T")
# What an answer that is no JSON, or not the JSON that was asked for, makes of PyGithub and of the code below.
RUBBISH = (AssertionError, RuntimeError, ValueError, TypeError, AttributeError, KeyError)

USER_AGENT = "trellis/0.1"
API_VERSION = "2022-11-28"
LABEL_COLOUR = "4c9a6a"
LONGEST_WAIT_SECONDS = 24 * 3600
LONGEST_TITLE = 256
LONGEST_BODY = 65_536

# Importing PyGithub adds a handler of its own, and at DEBUG it logs bodies and tokens in clear.
_vendor_log = logging.getLogger("github")
_vendor_log.handlers.clear()
_vendor_log.setLevel(logging.WARNING)


@dataclass(frozen=True, kw_only=True)
class RepositoryFile:
    """A file of a repository; `sha` is git's name of this content, by which a change says what it replaces."""

    text: str
    sha: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """How the repository stands: what is amiss with it, its present name, and whether our labels would be kept.

    The name is '' when it cannot be read; `keeps_labels` is None when GitHub does not say, as for an App.
    """

    trouble: Trouble | None
    name: str = ""
    keeps_labels: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A webhook of the repository, and the address it delivers to."""

    id: int
    address: str


@dataclass(frozen=True, kw_only=True)
class FailedDelivery:
    """One attempt at a delivery that did not arrive: `id` is the attempt's, `guid` the delivery's, however often tried.

    `hook_id` is None for the App's own webhook, which hears of many repositories; `repository_id` is None for what is
    about none, such as an installation.
    """

    id: int
    guid: str
    at: datetime
    redelivery: bool
    repository_id: int | None
    hook_id: int | None


class GitHub:
    """One organisation's repository on GitHub, as seen by one identity (a token's user or an App)."""

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
        self._repository_name = repository_name
        self._token = token
        self._app = Auth.AppAuth(app_id, app_private_key) if app_id and app_private_key else None
        self._call_seconds = max(1, round(call_seconds))  # PyGithub takes whole seconds only
        self._write_gap_seconds = write_gap_seconds
        self._pace = pace
        # Whom GitHub's limits count: whoever has this token, or an App with one owner it is installed at. Known without
        # asking, so that a process that has just started keeps a pause.
        who = sha256(token.encode()).hexdigest()[:12] if token else f"app-{app_id}@{repository_name.partition('/')[0]}"
        self.account = f"github:{urlsplit(api_url).netloc}/{who}".casefold()
        self._repository_id: int | None = None
        self._login: str | None = None
        # PyGithub is not safe to share between threads: comments were sent twice (facts on GitHub, section 2).
        self._local = threading.local()

    def by_hand(self) -> "GitHub":
        """Give the same without its pace: for whoever sits at a keyboard, perhaps without a database yet."""
        other = copy(self)
        other._pace = None
        return other

    # -- who and where ------------------------------------------------------------------------------------------

    def login(self) -> str:
        """Give our own login, by which our own writing is told from people's (`slug[bot]` for an App).

        https://docs.github.com/en/rest/users/users#get-the-authenticated-user
        """
        if self._login is None:
            self._login = self._read(self._ask_login)
        return self._login

    def _ask_login(self) -> str:
        if self._app is None:
            found = self._client().get_user().login
        else:
            slug = self._integration().get_app().slug
            found = slug and f"{slug}[bot]"
        if not found:
            raise ValueError("no login in the answer")
        return found

    def repository(self) -> tuple[int, str]:
        """Find the repository's number, which survives renames, and its present full name.

        https://docs.github.com/en/rest/repos/repos#get-a-repository
        """

        def asked() -> tuple[int, str]:
            found = self._client().get_repo(self._repository_name).complete()
            if not found.id or not found.full_name:
                raise ValueError("no repository in the answer")
            return found.id, found.full_name

        return self._read(asked)

    def use_repository(self, repository_id: int) -> None:
        """Address the repository by its number from now on."""
        self._repository_id = repository_id

    def look(self) -> Look:
        """Look how the repository stands, signing in anew: an App may have been installed again since.

        https://docs.github.com/en/rest/repos/repos#get-a-repository
        """

        def asked() -> Look:
            found = self._repo().complete()
            if not found.id or not found.full_name:
                raise ValueError("no repository in the answer")
            amiss = Trouble.ARCHIVED if found.archived else Trouble.ISSUES_OFF if found.has_issues is False else None
            may = found._rawData.get("permissions")
            return Look(
                trouble=amiss,
                name=found.full_name,
                keeps_labels=bool(may.get("push") or may.get("triage")) if isinstance(may, dict) else None,
            )

        if self._app is not None:
            self._local.client = None
        try:
            return self._read(asked)
        except PermanentError as error:
            if error.trouble is None:
                raise
            return Look(trouble=error.trouble)

    # -- reading ------------------------------------------------------------------------------------------------

    def issue(self, number: int) -> Issue | IssueGone:
        """Read one issue as it stands now, or say why it cannot be read.

        https://docs.github.com/en/rest/issues/issues#get-an-issue
        """

        def asked() -> Issue | IssueGone:
            found = self._repo().get_issue(number).complete()
            # A transferred issue is answered by the issue in its new repository (a followed 301).
            if found.number != number or not self._is_ours(found):
                return IssueGone(number=number, why=Gone.TRANSFERRED)
            return _issue(found)

        try:
            return self._read(asked)
        except PermanentError as error:
            # An issue of a repository whose issues are switched off is not deleted, though GitHub says 410 as well.
            if error.status not in (403, 404, 410, 451) or error.trouble in OF_THE_WAY_THERE:
                raise
            return IssueGone(number=number, why=_gone(error))

    def issues(
        self, *, label: str | None = None, creator: str | None = None, since: datetime | None = None
    ) -> Iterator[Issue]:
        """Read the repository's issues, open and closed, newest first; pull requests are left out.

        A redirect after a rename loses the query, so the filters are applied once more here.
        https://docs.github.com/en/rest/issues/issues#list-repository-issues
        """

        def listed() -> list[Issue]:
            found = self._repo().get_issues(
                state="all",
                sort="created",
                direction="desc",
                labels=[label] if label else NotSet,
                creator=creator or NotSet,
                since=since.astimezone(UTC) if since else NotSet,
            )
            # `raw_data` and `pull_request` would fetch every issue once more.
            return [_issue(one) for one in found if one._rawData.get("pull_request") is None]

        for issue in self._read(listed):
            if (label is None or issue.has_label(label)) and (creator is None or same_login(issue.author, creator)):
                yield issue

    def comments(self, number: int, *, since: datetime | None = None) -> list[Comment]:
        """Read an issue's comments, all pages, oldest first.

        https://docs.github.com/en/rest/issues/comments#list-issue-comments
        """

        def listed() -> list[Comment]:
            found = self._repo().get_issue(number).get_comments(since=since.astimezone(UTC) if since else NotSet)
            return [_comment(one) for one in found]

        return self._read(listed, about=str(number))

    def comments_since(self, since: datetime) -> list[tuple[int, Comment]]:
        """Read what was written or edited since on any issue, open or closed, oldest first, with its issue's number.

        All pages; what was said on pull requests is left out.
        https://docs.github.com/en/rest/issues/comments#list-issue-comments-for-a-repository
        """

        def listed() -> list[tuple[int, Comment]]:
            found = self._repo().get_issues_comments(since=since.astimezone(UTC))
            return [
                (int(one.issue_url.rpartition("/")[2]), _comment(one))
                for one in found
                # Once more, because a redirect after a rename loses the query.
                if one.updated_at >= since.replace(microsecond=0) and "/pull/" not in one.html_url
            ]

        return self._read(listed)

    def has_label(self, name: str) -> bool:
        """Say whether the repository has a label; on its issues it would be there under another name.

        https://docs.github.com/en/rest/issues/labels#get-a-label
        """

        def asked() -> bool:
            place = f"{self._repo().url}/labels/{quote(name, safe='')}"
            try:
                found = self._client().requester.requestJsonAndCheck("GET", place)[1]
            except GithubException as error:
                if error.status == 404:
                    return False
                raise
            return str(found["name"]).casefold() == name.casefold()

        return self._read(asked)

    def may_assign(self, login: str) -> bool:
        """Say whether a login can be assigned; GitHub drops others silently.

        https://docs.github.com/en/rest/issues/assignees#check-if-a-user-can-be-assigned
        """

        def asked() -> bool:
            try:
                self._repo().requester.requestJsonAndCheck("GET", f"{self._repo().url}/assignees/{login}")
            except GithubException as error:
                if error.status == 404:
                    return False
                raise
            return True

        return self._read(asked)

    # -- writing: each sent once ----------------------------------------------------------------------------------

    def open_issue(self, *, title: str, body: str, labels: tuple[str, ...], assignees: tuple[str, ...]) -> Issue:
        """Open an issue. What came of labels and assignees is in the answer: GitHub drops them without push access.

        https://docs.github.com/en/rest/issues/issues#create-an-issue
        """
        made = self._write(
            lambda: self._repo().create_issue(
                title=title[:LONGEST_TITLE], body=body[:LONGEST_BODY], labels=list(labels), assignees=list(assignees)
            )
        )
        if not isinstance(made.number, int) or made.number < 1 or not made.html_url:
            raise UnknownOutcomeError("GitHub's answer names no issue")
        return _issue(made)

    def comment(self, number: int, body: str) -> Comment:
        """Comment on an issue.

        https://docs.github.com/en/rest/issues/comments#create-an-issue-comment
        """
        made = self._write(
            lambda: self._repo().get_issue(number).create_comment(body[:LONGEST_BODY]), about=str(number)
        )
        if not made.body or not made.html_url:
            raise UnknownOutcomeError("GitHub's answer names no comment")
        # Asking for our login here could fail, and the comment would be sent again though it was made.
        author = made.user.login if made.user else "ghost"
        return Comment(id=made.id, author=author, body=made.body, created_at=made.created_at, url=made.html_url)

    def close(self, number: int) -> None:
        """Close an issue as completed; one that is closed already stays as it was closed.

        https://docs.github.com/en/rest/issues/issues#update-an-issue
        """

        def put() -> None:
            issue = self._repo().get_issue(number)
            if issue.state != "closed":
                issue.edit(state="closed", state_reason="completed")

        self._write(put, about=str(number))

    def add_labels(self, number: int, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Put labels on an issue and give the labels it has now; unknown ones are made by GitHub.

        https://docs.github.com/en/rest/issues/labels#add-labels-to-an-issue
        """

        def put() -> tuple[str, ...]:
            issue = self._repo().get_issue(number)
            _, found = issue.requester.requestJsonAndCheck(
                "POST", f"{issue.url}/labels", input={"labels": list(labels)}
            )
            return tuple(one["name"] for one in _list(found))

        return self._write(put, about=str(number))

    def remove_label(self, number: int, label: str) -> None:
        """Take a label off an issue; one that is not there is fine.

        https://docs.github.com/en/rest/issues/labels#remove-a-label-from-an-issue
        """

        def taken() -> None:
            try:
                place = f"{self._repo().url}/issues/{number}/labels/{quote(label, safe='')}"
                _list(self._client().requester.requestJsonAndCheck("DELETE", place)[1])
            except GithubException as error:
                if error.status != 404:
                    raise

        self._write(taken, about=str(number))

    def make_label(self, name: str, description: str) -> None:
        """Make a label of the repository; one that exists already is fine.

        https://docs.github.com/en/rest/issues/labels#create-a-label
        """

        def made() -> None:
            try:
                if str(self._repo().create_label(name, LABEL_COLOUR, description).name).casefold() != name.casefold():
                    raise ValueError("no label in the answer")
            except GithubException as error:
                codes = [one.get("code") for one in (error.data or {}).get("errors", []) if isinstance(one, dict)]
                if error.status != 422 or "already_exists" not in codes:
                    raise

        self._write(made)

    # -- the repository's files: only to propose the issue forms -----------------------------------------------------

    def default_branch(self) -> str:
        """Name the branch that the repository shows, and takes its issue forms from.

        https://docs.github.com/en/rest/repos/repos#get-a-repository
        """

        def asked() -> str:
            found = self._repo().complete().default_branch
            if not found:
                raise ValueError("no branch in the answer")
            return str(found)

        return self._read(asked)

    def branch_head(self, branch: str) -> str | None:
        """Give the newest commit of a branch; None when there is no such branch.

        https://docs.github.com/en/rest/git/refs#get-a-reference
        """

        def asked() -> str:
            place = f"{self._repo().url}/git/ref/heads/{quote(branch)}"
            return str(self._client().requester.requestJsonAndCheck("GET", place)[1]["object"]["sha"])

        return self._read_if_there(asked)

    def make_branch(self, branch: str, commit: str) -> None:
        """Make a branch that begins at a commit.

        https://docs.github.com/en/rest/git/refs#create-a-reference
        """
        sent = {"ref": f"refs/heads/{branch}", "sha": commit}
        self._write(lambda: self._branch_at(commit, "POST", "/git/refs", sent))

    def move_branch(self, branch: str, commit: str) -> None:
        """Let a branch begin anew at a commit, whatever it held.

        https://docs.github.com/en/rest/git/refs#update-a-reference
        """
        sent = {"sha": commit, "force": True}
        self._write(lambda: self._branch_at(commit, "PATCH", f"/git/refs/heads/{quote(branch)}", sent))

    def _branch_at(self, commit: str, method: str, place: str, sent: dict[str, Any]) -> None:
        _, made = self._client().requester.requestJsonAndCheck(method, f"{self._repo().url}{place}", input=sent)
        if made["object"]["sha"] != commit:
            raise ValueError("another commit in the answer")

    def file(self, path: str, *, branch: str) -> RepositoryFile | None:
        """Read a file of a branch; None when there is no such file, or no such branch.

        https://docs.github.com/en/rest/repos/contents#get-repository-content
        """

        def asked() -> RepositoryFile:
            place = f"{self._repo().url}/contents/{quote(path)}"
            _, found = self._client().requester.requestJsonAndCheck("GET", place, parameters={"ref": branch})
            text = b64decode(found["content"]).decode("utf-8", "replace")
            return RepositoryFile(text=text, sha=str(found["sha"]))

        return self._read_if_there(asked)

    def write_file(self, path: str, text: str, *, branch: str, message: str, replaces: str | None) -> None:
        """Put a file on a branch, as one commit. `replaces` is the `sha` of the file that was seen there, if any.

        https://docs.github.com/en/rest/repos/contents#create-or-update-file-contents
        """
        sent = {"message": message, "content": b64encode(text.encode()).decode(), "branch": branch}

        def put() -> None:
            place = f"{self._repo().url}/contents/{quote(path)}"
            _, made = self._client().requester.requestJsonAndCheck(
                "PUT", place, input=sent | ({"sha": replaces} if replaces else {})
            )
            if made["content"]["path"] != path:
                raise ValueError("another file in the answer")

        self._write(put)

    def pull_request_from(self, branch: str) -> str | None:
        """Give the address of the open pull request of a branch of ours; None when there is none.

        https://docs.github.com/en/rest/pulls/pulls#list-pull-requests
        """

        def asked() -> str | None:
            head = f"{self._repo().complete().full_name.partition('/')[0]}:{branch}"
            found = self._repo().get_pulls(state="open", head=head)
            # Once more, because a redirect after a rename loses the query.
            return next((one.html_url for one in found if one.head.label.casefold() == head.casefold()), None)

        return self._read(asked)

    def open_pull_request(self, *, title: str, body: str, branch: str, into: str) -> str:
        """Ask for a branch to be brought into another, and give the address where people look at it.

        https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request
        """
        made = self._write(lambda: self._repo().create_pull(into, branch, title=title[:LONGEST_TITLE], body=body))
        if not isinstance(made.number, int) or not made.html_url:
            raise UnknownOutcomeError("GitHub's answer names no pull request")
        return str(made.html_url)

    # -- what it could not deliver ----------------------------------------------------------------------------------

    @property
    def is_app(self) -> bool:
        """Say whether we are an App, which has one webhook of its own for all the repositories it is installed on."""
        return self._app is not None

    def hooks(self) -> list[Hook]:
        """Read the repository's webhooks; a token needs the permission *Webhooks* for it.

        https://docs.github.com/en/rest/repos/webhooks#list-repository-webhooks
        """

        def listed() -> list[Hook]:
            return [Hook(id=one.id, address=str(one.config.get("url", ""))) for one in self._repo().get_hooks()]

        return self._read(listed)

    def failed_deliveries(self, hook_id: int | None, *, since: datetime, most: int) -> list[FailedDelivery]:
        """Read which attempts did not arrive, newest first, back to an instant and not more than `most`.

        PyGithub knows neither the App's deliveries nor the filter, and follows the cursor all the same.
        https://docs.github.com/en/rest/repos/webhooks#list-deliveries-for-a-repository-webhook
        https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
        """

        def listed() -> list[FailedDelivery]:
            requester, place = self._hook(hook_id)
            pages = PaginatedList(HookDeliverySummary, requester, f"{place}/deliveries", {"status": "failure"})
            found = []
            for one in islice(pages, most):
                attempt = _failed(one, hook_id)
                if attempt.at < since:
                    break
                if one.status != "OK":
                    found.append(attempt)
            return found

        return self._read(listed)

    def redeliver(self, failed: FailedDelivery) -> None:
        """Ask for a delivery once more; GitHub makes the attempt soon, under the same GUID.

        https://docs.github.com/en/rest/repos/webhooks#redeliver-a-delivery-for-a-repository-webhook
        https://docs.github.com/en/rest/apps/webhooks#redeliver-a-delivery-for-an-app-webhook
        """

        def asked() -> None:
            requester, place = self._hook(failed.hook_id)
            _, found = requester.requestJsonAndCheck("POST", f"{place}/deliveries/{failed.id}/attempts")
            if found:
                raise ValueError("an accepted attempt says nothing")  # a redirect, which PyGithub does not report

        self._write(asked, counts=False)

    def _hook(self, hook_id: int | None) -> tuple[Any, str]:
        """Give who asks and where: the App's own webhook is asked about with its signature, not an installation's."""
        if hook_id is None:
            return self._integration().requester, "/app/hook"
        return self._client().requester, f"{self._repo().url}/hooks/{hook_id}"

    # -- the connection -------------------------------------------------------------------------------------------

    def _client(self) -> Github:
        client: Github | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = Github(auth=self._auth(), **self._options())
        self._sign_in(client)
        return client

    def _sign_in(self, client: Github) -> None:
        auth = client.requester.auth
        if not isinstance(auth, Auth.AppInstallationAuth):
            return
        try:
            _ = auth.token  # fetched when there is none, or an old one
        except GithubException as error:
            self._local.client = None  # an App that is installed again has another installation
            if error.status == 404:
                raise _uninstalled() from error
            raise

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

    def _auth(self) -> Auth.Auth:
        if self._app is None:
            return Auth.Token(self._token or "")
        owner, _, name = self._repository_name.partition("/")
        try:
            installation = self._integration().get_repo_installation(owner, name)
        except GithubException as error:
            if error.status == 404:
                raise _uninstalled() from error
            raise
        return self._app.get_installation_auth(installation.id)

    def _integration(self) -> GithubIntegration:
        integration: GithubIntegration | None = getattr(self._local, "integration", None)
        if integration is None:
            options = self._options()
            integration = self._local.integration = GithubIntegration(auth=self._app, **options)
        return integration

    def _repo(self) -> Any:
        return self._client().get_repo(
            self._repository_id if self._repository_id is not None else self._repository_name
        )

    def _is_ours(self, issue: VendorIssue) -> bool:
        name = issue.repository_url.split("/repos/", 1)[-1].casefold()
        by_number = f"/repositories/{self._repository_id}"
        if issue.repository_url.endswith(by_number) or name == getattr(self._local, "present_name", None):
            return True
        # Not known yet, or the repository was renamed since, or the issue really is elsewhere.
        self._local.present_name = self._repo().complete().full_name.casefold()
        return bool(name == self._local.present_name)

    def _read(self, call: Callable[[], T], *, about: str = "") -> T:
        if self._pace is not None:
            self._pace.look(self.account)
        try:
            return call()
        except GithubException as error:
            raise self._refused(error, wrote=False, about=about) from error
        except PyJWTError as error:
            raise PermanentError("the App's private key cannot be used", trouble=Trouble.CREDENTIALS) from error
        except (requests.RequestException, *RUBBISH) as error:
            raise TemporaryError(f"GitHub could not be read ({type(error).__name__})") from error

    def _read_if_there(self, call: Callable[[], T]) -> T | None:
        try:
            return self._read(call)
        except PermanentError as error:
            if error.status != 404:
                raise
            return None

    def _write(self, call: Callable[[], T], *, about: str = "", counts: bool = True) -> T:
        """Make a call that changes something; `counts` says that it makes content, of which GitHub takes so much."""
        self._read(self._client)  # signs in: its own calls, and their faults are certainly not the write's
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
        if not _is_limit(error):
            return _refused(error, wrote=wrote, about=about)
        said, until = "GitHub asks for a pause", _wished(error)
        if self._pace is None:
            return TemporaryError(said, until or datetime.now(UTC) + LEAST_PAUSE)
        return PacedError(said, account=self.account, room_at=self._pace.pause(self.account, until))


def _list(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, list):
        raise TypeError("no list in the answer")  # a redirect, which PyGithub neither follows nor reports
    return [one for one in found if isinstance(one, dict)]


def _issue(found: VendorIssue) -> Issue:
    reason = found.state_reason
    known = {one.value for one in CloseReason}
    return Issue(
        number=found.number,
        title=found.title,
        body=found.body or "",
        author=found.user.login if found.user else "ghost",
        url=found.html_url,
        open=found.state == "open",
        close_reason=CloseReason(reason) if found.state == "closed" and reason in known else None,
        labels=tuple(label.name for label in found.labels),
        assignees=tuple(person.login for person in found.assignees),
        locked=bool(found.locked),
        targets_done=_sub_issues(found, "completed"),
        targets_total=_sub_issues(found, "total"),
        created_at=found.created_at,
        updated_at=found.updated_at,
    )


def _comment(found: VendorComment) -> Comment:
    return Comment(
        id=found.id,
        author=found.user.login if found.user else "ghost",
        body=found.body or "",
        created_at=found.created_at,
        url=found.html_url,
    )


def _failed(found: HookDeliverySummary, hook_id: int | None) -> FailedDelivery:
    if not found.id or not found.guid or found.delivered_at is None:
        raise ValueError("no delivery in the answer")
    return FailedDelivery(
        id=found.id,
        guid=found.guid,
        at=found.delivered_at,
        redelivery=bool(found.redelivery),
        repository_id=found.repository_id or None,
        hook_id=hook_id,
    )


def _sub_issues(found: VendorIssue, which: str) -> int:
    """Read the summary of an issue's sub-issues, which older servers leave out."""
    summary = found._rawData.get("sub_issues_summary")
    counted = summary.get(which) if isinstance(summary, dict) else None
    return counted if isinstance(counted, int) else 0


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


def _uninstalled() -> PermanentError:
    return PermanentError("the App is not installed on the repository", status=404, trouble=Trouble.UNINSTALLED)


def _refused(error: GithubException, *, wrote: bool, about: str = "") -> Exception:
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


def _said(error: GithubException) -> str:
    return str((error.data or {}).get("message", "")) if isinstance(error.data, dict) else str(error.data)


def _is_limit(error: GithubException) -> bool:
    if isinstance(error, RateLimitExceededException) or error.status == 429:
        return True
    said = _said(error)
    headers = error.headers or {}
    return error.status == 403 and (
        "retry-after" in headers or "rate limit" in said.casefold() or headers.get("x-ratelimit-remaining") == "0"
    )


def _wished(error: GithubException) -> datetime | None:
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


def _gone(error: PermanentError) -> Gone:
    return Gone.DELETED if error.status == 410 else Gone.OUT_OF_REACH
