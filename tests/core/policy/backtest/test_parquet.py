"""Typed columns of Parquet: whole numbers, decimals, dates and yes/no are read as exactly as text,
and a query and the rows agree on every one of them."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from core.policy import load
from core.policy.backtest import TicketFile, TicketsError, backtest

duckdb = pytest.importorskip("duckdb")
POLICY = """\
policy: typed
basis: owed
currency: [EUR, JPY, KWD]
facts:
  total: money
  fee: {type: money, default: 0}
  days_late: {type: days, default: null}
  waited: {type: hours, decimals: 2, default: 1.5}
  share: percent
  many: count
  level: {type: [1, 2, 3], default: 2}
  vip: {type: yes/no, default: no}
  bought: date
  at: instant
  code: {type: word, default: null}
give:
  - {when: {days_late: null, level: 3}, refund: total + fee}
  - {when: {code: [ab, cd], bought: 2026-01-01..}, refund: share of total, each: many}
  - {when: {waited: 1.5..<3, vip: no}, refund: total / 3, round: down}
  - when: "at >= at and months_between(bought, 2027-03-31) > 2"
    refund: (total - fee) * (waited / 1 h)
  - {when: not (vip or days_late > 3 days), points: many + level}
  - {refund: 5% of total}
"""
TABLE = """
COPY (SELECT
    'T' || i AS ticket, strftime(DATE '2020-01-01' + i::INT, '%Y-%m') || '-01' AS date,
    {currency} AS currency, {total} AS total, {fee} AS fee, {days} AS days_late,
    {waited} AS waited, {share} AS share, {count} AS many, {level} AS level, {vip} AS vip,
    {on} AS bought, {at} AS at, {code} AS code, NULL::DECIMAL(9, 2) AS paid_amount
  FROM (SELECT range AS i, setseed({seed}) FROM range(300))) TO '{path}' (FORMAT parquet)
"""


def some(value: str, kind: str, missing: float = 0.08) -> str:
    return f"CASE WHEN random() < {missing} THEN NULL ELSE ({value})::{kind} END"


@pytest.mark.parametrize("seed", range(6))
def test_query_and_rows_agree_on_typed_columns(tmp_path: Path, seed: int) -> None:
    rng = Random(seed)
    scale = rng.choice(
        ["DECIMAL(12, 2)", "DECIMAL(12, 3)", "DECIMAL(9, 0)", "DECIMAL(18, 4)", "BIGINT", "VARCHAR"]
    )
    whole = rng.choice(["INTEGER", "BIGINT", "SMALLINT", "DECIMAL(6, 1)", "VARCHAR", "UTINYINT"])
    amount = (
        "CASE WHEN random() < .5 THEN floor(random() * 500) ELSE floor(random() * 90000) / 8 END"
    )
    signed = "floor(random() * 9)" if whole == "UTINYINT" else "floor(random() * 9) - 2"
    path = tmp_path / "tickets.parquet"
    duckdb.connect().execute(
        TABLE.format(
            seed=0.1 * seed, path=path,
            currency=some("['EUR', 'JPY', 'KWD', 'CHF'][1 + floor(random() * 4)::INT]", "VARCHAR"),
            total=some(amount, scale), fee=some("floor(random() * 50)", scale, 0.5),
            days=some(signed, whole, 0.4),
            waited=some("floor(random() * 500) / 100", rng.choice(["DECIMAL(6, 2)", "VARCHAR"])),
            share=some("floor(random() * 300) / 7", rng.choice(["DECIMAL(9, 4)", "DECIMAL(4, 0)"])),
            count=some("floor(random() * 4)", whole), level=some("floor(random() * 5)", whole, 0.3),
            vip=some("random() < .5", rng.choice(["BOOLEAN", "VARCHAR"])),
            on=some("DATE '2025-10-01' + floor(random() * 400)::INT",
                    rng.choice(["DATE", "VARCHAR", "TIMESTAMP"])),
            at=some("TIMESTAMP '2026-01-01 10:00:00' + to_microseconds((random() * 1e12)::BIGINT)",
                    rng.choice(["TIMESTAMP", "TIMESTAMPTZ"])),
            code=some("['ab', 'cd', 'x y', 'null'][1 + floor(random() * 4)::INT]", "VARCHAR"),
        )
    )  # fmt: skip
    policy, file = load(POLICY), TicketFile(path)
    query, rows = backtest(policy, file), backtest(policy, file, rows=True)
    assert (query.engine, query.because) == ("duckdb", "")
    assert query.to_data()["draft"] == rows.to_data()["draft"]
    assert query.to_data()["compared"] == rows.to_data()["compared"]
    undecided = rows.tally.draft.outcomes.get("cannot_decide", 0)
    assert 0 < undecided < 290
    assert query.alone <= undecided + 60


def test_floating_columns_are_refused(tmp_path: Path) -> None:
    for kind in ("DOUBLE", "FLOAT", "DOUBLE[]"):
        value = "[1.5]" if kind.endswith("]") else "1.5"
        path = tmp_path / "tickets.parquet"
        duckdb.connect().execute(f"COPY (SELECT {value}::{kind} AS total) TO '{path}'")
        with pytest.raises(TicketsError, match="floating-point"):
            TicketFile(path)


def test_lists_are_read_from_nested_columns(tmp_path: Path) -> None:
    text = (
        "policy: listed\nbasis: owed\ncurrency: EUR\n"
        "facts: {items: {list: {price: money, broken: yes/no}}}\n"
        "give:\n  - {refund: sum(i.price for i in items where i.broken)}\n"
    )
    path = tmp_path / "tickets.parquet"
    duckdb.connect().execute(
        "COPY (SELECT [{'price': '4.20', 'broken': true}, {'price': '1', 'broken': false}]"
        f" AS items) TO '{path}'"
    )
    report = backtest(load(text), TicketFile(path))
    assert report.engine == "rows"
    assert "list" in report.because
    assert report.to_data()["draft"]["total"] == {"EUR": "4.20"}
