"""What the account's books show of late: for the sweep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from stripe.params import CouponListParams, PromotionCodeListParams, RefundListParams

from connectors.stripe.client import Account, Node
from connectors.stripe.shapes import REFUND_STATES, at, id_of, instant, money, payment_of, text
from connectors.stripe.till.remedy import PAGE, every
from core.money import Money
from core.ports import HostRecord


def records(account: Account, since: datetime) -> Iterable[HostRecord]:
    """Refunds made since, whoever made them; and of promotion codes, which are made for many
    reasons, those with our id."""
    yield from _refunds(account, int(since.timestamp()))
    yield from _codes(account, int(since.timestamp()))


def _refunds(account: Account, since: int) -> Iterator[HostRecord]:
    of: RefundListParams = {"limit": PAGE, "created": {"gte": since}}
    refunds = every(
        account,
        lambda client, after: client.v1.refunds.list(
            {**of, "starting_after": after} if after else of
        ),
    )
    for refund in refunds:
        yield HostRecord(
            host_object=text(refund, "id"),
            remedy="refund",
            amount=money(at(refund, "amount"), at(refund, "currency")),
            order_id=payment_of(refund),
            marker=_marker(refund),
            ending=REFUND_STATES.get(str(at(refund, "status")), "pending"),
            at=instant(at(refund, "created")),
        )


def _codes(account: Account, since: int) -> Iterator[HostRecord]:
    """A code does not say what it is worth: its coupon does, which is made just before it."""
    worth = _worth(account, since)
    of: PromotionCodeListParams = {"limit": PAGE, "created": {"gte": since}}
    codes = every(
        account,
        lambda client, after: client.v1.promotion_codes.list(
            {**of, "starting_after": after} if after else of
        ),
    )
    for code in codes:
        marker = _marker(code)
        if marker is not None:
            yield HostRecord(
                host_object=text(code, "id"),
                remedy="coupon",
                amount=worth.get(id_of(code, "promotion", "coupon") or ""),
                order_id=None,
                marker=marker,
                ending="settled",
                at=instant(at(code, "created")),
            )


def _worth(account: Account, since: int) -> dict[str, Money]:
    of: CouponListParams = {"limit": PAGE, "created": {"gte": since}}
    coupons = every(
        account,
        lambda client, after: client.v1.coupons.list(
            {**of, "starting_after": after} if after else of
        ),
    )
    return {
        text(coupon, "id"): money(at(coupon, "amount_off"), at(coupon, "currency"))
        for coupon in coupons
        if _marker(coupon) is not None
    }


def _marker(made: Node) -> str | None:
    ours = at(made, "metadata", "amends_id")
    return f"[amends:{ours}]" if isinstance(ours, str) and ours else None
