"""A refund of an order, back to what it was paid with.

The host moves money by transactions: each refund names the captured payment it comes from. A wrong
gateway is silently replaced by the parent's, and a refund with neither transactions nor refund
methods is recorded and moves nothing; so what came back is compared, not only whether it came.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from connectors.shopify import documents
from connectors.shopify.client import Admin
from connectors.shopify.shapes import (
    FAILED,
    MADE,
    TOOK_MONEY,
    Made,
    Node,
    at,
    disputed,
    made,
    many,
    maybe_text,
    paid,
    text,
)
from connectors.shopify.till import taxes
from connectors.shopify.till.remedy import Sending, asked, irreversible, needed, settled_by
from core.money import Money
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    HostDenied,
    HostNotFound,
    HostUnclear,
    Instruction,
    Pending,
    Quote,
    Receipt,
    Settled,
    Unknown,
    Unpayable,
)

#: How long a key is surely remembered. Retention is said to be 24 hours; less is trusted.
KEY_LIFE = timedelta(hours=20)
REFUNDS_MAX = 50


@dataclass(frozen=True, slots=True)
class Payment:
    """A captured payment and what can still be refunded of it."""

    id: str
    gateway: str
    left: Money


class Refund:
    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def quote(self, instruction: Instruction) -> Quote:
        amount = asked(instruction)
        limit = self._limit(self.order(instruction), instruction)
        return Quote(payable=min(amount, limit), limit=limit)

    def prepare(self, instruction: Instruction) -> Ending | Sending:
        amount = asked(instruction)
        order = self.order(instruction)
        enough = self._limit(order, instruction) >= amount
        shares = shared(payments_of(order), amount) if enough else []
        moves = [_move(instruction, *share) for share in shares]
        form = {"transactions": moves, **_parts(instruction)} if moves else None
        return self.prepared(instruction, order, form)

    def prepared(
        self, instruction: Instruction, order: Node, form: dict[str, Any] | None
    ) -> Ending | Sending:
        """What refunds and order-linked store credit share. `form` is None where the order bears
        no such amount. The order is looked through before every sending, so that a key which
        Shopify has forgotten, or which now stands for other payments, pays nothing twice."""
        if marks(order, instruction.marker):
            found = self.find(instruction)
            return Unknown("a refund came and went") if isinstance(found, Absent) else found
        if form is None:
            return Declined("not_refundable", "less than this can still be refunded of the order")
        return lambda: self._send(instruction, form)

    def find(self, instruction: Instruction) -> Finding:
        """Among the order's own refunds, by id or by the marker in the note."""
        known = instruction.host_object
        if known is None:
            order = self.order(instruction)
            ids = marks(order, instruction.marker)
            if len(ids) > 1:
                return Unknown("two refunds carry this payout's marker: look at the order now")
            if not ids and len(many(order, "refunds")) >= REFUNDS_MAX:
                return Unknown("the order has more refunds than can be looked through")
            if not ids:
                return Absent()
            known = ids[0]
        refund = self._refund(known)
        if refund is None:
            return Absent()
        found = judged(made(refund), instruction)
        if isinstance(found, Settled):
            found = Settled(replace(found.receipt, taxes=taxes.of(refund, found.receipt.amount)))
        return found

    def reverse(self, instruction: Instruction) -> Ending:
        return irreversible("a refund that was made cannot be taken back by Shopify")

    def order(self, instruction: Instruction) -> Node:
        """Raises `HostError`, `HostNotFound` where there is no such order."""
        order_id = needed(instruction.order_id, "an order")
        order = at(self._admin.read(documents.PAYMENTS, id=order_id), "order")
        if order is None:
            raise HostNotFound("Shopify knows no such order")
        found: Node = order
        return found

    def _refund(self, known: str) -> Node | None:
        """With its taxes; and without, where only these are refused."""
        try:
            found = self._admin.read(documents.REFUND_TAXED, id=known)
        except (HostUnclear, HostDenied):
            found = self._admin.read(documents.REFUND, id=known)
        refund: Node | None = at(found, "refund")
        return refund

    def _limit(self, order: Node, instruction: Instruction) -> Money:
        """What can still go back: of the order, and of the lines and the shipping it is for."""
        whole = limit_of(order, asked(instruction))
        if not instruction.lines and instruction.shipping is None:
            return whole
        lines, shipping = _lines(instruction), instruction.shipping
        found = self._admin.read(
            documents.PARTS,
            id=instruction.order_id,
            lines=lines,
            shipping=shipping.text if shipping is not None else None,
        )
        suggested = at(found, "order", "suggestedRefund")
        return whole if suggested is None else min(whole, paid(suggested, "amountSet"))

    def _send(self, instruction: Instruction, form: dict[str, Any]) -> Ending:
        amount = asked(instruction)
        note = f"{instruction.text} {instruction.marker}".strip()
        answer = self._admin.write(
            documents.REFUND_CREATE,
            "refundCreate",
            key=instruction.key,
            input={
                "orderId": instruction.order_id,
                "currency": amount.currency,
                "note": note,
                "notify": False,
                **form,
            },
        )
        return settled_by(answer, lambda payload: _believed(payload, instruction))


