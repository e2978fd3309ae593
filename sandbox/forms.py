"""The issue forms of the invented repository, and how GitHub turns their answers into an issue's text.

They are asked as `config/forms/*.toml` define them, the files of which the real ones on GitHub are made too.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

NO_ANSWER = "_No response_"
FOLDER = Path(__file__).parent.parent / "config" / "forms"
# On GitHub a form names fixed assignees only. Here the author becomes one, as people do by hand a moment later.
ASSIGNS_AUTHOR = {"ilo", "golden-ticket"}


@dataclass(frozen=True)
class Field:
    """One question of a form. Nobody is held to `required`: a private repository on GitHub does not do that either."""

    name: str
    label: str
    kind: Literal["text", "lines", "choice", "choices", "boxes"] = "text"
    options: tuple[str, ...] = ()
    hint: str = ""
    example: str = ""
    required: bool = False


@dataclass(frozen=True)
class IssueForm:
    """A form that opens an issue with a certain label."""

    slug: str
    name: str
    label: str
    about: str
    welcome: str
    title_hint: str
    assigns_author: bool
    fields: tuple[Field, ...]


def _read(slug: str) -> IssueForm:
    read = tomllib.loads((FOLDER / f"{slug}.toml").read_text(encoding="utf-8"))
    fields = [one | {"name": one["id"], "options": tuple(one.get("options", ()))} for one in read["fields"]]
    return IssueForm(
        slug=slug,
        name=read["name"],
        label=read["label"],
        about=read["about"],
        welcome=read["welcome"],
        title_hint=read["title_example"],
        assigns_author=slug in ASSIGNS_AUTHOR,
        fields=tuple(Field(**{key: value for key, value in one.items() if key != "id"}) for one in fields),
    )


FORMS = {slug: _read(slug) for slug in ("ilo", "golden-ticket", "support")}


def render_body(form: IssueForm, answers: Mapping[str, Sequence[str]]) -> str:
    """Return the text GitHub makes of the answers: a heading for each question, and nothing is escaped."""
    parts = []
    for field in form.fields:
        given = [answer.strip() for answer in answers.get(field.name, ()) if answer.strip()]
        if field.kind == "boxes":
            answer = "\n".join(f"- [{'X' if option in given else ' '}] {option}" for option in field.options)
        else:
            answer = ", ".join(given) if field.kind == "choices" else "".join(given[:1])
        parts.append(f"### {field.label}\n\n{answer or NO_ANSWER}")
    return "\n\n".join(parts)
