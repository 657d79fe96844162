"""Who bought what: others in the answer, two of one address, guests; and access."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from core.ports import (
    Declined,
    HostDenied,
    HostUnavailable,
    Till,
    Who,
)
from tests.connectors.scripted import Says, Scripted
from tests.connectors.shopify.lying import (
    ORDER,
    Shop,
    asks,
    buyer,
    details,
)

# ---------------------------------------------------------------------------------- purchases


def people(shop: Shop, **found: Any) -> None:
    nobody: dict[str, Any] = {"exact": None, "alike": {"nodes": []}, "byEmail": {"nodes": []}}
    shop.books = {"shop": {"ianaTimezone": "Asia/Riyadh"}, **nobody, **found}


def test_others_orders_in_the_answer_are_left_out(shop: Shop) -> None:
    theirs = details(1, "Mona@Example.com ", None)
    other = details(2, "x.mona@example.com", buyer(8, "x.mona@example.com"))
    people(
        shop,
        byEmail={"nodes": [theirs, other]},
        named={"nodes": [other]},
        alike={"nodes": [buyer(8, "x.mona@example.com"), buyer(9, None)]},
    )
    found = shop.till.purchases(Who(email="mona@example.com", order_names=("#2",)))
    assert [one.name for one in found.orders] == ["#1"]
    assert found.buyers == ()
    assert found.orders[0].promised_on == date(2026, 11, 11), "in the shop's own zone"


def test_two_buyers_with_one_address_come_out_as_two(shop: Shop) -> None:
    exact = {**buyer(7, "mona@example.com"), "orders": {"nodes": []}}
    people(shop, exact=exact, alike={"nodes": [exact, buyer(8, "MONA@example.com")]})
    assert len(shop.till.purchases(Who(email="mona@example.com")).buyers) == 2


def test_the_buyer_of_an_order_with_the_address_counts_too(shop: Shop) -> None:
    exact = {**buyer(7, "mona@example.com"), "orders": {"nodes": []}}
    moved = details(3, "mona@example.com", buyer(8, "new@example.com"))
    people(shop, exact=exact, byEmail={"nodes": [moved]})
    assert len(shop.till.purchases(Who(email="mona@example.com")).buyers) == 2


def test_without_an_address_nobody_is_asked_for(shop: Shop) -> None:
    found = shop.till.purchases(Who(email=None, order_names=("#1",)))
    assert (found.buyers, found.orders) == ((), ())
    assert shop.host.seen == []


def test_an_address_cannot_widen_the_search(shop: Shop) -> None:
    people(shop)
    shop.till.purchases(Who(email='a" OR email:"b@example.com'))
    sent = json.loads(shop.host.seen[0].body)["variables"]
    assert sent["alike"] == 'email:"a\\" OR email:\\"b@example.com"'


# -------------------------------------------------------------------------------------- access


def test_a_permanent_token_that_is_refused_asks_for_a_person(shop: Shop) -> None:
    shop.says["order"] = Says({"errors": "[API] Invalid API key"}, status=401)
    with pytest.raises(HostDenied):
        shop.till.order(ORDER)


@pytest.mark.parametrize("pays", [lambda till: till.pay, lambda till: till.reverse])
def test_what_is_not_paid_here_is_declined(shop: Shop, pays: Callable[[Till], Any]) -> None:
    assert isinstance(pays(shop.till)(asks(remedy="points")), Declined)
    assert shop.host.seen == []


def test_a_shop_that_is_away_is_unavailable(shop: Shop) -> None:
    shop.host.close()
    with pytest.raises(HostUnavailable):
        shop.till.order(ORDER)
    shop.host = Scripted(lambda _: Says({}))
