"""The anchor file: the ledger's head and the last sending, kept outside the database.

A database that comes from a backup knows less than the file: that is how it is recognised.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path

from core import chores, restore
from core.ledger_check import Anchor
from core.store import Store
from webhooks.engine.clock import Clock

log = logging.getLogger(__name__)

_EVERY = timedelta(seconds=10)


class AnchorFile:
    """`path` None: nothing is kept, and a restored backup has to be told of by a person."""

    def __init__(self, store: Store, path: Path | None, clock: Clock) -> None:
        self._store, self._path, self._clock = store, path, clock
        self._written: tuple[int, str | None] | None = None
        self._next = 0.0

    def check(self) -> bool:
        """Whether the database has lost what the file has seen; it is halted then. Raises
        `BadAnchor` for a file that is no anchor of this workspace."""
        if self._path is None or not self._path.exists():
            return False
        line = self._path.read_text(encoding="utf-8").strip()
        with self._store.read() as reader:
            if not restore.behind(reader, line):
                return False
        with self._store.write() as tx:
            moment = self._clock.moment()
            asked = restore.mark(tx, moment)
            chores.plan(tx, "night", "", moment.now)  # every till is swept at once
        log.error(
            "the database lacks what %s has seen: this is a restored backup. Payouts are "
            "halted until every till was swept (%d are asked about first)", self._path, asked,
        )  # fmt: skip
        with self._store.read() as reader:  # from here on, this is what the ledger is
            self._write(self._path, restore.witness(reader, self._clock.now()))
        return True

    def keep_now_and_then(self) -> None:
        if self._clock.steady() >= self._next:
            self._next = self._clock.steady() + _EVERY.total_seconds()
            self.keep()

    def keep(self) -> None:
        """Write the head where it has moved on. A database may be put back while this process runs:
        then it is halted, and what the file has seen is not written over unnoticed."""
        if self._path is None or self.check():
            return
        with self._store.read() as reader:
            anchor = restore.witness(reader, self._clock.now())
        if (anchor.seq, anchor.sent) != self._written:
            self._write(self._path, anchor)

    def _write(self, path: Path, anchor: Anchor) -> None:
        """Whole or not at all."""
        new = path.with_name(f"{path.name}.new")
        with new.open("w", encoding="utf-8") as file:
            file.write(anchor.line() + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        self._written = anchor.seq, anchor.sent
