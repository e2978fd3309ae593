"""GitHub's REST API under /github: the part an issue-keeping service uses, with its refusals."""

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import urlencode

from flask import Blueprint, Response, g, jsonify, request

from sandbox.faults import FAULT_KEY, Fault
from sandbox.github_rules import GitHubRules
from sandbox.github_shapes import API_PERMISSIONS, HOOK_ID, Shapes, blob_sha, stamp
from sandbox.world import Account, Delivery, Issue, IssueComment, Json, Repository, World

DOCS = "https://docs.github.com/rest"
HOURLY_BUDGET = 5000
LONGEST_TEXT = 65_536
LONGEST_TITLE = 256
LONGEST_LABEL = 50
LONGEST_LABEL_DESCRIPTION = 100
STATE_REASONS = ("completed", "not_planned", "duplicate", "reopened", None)
WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})


class GitHubError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, message: str, errors: list[Json] | None = None, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, "documentation_url": DOCS, "status": str(status)}
        if errors is not None:
            self.body["errors"] = errors
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Moved(Exception):  # noqa: N818  (not an error: a signpost)
    """What was asked for lives at another address."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def invalid(resource: str, field: str, code: str, message: str | None = None) -> GitHubError:
    """Return a 422 about one field."""
    error: Json = {"resource": resource, "field": field, "code": code}
    if message:
        error["message"] = message
    return GitHubError(422, "Validation Failed", [error])


def not_found() -> GitHubError:
    """Return the 404 that also means: not yours to see."""
    return GitHubError(404, "Not Found")


def create_github(world: World, rules: GitHubRules) -> Blueprint:
    """Return the API as a blueprint."""
    blueprint = Blueprint("github", __name__, url_prefix="/github")
    api = GitHubApi(world, rules)
    blueprint.before_request(api.admit)
    blueprint.after_request(api.sign_off)
    blueprint.register_error_handler(GitHubError, api.refuse)
    blueprint.register_error_handler(Moved, api.point_elsewhere)

    def of_repository(rule: str, view: Callable[..., Any], *methods: str) -> None:
        endpoint = f"{view.__name__}_{'_'.join(methods)}"
        for prefix, form in (("/repos/<owner>/<name>", "by_name"), ("/repositories/<int:repository_id>", "by_id")):
            blueprint.add_url_rule(prefix + rule, f"{endpoint}_{form}", api.with_repository(view), methods=methods)

    of_repository("", api.show_repository, "GET")
    of_repository("/issues", api.list_issues, "GET")
    of_repository("/issues", api.create_issue, "POST")
    of_repository("/issues/<int:number>", api.show_issue, "GET")
    of_repository("/issues/<int:number>", api.edit_issue, "PATCH")
    of_repository("/issues/<int:number>/comments", api.list_comments, "GET")
    of_repository("/issues/<int:number>/comments", api.create_comment, "POST")
    of_repository("/issues/comments", api.list_all_comments, "GET")
    of_repository("/issues/comments/<int:comment_id>", api.show_comment, "GET")
    of_repository("/issues/comments/<int:comment_id>", api.edit_comment, "PATCH")
    of_repository("/issues/comments/<int:comment_id>", api.delete_comment, "DELETE")
    of_repository("/issues/<int:number>/labels", api.list_issue_labels, "GET")
    of_repository("/issues/<int:number>/labels", api.add_labels, "POST")
    of_repository("/issues/<int:number>/labels", api.replace_labels, "PUT")
    of_repository("/issues/<int:number>/labels", api.remove_labels, "DELETE")
    of_repository("/issues/<int:number>/labels/<path:label_name>", api.remove_label, "DELETE")
    of_repository("/issues/<int:number>/assignees", api.add_assignees, "POST")
    of_repository("/issues/<int:number>/assignees", api.remove_assignees, "DELETE")
    of_repository("/issues/<int:number>/lock", api.lock_issue, "PUT")
    of_repository("/issues/<int:number>/lock", api.unlock_issue, "DELETE")
    of_repository("/labels", api.list_labels, "GET")
    of_repository("/labels", api.create_label, "POST")
    of_repository("/labels/<path:label_name>", api.show_label, "GET")
    of_repository("/labels/<path:label_name>", api.edit_label, "PATCH")
    of_repository("/labels/<path:label_name>", api.delete_label, "DELETE")
    of_repository("/assignees", api.list_assignees, "GET")
    of_repository("/assignees/<login>", api.check_assignee, "GET")
    of_repository("/git/ref/<path:name_of_ref>", api.show_reference, "GET")
    of_repository("/git/refs", api.create_reference, "POST")
    of_repository("/git/refs/<path:name_of_ref>", api.move_reference, "PATCH")
    of_repository("/contents/<path:path>", api.show_file, "GET")
    of_repository("/contents/<path:path>", api.write_file, "PUT")
    of_repository("/pulls", api.list_pulls, "GET")
    of_repository("/pulls", api.create_pull, "POST")
    of_repository("/installation", api.show_repository_installation, "GET")
    of_repository("/hooks", api.list_hooks, "GET")
    of_repository(f"/hooks/{HOOK_ID}/deliveries", api.list_hook_deliveries, "GET")
    of_repository(f"/hooks/{HOOK_ID}/deliveries/<int:delivery_id>", api.show_hook_delivery, "GET")
    of_repository(f"/hooks/{HOOK_ID}/deliveries/<int:delivery_id>/attempts", api.redeliver_to_hook, "POST")

    add = blueprint.add_url_rule
    add("/user", view_func=api.show_me)
    add("/users/<login>", view_func=api.show_user)
    add("/rate_limit", view_func=api.show_rate_limit)
    add("/app", view_func=api.show_app)
    add("/app/installations", view_func=api.list_installations)
    add("/app/installations/<int:installation_id>", view_func=api.show_installation)
    add("/app/installations/<int:installation_id>/access_tokens", view_func=api.create_token, methods=["POST"])
    add("/app/hook/deliveries", view_func=api.list_app_deliveries)
    add("/app/hook/deliveries/<int:delivery_id>", view_func=api.show_app_delivery)
    add("/app/hook/deliveries/<int:delivery_id>/attempts", view_func=api.redeliver_to_app, methods=["POST"])
    add("/<path:anything>", view_func=api.nothing_here, methods=["GET", "POST", "PATCH", "PUT", "DELETE"])
    return blueprint


class GitHubApi:
    """The endpoints; each runs under the world's lock."""

    def __init__(self, world: World, rules: GitHubRules) -> None:
        self.world = world
        self.rules = rules

    # Coming in and going out

    def admit(self) -> None:
        """Find out who asks, and whether they ask too much."""
        g.actor = self._actor()
        g.is_app = g.actor is None and _is_app_token(_token())
        if self.world.installed == "suspended" and g.actor is not None and g.actor.login == "trellis[bot]":
            raise GitHubError(403, "This installation has been suspended")
        if g.actor is None and not g.is_app and _token():
            raise GitHubError(401, "Bad credentials")
        who = g.actor.login if g.actor else "app" if g.is_app else "anyone"
        g.who = who
        self.world.requests_made[who] += 1
        if request.method in WRITES:
            self._count_write(who)

    def sign_off(self, response: Response) -> Response:
        """Add the headers every answer carries."""
        used = self.world.requests_made[g.get("who", "anyone")]
        response.headers["X-RateLimit-Limit"] = str(HOURLY_BUDGET)
        response.headers["X-RateLimit-Remaining"] = str(max(0, HOURLY_BUDGET - used))
        response.headers["X-RateLimit-Used"] = str(used)
        response.headers["X-RateLimit-Reset"] = str(_next_full_hour())
        response.headers["X-RateLimit-Resource"] = "core"
        response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
        response.headers["X-GitHub-Request-Id"] = f"5A4D:{len(self.world.requests):04X}"
        if response.content_type == "application/json":
            response.content_type = "application/json; charset=utf-8"
        return response

    def refuse(self, error: GitHubError) -> Response:
        """Answer with a refusal."""
        response = jsonify(error.body)
        response.status_code = error.status
        response.headers.update(error.headers)
        return response

    def point_elsewhere(self, moved: Moved) -> Response:
        """Answer with the new address: 301 to read it, 307 to write there; the query goes along."""
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        target = f"{self._shapes.api}{moved.path}{query}"
        reading = request.method in {"GET", "HEAD"}
        response = jsonify(
            {
                "message": "Moved Permanently" if reading else "Temporary Redirect",
                "url": target,
                "documentation_url": DOCS,
            }
        )
        response.status_code = 301 if reading else 307
        response.headers["Location"] = target
        return response

    def with_repository(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """Return the view with its repository found, whichever of the two address forms was used."""

        def found(**values: Any) -> Any:
            repository = self._find_repository(
                values.pop("owner", None), values.pop("name", None), values.pop("repository_id", None)
            )
            return view(repository, **values)

        return found

    @property
    def _shapes(self) -> Shapes:
        return Shapes(self.world, request.host_url)

    def _actor(self) -> Account | None:
        token = _token()
        if token == self.world.settings.github_token and not self.world.token_refused:
            return self.world.accounts["trellis-bot"]
        if token in self.world.installation_tokens:
            return self.world.accounts["trellis[bot]"]
        if token.startswith("person-"):
            return self.world.accounts.get(token.removeprefix("person-"))
        return None

    def _count_write(self, who: str) -> None:
        now = self.world.limits_clock()
        writes = self.world.writes[who]
        while writes and writes[0] < now - 3600:
            writes.popleft()
        in_last_minute = sum(1 for moment in writes if moment > now - 60)
        limits = self.world.limits
        if in_last_minute >= limits.per_minute or len(writes) >= limits.per_hour:
            raise GitHubError(
                403,
                "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. "
                "Please retry your request again later.",
                Retry_After="60",
            )
        writes.append(now)

    def _find_repository(self, owner: str | None, name: str | None, repository_id: int | None) -> Repository:
        found: Repository | None = None
        if repository_id is not None:
            found = self.world.repositories.get(repository_id)
        else:
            asked = f"{owner}/{name}".lower()
            for repository in self.world.repositories.values():
                if repository.full_name.lower() == asked:
                    found = repository
                elif found is None and asked in (former.lower() for former in repository.former_names):
                    tail = re.sub(r"^/github/repos/[^/]+/[^/]+", "", request.path)
                    raise Moved(f"/repositories/{repository.id}{tail}")
        if found is None or found.hidden or (found.private and g.actor is None and not g.is_app):
            raise not_found()
        if request.method in WRITES:
            self._require_actor()
            if found.archived and "/hooks/" not in request.path:
                raise GitHubError(403, "Repository was archived so is read-only.")
        return found

    def _require_actor(self) -> Account:
        if g.actor is None:
            raise GitHubError(401, "Requires authentication")
        actor: Account = g.actor
        return actor

    def _require_triage(self) -> Account:
        actor = self._require_actor()
        if not actor.may_triage:
            raise GitHubError(
                403, "Must have admin rights to Repository.", X_Accepted_GitHub_Permissions="issues=write"
            )
        return actor

    def _require_push(self) -> Account:
        actor = self._require_actor()
        if not actor.may_push:
            raise not_found()
        return actor

    def _find_issue(self, repository: Repository, number: int) -> Issue:
        issue = repository.issues.get(number)
        if issue is not None and repository.has_issues:
            return issue
        if number in repository.moved:
            new_repository, new_number = repository.moved[number]
            tail = re.sub(r"^.*?/issues/\d+", "", request.path)
            raise Moved(f"/repositories/{new_repository}/issues/{new_number}{tail}")
        if number in repository.deleted:
            raise GitHubError(410, "This issue was deleted")
        if not repository.has_issues:
            raise GitHubError(410, "Issues are disabled for this repo")
        raise not_found()

    def _find_comment(self, repository: Repository, comment_id: int) -> tuple[Issue, IssueComment]:
        for issue in repository.issues.values():
            for comment in issue.comments:
                if comment.id == comment_id:
                    return issue, comment
        raise not_found()

    def _page(self, items: Sequence[Json], repository: Repository | None = None) -> Response:
        """Answer with one page and, in the Link header, the way to the others."""
        per_page = min(100, max(1, _number("per_page", 30)))
        page = max(1, _number("page", 1))
        last = max(1, -(-len(items) // per_page))
        response = jsonify(items[(page - 1) * per_page : page * per_page])
        path = request.path
        if repository is not None:
            # GitHub's own links use the numeric form, whatever form was asked.
            path = re.sub(r"^/github/repos/[^/]+/[^/]+", f"/github/repositories/{repository.id}", path)
        links = []
        for relation, number in (("prev", page - 1), ("next", page + 1), ("last", last), ("first", 1)):
            there = number >= 1 and number <= last
            wanted = page > 1 if relation in {"prev", "first"} else page < last
            if there and wanted:
                query = urlencode([*((k, v) for k, v in request.args.items() if k != "page"), ("page", number)])
                links.append(f'<{self._shapes.web}{path}?{query}>; rel="{relation}"')
        if links:
            response.headers["Link"] = ", ".join(links)
        return response

    # Repository and people

    def show_repository(self, repository: Repository) -> Response:
        """GET /repos/O/R."""
        return jsonify(self._shapes.repository(repository, g.actor))

    def show_me(self) -> Response:
        """GET /user."""
        actor = self._require_actor()
        if actor.login == "trellis[bot]":
            raise GitHubError(403, "Resource not accessible by integration")
        return jsonify(self._shapes.full_account(actor))

    def show_user(self, login: str) -> Response:
        """GET /users/LOGIN."""
        for account in self.world.accounts.values():
            if account.login.lower() == login.lower():
                return jsonify(self._shapes.full_account(account))
        raise not_found()

    def show_rate_limit(self) -> Response:
        """GET /rate_limit."""
        used = self.world.requests_made[g.who]
        core = {
            "limit": HOURLY_BUDGET,
            "used": used,
            "remaining": max(0, HOURLY_BUDGET - used),
            "reset": _next_full_hour(),
        }
        search = {"limit": 30, "used": 0, "remaining": 30, "reset": _next_full_hour()}
        return jsonify({"resources": {"core": core, "search": search}, "rate": core})

    def list_assignees(self, repository: Repository) -> Response:
        """GET …/assignees."""
        people = [a for a in self.world.accounts.values() if a.kind == "User" and a.may_triage]
        return self._page([self._shapes.account(person.login) or {} for person in people], repository)

    def check_assignee(self, repository: Repository, login: str) -> Response:  # noqa: ARG002
        """GET …/assignees/LOGIN: 204 if assignable."""
        for account in self.world.accounts.values():
            if account.login.lower() == login.lower() and account.kind == "User" and account.may_triage:
                return Response(status=204)
        raise not_found()

    # Issues

    def list_issues(self, repository: Repository) -> Response:
        """GET …/issues with its filters; there are no pull requests here."""
        if not repository.has_issues:
            raise not_found()
        issues = self._sorted([i for i in repository.issues.values() if self._asked_for(repository, i)])
        fault = _fault("list_lag")
        if fault:
            youngest = self.world.now() - timedelta(seconds=fault.seconds)
            issues = [issue for issue in issues if issue.created_at <= youngest]
        return self._page([self._shapes.issue(repository, issue) for issue in issues], repository)

    def _asked_for(self, repository: Repository, issue: Issue) -> bool:
        asked = request.args
        state = asked.get("state", "open")
        if state not in {"open", "closed", "all"}:
            raise invalid("Issue", "state", "invalid")
        if state not in {"all", issue.state}:
            return False
        names = {label.name.lower() for label in repository.labels_of(issue)}
        if not {name.strip().lower() for name in asked.get("labels", "").split(",") if name.strip()} <= names:
            return False
        creator = asked.get("creator")
        if creator and creator.lower() != issue.author.lower():
            return False
        assignee = asked.get("assignee", "")
        logins = {login.lower() for login in issue.assignees}
        if (assignee == "none" and logins) or (assignee == "*" and not logins):
            return False
        if assignee not in {"", "none", "*"} and assignee.lower() not in logins:
            return False
        since = _since()
        return since is None or issue.updated_at.replace(microsecond=0) >= since

    def _sorted(self, issues: list[Issue]) -> list[Issue]:
        keys: dict[str, Callable[[Issue], Any]] = {
            "created": lambda issue: (issue.created_at, issue.number),
            "updated": lambda issue: (issue.updated_at, issue.number),
            "comments": lambda issue: (len(issue.comments), issue.number),
        }
        key = keys.get(request.args.get("sort", "created"), keys["created"])
        return sorted(issues, key=key, reverse=request.args.get("direction", "desc") != "asc")

    def create_issue(self, repository: Repository) -> tuple[Response, int]:
        """POST …/issues."""
        actor = self._require_actor()
        if not repository.has_issues:
            raise GitHubError(410, "Issues are disabled for this repo")
        sent = _sent_object()
        title = _text_in(sent, "title", "Issue", LONGEST_TITLE)
        if title is None or not title.strip():
            raise invalid("Issue", "title", "missing_field")
        body = _text_in(sent, "body", "Issue", LONGEST_TEXT)
        labels = _names_in(sent, "labels")
        assignees = _logins_in(sent)
        issue = self.rules.open_issue(
            repository,
            actor,
            title.strip(),
            body,
            labels if labels and self._keeps_labels(actor) else (),
            assignees if assignees and self._keeps_assignees(actor) else (),
        )
        return jsonify(self._shapes.issue(repository, issue)), 201

    def _keeps_labels(self, actor: Account) -> bool:
        return actor.may_triage and not _fault("drop_labels")

    def _keeps_assignees(self, actor: Account) -> bool:
        return actor.may_triage and not _fault("drop_assignees")

    def show_issue(self, repository: Repository, number: int) -> Response:
        """GET …/issues/N."""
        return jsonify(self._shapes.issue(repository, self._find_issue(repository, number)))

    def edit_issue(self, repository: Repository, number: int) -> Response:
        """PATCH …/issues/N."""
        actor = self._require_actor()
        issue = self._find_issue(repository, number)
        if not actor.may_triage and actor.login != issue.author:
            raise GitHubError(403, "Must have admin rights to Repository.")
        sent = _sent_object()
        title = _text_in(sent, "title", "Issue", LONGEST_TITLE)
        if "title" in sent and (title is None or not title.strip()):
            raise invalid("Issue", "title", "missing_field")
        body = _text_in(sent, "body", "Issue", LONGEST_TEXT)
        state, reason = sent.get("state"), sent.get("state_reason")
        if state not in {"open", "closed", None}:
            raise invalid("Issue", "state", "invalid")
        if reason not in STATE_REASONS:
            raise invalid("Issue", "state_reason", "invalid")
        labels = _names_in(sent, "labels")
        assignees = _logins_in(sent)
        if (title is not None or body is not None) and not actor.may_push and actor.login != issue.author:
            raise GitHubError(403, "Must have admin rights to Repository.")
        self.rules.edit_text(repository, issue, actor, title, body)
        if state is not None:
            self.rules.set_state(repository, issue, actor, state, reason if state == "closed" else None)
        if labels is not None and self._keeps_labels(actor):
            self.rules.set_labels(repository, issue, actor, labels)
        if assignees is not None and self._keeps_assignees(actor):
            self.rules.set_assignees(repository, issue, actor, assignees)
        return jsonify(self._shapes.issue(repository, issue))

    def lock_issue(self, repository: Repository, number: int) -> Response:
        """PUT …/issues/N/lock."""
        self.rules.set_locked(repository, self._find_issue(repository, number), self._require_push(), True)
        return Response(status=204)

    def unlock_issue(self, repository: Repository, number: int) -> Response:
        """DELETE …/issues/N/lock."""
        self.rules.set_locked(repository, self._find_issue(repository, number), self._require_push(), False)
        return Response(status=204)

    # Comments

    def list_comments(self, repository: Repository, number: int) -> Response:
        """GET …/issues/N/comments, oldest first."""
        issue = self._find_issue(repository, number)
        comments = self._fresh_enough(issue.comments)
        return self._page([self._shapes.comment(repository, issue, comment) for comment in comments], repository)

    def list_all_comments(self, repository: Repository) -> Response:
        """GET …/issues/comments: those of every issue."""
        pairs = [(issue, comment) for issue in repository.issues.values() for comment in issue.comments]
        kept = {comment.id for comment in self._fresh_enough([comment for _, comment in pairs])}
        pairs = sorted((pair for pair in pairs if pair[1].id in kept), key=lambda pair: pair[1].id)
        return self._page([self._shapes.comment(repository, *pair) for pair in pairs], repository)

    def _fresh_enough(self, comments: list[IssueComment]) -> list[IssueComment]:
        since = _since()
        fault = _fault("list_lag")
        youngest = self.world.now() - timedelta(seconds=fault.seconds) if fault else None
        return [
            comment
            for comment in comments
            if (since is None or comment.updated_at.replace(microsecond=0) >= since)
            and (youngest is None or comment.created_at <= youngest)
        ]

    def create_comment(self, repository: Repository, number: int) -> tuple[Response, int]:
        """POST …/issues/N/comments."""
        actor = self._require_actor()
        issue = self._find_issue(repository, number)
        body = self._comment_text()
        if issue.locked and actor.role != "admin":
            # Stricter than GitHub, where an account with push may still write: a locked issue must always hurt.
            raise GitHubError(403, "Unable to create comment because issue is locked.")
        comment = self.rules.add_comment(repository, issue, actor, body)
        return jsonify(self._shapes.comment(repository, issue, comment)), 201

    def _comment_text(self) -> str:
        body = _text_in(_sent_object(), "body", "IssueComment", LONGEST_TEXT)
        if body is None:
            raise invalid("IssueComment", "body", "missing_field")
        if not body.strip():
            raise invalid("IssueComment", "data", "unprocessable", "Body cannot be blank")
        return body

    def show_comment(self, repository: Repository, comment_id: int) -> Response:
        """GET …/issues/comments/ID."""
        return jsonify(self._shapes.comment(repository, *self._find_comment(repository, comment_id)))

    def edit_comment(self, repository: Repository, comment_id: int) -> Response:
        """PATCH …/issues/comments/ID."""
        actor = self._require_actor()
        issue, comment = self._find_comment(repository, comment_id)
        if not actor.may_push and actor.login != comment.author:
            raise GitHubError(403, "Must have admin rights to Repository.")
        self.rules.edit_comment(repository, issue, comment, actor, self._comment_text())
        return jsonify(self._shapes.comment(repository, issue, comment))

    def delete_comment(self, repository: Repository, comment_id: int) -> Response:
        """DELETE …/issues/comments/ID."""
        actor = self._require_actor()
        issue, comment = self._find_comment(repository, comment_id)
        if not actor.may_push and actor.login != comment.author:
            raise GitHubError(403, "Must have admin rights to Repository.")
        self.rules.delete_comment(repository, issue, comment, actor)
        return Response(status=204)

    # Labels and assignees of an issue

    def _labels_answer(self, repository: Repository, issue: Issue) -> Response:
        return jsonify([self._shapes.label(repository, label) for label in repository.labels_of(issue)])

    def list_issue_labels(self, repository: Repository, number: int) -> Response:
        """GET …/issues/N/labels."""
        return self._labels_answer(repository, self._find_issue(repository, number))

    def add_labels(self, repository: Repository, number: int) -> Response:
        """POST …/issues/N/labels: adds, and creates unknown names on the fly."""
        issue = self._find_issue(repository, number)
        actor = self._require_triage()
        names = _label_list()
        if not _fault("drop_labels"):
            before = [label.name for label in repository.labels_of(issue)]
            self.rules.set_labels(repository, issue, actor, [*before, *names])
        return self._labels_answer(repository, issue)

    def replace_labels(self, repository: Repository, number: int) -> Response:
        """PUT …/issues/N/labels."""
        issue = self._find_issue(repository, number)
        actor = self._require_triage()
        names = _label_list()
        if not _fault("drop_labels"):
            self.rules.set_labels(repository, issue, actor, names)
        return self._labels_answer(repository, issue)

    def remove_labels(self, repository: Repository, number: int) -> Response:
        """DELETE …/issues/N/labels: all of them."""
        issue = self._find_issue(repository, number)
        self.rules.set_labels(repository, issue, self._require_triage(), ())
        return Response(status=204)

    def remove_label(self, repository: Repository, number: int, label_name: str) -> Response:
        """DELETE …/issues/N/labels/NAME."""
        issue = self._find_issue(repository, number)
        actor = self._require_triage()
        names = [label.name for label in repository.labels_of(issue)]
        kept = [name for name in names if name.lower() != label_name.lower()]
        if len(kept) == len(names):
            raise GitHubError(404, "Label does not exist")
        self.rules.set_labels(repository, issue, actor, kept)
        return self._labels_answer(repository, issue)

    def add_assignees(self, repository: Repository, number: int) -> tuple[Response, int]:
        """POST …/issues/N/assignees."""
        issue = self._find_issue(repository, number)
        actor = self._require_actor()
        logins = _logins_in(_sent_object()) or []
        if self._keeps_assignees(actor):
            self.rules.set_assignees(repository, issue, actor, [*issue.assignees, *logins])
        return jsonify(self._shapes.issue(repository, issue)), 201

    def remove_assignees(self, repository: Repository, number: int) -> Response:
        """DELETE …/issues/N/assignees."""
        issue = self._find_issue(repository, number)
        actor = self._require_actor()
        gone = {login.lower() for login in _logins_in(_sent_object()) or []}
        if self._keeps_assignees(actor):
            kept = [login for login in issue.assignees if login.lower() not in gone]
            self.rules.set_assignees(repository, issue, actor, kept)
        return jsonify(self._shapes.issue(repository, issue))

    # Labels of the repository

    def list_labels(self, repository: Repository) -> Response:
        """GET …/labels."""
        return self._page([self._shapes.label(repository, label) for label in repository.labels], repository)

    def create_label(self, repository: Repository) -> tuple[Response, int]:
        """POST …/labels: 422 already_exists, whatever the case of the letters."""
        actor = self._require_push()
        sent = _sent_object()
        name = _label_name(sent.get("name"))
        if repository.label_named(name):
            raise invalid("Label", "name", "already_exists")
        color = _color(sent.get("color", "ededed"))
        label = self.rules.create_label(repository, actor, name, color, _label_description(sent))
        return jsonify(self._shapes.label(repository, label)), 201

    def show_label(self, repository: Repository, label_name: str) -> Response:
        """GET …/labels/NAME."""
        label = repository.label_named(label_name)
        if label is None:
            raise not_found()
        return jsonify(self._shapes.label(repository, label))

    def edit_label(self, repository: Repository, label_name: str) -> Response:
        """PATCH …/labels/NAME."""
        actor = self._require_push()
        label = repository.label_named(label_name)
        if label is None:
            raise not_found()
        sent = _sent_object()
        name = _label_name(sent["new_name"]) if sent.get("new_name") else label.name
        namesake = repository.label_named(name)
        if namesake is not None and namesake is not label:
            raise invalid("Label", "name", "already_exists")
        color = _color(sent["color"]) if sent.get("color") else label.color
        description = _label_description(sent) if "description" in sent else label.description
        self.rules.edit_label(repository, label, actor, name, color, description)
        return jsonify(self._shapes.label(repository, label))

    def delete_label(self, repository: Repository, label_name: str) -> Response:
        """DELETE …/labels/NAME."""
        actor = self._require_push()
        label = repository.label_named(label_name)
        if label is None:
            raise not_found()
        self.rules.delete_label(repository, label, actor)
        return Response(status=204)

    # Branches, files and pull requests

    def _require_right(self, right: str) -> Account:
        """Refuse as GitHub refuses a fine-grained token without this right."""
        actor = self._require_actor()
        if not actor.may_push:
            raise GitHubError(
                403,
                "Resource not accessible by personal access token",
                X_Accepted_GitHub_Permissions=f"{right}=write",
            )
        return actor

    def show_reference(self, repository: Repository, name_of_ref: str) -> Response:
        """GET …/git/ref/heads/BRANCH."""
        if not repository.branches:
            raise GitHubError(409, "Git Repository is empty.")
        return jsonify(self._shapes.reference(repository, _branch_of(repository, name_of_ref, 404)))

    def create_reference(self, repository: Repository) -> tuple[Response, int]:
        """POST …/git/refs: 422 when it exists already."""
        self._require_right("contents")
        sent = _sent_object()
        name, sha = sent.get("ref"), sent.get("sha")
        if not isinstance(name, str) or not re.fullmatch(r"refs/heads/[^\s~^:?*\\]+", name):
            raise GitHubError(422, "Reference name must start with 'refs/' and contain at least two slashes.")
        branch = name.removeprefix("refs/heads/")
        if sha not in repository.commits:
            raise GitHubError(422, "Object does not exist")
        if branch in repository.branches:
            raise GitHubError(422, "Reference already exists")
        repository.branches[branch] = sha
        return jsonify(self._shapes.reference(repository, branch)), 201

    def move_reference(self, repository: Repository, name_of_ref: str) -> Response:
        """PATCH …/git/refs/heads/BRANCH: forward only, unless forced."""
        self._require_right("contents")
        branch = _branch_of(repository, name_of_ref, 422)
        sent = _sent_object()
        sha = sent.get("sha")
        if sha not in repository.commits:
            raise GitHubError(422, "Object does not exist")
        if sent.get("force") is not True and not self.rules.comes_after(repository, sha, repository.branches[branch]):
            raise GitHubError(422, "Update is not a fast forward")
        repository.branches[branch] = sha
        return jsonify(self._shapes.reference(repository, branch))

    def show_file(self, repository: Repository, path: str) -> Response:
        """GET …/contents/PATH of a branch; folders are not listed here."""
        branch = request.args.get("ref", "main")
        if branch not in repository.branches:
            raise GitHubError(404, f"No commit found for the ref {branch}")
        if path not in repository.files_on(branch):
            raise not_found()
        return jsonify(self._shapes.file(repository, branch, path))

    def write_file(self, repository: Repository, path: str) -> tuple[Response, int]:
        """PUT …/contents/PATH: whoever replaces a file says which one they saw."""
        actor = self._require_right("contents")
        sent = _sent_object()
        branch = sent.get("branch", "main")
        if branch not in repository.branches:
            raise GitHubError(404, f"Branch {branch} not found")
        message, content = sent.get("message"), _content_in(sent)
        if not isinstance(message, str) or not message.strip():
            raise GitHubError(422, 'Invalid request.\n\n"message" wasn\'t supplied.')
        before = repository.files_on(branch).get(path)
        if before is not None and not sent.get("sha"):
            raise GitHubError(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
        if before is not None and sent["sha"] != blob_sha(before):
            raise GitHubError(409, f"{path} does not match {sent['sha']}")
        commit = self.rules.write_file(repository, actor, branch, path, content, message)
        file = self._shapes.file(repository, branch, path, whole=False)
        answer = jsonify({"content": file, "commit": self._shapes.commit(repository, commit)})
        return answer, 201 if before is None else 200

    def list_pulls(self, repository: Repository) -> Response:
        """GET …/pulls with its filters; a `head` without an owner is passed over, as GitHub does."""
        state, head, base = (request.args.get(name, "") for name in ("state", "head", "base"))
        pulls = [
            pull
            for pull in sorted(repository.pulls.values(), key=lambda pull: -pull.number)
            if state in {"all", "closed" if pull.closed_at else "open"} or (not state and not pull.closed_at)
        ]
        if ":" in head:
            pulls = [pull for pull in pulls if f"{repository.owner}:{pull.head}".lower() == head.lower()]
        if base:
            pulls = [pull for pull in pulls if pull.base == base]
        return self._page([self._shapes.pull(repository, pull) for pull in pulls], repository)

    def create_pull(self, repository: Repository) -> tuple[Response, int]:
        """POST …/pulls: one for each branch, and only where there is something to bring in."""
        actor = self._require_right("pull_requests")
        sent = _sent_object()
        title = _text_in(sent, "title", "PullRequest", LONGEST_TITLE)
        body = _text_in(sent, "body", "PullRequest", LONGEST_TEXT)
        head, base = str(sent.get("head", "")).removeprefix(f"{repository.owner}:"), str(sent.get("base", ""))
        if title is None or not title.strip():
            raise invalid("PullRequest", "title", "missing_field")
        for field, branch in (("head", head), ("base", base)):
            if branch not in repository.branches:
                raise invalid("PullRequest", field, "invalid")
        if self.rules.comes_after(repository, repository.branches[base], repository.branches[head]):
            raise invalid("PullRequest", "head", "custom", f"No commits between {base} and {head}")
        if any(pull.head == head and pull.base == base and not pull.closed_at for pull in repository.pulls.values()):
            message = f"A pull request already exists for {repository.owner}:{head}."
            raise invalid("PullRequest", "head", "custom", message)
        pull = self.rules.open_pull(repository, actor, title.strip(), body, head, base)
        return jsonify(self._shapes.pull(repository, pull, whole=True)), 201

    # The App and its installation

    def _require_app(self) -> None:
        if not g.is_app:
            raise GitHubError(401, "A JSON web token could not be decoded")

    def show_app(self) -> Response:
        """GET /app."""
        self._require_app()
        return jsonify(self._shapes.app())

    def list_installations(self) -> Response:
        """GET /app/installations."""
        self._require_app()
        return self._page([self._shapes.installation()] if self.world.installed != "uninstalled" else [])

    def show_installation(self, installation_id: int) -> Response:
        """GET /app/installations/ID."""
        self._require_app()
        if installation_id != self.world.installation_id or self.world.installed == "uninstalled":
            raise not_found()
        return jsonify(self._shapes.installation())

    def show_repository_installation(self, repository: Repository) -> Response:  # noqa: ARG002
        """GET …/installation: 404 when the App is not installed there."""
        self._require_app()
        if self.world.installed == "uninstalled":
            raise not_found()
        return jsonify(self._shapes.installation())

    def create_token(self, installation_id: int) -> tuple[Response, int]:
        """POST /app/installations/ID/access_tokens: refused while suspended, which is the first sign of it."""
        self._require_app()
        if installation_id != self.world.installation_id or self.world.installed == "uninstalled":
            raise not_found()
        if self.world.installed == "suspended":
            raise GitHubError(403, "This installation has been suspended")
        token = f"ghs_sandbox{self.world.next_id('installation token'):04d}"
        self.world.installation_tokens.add(token)
        # Real time: the client library compares this with its own clock, which the sandbox cannot move.
        expires = datetime.now(UTC) + timedelta(hours=1)
        return jsonify(
            {
                "token": token,
                "expires_at": stamp(expires),
                "permissions": API_PERMISSIONS,
                "repository_selection": "selected",
            }
        ), 201

    # Deliveries and redelivery

    def list_hooks(self, repository: Repository) -> Response:
        """GET …/hooks."""
        self._require_right("repository_hooks")
        return self._page([self._shapes.hook(repository)], repository)

    def list_hook_deliveries(self, repository: Repository) -> Response:
        """GET …/hooks/ID/deliveries."""
        self._require_right("repository_hooks")
        return self._list_deliveries(repository)

    def show_hook_delivery(self, repository: Repository, delivery_id: int) -> Response:  # noqa: ARG002
        """GET …/hooks/ID/deliveries/ID."""
        self._require_right("repository_hooks")
        return jsonify(self._shapes.delivery(self._find_delivery(delivery_id), whole=True))

    def redeliver_to_hook(self, repository: Repository, delivery_id: int) -> tuple[Response, int]:  # noqa: ARG002
        """POST …/hooks/ID/deliveries/ID/attempts."""
        self._require_right("repository_hooks")
        self.rules.courier.redeliver(self._find_delivery(delivery_id))
        return jsonify({}), 202

    def list_app_deliveries(self) -> Response:
        """GET /app/hook/deliveries."""
        self._require_app()
        return self._list_deliveries(None)

    def show_app_delivery(self, delivery_id: int) -> Response:
        """GET /app/hook/deliveries/ID."""
        self._require_app()
        return jsonify(self._shapes.delivery(self._find_delivery(delivery_id), whole=True))

    def redeliver_to_app(self, delivery_id: int) -> tuple[Response, int]:
        """POST /app/hook/deliveries/ID/attempts."""
        self._require_app()
        self.rules.courier.redeliver(self._find_delivery(delivery_id))
        return jsonify({}), 202

    def _find_delivery(self, delivery_id: int) -> Delivery:
        for delivery in self.world.deliveries:
            if delivery.id == delivery_id and delivery.side == "github" and delivery.delivered_at:
                return delivery
        raise not_found()

    def _list_deliveries(self, repository: Repository | None) -> Response:
        """Newest first, paged by a cursor, kept for three days."""
        oldest = self.world.now() - timedelta(days=3)
        found = [
            delivery
            for delivery in reversed(self.world.deliveries)
            if delivery.side == "github"
            and delivery.delivered_at
            and delivery.delivered_at >= oldest
            and delivery.headers["X-GitHub-Hook-Installation-Target-Type"]
            == ("repository" if repository else "integration")
            and (repository is None or delivery.repository_id == repository.id)
        ]
        status = request.args.get("status")
        if status:
            found = [delivery for delivery in found if (delivery.status == "OK") == (status == "success")]
        cursor = request.args.get("cursor", "")
        if cursor:
            if not re.fullmatch(r"v1_\d+", cursor):
                raise GitHubError(400, "Invalid cursor")
            found = [delivery for delivery in found if delivery.id < int(cursor.removeprefix("v1_"))]
        per_page = min(100, max(1, _number("per_page", 30)))
        response = jsonify([self._shapes.delivery(delivery) for delivery in found[:per_page]])
        if len(found) > per_page:
            kept = [(key, value) for key, value in request.args.items() if key != "cursor"]
            query = urlencode([*kept, ("cursor", f"v1_{found[per_page - 1].id}")])
            response.headers["Link"] = f'<{self._shapes.web}{request.path}?{query}>; rel="next"'
        return response

    def nothing_here(self, anything: str) -> NoReturn:  # noqa: ARG002
        """Any other address: 404, as for what one may not see."""
        raise not_found()


def _token() -> str:
    found = re.fullmatch(r"(?:token|bearer) +(\S+)", request.headers.get("Authorization", ""), re.IGNORECASE)
    return found[1] if found else ""


def _is_app_token(token: str) -> bool:
    """Whether this looks like an App's JSON web token; its signature is nobody's business here."""
    parts = token.split(".")
    if len(parts) != 3:
        return False
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return False
    return isinstance(claims, dict) and bool(claims.get("iss"))


def _fault(name: str) -> Fault | None:
    fault = request.environ.get(FAULT_KEY)
    return fault if isinstance(fault, Fault) and fault.fault == name else None


def _next_full_hour() -> int:
    return (int(time.time()) // 3600 + 1) * 3600


def _number(name: str, default: int) -> int:
    try:
        return int(request.args.get(name, default))
    except ValueError:
        return default


def _since() -> datetime | None:
    text = request.args.get("since")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("Issue", "since", "invalid") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sent() -> Any:
    if not request.data:
        return {}
    try:
        return json.loads(request.data)
    except ValueError:
        raise GitHubError(400, "Problems parsing JSON") from None


def _sent_object() -> Json:
    sent = _sent()
    if not isinstance(sent, dict):
        raise GitHubError(422, f"Invalid request.\n\n{json.dumps(sent)} is not an object.")
    return sent


def _text_in(sent: Json, name: str, resource: str, longest: int) -> str | None:
    value = sent.get(name)
    if value is None:
        return None
    if isinstance(value, int) and name == "title":
        value = str(value)  # GitHub takes a number for a title
    if not isinstance(value, str):
        raise GitHubError(422, f"Invalid request.\n\nFor 'properties/{name}', {json.dumps(value)} is not a string.")
    if len(value) > longest:
        message = f"{name} is too long (maximum is {longest} characters)"
        raise invalid(resource, name, "custom", message)
    return value


def _names_in(sent: Json, key: str) -> list[str] | None:
    value = sent.get(key)
    if value is None:
        return None
    if not isinstance(value, list):
        raise GitHubError(422, f"Invalid request.\n\nFor 'properties/{key}', {json.dumps(value)} is not an array.")
    names = [item.get("name") if isinstance(item, dict) else item for item in value]
    return [_label_name(name) for name in names]


def _label_list() -> list[str]:
    sent = _sent()
    return _names_in({"labels": sent} if isinstance(sent, list) else sent, "labels") or []


def _logins_in(sent: Json) -> list[str] | None:
    if "assignees" not in sent:
        single = sent.get("assignee")
        return [single] if isinstance(single, str) and single else None
    value = sent["assignees"]
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(login, str) for login in value):
        raise GitHubError(422, "Invalid request.\n\nFor 'properties/assignees', not an array of strings.")
    return value


def _branch_of(repository: Repository, name_of_ref: str, missing: int) -> str:
    branch = name_of_ref.removeprefix("heads/")
    if not name_of_ref.startswith("heads/") or branch not in repository.branches:
        raise not_found() if missing == 404 else GitHubError(missing, "Reference does not exist")
    return branch


def _content_in(sent: Json) -> bytes:
    try:
        return base64.b64decode(sent["content"])
    except (KeyError, TypeError, ValueError):
        raise GitHubError(422, "content is not valid Base64") from None


def _label_name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise invalid("Label", "name", "missing_field")
    if len(value) > LONGEST_LABEL:
        raise invalid("Label", "name", "custom", f"name is too long (maximum is {LONGEST_LABEL} characters)")
    return value.strip()


def _color(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Fa-f]{6}", value):
        raise invalid("Label", "color", "invalid")
    return value.lower()


def _label_description(sent: Json) -> str | None:
    value = sent.get("description")
    if isinstance(value, str) and len(value) > LONGEST_LABEL_DESCRIPTION:
        message = f"description is too long (maximum is {LONGEST_LABEL_DESCRIPTION} characters)"
        raise invalid("Label", "description", "custom", message)
    return value if isinstance(value, str) else None
