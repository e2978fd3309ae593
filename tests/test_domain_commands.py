"""A command is a slash and a word, alone on a line, outside quotes and code; everything else is talk."""

import pytest

from domain.commands import KNOWN, Command, commands_in


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
