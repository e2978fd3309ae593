"""Logs: one line for each thing worth telling, plain or as JSON, saying what it concerns and no secret.

What a line concerns (a delivery, an effect, an organisation) is named by whoever begins the work, with `about`, and
every line below says it without being told. Whatever stands in the settings as a secret is blotted out wherever it
turns up, and a database's error is told without the values it came from: those are bodies and private words.
"""

import json
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import TextIO

from sqlalchemy.exc import StatementError

PLAIN = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
FORMATS = ("plain", "json")
BLOTTED = "•••"
# Shorter ones would blot out ordinary words; no secret that could be guessed that easily is worth the name.
LEAST_LETTERS = 12
# The engine adds a handler of its own unless there is one; the server keeps its own.
ENGINE, SERVER = "dbos", "gunicorn.error"
TELLS_VALUES = ("DETAIL:", "CONTEXT:", "[parameters:")

_about: ContextVar[Mapping[str, str]] = ContextVar("about", default=MappingProxyType({}))

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


@contextmanager
def about(**what: str | None) -> Iterator[None]:
    """Name what the lines in this block concern; what is None is left out."""
    token = _about.set({**_about.get(), **{name: value for name, value in what.items() if value is not None}})
    try:
        yield
    finally:
        _about.reset(token)


class Careful(logging.Formatter):
    """Blots out secrets, and tells a database's error without its values."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__(PLAIN)
        # The longest first: one may hold another.
        self._secrets = sorted((one for one in set(secrets) if len(one) >= LEAST_LETTERS), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        return self.blotted(super().format(record))

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the standard library's name
        """Give a traceback without the values that went to the database."""
        error: BaseException | None = ei[1]
        while error is not None:
            if isinstance(error, StatementError):
                error.hide_parameters = True
            error = error.__cause__ or error.__context__
        lines = super().formatException(ei).splitlines()
        return "\n".join(line for line in lines if not line.lstrip().startswith(TELLS_VALUES))

    def blotted(self, text: str) -> str:
        """Blot out every secret."""
        for secret in self._secrets:
            text = text.replace(secret, BLOTTED)
        return text


class AsJson(Careful):
    """One JSON object a line; line breaks are inside strings, so a message cannot pretend to be another line."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        said: dict[str, str] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_about.get(),
        }
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps({name: self.blotted(value) for name, value in said.items()}, ensure_ascii=False)


def set_up_log(*, level: str, form: str, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Have everything this process logs go to standard error in one form."""
    formatter = AsJson(secrets) if form == "json" else Careful(secrets)
    handler = logging.StreamHandler(stream or sys.stderr)
    logging.basicConfig(level=level, handlers=[handler])  # does nothing where there is a log already
    engine = logging.getLogger(ENGINE)
    engine.handlers, engine.propagate = [logging.NullHandler()], True
    for one in (*logging.getLogger().handlers, *logging.getLogger(SERVER).handlers):
        if type(one) is logging.StreamHandler:
            one.setFormatter(formatter)
    logging.captureWarnings(capture=form == "json")
