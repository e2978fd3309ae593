"""Commands in comments: a slash and a word, alone on a line, outside quotes and code.

Practice of other bots (facts on GitHub, 6.6): a command that is not alone on its line is talk, and an unknown one gets
one helpful answer. Design section 7.
"""

import re
from dataclasses import dataclass

from domain.code import lines_outside_code

ON_OBJECTIVE = ("activate", "held", "not-needed", "snooze", "wake", "log")
ON_TICKET = ("go-ahead", "thread", "proposal", "talk", "withdraw", "consented", "objection")
KNOWN = ON_OBJECTIVE + ON_TICKET
# These take words behind them, on the same line; any other with words behind it is talk.
TAKE_WORDS = ("held", "not-needed", "snooze", "log")


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
