"""From what an engine finds (which rows fit, what expressions come to) to the decision.

Both engines, the reference interpreter and the compiled function, end here, so that a rule is
joined, dropped, refused and offered in one way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from core.money import Money
from core.policy.decision import Component, Decision
from core.policy.errors import Undecided
from core.policy.granting import Frame, Granting
from core.policy.telling import Judge, Telling
from core.policy.tree import Grant, Rule, Threshold, Tree, walk
from core.policy.values import Unknown


class Engine(Judge, Protocol):
    """Evaluates a tree. Everything may raise `Undecided`."""

    def frame(self, facts: Mapping[str, object]) -> Frame: ...

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
        self._granting = Granting(tree.currencies, engine)
        self._telling = Telling(tree, engine, self._granting)
        loops = any(rule.over is not None for rule in tree.give)
        self._one_row = tree.combine == "first" and not loops
        self._fixed = [(_name(rule), _reason(rule)) for rule in tree.give]
        single = len(tree.currencies) == 1 and tree.currency is None
        self._only = tree.currencies[0] if single else None

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
        found = ((fact.name, frame[index]) for index, fact in enumerate(self._tree.facts, 1))
        return tuple(
            value.problem
            for name, value in found
            if isinstance(value, Unknown) and value.problem != f"{name} is missing"
        )

    def _decide(self, frame: Frame) -> Decision:
        tree = self._tree
        if tree.effective.by is not None:
            self._in_force(frame)
        if tree.refuse:
            index = self._engine.refusal(frame)
            if index >= 0:
                return self._refused(index, frame)
        if not self._one_row:
            return self._joined(self._fits(frame), frame)
        index = self._engine.first(frame)
        return self._row(tree.give[index], frame) if index >= 0 else self._joined([], frame)

    def _in_force(self, frame: Frame) -> None:
        effective = self._tree.effective
        assert effective.by is not None
        day = self._engine.value(effective.by, frame)
        early = effective.first is not None and day < effective.first
        if early or (effective.last is not None and day > effective.last):
            raise Undecided(f"the policy is not in force on {day}")

    def _refused(self, index: int, frame: Frame) -> Decision:
        refusal = self._tree.refuse[index]
        return self._answer(
            frame, "refused", rule=refusal.id or f"refuse.{refusal.number}",
            reason=self._telling.reason(refusal.reason, frame), cite=refusal.cite,
        )  # fmt: skip

    # ---- one row decides

    def _row(self, rule: Rule, frame: Frame) -> Decision:
        """The usual case, one row and nothing to choose: no more work than it needs."""
        if rule.choice:
            return self._joined([_Fit(rule, _ONCE)], frame)
        components = self._offer(rule.offers[0], _ONCE, frame)
        if not components:
            return self._several([_Fit(rule, _ONCE)], frame)
        name, reason = self._fixed[rule.number - 1]
        if reason is None:
            reason = self._reasons([_Fit(rule, _ONCE, (components,))], frame)
        return Decision(
            self._tree.name, self._digest, self._tree.basis, "give", name, reason, rule.cite,
            components, (), self._only or self._case_currency(frame),
            self._ask_over([rule], components, frame) if rule.ask_over is not None else None,
            self._telling.due(rule.deadlines, frame) if rule.deadlines else None,
            rule.pays,
            self._telling.also(rule, frame) if rule.also else (),
        )  # fmt: skip

    # ---- several rows may

    def _fits(self, frame: Frame) -> list[_Fit]:
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

    def _joined(self, fits: list[_Fit], frame: Frame) -> Decision:
        if not fits:
            return self._answer(frame, "nothing", reason="no_rule_fits")
        for fit in fits:
            offers = (self._offer(offer, fit.items, frame) for offer in fit.rule.offers)
            fit.offers = tuple(offer for offer in offers if offer)
        if self._tree.combine == "best" and len(fits) > 1:
            fits = [max(fits, key=_worth)]
        return self._several(fits, frame)

    def _offer(
        self, offer: Sequence[Grant], items: Sequence[Any], frame: Frame
    ) -> tuple[Component, ...]:
        """What one offer comes to, for each of the items."""
        given = []
        for item in items:
            frame[self._item] = item
            for grant in offer:
                component = self._granting.component(grant, frame)
                if component is not None:
                    given.append(component)
        return tuple(given)

    def _several(self, fits: list[_Fit], frame: Frame) -> Decision:
        choice = self._tree.combine == "choice" or fits[0].rule.choice
        paying = [fit for fit in fits if fit.offers]
        offers = [offer for fit in paying for offer in fit.offers]
        if not offers:
            return self._answer(
                frame, "nothing", rule=_names(fits), reason=self._too_small(fits, frame)
            )
        rule, given = paying[0].rule, tuple(one for offer in offers for one in offer)
        return self._answer(
            frame,
            "give",
            rule=_names(paying),
            reason=self._reasons(paying, frame),
            cite=rule.cite,
            components=() if choice else given,
            offers=tuple(offers) if choice else (),
            ask_over=self._ask_over([fit.rule for fit in paying], given, frame),
            due=self._telling.due(rule.deadlines, frame),
            pays=rule.pays,
            also=tuple(pair for fit in paying for pair in self._telling.also(fit.rule, frame)),
        )

    # ---- why

    def _reasons(self, fits: list[_Fit], frame: Frame) -> str:
        found: dict[str, None] = {}
        for fit in fits:
            text = self._telling.reason(fit.rule.reason, frame) if fit.rule.reason.parts else ""
            labels = [one.label for offer in fit.offers for one in offer if one.label]
            for reason in [text] if text else labels or [_name(fit.rule)]:
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

    def _ask_over(
        self, rules: Iterable[Rule], given: Iterable[Component], frame: Frame
    ) -> Money | None:
        limits = [rule.ask_over for rule in rules if rule.ask_over is not None]
        if not limits or all(one.remedy == "apology" for one in given):
            return None
        least = min(self._engine.value(limit, frame) for limit in limits)
        return Money(max(0, int(least)), self._granting.currency(frame))

    # ---- the answer

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


def _name(rule: Rule) -> str:
    return rule.id or f"give.{rule.number}"


def _names(fits: Sequence[_Fit]) -> str:
    return "+".join(_name(fit.rule) for fit in fits)


def _reason(rule: Rule) -> str | None:
    """A reason that is the same for every case, or None."""
    parts = rule.reason.parts
    if parts:
        return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else None
    if any(grant.label for offer in rule.offers for grant in offer):
        return None
    return _name(rule)


def _worth(fit: _Fit) -> int:
    """The most money an offer of the rule comes to."""
    sums = [sum(one.most.minor for one in offer if one.most) for offer in fit.offers]
    return max(sums, default=0)
