"""Markup: our own Markdown as simple HTML, in which what people typed stays text.

Python-Markdown has no safe mode. Without these patterns no tag and no link of somebody's name comes through; the one
link of ours is an address in angle brackets, and only letters have one.
"""

from markdown import Markdown

TYPED_LINKS = ("link", "reference", "short_reference", "image_link", "image_reference", "short_image_ref", "automail")
OUR_ADDRESS = "autolink"


def rendered(text: str, *, with_address: bool = False) -> str:
    """Turn a message into HTML; `with_address` makes an address in angle brackets one to click."""
    writer = Markdown(extensions=["sane_lists", "nl2br"])
    writer.preprocessors.deregister("html_block")
    writer.parser.blockprocessors.deregister("reference")
    for name in ("html", *TYPED_LINKS) if with_address else ("html", OUR_ADDRESS, *TYPED_LINKS):
        writer.inlinePatterns.deregister(name)
    return str(writer.convert(text))
