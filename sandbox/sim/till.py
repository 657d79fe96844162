"""A till as its connector shows it: `core.ports.Till` over a line and the till's books."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from core.money import Money
from core.ports import (
    Absent,
    Buyer,
    Declined,
    Ending,
    Finding,
    HostNotFound,
    HostRecord,
    Instruction,
    NotSent,
    Order,
    Pays,
    Pending,
    Purchases,
    Quote,
    Receipt,
    Remedy,
    Settled,
    Spec,
    Unknown,
    Who,
)
from sandbox.sim.books import KEY_LIFE, VISIBILITY, Books, Moved, Muddled, Refused
from sandbox.sim.line import WITHIN, Line, Lost, Unreached


def spec_of(name: str, retry: str) -> Spec:
    """What a till of this kind says of itself."""
    pays: dict[Remedy, Pays] = {}
    for remedy in REMEDIES[retry]:
        if retry == "key":
            pays[remedy] = Pays(retry="key", key_life=timedelta(seconds=KEY_LIFE - 4 * 3_600))
        elif retry == "find":
            pays[remedy] = Pays(retry="find", visibility=timedelta(seconds=VISIBILITY))
        else:
            pays[remedy] = Pays(retry="none")
    return Spec(
        name=name, title=name, pays=pays, hears=("RefundRecorded",),
        calls_within=timedelta(seconds=WITHIN),
    )  # fmt: skip


REMEDIES: Mapping[str, tuple[Remedy, ...]] = {
    "key": ("refund", "store_credit", "coupon"),
    "find": ("refund", "store_credit", "coupon"),
    "none": ("refund", "store_credit", "coupon"),
}


class SimTill:
    """`buyers`: e-mail -> buyer and the ids of their orders."""

    def __init__(
        self, books: Books, line: Line, buyers: Mapping[str, tuple[Buyer, tuple[str, ...]]]
    ) -> None:
        self._books, self._line, self._buyers = books, line, buyers

    # ------------------------------------------------------------------------------- reads

    def purchases(self, who: Who) -> Purchases:
        self._line.read()
        found = self._buyers.get(who.email or "")
        if found is None:
            return Purchases(buyers=(), orders=())
        buyer, ids = found
        return Purchases(buyers=(buyer,), orders=tuple(self._order(id) for id in ids))

    def order(self, order_id: str) -> Order:
        self._line.read()
        if order_id not in self._books.orders:
            raise HostNotFound("no such order")
        return self._order(order_id)

    def _order(self, order_id: str) -> Order:
        book = self._books.orders[order_id]
        if not book.taken:
            return book.order
        currency = book.order.paid.currency
        return replace(
            book.order,
            refunded=Money(book.taken, currency),
            refundable=Money(self._books.left(order_id), currency),
        )

    def quote(self, instruction: Instruction) -> Quote:
        self._line.read()
        assert instruction.amount is not None
        if instruction.remedy != "refund" or instruction.order_id is None:
            return Quote(payable=instruction.amount)
        left = Money(self._books.left(instruction.order_id), instruction.amount.currency)
        return Quote(payable=min(instruction.amount, left), limit=left)

    # ------------------------------------------------------------------------------- money

    def pay(self, instruction: Instruction) -> Ending:
        started = self._line.time.true
        if self._looks_first(instruction):
            found = self.find(replace(instruction, host_object=None))
            if isinstance(found, Unknown):
                return NotSent(found.why)
            if not isinstance(found, Absent):
                return found
        try:
            moved = self._line.write(lambda: self._carried_out(instruction), started)
        except Unreached as error:
            return NotSent(error.why, error.retry_after)
        except Lost as error:
            return Unknown(str(error))
        if isinstance(moved, Refused):
            return Declined(moved.code, "the till says no")
        if isinstance(moved, Muddled):
            return Unknown("the till says 500")
        return _ending(moved)

    def _looks_first(self, instruction: Instruction) -> bool:
        """Without a key that is surely remembered, what is there already is looked for."""
        retry = self._books.retry
        if retry == "key" and instruction.first_sent_at is not None:
            age = (self._line.time.now() - instruction.first_sent_at).total_seconds()
            return age >= KEY_LIFE / 2
        return retry == "find"

    def _carried_out(self, instruction: Instruction) -> Moved | Refused | Muddled:
        """A no is an answer as well, so that it may be lost like any other."""
        try:
            return self._books.carry_out(instruction)
        except (Refused, Muddled) as no:
            return no

    def find(self, instruction: Instruction) -> Finding:
        try:
            self._line.read()
        except Exception as error:
            return Unknown(str(error))
        if instruction.host_object is not None:
            one = self._books.of_id(instruction.host_object)
            return Absent() if one is None else _ending(one)
        if self._books.retry == "none":
            return Absent()
        found = self._books.marked(instruction.marker)
        if len(found) > 1:
            return Unknown("several carry this marker")
        return _ending(found[0]) if found else Absent()

    def reverse(self, instruction: Instruction) -> Ending:
        return Declined("irreversible", "this till takes nothing back")

    def recent(self, since: datetime) -> Iterable[HostRecord]:
        self._line.read()
        start = self._line.time.true_of(since)
        return [self._record(m) for m in self._books.moved.values() if m.at >= start]

    def _record(self, moved: Moved) -> HostRecord:
        return HostRecord(
            host_object=moved.id,
            remedy=moved.remedy,  # type: ignore[arg-type]  # as instructed, or a refund by hand
            amount=moved.amount,
            order_id=moved.order_id,
            marker=None if self._books.retry == "none" else moved.marker,
            ending=moved.state,
            at=self._line.time.now() - timedelta(seconds=self._line.time.true - moved.at),
        )


def _ending(moved: Moved) -> Settled | Pending | Declined:
    receipt = Receipt(host_object=moved.id, amount=moved.amount, order_id=moved.order_id)
    if moved.state == "settled":
        return Settled(receipt)
    if moved.state == "pending":
        return Pending(receipt)
    return Declined("failed", "it failed at the till in the end")
