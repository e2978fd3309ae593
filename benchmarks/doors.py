"""Doors to compare the product's with: one that verifies and stores nothing, one whose transactions share a commit.

Both take deliveries with the product's own code, `webhooks/github.py`; only the database behind it is another.
"""

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy.orm import Session

from app import LARGEST_BODY_BYTES
from config.clock import real_now
from config.settings import load_settings
from jobs.durable import Intake
from store.database import Database, make_engine
from webhooks.github import github_blueprint
from webhooks.intake import Door

T = TypeVar("T")
MOST_IN_A_GROUP = 64


class Nothing(Database):
    """A database that keeps nothing, and says that everything is new."""

    def transact(self, work: Callable[[Session], T]) -> T:  # noqa: ARG002
        """Do nothing."""
        return True  # type: ignore[return-value]  # what `keep` is told of a delivery that was stored


class Grouped(Database):
    """One thread that writes for all: what waits goes into one transaction, whose commit answers everybody in it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.engine)
        self._waiting: queue.SimpleQueue[tuple[Callable[[Session], Any], Future[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._write, name="writer", daemon=True).start()

    def transact(self, work: Callable[[Session], T]) -> T:
        """Have `work` done in the next transaction."""
        done: Future[T] = Future()
        self._waiting.put((work, done))
        return done.result()

    def _write(self) -> None:
        while True:
            group = [self._waiting.get()]
            while len(group) < MOST_IN_A_GROUP and not self._waiting.empty():
                group.append(self._waiting.get())

            def together(session: Session, group: list[tuple[Any, Any]] = group) -> list[Any]:
                return [work(session) for work, _ in group]

            try:
                for (_, done), result in zip(group, super().transact(together), strict=True):
                    done.set_result(result)
            except Exception as error:  # noqa: BLE001 - a trial: one fault is everybody's
                for _, done in group:
                    done.set_exception(error)


def storing_nothing() -> Flask:
    """Make a web app whose door verifies and reads as ours does, and stores nothing."""
    return _app(lambda database: Nothing(database.engine))


def in_groups() -> Flask:
    """Make a web app whose door stores through one writer."""
    return _app(Grouped)


def _app(behind: Callable[[Database], Database]) -> Flask:
    settings = load_settings(os.environ)
    database = Database(make_engine(settings.database_url()))
    door = Door(database=behind(database), intake=Intake(database), now=real_now, real_now=real_now)
    app = Flask("trellis")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY_BYTES
    app.register_blueprint(github_blueprint(door, settings.webhook_secrets()))
    app.add_url_rule("/healthz", "alive", lambda: "alive")
    return app
