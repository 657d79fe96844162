"""Whatever is done to the ledger behind our back is found."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.booking import settlement
from core.ledger import GENESIS, HEAD, Entry, Head, chain_hash, id_of, post
from core.ledger_check import BadAnchor, anchor, verify
from core.money import Money
from core.store import Store
from core.store.sql import SqlStore
from tests.stores import NOW, new_url

ENTRIES = 40
#: Random forgeries of all kinds, each against the anchor.
EDITS = 10_000


def _fill(store: Store, count: int = ENTRIES) -> None:
    with store.write() as tx:
        for number in range(count):
            amount = Money(100 + number, random.Random(number).choice(["EUR", "JPY", "KWD"]))
            post(
                tx,
                settlement(f"pay_{number}", "case", "conn", "refund", "owed", "late", amount),
                now=NOW,
            )


class Books:
    """A ledger on SQLite and the means to forge it: its guards are taken away."""

    def __init__(self, url: str) -> None:
        self.store = SqlStore(url, "w")
        _fill(self.store)
        self.raw = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        self.raw.execute("PRAGMA synchronous=OFF")
        for name in ("no_update", "no_delete", "no_replace"):
            self.raw.execute(f"DROP TRIGGER ledger_entries_{name}")

    def problem(self, against: str | None = None) -> str | None:
        with self.store.read() as reader:
            return verify(reader, against).problem

    def anchor(self) -> str:
        with self.store.read() as reader:
            return anchor(reader, at=NOW).line()

    def entries(self) -> list[Entry]:
        with self.store.read() as reader:
            return reader.find(Entry)

    def forge(self, entries: list[Entry]) -> None:
        """Put this chain in place of the real one, hashes and head computed anew."""
        self.raw.execute("DELETE FROM ledger_entries")
        previous = GENESIS
        with self.store.write() as tx:
            for number, entry in enumerate(entries, 1):
                moved = replace(entry, id=id_of(number), seq=number, previous=previous, hash="")
                made = replace(moved, hash=chain_hash("w", moved))
                tx.add(made)
                previous = made.hash
            tx.put(Head(id=HEAD, seq=len(entries), hash=previous))


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    opened = Books(new_url("sqlite", tmp_path))
    yield opened
    opened.raw.close()
    opened.store.close()


COLUMNS = (
    "id", "seq", "at", "debit", "credit", "amount_minor", "currency", "kind", "number", "case_id",
    "payout_id", "previous", "hash",
)  # fmt: skip


def _edit(books: Books, dice: random.Random) -> str:
    """One random forgery; what it was, for who reads a failure."""
    seq, other = dice.sample(range(1, ENTRIES + 1), 2)
    what = dice.choice(["change", "delete", "swap", "copy", "workspace", "cut", "anew"])
    if what == "cut":
        books.forge(books.entries()[: seq - 1])
    elif what == "anew":
        books.forge(_altered(books.entries(), seq - 1, other - 1, dice))
    elif what == "delete":
        books.raw.execute("DELETE FROM ledger_entries WHERE seq = ?", (seq,))
    elif what == "workspace":
        books.raw.execute("UPDATE ledger_entries SET workspace_id = 'x' WHERE seq = ?", (seq,))
    elif what == "swap":
        for old, new in ((seq, -1), (other, seq), (-1, other)):
            books.raw.execute(
                "UPDATE ledger_entries SET seq = ?, id = ? WHERE seq = ?", (new, f"{new:020d}", old)
            )
    elif what == "copy":
        books.raw.execute(
            "INSERT INTO ledger_entries SELECT workspace_id, ?, ?, at, debit, credit, amount_minor,"
            " currency, kind, number + 100, case_id, payout_id, previous, hash"
            " FROM ledger_entries WHERE seq = ?",
            (id_of(ENTRIES + 1), ENTRIES + 1, seq),
        )
    else:
        column = dice.choice(COLUMNS)
        what += f" {column}"
        value = books.raw.execute(f"SELECT {column} FROM ledger_entries WHERE seq = ?", (seq,))
        books.raw.execute(
            f"UPDATE ledger_entries SET {column} = ? WHERE seq = ?",
            (_other(value.fetchone()[0], dice), seq),
        )
    return f"{what} at {seq}"


def _altered(entries: list[Entry], one: int, other: int, dice: random.Random) -> list[Entry]:
    """Another story, to be told with a chain of its own that is in order."""
    what = dice.choice(["amount", "account", "without", "swap", "once more"])
    changed = entries[one]
    if what == "amount":
        entries[one] = replace(changed, amount_minor=changed.amount_minor + dice.randrange(1, 99))
    elif what == "account":
        entries[one] = replace(changed, credit="clearing:elsewhere")
    elif what == "without":
        del entries[one]
    elif what == "swap":
        entries[one], entries[other] = entries[other], changed
    else:
        entries.insert(other, replace(changed, number=2))
    return entries


def _other(value: object, dice: random.Random) -> object:
    if isinstance(value, int):
        return value + dice.choice([10**6, 10**9])  # beyond the keys that are taken
    text = str(value)
    index = dice.randrange(len(text))
    return text[:index] + ("x" if text[index] != "x" else "y") + text[index + 1 :]


@pytest.mark.slow
def test_any_edit_deletion_or_reordering_is_found(books: Books) -> None:
    line = books.anchor()
    assert books.problem(line) is None
    for seed in range(EDITS):
        said = _edit(books, random.Random(seed))
        assert books.problem(line) is not None, f"seed {seed}: {said} was not found"
        _restore(books)
    assert books.problem(line) is None


def _restore(books: Books) -> None:
    books.raw.executescript(
        "BEGIN; DELETE FROM ledger_entries; INSERT INTO ledger_entries SELECT * FROM original;"
        "DELETE FROM ledger_heads; INSERT INTO ledger_heads SELECT * FROM original_heads; COMMIT"
    )


@pytest.fixture(autouse=True)
def _original(books: Books) -> None:
    books.raw.execute("CREATE TABLE original AS SELECT * FROM ledger_entries")
    books.raw.execute("CREATE TABLE original_heads AS SELECT * FROM ledger_heads")


def test_what_is_wrong_is_named(books: Books) -> None:
    for edit, problem in (
        ("UPDATE ledger_entries SET amount_minor = 1 WHERE seq = 7", "changed"),
        ("DELETE FROM ledger_entries WHERE seq = 7", "missing"),
        ("DELETE FROM ledger_entries WHERE seq = 40", "cut"),
        ("DELETE FROM ledger_entries", "cut"),
        ("UPDATE ledger_entries SET id = '0' WHERE seq = 7", "missing"),
        ("UPDATE ledger_entries SET id = id || 'x' WHERE seq = 7", "misplaced"),
        ("UPDATE ledger_entries SET seq = 'x' WHERE seq = 7", "misplaced"),
        ("UPDATE ledger_entries SET case_id = CAST(case_id AS BLOB) WHERE seq = 7", "changed"),
    ):
        books.raw.execute(edit)
        assert books.problem() == problem, edit
        _restore(books)
    books.raw.execute("UPDATE ledger_heads SET seq = 39")
    assert books.problem() == "head"
    books.raw.execute("DELETE FROM ledger_heads")
    assert books.problem() == "head"


@pytest.mark.parametrize(("seq", "problem", "at"), [(7, "changed", 8), (ENTRIES, "head", ENTRIES)])
def test_a_row_forged_with_its_own_hash_breaks_the_chain_after_it(
    books: Books, seq: int, problem: str, at: int
) -> None:
    forged = replace(books.entries()[seq - 1], amount_minor=1)
    books.raw.execute(
        "UPDATE ledger_entries SET amount_minor = 1, hash = ? WHERE seq = ?",
        (chain_hash("w", forged), seq),
    )
    with books.store.read() as reader:
        found = verify(reader)
    assert (found.problem, found.seq) == (problem, at)


def test_a_cut_tail_with_its_head_needs_an_anchor(books: Books) -> None:
    line = books.anchor()
    books.forge(books.entries()[:-3])
    assert books.problem() is None
    assert books.problem(line) == "anchor"


def test_a_chain_computed_anew_needs_an_anchor(books: Books) -> None:
    line = books.anchor()
    entries = books.entries()
    books.forge([replace(entries[0], amount_minor=1), *entries[1:]])
    assert books.problem() is None
    assert books.problem(line) == "anchor"


def test_what_was_anchored_may_grow(books: Books) -> None:
    line = books.anchor()
    with books.store.write() as tx:
        more = settlement("pay_x", "case", "conn", "refund", "owed", "late", Money(1, "EUR"))
        post(tx, more, now=NOW)
    assert books.problem(line) is None
    assert books.problem(books.anchor()) is None


def test_an_anchor_is_one_canonical_line(store: Store) -> None:
    with store.read() as reader:
        empty = anchor(reader, at=NOW).line()
        assert verify(reader, empty).ok
    _fill(store, 3)
    with store.read() as reader:
        line = anchor(reader, at=NOW).line()
        assert verify(reader, line).entries == 3
        assert verify(reader, empty).ok
        said = json.loads(line)
        assert line == json.dumps(said, sort_keys=True, separators=(",", ":"))
        assert sorted(said) == ["at", "hash", "seq", "workspace"]
        assert said["workspace"] == store.workspace_id
        for bad in (
            "", "nonsense", "[]", "{}", "7", json.dumps({**said, "workspace": "other"}),
            json.dumps({**said, "seq": "3"}), json.dumps({**said, "hash": None}),
        ):  # fmt: skip
            with pytest.raises(BadAnchor):
                verify(reader, bad)
        for wrong in ({**said, "seq": 2}, {**said, "hash": GENESIS}, {**said, "seq": -1},
                      {**said, "seq": 4}):  # fmt: skip
            assert verify(reader, json.dumps(wrong)).problem == "anchor", wrong


def test_entries_hold_nothing_about_a_person() -> None:
    """Ids, codes, sums, instants and hashes: a new column has to be thought about here."""
    assert set(COLUMNS) == set(Entry.__slots__) | {"id"}
