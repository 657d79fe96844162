"""A database that fails: said so, nothing kept, and it goes on once it can."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from core.case import Task
from core.ledger import Head
from core.store import StoreUnavailable
from core.store.sql import SqlStore
from tests.stores import SQL_KINDS, new_postgres, new_url, new_workspace, sample

ROOT = Path(__file__).parents[3]


def _child(script: str, *arguments: str) -> list[str]:
    """Lines printed by a script in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", script, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, check=True, timeout=60, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.splitlines()


_FULL = """
import resource, signal, sys, os
from core.case import Task
from core.store import StoreUnavailable
from core.store.sql import SqlStore
from tests.stores import sample
store = SqlStore(sys.argv[1], "w")
store.append(sample(Task, "before"))
path = sys.argv[1].removeprefix("sqlite:///")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
room = max(os.path.getsize(path), os.path.getsize(path + "-wal")) + 60_000
resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
kept = []
try:
    for number in range(100):
        with store.write() as tx:
            tx.add(sample(Task, f"a{number:03}", note="x" * 2000))
            tx.add(sample(Task, f"b{number:03}", note="x" * 2000))
        kept.append(number)
except StoreUnavailable as error:
    print(error)
try:
    store.append(sample(Task, "c", note="x" * 100_000))
except StoreUnavailable as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.append(sample(Task, "z"))
with store.read() as reader:
    print(len(kept), reader.count(Task))
"""


def test_a_full_disk_keeps_nothing_of_what_did_not_fit(tmp_path: Path) -> None:
    first, second, counts = _child(_FULL, new_url("sqlite", tmp_path))
    assert "nothing was kept" in first
    assert "nothing was kept" in second
    kept, rows = map(int, counts.split())
    assert 0 < kept < 100
    assert rows == 2 * kept + 2


_READ_ONLY = """
import os, sys
from core.case import Task
from core.store import StoreUnavailable
from core.store.sql import SqlStore
from tests.stores import sample
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
store = SqlStore(sys.argv[1], "w")
def add():
    with store.write() as tx:
        tx.add(sample(Task, "t3"))
for attempt in (lambda: store.append(sample(Task, "t2")), add):
    try:
        attempt()
    except StoreUnavailable as error:
        print(error)
with store.read() as reader:
    print([task.id for task in reader.find(Task)])
"""


def test_a_file_that_may_only_be_read(tmp_path: Path) -> None:
    url = new_url("sqlite", tmp_path)
    writer = SqlStore(url, "w")
    writer.append(sample(Task, "t"))
    path = Path(url.removeprefix("sqlite:///"))
    for name in tmp_path.iterdir():
        name.chmod(0o444)
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    lines = _child(_READ_ONLY, url)
    assert ["nothing was kept" in line for line in lines] == [True, True, False]
    assert lines[2] == "['t']"
    path.chmod(0o644)
    writer.close()


@pytest.mark.parametrize("kind", SQL_KINDS)
def test_a_failure_that_was_caught_does_not_let_the_rest_be_kept(kind: str, tmp_path: Path) -> None:
    """Both databases drop the transaction at some failures; what follows must not stand alone."""
    store = SqlStore(new_url(kind, tmp_path), new_workspace())

    def write_on() -> None:
        with store.write() as tx:
            tx.add(sample(Task, "t1"))
            session = tx._session  # type: ignore[attr-defined]
            with pytest.raises(StoreUnavailable):
                session.run("SELECT * FROM no_such_table")
            with pytest.raises(StoreUnavailable):
                tx.add(sample(Task, "t2"))

    with pytest.raises(StoreUnavailable):
        write_on()
    store.append(sample(Task, "t3"))
    with store.read() as reader:
        assert [task.id for task in reader.find(Task)] == ["t3"]
    store.close()


def test_tables_that_are_missing_are_said_to_be(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/empty.db", new_postgres()):
        store = SqlStore(url, "w")
        with pytest.raises(StoreUnavailable, match="amends db upgrade"):
            store.append(sample(Task, "t"))
        with store.read() as reader, pytest.raises(StoreUnavailable, match="amends db upgrade"):
            reader.count(Task)
        store.close()


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    for url in (
        f"sqlite:///{tmp_path}/no/such/folder/a.db",
        "postgresql://amends:s3cret@127.0.0.1:1/amends?connect_timeout=2",
    ):
        store = SqlStore(url, "w")
        with pytest.raises(StoreUnavailable) as caught, store.write():
            pass
        assert "s3cret" not in str(caught.value)
        with pytest.raises(StoreUnavailable), store.read():
            pass
    for url in ("sqlite://", "mysql://localhost/x"):
        with pytest.raises(ValueError, match="sqlite:///"):
            SqlStore(url, "w")


def test_a_connection_the_server_closed_is_replaced(tmp_path: Path) -> None:
    url, workspace = new_url("postgresql", tmp_path), new_workspace()
    store = SqlStore(url, workspace)

    def lose_it() -> None:
        with store.write() as tx:
            tx.add(sample(Task, "t1"))
            session = tx._session  # type: ignore[attr-defined]
            pid = session.run("SELECT pg_backend_pid()").fetchone()[0]
            with psycopg.connect(url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (pid,))

    with pytest.raises(StoreUnavailable, match="look whether it was kept"):
        lose_it()
    with store.write() as tx:
        tx.add(sample(Task, "t2"))
        assert [task.id for task in tx.find(Task)] == ["t2"]
    store.close()


def test_a_deadlock_ends_for_one_of_the_two(tmp_path: Path) -> None:
    store = SqlStore(new_url("postgresql", tmp_path), new_workspace())
    for id in ("a", "b"):
        store.append(sample(Head, id, seq=0))
    meet = threading.Barrier(2)
    ended: list[str] = []

    def lock(first: str, second: str) -> None:
        try:
            with store.write() as tx:
                tx.lock(Head, first)
                meet.wait(10)
                tx.lock(Head, second)
            ended.append("kept")
        except StoreUnavailable:
            ended.append("unavailable")

    threads = [threading.Thread(target=lock, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(ended) == ["kept", "unavailable"]
    store.close()
