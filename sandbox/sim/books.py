"""A till's own books: what really moved, written by nobody but the till itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from core.money import Money
from core.ports import Instruction, Order
from sandbox.sim.clock import Time
from sandbox.sim.weather import Weather

#: Seconds a till with keys remembers them.
KEY_LIFE = 24 * 3_600.0
#: Seconds for which something may stay invisible, where a till states no more than this.
VISIBILITY = 5.0
#: A till with keys states nothing of the kind, and may show things late all the same.
_LATE_SHOW = 300.0


class Refused(Exception):
    """The till's own no; `code` is its word for it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Muddled(Exception):
    """The till's no, dressed up as a fault of its own."""


@dataclass(slots=True)
class Moved:
    """One thing the till did. `instruction` is None where somebody did it by hand."""

    id: str
    order_id: str
    remedy: str
    amount: Money
    at: float
    visible_at: float
    state: Literal["settled", "pending", "failed"]
    instruction: Instruction | None

    @property
    def marker(self) -> str | None:
        return self.instruction.marker if self.instruction else None


@dataclass(slots=True)
class OrderBook:
    order: Order
    taken: int = 0
    moved: list[Moved] = field(default_factory=list)


@dataclass(slots=True)
class _Key:
    at: float
    asked: tuple[object, ...]
    moved: Moved


class Books:
    """`retry`: what the till offers against paying twice. `tell` is called with whatever moved or
    ended; `later` with a true second and what the till does then."""

    def __init__(
        self,
        name: str,
        retry: Literal["key", "find", "none"],
        time: Time,
        weather: Weather,
        tell: Callable[[Moved], None],
        later: Callable[[float, Callable[[], object]], None],
    ) -> None:
        self.name, self.retry = name, retry
        self.orders: dict[str, OrderBook] = {}
        self.moved: dict[str, Moved] = {}
        self._time, self._weather, self._tell, self._later = time, weather, tell, later
        self._keys: dict[str, _Key] = {}
        self._marked: dict[str, list[Moved]] = {}

    def left(self, order_id: str) -> int:
        book = self.orders[order_id]
        return book.order.paid.minor - book.taken

    def carry_out(self, asked: Instruction) -> Moved:
        """What the till does when a request reaches it. Raises `Refused` or `Muddled`."""
        assert asked.amount is not None
        assert asked.order_id is not None
        what = (asked.remedy, asked.amount, asked.order_id, asked.buyer_id, asked.code)
        if self.retry == "key":
            known = self._keys.get(asked.key)
            if known is not None and self._time.true < known.at + KEY_LIFE:
                if known.asked != what:
                    raise Refused("key_of_another_request")
                return known.moved
        if asked.remedy == "refund" and asked.amount.minor > self.left(asked.order_id):
            raise Refused("not_refundable")
        if self._weather.strikes("refusal_500"):
            raise Muddled
        amount = asked.amount
        if amount.minor > 1 and self._weather.strikes("partial"):
            amount = Money(amount.minor - 1, amount.currency)
        moved = self._move(asked.order_id, asked.remedy, amount, asked)
        if self.retry == "key":
            self._keys[asked.key] = _Key(self._time.true, what, moved)
        self._marked.setdefault(asked.marker, []).append(moved)
        return moved

    def by_hand(self, order_id: str) -> None:
        """Somebody at the till gives some of it back."""
        some = self.left(order_id) // 4
        if some:
            currency = self.orders[order_id].order.paid.currency
            self._move(order_id, "refund", Money(some, currency), None)

    def marked(self, marker: str) -> list[Moved]:
        """What carries this marker and can be seen by now."""
        return [m for m in self._marked.get(marker, ()) if m.visible_at <= self._time.true]

    def of_id(self, id: str) -> Moved | None:
        moved = self.moved.get(id)
        return moved if moved is not None and moved.visible_at <= self._time.true else None

    def _move(self, order_id: str, remedy: str, amount: Money, asked: Instruction | None) -> Moved:
        now, chance = self._time.true, self._weather.chance
        lag = 0.0
        if self._weather.strikes("lag"):
            lag = chance.random() * (_LATE_SHOW if self.retry == "key" else VISIBILITY)
        pending = asked is not None and self._weather.strikes("pending")
        moved = Moved(
            id=f"{self.name}-{len(self.moved) + 1}",
            order_id=order_id,
            remedy=remedy,
            amount=amount,
            at=now,
            visible_at=now + lag,
            state="pending" if pending else "settled",
            instruction=asked,
        )
        self.moved[moved.id] = moved
        book = self.orders[order_id]
        book.moved.append(moved)
        if remedy == "refund":
            book.taken += amount.minor
        if pending:
            self._later(now + 60 + 7_200 * chance.random(), lambda: self._finish(moved))
        elif asked is not None and self._weather.strikes("fails_later"):
            self._later(now + 60 + 48 * 3_600 * chance.random(), lambda: self._fail(moved))
        self._tell(moved)
        return moved

    def _finish(self, moved: Moved) -> None:
        if self._weather.strikes("fails_later"):
            self._fail(moved)
        else:
            moved.state = "settled"
            self._tell(moved)

    def _fail(self, moved: Moved) -> None:
        moved.state = "failed"
        if moved.remedy == "refund":
            self.orders[moved.order_id].taken -= moved.amount.minor
        self._tell(moved)
