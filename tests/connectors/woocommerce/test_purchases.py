"""Filters that are ignored, searches that find too much, guests, and staff who buy."""

from __future__ import annotations

from datetime import date

import pytest

from core.money import Money
from core.ports import HostError, Purchases, Who
from tests.connectors.contract.bench import Bench
from tests.connectors.woocommerce.harness import EMAIL

TWENTY = Money(2000, "EUR")


def _of(bench: Bench, email: str | None) -> Purchases:
    return bench.till.purchases(Who(email=email))


def test_only_the_orders_of_exactly_this_address(bench: Bench) -> None:
    ours = bench.harness.order(TWENTY)
    bench.harness.order(TWENTY, email="ramona@example.com", customer=None)
    bench.harness.order(TWENTY, email="mona@example.com.evil.example", customer=None)
    bench.harness.order(TWENTY, email="x@y.example", customer=None)
    found = _of(bench, "Mona@Example.com ")
    assert [order.id for order in found.orders] == [ours]
    assert [buyer.id for buyer in found.buyers] == ["7"]
    assert found.orders[0].buyer_id == "7"
    assert found.orders[0].name == f"#{ours}"


def test_no_filter_that_the_shop_would_ignore_is_trusted(bench: Bench) -> None:
    bench.harness.order(TWENTY)
    _of(bench, EMAIL)
    asked = [one.query for one in bench.harness.state.requests if one.path.endswith("/orders")]
    assert all("search=" in query and "email=" not in query for query in asked)


def test_guests_have_orders_and_no_account(bench: Bench) -> None:
    bench.harness.order(TWENTY, email="guest@mail.example", customer=None)
    found = _of(bench, "guest@mail.example")
    assert found.buyers == ()
    assert [order.buyer_id for order in found.orders] == [None]


def test_guest_orders_of_somebody_with_an_account_are_found_too(bench: Bench) -> None:
    bench.harness.order(TWENTY)
    bench.harness.order(TWENTY, customer=None)
    found = _of(bench, EMAIL)
    assert [buyer.id for buyer in found.buyers] == ["7"]
    assert {order.buyer_id for order in found.orders} == {"7", None}


def test_another_accounts_order_with_this_address_is_a_persons_task(bench: Bench) -> None:
    other = {"id": 9, "email": "other@mail.example"}
    bench.harness.order(TWENTY, customer=other)
    assert {buyer.id for buyer in _of(bench, EMAIL).buyers} == {"7", "9"}


def test_staff_who_buy_are_found(bench: Bench) -> None:
    boss = {"id": 8, "email": "boss@mail.example", "role": "shop_manager"}
    bench.harness.state.seed({"customers": [boss]})
    assert [buyer.id for buyer in _of(bench, "boss@mail.example").buyers] == ["8"]


@pytest.mark.parametrize("email", [None, "", "  "])
def test_nobody_is_looked_for_without_an_address(bench: Bench, email: str | None) -> None:
    assert _of(bench, email) == Purchases(buyers=(), orders=())
    assert bench.harness.requests() == 0


def test_more_pages_than_can_be_looked_through_are_no_answer(bench: Bench) -> None:
    for number in range(301):
        bench.harness.order(TWENTY, email=f"x{number}mona@example.com", customer=None)
    with pytest.raises(HostError):
        _of(bench, EMAIL)


def test_dates_of_a_delivery_plugin(bench: Bench) -> None:
    bench.settings.values.update(promised_field="_promised_at", delivered_field="_delivered_at")
    order_id = bench.harness.order(
        TWENTY, promised_at="2026-01-08T00:00:00Z", delivered_at="tomorrow"
    )
    order = bench.till.order(order_id)
    assert order.promised_on == date(2026, 1, 8)
    assert order.delivered_on is None


def test_a_line_costs_what_was_paid_for_it(bench: Bench) -> None:
    lines = [{"title": "Cup", "quantity": 3, "price": "3.3333333"}]
    order = bench.till.order(bench.harness.order(TWENTY, lines=lines))
    assert order.lines[0].price == Money(333, "EUR")
