"""Catalogues: whether every language says what English says, with the same values and commands, and as calmly.

One folder of `config/messages/` is one catalogue; English is the one the others are held against. Tests hold English.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Formatter

from config.messages import FALLBACK_LOCALE, FOLDER

LONGEST_TITLE = 50


def _any_of(*found: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rf"\b(?:{one})\b", re.IGNORECASE) for one in found)


# What sounds like blame, pressure or a chase, by language. Whole words, so that German "später" and "langfristig" pass.
BLAMING: dict[str, tuple[re.Pattern[str], ...]] = {
    "en": _any_of(
        r"overdue|late|behind|delayed|missed|deadlines?|too late",
        r"fail(ed|ure|ures|s|ing)?|neglect\w*",
        r"must|should have|you (have|need|ought) to|obligat\w*|oblig(e|ed|es)|required|mandatory|compulsory",
        r"remind\w*|warnings?|urgent\w*",
    ),
    "es": _any_of(
        r"vencid[oa]s?|atrasad[oa]s?|atraso|retras\w*|plazos?|fecha límite|demasiado tarde",
        r"fracas\w*|fall(ó|aste|aron|ado)|incumpl\w*|descuid\w*",
        r"deb(es?|en|emos|ías?|ían|erías?|erían|iste)|(tienes|tiene|tenías|tendrías|hay) que",
        r"obligatori[oa]s?|obligad[oa]s?|obligaci(ón|ones)|exig\w*",
        r"recordatorios?|recuerda que|no olvides|advertencias?|urgen\w*",
    ),
    "fr": _any_of(
        r"retards?|en retard|délais?|échéances?|date limite|dates limites|trop tard",
        r"échou\w*|échecs?|manquements?|néglig\w*|raté\w*",
        r"tu (dois|devrais)|vous (devez|devriez)|(aurais|aurait|auriez) dû",
        r"obligatoires?|obligé\w*|obligations?|exig\w*",
        r"rappels?|rappelle-toi|n[’']oublie pas|avertissements?|urgen\w*",
    ),
    "de": _any_of(
        r"überfällig\w*|rückst(and|ände)\w*|verspät\w*|zu spät|\w*frist(en)?",
        r"versäum\w*|verpass\w*|\w*scheiter\w*|versag\w*|vernachlässig\w*",
        r"(du|ihr|sie|man) (musst|müsst|müssen|muss|solltest|solltet)|(hättest|hättet) \w+ (sollen|müssen)",
        r"pflicht\w*|verpflicht\w*|zwingend\w*",
        r"erinnerung(en)?|mahn\w*|warnung(en)?|dringend\w*",
    ),
    "pt": _any_of(
        r"vencid[oa]s?|atras\w*|prazos?|data limite|tarde demais",
        r"fracass\w*|falh(ou|aram|aste)|descumpr\w*|negligen\w*",
        r"(você|tu|vocês) dev(e|em|es|ia|iam|ias|eria|eriam|erias)",
        r"(deveria|deverias|deveriam) ter|(você|vocês) (tem|têm) (que|de)|tens (que|de)",
        r"obrigatóri[oa]s?|obrigaç(ão|ões)|exig\w*",
        r"lembretes?|lembre-se|não (se )?esqueça|advertências?|cobran\w*|urgen\w*",
    ),
}


def catalogues(folder: Path = FOLDER) -> list[str]:
    """Name the languages there are words in."""
    return sorted(one.name for one in folder.iterdir() if one.is_dir())


def message_names(locale: str = FALLBACK_LOCALE, *, folder: Path = FOLDER) -> list[str]:
    """Name the messages of a catalogue."""
    return sorted(file.stem for file in (folder / locale).glob("*.md"))


def catalogue_problems(folder: Path = FOLDER) -> list[str]:
    """Tell what every catalogue lacks beside the English one, has too much, or says in another manner."""
    return [
        f"messages/{locale}/{name}.md: {problem}"
        for locale in catalogues(folder)
        if locale != FALLBACK_LOCALE
        for name in sorted({*message_names(folder=folder), *message_names(locale, folder=folder)})
        for problem in _problems(folder, locale, name)
    ]


def _problems(folder: Path, locale: str, name: str) -> Iterator[str]:
    english, file = folder / FALLBACK_LOCALE / f"{name}.md", folder / locale / f"{name}.md"
    if not file.is_file():
        yield "this message is missing"
        return
    if not english.is_file():
        yield "English has no such message"
        return
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        yield "this file is not written in UTF-8"
        return
    if not text.strip():
        yield "there are no words in it"
        return
    original = english.read_text(encoding="utf-8")
    yield from _kept(original, text)
    yield from _title(original, text)
    if name.startswith("options-"):
        yield from _options(original, text)
    yield from _manners(locale, text)


# -- what stays as it is -----------------------------------------------------------------------------------------------


def _kept(original: str, text: str) -> Iterator[str]:
    """Hold what the program fills in or reads back: it is the same in every language."""
    for found_in in KEPT:
        try:
            found = found_in(text)
        except ValueError:
            yield "its braces do not pair"
            continue
        wanted = found_in(original)
        yield from (f"{one} is missing" for one in sorted(wanted - found))
        yield from (f"{one} stands here and not in English" for one in sorted(found - wanted))


def _values(text: str) -> set[str]:
    return {
        "{" + name + (f"!{how}" if how else "") + (f":{shape}" if shape else "") + "}"
        for _, name, shape, how in Formatter().parse(text)
        if name is not None
    }


def _code(text: str) -> set[str]:
    """Give what stands in backticks, among it every command; a fence counts as its content."""
    fence = re.compile(r"^```\w*\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
    spans = [*fence.findall(text), *re.findall(r"`([^`\n]+)`", fence.sub("", text))]
    return {f"`{one}`" for one in spans}


def _headings(text: str) -> set[str]:
    """Give the headings inside a message: `domain/forms.py` finds the answers in an issue by them."""
    return {f"the heading '{one}'" for one in re.findall(r"^##+ .+$", text, re.MULTILINE)}


def _quotations(text: str) -> set[str]:
    """Give the lines that quote a value: only in this shape is it quoted to its last line."""
    return {f"the line '{one}'" for one in re.findall(r"^> \{\w+\}$", text, re.MULTILINE)}


KEPT: tuple[Callable[[str], set[str]], ...] = (_values, _code, _headings, _quotations)


def _title(original: str, text: str) -> Iterator[str]:
    first = text.splitlines()[0]
    if original.startswith("# ") and not first.startswith("# "):
        yield "its first line is no title, and in English it is"
    if first.startswith("# ") and not original.startswith("# "):
        yield "its first line is a title, and in English it is not"
    length = len(first.removeprefix("# "))
    if first.startswith("# ") and length > LONGEST_TITLE:
        yield f"its title has {length} characters, and {LONGEST_TITLE} fit a subject line"


def _options(original: str, text: str) -> Iterator[str]:
    """Hold the options of a poll, one a line: people in every language choose among the same."""
    wanted, found = (len(one.strip().splitlines()) for one in (original, text))
    if wanted != found:
        yield f"it has {found} options, and English has {wanted}"


# -- manners -----------------------------------------------------------------------------------------------------------


def _manners(locale: str, text: str) -> Iterator[str]:
    said = (found.group() for words in BLAMING.get(locale.split("_")[0], ()) for found in words.finditer(text))
    yield from (f"'{one}' may sound like blame or pressure" for one in dict.fromkeys(said))
    if re.search("[!¡！]", text):
        yield "it has an exclamation mark"
    yield from (f"it mentions {one}, who would be notified" for one in dict.fromkeys(re.findall(r"@\w[\w/-]*", text)))
