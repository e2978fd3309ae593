"""What `/snooze` and its words mean."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commands import commands_in
from domain.later import LONGEST_DAYS, Wish, read_later, snoozes
from domain.people import Snooze

TODAY = date(2027, 3, 2)


def this(last_on: date | None) -> Wish:
    return Wish(everything=False, this_time_only=False, last_on=last_on)


def everything(last_on: date | None) -> Wish:
    return Wish(everything=True, this_time_only=False, last_on=last_on)


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("", this(date(2027, 3, 9))),
        ("   ", this(date(2027, 3, 9))),
        ("2 weeks", this(date(2027, 3, 16))),
        ("2weeks", this(date(2027, 3, 16))),
        ("for 2 weeks", this(date(2027, 3, 16))),
        ("For  2  Weeks", this(date(2027, 3, 16))),
        ("a week", this(date(2027, 3, 9))),
        ("one month", this(date(2027, 4, 1))),
        ("3 days", this(date(2027, 3, 5))),
        ("1 day", this(date(2027, 3, 3))),
        ("999 months", this(TODAY + timedelta(days=LONGEST_DAYS))),
        ("until 2027-04-01", this(date(2027, 3, 31))),
        ("till 2027-04-01", this(date(2027, 3, 31))),
        ("2027-04-01", this(date(2027, 3, 31))),
        ("until 2027-03-03", this(TODAY)),
        ("until 2028-02-29", this(date(2028, 2, 28))),
        ("this time", Wish(everything=False, this_time_only=True, last_on=None)),
        ("This Cycle", Wish(everything=False, this_time_only=True, last_on=None)),
        ("all", everything(None)),
        ("everything", everything(None)),
        ("Everything for 2 weeks", everything(date(2027, 3, 16))),
        ("all until 2027-04-01", everything(date(2027, 3, 31))),
    ],
)
def test_a_length_a_day_this_time_or_everything(words: str, wish: Wish) -> None:
    assert read_later(words, today=TODAY) == wish


@pytest.mark.parametrize(
    "words",
    [
        "please",
        "until",
        "until spring",
        "until 2027-02-30",
        "until 2027-03-01",
        "until 2031-01-01",
        "until 9999-12-31",
        "until 01/04/2027",
        "two fortnights",
        "2",
        "2 hours",
        "-2 weeks",
        "1000 weeks",
        "2 weeks please",
        "allways",
        "all this time",
        "everything and more",
    ],
)
def test_what_cannot_be_read_is_not_guessed(words: str) -> None:
    assert read_later(words, today=TODAY) is None


@pytest.mark.parametrize("words", ["until 2027-03-02", "0 days", "all until 2027-03-02", "0 weeks"])
def test_later_is_not_today(words: str) -> None:
    """Somebody who reads "put off" and is asked the same day has been told a thing that is not so."""
    wish = read_later(words, today=TODAY)

    assert wish is None or (wish.last_on is not None and wish.last_on >= TODAY)


def test_later_for_what_was_asked_last_and_for_everything() -> None:
    asked = [("spring", "2027"), ("two-weekly", "2027-03-02"), ("spring", "2027")]

    assert snoozes(this(date(2027, 3, 9)), asked, today=TODAY) == [
        Snooze(first_on=TODAY, last_on=date(2027, 3, 9), rhythm="spring"),
        Snooze(first_on=TODAY, last_on=date(2027, 3, 9), rhythm="two-weekly"),
    ]
    assert snoozes(Wish(everything=False, this_time_only=True, last_on=None), asked, today=TODAY) == [
        Snooze(first_on=TODAY, rhythm="spring", turn="2027"),
        Snooze(first_on=TODAY, rhythm="two-weekly", turn="2027-03-02"),
    ]
    assert snoozes(everything(None), asked, today=TODAY) == [Snooze(first_on=TODAY)]
    assert snoozes(this(None), [], today=TODAY) == []


@settings(max_examples=300, deadline=None)
@given(words=st.text(max_size=30) | st.from_regex(r"(all |for |until )?\d{1,4}[- ]?(weeks?|days?|\d\d-\d\d)"))
def test_any_words_are_read_or_refused_and_a_wish_ends_within_reach(words: str) -> None:
    wish = read_later(words, today=TODAY)

    if wish is not None and wish.last_on is not None:
        assert TODAY - timedelta(days=1) <= wish.last_on <= TODAY + timedelta(days=LONGEST_DAYS)


def test_the_words_of_a_command_are_read() -> None:
    [command] = commands_in("Thanks!\n\n/snooze for 2 weeks\n")

    assert read_later(command.words, today=TODAY) == this(date(2027, 3, 16))
