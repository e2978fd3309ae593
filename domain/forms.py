"""Answers of GitHub issue forms, read back from the issue's body.

GitHub renders each field as `### Label`, a blank line and the answer; nothing is escaped, lines may end in CRLF, an
empty answer is `_No response_`, and a person may edit it freely afterwards. The body never names its form.
Source: facts on GitHub, section 4. npm's @github/issue-parser does this for Node; PyPI has no kept equivalent.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from domain.code import lines_outside_code

EMPTY = {"_no response_", "none", ""}

# What `config/messages/*/objective-issue.md` and `ticket-issue.md` end with: a rule, a line of ours, our hidden marker.
# With the marker it is ours for certain, wherever people have written on below it.
OUR_NOTE = re.compile(r"\r?\n---\r?\n_[^\r\n]+_\s*(?:<!-- trellis:key=\S+ -->[ \t]*|\Z)")

# `- [ ] text`, `* [x] text`, `1. [X] text`: what GitHub shows as a box to tick. A submitted form writes a capital X.
BOX = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[(?P<mark>[ xX])\][ \t]+(?P<text>\S.*)$")
BULLET = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+")

# Headings of the forms. `config/forms/*.toml` ask these questions; tests/test_config_forms.py holds both together.
GOAL = "What do I want to learn?"
WHY = "Why does it matter to me?"
SOURCE = "Where does it come from?"
PATHWAY = "How will I learn it?"
WHEN_THEN = "When …, then I will …"
PARTNER = "Partner"
TIME = "Which time do I protect for it?"
STRETCHES = "Does it stretch me?"
VISIBILITY = "Who may know about it?"
CELEBRATE = "How shall we celebrate?"
OBJECTIVE_LABELS = (GOAL, WHY, SOURCE, PATHWAY, WHEN_THEN, PARTNER, TIME, STRETCHES, VISIBILITY, CELEBRATE)
OBJECTIVE_REQUIRED = (GOAL, WHY)

OPPORTUNITY = "What is the opportunity?"
STRETCH = "How does it stretch me?"
HELP = "What would help?"
COST = "What does it cost?"
FIRST_DAY = "First day"
LAST_DAY = "Last day"
BUCKET = "Funding bucket"
DECIDE = "How shall we decide?"
TICKET_LABELS = (OPPORTUNITY, STRETCH, HELP, COST, FIRST_DAY, LAST_DAY, BUCKET, DECIDE)
TICKET_REQUIRED = (OPPORTUNITY, STRETCH)

Visibility = Literal["team", "partner", ""]
Celebration = Literal["public", "team", "none", ""]

# Options of the forms: known here because answers join them by commas, and an option may hold one.
SOURCES = ("A team need", "My own interest", "Unrelated, and that is fine")
PATHWAYS = ("Taught", "Paired", "Self-directed", "Mentored", "A project", "Something else")
NEEDS = ("Money", "Time", "A teacher, mentor or coach", "An exchange with others", "An assignment")
STRETCHES_ME = "This one stretches me"
VISIBILITIES: Mapping[str, Visibility] = {
    "Everybody in the team": "team",
    "Only my partner and I know more": "partner",
}
CELEBRATIONS: Mapping[str, Celebration] = {
    "In the open": "public",
    "Within the team": "team",
    "Not at all, please": "none",
}


# -- reading a body ----------------------------------------------------------------------------------------------------


def sections(body: str, labels: Sequence[str]) -> dict[str, str]:
    """Split a rendered body by the form's labels, in whatever order they stand, never inside a code fence.

    Each label is taken once: a second time it belongs to the answer it stands in, unless nothing was said the first
    time. So does any heading that is not one of the labels.
    """
    wanted = {_plain(label): label for label in labels}
    found: dict[str, list[str]] = {}
    answered: set[str] = set()
    current = ""
    for line, outside in lines_outside_code(OUR_NOTE.sub("\n", body), closed_only=True):
        label = wanted.get(_heading(line)) if outside else None
        if label is not None and label not in answered:
            current = label
            found[label] = []
        elif current:
            found[current].append(line)
            if line.strip().casefold() not in EMPTY:
                answered.add(current)
    return {label: _answer("\n".join(lines)) for label, lines in found.items()}


def targets_in(body: str) -> tuple[int, int]:
    """Count the boxes somebody ticks off towards their goal: how many are done, and how many there are.

    What the form itself asks by a box is no target, nor is what stands in code or in a quotation.
    """
    done = total = 0
    asked_by_form = False
    for line, outside in lines_outside_code(OUR_NOTE.sub("\n", body)):
        if not outside:
            continue
        if re.match(r" {0,3}#{1,6}[ \t]", line):
            asked_by_form = _heading(line) == _plain(STRETCHES)
        box = BOX.match(line)
        if box and not asked_by_form and _plain(box["text"]) != _plain(STRETCHES_ME):
            total += 1
            done += box["mark"] != " "
    return done, total


def _heading(line: str) -> str:
    """Give what a heading of the form's level says, in plain letters; `""` for any other line."""
    text = line.lstrip(" ")
    if len(line) - len(text) > 3 or not text.startswith(("### ", "###\t")):
        return ""
    said = text[3:].strip()
    bare = said.rstrip("#")
    if bare != said and bare[-1:] in (" ", "\t"):
        said = bare  # Markdown lets a heading end as it began
    return _plain(said)


