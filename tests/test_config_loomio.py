"""The [loomio] table: which dialect, how a vote is put to the group, and what could never be read."""

from pathlib import Path

import pytest

from config.policy import load_policy
from domain.policy import ClosingSoon, HideResults, LoomioDialect, LoomioPolicy
from tests.test_config_policy import EXAMPLE, a_file, changed, problems

OPTIONS = 'options = ["agree", "abstain", "disagree", "block"]\nanonymous'


def of(*words: str) -> str:
    """The line with the options, with other ones."""
    listed = ", ".join(f'"{word}"' for word in words)
    return f"options = [{listed}]\nanonymous"


def loomio(folder: Path, text: str) -> LoomioPolicy:
    found = load_policy(a_file(folder, text)).loomio
    assert found is not None
    return found


def test_without_a_word_it_is_todays_loomio_and_an_open_vote_that_people_are_reminded_of(tmp_path: Path) -> None:
    found = loomio(tmp_path, EXAMPLE)
    assert (found.dialect, found.private) == (LoomioDialect.CURRENT, None)
    assert (found.anonymous, found.hide_results, found.closing_soon) == (
        False, HideResults.OFF, ClosingSoon.UNDECIDED_VOTERS,
    )  # fmt: skip


def test_each_way_of_asking_can_be_chosen(tmp_path: Path) -> None:
    text = changed('dialect = "current" ', 'dialect = "legacy" ').replace("# private = true ", "private = true ")
    text = text.replace("anonymous = false", "anonymous = true").replace(
        'hide_results = "off"', 'hide_results = "until_closed"'
    )
    text = text.replace('closing_soon = "undecided_voters"', 'closing_soon = "nobody"')
    found = loomio(tmp_path, text)
    assert (found.dialect, found.private, found.anonymous) == (LoomioDialect.LEGACY, True, True)
    assert (found.hide_results, found.closing_soon) == (HideResults.UNTIL_CLOSED, ClosingSoon.NOBODY)


@pytest.mark.parametrize("words", [("consent", "objection"), ("accept", "decline"), ("agree", "veto")])
def test_options_may_be_any_words_loomio_knows(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert loomio(tmp_path, changed(OPTIONS, of(*words))).options == words


NO_ICON = "has no icon in Loomio, by which votes are read;"
WORDS = "agree, looks_good, accept, consent, abstain, disagree, decline, objection, object, block, veto"


@pytest.mark.parametrize(
    ("said", "instead", "problem"),
    [
        ('"current" ', '"legacey" ', "dialect: 'legacey' is not known here; did you mean 'legacy'?"),
        ('"off" ', '"until_close" ', "hide_results: 'until_close' is not known here; did you mean 'until_closed'?"),
        (
            'closing_soon = "undecided_voters" ',
            'closing_soon = "all" ',
            "closing_soon: 'all' is not known here; one of: nobody, author, undecided_voters, voters",
        ),
        ("anonymous = false ", 'anonymous = "no" ', "anonymous: 'no' is not true or false"),
        (OPTIONS, of("agree", "dissagree"), f"options: 'dissagree' {NO_ICON} did you mean 'disagree'?"),
        (OPTIONS, of("agree", "Wait a year"), f"options: 'Wait a year' {NO_ICON} one of: {WORDS}"),
        (OPTIONS, of("agree", "agree", "block"), "options: each option once"),
        (
            OPTIONS,
            of("agree", "abstain"),
            "options: nobody could object; add 'disagree', 'objection' or 'block'",
        ),
        (OPTIONS, of("abstain", "block"), "options: nobody could agree; add 'agree' or 'consent'"),
    ],
)
def test_what_could_not_be_asked_or_read_is_refused(tmp_path: Path, said: str, instead: str, problem: str) -> None:
    assert problems(tmp_path, changed(said, instead)) == (f"fennel.toml: loomio.{problem}",)
