"""Test controls under /_control: see everything, break anything, act as anyone, move time."""

import re
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.deliveries import WEATHER
from sandbox.faults import NAMES_OF, Fault
from sandbox.loomio_rules import whole_hour
from sandbox.people import OTHER_REPOSITORY_ID, REPOSITORY_ID, add_member
from sandbox.world import Account, Delivery, Issue, Json, Person, Poll, PollOption, Repository

if TYPE_CHECKING:
    from sandbox.app import Sandbox


class ControlError(Exception):
    """A control was used wrongly; says how to use it."""


def create_control(sandbox: "Sandbox") -> Blueprint:
    """Return the controls as a blueprint."""
    blueprint = Blueprint("control", __name__, url_prefix="/_control")
    control = Control(sandbox)
    blueprint.register_error_handler(ControlError, lambda error: (jsonify({"error": str(error)}), 400))

    def route(method: str, rule: str, name: str) -> None:
        def locked(**values: Any) -> ResponseReturnValue:
            with sandbox.world.lock:
                answer: ResponseReturnValue = jsonify(getattr(control, name)(**values))
                return answer

        blueprint.add_url_rule(rule, name, locked, methods=[method])

    route("GET", "/world", "show_world")
    route("GET", "/requests", "show_requests")
    route("POST", "/reset", "reset")
    route("GET", "/clock", "show_clock")
    route("POST", "/clock", "set_clock")
    route("GET", "/faults", "show_faults")
    route("POST", "/faults", "add_fault")
    route("DELETE", "/faults", "clear_faults")
    route("POST", "/weather", "set_weather")
    route("DELETE", "/weather", "clear_weather")
    route("POST", "/release", "release")
    route("POST", "/limits", "set_limits")
    route("GET", "/deliveries", "show_deliveries")
    route("POST", "/deliveries", "set_deliveries")
    route("POST", "/deliveries/flush", "flush_deliveries")
    route("GET", "/deliveries/idle", "show_idle")
    route("POST", "/deliveries/<int:delivery_id>/redeliver", "redeliver")
    route("POST", "/people", "add_people")
    route("POST", "/github/issues", "open_issue")
    route("POST", "/github/issues/<int:number>/comments", "comment_on_issue")
    route("POST", "/github/issues/<int:number>/edit", "edit_issue")
    route("POST", "/github/issues/<int:number>/transfer", "transfer_issue")
    route("POST", "/github/issues/<int:number>/delete", "delete_issue")
    route("POST", "/github/issues/<int:number>/lock", "lock_issue")
    route("POST", "/github/issues/<int:number>/unlock", "unlock_issue")
    route("POST", "/github/repository", "change_repository")
    route("POST", "/github/access", "change_access")
    route("POST", "/loomio/votes", "vote")
    route("POST", "/loomio/polls/<key>/close", "close_poll")
    route("POST", "/loomio/polls/<key>/reopen", "reopen_poll")
    route("POST", "/loomio/polls/<key>/discard", "discard_poll")
    route("POST", "/loomio/outcomes", "publish_outcome")
    route("POST", "/loomio/key", "rotate_key")
    route("POST", "/loomio/settings", "set_loomio")
    return blueprint