def _plain(text: str) -> str:
    """Give a text as it is compared: without regard to case, blanks, or three dots for the one sign."""
    return " ".join(text.replace("...", "…").split()).casefold()


def _answer(text: str) -> str:
    text = text.strip()
    return "" if all(line.strip().casefold() in EMPTY for line in text.split("\n")) else text


def _missing(answers: Mapping[str, str], required: Sequence[str]) -> tuple[str, ...]:
    """Name the questions that stand there with nothing below them; one that was taken out is not asked for again."""
    return tuple(label for label in required if answers.get(label) == "")


def _one_of(answer: str, options: Iterable[str]) -> str:
    """Give the option that was chosen, else the words of the first line."""
    said = " ".join(BULLET.sub("", answer.split("\n")[0], count=1).split())
    return next((option for option in options if _plain(option) == _plain(said)), said)


def _some_of(answer: str, options: Sequence[str]) -> tuple[str, ...]:
    """Give the options that were chosen, and whatever else was said beside them, in the order of the answer.

    GitHub joins them by commas on one line. Somebody may have made a list of it since, with or without boxes, or have
    written on below an empty line; that is no choice any more.
    """
    found: dict[str, str] = {}
    for line in answer.split("\n"):
        if not line.strip():
            break
        box = BOX.match(line)
        if box and box["mark"] == " ":
            continue
        for piece in _pieces(box["text"] if box else BULLET.sub("", line, count=1), options):
            found.setdefault(piece.casefold(), piece)
    return tuple(found.values())


def _pieces(text: str, options: Sequence[str]) -> Iterator[str]:
    """Split at commas, but not at those inside an option."""
    rest = " ".join(text.split())
    while rest:
        known = next((one for one in options if _begins_with(rest, one)), "")
        said, rest = (known, rest[len(known) :]) if known else _until_comma(rest)
        rest = rest.lstrip(" ,")
        if said.strip():
            yield said.strip()


def _begins_with(rest: str, option: str) -> bool:
    return _plain(rest[: len(option)]) == _plain(option) and rest[len(option) :].lstrip(" ")[:1] in ("", ",")


def _until_comma(rest: str) -> tuple[str, str]:
    said, _, below = rest.partition(",")
    return said, below


# Letters, digits and single hyphens, at most 39; an enterprise's accounts end in `_` and its short name.
LOGIN = r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}(?:_[A-Za-z0-9]+)?"
MENTION = re.compile(rf"(?<![\w./@-])@({LOGIN})(?![\w/-])")
PROFILE = re.compile(rf"https?://github\.com/({LOGIN})/?(?=[\s>)]|$)", re.IGNORECASE)


def _login(answer: str) -> str:
    """Give the login somebody wrote; whether there is such a person is for the roster to say."""
    alone = re.fullmatch(LOGIN, answer.split("\n")[0].strip(" \t`"))
    if alone:
        return alone[0]
    found = MENTION.search(answer) or PROFILE.search(answer)
    return found[1] if found else ""


# Nothing that would end a Markdown link, and no name before an `@`, which would hide where the address leads.
WEB_ADDRESS = re.compile(
    r"https?://\w[\w.-]*+(?::\d{1,5}+)?+(?![@:\w])(?:[/?#][^\s<>()\[\]{}|\\^`\"']*)?", re.IGNORECASE
)


def _web_address(answer: str) -> str:
    found = WEB_ADDRESS.search(answer)
    return found[0].rstrip(".,;:!?") if found else ""


# -- the two forms -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ObjectiveAnswers:
    """What the ILO form says. `missing` names the asked-for questions that stand there without an answer."""

    goal: str = ""
    why: str = ""
    source: str = ""
    pathways: tuple[str, ...] = ()
    when_then: str = ""
    partner: str = ""
    time_to_protect: str = ""
    stretch: bool = False
    visibility: Visibility = ""
    celebrate: Celebration = ""
    missing: tuple[str, ...] = ()


