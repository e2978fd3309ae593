"""Shows the sandbox's records as the controls do: every field there is, as JSON can carry it."""

from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from sandbox.loomio_rules import LoomioRules
from sandbox.world import Delivery, Issue, Json, Poll, Repository


def iso(moment: datetime) -> str:
    """Return a time in UTC."""
    return moment.astimezone(UTC).isoformat()


def plain(record: Any) -> Json:
    """Return a dataclass instance, or a dictionary, as JSON can carry it."""
    shown: Json = _jsonable(record if isinstance(record, dict) else asdict(record))
    return shown


def _jsonable(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, dict):
        return {str(key): _jsonable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_jsonable(one) for one in value]
    return value


def show_repository(repository: Repository) -> Json:
    """Return a repository with its issues."""
    return {
        "id": repository.id,
        "full_name": repository.full_name,
        "former_names": repository.former_names,
        "archived": repository.archived,
        "labels": [plain(label) for label in repository.labels],
        "issues": [show_issue(repository, issue) for issue in repository.issues.values()],
        "deleted": sorted(repository.deleted),
    }


def show_issue(repository: Repository, issue: Issue) -> Json:
    """Return an issue with its labels by name."""
    return plain(issue) | {"labels": [label.name for label in repository.labels_of(issue)]}


def show_delivery(delivery: Delivery) -> Json:
    """Return a delivery with all it carries."""
    shown = plain({f.name: getattr(delivery, f.name) for f in fields(delivery) if f.name != "body"})
    shown["body"] = delivery.body.decode("utf-8", "replace")
    return shown


def show_poll(rules: LoomioRules, poll: Poll) -> Json:
    """Return a poll with its votes, each by name."""
    names = {option.id: option.name for option in poll.options}
    votes = [
        plain(stance)
        | {"username": rules.world.people[stance.user_id].username, "option": names.get(stance.option_id or 0)}
        for stance in poll.stances
    ]
    return plain(poll) | {"stances": votes, "status": rules.status_of(poll)}
