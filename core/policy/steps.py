"""The steps of an amount (`each`, `at_most`, `round`, ...), nested in the order written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from core.money import exponent
from core.policy import kinds
from core.policy.document import Listing, Mapping, Node
from core.policy.errors import PolicyError, Pos
from core.policy.expressions import expression
from core.policy.operators import present
from core.policy.quantities import number
from core.policy.scope import Scope
from core.policy.tables import amount_of
from core.policy.tree import Arithmetic, ByCurrency, Call, Const, Expr, Threshold

STEPS = frozenset({"each", "share", "at_least", "at_most", "round", "only_from", "only_over"})
_MODES = {"half_up": "round", "half_even": "round_even", "up": "round_up", "down": "round_down"}
_ROUND = re.compile(r"(half_up|half_even|up|down)(?: to ([0-9.]{1,20}))?", re.ASCII)
MAX_STEP_VALUES = 12


@dataclass(frozen=True, slots=True)
class Rounding:
    """A function of the language and its step; None is the currency's smallest unit."""

    function: str = "round"
    step: Expr | None = None


def rounding(node: Node, scope: Scope) -> Rounding:
    """`up`, `up to 0.05`, or `{up: {EUR: 0.05, JPY: 1}}`."""
    if isinstance(node, Mapping):
        if len(node.values) != 1 or next(iter(node.values)) not in _MODES:
            raise PolicyError(f"name one way of rounding: {', '.join(_MODES)}", node.at)
        mode = next(iter(node.values))
        step = amount_of(node.values[mode], scope)
        amounts = step.amounts if isinstance(step, ByCurrency) else ()
        if not amounts or any(minor <= 0 for _, minor in amounts):
            raise PolicyError("a step by currency, each greater than 0", node.at)
        return Rounding(_MODES[mode], step)
    text = kinds.text_of(node)
    match = _ROUND.fullmatch(text.value.strip())
    if match is None:
        raise PolicyError("write `half_up`, or `up to 0.05`", text.at)
    if match[2] is None:
        return Rounding(_MODES[match[1]])
    value = number(match[2], text.at)
    if value <= 0 or not scope.currencies:
        raise PolicyError("the step is greater than 0", text.at)
    amounts = tuple((code, _minor(Fraction(value), code, text.at)) for code in scope.currencies)
    return Rounding(_MODES[match[1]], ByCurrency(amounts=amounts, type=kinds.MONEY, at=text.at))


def _minor(value: Fraction, currency: str, at: Pos) -> int:
    minor = value * Fraction(10) ** exponent(currency)
    if minor.denominator != 1:
        raise PolicyError(f"{currency} has no such small unit; state the step by currency", at)
    return minor.numerator


def stepped(amount: Expr, lines: Sequence[Mapping], scope: Scope, final: Rounding) -> Expr:
    """`amount` with every step of `lines` done to it, rounded to the payable unit at the end."""
    expr = present(amount)
    for line in lines:
        for key, node in line.values.items():
            if key in STEPS:
                expr = _step(key, expr, node, line.place(key), scope)
    return _rounded(_rounded(expr, final, expr.at), Rounding(), expr.at)


def _step(key: str, expr: Expr, node: Node, at: Pos, scope: Scope) -> Expr:
    if key == "round":
        return _rounded(expr, rounding(node, scope), at)
    if key in ("only_from", "only_over"):
        return _threshold(expr, node, key == "only_over", at, scope)
    if key in ("at_most", "at_least"):
        nodes = node.items if isinstance(node, Listing) else [node]
        if not 1 <= len(nodes) <= MAX_STEP_VALUES:
            raise PolicyError(f"from 1 to {MAX_STEP_VALUES} amounts", at)
        for one in nodes:
            expr = _bounded("min" if key == "at_most" else "max", expr, one, at, scope)
        return expr
    text = kinds.text_of(node)
    factor = present(expression(text.value, text.start, scope))
    wanted = "number" if key == "each" else "percent"
    if factor.type.kind != wanted:
        raise PolicyError(f"`{key}` takes a {wanted}", text.at)
    kind = replace(expr.type, whole=False, signed=expr.type.signed or factor.type.signed)
    if key == "each":
        return Arithmetic(op="*", left=expr, right=factor, type=kind, at=at)
    return Arithmetic(op="of", left=factor, right=expr, type=kind, at=at)


def _bounded(function: str, expr: Expr, node: Node, at: Pos, scope: Scope) -> Expr:
    bound = present(amount_of(node, scope))
    if not kinds.same(bound.type, kinds.MONEY):
        raise PolicyError("an amount in the case's currency belongs here", node.at)
    kind = replace(expr.type, signed=expr.type.signed or bound.type.signed)
    return Call(function=function, args=(expr, bound), type=kind, at=at)


def _threshold(expr: Expr, node: Node, over: bool, at: Pos, scope: Scope) -> Expr:
    why = "too_small"
    if isinstance(node, Mapping) and "amount" in node.values:
        kinds.allow(node, {"amount", "reason"})
        if "reason" in node.values:
            text = kinds.text_of(node.values["reason"])
            if not kinds.WORD.fullmatch(text.value):
                raise PolicyError("a reason is a word", text.at)
            why = text.value
        node = node.values["amount"]
    limit = present(amount_of(node, scope))
    if not kinds.same(limit.type, kinds.MONEY):
        raise PolicyError("an amount in the case's currency belongs here", node.at)
    return Threshold(value=expr, limit=limit, over=over, reason=why, type=expr.type, at=at)


def _rounded(expr: Expr, way: Rounding, at: Pos) -> Expr:
    """Rounded; a sum that is surely whole minor units needs no rounding to the smallest unit."""
    if way.step is None and expr.type.whole:
        return expr
    step = way.step or Const(value=1, type=kinds.MONEY, at=at)
    kind = replace(expr.type, whole=True)
    return Call(function=way.function, args=(expr, step), type=kind, at=at)
