"""What growing costs: `python -m benchmarks.growth [--stored 1000000] [--postgres]`.

Cases a second with an empty database beside one in which many were settled before, in turns. A
million take some 15 GB of disk, in TMPDIR; what the ledger costs by itself is in `ledger`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pgserver

from benchmarks.cases import settle
from benchmarks.filling import multiply
from benchmarks.instant import furnish
from core.store.schema import upgrade
from core.store.sql import SqlStore

#: Cases that are settled for real and then copied.
MOULD = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stored", type=int, default=100_000, help="cases settled before")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cases", type=int, default=50, help="cases in each round")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL instead of SQLite")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="amends-growth-") as name,
        _urls(Path(name), asked.postgres) as (empty, full),
    ):
        print(json.dumps(cases(empty, full, asked.stored, asked.rounds, asked.cases)))


@contextmanager
def _urls(folder: Path, postgres: bool) -> Iterator[tuple[str, str]]:
    """Of two databases without rows."""
    urls = (f"sqlite:///{folder / 'empty.db'}", f"sqlite:///{folder / 'full.db'}")
    servers = []
    if postgres:
        make = pgserver.get_server  # type: ignore[attr-defined]
        servers = [make(folder / name, cleanup_mode="stop") for name in ("empty", "full")]
        urls = (str(servers[0].get_uri()), str(servers[1].get_uri()))
    for url in urls:
        upgrade(url)
    try:
        yield urls
    finally:
        for server in servers:
            server.cleanup()


def cases(empty_url: str, full_url: str, stored: int, rounds: int, each: int) -> dict[str, object]:
    start = time.perf_counter()
    full = SqlStore(full_url, "bench")
    furnish(full)
    settle(full, range(MOULD), 1)
    full.close()
    multiply(full_url, max(0, stored // MOULD - 1), MOULD)
    filling = time.perf_counter() - start
    stores = {"empty": SqlStore(empty_url, "bench"), "full": SqlStore(full_url, "bench")}
    furnish(stores["empty"])
    rates: dict[str, list[float]] = {title: [] for title in stores}
    work: dict[str, list[float]] = {title: [] for title in stores}
    for turn in range(rounds):
        numbers = range(10_000 + turn * each, 10_000 + (turn + 1) * each)
        for title, store in stores.items():
            before = time.process_time()
            seconds, _ = settle(store, numbers, 1)
            work[title].append(1000 * (time.process_time() - before) / each)
            rates[title].append(each / seconds)
    for store in stores.values():
        store.close()
    rate = {title: statistics.median(found) for title, found in rates.items()}
    spent = {title: statistics.median(found) for title, found in work.items()}
    return {
        "stored": stored,
        "filled_in_seconds": round(filling, 1),
        "cases_per_second": {title: round(value, 1) for title, value in rate.items()},
        "processor_ms_per_case": {title: round(value, 2) for title, value in spent.items()},
        "slower_by": round(rate["empty"] / rate["full"], 2),
    }


if __name__ == "__main__":
    main()
