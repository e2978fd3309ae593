"""Renders GitHub's JSON: every field its published schema requires, with addresses on the host that was asked."""

from base64 import b64encode, encodebytes
from datetime import datetime
from hashlib import sha1

from sandbox.world import Account, Commit, Delivery, Issue, IssueComment, Json, Label, PullRequest, Repository, World

HOOK_ID = 77
APP_ID = 55
INSTALLATION_ID = 66
EVENTS = ["issues", "issue_comment", "label", "repository"]
API_PERMISSIONS = {"issues": "write", "metadata": "read", "members": "read"}


def stamp(moment: datetime | None) -> str | None:
    """Return a time as GitHub writes it: whole seconds, Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


class Shapes:
    """Renders records for one base address, such as http://127.0.0.1:8800."""

    def __init__(self, world: World, base: str) -> None:
        self.world = world
        self.web = base.rstrip("/")
        self.api = f"{self.web}/github"

    def account(self, login: str | None) -> Json | None:
        """Return a simple user."""
        account = self.world.accounts.get(login or "")
        if account is None:
            return None
        url = f"{self.api}/users/{account.login}"
        return {
            "login": account.login,
            "id": account.id,
            "node_id": node("U", account.id),
            "avatar_url": f"{self.web}/static/avatar.svg",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self.web}/",
            "followers_url": f"{url}/followers",
            "following_url": f"{url}/following{{/other_user}}",
            "gists_url": f"{url}/gists{{/gist_id}}",
            "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
            "subscriptions_url": f"{url}/subscriptions",
            "organizations_url": f"{url}/orgs",
            "repos_url": f"{url}/repos",
            "events_url": f"{url}/events{{/privacy}}",
            "received_events_url": f"{url}/received_events",
            "type": account.kind,
            "user_view_type": "public",
            "site_admin": False,
        }

    def full_account(self, account: Account) -> Json:
        """Return a public user with the profile fields."""
        born = stamp(self.world.repositories[4001].created_at)
        return (self.account(account.login) or {}) | {
            "name": account.name,
            "company": None,
            "blog": "",
            "location": None,
            "email": None,
            "hireable": None,
            "bio": None,
            "twitter_username": None,
            "public_repos": 0,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "created_at": born,
            "updated_at": born,
        }

    def organization(self) -> Json:
        """Return the co-op's organisation as deliveries show it."""
        account = self.world.accounts["fennel-works"]
        url = f"{self.api}/orgs/{account.login}"
        return {
            "login": account.login,
            "id": account.id,
            "node_id": node("O", account.id),
            "url": url,
            "avatar_url": f"{self.web}/static/avatar.svg",
            "description": account.name,
            "repos_url": f"{url}/repos",
            "events_url": f"{url}/events",
            "hooks_url": f"{url}/hooks",
            "issues_url": f"{url}/issues",
            "members_url": f"{url}/members{{/member}}",
            "public_members_url": f"{url}/public_members{{/member}}",
        }

    def repository_url(self, repository: Repository) -> str:
        """Return the API address of a repository, by name."""
        return f"{self.api}/repos/{repository.full_name}"

    def repository(self, repository: Repository, actor: Account | None = None) -> Json:
        """Return a full repository."""
        url = self.repository_url(repository)
        open_issues = sum(1 for issue in repository.issues.values() if issue.state == "open")
        born = stamp(repository.created_at)
        page = f"{self.web}/"
        plain = (
            "contributors deployments downloads events forks hooks languages merges stargazers subscribers "
            "subscription tags teams"
        )
        templated = {
            "archive_url": "/{archive_format}{/ref}",
            "assignees_url": "/assignees{/user}",
            "blobs_url": "/git/blobs{/sha}",
            "branches_url": "/branches{/branch}",
            "collaborators_url": "/collaborators{/collaborator}",
            "comments_url": "/comments{/number}",
            "commits_url": "/commits{/sha}",
            "compare_url": "/compare/{base}...{head}",
            "contents_url": "/contents/{+path}",
            "git_commits_url": "/git/commits{/sha}",
            "git_refs_url": "/git/refs{/sha}",
            "git_tags_url": "/git/tags{/sha}",
            "issue_comment_url": "/issues/comments{/number}",
            "issue_events_url": "/issues/events{/number}",
            "issues_url": "/issues{/number}",
            "keys_url": "/keys{/key_id}",
            "labels_url": "/labels{/name}",
            "milestones_url": "/milestones{/number}",
            "notifications_url": "/notifications{?since,all,participating}",
            "pulls_url": "/pulls{/number}",
            "releases_url": "/releases{/id}",
            "statuses_url": "/statuses/{sha}",
            "trees_url": "/git/trees{/sha}",
        }
        rendered: Json = {
            "id": repository.id,
            "node_id": node("R", repository.id),
            "name": repository.name,
            "full_name": repository.full_name,
            "owner": self.account(repository.owner) or self.account("fennel-works"),
            "private": repository.private,
            "visibility": "private" if repository.private else "public",
            "html_url": page,
            "description": "What we are learning, each of us",
            "fork": False,
            "url": url,
            **{f"{word}_url": f"{url}/{word}" for word in plain.split()},
            **{name: url + tail for name, tail in templated.items()},
            "clone_url": f"{page}{repository.full_name}.git",
            "git_url": f"{page}{repository.full_name}.git",
            "ssh_url": f"git@sandbox.invalid:{repository.full_name}.git",
            "svn_url": page,
            "mirror_url": None,
            "homepage": None,
            "language": None,
            "license": None,
            "topics": [],
            "default_branch": "main",
            "archived": repository.archived,
            "disabled": False,
            "has_issues": repository.has_issues,
            "has_projects": False,
            "has_wiki": False,
            "has_pages": False,
            "has_downloads": True,
            "has_discussions": False,
            "forks": 0,
            "forks_count": 0,
            "network_count": 0,
            "open_issues": open_issues,
            "open_issues_count": open_issues,
            "size": 1,
            "stargazers_count": 0,
            "subscribers_count": 0,
            "watchers": 0,
            "watchers_count": 0,
            "is_template": False,
            "web_commit_signoff_required": False,
            "pushed_at": born,
            "created_at": born,
            "updated_at": born,
        }
        if actor is not None:
            rendered["permissions"] = {
                "admin": actor.role == "admin",
                "maintain": actor.role == "admin",
                "push": actor.may_push,
                "triage": actor.may_triage,
                "pull": True,
            }
        return rendered

    def label(self, repository: Repository, label: Label) -> Json:
        """Return a label."""
        return {
            "id": label.id,
            "node_id": node("LA", label.id),
            "url": f"{self.repository_url(repository)}/labels/{label.name}",
            "name": label.name,
            "color": label.color,
            "default": False,
            "description": label.description,
        }

    def page_of(self, repository: Repository, issue: Issue) -> str:
        """Return the address of the page on which a person reads the issue."""
        where = "" if repository.id == 4001 else f"?repository={repository.id}"
        return f"{self.web}/issues/{issue.number}{where}"

    def issue(self, repository: Repository, issue: Issue) -> Json:
        """Return an issue."""
        url = f"{self.repository_url(repository)}/issues/{issue.number}"
        assignees = [self.account(login) for login in issue.assignees]
        return {
            "id": issue.id,
            "node_id": node("I", issue.id),
            "url": url,
            "repository_url": self.repository_url(repository),
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "timeline_url": f"{url}/timeline",
            "html_url": self.page_of(repository, issue),
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "user": self.account(issue.author),
            "author_association": self._association(issue.author),
            "labels": [self.label(repository, label) for label in repository.labels_of(issue)],
            "state": issue.state,
            "state_reason": issue.state_reason,
            "locked": issue.locked,
            "active_lock_reason": None,
            "assignee": assignees[0] if assignees else None,
            "assignees": assignees,
            "milestone": None,
            "comments": len(issue.comments),
            "created_at": stamp(issue.created_at),
            "updated_at": stamp(issue.updated_at),
            "closed_at": stamp(issue.closed_at),
            "closed_by": self.account(issue.closed_by),
            "performed_via_github_app": None,
            "reactions": _no_reactions(url),
            "sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0},
        }

    def comment(self, repository: Repository, issue: Issue, comment: IssueComment) -> Json:
        """Return an issue comment."""
        url = f"{self.repository_url(repository)}/issues/comments/{comment.id}"
        return {
            "id": comment.id,
            "node_id": node("IC", comment.id),
            "url": url,
            "html_url": f"{self.page_of(repository, issue)}#issuecomment-{comment.id}",
            "issue_url": f"{self.repository_url(repository)}/issues/{issue.number}",
            "user": self.account(comment.author),
            "author_association": self._association(comment.author),
            "body": comment.body,
            "created_at": stamp(comment.created_at),
            "updated_at": stamp(comment.updated_at),
            "performed_via_github_app": None,
            "reactions": _no_reactions(url),
        }

    def reference(self, repository: Repository, branch: str) -> Json:
        """Return a branch as git knows it."""
        sha = repository.branches[branch]
        url = f"{self.repository_url(repository)}/git"
        return {
            "ref": f"refs/heads/{branch}",
            "node_id": node("REF", int(sha[:8], 16)),
            "url": f"{url}/refs/heads/{branch}",
            "object": {"type": "commit", "sha": sha, "url": f"{url}/commits/{sha}"},
        }

    def file(self, repository: Repository, branch: str, path: str, whole: bool = True) -> Json:
        """Return a file of a branch, with its content or without."""
        content = repository.files_on(branch)[path]
        sha = blob_sha(content)
        api = self.repository_url(repository)
        url, git, page = f"{api}/contents/{path}?ref={branch}", f"{api}/git/blobs/{sha}", f"{self.web}/"
        rendered: Json = {
            "name": path.rsplit("/", 1)[-1],
            "path": path,
            "sha": sha,
            "size": len(content),
            "url": url,
            "html_url": page,
            "git_url": git,
            "download_url": page,
            "type": "file",
            "_links": {"self": url, "git": git, "html": page},
        }
        return rendered | ({"content": encodebytes(content).decode(), "encoding": "base64"} if whole else {})

    def commit(self, repository: Repository, commit: Commit) -> Json:
        """Return a commit as git knows it."""
        url = f"{self.repository_url(repository)}/git"
        who = {
            "name": self.world.accounts[commit.author].name,
            "email": f"{commit.author}@sandbox.invalid",
            "date": stamp(commit.at),
        }
        parents = [{"sha": commit.parent, "url": f"{url}/commits/{commit.parent}", "html_url": f"{self.web}/"}]
        return {
            "sha": commit.sha,
            "node_id": node("C", int(commit.sha[:8], 16)),
            "url": f"{url}/commits/{commit.sha}",
            "html_url": f"{self.web}/",
            "author": who,
            "committer": who,
            "message": commit.message,
            "tree": {"sha": commit.sha, "url": f"{url}/trees/{commit.sha}"},
            "parents": parents if commit.parent else [],
            "verification": {"verified": False, "reason": "unsigned", "signature": None, "payload": None},
        }

    def pull(self, repository: Repository, pull: PullRequest, whole: bool = False) -> Json:
        """Return a pull request, as a list shows it or with what only its own answer has."""
        api = self.repository_url(repository)
        url, talk = f"{api}/pulls/{pull.number}", f"{api}/issues/{pull.number}"
        page = f"{self.web}/pulls/{pull.number}"
        statuses = f"{api}/statuses/{repository.branches.get(pull.head, '')}"
        links = {
            "self": url,
            "html": page,
            "issue": talk,
            "comments": f"{talk}/comments",
            "review_comments": f"{url}/comments",
            "review_comment": f"{api}/pulls/comments{{/number}}",
            "commits": f"{url}/commits",
            "statuses": statuses,
        }
        rendered: Json = {
            "id": pull.id,
            "node_id": node("PR", pull.id),
            "url": url,
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "issue_url": talk,
            "commits_url": links["commits"],
            "review_comments_url": links["review_comments"],
            "review_comment_url": links["review_comment"],
            "comments_url": links["comments"],
            "statuses_url": statuses,
            "number": pull.number,
            "state": "closed" if pull.closed_at else "open",
            "locked": False,
            "title": pull.title,
            "user": self.account(pull.author),
            "body": pull.body,
            "labels": [],
            "milestone": None,
            "created_at": stamp(pull.created_at),
            "updated_at": stamp(pull.updated_at),
            "closed_at": stamp(pull.closed_at),
            "merged_at": stamp(pull.merged_at),
            "merge_commit_sha": None,
            "assignee": None,
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "head": self._side(repository, pull.head),
            "base": self._side(repository, pull.base),
            "_links": {name: {"href": address} for name, address in links.items()},
            "author_association": self._association(pull.author),
            "auto_merge": None,
            "draft": False,
        }
        if whole:
            head, base = repository.files_on(pull.head), repository.files_on(pull.base)
            changed = [path for path, content in head.items() if base.get(path) != content]
            rendered |= {
                "merged": pull.merged_at is not None,
                "mergeable": None,
                "rebaseable": None,
                "mergeable_state": "unknown",
                "merged_by": None,
                "comments": 0,
                "review_comments": 0,
                "maintainer_can_modify": False,
                "commits": len(changed),
                "additions": sum(head[path].count(b"\n") for path in changed),
                "deletions": 0,
                "changed_files": len(changed),
            }
        return rendered

    def _side(self, repository: Repository, branch: str) -> Json:
        return {
            "label": f"{repository.owner}:{branch}",
            "ref": branch,
            "sha": repository.branches.get(branch, ""),
            "user": self.account(repository.owner),
            "repo": self.repository(repository),
        }

    def app(self) -> Json:
        """Return the GitHub App behind `trellis[bot]`."""
        born = stamp(self.world.repositories[4001].created_at)
        return {
            "id": APP_ID,
            "slug": "trellis",
            "client_id": "Iv1.sandbox0trellis",
            "node_id": node("A", APP_ID),
            "owner": self.account("fennel-works"),
            "name": "Trellis",
            "description": "Invented for the sandbox",
            "external_url": f"{self.web}/",
            "html_url": f"{self.web}/",
            "created_at": born,
            "updated_at": born,
            "permissions": API_PERMISSIONS,
            "events": EVENTS,
            "installations_count": 1,
        }

    def installation(self) -> Json:
        """Return the one installation of that App."""
        born = stamp(self.world.repositories[4001].created_at)
        number, suspended = self.world.installation_id, self.world.installed == "suspended"
        url = f"{self.api}/app/installations/{number}"
        return {
            "id": number,
            "account": self.account("fennel-works"),
            "access_tokens_url": f"{url}/access_tokens",
            "repositories_url": f"{self.api}/installation/repositories",
            "html_url": f"{self.web}/",
            "app_id": APP_ID,
            "app_slug": "trellis",
            "target_id": 900,
            "target_type": "Organization",
            "repository_selection": "selected",
            "permissions": API_PERMISSIONS,
            "events": EVENTS,
            "single_file_name": None,
            "created_at": born,
            "updated_at": born,
            "suspended_by": self.account("ada-fw") if suspended else None,
            "suspended_at": stamp(self.world.now()) if suspended else None,
        }

    def hook(self, repository: Repository) -> Json:
        """Return the repository's one webhook."""
        url = f"{self.repository_url(repository)}/hooks/{HOOK_ID}"
        born = stamp(repository.created_at)
        return {
            "id": HOOK_ID,
            "type": "Repository",
            "name": "web",
            "active": True,
            "events": EVENTS,
            "config": {
                "url": f"{self.world.settings.service_url}/webhooks/github",
                "content_type": "json",
                "insecure_ssl": "0",
                "secret": "********",
            },
            "url": url,
            "ping_url": f"{url}/pings",
            "test_url": f"{url}/tests",
            "deliveries_url": f"{url}/deliveries",
            "last_response": {"code": None, "status": "unused", "message": None},
            "created_at": born,
            "updated_at": born,
        }

    def delivery(self, delivery: Delivery, whole: bool = False) -> Json:
        """Return one delivery, for the list or with request and response."""
        rendered: Json = {
            "id": delivery.id,
            "guid": delivery.guid,
            "delivered_at": stamp(delivery.delivered_at or self.world.now()),
            "redelivery": delivery.redelivery,
            "duration": delivery.duration,
            "status": delivery.status,
            "status_code": delivery.status_code,
            "event": delivery.event,
            "action": delivery.action,
            "installation_id": delivery.installation_id,
            "repository_id": delivery.repository_id,
            "throttled_at": None,
        }
        if whole:
            rendered["url"] = delivery.url
            rendered["request"] = {"headers": delivery.headers, "payload": delivery.payload}
            rendered["response"] = {"headers": delivery.response_headers, "payload": delivery.response_body}
        return rendered

    def _association(self, login: str) -> str:
        account = self.world.accounts.get(login)
        if account is None or account.role == "read":
            return "NONE"
        return "COLLABORATOR" if account.login.startswith("trellis") else "MEMBER"


def node(kind: str, number: int) -> str:
    """Return a node id: opaque to clients, unique here."""
    return f"{kind}_{b64encode(str(number).encode()).decode().rstrip('=')}"


def blob_sha(content: bytes) -> str:
    """Return the name git gives a file's content."""
    return sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _no_reactions(url: str) -> Json:
    words = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    return {"url": f"{url}/reactions", "total_count": 0} | dict.fromkeys(words, 0)
