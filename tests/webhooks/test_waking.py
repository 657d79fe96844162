"""Runners begin at once with what somebody else committed, and find by looking what they were not
told of: late, never lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import psycopg
import pytest

from benchmarks.instant import Desk, InstantHosts, delivery, furnish
from core.case import Case, Outcome
from core.chores import Chore
from core.connection import Delivery
from core.events import Event
from core.moment import Moment
from core.ports import RawRequest
from core.record import Record
from core.store import Lease, Store
from core.store.memory import MemoryStore
from core.store.schema import upgrade
from core.store.sealing import Sealer, new_key, read_keys
from core.store.sql import SqlStore
from core.store.waking import channel
from tests.stores import new_postgres, new_url, new_workspace, open_store
from webhooks import keys
from webhooks.app import SYSTEM_CLOCK, services
from webhooks.demo.stage import environment, settings_for
from webhooks.engine.runner import Runner
from webhooks.hosts import Hosts

LONG = timedelta(seconds=50)
#: Far less than a poll, and enough for a loaded machine.
SECONDS = 30.0


def a_delivery(number: int, *, due_in: float = 0) -> Delivery:
    return delivery(number, Moment(datetime.now(UTC) + timedelta(seconds=due_in)))


@contextmanager
def running(
    store: Store, *, desk: Desk | None = None, threads: int = 2, poll: timedelta = LONG
) -> Iterator[Runner]:
    """A runner that is at rest by now."""
    looked = threading.Semaphore(0)

    class Seen(Runner):
        def _seconds_to_rest(self, looked_at: datetime) -> float:
            looked.release()
            return super()._seconds_to_rest(looked_at)

    runner = Seen(
        store, cast(Hosts, InstantHosts(desk)), sealer=Sealer(read_keys(new_key())),
        clock=SYSTEM_CLOCK, lease_length=timedelta(seconds=60), public_url="http://localhost",
        threads=threads, poll=poll,
    )  # fmt: skip
    runner.start()
    for _ in range(threads):
        assert looked.acquire(timeout=SECONDS)
    time.sleep(1)  # the listener listens too
    try:
        yield runner
    finally:
        runner.stop()


def wait_for(that: Callable[[], bool]) -> float:
    """Seconds until it is so."""
    start = time.monotonic()
    while not that():
        assert time.monotonic() < start + SECONDS, "not in time"
        time.sleep(0.01)
    return time.monotonic() - start


def made_good(store: Store) -> int:
    with store.read() as reader:
        return reader.count(Case, outcome=Outcome.MADE_GOOD)


@pytest.fixture
def pg(tmp_path: Path) -> Iterator[SqlStore]:
    store = SqlStore(new_url("postgresql", tmp_path), new_workspace())
    furnish(store)
    yield store
    store.close()


def test_what_another_process_commits_is_begun_at_once(pg: SqlStore) -> None:
    """The writer knows of no runner."""
    writer = SqlStore(pg._url, pg.workspace_id)
    with running(pg):
        for number in range(3):
            writer.append(a_delivery(number))
            wait_for(lambda so_far=number: made_good(writer) == so_far + 1)  # type: ignore[misc]
    writer.close()


def test_a_listener_that_lost_its_connection_hears_again(pg: SqlStore) -> None:
    with running(pg):
        with psycopg.connect(pg._url, autocommit=True) as other:
            wait_for(lambda: len(_listeners(other, pg.workspace_id)) == 1)
            (first,) = _listeners(other, pg.workspace_id)
            other.execute("SELECT pg_terminate_backend(%s)", (first,))
            wait_for(lambda: _listeners(other, pg.workspace_id) not in ([], [first]))
        pg.append(a_delivery(1))
        wait_for(lambda: made_good(pg) == 1)


def _listeners(connection: psycopg.Connection, workspace_id: str) -> list[int]:
    rows = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE query = %s", (f"LISTEN {channel(workspace_id)}",)
    )
    return [int(pid) for (pid,) in rows.fetchall()]


@pytest.mark.slow
def test_without_a_notice_it_is_late_and_not_lost() -> None:
    url = new_postgres()
    upgrade(url)
    with psycopg.connect(url) as connection:
        connection.execute("DROP FUNCTION amends_say_due CASCADE")
    store = SqlStore(url, "w")
    furnish(store)
    with running(store):
        store.append(a_delivery(1))
        time.sleep(0.3)
        assert made_good(store) == 0
    with running(store, poll=timedelta(seconds=2)):
        store.append(a_delivery(2))
        wait_for(lambda: made_good(store) == 2)
    store.close()


def test_a_case_tells_of_itself_once(pg: SqlStore) -> None:
    """What workers commit on its way is nobody else's business: the lock by which PostgreSQL puts
    notices in order is not to be taken by every step."""
    heard: list[None] = []
    stop = threading.Event()

    def listen() -> None:
        for _ in pg.wakes(stop):
            heard.append(None)

    threading.Thread(target=listen, daemon=True).start()
    with running(pg):
        wait_for(lambda: len(heard) == 1)  # when it began to listen
        for number in range(3):
            pg.append(a_delivery(number))
        wait_for(lambda: made_good(pg) == 3)
        time.sleep(0.5)
        assert len(heard) == 1 + 3
    stop.set()


@pytest.mark.slow
def test_workers_of_their_own_hear_and_end_when_told(tmp_path: Path) -> None:
    """The commands as they are run. The delivery is of a host that nobody knows, which is found
    out at the first step."""
    settings = settings_for(
        tmp_path, 0, database_url=new_url("postgresql", tmp_path), workspace=new_workspace(),
        poll_seconds=LONG.total_seconds(),
    )  # fmt: skip
    keys.write(settings.key_file, [new_key()])
    of = services(settings)
    workers = [
        subprocess.Popen([sys.executable, "-m", "webhooks", "worker"], env=environment(settings))
        for _ in range(2)
    ]
    try:
        with psycopg.connect(settings.database_url, autocommit=True) as other:
            give_up = time.monotonic() + 60
            while len(_listeners(other, settings.workspace)) < 2:
                assert time.monotonic() < give_up
                time.sleep(0.1)
            time.sleep(1)  # the first look is over
            of.store.append(a_delivery(1))
            wait_for(lambda: _tries(of.store) == [1])
            for worker in workers:
                worker.send_signal(signal.SIGTERM)
            assert [worker.wait(SECONDS) for worker in workers] == [0, 0]
            wait_for(lambda: _listeners(other, settings.workspace) == [])
    finally:
        for worker in workers:
            worker.kill()
        of.store.close()


def _tries(store: Store) -> list[int]:
    with store.read() as reader:
        return [row.tries for row in reader.find(Delivery)]


# ------------------------------------------------------------------------- whatever the store


def test_what_is_due_later_is_begun_then_and_not_a_poll_after() -> None:
    store = MemoryStore("w")
    furnish(store)
    with running(store) as runner:
        later = a_delivery(1, due_in=2)
        store.append(later)
        runner.notice()
        wait_for(lambda: made_good(store) == 1)
    with store.read() as reader:
        (case,) = reader.find(Case)
    assert later.due_at is not None
    assert case.opened_at >= later.due_at


class _ThatHasNews(MemoryStore):
    """Something comes in just after the runner looked for it, while it looks for other things."""

    news: Callable[[], None] | None = None

    def claim(
        self, kind: type[Record], *, owner: str, now: datetime, length: timedelta, limit: int = 1
    ) -> list[Lease]:
        if kind is Chore and self.news is not None:
            news, self.news = self.news, None
            news()
        return super().claim(kind, owner=owner, now=now, length=length, limit=limit)


def test_a_notice_during_a_look_counts() -> None:
    store = _ThatHasNews("w")
    furnish(store)
    with running(store, threads=1) as runner:

        def news() -> None:
            store.append(a_delivery(1, due_in=-5))  # received before the look, kept during it
            runner.notice()

        store.news = news
        runner.notice()
        wait_for(lambda: made_good(store) == 1)


class _Together(Desk):
    """Nobody's delivery is read before everybody's is in hand."""

    def __init__(self, many: int) -> None:
        super().__init__()
        self._all = threading.Barrier(many)

    def read(self, request: RawRequest) -> Sequence[Event]:
        self._all.wait(SECONDS)
        return super().read(request)


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgresql"])
def test_one_notice_of_many_wakes_as_many_as_are_needed(kind: str, tmp_path: Path) -> None:
    """Whoever finds work wakes the next."""
    store = open_store(kind, tmp_path)
    furnish(store)
    with running(store, desk=_Together(4), threads=4) as runner:
        with store.write() as tx:
            for number in range(4):
                tx.add(a_delivery(number))
        runner.notice()
        wait_for(lambda: made_good(store) == 4)
    store.close()