class Control:
    """The controls; each takes its arguments from the JSON body."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self.sandbox = sandbox
        self.world = sandbox.world

    # Looking

    def show_world(self) -> Json:
        """Everything there is, or {"only": "issues,polls"} as a query."""
        world = self.world
        parts: dict[str, Callable[[], Any]] = {
            "now": lambda: _iso(world.now()),
            "offset_seconds": lambda: world.clock.offset_seconds,
            "repositories": lambda: [self._repository(repository) for repository in world.repositories.values()],
            "issues": lambda: [
                self._issue(world.repositories[REPOSITORY_ID], issue)
                for issue in world.repositories[REPOSITORY_ID].issues.values()
            ],
            "deliveries": lambda: [self._delivery(delivery) for delivery in world.deliveries],
            "held_deliveries": lambda: self.sandbox.courier.held(),
            "people": lambda: [_plain(person) for person in world.people.values()],
            "memberships": lambda: [_plain(membership) for membership in world.memberships],
            "discussions": lambda: [_plain(discussion) for discussion in world.discussions.values()],
            "polls": lambda: [self._poll(poll) for poll in world.polls.values()],
            "comments": lambda: [
                _plain(remark) | {"author": world.people[remark.author_id].username}
                for remark in world.remarks.values()
            ],
            "outcomes": lambda: [_plain(outcome) for poll in world.polls.values() for outcome in poll.outcomes],
            "items": lambda: [_plain(item) for item in world.items],
            "notices": lambda: [_plain(notice) for notice in world.notices],
            "letters": lambda: [_plain(letter) for letter in world.letters],
            "posts": lambda: [_plain(post) for post in world.posts],
        }
        only = request.args.get("only", "")
        return {name: part() for name, part in parts.items() if not only or name in only.split(",")}

    def show_requests(self) -> list[Json]:
        """Every API request so far."""
        return [_plain(seen) for seen in self.world.requests]

    def _repository(self, repository: Repository) -> Json:
        return {
            "id": repository.id,
            "full_name": repository.full_name,
            "former_names": repository.former_names,
            "archived": repository.archived,
            "labels": [_plain(label) for label in repository.labels],
            "issues": [self._issue(repository, issue) for issue in repository.issues.values()],
            "deleted": sorted(repository.deleted),
        }

    def _issue(self, repository: Repository, issue: Issue) -> Json:
        return _plain(issue) | {"labels": [label.name for label in repository.labels_of(issue)]}

    def _delivery(self, delivery: Delivery) -> Json:
        shown = _plain({f.name: getattr(delivery, f.name) for f in fields(delivery) if f.name != "body"})
        shown["body"] = delivery.body.decode("utf-8", "replace")
        return shown

    def _poll(self, poll: Poll) -> Json:
        names = {option.id: option.name for option in poll.options}
        votes = [
            _plain(stance)
            | {"username": self.world.people[stance.user_id].username, "option": names.get(stance.option_id or 0)}
            for stance in poll.stances
        ]
        return _plain(poll) | {"stances": votes, "status": self.sandbox.loomio.status_of(poll)}

    # Time and beginnings

    def reset(self) -> Json:
        """Begin again, clock included."""
        self.sandbox.reset()
        return self.show_clock()

    def show_clock(self) -> Json:
        """The time."""
        return {"now": _iso(self.world.now()), "offset_seconds": self.world.clock.offset_seconds}

    def set_clock(self) -> Json:
        """{"advance_seconds": N}, {"to": "ISO time"} or {"offset_seconds": N}; backwards too."""
        sent = _sent()
        clock = self.world.clock
        if "advance_seconds" in sent:
            clock.set_offset(clock.offset_seconds + int(sent["advance_seconds"]))
        elif "to" in sent:
            clock.move_to(_moment(sent["to"]))
        elif "offset_seconds" in sent:
            clock.set_offset(int(sent["offset_seconds"]))
        else:
            raise ControlError("send advance_seconds, to or offset_seconds")
        self.sandbox.moved_clock()
        return self.show_clock()

    # Faults and limits

    def show_faults(self) -> list[Json]:
        """The faults that still wait."""
        return self.sandbox.faults.listing()

    def add_fault(self) -> list[Json]:
        """Let something go wrong; count null or 0 means until cleared."""
        self.sandbox.faults.add(_fault_in(_sent()))
        return self.show_faults()

    def clear_faults(self) -> list[Json]:
        """Let nothing go wrong any more; held answers stay held until released."""
        self.sandbox.faults.clear()
        return self.show_faults()

    def set_weather(self) -> list[Json]:
        """{"seed": N, "faults": [{"side", "fault", "chance", …}]}: what may go wrong with any call, by chance."""
        sent = _sent()
        seed = sent.get("seed")
        faults = [_fault_in(one) for one in sent.get("faults", []) if isinstance(one, dict)]
        self.sandbox.faults.change_weather(faults, None if seed is None else int(seed))
        return self.show_faults()

    def clear_weather(self) -> list[Json]:
        """Fine weather; what was ordered for one call stays."""
        self.sandbox.faults.change_weather([])
        return self.show_faults()

    def release(self) -> Json:
        """Let held answers go."""
        self.sandbox.faults.release()
        return {"released": True}

    def set_limits(self) -> Json:
        """{"per_minute": N, "per_hour": N}: GitHub's limits on writes."""
        sent = _sent()
        limits = self.world.limits
        limits.per_minute = int(sent.get("per_minute", limits.per_minute))
        limits.per_hour = int(sent.get("per_hour", limits.per_hour))
        self.world.writes.clear()
        return asdict(limits)

    # Deliveries

    def show_deliveries(self) -> list[Json]:
        """Every attempt to deliver, without what it carries."""
        left_out = ("body", "payload", "headers", "response_headers", "response_body")
        kept = [f.name for f in fields(Delivery) if f.name not in left_out]
        return [
            _plain({name: getattr(one, name) for name in kept} | {"number": one.payload.get("issue", {}).get("number")})
            for one in self.world.deliveries
        ]

    def set_deliveries(self) -> Json:
        """How deliveries are carried, and by whom.

        {"mode": "normal"|"hold"|"double"|"missing", "hook": "repository"|"integration", "carriers": N,
        "also_to": [more addresses of the service], "seed": N, "weather": {"doubled"|"reordered"|"delayed"|"missing"|
        "forgotten": chance}}: what is missing is listed as failed, what is forgotten is nowhere.
        """
        sent, courier = _sent(), self.sandbox.courier
        if sent.get("mode", "normal") not in {"normal", "hold", "double", "missing"}:
            raise ControlError("mode is normal, hold, double or missing")
        if sent.get("hook", "repository") not in {"repository", "integration"}:
            raise ControlError("hook is repository or integration")
        weather = sent.get("weather", {})
        if set(weather) - set(WEATHER):
            raise ControlError(f"weather is of {list(WEATHER)}")
        courier.mode = sent.get("mode", courier.mode)
        self.world.hook_kind = sent.get("hook", self.world.hook_kind)
        courier.also_to = [str(one).rstrip("/") for one in sent.get("also_to", courier.also_to)]
        if "weather" in sent:
            courier.change_weather({name: float(chance) for name, chance in weather.items()}, sent.get("seed"))
        courier.hire(int(sent.get("carriers", 1)))
        return {"mode": courier.mode, "hook": self.world.hook_kind, "weather": courier.weather}

    def flush_deliveries(self) -> Json:
        """{"order": "forward"|"reverse"}: send what was held; the mode stays."""
        return {"sent": self.sandbox.courier.flush(str(_sent().get("order", "forward")))}

    def show_idle(self) -> Json:
        """Whether nothing waits or is on its way."""
        return {"idle": self.sandbox.courier.idle(), "held": self.sandbox.courier.held()}

    def redeliver(self, delivery_id: int) -> Json:
        """Send one delivery again under its GUID."""
        for delivery in self.world.deliveries:
            if delivery.id == delivery_id:
                return self._delivery(self.sandbox.courier.redeliver(delivery))
        raise ControlError(f"there is no delivery {delivery_id}")

    # People

    def add_people(self) -> Json:
        """{"members": [{"username", "name"}]}: more members of the co-op, on GitHub and in Loomio."""
        for one in _sent().get("members", []):
            add_member(self.world, str(one["username"]), str(one["name"]))
        return {"people": len(self.world.people)}

    # GitHub

    def _repository_asked(self) -> Repository:
        return self.world.repositories[int(_sent().get("repository", REPOSITORY_ID))]

    def _actor(self, default: str = "ada-fw") -> Account:
        login = str(_sent().get("as", default))
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
        sent, repository = _sent(), self._repository_asked()
        issue = self.sandbox.github.open_issue(
            repository,
            self._actor(),
            str(sent.get("title", "Untitled")),
            sent.get("body"),
            sent.get("labels", ()),
            sent.get("assignees", ()),
        )
        return self._issue(repository, issue)

    def comment_on_issue(self, number: int) -> Json:
        """{"as", "body"}."""
        repository, issue = self._issue_asked(number)
        return _plain(self.sandbox.github.add_comment(repository, issue, self._actor(), str(_sent()["body"])))

    def edit_issue(self, number: int) -> Json:
        """{"as", "title", "body", "state", "state_reason", "labels", "assignees"}: what is sent is changed."""
        repository, issue = self._issue_asked(number)
        sent, actor, rules = _sent(), self._actor(), self.sandbox.github
        rules.edit_text(repository, issue, actor, sent.get("title"), sent.get("body"))
        if "state" in sent:
            rules.set_state(repository, issue, actor, sent["state"], sent.get("state_reason"))
        if "labels" in sent:
            rules.set_labels(repository, issue, actor, sent["labels"])
        if "assignees" in sent:
            rules.set_assignees(repository, issue, actor, sent["assignees"])
        return self._issue(repository, issue)

    def transfer_issue(self, number: int) -> Json:
        """Move an issue to the other repository."""
        repository, issue = self._issue_asked(number)
        target = self.world.repositories[int(_sent().get("to", OTHER_REPOSITORY_ID))]
        moved = self.sandbox.github.transfer_issue(repository, issue, target, self._actor())
        return self._issue(target, moved) | {"repository_id": target.id}

    def delete_issue(self, number: int) -> Json:
        """Delete an issue."""
        repository, issue = self._issue_asked(number)
        self.sandbox.github.delete_issue(repository, issue, self._actor())
        return {"deleted": number}

    def lock_issue(self, number: int) -> Json:
        """Lock an issue."""
        repository, issue = self._issue_asked(number)
        self.sandbox.github.set_locked(repository, issue, self._actor(), True)
        return self._issue(repository, issue)

    def unlock_issue(self, number: int) -> Json:
        """Unlock an issue."""
        repository, issue = self._issue_asked(number)
        self.sandbox.github.set_locked(repository, issue, self._actor(), False)
        return self._issue(repository, issue)

    def change_repository(self) -> Json:
        """{"rename": "owner/name"}, {"archived": bool}, {"has_issues": bool}, {"hidden": bool}, {"private": bool}."""
        sent, repository = _sent(), self._repository_asked()
        if "rename" in sent:
            if str(sent["rename"]).count("/") != 1:
                raise ControlError("rename to owner/name")
            self.sandbox.github.rename_repository(repository, str(sent["rename"]), self._actor())
        if "archived" in sent:
            self.sandbox.github.set_archived(repository, bool(sent["archived"]), self._actor())
        for name in ("has_issues", "hidden", "private"):
            if name in sent:
                setattr(repository, name, bool(sent[name]))
        return self._repository(repository)

    def change_access(self) -> Json:
        """{"app": "installed"|"suspended"|"uninstalled"}, {"token_refused": bool}, {"role": "read", "as": LOGIN}."""
        sent = _sent()
        if "app" in sent:
            if sent["app"] not in {"installed", "suspended", "uninstalled"}:
                raise ControlError("app is installed, suspended or uninstalled")
            self.sandbox.github.set_installed(sent["app"], self._actor())
        if "token_refused" in sent:
            self.world.token_refused = bool(sent["token_refused"])
        if "role" in sent:
            if sent["role"] not in {"admin", "push", "triage", "read"}:
                raise ControlError("role is admin, push, triage or read")
            self._actor().role = sent["role"]
        return {"app": self.world.installed, "token_refused": self.world.token_refused}

    # Loomio

    def _person(self, default: str = "ada") -> Person:
        username = str(_sent().get("username", default))
        person = self.world.person_named(username)
        if person is None:
            raise ControlError(f"there is no person {username!r}")
        return person

    def _poll_asked(self, key: str) -> Poll:
        for poll in self.world.polls.values():
            if key in {poll.key, str(poll.id)}:
                return poll
        raise ControlError(f"there is no poll {key!r}; there are {[poll.key for poll in self.world.polls.values()]}")

    def _option(self, poll: Poll, word: str) -> PollOption:
        for option in poll.options:
            if word.lower() in {option.name.lower(), option.icon}:
                return option
        raise ControlError(f"there is no option {word!r}; there are {[option.name for option in poll.options]}")

    def vote(self) -> Json:
        """{"poll_key", "username", "option", "reason"}."""
        sent = _sent()
        poll = self._poll_asked(str(sent.get("poll_key")))
        option = self._option(poll, str(sent.get("option")))
        return _plain(_tried(self.sandbox.loomio.vote, poll, self._person(), option, str(sent.get("reason", ""))))

    def close_poll(self, key: str) -> Json:
        """Close by hand, as {"username"}."""
        poll = self._poll_asked(key)
        _tried(self.sandbox.loomio.close_poll, poll, self._person())
        return self._poll(poll)

    def reopen_poll(self, key: str) -> Json:
        """Open again, as {"username"}, until {"closing_at"}."""
        poll = self._poll_asked(key)
        until = whole_hour(_moment(_sent()["closing_at"])) if "closing_at" in _sent() else None
        _tried(self.sandbox.loomio.reopen_poll, poll, self._person(), until)
        return self._poll(poll)

    def discard_poll(self, key: str) -> Json:
        """Throw away."""
        poll = self._poll_asked(key)
        self.sandbox.loomio.discard_poll(poll)
        return self._poll(poll)

    def publish_outcome(self) -> Json:
        """{"poll_key", "username", "statement", "option"}."""
        sent = _sent()
        poll = self._poll_asked(str(sent.get("poll_key")))
        option = self._option(poll, str(sent["option"])) if sent.get("option") else None
        statement = str(sent.get("statement", ""))
        return _plain(_tried(self.sandbox.loomio.publish_outcome, poll, self._person(), statement, option))

    def rotate_key(self) -> Json:
        """{"key"}: the bot's key from now on; the old one is dead."""
        bot = self._person("trellis")
        bot.api_key = str(_sent().get("key", ""))
        return {"key": bot.api_key}

    def set_loomio(self) -> Json:
        """{"version", "webhook_url", "closing_lag_seconds"}."""
        sent, world = _sent(), self.world
        world.loomio_version = str(sent.get("version", world.loomio_version))
        world.loomio_webhook_url = str(sent.get("webhook_url", world.loomio_webhook_url))
        world.closing_lag_seconds = int(sent.get("closing_lag_seconds", world.closing_lag_seconds))
        return {
            "version": world.loomio_version,
            "webhook_url": world.loomio_webhook_url,
            "closing_lag_seconds": world.closing_lag_seconds,
        }


