"""From a solved ticket to the journal: what a refund contains of tax, there and back again."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import timedelta

import pytest

from core import journal, ledger
from core.case import CaseState, Outcome
from core.ledger_check import verify
from core.payout import Payout, PayoutState
from tests.webhooks.rig import Rig
from tests.webhooks.test_books_commands import run
from webhooks.cli import books
from webhooks.engine.sweeping import Sweeper

TEAPOT = 2  # 38.00 EUR of crockery at 19 percent, 12.00 of tea at 7
UNTAXED = 1  # the shop tells no tax of it
FROM_STRIPE = 20


def _only(rig: Rig, ticket: int) -> Payout:
    (payout,) = rig.payouts(rig.case(ticket))
    return payout


def _journal(rig: Rig, *kinds: str) -> list[dict[str, str]]:
    month = f"{rig.clock.now():%Y-%m}"
    with rig.store.read() as reader:
        text = journal.export(reader, month).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    return [row for row in rows if row["kind"] in kinds]


def _balances(rig: Rig, *classes: str) -> dict[str, int]:
    with rig.store.read() as reader:
        assert verify(reader).ok
        found = ledger.balances(reader)
    return {name: minor for (name, _), minor in found.items() if name.split(":")[0] in classes}


def _lines(payout: Payout) -> list[Mapping[str, object]]:
    assert isinstance(payout.receipt, Mapping)
    tax = payout.receipt.get("tax")
    return list(tax["lines"]) if isinstance(tax, Mapping) else []


def _swept(rig: Rig) -> list[tuple[str, str]]:
    of = rig.of
    sweeper = Sweeper(of.store, of.hosts, sealer=of.sealer, clock=of.clock)
    report = sweeper.sweep(rig.stage.tills["shopify"])
    rig.settle()
    return [(one.kind, one.end) for one in report.differences]


@pytest.fixture
def refunded(rig: Rig) -> Rig:
    rig.policy("{refund: 10.00 EUR}", "EUR")
    rig.solve(TEAPOT)
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD
    return rig


def test_the_journal_says_net_and_tax_by_rate_beside_the_whole_sum(refunded: Rig) -> None:
    payout = _only(refunded, TEAPOT)
    rows = _journal(refunded, "settled", "net", "tax")
    till = payout.till_id
    assert [(row["kind"], row["debit"], row["amount"]) for row in rows] == [
        ("settled", "expense:goodwill:damaged_item", "10.00"),
        ("net", f"net:reckoned:{till}:7", "2.24"),
        ("tax", f"tax:reckoned:{till}:7", "0.16"),
        ("net", f"net:reckoned:{till}:19", "6.39"),
        ("tax", f"tax:reckoned:{till}:19", "1.21"),
    ]
    assert {(row["basis"], row["cause"]) for row in rows} == {("goodwill", "damaged_item")}
    assert {row["credit"] for row in rows[1:]} == {"split:goodwill:damaged_item"}
    assert _balances(refunded, "expense", "clearing", "split") == {
        "expense:goodwill:damaged_item": 1000,
        f"clearing:{till}": -1000,
        "split:goodwill:damaged_item": -1000,
    }


def test_the_payout_keeps_it_by_line(refunded: Rig) -> None:
    lines = _lines(_only(refunded, TEAPOT))
    assert [(one["rate"], one["net_minor"], one["tax_minor"]) for one in lines] == [
        ("7", 224, 16),
        ("19", 639, 121),
    ]
    assert all(str(one["line"]).startswith("gid://shopify/LineItem/") for one in lines)


def test_the_command_line_shows_it_by_line(
    refunded: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    run(refunded, books.show_, payout_id=_only(refunded, TEAPOT).id, json_=False)
    shown = capsys.readouterr().out
    assert ": 6.39 EUR and 1.21 EUR tax at 19 %, reckoned from the order" in shown


def test_a_refund_that_fails_later_is_booked_back_with_what_it_contained(refunded: Rig) -> None:
    (refund,) = refunded.refunds()
    moves = refunded.shop.get("books")["transactions"]
    (move,) = [one for one in moves if one["refund_id"] == refund["id"]]
    refunded.shop.post(f"transactions/{move['id']}", status="FAILURE")
    assert ("failed_later", "task") in _swept(refunded)
    assert _only(refunded, TEAPOT).state is PayoutState.FAILED
    assert refunded.case(TEAPOT).state is CaseState.WITH_PERSON
    rows = _journal(refunded, "failed", "net_failed", "tax_failed")
    assert [row["amount"] for row in rows] == ["10.00", "2.24", "0.16", "6.39", "1.21"]
    assert {row["basis"] for row in rows} == {"goodwill"}
    held = _balances(refunded, "net", "tax", "split", "expense", "clearing", "spent", "budget")
    assert set(held.values()) == {0}


@pytest.mark.parametrize("ticket", [UNTAXED, FROM_STRIPE])
def test_where_the_host_tells_no_tax_the_sum_is_booked_as_ever(rig: Rig, ticket: int) -> None:
    rig.solve(ticket)
    assert _only(rig, ticket).state is PayoutState.SETTLED
    assert [row["kind"] for row in _journal(rig, "settled", "net", "tax")] == ["settled"]
    assert _lines(_only(rig, ticket)) == []


def test_taxes_nobody_can_read_change_nothing(rig: Rig) -> None:
    """The shop refuses the query once they are asked for, and answers it without them."""
    rig.policy("{refund: 10.00 EUR}", "EUR")
    body = {"errors": [{"message": "no", "extensions": {"code": "ACCESS_DENIED"}}]}
    rig.shop.post("faults", kind="status", status=200, body=body, match={"operation": "refund"})
    rig.solve(TEAPOT)
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD
    assert len(rig.refunds()) == 1
    assert [row["kind"] for row in _journal(rig, "settled", "net", "tax")] == ["settled"]


def test_a_gift_card_contains_no_tax(rig: Rig) -> None:
    rig.policy("{gift_card: 10.00 EUR}", "EUR")
    rig.solve(TEAPOT)
    assert _only(rig, TEAPOT).state is PayoutState.SETTLED
    assert [row["kind"] for row in _journal(rig, "settled", "net", "tax")] == ["settled"]


def test_a_payout_the_sweep_finds_is_booked_with_what_it_contains(rig: Rig) -> None:
    """It arrived without our knowing."""
    rig.policy("{refund: 10.00 EUR}", "EUR")
    rig.shop.post("webhooks/hold")
    rig.shop.post("faults", kind="drop", when="after", match={"operation": "refundCreate"})
    rig.desk.post(f"tickets/{TEAPOT}/solve")
    rig.desk.post("webhooks/idle", timeout_s=10)
    while rig.runner.run_due():
        pass
    assert _only(rig, TEAPOT).state is PayoutState.UNKNOWN
    rig.clock.ahead += timedelta(seconds=1)
    assert ("found", "mended") in _swept(rig)
    assert _only(rig, TEAPOT).state is PayoutState.SETTLED
    assert [row["amount"] for row in _journal(rig, "tax")] == ["0.16", "1.21"]
