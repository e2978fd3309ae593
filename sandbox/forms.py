"""The issue forms of the invented repository, and how GitHub turns their answers into an issue's text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

NO_ANSWER = "_No response_"


@dataclass(frozen=True)
class Field:
    """One question of a form."""

    name: str
    label: str
    kind: Literal["text", "lines", "choice", "choices"] = "text"
    options: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class IssueForm:
    """A form that opens an issue with a certain label."""

    slug: str
    name: str
    label: str
    about: str
    title_hint: str
    assigns_author: bool
    fields: tuple[Field, ...]


FORMS = {
    form.slug: form
    for form in (
        IssueForm(
            slug="ilo",
            name="A learning goal (ILO)",
            label="ILO",
            about="One goal at a time. It is yours: nobody grades it, and it may change.",
            title_hint="Facilitate a whole retrospective",
            assigns_author=True,
            fields=(
                Field("what", "What do I want to learn?", "lines"),
                Field("why", "Why does it matter to me?", "lines"),
                Field(
                    "origin",
                    "Where does it come from?",
                    "choice",
                    ("A team need", "My own interest", "Unrelated, and that is fine"),
                ),
                Field(
                    "how",
                    "How will I learn it?",
                    "choices",
                    ("Taught", "Paired", "Self-directed", "Mentored", "A project"),
                ),
                Field(
                    "when", "When …, then I will …", hint="When the stand-up ends, then I will read for ten minutes."
                ),
                Field("partner", "Partner", hint="Who learns beside you, such as @bo-fw"),
            ),
        ),
        IssueForm(
            slug="golden-ticket",
            name="A golden ticket",
            label="golden-ticket",
            about="Once a year, something you might otherwise not do. If it costs money, the group decides in Loomio.",
            title_hint="Two days at the facilitation school",
            assigns_author=True,
            fields=(
                Field("opportunity", "What is the opportunity?", "lines"),
                Field("stretch", "How does it stretch me?", "lines"),
                Field("cost", "What does it cost?", hint="Such as 480 EUR; leave empty if it costs nothing."),
                Field("first", "First day", hint="YYYY-MM-DD, or empty"),
                Field("last", "Last day", hint="YYYY-MM-DD, or empty"),
                Field(
                    "decide",
                    "How shall we decide?",
                    "choice",
                    (
                        "Suggest something",
                        "Go ahead, it is light",
                        "Start a thread",
                        "Start a proposal",
                        "Talk to someone first",
                    ),
                ),
            ),
        ),
    )
}


def render_body(form: IssueForm, answers: Mapping[str, Sequence[str]]) -> str:
    """Return the text GitHub makes of the answers: a heading for each question, and nothing is escaped."""
    parts = []
    for field in form.fields:
        given = [answer.strip() for answer in answers.get(field.name, ()) if answer.strip()]
        answer = ", ".join(given) if field.kind == "choices" else "".join(given[:1])
        parts.append(f"### {field.label}\n\n{answer or NO_ANSWER}")
    return "\n\n".join(parts)
