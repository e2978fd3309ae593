"""Every language says what English says; and whatever is wrong with a catalogue is found and told in a sentence."""

from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

import commands.messages
from commands.messages import messages_group
from config.catalogues import BLAMING, catalogue_problems, catalogues, message_names
from config.messages import FOLDER

# -- the real ones -----------------------------------------------------------------------------------------------------


def test_there_are_words_in_five_languages() -> None:
    assert catalogues() == ["de", "en", "es", "fr", "pt_BR"]


@pytest.mark.parametrize("locale", ["de", "es", "fr", "pt_BR"])
def test_every_message_is_there_in_every_language(locale: str) -> None:
    assert message_names(locale) == message_names("en") != []


def test_nothing_is_wrong_with_any_of_them() -> None:
    assert catalogue_problems() == []


def test_english_itself_neither_blames_nor_pushes() -> None:
    said = {name: (FOLDER / "en" / f"{name}.md").read_text(encoding="utf-8") for name in message_names()}

    assert {
        name: found for name, text in said.items() for words in BLAMING["en"] if (found := words.search(text))
    } == {}


# -- each kind of problem ----------------------------------------------------------------------------------------------


def problems_of(folder: Path, english: str | bytes | None, other: str | bytes | None, **at: str) -> list[str]:
    """What is told of one message in English and one other language; None leaves the file out."""
    locale, name = at.get("locale", "es"), at.get("name", "hello")
    for place, text in (("en", english), (locale, other)):
        (folder / place).mkdir()
        if text is not None:
            whole = text if isinstance(text, bytes) else text.encode()
            (folder / place / f"{name}.md").write_bytes(whole)
    return catalogue_problems(folder)


def test_a_faithful_catalogue_has_no_problem(tmp_path: Path) -> None:
    english = (
        "# Hello\n\nHello {name}, {name}. Write `/snooze 2 weeks`, or\n\n```\n/activate\n```\n\n"
        "### First day\n\n> {statement}\n"
    )
    spanish = (
        "# Hola\n\nEscribe\n\n```\n/activate\n```\n\no `/snooze 2 weeks`, {name}.\n\n### First day\n\n> {statement}\n"
    )

    assert problems_of(tmp_path, english, spanish) == []


@pytest.mark.parametrize(
    ("english", "spanish", "problem"),
    [
        ("Hello\n", None, "this message is missing"),
        (None, "Hola\n", "English has no such message"),
        ("Hello\n", " \n", "there are no words in it"),
        ("Hello\n", b"Ma\xf1ana\n", "this file is not written in UTF-8"),
        ("Hello {name}\n", "Hola\n", "{name} is missing"),
        ("Hello\n", "Hola {nombre}\n", "{nombre} stands here and not in English"),
        ("Hello\n", "Hola {}\n", "{} stands here and not in English"),
        ("Hello\n", "Hola {\n", "its braces do not pair"),
        ("Write `/held`\n", "Escribe /held\n", "`/held` is missing"),
        ("Hello\n", "Escribe `/hecho`\n", "`/hecho` stands here and not in English"),
        ("Write\n\n```\n/activate\n```\n", "Escribe\n", "`/activate` is missing"),
        ("Hello\n", "Escribe\n\n```\n/activar\n```\n", "`/activar` stands here and not in English"),
        ("### First day\n", "Primer día\n", "the heading '### First day' is missing"),
        ("Hello\n", "### Primer día\n", "the heading '### Primer día' stands here and not in English"),
        ("> {statement}\n", "«{statement}»\n", "the line '> {statement}' is missing"),
        ("{statement}\n", "> {statement}\n", "the line '> {statement}' stands here and not in English"),
        ("# Hello\n\nHello\n", "Hola\n", "its first line is no title, and in English it is"),
        ("Hello\n", "# Hola\n\nHola\n", "its first line is a title, and in English it is not"),
        ("# Hello\n", f"# {'o' * 51}\n", "its title has 51 characters, and 50 fit a subject line"),
        ("Hello\n", "Hola, estás atrasada\n", "'atrasada' may sound like blame or pressure"),
        ("Hello\n", "Debes venir\n", "'Debes' may sound like blame or pressure"),
        ("Yes!\n", "¡Sí\n", "it has an exclamation mark"),
        ("Yes!\n", "Sí!\n", "it has an exclamation mark"),
        ("Hello\n", "Hola @fennel/all\n", "it mentions @fennel/all, who would be notified"),
    ],
)
def test_a_problem_is_told_in_one_sentence(
    tmp_path: Path, english: str | None, spanish: str | bytes | None, problem: str
) -> None:
    assert problems_of(tmp_path, english, spanish) == [f"messages/es/hello.md: {problem}"]


