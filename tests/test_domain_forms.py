"""Answers of issue forms, read back from whatever the issue's body has become; a number is never guessed."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from domain.forms import ObjectiveAnswers, TicketAnswers, objective_answers, read_cost, sections, ticket_answers

TICKET = """### What is the opportunity?

A week with the basket makers

### How does it stretch me?

I have never worked with willow.

And I am shy.

### What does it cost?

480 EUR

### First day

2027-04-05

### Last day

2027-04-09

### How shall we decide?

Start a thread
"""
READ = TicketAnswers(
    opportunity="A week with the basket makers",
    stretch="I have never worked with willow.\n\nAnd I am shy.",
    cost=Decimal(480),
    currency="EUR",
    cost_said="480 EUR",
    first_on=date(2027, 4, 5),
    last_on=date(2027, 4, 9),
    decide="Start a thread",
)


# -- sections ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_answers_are_split_by_their_labels_whatever_the_line_ends(end: str) -> None:
    body = end.join(["### One", "", "first", "more", "", "### Two", "", "second", ""])

    assert sections(body, ("One", "Two")) == {"One": end.join(["first", "more"]).replace(end, "\n"), "Two": "second"}


@pytest.mark.parametrize("answer", ["_No response_", "_no response_", "None", "", "   "])
def test_an_answer_that_was_not_given_is_empty(answer: str) -> None:
    assert sections(f"### One\n\n{answer}\n\n### Two\n\nsecond", ("One", "Two")) == {"One": "", "Two": "second"}


def test_a_label_that_is_not_there_is_left_out() -> None:
    assert sections("just some words", ("One", "Two")) == {}
    assert sections("", ("One",)) == {}


def test_a_label_counts_once_whatever_its_case_and_only_as_a_heading_of_the_forms_level() -> None:
    body = "## One\nnot this\n### ONE  \nfirst\n#### One\n### one\nagain\n###One\n### Other\nstill"

    assert sections(body, ("One",)) == {"One": "first\n#### One\n### one\nagain\n###One\n### Other\nstill"}


@pytest.mark.parametrize("fence", ["```", "~~~", "````", "```sh", "  ```"])
def test_a_label_in_a_code_block_belongs_to_the_answer(fence: str) -> None:
    close = fence.strip().removesuffix("sh")
    body = f"### One\n{fence}\n### Two\n{close}\n### Two\nsecond"

    assert sections(body, ("One", "Two")) == {"One": f"{fence}\n### Two\n{close}".strip(), "Two": "second"}


def test_a_shorter_or_other_fence_does_not_close_a_code_block() -> None:
    body = "### One\n````\n```\n~~~~\n### Two\n````\n### Two\nsecond"

    assert sections(body, ("One", "Two"))["Two"] == "second"


def test_code_within_one_line_hides_nothing_that_follows() -> None:
    """GitHub reads three backticks with more of them on the same line as code in a sentence, not as a block."""
    body = TICKET.replace("I have never worked with willow.", "```pip install willow```")

    assert ticket_answers(body).cost == Decimal(480), "else what costs money looks free and goes ahead at once"


# -- our own note at the end -------------------------------------------------------------------------------------------

RULE = "\n---\n_GT-0007: the golden ticket of Ada Moreau, opened with Trellis._"
MARKER = "\n\n<!-- trellis:key=open:fennel:ticket:5 -->\n"


@pytest.mark.parametrize("note", [RULE, RULE + "\n", RULE + MARKER])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["as we wrote it", "as a browser saves it"])
def test_our_note_is_no_part_of_the_last_answer(note: str, end: str) -> None:
    body = ("### First day\n\n2027-04-05\n\n### Last day\n\n2027-04-09\n" + note).replace("\n", end)

    assert sections(body, ("First day", "Last day")) == {"First day": "2027-04-05", "Last day": "2027-04-09"}
    assert ticket_answers(body).last_on == date(2027, 4, 9)


@pytest.mark.parametrize("locale", ["en", "de", "es", "fr", "pt_BR"])
def test_the_notes_we_write_are_taken_off_again(locale: str) -> None:
    words = Path("config/messages") / locale / "objective-issue.md"
    body = words.read_text(encoding="utf-8").replace("{title}", "Sharpening").replace("{why}", "Dull tools hurt")

    assert objective_answers(body + "\n<!-- trellis:key=open:fennel:objective:111 -->") == ObjectiveAnswers(
        goal="Sharpening", why="Dull tools hurt"
    )


@pytest.mark.parametrize(
    "why",
    [
        "One\n\n---\n\nTwo",
        "One\n---\n_in italics_\nand more",
        "One\n\n_in italics_",
        "One\n---\nplain",
        "One <!-- trellis:key=x -->",
    ],
)
def test_a_persons_own_rule_or_italics_stay_theirs(why: str) -> None:
    body = f"### What do I want to learn?\n\nSharpening\n\n### Why does it matter to me?\n\n{why}\n"

    assert objective_answers(body).why == why
    assert objective_answers(body + "\n---\n_Opened with Trellis._").why == why


# -- the two forms -----------------------------------------------------------------------------------------------------


def test_the_ticket_form_is_read() -> None:
    assert ticket_answers(TICKET) == READ


def test_the_ticket_form_is_read_with_the_line_ends_of_a_browser() -> None:
    assert ticket_answers(TICKET.replace("\n", "\r\n")) == READ


def test_an_empty_ticket_form_costs_nothing_and_names_no_days() -> None:
    empty = "\n".join(line if line.startswith("###") or not line else "_No response_" for line in TICKET.split("\n"))

    assert ticket_answers(empty) == TicketAnswers(
        # The second of two paragraphs stands in for an answer of two lines.
        stretch="_No response_\n\n_No response_",
        cost=Decimal(0),
    )


@pytest.mark.parametrize("said", ["5 April 2027", "05/04/2027", "2027-13-01", "2027-04-31", "soon"])
def test_a_date_nobody_can_read_is_left_open(said: str) -> None:
    answers = ticket_answers(TICKET.replace("2027-04-05", said))

    assert (answers.first_on, answers.last_on) == (None, date(2027, 4, 9))


def test_a_cost_nobody_can_read_keeps_its_words() -> None:
    answers = ticket_answers(TICKET.replace("480 EUR", "480 EUR, or 300 if I share a room"))

    assert (answers.cost, answers.currency, answers.cost_said) == (None, "", "480 EUR, or 300 if I share a room")


def test_the_objective_form_is_read_and_the_rest_stays_on_github() -> None:
    body = (
        "### What do I want to learn?\n\nSharpening\n\n### Why does it matter to me?\n\nDull tools hurt\n\n"
        "### Where does it come from?\n\nMy own interest\n\n### How will I learn it?\n\nBy doing\n\n"
        "### When …, then I will …\n\n_No response_\n\n### Partner\n\nBo"
    )

    assert objective_answers(body) == ObjectiveAnswers(goal="Sharpening", why="Dull tools hurt")
    assert objective_answers("Just words") == ObjectiveAnswers()


def test_plain_values_are_read_like_the_form() -> None:
    said = {
        "opportunity": "A week with the basket makers",
        "stretch": "I have never worked with willow.\n\nAnd I am shy.",
        "cost": "480 EUR",
        "first_on": "2027-04-05",
        "last_on": "2027-04-09",
    }

    assert TicketAnswers.from_plain(said | {"decide": "thread"}) == TicketAnswers(
        **{name: getattr(READ, name) for name in said}, cost_said="480 EUR", currency="EUR"
    )
    assert TicketAnswers.from_plain({}) == TicketAnswers(cost=Decimal(0))
    assert TicketAnswers.from_plain({"cost": 480, "stretch": None}) == TicketAnswers(cost=Decimal(480), cost_said="480")


# -- money -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["", "  ", "0", "Free", "none", "No", "nothing", "zero", "0 EUR", "€0", "0.00"])
def test_what_costs_nothing_costs_nothing(said: str) -> None:
    assert read_cost(said)[0] == Decimal(0)


@pytest.mark.parametrize(
    ("said", "cost", "currency"),
    [
        ("480", "480", ""),
        ("480 EUR", "480", "EUR"),
        ("EUR 480", "480", "EUR"),
        ("€480", "480", "€"),
        ("480€", "480", "€"),
        ("$ 99.90", "99.90", "$"),
        ("1,200.50 USD", "1200.50", "USD"),
        ("1.200,50 €", "1200.50", "€"),
        ("1 200,50 EUR", "1200.50", "EUR"),
        ("1200,5", "1200.5", ""),
        ("1,200", "1200", ""),
        ("1.200.000 IDR", "1200000", "IDR"),
        ("12,50 EUR", "12.50", "EUR"),
        ("about 300 GBP.", "300", "GBP"),
        ("300 GBP for the course", "300", "GBP"),
    ],
)
def test_a_sum_is_read_however_it_is_written(said: str, cost: str, currency: str) -> None:
    assert read_cost(said) == (Decimal(cost), currency)


@pytest.mark.parametrize("blank", ["\u00a0", "\u202f"], ids=["no-break space", "narrow no-break space"])
def test_a_sum_is_read_with_the_spaces_of_other_languages(blank: str) -> None:
    assert read_cost(f"1{blank}200,50{blank}€") == (Decimal("1200.50"), "€")


@pytest.mark.parametrize(
    "said",
    ["not sure", "a lot", "480 or 300", "2 nights at 60 EUR", "480-600 EUR", "480 EUR + 20", "3x100", "1.2.3,4,5 or 6"],
)
def test_two_numbers_or_none_are_no_sum(said: str) -> None:
    assert read_cost(said) == (None, "")


@pytest.mark.parametrize("said", ["100, 200 EUR", "480, 20 for the train", "It is 500. 2 days.", "20 30 EUR"])
def test_two_numbers_side_by_side_are_not_run_together(said: str) -> None:
    assert read_cost(said) == (None, "")


@pytest.mark.parametrize("said", ["2k EUR", "1.5k", "2 thousand EUR", "EUR 3 million"])
def test_a_number_in_short_is_asked_about_and_not_taken_as_it_stands(said: str) -> None:
    assert read_cost(said)[0] is None, "a person is asked rather than a number guessed"


@pytest.mark.parametrize("said", ["PYCON 480", "480 at EUROPYTHON", "WIFI 480"])
def test_the_end_of_a_word_in_capitals_is_no_currency(said: str) -> None:
    assert read_cost(said) == (Decimal(480), "")
