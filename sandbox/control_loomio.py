"""Controls of Loomio: what members do with polls on its pages, the bot's key, and how the service is set up."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.control_sent import ControlError, as_moment, sent_object
from sandbox.control_shapes import plain, show_poll
from sandbox.loomio_rules import whole_hour
from sandbox.world import Json, Person, Poll, PollOption

if TYPE_CHECKING:
    from sandbox.app import Sandbox


class LoomioControl:
    """The controls of polls and of the service."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self.world = sandbox.world
        self.rules = sandbox.loomio

    def routes(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Which address leads where."""
        return [
            ("POST", "/loomio/votes", self.vote),
            ("POST", "/loomio/polls/<key>/close", self.close_poll),
            ("POST", "/loomio/polls/<key>/reopen", self.reopen_poll),
            ("POST", "/loomio/polls/<key>/discard", self.discard_poll),
            ("POST", "/loomio/outcomes", self.publish_outcome),
            ("POST", "/loomio/key", self.rotate_key),
            ("POST", "/loomio/settings", self.set_loomio),
        ]

    def _person(self, default: str = "ada") -> Person:
        username = str(sent_object().get("username", default))
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
        sent = sent_object()
        poll = self._poll_asked(str(sent.get("poll_key")))
        option = self._option(poll, str(sent.get("option")))
        return plain(_tried(self.rules.vote, poll, self._person(), option, str(sent.get("reason", ""))))

    def close_poll(self, key: str) -> Json:
        """Close by hand, as {"username"}."""
        poll = self._poll_asked(key)
        _tried(self.rules.close_poll, poll, self._person())
        return show_poll(self.rules, poll)

    def reopen_poll(self, key: str) -> Json:
        """Open again, as {"username"}, until {"closing_at"}."""
        poll = self._poll_asked(key)
        until = whole_hour(as_moment(sent_object()["closing_at"])) if "closing_at" in sent_object() else None
        _tried(self.rules.reopen_poll, poll, self._person(), until)
        return show_poll(self.rules, poll)

    def discard_poll(self, key: str) -> Json:
        """Throw away."""
        poll = self._poll_asked(key)
        self.rules.discard_poll(poll)
        return show_poll(self.rules, poll)

    def publish_outcome(self) -> Json:
        """{"poll_key", "username", "statement", "option"}."""
        sent = sent_object()
        poll = self._poll_asked(str(sent.get("poll_key")))
        option = self._option(poll, str(sent["option"])) if sent.get("option") else None
        statement = str(sent.get("statement", ""))
        return plain(_tried(self.rules.publish_outcome, poll, self._person(), statement, option))

    def rotate_key(self) -> Json:
        """{"key"}: the bot's key from now on; the old one is dead."""
        bot = self._person("trellis")
        bot.api_key = str(sent_object().get("key", ""))
        return {"key": bot.api_key}

    def set_loomio(self) -> Json:
        """{"version", "webhook_url", "closing_lag_seconds"}."""
        sent, world = sent_object(), self.world
        world.loomio_version = str(sent.get("version", world.loomio_version))
        world.loomio_webhook_url = str(sent.get("webhook_url", world.loomio_webhook_url))
        world.closing_lag_seconds = int(sent.get("closing_lag_seconds", world.closing_lag_seconds))
        return {
            "version": world.loomio_version,
            "webhook_url": world.loomio_webhook_url,
            "closing_lag_seconds": world.closing_lag_seconds,
        }


def _tried(act: Any, *arguments: object) -> Any:
    try:
        return act(*arguments)
    except ValueError as error:
        raise ControlError(str(error)) from error
