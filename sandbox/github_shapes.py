"""Renders GitHub's JSON: every field its published schema requires, with addresses on the host that was asked."""

from base64 import b64encode
from datetime import datetime

from sandbox.world import Account, Issue, IssueComment, Json, Label, Repository, World


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
            "author_association": self.association(issue.author),
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
            "author_association": self.association(comment.author),
            "body": comment.body,
            "created_at": stamp(comment.created_at),
            "updated_at": stamp(comment.updated_at),
            "performed_via_github_app": None,
            "reactions": _no_reactions(url),
        }

    def association(self, login: str) -> str:
        """Return what an account is to the repository, as everything somebody wrote says of its author."""
        account = self.world.accounts.get(login)
        if account is None or account.role == "read":
            return "NONE"
        return "COLLABORATOR" if account.login.startswith("trellis") else "MEMBER"


def node(kind: str, number: int) -> str:
    """Return a node id: opaque to clients, unique here."""
    return f"{kind}_{b64encode(str(number).encode()).decode().rstrip('=')}"


def _no_reactions(url: str) -> Json:
    words = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    return {"url": f"{url}/reactions", "total_count": 0} | dict.fromkeys(words, 0)
