"""Refunds and keys, asked by the real library."""

import threading
from typing import Any

import pytest
import stripe

from sandbox.stripe import books
from tests.gate import Gate
from tests.sandbox.stripe.conftest import StripeCaller


def key(name: str) -> Any:
    return {"idempotency_key": name}


def test_a_partial_refund_is_in_the_books(host: StripeCaller, client: stripe.StripeClient) -> None:
    made = client.v1.refunds.create(
        {"payment_intent": "pi_1", "amount": 1500, "reason": "requested_by_customer",
         "metadata": {"m": "1"}}, key("k"),
    )  # fmt: skip
    assert (made.status, made.charge, made.currency) == ("succeeded", "ch_1", "eur")
    assert made.metadata is not None
    assert made.metadata["m"] == "1"
    assert host.charge()["amount_refunded"] == 1500
    (listed,) = client.v1.refunds.list({"payment_intent": "pi_1"}).data
    assert listed.id == client.v1.refunds.retrieve(made.id).id == made.id
    assert client.v1.refunds.list({"charge": "ch_2"}).data == []


def test_more_than_is_left_is_refused(host: StripeCaller, client: stripe.StripeClient) -> None:
    client.v1.refunds.create({"charge": "ch_1", "amount": 3500})
    with pytest.raises(stripe.InvalidRequestError) as over:
        client.v1.refunds.create({"charge": "ch_1", "amount": 2000})
    assert "(€20.00) is greater than unrefunded amount on charge (€15.00)" in str(over.value)
    assert over.value.param == "amount"
    client.v1.refunds.create({"charge": "ch_1"})
    with pytest.raises(stripe.InvalidRequestError) as again:
        client.v1.refunds.create({"charge": "ch_1", "amount": 1})
    assert again.value.code == "charge_already_refunded"
    assert host.charge()["amount_refunded"] == 5000
    assert host.charge()["refunded"] is True


def test_a_disputed_charge_is_refused(host: StripeCaller, client: stripe.StripeClient) -> None:
    dispute = host.control("charges/ch_1/dispute")
    with pytest.raises(stripe.InvalidRequestError) as no:
        client.v1.refunds.create({"charge": "ch_1", "amount": 100})
    assert no.value.code == "charge_disputed"
    assert client.v1.disputes.list({"payment_intent": "pi_1"}).data[0].id == dispute["id"]
    host.control(f"disputes/{dispute['id']}", {"status": "won"})
    client.v1.refunds.create({"charge": "ch_1", "amount": 100})


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"charge": "ch_1", "foo": "1"}, "parameter_unknown", "foo"),
        ({"charge": "ch_1", "amount": "10.5"}, "parameter_invalid_integer", "amount"),
        ({"charge": "ch_1", "amount": 0}, "parameter_invalid_integer", "amount"),
        ({"charge": "ch_1", "reason": "goodwill"}, None, "reason"),
        ({"charge": "ch_9"}, "resource_missing", "charge"),
        ({"amount": 5}, None, None),
        ({"charge": "ch_3", "amount": 1255}, None, "amount"),
    ],
)
def test_parameters_are_checked(
    host: StripeCaller, client: stripe.StripeClient, params: Any, code: str | None, param: Any
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as no:
        client.v1.refunds.create(params)
    assert (no.value.code, no.value.param) == (code, param)
    assert host.books()["refunds"] == []


def test_yen_and_dinars(client: stripe.StripeClient) -> None:
    assert client.v1.refunds.create({"charge": "ch_2", "amount": 750}).currency == "jpy"
    assert client.v1.refunds.create({"charge": "ch_3", "amount": 1250}).amount == 1250


def test_a_key_pays_once_for_a_day(host: StripeCaller, client: stripe.StripeClient) -> None:
    params: Any = {"charge": "ch_1", "amount": 1000}
    first, second = (client.v1.refunds.create(params, key("k")) for _ in range(2))
    assert first.id == second.id
    assert second.last_response is not None
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError, match="only be used with the same parameters"):
        client.v1.refunds.create({"charge": "ch_1", "amount": 1001}, key("k"))
    host.control("clock", {"advance_s": 25 * 3600})
    assert client.v1.refunds.create(params, key("k")).id != first.id
    assert host.charge()["amount_refunded"] == 2000


def test_a_refusal_is_remembered_but_a_bad_parameter_is_not(
    host: StripeCaller, client: stripe.StripeClient
) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"charge": "ch_1", "amount": 0}, key("bad"))
    assert client.v1.refunds.create({"charge": "ch_1", "amount": 4000}, key("bad")).amount == 4000
    over: Any = {"charge": "ch_1", "amount": 2000}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.refunds.create(over, key("over"))
    assert host.books()["keys"] == ["bad", "over"]


