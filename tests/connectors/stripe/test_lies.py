"""What Stripe, or its library, says that is not so, or not all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.http import Http
from connectors.stripe import connect
from core.money import Money
from core.ports import (
    Absent,
    Declined,
    HostDenied,
    HostNotFound,
    Instruction,
    NotSent,
    Pending,
    Settled,
    Till,
    Unknown,
    Unpayable,
    Who,
)
from tests.connectors.contract.harness import StoredSettings
from tests.connectors.scripted import Asked, Says, Scripted


class Liar:
    """Answers by method and path without its parameters."""

    def __init__(self) -> None:
        self.says: dict[str, Says] = {}
        self.host = Scripted(self._answer)
        settings = StoredSettings({"secret_key": "sk_canary_1", "address": self.host.address})
        self.http = Http(within=timedelta(seconds=15), allow_private=True)
        till = connect(settings, self.http).till
        assert till is not None
        self.till: Till = till

    def _answer(self, asked: Asked) -> Says:
        path = asked.path.partition("?")[0].removeprefix("/v1/")
        return self.says.get(f"{asked.method} {path}", Says({"error": {"message": "?"}}, 404))

    def sent(self, path: str) -> list[Asked]:
        return [one for one in self.host.seen if one.method == "POST" and one.path == path]

    def close(self) -> None:
        self.http.close()
        self.host.close()


@pytest.fixture
def liar() -> Iterator[Liar]:
    liar = Liar()
    yield liar
    liar.close()


ASKED = Instruction(
    payout_id="pay_1",
    key="amends:pay_1:1",
    marker="[amends:pay_1]",
    remedy="refund",
    amount=Money(1000, "EUR"),
    order_id="pi_1",
    buyer_id="cus_1",
)


def refund(**changes: Any) -> dict[str, Any]:
    made = {
        "id": "re_1",
        "object": "refund",
        "amount": 1000,
        "currency": "eur",
        "charge": "ch_1",
        "payment_intent": "pi_1",
        "status": "succeeded",
        "created": 1795341000,
        "metadata": {"amends_id": "pay_1"},
    }
    return {**made, **changes}


def charge(**changes: Any) -> dict[str, Any]:
    made = {
        "id": "ch_1",
        "object": "charge",
        "amount": 5000,
        "amount_captured": 5000,
        "amount_refunded": 1000,
        "captured": True,
        "created": 1795340000,
        "currency": "eur",
        "customer": "cus_1",
        "description": "Order #2001",
        "disputed": False,
        "metadata": {},
        "payment_intent": "pi_1",
        "status": "succeeded",
    }
    return {**made, **changes}


def listed(*entries: dict[str, Any], more: bool = False) -> Says:
    return Says({"object": "list", "data": list(entries), "has_more": more, "url": "/v1/x"})


def no(status: int, code: str | None = None, type: str = "invalid_request_error") -> Says:
    return Says({"error": {"code": code, "type": type, "message": "No."}}, status=status)


@pytest.mark.parametrize(
    ("says", "ending"),
    [
        (Says(refund()), Settled),
        (Says(refund(status="pending")), Pending),
        (Says(refund(status="requires_action")), Pending),
        (Says(refund(status="failed", failure_reason="lost_or_stolen_card")), Declined),
        (Says(refund(status="canceled")), Declined),
        (Says(refund(status="a_new_word")), Unknown),
        (Says(refund(amount=999)), Unknown),
        (Says(refund(amount="1000")), Unknown),
        (Says(refund(currency="usd")), Unknown),
        (Says(refund(currency=None)), Unknown),
        (Says(refund(payment_intent="pi_2")), Unknown),
        (Says(refund(metadata={})), Unknown),
        (Says(refund(metadata={"amends_id": "pay_2"})), Unknown),
        (Says(refund(id=None)), Unknown),
        (no(400, "charge_already_refunded"), Declined),
        (no(400, "charge_disputed"), Declined),
        (no(402, "balance_insufficient", "card_error"), Declined),
        (no(404, "resource_missing"), Declined),
        (no(400, None, "idempotency_error"), Unknown),
        (no(409, "idempotency_key_in_use"), Unknown),
        (no(409), Unknown),
        (no(401), NotSent),
        (no(403, "more_permissions_required_for_application"), NotSent),
        (no(500, None, "api_error"), Unknown),
        (no(503), Unknown),
        (no(402, None, "api_error"), Declined),
        (Says({"error": "no"}, status=400), Unknown),
        (Says(b"<html>", status=400), Unknown),
        (Says(b"<html>"), Unknown),
        (Says(b"[]"), Unknown),
        (Says({}, status=302, headers={"Location": "http://127.0.0.1:9/"}), Unknown),
    ],
)
def test_what_comes_back_is_told_apart(liar: Liar, says: Says, ending: type) -> None:
    liar.says["POST refunds"] = says
    found = liar.till.pay(ASKED)
    assert isinstance(found, ending), found
    (sent,) = liar.sent("/v1/refunds")
    assert sent.headers["idempotency-key"] == "amends:pay_1:1"
    assert sent.headers["stripe-version"] == "2026-10-28.endive"


def test_429_waits_as_told_even_without_words(liar: Liar) -> None:
    liar.says["POST refunds"] = Says(b"slow down", status=429, headers={"Retry-After": "9"})
    assert liar.till.pay(ASKED) == NotSent("Stripe asks us to wait", timedelta(seconds=9))


def test_a_key_that_may_be_forgotten_is_not_trusted(liar: Liar) -> None:
    liar.says |= {"GET refunds": listed(refund()), "POST refunds": Says(refund(id="re_2"))}
    long_ago = datetime.now(UTC) - timedelta(hours=21)
    ending = liar.till.pay(replace(ASKED, first_sent_at=long_ago))
    assert isinstance(ending, Settled)
    assert ending.receipt.host_object == "re_1"
    assert liar.sent("/v1/refunds") == []
    liar.says["GET refunds"] = listed()
    assert isinstance(liar.till.pay(replace(ASKED, first_sent_at=long_ago)), Settled)
    assert len(liar.sent("/v1/refunds")) == 1


def test_refunds_are_looked_through_to_the_last_page(liar: Liar) -> None:
    pages = [listed(refund(id="re_9", metadata={}), more=True), listed(refund())]
    liar._answer = lambda asked: pages.pop(0)  # type: ignore[method-assign]
    liar.host.close()
    liar.host = Scripted(liar._answer)
    settings = StoredSettings({"secret_key": "sk_canary_1", "address": liar.host.address})
    till = connect(settings, liar.http).till
    assert till is not None
    assert isinstance(till.find(ASKED), Settled)
    assert "starting_after=re_9" in liar.host.seen[1].path


def test_two_refunds_with_our_id_are_a_persons_matter(liar: Liar) -> None:
    liar.says["GET refunds"] = listed(refund(), refund(id="re_2"))
    assert isinstance(liar.till.find(ASKED), Unknown)
    liar.says["GET refunds"] = listed(refund(metadata={"amends_id": "pay_10"}))
    assert isinstance(liar.till.find(ASKED), Absent)


def test_a_list_that_is_none_is_no_absence(liar: Liar) -> None:
    liar.says["GET refunds"] = Says({"object": "list"})
    assert isinstance(liar.till.find(ASKED), Unknown)


@pytest.mark.parametrize(
    ("statuses", "left"),
    [(["won"], 4000), (["warning_closed"], 4000), (["needs_response"], 0), (["lost"], 0),
     (["prevented"], 0), (["won", "lost"], 0), (["a_new_word"], 0), ([], 0)],
)  # fmt: skip
def test_disputed_stays_true_for_ever(liar: Liar, statuses: list[str], left: int) -> None:
    liar.says["GET charges"] = listed(charge(disputed=True))
    liar.says["GET disputes"] = listed(
        *({"id": f"dp_{status}", "object": "dispute", "status": status} for status in statuses)
    )
    assert liar.till.order("pi_1").refundable == Money(left, "EUR")
    assert liar.till.quote(ASKED).payable == Money(min(left, 1000), "EUR")


def test_only_the_charge_that_took_money_counts(liar: Liar) -> None:
    failed = charge(id="ch_0", status="failed", captured=False)
    liar.says["GET charges"] = listed(failed, charge(amount_captured=3000))
    assert liar.till.order("pi_1").paid == Money(3000, "EUR")
    liar.says["GET charges"] = listed(failed)
    with pytest.raises(HostNotFound):
        liar.till.order("pi_1")
    liar.says["GET charges/ch_9"] = Says(charge())
    with pytest.raises(HostNotFound):
        liar.till.order("ch_9")


def test_another_currency_than_the_payments_is_unpayable(liar: Liar) -> None:
    liar.says["GET charges"] = listed(charge())
    with pytest.raises(Unpayable):
        liar.till.quote(replace(ASKED, amount=Money(1000, "USD")))


def test_a_dinar_is_quoted_in_tens(liar: Liar) -> None:
    big = charge(currency="kwd", amount=50_000, amount_captured=50_000, amount_refunded=0)
    liar.says["GET charges"] = listed(big)
    quote = liar.till.quote(replace(ASKED, amount=Money(12_345, "KWD")))
    assert quote.payable == Money(12_340, "KWD")


def test_others_customers_in_the_answer_are_left_out(liar: Liar) -> None:
    liar.says["GET customers"] = listed(
        {"id": "cus_1", "object": "customer", "email": "MONA@example.com"},
        {"id": "cus_2", "object": "customer", "email": "x.mona@example.com"},
        {"id": "cus_3", "object": "customer", "email": None},
    )
    liar.says["GET charges"] = listed(charge(), charge(id="ch_7", customer="cus_2"))
    found = liar.till.purchases(Who(email="Mona@Example.com"))
    assert [one.id for one in found.buyers] == ["cus_1"]
    assert [(one.id, one.name) for one in found.orders] == [("pi_1", "#2001")]
    asked = [one.path for one in liar.host.seen if "customers" in one.path]
    assert len(asked) == 2, "as written, and in small letters"


def test_two_customers_of_one_address_come_out_as_two(liar: Liar) -> None:
    liar.says["GET customers"] = listed(
        *({"id": f"cus_{n}", "object": "customer", "email": "mona@example.com"} for n in (1, 2))
    )
    liar.says["GET charges"] = listed()
    assert len(liar.till.purchases(Who(email="mona@example.com")).buyers) == 2


def test_a_refused_key_asks_for_a_person(liar: Liar) -> None:
    liar.says["GET charges"] = no(401)
    with pytest.raises(HostDenied):
        liar.till.order("pi_1")


CREDIT = replace(ASKED, remedy="account_credit", order_id=None)


def movement(amount: int, **metadata: str) -> dict[str, Any]:
    return {
        "id": f"cbtxn_{amount}",
        "object": "customer_balance_transaction",
        "amount": amount,
        "created": 1795341000,
        "currency": "eur",
        "customer": "cus_1",
        "metadata": metadata,
    }


@pytest.mark.parametrize(
    ("made", "ending"),
    [
        (movement(-1000, amends_id="pay_1"), Settled),
        (movement(1000, amends_id="pay_1"), Unknown),
        (movement(-999, amends_id="pay_1"), Unknown),
        (movement(-1000), Unknown),
        ({**movement(-1000, amends_id="pay_1"), "customer": "cus_2"}, Unknown),
    ],
)
def test_credit_has_a_sign_and_an_owner(liar: Liar, made: dict[str, Any], ending: type) -> None:
    liar.says["POST customers/cus_1/balance_transactions"] = Says(made)
    assert isinstance(liar.till.pay(CREDIT), ending)


@pytest.mark.parametrize(
    ("balance", "back", "ending"),
    [(-5000, 1000, Settled), (-400, 400, Settled), (0, None, Declined), (300, None, Declined)],
)
def test_only_unspent_credit_is_taken_back(
    liar: Liar, balance: int, back: int | None, ending: type
) -> None:
    where = "customers/cus_1/balance_transactions"
    liar.says |= {
        f"GET {where}": listed(movement(-1000, amends_id="pay_1")),
        "GET customers/cus_1": Says({"id": "cus_1", "object": "customer", "balance": balance}),
        f"POST {where}": Says(movement(back or 0, amends_back="pay_1")),
    }
    assert isinstance(liar.till.reverse(CREDIT), ending)
    sent = liar.sent(f"/v1/{where}")
    assert [f"amount={back}&" in one.body for one in sent] == ([True] if back else [])
    assert all(one.headers["idempotency-key"] == "amends:pay_1:1:back" for one in sent)


def test_credit_is_taken_back_once(liar: Liar) -> None:
    given, taken = movement(-1000, amends_id="pay_1"), movement(700, amends_back="pay_1")
    liar.says["GET customers/cus_1/balance_transactions"] = listed(taken, given)
    ending = liar.till.reverse(CREDIT)
    assert isinstance(ending, Settled)
    assert ending.receipt.amount == Money(700, "EUR")
    assert liar.sent("/v1/customers/cus_1/balance_transactions") == []
