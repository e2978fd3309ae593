"""Commands in comments: a slash and a word, alone on a line, outside quotes and code.

Practice of other bots (facts on GitHub, 6.6): a command that is not alone on its line is talk, and an unknown one gets
one helpful answer. Design section 7.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from domain.code import lines_outside_code


class Who(StrEnum):
    """Who may give a command; whoever else does gets one helpful answer, and nothing changes."""

    OWNER = "its person"
    MEMBER = "any member"
    COORDINATOR = "a coordinator"
    TRUSTED = "a coordinator, or the Well Working Group"


@dataclass(frozen=True, kw_only=True)
class Word:
    """One command: its name, what it does, who may give it, and whether words stand after it, on the same line."""

    name: str
    what_for: str
    who: Who = Who.OWNER
    takes_words: bool = False


OBJECTIVE_WORDS = (
    Word(name="activate", what_for="work on this one now; the active one waits"),
    Word(
        name="queue",
        what_for="show what waits; `/queue first` or `/queue 2` moves this one, on the active one it parks it",
        takes_words=True,
    ),
    Word(name="done", what_for="close this goal"),
    Word(name="learned", what_for="say how a closed goal ended"),
    Word(name="tried", what_for="the same; four questions to look back with come along"),
    Word(name="changed-course", what_for="the same"),
    Word(name="paused", what_for="the same"),
    Word(name="log", what_for="note something; it counts as an answer to what was asked", takes_words=True),
    Word(name="offer", what_for="offer a hand or a skill", who=Who.MEMBER, takes_words=True),
    Word(name="help-wanted", what_for="ask for a hand: the partner and whoever offered one are told"),
    Word(name="partner", what_for="say who learns beside you", takes_words=True),
    Word(
        name="safety-note",
        what_for="three lines on what is safe to get wrong, for a goal that stretches",
        who=Who.MEMBER,
        takes_words=True,
    ),
    Word(name="pause", what_for="leave, until a day or for some weeks: nothing comes round", takes_words=True),
    Word(name="held", what_for="what was asked about is done", takes_words=True),
    Word(name="not-needed", what_for="it is not needed this time", takes_words=True),
    Word(name="snooze", what_for="later: `2 weeks`, `until 2027-05-01`, `this time`, `all`", takes_words=True),
    Word(name="wake", what_for="end every snooze, and leave"),
)
TICKET_WORDS = (
    Word(name="go-ahead", what_for="it is light: nobody else needs to decide"),
    Word(name="thread", what_for="ask what others think, in Loomio"),
    Word(name="proposal", what_for="ask the group for a yes, in Loomio"),
    Word(name="talk", what_for="talk it over with somebody first"),
    Word(name="bucket", what_for="name a place where people put money together", takes_words=True),
    Word(name="funded", what_for="the bucket is full", who=Who.TRUSTED),
    Word(name="not-funded", what_for="not enough came together", who=Who.TRUSTED),
    Word(name="booked", what_for="it is arranged"),
    Word(name="used", what_for="it is behind the member; they are asked once to share it"),
    Word(name="shared", what_for="the others have heard of it"),
    Word(name="ilo", what_for="open the learning goal that goes with an agreed ticket"),
    Word(name="withdraw", what_for="give the ticket back"),
    Word(name="consented", what_for="people agreed elsewhere, or an outcome means yes", who=Who.COORDINATOR),
    Word(name="objection", what_for="an outcome means no", who=Who.COORDINATOR),
)
ON_OBJECTIVE = {one.name: one for one in OBJECTIVE_WORDS}
ON_TICKET = {one.name: one for one in TICKET_WORDS}
KNOWN = ON_OBJECTIVE | ON_TICKET
TAKE_WORDS = tuple(one.name for one in KNOWN.values() if one.takes_words)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command somebody gave; `known` says whether Trellis knows the word, `words` what stood behind it."""

    name: str
    known: bool
    words: str = ""


def commands_in(body: str) -> tuple[Command, ...]:
    """Find the commands of a comment, in order, each once."""
    found: dict[str, Command] = {}
    for line, outside in lines_outside_code(body):
        if not outside or line.startswith(("    ", "\t")):
            continue
        said = re.fullmatch(r"/([a-z][a-z-]{1,30})(?:\s+(\S.*))?", line.strip())
        if said and said[1] not in found and (said[2] is None or said[1] in TAKE_WORDS):
            found[said[1]] = Command(name=said[1], known=said[1] in KNOWN, words=said[2] or "")
    return tuple(found.values())


def table(words: tuple[Word, ...]) -> str:
    """Give commands as a Markdown table, for README."""
    rows = [f"| `/{one.name}{' …' if one.takes_words else ''}` | {one.what_for} | {one.who.value} |" for one in words]
    return "\n".join(["| word | what it does | who |", "|---|---|---|", *rows])
