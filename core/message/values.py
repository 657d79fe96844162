"""Values that come from outside (names, codes, sentences of hosts) made harmless for two contexts.

A value can never change the shape of the message it stands in: it has one line, no invisible
direction marks, no markup of HTML, Markdown or a helpdesk's own placeholders. It is escaped for
HTML besides, and isolated so that its direction does not disturb the text around it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from html import escape
from typing import NamedTuple

# Unicode's isolates: FSI takes its direction from what it holds, LRI is left to right for sure.
_FSI, _LRI, _PDI = "\u2068", "\u2066", "\u2069"

# Persian spelling needs the first, emoji and some names the second; all other invisible marks go.
_JOINERS = "\u200c\u200d"

# Brackets that HTML, Markdown, helpdesk placeholders and our own `[amends:...]` markers are made
# of become brackets that mean nothing to any of them.
_INERT = str.maketrans({"{": "(", "}": ")", "[": "(", "]": ")", "<": "‹", ">": "›", "`": "'"})

# Helpdesks turn bare addresses into links by themselves. `gid://` is how Shopify writes its ids,
# which staff must be able to copy as they are.
_LINK = re.compile(r"(?<!gid)://|\bwww\.", re.IGNORECASE)
_MOST_MARKS = 3


class Text(NamedTuple):
    """The same words for two places: `plain` for a text body, `html` for a HTML one."""

    plain: str
    html: str


@lru_cache(maxsize=4096)  # the words are few, and said again and again
def own(text: str) -> Text:
    """Words of ours, harmless as they are; escaped because `&` may be among them."""
    return Text(text, escape(text))


def clean(value: str, limit: int) -> str:
    """One line of at most `limit` characters in which nothing is markup and nothing invisible."""
    shown = value[: limit * 4]
    if not (shown.isascii() and shown.isprintable()):  # else each character stays as it is
        shown = "".join(_kept(char) for char in unicodedata.normalize("NFC", shown))
        shown = _few_marks(" ".join(shown.split()))
    line = " ".join(shown.split()).translate(_INERT).strip(_JOINERS + " ")
    line = _LINK.sub(lambda found: f"{found[0][:-1]} {found[0][-1]}", line)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def outside(value: str, *, rtl: bool, code: bool, limit: int) -> Text | None:
    """A value from outside for a text that runs right to left or not; None if nothing is left.

    A code stays left to right whatever it holds (a coupon, an order's name).
    """
    line = clean(value, limit)
    if not line:
        return None
    side = ' dir="ltr"' if code else ""
    html = f"<bdi{side}>{escape(line)}</bdi>"
    if not rtl and not _runs_right_to_left(line):
        return Text(line, html)
    return Text(f"{_LRI if code else _FSI}{line}{_PDI}", html)


def isolated(text: str, *, rtl: bool) -> Text:
    """A figure of ours: isolated where Latin letters stand in text that runs right to left."""
    if rtl and any(unicodedata.bidirectional(char) == "L" for char in text):
        return Text(f"{_FSI}{text}{_PDI}", f"<bdi>{escape(text)}</bdi>")
    return own(text)


def _kept(char: str) -> str:
    if char in _JOINERS:
        return char
    kind = unicodedata.category(char)
    if kind in ("Zl", "Zp", "Zs") or char in "\t\n\v\f\r\x85":
        return " "
    return "" if kind.startswith("C") else char


def _few_marks(line: str) -> str:
    """At most three combining marks in a row: a pile of them covers the lines around it."""
    kept: list[str] = []
    marks = 0
    for char in line:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= _MOST_MARKS:
            kept.append(char)
    return "".join(kept)


def _runs_right_to_left(line: str) -> bool:
    return not line.isascii() and any(
        unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in line
    )
