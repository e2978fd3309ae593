"""Answers of issue forms, read back from whatever the issue's body has become; a number is never guessed."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.forms import (
    CELEBRATIONS,
    NEEDS,
    OBJECTIVE_LABELS,
    PATHWAYS,
    SOURCES,
    STRETCHES_ME,
    TICKET_LABELS,
    VISIBILITIES,
    Celebration,
    ObjectiveAnswers,
    TicketAnswers,
    Visibility,
    objective_answers,
    read_cost,
    sections,
    targets_in,
    ticket_answers,
)
from sandbox.forms import FORMS, render_body

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
        cost=Decimal(0), missing=("What is the opportunity?", "How does it stretch me?")
    )


@pytest.mark.parametrize("said", ["5 April 2027", "05/04/2027", "2027-13-01", "2027-04-31", "soon"])
def test_a_date_nobody_can_read_is_left_open(said: str) -> None:
    answers = ticket_answers(TICKET.replace("2027-04-05", said))

    assert (answers.first_on, answers.last_on) == (None, date(2027, 4, 9))


def test_a_cost_nobody_can_read_keeps_its_words() -> None:
    answers = ticket_answers(TICKET.replace("480 EUR", "480 EUR, or 300 if I share a room"))

    assert (answers.cost, answers.currency, answers.cost_said) == (None, "", "480 EUR, or 300 if I share a room")


OBJECTIVE = """### What do I want to learn?

Sharpening

### Why does it matter to me?

Dull tools hurt

### Where does it come from?

Unrelated, and that is fine

### How will I learn it?

Paired, A project

### When …, then I will …

When the shop closes, then I will sharpen one.

### Partner

@bo-fw

### Which time do I protect for it?

Thursdays

### Does it stretch me?

- [X] This one stretches me

### Who may know about it?

Only my partner and I know more

### How shall we celebrate?

