"""Which lines of a person's Markdown are code, so that neither commands nor headings are read out of it."""

import re
from collections.abc import Iterator, Sequence

# An opening fence may name a language but holds no further backtick; a closing one is as long and bears nothing else.
OPENING = re.compile(r" {0,3}(?P<fence>`{3,}(?=[^`]*$)|~{3,})")
CLOSING = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})[ \t]*$")


def lines_outside_code(body: str, *, closed_only: bool = False) -> Iterator[tuple[str, bool]]:
    """Yield each line with whether it lies outside fenced code; CRLF and lone CR end lines too.

    A fence that is never closed makes code of all that follows, as on GitHub. With `closed_only` it is a line like any
    other: the questions below somebody's stray fence are questions still, while a command there stays unread.
    """
    lines = body.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    longest_below = _longest_closing_below(lines) if closed_only else None
    fence = ""
    for number, line in enumerate(lines):
        if not fence:
            opening = OPENING.match(line)
            fence = opening["fence"] if opening else ""
            if fence and longest_below is not None and longest_below[number][fence[0]] < len(fence):
                fence = ""
            yield line, not fence
            continue
        yield line, False
        closing = CLOSING.match(line)
        if closing and closing["fence"][0] == fence[0] and len(closing["fence"]) >= len(fence):
            fence = ""


def _longest_closing_below(lines: Sequence[str]) -> list[dict[str, int]]:
    """Give for each line the longest fences below it that could close one; looked up, for a body may be all fences."""
    longest, found = {"`": 0, "~": 0}, []
    for line in reversed(lines):
        found.append(longest)
        closing = CLOSING.match(line)
        if closing:
            mark, length = closing["fence"][0], len(closing["fence"])
            longest = longest | {mark: max(longest[mark], length)}
    return found[::-1]