def _believed(payload: Node, instruction: Instruction) -> Ending:
    refund = at(payload, "refund")
    if refund is None:
        return Unknown("Shopify names neither a refund nor a reason")
    if made(refund).marker is None:
        return Unknown("Shopify answered with a refund that does not carry our marker")
    found = judged(made(refund), instruction)
    return Unknown("Shopify answered without a refund") if isinstance(found, Absent) else found


def judged(seen: Made, instruction: Instruction) -> Finding:
    """An ending only for exactly what was asked: order, amount, currency, and our marker."""
    receipt = Receipt(host_object=seen.id, amount=seen.amount, order_id=seen.order_id, at=seen.at)
    if seen.order_id != instruction.order_id:
        return Unknown("Shopify answered about another order")
    if seen.marker is not None and f"[amends:{seen.marker}]" != instruction.marker:
        return Unknown("Shopify answered about another payout's refund")
    if seen.amount != instruction.amount:
        return Unknown(f"Shopify shows a refund of {seen.amount}, not {instruction.amount}")
    match seen.state:
        case "settled":
            return Settled(receipt)
        case "pending":
            return Pending(receipt)
        case "failed":
            why = f"the payment provider refused the refund ({seen.error or 'no reason given'})"
            return Declined((seen.error or "failed").lower(), why)
    return Unknown("one part of the refund went through and another failed: look at the order")


def marks(order: Node, marker: str) -> list[str]:
    """Ids of the order's refunds whose note carries the marker."""
    refunds = many(order, "refunds")
    return [text(one, "id") for one in refunds if marker in (maybe_text(one, "note") or "")]


def limit_of(order: Node, amount: Money) -> Money:
    """What can still go back for real. Raises `Unpayable` for another currency than the order's.

    Nothing while a dispute is open or lost. Payments by hand (cash on delivery) do not count:
    Shopify records a refund of them as done and moves no money.
    """
    currency = text(order, "presentmentCurrencyCode")
    if amount.currency != currency:
        raise Unpayable(f"the order was paid in {currency}; it cannot be refunded otherwise")
    nothing = Money.zero(currency)
    suggested = at(order, "suggestedRefund")
    if disputed(order) or at(order, "refundable") is not True or suggested is None:
        return nothing
    left = sum((payment.left for payment in payments_of(order)), start=nothing)
    return min(left, paid(suggested, "maximumRefundableSet"))


def payments_of(order: Node) -> list[Payment]:
    """Captured payments with something left, in the order's own sequence."""
    moves = many(order, "transactions")
    spent: dict[str, list[Money]] = {}
    for move in moves:
        if text(move, "kind") == "REFUND" and text(move, "status") not in FAILED:
            parent = at(move, "parentTransaction")
            if parent is not None:
                spent.setdefault(text(parent, "id"), []).append(paid(move, "amountSet"))
    found = []
    for move in moves:
        taken = text(move, "kind") in TOOK_MONEY and text(move, "status") in MADE
        if taken and at(move, "manualPaymentGateway") is not True:
            left = paid(move, "amountSet")
            left -= sum(spent.get(text(move, "id"), []), start=Money.zero(left.currency))
            if left.minor > 0:
                found.append(Payment(text(move, "id"), text(move, "gateway"), left))
    return found


def shared(payments: list[Payment], amount: Money) -> list[tuple[Payment, Money]]:
    """From one payment if one has enough left, else from as many as it takes; [] if too little."""
    whole = next((one for one in payments if one.left >= amount), None)
    if whole is not None:
        return [(whole, amount)]
    parts, open_ = [], amount
    for payment in payments:
        part = min(payment.left, open_)
        if part.minor:
            parts.append((payment, part))
            open_ -= part
    return [] if open_.minor else parts


def _parts(instruction: Instruction) -> dict[str, Any]:
    """Which lines, and how much shipping, the refund is written down for. Nothing of it goes back
    to the shelf: what is made good was not sent back."""
    form: dict[str, Any] = {}
    if instruction.lines:
        form["refundLineItems"] = _lines(instruction)
    if instruction.shipping is not None:
        form["shipping"] = {"amount": instruction.shipping.text}
    return form


def _lines(instruction: Instruction) -> list[dict[str, Any]]:
    return [
        {"lineItemId": line, "quantity": quantity, "restockType": "NO_RESTOCK"}
        for line, quantity in instruction.lines
    ]


def _move(instruction: Instruction, payment: Payment, amount: Money) -> dict[str, Any]:
    return {
        "orderId": instruction.order_id,
        "gateway": payment.gateway,
        "kind": "REFUND",
        "amount": amount.text,
        "parentId": payment.id,
    }
