"""Gift cards, credit, codes, goods: what Shopify says that is not so, or not all of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.shopify.till.store_credit import own_moment
from core.money import Money
from core.ports import (
    Absent,
    Declined,
    Settled,
    Unknown,
    Unpayable,
)
from tests.connectors.scripted import Asked, Says, Scripted
from tests.connectors.shopify.lying import (
    EUR,
    Shop,
    asks,
    bag,
    card,
    order,
    refused,
)

# --------------------------------------------------------------------------------- gift cards


GIFT = {"remedy": "gift_card", "code": "k7m2x9qa3b5c2345", "order_id": None}


@pytest.mark.parametrize("code", [None, "TAKEN"])
def test_taken_means_made_though_the_code_is_null(shop: Shop, code: str | None) -> None:
    """The search shows nothing at first, then the card: it is ours, and there is one."""
    answers = iter(([], [card()]))
    shop.books = {"shop": {"currencyCode": EUR}, "giftCards": {"nodes": []}}
    taken = refused("Code has already been taken", "giftCardCreate", code=code)
    plain = shop._answer

    def answer(asked: Asked) -> Says:
        if "giftCards(" in asked.body:
            return Says({"data": {"giftCards": {"nodes": next(answers)}}})
        return plain(asked)

    shop.host.close()
    shop.host = Scripted(answer)
    shop.settings.values["address"] = shop.host.address
    shop.says["giftCardCreate"] = taken
    ending = shop.till.pay(asks(**GIFT))
    assert isinstance(ending, Settled), ending
    assert len(shop.sent("giftCardCreate")) == 1


def test_taken_and_not_to_be_seen_is_unknown(shop: Shop) -> None:
    shop.books = {"shop": {"currencyCode": EUR}, "giftCards": {"nodes": []}}
    shop.says["giftCardCreate"] = refused(
        "Code has already been taken", "giftCardCreate", code=None
    )
    assert isinstance(shop.till.pay(asks(**GIFT)), Unknown)


@pytest.mark.parametrize(
    "changes",
    [
        {"initialValue": {"amount": "150.0", "currencyCode": EUR}},
        {"lastCharacters": "9999"},
        {"customer": None},
        {"note": "somebody else's"},
    ],
)
def test_another_gift_card_is_unknown(shop: Shop, changes: dict[str, Any]) -> None:
    shop.books = {"shop": {"currencyCode": EUR}, "giftCards": {"nodes": []}}
    made = {"giftCard": card(**changes), "userErrors": []}
    shop.says["giftCardCreate"] = Says({"data": {"giftCardCreate": made}})
    assert isinstance(shop.till.pay(asks(**GIFT)), Unknown)


@pytest.mark.parametrize("code", [None, "", "SHORT", "K7M2X9QA3B5C2345", "k7m2x9qa3b5c234٥"])
def test_a_code_that_cannot_be_is_refused_before_any_request(shop: Shop, code: str | None) -> None:
    assert isinstance(shop.till.pay(asks(**{**GIFT, "code": code})), Declined)
    assert shop.host.seen == []


def test_a_gift_card_is_switched_off_once_and_says_what_was_left(shop: Shop) -> None:
    spent = card(balance={"amount": "4.0", "currencyCode": EUR}, enabled=False)
    shop.books = {"giftCard": spent}
    ending = shop.till.reverse(asks(**GIFT, host_object="gid://shopify/GiftCard/3"))
    assert isinstance(ending, Settled)
    assert ending.receipt.amount == Money(400, EUR)
    assert shop.sent("giftCardDeactivate") == []


# ------------------------------------------------------------------------------- store credit

LOOSE = {"remedy": "store_credit", "order_id": None}


def account(*credits: dict[str, Any]) -> dict[str, Any]:
    balance = {"amount": "15.0", "currencyCode": EUR}
    entry = {"id": "a", "balance": balance, "transactions": {"nodes": list(credits)}}
    return {"customer": {"id": "c", "storeCreditAccounts": {"nodes": [entry]}}}


def credit(ends: datetime | None, amount: str = "15.0") -> dict[str, Any]:
    return {
        "id": "gid://shopify/StoreCreditAccountCreditTransaction/1",
        "createdAt": "2026-11-20T10:00:00Z",
        "expiresAt": ends.strftime("%Y-%m-%dT%H:%M:%SZ") if ends else None,
        "amount": {"amount": amount, "currencyCode": EUR},
    }


MOMENT = own_moment(asks(**LOOSE))


@pytest.mark.parametrize(
    ("there", "finding"),
    [
        ([], Absent),
        ([credit(MOMENT)], Settled),
        ([credit(MOMENT), credit(MOMENT)], Unknown),
        ([credit(MOMENT, "16.0")], Absent),
        ([credit(None)], Absent),
        ([credit(MOMENT.replace(second=0))], Unknown),
        ([credit(MOMENT.replace(hour=0, minute=0, second=0))], Unknown),
        ([credit(MOMENT + timedelta(seconds=1))], Absent),
        ([{"createdAt": "2026-11-20T10:00:00Z"}], Absent),
    ],
)
def test_credit_without_an_order_is_known_by_the_second_it_ends(
    shop: Shop, there: list[dict[str, Any]], finding: type
) -> None:
    assert MOMENT.second
    shop.books = account(*there)
    assert isinstance(shop.till.find(asks(**LOOSE)), finding)


def test_each_payout_has_a_second_of_its_own() -> None:
    moments = {own_moment(asks(**LOOSE, payout_id=f"pay_{n}")) for n in range(300)}
    assert len(moments) > 295
    ends = datetime(2027, 5, 1, tzinfo=UTC)
    late = own_moment(asks(**LOOSE, expires_at=ends)) - ends
    assert timedelta(0) <= late < timedelta(days=1), "never earlier than was promised"


# ----------------------------------------------------------------------------- coupons, goods


def test_a_coupon_that_carries_another_title_is_unknown(shop: Shop) -> None:
    shop.books = {
        "shop": {"currencyCode": EUR},
        "codeDiscountNodeByCode": {"id": "d", "codeDiscount": {"title": "Summer"}},
    }
    asked = asks(remedy="coupon", code="SORRY-7K2M9QXA4T", order_id=None)
    assert isinstance(shop.till.pay(asked), Unknown)
    assert isinstance(shop.till.reverse(asked), Unknown)
    assert shop.sent("discountCodeBasicCreate") == []


def test_a_coupon_is_in_the_shops_currency_and_bound_to_somebody(shop: Shop) -> None:
    shop.books = {"shop": {"currencyCode": "USD"}, "codeDiscountNodeByCode": None}
    asked = asks(remedy="coupon", code="SORRY-7K2M9QXA4T", order_id=None)
    with pytest.raises(Unpayable):
        shop.till.quote(asked)
    with pytest.raises(Unpayable):
        shop.till.quote(replace(asked, buyer_id=None))


def test_a_replacement_that_would_cost_something_is_not_completed(shop: Shop) -> None:
    line = {"id": "l", "title": "Lamp", "quantity": 1, "variant": {"id": "v"}}
    line["discountedUnitPriceSet"] = bag("15.0")
    bought = {**order(), "email": None, "shippingAddress": None, "lineItems": {"nodes": [line]}}
    shop.books = {"order": bought, "draftOrders": {"nodes": []}}
    draft = {"id": "gid://shopify/DraftOrder/2", "status": "OPEN", "tags": ["pay_1"]}
    made = {"draftOrder": {**draft, "totalPriceSet": bag("3.0")}, "userErrors": []}
    shop.says["draftOrderCreate"] = Says({"data": {"draftOrderCreate": made}})
    ending = shop.till.pay(asks(remedy="replacement"))
    assert isinstance(ending, Declined)
    assert ending.code == "not_free"
    assert shop.sent("draftOrderComplete") == []
