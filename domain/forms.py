"""Answers of GitHub issue forms, read back from the issue's body.

GitHub renders each field as `### Label`, a blank line and the answer; nothing is escaped, lines may end in CRLF, an
empty answer is `_No response_`, and a person may edit it freely afterwards. The body never names its form.
Source: facts on GitHub, section 4. npm's @github/issue-parser does this for Node; PyPI has no kept equivalent.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.code import lines_outside_code

EMPTY = {"_no response_", "none", ""}


# What `config/messages/*/objective-issue.md` and `ticket-issue.md` end with: a rule, a line of ours, our hidden marker.
OUR_NOTE = re.compile(r"\r?\n---\r?\n_[^\r\n]+_\s*(?:<!-- trellis:key=\S+ -->\s*)?\Z")


def sections(body: str, labels: Sequence[str]) -> dict[str, str]:
    """Split a rendered body by the form's labels, each taken once and never inside a code fence.

    A heading that is not one of the labels belongs to the answer it stands in.
    """
    body = OUR_NOTE.sub("", body)
    wanted = {label.casefold(): label for label in labels}
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line, outside in lines_outside_code(body):
        heading = re.match(r"### +(.+?)\s*$", line) if outside else None
        label = wanted.get(heading[1].casefold()) if heading else None
        if label is not None and label not in found:
            current = found[label] = []
        elif current is not None:
            current.append(line)
    return {label: _answer("\n".join(lines)) for label, lines in found.items()}


def _answer(text: str) -> str:
    text = text.strip()
    return "" if text.casefold() in EMPTY else text


@dataclass(frozen=True, kw_only=True)
class ObjectiveAnswers:
    """What the ILO form says that Trellis remembers; the rest stays on GitHub, where the person put it."""

    goal: str = ""
    why: str = ""


GOAL = "What do I want to learn?"
WHY = "Why does it matter to me?"


def objective_answers(body: str) -> ObjectiveAnswers:
    """Read the ILO form."""
    answers = sections(body, (GOAL, WHY, *_OTHER_OBJECTIVE_LABELS))
    return ObjectiveAnswers(goal=answers.get(GOAL, ""), why=answers.get(WHY, ""))


_OTHER_OBJECTIVE_LABELS = (
    "Where does it come from?",
    "How will I learn it?",
    "When …, then I will …",
    "Partner",
)


@dataclass(frozen=True, kw_only=True)
class TicketAnswers:
    """What the golden-ticket form says. `cost` is None when the answer names no sum; `cost_said` keeps the words."""

    opportunity: str = ""
    stretch: str = ""
    cost: Decimal | None = None
    currency: str = ""
    cost_said: str = ""
    first_on: date | None = None
    last_on: date | None = None
    decide: str = ""

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
            first_on=_read_date(str(said.get("first_on") or "")),
            last_on=_read_date(str(said.get("last_on") or "")),
        )


OPPORTUNITY = "What is the opportunity?"
STRETCH = "How does it stretch me?"
COST = "What does it cost?"
FIRST_DAY = "First day"
LAST_DAY = "Last day"
DECIDE = "How shall we decide?"


def ticket_answers(body: str) -> TicketAnswers:
    """Read the golden-ticket form. An unreadable cost or date loses nothing: the words stay, the value is None."""
    answers = sections(body, (OPPORTUNITY, STRETCH, COST, FIRST_DAY, LAST_DAY, DECIDE))
    said = answers.get(COST, "")
    cost, currency = read_cost(said)
    return TicketAnswers(
        opportunity=answers.get(OPPORTUNITY, ""),
        stretch=answers.get(STRETCH, ""),
        cost=cost,
        currency=currency,
        cost_said=said,
        first_on=_read_date(answers.get(FIRST_DAY, "")),
        last_on=_read_date(answers.get(LAST_DAY, "")),
        decide=answers.get(DECIDE, ""),
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
    return _read_number(found[0][0]), currency[0] if currency else ""


# `480`, `12.50`, `1,200`, `1.200,50`, `1 200` with the blanks that other languages group by; never the start of more.
NUMBER = re.compile(r"\d{1,3}(?:[.,\u0020\u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d{1,2})?(?!\d)")
CURRENCY = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])|[€$£]")
IN_SHORT = re.compile(r"\s*(?:hundred|thousand|million|billion|[kKmM]|mio|bn)\b")


def _read_number(text: str) -> Decimal:
    """Read a number that `NUMBER` found: a sign before three digits groups, one before fewer is the decimal's."""
    parts = re.split(r"[.,\u0020\u00a0\u202f]", text)
    decimals = parts.pop() if len(parts) > 1 and len(parts[-1]) < 3 else "0"
    return Decimal(f"{''.join(parts)}.{decimals}")


def _read_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None
