"""A command is a slash and a word, alone on a line, outside quotes and code; everything else is talk."""

import pytest

from domain.commands import KNOWN, TAKE_WORDS, Command, commands_in


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_command_is_found(name: str) -> None:
    assert commands_in(f"Hello\n\n/{name}\n\nThank you") == (Command(name=name, known=True),)


@pytest.mark.parametrize(
    "body", ["/activate", "  /activate", "/activate  ", "/activate\r\n", "Hi\r\n/activate\r\nBye", "\n\n/activate"]
)
def test_blanks_and_line_ends_around_a_command_do_not_matter(body: str) -> None:
    assert commands_in(body) == (Command(name="activate", known=True),)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Please /activate this",
        "/activate this one",
        "/activate.",
        "/",
        "//activate",
        "/Activate",
        "/usr/bin/env",
        "- /activate",
        "> /activate",
        ">/activate",
        "`/activate`",
        "    /activate",
        "\t/activate",
        "```\n/activate\n```",
        "~~~\n/activate\n~~~",
        "Look:\n```sh\n/activate\n```\nThat is how",
        "````\n```\n/activate\n```\n````",
        "```\n~~~\n/activate\n~~~\n```",
        "```\n/activate",
        "/" + "a" * 40,
    ],
)
def test_talk_quotes_and_code_are_no_commands(body: str) -> None:
    assert commands_in(body) == ()


def test_an_unknown_word_alone_on_a_line_is_told_apart() -> None:
    assert commands_in("/activte") == (Command(name="activte", known=False),)


def test_commands_come_in_order_and_each_once() -> None:
    assert commands_in("/withdraw\n/talk\n/withdraw\n/thread") == (
        Command(name="withdraw", known=True),
        Command(name="talk", known=True),
        Command(name="thread", known=True),
    )


def test_a_command_after_a_code_block_counts() -> None:
    assert commands_in("```\n/thread\n```\n/talk") == (Command(name="talk", known=True),)


def test_code_within_one_line_opens_no_code_block() -> None:
    """GitHub reads three backticks with more of them on the same line as code in a sentence."""
    assert commands_in("```make run``` works for me now\n/go-ahead") == (Command(name="go-ahead", known=True),)


def test_a_fence_with_a_language_does_not_close_a_code_block() -> None:
    """GitHub closes a block by a bare fence only, so what follows is still inside."""
    assert commands_in("```\n```sh\n/withdraw\n```\n") == ()


# -- with words behind -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TAKE_WORDS)
def test_some_commands_take_words_behind_them(name: str) -> None:
    assert commands_in(f"/{name} until 2027-04-01 ") == (Command(name=name, known=True, words="until 2027-04-01"),)
    assert commands_in(f"/{name}") == (Command(name=name, known=True),)
    assert commands_in(f"/{name}\t two  words") == (Command(name=name, known=True, words="two  words"),)


@pytest.mark.parametrize("name", [one for one in KNOWN if one not in TAKE_WORDS])
def test_with_words_behind_it_any_other_is_talk(name: str) -> None:
    assert commands_in(f"/{name} if nobody minds") == ()


def test_an_unknown_word_with_words_behind_it_is_talk() -> None:
    assert commands_in("/shrug who knows\n/usr bin") == ()


def test_words_are_kept_as_they_were_written() -> None:
    [command] = commands_in("/log Élan — *sharpened* `two` knives, /held too")

    assert command == Command(name="log", known=True, words="Élan — *sharpened* `two` knives, /held too")


def test_words_on_the_next_line_are_talk() -> None:
    assert commands_in("/snooze\n2 weeks") == (Command(name="snooze", known=True),)


def test_the_first_of_two_counts() -> None:
    """`/wake` right after `/snooze` is another command; the same one twice is one."""
    assert commands_in("/snooze 2 weeks\n/wake\n/snooze a day") == (
        Command(name="snooze", known=True, words="2 weeks"),
        Command(name="wake", known=True),
    )


def test_quoted_or_fenced_commands_with_words_are_none() -> None:
    assert commands_in("> /snooze 2 weeks\n```\n/log something\n```\n    /held") == ()


@pytest.mark.parametrize("length", [1, 200, 501, 3000])
def test_a_long_line_for_the_log_is_not_lost(length: int) -> None:
    """Nobody counts letters when they note what they learned."""
    [command] = commands_in("/log " + "a" * length)

    assert command.known
    assert command.words.startswith("a" * min(length, 400))
