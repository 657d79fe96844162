"""What the shop's books show of late, whoever made it: for the sweep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from connectors.shopify import documents
from connectors.shopify.client import Admin
from connectors.shopify.shapes import Node, amount, at, instant, made, many, marked, text
from connectors.shopify.till import documents as given
from connectors.shopify.till import replacement
from connectors.shopify.till.refund import REFUNDS_MAX
from core.ports import HostRecord, HostUnclear

#: 25,000 orders changed within the time that is looked at.
_PAGES_MAX = 5_000
#: So many of each come with the list; where there are as many there may be more.
_REFUNDS_LISTED, _MOVES_LISTED = 10, 4


def records(admin: Admin, since: datetime) -> Iterable[HostRecord]:
    """Refunds (to the payment or as store credit) of every order changed since, so that one that
    ended later is seen again; gift cards made since; and of discount codes and draft orders, which
    shops make for many reasons, those with our mark."""
    yield from _refunds(admin, since)
    made_since = f"created_at:>='{_written(since)}'"
    yield from map(_card, _pages(admin, given.CARDS_SINCE, "giftCards", made_since))
    for node in _pages(admin, given.COUPONS_SINCE, "codeDiscountNodes", made_since):
        yield from _coupon(node)
    for draft in _pages(admin, given.DRAFTS_SINCE, "draftOrders", made_since):
        yield from _goods(draft)


def _refunds(admin: Admin, since: datetime) -> Iterator[HostRecord]:
    changed = f"updated_at:>='{_written(since)}'"
    for order in _pages(admin, documents.RECENT, "orders", changed):
        refunds = many(order, "refunds")
        if len(refunds) >= _REFUNDS_LISTED:
            refunds = _every(admin, text(order, "id"))
        for refund in refunds:
            whole = len(many(refund, "transactions", "nodes")) < _MOVES_LISTED
            yield from _record(refund if whole else _one(admin, text(refund, "id")))


def _every(admin: Admin, order_id: str) -> list[Node]:
    found = many(admin.read(documents.PAYMENTS, id=order_id), "order", "refunds")
    if len(found) >= REFUNDS_MAX:
        raise HostUnclear("an order has more refunds than can be looked through")
    return [_one(admin, text(one, "id")) for one in found]


def _one(admin: Admin, refund_id: str) -> Node:
    refund: Node = at(admin.read(documents.REFUND, id=refund_id), "refund")
    return refund


def _pages(admin: Admin, document: str, root: str, query: str) -> Iterator[Node]:
    after: str | None = None
    for _ in range(_PAGES_MAX):
        page = at(admin.read(document, query=query, after=after), root)
        yield from many(page, "nodes")
        if at(page, "pageInfo", "hasNextPage") is not True:
            return
        after = text(page, "pageInfo", "endCursor")
    # A part of a list must never look like the whole of it.
    raise HostUnclear(f"the shop lists more {root} than can be looked through")


def _record(refund: Node) -> Iterator[HostRecord]:
    seen = made(refund)
    if seen.amount is None or seen.at is None:
        return  # goods put back; no money moved
    moves = many(refund, "transactions", "nodes")
    credit = all(at(move, "gateway") == STORE_CREDIT_GATEWAY for move in moves)
    yield HostRecord(
        host_object=seen.id,
        remedy="store_credit" if credit else "refund",
        amount=seen.amount,
        order_id=seen.order_id,
        marker=None if seen.marker is None else f"[amends:{seen.marker}]",
        ending="pending" if seen.state == "mixed" else seen.state,
        at=seen.at,
    )


STORE_CREDIT_GATEWAY = "shopify_store_credit"


def _card(card: Node) -> HostRecord:
    marker = marked(at(card, "note"))
    return HostRecord(
        host_object=text(card, "id"),
        remedy="gift_card",
        amount=amount(card, "initialValue"),
        order_id=None,
        marker=None if marker is None else f"[amends:{marker}]",
        ending="settled",
        at=instant(at(card, "createdAt")),
    )


def _coupon(node: Node) -> Iterator[HostRecord]:
    discount = at(node, "codeDiscount")
    marker = marked(discount.get("title"))  # other kinds of discounts come without any field
    if marker is not None:
        yield HostRecord(
            host_object=text(node, "id"),
            remedy="coupon",
            amount=amount(discount, "customerGets", "value", "amount"),
            order_id=None,
            marker=f"[amends:{marker}]",
            ending="settled",
            at=instant(at(discount, "createdAt")),
        )


def _goods(draft: Node) -> Iterator[HostRecord]:
    """Drafts that are still open have sent nothing."""
    payout_id = replacement.payout_of(draft)
    if payout_id is not None and text(draft, "status") == "COMPLETED":
        yield HostRecord(
            host_object=text(draft, "id"),
            remedy="replacement",
            amount=None,
            order_id=None,
            marker=f"[amends:{payout_id}]",
            ending="settled",
            at=instant(at(draft, "createdAt")),
        )


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
