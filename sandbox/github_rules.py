"""What can happen to issues: each change alters the world and sends the deliveries GitHub would send."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterable
from typing import Literal

from sandbox.deliveries import Courier
from sandbox.github_app_shapes import APP_ID, HOOK_ID, INSTALLATION_ID, AppShapes
from sandbox.github_shapes import Shapes
from sandbox.world import Account, Commit, Delivery, Issue, IssueComment, Json, Label, PullRequest, Repository, World

MOST_ASSIGNEES = 10
LABEL_COLOR = "ededed"


class GitHubRules:
    """The acts of people and programs on GitHub."""

    def __init__(self, world: World, courier: Courier) -> None:
        self.world = world
        self.courier = courier

    @property
    def shapes(self) -> Shapes:
        """Renders deliveries, whose addresses are always the sandbox's own."""
        return Shapes(self.world, self.world.base_url)

    def announce(self, repository: Repository, event: str, action: str, sender: str, **parts: object) -> None:
        """Send one signed delivery."""
        payload: Json = {"action": action, **parts}
        payload["repository"] = self.shapes.repository(repository)
        payload["organization"] = self.shapes.organization()
        payload["sender"] = self.shapes.account(sender)
        for_app = self.world.hook_kind == "integration"
        if for_app:
            number = self.world.installation_id
            payload["installation"] = {"id": number, "node_id": f"MDIz{number}"}
        self._send(event, action, payload, repository)

    def _send(self, event: str, action: str, payload: Json, repository: Repository | None) -> None:
        for_app = self.world.hook_kind == "integration"
        body = json.dumps(payload).encode()
        guid = str(uuid.uuid4())
        secret = self.world.settings.github_secret.encode()
        headers = {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/5a4db0c",
            "X-GitHub-Delivery": guid,
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": str(HOOK_ID),
            "X-GitHub-Hook-Installation-Target-Type": self.world.hook_kind,
            "X-GitHub-Hook-Installation-Target-ID": str(APP_ID if for_app or repository is None else repository.id),
        }
        if secret:
            headers["X-Hub-Signature"] = "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest()
            headers["X-Hub-Signature-256"] = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        self.courier.hand_over(
            Delivery(
                id=self.world.next_id("delivery", 90001),
                side="github",
                guid=guid,
                event=event,
                action=action,
                url=f"{self.world.settings.service_url}/webhooks/github",
                headers=headers,
                body=body,
                payload=payload,
                repository_id=repository.id if repository is not None else None,
                installation_id=self.world.installation_id if for_app else None,
            )
        )

    def announce_issue(self, repository: Repository, issue: Issue, action: str, sender: str, **parts: object) -> None:
        """Send a delivery of the event `issues`."""
        self.announce(repository, "issues", action, sender, issue=self.shapes.issue(repository, issue), **parts)

    # Issues

    def open_issue(
        self,
        repository: Repository,
        author: Account,
        title: str,
        body: str | None,
        labels: Iterable[str] = (),
        assignees: Iterable[str] = (),
    ) -> Issue:
        """Open an issue; one act, several deliveries."""
        now = self.world.now()
        repository.last_number += 1
        issue = Issue(
            id=self.world.next_id("issue", 70001),
            number=repository.last_number,
            title=title,
            body=body,
            author=author.login,
            created_at=now,
            updated_at=now,
        )
        repository.issues[issue.number] = issue
        put_on = [self._label_for(repository, name) for name in dict.fromkeys(labels)]
        issue.label_ids = list(dict.fromkeys(label.id for label in put_on))
        issue.assignees = self._assignable(assignees)
        self.announce_issue(repository, issue, "opened", author.login)
        for label in repository.labels_of(issue):
            rendered = self.shapes.label(repository, label)
            self.announce_issue(repository, issue, "labeled", author.login, label=rendered)
        for login in issue.assignees:
            assignee = self.shapes.account(login)
            self.announce_issue(repository, issue, "assigned", author.login, assignee=assignee)
        return issue

    def edit_text(
        self, repository: Repository, issue: Issue, actor: Account, title: str | None, body: str | None
    ) -> None:
        """Change title or body; None leaves as it is."""
        changes: Json = {}
        if title is not None and title != issue.title:
            changes["title"] = {"from": issue.title}
            issue.title = title
        if body is not None and body != issue.body:
            changes["body"] = {"from": issue.body or ""}
            issue.body = body
        if changes:
            self._touch(issue)
            self.announce_issue(repository, issue, "edited", actor.login, changes=changes)

    def set_state(
        self, repository: Repository, issue: Issue, actor: Account, state: str, reason: str | None = None
    ) -> None:
        """Close or reopen; the reason of a close is "completed" unless said."""
        if state == "closed":
            if issue.state == "closed" and reason in {None, issue.state_reason}:
                return
            issue.state, issue.state_reason = "closed", reason or "completed"
            issue.closed_at, issue.closed_by = self.world.now(), actor.login
            action = "closed"
        else:
            if issue.state == "open":
                return
            issue.state, issue.state_reason = "open", "reopened"
            issue.closed_at = issue.closed_by = None
            action = "reopened"
        self._touch(issue)
        self.announce_issue(repository, issue, action, actor.login)

    def set_labels(self, repository: Repository, issue: Issue, actor: Account, names: Iterable[str]) -> None:
        """Make these the issue's labels; unknown names become labels on the fly."""
        wanted = [self._label_for(repository, name) for name in names]
        wanted_ids = list(dict.fromkeys(label.id for label in wanted))
        before = repository.labels_of(issue)
        before_ids = [label.id for label in before]
        issue.label_ids = wanted_ids
        if set(before_ids) == set(wanted_ids):
            return
        self._touch(issue)
        for action, changed in (
            ("unlabeled", [label for label in before if label.id not in wanted_ids]),
            ("labeled", [label for label in wanted if label.id not in before_ids]),
        ):
            for label in changed:
                rendered = self.shapes.label(repository, label)
                self.announce_issue(repository, issue, action, actor.login, label=rendered)

    def set_assignees(self, repository: Repository, issue: Issue, actor: Account, logins: Iterable[str]) -> None:
        """Make these the issue's assignees; people who cannot be assigned are left out without a word."""
        wanted = self._assignable(logins)
        before = issue.assignees
        issue.assignees = wanted
        if set(before) == set(wanted):
            return
        self._touch(issue)
        for action, changed in (
            ("unassigned", [login for login in before if login not in wanted]),
            ("assigned", [login for login in wanted if login not in before]),
        ):
            for login in changed:
                assignee = self.shapes.account(login)
                self.announce_issue(repository, issue, action, actor.login, assignee=assignee)

    def set_locked(self, repository: Repository, issue: Issue, actor: Account, locked: bool) -> None:
        """Lock or unlock the conversation."""
        if issue.locked == locked:
            return
        issue.locked = locked
        self.announce_issue(repository, issue, "locked" if locked else "unlocked", actor.login)

    def delete_issue(self, repository: Repository, issue: Issue, actor: Account) -> None:
        """Delete for good; its number answers 410 from now on."""
        del repository.issues[issue.number]
        repository.deleted.add(issue.number)
        self.announce_issue(repository, issue, "deleted", actor.login)

    def transfer_issue(self, repository: Repository, issue: Issue, target: Repository, actor: Account) -> Issue:
        """Move an issue to another repository; labels go along only where the target has the same name."""
        old_repository, old_issue = self.shapes.repository(repository), self.shapes.issue(repository, issue)
        old_number = issue.number
        names = [label.name for label in repository.labels_of(issue)]
        del repository.issues[old_number]
        target.last_number += 1
        issue.number = target.last_number
        issue.label_ids = [label.id for name in names if (label := target.label_named(name))]
        issue.updated_at = self.world.now()
        target.issues[issue.number] = issue
        repository.moved[old_number] = (target.id, issue.number)
        changes: Json = {
            "new_issue": self.shapes.issue(target, issue),
            "new_repository": self.shapes.repository(target),
        }
        self.announce(repository, "issues", "transferred", actor.login, issue=old_issue, changes=changes)
        if self.world.hook_kind == "integration":
            # The hook of one repository hears nothing of another; an App's hook hears both.
            changes = {"old_issue": old_issue, "old_repository": old_repository}
            self.announce_issue(target, issue, "opened", actor.login, changes=changes)
        return issue

    # Comments

    def add_comment(self, repository: Repository, issue: Issue, author: Account, body: str) -> IssueComment:
        """Write a comment."""
        now = self.world.now()
        comment = IssueComment(self.world.next_id("comment", 80001), author.login, body, now, now)
        issue.comments.append(comment)
        self._touch(issue)
        self._announce_comment(repository, issue, comment, "created", author.login)
        return comment

    def edit_comment(
        self, repository: Repository, issue: Issue, comment: IssueComment, actor: Account, body: str
    ) -> None:
        """Change a comment's text."""
        before, comment.body = comment.body, body
        comment.updated_at = self.world.now()
        self._touch(issue)
        changes = {"body": {"from": before}}
        self._announce_comment(repository, issue, comment, "edited", actor.login, changes=changes)

    def delete_comment(self, repository: Repository, issue: Issue, comment: IssueComment, actor: Account) -> None:
        """Take a comment away."""
        issue.comments.remove(comment)
        self._announce_comment(repository, issue, comment, "deleted", actor.login)

    def _announce_comment(
        self, repository: Repository, issue: Issue, comment: IssueComment, action: str, sender: str, **parts: object
    ) -> None:
        self.announce(
            repository,
            "issue_comment",
            action,
            sender,
            issue=self.shapes.issue(repository, issue),
            comment=self.shapes.comment(repository, issue, comment),
            **parts,
        )

    # Labels of the repository

    def create_label(
        self, repository: Repository, actor: Account, name: str, color: str, description: str | None
    ) -> Label:
        """Add a label to the repository."""
        label = self._new_label(repository, name, color, description)
        self._announce_label(repository, label, "created", actor.login)
        return label

    def edit_label(
        self, repository: Repository, label: Label, actor: Account, name: str, color: str, description: str | None
    ) -> None:
        """Rename or repaint a label; it stays on its issues."""
        changes: Json = {}
        for key, before, after in (
            ("name", label.name, name),
            ("color", label.color, color),
            ("description", label.description, description),
        ):
            if before != after:
                changes[key] = {"from": before or ""}
        label.name, label.color, label.description = name, color, description
        if changes:
            self._announce_label(repository, label, "edited", actor.login, changes=changes)

    def delete_label(self, repository: Repository, label: Label, actor: Account) -> None:
        """Remove a label from the repository and from every issue."""
        wearing = [issue for issue in repository.issues.values() if label.id in issue.label_ids]
        repository.labels.remove(label)
        for issue in wearing:
            issue.label_ids.remove(label.id)
        self._announce_label(repository, label, "deleted", actor.login)
        for issue in wearing:
            # GitHub leaves out the label here, because it is gone.
            self.announce_issue(repository, issue, "unlabeled", actor.login)

    def _announce_label(self, repository: Repository, label: Label, action: str, sender: str, **parts: object) -> None:
        self.announce(repository, "label", action, sender, label=self.shapes.label(repository, label), **parts)

    # The repository itself

    def rename_repository(self, repository: Repository, full_name: str, actor: Account) -> None:
        """Give the repository a new name; the old one leads here."""
        before = repository.name
        repository.former_names.append(repository.full_name)
        repository.full_name = full_name
        changes = {"repository": {"name": {"from": before}}}
        self.announce(repository, "repository", "renamed", actor.login, changes=changes)

    def set_archived(self, repository: Repository, archived: bool, actor: Account) -> None:
        """Make the repository read-only, or writable again."""
        if repository.archived != archived:
            repository.archived = archived
            self.announce(repository, "repository", "archived" if archived else "unarchived", actor.login)

    # Branches, files and pull requests

    def write_file(
        self, repository: Repository, actor: Account, branch: str, path: str, content: bytes, message: str
    ) -> Commit:
        """Put a file on a branch, as one commit."""
        parent = repository.branches[branch]
        files = repository.files_on(branch) | {path: content}
        commit = Commit(parent, message, actor.login, self.world.now(), files)
        repository.commits[commit.sha] = commit
        repository.branches[branch] = commit.sha
        return commit

    def comes_after(self, repository: Repository, sha: str, earlier: str) -> bool:
        """Return whether one commit goes back to another, or is it."""
        at: str | None = sha
        while at is not None and at != earlier:
            at = repository.commits[at].parent
        return at == earlier

    def open_pull(
        self, repository: Repository, author: Account, title: str, body: str | None, head: str, base: str
    ) -> PullRequest:
        """Ask for a branch to be brought into another. The hook is not subscribed to it, so nothing is delivered."""
        now = self.world.now()
        repository.last_number += 1
        number = repository.last_number
        pull = PullRequest(self.world.next_id("pull", 60001), number, title, body, author.login, head, base, now, now)
        repository.pulls[number] = pull
        return pull

    def merge_pull(self, repository: Repository, pull: PullRequest, actor: Account) -> None:
        """Bring the branch in ("squash and merge"); the branch itself stays, as it does until somebody tidies."""
        for path, content in self.changed_by(repository, pull).items():
            self.write_file(repository, actor, pull.base, path, content, pull.title)
        pull.closed_at = pull.merged_at = pull.updated_at = self.world.now()

    def changed_by(self, repository: Repository, pull: PullRequest) -> dict[str, bytes]:
        """Return the files that a pull request would change, as they would be."""
        before = repository.files_on(pull.base)
        return {
            path: content for path, content in repository.files_on(pull.head).items() if before.get(path) != content
        }

    def set_installed(self, installed: Literal["installed", "suspended", "uninstalled"], actor: Account) -> None:
        """Suspend, take away or bring back the App; installed again, it has another number. Only Apps hear of it."""
        before, self.world.installed = self.world.installed, installed
        if before == installed:
            return
        if installed == "uninstalled":
            self.world.installation_tokens.clear()
        if before == "uninstalled":
            self.world.installation_id = self.world.next_id("installation", INSTALLATION_ID + 1)
        back = "created" if before == "uninstalled" else "unsuspend"
        action = {"suspended": "suspend", "uninstalled": "deleted", "installed": back}[installed]
        if self.world.hook_kind == "integration":
            home = self.world.repositories[4001]
            small = {name: self.shapes.repository(home)[name] for name in ("id", "node_id", "name", "full_name")}
            payload: Json = {
                "action": action,
                "installation": AppShapes(self.shapes).installation(),
                "repositories": [small | {"private": home.private}],
                "sender": self.shapes.account(actor.login),
            }
            self._send("installation", action, payload, None)

    # Helpers

    def _touch(self, issue: Issue) -> None:
        issue.updated_at = self.world.now()

    def _assignable(self, logins: Iterable[str]) -> list[str]:
        known = {login.lower(): account for login, account in self.world.accounts.items()}
        found = [
            account.login
            for login in logins
            if (account := known.get(login.lower())) and account.kind == "User" and account.may_triage
        ]
        return list(dict.fromkeys(found))[:MOST_ASSIGNEES]

    def _label_for(self, repository: Repository, name: str) -> Label:
        return repository.label_named(name) or self._new_label(repository, name, LABEL_COLOR, None)

    def _new_label(self, repository: Repository, name: str, color: str, description: str | None) -> Label:
        label = Label(self.world.next_id("label", 5001), name, color, description)
        repository.labels.append(label)
        return label
