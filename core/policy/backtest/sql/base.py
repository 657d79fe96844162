"""What every kind of expression is written with: layers of columns, and values by kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from core.policy.backtest.sql.facts import Columns
from core.policy.backtest.sql.terms import (
    NotVectorised,
    Ratio,
    Term,
    case,
    case_ratio,
)
from core.policy.tree import (
    Expr,
    Tree,
)

Value = Term | Ratio
NUMBERS = frozenset({"money", "percent", "duration", "number", "km"})
_NAME = re.compile(r"\b[a-z]*t[0-9]+\b")
#: A longer text that is needed twice becomes a column of its own.
_LONG = 60


class Base:
    """Writes one policy's expressions. What is needed more than once becomes a column `t0`, `t1`,
    ... of a layer above the columns it is made from."""

    def __init__(self, tree: Tree, columns: Columns) -> None:
        self.tree, self.columns = tree, columns
        self.layers: list[dict[str, str]] = []
        self._level: dict[str, int] = {}
        self._held: dict[str, str] = {}
        self._lets = {let.name: let for let in tree.lets}
        self._rows: dict[str, Term] = {}
        self._values: dict[tuple[str, str], Value] = {}

    # ---- columns of their own

    def hold(self, term: Term) -> Term:
        """`term`, as a name where its text is long."""
        if len(term.text) <= _LONG or term.constant is not None:
            return term
        if term.text in self._held:
            return replace(term, text=self._held[term.text])
        level = max((self._level.get(name, 0) for name in _NAME.findall(term.text)), default=0) + 1
        name = f"{self.columns.prefix}t{len(self._level)}"
        self._level[name] = level
        while len(self.layers) < level:
            self.layers.append({})
        self.layers[level - 1][name] = term.text
        self._held[term.text] = name
        return replace(term, text=name)

    def held(self, one: Ratio) -> Ratio:
        return Ratio(self.hold(one.top), self.hold(one.bottom))

    # ---- expressions

    def value(self, expr: Expr) -> Value:
        method = getattr(self, f"_{type(expr).__name__.lower()}", None)
        if method is None:
            raise NotVectorised(f"{type(expr).__name__.lower()}s go through lists")
        found: Value = method(expr)
        return found

    def number(self, expr: Expr) -> Ratio:
        found = self.value(expr)
        assert isinstance(found, Ratio)
        return found

    def term(self, expr: Expr) -> Term:
        found = self.value(expr)
        assert isinstance(found, Term)
        return found

    def all_of(self, conditions: Sequence[Expr]) -> Term:
        return joined("AND", [self.term(one) for one in conditions], "TRUE")

    def pick(
        self, tests: Sequence[Term], values: Sequence[Value], otherwise: Value | None
    ) -> Value:
        """The value of the first test that holds."""
        numbers = [one for one in values if isinstance(one, Ratio)]
        if len(numbers) == len(values) and (otherwise is None or isinstance(otherwise, Ratio)):
            return case_ratio(tests, numbers, otherwise)
        terms = [one for one in values if isinstance(one, Term)]
        if len(terms) != len(values) or isinstance(otherwise, Ratio):
            raise NotVectorised("values of two kinds")
        return case(tests, terms, otherwise)


def joined(word: str, parts: Sequence[Term], empty: str) -> Term:
    if not parts:
        return Term(empty, sure=True)
    if len(parts) == 1:
        return parts[0]
    text = f" {word} ".join(part.text for part in parts)
    return Term(f"({text})", sure=all(part.sure for part in parts))
