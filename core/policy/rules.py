"""The rows of `refuse` and `give`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast

from core.policy import kinds
from core.policy.cells import conditions, refused_unless
from core.policy.deadlines import MAX_RULES, deadlines
from core.policy.document import Listing, Mapping, Node, Text
from core.policy.errors import PolicyError, Pos
from core.policy.expressions import expression
from core.policy.operators import present
from core.policy.sayings import also, free, reason, word
from core.policy.scope import Scope
from core.policy.steps import STEPS, Rounding, stepped
from core.policy.tables import amount_of
from core.policy.tree import (
    Const,
    Deadline,
    Expr,
    Fact,
    Grant,
    Reason,
    Refusal,
    Rule,
    walk,
)  # fmt: skip

MONEY_REMEDIES = frozenset(
    {"refund", "store_credit", "account_credit", "gift_card", "donation", "cash"}
)
REMEDIES = MONEY_REMEDIES | {
    "coupon", "voucher", "points", "extension", "replacement", "apology",
}  # fmt: skip
_ABOUT = frozenset(
    {"id", "when", "unless", "for_each", "reason", "cite", "deadline", "pays", "also", "ask_over"}
)
_GRANT = REMEDIES | STEPS | {"label"}


@dataclass(slots=True)
class Defaults:
    """What the top of the policy says for all its rows."""

    combine: str
    pays: str
    rounding: Rounding
    ask_over: Expr | None
    deadlines: tuple[Deadline, ...] = ()


def refusals(node: Node, scope: Scope) -> tuple[Refusal, ...]:
    found = []
    for number_, item in enumerate(_items(node), 1):
        line = kinds.mapping_of(item)
        kinds.allow(line, {"id", "when", "unless", "reason", "cite"})
        when = conditions(line.values.get("when"), scope)
        when += refused_unless(line.values.get("unless"), scope)
        if not when or "reason" not in line.values:
            raise PolicyError("a refusal has a `when` (or `unless`) and a `reason`", line.at)
        found.append(
            Refusal(
                number=number_, id=word(line, "id"), when=when, cite=free(line, "cite"),
                reason=reason(line.values["reason"], scope), at=line.at,
            )
        )  # fmt: skip
    _once([refusal.id for refusal in found], node)
    return tuple(found)


def rules(node: Node, scope: Scope, defaults: Defaults) -> tuple[Rule, ...]:
    found = []
    for number_, item in enumerate(_items(node), 1):
        line = kinds.mapping_of(item)
        found.append(_Line(line, scope, defaults).rule(number_))
    if not found:
        raise PolicyError("`give` has at least one row", node.at)
    _once([rule.id for rule in found], node)
    return tuple(found)


def _items(node: Node) -> list[Node]:
    items = kinds.listing_of(node).items
    if len(items) > MAX_RULES:
        raise PolicyError(f"more than {MAX_RULES} rows; split the policy", node.at)
    return items


def _once(ids: list[str], node: Node) -> None:
    given = [one for one in ids if one]
    if len(given) != len(set(given)):
        raise PolicyError("two rows have the same `id`", node.at)


class _Line:
    """One row of `give`."""

    def __init__(self, line: Mapping, scope: Scope, defaults: Defaults) -> None:
        self.line, self.scope, self.defaults = line, scope, defaults

    def rule(self, number_: int) -> Rule:
        kinds.allow(self.line, _ABOUT | _GRANT | {"choice", "all"})
        variable, over = self._loop()
        try:
            when = conditions(self.line.values.get("when"), self.scope)
            when += refused_unless(self.line.values.get("unless"), self.scope)
            offers, choice = self._offers()
        finally:
            self.scope.items.pop(variable, None)
        values = self.line.values
        ask = values.get("ask_over")
        rule = Rule(
            number=number_, id=word(self.line, "id"), variable=variable, over=over, when=when,
            offers=offers, choice=choice, cite=free(self.line, "cite"), at=self.line.at,
            reason=reason(values["reason"], self.scope) if "reason" in values else Reason(),
            deadlines=self._deadlines(), also=also(self.line, self.scope),
            pays=cast(Any, pays(values["pays"]) if "pays" in values else self.defaults.pays),
            ask_over=self.defaults.ask_over if ask is None else money(ask, self.scope),
        )  # fmt: skip
        self._account(rule)
        return rule

    def _loop(self) -> tuple[str, Fact | None]:
        node = self.line.values.get("for_each")
        if node is None:
            return "", None
        text = kinds.text_of(node)
        match = re.fullmatch(r"(\S+) in (\S+)", text.value)
        if match is None:
            raise PolicyError("write `for_each: item in items`", text.at)
        over = self.scope.name(match[2], text.at)
        if not isinstance(over, Fact):
            raise PolicyError(f"{match[2]!r} is not a fact that is a list", text.at)
        self.scope.bind(match[1], over, text.at)
        return match[1], over

    def _account(self, rule: Rule) -> None:
        if rule.over is None:
            return
        if rule.choice:
            raise PolicyError("a row for each item cannot offer a choice", rule.at)
        exprs = [*rule.when, *(grant.amount for offer in rule.offers for grant in offer)]
        size = sum(1 for expr in exprs if expr is not None for _ in walk(expr))
        self.scope.count_fold(size, rule.at)

    def _offers(self) -> tuple[tuple[tuple[Grant, ...], ...], bool]:
        values = self.line.values
        remedies = [key for key in values if key in REMEDIES]
        ways = bool(remedies) + ("choice" in values) + ("all" in values)
        if ways != 1:
            raise PolicyError(
                "a row gives remedies, or `all`, or a `choice`: one of them", self.line.at
            )
        if remedies:
            return (self._grants(self.line, None),), False
        key = "choice" if "choice" in values else "all"
        parts = kinds.listing_of(values[key])
        if not 1 <= len(parts.items) <= 12:
            raise PolicyError(f"`{key}` has from 1 to 12 entries", parts.at)
        if key == "all":
            grants = [grant for item in parts.items for grant in self._inner(item)]
            return (tuple(grants),), False
        if self.defaults.combine != "first" or len(parts.items) < 2:
            raise PolicyError(
                "a `choice` has two entries or more, and needs `combine: first`", parts.at
            )
        return tuple(self._offer(item) for item in parts.items), True

    def _offer(self, node: Node) -> tuple[Grant, ...]:
        if isinstance(node, Listing):
            return tuple(grant for item in node.items for grant in self._inner(item))
        return self._inner(node)

    def _inner(self, node: Node) -> tuple[Grant, ...]:
        part = kinds.mapping_of(node)
        kinds.allow(part, _GRANT)
        return self._grants(part, self.line)

    def _grants(self, part: Mapping, outer: Mapping | None) -> tuple[Grant, ...]:
        label = word(part, "label") or (word(outer, "label") if outer else "")
        found = tuple(
            self._grant(key, value, part, outer, label)
            for key, value in part.values.items()
            if key in REMEDIES
        )
        if not found:
            raise PolicyError(f"name a remedy: {', '.join(sorted(REMEDIES))}", part.at)
        return found

    def _grant(
        self, remedy: str, node: Node, part: Mapping, outer: Mapping | None, label: str
    ) -> Grant:
        at = part.place(remedy)
        if isinstance(node, Text) and node.value == "yes" and node.plain:
            if remedy not in ("apology", "replacement", "voucher"):
                raise PolicyError(f"say how much {remedy}", node.at)
            return Grant(remedy=remedy, unit="", amount=None, up_to=None, label=label, at=at)
        least, most = self._range(node)
        unit = _unit(remedy, most if most is not None else least, node.at)
        if unit != "money":
            if most is not None:
                raise PolicyError("only money is left to the agent", node.at)
            return Grant(
                remedy=remedy, unit=cast(Any, unit), amount=least, up_to=None, label=label, at=at
            )
        maps = [outer, part] if outer is not None else [part]
        # Steps of the entry itself come before those of the row around it.
        lines = list(reversed(maps))
        amount = stepped(least, lines, self.scope, self.defaults.rounding)
        up_to = None if most is None else stepped(most, lines, self.scope, self.defaults.rounding)
        return Grant(remedy=remedy, unit="money", amount=amount, up_to=up_to, label=label, at=at)

    def _range(self, node: Node) -> tuple[Expr, Expr | None]:
        if isinstance(node, Mapping):
            return amount_of(node, self.scope), None
        text = kinds.text_of(node)
        low, word, high = text.value.strip().partition("up to ")
        if not word:
            return present(expression(text.value, text.start, self.scope)), None
        most = present(expression(high, text.start.shifted(len(low) + 6), self.scope))
        if most.type.kind != "money":
            raise PolicyError("only money is left to the agent", text.at)
        if not low.strip():
            return Const(value=0, type=kinds.MONEY, at=text.at), most
        return present(expression(low, text.start, self.scope)), most

    def _deadlines(self) -> tuple[Deadline, ...]:
        node = self.line.values.get("deadline")
        return self.defaults.deadlines if node is None else deadlines(node, self.scope)


def _unit(remedy: str, expr: Expr, at: Pos) -> str:
    kind = expr.type.kind
    if (
        kind == "money"
        and expr.type.currency is None
        and remedy in MONEY_REMEDIES | {"coupon", "voucher"}
    ):
        return "money"
    if kind == "percent" and remedy in ("coupon", "voucher"):
        return "percent"
    if kind == "number" and remedy in ("points", "replacement"):
        return "points" if remedy == "points" else "items"
    if kind == "duration" and remedy == "extension":
        return "duration"
    raise PolicyError(f"{kinds.describe(expr.type)} cannot be given as {remedy}", at)


def money(node: Node, scope: Scope) -> Expr:
    expr = present(amount_of(node, scope))
    if expr.type.kind != "money" or expr.type.currency is not None:
        raise PolicyError("an amount in the case's currency belongs here", node.at)
    return expr


def pays(node: Node) -> str:
    text = kinds.text_of(node)
    if text.value not in ("automatically", "on_claim"):
        raise PolicyError("`pays` is `automatically` or `on_claim`", text.at)
    return text.value
