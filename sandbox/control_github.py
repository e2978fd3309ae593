"""Controls of GitHub: what people do with issues on its pages, and what its admins do to the repository."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.control_sent import ControlError, sent_object
from sandbox.control_shapes import plain, show_issue, show_repository
from sandbox.people import OTHER_REPOSITORY_ID, REPOSITORY_ID
from sandbox.world import Account, Issue, Json, Repository

if TYPE_CHECKING:
    from sandbox.app import Sandbox


class GitHubControl:
    """The controls of issues, of the repository, and of who may do what there."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self.world = sandbox.world
        self.rules = sandbox.github

    def routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Which address leads where."""
        return [
            ("POST", "/github/issues", self.open_issue),
            ("POST", "/github/issues/<int:number>/comments", self.comment_on_issue),
            ("POST", "/github/issues/<int:number>/edit", self.edit_issue),
            ("POST", "/github/issues/<int:number>/transfer", self.transfer_issue),
            ("POST", "/github/issues/<int:number>/delete", self.delete_issue),
            ("POST", "/github/issues/<int:number>/lock", self.lock_issue),
            ("POST", "/github/issues/<int:number>/unlock", self.unlock_issue),
            ("POST", "/github/repository", self.change_repository),
            ("POST", "/github/access", self.change_access),
        ]

    def _repository_asked(self) -> Repository:
        return self.world.repositories[int(sent_object().get("repository", REPOSITORY_ID))]

    def _actor(self, default: str = "ada-fw") -> Account:
        login = str(sent_object().get("as", default))
        account = self.world.accounts.get(login)
        if account is None:
            raise ControlError(f"there is no account {login!r}; there are {sorted(self.world.accounts)}")
        return account

    def _issue_asked(self, number: int) -> tuple[Repository, Issue]:
        repository = self._repository_asked()
        if number not in repository.issues:
            raise ControlError(f"there is no issue {number}; there are {sorted(repository.issues)}")
        return repository, repository.issues[number]

    def open_issue(self) -> Json:
        """{"as", "title", "body", "labels", "assignees"}: as a form on the pages would."""
        sent, repository = sent_object(), self._repository_asked()
        issue = self.rules.open_issue(
            repository,
            self._actor(),
            str(sent.get("title", "Untitled")),
            sent.get("body"),
            sent.get("labels", ()),
            sent.get("assignees", ()),
        )
        return show_issue(repository, issue)

    def comment_on_issue(self, number: int) -> Json:
        """{"as", "body"}."""
        repository, issue = self._issue_asked(number)
        return plain(self.rules.add_comment(repository, issue, self._actor(), str(sent_object()["body"])))

    def edit_issue(self, number: int) -> Json:
        """{"as", "title", "body", "state", "state_reason", "labels", "assignees"}: what is sent is changed."""
        repository, issue = self._issue_asked(number)
        sent, actor, rules = sent_object(), self._actor(), self.rules
        rules.edit_text(repository, issue, actor, sent.get("title"), sent.get("body"))
        if "state" in sent:
            rules.set_state(repository, issue, actor, sent["state"], sent.get("state_reason"))
        if "labels" in sent:
            rules.set_labels(repository, issue, actor, sent["labels"])
        if "assignees" in sent:
            rules.set_assignees(repository, issue, actor, sent["assignees"])
        return show_issue(repository, issue)

    def transfer_issue(self, number: int) -> Json:
        """Move an issue to the other repository."""
        repository, issue = self._issue_asked(number)
        target = self.world.repositories[int(sent_object().get("to", OTHER_REPOSITORY_ID))]
        moved = self.rules.transfer_issue(repository, issue, target, self._actor())
        return show_issue(target, moved) | {"repository_id": target.id}

    def delete_issue(self, number: int) -> Json:
        """Delete an issue."""
        repository, issue = self._issue_asked(number)
        self.rules.delete_issue(repository, issue, self._actor())
        return {"deleted": number}

    def lock_issue(self, number: int) -> Json:
        """Lock an issue."""
        repository, issue = self._issue_asked(number)
        self.rules.set_locked(repository, issue, self._actor(), True)
        return show_issue(repository, issue)

    def unlock_issue(self, number: int) -> Json:
        """Unlock an issue."""
        repository, issue = self._issue_asked(number)
        self.rules.set_locked(repository, issue, self._actor(), False)
        return show_issue(repository, issue)

    def change_repository(self) -> Json:
        """{"rename": "owner/name"}, {"archived": bool}, {"has_issues": bool}, {"hidden": bool}, {"private": bool}."""
        sent, repository = sent_object(), self._repository_asked()
        if "rename" in sent:
            if str(sent["rename"]).count("/") != 1:
                raise ControlError("rename to owner/name")
            self.rules.rename_repository(repository, str(sent["rename"]), self._actor())
        if "archived" in sent:
            self.rules.set_archived(repository, bool(sent["archived"]), self._actor())
        for name in ("has_issues", "hidden", "private"):
            if name in sent:
                setattr(repository, name, bool(sent[name]))
        return show_repository(repository)

    def change_access(self) -> Json:
        """{"app": "installed"|"suspended"|"uninstalled"}, {"token_refused": bool}, {"role": "read", "as": LOGIN}."""
        sent = sent_object()
        if "app" in sent:
            if sent["app"] not in {"installed", "suspended", "uninstalled"}:
                raise ControlError("app is installed, suspended or uninstalled")
            self.rules.set_installed(sent["app"], self._actor())
        if "token_refused" in sent:
            self.world.token_refused = bool(sent["token_refused"])
        if "role" in sent:
            if sent["role"] not in {"admin", "push", "triage", "read"}:
                raise ControlError("role is admin, push, triage or read")
            self._actor().role = sent["role"]
        return {"app": self.world.installed, "token_refused": self.world.token_refused}
