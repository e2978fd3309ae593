"""Digest: puts the parts of one message together in the person's language: one greeting, one footer, no doubling."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from config.messages import words
from config.prompts import Around, prompt, title_of, values_of
from domain.effects import Say
from domain.parts import Ask, Part
from domain.policy import Channel
from domain.rhythms import Side

ON_ISSUE = (Channel.GITHUB,)


@dataclass(frozen=True, kw_only=True)
class Digest:
    """A message ready to go: its subject, and the words as Markdown."""

    subject: str
    text: str


def digest(around: Around, parts: Sequence[Part], *, way: Channel, choices_url: str | None) -> Digest:
    """Put a message together for the way it travels; `choices_url` leads to the page where it is answered."""
    locale = around.reader.person.locale or around.policy.organisation.locale
    hello = words(Say(name="digest-hello", locale=locale, values={"name": around.reader.person.first_name()}))
    sections = [_section(around, group, locale) for group in _grouped(parts)]
    name = "digest-footer-github" if way in ON_ISSUE else "digest-footer-mail"
    values = {"policy_name": around.policy.organisation.name}
    if name == "digest-footer-mail":
        if choices_url is None:
            name = "digest-footer-mail-plain"
        else:
            values["choices_url"] = choices_url
    footer = words(Say(name=name, locale=locale, values=values))
    bodies = [f"### {title}\n\n{body}" if title else body for title, body in sections]
    return Digest(
        subject=" · ".join(dict.fromkeys(title for title, _ in sections if title)),
        text="\n\n".join([hello, *bodies, footer]),
    )


def plain(text: str) -> str:
    """Take from Markdown what only a renderer needs, for the plain part of a letter."""
    text = re.sub(r"^### (.+)$", lambda found: f"{found[1]}\n{'-' * len(found[1])}", text, flags=re.MULTILINE)
    text = re.sub(r"<(https?://[^<>\s]+)>", r"\1", text)
    text = re.sub(r"^_(.+)_$", r"\1", text, flags=re.MULTILINE)
    return re.sub(r"\*\*(.+?)\*\*", r"\1", text)


def _grouped(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Bring together what a partner or coordinator hears of several people about the same turn."""
    groups: dict[tuple[str, str, Side, Ask], list[Part]] = {}
    for number, part in enumerate(parts):
        apart = str(number) if part.side is Side.MEMBER else part.turn if _turn_is_shared(part) else ""
        # To be easy to reach is one word, whatever went unanswered.
        key = ("", "", part.side, part.ask) if part.ask is Ask.AVAILABLE else (part.rhythm, apart, part.side, part.ask)
        groups.setdefault(key, []).append(part)
    yield from groups.values()


def _turn_is_shared(part: Part) -> bool:
    return bool(re.fullmatch(r"\d{4}(-\d+){0,2}", part.turn))


def _section(around: Around, group: Sequence[Part], locale: str) -> tuple[str, str]:
    part = group[0]
    if part.ask is Ask.MOVED:
        moved = Say(name="part-date-moved", locale=locale, values=values_of(around, group))
        return title_of(around, part, locale), words(moved)
    title, body = prompt(around, group, locale)
    before = {Ask.AGAIN: "part-again", Ask.PAUSE: "part-shall-we-pause"}.get(part.ask)
    if before is not None:
        body = f"{words(Say(name=before, locale=locale))}\n\n{body}"
    return title, body
