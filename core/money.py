"""Money: integers of minor units with a currency, and the one strict parser at the edge.

Everything inside Amends that counts money is a `Money`. Text becomes `Money` only through
`parse_money`, which refuses whatever a careless parser would accept (exponents, signs, separators,
digits of other scripts, `NaN`). Rounding happens once, where a policy or a host states how.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Literal, Self

from core.errors import AmendsError

# ISO 4217 minor-unit exponents (list one of the maintenance agency, amendment 177). XDR is a unit
# of account of the IMF: it is counted with two digits here and is never payable unconverted.
_EXPONENT_0 = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_EXPONENT_3 = "BHD IQD JOD KWD LYD OMR TND"
_EXPONENT_4 = "CLF UYW"
_EXPONENT_2 = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD
CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA
MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR
RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD
TZS UAH USD USN UYU UZS VED VES WST XCD XCG XDR YER ZAR ZMW ZWG
"""
EXPONENTS: dict[str, int] = {
    code: digits
    for digits, codes in ((0, _EXPONENT_0), (2, _EXPONENT_2), (3, _EXPONENT_3), (4, _EXPONENT_4))
    for code in codes.split()
}
UNPAYABLE = frozenset({"XDR", "UYI", "UYW", "CLF", "COU", "BOV", "MXV", "CHE", "CHW", "USN"})

#: The largest amount anything in Amends may hold: twelve whole digits, as the parser reads.
LIMIT_MINOR = 10**16

_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,4}))?", re.ASCII)

Rounding = Literal["half_up", "half_even", "up", "down"]


class MoneyError(AmendsError):
    """An amount or a currency that cannot be taken as it stands. Nothing was guessed."""


class CurrencyMismatch(MoneyError):
    """Two amounts of different currencies met where one currency is needed."""


def exponent(currency: str) -> int:
    """Digits after the point of `currency`. Raises `MoneyError` for a code that is not ISO 4217."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise MoneyError(
            f"{currency[:12]!r} is not a currency code; use three capital letters as in ISO 4217"
        ) from None


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`minor` minor units of `currency`: `Money(1250, "EUR")` is 12.50 EUR."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise MoneyError(f"an amount is a whole number of minor units, not {self.minor!r}")
        if abs(self.minor) > LIMIT_MINOR:
            raise MoneyError("the amount is larger than anything Amends handles")
        if self.currency not in EXPONENTS:
            exponent(self.currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def __str__(self) -> str:
        return f"{self.text} {self.currency}"

    @property
    def text(self) -> str:
        """In major units, with every digit the currency has: `12.50`, `500`, `1.250`."""
        digits = exponent(self.currency)
        sign, units = ("-", -self.minor) if self.minor < 0 else ("", self.minor)
        if digits == 0:
            return f"{sign}{units}"
        whole, part = divmod(units, 10**digits)
        return f"{sign}{whole}.{part:0{digits}d}"

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(0, currency)

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(
                f"{self.currency} and {other.currency} cannot be added or compared"
            )
        return other.minor


def parse_money(text: object, currency: str) -> Money:
    """Read an amount in major units, as hosts, people and policies write it.

    ASCII digits, at most twelve, then at most as many decimals as the currency has. Trailing zeros
    beyond those decimals are allowed ("15.0", "15.0000"), other digits are not (JPY "10.5").
    Raises `MoneyError`.
    """
    return Money(minor_parser(currency)(text), currency)


@cache
def minor_parser(currency: str) -> Callable[[object], int]:
    """What `parse_money` reads in one currency, as minor units: for who reads very many."""
    digits = exponent(currency)

    def parse(text: object) -> int:
        match = _AMOUNT.fullmatch(text) if isinstance(text, str) and len(text) <= 17 else None
        if match is None:
            shown = text[:24] if isinstance(text, str) else type(text).__name__
            raise MoneyError(f"{shown!r} is not an amount; write plain digits such as 12.50")
        whole, part = match.groups("")
        if len(part) != digits:
            if part[digits:].strip("0"):
                raise MoneyError(f"{text!r} has more decimals than {currency} has ({digits})")
            part = part[:digits].ljust(digits, "0")
        return int(whole + part)

    return parse


def round_money(
    major: Fraction, currency: str, *, quantum_minor: int = 1, rounding: Rounding = "half_up"
) -> Money:
    """Round an exact amount in major units to a multiple of `quantum_minor` minor units."""
    units = major * 10 ** exponent(currency) / quantum_minor
    return Money(_ROUND[rounding](units) * quantum_minor, currency)


def _half_up(value: Fraction) -> int:
    """Halves away from zero."""
    doubled = 2 * abs(value.numerator) + value.denominator
    units = doubled // (2 * value.denominator)
    return units if value >= 0 else -units


def _up(value: Fraction) -> int:
    """Away from zero."""
    units = -(-abs(value.numerator) // value.denominator)
    return units if value >= 0 else -units


def _down(value: Fraction) -> int:
    """Towards zero."""
    units = abs(value.numerator) // value.denominator
    return units if value >= 0 else -units


_ROUND: dict[Rounding, Callable[[Fraction], int]] = {
    "half_up": _half_up,
    "half_even": round,
    "up": _up,
    "down": _down,
}
