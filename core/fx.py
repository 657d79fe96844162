"""Exchange rates: imported, dated, and used for limits and reports only, never for what is paid.

A rate that is missing or too old is an error with its name: whoever asks pays nothing then.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import ClassVar

from core.errors import AmendsError
from core.money import EXPONENTS, UNPAYABLE, Money
from core.record import Record, Table
from core.store import Reader, Tx

_RATE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,12})?", re.ASCII)
_HEAD = ["date", "from", "to", "rate"]
_MOST_ROWS = 100_000


class RatesError(AmendsError):
    """A file of rates cannot be used; the message has the line. Nothing was imported."""


class NoRate(AmendsError):
    """There is no rate between two currencies that is young enough."""

    def __init__(self, source: str, target: str, why: str) -> None:
        super().__init__(
            f"{why} from {source} to {target}; import one with `amends limits rates FILE.csv`"
        )
        self.source, self.target = source, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate(Record):
    """One `source` is worth `value` (plain decimal text) of `target` on a day. Its id begins with
    the pair and ends with the day, so that the newest of a pair is the last."""

    TABLE: ClassVar[Table] = Table(name="rates", index=(("source", "target"),))

    source: str
    target: str
    day: date
    value: str
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class Converted:
    """`minor` of the currency asked for, rounded up, and the rate it was counted at."""

    minor: int
    rate: str | None = None
    day: date | None = None


def read_rates(text: str, *, today: date, now: datetime) -> list[Rate]:
    """A CSV file with the columns date, from, to, rate. Raises `RatesError`."""
    rows = _rows(text)
    if [cell.strip().lower() for cell in next(rows, [])] != _HEAD:
        raise RatesError("line 1: the columns are date,from,to,rate")
    found: list[Rate] = []
    for number, row in enumerate(rows, 2):
        if not row:
            continue
        if len(found) >= _MOST_ROWS:
            raise RatesError(f"more than {_MOST_ROWS} rates; split the file")
        found.append(_rate(row, number, today, now))
    if not found:
        raise RatesError("there is no rate below the first line")
    return found


def _rows(text: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(text), strict=True)
    except csv.Error as error:
        raise RatesError(f"this is no CSV file: {error}") from None


def _rate(row: list[str], number: int, today: date, now: datetime) -> Rate:
    if len(row) != len(_HEAD):
        raise RatesError(f"line {number}: a rate has four columns, date,from,to,rate")
    day, source, target, value = (cell.strip() for cell in row)
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise RatesError(f"line {number}: write the date as 2026-03-01") from None
    if on > today + timedelta(days=1):
        raise RatesError(f"line {number}: {on} has not come yet")
    for code in (source, target):
        if code not in EXPONENTS or code in UNPAYABLE:
            raise RatesError(f"line {number}: {code[:12]!r} is not a currency that can be paid")
    if source == target or not _RATE.fullmatch(value) or not Fraction(value):
        raise RatesError(f"line {number}: write what one {source} is worth in another currency")
    return Rate(
        id=f"rate_{source}_{target}_{on.isoformat()}",
        source=source,
        target=target,
        day=on,
        value=value,
        imported_at=now,
    )


def keep(tx: Tx, rates: Iterable[Rate]) -> int:
    """Store rates; one of the same pair and day is replaced. Answers how many."""
    count = 0
    for rate in {rate.id: rate for rate in rates}.values():
        if tx.lock(Rate, rate.id) is None:
            tx.add(rate)
        else:
            tx.put(rate)
        count += 1
    return count


def convert(reader: Reader, amount: Money, to: str, *, today: date, lasts: timedelta) -> Converted:
    """An amount in another currency, for a limit: rounded up to a whole minor unit.

    The pair's newest rate counts, in either direction. Raises `NoRate`.
    """
    if amount.currency == to:
        return Converted(amount.minor)
    rate, exact = _newest(reader, amount.currency, to)
    if today - rate.day > lasts:
        raise NoRate(amount.currency, to, f"the newest rate is of {rate.day}, which is too old,")
    if rate.day - today > timedelta(days=1):
        raise NoRate(amount.currency, to, f"the newest rate is of {rate.day}, still to come,")
    shift = Fraction(10) ** (EXPONENTS[to] - EXPONENTS[amount.currency])
    units = amount.minor * exact * shift
    return Converted(-(-units.numerator // units.denominator), rate.value, rate.day)


def _newest(reader: Reader, source: str, target: str) -> tuple[Rate, Fraction]:
    direct = reader.find(Rate, source=source, target=target, newest_first=True, limit=1)
    inverse = reader.find(Rate, source=target, target=source, newest_first=True, limit=1)
    found = [(rate, Fraction(rate.value)) for rate in direct]
    found += [(rate, 1 / Fraction(rate.value)) for rate in inverse]
    if not found:
        raise NoRate(source, target, "there is no exchange rate")
    return max(found, key=lambda one: one[0].day)
