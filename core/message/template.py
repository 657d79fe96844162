"""Templates without logic: text, and `{{name}}` for names on a list. Nothing else means anything.

There is no expression to evaluate, no loop, no filter; a value that is put in is never read as a
template again. The words that ship with Amends and the letters a workspace writes itself go
through this one parser.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from core.errors import AmendsError
from core.message.values import Text, own

#: The longest template, in characters, and the most names one may use.
LIMIT_LENGTH = 4_000
LIMIT_NAMES = 40

_NAME = re.compile(r"\{\{ ?([a-z][a-z_]{0,31}) ?\}\}", re.ASCII)
_LOGIC = re.compile(r"\{\{|\}\}|\{%|%\}|\{#|#\}")
_INVISIBLE_ALLOWED = "\n\u200c\u200d"


class TemplateError(AmendsError):
    """A template that cannot be used. `place` says where ("line 2, column 5")."""

    def __init__(self, message: str, place: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place


@dataclass(frozen=True, slots=True)
class Template:
    """`literals` has one more entry than `names`: text, name, text, name, ..., text."""

    literals: tuple[str, ...]
    names: tuple[str, ...]

    def sayable(self, values: Mapping[str, Text]) -> bool:
        """Whether every name has a value."""
        return all(map(values.__contains__, self.names))

    def render(self, values: Mapping[str, Text]) -> Text:
        """The text with its values. Raises `KeyError` for a name without one."""
        first = own(self.literals[0])
        plain, html = first.plain, first.html
        for name, literal in zip(self.names, self.literals[1:], strict=True):
            value, text = values[name], own(literal)
            plain += value.plain + text.plain
            html += value.html + text.html
        return Text(plain, html)


def parse(source: str, allowed: Collection[str]) -> Template:
    """Read a template that may use the names in `allowed`. Raises `TemplateError`."""
    if len(source) > LIMIT_LENGTH:
        raise TemplateError(
            f"the text is longer than {LIMIT_LENGTH} characters; make it shorter", "end"
        )
    source = source.replace("\r\n", "\n")
    pieces = _NAME.split(source)
    literals, names = tuple(pieces[::2]), tuple(pieces[1::2])
    if len(names) > LIMIT_NAMES:
        raise TemplateError(f"more than {LIMIT_NAMES} names are used; use fewer", "end")
    at = 0
    for found in _NAME.finditer(source):
        _check_literal(source, at, found.start())
        if found[1] not in allowed:
            names_there_are = ", ".join(sorted(allowed))
            raise TemplateError(
                f"{found[1]!r} is not a name that can be used here; use one of {names_there_are}",
                _place(source, found.start()),
            )
        at = found.end()
    _check_literal(source, at, len(source))
    return Template(literals, names)


def _check_literal(source: str, start: int, end: int) -> None:
    logic = _LOGIC.search(source, start, end)
    if logic:
        raise TemplateError(
            "only a name such as {{customer_name}} may stand in double braces; nothing is computed",
            _place(source, logic.start()),
        )
    for index in range(start, end):
        char = source[index]
        if char not in _INVISIBLE_ALLOWED and unicodedata.category(char).startswith("C"):
            raise TemplateError(
                f"the invisible character U+{ord(char):04X} cannot stand here; delete it",
                _place(source, index),
            )


def _place(source: str, index: int) -> str:
    before = source[:index]
    return f"line {before.count(chr(10)) + 1}, column {index - before.rfind(chr(10))}"
