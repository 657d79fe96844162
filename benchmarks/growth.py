"""What growing costs: `python -m benchmarks.growth [--stored 100000] [--entries 1000000]`.

Cases a second with an empty database beside one in which many were settled before, in turns; and
postings a second, and the time of one balance, with few and many entries in the ledger. On SQLite.

The many are copies of cases that were really settled, made in SQL with ids of their own. Entries
are written in SQL as well, with a head that fits; their chain is not computed.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from benchmarks.cases import furnish, settle
from core.ledger import HEAD, Head, balances, post, settlement
from core.moment import Moment
from core.money import Money
from core.store.database import connect_sqlite
from core.store.schema import upgrade
from core.store.sql import SqlStore
from core.store.tables import metadata
from webhooks.app import SYSTEM_CLOCK

#: Cases that are settled for real and then copied.
MOULD = 500
#: References to connections, of which there are as many as before.
_KEPT = frozenset({"workspace_id", "till_id", "desk_id", "connection_id"})
_NOT_COPIED = frozenset({"connections", "workspaces", "policy_versions", "ledger_heads"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stored", type=int, default=100_000, help="cases settled before")
    parser.add_argument("--entries", type=int, default=1_000_000, help="entries in the ledger")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cases", type=int, default=150, help="cases in each round")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="amends-growth-") as name:
        print(json.dumps(cases(Path(name), asked.stored, asked.rounds, asked.cases)))
        print(json.dumps(ledger(Path(name), asked.entries, asked.rounds)))


# -------------------------------------------------------------------------------------- cases


def cases(folder: Path, stored: int, rounds: int, each: int) -> dict[str, object]:
    empty, full = _opened(folder / "empty.db"), _opened(folder / "full.db")
    for store in (empty, full):
        furnish(store)
    settle(full, range(MOULD), 1)
    start = time.perf_counter()
    _multiply(folder / "full.db", max(0, stored // MOULD - 1))
    filling = time.perf_counter() - start
    rates: dict[str, list[float]] = {"empty": [], "full": []}
    steps: dict[str, list[float]] = {"empty": [], "full": []}
    for turn in range(rounds):
        numbers = range(10_000 + turn * each, 10_000 + (turn + 1) * each)
        for title, store in (("empty", empty), ("full", full)):
            seconds, commits = settle(store, numbers, 1)
            rates[title].append(each / seconds)
            steps[title].append(1000 * seconds / (each * commits))
    for store in (empty, full):
        store.close()
    rate = {title: statistics.median(found) for title, found in rates.items()}
    step = {title: statistics.median(found) for title, found in steps.items()}
    return {
        "stored": stored,
        "filled_in_seconds": round(filling, 1),
        "megabytes": (folder / "full.db").stat().st_size // 1_000_000,
        "cases_per_second": {title: round(value, 1) for title, value in rate.items()},
        "ms_per_step": {title: round(value, 2) for title, value in step.items()},
        "slower_by": round(rate["empty"] / rate["full"], 2),
    }


def _opened(path: Path) -> SqlStore:
    upgrade(f"sqlite:///{path}")
    return SqlStore(f"sqlite:///{path}", "bench")


def _multiply(path: Path, times: int) -> None:
    """Copy every row of the cases that are there, so many times."""
    with closing(_filling(path)) as raw:
        statements = [sql for sql in map(_copying, metadata().tables.values()) if sql]
        for number in range(1, times + 1):
            raw.execute("BEGIN")
            for sql in statements:
                raw.execute(sql, {"mark": f"~{number}", "far": number * 1_000_000})
            raw.execute("COMMIT")


def _filling(path: Path) -> sqlite3.Connection:
    """Quick, and lost if the machine stops now."""
    raw = connect_sqlite(str(path), writes=True)
    raw.execute("PRAGMA synchronous=OFF")
    raw.execute("PRAGMA cache_size=-400000")
    return raw


def _copying(table: sa.Table) -> str | None:
    """INSERT ... SELECT of the rows that are no copies, with other ids and unique keys."""
    if table.name in _NOT_COPIED:
        return None
    unique = {
        column.name
        for key in table.constraints
        if isinstance(key, sa.UniqueConstraint)
        for column in key.columns
    }
    names, values = [], []
    for column in table.columns:
        if column.computed is not None:
            continue
        names.append(column.name)
        referred = column.name == "id" or column.name.endswith("_id") or column.name in unique
        text = isinstance(column.type, sa.Text)
        if column.name in _KEPT or not referred:
            values.append(column.name)
        elif text:
            values.append(f"{column.name} || :mark")
        elif column.name == "seq":
            values.append("seq + :far")
        else:
            values.append(column.name)
    listed = ", ".join(names)
    return (
        f"INSERT INTO {table.name} ({listed}) SELECT {', '.join(values)} FROM {table.name} "
        "WHERE id NOT LIKE '%~%'"
    )


# ------------------------------------------------------------------------------------- ledger


def ledger(folder: Path, entries: int, rounds: int) -> dict[str, object]:
    few, many = _opened(folder / "few.db"), _opened(folder / "many.db")
    start = time.perf_counter()
    _write_entries(folder / "many.db", entries)
    with many.write() as tx:
        tx.add(Head(id=HEAD, seq=entries, hash="0" * 64))
    filling = time.perf_counter() - start
    rates: dict[str, list[float]] = {"few": [], "many": []}
    numbers = iter(range(10**9))
    for _ in range(rounds):
        for title, store in (("few", few), ("many", many)):
            rates[title].append(_postings(store, numbers))
    rate = {title: statistics.median(found) for title, found in rates.items()}
    begun = time.perf_counter()
    with many.read() as reader:
        found = balances(reader)
    took = time.perf_counter() - begun
    assert {sum(m for (_, c), m in found.items() if c == code) for _, code in found} == {0}
    for store in (few, many):
        store.close()
    return {
        "entries": entries,
        "filled_in_seconds": round(filling, 1),
        "postings_per_second": {title: round(value) for title, value in rate.items()},
        "slower_by": round(rate["few"] / rate["many"], 2),
        "balance_seconds": round(took, 2),
    }


def _postings(store: SqlStore, numbers: Iterator[int], seconds: float = 2.0) -> float:
    """One posting, one commit, and so on."""
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        moment = Moment(SYSTEM_CLOCK.now())
        pay, amount = f"pay_new_{next(numbers)}", Money(500, "EUR")
        cost = settlement(pay, "case_1", "conn_1", "refund", "owed", "late", amount)
        with store.write() as tx:
            post(tx, cost, now=moment.now)
        count += 1
    return count / (time.perf_counter() - start)


def _write_entries(path: Path, entries: int) -> None:
    """Of four reasons at three tills in two currencies."""
    with closing(_filling(path)) as raw:
        for start in range(1, entries + 1, 100_000):
            raw.execute("BEGIN")
            raw.execute(
                "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n"
                " WHERE i < :last) INSERT INTO ledger_entries SELECT 'bench', printf('%020d', i),"
                " i, 1772000000000000 + i, 'expense:owed:reason_' || (i % 4),"
                " 'clearing:conn_' || (i % 3), 100 + i % 9000,"
                " CASE i % 2 WHEN 0 THEN 'EUR' ELSE 'JPY' END, 'settled', 1,"
                " printf('case_%012d', i), printf('pay_%012d', i), 'x', 'x' FROM n",
                {"first": start, "last": min(start + 99_999, entries)},
            )
            raw.execute("COMMIT")


if __name__ == "__main__":
    main()
