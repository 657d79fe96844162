"""The embedded runner: threads that claim what is due and work on it.

The tables are the truth. A wake (`notice`) only saves waiting: whatever it misses is found by
polling, also what other processes left behind.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from core.case import Case
from core.connection import Delivery
from core.moment import Moment
from core.store import Lease, LeaseLost, Store, StoreUnavailable
from webhooks.engine.deliveries import Reader
from webhooks.engine.steps import Clock, Worker
from webhooks.hosts import Hosts

log = logging.getLogger(__name__)

_BATCH = 8


class Runner:
    """`threads` cases at once. `start` and `stop` once each; `run_due` does one round by hand."""

    def __init__(
        self,
        store: Store,
        hosts: Hosts,
        *,
        clock: Clock,
        lease_length: timedelta,
        threads: int = 4,
        poll: timedelta = timedelta(seconds=1),
    ) -> None:
        self._store, self._clock, self._length, self._poll = store, clock, lease_length, poll
        self._owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._calls = ThreadPoolExecutor(4 * threads, thread_name_prefix="amends-call")
        self._worker = Worker(
            store, hosts, clock=clock, pool=self._calls, lease_length=lease_length
        )
        self._reader = Reader(store, hosts, owner=self._owner, lease_length=lease_length)
        self._noticed = threading.Condition()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"amends-runner-{n}", daemon=True)
            for n in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let go after the step each thread is at."""
        with self._noticed:
            self._stopping = True
            self._noticed.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=self._length.total_seconds())
        self._calls.shutdown(wait=False, cancel_futures=True)

    def notice(self) -> None:
        """Something is due now: do not wait for the next poll."""
        with self._noticed:
            self._noticed.notify()

    def run_due(self) -> int:
        """Work on what is due now, by one thread; answers how many pieces of work were done."""
        return self._cases() + self._deliveries()

    def _run(self) -> None:
        while not self._stopping:
            try:
                idle = not self.run_due()
            except StoreUnavailable as error:
                log.warning("the database did not answer: %s", error)
                idle = True
            except Exception:
                log.exception("the runner failed; it goes on after a pause")
                idle = True
            if idle:
                with self._noticed:
                    if not self._stopping:
                        self._noticed.wait(self._poll.total_seconds())

    def _deliveries(self) -> int:
        leases = self._claim(Delivery, _BATCH)
        for _, lease in leases:
            started = self._clock.steady()
            try:
                opened = self._reader.work(lease, Moment(self._clock.now()))
            except LeaseLost:
                continue
            for case in opened:
                self._guarded(lambda case=case, at=started: self._worker.work(case, at))
        return len(leases)

    def _cases(self) -> int:
        leases = self._claim(Case, 1)
        for started, lease in leases:
            self._guarded(lambda lease=lease, at=started: self._worker.work(lease, at))
        return len(leases)

    def _claim(self, kind: type[Case] | type[Delivery], limit: int) -> list[tuple[float, Lease]]:
        started = self._clock.steady()
        leases = self._store.claim(
            kind, owner=self._owner, now=self._clock.now(), length=self._length, limit=limit
        )
        return [(started, lease) for lease in leases]

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except LeaseLost:
            log.info("somebody else has the case by now")
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("a case failed; it is tried again when its lease has ended")
