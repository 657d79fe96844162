"""How soon another process begins with what was committed, and what saying so costs who commits.

    python -m benchmarks.waking [--samples 60] [--rounds 3] [--seconds 1]

Three ways, each with a database of its own on one PostgreSQL: workers that only look, once a
second; NOTIFY by our triggers, as `amends worker` hears it; and Procrastinate as a peer, whose job
is deferred in the transaction that keeps the delivery and wakes the same runner. They take turns
sample by sample and round by round, so that whatever else the machine does hits all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import cast

import pgserver
import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from benchmarks.instant import Desk, InstantHosts, delivery, furnish
from core.connection import Delivery
from core.events import Event
from core.moment import Moment
from core.ports import RawRequest
from core.store.database import Session
from core.store.schema import upgrade
from core.store.sealing import Sealer, new_key, read_keys
from core.store.sql import SqlStore
from webhooks.app import SYSTEM_CLOCK
from webhooks.engine.runner import Runner
from webhooks.hosts import Hosts

WAYS = ("looking", "NOTIFY", "Procrastinate")
#: Writing processes and threads in each.
WRITERS = ((1, 1), (1, 32), (4, 8))
_fork = multiprocessing.get_context("fork")


# ------------------------------------------------------------------------------ Procrastinate


class Deferring(SqlStore):
    """A job in each commit, which is as little as it can be: deliveries that share a commit share
    the job, and it needs no lock on the queue."""

    def __init__(self, url: str, workspace_id: str) -> None:
        super().__init__(url, workspace_id)
        self._look = App(connector=SyncPsycopgConnector(conninfo=url)).task(name="look")(_look)

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with super()._writing() as session:
            yield session
            self._look.configure(connection=session.connection.dbapi_connection).defer()


def _look() -> None:
    """The web side only defers."""


def hear_of_jobs(url: str, notice: Callable[[], None]) -> None:
    app = App(connector=PsycopgConnector(conninfo=url))

    @app.task(name="look")
    async def look() -> None:
        notice()

    async def work() -> None:
        async with app.open_async():
            await app.run_worker_async(concurrency=4, delete_jobs="successful")

    asyncio.run(work())


# ---------------------------------------------------------------------------------- the worker


class Watched(Desk):
    """Says when the first step of a delivery begins."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe

    def read(self, request: RawRequest) -> Sequence[Event]:
        self._pipe.send(time.monotonic())
        return super().read(request)


def work(way: str, url: str, pipe: Pipe) -> None:
    """One worker process with four runners."""
    runner = Runner(
        SqlStore(url, "bench"), cast(Hosts, InstantHosts(Watched(pipe))),
        sealer=Sealer(read_keys(new_key())), clock=SYSTEM_CLOCK,
        lease_length=timedelta(seconds=60), public_url="http://localhost", threads=4,
        poll=timedelta(seconds=1),
    )  # fmt: skip
    runner.start()
    if way == "Procrastinate":
        hear_of_jobs(url, runner.notice)
    threading.Event().wait()


# --------------------------------------------------------------------------------- the measures


def databases(server: str) -> dict[str, str]:
    found = {}
    for way in WAYS:
        name = way.lower()
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = found[way] = server.replace("/postgres?", f"/{name}?", 1)
        upgrade(url)
        if way != "NOTIFY":
            with psycopg.connect(url) as connection:
                connection.execute("DROP FUNCTION amends_say_due CASCADE")
        if way == "Procrastinate":
            with App(connector=SyncPsycopgConnector(conninfo=url)).open() as app:
                app.schema_manager.apply_schema()
        store = SqlStore(url, "bench")
        furnish(store)
        store.close()
    return found


def opened(way: str, url: str) -> SqlStore:
    return Deferring(url, "bench") if way == "Procrastinate" else SqlStore(url, "bench")


@contextmanager
def worker(way: str, url: str) -> Iterator[Pipe]:
    here, there = _fork.Pipe()
    process = _fork.Process(target=work, args=(way, url, there), daemon=True)
    process.start()
    try:
        yield here
    finally:
        process.kill()
        process.join()


