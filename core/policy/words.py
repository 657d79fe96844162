"""A decision in the words in which published cases of compensation schemes are written.

    {"remedy": "cash", "amount": "250.00", "currency": "EUR", "reason": "band_a"}

`remedy` is one of none, cash, refund, credit, extension, goods, apology, mixed, choice, or unknown
where nobody could decide. Where an amount is left to the agent, `amount` is the most and `at_least`
the least. Other consequences of the policy (`also`) stand beside these under their own names.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core.money import Money
from core.policy.decision import Component, Decision

#: What a case calls our remedies.
REMEDY = {
    "cash": "cash",
    "donation": "cash",
    "refund": "refund",
    "store_credit": "credit",
    "account_credit": "credit",
    "gift_card": "credit",
    "coupon": "credit",
    "points": "credit",
    "extension": "extension",
    "replacement": "goods",
    "voucher": "goods",
    "apology": "apology",
}
#: What a case calls the units of a deadline.
DEADLINE = {"working days": "business days", "days": "calendar days", "months": "months"}


def to_case_words(decision: Decision) -> dict[str, Any]:
    """The decision as a case states what it expects: JSON values, amounts as decimal text."""
    words: dict[str, Any] = {
        "remedy": _remedy(decision),
        "amount": _amount(decision.components, decision.currency),
        "currency": decision.currency,
        "reason": decision.reason or decision.problem,
    }
    least = decision.total
    if any(one.up_to for one in decision.components) and least is not None:
        words["at_least"] = least.text
    if decision.components:
        words["components"] = [_component(one) for one in decision.components]
    if decision.offers:
        words["choice"] = [
            {
                "remedy": _joined(offer),
                "amount": _amount(offer, decision.currency),
                "components": [_component(one) for one in offer],
            }
            for offer in decision.offers
        ]
    words |= _consequences(decision)
    return words


def _remedy(decision: Decision) -> str:
    if decision.outcome == "cannot_decide":
        return "unknown"
    if decision.outcome in ("refused", "nothing"):
        return "none"
    return "choice" if decision.offers else _joined(decision.components)


def _joined(components: tuple[Component, ...]) -> str:
    kinds = {REMEDY[one.remedy] for one in components}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def _amount(components: tuple[Component, ...], currency: str | None) -> str:
    """The most money the components come to; `0.00` where there is none."""
    sums = [one.most for one in components if one.most is not None]
    if sums:
        return sum(sums[1:], sums[0]).text
    return Money(0, currency).text if currency else "0.00"


def _component(one: Component) -> dict[str, Any]:
    words: dict[str, Any] = {"remedy": REMEDY[one.remedy]}
    if one.most is not None:
        words |= {"amount": one.most.text, "currency": one.most.currency}
    if one.quantity is not None:
        words |= {"quantity": one.quantity, "unit": one.unit}
    if one.label:
        words["for"] = one.label
    return words


def _consequences(decision: Decision) -> dict[str, Any]:
    """Deadline, days of an extension, and whatever the policy says besides."""
    words: dict[str, Any] = {key: _said(key, text) for key, text in decision.also}
    for one in decision.components:
        if one.remedy == "extension" and one.unit == "days":
            words["extension_days"] = int(one.quantity or "0")
    if decision.due is not None:
        words["deadline"] = f"{decision.due.number} {DEADLINE[decision.due.unit]}"
        if decision.due.unit == "days" and _remedy(decision) == "refund":
            words["refund_within_days"] = decision.due.number
    return words


def _said(key: str, text: str) -> str:
    """An uptime is written with all of its six decimals."""
    return f"{Decimal(text):.6f}" if key == "uptime_pct" else text
