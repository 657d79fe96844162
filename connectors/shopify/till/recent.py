"""What the shop's books show of late, whoever made it: for the sweep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from connectors.shopify import documents
from connectors.shopify.client import Admin
from connectors.shopify.shapes import Node, amount, at, instant, made, many, marked, text
from connectors.shopify.till import documents as given
from core.ports import HostRecord

#: A sweep asks again from where it stood; this bounds one asking.
_PAGES_MAX = 200


def records(admin: Admin, since: datetime) -> Iterable[HostRecord]:
    """Refunds (to the payment or as store credit) of every order changed since, so that one that
    ended later is seen again, and gift cards made since."""
    yield from _refunds(admin, since)
    yield from _cards(admin, since)


def _refunds(admin: Admin, since: datetime) -> Iterator[HostRecord]:
    changed = f"updated_at:>='{_written(since)}'"
    after: str | None = None
    for _ in range(_PAGES_MAX):
        orders = at(admin.read(documents.RECENT, query=changed, after=after), "orders")
        for order in many(orders, "nodes"):
            for refund in many(order, "refunds"):
                yield from _record(refund)
        if at(orders, "pageInfo", "hasNextPage") is not True:
            return
        after = text(orders, "pageInfo", "endCursor")


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


def _cards(admin: Admin, since: datetime) -> Iterator[HostRecord]:
    made_since = f"created_at:>='{_written(since)}'"
    after: str | None = None
    for _ in range(_PAGES_MAX):
        cards = at(admin.read(given.CARDS_SINCE, query=made_since, after=after), "giftCards")
        for card in many(cards, "nodes"):
            marker = marked(at(card, "note"))
            yield HostRecord(
                host_object=text(card, "id"),
                remedy="gift_card",
                amount=amount(card, "initialValue"),
                order_id=None,
                marker=None if marker is None else f"[amends:{marker}]",
                ending="settled",
                at=instant(at(card, "createdAt")),
            )
        if at(cards, "pageInfo", "hasNextPage") is not True:
            return
        after = text(cards, "pageInfo", "endCursor")


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
