"""An explanation, as data that can be kept beside its decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from core.policy.canonical import canonical_json
from core.policy.decision import Decision
from core.policy.errors import Pos
from core.policy.explain.printing import value_data
from core.policy.tree import Expr, Type

if TYPE_CHECKING:
    from core.policy import Policy
    from core.policy.explain.changes import Change

#: `fits`: it holds. `no`: it does not. `unknown`: a fact that it needs is not known. `no_item`: no
#: item of the list fits. `less`: the row fits, and another one gives more. `nothing`: the row fits,
#: and what it gives comes to nothing.
Status = Literal["fits", "no", "unknown", "no_item", "less", "nothing"]


NOWHERE = Pos(0, 0)


class Operand(NamedTuple):
    """A value that goes into a step; `name` is '' where it has none."""

    name: str
    value: Any
    type: Type


@dataclass(frozen=True, slots=True)
class Step:
    """One step from the facts to an amount.

    kind: percent, times, plus, minus, divided, cap, floor, least, greatest, between, rounded,
    whole, exchanged, threshold, chosen, row, named, stated, comes_to.
    binds: of a cap or floor, whether it changed the sum; of a threshold, whether it was reached; of
    a choice, whether its condition holds. text: what the policy says, where that is the shortest.
    name, row: the named value, and the row of its table (from 1). function: how it was rounded.
    """

    kind: str
    operands: tuple[Operand, ...]
    result: Any
    type: Type
    binds: bool | None = None
    name: str = ""
    row: int = 0
    text: str = ""
    function: str = ""

    def to_data(self, currency: str) -> dict[str, Any]:
        data: dict[str, Any] = {
            "step": self.kind,
            "is": value_data(self.result, self.type, currency),
        }
        if self.operands:
            data["of"] = [_operand(one, currency) for one in self.operands]
        for key in ("name", "row", "text", "function"):
            if getattr(self, key):
                data[key] = getattr(self, key)
        if self.binds is not None:
            data["binds"] = self.binds
        return data


def _operand(one: Operand, currency: str) -> dict[str, Any]:
    value = value_data(one.value, one.type, currency)
    return {"name": one.name, "value": value} if one.name else {"value": value}


@dataclass(frozen=True, slots=True)
class Amount:
    """How one amount came about. `up_to`: it is the most the agent may give. `offer` and `item`
    count from 1; `item` is 0 where the row is not for each item of a list."""

    rule: str
    offer: int
    item: int
    remedy: str
    label: str
    up_to: bool
    steps: tuple[Step, ...]
    result: Any
    type: Type

    def to_data(self, currency: str) -> dict[str, Any]:
        data: dict[str, Any] = {
            "rule": self.rule, "remedy": self.remedy,
            "steps": [step.to_data(currency) for step in self.steps],
            "is": value_data(self.result, self.type, currency),
        }  # fmt: skip
        for key in ("label", "up_to"):
            if getattr(self, key):
                data[key] = getattr(self, key)
        if self.offer > 1:
            data["offer"] = self.offer
        if self.item:
            data["item"] = self.item
        return data


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one row and by which condition.

    row: `give.3`, or its id; part, number: where it stands. condition counts from 1, 0 for none.
    subject: what the condition asks about; its value is in `Explanation.values`.
    needs: what the policy writes. fact, problem: what is not known.
    """

    row: str
    part: Literal["refuse", "give"]
    number: int
    status: Status
    condition: int = 0
    at: Pos = NOWHERE
    subject: str = ""
    needs: str = ""
    expr: Expr | None = None
    fact: str = ""
    problem: str = ""
    #: The same as JSON, made once a policy.
    data: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Explanation:
    """Why a decision is what it is.

    rows: every row looked at before the answer, in order, with what kept it from fitting.
    decided: conditions of the rows that decided, all of which hold. stuck: the row that could not
    be judged, where nothing could be decided. amounts: the derivation of every sum.
    values: what the rows asked about, by name. changes: what would change the answer (worked out
    when first asked for).
    """

    decision: Decision
    rows: tuple[Row, ...]
    decided: tuple[Row, ...]
    stuck: Row | None
    amounts: tuple[Amount, ...]
    values: Mapping[str, Operand]
    currency: str
    _policy: Policy = field(repr=False, compare=False)
    _facts: Mapping[str, object] = field(repr=False, compare=False)

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """For single facts: the nearest values with which the answer is another one."""
        from core.policy.explain.changes import changes

        return changes(self._policy, self._facts, self.decision)

    def to_data(self, *, changes: bool = False) -> dict[str, Any]:
        """JSON values; with `changes`, what would change the answer too."""
        currency = self.currency
        shown = {
            name: value_data(one.value, one.type, currency) for name, one in self.values.items()
        }
        decision = self.decision
        data: dict[str, Any] = {
            "kind": "explanation", "v": 1, "policy": decision.policy,
            "policy_hash": decision.policy_hash, "outcome": decision.outcome,
            "rows": _rows(self.rows, shown),
        }  # fmt: skip
        if decision.rule:
            data["rule"] = decision.rule
        if self.decided:
            data["decided"] = _rows(self.decided, shown)
        if self.stuck is not None:
            data["stuck"] = _rows([self.stuck], shown)[0]
        if decision.problem:
            data["problem"] = decision.problem
        if decision.missing:
            data["missing"] = list(decision.missing)
        if self.amounts:
            data["amounts"] = [one.to_data(currency) for one in self.amounts]
        if changes:
            data["changes"] = [one.to_data() for one in self.changes]
        return data

    def to_bytes(self) -> bytes:
        """Canonical JSON, without what would change the answer."""
        return canonical_json(self.to_data())


def _rows(rows: Sequence[Row], shown: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {**row.data, "is": shown[row.subject]} if row.subject in shown else {**row.data}
        for row in rows
    ]
