"""A policy's answer for one case, as data that can be kept and replayed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from core.money import Money, parse_money
from core.policy.canonical import canonical_json

Outcome = Literal["give", "refused", "nothing", "cannot_decide"]


class Component(NamedTuple):
    """One remedy. Exactly one of `money` and `quantity` is there, or neither (an apology).

    up_to: the agent may choose any sum from `money` to this.
    quantity, unit: points, items (whole numbers), percent, days or seconds (as decimal text).
    label: what the policy calls it (`supply`, `room_upgrade`), or ''.
    """

    remedy: str
    money: Money | None = None
    up_to: Money | None = None
    quantity: str | None = None
    unit: str = ""
    label: str = ""

    @property
    def most(self) -> Money | None:
        return self.up_to or self.money

    def __str__(self) -> str:
        parts = [self.remedy]
        if self.money is not None:
            parts.append(str(self.money))
        if self.up_to is not None:
            parts.append(f"up to {self.up_to}")
        if self.quantity is not None:
            unit = {"points": "", "items": "", "percent": "%"}.get(self.unit, f" {self.unit}")
            parts.append(f"{self.quantity}{unit}")
        if self.label:
            parts.append(f"({self.label})")
        return " ".join(parts)


class Due(NamedTuple):
    """When it has to be done: `number` working days, days or months; `day` if it is known."""

    number: int
    unit: str
    day: str | None = None

    def __str__(self) -> str:
        return f"{self.number} {self.unit}"


class Decision(NamedTuple):
    """The answer. Equal inputs give an equal decision, and the same `to_bytes()`, for ever.

    rule: of the row that decided (`give.3`, `refuse.1`, or its own id); several are joined by +.
    components: what to give; with a choice they are empty and `offers` has each possibility.
    ask_over: above this sum somebody else's yes is needed (`needs_yes` compares).
    missing: names of facts without which nothing could be decided; `problem` says it in words.
    """

    policy: str
    policy_hash: str
    basis: str
    outcome: Outcome
    rule: str = ""
    reason: str = ""
    cite: str = ""
    components: tuple[Component, ...] = ()
    offers: tuple[tuple[Component, ...], ...] = ()
    currency: str | None = None
    ask_over: Money | None = None
    due: Due | None = None
    pays: str = "automatically"
    also: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    problem: str = ""

    @property
    def kind(self) -> str:
        """What this document is, once stored."""
        return "decision"

    @property
    def v(self) -> int:
        """The version of its layout."""
        return 1

    @property
    def total(self) -> Money | None:
        """The sum of money given (the least, where it is left to the agent); None with a choice."""
        sums = [one.money for one in self.components if one.money is not None]
        return sum(sums[1:], sums[0]) if sums else None

    @property
    def needs_yes(self) -> bool:
        """Whether the most this may come to is above `ask_over`."""
        if self.ask_over is None:
            return False
        return any(
            sum(one.most.minor for one in offer if one.most) > self.ask_over.minor
            for offer in (self.offers or (self.components,))
        )

    def to_data(self) -> dict[str, Any]:
        """JSON values; fields that say nothing are left out."""
        data: dict[str, Any] = {
            "kind": self.kind, "v": self.v, "policy": self.policy, "policy_hash": self.policy_hash,
            "basis": self.basis, "outcome": self.outcome,
        }  # fmt: skip
        for name in ("rule", "reason", "cite", "currency", "problem"):
            if getattr(self, name):
                data[name] = getattr(self, name)
        if self.components:
            data["components"] = [_component(one) for one in self.components]
        if self.offers:
            data["offers"] = [[_component(one) for one in offer] for offer in self.offers]
        if self.ask_over is not None:
            data["ask_over"] = _money(self.ask_over)
        if self.due is not None:
            day = {"day": self.due.day} if self.due.day else {}
            data["due"] = {"count": self.due.number, "unit": self.due.unit, **day}
        if self.outcome == "give":
            data["pays"] = self.pays
        if self.also:
            data["also"] = dict(self.also)
        if self.missing:
            data["missing"] = list(self.missing)
        return data

    def to_bytes(self) -> bytes:
        return canonical_json(self.to_data())

    def __str__(self) -> str:
        if self.outcome == "give" and self.offers:
            return "choose " + " | ".join(" + ".join(map(str, offer)) for offer in self.offers)
        if self.outcome == "give":
            return "give " + " + ".join(map(str, self.components))
        if self.outcome == "cannot_decide":
            return f"cannot decide: {self.problem}"
        return f"{self.outcome}: {self.reason}"


def read_decision(data: Any) -> Decision:
    """A kept decision: the inverse of `to_data`."""
    due = data.get("due")
    return Decision(
        policy=data["policy"],
        policy_hash=data["policy_hash"],
        basis=data["basis"],
        outcome=data["outcome"],
        **{name: data.get(name, "") for name in ("rule", "reason", "cite", "problem")},
        components=tuple(map(_read_component, data.get("components", ()))),
        offers=tuple(tuple(map(_read_component, offer)) for offer in data.get("offers", ())),
        currency=data.get("currency"),
        ask_over=_read_money(data.get("ask_over")),
        due=Due(due["count"], due["unit"], due.get("day")) if due else None,
        pays=data.get("pays", "automatically"),
        also=tuple(dict(data.get("also", {})).items()),
        missing=tuple(data.get("missing", ())),
    )


def _read_component(data: Mapping[str, Any]) -> Component:
    return Component(
        data["remedy"],
        _read_money(data.get("money")),
        _read_money(data.get("up_to")),
        data.get("quantity"),
        data.get("unit", ""),
        data.get("label", ""),
    )


def _read_money(data: Mapping[str, str] | None) -> Money | None:
    return parse_money(data["amount"], data["currency"]) if data else None


def _money(money: Money) -> dict[str, str]:
    return {"amount": money.text, "currency": money.currency}


def _component(one: Component) -> dict[str, Any]:
    data: dict[str, Any] = {"remedy": one.remedy}
    if one.money is not None:
        data["money"] = _money(one.money)
    if one.up_to is not None:
        data["up_to"] = _money(one.up_to)
    if one.quantity is not None:
        data["quantity"], data["unit"] = one.quantity, one.unit
    if one.label:
        data["label"] = one.label
    return data
