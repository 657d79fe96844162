"""Rows: added, replaced, found, rolled back, and never another workspace's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.case import Case, CaseState, CaseStep, CaseTicket, Harm, Task
from core.connection import Delivery
from core.ledger import Entry
from core.store import AlreadyExists, LeaseLost, NoSuchRow, Store
from core.store.database import Session
from core.store.memory import MemoryStore
from core.store.sql import SqlStore
from core.store.values import fields_of, to_micros
from tests.stores import KINDS, NOW, new_url, new_workspace, open_store, sample


def _ticket(id: str, **given: object) -> CaseTicket:
    return sample(CaseTicket, id, **{"desk_id": "desk", "ticket_id": "7", "case_id": id, **given})


def test_a_row_comes_back_as_it_was(store: Store) -> None:
    case = sample(Case, "case_1", state=CaseState.PAYING, facts={"b": [1, {"x": None}], "a": True})
    with store.write() as tx:
        tx.add(case)
        assert tx.get(Case, "case_1") == case
    with store.read() as reader:
        found = reader.get(Case, "case_1")
        assert found == case
        assert found is not None
        assert type(found.state) is CaseState
        assert reader.get(Case, "case_2") is None


def test_a_block_that_raises_leaves_nothing(store: Store) -> None:
    first = sample(Task, "task_1", state="open")
    with store.write() as tx:
        tx.add(first)

    def fail_late() -> None:
        with store.write() as tx:
            tx.put(replace(first, state="done"))
            tx.add(sample(Task, "task_2"))
            tx.add(sample(Case, "case_1", due_at=NOW))
            tx.wake(Case, "case_1", NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_late()
    with store.read() as reader:
        assert reader.find(Task) == [first]
        assert reader.find(Task, state="done") == []
        assert reader.count(Case) == 0
    assert store.next_due(Case) is None
    with store.write() as tx:  # keys given back
        tx.add(sample(Task, "task_2"))


def test_a_taken_key_is_said_and_the_transaction_goes_on(store: Store) -> None:
    with store.write() as tx:
        tx.add(_ticket("a"))
        tx.add(_ticket("b"))
        with pytest.raises(AlreadyExists):
            tx.add(_ticket("a", ticket_id="8"))
        with pytest.raises(AlreadyExists):
            tx.add(_ticket("c", case_id="a"))
        with pytest.raises(AlreadyExists):
            tx.put(_ticket("b", case_id="a"))
        tx.put(_ticket("b", case_id="z"))
        tx.add(_ticket("c", case_id="b"))
    with store.read() as reader:
        assert [row.case_id for row in reader.find(CaseTicket)] == ["a", "z", "b"]


def test_who_keeps_its_unique_keys_is_written_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A savepoint costs PostgreSQL two statements more: most rows that change need none."""
    store = open_store("postgresql", tmp_path)
    with store.write() as tx:
        tx.add(sample(Harm, "h", active_key="k"))
    said: list[str] = []
    run = Session.run

    def noted(self: Session, sql: str, values: Sequence[object] = ()) -> object:
        said.append(sql.split(maxsplit=1)[0])
        return run(self, sql, values)

    monkeypatch.setattr(Session, "run", noted)
    with store.write() as tx:
        tx.put(sample(Harm, "h", active_key="k", cause="late"))
        kept, said[:] = said[:], []
        tx.put(sample(Harm, "h", active_key=None))
        tx.put(sample(Harm, "h", active_key=None, cause="damaged"))
    assert kept == ["BEGIN", "UPDATE"]
    assert said == ["UPDATE", "SAVEPOINT", "UPDATE", "RELEASE", "UPDATE", "COMMIT"]
    store.close()


def test_none_never_collides_and_a_key_given_up_is_free(store: Store) -> None:
    with store.write() as tx:
        tx.add(sample(Harm, "h1", active_key=None))
        tx.add(sample(Harm, "h2", active_key=None))
        tx.add(sample(Harm, "h3", active_key="k"))
        with pytest.raises(AlreadyExists):
            tx.put(sample(Harm, "h1", active_key="k"))
        tx.put(sample(Harm, "h3", active_key=None))
        tx.put(sample(Harm, "h1", active_key="k"))
        assert [row.id for row in tx.find(Harm, active_key="k")] == ["h1"]
        assert [row.id for row in tx.find(Harm, active_key=None)] == ["h2", "h3"]


