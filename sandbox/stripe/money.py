"""Amounts: integers of minor units, by Stripe's own count of digits."""

from __future__ import annotations

from sandbox.stripe.errors import invalid

_ZERO = {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv"}
_ZERO |= {"xaf", "xof", "xpf"}
_THREE = {"bhd", "jod", "kwd", "omr", "tnd"}
_SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def check_step(amount: int, currency: str) -> None:
    """Three-decimal currencies are paid in tens of their minor unit."""
    if currency in _THREE and amount % 10:
        raise invalid(
            f"Invalid amount: {currency.upper()} amounts must be divisible by 10", "amount"
        )


def spoken(amount: int, currency: str) -> str:
    """As the error texts write an amount: `€15.00`, `500 KRW`."""
    digits = 0 if currency in _ZERO else 3 if currency in _THREE else 2
    whole, part = divmod(amount, 10**digits)
    text = f"{whole:,}.{part:0{digits}d}" if digits else f"{whole:,}"
    sign = _SIGNS.get(currency)
    return f"{sign}{text}" if sign else f"{text} {currency.upper()}"
