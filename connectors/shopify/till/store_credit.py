"""Store credit: through the order's refund where there is an order (keyed), else straight to the
customer's account.

`storeCreditAccountCredit` takes no key, no note and no reference. What it does keep is the moment
the credit expires, so each payout gets a moment of its own, and is found by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.shopify.client import Admin
from connectors.shopify.shapes import Node, amount, at, disputed, instant, many, paid, text
from connectors.shopify.till import documents
from connectors.shopify.till.refund import Refund
from connectors.shopify.till.remedy import Sending, asked, irreversible, needed, settled_by
from core.money import Money
from core.ports import (
    Absent,
    Ending,
    Finding,
    HostNotFound,
    Instruction,
    Quote,
    Receipt,
    Settled,
    Unknown,
    Unpayable,
)

# For credit that never ends: far enough to mean it, near enough to be a date everywhere.
_NEVER = datetime(2099, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86_400
_SEEN_MAX = 50


class StoreCredit:
    def __init__(self, admin: Admin, refund: Refund) -> None:
        self._admin = admin
        self._refund = refund

    def quote(self, instruction: Instruction) -> Quote:
        wanted = asked(instruction)
        if instruction.order_id is None:
            needed(instruction.buyer_id, "a customer")
            return Quote(payable=wanted)
        limit = _bears(self._refund.order(instruction), wanted)
        return Quote(payable=min(wanted, limit), limit=limit)

    def prepare(self, instruction: Instruction) -> Ending | Sending:
        wanted = asked(instruction)
        if instruction.order_id is None:
            found = self._find_on_account(instruction)
            return found if not isinstance(found, Absent) else lambda: self._credit(instruction)
        order = self._refund.order(instruction)
        credit: dict[str, Any] = {"amount": _money_input(wanted)}
        if instruction.expires_at is not None:
            credit["expiresAt"] = _written(instruction.expires_at)
        form = {"refundMethods": [{"storeCreditRefund": credit}]}
        bears = _bears(order, wanted) >= wanted
        return self._refund.prepared(instruction, order, form if bears else None)

    def find(self, instruction: Instruction) -> Finding:
        if instruction.order_id is not None:
            return self._refund.find(instruction)
        return self._find_on_account(instruction)

    def reverse(self, instruction: Instruction) -> Ending:
        return irreversible(
            "Shopify spends the credit that ends soonest first, so taking one back could take"
            " another: correct the balance in Shopify by hand"
        )

    def _credit(self, instruction: Instruction) -> Ending:
        answer = self._admin.write(
            documents.CREDIT_CREATE,
            "storeCreditAccountCredit",
            id=instruction.buyer_id,
            input={
                "creditAmount": _money_input(asked(instruction)),
                "expiresAt": _written(own_moment(instruction)),
                "notify": False,
            },
        )

        def believed(payload: Node) -> Ending:
            credit = at(payload, "storeCreditAccountTransaction")
            if credit is None:
                return Unknown("Shopify names neither a credit nor a reason")
            if amount(credit, "amount") != instruction.amount:
                return Unknown("Shopify shows a credit of another amount than was asked")
            return Settled(_receipt(credit))

        return settled_by(answer, believed)

    def _find_on_account(self, instruction: Instruction) -> Finding:
        customer_id = needed(instruction.buyer_id, "a customer")
        customer = at(self._admin.read(documents.CREDITS, customer=customer_id), "customer")
        if customer is None:
            raise HostNotFound("Shopify knows no such customer")
        accounts = [
            one
            for one in many(customer, "storeCreditAccounts", "nodes")
            if amount(one, "balance").currency == asked(instruction).currency
        ]
        moves = [move for one in accounts for move in many(one, "transactions", "nodes")]
        return _chosen(moves, instruction)


def _chosen(moves: Sequence[Node], instruction: Instruction) -> Finding:
    # Only credits have `expiresAt` in the answer; debits and expirations show their date alone.
    credits = [move for move in moves if "id" in move and "expiresAt" in move]
    alike = [move for move in credits if amount(move, "amount") == instruction.amount]
    if instruction.host_object is not None:
        alike = [move for move in alike if text(move, "id") == instruction.host_object]
    moment = own_moment(instruction)
    exact = [move for move in alike if _ends(move) == moment]
    if len(exact) == 1:
        return Settled(_receipt(exact[0]))
    # Whether seconds survive at Shopify is not documented: a credit of the same amount whose end is
    # ours rounded to a minute or a day may be ours. Nobody but a person can tell.
    near = [move for move in alike if _rounded(_ends(move), moment)]
    if exact or near:
        return Unknown("credits of this amount stand there and none is surely ours: look at them")
    first = instruction.first_sent_at
    if len(moves) >= _SEEN_MAX and (first is None or instant(at(moves[-1], "createdAt")) > first):
        return Unknown("the account has more movements than can be looked through")
    return Absent()


def own_moment(instruction: Instruction) -> datetime:
    """When this payout's credit ends: up to a day after it must, at a second of its own."""
    digest = hashlib.sha256(instruction.payout_id.encode()).digest()
    second = int.from_bytes(digest[:8], "big") % _DAY_SECONDS
    base = (instruction.expires_at or _NEVER).astimezone(UTC).replace(microsecond=0)
    return base + timedelta(seconds=second)


def _ends(credit: Node) -> datetime | None:
    value = at(credit, "expiresAt")
    return None if value is None else instant(value)


def _rounded(seen: datetime | None, ours: datetime) -> bool:
    if seen is None or seen.second:
        return False
    off = abs(seen - ours)
    return off < timedelta(minutes=1) or (
        not (seen.hour or seen.minute) and off < timedelta(days=1)
    )


def _receipt(credit: Node) -> Receipt:
    created = at(credit, "createdAt")
    return Receipt(
        host_object=text(credit, "id"), amount=amount(credit, "amount"), at=instant(created)
    )


def _bears(order: Node, wanted: Money) -> Money:
    """Store credit may stand for anything the order still owes back, however it was paid."""
    currency = text(order, "presentmentCurrencyCode")
    if wanted.currency != currency:
        raise Unpayable(f"the order was paid in {currency}; it cannot be credited otherwise")
    if at(order, "customer") is None:
        raise Unpayable("the order was placed by a guest: store credit needs a customer")
    suggested = at(order, "suggestedRefund")
    if disputed(order) or at(order, "refundable") is not True or suggested is None:
        return Money.zero(currency)
    return paid(suggested, "maximumRefundableSet")


def _money_input(money: Money) -> dict[str, str]:
    return {"amount": money.text, "currencyCode": money.currency}


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