Within the team
"""
OBJECTIVE_READ = ObjectiveAnswers(
    goal="Sharpening",
    why="Dull tools hurt",
    source="Unrelated, and that is fine",
    pathways=("Paired", "A project"),
    when_then="When the shop closes, then I will sharpen one.",
    partner="bo-fw",
    time_to_protect="Thursdays",
    stretch=True,
    visibility="partner",
    celebrate="team",
)


def test_the_objective_form_is_read() -> None:
    assert objective_answers(OBJECTIVE) == OBJECTIVE_READ
    assert objective_answers(OBJECTIVE.replace("\n", "\r\n")) == OBJECTIVE_READ


def test_an_issue_written_by_hand_answers_nothing_and_lacks_nothing() -> None:
    assert objective_answers("Just words") == objective_answers("") == ObjectiveAnswers()
    assert ticket_answers("## A week away\n\nPlease") == TicketAnswers(cost=Decimal(0))


def test_the_questions_may_stand_in_any_order_and_each_heading_in_any_case_with_any_blanks() -> None:
    blocks = [one.partition("\n") for one in OBJECTIVE.removeprefix("### ").split("### ")]
    turned = "".join(f"  ###   {head.upper()} ###  \n\n\n{rest}\n\n" for head, _, rest in reversed(blocks))

    assert objective_answers(turned) == OBJECTIVE_READ


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


@pytest.mark.parametrize("dots", ["When ..., then I will ...", "WHEN …,  THEN I WILL …"])
def test_three_dots_are_as_good_as_the_one_sign(dots: str) -> None:
    assert objective_answers(f"### {dots}\n\nWhen it rains, then I will read.").when_then.startswith("When it rains")


@pytest.mark.parametrize("level", ["#", "##", "####", "    ###", "###"])
def test_other_headings_within_an_answer_are_part_of_it(level: str) -> None:
    other = f"{level} Partner" if level != "###" else "### Partners of old"
    body = OBJECTIVE.replace("Dull tools hurt", f"Dull tools hurt\n\n{other}\n\nnone")

    assert objective_answers(body).why == f"Dull tools hurt\n\n{other}\n\nnone"
    assert objective_answers(body).partner == "bo-fw"


def test_a_form_pasted_twice_is_read_once_and_what_was_empty_is_filled_from_the_second() -> None:
    empty = "".join(f"### {label}\n\n_No response_\n\n" for label in OBJECTIVE_LABELS)

    assert objective_answers(empty + OBJECTIVE) == OBJECTIVE_READ
    assert objective_answers(OBJECTIVE + empty).goal == "Sharpening"


def test_a_question_somebody_took_out_leaves_the_others_as_they_are() -> None:
    without = OBJECTIVE.replace("### Partner\n\n@bo-fw\n\n", "")

    assert objective_answers(without) == ObjectiveAnswers(
        **{name: getattr(OBJECTIVE_READ, name) for name in vars(OBJECTIVE_READ) if name != "partner"}
    )


def test_a_stray_fence_hides_no_question_below_it() -> None:
    body = OBJECTIVE.replace("Dull tools hurt", "Dull tools hurt\n\n```\nand more")

    assert objective_answers(body).why == "Dull tools hurt\n\n```\nand more"
    assert objective_answers(body).partner == "bo-fw"


def test_our_note_with_its_marker_is_taken_off_though_people_wrote_on_below_it() -> None:
    body = "### Why does it matter to me?\n\nDull tools hurt\n" + RULE + MARKER + "\nAnd they slip."

    assert objective_answers(body).why.split() == ["Dull", "tools", "hurt", "And", "they", "slip."]


# -- what was asked for and not answered -------------------------------------------------------------------------------


def test_what_was_asked_for_and_left_empty_is_named() -> None:
    body = OBJECTIVE.replace("Sharpening", "_No response_").replace("Dull tools hurt", "  ").replace("@bo-fw", "None")

    assert objective_answers(body).missing == ("What do I want to learn?", "Why does it matter to me?")
    assert ticket_answers(TICKET.replace("A week with the basket makers", "")).missing == ("What is the opportunity?",)


def test_a_question_that_does_not_stand_there_is_not_missing() -> None:
    assert objective_answers("### Why does it matter to me?\n\nI get lost").missing == ()


# -- one answer at a time ----------------------------------------------------------------------------------------------


def pathways(said: str) -> tuple[str, ...]:
    return objective_answers(f"### How will I learn it?\n\n{said}\n\n### Partner\n\nx").pathways


def needs(said: str) -> tuple[str, ...]:
    return ticket_answers(f"### What would help?\n\n{said}").needs


def partner(said: str) -> str:
    return objective_answers(f"### Partner\n\n{said}").partner


def bucket(said: str) -> str:
    return ticket_answers(f"### Funding bucket\n\n{said}").bucket_url


def test_a_comma_within_an_option_splits_nothing() -> None:
    assert needs("Money, A teacher, mentor or coach, An assignment") == (
        "Money",
        "A teacher, mentor or coach",
        "An assignment",
    )
    assert needs("a teacher,  mentor or coach") == ("A teacher, mentor or coach",)
    assert needs("A teacher") == ("A teacher",)


def test_words_beside_the_options_stay_and_nothing_counts_twice() -> None:
    assert pathways("Paired, in the evenings,, paired,Taught,") == ("Paired", "in the evenings", "Taught")
    assert pathways("Pairedness") == ("Pairedness",)


@pytest.mark.parametrize(
    "said",
    [
        "- Paired\n- A project",
        "* [x] Paired\n* [ ] Taught\n1. [X] A project",
        "Paired\nA project",
        "Paired, A project\n\n- [ ] Taught\n\nand words",
    ],
)
def test_a_list_made_of_the_options_is_read_up_to_an_empty_line(said: str) -> None:
    assert pathways(said) == ("Paired", "A project")


@pytest.mark.parametrize(
    ("said", "login"),
    [
        ("@bo-fw", "bo-fw"),
        ("bo-fw", "bo-fw"),
        ("`@bo-fw`", "bo-fw"),
        ("With @bo-fw, and later @cy-fw.", "bo-fw"),
        ("https://github.com/bo-fw/", "bo-fw"),
        ("@bo_fennel", "bo_fennel"),
        ("Bo Lindqvist", ""),
        ("bo@fennel.example", ""),
        ("@fennel-works/weavers", ""),
        ("@bo-", ""),
        ("@" + "b" * 40, ""),
        ("_No response_", ""),
    ],
)
def test_a_partner_is_a_login_or_nobody(said: str, login: str) -> None:
    assert partner(said) == login


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("https://cobudget.example/fennel?b=1#top", "https://cobudget.example/fennel?b=1#top"),
        ("HTTP://cobudget.example:8080", "HTTP://cobudget.example:8080"),
        ("See [the bucket](https://cobudget.example/b), please", "https://cobudget.example/b"),
        ("<https://cobudget.example/@fennel>.", "https://cobudget.example/@fennel"),
        ("It is at https://cobudget.example.", "https://cobudget.example"),
        ("javascript:alert(1)", ""),
        ("ftp://cobudget.example/b", ""),
        ("cobudget.example/b", ""),
        ("https://cobudget.example@elsewhere.example/", ""),
        ("https://bo:secret@elsewhere.example/", ""),
        ("https://", ""),
        ("None", ""),
    ],
)
def test_a_bucket_is_a_web_address_or_nothing(said: str, address: str) -> None:
    assert bucket(said) == address


@pytest.mark.parametrize(
    ("said", "stretch"),
    [
        ("- [X] This one stretches me", True),
        ("- [x] This one stretches me", True),
        ("* [x]  this one stretches me", True),
        ("- [ ] This one stretches me", False),
        ("_No response_", False),
        ("Perhaps", False),
    ],
)
def test_a_stretch_is_a_box_that_is_ticked(said: str, stretch: bool) -> None:
    assert objective_answers(f"### Does it stretch me?\n\n{said}\n").stretch is stretch


def test_a_choice_is_read_without_its_case_and_without_what_stands_below_it() -> None:
    body = OBJECTIVE.replace("Within the team", "within the TEAM\n\n- [ ] first\n- [x] second")
    body = body.replace("Unrelated, and that is fine", "A promise to Cy").replace("Only my partner and I", "We")

    answers = objective_answers(body)
    assert (answers.celebrate, answers.source, answers.visibility) == ("team", "A promise to Cy", "")


# -- targets -----------------------------------------------------------------------------------------------------------


def test_boxes_are_counted_in_every_shape_github_shows_them() -> None:
    body = "- [ ] a\n- [x] b\n  - [X] c\n* [ ] d\n+ [x] e\n1. [ ] f\n2) [x] g\r\n- [ ] h"

    assert targets_in(body) == (4, 8)


@pytest.mark.parametrize(
    "line", ["- []", "- [x]", "-[ ] a", "- [y] a", "[ ] a", "- [ ]a", "> - [ ] a", "- [x](https://a)"]
)
def test_what_github_shows_no_box_for_is_no_target(line: str) -> None:
    assert targets_in(line) == (0, 0)


def test_boxes_in_code_are_no_targets() -> None:
    assert targets_in("```\n- [ ] a\n```\n- [x] b\n~~~\n- [ ] c") == (1, 1)


def test_the_box_of_the_form_is_no_target_wherever_it_came_to_stand() -> None:
    assert targets_in(OBJECTIVE) == (0, 0)
    assert targets_in("- [x] This one  stretches me\n- [x] b") == (1, 1)
    assert targets_in(OBJECTIVE + "\n## Targets\n\n- [ ] a\n- [x] b\n\n---\n_Opened with Trellis._") == (1, 2)
    assert targets_in("### Does it stretch me?\n\n- [ ] Another wording\n\n#### Mine\n- [ ] a") == (0, 1)


# -- whatever people write ---------------------------------------------------------------------------------------------


def is_own_words(text: str) -> bool:
    """Whether an answer can come back: not a way to say nothing, and none of our own headings or notes."""
    lines = [line.strip() for line in text.split("\n")]
    return (
        any(line.casefold() not in {"", "none", "_no response_"} for line in lines)
        and not any(line.startswith(("#", "`", "~", "---")) for line in lines)
        and text == text.strip()
    )


line = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=30)
fenced = st.sampled_from(sorted(OBJECTIVE_LABELS)).map(
    lambda label: f"Such as\n```sh\n### {label}\n\nnothing\n```\nso."
)
words = st.lists(line, min_size=1, max_size=4).map("\n".join).filter(is_own_words) | fenced
one_line = line.filter(is_own_words)


def some(options: Any) -> Any:
    return st.lists(st.sampled_from(list(options)), unique=True).map(lambda one: sorted(one, key=list(options).index))


def maybe(strategy: Any) -> Any:
    return st.just([]) | strategy.map(lambda one: [one])


@given(
    answers=st.fixed_dictionaries(
        {
            "what": maybe(words),
            "why": maybe(words),
            "origin": maybe(st.sampled_from(SOURCES)),
            "how": some(PATHWAYS),
            "when": maybe(one_line),
            "partner": maybe(st.from_regex(r"@[a-z0-9]{1,9}(-[a-z0-9]{1,9}){0,2}", fullmatch=True)),
            "time": maybe(one_line),
            "stretch": some([STRETCHES_ME]),
            "visibility": maybe(st.sampled_from(sorted(VISIBILITIES))),
            "celebrate": maybe(st.sampled_from(sorted(CELEBRATIONS))),
        }
    ),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_is_answered_in_the_objective_form_comes_back(answers: dict[str, list[str]], end: str) -> None:
    def said(name: str) -> str:
        return "".join(answers[name])

    body = render_body(FORMS["ilo"], answers).replace("\n", end)

    assert objective_answers(body) == ObjectiveAnswers(
        goal=said("what"),
        why=said("why"),
        source=said("origin"),
        pathways=tuple(answers["how"]),
        when_then=said("when"),
        partner=said("partner").removeprefix("@"),
        time_to_protect=said("time"),
        stretch=bool(answers["stretch"]),
        visibility=VISIBILITIES.get(said("visibility"), ""),
        celebrate=CELEBRATIONS.get(said("celebrate"), ""),
        missing=tuple(
            label
            for name, label in (("what", "What do I want to learn?"), ("why", "Why does it matter to me?"))
            if not answers[name]
        ),
    )
    assert targets_in(body) == (0, 0)


DAYS = st.dates(date(2000, 1, 1), date(2999, 12, 31))


@given(
    answers=st.fixed_dictionaries(
        {
            "opportunity": maybe(words),
            "stretch": maybe(words),
            "help": some(NEEDS),
            "cost": maybe(st.integers(0, 99_999).map(lambda cost: f"{cost} EUR")),
            "first": maybe(DAYS),
            "last": maybe(DAYS),
            "bucket": maybe(st.from_regex(r"https?://[a-z]{1,9}\.example(/[a-z]{1,9}){0,3}", fullmatch=True)),
            "decide": maybe(st.sampled_from(FORMS["golden-ticket"].fields[-1].options)),
        }
    )
)
def test_whatever_is_answered_in_the_ticket_form_comes_back(answers: dict[str, list[Any]]) -> None:
    body = render_body(FORMS["golden-ticket"], {name: [str(one) for one in given] for name, given in answers.items()})
    read = ticket_answers(body)

    cost = "".join(answers["cost"])
    assert read == TicketAnswers(
        opportunity="".join(answers["opportunity"]),
        stretch="".join(answers["stretch"]),
        needs=tuple(answers["help"]),
        cost=Decimal(cost.removesuffix(" EUR") or 0),
        currency="EUR" if cost else "",
        cost_said=cost,
        first_on=next(iter(answers["first"]), None),
        last_on=next(iter(answers["last"]), None),
        bucket_url="".join(answers["bucket"]),
        decide="".join(answers["decide"]),
        missing=tuple(
            label
            for name, label in (("opportunity", "What is the opportunity?"), ("stretch", "How does it stretch me?"))
            if not answers[name]
        ),
    )


snippets = st.sampled_from(
    [
        *(f"### {label}" for label in (*OBJECTIVE_LABELS, *TICKET_LABELS)),
        *PATHWAYS,
        *NEEDS,
        "- [x] ",
        "1. [ ] ",
        "```",
        "~~~~",
        "> ",
        "@",
        "https://",
        "---\n_a_",
        "<!-- trellis:key=x -->",
        "_No response_",
        ", ",
        "\n",
        "\r\n",
    ]
)


@given(body=st.text() | st.lists(snippets | st.text(max_size=5)).map("".join) | st.lists(snippets).map("\n".join))
@example(body="### ")
@example(body="### Partner")
@example(body="### How will I learn it?\n\n,,,")
def test_no_body_whatever_is_too_much(body: str) -> None:
    answers = objective_answers(body)
    assert answers.visibility in get_args(Visibility)
    assert answers.celebrate in get_args(Celebration)
    assert not answers.partner.startswith("@")
    assert set(answers.missing) <= set(OBJECTIVE_LABELS)
    assert ticket_answers(body).bucket_url[:4].casefold() in ("", "http")
    done, total = targets_in(body)
    assert 0 <= done <= total


@pytest.mark.parametrize(
    "body",
    [
        "### " + " " * 60_000 + "x",
        "### Partner\n\n" + "@" * 60_000,
        "### Partner\n\n" + "@a-" * 20_000,
        "### How will I learn it?\n\n" + "a," * 30_000,
        "### How will I learn it?\n" * 2_500,
        "~~~ a\n" * 10_000,
        "- [ ] " * 10_000,
        "\n---\n_" + "_" * 30_000 + "\n" * 30_000,
        "\n---\n_a_" * 8_000,
        "### Funding bucket\n\n" + "https://a" * 7_000,
        "### What does it cost?\n\n" + "1" * 60_000,
    ],
    ids=[
        "blanks",
        "at signs",
        "hyphens",
        "commas",
        "headings",
        "fences",
        "boxes",
        "rules",
        "notes",
        "addresses",
        "digits",
    ],
)
@pytest.mark.timeout(20)
def test_the_longest_issue_is_read_while_somebody_waits(body: str) -> None:
    objective_answers(body)
    ticket_answers(body)
    targets_in(body)


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


@pytest.mark.parametrize("said", ["1000000000000 EUR", "9" * 60, "999 999 999 999 999,00 €"])
def test_more_than_a_column_holds_is_no_sum(said: str) -> None:
    assert read_cost(said) == (None, "")
    assert read_cost("999999999999.99 EUR") == (Decimal("999999999999.99"), "EUR")


@pytest.mark.parametrize("said", ["0001-01-01", "1999-12-31", "3000-01-01", "9999-12-31"])
def test_a_day_of_another_millennium_is_no_day_to_reckon_with(said: str) -> None:
    assert ticket_answers(f"### First day\n\n{said}\n\n### Last day\n\n2999-12-31").first_on is None
    assert TicketAnswers.from_plain({"first_on": said, "last_on": "2000-01-01"}).first_on is None


@pytest.mark.parametrize("said", ["100, 200 EUR", "480, 20 for the train", "It is 500. 2 days.", "20 30 EUR"])
def test_two_numbers_side_by_side_are_not_run_together(said: str) -> None:
    assert read_cost(said) == (None, "")


@pytest.mark.parametrize("said", ["2k EUR", "1.5k", "2 thousand EUR", "EUR 3 million"])
def test_a_number_in_short_is_asked_about_and_not_taken_as_it_stands(said: str) -> None:
    assert read_cost(said)[0] is None, "a person is asked rather than a number guessed"


@pytest.mark.parametrize("said", ["PYCON 480", "480 at EUROPYTHON", "WIFI 480"])
def test_the_end_of_a_word_in_capitals_is_no_currency(said: str) -> None:
    assert read_cost(said) == (Decimal(480), "")
