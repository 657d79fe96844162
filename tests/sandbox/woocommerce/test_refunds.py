"""Refunds in the shop's own order of effects, and its habit of saying no with a 500."""

import threading
from typing import Any

import pytest
import requests

from sandbox.woocommerce import books
from tests.gate import PATIENCE_S, Gate
from tests.sandbox.woocommerce.conftest import API, WooCaller

REFUNDS = f"{API}/orders/723/refunds"


def test_a_refund_moves_money_and_keeps_its_reason(shop: WooCaller) -> None:
    asked = {"amount": "5.00", "reason": "Late [m:1]", "meta_data": [{"key": "_m", "value": "1"}]}
    made = shop.call("POST", REFUNDS, asked)
    assert made.status_code == 201
    assert (made.json()["amount"], made.json()["refunded_payment"]) == ("5.00", True)
    (listed,) = shop.get(REFUNDS)
    assert (listed["reason"], listed["meta_data"][0]["key"]) == ("Late [m:1]", "_m")
    assert shop.get(f"{API}/orders/723")["refunds"] == [
        {"id": listed["id"], "reason": "Late [m:1]", "total": "-5.00"}
    ]
    assert shop.paid_back() == ("15.00", "5.00")


@pytest.mark.parametrize(
    ("number", "asked", "status", "code", "message"),
    [
        (723, {"amount": "20.01"}, 500, "woocommerce_rest_cannot_create_order_refund",
         "Invalid refund amount."),
        (724, {"amount": "5.00"}, 500, "woocommerce_rest_cannot_create_order_refund",
         "The payment gateway for this order does not support automatic refunds."),
        (999, {"amount": "5.00"}, 404, "woocommerce_rest_invalid_order_id", "Invalid order ID."),
        (723, {"amount": "-1"}, 400, "woocommerce_rest_invalid_order_refund", None),
        (723, {"amount": "NaN"}, 400, "woocommerce_rest_invalid_order_refund", None),
        (723, {}, 400, "woocommerce_rest_invalid_order_refund", None),
    ],
)  # fmt: skip
def test_refusals_leave_no_row(
    shop: WooCaller, number: int, asked: Any, status: int, code: str, message: str | None
) -> None:
    no = shop.call("POST", f"{API}/orders/{number}/refunds", asked)
    assert (no.status_code, no.json()["code"], no.json()["data"]["status"]) == (
        status,
        code,
        status,
    )
    assert message is None or no.json()["message"] == message
    assert shop.books()["refunds"] == []


def test_a_zero_refund_is_accepted(shop: WooCaller) -> None:
    assert shop.call("POST", REFUNDS, {"amount": "0"}).status_code == 201


def test_api_refund_that_is_no_boolean_counts_as_true(shop: WooCaller) -> None:
    shop.call("POST", REFUNDS, {"amount": "1", "api_refund": "false"})
    shop.call("POST", REFUNDS, {"amount": "1", "api_refund": False})
    assert shop.paid_back() == ("18.00", "1.00")


def test_line_totals_stand_in_for_a_missing_amount(shop: WooCaller) -> None:
    made = shop.call("POST", REFUNDS, {"line_items": [{"id": 111, "refund_total": 2.5}]})
    assert made.json()["amount"] == "2.50"


def test_there_are_no_keys_so_twice_is_twice(shop: WooCaller) -> None:
    for _ in range(2):
        shop.call("POST", REFUNDS, {"amount": "5"}, headers={"Idempotency-Key": "k"})
    assert shop.paid_back() == ("10.00", "10.00")


def test_the_row_vanishes_when_the_gateway_refuses(
    shop: WooCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr(books, "sleep", gate.hold)
    shop.control("conduct", {"gateway_refuses": ["Insufficient balance."], "pace_s": 0.3})
    answers: list[requests.Response] = []
    slow = threading.Thread(
        target=lambda: answers.append(
            shop.call("POST", REFUNDS, {"amount": "5", "reason": "[m:1]"})
        )
    )
    slow.start()
    assert gate.met()  # its amount was looked at
    assert shop.get(REFUNDS) == []
    gate.open()
    assert gate.met()  # the gateway is asked
    (row,) = requests.get(shop.url + REFUNDS, auth=shop.session.auth, timeout=30).json()
    assert (row["reason"], row["refunded_payment"]) == ("[m:1]", False)
    gate.open()
    slow.join()
    assert (answers[0].status_code, answers[0].json()["message"]) == (500, "Insufficient balance.")
    assert shop.get(REFUNDS) == []


@pytest.mark.parametrize(
    ("crash", "moved", "marked"),
    [
        ("before_gateway", "0.00", False),
        ("after_gateway", "5.00", False),
        ("before_meta", "5.00", True),
    ],
)
def test_a_crash_leaves_the_reason_but_no_metadata(
    shop: WooCaller, crash: str, moved: str, marked: bool
) -> None:
    shop.control("conduct", {"crashes": [crash]})
    asked = {"amount": "5", "reason": "[m:1]", "meta_data": [{"key": "_m", "value": "1"}]}
    assert shop.call("POST", REFUNDS, asked).status_code == 500
    (row,) = shop.get(REFUNDS)
    assert (row["reason"], row["meta_data"], row["refunded_payment"]) == ("[m:1]", [], marked)
    assert shop.paid_back() == ("15.00", moved)


def test_parallel_refunds_exceed_what_was_paid(
    shop: WooCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight of 12.00 on 20.00: the check and the save are two steps, as in the real shop."""
    together = threading.Barrier(8)
    monkeypatch.setattr(books, "sleep", lambda _: together.wait(PATIENCE_S))
    shop.control("conduct", {"pace_s": 0.1})

    def ask() -> None:
        requests.post(shop.url + REFUNDS, json={"amount": "12"}, auth=shop.session.auth, timeout=30)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    remaining, moved = shop.paid_back()
    assert float(moved) >= 24
    assert float(remaining) < 0


def test_deleting_a_refund_returns_no_money(shop: WooCaller) -> None:
    made = shop.call("POST", REFUNDS, {"amount": "5"}).json()
    assert shop.call("DELETE", f"{REFUNDS}/{made['id']}").status_code == 501
    assert shop.call("DELETE", f"{REFUNDS}/{made['id']}?force=true").status_code == 200
    assert shop.paid_back() == ("20.00", "5.00")


def test_dinars_have_three_digits(shop: WooCaller) -> None:
    made = shop.call("POST", f"{API}/orders/725/refunds", {"amount": "1.255"})
    assert made.json()["amount"] == "1.255"


def test_an_answer_lost_after_acting(shop: WooCaller) -> None:
    fault = {"match": {"operation": "refunds.create"}, "when": "after", "kind": "drop"}
    shop.control("faults", fault)
    with pytest.raises(requests.ConnectionError):
        shop.call("POST", REFUNDS, {"amount": "5", "reason": "[m:1]"})
    assert [row["reason"] for row in shop.get(REFUNDS)] == ["[m:1]"]


def test_by_hand(shop: WooCaller) -> None:
    shop.control("orders/723/refund", {"amount": "20", "note": "by hand"})
    assert shop.get(f"{API}/orders/723")["status"] == "refunded"
