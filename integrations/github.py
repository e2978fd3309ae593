"""GitHub's issues, comments and labels: the few calls Trellis makes, each sent at most once.

Every result is checked, because GitHub drops what we may not set, and answers writes to a renamed repository without
making them (facts on GitHub, sections 2 and 3).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from github import GithubException
from github.GithubObject import NotSet

from domain.issues import Comment, Gone, Issue, IssueGone, same_login
from domain.trouble import Trouble
from integrations.errors import PermanentError, UnknownOutcomeError
from integrations.github_answers import comment_of, issue_of, rows
from integrations.github_connection import LONGEST_TITLE, Connection
from integrations.github_errors import why_gone

LABEL_COLOUR = "4c9a6a"
LONGEST_BODY = 65_536


@dataclass(frozen=True, kw_only=True)
class Look:
    """How the repository stands: what is amiss with it, its present name, and whether our labels would be kept.

    The name is '' when it cannot be read; `keeps_labels` is None when GitHub does not say, as for an App.
    """

    trouble: Trouble | None
    name: str = ""
    keeps_labels: bool | None = None


class GitHub:
    """One organisation's repository on GitHub, as seen by one identity (a token's user or an App)."""

    def __init__(self, connection: Connection) -> None:
        """Nothing is sent yet."""
        self.connection = connection
        self.account = connection.account
        self._login: str | None = None

    # -- who and where ------------------------------------------------------------------------------------------

    def login(self) -> str:
        """Give our own login, by which our own writing is told from people's (`slug[bot]` for an App).

        https://docs.github.com/en/rest/users/users#get-the-authenticated-user
        """
        if self._login is None:
            self._login = self.connection.read(self._ask_login)
        return self._login

    def _ask_login(self) -> str:
        if not self.connection.is_app:
            found = self.connection.client().get_user().login
        else:
            slug = self.connection.integration().get_app().slug
            found = slug and f"{slug}[bot]"
        if not found:
            raise ValueError("no login in the answer")
        return found

    def repository(self) -> tuple[int, str]:
        """Find the repository's number, which survives renames, and its present full name.

        https://docs.github.com/en/rest/repos/repos#get-a-repository
        """

        def asked() -> tuple[int, str]:
            found = self.connection.client().get_repo(self.connection.repository_name).complete()
            if not found.id or not found.full_name:
                raise ValueError("no repository in the answer")
            return found.id, found.full_name

        return self.connection.read(asked)

    def use_repository(self, repository_id: int) -> None:
        """Address the repository by its number from now on."""
        self.connection.repository_id = repository_id

    def look(self) -> Look:
        """Look how the repository stands, signing in anew: an App may have been installed again since.

        https://docs.github.com/en/rest/repos/repos#get-a-repository
        """

        def asked() -> Look:
            found = self.connection.repo().complete()
            if not found.id or not found.full_name:
                raise ValueError("no repository in the answer")
            amiss = Trouble.ARCHIVED if found.archived else Trouble.ISSUES_OFF if found.has_issues is False else None
            may = found._rawData.get("permissions")
            return Look(
                trouble=amiss,
                name=found.full_name,
                keeps_labels=bool(may.get("push") or may.get("triage")) if isinstance(may, dict) else None,
            )

        self.connection.sign_in_anew()
        try:
            return self.connection.read(asked)
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
            found = self.connection.repo().get_issue(number).complete()
            # A transferred issue is answered by the issue in its new repository (a followed 301).
            if found.number != number or not self.connection.is_ours(found):
                return IssueGone(number=number, why=Gone.TRANSFERRED)
            return issue_of(found)

        try:
            return self.connection.read(asked)
        except PermanentError as error:
            why = why_gone(error)
            if why is None:
                raise
            return IssueGone(number=number, why=why)

    def issues(
        self, *, label: str | None = None, creator: str | None = None, since: datetime | None = None
    ) -> Iterator[Issue]:
        """Read the repository's issues, open and closed, newest first; pull requests are left out.

        A redirect after a rename loses the query, so the filters are applied once more here.
        https://docs.github.com/en/rest/issues/issues#list-repository-issues
        """

        def listed() -> list[Issue]:
            found = self.connection.repo().get_issues(
                state="all",
                sort="created",
                direction="desc",
                labels=[label] if label else NotSet,
                creator=creator or NotSet,
                since=since.astimezone(UTC) if since else NotSet,
            )
            # `raw_data` and `pull_request` would fetch every issue once more.
            return [issue_of(one) for one in found if one._rawData.get("pull_request") is None]

        for issue in self.connection.read(listed):
            if (label is None or issue.has_label(label)) and (creator is None or same_login(issue.author, creator)):
                yield issue

    def comments(self, number: int, *, since: datetime | None = None) -> list[Comment]:
        """Read an issue's comments, all pages, oldest first.

        https://docs.github.com/en/rest/issues/comments#list-issue-comments
        """

        def listed() -> list[Comment]:
            found = (
                self.connection.repo().get_issue(number).get_comments(since=since.astimezone(UTC) if since else NotSet)
            )
            return [comment_of(one) for one in found]

        return self.connection.read(listed, about=str(number))

    def comments_since(self, since: datetime) -> list[tuple[int, Comment]]:
        """Read what was written or edited since on any issue, open or closed, oldest first, with its issue's number.

        All pages; what was said on pull requests is left out.
        https://docs.github.com/en/rest/issues/comments#list-issue-comments-for-a-repository
        """

        def listed() -> list[tuple[int, Comment]]:
            found = self.connection.repo().get_issues_comments(since=since.astimezone(UTC))
            return [
                (int(one.issue_url.rpartition("/")[2]), comment_of(one))
                for one in found
                # Once more, because a redirect after a rename loses the query.
                if one.updated_at >= since.replace(microsecond=0) and "/pull/" not in one.html_url
            ]

        return self.connection.read(listed)

    def has_label(self, name: str) -> bool:
        """Say whether the repository has a label; on its issues it would be there under another name.

        https://docs.github.com/en/rest/issues/labels#get-a-label
        """

        def asked() -> bool:
            place = f"{self.connection.repo().url}/labels/{quote(name, safe='')}"
            try:
                found = self.connection.client().requester.requestJsonAndCheck("GET", place)[1]
            except GithubException as error:
                if error.status == 404:
                    return False
                raise
            return str(found["name"]).casefold() == name.casefold()

        return self.connection.read(asked)

    def may_assign(self, login: str) -> bool:
        """Say whether a login can be assigned; GitHub drops others silently.

        https://docs.github.com/en/rest/issues/assignees#check-if-a-user-can-be-assigned
        """

        def asked() -> bool:
            place = f"{self.connection.repo().url}/assignees/{login}"
            try:
                self.connection.client().requester.requestJsonAndCheck("GET", place)
            except GithubException as error:
                if error.status == 404:
                    return False
                raise
            return True

        return self.connection.read(asked)

    # -- writing: each sent once ----------------------------------------------------------------------------------

    def open_issue(self, *, title: str, body: str, labels: tuple[str, ...], assignees: tuple[str, ...]) -> Issue:
        """Open an issue. What came of labels and assignees is in the answer: GitHub drops them without push access.

        https://docs.github.com/en/rest/issues/issues#create-an-issue
        """
        made = self.connection.write(
            lambda: self.connection.repo().create_issue(
                title=title[:LONGEST_TITLE], body=body[:LONGEST_BODY], labels=list(labels), assignees=list(assignees)
            )
        )
        if not isinstance(made.number, int) or made.number < 1 or not made.html_url:
            raise UnknownOutcomeError("GitHub's answer names no issue")
        return issue_of(made)

    def comment(self, number: int, body: str) -> Comment:
        """Comment on an issue.

        https://docs.github.com/en/rest/issues/comments#create-an-issue-comment
        """
        made = self.connection.write(
            lambda: self.connection.repo().get_issue(number).create_comment(body[:LONGEST_BODY]), about=str(number)
        )
        if not made.body or not made.html_url:
            raise UnknownOutcomeError("GitHub's answer names no comment")
        # Its author is in the answer: asking for our login could fail, and it would be sent again though it was made.
        return comment_of(made)

    def close(self, number: int) -> None:
        """Close an issue as completed; one that is closed already stays as it was closed.

        https://docs.github.com/en/rest/issues/issues#update-an-issue
        """

        def put() -> None:
            issue = self.connection.repo().get_issue(number)
            if issue.state != "closed":
                issue.edit(state="closed", state_reason="completed")

        self.connection.write(put, about=str(number))

    def add_labels(self, number: int, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Put labels on an issue and give the labels it has now; unknown ones are made by GitHub.

        https://docs.github.com/en/rest/issues/labels#add-labels-to-an-issue
        """

        def put() -> tuple[str, ...]:
            issue = self.connection.repo().get_issue(number)
            _, found = issue.requester.requestJsonAndCheck(
                "POST", f"{issue.url}/labels", input={"labels": list(labels)}
            )
            return tuple(one["name"] for one in rows(found))

        return self.connection.write(put, about=str(number))

    def remove_label(self, number: int, label: str) -> None:
        """Take a label off an issue; one that is not there is fine.

        https://docs.github.com/en/rest/issues/labels#remove-a-label-from-an-issue
        """

        def taken() -> None:
            try:
                place = f"{self.connection.repo().url}/issues/{number}/labels/{quote(label, safe='')}"
                rows(self.connection.client().requester.requestJsonAndCheck("DELETE", place)[1])
            except GithubException as error:
                if error.status != 404:
                    raise

        self.connection.write(taken, about=str(number))

    def make_label(self, name: str, description: str) -> None:
        """Make a label of the repository; one that exists already is fine.

        https://docs.github.com/en/rest/issues/labels#create-a-label
        """

        def made() -> None:
            try:
                if (
                    str(self.connection.repo().create_label(name, LABEL_COLOUR, description).name).casefold()
                    != name.casefold()
                ):
                    raise ValueError("no label in the answer")
            except GithubException as error:
                codes = [one.get("code") for one in (error.data or {}).get("errors", []) if isinstance(one, dict)]
                if error.status != 422 or "already_exists" not in codes:
                    raise

        self.connection.write(made)
