"""`amends torn`: the power goes after any frame of SQLite's log, and what was promised is there.

A simulated run writes a real file, of which nothing is moved out of the log meanwhile. Then the log
is cut after each frame in turn (and in the middle of the next one), opened as Amends opens it, and
compared with what was said up to then: deliveries acknowledged, entries posted, and, for all that a
till's own books show, the intent that was to be on disk before.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from core.connection import Delivery
from core.ledger import HEAD, Head
from core.ledger_check import verify
from core.payout import Attempt
from core.record import Record
from core.store import Lease, Reader, Store, Tx
from core.store.schema import check, upgrade
from core.store.sql import SqlStore
from core.store.sqlite import connect_sqlite
from webhooks.proof.outcome import quiet
from webhooks.proof.sim import FAULTS, Simulation

_HEADER, _FRAME_HEADER = 32, 24
#: A crash of the process is not a crash of the disk, and would only end the run's acts sooner.
_FAULTS = tuple(kind for kind in FAULTS if kind not in ("db_before", "db_after"))


@dataclass(slots=True)
class Said:
    """What was on disk by a frame, as those were told who had asked for it. `frames` and what
    stands beside them grow together, one for each commit."""

    frames: list[int] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    deliveries: list[tuple[int, str]] = field(default_factory=list)
    moved: list[tuple[float, str]] = field(default_factory=list)

    def by(self, frame: int) -> tuple[int, float]:
        """Entries posted and true seconds gone by the last commit that ended by this frame."""
        last = bisect_right(self.frames, frame) - 1
        return (self.entries[last], self.at[last]) if last >= 0 else (0, -1.0)


class NotedStore:
    """A store that writes down how long the log is after each commit."""

    def __init__(self, store: SqlStore, log: Path, said: Said) -> None:
        self._store, self._log, self._said = store, log, said
        self._entries = 0
        self.now: Callable[[], float] = lambda: 0.0
        self.workspace_id = store.workspace_id

    def _note(self) -> int:
        frames = _frames(self._log)
        self._said.frames.append(frames)
        self._said.entries.append(self._entries)
        self._said.at.append(self.now())
        return frames

    def read(self) -> AbstractContextManager[Reader]:
        return self._store.read()

    @contextmanager
    def write(self, *leases: Lease) -> Iterator[Tx]:
        with self._store.write(*leases) as tx:
            yield tx
            tx.at_end(lambda: self._count(tx))
        self._note()

    def _count(self, tx: Tx) -> None:
        head = tx.get(Head, HEAD)
        self._entries = head.seq if head else 0

    def append(self, record: Record) -> None:
        self._store.append(record)
        self._said.deliveries.append((self._note(), record.id))

    def claim(
        self, kind: type[Record], *, owner: str, now: datetime, length: timedelta, limit: int = 1
    ) -> list[Lease]:
        leases = self._store.claim(kind, owner=owner, now=now, length=length, limit=limit)
        self._note()
        return leases

    def renew(self, lease: Lease, *, now: datetime, length: timedelta) -> Lease:
        return self._store.renew(lease, now=now, length=length)

    def next_due(self, kind: type[Record]) -> datetime | None:
        return self._store.next_due(kind)

    def clock(self) -> datetime | None:
        return self._store.clock()

    def wakes(self, until: threading.Event) -> Iterator[None]:
        return self._store.wakes(until)

    def close(self) -> None:
        self._store.close()


def run(
    home: Path, sample: int | None, *, cases: int, seed: int, say: Callable[[str], None]
) -> dict[str, object]:
    """Cut after each frame, or after a sample of them. Answers the report; `problems` is empty
    where every cut opens, holds together, and holds what was promised."""
    started = time.monotonic()
    whole, said = _written(home, cases, seed)
    log = _log(whole).read_bytes()
    size = _frame_size(log)
    count = (len(log) - _HEADER) // size
    cuts = list(range(count + 1))
    if sample is not None and sample < len(cuts):
        cuts = sorted(random.Random(seed).sample(cuts, sample))  # noqa: S311 - to be had again
    problems = []
    for number, frame in enumerate(cuts):
        # Every other cut tears the next frame as well: half of it was written.
        torn = size // 2 if number % 2 and frame < count else 0
        cut = home / "cut.db"
        shutil.copyfile(whole, cut)
        _log(cut).write_bytes(log[: _HEADER + frame * size + torn])
        for problem in wrong(cut, said, frame):
            problems.append(f"frame {frame}: {problem}")
            say(problems[-1])
        for left in home.glob("cut.db*"):
            left.unlink()
    return {
        "frames": count,
        "commits": len(set(said.frames)),
        "deliveries": len(said.deliveries),
        "entries": said.entries[-1],
        "moved": len(said.moved),
        "tried": len(cuts),
        "problems": problems,
        "seconds": round(time.monotonic() - started, 1),
    }


def wrong(cut: Path, said: Said, frame: int) -> Iterator[str]:
    """What is not as it must be in the file that was cut after that frame."""
    url = f"sqlite:///{cut}"
    with closing(connect_sqlite(str(cut), writes=True)) as raw:
        (sound,) = raw.execute("PRAGMA integrity_check").fetchone()
    if sound != "ok":
        yield f"SQLite: {sound}"
        return
    if not check(url).ok:
        yield "the tables or their guards are not in place"
        return
    entries, at = said.by(frame)
    store = SqlStore(url, "torn")
    try:
        with store.read() as reader:
            found = verify(reader)
            if not found.ok or found.entries != entries:
                yield f"the ledger: {found.problem}, {found.entries} entries of {entries}"
            kept = {row.id for row in reader.find(Delivery)}
            sent = {row.payout_id for row in reader.find(Attempt)}
    finally:
        store.close()
    for by, id in said.deliveries:
        if by <= frame and id not in kept:
            yield f"delivery {id} was acknowledged and is not there"
    for moved_at, payout_id in said.moved:
        if moved_at <= at and payout_id not in sent:
            yield f"a till has paid {payout_id}, and no intent of it is there"


def _written(home: Path, cases: int, seed: int) -> tuple[Path, Said]:
    """A run's file as it was before its first commit, and all of its log."""
    path = home / "run.db"
    upgrade(f"sqlite:///{path}")
    before = path.read_bytes()
    said = Said()
    # Whoever reads a state from before the log keeps everybody from moving the log into the file.
    with closing(connect_sqlite(str(path), writes=False)) as holder:
        holder.execute("BEGIN")
        holder.execute("SELECT count(*) FROM cases").fetchone()
        store = NotedStore(SqlStore(f"sqlite:///{path}", "torn"), _log(path), said)
        try:
            with quiet():
                _run(store, cases, seed, said)
            kept = home / "whole.db"
            shutil.copyfile(_log(path), _log(kept))
            kept.write_bytes(path.read_bytes())
        finally:
            store.close()
    if kept.read_bytes() != before:
        raise sqlite3.DatabaseError("the log was moved into the file during the run")
    return kept, said


def _run(store: NotedStore, cases: int, seed: int, said: Said) -> None:
    kept: Store = store
    simulation = Simulation(kept, seed, cases, _FAULTS)
    store.now = lambda: simulation.time.true
    simulation.run()
    for books in simulation.tills.values():
        for moved in books.moved.values():
            if moved.instruction is not None:
                said.moved.append((moved.at, moved.instruction.payout_id))


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _frame_size(log: bytes) -> int:
    return _FRAME_HEADER + int.from_bytes(log[8:12], "big")


def _frames(log: Path) -> int:
    """Whole frames in the log so far."""
    with log.open("rb") as file:
        size = _frame_size(file.read(_HEADER))
        return (file.seek(0, 2) - _HEADER) // size
