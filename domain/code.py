"""Which lines of a person's Markdown are code, so that neither commands nor headings are read out of it."""

import re
from collections.abc import Iterator

# An opening fence may name a language but holds no further backtick; a closing one is as long and bears nothing else.
OPENING = re.compile(r" {0,3}(?P<fence>`{3,}(?=[^`]*$)|~{3,})")
CLOSING = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})[ \t]*$")


def lines_outside_code(body: str) -> Iterator[tuple[str, bool]]:
    """Yield each line with whether it lies outside fenced code; CRLF and lone CR end lines too."""
    fence = ""
    for line in body.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not fence:
            opening = OPENING.match(line)
            fence = opening["fence"] if opening else ""
            yield line, not fence
            continue
        yield line, False
        closing = CLOSING.match(line)
        if closing and closing["fence"][0] == fence[0] and len(closing["fence"]) >= len(fence):
            fence = ""