@pytest.mark.parametrize(("crash", "paid"), [("acted", 1000), ("unacted", 0)])
def test_a_500_is_replayed_whether_it_acted_or_not(
    host: StripeCaller, client: stripe.StripeClient, crash: str, paid: int
) -> None:
    host.control("conduct", {"crashes": [crash]})
    for _ in range(2):
        with pytest.raises(stripe.APIError) as broken:
            client.v1.refunds.create({"charge": "ch_1", "amount": 1000}, key("k"))
        assert broken.value.http_status == 500
    assert host.charge()["amount_refunded"] == paid


def test_a_key_in_use_is_a_conflict(
    host: StripeCaller, client: stripe.StripeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr(books, "sleep", gate.hold)
    params: Any = {"charge": "ch_1", "amount": 1000}
    host.control("conduct", {"pace_s": 0.4})
    slow = threading.Thread(target=lambda: host.client().v1.refunds.create(params, key("k")))
    slow.start()
    assert gate.met()
    with pytest.raises(stripe.APIError) as busy:
        client.v1.refunds.create(params, key("k"))
    gate.open()
    slow.join()
    assert busy.value.http_status == 409
    assert "idempotency_key_in_use" in str(busy.value.http_body)
    assert host.charge()["amount_refunded"] == 1000


def test_parallel_refunds_never_exceed_the_charge(host: StripeCaller) -> None:
    host.control("conduct", {"pace_s": 0.1})
    refused = []

    def ask(number: int) -> None:
        try:
            host.client().v1.refunds.create({"charge": "ch_1", "amount": 2000}, key(f"k{number}"))
        except stripe.InvalidRequestError as error:
            refused.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (len(refused), host.charge()["amount_refunded"]) == (3, 4000)


def test_a_refund_that_waits_and_fails_days_after_success(
    host: StripeCaller, client: stripe.StripeClient
) -> None:
    host.control("conduct", {"endings": ["pending"]})
    made = client.v1.refunds.create({"charge": "ch_1", "amount": 5000})
    assert (made.status, made.pending_reason) == ("pending", "processing")
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded"):
        client.v1.refunds.create({"charge": "ch_1", "amount": 1})
    host.control(f"refunds/{made.id}", {"status": "succeeded"})
    host.control("clock", {"advance_s": 5 * 86400})
    host.control(f"refunds/{made.id}", {"status": "failed", "failure_reason": "declined"})
    failed = client.v1.refunds.retrieve(made.id)
    assert (failed.status, failed.failure_reason) == ("failed", "declined")
    assert failed.failure_balance_transaction
    assert host.charge()["amount_refunded"] == 0
    assert [one.type for one in client.v1.events.list().data] == [
        "refund.failed", "refund.updated", "refund.updated", "charge.refunded", "refund.created",
    ]  # fmt: skip


def test_metadata_is_merged_and_only_waiting_refunds_are_cancelled(
    host: StripeCaller, client: stripe.StripeClient
) -> None:
    host.control("conduct", {"endings": ["requires_action", "succeeded"]})
    waiting = client.v1.refunds.create({"charge": "ch_1", "amount": 100, "metadata": {"a": "1"}})
    done = client.v1.refunds.create({"charge": "ch_1", "amount": 100})
    changed = client.v1.refunds.update(waiting.id, {"metadata": {"b": "2"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"a": "1", "b": "2"}
    assert client.v1.refunds.cancel(waiting.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.cancel(done.id)
    assert host.charge()["amount_refunded"] == 100


def test_an_answer_lost_after_acting(host: StripeCaller, client: stripe.StripeClient) -> None:
    params: Any = {"charge": "ch_1", "amount": 1000}
    fault = {"match": {"operation": "refunds.create"}, "when": "after", "kind": "drop"}
    host.control("faults", fault)
    with pytest.raises(stripe.APIConnectionError):
        client.v1.refunds.create(params, key("k"))
    assert host.charge()["amount_refunded"] == 1000
    client.v1.refunds.create(params, key("k"))
    assert host.charge()["amount_refunded"] == 1000


def test_accounts_keep_their_own_books(host: StripeCaller, client: stripe.StripeClient) -> None:
    other = host.client(stripe_account="acct_2")
    other.v1.refunds.create({"charge": "ch_4", "amount": 100})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"charge": "ch_4", "amount": 100})
    assert host.books()["refunds"] == []
    assert len(host.books()["accounts"]["acct_2"]["refunds"]) == 1
    with pytest.raises(stripe.PermissionError):
        host.client(stripe_account="acct_9").v1.charges.list()


def test_a_wrong_key_is_401(host: StripeCaller) -> None:
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key"):
        host.client(key="sk_test_nobody").v1.charges.list()
