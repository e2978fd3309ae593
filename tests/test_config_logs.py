"""The log: one line for each thing, saying what it concerns, and never a secret or a private word."""

import io
import json
import logging
import re
from collections.abc import Iterator
from threading import Thread
from typing import NoReturn

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from config.errors import ConfigError
from config.logs import AsJson, Careful, about, set_up_log
from config.settings import load_settings
from jobs.attempt import Finished, Park, attempt
from jobs.workshop import Workshop
from store.database import Database
from store.models import DeliveryRow, EffectRow
from tests.test_config_settings import HIDDEN, everything_secret

PRIVATE = "I am afraid of the big meeting"


class Written:
    """What a logger of its own has written, in one form."""

    def __init__(self, formatter: logging.Formatter, name: str) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.setFormatter(formatter)
        self.log = logging.getLogger(name)
        self.log.setLevel(logging.INFO)
        self.log.addHandler(self.handler)

    def text(self) -> str:
        return self.stream.getvalue()

    def lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.text().splitlines()]


def fail(error: Exception) -> NoReturn:
    raise error


@pytest.fixture(params=["plain", "json"])
def written(request: pytest.FixtureRequest) -> Iterator[Written]:
    secrets = everything_secret().secrets()
    written = Written(AsJson(secrets) if request.param == "json" else Careful(secrets), "told")
    yield written
    written.log.removeHandler(written.handler)


@pytest.fixture
def as_json() -> Iterator[Written]:
    """Everything below `jobs`, as it would be collected."""
    written = Written(AsJson(), "jobs")
    yield written
    written.log.removeHandler(written.handler)


def test_json_is_one_object_a_line_whatever_a_message_holds() -> None:
    said = Written(AsJson(), "one-line")
    said.log.info("two\nlines and %s", 'a "quote"')
    [line] = said.lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line.pop("time"))
    assert line == {"level": "INFO", "logger": "one-line", "message": 'two\nlines and a "quote"'}


def test_plain_is_as_it_always_was() -> None:
    said = Written(Careful(), "as-before")
    said.log.warning("%d things", 2)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} WARNING as-before: 2 things\n", said.text())


def test_lines_say_what_they_concern_inside_the_block_and_in_its_thread_only() -> None:
    said = Written(AsJson(), "concerned")
    with about(effect="nudge:1", organisation="fennel"):
        with about(delivery="guid", organisation=None):
            said.log.info("both")
        elsewhere = Thread(target=said.log.info, args=("elsewhere",))
        elsewhere.start()
        elsewhere.join()
        said.log.info("one")
    said.log.info("none")
    named = [
        {name: line[name] for name in ("effect", "organisation", "delivery") if name in line} for line in said.lines()
    ]
    one = {"effect": "nudge:1", "organisation": "fennel"}
    assert named == [one | {"delivery": "guid"}, {}, one, {}]


def test_no_secret_of_the_settings_is_ever_written(written: Written) -> None:
    written.log.info("asked https://heartbeat.example/%s, then %s", HIDDEN, HIDDEN.upper())
    try:
        fail(ValueError(f"token {HIDDEN}"))
    except ValueError:
        written.log.exception("refused: %r", {"Authorization": f"Bearer {HIDDEN}"})
    assert HIDDEN not in written.text()
    assert "•••" in written.text()
    assert HIDDEN.upper() in written.text(), "only the secret itself is blotted out"


def test_every_secret_is_known_by_heart() -> None:
    password = "a-password-of-the-database"
    settings = load_settings(
        {
            "DATABASE_URL": f"postgresql://trellis:{password}@localhost/trellis",
            "GITHUB_WEBHOOK_SECRETS": "the-old-secret,the-new-secret",
            "LOOMIO_API_KEY_FENNEL": "the-key-of-fennel",
            "SMTP_URL": "smtp://trellis:kept%20quiet@mail.fennel.example",
            "CHAT_URLS": "slack://a/b/c json://127.0.0.1/one",
            "TRELLIS_HEARTBEAT_URL": "https://heartbeat.example/abc/",
        }
    )
    assert settings.secrets() == {
        password, "the-old-secret", "the-new-secret", "the-key-of-fennel", "kept quiet", "slack://a/b/c",
        "json://127.0.0.1/one", "https://heartbeat.example/abc/",
    }  # fmt: skip


def test_an_error_of_the_database_is_told_without_what_was_written(written: Written) -> None:
    with create_engine("sqlite://").connect() as connection:
        connection.execute(text("CREATE TABLE words (said TEXT UNIQUE)"))
        for _ in range(2):
            try:
                connection.execute(text("INSERT INTO words VALUES (:said)"), {"said": PRIVATE})
            except IntegrityError:
                written.log.exception("could not be kept")
    assert "UNIQUE constraint failed" in written.text()
    assert PRIVATE not in written.text()


def test_what_postgresql_says_of_values_is_left_out(written: Written) -> None:
    try:
        fail(RuntimeError(f"duplicate key\nDETAIL:  Key (name)=({PRIVATE}) already exists.\nHINT: none"))
    except RuntimeError:
        written.log.exception("could not be kept")
    assert PRIVATE not in written.text()
    assert "HINT: none" in written.text()


def test_every_line_of_an_attempt_names_its_effect_and_organisation(
    workshop: Workshop, database: Database, as_json: Written
) -> None:
    now = workshop.real_now()
    row = EffectRow(
        key="objective-queued:7", organisation="fennel-works", kind="CommentOnIssue", vendor="github",
        payload={"body": PRIVATE}, status="planned", planned_at=now, not_before=now,
    )  # fmt: skip
    database.transact(lambda session: session.add(row))
    attempt(workshop, EffectRow, row.key, lambda: Park(why="refused"))
    [line] = as_json.lines()
    assert {name: line[name] for name in ("level", "logger", "effect", "organisation")} == {
        "level": "WARNING", "logger": "jobs.attempt", "effect": "objective-queued:7", "organisation": "fennel-works",
    }  # fmt: skip
    assert PRIVATE not in as_json.text()


def test_every_line_of_an_attempt_names_its_delivery(workshop: Workshop, as_json: Written) -> None:
    def work() -> Finished:
        logging.getLogger("jobs.handle").info("looked")
        raise ConfigError(["no such word"])

    attempt(workshop, DeliveryRow, "a-guid", work)
    assert [(line["message"], line["delivery"]) for line in as_json.lines()] == [("looked", "a-guid")]
    logging.getLogger("jobs.handle").info("afterwards")
    assert "delivery" not in as_json.lines()[-1]


@pytest.mark.parametrize("form", ["xml", "JSON lines"])
def test_a_form_nobody_writes_is_refused(form: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings({"TRELLIS_LOG_FORMAT": form})
    assert refused.value.problems == (f"TRELLIS_LOG_FORMAT: {form!r} is not one of plain, json",)


def test_the_engines_lines_go_the_way_of_all_others() -> None:
    root, engine = logging.getLogger(), logging.getLogger("dbos")
    before = root.handlers[:]
    stream = io.StringIO()
    root.handlers = []
    try:
        set_up_log(level="INFO", form="json", stream=stream)
        engine.warning("a step was repeated")
        logging.getLogger("sqlalchemy.pool").warning("so was a connection")
    finally:
        root.handlers = before
        logging.captureWarnings(capture=False)
    assert [json.loads(line)["logger"] for line in stream.getvalue().splitlines()] == ["dbos", "sqlalchemy.pool"]