def done_in(url: str) -> tuple[int, int]:
    """Transactions so far, and rows written."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT xact_commit, (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) "
            "FROM pg_stat_user_tables) FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def soon(urls: dict[str, str], samples: int) -> None:
    """Milliseconds from each commit to the first step of what it kept."""
    waits: dict[str, list[float]] = {way: [] for way in WAYS}
    with ExitStack() as stack:
        pipes = {way: stack.enter_context(worker(way, url)) for way, url in urls.items()}
        stores = {way: opened(way, url) for way, url in urls.items()}
        time.sleep(5)
        before = {way: done_in(url) for way, url in urls.items()}
        time.sleep(10)
        idle = {way: done_in(url)[0] - before[way][0] for way, url in urls.items()}
        rows = {way: done_in(url)[1] for way, url in urls.items()}
        for number in range(samples):
            time.sleep(random.uniform(0.3, 1.3))  # anywhere between two looks
            for way in WAYS:
                stores[way].append(delivery(number, Moment(datetime.now(UTC))))
                committed = time.monotonic()
                if not pipes[way].poll(30):
                    raise SystemExit(f"{way}: nobody came within 30 seconds")
                waits[way].append((pipes[way].recv() - committed) * 1000)
        time.sleep(2)  # servers write their counts down once a second
        for way, url in urls.items():
            written = done_in(url)[1] - rows[way]
            say(way, {**spread(waits[way]), "idle_transactions_per_second": idle[way] / 10,
                      "rows_written_per_case": round(written / samples, 1)})  # fmt: skip


def spread(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return {
        "p50_ms": round(cuts[9], 1), "p95_ms": round(cuts[18], 1), "max_ms": round(max(values), 1)
    }  # fmt: skip


def kept_per_second(way: str, url: str, processes: int, threads: int, seconds: float) -> float:
    """Deliveries that web processes of so many threads keep a second."""
    with ExitStack() as stack:
        stack.enter_context(listening(way, url))
        pipes = []
        for _ in range(processes):
            here, there = _fork.Pipe()
            writer = _fork.Process(target=write, args=(way, url, threads, seconds, there))
            writer.start()
            stack.callback(writer.join)
            pipes.append(here)
        return sum(int(pipe.recv()) for pipe in pipes) / seconds


def write(way: str, url: str, threads: int, seconds: float, pipe: Pipe) -> None:
    store, counts = opened(way, url), [0] * threads
    store.append(_unlike_any_other())  # connected
    end = time.monotonic() + seconds

    def keep(place: int) -> None:
        while time.monotonic() < end:
            store.append(_unlike_any_other())
            counts[place] += 1

    running = [threading.Thread(target=keep, args=(place,)) for place in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    pipe.send(sum(counts))
    store.close()


def _unlike_any_other() -> Delivery:
    return delivery(random.SystemRandom().getrandbits(60), Moment(datetime.now(UTC)))


@contextmanager
def listening(way: str, url: str) -> Iterator[None]:
    """Somebody who hears what is said, but begins with nothing."""
    stop = threading.Event()

    def hear() -> None:
        if way == "NOTIFY":
            for _ in SqlStore(url, "bench").wakes(stop):
                pass
        elif way == "Procrastinate":
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute('LISTEN "procrastinate_any_queue_v1"')
                while not stop.is_set():
                    list(connection.notifies(timeout=0.2))

    thread = threading.Thread(target=hear)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def cost(urls: dict[str, str], rounds: int, seconds: float) -> None:
    for processes, threads in WRITERS:
        found: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way, url in urls.items():
                found[way].append(kept_per_second(way, url, processes, threads, seconds))
        base = statistics.median(found["looking"])
        for way, rates in found.items():
            rate = statistics.median(rates)
            say(way, {"processes": processes, "threads": threads, "ratio": round(rate / base, 2),
                      "deliveries_per_second": round(rate)})  # fmt: skip


def say(way: str, figures: dict[str, object] | dict[str, float]) -> None:
    print(json.dumps({"way": way, **figures}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of writing, each round")
    asked = parser.parse_args()
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as name:
        make = pgserver.get_server  # type: ignore[attr-defined]
        server = make(Path(name) / "pg", cleanup_mode="stop")
        urls = databases(str(server.get_uri()))
        soon(urls, asked.samples)
        cost(urls, asked.rounds, asked.seconds)
        server.cleanup()


if __name__ == "__main__":
    main()
