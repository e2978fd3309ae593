"""Turns the Markdown that people and Trellis write into safe HTML: headings, lists, quotes, code, bold, links."""

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

LIST_ITEM = re.compile(r"^\s{0,3}(?:[-*+]|(\d+)[.)])\s+(.*)$")
HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
FENCE = re.compile(r"^\s{0,3}(```+|~~~+)")
TASK = re.compile(r"^\[([ xX])\]\s+(.*)$")


def render(text: str | None) -> Markup:
    """Return the text as HTML; hidden comments stay hidden, and nothing typed becomes a tag."""
    visible = re.sub(r"<!--.*?-->", "", text or "", flags=re.DOTALL).replace("\r\n", "\n").replace("\x00", "")
    return Markup("\n").join(_blocks(visible.split("\n")))


def _blocks(lines: list[str]) -> Iterator[Markup]:
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
        elif fence := FENCE.match(line):
            end = next((n for n in range(at + 1, len(lines)) if lines[n].strip().startswith(fence[1])), len(lines))
            yield Markup("<pre><code>{}</code></pre>").format("\n".join(lines[at + 1 : end]))
            at = end + 1
        elif heading := HEADING.match(line):
            # The page has its own first and second headings.
            level = min(6, len(heading[1]) + 2)
            yield Markup("<h{0}>{1}</h{0}>").format(level, _inline(heading[2]))
            at += 1
        else:
            kind = _kind(line)
            end = next((n for n in range(at, len(lines)) if _kind(lines[n]) != kind), len(lines))
            yield _many(kind, lines[at:end])
            at = end


def _kind(line: str) -> str:
    if not line.strip() or HEADING.match(line) or FENCE.match(line):
        return "end"
    if line.lstrip().startswith(">"):
        return "quote"
    item = LIST_ITEM.match(line)
    if item:
        return "ol" if item[1] else "ul"
    return "paragraph"


def _many(kind: str, lines: list[str]) -> Markup:
    if kind == "quote":
        inner = [re.sub(r"^\s*>\s?", "", line) for line in lines]
        return Markup("<blockquote>{}</blockquote>").format(Markup("\n").join(_blocks(inner)))
    if kind in {"ol", "ul"}:
        items = Markup("").join(_item(match[2]) for line in lines if (match := LIST_ITEM.match(line)))
        return Markup("<{0}>{1}</{0}>").format(kind, items)
    return Markup("<p>{}</p>").format(Markup("<br>\n").join(_inline(line) for line in lines))


def _item(text: str) -> Markup:
    task = TASK.match(text)
    if task:
        mark = "☑" if task[1] in "xX" else "☐"
        return Markup("<li class=task>{} {}</li>").format(mark, _inline(task[2]))
    return Markup("<li>{}</li>").format(_inline(text))


def _inline(text: str) -> Markup:
    """Return one line with code, links, bold and italics; code spans are left alone inside."""
    parts = []
    for part in re.split(r"(`[^`]+`)", text):
        if part.startswith("`") and part.endswith("`") and len(part) > 2:
            parts.append(Markup("<code>{}</code>").format(part[1:-1]))
        else:
            parts.append(_styled(part))
    return Markup("").join(parts)


def _styled(text: str) -> Markup:
    html = str(escape(text))
    # Links first, each put aside, so that an underscore in an address is not taken for italics.
    aside: list[str] = []

    def put_aside(address: str, words: str) -> str:
        aside.append(f'<a href="{address}">{words}</a>')
        return f"\x00{len(aside) - 1}\x00"

    html = re.sub(r"\[([^\]]+)\]\(((?:https?://|/)[^\s)]+)\)", lambda m: put_aside(m[2], m[1]), html)
    html = re.sub(r"https?://[^\s<\x00]+[^\s<.,;:!?)\x00]", lambda m: put_aside(m[0], m[0]), html)
    html = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html)
    html = re.sub(r"(?<![\w*])[*_]([^*_\s](?:[^*_]*[^*_\s])?)[*_](?![\w*])", r"<em>\1</em>", html)
    html = re.sub(r"(?<![\w/])@([A-Za-z0-9][\w-]*)", r'<span class="mention">@\1</span>', html)
    return Markup(re.sub(r"\x00(\d+)\x00", lambda m: aside[int(m[1])], html))  # escaped above
