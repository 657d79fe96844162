"""Gaps, overlaps and rows that are never reached, in `refuse`, `give` and every table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.policy.answer import Answerer
from core.policy.check.examples import Examples
from core.policy.check.model import Finding, found
from core.policy.check.regions import Box, Near, Space, TooMuch, meet
from core.policy.errors import Pos, Undecided
from core.policy.explain.printing import expression_text
from core.policy.reference import Reference
from core.policy.tree import Band, Expr, Fact, Item, Not, Table, Tree, Type, walk

#: A region is looked for in so many of the places that no row covers.
MAX_TRIED = 20
#: Above this many rows, pairs of rows and what all of them leave open are not looked at.
MAX_ROWS = 600
#: Meetings of boxes looked at for one row, and for what a table leaves open.
MAX_WORK = 200_000


@dataclass(frozen=True, slots=True)
class _Line:
    """A row: its conditions and where it is. `over`: the list it is tried for each item of.
    ahead: it comes from `refuse`, before the rows looked at."""

    when: tuple[Expr, ...]
    at: Pos
    over: Fact | None = None
    ahead: bool = False


def coverage(tree: Tree, answerer: Answerer) -> Iterator[Finding]:
    """Findings of every table of a policy."""
    engine, examples = Reference(tree), Examples(tree)
    force = _out_of_force(tree)
    refuse = [_Line(one.when, one.at) for one in tree.refuse]
    yield from _Table([*force, *refuse], "`refuse`", engine, examples).rows(gaps=False)
    ahead = [*force, *(replace(one, ahead=True) for one in refuse)]
    give = [_Line(one.when, one.at, one.over) for one in tree.give]
    table = _Table([*ahead, *give], "`give`", engine, examples)
    yield from table.rows(gaps=True, shadows=tree.combine == "first", answerer=answerer)
    tables = [(let.name.partition("#")[0], let.value) for let in tree.lets]
    tables += [("currency", tree.currency)] if tree.currency is not None else []
    for name, value in tables:
        if isinstance(value, Table):
            rows = [_Line(row.when, row.at) for row in value.rows]
            yield from _Table([*force, *rows], f"`{name}`", engine, examples).rows(gaps=True)


def _out_of_force(tree: Tree) -> list[_Line]:
    """Days on which the policy is not in force, as if a row took them before all others."""
    dates = tree.effective
    if dates.by is None or (dates.first is None and dates.last is None):
        return []
    kind = Type(kind="yesno")
    inside = Band(subject=dates.by, low=dates.first, high=dates.last, type=kind)
    return [_Line((Not(value=inside, type=kind),), dates.by.at, ahead=True)]


class _Table:
    """The analysis of one list of rows of which the first that fits counts."""

    def __init__(
        self, lines: Sequence[_Line], name: str, engine: Reference, examples: Examples
    ) -> None:
        self._lines, self._name = lines, name
        self._engine, self._examples = engine, examples
        self._space = Space([line.when for line in lines])
        self._boxes: list[list[Box] | None] = []
        for line in lines:
            try:
                self._boxes.append(self._space.boxes(line.when))
            except TooMuch:
                self._boxes.append(None)
        self._near = Near(self._space, self._boxes)

    def rows(
        self, *, gaps: bool, shadows: bool = True, answerer: Answerer | None = None
    ) -> Iterator[Finding]:
        """shadows: an earlier row keeps a later one from being reached.
        answerer: of `give`, whose gaps are tried by deciding."""
        yield from self._unreachable(shadows)
        if shadows:
            yield from self._overlaps()
        if gaps:
            yield from self._gaps(answerer)

    # ---- rows that are never reached

    def _unreachable(self, shadows: bool) -> Iterator[Finding]:
        lost: list[int] = []
        for index, line in enumerate(self._lines):
            boxes = self._boxes[index]
            if line.ahead:
                continue
            try:
                by = None if boxes is None else self._covered(index, boxes, shadows)
            except TooMuch:
                by = None
                lost.append(line.at.line)
            if by is not None:
                yield self._never(line, by)
        lost += [self._lines[i].at.line for i, boxes in enumerate(self._boxes) if boxes is None]
        if lost:
            yield self._not_analysed(lost, "whether these rows can be reached")

    def _covered(self, index: int, boxes: list[Box], shadows: bool) -> list[int] | None:
        """The earlier rows that together take all of a row; None if they do not."""
        line, by = self._lines[index], []
        left, work = boxes, 0
        for earlier in self._near.before(index, boxes):
            if not left:
                break
            other = self._lines[earlier]
            if not (shadows or other.ahead) or not _comes_before(other, line):
                continue
            before = left
            for box in self._boxes[earlier] or ():
                work += len(left)
                if work > MAX_WORK:
                    raise TooMuch
                left = self._space.subtract(left, box)
            if left is not before and left != before:
                by.append(other.at.line)
        return None if left else by

    def _never(self, line: _Line, by: list[int]) -> Finding:
        if not by:
            return found(
                "unreachable", line.at, f"no facts fit this row of {self._name}: its conditions "
                "exclude each other or the types of their facts", "change or delete the row",
            )  # fmt: skip
        lines = ", ".join(map(str, by))
        which = f"the row on line {lines}" if len(by) == 1 else f"the rows on lines {lines}"
        return found(
            "unreachable", line.at,
            f"this row of {self._name} is never reached: {which} took all of it before",
            "move it up, narrow what stands before it, or delete it", rows=tuple(by),
        )  # fmt: skip

    # ---- rows that take part of each other

    def _overlaps(self) -> Iterator[Finding]:
        groups: dict[tuple[int, ...], list[int]] = {}
        for index, line in enumerate(self._lines):
            boxes = self._boxes[index]
            if boxes is not None and len(boxes) == 1 and line.over is None and not line.ahead:
                box = boxes[0]
                if box and not any(self._space.axes[axis].opaque for axis in box):
                    groups.setdefault(tuple(sorted(box)), []).append(index)
        for members in groups.values():
            if len(members) <= MAX_ROWS:
                yield from self._pairs(members)

    def _pairs(self, members: list[int]) -> Iterator[Finding]:
        for at, second in enumerate(members):
            for first in members[:at]:
                one, other = (self._boxes[first] or [{}])[0], (self._boxes[second] or [{}])[0]
                both = meet(one, other)
                if both is None or both in (one, other):
                    continue  # apart, or a special case before or after the general one
                finding = self._overlap(first, second, both)
                if finding is not None:
                    yield finding

    def _overlap(self, first: int, second: int, both: Box) -> Finding | None:
        one, other = self._lines[first], self._lines[second]

        def fits(facts: Mapping[str, Any]) -> bool:
            return self._holds(one, facts) is True and self._holds(other, facts) is True

        example = self._examples.of(self._space.axes, both, fits)
        if example is None:
            return None
        facts, asked = example
        return found(
            "overlap", other.at,
            f"this row of {self._name} and the one on line {one.at.line} both fit {_shown(asked)}; "
            "the earlier one counts",
            "let one band end where the other begins, if that is not meant",
            example=facts, rows=(one.at.line, other.at.line),
        )  # fmt: skip

    def _holds(self, line: _Line, facts: Mapping[str, Any]) -> bool | None:
        """Whether the row fits; None if nobody can say."""
        try:
            return self._engine.holds(line.when, self._engine.frame(facts))
        except Undecided:
            return None

    # ---- what no row fits

    def _gaps(self, answerer: Answerer | None) -> Iterator[Finding]:
        if any(not line.when and line.over is None for line in self._lines):
            return
        try:
            left = self._left_open()
        except TooMuch:
            yield self._not_analysed([self._first().line], "what no row covers")
            return
        for box in left[:MAX_TRIED]:
            example = self._examples.of(self._space.axes, box, lambda f: self._open(f, answerer))
            if example is not None:
                yield self._gap(*example, answerer is not None)
                return
        if left:
            yield self._not_analysed([self._first().line], "what no row covers")

    def _left_open(self) -> list[Box]:
        if len(self._lines) > MAX_ROWS:
            raise TooMuch
        left: list[Box] = [{}]
        work = 0
        for line, boxes in zip(self._lines, self._boxes, strict=True):
            if line.over is None:
                for box in boxes or ():
                    work += len(left)
                    if work > MAX_WORK:
                        raise TooMuch
                    left = self._space.subtract(left, box)
        return left

    def _open(self, facts: Mapping[str, Any], answerer: Answerer | None) -> bool:
        if answerer is not None:
            decision = answerer.decide(facts)
            return decision.outcome == "nothing" and decision.reason == "no_rule_fits"
        return all(self._holds(line, facts) is False for line in self._lines)

    def _gap(self, facts: dict[str, Any], asked: dict[str, Any], give: bool) -> Finding:
        at = self._first()
        what = "nothing is given" if give else "nothing can be decided"
        return found(
            "gap", at, f"no row of {self._name} fits {_shown(asked)}: {what}",
            "add a row, or a last row without `when`" if give else "add a row, or a last `else`",
            example=facts,
        )  # fmt: skip

    def _first(self) -> Pos:
        return next(line.at for line in self._lines if not line.ahead)

    def _not_analysed(self, lines: list[int], what: str) -> Finding:
        odd = [axis.subject for axis in self._space.axes if axis.opaque]
        why = "there are too many combinations"
        if odd:
            why = f"it depends on calculations such as `{expression_text(odd[0], '')[:80]}`"
        listed = ", ".join(map(str, sorted(set(lines))[:10]))
        return found(
            "not_analysed", Pos(min(lines), 1),
            f"{self._name}, lines {listed}: {what} was not analysed, for {why}",
            "try the facts you expect with `amends policy decide`",
        )  # fmt: skip


def _comes_before(other: _Line, line: _Line) -> bool:
    """Whether a row that fits keeps a later one from being reached. A row for each item of a list
    only does for rows over the same list, asked about the same item."""
    if other.over is None:
        return True
    if line.over is None or other.over.name != line.over.name:
        return False
    variables = {one.variable for part in (*other.when, *line.when) for one in _items(part)}
    return len(variables) <= 1


def _items(expr: Expr) -> Iterator[Item]:
    return (one for one in walk(expr) if isinstance(one, Item) and not one.fold)


def _shown(asked: Mapping[str, Any]) -> str:
    if not asked:
        return "some facts"
    parts = []
    for name, raw in asked.items():
        text = raw
        if isinstance(raw, Mapping):
            text = f"{raw['amount']} {raw['currency']}"
        elif isinstance(raw, bool):
            text = "yes" if raw else "no"
        elif raw is None:
            text = "null"
        parts.append(f"{name}: {text}")
    return ", ".join(parts)
