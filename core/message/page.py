"""Paragraphs: how rendered lines become a plain text and the HTML of the same."""

from __future__ import annotations

from html import escape

from core.message.language import Language
from core.message.values import Text


def page(language: Language, text: Text) -> Text:
    """Blank lines part paragraphs. Lines and paragraphs that turned out empty are left out.

    The HTML says its language and direction itself, since the page of a ticket is often in another.
    """
    plain = "\n\n".join("\n".join(lines) for lines in _paragraphs(text.plain))
    body = "".join(f"<p>{'<br>'.join(lines)}</p>" for lines in _paragraphs(text.html))
    words = language.words
    return Text(plain, f'<div dir="{words.direction}" lang="{escape(words.code)}">{body}</div>')


def stack(parts: list[Text], between: str) -> Text:
    """Texts under each other: `"\\n"` for lines, `"\\n\\n"` for paragraphs."""
    return Text(between.join(p.plain for p in parts), between.join(p.html for p in parts))


def bullets(parts: list[Text]) -> Text:
    return stack([Text(f"• {p.plain}", f"• {p.html}") for p in parts], "\n")


def _paragraphs(text: str) -> list[list[str]]:
    split = ([line.strip() for line in p.split("\n") if line.strip()] for p in text.split("\n\n"))
    return [lines for lines in split if lines]
