"""Something a stand-in takes its time over, held until the test lets it go on: what must come
meanwhile has all the time it needs, however slow the machine is."""

from __future__ import annotations

import threading

PATIENCE_S = 30


class Gate:
    """`hold` in place of a sleep; `met` waits for one that is held; `open` lets some go on."""

    def __init__(self) -> None:
        self._came, self._open = threading.Semaphore(0), threading.Semaphore(0)

    def hold(self, seconds: float) -> None:
        self._came.release()
        assert self._open.acquire(timeout=PATIENCE_S), "nobody opened"

    def met(self) -> bool:
        return self._came.acquire(timeout=PATIENCE_S)

    def open(self, times: int = 1) -> None:
        self._open.release(times)
