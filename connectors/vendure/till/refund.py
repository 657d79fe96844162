"""A refund of one payment of an order.

`refundOrder` calls the payment method's handler and writes the refund down afterwards, in the same
request. So the marker in `reason` is there as soon as the request is over, and not before: a shop
that dies between the two leaves a refund at the gateway that nobody can find here. And the write
fails (NOT NULL, after the gateway paid) where `shipping` and its companions are left out, though
the schema calls them optional and deprecated: they are always sent.
https://github.com/vendure-ecommerce/vendure, payment.service.ts, createRefund

A handler without a gateway leaves its refunds Pending until somebody says that they were paid.
For the payment methods an admin names, that somebody is us. For all others Pending is what it
says: the gateway has not finished, and marking the refund would be a lie.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from connectors.vendure.client import Admin, Node, Refused
from connectors.vendure.shapes import (
    ORDER,
    PRECISION,
    REFUND,
    Units,
    instant,
    left,
    many,
    marked,
    payments,
    taxes,
    text,
    whole,
)
from connectors.vendure.till.purchases import Books
from connectors.vendure.till.remedy import asked
from core.money import Money
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    HostRecord,
    HostUnclear,
    Instruction,
    NotSent,
    Pending,
    Quote,
    Receipt,
    Settings,
    Settled,
    Unknown,
    Unpayable,
)

#: An order's `updatedAt` does not change when it is refunded, and refunds have no list: the sweep
#: looks through the orders of so long.
ORDERS_OF = timedelta(days=180)
_PAGES_MAX = 100

_MAKE = f"""mutation($input: RefundOrderInput!) {{ refundOrder(input: $input) {{ __typename
  ... on Refund {{ {REFUND} }} ... on ErrorResult {{ errorCode message }} }} }}"""
_SETTLE = f"""mutation($input: SettleRefundInput!) {{ settleRefund(input: $input) {{ __typename
  ... on Refund {{ {REFUND} }} ... on ErrorResult {{ errorCode message }} }} }}"""
_SINCE = f"""query($options: OrderListOptions) {{
  orders(options: $options) {{ items {{ {ORDER} }} }} {PRECISION} }}"""
_ENDINGS = {"Settled": "settled", "Pending": "pending", "Failed": "failed"}


class Refund:
    def __init__(self, admin: Admin, books: Books, settings: Settings) -> None:
        self._admin = admin
        self._books = books
        self._settings = settings

    def thing(self, instruction: Instruction) -> str:
        return f"order {instruction.order_id}"

    def quote(self, instruction: Instruction) -> Quote:
        """What the payment with the most left can bear: one refund is of one payment."""
        wanted = asked(instruction)
        raw, units = self._books.raw(instruction.order_id)
        currency = text(raw, "currencyCode")
        if currency != wanted.currency:
            raise Unpayable(f"the order was paid in {currency}; it cannot be refunded else")
        limit = units.money(max(map(left, payments(raw)), default=0), currency)
        minor = min(wanted, limit).minor
        payable = Money(minor - minor % units.step_minor(currency), currency)
        return Quote(payable=payable, limit=limit)

    def find(self, instruction: Instruction) -> Finding:
        """By id, else by the marker, among all refunds of the order. One of ours that a died
        process left unsettled is settled: no money moves by that."""
        raw, units = self._books.raw(instruction.order_id)
        wanted = units.units(asked(instruction))
        known = instruction.host_object
        # Also of payments that are no longer settled: their refunds happened.
        there = [(one, paid) for paid in _paid(raw) for one in many(paid, "refunds")]
        found = [
            (one, paid)
            for one, paid in there
            if (text(one, "id") == known if known else _is(instruction, one))
        ]
        if len(found) > 1:
            return Unknown("two refunds carry this payout's marker: look at the order now")
        if not found:
            return Absent()
        ending = self._finished(found[0][0], text(found[0][1], "method"), wanted, instruction)
        if isinstance(ending, Settled):
            ending = Settled(replace(ending.receipt, taxes=taxes(raw, units)))
        return ending

    def send(self, instruction: Instruction) -> Ending:
        raw, units = self._books.raw(instruction.order_id)
        wanted = units.units(asked(instruction))
        payment = max(payments(raw), key=left, default=None)
        if text(raw, "currencyCode") != asked(instruction).currency:
            raise Unpayable("the order was paid in another currency")
        if payment is None:
            raise Unpayable("nothing was paid for this order that could be given back")
        answer = self._admin.write(
            _MAKE, "refundOrder", "Refund", input=body(instruction, text(payment, "id"), wanted)
        )
        match answer:
            case NotSent() | Unknown():
                return answer
            case Refused(code, message):
                return Declined(code, f"Vendure says: {message}")
        try:
            if not _is(instruction, answer):
                return Unknown("Vendure answered with a refund that does not carry our marker")
            return self._finished(answer, text(payment, "method"), wanted, instruction)
        except HostUnclear as error:
            return Unknown(str(error))

    def recent(self, since: datetime) -> Iterator[HostRecord]:
        after = (since - ORDERS_OF).isoformat()
        options = {"filter": {"orderPlacedAt": {"after": after}}, "sort": {"id": "ASC"}}
        for raw, data in self._admin.listed(_SINCE, "orders", options, pages_max=_PAGES_MAX):
            units = Units.of(data)
            for payment in _paid(raw):
                for one in many(payment, "refunds"):
                    if instant(one, "createdAt") >= since.replace(microsecond=0):
                        yield _record(one, raw, units)

    # ---------------------------------------------------------------------------------- innards

    def _finished(
        self, refund: Node, method: str, wanted: int, instruction: Instruction
    ) -> Settled | Pending | Declined | Unknown:
        ending = judged(refund, wanted, instruction)
        if not isinstance(ending, Pending) or method not in self._by_hand():
            return ending
        reference = refund.get("transactionId") or instruction.payout_id
        answer = self._admin.write(
            _SETTLE,
            "settleRefund",
            "Refund",
            input={"id": text(refund, "id"), "transactionId": reference},
        )
        match answer:
            case Refused() | NotSent() | Unknown():
                return ending  # the refund itself is there; asking again finishes it
        return judged(answer, wanted, instruction)

    def _by_hand(self) -> set[str]:
        named = (self._settings.get("settle_methods") or "").split(",")
        return {name.strip() for name in named if name.strip()}


def body(instruction: Instruction, payment_id: str, units: int) -> dict[str, object]:
    return {
        "paymentId": payment_id,
        "amount": units,
        "reason": f"{instruction.text} {instruction.marker}".strip(),
        "lines": [],
        "shipping": 0,
        "adjustment": 0,
    }


def judged(
    refund: Node, wanted: int, instruction: Instruction
) -> Settled | Pending | Declined | Unknown:
    """Settled only for exactly what was asked."""
    state, total = text(refund, "state"), whole(refund, "total")
    if not _is(instruction, refund):
        return Unknown("Vendure shows a refund that does not carry our marker")
    if total != wanted:
        return Unknown(f"Vendure shows a refund of {total} of its units, not {wanted}")
    receipt = Receipt(
        host_object=text(refund, "id"),
        amount=instruction.amount,
        order_id=instruction.order_id,
        at=instant(refund, "createdAt"),
    )
    match state:
        case "Settled":
            return Settled(receipt)
        case "Pending":
            return Pending(receipt)
        case "Failed":
            return Declined("failed", "the shop's payment gateway did not make the refund")
    return Unknown(f"Vendure shows the refund in a state of its own: {state[:40]}")


def _is(instruction: Instruction, refund: Node) -> bool:
    return marked(refund.get("reason")) == instruction.payout_id


def _paid(raw: Node) -> list[Node]:
    return many(raw, "payments") if raw.get("payments") is not None else []


def _record(refund: Node, raw: Node, units: Units) -> HostRecord:
    ours = marked(refund.get("reason"))
    return HostRecord(
        host_object=text(refund, "id"),
        remedy="refund",
        amount=units.money(whole(refund, "total"), text(raw, "currencyCode"), "up"),
        order_id=text(raw, "id"),
        marker=f"[amends:{ours}]" if ours else None,
        ending=_ENDINGS.get(text(refund, "state"), "pending"),
        at=instant(refund, "createdAt"),
    )
