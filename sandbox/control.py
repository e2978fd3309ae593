"""Test controls under /_control: see everything, break anything, act as anyone, move time."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.control_faults import FaultControl
from sandbox.control_github import GitHubControl
from sandbox.control_loomio import LoomioControl
from sandbox.control_sent import ControlError, as_moment, sent_object
from sandbox.control_shapes import iso, plain, show_delivery, show_issue, show_poll, show_repository
from sandbox.people import REPOSITORY_ID, add_member
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.app import Sandbox


def create_control(sandbox: "Sandbox") -> Blueprint:
    """Return the controls as a blueprint; each runs under the world's lock and answers with JSON."""
    blueprint = Blueprint("control", __name__, url_prefix="/_control")
    blueprint.register_error_handler(ControlError, lambda error: (jsonify({"error": str(error)}), 400))

    def route(method: str, rule: str, act: Callable[..., Any]) -> None:
        def locked(**values: Any) -> ResponseReturnValue:
            with sandbox.world.lock:
                answer: ResponseReturnValue = jsonify(act(**values))
                return answer

        blueprint.add_url_rule(rule, act.__name__, locked, methods=[method])

    for group in (Control(sandbox), FaultControl(sandbox), GitHubControl(sandbox), LoomioControl(sandbox)):
        for method, rule, act in group.routes():
            route(method, rule, act)
    return blueprint


class Control:
    """The controls of the whole: what there is, the clock, GitHub's limits, and who belongs to the co-op."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self.sandbox = sandbox
        self.world = sandbox.world

    def routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Which address leads where."""
        return [
            ("GET", "/world", self.show_world),
            ("GET", "/requests", self.show_requests),
            ("POST", "/reset", self.reset),
            ("GET", "/clock", self.show_clock),
            ("POST", "/clock", self.set_clock),
            ("POST", "/limits", self.set_limits),
            ("POST", "/people", self.add_people),
        ]

    # Looking

    def show_world(self) -> Json:
        """Everything there is, or {"only": "issues,polls"} as a query."""
        world = self.world
        parts: dict[str, Callable[[], Any]] = {
            "now": lambda: iso(world.now()),
            "offset_seconds": lambda: world.clock.offset_seconds,
            "repositories": lambda: [show_repository(repository) for repository in world.repositories.values()],
            "issues": lambda: [
                show_issue(world.repositories[REPOSITORY_ID], issue)
                for issue in world.repositories[REPOSITORY_ID].issues.values()
            ],
            "deliveries": lambda: [show_delivery(delivery) for delivery in world.deliveries],
            "held_deliveries": lambda: self.sandbox.courier.held(),
            "people": lambda: [plain(person) for person in world.people.values()],
            "memberships": lambda: [plain(membership) for membership in world.memberships],
            "discussions": lambda: [plain(discussion) for discussion in world.discussions.values()],
            "polls": lambda: [show_poll(self.sandbox.loomio, poll) for poll in world.polls.values()],
            "comments": lambda: [
                plain(remark) | {"author": world.people[remark.author_id].username} for remark in world.remarks.values()
            ],
            "outcomes": lambda: [plain(outcome) for poll in world.polls.values() for outcome in poll.outcomes],
            "items": lambda: [plain(item) for item in world.items],
            "notices": lambda: [plain(notice) for notice in world.notices],
            "letters": lambda: [plain(letter) for letter in world.letters],
            "posts": lambda: [plain(post) for post in world.posts],
        }
        only = request.args.get("only", "")
        return {name: part() for name, part in parts.items() if not only or name in only.split(",")}

    def show_requests(self) -> list[Json]:
        """Every API request so far."""
        return [plain(seen) for seen in self.world.requests]

    # Time and beginnings

    def reset(self) -> Json:
        """Begin again, clock included."""
        self.sandbox.reset()
        return self.show_clock()

    def show_clock(self) -> Json:
        """The time."""
        return {"now": iso(self.world.now()), "offset_seconds": self.world.clock.offset_seconds}

    def set_clock(self) -> Json:
        """{"advance_seconds": N}, {"to": "ISO time"} or {"offset_seconds": N}; backwards too."""
        sent = sent_object()
        clock = self.world.clock
        if "advance_seconds" in sent:
            clock.set_offset(clock.offset_seconds + int(sent["advance_seconds"]))
        elif "to" in sent:
            clock.move_to(as_moment(sent["to"]))
        elif "offset_seconds" in sent:
            clock.set_offset(int(sent["offset_seconds"]))
        else:
            raise ControlError("send advance_seconds, to or offset_seconds")
        self.sandbox.moved_clock()
        return self.show_clock()

    # Limits and people

    def set_limits(self) -> Json:
        """{"per_minute": N, "per_hour": N}: GitHub's limits on writes."""
        sent = sent_object()
        limits = self.world.limits
        limits.per_minute = int(sent.get("per_minute", limits.per_minute))
        limits.per_hour = int(sent.get("per_hour", limits.per_hour))
        self.world.writes.clear()
        return asdict(limits)

    def add_people(self) -> Json:
        """{"members": [{"username", "name"}]}: more members of the co-op, on GitHub and in Loomio."""
        for one in sent_object().get("members", []):
            add_member(self.world, str(one["username"]), str(one["name"]))
        return {"people": len(self.world.people)}
