"""`amends policy backtest`, `export` and `import`, run as a person runs them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.case import Case, CaseState
from core.payout import Payout, PayoutState
from core.store.sql import SqlStore
from tests.webhooks.cli.test_policies import here, installed, policy

__all__ = ["here", "installed"]

TICKETS = """\
ticket,date,days_late,price,paid_amount,currency
a,2026-01-02,3,80.00,5.00,EUR
b,2026-01-03,2,80.00,,EUR
c,2026-02-03,9,123.45,20.00,EUR
d,2026-02-03,,10.00,,EUR
"""


@pytest.fixture
def tickets(here: Path) -> Path:
    (here / "tickets.csv").write_text(TICKETS, encoding="utf-8")
    return here


def test_a_draft_against_what_was_paid(tickets: Path) -> None:
    done = policy("backtest", "late.yaml", "--tickets", "tickets.csv", "--report", "out")
    assert done.exit_code == 0
    assert "The draft would cost 20.35 EUR: 4.65 EUR (19 %) less than what was paid" in done.stdout
    assert "1 tickets (25 %) could not be decided" in done.stdout
    data = json.loads((tickets / "out" / "report.json").read_text())
    assert data["draft"]["total"] == {"EUR": "20.35"}
    page = (tickets / "out" / "report.html").read_text()
    assert "<svg" in page
    assert "<script" not in page


def test_against_another_policy_as_json_the_same_by_query_and_by_row(tickets: Path) -> None:
    text = (tickets / "late.yaml").read_text()
    (tickets / "draft.yaml").write_text(text.replace("10%", "20%"), encoding="utf-8")
    asked = ("backtest", "draft.yaml", "--tickets", "tickets.csv", "--against", "late.yaml")
    found: list[dict[str, Any]] = []
    for more in ((), ("--rows",)):
        done = policy(*asked, "--json", *more)
        assert done.exit_code == 0
        assert done.stderr == ""
        found.append(json.loads(done.stdout))
    query, rows = found
    assert (query["engine"], rows["engine"]) == ("duckdb", "rows")
    assert query["compared"] == rows["compared"]
    assert query["compared"]["winners"] == [{"currency": "EUR", "times": 2, "amount": "20.34"}]


def test_tickets_that_cannot_be_read_are_refused_in_one_sentence(tickets: Path) -> None:
    (tickets / "bad.csv").write_text("ticket,price\na\n")
    done = policy("backtest", "late.yaml", "--tickets", "bad.csv")
    assert done.exit_code == 2
    assert done.stderr == "amends: bad.csv, line 2: 1 cells where the first line has 2\n"
    done = policy("backtest", "late.yaml")
    assert done.exit_code == 2
    assert "--tickets" in done.stderr


def test_the_cases_in_the_database(installed: Path) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    store = SqlStore(f"sqlite:///{installed / 'amends.sqlite3'}", "main")
    with store.write() as tx:
        for number, days in enumerate((3, 1, 8)):
            tx.add(_case(number, days, at + timedelta(days=20 * number)))
        tx.add(_payout("case_0", 700, PayoutState.SETTLED, at))
        tx.add(_payout("case_0", 900, PayoutState.DECLINED, at))
    store.close()
    data = json.loads(policy("backtest", "late.yaml", "--json").stdout)
    assert data["tickets"] == 3
    assert data["row_by_row_because"] == "the tickets are not in a file"
    months = {one["month"]: one["amount"] for one in data["draft"]["cost"]}
    assert months == {"2026-05": "10.00", "2026-06": "10.00"}
    assert data["against"]["total"] == {"EUR": "7.00"}
    assert data["compared"]["winners"] == [{"currency": "EUR", "times": 2, "amount": "13.00"}]


def _case(number: int, days: int, at: datetime) -> Case:
    facts = {"days_late": days, "price": {"amount": "100.00", "currency": "EUR"}}
    return Case(
        id=f"case_{number}", state=CaseState.CLOSED, desk_id="d", ticket_id=str(number),
        opened_at=at, looked_at=at, changed_at=at, due_at=None, open_key=None, mode="act",
        customer_id="cust_1", facts=facts,
    )  # fmt: skip


def _payout(case_id: str, minor: int, state: PayoutState, at: datetime) -> Payout:
    return Payout(
        id=f"pay_{minor}", case_id=case_id, offer_id="o", position=minor, till_id="t",
        customer_id="cust_1", remedy="refund", basis="goodwill", cause="late", amount_minor=minor,
        currency="EUR", quantity=None, order_id=None, buyer_id=None, text="", state=state,
        created_at=at, changed_at=at, due_at=None,
    )  # fmt: skip


@pytest.mark.parametrize("target", ["book.xlsx", "folder"])
def test_out_and_back(tickets: Path, target: str) -> None:
    assert policy("export", "online-shop", target).exit_code == 0
    done = policy("import", "online-shop", target, "--output", "back.yaml")
    assert done.exit_code == 0
    assert (tickets / "back.yaml").read_text() == policy("show", "online-shop", "--text").stdout


def test_a_sheet_that_is_wrong_says_where(tickets: Path) -> None:
    assert policy("export", "late.yaml", "folder").exit_code == 0
    sheet = tickets / "folder" / "give.csv"
    sheet.write_text(sheet.read_text().replace("10% of price", "10% of prize"))
    done = policy("import", "late.yaml", "folder", "--output", "back.yaml")
    assert done.exit_code == 2
    assert done.stderr.startswith("amends: sheet give, row 2, column refund: 'prize' is not known")
    assert not (tickets / "back.yaml").exists()
