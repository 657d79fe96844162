"""The embedded runner: threads that claim what is due and work on it.

The tables are the truth. A wake (`notice`) only saves waiting: whatever it misses is found by
polling, also what other processes left behind.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

from core.store import Store, StoreUnavailable
from core.store.sealing import Sealer
from webhooks.engine.clock import Clock
from webhooks.engine.housekeeping import Habits, Housekeeping
from webhooks.engine.rounds import Rounds
from webhooks.hosts import Hosts

log = logging.getLogger(__name__)


class Runner:
    """`threads` cases at once. `start` and `stop` once each; `run_due` does one round by hand."""

    def __init__(
        self,
        store: Store,
        hosts: Hosts,
        *,
        sealer: Sealer,
        clock: Clock,
        lease_length: timedelta,
        public_url: str,
        threads: int = 4,
        poll: timedelta = timedelta(seconds=1),
        habits: Habits | None = None,
    ) -> None:
        self._length, self._poll = lease_length, poll
        self._calls = ThreadPoolExecutor(4 * threads, thread_name_prefix="amends-call")
        owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._house = Housekeeping(
            store,
            hosts,
            sealer=sealer,
            clock=clock,
            owner=owner,
            lease_length=lease_length,
            habits=habits or Habits(),
        )
        self._rounds = Rounds(
            store,
            hosts,
            sealer=sealer,
            clock=clock,
            calls=self._calls,
            lease_length=lease_length,
            owner=owner,
            public_url=public_url,
        )
        self._noticed = threading.Condition()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"amends-runner-{n}", daemon=True)
            for n in range(threads)
        ]

    def start(self) -> None:
        self._house.begin()
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
        with suppress(StoreUnavailable):
            self._house.end()

    def notice(self) -> None:
        """Something is due now: do not wait for the next poll."""
        with self._noticed:
            self._noticed.notify()

    def run_due(self) -> int:
        """Work on what is due now, by one thread; answers how many pieces of work were done."""
        return self._rounds.run_due() or self._house.run_due()

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
