"""Look-ups that ignore what they do not know, coupons, keys, webhooks."""

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests

from sandbox.woocommerce import books
from tests.gate import PATIENCE_S
from tests.sandbox.listener import Listener
from tests.sandbox.woocommerce.conftest import API, WooCaller


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("search=guest@mail.example", [724]),
        ("search=723&status=any", [723]),
        ("customer=7", [725, 723]),
        ("email=ann@mail.example", [725, 724, 723]),  # everyone's
        ("billing_email=ann@mail.example", [725, 724, 723]),
        ("per_page=1&page=2", [724]),
    ],
)
def test_orders_are_searched(shop: WooCaller, query: str, ids: list[int]) -> None:
    found = shop.call("GET", f"{API}/orders?{query}")
    assert [one["id"] for one in found.json()] == ids
    assert found.headers["X-WP-Total"]


def test_a_guest_has_customer_zero(shop: WooCaller) -> None:
    assert shop.get(f"{API}/orders/724")["customer_id"] == 0
    assert (
        shop.call("GET", f"{API}/orders/9").json()["code"]
        == "woocommerce_rest_shop_order_invalid_id"
    )
    bad = shop.call("GET", f"{API}/orders?per_page=101")
    assert (bad.status_code, bad.json()["code"]) == (400, "rest_invalid_param")


def test_customers_by_address_and_role(shop: WooCaller) -> None:
    def ids(query: str) -> list[int]:
        return [one["id"] for one in shop.get(f"{API}/customers?{query}")]

    assert ids("email=ANN@mail.example") == [7]
    assert ids("email=boss@mail.example") == []
    assert ids("email=boss@mail.example&role=all") == [8]


def test_coupon_codes_are_lowered_and_taken_once(shop: WooCaller) -> None:
    asked = {"code": "SORRY-7K2M", "discount_type": "fixed_cart", "amount": "10.00",
             "usage_limit": 1, "email_restrictions": ["ann@mail.example"]}  # fmt: skip
    made = shop.call("POST", f"{API}/coupons", asked)
    assert (made.status_code, made.json()["code"]) == (201, "sorry-7k2m")
    again = shop.call("POST", f"{API}/coupons", asked)
    assert again.status_code == 400
    assert again.json()["code"] == "woocommerce_rest_coupon_code_already_exists"
    found = shop.get(f"{API}/coupons?code=Sorry-7K2M")
    assert [one["id"] for one in found] == [made.json()["id"]]
    gone = shop.call("DELETE", f"{API}/coupons/{made.json()['id']}?force=true")
    assert gone.status_code == 200
    assert shop.books()["coupons"] == []


def test_two_overlapping_coupons_both_succeed(
    shop: WooCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(2)
    monkeypatch.setattr(books, "sleep", lambda _: together.wait(PATIENCE_S))
    shop.control("conduct", {"pace_s": 0.15})

    def ask() -> None:
        url = f"{shop.url}{API}/coupons"
        requests.post(url, json={"code": "twin"}, auth=shop.session.auth, timeout=30)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(shop.books()["coupons"]) == 2


@pytest.mark.parametrize(
    ("auth", "status"), [(None, 401), (("ck_x", "cs_sandbox"), 401), (("ck_sandbox", "x"), 401)]
)
def test_wrong_keys(shop: WooCaller, auth: Any, status: int) -> None:
    answer = requests.get(f"{shop.url}{API}/orders", auth=auth, timeout=30)
    assert answer.status_code == status
    pair = {"consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox"}
    assert requests.get(f"{shop.url}{API}/orders", params=pair, timeout=30).status_code == 200


def test_a_reading_key_may_not_write(shop: WooCaller) -> None:
    shop.control("keys", {"key": "ck_r", "secret": "cs_r", "permissions": "read"})
    url = f"{shop.url}{API}/orders/723/refunds"
    answer = requests.post(url, json={"amount": "1"}, auth=("ck_r", "cs_r"), timeout=30)
    assert answer.status_code == 401
    assert shop.books()["refunds"] == []


def hook(shop: WooCaller, listener: Listener) -> int:
    asked = {"topic": "order.updated", "delivery_url": listener.url, "secret": "s"}
    made = shop.call("POST", f"{API}/webhooks", asked)
    assert made.status_code == 201
    return int(made.json()["id"])


def test_a_new_webhook_pings_unsigned_then_updates_are_signed(
    shop: WooCaller, listener: Listener
) -> None:
    number = hook(shop, listener)
    shop.call("POST", f"{API}/orders/723/refunds", {"amount": "5", "reason": "[m:1]"})
    ping, update = listener.wait(2)
    assert ping.body == f"webhook_id={number}".encode()
    assert ping.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "x-wc-webhook-signature" not in ping.headers
    digest = hmac.new(b"s", update.body, hashlib.sha256).digest()
    assert update.headers["x-wc-webhook-signature"] == base64.b64encode(digest).decode()
    assert update.headers["x-wc-webhook-topic"] == "order.updated"
    assert json.loads(update.body)["refunds"][0]["reason"] == "[m:1]"


def test_failures_are_never_tried_again_and_seven_disable(
    shop: WooCaller, listener: Listener
) -> None:
    number = hook(shop, listener)
    listener.wait(1)
    listener.answers = [(500, {})] * 9
    for count in range(8):
        shop.control("orders/723/refund", {"amount": "1"})
        listener.wait(min(count + 2, 8))
        shop.control("webhooks/idle")
    shop.control("clock", {"advance_s": 86400})
    shop.control("webhooks/idle")
    assert len(listener.got) == 8  # the ping and seven updates
    assert shop.get(f"{API}/webhooks/{number}")["status"] == "disabled"


def test_delivery_ids_repeat_within_a_second(shop: WooCaller, listener: Listener) -> None:
    hook(shop, listener)
    for _ in range(6):
        shop.control("orders/723/refund", {"amount": "1"})
    ids = [got.headers["x-wc-webhook-delivery-id"] for got in listener.wait(7)[1:]]
    assert len(set(ids)) < len(ids)


def test_keys_are_handed_over(shop: WooCaller) -> None:
    got: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=receiver.handle_request)
    thread.start()
    asked = {"app_name": "Amends", "scope": "read_write", "user_id": "con_1",
             "return_url": "https://amends.example/back",
             "callback_url": f"http://127.0.0.1:{receiver.server_port}/keys"}  # fmt: skip
    page = shop.call("GET", "/wc-auth/v1/authorize", params=asked, allow_redirects=False)
    thread.join()
    receiver.server_close()
    assert page.headers["Location"] == "https://amends.example/back?success=1&user_id=con_1"
    (keys,) = got
    assert (keys["user_id"], keys["key_permissions"]) == ("con_1", "read_write")
    pair = (keys["consumer_key"], keys["consumer_secret"])
    assert requests.get(f"{shop.url}{API}/orders", auth=pair, timeout=30).status_code == 200
    asked["callback_url"] = "http://amends.example/keys"
    assert shop.call("GET", "/wc-auth/v1/authorize", params=asked).status_code == 401