def test_put_needs_a_row_and_leaves_append_only_tables_alone(store: Store) -> None:
    entry = sample(Entry, "1")
    with store.write() as tx:
        with pytest.raises(NoSuchRow):
            tx.put(sample(Task, "task_1"))
        tx.add(entry)
        with pytest.raises(TypeError, match="append-only"):
            tx.put(replace(entry, amount_minor=2))
        with pytest.raises(AlreadyExists):
            tx.add(entry)
        with pytest.raises(AlreadyExists):
            tx.add(replace(entry, id="2"))
        assert tx.find(Entry) == [entry]


def test_finding(store: Store) -> None:
    with store.write() as tx:
        for number in (3, 1, 5, 2, 4):
            tx.add(
                sample(
                    CaseStep,
                    f"s{number}",
                    case_id="odd" if number % 2 else "even",
                    what="none" if number == 5 else "some",
                )
            )
    with store.read() as reader:

        def ids(**asked: object) -> str:
            return "".join(row.id[1:] for row in reader.find(CaseStep, **asked))  # type: ignore[arg-type]

        assert ids() == "12345"
        assert ids(newest_first=True) == "54321"
        assert ids(case_id="odd") == "135"
        assert ids(case_id="odd", newest_first=True, limit=2) == "53"
        assert ids(after="s2") == "345"
        assert ids(after="s4", newest_first=True) == "321"
        assert ids(after="s0", limit=2) == "12"
        assert ids(after="s25", limit=1) == "3"
        assert ids(case_id=("odd", "even")) == "12345"
        assert ids(case_id=("odd", "odd"), what="none") == "5"
        assert ids(case_id=()) == ""
        assert ids(id="s3") == "3"
        assert ids(id=("s3", "s1", "s9")) == "13"
        assert ids(id="s3", case_id="even") == ""
        assert ids(at=NOW, limit=0) == ""
        assert ids(at=NOW, limit=1) == "1"
        assert reader.count(CaseStep) == 5
        assert reader.count(CaseStep, case_id="even") == 2
        with pytest.raises(TypeError, match="nonsense"):
            reader.find(CaseStep, nonsense=1)
        with pytest.raises(TypeError, match="None"):
            reader.count(CaseStep, case_id=("odd", None))


def test_rows_as_they_are_kept(store: Store) -> None:
    ids = ("case_1", "case_2", "case_3")
    with store.write() as tx:
        for id in ids:
            tx.add(sample(Case, id, state=CaseState.PAYING, facts={"b": 1, "a": None}, due_at=None))
    with store.read() as reader:
        names = [field.name for field in fields_of(Case)]
        found = dict(zip(names, reader.rows(Case, limit=1)[0], strict=True))
        assert (found["id"], found["state"], found["due_at"]) == ("case_1", "paying", None)
        assert (found["opened_at"], found["facts"]) == (to_micros(NOW), '{"a":null,"b":1}')
        assert [row[0] for row in reader.rows(Case, limit=9)] == list(ids)
        assert [row[0] for row in reader.rows(Case, after="case_1", limit=1)] == ["case_2"]
        assert reader.rows(Case, after="case_3", limit=1) == []
    with store.write() as tx:
        tx.remove(Case, "case_1")
        assert [row[0] for row in tx.rows(Case, limit=9)] == list(ids[1:])


def test_totals(store: Store) -> None:
    with store.write() as tx:
        for number, (account, currency) in enumerate([("a", "EUR"), ("a", "EUR"), ("b", "JPY")]):
            seq = number + 1
            tx.add(sample(Entry, str(seq), seq=seq, amount_minor=10**seq, number=seq,
                          debit=account, currency=currency))  # fmt: skip
        tx.add(sample(Delivery, "d", due_at=None))
        assert tx.total(Entry, "amount_minor") == {(): 1110}
    with store.read() as reader:
        by = reader.total(Entry, "amount_minor", by=("debit", "currency"))
        assert by == {("a", "EUR"): 110, ("b", "JPY"): 1000}
        assert reader.total(Entry, "amount_minor", by=("debit",), currency="EUR") == {("a",): 110}
        assert reader.total(Entry, "amount_minor", currency="SEK") == {}
        with pytest.raises(TypeError, match="nonsense"):
            reader.total(Entry, "nonsense")


