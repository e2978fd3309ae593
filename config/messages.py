"""Words: every sentence a person reads comes from `config/messages/<locale>/<name>.md`.

A file holds the words with `{value}` where a value goes. A value named `…_on` is a date and is written out as the
language does, one named `…_names` holds a name a line and becomes a list. What a person typed is made quiet before it
is filled in, so quoting somebody never pings a bystander. One named `…_mentions` holds logins, a line each: those, and
only those, are told.
"""

import re
from datetime import date
from functools import cache
from pathlib import Path
from string import Formatter

from babel.dates import format_date
from babel.lists import format_list

from config.errors import ConfigError
from domain.effects import Say

FOLDER = Path(__file__).parent / "messages"
FALLBACK_LOCALE = "en"
# What a language is called here, and in the roster.
LOCALE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")
# Words that look like those of a rhythm and are said on other occasions.
NOT_RHYTHMS = {"be-available", "dates-wanted", "withdrawn", "of-the-year"}
# What stands in place of a list of nobody.
NOBODY_NAMED = {
    "partner_names": "part-somebody",
    "confidential_names": "part-somebody",
    "consented_names": "part-nobody-named",
}


def words(say: Say, *, folder: Path = FOLDER) -> str:
    """Fill in a message in the person's locale, or in English when there is no translation.

    Raises ConfigError when the message does not exist or a value it needs is not given.
    """
    locale, text = _found(folder, say.locale, say.name)
    quiet = {name: _filled(name, value, locale, folder) for name, value in say.values.items()}
    for name, spoken in say.spoken.items():
        quiet[name] = words(Say(name=spoken, locale=say.locale, values=say.values), folder=folder).strip()
    # A value that stands in a quotation is quoted to its last line.
    for name in re.findall(r"^> \{(\w+)\}$", text, re.MULTILINE):
        quiet[name] = "\n> ".join(quiet.get(name, "").splitlines())
    try:
        return text.format_map(quiet)
    except KeyError as error:
        raise ConfigError([f"messages/{say.locale}/{say.name}.md: no value for {error}"]) from error


def _filled(name: str, value: str, locale: str, folder: Path) -> str:
    if name.endswith("_mentions"):
        logins = [one for one in value.splitlines() if LOGIN.fullmatch(one)]
        return ", ".join(f"@{one}" for one in logins)
    return quieted(_written(name, value, locale, folder))


def has_message(name: str) -> bool:
    """Say whether there are words under a name."""
    return (FOLDER / FALLBACK_LOCALE / f"{name}.md").is_file()


@cache  # asked for every rhythm of every policy; looking each time was most of reading a policy
def rhythms_with_words() -> tuple[str, ...]:
    """Name the rhythms that have words of their own, for whichever side or for the team."""
    found = (FOLDER / FALLBACK_LOCALE).glob("*.md")
    said = [re.fullmatch(r"(?:nudge|thread|poll)-(.+?)(?:-partner|-coordinator)?", file.stem) for file in found]
    return tuple(sorted({one[1] for one in said if one} - NOT_RHYTHMS))


def quieted(text: str) -> str:
    """Keep a person's words from acting for us: an `@name` notifies nobody, a hidden comment is not one of our markers.

    A zero-width joiner breaks either and cannot be seen.
    """
    return re.sub(r"@(?=\w)", "@\u2060", text).replace("<!--", "<\u2060!--")


def placeholders(text: str) -> set[str]:
    """Name the values a message asks for."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def asked_for(name: str) -> set[str]:
    """Name the values a message of ours asks for; none when there is no such message."""
    return placeholders(_found(FOLDER, FALLBACK_LOCALE, name)[1]) if has_message(name) else set()


def titled(text: str) -> tuple[str, str]:
    """Take the title, `# …` on the first line, from the words below it; '' when there is none."""
    first, _, rest = text.partition("\n")
    return (first.removeprefix("# ").strip(), rest.strip()) if first.startswith("# ") else ("", text)


def language_tag(locale: str) -> str:
    """Give the tag, such as pt-BR, of the language in which somebody with a locale is spoken to."""
    return _found(FOLDER, locale, "digest-hello")[0].replace("_", "-")


def locales() -> list[str]:
    """Name the languages there are catalogues for."""
    return sorted(one.name for one in FOLDER.iterdir() if one.is_dir())


def _written(name: str, value: str, locale: str, folder: Path) -> str:
    """Write a date out and put names in a list, as the language does."""
    if name.endswith("_on"):
        return format_date(date.fromisoformat(value), format="long", locale=locale)
    if name.endswith("_names"):
        names = value.splitlines()
        return format_list(names, locale=locale) if names else _found(folder, locale, NOBODY_NAMED[name])[1]
    return value


@cache
def _found(folder: Path, locale: str, name: str) -> tuple[str, str]:
    language = locale.split("_")[0]
    kin = [one.name for one in sorted(folder.glob(f"{language}_*"))]  # pt is served by pt_BR while there is no pt
    for one in (locale, language, *kin, FALLBACK_LOCALE):
        file = folder / one / f"{name}.md"
        if file.is_file():
            return one, file.read_text(encoding="utf-8").strip()
    raise ConfigError([f"messages/{FALLBACK_LOCALE}/{name}.md: there is no such message"])