def test_a_title_of_fifty_characters_fits(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "# Hello\n", f"# {'o' * 50}\n") == []


@pytest.mark.parametrize("spanish", ["Mantener\n", "Mantener\n\nDejar\nCambiar\n"])
def test_a_poll_has_the_same_number_of_options_in_every_language(tmp_path: Path, spanish: str) -> None:
    found = problems_of(tmp_path, "Keep\nStop\n", spanish, name="options-policy-poll")

    lines = len(spanish.splitlines())
    assert found == [f"messages/es/options-policy-poll.md: it has {lines} options, and English has 2"]


def test_all_problems_are_told_at_once_file_by_file(tmp_path: Path) -> None:
    for place, text in {
        "en/bye": "Bye {name}\n",
        "en/hello": "# Hello\n\nHello {name}, write `/held`\n",
        "es/hello": "Hola {nombre}\n",
        "fr/bye": "Au revoir {name}, sans retard ni retard !\n",
        "fr/salut": "Salut\n",
    }.items():
        file = tmp_path / f"{place}.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")

    assert catalogue_problems(tmp_path) == [
        "messages/es/bye.md: this message is missing",
        "messages/es/hello.md: {name} is missing",
        "messages/es/hello.md: {nombre} stands here and not in English",
        "messages/es/hello.md: `/held` is missing",
        "messages/es/hello.md: its first line is no title, and in English it is",
        "messages/fr/bye.md: 'retard' may sound like blame or pressure",
        "messages/fr/bye.md: it has an exclamation mark",
        "messages/fr/hello.md: this message is missing",
        "messages/fr/salut.md: English has no such message",
    ]


@pytest.mark.parametrize(
    ("locale", "text", "word"),
    [
        ("en_GB", "You have to write", "You have to"),
        ("en_GB", "A reminder", "reminder"),
        ("es", "Tienes que escribir", "Tienes que"),
        ("es_MX", "El plazo", "plazo"),
        ("fr", "Vous devez écrire", "Vous devez"),
        ("fr", "N’oublie pas", "N’oublie pas"),
        ("de", "Die Abgabefrist", "Abgabefrist"),
        ("de", "Du musst schreiben", "Du musst"),
        ("pt", "Um lembrete", "lembrete"),
        ("pt_BR", "Você deve escrever", "Você deve"),
    ],
)
def test_what_blames_or_pushes_is_found_in_each_language(tmp_path: Path, locale: str, text: str, word: str) -> None:
    found = problems_of(tmp_path, "Hello\n", f"{text}\n", locale=locale)

    assert found == [f"messages/{locale}/hello.md: '{word}' may sound like blame or pressure"]


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("en_GB", "Later, in one translated message, by musty template. They do not have to."),
        ("es", "Hay algo que hacer más tarde, y no hace falta nada. Deberíamos hablar."),
        ("fr", "S'il te faut du temps, il reste de la place. Il appelle plus tard."),
        ("de", "Später, langfristig und kurzfristig. Wer sich erinnert, muss lachen."),
        ("pt_BR", "Há dois anos, lá atrás, você devolveu o livro e não falou nada."),
        ("ne", "overdue atrasado retard"),
    ],
)
def test_harmless_words_and_languages_without_a_list_pass(tmp_path: Path, locale: str, text: str) -> None:
    assert problems_of(tmp_path, "Hello\n", f"{text}\n", locale=locale) == []


# -- the command -------------------------------------------------------------------------------------------------------


def check() -> Result:
    return CliRunner().invoke(messages_group(cast("Any", None)), ["check"])


def test_the_command_says_that_all_is_complete() -> None:
    result = check()

    assert result.output == f"5 catalogues, {len(message_names())} messages each: complete.\n"
    assert result.exit_code == 0


def test_the_command_tells_every_problem_and_exits_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    told = ["messages/es/hello.md: this message is missing", "messages/fr/hello.md: {name} is missing"]
    monkeypatch.setattr(commands.messages, "catalogue_problems", lambda: told)

    result = check()

    assert result.output.splitlines() == told
    assert result.exit_code == 1
