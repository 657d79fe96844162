"""How much of which limit a wish would take: pure counting, nothing is locked or written here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.authority.bounds import Binds, Bound, Wish
from core.authority.rows import Reservation
from core.authority.scale import Calendar, Scale, since, worth
from core.connection import HostPayout
from core.limits import POLICY, WINDOWS, Cap, Limits, Window
from core.money import Money
from core.people import Person
from core.store import Reader


@dataclass(frozen=True, slots=True)
class Charge:
    """What a wish adds to one limit, part by part, and how much that limit allows.

    `counter` is the id of the row it is counted in; None: `so_far` was summed from other rows.
    `currency` None: it counts payouts.
    """

    name: str
    amounts: tuple[int, ...]
    most: int
    currency: str | None
    counter: str | None = None
    so_far: int = 0
    lifts: bool = False
    what: str | None = None
    seed: Seed | None = None

    def bound(self, so_far: int) -> Bound | None:
        if so_far + sum(self.amounts) <= self.most:
            return None
        left = max(0, self.most - so_far)
        if self.currency is None:
            return Bound(
                name=self.name, lifts=self.lifts, limit=self.most, left=left, what=self.what
            )
        return Bound(
            name=self.name,
            lifts=self.lifts,
            limit=Money(self.most, self.currency),
            left=Money(left, self.currency),
            what=self.what,
        )


@dataclass(frozen=True, slots=True)
class Seed:
    """Where a new counter begins: at what its bearer gave since `since`, for `reason` if one."""

    bearer: str
    since: datetime
    reason: str | None
    cap: Cap


@dataclass(slots=True)
class Counting:
    """One wish against one document of limits. Raises `Binds` for what cannot be counted."""

    scale: Scale
    wish: Wish
    requester: Person | None

    @property
    def limits(self) -> Limits:
        return self.scale.limits

    @property
    def calendar(self) -> Calendar:
        return self.scale.calendar

    @property
    def reader(self) -> Reader:
        return self.scale.reader

    @property
    def till(self) -> str:
        """Where the order is; a remedy may be paid elsewhere."""
        return self.wish.case.till_id or self.wish.parts[0].till_id

    def values(self) -> list[Money | None]:
        """What each part counts as."""
        wish, found = self.wish, []
        for position, part in zip(wish.positions, wish.parts, strict=True):
            value = worth(part, wish.order, self.limits)
            found.append(wish.counted_as.get(position) if value is None else value)
        return found

    # ----------------------------------------------------------- what nobody's yes can lift

    def hard(self, own: Sequence[Reservation]) -> Iterator[Charge]:
        """The breaker holds everything; the rest holds goodwill only, as what is owed is never cut.
        own: reservations of this case, which this one takes the place of."""
        for window, cap in self.limits.breaker.items():
            key = None if window == "transaction" else f"breaker|{window}|{self._start(window)}"
            yield from self._charges("breaker", cap, key)
        if self.wish.basis == "owed":
            return
        mine = {row.id for row in own}
        yield from self._budgets()
        yield from self._customer(mine)
        yield from self._order(mine)

    def _budgets(self) -> Iterator[Charge]:
        case = self.wish.case
        for budget in self.limits.budgets:
            if budget.bears(
                reason=case.reason,
                policy=case.policy,
                person=self.requester,
                day=self.calendar.today,
            ):
                period = self._start(budget.every) if budget.every else "once"
                key = f"budget|{budget.name}|{period}"
                yield from self._charges("budget", budget.cap, key, what=budget.name)

    def _customer(self, mine: set[str]) -> Iterator[Charge]:
        if not self.limits.customer:
            return
        longest = max(one.days for one in self.limits.customer)
        earliest = self.calendar.now - timedelta(days=longest)
        given: list[tuple[datetime, Reservation | Money]] = [
            (row.reserved_at, row)
            for customer_id in self.wish.customers
            for row in since(self.reader, earliest, customer_id=customer_id)
            if row.id not in mine and row.basis != "owed"
        ]
        given += [(seen.seen_at, _sum(seen)) for seen in self._by_hand()]
        for one in self.limits.customer:
            start = self.calendar.now - timedelta(days=one.days)
            within = [one for at, one in given if at >= start]
            yield from self._charges("customer", one.cap, None, within=within)

    def _order(self, mine: set[str]) -> Iterator[Charge]:
        """Over all remedies, and over what was refunded at the host without us: whichever shows
        more, the order's own sum or the refunds we were told of."""
        order, share = self.wish.order, self.limits.order
        if order is None or share is None:
            return
        till = self.till
        currency = order.paid.currency
        ours = refunds = 0
        for row in self.reader.find(Reservation, till_id=till, order_id=order.id):
            if row.state == "released" or row.id in mine:
                continue
            counted = self.scale.counted(self.scale.given(row), currency)
            ours += counted
            if row.remedy == "refund" and row.state == "used":
                refunds += counted
        told = sum(
            self.scale.counted(_sum(seen), currency) for seen in self._of_order(till, order.id)
        )
        by_hand = max(order.refunded.minor - refunds, told, 0)
        most = order.paid.minor * share
        amounts = tuple(self.scale.counted(value, currency) for value in self._known())
        yield Charge(
            "order", amounts, most.numerator // most.denominator, currency, so_far=ours + by_hand
        )

    def _by_hand(self) -> Iterator[HostPayout]:
        """Refunds made at the host without us, on any order of these customers."""
        orders: set[tuple[str, str]] = set()
        if self.wish.order is not None:
            orders.add((self.till, self.wish.order.id))
        for customer_id in self.wish.customers:
            for row in self.reader.find(Reservation, customer_id=customer_id):
                if row.order_id is not None:
                    orders.add((row.till_id, row.order_id))
        for till, order in sorted(orders):
            yield from self._of_order(till, order)

    def _of_order(self, till: str, order: str) -> Iterator[HostPayout]:
        for seen in self.reader.find(HostPayout, order_id=order):
            drift = seen.payout_id is None and seen.ending != "failed"
            if seen.connection_id == till and drift and seen.currency is not None:
                yield seen

    # ----------------------------------------------------------- what somebody else may lift

    def personal(self, bearer: Person | None) -> Iterator[Charge]:
        """Of whoever gives it: a person, or (None) the policy by itself."""
        grant = self.limits.grant_of(bearer)
        if grant is None:
            raise Binds(Bound(name="no_authority", lifts=True))
        whose = bearer.id if bearer else POLICY
        yield from self._granted(grant.windows, whose, None)
        reason = self.wish.case.reason
        if reason is not None and reason in grant.reasons:
            yield from self._granted(grant.reasons[reason], whose, reason)

    def _granted(
        self, windows: Mapping[Window, Cap], whose: str, reason: str | None
    ) -> Iterator[Charge]:
        for window in WINDOWS:
            if window not in windows:
                continue
            key, seed = None, None
            if window != "transaction":
                key = personal_key(self.calendar, whose, reason, window)
                seed = seed_of(self.calendar, whose, reason, window, windows[window])
            yield from self._charges(
                f"person_{window}", windows[window], key, what=reason, lifts=True, seed=seed
            )

    # ----------------------------------------------------------------------------- counting

    def _start(self, window: str) -> str:
        return self.calendar.start(window).isoformat()

    def _charges(
        self,
        name: str,
        cap: Cap,
        key: str | None,
        *,
        within: Sequence[Reservation | Money] = (),
        what: str | None = None,
        lifts: bool = False,
        seed: Seed | None = None,
    ) -> Iterator[Charge]:
        """A cap as charges: one for each currency it is counted in, and one for the number."""
        if cap.count is not None:
            yield Charge(
                name, (1,) * len(self.wish.parts), cap.count, None,
                f"{key}|count" if key else None, len(within), lifts, what, seed,
            )  # fmt: skip
        if cap.value is None:
            return
        values = self._known()
        before = [one if isinstance(one, Money) else self.scale.given(one) for one in within]
        so_far = self.scale.totals(before, cap.value)
        for code in sorted({self.scale.code(value, cap.value) for value in values}):
            amounts = tuple(
                self.scale.counted(value, code) if self.scale.code(value, cap.value) == code else 0
                for value in values
            )
            yield Charge(
                name, amounts, cap.value[code], code,
                f"{key}|{code}" if key else None, so_far.get(code, 0), lifts, what, seed,
            )  # fmt: skip

    def wished(self, caps: Mapping[str, int]) -> dict[str, int]:
        """What the wish comes to, by the currencies of these caps."""
        return self.scale.totals(self._known(), caps)

    def _known(self) -> list[Money]:
        found = []
        for part, value in zip(self.wish.parts, self.values(), strict=True):
            if value is None:
                raise Binds(Bound(name="worth", what=part.remedy))
            found.append(value)
        return found


def personal_key(calendar: Calendar, whose: str, reason: str | None, window: str) -> str:
    return f"{whose}|{reason or ''}|{window}|{calendar.start(window)}"


def seed_of(calendar: Calendar, whose: str, reason: str | None, window: str, cap: Cap) -> Seed:
    return Seed(whose, calendar.instant(calendar.start(window)), reason, cap)


def _sum(seen: HostPayout) -> Money:
    assert seen.currency is not None
    return Money(seen.amount_minor or 0, seen.currency)
