"""The clock of one host: the machine's time plus an offset that a test moves forward.

Keys and tokens expire by it and outgoing webhooks fall due by it, so a day passes in no time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = 0.0
        self._listeners: list[Callable[[], None]] = []

    def epoch(self) -> float:
        """Seconds since 1970, offset included."""
        return time.time() + self._offset

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.epoch(), UTC)

    def iso(self) -> str:
        """`2026-01-08T10:12:07Z`: whole seconds, as the helpdesks and shops write instants."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    @staticmethod
    def wall_iso() -> str:
        """The machine's own time: for signatures, whose reader's clock does not move with ours."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def advance(self, seconds: float) -> None:
        """Move the clock forward; whoever waits for a due time is told."""
        with self._lock:
            self._offset += seconds
        for listener in self._listeners:
            listener()

    def on_advance(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)
