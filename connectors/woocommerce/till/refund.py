"""A refund of an order through its payment gateway.

`wc_create_refund` saves the refund with its amount and reason, then calls the gateway, and takes
the refund away again if the gateway refuses; metadata is written last. So the marker stands in
`reason`. A refund that stands there without `refunded_payment` is one whose gateway call nobody
knows the end of. https://github.com/woocommerce/woocommerce, wc-order-functions.php
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from connectors.woocommerce.client import Node, Refused, Shop, number
from connectors.woocommerce.shapes import instant, many, marked, money, step_minor, text, whole
from connectors.woocommerce.till import taxes
from connectors.woocommerce.till.purchases import Books
from connectors.woocommerce.till.remedy import asked
from core.money import Money
from core.ports import (
    LOOK_FIRST,
    Absent,
    Declined,
    Ending,
    Finding,
    HostError,
    HostNotFound,
    HostRecord,
    HostUnclear,
    Instruction,
    NotSent,
    Quote,
    Receipt,
    Settled,
    Unknown,
    Unpayable,
)

_PAGES_MAX = 10
_ORDER_PAGES_MAX = 50

#: What comes with 500 when the answer is a plain no.
_REFUSAL = "woocommerce_rest_cannot_create_order_refund"
_KNOWN = {
    "invalid refund amount": "too_much",
    "does not support automatic refunds": "not_automatic",
    "gateway for this order does not exist": "no_gateway",
}


class Refund:
    def __init__(self, shop: Shop, books: Books) -> None:
        self._shop = shop
        self._books = books

    def thing(self, instruction: Instruction) -> str:
        return f"order {instruction.order_id}"

    def quote(self, instruction: Instruction) -> Quote:
        wanted = asked(instruction)
        raw = self._books.raw(instruction.order_id)
        left = self._books.read(raw).refundable
        if left.currency != wanted.currency:
            raise Unpayable(f"the order was paid in {left.currency}; it cannot be refunded else")
        payable = min(wanted, left)
        minor = payable.minor - payable.minor % step_minor(raw)
        return Quote(payable=Money(minor, payable.currency), limit=left)

    def find(self, instruction: Instruction) -> Finding:
        """By id, else by the marker among all of the order's refunds."""
        path = self._path(instruction)
        if instruction.host_object is not None:
            known = number(instruction.host_object)
            if known is None:
                return Unknown("this is not the number of a WooCommerce refund")
            try:
                found = [self._shop.get(f"{path}/{known}")]
            except HostNotFound:
                return Absent()
        else:
            refunds = self._shop.listed(path, {}, pages_max=_PAGES_MAX)
            found = [one for one in refunds if marked(one.get("reason")) == instruction.payout_id]
        if len(found) > 1:
            return Unknown("two refunds carry this payout's marker: look at the order now")
        if not found:
            return Absent()
        ending = judged(found[0], instruction)
        if isinstance(ending, Settled):
            ending = Settled(self._with_taxes(ending.receipt, found[0]))
        return ending

    def _with_taxes(self, receipt: Receipt, refund: Node) -> Receipt:
        """The order has to be read for them; where that fails, they are not known."""
        try:
            order = self._books.raw(receipt.order_id)
        except HostError:
            return receipt
        return replace(receipt, taxes=taxes.of(refund, order, receipt.amount))

    def send(self, instruction: Instruction) -> Ending:
        answer = self._shop.write("POST", self._path(instruction), body(instruction))
        match answer:
            case NotSent() | Unknown():
                return answer
            case Refused():
                return self._refused(answer, instruction)
        try:
            return judged(answer, instruction)
        except HostUnclear as error:
            return Unknown(str(error))

    def reverse(self, instruction: Instruction) -> Ending:
        return Declined("irreversible", "deleting a refund at WooCommerce brings no money back")

    def recent(self, since: datetime) -> Iterator[HostRecord]:
        """The refunds of orders changed since. Refunds have no list of their own."""
        stamp = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        params = {"modified_after": stamp, "dates_are_gmt": "true", "status": "any"}
        for order in self._shop.listed("orders", params, pages_max=_ORDER_PAGES_MAX):
            if instant(order, "date_modified") < since or not many(order, "refunds"):
                continue
            order_id, currency = str(whole(order, "id")), text(order, "currency")
            path = f"orders/{order_id}/refunds"
            for one in self._shop.listed(path, {}, pages_max=_PAGES_MAX):
                if instant(one, "date_created") >= since:
                    yield _record(one, order_id, currency)

    def _refused(self, said: Refused, instruction: Instruction) -> Ending:
        """A no with 400 or 404 is one. A no with 500 is believed only if it comes from the refund
        itself and nothing of ours stands on the order.

        Words that are not the shop's own are the gateway's. Whatever they are, the refund is gone
        from the order, so asking again would find nothing and pay again: a person looks at it.
        """
        if said.status != 500:
            return Declined(said.code, f"WooCommerce says: {said.message}")
        if said.code != _REFUSAL:
            return Unknown(f"WooCommerce failed while refunding: {said.message}")
        try:
            there = self.find(instruction)
        except HostError as error:
            return Unknown(f"WooCommerce said no ({said.message}), and then: {error}")
        if not isinstance(there, Absent):
            return there
        words = said.message.casefold()
        code = next((code for known, code in _KNOWN.items() if known in words), None)
        if code is not None:
            return Declined(code, f"WooCommerce says: {said.message}")
        return Declined(LOOK_FIRST, f"the shop's payment gateway says: {said.message}")

    def _path(self, instruction: Instruction) -> str:
        if number(instruction.order_id) is None:
            raise Unpayable("WooCommerce needs one of its orders for a refund")
        return f"orders/{instruction.order_id}/refunds"


def body(instruction: Instruction) -> dict[str, object]:
    """Both booleans are said: left out, or anything but a boolean, they count as true."""
    return {
        "amount": asked(instruction).text,
        "reason": f"{instruction.text} {instruction.marker}".strip(),
        "api_refund": True,
        "api_restock": False,
    }


def judged(refund: Node, instruction: Instruction) -> Settled | Unknown:
    """Settled only for exactly what was asked and surely paid by the gateway."""
    wanted = asked(instruction)
    if marked(refund.get("reason")) != instruction.payout_id:
        return Unknown("WooCommerce answered with a refund that does not carry our marker")
    amount = money(text(refund, "amount"), wanted.currency)
    if amount != wanted:
        return Unknown(f"WooCommerce shows a refund of {amount}, not {wanted}")
    if refund.get("refunded_payment") is not True:
        return Unknown(
            "the refund stands on the order, and whether the gateway paid it is not known: look"
            " for it at the payment gateway"
        )
    return Settled(
        Receipt(
            host_object=str(whole(refund, "id")),
            amount=amount,
            order_id=instruction.order_id,
            at=instant(refund, "date_created"),
        )
    )


def _record(refund: Node, order_id: str, currency: str) -> HostRecord:
    """A refund that somebody only wrote down (money given back in another way) is settled; one of
    ours without the gateway's yes is not."""
    ours = marked(refund.get("reason"))
    paid = refund.get("refunded_payment") is True
    return HostRecord(
        host_object=str(whole(refund, "id")),
        remedy="refund",
        amount=money(text(refund, "amount"), currency),
        order_id=order_id,
        marker=f"[amends:{ours}]" if ours else None,
        ending="settled" if paid or ours is None else "pending",
        at=instant(refund, "date_created"),
    )
