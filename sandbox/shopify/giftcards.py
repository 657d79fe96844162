"""Gift cards. The code is the caller's choice and unique; it is readable once, when made."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.shopify import records
from sandbox.shopify.books import Shop
from sandbox.shopify.calls import Info, given, instant, no, refused, shop_of
from sandbox.shopify.money import exact, money
from sandbox.shopify.search import found
from sandbox.shopify.views import View, connection, gid, maybe_customer, number_in, page

#: The shop's limit on what a card may hold, in its own currency.
LIMIT = Decimal(2000)
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_LIMITED = "The gift card's value exceeds the allowed limits."


def card_view(shop: Shop, of: records.GiftCard) -> View:
    return {
        "__typename": "GiftCard",
        "id": gid("GiftCard", of.id),
        "balance": money(of.balance, of.currency),
        "initialValue": money(of.initial, of.currency),
        "createdAt": of.created_at,
        "updatedAt": of.created_at,
        "customer": lambda _info: maybe_customer(shop, of.customer_id),
        "deactivatedAt": of.deactivated_at,
        "enabled": of.deactivated_at is None,
        "isRedeemable": of.deactivated_at is None and not _expired(shop, of),
        "expiresOn": of.expires_on,
        "lastCharacters": of.code[-4:],
        "maskedCode": f"•••• •••• •••• {of.code[-4:]}",
        "note": of.note,
        "crossCurrencyRedemptionStrategy": "NONE",
        "recipientAttributes": lambda _info: _recipient(shop, of),
        "transactions": connection([entry_view(shop, of, one) for one in of.entries]),
    }


def _recipient(shop: Shop, of: records.GiftCard) -> View | None:
    if of.recipient is None:
        return None
    person = number_in("Customer", of.recipient["id"])
    return {**of.recipient, "recipient": maybe_customer(shop, person)}


def entry_view(shop: Shop, card: records.GiftCard, of: records.GiftEntry) -> View:
    name = "GiftCardCreditTransaction" if of.amount > 0 else "GiftCardDebitTransaction"
    return {
        "__typename": name,
        "id": gid(name, of.id),
        "amount": money(of.amount, card.currency),
        "note": of.note,
        "processedAt": of.processed_at,
        "giftCard": lambda _info: card_view(shop, card),
    }


def _expired(shop: Shop, of: records.GiftCard) -> bool:
    expires = instant(of.expires_on)
    return expires is not None and expires + 86400 <= shop.clock.epoch()


def _card(shop: Shop, id: str) -> records.GiftCard | None:
    return shop.cards.get(number_in("GiftCard", id) or 0)


# --- reading --------------------------------------------------------------------------------------


def read_card(info: Info, id: str) -> View | None:
    shop = shop_of(info)
    card = _card(shop, id)
    return card_view(shop, card) if card else None


def read_cards(info: Info, query: str | None = None, **args: Any) -> View:
    """A bare word is compared with the whole code or its last characters."""
    shop = shop_of(info)
    wanted = found(
        shop,
        query,
        [(one.created_epoch, one, _searched(one)) for one in shop.cards.values()],
    )
    views = [card_view(shop, one) for one in wanted]
    return page(
        views, first=args.get("first"), after=args.get("after"), reverse=args.get("reverse")
    )


def _searched(card: records.GiftCard) -> dict[str, list[str]]:
    return {
        "": [card.code, card.code[-4:]],
        "id": [str(card.id)],
        "status": ["disabled" if card.deactivated_at else "enabled"],
        "customer_id": [str(card.customer_id or "")],
        "created_at": [card.created_at],
    }


# --- making and changing --------------------------------------------------------------------------


def create(info: Info, input: Mapping[str, Any]) -> dict[str, Any]:
    shop = shop_of(info)
    empty = ("giftCard", "giftCardCode")
    raw = input.get("code")
    code = re.sub(r"[\s-]", "", raw).lower() if raw else None
    currency = given(input, "initialAmount", "currencyCode") or shop.currency
    amount = given(input, "initialAmount", "amount")
    if amount is None:
        amount = input.get("initialValue")
    error = _bad_owner(shop, input) or _bad_value(input, amount) or _bad_code(shop, code)
    if error is not None:
        return refused(error, *empty)
    assert amount is not None
    made = records.GiftCard(
        id=shop.new_id(),
        code=code or "".join(secrets.choice(_ALPHABET) for _ in range(16)),
        currency=currency,
        initial=exact(amount, currency),
        created_at=shop.clock.iso(),
        created_epoch=shop.clock.epoch(),
        customer_id=number_in("Customer", input.get("customerId") or ""),
        recipient=input.get("recipientAttributes"),
        expires_on=input.get("expiresOn"),
        note=input.get("note"),
    )
    shop.cards[made.id] = made
    return {"giftCard": card_view(shop, made), "giftCardCode": made.code, "userErrors": []}


def _bad_owner(shop: Shop, input: Mapping[str, Any]) -> dict[str, Any] | None:
    owner, recipient = input.get("customerId"), given(input, "recipientAttributes", "id")
    if owner and number_in("Customer", owner) not in shop.customers:
        message = "The customer could not be found."
        return no(["input", "customerId"], message, "CUSTOMER_NOT_FOUND")
    if recipient and number_in("Customer", recipient) not in shop.customers:
        message = "The recipient could not be found."
        return no(["input", "recipientAttributes", "id"], message, "RECIPIENT_NOT_FOUND")
    return None


def _bad_value(input: Mapping[str, Any], amount: Decimal | None) -> dict[str, Any] | None:
    field = "initialAmount" if input.get("initialAmount") else "initialValue"
    if amount is None:
        return no(["input", "initialAmount"], "can't be blank", "MISSING_ARGUMENT")
    if amount <= 0:
        return no(["input", field], "must be greater than 0", "GREATER_THAN")
    if amount > LIMIT:
        return no(["input", field], _LIMITED, "GIFT_CARD_LIMIT_EXCEEDED")
    return None


def _bad_code(shop: Shop, code: str | None) -> dict[str, Any] | None:
    where = ["input", "code"]
    if code is None:
        return None
    if len(code) < 8:
        return no(where, "Code must be at least 8 characters long", "TOO_SHORT")
    if len(code) > 20:
        return no(where, "Code must be at most 20 characters long", "TOO_LONG")
    if not re.fullmatch(r"[a-z0-9]+", code):
        return no(where, "Code can only contain letters(a-z) and numbers(0-9)", "INVALID")
    if any(one.code == code for one in shop.cards.values()):
        # The enum knows TAKEN; the shop was seen to answer without a code all the same.
        return no(where, "Code has already been taken")
    return None


def credit(info: Info, id: str, creditInput: Mapping[str, Any]) -> dict[str, Any]:
    return _move(info, id, "credit", creditInput)


def debit(info: Info, id: str, debitInput: Mapping[str, Any]) -> dict[str, Any]:
    return _move(info, id, "debit", debitInput)


def _move(info: Info, id: str, way: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    shop = shop_of(info)
    answer = f"giftCard{way.title()}Transaction"
    amount, currency = asked[f"{way}Amount"]["amount"], asked[f"{way}Amount"]["currencyCode"]
    card = _card(shop, id)
    error = _not_usable(shop, card) or _bad_move(card, way, amount, currency)
    if error is not None or card is None:
        return refused(error or {}, answer)
    signed = exact(amount, currency) * (1 if way == "credit" else -1)
    entry = records.GiftEntry(shop.new_id(), signed, asked.get("note"), shop.clock.iso())
    card.entries.append(entry)
    return {answer: entry_view(shop, card, entry), "userErrors": []}


def _bad_move(
    card: records.GiftCard | None, way: str, amount: Decimal, currency: str
) -> dict[str, Any] | None:
    assert card is not None
    where = [f"{way}Input", f"{way}Amount"]
    if amount <= 0:
        return no([*where, "amount"], "A positive amount must be used.", "NEGATIVE_OR_ZERO_AMOUNT")
    if currency != card.currency:
        message = "The currency provided does not match the currency of the gift card."
        return no([*where, "currencyCode"], message, "MISMATCHING_CURRENCY")
    if way == "credit" and card.balance + amount > LIMIT:
        return no([*where, "amount"], _LIMITED, "GIFT_CARD_LIMIT_EXCEEDED")
    if way == "debit" and amount > card.balance:
        message = "The gift card does not have sufficient funds to satisfy the request."
        return no([*where, "amount"], message, "INSUFFICIENT_FUNDS")
    return None


def _not_usable(shop: Shop, card: records.GiftCard | None) -> dict[str, Any] | None:
    if card is None:
        return no(["id"], "The gift card could not be found.", "GIFT_CARD_NOT_FOUND")
    if card.deactivated_at is not None:
        return no(["id"], "The gift card is deactivated.", "INVALID")
    if _expired(shop, card):
        return no(["id"], "The gift card has expired.", "INVALID")
    return None


def deactivate(info: Info, id: str) -> dict[str, Any]:
    shop = shop_of(info)
    card = _card(shop, id)
    if card is None:
        return refused(
            no(["id"], "The gift card could not be found.", "GIFT_CARD_NOT_FOUND"), "giftCard"
        )
    card.deactivated_at = card.deactivated_at or shop.clock.iso()
    return {"giftCard": card_view(shop, card), "userErrors": []}


def notify_customer(info: Info, id: str) -> dict[str, Any]:
    return _notify(info, id, "customer")


def notify_recipient(info: Info, id: str) -> dict[str, Any]:
    return _notify(info, id, "recipient")


def _notify(info: Info, id: str, whom: str) -> dict[str, Any]:
    shop = shop_of(info)
    card = _card(shop, id)
    error = _not_usable(shop, card)
    if error is not None or card is None:
        return refused(error or {}, "giftCard")
    if not (card.customer_id if whom == "customer" else card.recipient):
        return refused(no(None, f"The gift card has no {whom}.", "INVALID"), "giftCard")
    card.notified.append(whom)
    return {"giftCard": card_view(shop, card), "userErrors": []}
