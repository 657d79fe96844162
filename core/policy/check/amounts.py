"""Caps, floors, percentages, currencies, and sums that nobody is ever asked about."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from core.money import Money
from core.policy.check.model import Finding, found
from core.policy.errors import Pos
from core.policy.explain.parts import tree_parts, whole_expressions
from core.policy.explain.printing import number_text
from core.policy.tree import (
    Arithmetic,
    ByCurrency,
    Call,
    Choose,
    Const,
    Expr,
    Grant,
    Let,
    Named,
    Negative,
    Rule,
    Table,
    Threshold,
    Tree,
    walk,
)  # fmt: skip

_HUNDRED, _MOST_USEFUL = 1, Fraction(3, 2)


def amounts(tree: Tree) -> Iterator[Finding]:
    """Findings about sums of money."""
    bounds = Bounds(tree)
    yield from _no_currency(tree)
    yield from _missing(tree)
    yield from _crossed(tree, bounds)
    yield from _percentages(tree, bounds)
    yield from _never_asks(tree, bounds)


class Bounds:
    """The least and the most an amount can come to in a currency, where constants say so."""

    def __init__(self, tree: Tree) -> None:
        self._lets: dict[str, Let] = {let.name: let for let in tree.lets}

    def constants(self, expr: Expr, code: str, depth: int = 0) -> list[Fraction] | None:
        """The values an expression made of constants can have; None if it depends on facts."""
        if isinstance(expr, Const) and isinstance(expr.value, int | Fraction):
            return [Fraction(expr.value)]
        if isinstance(expr, Negative):
            values = self.constants(expr.value, code, depth)
            return None if values is None else [-value for value in values]
        if isinstance(expr, ByCurrency):
            return [Fraction(minor) for stated, minor in expr.amounts if stated == code]
        if isinstance(expr, Call) and expr.function == "present":
            return self.constants(expr.args[0], code, depth)
        if not isinstance(expr, Named) or depth > 8:
            return None
        parts = [self.constants(one, code, depth + 1) for one in self._columns(expr)]
        together: list[Fraction] = []
        for part in parts:
            if part is None:
                return None
            together += part
        return together

    def _columns(self, expr: Named) -> list[Expr]:
        value = self._lets[expr.name].value
        if not isinstance(value, Table):
            return [value]
        at = value.columns.index(expr.column)
        return [row.values[at] for row in value.rows]

    def most(self, expr: Expr, code: str, depth: int = 0) -> Fraction | None:
        """No more than this; None where there is no bound that constants give."""
        known = self.constants(expr, code)
        if known is not None:
            return max(known, default=None)
        if isinstance(expr, Threshold):
            return self.most(expr.value, code, depth)
        if isinstance(expr, Named) and depth < 8:
            parts = [self.most(one, code, depth + 1) for one in self._columns(expr)]
            return _greatest(parts)
        if isinstance(expr, Choose):
            return _greatest([self.most(part, code, depth) for part in (expr.yes, expr.no)])
        return self._most_of_call(expr, code, depth) if isinstance(expr, Call) else None

    def _most_of_call(self, expr: Call, code: str, depth: int) -> Fraction | None:
        parts = [self.most(arg, code, depth) for arg in expr.args]
        if expr.function == "min":
            return min((part for part in parts if part is not None), default=None)
        if expr.function == "max":
            return _greatest(parts)
        if expr.function == "present":
            return parts[0]
        if expr.function in ("round", "round_up", "round_even", "round_down"):
            more = None if parts[0] is None else parts[1]
            return None if more is None or parts[0] is None else parts[0] + more - 1
        return None


def _greatest(parts: list[Fraction | None]) -> Fraction | None:
    known = [part for part in parts if part is not None]
    return max(known) if known and len(known) == len(parts) else None


def _grants(tree: Tree) -> Iterator[tuple[Rule, Grant]]:
    for rule in tree.give:
        for offer in rule.offers:
            for grant in offer:
                yield rule, grant


def _no_currency(tree: Tree) -> Iterator[Finding]:
    if tree.currencies:
        return
    of_money = [one.at for one in tree.facts if one.type.kind == "money" and not one.type.currency]
    of_money += [grant.at for _, grant in _grants(tree) if grant.unit == "money"]
    for at in of_money[:1]:
        yield found(
            "no_currency", at, "there is money here, and the policy has no `currency`",
            "write `currency: EUR` or a list of currencies near the top",
        )  # fmt: skip


def _missing(tree: Tree) -> Iterator[Finding]:
    """Amounts that are not stated for a currency the policy says it covers."""
    for expr in tree_parts(tree):
        if not isinstance(expr, ByCurrency):
            continue
        stated = dict(expr.amounts)
        lacking = [code for code in tree.currencies if code not in stated]
        if lacking:
            # Where a table picks the currency, the row may only be meant for some countries.
            yield found(
                "amount_missing", expr.at,
                f"this amount is stated in {', '.join(stated)} and not in {', '.join(lacking)}: "
                "such a case cannot be decided here",
                f"add {', '.join(lacking)}, or take {'it' if len(lacking) == 1 else 'them'} out of "
                "`currency`", severity="warning" if tree.currency is not None else None,
            )  # fmt: skip


def _crossed(tree: Tree, bounds: Bounds) -> Iterator[Finding]:
    """A floor above the cap around it, a cap below zero, ends of a range the wrong way round."""
    for code in tree.currencies:
        seen = False
        for expr in tree_parts(tree):
            finding = _crossing(expr, code, bounds)
            if finding is not None:
                yield finding
                seen = True
        for _, grant in _grants(tree):
            if grant.up_to is not None and grant.amount is not None:
                least = bounds.constants(_inner(grant.amount), code)
                most = bounds.most(grant.up_to, code)
                if least and most is not None and min(least) > most:
                    yield _below(grant.at, most, min(least), code)
                    seen = True
        if seen:
            return


def _crossing(expr: Expr, code: str, bounds: Bounds) -> Finding | None:
    if not isinstance(expr, Call) or expr.type.kind != "money":
        return None
    if expr.function == "clamp":
        low, high = (bounds.constants(arg, code) for arg in expr.args[1:])
        if low and high and min(low) > max(high):
            return _below(expr.at, max(high), min(low), code)
    if expr.function not in ("min", "max") or len(expr.args) != 2:
        return None
    outer = bounds.constants(expr.args[1], code)
    if expr.function == "min" and outer and max(outer) < 0:
        return found(
            "cap_below_floor", expr.at, "this cap is below zero, so nothing can be given",
            "state an amount greater than zero",
        )  # fmt: skip
    opposite = "max" if expr.function == "min" else "min"
    for inner in _chain(expr.args[0]):
        if isinstance(inner, Call) and inner.function == opposite and len(inner.args) == 2:
            other = bounds.constants(inner.args[1], code)
            cap, floor = (outer, other) if expr.function == "min" else (other, outer)
            if cap and floor and max(cap) < min(floor):
                return _below(expr.at, max(cap), min(floor), code)
    return None


_AROUND = frozenset({"min", "max", "round", "round_up", "round_down", "round_even", "present"})


def _chain(expr: Expr) -> Iterator[Expr]:
    """The bounds and roundings an amount is wrapped in, from the outside in."""
    while isinstance(expr, Call) and expr.function in _AROUND:
        yield expr
        expr = expr.args[0]


def _inner(expr: Expr) -> Expr:
    chain = list(_chain(expr))
    last = chain[-1] if chain else None
    return last.args[0] if isinstance(last, Call) else expr


def _below(at: Pos, cap: Fraction, floor: Fraction, code: str) -> Finding:
    return found(
        "cap_below_floor", at,
        f"the most, {Money(int(cap), code)}, is below the least, {Money(int(floor), code)}",
        "raise the most or lower the least",
    )  # fmt: skip


def _percentages(tree: Tree, bounds: Bounds) -> Iterator[Finding]:
    cited = dict(tree.about).keys() & {"source", "note"}
    told: set[tuple[int, int]] = set()
    shares = [(rule, expr) for rule, expr in _by_rule(tree) if isinstance(expr, Arithmetic)]
    for rule, expr in shares:
        if expr.op != "of" or expr.right.type.kind != "money":
            continue
        most = max(bounds.constants(expr.left, "") or [Fraction(0)])
        if most <= _HUNDRED or (expr.at.line, expr.at.column) in told:
            continue
        told.add((expr.at.line, expr.at.column))
        shown = f"{number_text(most * 100)} %"
        if most > _MOST_USEFUL and tree.basis == "goodwill":
            yield found(
                "over_150_percent", expr.at, f"this gives {shown} of what it is a share of",
                "research finds no benefit beyond 150 % of the price; is it meant?",
            )  # fmt: skip
        elif not cited and not (rule is not None and rule.cite):
            yield found(
                "over_100_percent", expr.at, f"this gives {shown}, with no word of why",
                "say why: `cite:` in the row, or `source:` or `note:` at the top",
            )  # fmt: skip


def _by_rule(tree: Tree) -> Iterator[tuple[Rule | None, Expr]]:
    for rule, grant in _grants(tree):
        for whole in (grant.amount, grant.up_to):
            if whole is not None:
                yield from ((rule, part) for part in walk(whole))
    for expr in whole_expressions(tree):
        yield from ((None, part) for part in walk(expr))


def _never_asks(tree: Tree, bounds: Bounds) -> Iterator[Finding]:
    """`ask_over` above the most that any row it is about can come to, in every currency."""
    groups: dict[int, list[Rule]] = {}
    for rule in tree.give:
        if rule.ask_over is not None:
            groups.setdefault(id(rule.ask_over), []).append(rule)
    for rules in groups.values():
        ask = rules[0].ask_over
        assert ask is not None
        if tree.combine == "sum" or any(rule.over is not None for rule in rules):
            continue  # what several rows or items come to has no bound here
        if all(_never(rules, ask, code, bounds) for code in tree.currencies):
            yield found(
                "never_asks", ask.at, "nothing here can come to more than this, so nobody is asked",
                "lower `ask_over`, or take it out",
            )  # fmt: skip


def _never(rules: list[Rule], ask: Expr, code: str, bounds: Bounds) -> bool:
    limits = bounds.constants(ask, code)
    if not limits:
        return False
    sums: list[Fraction] = []
    for rule in rules:
        for offer in rule.offers:
            total = Fraction(0)
            for grant in offer:
                if grant.unit == "money" and grant.amount is not None:
                    most = bounds.most(grant.up_to or grant.amount, code)
                    if most is None:
                        return False
                    total += most
                elif grant.remedy != "apology":
                    return False  # what goods, points and days are worth is not known here
            sums.append(total)
    return any(sums) and max(sums) <= min(limits)
