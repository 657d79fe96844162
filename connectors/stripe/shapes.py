"""Reading Stripe's objects, and amounts in the units Stripe counts in.

https://docs.stripe.com/currencies: mostly ISO 4217's minor units, with exceptions in both
directions, and three-decimal currencies whose last digit must be zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core.money import Money, MoneyError, exponent
from core.ports import HostUnclear, Unpayable

Node = Mapping[str, Any]

#: Digits Stripe counts where they are not ISO's: the króna and the shilling are still sent with two
#: decimals that must be zero, the ariary has none.
_EXPONENTS = {"ISK": 2, "UGX": 2, "MGA": 0}

#: Smallest step in minor units (ISO's) where it is not one.
STEPS: Mapping[str, int] = {"BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10, "MGA": 100}

REFUND_STATES = {
    "succeeded": "settled",
    "pending": "pending",
    "requires_action": "pending",
    "failed": "failed",
    "canceled": "failed",
}

_NUMBER = re.compile(r"#[A-Za-z0-9-]{1,30}", re.ASCII)


def at(node: Any, *path: str) -> Any:
    """What stands at `path`; absent counts as None, as Stripe leaves empty things out."""
    for step in path:
        if node is None:
            return None
        if not isinstance(node, Mapping):
            raise HostUnclear(f"Stripe's answer has something else at {'.'.join(path)}")
        node = node.get(step)
    return node


def text(node: Any, *path: str) -> str:
    found = at(node, *path)
    if not isinstance(found, str) or not found:
        raise HostUnclear(f"Stripe's answer has no text at {'.'.join(path)}")
    return found


def maybe_text(node: Any, *path: str) -> str | None:
    return None if at(node, *path) is None else text(node, *path)


def whole(node: Any, *path: str) -> int:
    found = at(node, *path)
    if type(found) is not int:
        raise HostUnclear(f"Stripe's answer has no whole number at {'.'.join(path)}")
    return found


def listed(page: Node) -> list[Node]:
    data = page.get("data")
    if not isinstance(data, list) or not all(isinstance(item, Mapping) for item in data):
        raise HostUnclear("Stripe's answer has no list")
    return data


def id_of(node: Any, *path: str) -> str | None:
    """An id that may stand there expanded into its object."""
    found = at(node, *path)
    return text(found, "id") if isinstance(found, Mapping) else maybe_text(node, *path)


def money(count: object, currency: object) -> Money:
    """Stripe's `count` of `currency` (lower case). Raises `HostUnclear`."""
    code = currency.upper() if isinstance(currency, str) else ""
    try:
        shift = _EXPONENTS.get(code, exponent(code)) - exponent(code)
        if type(count) is not int:
            raise MoneyError("an amount is a whole number")
        units, rest = divmod(count, 10**shift) if shift > 0 else (count * 10**-shift, 0)
        if rest:
            raise MoneyError(f"{code} has no such fraction")
        return Money(units, code)
    except MoneyError as error:
        raise HostUnclear(f"Stripe's answer has an unreadable amount: {error}") from None


def counted(amount: Money) -> int:
    """`amount` as Stripe counts it. Raises `Unpayable` for a fraction of its smallest step."""
    if amount.minor % STEPS.get(amount.currency, 1):
        raise Unpayable(f"Stripe moves {amount.currency} in larger steps than {amount}")
    shift = _EXPONENTS.get(amount.currency, exponent(amount.currency)) - exponent(amount.currency)
    scaled: int = amount.minor * 10**shift if shift >= 0 else amount.minor // 10**-shift
    return scaled


def stepped(amount: Money) -> Money:
    """The part of `amount` that Stripe can move."""
    return Money(amount.minor - amount.minor % STEPS.get(amount.currency, 1), amount.currency)


def instant(count: object) -> datetime:
    if type(count) is not int or not 0 < count < 10**11:
        raise HostUnclear("Stripe's answer has a time that cannot be read")
    return datetime.fromtimestamp(count, UTC)


def same_address(one: object, other: str) -> bool:
    return isinstance(one, str) and one.strip().casefold() == other.strip().casefold()


def payment_of(node: Node) -> str:
    """The payment a charge, refund or dispute belongs to: its intent, or the bare charge."""
    if intent := id_of(node, "payment_intent"):
        return intent
    if at(node, "object") == "charge":
        return text(node, "id")
    charge = id_of(node, "charge")
    if charge is None:
        raise HostUnclear("Stripe's answer names no payment")
    return charge


def order_name(charge: Node) -> str:
    """The shop's own number for it, where the shop told Stripe."""
    for key in ("order_number", "order_id"):
        if number := at(charge, "metadata", key):
            return str(number)[:60]
    described = maybe_text(charge, "description") or ""
    found = _NUMBER.search(described)
    return found[0] if found else described[:60] or payment_of(charge)


def dispute_state(status: object) -> str:
    """`warning_closed` is an inquiry that took no money; what was prevented was paid back. A word
    not known counts as open, because an open dispute blocks refunds."""
    won = {"won": "won", "warning_closed": "won", "lost": "lost", "prevented": "lost"}
    return won.get(str(status), "open")
