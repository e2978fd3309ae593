"""The repository's files and pull requests on GitHub: only to propose the issue forms."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from integrations.errors import PermanentError, UnknownOutcomeError
from integrations.github_connection import LONGEST_TITLE, Connection

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RepositoryFile:
    """A file of a repository; `sha` is git's name of this content, by which a change says what it replaces."""

    text: str
    sha: str


class Files:
    """One repository's branches, files and pull requests."""

    def __init__(self, connection: Connection) -> None:
        """Nothing is sent yet."""
        self._connection = connection

    def default_branch(self) -> str:
        """Name the branch that the repository shows, and takes its issue forms from.

        https://docs.github.com/en/rest/repos/repos#get-a-repository
        """

        def asked() -> str:
            found = self._connection.repo().complete().default_branch
            if not found:
                raise ValueError("no branch in the answer")
            return str(found)

        return self._connection.read(asked)

    def branch_head(self, branch: str) -> str | None:
        """Give the newest commit of a branch; None when there is no such branch.

        https://docs.github.com/en/rest/git/refs#get-a-reference
        """

        def asked() -> str:
            place = f"{self._connection.repo().url}/git/ref/heads/{quote(branch)}"
            return str(self._connection.client().requester.requestJsonAndCheck("GET", place)[1]["object"]["sha"])

        return self._read_if_there(asked)

    def make_branch(self, branch: str, commit: str) -> None:
        """Make a branch that begins at a commit.

        https://docs.github.com/en/rest/git/refs#create-a-reference
        """
        sent = {"ref": f"refs/heads/{branch}", "sha": commit}
        self._connection.write(lambda: self._branch_at(commit, "POST", "/git/refs", sent))

    def move_branch(self, branch: str, commit: str) -> None:
        """Let a branch begin anew at a commit, whatever it held.

        https://docs.github.com/en/rest/git/refs#update-a-reference
        """
        sent = {"sha": commit, "force": True}
        self._connection.write(lambda: self._branch_at(commit, "PATCH", f"/git/refs/heads/{quote(branch)}", sent))

    def _branch_at(self, commit: str, method: str, place: str, sent: dict[str, Any]) -> None:
        _, made = self._connection.client().requester.requestJsonAndCheck(
            method, f"{self._connection.repo().url}{place}", input=sent
        )
        if made["object"]["sha"] != commit:
            raise ValueError("another commit in the answer")

    def file(self, path: str, *, branch: str) -> RepositoryFile | None:
        """Read a file of a branch; None when there is no such file, or no such branch.

        https://docs.github.com/en/rest/repos/contents#get-repository-content
        """

        def asked() -> RepositoryFile:
            place = f"{self._connection.repo().url}/contents/{quote(path)}"
            _, found = self._connection.client().requester.requestJsonAndCheck("GET", place, parameters={"ref": branch})
            text = b64decode(found["content"]).decode("utf-8", "replace")
            return RepositoryFile(text=text, sha=str(found["sha"]))

        return self._read_if_there(asked)

    def write_file(self, path: str, text: str, *, branch: str, message: str, replaces: str | None) -> None:
        """Put a file on a branch, as one commit. `replaces` is the `sha` of the file that was seen there, if any.

        https://docs.github.com/en/rest/repos/contents#create-or-update-file-contents
        """
        sent = {"message": message, "content": b64encode(text.encode()).decode(), "branch": branch}

        def put() -> None:
            place = f"{self._connection.repo().url}/contents/{quote(path)}"
            _, made = self._connection.client().requester.requestJsonAndCheck(
                "PUT", place, input=sent | ({"sha": replaces} if replaces else {})
            )
            if made["content"]["path"] != path:
                raise ValueError("another file in the answer")

        self._connection.write(put)

    def pull_request_from(self, branch: str) -> str | None:
        """Give the address of the open pull request of a branch of ours; None when there is none.

        https://docs.github.com/en/rest/pulls/pulls#list-pull-requests
        """

        def asked() -> str | None:
            head = f"{self._connection.repo().complete().full_name.partition('/')[0]}:{branch}"
            found = self._connection.repo().get_pulls(state="open", head=head)
            # Once more, because a redirect after a rename loses the query.
            return next((one.html_url for one in found if one.head.label.casefold() == head.casefold()), None)

        return self._connection.read(asked)

    def open_pull_request(self, *, title: str, body: str, branch: str, into: str) -> str:
        """Ask for a branch to be brought into another, and give the address where people look at it.

        https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request
        """
        made = self._connection.write(
            lambda: self._connection.repo().create_pull(into, branch, title=title[:LONGEST_TITLE], body=body)
        )
        if not isinstance(made.number, int) or not made.html_url:
            raise UnknownOutcomeError("GitHub's answer names no pull request")
        return str(made.html_url)

    def _read_if_there(self, call: Callable[[], T]) -> T | None:
        try:
            return self._connection.read(call)
        except PermanentError as error:
            if error.status != 404:
                raise
            return None
