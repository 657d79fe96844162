"""Cases settled a second, by one worker and by several.

    python -m benchmarks.cases [--cases 200] [--rounds 3] [--workers 1,2,4]

Deliveries are kept first; then workers take each from its delivery to the last word on its ticket,
against hosts that answer at once, so that what is measured is ours: flow, policy, ledger, store.
A worker is a process of as many runners as `amends worker` has. The floor, measured beside it: as
many commits of one small row as a case takes, on the bare driver; on PostgreSQL over as many
connections as there are runners, on SQLite, which has one writer at a time, over one. In memory
there is one process with one runner. Everything takes its turn in each round; medians are printed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, cast

import pgserver
import psycopg

from benchmarks.instant import InstantHosts, delivery, furnish, ticket_of
from core.case import Case, CaseState, Outcome
from core.connection import Delivery
from core.moment import Moment
from core.store import Store
from core.store.memory import MemoryStore
from core.store.schema import upgrade
from core.store.sealing import Sealer, new_key, read_keys
from core.store.sql import SqlStore
from webhooks.app import SYSTEM_CLOCK
from webhooks.engine.runner import Runner
from webhooks.hosts import Hosts

_OPEN = (CaseState.GATHERING, CaseState.PAYING)
_fork = multiprocessing.get_context("fork")


class Counted:
    """A store that counts its commits."""

    def __init__(self, store: Store) -> None:
        self._store, self.commits = store, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def write(self, *leases: Any) -> Iterator[Any]:
        with self._store.write(*leases) as tx:
            yield tx
        self.commits += 1

    def claim(self, *args: Any, **kwargs: Any) -> Any:
        leases = self._store.claim(*args, **kwargs)
        self.commits += bool(leases)
        return leases


def runner_on(store: Store, threads: int) -> Runner:
    return Runner(
        store, cast(Hosts, InstantHosts()), sealer=Sealer(read_keys(new_key())),
        clock=SYSTEM_CLOCK, lease_length=timedelta(seconds=60), public_url="http://localhost",
        threads=threads, poll=timedelta(milliseconds=20),
    )  # fmt: skip


def seconds_for(store: Store, numbers: Sequence[int]) -> float:
    """From the commit of these deliveries, which nobody had before, until all were made good."""
    moment = Moment(datetime.now(UTC))
    with store.write() as tx:
        for number in numbers:
            tx.add(delivery(number, moment))
    start = time.perf_counter()
    while True:
        with store.read() as reader:
            waiting = reader.count(Delivery, state="new")
            if not waiting and not any(reader.count(Case, state=state) for state in _OPEN):
                break
        time.sleep(0.02)
    seconds = time.perf_counter() - start
    made_good = {"desk_id": "desk", "outcome": Outcome.MADE_GOOD}
    with store.read() as reader:
        for number in numbers:
            assert reader.count(Case, ticket_id=ticket_of(number), **made_good) == 1, number
    return seconds


def settle(store: Store, numbers: Sequence[int], threads: int) -> tuple[float, float]:
    """Seconds for these cases by a runner in this process, and commits a case (with the one that
    keeps its delivery)."""
    counted = Counted(store)
    runner = runner_on(cast(Store, counted), threads)
    runner.start()
    seconds = seconds_for(store, numbers)
    runner.stop()
    return seconds, counted.commits / len(numbers) + 1


# ------------------------------------------------------------------------ in processes of their own


@contextmanager
def processes(many: int, target: Any, *args: object) -> Iterator[list[Pipe]]:
    """Each with a pipe to it, once all have said that they are ready. They end by themselves."""
    with ExitStack() as stack:
        pipes = []
        for _ in range(many):
            here, there = _fork.Pipe()
            process = _fork.Process(target=target, args=(there, *args), daemon=True)
            process.start()
            stack.callback(process.join)
            pipes.append(here)
        _answers(pipes)
        yield pipes


def _ask(pipes: list[Pipe], what: str) -> list[Any]:
    for pipe in pipes:
        pipe.send(what)
    return _answers(pipes)


def _answers(pipes: list[Pipe]) -> list[Any]:
    return [pipe.recv() for pipe in pipes]


def work(pipe: Pipe, url: str, threads: int) -> None:
    """One worker. Answers how often it committed, until it is asked for the last time."""
    counted = Counted(SqlStore(url, "bench"))
    runner = runner_on(cast(Store, counted), threads)
    runner.start()
    pipe.send("ready")
    while pipe.recv() != "end":
        pipe.send(counted.commits)
    runner.stop()
    counted.close()
    pipe.send(counted.commits)


def settle_by_workers(url: str, cases: int, workers: int, threads: int) -> tuple[float, float]:
    """As `settle`. What a process does only once is done before, with a few cases for each."""
    with processes(workers, work, url, threads) as pipes:
        store = SqlStore(url, "bench")
        seconds_for(store, _new(10 * workers))
        before = sum(_ask(pipes, "commits"))
        seconds = seconds_for(store, _new(cases))
        commits = sum(_ask(pipes, "end")) - before
        store.close()
    return seconds, commits / cases + 1


_tickets = count(0)


def _new(many: int) -> list[int]:
    """Numbers of tickets that nobody had before."""
    return list(islice(_tickets, many))


# --------------------------------------------------------------------------------------- the floor


def sqlite_floor(folder: Path, commits: int) -> float:
    """Commits a second of one small row on the bare driver, as durable as ours."""
    bare = sqlite3.connect(folder / "floor.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    bare.execute("CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, body TEXT)")
    start = time.perf_counter()
    for _ in range(commits):
        bare.execute("INSERT INTO kept (body) VALUES (?)", ("x" * 200,))
    return commits / (time.perf_counter() - start)


def postgres_floor(url: str, commits: int, workers: int, threads: int) -> float:
    each = commits // (workers * threads)
    with psycopg.connect(url) as bare:
        bare.execute("CREATE TABLE IF NOT EXISTS kept (id BIGSERIAL PRIMARY KEY, body TEXT)")
    with processes(workers, commit, url, threads, each) as pipes:
        start = time.perf_counter()
        _ask(pipes, "go")
        seconds = time.perf_counter() - start
    return each * workers * threads / seconds


def commit(pipe: Pipe, url: str, threads: int, commits: int) -> None:
    bare = [psycopg.connect(url, autocommit=True) for _ in range(threads)]

    def run(connection: psycopg.Connection) -> None:
        for _ in range(commits):
            connection.execute("INSERT INTO kept (body) VALUES (%s)", ("x" * 200,))

    running = [threading.Thread(target=run, args=(connection,)) for connection in bare]
    pipe.send("ready")
    pipe.recv()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    pipe.send("done")


# -------------------------------------------------------------------------------------- the report

Row = tuple[float, float, float]  # cases a second, commits a case, the floor's commits a second


def measure(
    folder: Path, postgres: str, cases: int, rounds: int, workers: list[int], threads: int
) -> dict[tuple[str, int], list[Row]]:
    """(store, workers) -> a row for each round."""
    memory, lite = MemoryStore("bench"), f"sqlite:///{folder / 'cases.db'}"
    furnish(memory)
    for url in (lite, postgres):
        upgrade(url)
        store = SqlStore(url, "bench")
        furnish(store)
        store.close()
    found: dict[tuple[str, int], list[Row]] = {}
    for _ in range(rounds):
        seconds, commits = settle(memory, _new(cases), 1)
        found.setdefault(("memory", 1), []).append((cases / seconds, commits, 0.0))
        for many in workers:
            floor = sqlite_floor(folder, 2000)
            seconds, commits = settle_by_workers(lite, cases, many, threads)
            found.setdefault(("sqlite", many), []).append((cases / seconds, commits, floor))
            floor = postgres_floor(postgres, 2000, many, threads)
            seconds, commits = settle_by_workers(postgres, cases, many, threads)
            found.setdefault(("postgresql", many), []).append((cases / seconds, commits, floor))
    return found


def report(found: dict[tuple[str, int], list[Row]]) -> None:
    for (store, workers), rows in sorted(found.items()):
        rate, commits = (statistics.median(row[place] for row in rows) for place in (0, 1))
        said: dict[str, object] = {
            "store": store, "workers": workers,
            "cases_per_second": round(rate, 1), "commits_per_case": round(commits, 2),
        }  # fmt: skip
        ratios = [rate * commits / floor for rate, commits, floor in rows if floor]
        if ratios:
            said["floor_cases_per_second"] = round(rate / statistics.median(ratios), 1)
            said["ratio_to_floor"] = round(statistics.median(ratios), 2)
        print(json.dumps(said))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200, help="cases in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", default="1,2,4", help="numbers of processes, with commas")
    parser.add_argument("--threads", type=int, default=4, help="runners in each")
    asked = parser.parse_args()
    workers = [int(many) for many in asked.workers.split(",")]
    with tempfile.TemporaryDirectory() as name:
        make = pgserver.get_server  # type: ignore[attr-defined]
        server = make(Path(name) / "pg", cleanup_mode="stop")
        url = str(server.get_uri())
        report(measure(Path(name), url, asked.cases, asked.rounds, workers, asked.threads))
        server.cleanup()


if __name__ == "__main__":
    main()
