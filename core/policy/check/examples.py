"""Facts that lie in a region: built from what its axes ask, and tried before anybody is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from random import Random
from typing import Any

from core.policy.check.regions import Axis, Box
from core.policy.check.segments import OTHER, Stretch
from core.policy.explain.changes import applied, raw_of, smallest
from core.policy.explain.parts import tree_parts
from core.policy.explain.printing import money_parts
from core.policy.tree import Band, Const, Declared, Expr, Fact, OneOf, Tree, Type

#: Draws for the facts a region leaves open, before it counts as not found.
TRIES = 40
Facts = dict[str, Any]


class Examples:
    """Builds facts of one policy. The draws are seeded: one policy, one example."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._code = tree.currencies[0] if tree.currencies else ""
        self._ends = _ends(tree)

    def of(
        self, axes: list[Axis], box: Box, fits: Callable[[Mapping[str, Any]], bool]
    ) -> tuple[Facts, Facts] | None:
        """Facts in the box for which `fits` says yes, and of these what the box itself asks for."""
        rng = Random(0)  # noqa: S311 - the same example every time
        for number in range(TRIES):
            asked = self._asked(axes, box, rng, plain=number == 0)
            facts = self._all(rng, plain=number == 0)
            for name, raw in asked.items():
                facts = applied(facts, name, raw)
            if fits(facts):
                return facts, asked
        return None

    def _asked(self, axes: list[Axis], box: Box, rng: Random, *, plain: bool) -> Facts:
        asked: Facts = {}
        for index, bits in box.items():
            axis = axes[index]
            if axis.opaque or not isinstance(axis.subject, Fact):
                continue
            inside = [one for at, one in enumerate(axis.segments) if bits >> at & 1]
            one = inside[0] if plain else rng.choice(inside)
            value = one.value if isinstance(one, Stretch) else one
            asked[axis.subject.name] = self._raw(value, axis.subject.type)
        return asked

    def _all(self, rng: Random, *, plain: bool) -> Facts:
        facts: Facts = {}
        for declared in self._tree.facts:
            options = list(self._options(declared))
            raw = options[0] if plain else rng.choice(options)
            facts = applied(facts, declared.name, raw)
        return facts

    def _options(self, declared: Declared) -> Iterator[Any]:
        kind = declared.type
        if kind.kind == "list":
            yield []
            return
        values: list[Any] = list(kind.values)
        if kind.kind == "yesno":
            values = [False, True]
        elif kind.kind == "word" and not values:
            values = [*sorted(self._ends.get(declared.name, ()), key=str), "some_word"]
        elif not values:
            values = self._measures(declared)
        yield from (self._raw(value, kind) for value in values)
        if kind.nullable:
            yield None

    def _measures(self, declared: Declared) -> list[Any]:
        kind = declared.type
        if kind.kind == "instant":
            return sorted(self._ends.get(declared.name, ())) or [_SOME_INSTANT]
        if kind.kind == "date":
            return sorted(self._ends.get(declared.name, ())) or [date(2026, 1, 1)]
        ends = self._ends.get(declared.name, set()) | self._ends.get(f"of {kind.kind}", set())
        near = {end + way * smallest(kind) for end in ends for way in (-1, 0, 1)}
        near |= {0, 10_000}
        least = -(10**9) if kind.signed else 0
        return sorted(one for one in near if one >= least and one % smallest(kind) == 0)

    def _raw(self, value: Any, kind: Type) -> Any:
        if value is OTHER:
            return "some_other_word"
        if isinstance(value, datetime):
            return value.isoformat().replace("+00:00", "Z")
        if kind.kind == "money" and kind.currency is None and self._tree.currency is not None:
            return money_parts(value, self._code)  # the facts say in which currency
        return raw_of(value, kind, self._code)


_SOME_INSTANT = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


def _ends(tree: Tree) -> dict[str, set[Any]]:
    """What conditions compare each fact with, and constants by kind for what is calculated."""
    found: dict[str, set[Any]] = {}
    for expr in tree_parts(tree):
        if isinstance(expr, Band | OneOf) and isinstance(expr.subject, Fact):
            ends = expr.values if isinstance(expr, OneOf) else (expr.low, expr.high)
            found.setdefault(expr.subject.name, set()).update(e for e in ends if e is not None)
        elif isinstance(expr, Const) and _number(expr):
            found.setdefault(f"of {expr.type.kind}", set()).add(expr.value)
    return found


def _number(expr: Expr) -> bool:
    value = getattr(expr, "value", None)
    return value is not None and not isinstance(value, bool | str | date)
