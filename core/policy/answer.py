"""From what an engine finds (which rows fit, what expressions come to) to the decision.

Both engines, the reference interpreter and the compiled function, end here, so that a rule is
joined, dropped, refused and offered in one way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from core.money import LIMIT_MINOR, Money, exponent, round_money
from core.policy import calendars
from core.policy.decision import Component, Decision, Due
from core.policy.errors import Undecided
from core.policy.inputs import Unknown
from core.policy.tree import Deadline, Expr, Grant, Reason, Rule, Threshold, Tree, walk

Frame = list[Any]


class Engine(Protocol):
    """Evaluates a tree. Everything may raise `Undecided`."""

    def frame(self, facts: Mapping[str, object]) -> Frame: ...

    def value(self, expr: Expr, frame: Frame) -> Any: ...

    def holds(self, conditions: Sequence[Expr], frame: Frame) -> bool: ...

    def refusal(self, frame: Frame) -> int:
        """The index of the first refusal that fits, or -1."""
        ...

    def first(self, frame: Frame) -> int:
        """The index of the first rule that fits, or -1; only asked where no rule has a loop."""
        ...


@dataclass(slots=True)
class _Fit:
    """A rule that fits, and the items it fits for (one None without a loop)."""

    rule: Rule
    items: Sequence[Any]
    offers: tuple[tuple[Component, ...], ...] = ()


_ONCE = (None,)


class Answerer:
    """Decides cases of one policy with one engine."""

    def __init__(self, tree: Tree, digest: str, engine: Engine, item_slot: int) -> None:
        self._tree, self._engine, self._item = tree, engine, item_slot
        self._digest = digest
        self._loops = any(rule.over is not None for rule in tree.give)
        self._facts = {declared.name: index for index, declared in enumerate(tree.facts, 1)}
        self._fixed = [_fixed(rule) for rule in tree.give]
        self._calendars = {calendar.name: calendar for calendar in tree.calendars}

    def decide(self, facts: Mapping[str, object]) -> Decision:
        frame = self._engine.frame(facts)
        try:
            return self._decide(frame)
        except Undecided as unknown:
            return self._answer(
                frame, "cannot_decide", problem=unknown.problem,
                missing=(unknown.fact,) if unknown.fact else (),
            )  # fmt: skip

    def unfit(self, facts: Mapping[str, object]) -> tuple[str, ...]:
        """What of `facts` is there but does not fit its type."""
        frame = self._engine.frame(facts)
        found = ((name, frame[index]) for name, index in self._facts.items())
        return tuple(
            value.problem
            for name, value in found
            if isinstance(value, Unknown) and value.problem != f"{name} is missing"
        )

    def _decide(self, frame: Frame) -> Decision:
        if self._tree.effective.by is not None:
            self._in_force(frame)
        index = self._engine.refusal(frame)
        if index >= 0:
            refusal = self._tree.refuse[index]
            return self._answer(
                frame, "refused", rule=refusal.id or f"refuse.{refusal.number}",
                reason=self._reason(refusal.reason, frame), cite=refusal.cite,
            )  # fmt: skip
        fits = self._fits(frame)
        if not fits:
            return self._answer(frame, "nothing", reason="no_rule_fits")
        for fit in fits:
            fit.offers = self._offers(fit, frame)
        if self._tree.combine == "best" and len(fits) > 1:
            fits = [max(fits, key=_worth)]
        return self._given(fits, frame)

    def _in_force(self, frame: Frame) -> None:
        effective = self._tree.effective
        assert effective.by is not None
        day = self._engine.value(effective.by, frame)
        early = effective.first is not None and day < effective.first
        if early or (effective.last is not None and day > effective.last):
            raise Undecided(f"the policy is not in force on {day}")

    # ---- which rules

    def _fits(self, frame: Frame) -> list[_Fit]:
        if self._tree.combine == "first" and not self._loops:
            index = self._engine.first(frame)
            return [_Fit(self._tree.give[index], _ONCE)] if index >= 0 else []
        fits = []
        for rule in self._tree.give:
            items = self._items(rule, frame)
            if items:
                fits.append(_Fit(rule, items))
                if self._tree.combine == "first":
                    break
        return fits

    def _items(self, rule: Rule, frame: Frame) -> Sequence[Any]:
        if rule.over is None:
            return _ONCE if self._engine.holds(rule.when, frame) else ()
        found = []
        for item in self._engine.value(rule.over, frame):
            frame[self._item] = item
            if self._engine.holds(rule.when, frame):
                found.append(item)
        return found

    # ---- what they give

    def _offers(self, fit: _Fit, frame: Frame) -> tuple[tuple[Component, ...], ...]:
        offers = []
        for offer in fit.rule.offers:
            given = []
            for item in fit.items:
                frame[self._item] = item
                for grant in offer:
                    component = self._component(grant, frame)
                    if component is not None:
                        given.append(component)
            if given:
                offers.append(tuple(given))
        return tuple(offers)

    def _component(self, grant: Grant, frame: Frame) -> Component | None:
        if grant.amount is None:
            return Component(grant.remedy, label=grant.label)
        if grant.unit != "money":
            return self._quantity(grant, frame)
        money = self._money(grant.amount, grant, frame)
        if grant.up_to is None:
            return (
                Component(grant.remedy, money, None, None, "", grant.label) if money.minor else None
            )
        most = self._money(grant.up_to, grant, frame)
        if most.minor < money.minor:
            raise Undecided(f"{grant.remedy}: the least sum is greater than the most")
        return Component(grant.remedy, money, most, None, "", grant.label) if most.minor else None

    def _money(self, expr: Expr, grant: Grant, frame: Frame) -> Money:
        minor = self._engine.value(expr, frame)
        if minor < 0:
            raise Undecided(f"{grant.remedy}: the amount comes out below zero")
        if minor > LIMIT_MINOR:
            raise Undecided(f"{grant.remedy}: the amount is larger than anything that is paid")
        return Money(int(minor), self._currency(frame))

    def _quantity(self, grant: Grant, frame: Frame) -> Component | None:
        assert grant.amount is not None
        value = self._engine.value(grant.amount, frame)
        unit: str = grant.unit
        if value < 0:
            raise Undecided(f"{grant.remedy}: the quantity comes out below zero")
        if value > LIMIT_MINOR:
            raise Undecided(f"{grant.remedy}: the quantity is larger than anything that is given")
        if unit == "percent":
            value = value * 100
        elif unit == "duration":
            unit, value = (
                ("days", value / Fraction(86400)) if value % 86400 == 0 else ("seconds", value)
            )
        text = decimal(value)
        return Component(grant.remedy, None, None, text, unit, grant.label) if value else None

    def _currency(self, frame: Frame) -> str:
        index = frame[0]
        if isinstance(index, Unknown):
            index.fail()
        return self._tree.currencies[index]

    # ---- the answer

    def _given(self, fits: list[_Fit], frame: Frame) -> Decision:
        rule = fits[0].rule
        choice = rule.choice or self._tree.combine == "choice"
        if len(fits) == 1 and len(fits[0].offers) == 1 and not choice:
            return self._single(rule, fits, frame)
        return self._several(fits, frame)

    def _single(self, rule: Rule, fits: list[_Fit], frame: Frame) -> Decision:
        """The usual case, one row and nothing to choose: no more work than it needs."""
        reason = self._fixed[rule.number - 1]
        return Decision(
            self._tree.name,
            self._digest,
            self._tree.basis,
            "give",
            rule.id or f"give.{rule.number}",
            self._reasons(fits, frame) if reason is None else reason,
            rule.cite,
            fits[0].offers[0],
            (),
            self._case_currency(frame),
            self._ask_over(fits, frame) if rule.ask_over is not None else None,
            self._due(rule.deadlines, frame) if rule.deadlines else None,
            rule.pays,
            self._also(rule, frame) if rule.also else (),
        )

    def _several(self, fits: list[_Fit], frame: Frame) -> Decision:
        choice = self._tree.combine == "choice" or fits[0].rule.choice
        paying = [fit for fit in fits if fit.offers]
        offers = [offer for fit in paying for offer in fit.offers]
        if not offers:
            return self._answer(
                frame, "nothing", rule=_names(fits), reason=self._too_small(fits, frame)
            )
        rule = paying[0].rule
        return self._answer(
            frame,
            "give",
            rule=_names(paying),
            reason=self._reasons(paying, frame),
            cite=rule.cite,
            components=() if choice else tuple(one for offer in offers for one in offer),
            offers=tuple(offers) if choice else (),
            due=self._due(rule.deadlines, frame),
            ask_over=self._ask_over(paying, frame),
            pays=rule.pays,
            also=tuple(pair for fit in paying for pair in self._also(fit.rule, frame)),
        )

    def _reasons(self, fits: list[_Fit], frame: Frame) -> str:
        found: dict[str, None] = {}
        for fit in fits:
            text = self._reason(fit.rule.reason, frame) if fit.rule.reason.parts else ""
            labels = [one.label for offer in fit.offers for one in offer if one.label]
            for reason in [text] if text else labels or [fit.rule.id or f"give.{fit.rule.number}"]:
                found[reason] = None
        return "+".join(found)

    def _too_small(self, fits: list[_Fit], frame: Frame) -> str:
        """Why a rule that fits gives nothing: the threshold that dropped it, or its own reason."""
        for fit in fits:
            for item in fit.items:
                frame[self._item] = item
                for grant in (grant for offer in fit.rule.offers for grant in offer):
                    if grant.amount is None:
                        continue
                    for expr in walk(grant.amount):
                        if isinstance(expr, Threshold) and self._engine.value(expr.value, frame):
                            return expr.reason
        return self._reasons(fits, frame)

    def _reason(self, reason: Reason, frame: Frame) -> str:
        if len(reason.parts) == 1 and isinstance(reason.parts[0], str):
            return reason.parts[0]
        return "".join(
            part if isinstance(part, str) else self._printed(part, frame) for part in reason.parts
        )

    def _also(self, rule: Rule, frame: Frame) -> tuple[tuple[str, str], ...]:
        return tuple((key, self._reason(said, frame)) for key, said in rule.also)

    def _printed(self, expr: Expr, frame: Frame) -> str:
        value = self._engine.value(expr, frame)
        if isinstance(value, str):
            return value
        if expr.type.kind == "money":
            code = self._currency(frame)
            return round_money(Fraction(value) / 10 ** exponent(code), code).text
        return decimal(value * 100 if expr.type.kind == "percent" else value)

    def _ask_over(self, fits: list[_Fit], frame: Frame) -> Money | None:
        limits = [fit.rule.ask_over for fit in fits if fit.rule.ask_over is not None]
        has_money = any(one.money for fit in fits for offer in fit.offers for one in offer)
        if not limits or not has_money:
            return None
        least = min(self._engine.value(limit, frame) for limit in limits)
        return Money(max(0, int(least)), self._currency(frame))

    def _due(self, deadlines: tuple[Deadline, ...], frame: Frame) -> Due | None:
        for deadline in deadlines:
            if self._engine.holds(deadline.when, frame):
                return Due(deadline.count, deadline.unit, self._day(deadline, frame))
        return None

    def _day(self, deadline: Deadline, frame: Frame) -> str | None:
        if deadline.after is None:
            return None
        start = self._engine.value(deadline.after, frame)
        if deadline.unit == "months":
            return calendars.add_months(start, deadline.count).isoformat()
        if deadline.unit == "days":
            return calendars.add_days(start, deadline.count).isoformat()
        calendar = self._calendars[deadline.calendar]
        holidays = (
            handed_in(frame[self._facts[calendar.fact]]) if calendar.fact else calendar.holidays
        )
        return calendars.after_working_days(start, deadline.count, calendar, holidays).isoformat()

    def _answer(self, frame: Frame, outcome: Any, **rest: Any) -> Decision:
        return Decision(
            policy=self._tree.name,
            policy_hash=self._digest,
            basis=self._tree.basis,
            outcome=outcome,
            currency=self._case_currency(frame),
            **rest,
        )

    def _case_currency(self, frame: Frame) -> str | None:
        index = frame[0]
        if type(index) is Unknown or not self._tree.currencies:
            return None
        return self._tree.currencies[index]


def _names(fits: Sequence[_Fit]) -> str:
    return "+".join(fit.rule.id or f"give.{fit.rule.number}" for fit in fits)


def _fixed(rule: Rule) -> str | None:
    """A reason that is the same for every case, or None."""
    parts = rule.reason.parts
    if parts:
        return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else None
    if any(grant.label for offer in rule.offers for grant in offer):
        return None
    return rule.id or f"give.{rule.number}"


def handed_in(days: Any) -> list[Any]:
    """Holidays that came as a fact, every one of them known."""
    known = list(days)
    for day in known:
        if isinstance(day, Unknown):
            day.fail()
    return known


def _worth(fit: _Fit) -> int:
    """The most money an offer of the rule comes to."""
    sums = [sum(one.most.minor for one in offer if one.most) for offer in fit.offers]
    return max(sums, default=0)


def decimal(value: Any) -> str:
    """A number as plain decimal text, to at most six decimals."""
    exact = Fraction(value)
    units, rest = divmod(abs(exact.numerator) * 10**6, exact.denominator)
    units += 2 * rest >= exact.denominator
    whole, part = divmod(units, 10**6)
    text = f"{whole}.{part:06d}".rstrip("0").rstrip(".")
    return f"-{text}" if exact < 0 and units else text
