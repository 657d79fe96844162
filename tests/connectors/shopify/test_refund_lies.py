"""Refunds: what Shopify says that is not so, or not all of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.money import Money
from core.ports import (
    Absent,
    Declined,
    NotSent,
    Pending,
    Settled,
    Unknown,
    Unpayable,
)
from tests.connectors.scripted import Says, Scripted
from tests.connectors.shopify.lying import (
    EUR,
    Shop,
    asks,
    bag,
    created,
    order,
    refund,
    refused,
    sale,
)

# ------------------------------------------------------------------------------ what came back


def test_fifteen_point_nought_is_fifteen(shop: Shop) -> None:
    shop.says["refundCreate"] = created(refund("SUCCESS", amount="15.0"))
    ending = shop.till.pay(asks())
    assert isinstance(ending, Settled)
    assert ending.receipt.amount == Money(1500, EUR)


@pytest.mark.parametrize(
    ("statuses", "ending"),
    [
        (["PENDING"], Pending),
        (["AWAITING_RESPONSE"], Pending),
        (["A_NEW_WORD"], Pending),
        (["FAILURE"], Declined),
        (["ERROR"], Declined),
    ],
)
def test_a_refund_that_exists_is_not_a_refund_that_was_paid(
    shop: Shop, statuses: list[str], ending: type
) -> None:
    shop.says["refundCreate"] = created(refund(*statuses))
    assert isinstance(shop.till.pay(asks()), ending)


@pytest.mark.parametrize(
    "made",
    [
        None,
        refund("SUCCESS", order={"id": "gid://shopify/Order/2"}),
        refund("SUCCESS", amount="15.01"),
        refund("SUCCESS", amount="1500"),
        refund("SUCCESS", note="[amends:pay_2]"),
        refund("SUCCESS", note=None),
        refund("SUCCESS", amount="-15.0"),
        refund("SUCCESS", amount="1.5e1"),
        refund("SUCCESS", id=5),
        refund("SUCCESS", transactions={"nodes": None}),
        refund(),  # neither transactions nor refund methods: recorded, and nothing moved
        refund("SUCCESS", "FAILURE", amount="7.50"),
    ],
)
def test_another_answer_than_was_asked_for_is_unknown(
    shop: Shop, made: dict[str, Any] | None
) -> None:
    shop.says["refundCreate"] = created(made)
    assert isinstance(shop.till.pay(asks()), Unknown)


def test_another_currency_is_unknown(shop: Shop) -> None:
    made = refund("SUCCESS")
    made["transactions"]["nodes"][0]["amountSet"] = bag("15.0", "USD")
    shop.says["refundCreate"] = created(made)
    assert isinstance(shop.till.pay(asks()), Unknown)


# ---------------------------------------------------------------------------------- the three no's


@pytest.mark.parametrize(
    ("says", "ending"),
    [
        (refused("Refund amount $25.00 is greater than net payment received $15.00"), Declined),
        (
            refused("The same idempotency key cannot be used with different operation parameters."),
            Unknown,
        ),
        (refused("This request is currently in progress, please try again."), Unknown),
        (refused("Retry with a new idempotency key."), Unknown),
        (refused("No.", code="IDEMPOTENCY_KEY_PARAMETER_MISMATCH"), Unknown),
        (Says({"data": {"refundCreate": None}}), Unknown),
        (Says({"errors": [{"message": "Internal error"}]}), Unknown),
        (
            Says({"errors": [{"message": "?", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}),
            Unknown,
        ),
        (
            Says(
                {
                    "errors": [
                        {
                            "message": "The @idempotent directive is required for this mutation",
                            "extensions": {"code": "BAD_REQUEST"},
                        }
                    ],
                    "data": {"refundCreate": None},
                }
            ),
            Declined,
        ),
        (
            Says(
                {"errors": [{"message": "m", "extensions": {"code": "missingRequiredArguments"}}]}
            ),
            Declined,
        ),
        (Says({"errors": [{"message": "m", "extensions": {"code": "ACCESS_DENIED"}}]}), NotSent),
        (Says({"errors": "Not Found"}, status=404), NotSent),
        (Says({"errors": "Payment required"}, status=402), NotSent),
        (Says({"errors": "[API] Invalid API key"}, status=401), NotSent),
        (Says({"errors": 7}), Unknown),
        (Says([]), Unknown),
        (Says(b"<html>"), Unknown),
        (Says(b'{"data":{"refundCreate":{"refund":NaN}}}'), Unknown),
    ],
)
def test_a_no_is_told_from_a_perhaps(shop: Shop, says: Says, ending: type) -> None:
    shop.says["refundCreate"] = says
    found = shop.till.pay(asks())
    assert isinstance(found, ending), found
    assert len(shop.sent("refundCreate")) == 1, "one sending, whatever came of it"


@pytest.mark.parametrize("status", [200, 429])
def test_throttled_comes_with_either_status(shop: Shop, status: int) -> None:
    cost = {
        "requestedQueryCost": 310,
        "actualQueryCost": None,
        "throttleStatus": {"maximumAvailable": 2000, "currentlyAvailable": 10, "restoreRate": 100},
    }
    body = {
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {"cost": cost},
    }
    shop.says["refundCreate"] = Says(body, status=status, headers={"Retry-After": "3"})
    ending = shop.till.pay(asks())
    assert isinstance(ending, NotSent)
    assert ending.retry_after == timedelta(seconds=3)


def test_a_throttled_read_waits_and_comes_back(shop: Shop) -> None:
    throttled = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}
    status = {"currentlyAvailable": 90, "restoreRate": 100}
    throttled["extensions"] = {"cost": {"requestedQueryCost": 100, "throttleStatus": status}}  # type: ignore[assignment]
    answers = [Says(throttled), Says({"data": shop.books})]
    shop.host.close()
    shop.host = Scripted(lambda _: answers.pop(0))
    shop.settings.values["address"] = shop.host.address
    assert shop.till.quote(asks()).payable == Money(1500, EUR)


@pytest.mark.parametrize("nonsense", [b"{", b"[]", b'{"data":[]}', b'{"data":{"order":{}}}'])
def test_a_read_that_cannot_be_read_sends_nothing(shop: Shop, nonsense: bytes) -> None:
    shop.says["order"] = Says(nonsense)
    assert isinstance(shop.till.pay(asks()), NotSent)
    assert isinstance(shop.till.find(asks()), Unknown)
    assert shop.sent("refundCreate") == []


# ---------------------------------------------------------------------------- what can go back


def test_the_payment_with_enough_left_is_taken(shop: Shop) -> None:
    gone = sale("10", "40.0", kind="REFUND", parentTransaction={"id": sale("9", "0")["id"]})
    moves = (sale("9", "50.0"), gone, sale("11", "30.0", gateway="paypal"))
    shop.books = {"order": order(*moves)}
    shop.says["refundCreate"] = created(refund("SUCCESS"))
    shop.till.pay(asks())
    (sent,) = shop.sent("refundCreate")
    assert sent["input"]["currency"] == EUR
    (move,) = sent["input"]["transactions"]
    assert (move["parentId"], move["gateway"]) == ("gid://shopify/OrderTransaction/11", "paypal")
    assert "allowOverRefunding" not in sent["input"]


def test_a_refund_is_split_where_no_payment_has_enough(shop: Shop) -> None:
    moves = (sale("9", "10.0", gateway="gift_card"), sale("11", "30.0"))
    shop.books = {"order": order(*moves)}
    shop.till.pay(asks(amount=Money(3500, EUR)))
    parts = shop.sent("refundCreate")[0]["input"]["transactions"]
    assert [(part["gateway"], part["amount"]) for part in parts] == [
        ("gift_card", "10.00"),
        ("shopify_payments", "25.00"),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"disputes": [{"status": "NEEDS_RESPONSE"}]},
        {"disputes": [{"status": "LOST"}]},
        {"disputes": [{"status": "A_NEW_WORD"}]},
        {"refundable": False},
        {"suggestedRefund": None},
        {
            "transactions": [
                sale("9", "50.0", manualPaymentGateway=True, gateway="Cash on Delivery")
            ]
        },
        {"transactions": [sale("9", "50.0", status="PENDING")]},
        {"transactions": [sale("9", "50.0", kind="AUTHORIZATION")]},
        {"suggestedRefund": {"maximumRefundableSet": bag("14.99")}},
    ],
)
def test_what_would_move_no_money_is_not_sent(shop: Shop, changes: dict[str, Any]) -> None:
    shop.books = {"order": {**order(sale("9", "50.0")), **changes}}
    assert shop.till.quote(asks()).payable < Money(1500, EUR)
    assert isinstance(shop.till.pay(asks()), Declined)
    assert shop.sent("refundCreate") == []


def test_a_won_dispute_is_no_obstacle(shop: Shop) -> None:
    shop.books = {"order": order(sale("9", "50.0"), disputes=[{"status": "WON"}])}
    assert shop.till.quote(asks()).payable == Money(1500, EUR)


def test_another_currency_than_the_orders_is_unpayable(shop: Shop) -> None:
    with pytest.raises(Unpayable):
        shop.till.quote(asks(amount=Money(1500, "USD")))
    assert isinstance(shop.till.pay(asks(amount=Money(1500, "USD"))), Declined)


# -------------------------------------------------------------------------------------- looking


def test_a_forgotten_key_pays_nothing_twice(shop: Shop) -> None:
    shop.books["order"]["refunds"] = [{"id": "gid://shopify/Refund/5", "note": "[amends:pay_1]"}]
    shop.books["refund"] = refund("SUCCESS")
    long_ago = datetime.now(UTC) - timedelta(hours=21)
    assert isinstance(shop.till.pay(asks(first_sent_at=long_ago, key="key-2")), Settled)
    assert shop.sent("refundCreate") == []


def test_two_refunds_with_one_marker_are_a_persons_matter(shop: Shop) -> None:
    twice = [{"id": f"gid://shopify/Refund/{n}", "note": "x [amends:pay_1]"} for n in (5, 6)]
    shop.books["order"]["refunds"] = twice
    assert isinstance(shop.till.find(asks()), Unknown)
    assert isinstance(shop.till.pay(asks()), Unknown)


def test_a_marker_is_not_a_part_of_another(shop: Shop) -> None:
    shop.books["order"]["refunds"] = [{"id": "gid://shopify/Refund/5", "note": "[amends:pay_10]"}]
    assert isinstance(shop.till.find(asks()), Absent)


def test_a_list_that_is_full_proves_no_absence(shop: Shop) -> None:
    full = [{"id": f"gid://shopify/Refund/{n}", "note": None} for n in range(50)]
    shop.books["order"]["refunds"] = full
    assert isinstance(shop.till.find(asks()), Unknown)


def test_a_found_refund_of_another_amount_is_unknown(shop: Shop) -> None:
    shop.books["refund"] = refund("SUCCESS", amount="14.0")
    asked = asks(host_object="gid://shopify/Refund/5")
    assert isinstance(shop.till.find(asked), Unknown)
