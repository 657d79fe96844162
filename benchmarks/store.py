"""What the store costs, against a floor measured in the same run, interleaved.

    python benchmarks/store.py [--seconds 2] [--rounds 3] [--postgres]

Floor: one INSERT and COMMIT of a row of this size with the bare driver, same pragmas. A `case` is
one row added and then five times claimed, read, replaced, a line added and let go: 11 commits. Its
figure is cases a second by SQL alone; the floor divided by 11 is the most there could be.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from core.booking import settlement
from core.case import Case, CaseStep
from core.connection import Delivery
from core.ledger import post
from core.money import Money
from core.store import Store
from core.store.memory import MemoryStore
from core.store.schema import upgrade
from core.store.sql import SqlStore
from core.store.sqlite import connect_sqlite
from tests.stores import new_postgres, sample

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LEASE = timedelta(minutes=1)
_ids = itertools.count()

Work = Callable[[], None]


def next_id(prefix: str) -> str:
    return f"{prefix}_{next(_ids):030d}"


def floor(kind: str, url: str) -> Work:
    insert = "INSERT INTO floor VALUES ({0}, {0}, {0}, {0})"
    table = "CREATE TABLE floor (w TEXT, id TEXT, a BIGINT, body TEXT, PRIMARY KEY (w, id))"
    if kind == "sqlite":
        lite = connect_sqlite(url.removeprefix("sqlite:///"), writes=True)
        lite.execute(table)

        def run() -> None:
            lite.execute("BEGIN IMMEDIATE")
            lite.execute(insert.format("?"), ("w", next_id("f"), 1, "x" * 200))
            lite.execute("COMMIT")

        return run
    post_gres = psycopg.connect(url, autocommit=True)
    post_gres.execute(table)

    def run_postgres() -> None:
        post_gres.execute("BEGIN")
        post_gres.execute(insert.format("%s"), ("w", next_id("f"), 1, "x" * 200))
        post_gres.execute("COMMIT")

    return run_postgres


def add_one(store: Store) -> Work:
    def run() -> None:
        with store.write() as tx:
            tx.add(sample(CaseStep, next_id("s"), data={"body": "x" * 150}))

    return run


def one_case(store: Store) -> Work:
    def run() -> None:
        id = next_id("case")
        with store.write() as tx:
            tx.add(sample(Case, id, due_at=NOW, facts={"order": "x" * 300}))
        for step in range(5):
            (lease,) = store.claim(Case, owner="bench", now=NOW, length=LEASE)
            with store.write(lease) as tx:
                case = tx.get(Case, lease.id)
                assert case is not None
                tx.put(replace(case, tries=step, due_at=NOW if step < 4 else None))
                tx.add(sample(CaseStep, next_id("s"), case_id=id, data={"step": step}))
                tx.release(lease)

    return run


def one_posting(store: Store) -> Work:
    def run() -> None:
        with store.write() as tx:
            amount = Money(500, "EUR")
            post(tx, settlement(next_id("pay"), "c", "t", "refund", "owed", "late", amount),
                 now=NOW)  # fmt: skip

    return run


def rate(work: Work, seconds: float) -> float:
    count, end = 0, time.perf_counter() + seconds
    start = time.perf_counter()
    while time.perf_counter() < end:
        work()
        count += 1
    return count / (time.perf_counter() - start)


def appends(store: Store, threads: int, seconds: float) -> tuple[float, float]:
    """Rows a second by `threads` that wait at once, and the 99th percentile of one wait in ms."""
    waits: list[float] = []
    end = time.perf_counter() + seconds

    def run() -> None:
        while time.perf_counter() < end:
            start = time.perf_counter()
            store.append(sample(Delivery, next_id("d"), body=b"x" * 500, connection_id="c"))
            waits.append(time.perf_counter() - start)

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return len(waits) / seconds, statistics.quantiles(waits, n=100)[98] * 1000


def measure(kind: str, store: Store, url: str, rounds: int, seconds: float) -> None:
    works = {
        "case (11 commits)": one_case(store),
        "one row added": add_one(store),
        "ledger posting": one_posting(store),
    }
    if kind != "memory":
        works["floor"] = floor(kind, url)
    found: dict[str, list[float]] = {name: [] for name in works}
    shared: list[tuple[float, float]] = []
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(rate(work, seconds))
        shared.append(appends(store, 32, seconds))
    best = {name: statistics.median(rates) for name, rates in found.items()}
    base = best.get("floor")
    for name, value in best.items():
        ratio = f"{value / base:6.2f} x floor" if base else ""
        print(f"{kind:11} {name:18} {value:9.0f}/s  {ratio}")
    rows, wait = (statistics.median(values) for values in zip(*shared, strict=True))
    ratio = f"{rows / base:6.2f} x floor" if base else ""
    print(f"{kind:11} {'append, 32 threads':18} {rows:9.0f}/s  {ratio}  p99 {wait:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgres", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        upgrade(url)
        stores: list[tuple[str, Store, str]] = [
            ("memory", MemoryStore("w"), ""),
            ("sqlite", SqlStore(url, "w"), url),
        ]
        if asked.postgres:
            other = new_postgres()
            upgrade(other)
            stores.append(("postgresql", SqlStore(other, "w"), other))
        for kind, store, where in stores:
            measure(kind, store, where, asked.rounds, asked.seconds)
        for _, store, _ in stores:
            store.close()


if __name__ == "__main__":
    main()
