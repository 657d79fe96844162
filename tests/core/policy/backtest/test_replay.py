"""What looks back is replayed in time order, from what the replay itself gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.policy import load
from core.policy.backtest import TicketFile, TicketsError, backtest

HEAD = """\
policy: looking-back
basis: goodwill
currency: {currency}
facts:
  total: money
  {facts}
"""
CASES = (
    HEAD
    + """\
refuse:
  - {{when: {{history.cases_90_days: 2..}}, reason: twice_already}}
give:
  - {{refund: 10% of total}}
"""
)
PAID = (
    HEAD
    + """\
let:
  left: max(50 EUR - history.paid_30_days, 0 EUR)
give:
  - {{refund: total, at_most: left}}
"""
)


def run(tmp_path: Path, text: str, rows: list[str], *, head: str = "date,customer,currency,total",
        **more: Any) -> dict[str, Any]:  # fmt: skip
    path = tmp_path / "tickets.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    report = backtest(load(text), TicketFile(path), **more)
    assert report.engine == "rows"
    assert "looks back" in report.because
    return report.to_data()


def by_month(data: dict[str, Any]) -> dict[str, str]:
    return {one["month"]: one["amount"] for one in data["draft"]["cost"] if one["currency"]}


def test_cases_count_to_the_day_and_only_what_was_given(tmp_path: Path) -> None:
    text = CASES.format(currency="EUR", facts="history.cases_90_days: count")
    rows = [
        "2026-01-01,ann,EUR,100",
        "2026-02-01,ann,EUR,0",  # nothing is given for nothing, so it does not count
        "2026-03-01,ann,EUR,100",
        "2026-04-01,ann,EUR,100",  # 90 days after the first: the day still counts
        "2026-04-01,bob,EUR,100",
        "2026-04-02,ann,EUR,200",  # 91 days after the first
        "2026-04-03,,EUR,100",  # guests have no history, however many they are
        "2026-04-04,,EUR,100",
        "2026-04-05,,EUR,100",
    ]
    data = run(tmp_path, text, rows)
    assert data["draft"]["outcomes"] == {"give": 7, "nothing": 1, "refused": 1}
    assert by_month(data) == {"2026-01": "10.00", "2026-03": "10.00", "2026-04": "60.00"}


def test_rows_in_any_order_come_to_the_same(tmp_path: Path) -> None:
    text = PAID.format(currency="EUR", facts="history.paid_30_days: money")
    rows = [
        "2026-01-01,ann,EUR,30", "2026-01-31,ann,EUR,30", "2026-02-01,ann,EUR,30",
        "2026-02-01,bob,EUR,80", "2026-03-04,ann,EUR,70",
    ]  # fmt: skip
    # 30; 20 of the 50 left (30 days on, the first still counts); 30 (the first is gone); 50; 50.
    wanted = {"2026-01": "50.00", "2026-02": "80.00", "2026-03": "50.00"}
    assert by_month(run(tmp_path, text, rows)) == wanted
    assert by_month(run(tmp_path, text, rows[::-1])) == wanted


def test_money_of_another_currency_is_left_out(tmp_path: Path) -> None:
    text = HEAD.format(currency="[EUR, JPY]", facts="history.paid_30_days: money") + (
        "refuse:\n  - {when: history.paid_30_days > 0% of total, reason: paid}\n"
        "give:\n  - {refund: 50% of total}\n"
    )
    rows = ["2026-01-01,ann,JPY,1000", "2026-01-02,ann,EUR,10", "2026-01-03,ann,EUR,10"]
    data = run(tmp_path, text, rows)
    assert data["draft"]["outcomes"] == {"give": 2, "refused": 1}
    assert data["draft"]["total"] == {"EUR": "5.00", "JPY": "500"}


def test_a_budget_of_everybody_starts_anew_each_month(tmp_path: Path) -> None:
    text = HEAD.format(currency="EUR", facts="history.spent_month: money") + (
        'give:\n  - {refund: total, at_most: "max(100 EUR - history.spent_month, 0 EUR)"}\n'
    )
    rows = [
        "2026-01-01,a,EUR,60",
        "2026-01-31,b,EUR,60",
        "2026-01-31,c,EUR,60",
        "2026-02-01,c,EUR,60",
    ]
    data = run(tmp_path, text, rows)
    assert by_month(data) == {"2026-01": "100.00", "2026-02": "60.00"}


def test_a_moving_budget_lets_go_of_what_is_past(tmp_path: Path) -> None:
    text = HEAD.format(currency="EUR", facts="history.spent_10_days: money") + (
        'give:\n  - {refund: total, at_most: "max(100 EUR - history.spent_10_days, 0 EUR)"}\n'
    )
    rows = ["2026-01-21,a,EUR,60", "2026-01-31,b,EUR,60", "2026-02-01,c,EUR,70"]
    data = run(tmp_path, text, rows)  # 60; 40; the first 60 are gone, 40 stand: 60 of 70
    assert by_month(data) == {"2026-01": "100.00", "2026-02": "60.00"}


def test_the_list_of_payments(tmp_path: Path) -> None:
    kind = "history.paid: {list: {on: date, sum: money}}\n  today: date"
    recent = "sum(p.sum for p in history.paid where days_between(p.on, today) <= 90 days)"
    text = HEAD.format(currency="EUR", facts=kind) + (
        f"let:\n  recent: {recent}\n"
        'give:\n  - {refund: total, at_most: "30 EUR - min(recent, 30 EUR)"}\n'
    )
    rows = ["2026-01-01,a,EUR,20,2026-01-01", "2026-02-01,a,EUR,20,2026-02-01"]
    data = run(tmp_path, text, rows, head="date,customer,currency,total,today")
    assert by_month(data) == {"2026-01": "20.00", "2026-02": "10.00"}


def test_both_sides_have_a_past_of_their_own(tmp_path: Path) -> None:
    text = CASES.format(currency="EUR", facts="history.cases_90_days: count")
    generous = load(text.replace("2..", "5.."))
    rows = [f"2026-01-0{day},ann,EUR,100" for day in range(1, 7)]
    data = run(tmp_path, text, rows, against=generous)
    assert data["draft"]["outcomes"] == {"give": 2, "refused": 4}
    assert data["against"]["outcomes"] == {"give": 5, "refused": 1}
    assert data["compared"]["losers"] == [{"currency": "EUR", "times": 3, "amount": "30.00"}]


def test_what_a_replay_needs_and_what_it_cannot_know(tmp_path: Path) -> None:
    text = CASES.format(currency="EUR", facts="history.cases_90_days: count")
    with pytest.raises(TicketsError, match="`date` and `customer`"):
        run(tmp_path, text, ["2026-01-01,EUR,100"], head="date,currency,total")
    with pytest.raises(TicketsError, match="row 1: 'soon' is not a date"):
        run(tmp_path, text, ["soon,ann,EUR,100"])
    strange = CASES.format(
        currency="EUR", facts="history.cases_90_days: count\n  history.mood: word"
    )
    with pytest.raises(TicketsError, match=r"history\.mood cannot be worked out"):
        run(tmp_path, strange, ["2026-01-01,ann,EUR,100"])
