"""How fast a backtest is: a million tickets, as queries and row by row, and a query by hand.

    .venv/bin/python -m benchmarks.backtest [TICKETS]

The rules are those of the pack `online-shop`. The peer is what somebody who knows DuckDB would
write by hand for the same account (cost by month, currency and rule, and how many need a second
yes), with none of our checks: it trusts every type, and has no word for what is missing. Both run
on the same Parquet file in one process, in turns; the ratio counts. The row-by-row engine then
decides every ticket, and all its sums have to be the same to the cent.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from core.policy import load_pack
from core.policy.backtest import TicketFile, backtest
from core.policy.backtest.report import Report

ROUNDS = 9
CODES = ("EUR", "SAR", "JPY", "KWD", "USD", "GBP", "AED")

TICKETS = """
COPY (
  SELECT 'T' || i AS ticket,
    (DATE '2025-01-01' + (hash(i) % 365)::INT) AS date,
    (['late_delivery', 'damaged_item', 'wrong_item'])[1 + (hash(i + 1) % 3)::INT] AS reason,
    (['new', 'regular', 'vip'])[1 + (hash(i + 2) % 3)::INT] AS "customer.tier",
    CASE WHEN hash(i + 3) % 10 > 0 THEN (hash(i + 4) % 20)::INT END AS days_late,
    (['EUR', 'SAR', 'JPY', 'KWD', 'USD', 'GBP', 'AED'])[1 + (hash(i + 5) % 7)::INT] AS currency,
    (CASE WHEN currency = 'JPY' THEN hash(i + 6) % 60000
     ELSE (hash(i + 6) % 60000) / 100.0 END)::DECIMAL(12, 2) AS "order.total",
    (CASE WHEN hash(i + 7) % 8 > 0 THEN "order.total"
     ELSE floor("order.total" / 7) END)::DECIMAL(12, 2) AS "order.refundable"
  FROM range({count}) t(i)
) TO '{path}'
"""
_LATE = "reason = 'late_delivery'"
_ROWS = (
    (f"{_LATE} AND days_late <= 0", "0"),
    (f"{_LATE} AND days_late IS NULL", "least(total * 10 / 100, cap, refundable)"),
    (f"{_LATE} AND days_late BETWEEN 1 AND 2", "0"),
    (f"{_LATE} AND days_late BETWEEN 3 AND 6", "least(total * 10 / 100, cap, refundable)"),
    (f"{_LATE} AND tier = 'vip'", "least(total * 30 / 100, vip_cap, refundable)"),
    (_LATE, "least(total * 20 / 100, cap, refundable)"),
    ("reason = 'damaged_item' AND tier = 'vip'", "least(total * 60 / 100, vip_cap, refundable)"),
    ("reason = 'damaged_item'", "least(total * 50 / 100, vip_cap, refundable)"),
    ("reason = 'wrong_item'", "least(greatest(total * 30 / 100, small), cap, refundable)"),
)


def by_hand(path: Path) -> str:
    """The same account in plain SQL, on decimals: `CASE` by `CASE`."""
    amounts = {
        "small": (5, 20, 800, 1.5, 5, 4.5, 20), "cap": (40, 160, 6500, 13.5, 45, 35, 165),
        "vip_cap": (100, 400, 16000, 33.5, 110, 85, 400),
        "limit": (75, 300, 12000, 25, 80, 65, 300),
    }  # fmt: skip

    def per_currency(values: tuple[float, ...]) -> str:
        pairs = zip(CODES, values, strict=True)
        return "CASE currency " + " ".join(f"WHEN '{c}' THEN {v}" for c, v in pairs) + " END"

    named = ", ".join(f"{per_currency(of)} AS {name}" for name, of in amounts.items())
    rule = " ".join(f"WHEN {test} THEN {number}" for number, (test, _) in enumerate(_ROWS))
    sums = " ".join(f"WHEN {number} THEN {amount}" for number, (_, amount) in enumerate(_ROWS))
    return f"""
        SELECT month, currency, rule, count(*), sum(given), count_if(given > "limit") FROM (
          SELECT month, currency, rule, "limit", CASE currency
              WHEN 'JPY' THEN round(amount, 0) WHEN 'KWD' THEN round(amount, 3)
              ELSE round(amount, 2) END AS given FROM (
            SELECT *, CASE rule {sums} END AS amount FROM (
              SELECT *, CASE {rule} END AS rule, {named} FROM (
                SELECT date_trunc('month', date) AS month, reason, currency, days_late,
                  "customer.tier" AS tier, "order.total" AS total, "order.refundable" AS refundable
                FROM '{path}'))))
        GROUP BY ALL"""


def timed(run: Any) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    policy = load_pack("online-shop")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tickets.parquet"
        duckdb.connect().execute(TICKETS.format(count=count, path=path))
        text = Path(folder) / "tickets.csv"
        duckdb.connect().execute(f"COPY (FROM '{path}') TO '{text}'")
        tickets, connection, hand = TicketFile(path), duckdb.connect(), by_hand(path)
        found: list[Report] = []

        def ours() -> None:
            found[:] = [backtest(policy, tickets)]

        def theirs() -> None:
            connection.execute(hand).fetchall()

        theirs()
        ours()
        pairs = [(timed(theirs), timed(ours)) for _ in range(ROUNDS)]
        peer, query = (statistics.median(one) for one in zip(*pairs, strict=True))
        ratio = statistics.median(own / floor for floor, own in pairs)
        from_csv = timed(lambda: found.append(backtest(policy, TicketFile(text))))
        rows_time = timed(lambda: found.append(backtest(policy, tickets, rows=True)))
    as_query, csv, rows = (one.to_data()["draft"] for one in found)
    assert as_query == rows, "the engines differ"
    assert as_query == csv, "CSV and Parquet differ"
    print(f"{count:,} tickets, {len(as_query['cost']):,} sums by month, currency and remedy")
    print(f"  by hand in DuckDB      {peer:8.3f} s")
    print(f"  Amends, as a query     {query:8.3f} s  {ratio:.2f}x the one by hand")
    print(f"  Amends, query on CSV   {from_csv:8.3f} s")
    print(f"  Amends, row by row     {rows_time:8.3f} s  {count / rows_time:,.0f} tickets a second")
    print(f"  left to the compiled function: {found[0].alone:,}; all sums are equal to the cent")


if __name__ == "__main__":
    main()
