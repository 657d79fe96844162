"""What would change the answer: for one fact at a time, the nearest other value that does.

Candidates come from the tree (the other words of an enumeration, yes and no, null, the ends of
bands) and from a search outwards from the value there is. Each is put into the facts and decided;
only one that is answered differently is named. Lists, instants, and words without a list of values
that no condition names are not tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from core.money import LIMIT_MINOR
from core.policy.decision import Decision
from core.policy.explain.parts import facts_of, tree_parts
from core.policy.explain.printing import money_parts, number_text, value_data
from core.policy.reference import Reference
from core.policy.tree import (
    SECONDS,
    Band,
    Compare,
    Const,
    Declared,
    Expr,
    Fact,
    OneOf,
    Tree,
    Type,
    walk,
)  # fmt: skip
from core.policy.values import Unknown

if TYPE_CHECKING:
    from core.policy import Policy

_WORDS = 12
#: Steps outwards double this often: from a cent to ten thousand, from a minute to eleven weeks.
_DOUBLINGS = 20
_LARGEST = 10**9


@dataclass(frozen=True, slots=True)
class Change:
    """With this one fact at `value`, the answer is `decision`.

    raw: as it goes into the facts. type: of the value.
    """

    fact: str
    value: Any
    type: Type
    raw: Any
    currency: str
    decision: Decision

    def to_data(self) -> dict[str, Any]:
        return {
            "fact": self.fact, "value": value_data(self.value, self.type, self.currency),
            "answer": str(self.decision), "outcome": self.decision.outcome,
        }  # fmt: skip

    def applied(self, facts: Mapping[str, object]) -> dict[str, object]:
        """The facts with this change made."""
        return applied(facts, self.fact, self.raw)


def changes(policy: Policy, facts: Mapping[str, object], decision: Decision) -> tuple[Change, ...]:
    """The nearest single changes of facts that change the answer, in the order of the facts."""
    tree = policy.tree
    used = facts_of(tree)
    engine = Reference(tree)
    frame = engine.frame(facts)
    code = _currency(tree, frame)
    found: list[Change] = []
    for declared in tree.facts:
        if declared.name in used and declared.type.kind not in ("list", "instant"):
            search = _Search(policy, facts, decision, declared, code)
            found += search.run(frame[engine.facts[declared.name]])
    return tuple(found)


def applied(facts: Mapping[str, object], name: str, raw: Any) -> dict[str, object]:
    """A copy of the facts with one of them set."""
    head, _, rest = name.partition(".")
    copy = dict(facts)
    if not rest:
        copy[head] = raw
        return copy
    inner = copy.get(head)
    copy[head] = applied(inner if isinstance(inner, Mapping) else {}, rest, raw)
    return copy


def _currency(tree: Tree, frame: list[Any]) -> str:
    index = frame[0]
    if isinstance(index, Unknown):
        return tree.currencies[0] if tree.currencies else ""
    return tree.currencies[index] if tree.currencies else ""


def raw_of(value: Any, kind: Type, currency: str) -> Any:
    """A typed value as it would come in the facts."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if kind.kind == "money":
        code = kind.currency or currency
        return {"amount": money_parts(value, code), "currency": code}
    scale = Fraction(SECONDS.get(kind.unit, 1)) if kind.kind == "duration" else Fraction(1)
    own = Fraction(value) / scale * (100 if kind.kind == "percent" else 1)
    return int(own) if own.denominator == 1 else number_text(own)


def smallest(kind: Type) -> Fraction:
    """The least by which two values of a fact differ, in the units of the tree."""
    if kind.kind == "money":
        return Fraction(1)
    step = Fraction(1, 10**kind.decimals)
    if kind.kind == "percent":
        return step / 100
    return step * SECONDS[kind.unit] if kind.kind == "duration" else step


