"""The forms: valid to GitHub, the same questions to the parser and to the demo, and kind in every word."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from config.forms import Field, Form, Kind, as_yaml, forms, issue_forms
from domain.forms import (
    CELEBRATIONS,
    NEEDS,
    OBJECTIVE_LABELS,
    OBJECTIVE_REQUIRED,
    PATHWAYS,
    SOURCES,
    STRETCHES_ME,
    TICKET_LABELS,
    TICKET_REQUIRED,
    VISIBILITIES,
)
from domain.policy import GitHubPolicy
from sandbox.forms import FORMS

POLICY = GitHubPolicy(repository="fennel-works/learning")
BY_SLUG = {form.slug: form for form in forms()}
# What GitHub takes (facts on GitHub, section 4); anything else makes it refuse the whole form.
TOP = {"name", "description", "body", "title", "labels", "assignees", "projects", "type"}
ELEMENT = {"type", "id", "attributes", "validations"}
ATTRIBUTES = {
    "markdown": {"value"},
    "input": {"label", "description", "placeholder", "value"},
    "textarea": {"label", "description", "placeholder", "value", "render"},
    "dropdown": {"label", "description", "multiple", "options", "default"},
    "checkboxes": {"label", "description", "options"},
}


def field(slug: str, id_: str) -> Field:
    return next(one for one in BY_SLUG[slug].fields if one.id == id_)


def written(policy: GitHubPolicy = POLICY) -> dict[str, Any]:
    return {path: yaml.safe_load(text) for path, text in issue_forms(policy).items()}


def parameterized(label: str) -> str:
    """As Rails makes a name of a label: GitHub refuses two that come out the same."""
    return re.sub(r"[^a-z0-9_]+", "-", label.casefold()).strip("-")


def words(form: Form) -> Iterator[str]:
    yield from (form.name, form.about, form.welcome, form.title_example)
    for one in form.fields:
        yield from (one.label, one.hint, one.example, *one.options)


# -- what GitHub takes -------------------------------------------------------------------------------------------------


def test_there_are_three_forms_where_github_looks_for_them() -> None:
    assert list(written()) == [
        ".github/ISSUE_TEMPLATE/ilo.yml",
        ".github/ISSUE_TEMPLATE/golden-ticket.yml",
        ".github/ISSUE_TEMPLATE/support.yml",
    ]
    assert len({form["name"] for form in written().values()}) == 3


@pytest.mark.parametrize("path", written())
def test_a_form_holds_nothing_github_does_not_know(path: str) -> None:
    form = written()[path]

    assert set(form) <= TOP
    assert {"name", "description", "body"} <= set(form)
    for element in form["body"]:
        assert set(element) <= ELEMENT
        assert set(element["attributes"]) <= ATTRIBUTES[element["type"]]
    assert any(element["type"] != "markdown" for element in form["body"])


@pytest.mark.parametrize("path", written())
def test_questions_differ_by_name_and_by_what_github_makes_of_their_label(path: str) -> None:
    asked = [element for element in written()[path]["body"] if element["type"] != "markdown"]
    labels = [parameterized(element["attributes"]["label"]) for element in asked]

    assert len(set(labels)) == len(labels)
    assert all(labels)
    assert len({element["id"] for element in asked}) == len(asked)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", element["id"]) for element in asked)


@pytest.mark.parametrize("form", forms(), ids=lambda form: form.slug)
def test_options_differ_and_are_never_none_and_only_choices_have_them(form: Form) -> None:
    for one in form.fields:
        assert len({option.casefold() for option in one.options}) == len(one.options)
        assert not {"none", "n/a"} & {option.casefold() for option in one.options}
        assert bool(one.options) is (one.kind in (Kind.CHOICE, Kind.CHOICES, Kind.BOXES))


@pytest.mark.parametrize("form", forms(), ids=lambda form: form.slug)
def test_only_a_text_shows_an_example_for_github_takes_none_elsewhere(form: Form) -> None:
    assert all(one.kind in (Kind.TEXT, Kind.LINES) for one in form.fields if one.example)


def test_words_that_look_like_other_things_in_yaml_stay_words() -> None:
    odd = ("Yes", "No", "1.0", "2027-04-05", "null", "a: b", "# c", "@bo", "- d")
    one = Field(id="x", label="off", kind=Kind.CHOICE, options=odd, hint="on")
    form = Form(slug="odd", name="Yes", about="1.0", label="1", fields=(one,))

    assert yaml.safe_load(as_yaml(form, POLICY)) == {
        "name": "Yes",
        "description": "1.0",
        "labels": ["1"],
        "body": [
            {
                "type": "dropdown",
                "id": "x",
                "attributes": {"label": "off", "description": "on", "options": list(odd)},
            }
        ],
    }


def test_every_kind_of_question_is_written_as_github_names_it() -> None:
    body = {element.get("id"): element for element in written()[".github/ISSUE_TEMPLATE/ilo.yml"]["body"]}

    assert body["what"] == {
        "type": "textarea",
        "id": "what",
        "attributes": {"label": "What do I want to learn?"},
        "validations": {"required": True},
    }
    assert body["how"]["type"] == "dropdown"
    assert body["how"]["attributes"]["multiple"] is True
    assert "multiple" not in body["origin"]["attributes"]
    assert body["stretch"]["attributes"]["options"] == [{"label": "This one stretches me"}]
    assert body["partner"]["attributes"]["placeholder"] == "@bo-fw"


def test_each_organisations_own_labels_are_put_on() -> None:
    own = GitHubPolicy(repository="a/b", objective_label="Learning: goal", ticket_label="ticket")

    assert [form["labels"] for form in written(own).values()] == [["Learning: goal"], ["ticket"], ["support"]]
    assert [form["labels"] for form in written().values()] == [["ILO"], ["golden-ticket"], ["support"]]


# -- the parser and the demo -------------------------------------------------------------------------------------------


def test_the_parser_knows_every_question_in_the_order_in_which_it_is_asked() -> None:
    assert tuple(one.label for one in BY_SLUG["ilo"].fields) == OBJECTIVE_LABELS
    assert tuple(one.label for one in BY_SLUG["golden-ticket"].fields) == TICKET_LABELS


def test_the_parser_asks_for_what_the_forms_ask_for() -> None:
    def required(slug: str) -> tuple[str, ...]:
        return tuple(one.label for one in BY_SLUG[slug].fields if one.required)

    assert required("ilo") == OBJECTIVE_REQUIRED
    assert required("golden-ticket") == TICKET_REQUIRED
    assert required("support") == ("What do I need?",)


def test_the_parser_knows_every_option() -> None:
    assert field("ilo", "origin").options == SOURCES
    assert field("ilo", "how").options == PATHWAYS
    assert field("ilo", "stretch").options == (STRETCHES_ME,)
    assert field("ilo", "visibility").options == tuple(VISIBILITIES)
    assert field("ilo", "celebrate").options == tuple(CELEBRATIONS)
    assert field("golden-ticket", "help").options == field("support", "kind").options == NEEDS


def test_no_option_begins_as_another_one_goes_on_after_a_comma() -> None:
    """Else an answer of several options could be read in two ways."""
    for form in forms():
        for one in form.fields:
            assert not any(
                other.startswith(f"{option},") for option in one.options for other in one.options if other != option
            )


@pytest.mark.parametrize("form", forms(), ids=lambda form: form.slug)
def test_the_demo_asks_the_same(form: Form) -> None:
    shown = FORMS[form.slug]

    assert (shown.name, shown.about, shown.label) == (form.name, form.about, form.label_under(POLICY))
    assert [(one.name, one.label, one.kind, one.options, one.hint, one.required) for one in shown.fields] == [
        (one.id, one.label, one.kind.value, one.options, one.hint, one.required) for one in form.fields
    ]


# -- manners -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", forms(), ids=lambda form: form.slug)
def test_the_forms_invite_and_never_press(form: Form) -> None:
    said = " ".join(words(form))

    assert not re.search(r"\b(must|have to do|overdue|failed|mandatory|required|deadline)\b|!", said, re.IGNORECASE)
    assert "password" not in said.casefold(), "GitHub refuses the whole form"


def test_the_form_is_honest_about_who_can_read_it() -> None:
    hint = field("ilo", "visibility").hint

    assert "can be read by whoever sees the repository" in hint
    assert "--partner-only" in hint
