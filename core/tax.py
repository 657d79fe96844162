"""The tax contained in what was paid, by line of the order and by rate.

It is told beside what is booked and moves nothing: whether giving money back lowers the tax that
the seller owes (a lower price does, damages need not) is for finance to say, by basis and cause.
What cannot be read, or does not add up, is not known; it never becomes zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.money import Money
from core.ports import Receipt, Taxed, Taxes

_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A line's part of the sum: together `net_minor` and `tax_minor` are what falls to it."""

    line: str
    rate: str | None
    net_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A sum divided among lines, by rate and then by id. `told`: as the host's own document of the
    refund divides it; else reckoned from the order it was made from."""

    currency: str
    told: bool
    shares: tuple[Share, ...]

    def by_rate(self) -> list[tuple[str | None, int, int]]:
        """Rate, net and tax, in minor units."""
        rates = dict.fromkeys(share.rate for share in self.shares)
        return [
            (
                rate,
                sum(share.net_minor for share in self.shares if share.rate == rate),
                sum(share.tax_minor for share in self.shares if share.rate == rate),
            )
            for rate in rates
        ]

    def doc(self) -> dict[str, object]:
        lines = [
            {
                "line": share.line,
                "rate": share.rate,
                "net_minor": share.net_minor,
                "tax_minor": share.tax_minor,
            }
            for share in self.shares
        ]
        return {"told": self.told, "lines": lines}


def contained(remedy: str, receipt: Receipt) -> Split | None:
    """What a settled payout contains, as its host told it. None: not known.

    Of credit, cards and coupons only a document of the host itself says tax: at which rate they
    will be spent, if at all, is not known when they are given.
    """
    taxes = receipt.taxes
    if taxes is None or receipt.amount is None or not (taxes.told or remedy == "refund"):
        return None
    return divided(receipt.amount, taxes)


def divided(amount: Money, taxes: Taxes) -> Split | None:
    """Divide `amount` in proportion to what was paid for each line. First net and tax of each rate
    are rounded, so that they are right to the unit, and then divided among the rate's lines."""
    if amount.minor <= 0 or not _adds_up(amount, taxes):
        return None
    lines = sorted(taxes.lines, key=lambda line: (_order(line.rate), line.line))
    rates = [
        [line for line in lines if line.rate == rate]
        for rate in dict.fromkeys(line.rate for line in lines)
    ]
    weights = [
        weight for group in rates for weight in (sum(map(_net, group)), sum(map(_tax, group)))
    ]
    parts = shared(amount.minor, weights)
    shares: list[Share] = []
    for group, net, tax in zip(rates, parts[::2], parts[1::2], strict=True):
        nets, taxed = shared(net, list(map(_net, group))), shared(tax, list(map(_tax, group)))
        shares += [
            Share(line=line.line, rate=line.rate, net_minor=own_net, tax_minor=own_tax)
            for line, own_net, own_tax in zip(group, nets, taxed, strict=True)
        ]
    return Split(currency=amount.currency, told=taxes.told, shares=tuple(shares))


def shared(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in whole units by weight, largest remainders first and of equal ones the earlier:
    the parts add up to it, and each is less than one unit from its exact share."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    rest = total - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda at: -(total * weights[at] % whole))
    for at in by_remainder[:rest]:
        parts[at] += 1
    return parts


def rate_of(percents: Iterable[object]) -> str | None:
    """The rate of a line in percent, as text: those of several taxes added. None where one of them
    cannot be read."""
    total = Decimal(0)
    for percent in percents:
        found = str(percent) if isinstance(percent, str | int) else ""
        if _PERCENT.fullmatch(found) is None:
            return None
        total += Decimal(found)
    return f"{total.normalize():f}"


def _adds_up(amount: Money, taxes: Taxes) -> bool:
    """Whether the lines are all of what they are to stand for. An order's may miss its total by a
    unit each, for hosts round where they like. Where no line has tax, the host may as well not
    reckon tax at all, so that says nothing."""
    lines, whole = taxes.lines, taxes.whole
    sums = [whole, *(line.gross for line in lines), *(line.tax for line in lines)]
    currencies = {one.currency for one in sums}
    if currencies != {amount.currency} or not any(line.tax.minor for line in lines):
        return False
    if any(not 0 <= line.tax.minor <= line.gross.minor for line in lines):
        return False
    missed = abs(sum(line.gross.minor for line in lines) - whole.minor)
    return missed == 0 and whole == amount if taxes.told else missed <= len(lines)


def _net(line: Taxed) -> int:
    return line.gross.minor - line.tax.minor


def _tax(line: Taxed) -> int:
    return line.tax.minor


def _order(rate: str | None) -> tuple[bool, Decimal]:
    return rate is None, Decimal(rate or 0)