def _sent() -> Json:
    sent = request.get_json(silent=True)
    return sent if isinstance(sent, dict) else {}


def _fault_in(sent: Json) -> Fault:
    names = {f.name for f in fields(Fault)}
    if set(sent) - names:
        raise ControlError(f"unknown keys {sorted(set(sent) - names)}; there are {sorted(names)}")
    names_there = NAMES_OF.get(str(sent.get("side")))
    if names_there is None:
        raise ControlError(f"side is one of {list(NAMES_OF)}")
    if sent.get("fault") not in names_there:
        raise ControlError(f"fault is one of {sorted(names_there)}")
    try:
        re.compile(str(sent.get("path", "")))
    except re.error as error:
        raise ControlError(f"path is a regular expression, and this one is none: {error}") from error
    return Fault(**(sent | {"count": sent["count"] or None} if "count" in sent else sent))


def _tried(act: Any, *arguments: object) -> Any:
    try:
        return act(*arguments)
    except ValueError as error:
        raise ControlError(str(error)) from error


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise ControlError(f"not an ISO time: {text!r}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _plain(record: Any) -> Json:
    """Return a dataclass instance, or a dictionary, as JSON can carry it."""
    shown: Json = _jsonable(record if isinstance(record, dict) else asdict(record))
    return shown


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, dict):
        return {str(key): _jsonable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_jsonable(one) for one in value]
    return value
