"""How limits measure: the workspace's own days, and every sum in a currency that is counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from core import fx
from core.authority.bounds import Binds, Bound
from core.authority.rows import Reservation
from core.limits import Limits
from core.money import Money
from core.offer import Offer, Part, parts_of
from core.people import Workspace
from core.ports import Order
from core.store import Reader

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Calendar:
    """Now, in the workspace's own days, weeks and months."""

    now: datetime
    zone: ZoneInfo
    first_weekday: int

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def start(self, window: str) -> date:
        """The first day of the day, week or month that it is."""
        today = self.today
        if window == "week":
            return today - timedelta(days=(today.weekday() - self.first_weekday) % 7)
        return today.replace(day=1) if window == "month" else today

    def instant(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def calendar_of(reader: Reader, now: datetime) -> Calendar:
    row = reader.get(Workspace, "workspace")
    return Calendar(now, ZoneInfo(row.zone if row else "UTC"), row.first_weekday if row else 0)


@dataclass(slots=True)
class Scale:
    """Measures for one document of limits, now. `rates` are those it has used."""

    reader: Reader
    limits: Limits
    calendar: Calendar
    rates: dict[str, str] = field(default_factory=dict)

    def totals(self, given: Iterable[Money], caps: Mapping[str, int]) -> dict[str, int]:
        """Sums by the currency they count in."""
        found: dict[str, int] = {}
        for amount in given:
            code = self.code(amount, caps)
            found[code] = found.get(code, 0) + self.counted(amount, code)
        return found

    def given(self, row: Reservation) -> Money:
        """What was given before counts as. What had no known worth then has the one it has now; so
        long as there is none, nothing that it counts beside can be counted."""
        if row.amount is not None:
            return row.amount
        offers = [parts_of(offer) for offer in self.reader.find(Offer, case_id=row.case_id)]
        here = [parts[row.position] for parts in offers if row.position < len(parts)]
        worths = [worth(part, None, self.limits) for part in here if part.remedy == row.remedy]
        known = [one for one in worths if one is not None]
        if not known:
            raise Binds(Bound(name="worth", what=row.remedy))
        return max(known, key=lambda one: one.minor)

    def code(self, value: Money, caps: Mapping[str, int]) -> str:
        return value.currency if value.currency in caps else self.limits.currency

    def counted(self, value: Money, code: str) -> int:
        try:
            found = fx.convert(
                self.reader, value, code, today=self.calendar.today, lasts=self.limits.rates_last
            )
        except fx.NoRate as error:
            raise Binds(Bound(name="rate", what=f"{error.source}/{error.target}")) from None
        if found.rate is not None:
            self.rates[f"{value.currency}/{code}"] = f"{found.rate} of {found.day}"
        return found.minor


def worth(part: Part, order: Order | None, limits: Limits | None) -> Money | None:
    """What a remedy counts as. A replacement is worth what the order came to, or was paid for it if
    that is more: the most it can be. Points and days are worth what the limits say."""
    if part.amount is not None:
        return part.amount
    if part.remedy == "replacement":
        return max(order.total, order.paid, key=lambda one: one.minor) if order else None
    each = limits.worth.get(part.remedy) if limits else None
    if limits is None or each is None or part.quantity is None:
        return None
    exact: Fraction = each * part.quantity
    return Money(-(-exact.numerator // exact.denominator), limits.currency)


def since(reader: Reader, start: datetime, **equals: object) -> Iterator[Reservation]:
    """Reservations from `start` on that count, newest first: as far back as needed and no more."""
    after = None
    while True:
        page = reader.find(Reservation, newest_first=True, after=after, limit=_PAGE, **equals)
        for row in page:
            if row.reserved_at < start:
                return
            if row.state != "released":
                yield row
        if len(page) < _PAGE:
            return
        after = page[-1].id
