"""Works an explanation out: which rows were looked at, what kept them out, and the amounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from core.policy.compiler import Compiled
from core.policy.decision import Decision
from core.policy.errors import Undecided
from core.policy.explain.derive import Deriver
from core.policy.explain.model import Amount, Explanation, Operand, Row, Status, Step
from core.policy.explain.printing import cell_text, expression_text
from core.policy.runtime import Fn
from core.policy.tree import (
    Band,
    Expr,
    Fact,
    Grant,
    IsNull,
    Item,
    Named,
    Not,
    OneOf,
    Refusal,
    Rule,
    spoken,
    walk,
)  # fmt: skip
from core.policy.values import Unknown

if TYPE_CHECKING:
    from core.policy import Policy


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of `refuse` or `give`, ready to be asked: its tests, and what to say if one is a no."""

    name: str
    rule: Rule | None
    tests: tuple[tuple[Fn, Fn, Row], ...]
    fits: Row
    because: tuple[Row, ...]
    loops: bool


#: What a row without a loop is tried for.
_ONCE: list[tuple[int, Any]] = [(0, None)]


class Explainer:
    """Explains the decisions of one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._tree = policy.tree
        self._compiled = Compiled(policy.tree)
        self._deriver = Deriver(self._compiled)
        # Amounts in conditions can only be plain where the policy has a single currency.
        self._code = policy.tree.currencies[0] if len(policy.tree.currencies) == 1 else ""
        self._subjects: dict[str, Expr] = {}
        self._refuse = [self._line("refuse", one) for one in policy.tree.refuse]
        self._give = [self._line("give", one) for one in policy.tree.give]

    def explain(self, facts: Mapping[str, object], decision: Decision) -> Explanation:
        frame = self._compiled.frame(facts)
        index = frame[0]
        codes = self._tree.currencies
        currency = codes[index] if codes and not isinstance(index, Unknown) else ""
        rows: list[Row] = []
        decided, stuck, amounts = self._follow(frame, decision, currency, rows)
        return Explanation(
            decision, tuple(rows), tuple(decided), stuck, tuple(amounts),
            self._values(frame, (*rows, *decided)), currency, self._policy, facts,
        )  # fmt: skip

    # ---- the rows

    def _line(self, part: Literal["refuse", "give"], of: Refusal | Rule) -> _Line:
        name = of.id or f"{part}.{of.number}"
        tests = []
        for number, condition in enumerate(of.when, 1):
            row = Row(name, part, of.number, "no", number, condition.at, expr=condition)
            compiled = self._compiled
            tests.append(
                (compiled.getter(condition), compiled.function(condition),
                 _with_data(self._asks(row)))
            )  # fmt: skip
        fits = _with_data(Row(name, part, of.number, "fits"))
        because = tuple(_with_data(replace(row, status="fits")) for _, _, row in tests) or (fits,)
        loops = isinstance(of, Rule) and of.over is not None
        return _Line(name, of if isinstance(of, Rule) else None, tuple(tests), fits, because, loops)

    def _asks(self, row: Row) -> Row:
        """What the condition of a row asks, and about what."""
        expr = row.expr
        assert expr is not None
        if isinstance(expr, Band | OneOf | IsNull):
            asked, needs = expr.subject, cell_text(expr, self._code)
        elif isinstance(expr, Not) and isinstance(expr.value, Fact | Named):
            asked, needs = expr.value, "no"
        elif isinstance(expr, Fact | Named):
            asked, needs = expr, "yes"
        else:
            return replace(row, needs=expression_text(expr, self._code))
        if any(isinstance(one, Item) for one in walk(asked)):
            return replace(row, needs=expression_text(expr, self._code))
        simple = isinstance(asked, Fact | Named)
        subject = spoken(asked) if simple else expression_text(asked, self._code)
        self._subjects[subject] = asked
        return replace(row, subject=subject, needs=needs)

    def _values(self, frame: list[Any], rows: Sequence[Row]) -> dict[str, Operand]:
        found: dict[str, Operand] = {}
        for row in rows:
            name = row.subject
            if name and name not in found and row.status != "unknown":
                expr = self._subjects[name]
                try:
                    value = self._compiled.value(expr, frame)
                except Undecided:
                    continue
                found[name] = Operand(name, value, expr.type)
        return found

    def _ask(self, line: _Line, frame: list[Any]) -> Row | None:
        """The condition that keeps the row from fitting; None if it fits."""
        doubtful: Row | None = None
        for fast, careful, row in line.tests:
            try:
                holds = fast(frame)
                if holds is True:
                    continue
                if holds is False:
                    return row
            except Undecided:
                pass
            # Something is not known, or the fast form does not see that it is not.
            try:
                if not careful(frame):
                    return row
            except Undecided as unknown:
                fact, problem = unknown.fact or "", unknown.problem
                lost = replace(row, status="unknown", fact=fact, problem=problem)
                doubtful = doubtful or _with_data(lost)
        return doubtful

    def _follow(
        self, frame: list[Any], decision: Decision, currency: str, rows: list[Row]
    ) -> tuple[list[Row], Row | None, list[Amount]]:
        """The rows that decided, the one nobody could judge, and the amounts."""
        if decision.outcome == "cannot_decide" and self._out_of_force(frame):
            return [], None, []
        for line in self._refuse:
            row = self._ask(line, frame)
            if row is None:
                return list(line.because), None, []
            if row.status == "unknown":
                return [], row, []
            rows.append(row)
        return self._rules(frame, decision, currency, rows)

    def _out_of_force(self, frame: list[Any]) -> bool:
        """Whether the answer ended before any row: out of force, or its day unknown."""
        effective = self._tree.effective
        if effective.by is None:
            return False
        try:
            day = self._compiled.value(effective.by, frame)
        except Undecided:
            return True
        early = effective.first is not None and day < effective.first
        return early or (effective.last is not None and day > effective.last)

    def _rules(
        self, frame: list[Any], decision: Decision, currency: str, rows: list[Row]
    ) -> tuple[list[Row], Row | None, list[Amount]]:
        decided: list[Row] = []
        amounts: list[Amount] = []
        fitting: list[tuple[_Line, list[Amount]]] = []
        for line in self._give:
            items, row = _ONCE, None
            if line.loops:
                items, row = self._items(line, frame)
            else:
                row = self._ask(line, frame)
            if row is not None:
                if row.status == "unknown":
                    return [], row, []
                rows.append(row)
                continue
            if decision.outcome != "cannot_decide":
                fitting.append((line, self._amounts(line, items, frame, currency)))
            else:
                decided += line.because
            if self._tree.combine == "first":
                break
        names = "+".join(line.name for line, _ in fitting)
        for line, found in fitting:
            chosen = decision.rule == names or _among(line.name, decision.rule, self._tree.combine)
            if chosen:
                decided += line.because
                amounts += found
            else:
                status: Status = "less" if self._tree.combine == "best" else "nothing"
                rows.append(_with_data(replace(line.fits, status=status)))
        return decided, None, amounts

    def _items(self, line: _Line, frame: list[Any]) -> tuple[list[tuple[int, Any]], Row | None]:
        """The items a row fits for, numbered; or what keeps it from fitting."""
        rule = line.rule
        assert rule is not None
        assert rule.over is not None
        found: list[tuple[int, Any]] = []
        try:
            items = self._compiled.value(rule.over, frame)
        except Undecided as unknown:
            fact = unknown.fact or ""
            lost = replace(line.fits, status="unknown", fact=fact, problem=unknown.problem)
            return [], _with_data(lost)
        for number, item in enumerate(items, 1):
            frame[self._compiled.item_slot] = item
            row = self._ask(line, frame)
            if row is not None and row.status == "unknown":
                return [], row
            if row is None:
                found.append((number, item))
        if found:
            return found, None
        return [], _with_data(
            replace(line.fits, status="no_item", subject="", needs=rule.over.name)
        )

    # ---- the amounts

    def _amounts(
        self, line: _Line, items: list[tuple[int, Any]], frame: list[Any], currency: str
    ) -> list[Amount]:
        rule = line.rule
        assert rule is not None
        found: list[Amount] = []
        for offer, grants in enumerate(rule.offers, 1):
            for number, item in items:
                frame[self._compiled.item_slot] = item
                for grant in grants:
                    for up_to, expr in ((False, grant.amount), (True, grant.up_to)):
                        if expr is not None and (up_to or grant.up_to is None or _stated(expr)):
                            steps = self._deriver.derive(expr, frame, currency)
                            found.append(_amount(line.name, offer, number, grant, up_to, steps))
        return found


def _stated(least: Expr) -> bool:
    """Whether the least sum of a range is more than the nothing that is there without one."""
    return getattr(least, "value", None) != 0


def _amount(
    rule: str, offer: int, item: int, grant: Grant, up_to: bool, found: tuple[Operand, list[Step]]
) -> Amount:
    result, steps = found
    return Amount(
        rule, offer, item, grant.remedy, grant.label, up_to, tuple(steps), result.value, result.type
    )


def _among(name: str, rule: str, combine: str) -> bool:
    """Whether a row is one of those the decision names; a name may itself have a plus in it."""
    if combine in ("first", "best"):
        return name == rule
    return f"+{name}+" in f"+{rule}+"


def _with_data(row: Row) -> Row:
    data: dict[str, Any] = {"row": row.row, "status": row.status}
    if row.condition:
        data["condition"] = row.condition
        data["line"], data["column"] = row.at.line, row.at.column
    names = {"subject": row.subject, "needs": row.needs, "fact": row.fact, "problem": row.problem}
    data.update({name: text for name, text in names.items() if text})
    return replace(row, data=data)
