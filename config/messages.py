"""Words: every sentence a person reads comes from `config/messages/<locale>/<name>.md`.

A file holds the words with `{value}` where a value goes. What a person typed is made quiet before it is filled in, so
quoting somebody never pings a bystander.
"""

import re
from functools import cache
from pathlib import Path
from string import Formatter

from config.errors import ConfigError
from domain.effects import Say

FOLDER = Path(__file__).parent / "messages"
FALLBACK_LOCALE = "en"


def words(say: Say, *, folder: Path = FOLDER) -> str:
    """Fill in a message in the person's locale, or in English when there is no translation.

    Raises ConfigError when the message does not exist or a value it needs is not given.
    """
    text = _text(folder, say.locale, say.name)
    quiet = {name: quieted(value) for name, value in say.values.items()}
    # A value that stands in a quotation is quoted to its last line.
    for name in re.findall(r"^> \{(\w+)\}$", text, re.MULTILINE):
        quiet[name] = "\n> ".join(quiet.get(name, "").splitlines())
    try:
        return text.format_map(quiet)
    except KeyError as error:
        raise ConfigError([f"messages/{say.locale}/{say.name}.md: no value for {error}"]) from error


def has_message(name: str) -> bool:
    """Say whether there are words under a name."""
    return (FOLDER / FALLBACK_LOCALE / f"{name}.md").is_file()


def rhythms_with_words() -> list[str]:
    """Name the rhythms that have words of their own."""
    return sorted(file.stem.removeprefix("nudge-") for file in (FOLDER / FALLBACK_LOCALE).glob("nudge-*.md"))


def quieted(text: str) -> str:
    """Keep a person's words from acting for us: an `@name` notifies nobody, a hidden comment is not one of our markers.

    A zero-width joiner breaks either and cannot be seen.
    """
    return re.sub(r"@(?=\w)", "@\u2060", text).replace("<!--", "<\u2060!--")


def placeholders(text: str) -> set[str]:
    """Name the values a message asks for."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@cache
def _text(folder: Path, locale: str, name: str) -> str:
    for one in (locale, locale.split("_")[0], FALLBACK_LOCALE):
        file = folder / one / f"{name}.md"
        if file.is_file():
            return file.read_text(encoding="utf-8").strip()
    raise ConfigError([f"messages/{FALLBACK_LOCALE}/{name}.md: there is no such message"])
