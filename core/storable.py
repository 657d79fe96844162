"""Text of others, so that every store can keep it."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text with U+0000 and halves of characters, which no store holds, replaced. What a host
    said must never keep what it did from being written down."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
