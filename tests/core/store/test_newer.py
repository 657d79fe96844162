"""A process that runs while `amends db upgrade` changes the tables writes nothing any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from core.case import Case, Task
from core.store import NewerTables, Store
from core.store.schema import _config, connected, upgrade
from core.store.sql import SqlStore
from core.store.versions import KNOWN
from tests.stores import NOW, SQL_KINDS, new_postgres, sample

LONG = timedelta(minutes=1)
NEWER = sa.text("UPDATE alembic_version SET version_num = '9999'")


@pytest.fixture(params=SQL_KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database that nobody else uses."""
    made = new_postgres() if request.param == "postgresql" else f"sqlite:///{tmp_path}/a.db"
    upgrade(made)
    return made


def _newer(url: str) -> None:
    with connected(url, writes=True) as connection:
        connection.execute(NEWER)


def test_the_versions_known_are_those_of_the_migrations() -> None:
    scripts = ScriptDirectory.from_config(_config(None)).walk_revisions()
    assert {script.revision for script in scripts} == KNOWN


def test_nothing_is_written_or_taken_on_once_the_tables_are_newer(url: str) -> None:
    store = SqlStore(url, "w")
    for id in ("c1", "c2"):
        store.append(sample(Case, id, due_at=NOW, desk_id=id))
    (held,) = store.claim(Case, owner="old", now=NOW, length=LONG)
    _newer(url)

    def write() -> None:
        with store.write(held) as tx:
            tx.add(sample(Task, "t1"))

    acts: list[Callable[[], object]] = [
        write,
        lambda: store.append(sample(Task, "t2")),
        lambda: store.claim(Case, owner="old", now=NOW, length=LONG),
        lambda: store.renew(held, now=NOW, length=LONG),
    ]
    for act in acts:
        with pytest.raises(NewerTables, match="9999"):
            act()
    with store.read() as reader:
        assert reader.count(Task) == 0
    assert store.next_due(Case) == NOW  # the other one is left to whoever knows the tables
    store.close()


def test_a_transaction_is_of_one_version_of_the_tables(url: str) -> None:
    """Whoever upgrades waits for the transactions that are open, and who begins meanwhile waits
    for the upgrade and is refused."""
    store, other = SqlStore(url, "w"), SqlStore(url, "w")
    with ThreadPoolExecutor(2) as beside:
        with store.write() as tx:
            tx.add(sample(Task, "t1"))
            upgraded = beside.submit(_newer, url)
            with pytest.raises(TimeoutError):
                upgraded.result(timeout=0.5)
        upgraded.result(timeout=20)
        with connected(url, writes=True) as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
        _begins_during_an_upgrade(url, other, beside)
    with other.read() as reader:
        assert [task.id for task in reader.find(Task)] == ["t1"]
    store.close()
    other.close()


def _begins_during_an_upgrade(url: str, store: Store, beside: ThreadPoolExecutor) -> None:
    begun = threading.Event()

    def write() -> None:
        begun.set()
        store.append(sample(Task, "t2"))

    with connected(url, writes=True) as connection:
        connection.execute(NEWER)
        waits = beside.submit(write)
        begun.wait(10)
        with pytest.raises(TimeoutError):
            waits.result(timeout=0.5)
    with pytest.raises(NewerTables):
        waits.result(timeout=20)
