"""Commands in comments: a slash and a word, alone on a line, outside quotes and code.

Practice of other bots (facts on GitHub, 6.6): a command that is not alone on its line is talk, and an unknown one gets
one helpful answer. Design section 7.
"""

import re
from dataclasses import dataclass

from domain.code import lines_outside_code

KNOWN = ("activate", "go-ahead", "thread", "proposal", "talk", "withdraw", "consented", "objection")


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command somebody gave; `known` says whether Trellis knows the word."""

    name: str
    known: bool


def commands_in(body: str) -> tuple[Command, ...]:
    """Find the commands of a comment, in order, each once."""
    found: dict[str, Command] = {}
    for line, outside in lines_outside_code(body):
        if not outside or line.startswith(("    ", "\t")):
            continue
        said = re.fullmatch(r"/([a-z][a-z-]{1,30})", line.strip())
        if said and said[1] not in found:
            found[said[1]] = Command(name=said[1], known=said[1] in KNOWN)
    return tuple(found.values())
