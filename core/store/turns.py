"""Who writes next, and who shares a commit."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns:
    """A lock that is given in the order it was asked for.

    SQLite's own waiting is a sleep and another try, by which some writer always loses; a plain lock
    goes to whichever thread happens to run.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False

    def acquire(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds. False: the turn did not come."""
        with self._mutex:
            if not self._taken:
                self._taken = True
                return True
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        if gate.acquire(timeout=timeout):
            return True
        with self._mutex:
            if gate in self._waiting:
                self._waiting.remove(gate)
                return False
        return True  # it came at the last moment

    def release(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


class _Waiter(Generic[T]):
    __slots__ = ("error", "item", "leads", "woken")

    def __init__(self, item: T) -> None:
        self.item = item
        self.error: BaseException | None = None
        self.leads = False
        self.woken = threading.Event()


#: Keeps the items that `take` gives in one commit; answers what went wrong with each, or None.
Keep = Callable[[Callable[[], list[T]]], list[BaseException | None]]


class SharedCommits(Generic[T]):
    """Callers that wait at the same moment share one commit.

    The first to come leads: it waits for its turn to write, and takes along everybody who arrived
    meanwhile. Whoever comes later waits for the next, led by the first of them.
    """

    def __init__(self, keep: Keep[T], most: int = 256) -> None:
        self._keep = keep
        self._most = most
        self._mutex = threading.Lock()
        self._waiting: deque[_Waiter[T]] = deque()
        self._led = False

    def add(self, item: T) -> None:
        """Returns once the item is kept; raises what went wrong with it."""
        waiter = _Waiter(item)
        with self._mutex:
            self._waiting.append(waiter)
            if not self._led:
                self._led = waiter.leads = True
        if not waiter.leads:
            waiter.woken.wait()
        if waiter.leads:
            self._lead()
        if waiter.error is not None:
            raise waiter.error

    def _lead(self) -> None:
        taken: list[_Waiter[T]] = []

        def take() -> list[T]:
            with self._mutex:
                while self._waiting and len(taken) < self._most:
                    taken.append(self._waiting.popleft())
            return [waiter.item for waiter in taken]

        try:
            for waiter, error in zip(taken, self._keep(take), strict=True):
                waiter.error = error
        except BaseException as error:
            take()
            for waiter in taken:
                waiter.error = error
        finally:
            self._hand_on()
            for waiter in taken:
                waiter.woken.set()

    def _hand_on(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].woken.set()
            else:
                self._led = False
