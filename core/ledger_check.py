"""Proof that the ledger is as it was written: the chain read again, and compared with an anchor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.errors import AmendsError
from core.ledger import GENESIS, HEAD, Entry, Head, hash_of_row, id_of
from core.store import Reader
from core.store.values import to_micros

_PAGE = 2_000

#: An entry's columns as `Reader.rows` gives them.
Row = tuple[Any, ...]


class BadAnchor(AmendsError):
    """The text is no anchor, or another workspace's."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head at one moment, to be kept where nobody who can write the database can. `sent`: an
    `Attempt` of that moment, where it is to witness what was sent and is not booked yet."""

    workspace: str
    seq: int
    hash: str
    at: datetime
    sent: str | None = None

    def line(self) -> str:
        """One line of canonical JSON; `at` in microseconds since 1970."""
        document: dict[str, object] = {
            "at": to_micros(self.at),
            "hash": self.hash,
            "seq": self.seq,
            "workspace": self.workspace,
        }
        if self.sent is not None:
            document["sent"] = self.sent
        return json.dumps(document, sort_keys=True, separators=(",", ":"))


def read_anchor(line: str) -> tuple[str, int, str]:
    """Workspace, sequence number and hash of an anchor's line. Raises `BadAnchor`."""
    try:
        document = json.loads(line)
        workspace, seq, hash = document["workspace"], document["seq"], document["hash"]
    except (ValueError, TypeError, KeyError):
        raise BadAnchor("an anchor is the one line that `ledger anchor` printed") from None
    if type(workspace) is not str or type(seq) is not int or type(hash) is not str:
        raise BadAnchor("an anchor is the one line that `ledger anchor` printed")
    return workspace, seq, hash


def sent_of(line: str) -> str | None:
    """What an anchor's line, which `read_anchor` has read, says of the last sending."""
    sent = json.loads(line).get("sent")
    return sent if isinstance(sent, str) else None


def anchor(reader: Reader, *, at: datetime) -> Anchor:
    """The head as it is now."""
    head = reader.get(Head, HEAD)
    seq, hash = (head.seq, head.hash) if head else (0, GENESIS)
    return Anchor(reader.workspace_id, seq, hash, at)


@dataclass(frozen=True, slots=True)
class Verification:
    """`problem` is None where every entry is as it was written. Otherwise it says what is wrong
    first at entry `seq`: changed, missing, misplaced, cut, head, anchor."""

    entries: int
    hash: str
    problem: str | None = None
    seq: int | None = None

    @property
    def ok(self) -> bool:
        return self.problem is None


def verify(reader: Reader, against: str | None = None) -> Verification:
    """Read the whole chain again, in pages, and compare it with the head and with an anchor's line
    if one is given. Without an anchor a cut tail or a chain computed anew, head and all, cannot be
    seen. Raises `BadAnchor`."""
    marked = read_anchor(against) if against is not None else None
    if marked is not None and marked[0] != reader.workspace_id:
        raise BadAnchor(f"the anchor is of workspace {marked[0]}, not of {reader.workspace_id}")
    chain = _Chain(reader, marked)
    while chain.read_on():
        # The head is read after the entries: only then is one that is behind them no chance.
        head = reader.get(Head, HEAD) or Head(id=HEAD, seq=0, hash=GENESIS)
        if head.seq <= chain.seq:
            return chain.end(head)
        if not chain.moved:
            return Verification(chain.seq, chain.hash, "cut", chain.seq + 1)
    return Verification(chain.seq, chain.hash, chain.problem, chain.seq + 1)


class _Chain:
    """How far the chain was read, and what was found there."""

    def __init__(self, reader: Reader, marked: tuple[str, int, str] | None) -> None:
        self._reader, self._workspace = reader, reader.workspace_id
        self._marked = marked[1:] if marked is not None else (0, GENESIS)
        self.seq = 0
        self.hash = GENESIS
        self.moved = False
        self.problem: str | None = None

    def read_on(self) -> bool:
        """Check what follows, up to the last entry. False: there is a `problem` with the next."""
        start = self.seq
        for row in _rows(self._reader, id_of(start) if start else None):
            self.problem = self._problem(row)
            if self.problem:
                return False
            self.seq, self.hash = row[1], row[-1]
        self.moved = self.seq > start
        return True

    def _problem(self, row: Row) -> str | None:
        id, seq, *_, previous, hash = row
        expected = self.seq + 1
        if seq != expected or id != id_of(expected):
            return "missing" if type(seq) is int and seq > expected else "misplaced"
        try:
            same = previous == self.hash and hash == hash_of_row(self._workspace, row)
        except TypeError:  # a database of another's making may hold bytes where there was text
            same = False
        if not same:
            return "changed"
        if seq == self._marked[0] and hash != self._marked[1]:
            return "anchor"
        return None

    def end(self, head: Head) -> Verification:
        marked_seq, marked_hash = self._marked
        if (head.seq, head.hash) != (self.seq, self.hash):
            return Verification(self.seq, self.hash, "head", self.seq)
        if marked_seq > self.seq or (marked_seq < 1 and marked_hash != GENESIS):
            return Verification(self.seq, self.hash, "anchor", marked_seq)
        return Verification(self.seq, self.hash)


def _rows(reader: Reader, after: str | None) -> Iterator[Row]:
    """Entries as they are kept, and never as records: to make a million takes twice as long as all
    the rest."""
    while True:
        page = reader.rows(Entry, after=after, limit=_PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1][0]
