"""What the shop tells others and how an app signs in."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from sandbox.shopify.access import CLIENT_ID, CLIENT_SECRET
from tests.sandbox.listener import Got, Listener
from tests.sandbox.shopify.conftest import ShopCaller
from tests.sandbox.shopify.test_refunds import REFUND, wanted


def signed(got: Got, secret: str) -> bool:
    digest = hmac.new(secret.encode(), got.body, hashlib.sha256).digest()
    return got.headers["x-shopify-hmac-sha256"] == base64.b64encode(digest).decode()


def subscribe(shop: ShopCaller, topic: str, uri: str) -> str:
    query = """mutation($t:WebhookSubscriptionTopic!,$s:WebhookSubscriptionInput!){
      webhookSubscriptionCreate(topic:$t,webhookSubscription:$s){
        webhookSubscription{id uri} userErrors{message}}}"""
    done = shop.ask(query, t=topic, s={"uri": uri, "format": "JSON"})
    assert done["userErrors"] == []
    return str(done["webhookSubscription"]["id"])


def test_a_refund_is_told_and_signed(shop: ShopCaller, listener: Listener) -> None:
    subscribe(shop, "REFUNDS_CREATE", listener.url)
    subscribe(shop, "ORDERS_UPDATED", listener.url)
    shop.ask(REFUND, input=wanted(shop, "5.00", note="[m:9]"), key="k")
    refund, order = sorted(
        listener.wait(2), key=lambda got: got.headers["x-shopify-topic"], reverse=True
    )
    assert refund.headers["x-shopify-topic"] == "refunds/create"
    assert refund.headers["x-shopify-shop-domain"] == "sandbox-shop.myshopify.com"
    body = json.loads(refund.body)
    assert (body["order_id"], body["note"]) == (1001, "[m:9]")
    assert body["transactions"][0]["amount"] == "5.00"
    assert json.loads(order.body)["financial_status"] == "partially_refunded"
    assert signed(refund, CLIENT_SECRET)
    assert not signed(refund, "another")


def test_an_early_echo_comes_before_the_answer(shop: ShopCaller, listener: Listener) -> None:
    shop.control("webhooks", {"url": listener.url, "secret": "s", "topics": ["refunds/create"]})
    shop.control("webhooks/options", {"early": True})
    shop.ask(REFUND, input=wanted(shop, "5.00"), key="k")
    assert len(listener.got) == 1
    assert signed(listener.got[0], "s")


def test_people_disputes_and_compliance_are_told(shop: ShopCaller, listener: Listener) -> None:
    shop.control("webhooks", {"url": listener.url, "secret": "s"})
    shop.control("orders/1001/refund", {"amount": "5.00", "note": None})
    shop.control("orders/1001/dispute", {"amount": "50.00"})
    for topic in ("customers/redact", "customers/data_request", "shop/redact"):
        shop.control("compliance", {"topic": topic, "customer": 7})
    topics = [got.headers["x-shopify-topic"] for got in listener.wait(6)]
    assert topics[2:] == [
        "disputes/create", "customers/redact", "customers/data_request", "shop/redact",
    ]  # fmt: skip
    disputes = shop.ask('{order(id:"gid://shopify/Order/1001"){disputes{status initiatedAs}}}')
    assert disputes["disputes"] == [{"status": "NEEDS_RESPONSE", "initiatedAs": "CHARGEBACK"}]


def test_a_subscription_that_never_answers_is_deleted(shop: ShopCaller, listener: Listener) -> None:
    listener.answers = [(500, {})] * 9
    subscribe(shop, "REFUNDS_CREATE", listener.url)
    shop.control("orders/1001/refund", {"amount": "5.00"})
    for count in range(1, 10):
        listener.wait(count)
        shop.control("webhooks/idle")
        shop.control("clock", {"advance_s": 1801})
    shop.control("webhooks/idle")
    assert shop.ask("{webhookSubscriptions(first:5){nodes{id}}}")["nodes"] == []
    assert len(listener.got) == 9


def test_subscriptions_are_listed_and_removed(shop: ShopCaller) -> None:
    made = subscribe(shop, "REFUNDS_CREATE", "https://amends.example/in")
    again = shop.gql(
        """mutation{webhookSubscriptionCreate(topic:REFUNDS_CREATE,
          webhookSubscription:{uri:"https://amends.example/in"}){userErrors{message}}}"""
    )
    message = again["data"]["webhookSubscriptionCreate"]["userErrors"][0]["message"]
    assert message == "Address for this topic has already been taken"
    shop.ask(
        "mutation($i:ID!){webhookSubscriptionDelete(id:$i){deletedWebhookSubscriptionId}}", i=made
    )
    assert shop.ask("{webhookSubscriptions(first:5){nodes{id}}}")["nodes"] == []


def token(shop: ShopCaller, status: int = 200, **asked: Any) -> Any:
    mine = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    answer = requests.post(
        f"{shop.url}/admin/oauth/access_token", json={**mine, **asked}, timeout=30
    )
    assert answer.status_code == status, answer.text
    return answer.json()


def works(shop: ShopCaller, access: str) -> bool:
    url = f"{shop.url}/admin/api/2026-10/graphql.json"
    headers = {"X-Shopify-Access-Token": access}
    answer = requests.post(url, json={"query": "{shop{name}}"}, headers=headers, timeout=30)
    return answer.status_code == 200


def test_the_code_grant(shop: ShopCaller) -> None:
    asked = {"client_id": CLIENT_ID, "scope": "read_orders,write_orders", "state": "n0nce",
             "redirect_uri": "https://amends.example/back"}  # fmt: skip
    page = shop.call("GET", "/admin/oauth/authorize", params=asked, allow_redirects=False)
    back = dict(parse_qsl(urlsplit(page.headers["Location"]).query))
    given = back.pop("hmac")
    text = "&".join(f"{name}={back[name]}" for name in sorted(back))
    assert given == hmac.new(CLIENT_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert back["state"] == "n0nce"
    made = token(shop, code=back["code"], expiring="1")
    assert made["scope"] == "read_orders,write_orders"
    assert works(shop, made["access_token"])
    token(shop, 400, code=back["code"])
    token(shop, 400, code=back["code"], client_secret="wrong")


def test_tokens_expire_and_refresh_with_rotation(shop: ShopCaller) -> None:
    first = token(shop, grant_type="client_credentials")
    shop.control("clock", {"advance_s": 3601})
    assert not works(shop, first["access_token"])
    second = token(shop, grant_type="refresh_token", refresh_token=first["refresh_token"])
    # the old refresh token is good until the new access token was used
    third = token(shop, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert works(shop, third["access_token"])
    token(shop, 400, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert works(shop, second["access_token"])


def test_token_exchange_wants_a_session_token_of_ours(shop: ShopCaller) -> None:
    def part(data: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")

    head = f"{part({'alg': 'HS256'})}.{part({'aud': CLIENT_ID, 'exp': 4_000_000_000})}"
    asked: dict[str, Any] = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "expiring": "1",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
    }  # fmt: skip
    digest = hmac.new(CLIENT_SECRET.encode(), head.encode(), hashlib.sha256).digest()
    jwt = f"{head}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    assert works(shop, token(shop, subject_token=jwt, **asked)["access_token"])
    token(shop, 400, subject_token=f"{head}.bm9wZQ", **asked)
