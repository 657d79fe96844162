"""What the ledger costs: `python -m benchmarks.ledger [--entries 10000000] [--rounds 3]`.

Of a million whose chain is a true one: entries verified a second, beside a floor in turns, which is
the same rows read from SQLite's own driver, and SHA-256 over as many bytes as an entry has; both in
seconds of the processor, so that what else the machine does counts for nothing. Of all entries,
most of which are copies: the time of all balances, and postings a second with many entries beside
an empty ledger.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.filling import bare, tell
from core.booking import settlement
from core.ledger import GENESIS, HEAD, Head, balances, hash_of_row, id_of, post
from core.ledger_check import verify
from core.moment import Moment
from core.money import Money
from core.store.schema import upgrade
from core.store.sql import SqlStore
from core.store.sqlite import connect_sqlite
from webhooks.app import SYSTEM_CLOCK

_CHAINED, _AT_ONCE = 1_000_000, 100_000
#: As long as what is hashed of an entry.
_DOCUMENT = b"x" * 313


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=_CHAINED)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="amends-ledger-") as name:
        print(json.dumps(measured(Path(name), asked.entries, asked.rounds)))


def measured(folder: Path, entries: int, rounds: int) -> dict[str, object]:
    few, many = _opened(folder / "few.db"), _opened(folder / "many.db")
    chained = min(entries, _CHAINED)
    last = _write_chain(folder / "many.db", chained)
    with many.write() as tx:
        tx.add(Head(id=HEAD, seq=chained, hash=last))
    checks = _in_turns(
        rounds,
        lambda: _verified(many, chained),
        lambda: _read(folder / "many.db"),
        clock=time.process_time,
    )
    many.close()
    entries = chained * (entries // chained)
    _copy_entries(folder / "many.db", chained, entries // chained)
    many = SqlStore(f"sqlite:///{folder / 'many.db'}", "bench")
    with many.write() as tx:
        tx.put(Head(id=HEAD, seq=entries, hash=last))
    balance = statistics.median(_timed(lambda: _balanced(many)) for _ in range(rounds))
    numbers = iter(range(10**9))
    rates = _in_turns(rounds, lambda: _postings(few, numbers), lambda: _postings(many, numbers))
    for store in (few, many):
        store.close()
    return {
        "verified": chained,
        "verified_in_processor_seconds": round(checks[0], 2),
        "verified_per_second": round(chained / checks[0]),
        "verify_to_floor": round(checks[0] / checks[1], 2),
        "entries": entries,
        "balance_seconds": round(balance, 2),
        "postings_per_second": {"few": round(100 / rates[0]), "many": round(100 / rates[1])},
        "posting_slower_by": round(rates[1] / rates[0], 2),
    }


def _opened(path: Path) -> SqlStore:
    upgrade(f"sqlite:///{path}")
    return SqlStore(f"sqlite:///{path}", "bench")


def _write_chain(path: Path, entries: int) -> str:
    """Of four reasons at three tills in two currencies; answers the last one's hash."""
    started, previous = time.perf_counter(), GENESIS
    with bare(f"sqlite:///{path}") as connection:
        for start in range(1, entries + 1, _AT_ONCE):
            rows = []
            for seq in range(start, min(start + _AT_ONCE, entries + 1)):
                row = (*_columns(seq), previous, "")
                previous = hash_of_row("bench", row)
                rows.append(("bench", *row[:-1], previous))
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql(
                f"INSERT INTO ledger_entries VALUES ({', '.join('?' * len(rows[0]))})", rows
            )
            connection.exec_driver_sql("COMMIT")
            tell(f"{rows[-1][2]:,} entries written", started)
    tell("indexes made", started)
    return previous


def _copy_entries(path: Path, chained: int, times: int) -> None:
    """So that there are `times` as many."""
    started = time.perf_counter()
    with bare(f"sqlite:///{path}") as connection:
        for number in range(1, times):
            connection.exec_driver_sql(
                "INSERT INTO ledger_entries SELECT workspace_id, printf('%020d', seq + ?), seq + ?,"
                " at, debit, credit, amount_minor, currency, kind, number, ? || case_id,"
                " ? || payout_id, previous, hash FROM ledger_entries WHERE seq <= ?",
                (number * chained, number * chained, f"{number}~", f"{number}~", chained),
            )
            tell(f"{(number + 1) * chained:,} entries", started)
    tell("indexes made", started)


def _columns(seq: int) -> tuple[str | int, ...]:
    """An entry's, up to the hashes."""
    ours = f"01a22a63-18a2-77f1-82b6-{seq:012x}"
    return (
        id_of(seq), seq, 1_772_000_000_000_000 + seq, f"expense:owed:reason_{seq % 4}",
        f"clearing:conn_01a22a63-18a2-77f1-82b6-{seq % 3:012x}", 100 + seq % 9000,
        "EUR" if seq % 2 else "JPY", "settled", 1, f"case_{ours}", f"pay_{ours}",
    )  # fmt: skip


def _in_turns(
    rounds: int,
    one: Callable[[], object],
    other: Callable[[], object],
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Median seconds of each."""
    took = [(_timed(one, clock), _timed(other, clock)) for _ in range(rounds)]
    return statistics.median(a for a, _ in took), statistics.median(b for _, b in took)


def _timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


def _verified(store: SqlStore, entries: int) -> None:
    with store.read() as reader:
        found = verify(reader)
    assert (found.problem, found.entries) == (None, entries)


def _read(path: Path) -> None:
    with closing(connect_sqlite(str(path), writes=False)) as raw:
        for _ in raw.execute("SELECT * FROM ledger_entries ORDER BY workspace_id, id"):
            hashlib.sha256(_DOCUMENT).hexdigest()


def _balanced(store: SqlStore) -> None:
    with store.read() as reader:
        found = balances(reader)
    assert {sum(m for (_, c), m in found.items() if c == code) for _, code in found} == {0}


def _postings(store: SqlStore, numbers: Iterator[int]) -> None:
    """A hundred, each a commit."""
    for _ in range(100):
        moment = Moment(SYSTEM_CLOCK.now())
        pay, amount = f"pay_new_{next(numbers)}", Money(500, "EUR")
        cost = settlement(pay, "case_1", "conn_1", "refund", "owed", "late", amount)
        with store.write() as tx:
            post(tx, cost, now=moment.now)


if __name__ == "__main__":
    main()
