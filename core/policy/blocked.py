"""What kept each row before the deciding one from fitting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.policy.errors import Pos, Undecided
from core.policy.granting import Frame
from core.policy.reference import Reference
from core.policy.tree import Expr, Tree


@dataclass(frozen=True, slots=True)
class Blocked:
    """A row that did not decide. `condition` counts from 1; 0 where the row would fit too.

    unknown: why the condition could not be judged, '' where it is simply not so."""

    rule: str
    condition: int
    at: Pos
    unknown: str = ""


def blocking(tree: Tree, facts: Mapping[str, object], decided: str) -> tuple[Blocked, ...]:
    """For every row before the deciding one, the first condition that is not so."""
    engine = Reference(tree)
    frame = engine.frame(facts)
    rows = [(one.id or f"refuse.{one.number}", one.when) for one in tree.refuse]
    rules = [(one.id or f"give.{one.number}", one.when) for one in tree.give]
    found = []
    for name, when in [*rows, *rules]:
        if name == decided.partition("+")[0]:
            break
        found.append(_first_block(engine, name, when, frame))
    return tuple(found)


def _first_block(engine: Reference, name: str, when: Sequence[Expr], frame: Frame) -> Blocked:
    doubtful = Blocked(name, 0, Pos(0, 0))
    for number, condition in enumerate(when, 1):
        try:
            if not engine.value(condition, frame):
                return Blocked(name, number, condition.at)
        except Undecided as unknown:
            if not doubtful.condition:
                doubtful = Blocked(name, number, condition.at, unknown.problem)
    return doubtful
