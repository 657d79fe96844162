"""The goods again: a draft order with everything off, made and then completed.

Two requests and no key. The draft carries our tag; drafts are listed from the store itself, newest
first, not searched. A draft found open was made by a sending that ended there: it is completed, not
made again. Completing is what ships, and a completed draft cannot be completed twice.
"""

from __future__ import annotations

import re
from typing import Any

from connectors.shopify.client import Admin
from connectors.shopify.shapes import Node, at, instant, many, maybe_text, paid, text
from connectors.shopify.till import documents
from connectors.shopify.till.remedy import Sending, irreversible, needed, settled_by
from core.money import Money
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    HostNotFound,
    HostUnclear,
    Instruction,
    NotSent,
    Quote,
    Receipt,
    Settled,
    Unknown,
    Unpayable,
)

_DRAFTS_MAX = 100
_OURS = re.compile(r"pay_[0-9A-Za-z-]{1,60}", re.ASCII)


class Replacement:
    """`instruction.lines` says what to send again; none means the whole order."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def quote(self, instruction: Instruction) -> Quote:
        """What the goods are worth at the order's prices: they go as a whole or not at all."""
        order = self._order(instruction)
        worth = _worth(order, _goods(order, instruction))
        wanted = instruction.amount
        if wanted is not None and wanted.currency != worth.currency:
            raise Unpayable(f"the order was paid in {worth.currency}")
        fits = wanted is None or worth <= wanted
        return Quote(payable=worth if fits else Money.zero(worth.currency), limit=worth)

    def prepare(self, instruction: Instruction) -> Ending | Sending:
        order = self._order(instruction)
        goods = _goods(order, instruction)
        drafts = self._drafts()
        ours = [draft for draft in drafts if _tag(instruction) in _tags(draft)]
        if len(ours) > 1:
            return Unknown("two draft orders carry this payout's tag: look at them now")
        if not ours and not _all_seen(drafts, instruction):
            return Unknown("the shop has more new drafts than can be looked through")
        if ours and text(ours[0], "status") == "COMPLETED":
            return Settled(_receipt(ours[0], instruction))
        worth = _worth(order, goods)
        if instruction.amount is not None and instruction.amount != worth:
            return Declined("worth", f"the goods are worth {worth}, not {instruction.amount}")
        if ours:
            return lambda: self._complete(ours[0], instruction)
        form = _form(order, goods, instruction)
        return lambda: self._make(form, instruction)

    def find(self, instruction: Instruction) -> Finding:
        """A draft that is still open has sent nothing: `Absent`, and `pay` completes it."""
        if instruction.host_object is not None:
            one = at(self._admin.read(documents.DRAFT, id=instruction.host_object), "draftOrder")
            ours = [] if one is None else [one]
        else:
            drafts = self._drafts()
            ours = [draft for draft in drafts if _tag(instruction) in _tags(draft)]
            if not ours and not _all_seen(drafts, instruction):
                return Unknown("the shop has more new drafts than can be looked through")
        if len(ours) > 1:
            return Unknown("two draft orders carry this payout's tag: look at them now")
        if ours and text(ours[0], "status") == "COMPLETED":
            return Settled(_receipt(ours[0], instruction))
        return Absent()

    def reverse(self, instruction: Instruction) -> Ending:
        return irreversible("goods on their way are stopped in Shopify, by cancelling their order")

    def _order(self, instruction: Instruction) -> Node:
        order_id = needed(instruction.order_id, "an order")
        order = at(self._admin.read(documents.REPLACED, id=order_id), "order")
        if order is None:
            raise HostNotFound("Shopify knows no such order")
        found: Node = order
        return found

    def _drafts(self) -> list[Node]:
        return many(self._admin.read(documents.DRAFTS), "draftOrders", "nodes")

    def _make(self, form: dict[str, Any], instruction: Instruction) -> Ending:
        answer = self._admin.write(documents.DRAFT_CREATE, "draftOrderCreate", input=form)

        def believed(payload: Node) -> Ending:
            draft = at(payload, "draftOrder")
            if draft is None or _tag(instruction) not in _tags(draft):
                return Unknown("Shopify answered without the draft order that was asked for")
            return self._complete(draft, instruction)

        return settled_by(answer, believed)

    def _complete(self, draft: Node, instruction: Instruction) -> Ending:
        if paid(draft, "totalPriceSet").minor:
            return Declined(
                "not_free", "the replacement would cost the customer something: look at the draft"
            )
        draft_id = text(draft, "id")
        answer = self._admin.write(documents.DRAFT_COMPLETE, "draftOrderComplete", id=draft_id)
        if isinstance(answer, NotSent):
            return answer

        def believed(payload: Node) -> Ending:
            done = at(payload, "draftOrder")
            if done is None or text(done, "id") != draft_id:
                return Unknown("Shopify answered about another draft order")
            if text(done, "status") != "COMPLETED" or _tag(instruction) not in _tags(done):
                return Unknown("Shopify does not say that the draft order is complete")
            return Settled(_receipt(done, instruction))

        return settled_by(answer, believed)


