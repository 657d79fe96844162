"""An explanation in words. The words of each language are in `words/<language>.yaml`.

Names of facts and texts of the policy stand in the reader's sentence as codes: left to right and
isolated. Figures are written as the reader's language writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from core.message.language import Language, day_in, language_of, money_in, number_in
from core.message.page import page, stack
from core.message.template import parse
from core.message.values import Text, isolated, outside, own
from core.message.words import Words
from core.money import Money
from core.policy.decision import Component, Decision
from core.policy.explain.changes import Change
from core.policy.explain.figures import UNITS, Figures
from core.policy.explain.model import Amount, Explanation, Operand, Row, Step
from core.policy.tree import SECONDS, Band, IsNull, OneOf, Type

#: The names that may stand in the words of an explanation.
NAMES = frozenset(
    {
        "answer", "rule", "fact", "value", "needs", "left", "right", "bound", "result", "remedy",
        "amount", "most", "label", "reason", "detail", "name", "row", "condition", "low", "high",
        "words", "one", "other", "count",
    }
)  # fmt: skip


def in_words(explained: Explanation, language: str | None = None, *, changes: bool = True) -> Text:
    """The explanation for a person, a line a fact of it. `changes`: and what would change it."""
    return _Teller(explained, language_of(language)).tell(changes)


@lru_cache(maxsize=8)
def _words(code: str) -> Words:
    """The words of a language; English where there are none."""
    source = files("core.policy.explain").joinpath("words", f"{code}.yaml")
    tree: dict[str, str] = yaml.safe_load(source.read_text(encoding="utf-8"))
    entries = {key: ((parse(text, NAMES),),) for key, text in tree.items()}
    of = language_of(code).words
    return Words(of.code, of.direction, of.locale, of.currency, of.comma, entries)


class _Teller:
    def __init__(self, explained: Explanation, language: Language) -> None:
        self._of, self._language = explained, language
        self._words = _words(language.words.code)
        self._figures = Figures(language)

    def tell(self, changes: bool) -> Text:
        of = self._of
        lines = [self._headline(of.decision)]
        lines += [self._applied(row) for row in of.decided if row.condition]
        lines += [line for amount in of.amounts for line in self._amount(amount)]
        lines += [self._row(row) for row in of.rows]
        if of.stuck is not None:
            lines.append(self._row(of.stuck))
        if changes:
            lines += [self._change(change) for change in of.changes]
        return page(self._language, stack(lines, "\n"))

    def _say(self, key: str, **values: Text) -> Text:
        said = self._words.say(key, values)
        assert said is not None
        return said

    # ---- the answer

    def _headline(self, decision: Decision) -> Text:
        answer = self._answer(decision)
        rows = {row.row: row for row in self._of.decided}
        if not rows or decision.outcome == "cannot_decide":
            return answer
        rule = self._joined([self._rule(row) for row in rows.values()], "and")
        return self._say("headline", answer=answer, rule=rule)

    def _answer(self, decision: Decision) -> Text:
        if decision.outcome == "cannot_decide":
            detail = self._detail(decision.missing[0] if decision.missing else "", decision.problem)
            return self._say("cannot_decide", detail=detail)
        if decision.outcome != "give":
            if decision.reason == "no_rule_fits":
                return self._say("no_rule_fits")
            return self._say(decision.outcome, reason=self._code(decision.reason))
        offers = decision.offers or (decision.components,)
        shown = [self._joined([self._component(one) for one in offer], "and") for offer in offers]
        if not decision.offers:
            return self._say("give", answer=shown[0])
        return self._say("choose", answer=self._joined(shown, "or"))

    def _component(self, one: Component) -> Text:
        remedy = own(self._language.words.phrase(f"remedy.{one.remedy}"))
        values = {"remedy": remedy}
        key = "component"
        if one.money is not None:
            key, values["amount"] = "component.amount", self._money(one.money)
        elif one.quantity is not None:
            key, values["amount"] = "component.amount", self._quantity(one)
        if one.up_to is not None:
            least = one.money.minor if one.money is not None else 0
            key = "component.up_to" if least else "component.at_most"
            values["most"] = self._money(one.up_to)
        said = self._say(key, **values)
        if not one.label:
            return said
        return self._say("component.label", answer=said, label=self._code(one.label))

    def _quantity(self, one: Component) -> Text:
        number = Fraction(one.quantity or "0")
        if one.unit in UNITS:
            kind = Type(kind="duration", unit=one.unit)
            return self._value(number * SECONDS[one.unit], kind)
        if one.unit == "percent":
            return self._value(number / 100, Type(kind="percent"))
        return self._value(number, Type(kind="number"))

    # ---- the rows

    def _rule(self, row: Row) -> Text:
        if row.row != f"{row.part}.{row.number}":
            return self._say("row.named", name=self._code(row.row))
        return self._say(f"row.{row.part}", count=self._number(row.number))

    def _applied(self, row: Row) -> Text:
        if row.subject in self._of.values:
            value = self._operand_value(self._of.values[row.subject])
            return self._say("because", fact=self._code(row.subject), value=value)
        return self._say("holds", condition=self._code(_condition(row)))

    def _row(self, row: Row) -> Text:
        rule = self._rule(row)
        if row.status == "unknown":
            detail = self._detail(row.fact, row.problem)
            return self._say("unknown", rule=rule, detail=detail)
        if row.status == "no_item":
            return self._say("no_item", rule=rule, name=self._code(row.needs))
        if row.status in ("less", "nothing"):
            return self._say(f"fits.{row.status}", rule=rule)
        if row.subject not in self._of.values:
            return self._say("not_so", rule=rule, condition=self._code(_condition(row)))
        value = self._operand_value(self._of.values[row.subject])
        fact, needs = self._code(row.subject), self._needs(row)
        return self._say("blocked", rule=rule, fact=fact, value=value, needs=needs)

    def _needs(self, row: Row) -> Text:
        expr = row.expr
        if isinstance(expr, Band):
            return self._band(expr)
        if isinstance(expr, OneOf):
            words = self._joined([self._value(v, expr.subject.type) for v in expr.values], "or")
            return self._say("needs.not", words=words) if expr.negated else words
        if isinstance(expr, IsNull):
            return self._say("value.something" if expr.negated else "value.null")
        return self._say(f"value.{row.needs}")

    def _band(self, band: Band) -> Text:
        kind = band.subject.type
        when = "date." if kind.kind in ("date", "instant") else ""
        low = None if band.low is None else self._value(band.low, kind)
        high = None if band.high is None else self._value(band.high, kind)
        if low is not None and high is not None and band.low_in and band.high_in:
            return self._say("needs.between", low=low, high=high)
        parts = []
        if low is not None:
            parts.append(self._say(f"needs.{when}{'from' if band.low_in else 'over'}", low=low))
        if high is not None:
            parts.append(
                self._say(f"needs.{when}{'up_to' if band.high_in else 'under'}", high=high)
            )
        return self._joined(parts, "and")

    def _detail(self, fact: str, problem: str) -> Text:
        if fact and problem == f"{fact} is missing":
            return self._say("missing", fact=self._code(fact))
        if problem.endswith(" is null"):
            return self._say("null", fact=self._code(problem.removesuffix(" is null")))
        return self._code(problem)

    # ---- the amounts

    def _amount(self, amount: Amount) -> list[Text]:
        lines = [self._step(step) for step in amount.steps]
        return [line for line in lines if line is not None]

    def _step(self, step: Step) -> Text:
        key = f"step.{step.kind}"
        result = self._value(step.result, step.type)
        values: dict[str, Text] = {"result": result}
        operands = [self._operand(one) for one in step.operands]
        if operands:
            values["left"] = operands[0]
        if len(operands) > 1:
            values["right"] = values["bound"] = operands[1]
        if step.kind in ("cap", "floor", "threshold", "chosen"):
            key += ".yes" if step.binds else ".no"
        if step.kind == "threshold":
            key += f".{step.function}"
        if step.kind in ("rounded", "whole"):
            key += f".{step.function}"
        if step.kind in ("least", "greatest"):
            values["words"] = self._joined(operands, "and")
        if step.kind == "between":
            values["low"], values["high"] = operands[1], operands[2]
        if step.text:
            values["condition"] = self._code(step.text)
        if step.name:
            values["name"] = self._code(step.name)
            values["row"] = self._number(step.row)
        return self._say(key, **values)

    def _operand(self, one: Operand) -> Text:
        value = self._operand_value(one)
        return self._say("operand", value=value, name=self._code(one.name)) if one.name else value

    def _operand_value(self, one: Operand) -> Text:
        return self._value(one.value, one.type)

    # ---- what would change it

    def _change(self, change: Change) -> Text:
        value = self._value(change.value, change.type, change.currency)
        answer = self._answer(change.decision)
        return self._say("change", fact=self._code(change.fact), value=value, answer=answer)

    # ---- values

    def _value(self, value: Any, kind: Type, currency: str = "") -> Text:
        if value is None:
            return self._say("value.null")
        if isinstance(value, bool):
            return self._say("value.yes" if value else "value.no")
        if isinstance(value, str):
            return self._code(value) if value else self._say("value.empty")
        if isinstance(value, datetime):
            return self._code(value.isoformat().replace("+00:00", "Z"))
        if isinstance(value, date):
            return self._isolated(day_in(self._language, value))
        if isinstance(value, tuple):
            return self._say("value.items", count=self._number(len(value)))
        shown = self._figures.value(Fraction(value), kind, currency or self._of.currency)
        return self._isolated(shown)

    def _number(self, number: int) -> Text:
        return self._isolated(number_in(self._language, number))

    def _money(self, money: Money) -> Text:
        return self._isolated(money_in(self._language, money))

    def _isolated(self, shown: str) -> Text:
        return isolated(shown, rtl=self._language.rtl)

    def _code(self, text: str) -> Text:
        return outside(text, rtl=self._language.rtl, code=True, limit=300) or own("-")

    def _joined(self, parts: Sequence[Text], word: str) -> Text:
        """`a, b and c`."""
        if len(parts) == 1:
            return parts[0]
        comma = self._language.words.comma
        head = parts[:-1]
        first = Text(
            comma.join(part.plain for part in head), own(comma).html.join(p.html for p in head)
        )
        return self._say(f"joined.{word}", one=first, other=parts[-1])


def _condition(row: Row) -> str:
    return f"{row.subject}: {row.needs}" if row.subject else row.needs


def languages() -> Mapping[str, Words]:
    """The words there are, by language."""
    found = files("core.policy.explain").joinpath("words").iterdir()
    codes = sorted(one.name.removesuffix(".yaml") for one in found if one.name.endswith(".yaml"))
    return {code: _words(code) for code in codes}
