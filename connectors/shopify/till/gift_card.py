"""A gift card with a code of our own, which no two cards can have.

There is no key, but a code can be used once: sending again is answered "already been taken", which
says the card exists. The look-up by code goes through Shopify's search, which may lag; a card it
does not show yet is therefore still not made twice.
"""

from __future__ import annotations

import re
from typing import Any

from connectors.shopify.client import Admin, Refused
from connectors.shopify.shapes import Node, amount, at, instant, many, maybe_text, text
from connectors.shopify.till import documents
from connectors.shopify.till.remedy import Sending, asked, needed, settled_by
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

_CODE = re.compile(r"[a-z0-9]{16,20}", re.ASCII)


class GiftCard:
    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def quote(self, instruction: Instruction) -> Quote:
        _code(instruction)
        wanted = asked(instruction)
        shop = text(self._admin.read(documents.SHOP_CURRENCY), "shop", "currencyCode")
        if wanted.currency != shop:
            raise Unpayable(f"the shop sells in {shop}; its gift cards are in no other currency")
        return Quote(payable=wanted)

    def prepare(self, instruction: Instruction) -> Ending | Sending:
        self.quote(instruction)
        found = self.find(instruction)
        return found if not isinstance(found, Absent) else lambda: self._create(instruction)

    def find(self, instruction: Instruction) -> Finding:
        if instruction.host_object is not None:
            card = at(self._admin.read(documents.CARD, id=instruction.host_object), "giftCard")
            return Absent() if card is None else _judged(card, instruction)
        code = _code(instruction)
        cards = many(self._admin.read(documents.CARDS, query=code), "giftCards", "nodes")
        ours = [one for one in cards if instruction.marker in (maybe_text(one, "note") or "")]
        if len(ours) > 1:
            return Unknown("two gift cards carry this payout's marker: look at them now")
        return _judged(ours[0], instruction) if ours else Absent()

    def reverse(self, instruction: Instruction) -> Ending:
        """Deactivates the card for good; what was spent stays spent. Doing it again changes
        nothing, so no answer leads to doing it twice."""
        card_id = needed(instruction.host_object, "the gift card's id")
        card = at(self._admin.read(documents.CARD, id=card_id), "giftCard")
        if card is None:
            raise HostNotFound("Shopify knows no such gift card")
        left = amount(card, "balance")
        if at(card, "enabled") is not True:
            return Settled(_receipt(card, left))
        answer = self._admin.write(documents.CARD_DEACTIVATE, "giftCardDeactivate", id=card_id)

        def believed(payload: Node) -> Ending:
            gone = at(payload, "giftCard")
            if gone is None or text(gone, "id") != card_id or at(gone, "enabled") is not False:
                return Unknown("Shopify does not say that the gift card is off")
            return Settled(_receipt(gone, left))

        return settled_by(answer, believed)

    def _create(self, instruction: Instruction) -> Ending:
        wanted = asked(instruction)
        form: dict[str, Any] = {
            "code": _code(instruction),
            "initialAmount": {"amount": wanted.text, "currencyCode": wanted.currency},
            "note": f"{instruction.text} {instruction.marker}".strip(),
        }
        if instruction.buyer_id is not None:
            form["customerId"] = instruction.buyer_id
        if instruction.expires_at is not None:
            form["expiresOn"] = instruction.expires_at.date().isoformat()
        answer = self._admin.write(documents.CARD_CREATE, "giftCardCreate", input=form)
        if isinstance(answer, Refused) and _taken(answer):
            return self._already(instruction)

        def believed(payload: Node) -> Ending:
            card = at(payload, "giftCard")
            if card is None:
                return Unknown("Shopify names neither a gift card nor a reason")
            if instruction.marker not in (maybe_text(card, "note") or ""):
                return Unknown("Shopify answered with a gift card that does not carry our marker")
            return _judged(card, instruction)

        return settled_by(answer, believed)

    def _already(self, instruction: Instruction) -> Ending:
        found = self.find(instruction)
        if isinstance(found, Absent):
            return Unknown("the gift card was made and is not to be seen yet: ask again")
        return found


def _judged(card: Node, instruction: Instruction) -> Settled | Unknown:
    if text(card, "lastCharacters") != (instruction.code or "")[-4:]:
        return Unknown("Shopify shows a gift card with another code than ours")
    if amount(card, "initialValue") != instruction.amount:
        return Unknown("Shopify shows a gift card over another amount than was asked")
    customer = at(card, "customer")
    holder = None if customer is None else text(customer, "id")
    if instruction.buyer_id is not None and holder != instruction.buyer_id:
        return Unknown("Shopify shows the gift card with another customer")
    return Settled(_receipt(card, amount(card, "initialValue"), instruction.code))


def _receipt(card: Node, value: Money, code: str | None = None) -> Receipt:
    created = instant(at(card, "createdAt"))
    return Receipt(host_object=text(card, "id"), amount=value, at=created, code=code)


def _taken(refused: Refused) -> bool:
    # The enum has TAKEN, the host sends null and says it in the message.
    return refused.code == "TAKEN" or "already been taken" in refused.message.lower()


def _code(instruction: Instruction) -> str:
    if instruction.code is None or _CODE.fullmatch(instruction.code) is None:
        raise Unpayable("a Shopify gift card needs a code of 16 to 20 small letters and digits")
    return instruction.code
