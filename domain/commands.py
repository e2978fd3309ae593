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


@dataclass(frozen=True, kw_only=True)
class Word:
    """One command: its name, who may give it, and whether words stand behind it, on the same line."""

    name: str
    who: Who = Who.OWNER
    takes_words: bool = False


OBJECTIVE_WORDS = (
    Word(name="activate"),
    Word(name="queue", takes_words=True),
    Word(name="done"),
    Word(name="learned"),
    Word(name="tried"),
    Word(name="changed-course"),
    Word(name="paused"),
    Word(name="log", takes_words=True),
    Word(name="offer", who=Who.MEMBER, takes_words=True),
    Word(name="help-wanted"),
    Word(name="partner", takes_words=True),
    Word(name="safety-note", who=Who.MEMBER, takes_words=True),
    Word(name="pause", takes_words=True),
    Word(name="held", takes_words=True),
    Word(name="not-needed", takes_words=True),
    Word(name="snooze", takes_words=True),
    Word(name="wake"),
)
TICKET_WORDS = (
    Word(name="go-ahead"),
    Word(name="thread"),
    Word(name="proposal"),
    Word(name="talk"),
    Word(name="bucket", takes_words=True),
    Word(name="funded", who=Who.COORDINATOR),
    Word(name="not-funded", who=Who.COORDINATOR),
    Word(name="booked"),
    Word(name="used"),
    Word(name="shared"),
    Word(name="ilo"),
    Word(name="withdraw"),
    Word(name="consented", who=Who.COORDINATOR),
    Word(name="objection", who=Who.COORDINATOR),
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
