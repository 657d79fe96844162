"""Look-ups, balance, coupons, promotion codes, credit notes: asked by the real library."""

import time
from typing import Any

import pytest
import stripe

from tests.sandbox.stripe.conftest import StripeCaller


def test_customers_and_payments_are_found(host: StripeCaller, client: stripe.StripeClient) -> None:
    (ann,) = client.v1.customers.list({"email": "ann@mail.example"}).data
    assert client.v1.customers.list({"email": "ANN@mail.example"}).data == []
    assert client.v1.customers.search({"query": "email:'ANN@mail.example'"}).data[0].id == ann.id
    intents = client.v1.payment_intents.list({"customer": ann.id, "limit": 2})
    assert [one.id for one in intents.data] == ["pi_3", "pi_2"]
    assert intents.has_more
    rest = client.v1.payment_intents.list({"customer": ann.id, "starting_after": "pi_2"})
    assert [one.id for one in rest.data] == ["pi_1"]
    intent = client.v1.payment_intents.retrieve("pi_1", {"expand": ["latest_charge"]})
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.description == "Order #2001"
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
        client.v1.payment_intents.retrieve("pi_9")


def test_the_search_lags(host: StripeCaller, client: stripe.StripeClient) -> None:
    host.control("conduct", {"index_lag_s": 60})
    made = client.v1.customers.create({"email": "new@mail.example", "metadata": {"m": "1"}})
    query: Any = {"query": "metadata['m']:'1'"}
    assert client.v1.customers.search(query).data == []
    host.control("clock", {"advance_s": 61})
    assert [one.id for one in client.v1.customers.search(query).data] == [made.id]


def test_the_balance_takes_credit_and_its_reversal(client: stripe.StripeClient) -> None:
    balance = client.v1.customers.balance_transactions
    given = balance.create("cus_1", {"amount": -500, "currency": "eur", "metadata": {"m": "1"}})
    assert given.ending_balance == -500
    assert balance.create("cus_1", {"amount": 500, "currency": "eur"}).ending_balance == 0
    assert [one.amount for one in balance.list("cus_1").data] == [500, -500]
    with pytest.raises(stripe.InvalidRequestError):
        balance.create("cus_1", {"amount": -5, "currency": "jpy"})
    with pytest.raises(stripe.InvalidRequestError):
        balance.create("cus_1", {"amount": 0, "currency": "eur"})


def test_a_coupon_id_is_taken_once(client: stripe.StripeClient) -> None:
    params: Any = {"id": "pay_1", "amount_off": 500, "currency": "eur", "max_redemptions": 1}
    made = client.v1.coupons.create(params, {"idempotency_key": "a"})
    assert (made.duration, made.valid) == ("once", True)
    with pytest.raises(stripe.InvalidRequestError) as taken:
        client.v1.coupons.create(params, {"idempotency_key": "b"})
    assert taken.value.code == "resource_already_exists"
    assert client.v1.coupons.retrieve("pay_1").amount_off == 500
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.coupons.create(
            {"percent_off": 5, "redeem_by": int(time.time()) + 6 * 365 * 86400}
        )
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.coupons.create({"id": "neither"})
    client.v1.coupons.delete("pay_1")
    assert client.v1.coupons.list().data == []


def test_promotion_codes_have_the_new_shape(client: stripe.StripeClient) -> None:
    client.v1.coupons.create({"id": "c1", "percent_off": 10})
    params: Any = {"promotion": {"type": "coupon", "coupon": "c1"}, "code": "SORRY7K2M",
                   "customer": "cus_1", "max_redemptions": 1}  # fmt: skip
    made = client.v1.promotion_codes.create(params)
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        client.v1.promotion_codes.create(params | {"code": "sorry7k2m"})
    old: Any = {"coupon": "c1", "code": "OLD"}
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        client.v1.promotion_codes.create(old)
    assert (unknown.value.code, unknown.value.param) == ("parameter_unknown", "coupon")
    found = client.v1.promotion_codes.list({"code": "sorry7k2m", "active": True}).data
    assert [one.id for one in found] == [made.id]
    client.v1.promotion_codes.update(made.id, {"active": False})
    assert client.v1.promotion_codes.list({"active": True}).data == []
    client.v1.promotion_codes.create(params)  # free again once the other is not active


def test_a_credit_note_must_add_up_and_refunds(
    host: StripeCaller, client: stripe.StripeClient
) -> None:
    assert client.v1.invoices.retrieve("in_1").total == 5000
    with pytest.raises(stripe.InvalidRequestError, match=r"\(€9.00\) must equal .* \(€10.00\)"):
        client.v1.credit_notes.create({"invoice": "in_1", "amount": 1000, "refund_amount": 900})
    note = client.v1.credit_notes.create(
        {"invoice": "in_1", "amount": 1000, "refund_amount": 600, "credit_amount": 400}
    )
    assert note.refunds[0].amount_refunded == 600
    assert host.charge()["amount_refunded"] == 600
    assert client.v1.customers.retrieve("cus_1").balance == -400
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.credit_notes.create({"invoice": "in_1", "amount": 4001, "refund_amount": 4001})
    assert [one.id for one in client.v1.credit_notes.list({"invoice": "in_1"}).data] == [note.id]


def test_unknown_addresses_and_parameters(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        client.raw_request("get", "/v1/payouts")
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        client.raw_request("get", "/v1/charges", foo="1")
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.charges.retrieve("ch_1", {"expand": ["nonsense"]})
