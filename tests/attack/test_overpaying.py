"""Attack book M5 to M7: more money than an order bears, twice, or to somebody else.

M1 to M4 (how amounts are read) are in test_money.py.
"""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest

import connectors
from core import payout as payouts
from core.approval import MayNotApprove, NotWaiting, decide
from core.case import CaseState, Outcome
from core.moment import Moment
from core.money import Money
from tests.connectors.contract.bench import on_the_bench
from tests.stores import open_store
from tests.webhooks.rig import Rig, rigged
from webhooks.demo.stage import MANAGER

CHIPPED_TEAPOT = 2  # order 1002, 50.00 EUR
SCRATCHED_TABLES = 16


def test_m5_more_than_is_left_of_an_order_is_not_paid(rig: Rig) -> None:
    rig.policy("{refund: 100% of order.total}")
    rig.shop.post("orders/1002/refund", amount="3.00", note="sorry")
    rig.settle()
    rig.solve(CHIPPED_TEAPOT)
    assert rig.tasks(rig.case(CHIPPED_TEAPOT)) == ["not_payable"]
    assert rig.refunds() == []


def test_m5_parts_of_an_order_never_add_up_to_more_than_was_paid(rig: Rig) -> None:
    """Different harms of one order, each payable by itself."""
    rig.policy("{refund: 40% of order.total}")
    for reason in ("amends_damaged_item", "amends_late_delivery", "amends_wrong_item"):
        rig.desk.post(f"tickets/{CHIPPED_TEAPOT}/reopen")
        tags = set(rig.ticket(CHIPPED_TEAPOT)["tags"])
        gone = sorted(tag for tag in tags if tag.startswith("amends_"))
        rig.desk.post(f"tickets/{CHIPPED_TEAPOT}/untag", tags=gone)
        rig.desk.post(f"tickets/{CHIPPED_TEAPOT}/tag", tags=[reason])
        rig.later(minutes=1)
        rig.solve(CHIPPED_TEAPOT)
    assert [refund["amount"] for refund in rig.refunds()] == ["20.00", "20.00"]
    assert rig.tasks(rig.case(CHIPPED_TEAPOT)) == ["not_payable"]


def test_m5_nothing_is_refunded_while_the_bank_disputes_the_payment(rig: Rig) -> None:
    rig.shop.post("orders/1002/dispute")
    rig.settle()
    rig.solve(CHIPPED_TEAPOT)
    assert rig.tasks(rig.case(CHIPPED_TEAPOT)) == ["disputed"]
    assert rig.refunds() == []


def test_m5_no_host_is_ever_asked_to_refund_beyond_an_order(rig: Rig) -> None:
    """That cash on delivery counts as nothing refundable: tests/connectors/shopify."""
    rig.solve(CHIPPED_TEAPOT)
    sent = [seen.body for seen in rig.running.states["shopify"].requests]
    assert any("refundCreate" in body for body in sent)
    written = [p.read_text() for p in Path(connectors.__path__[0]).rglob("*.py")]
    for text in (*sent, *written):
        assert re.search("allow_?over_?refund", text, re.IGNORECASE) is None


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_m6_fifty_yeses_at_once_pay_once(kind: str, tmp_path: Path) -> None:
    """The customer's own choice of a remedy has no page yet (see the book's list)."""
    store = open_store(kind, tmp_path)
    with rigged(store) as rig:
        rig.solve(SCRATCHED_TABLES)
        case, manager, said = rig.case(SCRATCHED_TABLES), rig.person(MANAGER), []
        assert case.state is CaseState.WAITING_APPROVAL

        def agree() -> None:
            try:
                with store.write() as tx:
                    row = decide(
                        tx, case.id, manager, agree=True, note=None,
                        moment=Moment(rig.clock.now()),
                    )  # fmt: skip
                said.append(row.state)
            except (NotWaiting, MayNotApprove):
                said.append("no")

        threads = [threading.Thread(target=agree) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        rig.settle()
        assert sorted(set(said)) == ["granted", "no"]
        assert said.count("granted") == 1
        assert rig.case(SCRATCHED_TABLES).outcome is Outcome.MADE_GOOD
        assert len(rig.refunds()) == 1
    store.close()


def test_m7_codes_cannot_be_guessed() -> None:
    """At least 80 bits: 16 of 36 letters and digits are 82.7, all of them used, none repeated."""
    made = [payouts.new_code() for _ in range(20_000)]
    assert len(set(made)) == len(made)
    assert {len(code) for code in made} == {16}
    assert len(set("".join(made))) == 36
    assert 36**16 > 2**80


def test_m7_a_coupon_is_one_customers_and_good_once() -> None:
    with on_the_bench("shopify") as bench:
        asked = bench.harness.instruction("coupon", Money(1000, "EUR"))
        bench.till.pay(asked)
        (made,) = bench.harness.state.discounts.values()
        assert made.given["usageLimit"] == 1
        assert made.given["appliesOncePerCustomer"] is True
        assert asked.buyer_id in str(made.given["context"] if "context" in made.given
                                     else made.given["customerSelection"])  # fmt: skip


def test_m7_a_coupon_by_mail_is_bound_to_the_address() -> None:
    """WooCommerce knows guests: the coupon is bound to an e-mail, and good once."""
    with on_the_bench("woocommerce") as bench:
        asked = bench.harness.instruction("coupon", Money(1000, "EUR"))
        bench.till.pay(asked)
        (made,) = [
            json.loads(seen.body)
            for seen in bench.harness.state.requests
            if (seen.method, seen.path.rpartition("/")[2]) == ("POST", "coupons")
        ]
        assert made["usage_limit"] == 1
        assert len(made["email_restrictions"]) == 1
