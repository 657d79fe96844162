"""Amounts as the Admin API writes them: decimals of major units, `"15.0"` for fifteen."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from graphql import GraphQLError

_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_SIGNS = {"USD": "$", "CAD": "$", "AUD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


def exact(amount: Decimal, currency: str) -> Decimal:
    """`amount` with as many decimals as the currency has; more are rounded, as the shop does."""
    return amount.quantize(Decimal(1).scaleb(-_DIGITS.get(currency, 2)), ROUND_HALF_UP)


def read_decimal(value: Any) -> Decimal:
    """The input side of the scalars `Money` and `Decimal`."""
    if isinstance(value, str | int | float | Decimal) and _PLAIN.fullmatch(str(value)):
        return Decimal(str(value))
    raise GraphQLError(f"invalid decimal '{value}'")


def write_decimal(value: Any) -> str:
    """The output side: no needless zeros, but one digit after the point."""
    text = f"{Decimal(value):f}"
    text = text.rstrip("0") if "." in text else text + "."
    return text + "0" if text.endswith(".") else text


def fixed(amount: Decimal, currency: str) -> str:
    """As the webhooks write amounts: `"15.00"`."""
    return f"{exact(amount, currency):f}"


def spoken(amount: Decimal, currency: str) -> str:
    """As the error texts write amounts: `$25.00`."""
    return f"{_SIGNS.get(currency, '')}{exact(amount, currency):,f}"


def money(amount: Decimal, currency: str) -> dict[str, Any]:
    """A `MoneyV2`."""
    return {"__typename": "MoneyV2", "amount": amount, "currencyCode": currency}