class _Search:
    """The search for one fact."""

    def __init__(
        self, policy: Policy, facts: Mapping[str, object], decision: Decision,
        declared: Declared, currency: str,
    ) -> None:  # fmt: skip
        self._policy, self._facts, self._decision = policy, facts, decision
        self._name, self._type = declared.name, declared.type
        self._code = currency
        self._smooth = self._type.kind in ("money", "percent")
        self._key = self._about(decision)

    def run(self, value: Any) -> list[Change]:
        kind = self._type
        if kind.values or kind.kind in ("word", "yesno"):
            return self._each(value, self._words())
        if isinstance(value, Unknown) or value is None:
            found = self._each(value, self._ends())
            return list({str(change.decision): change for change in reversed(found)}.values())[::-1]
        near = [self._nearest(value, list(side)) for side in self._sides(value)]
        found = [change for change in near if change is not None]
        if kind.nullable:
            found += self._each(value, [None])
        return found

    def _about(self, decision: Decision) -> Any:
        """What counts as the answer. An amount follows a price smoothly; that is no news."""
        parts = decision.offers or (decision.components,)
        if not self._smooth:
            given: Any = (parts, decision.ask_over, decision.due)
        else:
            given = [[(one.remedy, one.label) for one in offer] for offer in parts]
        return (decision.outcome, decision.rule, decision.reason, given, decision.problem)

    def _try(self, value: Any) -> Change | None:
        """The change, if the answer is another one with it, and is an answer."""
        raw = raw_of(value, self._type, self._code)
        decision = self._policy.answerer.decide(applied(self._facts, self._name, raw))
        if decision.outcome == "cannot_decide" or self._about(decision) == self._key:
            return None
        return Change(self._name, value, self._type, raw, self._code, decision)

    def _each(self, value: Any, candidates: Iterable[Any]) -> list[Change]:
        known = not isinstance(value, Unknown)
        tried = (self._try(one) for one in candidates if not (known and one == value))
        return [change for change in tried if change is not None][:_WORDS]

    def _words(self) -> list[Any]:
        kind = self._type
        if kind.kind == "yesno":
            words: list[Any] = [True, False]
        else:
            words = list(kind.values) or sorted(set(self._named()))
        return [*words[: 2 * _WORDS], *([None] if kind.nullable else [])]

    def _named(self) -> Iterator[Any]:
        """The words that conditions name, of a fact that may be any word."""
        for expr in tree_parts(self._policy.tree):
            if isinstance(expr, OneOf) and _is(expr.subject, self._name):
                yield from expr.values
            if isinstance(expr, Compare) and isinstance(expr.right, Const):
                about = any(_is(one, self._name) for one in walk(expr.left))
                yield from [expr.right.value] if about else []

    def _ends(self) -> list[Any]:
        """Ends of bands on this fact, and one step to each side of them."""
        found: set[Any] = set()
        for expr in tree_parts(self._policy.tree):
            if isinstance(expr, Band) and _is(expr.subject, self._name):
                for end in (expr.low, expr.high):
                    if end is not None:
                        found.update(self._around(end))
        return sorted(found) or list(self._around(self._plain_value()))

    def _plain_value(self) -> Any:
        return date(2026, 1, 1) if self._type.kind == "date" else 0

    def _around(self, end: Any) -> Iterator[Any]:
        for steps in (-1, 0, 1):
            moved = self._moved(end, steps)
            if moved is not None:
                yield moved

    def _moved(self, value: Any, steps: int) -> Any:
        """`value` and so many of its smallest steps; None where no such fact can be."""
        if isinstance(value, date):
            try:
                return value + timedelta(days=steps)
            except OverflowError:
                return None
        moved = value + steps * smallest(self._type)
        if (moved < 0 and not self._type.signed) or abs(moved) > _LARGEST * SECONDS["days"]:
            return None
        if self._type.kind == "money" and moved > LIMIT_MINOR:
            return None
        return moved.numerator if moved.denominator == 1 else moved

    def _sides(self, value: Any) -> Iterator[Iterator[int]]:
        """Distances to try, below and above, in smallest steps: ends of bands, and doublings."""
        ends = {self._distance(value, end) for end in self._ends()}
        for sign in (-1, 1):
            steps = {sign * 2**power for power in range(_DOUBLINGS + 1)}
            steps |= {end for end in ends if end * sign > 0}
            yield iter(sorted(steps, key=abs))

    def _distance(self, value: Any, end: Any) -> int:
        if isinstance(value, date):
            return int((end - value).days)
        return int((end - value) / smallest(self._type))

    def _nearest(self, value: Any, steps: list[int]) -> Change | None:
        """The first of these that is answered differently, and then the nearest such one to it."""
        same = 0
        for step in steps:
            moved = self._moved(value, step)
            if moved is None:
                return None
            change = self._try(moved)
            if change is not None:
                return self._closer(value, same, step, change)
            same = step
        return None

    def _closer(self, value: Any, same: int, other: int, found: Change) -> Change:
        """Halve the way between what is answered alike and what is not."""
        while abs(other - same) > 1:
            middle = (same + other) // 2
            change = self._try(self._moved(value, middle))
            if change is None:
                same = middle
            else:
                other, found = middle, change
        return found


def _is(expr: Expr, name: str) -> bool:
    return isinstance(expr, Fact) and expr.name == name
