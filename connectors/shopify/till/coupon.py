"""A discount code for one customer and one use, with a code of our own.

No key, but codes are unique and `codeDiscountNodeByCode` looks one up without the search index.
An amount off has no currency in the request: it is in the shop's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from connectors.shopify.client import Admin, Refused
from connectors.shopify.shapes import Node, amount, at, instant, many, text
from connectors.shopify.till import documents
from connectors.shopify.till.remedy import Sending, asked, needed, settled_by
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    HostNotFound,
    HostUnclear,
    Instruction,
    Quote,
    Receipt,
    Settled,
    Unknown,
    Unpayable,
)

_CODE = re.compile(r"[A-Za-z0-9-]{16,64}", re.ASCII)


class Coupon:
    def __init__(self, admin: Admin, now: Callable[[], datetime]) -> None:
        self._admin = admin
        self._now = now

    def quote(self, instruction: Instruction) -> Quote:
        self._seen(instruction)
        return Quote(payable=asked(instruction))

    def prepare(self, instruction: Instruction) -> Ending | Sending:
        found = _judged(self._seen(instruction), instruction)
        return found if not isinstance(found, Absent) else lambda: self._create(instruction)

    def find(self, instruction: Instruction) -> Finding:
        return _judged(self._seen(instruction), instruction)

    def reverse(self, instruction: Instruction) -> Ending:
        """Switches the code off, where it has not been used. Doing it again changes nothing."""
        node = self._seen(instruction)
        if node is None:
            raise HostNotFound("Shopify knows no such discount code")
        found = _judged(node, instruction)
        if not isinstance(found, Settled):
            return Unknown("this discount code is not surely ours: look at it in Shopify")
        # Shopify counts uses late; a code that is just being used may still be switched off.
        if at(node, "codeDiscount", "asyncUsageCount") != 0:
            return Declined("used", "the customer has used the discount code already")
        if text(node, "codeDiscount", "status") == "EXPIRED":
            return found
        node_id = text(node, "id")
        answer = self._admin.write(
            documents.COUPON_DEACTIVATE, "discountCodeDeactivate", id=node_id
        )

        def believed(payload: Node) -> Ending:
            off = at(payload, "codeDiscountNode")
            if off is None or text(off, "id") != node_id:
                return Unknown("Shopify does not say that the discount code is off")
            return found

        return settled_by(answer, believed)

    def _seen(self, instruction: Instruction) -> Node | None:
        """Raises `HostError`; `Unpayable` where the code or the currency cannot be."""
        needed(instruction.buyer_id, "a customer to bind the code to")
        wanted, code = asked(instruction), instruction.code
        if code is None or _CODE.fullmatch(code) is None:
            raise Unpayable("a discount code needs 16 to 64 letters, digits and dashes")
        data = self._admin.read(documents.COUPON, code=code)
        shop = text(data, "shop", "currencyCode")
        if wanted.currency != shop:
            raise Unpayable(f"the shop sells in {shop}; a discount is in no other currency")
        node: Node | None = at(data, "codeDiscountNodeByCode")
        return node

    def _create(self, instruction: Instruction) -> Ending:
        form: dict[str, Any] = {
            "title": f"Amends {instruction.marker}",
            "code": instruction.code,
            "startsAt": self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "usageLimit": 1,
            "appliesOncePerCustomer": True,
            "context": {"customers": {"add": [instruction.buyer_id]}},
            "customerGets": {
                "items": {"all": True},
                "value": {
                    "discountAmount": {
                        "amount": asked(instruction).text,
                        "appliesOnEachItem": False,
                    }
                },
            },
            "combinesWith": {
                "orderDiscounts": False,
                "productDiscounts": True,
                "shippingDiscounts": True,
            },
        }
        if instruction.expires_at is not None:
            form["endsAt"] = instruction.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = self._admin.write(documents.COUPON_CREATE, "discountCodeBasicCreate", input=form)
        if isinstance(answer, Refused) and _taken(answer):
            return self._already(instruction)

        def believed(payload: Node) -> Ending:
            found = _judged(at(payload, "codeDiscountNode"), instruction)
            if isinstance(found, Absent):
                return Unknown("Shopify names neither a discount nor a reason")
            return found

        return settled_by(answer, believed)

    def _already(self, instruction: Instruction) -> Ending:
        try:
            found = self.find(instruction)
        except (HostUnclear, HostNotFound) as error:
            return Unknown(str(error))
        return (
            Unknown("the code was made and is not to be seen")
            if isinstance(found, Absent)
            else found
        )


def _judged(node: Node | None, instruction: Instruction) -> Settled | Absent | Unknown:
    """Only a discount with our title, code and amount is ours."""
    if node is None:
        return Absent()
    discount = at(node, "codeDiscount")
    if instruction.marker not in str(discount.get("title", "")):
        return Unknown("a discount with this code exists and does not carry our marker")
    codes = {text(one, "code").lower() for one in many(discount, "codes", "nodes")}
    if codes != {(instruction.code or "").lower()}:
        return Unknown("Shopify shows a discount with another code than ours")
    if amount(discount, "customerGets", "value", "amount") != instruction.amount:
        return Unknown("Shopify shows a discount of another amount than was asked")
    receipt = Receipt(
        host_object=text(node, "id"),
        amount=instruction.amount,
        at=instant(at(discount, "createdAt")),
        code=instruction.code,
    )
    return Settled(receipt)


def _taken(refused: Refused) -> bool:
    words = refused.message.lower()
    return refused.code == "TAKEN" or "must be unique" in words or "already been taken" in words
