"""Renders what GitHub says of branches, files, commits and pull requests."""

from base64 import encodebytes
from hashlib import sha1

from sandbox.github_shapes import Shapes, node, stamp
from sandbox.world import Commit, Json, PullRequest, Repository


class FileShapes:
    """Renders them with the addresses of the other shapes, which it asks for people and repositories."""

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes

    def reference(self, repository: Repository, branch: str) -> Json:
        """Return a branch as git knows it."""
        sha = repository.branches[branch]
        url = f"{self.shapes.repository_url(repository)}/git"
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
        api = self.shapes.repository_url(repository)
        url, git, page = f"{api}/contents/{path}?ref={branch}", f"{api}/git/blobs/{sha}", f"{self.shapes.web}/"
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
        url = f"{self.shapes.repository_url(repository)}/git"
        who = {
            "name": self.shapes.world.accounts[commit.author].name,
            "email": f"{commit.author}@sandbox.invalid",
            "date": stamp(commit.at),
        }
        parents = [{"sha": commit.parent, "url": f"{url}/commits/{commit.parent}", "html_url": f"{self.shapes.web}/"}]
        return {
            "sha": commit.sha,
            "node_id": node("C", int(commit.sha[:8], 16)),
            "url": f"{url}/commits/{commit.sha}",
            "html_url": f"{self.shapes.web}/",
            "author": who,
            "committer": who,
            "message": commit.message,
            "tree": {"sha": commit.sha, "url": f"{url}/trees/{commit.sha}"},
            "parents": parents if commit.parent else [],
            "verification": {"verified": False, "reason": "unsigned", "signature": None, "payload": None},
        }

    def pull(self, repository: Repository, pull: PullRequest, whole: bool = False) -> Json:
        """Return a pull request, as a list shows it or with what only its own answer has."""
        api = self.shapes.repository_url(repository)
        url, talk = f"{api}/pulls/{pull.number}", f"{api}/issues/{pull.number}"
        page = f"{self.shapes.web}/pulls/{pull.number}"
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
            "user": self.shapes.account(pull.author),
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
            "author_association": self.shapes.association(pull.author),
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
            "user": self.shapes.account(repository.owner),
            "repo": self.shapes.repository(repository),
        }


def blob_sha(content: bytes) -> str:
    """Return the name git gives a file's content."""
    return sha1(b"blob %d\0" % len(content) + content).hexdigest()
