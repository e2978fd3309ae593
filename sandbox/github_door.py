"""What every request to GitHub passes, in and out: who asks, how much they may, and how an answer is dressed."""

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn
from urllib.parse import urlencode

from flask import Response, g, jsonify, request

from sandbox.github_errors import DOCS, GitHubError, Moved, not_found
from sandbox.github_sent import asked_number, asked_page_size
from sandbox.github_shapes import Shapes
from sandbox.world import Account, Json, Repository, World

HOURLY_BUDGET = 5000
WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})


class Door:
    """One for all parts of the API; it remembers who asks for as long as the request lasts."""

    def __init__(self, world: World) -> None:
        self.world = world

    # Coming in

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

    def with_repository(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """Return the view with its repository found, whichever of the two address forms was used."""

        def found(**values: Any) -> Any:
            repository = self._find_repository(
                values.pop("owner", None), values.pop("name", None), values.pop("repository_id", None)
            )
            return view(repository, **values)

        return found

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
            self.require_actor()
            if found.archived and "/hooks/" not in request.path:
                raise GitHubError(403, "Repository was archived so is read-only.")
        return found

    # What whoever asks may do

    def require_actor(self) -> Account:
        """Refuse whoever did not say who they are."""
        if g.actor is None:
            raise GitHubError(401, "Requires authentication")
        actor: Account = g.actor
        return actor

    def require_triage(self) -> Account:
        """Refuse whoever may not sort issues."""
        actor = self.require_actor()
        if not actor.may_triage:
            raise GitHubError(
                403, "Must have admin rights to Repository.", X_Accepted_GitHub_Permissions="issues=write"
            )
        return actor

    def require_push(self) -> Account:
        """Refuse whoever may not write, in the words for what one may not see."""
        actor = self.require_actor()
        if not actor.may_push:
            raise not_found()
        return actor

    def require_right(self, right: str) -> Account:
        """Refuse as GitHub refuses a fine-grained token without this right."""
        actor = self.require_actor()
        if not actor.may_push:
            raise GitHubError(
                403,
                "Resource not accessible by personal access token",
                X_Accepted_GitHub_Permissions=f"{right}=write",
            )
        return actor

    def require_app(self) -> None:
        """Refuse whoever is not the App itself; its installation is somebody else."""
        if not g.is_app:
            raise GitHubError(401, "A JSON web token could not be decoded")

    # Going out

    @property
    def shapes(self) -> Shapes:
        """Renders answers, whose addresses start where the question was asked."""
        return Shapes(self.world, request.host_url)

    def page(self, items: Sequence[Json], repository: Repository | None = None) -> Response:
        """Answer with one page and, in the Link header, the way to the others."""
        per_page = asked_page_size()
        page = max(1, asked_number("page", 1))
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
                links.append(f'<{self.shapes.web}{path}?{query}>; rel="{relation}"')
        if links:
            response.headers["Link"] = ", ".join(links)
        return response

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
        target = f"{self.shapes.api}{moved.path}{query}"
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


def _next_full_hour() -> int:
    return (int(time.time()) // 3600 + 1) * 3600
