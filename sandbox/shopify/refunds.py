"""`refundCreate`, and the refund a person makes by hand in the shop's admin."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.shopify import records, wire
from sandbox.shopify.books import Shop
from sandbox.shopify.calls import Info, no, refused, shop_of
from sandbox.shopify.credit import add_entry, open_account
from sandbox.shopify.idempotency import once
from sandbox.shopify.money import exact, spoken
from sandbox.shopify.refund_views import refund
from sandbox.shopify.views import number_in, order, status_of

STORE_CREDIT = "shopify_store_credit"
_EMPTY = ("refund", "order")


class Unwanted(Exception):
    """A user error of `refundCreate`."""

    def __init__(self, field: list[str] | None, message: str) -> None:
        super().__init__(message)
        self.error = no(field, message)


def refund_create(info: Info, input: dict[str, Any]) -> dict[str, Any]:
    shop = shop_of(info)

    def act() -> dict[str, Any]:
        try:
            made = _refund(shop, input)
        except Unwanted as unwanted:
            return refused(unwanted.error, *_EMPTY)
        owner = shop.orders[made.order_id]
        return {"refund": refund(shop, made), "order": order(shop, owner), "userErrors": []}

    return once(info, input, _EMPTY, act)


def _refund(shop: Shop, input: Mapping[str, Any]) -> records.Refund:
    owner = shop.orders.get(number_in("Order", input["orderId"]) or 0)
    if owner is None:
        raise Unwanted(["orderId"], "Order does not exist")
    _check_currency(owner, input.get("currency"))
    lines = _lines(owner, input.get("refundLineItems") or [])
    moves = [_move(shop, owner, one) for one in input.get("transactions") or []]
    credits = [_credit(owner, one) for one in input.get("refundMethods") or []]
    asked = sum((one[0] for one in (*moves, *credits)), Decimal(0))
    if asked > (left := shop.net(owner)):
        raise Unwanted(
            None,
            f"Refund amount {spoken(asked, owner.currency)} is greater than net payment "
            f"received {spoken(left, owner.currency)}",
        )
    made = records.Refund(
        shop.new_id(),
        owner.id,
        input.get("note"),
        shop.clock.iso(),
        [(line.id, quantity, how) for line, quantity, how in lines],
        _shipping(owner, input.get("shipping") or {}),
    )
    for line, quantity, _ in lines:
        line.refunded_quantity += quantity
    shop.refunds[made.id] = made
    for amount, parent in moves:
        _pay(shop, owner, made, amount, parent)
    for amount, expires_at in credits:
        _pay_credit(shop, owner, made, amount, expires_at)
    announce(shop, made)
    return made


def _check_currency(owner: records.Order, currency: str | None) -> None:
    if currency is None and owner.currency != owner.shop_currency:
        raise Unwanted(["currency"], "Currency must be specified for multi-currency orders")
    if currency not in (None, owner.currency):
        raise Unwanted(["currency"], "Currency must match the order's presentment currency")


def _lines(
    owner: records.Order, wanted: list[dict[str, Any]]
) -> list[tuple[records.Line, int, str]]:
    found = []
    for at, one in enumerate(wanted):
        number = number_in("LineItem", one["lineItemId"])
        line = next((line for line in owner.lines if line.id == number), None)
        if line is None:
            raise Unwanted(["refundLineItems", str(at), "lineItemId"], "Line item does not exist")
        if one["quantity"] > line.quantity - line.refunded_quantity:
            raise Unwanted(
                ["refundLineItems", str(at), "quantity"],
                "Quantity cannot refund more items than were purchased",
            )
        found.append((line, one["quantity"], one.get("restockType") or "NO_RESTOCK"))
    return found


def _shipping(owner: records.Order, wanted: Mapping[str, Any]) -> Decimal:
    return owner.shipping if wanted.get("fullRefund") else wanted.get("amount") or Decimal(0)


def _move(
    shop: Shop, owner: records.Order, given: Mapping[str, Any]
) -> tuple[Decimal, records.Transaction]:
    """The amount and the payment it goes back to. The gateway given is not looked at: the shop
    silently uses that of the parent."""
    if given["kind"] != "REFUND":
        raise Unwanted(None, f"Kind {given['kind'].lower()} is not a valid transaction")
    parent = shop.transactions.get(number_in("OrderTransaction", given.get("parentId") or "") or 0)
    if parent is None or parent.order_id != owner.id:
        message = "Transactions require a parent_id associated with the order"
        raise Unwanted(["transactions"], message)
    amount = exact(given["amount"], owner.currency)
    if amount <= 0:
        raise Unwanted(["transactions"], "Amount must be greater than zero")
    return amount, parent


def _credit(owner: records.Order, method: Mapping[str, Any]) -> tuple[Decimal, str | None]:
    wanted = method["storeCreditRefund"]
    if owner.customer_id is None:
        raise Unwanted(["refundMethods"], "Store credit refunds require a customer on the order")
    if wanted["amount"]["currencyCode"] != owner.currency:
        raise Unwanted(["refundMethods"], "Currency must match the order's presentment currency")
    return exact(wanted["amount"]["amount"], owner.currency), wanted.get("expiresAt")


def _pay(
    shop: Shop,
    owner: records.Order,
    made: records.Refund,
    amount: Decimal,
    parent: records.Transaction,
) -> None:
    status = shop.endings.pop(0) if shop.endings else "SUCCESS"
    shop.add_transaction(
        owner, "REFUND", status, amount, parent.gateway, parent_id=parent.id, refund_id=made.id
    )


def _pay_credit(
    shop: Shop,
    owner: records.Order,
    made: records.Refund,
    amount: Decimal,
    expires_at: str | None,
) -> None:
    move = shop.add_transaction(owner, "REFUND", "SUCCESS", amount, STORE_CREDIT, refund_id=made.id)
    account = open_account(shop, owner.customer_id or 0, owner.currency)
    add_entry(shop, account, amount, "ORDER_REFUND", expires_at, move.id)


def announce(shop: Shop, made: records.Refund) -> None:
    """Tell whoever listens: the refund, then the order it changed."""
    owner = shop.orders[made.order_id]
    owner.updated_at = shop.clock.iso()
    moves = [one for one in shop.transactions.values() if one.refund_id == made.id]
    shop.hooks.emit("refunds/create", wire.refund_body(made, moves, owner))
    shop.hooks.emit("orders/updated", wire.order_body(owner, status_of(shop, owner)))


def by_hand(shop: Shop, owner: records.Order, amount: Decimal, note: str | None) -> records.Refund:
    """A refund somebody makes in the shop's admin. Raises ValueError beyond what is left."""
    if amount > shop.net(owner):
        raise ValueError(f"{owner.name} has {shop.net(owner)} {owner.currency} left to refund")
    made = records.Refund(shop.new_id(), owner.id, note, shop.clock.iso(), by_hand=True)
    shop.refunds[made.id] = made
    _pay(shop, owner, made, amount, shop.of_order(owner.id, "SALE", "CAPTURE")[0])
    announce(shop, made)
    return made


def conclude(shop: Shop, move: records.Transaction, status: str) -> None:
    """A payment that was pending ends; the order's listeners hear of it."""
    move.status = status
    move.error_code = "CARD_DECLINED" if status in ("FAILURE", "ERROR") else None
    owner = shop.orders[move.order_id]
    owner.updated_at = shop.clock.iso()
    shop.hooks.emit("order_transactions/create", wire.transaction_body(move, owner))
    shop.hooks.emit("orders/updated", wire.order_body(owner, status_of(shop, owner)))
