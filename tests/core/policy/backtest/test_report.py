"""What the report says, worked out by hand; and that nobody's text gets into the page as markup."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from core.policy import load
from core.policy.backtest import Report, TicketFile, TicketsError, backtest, html
from core.policy.backtest.tally import LARGEST

DRAFT = """\
policy: shop
basis: goodwill
currency: [EUR, JPY, KWD]
facts: {reason: [late, lost], total: money, vip: {type: yes/no, default: no}}
ask_over: {EUR: 30.00, JPY: 3000, KWD: 9.000}
let:
  small: {EUR: 1.00, JPY: 100, KWD: 0.300}
refuse:
  - {when: total < small, reason: too_small}
give:
  - when: {reason: late, vip: yes}
    choice: [{refund: 12.5% of total}, {store_credit: 20% of total}]
  - {when: {reason: late}, refund: 12.5% of total}
  - {when: {vip: yes}, refund: up to 50% of total}
  - {apology: yes, refund: total}
"""
ROWS = """\
ticket,date,currency,reason,total,vip,paid_amount
a,2026-01-05,EUR,late,99.99,,12.00
b,2026-01-06,EUR,late,200.00,yes,25.00
c,2026-02-01,JPY,late,1234,no,
d,2026-02-02,KWD,lost,9.876,no,9.876
e,2026-02-03,EUR,lost,80.00,yes,0
f,2026-02-04,EUR,lost,0.99,no,5
g,2026-02-05,CHF,lost,5.00,no,5.00
h,,EUR,,5.00,no,x
i,2026-03-01,KWD,lost,10,no,10
"""
BOTH = pytest.mark.parametrize("rows", [True, False], ids=["rows", "query"])


def run(tmp_path: Path, text: str = ROWS, draft: str = DRAFT, **more: Any) -> Report:
    path = tmp_path / "tickets.csv"
    path.write_text(text, encoding="utf-8")
    return backtest(load(draft), TicketFile(path), **more)


@BOTH
def test_the_sums_by_hand(tmp_path: Path, rows: bool) -> None:
    data = run(tmp_path, rows=rows).to_data()
    assert data["engine"] == ("rows" if rows else "duckdb")
    draft = data["draft"]
    assert draft["outcomes"] == {"cannot_decide": 2, "give": 6, "refused": 1}
    # Half a cent goes up (12.49875, 1234 / 8 = 154.25); the choice counts as its first offer, what
    # is left to the agent as its least.
    assert draft["total"] == {"EUR": "37.50", "JPY": "154", "KWD": "19.876"}
    assert draft["at_most"] == {"EUR": "92.50", "JPY": "154", "KWD": "19.876"}
    assert draft["needs_yes"] == {"2026-01": 1, "2026-02": 2, "2026-03": 1}
    costs = {(one["month"], one["remedy"], one["currency"]): one for one in draft["cost"]}
    assert costs["2026-01", "refund", "EUR"] == {
        "month": "2026-01", "remedy": "refund", "currency": "EUR", "times": 2, "amount": "37.50",
    }  # fmt: skip
    assert costs["2026-02", "apology", None]["times"] == 1
    problems = {one["problem"]: one["tickets"] for one in draft["problems"]}
    assert problems == {"the policy does not cover CHF": 1, "reason is missing": 1}


@BOTH
def test_against_what_was_paid(tmp_path: Path, rows: bool) -> None:
    report = run(tmp_path, rows=rows)
    compared = report.to_data()["compared"]
    assert compared["winners"] == [
        {"currency": "EUR", "times": 1, "amount": "0.50"},
        {"currency": "JPY", "times": 1, "amount": "154"},
    ]
    assert compared["losers"] == [
        {"currency": "EUR", "times": 1, "amount": "5.00"},
        {"currency": "JPY", "times": 0, "amount": "0"},
    ]
    assert (compared["same"], compared["not_comparable"]) == (4, 2)
    assert [(one["ticket"], one["difference"]) for one in compared["largest"]] == [
        ("f", "-5.00"), ("a", "0.50"), ("c", "154"),
    ]  # fmt: skip


@BOTH
def test_against_another_policy(tmp_path: Path, rows: bool) -> None:
    other = load(DRAFT.replace("policy: shop", "policy: old").replace("12.5%", "25%"))
    compared = run(tmp_path, rows=rows, against=other).to_data()["compared"]
    assert compared["winners"][0]["times"] == 0
    assert compared["losers"] == [
        {"currency": "EUR", "times": 2, "amount": "37.50"},
        {"currency": "JPY", "times": 1, "amount": "155"},
    ]
    assert compared["largest"][0] == {
        "row": 2, "ticket": "b", "date": "2026-01-06", "currency": "EUR", "draft": "25.00",
        "against": "50.00", "difference": "-25.00", "rule": "give.1", "rule_against": "give.1",
    }  # fmt: skip


@BOTH
def test_the_largest_differences_are_kept_and_no_more(tmp_path: Path, rows: bool) -> None:
    lines = [f"t{n},2026-01-01,EUR,late,{n}.00,no,0" for n in range(10, 10 + 3 * LARGEST)]
    text = "\n".join([ROWS.splitlines()[0], *lines]) + "\n"
    largest = run(tmp_path, text, rows=rows).to_data()["compared"]["largest"]
    assert len(largest) == LARGEST
    first = 10 + 3 * LARGEST - 1
    assert [one["ticket"] for one in largest] == [f"t{first - n}" for n in range(LARGEST)]


def test_nobodys_text_is_markup_or_sql(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>'; DROP TABLE x; --"
    head, first, *rest = ROWS.splitlines()
    head = head.replace("paid_amount", '"paid_amount","a""\'b"')
    lines = [f"{line},{evil}" for line in (first.replace("a,", f"{evil},", 1), *rest)]
    report = run(tmp_path, "\n".join([head, *lines]) + "\n")
    assert report.engine == "duckdb"
    assert report.unread == ("a\"'b",)
    page = html.page(report)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_page_has_charts_that_say_what_they_found(tmp_path: Path) -> None:
    pytest.importorskip("altair")
    report = run(tmp_path)
    page = html.page(report)
    assert page.count("<svg") >= 3
    assert "would get more" in page
    assert "The draft would cost 37.50 EUR" in page
    assert "<script" not in page


def test_without_the_libraries_the_page_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = run(tmp_path)
    monkeypatch.setitem(sys.modules, "altair", None)
    assert "amends[backtest]" in html.page(report)


def test_without_duckdb_csv_goes_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.policy.backtest.vectorised.find_spec", lambda name: None)
    report = run(tmp_path)
    assert report.engine == "rows"
    assert "DuckDB is not installed" in report.because


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no first line"),
        ("total,total\n1,2\n", "twice"),
        ("ticket,total\na,1\nb\n", "line 3: 1 cells where the first line has 2"),
        ('ticket,total\na,"1\n', "line"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TicketsError, match=said):
        run(tmp_path, text)


def test_a_file_that_is_not_there_or_not_parquet(tmp_path: Path) -> None:
    with pytest.raises(TicketsError, match="no file"):
        TicketFile(tmp_path / "none.csv")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not")
    with pytest.raises(TicketsError, match="not Parquet"):
        TicketFile(tmp_path / "bad.parquet")