def _goods(order: Node, instruction: Instruction) -> list[tuple[Node, int]]:
    """(line, quantity). Raises `Unpayable` for what the order does not hold or cannot be sent."""
    lines = {text(line, "id"): line for line in many(order, "lineItems", "nodes")}
    wanted = instruction.lines or tuple((key, _count(line)) for key, line in lines.items())
    goods = []
    for key, quantity in wanted:
        if key not in lines or not 0 < quantity <= _count(lines[key]):
            raise Unpayable("the order does not hold what is to be sent again")
        if at(lines[key], "variant") is None:
            raise Unpayable("an article of the order is not in the shop any more")
        goods.append((lines[key], quantity))
    if not goods:
        raise Unpayable("the order holds nothing to send again")
    return goods


def _count(line: Node) -> int:
    quantity = at(line, "quantity")
    if type(quantity) is not int:
        raise HostUnclear("Shopify's answer has a quantity that cannot be read")
    return quantity


def _worth(order: Node, goods: list[tuple[Node, int]]) -> Money:
    """At the order's own prices, so that limits count what the customer gets."""
    worth = Money.zero(text(order, "presentmentCurrencyCode"))
    for line, quantity in goods:
        price = paid(line, "discountedUnitPriceSet")
        worth += Money(price.minor * quantity, price.currency)
    return worth


def _form(order: Node, goods: list[tuple[Node, int]], instruction: Instruction) -> dict[str, Any]:
    currency = text(order, "presentmentCurrencyCode")
    form: dict[str, Any] = {
        "lineItems": [
            {"variantId": text(line, "variant", "id"), "quantity": quantity}
            for line, quantity in goods
        ],
        "appliedDiscount": {"valueType": "PERCENTAGE", "value": 100, "title": "Replacement"},
        "shippingLine": {
            "title": "Replacement",
            "priceWithCurrency": {"amount": "0", "currencyCode": currency},
        },
        "presentmentCurrencyCode": currency,
        "note": f"{instruction.text} {instruction.marker}".strip(),
        "tags": [_tag(instruction)],
    }
    email, customer = maybe_text(order, "email"), at(order, "customer")
    if email:
        form["email"] = email
    if customer is not None:
        form["purchasingEntity"] = {"customerId": text(customer, "id")}
    if (address := at(order, "shippingAddress")) is not None:
        form["shippingAddress"] = _address(address)
    return form


def _address(address: Node) -> dict[str, str]:
    renamed = {"countryCodeV2": "countryCode"}
    return {renamed.get(key, key): value for key, value in address.items() if value is not None}


def _tag(instruction: Instruction) -> str:
    """At most 40 characters, so the payout id without brackets; ids are 40 long themselves."""
    return instruction.payout_id


def payout_of(draft: Node) -> str | None:
    """The payout that a draft of ours was made for."""
    return next((tag for tag in _tags(draft) if _OURS.fullmatch(str(tag))), None)


def _tags(draft: Node) -> list[str]:
    tags = at(draft, "tags")
    return tags if isinstance(tags, list) else []


def _all_seen(drafts: list[Node], instruction: Instruction) -> bool:
    if len(drafts) < _DRAFTS_MAX:
        return True
    first = instruction.first_sent_at
    return first is None or instant(at(drafts[-1], "createdAt")) < first


def _receipt(draft: Node, instruction: Instruction) -> Receipt:
    done = at(draft, "completedAt")
    return Receipt(
        host_object=text(draft, "id"),
        amount=instruction.amount,
        order_id=instruction.order_id,
        at=None if done is None else instant(done),
    )