def test_order_is_by_bytes_not_by_language(store: Store) -> None:
    ids = ["B", "a", "_", "é", "Z1", "Z-1", "٣"]
    with store.write() as tx:
        for id in ids:
            tx.add(sample(Task, id))
    with store.read() as reader:
        assert [row.id for row in reader.find(Task)] == sorted(ids)
        assert [row.id for row in reader.find(Task, after="Z1")] == ["_", "a", "é", "٣"]


@pytest.mark.parametrize("kind", KINDS)
def test_two_workspaces_with_the_same_ids(kind: str, tmp_path: Path) -> None:
    url = new_url(kind, tmp_path)
    names = new_workspace(), new_workspace()
    stores: list[Store] = [
        MemoryStore(name) if kind == "memory" else SqlStore(url, name) for name in names
    ]
    for number, one in enumerate(stores):
        with one.write() as tx:
            tx.add(_ticket("same", case_id="case"))
            tx.add(sample(Case, "case", due_at=NOW, tries=number))
    for number, one in enumerate(stores):
        with one.read() as reader:
            assert reader.workspace_id == names[number]
            assert reader.count(Case) == 1
            assert reader.total(Case, "tries") == {(): number}
            assert [row.tries for row in reader.find(Case)] == [number]
        with one.write() as tx:
            case = tx.lock(Case, "case")
            assert case is not None
            tx.put(replace(case, tries=10 + number))
    with stores[0].read() as reader:
        assert [row.tries for row in reader.find(Case)] == [10]
    for one in stores:
        one.close()


def test_a_second_transaction_of_the_same_thread_is_refused(store: Store) -> None:
    with store.write() as tx:
        for verb in (store.read, store.write):
            with pytest.raises(RuntimeError, match="this thread"), verb():
                pass
        with pytest.raises(RuntimeError, match="this thread"):
            store.append(sample(Task, "t"))
        with pytest.raises(RuntimeError, match="this thread"):
            store.next_due(Case)
        tx.add(sample(Task, "t"))
    with store.read() as reader:
        with store.write() as tx:
            tx.add(sample(Task, "t2"))
            with pytest.raises(RuntimeError, match="this thread"):
                reader.count(Task)
        assert reader.count(Task) == 2


def test_what_is_removed_is_gone_and_its_keys_are_free(store: Store) -> None:
    with store.write() as tx:
        tx.add(_ticket("a"))
        tx.add(_ticket("b"))
        tx.add(sample(Case, "c1", due_at=NOW))
        with pytest.raises(NoSuchRow):
            tx.remove(CaseTicket, "z")
        with pytest.raises(TypeError):
            tx.remove(Entry, "1")

    def fail_late() -> None:
        with store.write() as tx:
            tx.remove(CaseTicket, "a")
            tx.remove(Case, "c1")
            assert tx.get(CaseTicket, "a") is None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_late()
    assert store.next_due(Case) == NOW
    (lease,) = store.claim(Case, owner="one", now=NOW, length=timedelta(minutes=1))
    with store.write() as tx:
        tx.remove(CaseTicket, "a")
        tx.remove(Case, "c1")
        tx.add(_ticket("c", case_id="a"))
    with store.read() as reader:
        assert [row.id for row in reader.find(CaseTicket)] == ["b", "c"]
        assert reader.count(CaseTicket, desk_id="desk") == 2
    assert store.next_due(Case) is None
    with pytest.raises(LeaseLost), store.write(lease):
        pass


def test_another_workspace_s_row_is_not_removed(tmp_path: Path) -> None:
    url = new_url("sqlite", tmp_path)
    one, two = SqlStore(url, "one"), SqlStore(url, "two")
    for each in (one, two):
        with each.write() as tx:
            tx.add(sample(Task, "t"))
    with one.write() as tx:
        tx.remove(Task, "t")
    with two.read() as reader:
        assert reader.count(Task) == 1
    one.close()
    two.close()
