"""Whoever listens hears of a commit that left work due, once, and of no other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.case import Case, Task
from core.connection import Delivery
from core.store import Store, StoreUnavailable
from core.store.schema import check, upgrade
from core.store.sql import SqlStore
from core.store.waking import channel, passes
from tests.stores import new_postgres, new_url, new_workspace, open_store, sample

SECONDS = 10.0
HOUR = timedelta(hours=1)


def now() -> datetime:
    """Whether something is due is asked of the database's own clock."""
    return datetime.now(UTC)


@pytest.fixture
def pg(tmp_path: Path) -> Iterator[SqlStore]:
    store = SqlStore(new_url("postgresql", tmp_path), new_workspace())
    yield store
    store.close()


@contextmanager
def counting(store: SqlStore) -> Iterator[Callable[[], int]]:
    """A connection that listens, and what tells how much it has heard."""
    name = channel(store.workspace_id)
    with psycopg.connect(store._url, autocommit=True) as listens:
        listens.execute(f"LISTEN {name}")

        def heard() -> int:
            with psycopg.connect(store._url, autocommit=True) as says:
                says.execute("SELECT pg_notify(%s, 'last')", (name,))
            for found, notice in enumerate(listens.notifies(timeout=SECONDS)):
                if notice.payload == "last":  # they come in the order of commits
                    return found
            raise AssertionError("nothing is heard")

        yield heard


@contextmanager
def listening(store: SqlStore) -> Iterator[queue.Queue[None]]:
    """In a thread, as a worker does."""
    stop, heard = threading.Event(), queue.Queue[None]()

    def listen() -> None:
        for _ in store.wakes(stop):
            heard.put(None)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        heard.get(timeout=SECONDS)  # something may have been missed before it began
        yield heard
    finally:
        stop.set()
        thread.join(SECONDS)
        assert not thread.is_alive()


def _add(store: Store, due: datetime | None) -> None:
    with store.write() as tx:
        tx.add(sample(Case, "c2", due_at=due))


def _wake(store: Store, at: datetime) -> None:
    with store.write() as tx:
        tx.wake(Case, "c1", at)


def _put(store: Store, due: datetime) -> None:
    with store.write() as tx:
        case = tx.get(Case, "c1")
        assert case is not None
        tx.put(replace(case, due_at=due))


def _claim_and_let_go(store: Store, due: datetime | None) -> None:
    _put(store, now() - HOUR)
    (lease,) = store.claim(Case, owner="one", now=now(), length=HOUR)
    with store.write(lease) as tx:
        case = tx.get(Case, "c1")
        assert case is not None
        tx.put(replace(case, due_at=due))
        tx.release(lease)


def _twenty(store: Store) -> None:
    with store.write() as tx:
        for number in range(20):
            tx.add(sample(Case, f"many{number}", open_key=str(number), due_at=now()))


def _new_and_held(store: Store) -> None:
    with store.write() as tx:
        tx.claim_new(sample(Case, "c2", due_at=now()), owner="one", now=now(), length=HOUR)


def _of_somebody_else(store: Store) -> None:
    assert isinstance(store, SqlStore)
    other = SqlStore(store._url, new_workspace())
    other.append(sample(Delivery, "d", due_at=now()))
    other.close()


def _rolled_back(store: Store) -> None:
    class OurFault(Exception):
        pass

    def half() -> None:
        with store.write() as tx:
            tx.add(sample(Delivery, "d", due_at=now()))
            raise OurFault

    with pytest.raises(OurFault):
        half()


ACTS: dict[str, tuple[Callable[[Store], None], int]] = {
    "a delivery": (lambda store: store.append(sample(Delivery, "d", due_at=now())), 1),
    "a case that is due": (lambda store: _add(store, now()), 1),
    "a clock a little behind": (lambda store: _add(store, now() + timedelta(seconds=0.5)), 1),
    "a case woken": (lambda store: _wake(store, now()), 1),
    "a case made due": (lambda store: _put(store, now()), 1),
    "let go and due again": (lambda store: _claim_and_let_go(store, now()), 2),
    "twenty in one commit": (_twenty, 1),
    "a case due in an hour": (lambda store: _add(store, now() + HOUR), 0),
    "a case that waits for a person": (lambda store: _add(store, None), 0),
    "a case woken later": (lambda store: _wake(store, now() + HOUR), 0),
    "claimed and done with": (lambda store: _claim_and_let_go(store, None), 1),
    "new and held at once": (_new_and_held, 0),
    "no work": (lambda store: store.append(sample(Task, "t")), 0),
    "another workspace's": (_of_somebody_else, 0),
    "rolled back": (_rolled_back, 0),
}


@pytest.mark.parametrize("act", ACTS)
def test_what_is_heard(act: str, pg: SqlStore) -> None:
    """Claiming, and letting go of what is done with, is not told: it is what workers do all day.
    (`_claim_and_let_go` makes the case due first, which is heard once.)"""
    pg.append(sample(Case, "c1", due_at=None, open_key="c1"))
    do, times = ACTS[act]
    with counting(pg) as heard:
        do(pg)
        assert heard() == times


@pytest.mark.parametrize("name", ["main", "Zürich ⚖", "a'b\"c; --", "x" * 300])
def test_any_workspace_has_its_channel(name: str, tmp_path: Path) -> None:
    store = SqlStore(new_url("postgresql", tmp_path), f"{name}{new_workspace()}")
    with listening(store) as heard:
        store.append(sample(Delivery, "d", due_at=now()))
        heard.get(timeout=SECONDS)
    store.close()


def test_a_connection_that_was_lost_is_made_again(pg: SqlStore) -> None:
    """And at once something may have been missed."""
    listens = f"LISTEN {channel(pg.workspace_id)}"
    with listening(pg) as heard:
        with psycopg.connect(pg._url, autocommit=True) as other:
            ended = other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = %s",
                (listens,),
            ).fetchall()
        assert ended == [(True,)]
        heard.get(timeout=SECONDS)
        pg.append(sample(Delivery, "d", due_at=now()))
        heard.get(timeout=SECONDS)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_elsewhere_nobody_can_tell(kind: str, tmp_path: Path) -> None:
    store = open_store(kind, tmp_path)
    assert list(store.wakes(threading.Event())) == []
    store.close()


class _Pooled(psycopg.Connection[tuple[object, ...]]):
    """As through a pooler that lends a server's connection for a transaction and then cleans it."""

    def execute(self, *args: Any, **kwargs: Any) -> psycopg.Cursor[tuple[object, ...]]:
        cursor = super().execute(*args, **kwargs)
        super().execute("UNLISTEN *")
        return cursor


def test_a_pooler_in_between_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = new_url("postgresql", tmp_path)
    assert passes(url, "w")
    assert passes(new_url("sqlite", tmp_path), "w")
    with pytest.raises(StoreUnavailable):
        passes("postgresql://amends@127.0.0.1:1/amends?connect_timeout=2", "w")
    monkeypatch.setattr(psycopg, "connect", _Pooled.connect)
    assert not passes(url, "w")


def test_a_table_that_fell_silent_is_seen_and_speaks_again() -> None:
    url = new_postgres()
    assert check(url).silent_tables == ("cases", "chores", "deliveries", "notices")
    upgrade(url)
    assert check(url).ok
    with psycopg.connect(url) as connection:
        connection.execute("DROP TRIGGER deliveries_due ON deliveries")
        connection.execute("ALTER TABLE cases DISABLE TRIGGER cases_due")
    assert check(url).silent_tables == ("cases", "deliveries")
    assert not check(url).ok
    upgrade(url)
    assert check(url).ok
