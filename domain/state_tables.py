"""State tables: every state and move of an objective and a golden ticket, for people who want to see the whole.

`flask states` prints them; `docs/states.md` is that output, and README draws it. Made from the tables the code asks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.objectives import ObjectiveState
from domain.ticket_states import AGREED, OPEN_TO_CHOICE, TicketState
from domain.ticket_states import MOVES as TICKET_MOVES

UNUSED, NONE = "unused", "none"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One row: from these states, by this deed, to that state; `who` does it."""

    deed: str
    who: str
    sources: tuple[str, ...]
    to: str


_O = ObjectiveState
OBJECTIVE_STEPS: tuple[Step, ...] = (
    Step(deed="opens the first", who="member", sources=(NONE,), to=_O.ACTIVE),
    Step(deed="opens another", who="member", sources=(NONE,), to=_O.QUEUED),
    Step(deed="/activate", who="member", sources=(_O.QUEUED,), to=_O.ACTIVE),
    Step(deed="/queue, or /activate elsewhere", who="member", sources=(_O.ACTIVE,), to=_O.QUEUED),
    Step(deed="closes it, /done, the label goes", who="member", sources=(_O.ACTIVE, _O.QUEUED), to=_O.CLOSED),
    Step(deed="the issue is deleted or moved", who="GitHub", sources=(_O.ACTIVE, _O.QUEUED), to=_O.CLOSED),
    Step(deed="reopens it, nothing active", who="member", sources=(_O.CLOSED,), to=_O.ACTIVE),
    Step(deed="reopens it, another active", who="member", sources=(_O.CLOSED,), to=_O.QUEUED),
)
TICKET_STEPS: tuple[Step, ...] = (
    Step(deed="claims it", who="member", sources=(UNUSED,), to=TicketState.OFFERED),
    *(
        Step(deed=one.deed.value, who=one.who, sources=tuple(state.value for state in one.sources), to=one.to.value)
        for one in TICKET_MOVES
    ),
)
TOGETHER = (tuple(one.value for one in OPEN_TO_CHOICE), tuple(one.value for one in AGREED))


def tables() -> str:
    """Give both machines as Markdown: a picture and a table each."""
    parts = [
        "# The states of a learning goal and of a golden ticket",
        "This page is what `flask states` prints; a test holds them together.",
        "## A learning goal (ILO)",
        "At most one is active per person; nothing becomes active by itself.",
        picture(OBJECTIVE_STEPS),
        _table(OBJECTIVE_STEPS),
        "## A golden ticket",
        "Objection, withdrawn and cancelled give the ticket back; everything else holds the year's.",
        picture(TICKET_STEPS, TOGETHER),
        _table(TICKET_STEPS),
    ]
    return "\n\n".join(parts) + "\n"


def picture(steps: Sequence[Step], together: Sequence[Sequence[str]] = ()) -> str:
    """Draw a machine for Mermaid, which GitHub renders; states that are left by the same ways may share one box."""
    box = {name: " / ".join(names) for names in together for name in names}
    arrows: dict[tuple[str, str], list[str]] = {}
    for one in steps:
        to = box.get(one.to, one.to)
        for source in dict.fromkeys(box.get(name, name) for name in one.sources):
            if source != to:
                arrows.setdefault((source, to), []).append(one.deed)
    return "\n".join(["```mermaid", "stateDiagram-v2", *_drawn(arrows), "```"])


def _drawn(arrows: dict[tuple[str, str], list[str]]) -> Iterator[str]:
    names = dict.fromkeys(name for pair in arrows for name in pair if name not in (UNUSED, NONE))
    yield from (f'    state "{name}" as {_id(name)}' for name in names if _id(name) != name)
    for (source, to), deeds in arrows.items():
        yield f"    {_id(source)} --> {_id(to)}: {', '.join(dict.fromkeys(deeds))}"


def _id(name: str) -> str:
    return "[*]" if name in (UNUSED, NONE) else name.partition(" / ")[0].replace(" ", "_")


def _table(steps: Sequence[Step]) -> str:
    rows = [f"| {one.deed} | {one.who} | {', '.join(one.sources)} | {one.to} |" for one in steps]
    return "\n".join(["| what happens | who | from | to |", "|---|---|---|---|", *rows])
