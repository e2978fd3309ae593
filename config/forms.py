"""The forms people fill in on GitHub: one definition each, from which the YAML, the labels and the demo come.

`config/forms/*.toml` are the definitions. GitHub's rules for such a file: facts on GitHub, section 4, and
https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema
"""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from domain.policy import GitHubPolicy

FOLDER = Path(__file__).parent / "forms"
ON_GITHUB = ".github/ISSUE_TEMPLATE"  # the one folder GitHub looks into
ORDER = ("ilo", "golden-ticket", "support")
SAYS = (
    "# Written by `flask github install-forms`. Change hints as you like, but leave labels and options as they are:\n"
    "# Trellis finds the answers by them.\n"
)


class Kind(StrEnum):
    """How a question is asked."""

    TEXT = "text"
    LINES = "lines"
    CHOICE = "choice"
    CHOICES = "choices"
    BOXES = "boxes"


# What GitHub calls each kind.
ELEMENT = {
    Kind.TEXT: "input",
    Kind.LINES: "textarea",
    Kind.CHOICE: "dropdown",
    Kind.CHOICES: "dropdown",
    Kind.BOXES: "checkboxes",
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One question. `id` never shows in an issue; it is what a link fills in (`?template=ilo.yml&what=…`)."""

    id: str
    label: str
    kind: Kind
    options: tuple[str, ...] = ()
    hint: str = ""
    example: str = ""
    required: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))
        object.__setattr__(self, "options", tuple(self.options))


@dataclass(frozen=True, kw_only=True)
class Form:
    """One form. `title_example` is for the demo's page: on GitHub a form can only give a title, not suggest one."""

    slug: str
    name: str
    about: str
    label: str
    fields: tuple[Field, ...]
    welcome: str = ""
    title_example: str = ""
    label_from_policy: str = ""

    def label_under(self, policy: GitHubPolicy) -> str:
        """Give the label its issues get, which an organisation may have named otherwise."""
        return str(getattr(policy, self.label_from_policy)) if self.label_from_policy else self.label


@cache
def forms() -> tuple[Form, ...]:
    """Read every form, in the order in which people meet them."""
    return tuple(_form(slug) for slug in ORDER)


def _form(slug: str) -> Form:
    read = tomllib.loads((FOLDER / f"{slug}.toml").read_text(encoding="utf-8"))
    fields = tuple(Field(**one) for one in read.pop("fields"))
    return Form(slug=slug, fields=fields, **{key: value.strip() for key, value in read.items()})


def issue_forms(policy: GitHubPolicy) -> dict[str, str]:
    """Write every form as GitHub wants it: path in the repository to the file's text."""
    return {f"{ON_GITHUB}/{form.slug}.yml": as_yaml(form, policy) for form in forms()}


def as_yaml(form: Form, policy: GitHubPolicy) -> str:
    """Write one form. GitHub refuses unknown keys, so what is empty is left out."""
    welcome = [{"type": "markdown", "attributes": {"value": form.welcome}}] if form.welcome else []
    whole = {
        "name": form.name,
        "description": form.about,
        "labels": [form.label_under(policy)],
        "body": [*welcome, *(_element(field) for field in form.fields)],
    }
    return SAYS + yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=1000)


def _element(field: Field) -> dict[str, Any]:
    attributes: dict[str, Any] = {"label": field.label}
    if field.hint:
        attributes["description"] = field.hint
    if field.example:
        attributes["placeholder"] = field.example
    if field.kind is Kind.CHOICES:
        attributes["multiple"] = True
    if field.kind is Kind.BOXES:
        attributes["options"] = [{"label": option} for option in field.options]
    elif field.options:
        attributes["options"] = list(field.options)
    element = {"type": ELEMENT[field.kind], "id": field.id, "attributes": attributes}
    # Only public repositories hold people to it; Trellis asks once where an answer is missing (domain/forms.py).
    return element | ({"validations": {"required": True}} if field.required else {})
