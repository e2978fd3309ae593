"""Puts the sandbox together: one Flask app for the APIs, the controls and the pages, and a post office beside it."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

from sandbox.chat import create_chat
from sandbox.control import create_control
from sandbox.deliveries import Courier
from sandbox.faults import Faults, Gate
from sandbox.github import create_github
from sandbox.github_rules import GitHubRules
from sandbox.loomio import create_loomio
from sandbox.loomio_rules import LoomioRules
from sandbox.mail import PostOffice
from sandbox.pages import create_pages
from sandbox.people import seed
from sandbox.settings import Settings
from sandbox.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

LARGEST_BODY = 8 * 1024 * 1024
HERE = Path(__file__).parent


class Sandbox:
    """One co-op with its services: the app, and the threads that carry deliveries, take mail and let time pass."""

    def __init__(self, settings: Settings) -> None:
        self.world = World(settings)
        seed(self.world)
        self.faults = Faults()
        self.courier = Courier(self.world)
        self.github = GitHubRules(self.world, self.courier)
        self.loomio = LoomioRules(self.world, self.courier)
        # Bound here already, so that whoever hears that the sandbox is ready can send.
        self.post_office = PostOffice(self.world, self.faults, settings.mail_port) if settings.mail_port else None
        self._ending = threading.Event()
        self.app = self._create_app()

    def _create_app(self) -> Flask:
        app = Flask("sandbox", root_path=str(HERE))
        app.secret_key = "nothing here is secret"
        app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
        app.json.sort_keys = False  # type: ignore[attr-defined]
        app.register_blueprint(create_github(self.world, self.github))
        app.register_blueprint(create_loomio(self.world, self.loomio))
        app.register_blueprint(create_chat(self.world))
        app.register_blueprint(create_control(self))
        app.register_blueprint(create_pages(self))
        inner: WSGIApplication = app.wsgi_app
        app.wsgi_app = Gate(inner, self.world, self.faults)  # type: ignore[method-assign]
        return app

    def start(self) -> None:
        """Begin to carry deliveries, to take mail and to let time pass."""
        self.courier.start()
        if self.post_office is not None:
            self.post_office.start()
        threading.Thread(target=self._let_time_pass, name="sandbox-time", daemon=True).start()

    def stop(self) -> None:
        """End all of it, and let go of every answer that is held back."""
        self._ending.set()
        self.faults.close()
        self.courier.stop()
        if self.post_office is not None:
            self.post_office.stop()

    def reset(self) -> None:
        """Return to the first day, clock included."""
        with self.world.lock:
            self.courier.forget()
            self.faults.clear()
            self.faults.release()
            self.world.clear()
            self.world.clock.set_offset(0)
            seed(self.world)

    def moved_clock(self) -> None:
        """Do what the new time asks for."""
        self.loomio.pass_time()

    def _let_time_pass(self) -> None:
        while not self._ending.wait(1.0):
            with self.world.lock:
                self.loomio.pass_time()