def objective_answers(body: str) -> ObjectiveAnswers:
    """Read the ILO form, or whatever its issue has become. An issue written by hand gives no answers and lacks none."""
    answers = sections(body, OBJECTIVE_LABELS)

    def said(label: str) -> str:
        return answers.get(label, "")

    boxes = (BOX.match(line) for line in said(STRETCHES).split("\n"))
    return ObjectiveAnswers(
        goal=said(GOAL),
        why=said(WHY),
        source=_one_of(said(SOURCE), SOURCES),
        pathways=_some_of(said(PATHWAY), PATHWAYS),
        when_then=said(WHEN_THEN),
        partner=_login(said(PARTNER)),
        time_to_protect=said(TIME),
        stretch=any(box["mark"] != " " for box in boxes if box),
        visibility=VISIBILITIES.get(_one_of(said(VISIBILITY), VISIBILITIES), ""),
        celebrate=CELEBRATIONS.get(_one_of(said(CELEBRATE), CELEBRATIONS), ""),
        missing=_missing(answers, OBJECTIVE_REQUIRED),
    )


@dataclass(frozen=True, kw_only=True)
class TicketAnswers:
    """What the golden-ticket form says. `cost` is None when the answer names no sum; `cost_said` keeps the words."""

    opportunity: str = ""
    stretch: str = ""
    needs: tuple[str, ...] = ()
    cost: Decimal | None = None
    currency: str = ""
    cost_said: str = ""
    first_on: date | None = None
    last_on: date | None = None
    bucket_url: str = ""
    decide: str = ""
    missing: tuple[str, ...] = ()

    @classmethod
    def from_plain(cls, said: Mapping[str, object]) -> "TicketAnswers":
        """Take the answers from plain values (command line, form tool), named as documented for `/webhooks/goals`."""
        cost_said = str(said.get("cost") or "")
        cost, currency = read_cost(cost_said)
        return cls(
            opportunity=str(said.get("opportunity") or ""),
            stretch=str(said.get("stretch") or ""),
            cost=cost,
            currency=currency,
            cost_said=cost_said,
            first_on=read_date(str(said.get("first_on") or "")),
            last_on=read_date(str(said.get("last_on") or "")),
        )


def ticket_answers(body: str) -> TicketAnswers:
    """Read the golden-ticket form. An unreadable cost or date loses nothing: the words stay, the value is None."""
    answers = sections(body, TICKET_LABELS)
    said = answers.get(COST, "")
    cost, currency = read_cost(said)
    return TicketAnswers(
        opportunity=answers.get(OPPORTUNITY, ""),
        stretch=answers.get(STRETCH, ""),
        needs=_some_of(answers.get(HELP, ""), NEEDS),
        cost=cost,
        currency=currency,
        cost_said=said,
        first_on=read_date(answers.get(FIRST_DAY, "")),
        last_on=read_date(answers.get(LAST_DAY, "")),
        bucket_url=_web_address(answers.get(BUCKET, "")),
        decide=answers.get(DECIDE, ""),
        missing=_missing(answers, TICKET_REQUIRED),
    )


def read_cost(said: str) -> tuple[Decimal | None, str]:
    """Read a sum and its currency from a person's words; nothing said costs nothing.

    `480 EUR`, `EUR 480`, `1,200.50 USD`, `1.200,50 €` and `free` are understood. Two different numbers, or none, give
    no sum: then a person is asked rather than a number guessed.
    """
    text = said.strip()
    if text.casefold() in {"", "0", "nothing", "free", "no", "none", "zero"}:
        return Decimal(0), ""
    found = list(NUMBER.finditer(text))
    if len(found) != 1 or re.search(r"\d", text[: found[0].start()] + text[found[0].end() :]):
        return None, ""
    after = text[found[0].end() :]
    currency = CURRENCY.search(text)
    runs_on = re.match(r"[A-Za-z]", after) and not CURRENCY.match(after)
    if runs_on or IN_SHORT.match(after):
        return None, ""
    cost = _read_number(found[0][0])
    if cost >= MOST:
        return None, ""
    return cost, currency[0] if currency else ""


# `480`, `12.50`, `1,200`, `1.200,50`, `1 200` with the blanks that other languages group by; never the start of more.
NUMBER = re.compile(r"\d{1,3}(?:[.,\u0020\u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d{1,2})?(?!\d)")
MOST = Decimal(10) ** 12  # what a column of money takes, and more than anybody means
CURRENCY = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])|[€$£]")
IN_SHORT = re.compile(r"\s*(?:hundred|thousand|million|billion|[kKmM]|mio|bn)\b")


def _read_number(text: str) -> Decimal:
    """Read a number that `NUMBER` found: a sign before three digits groups, one before fewer is the decimal's."""
    parts = re.split(r"[.,\u0020\u00a0\u202f]", text)
    decimals = parts.pop() if len(parts) > 1 and len(parts[-1]) < 3 else "0"
    return Decimal(f"{''.join(parts)}.{decimals}")


def read_date(text: str) -> date | None:
    """Read a day of this millennium; about any other, nothing could be reckoned that follows from it."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return day if 2000 <= day.year < 3000 else None
