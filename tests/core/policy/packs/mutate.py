"""Every number and date of a pack, moved by one unit of its last place, one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from core.policy.document import Listing, Mapping, Node, Text, read

#: Words for people: no decision comes from them.
_FREE = frozenset({"policy", "title", "source", "jurisdiction", "certainty", "note", "cite"})
_NUMBER = re.compile(
    r"(?<![A-Za-z_])(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]+(?:\.[0-9]+)?)(?![A-Za-z_])"
)


@dataclass(frozen=True)
class Mutant:
    """`was` at a line and column (from 1) becomes `now`."""

    line: int
    column: int
    was: str
    now: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.was} -> {self.now}"

    def of(self, text: str) -> str:
        lines = text.splitlines(keepends=True)
        line, start = lines[self.line - 1], self.column - 1
        assert line[start : start + len(self.was)] == self.was
        lines[self.line - 1] = line[:start] + self.now + line[start + len(self.was) :]
        return "".join(lines)


def mutants(text: str) -> Iterator[Mutant]:
    for node in _texts(read(text)):
        for match in _NUMBER.finditer(node.value):
            at = node.start.shifted(match.start())
            for now in _moved(match[0]):
                yield Mutant(at.line, at.column, match[0], now)


def _texts(node: Node) -> Iterator[Text]:
    if isinstance(node, Text):
        yield node
    elif isinstance(node, Listing):
        for item in node.items:
            yield from _texts(item)
    elif isinstance(node, Mapping):
        for name, value in node.values.items():
            yield node.keys[name]
            if name not in _FREE:
                yield from _texts(value)


def _moved(text: str) -> Iterator[str]:
    if "-" in text:
        for days in (-1, 1):
            yield (date.fromisoformat(text) + timedelta(days)).isoformat()
        return
    unit = Decimal(1).scaleb(Decimal(text).as_tuple().exponent)  # type: ignore[arg-type]
    for step in (-unit, unit):
        moved = Decimal(text) + step
        if moved >= 0:
            yield str(moved)
