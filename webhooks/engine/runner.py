"""The runner: threads that claim what is due and work on it.

The tables are the truth. A wake (`notice`) only saves waiting, whether it comes from this process
or, through the database, from another: whatever it misses is found by polling.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

from core.case import Case
from core.chores import Chore
from core.connection import Delivery
from core.store import NewerTables, Store, StoreUnavailable
from core.store.sealing import Sealer
from webhooks.engine.clock import Clock
from webhooks.engine.housekeeping import Habits, Housekeeping
from webhooks.engine.rounds import Rounds
from webhooks.hosts import Hosts

log = logging.getLogger(__name__)

_CHORES_SECONDS = 60.0


class Runner:
    """`threads` cases at once. `start` and `stop` once each; `run_due` does one round by hand.

    `ended` is called, perhaps more than once, where nothing more can be done by this version of
    Amends; `outdated` says why."""

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
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self.outdated: NewerTables | None = None
        self._ended = ended
        self._store, self._clock, self._length, self._poll = store, clock, lease_length, poll
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
            taken=self.notice,
        )
        self._chores_at = 0.0  # in steady seconds
        self._noticed = threading.Condition()
        self._notices = 0
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"amends-runner-{n}", daemon=True)
            for n in range(threads)
        ]
        self._threads.append(
            threading.Thread(target=self._listen, name="amends-listener", daemon=True)
        )

    def start(self) -> None:
        self._house.begin()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let go after the step each thread is at."""
        with self._noticed:
            self._stopping.set()
            self._noticed.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=self._length.total_seconds())
        self._calls.shutdown(wait=False, cancel_futures=True)
        with suppress(StoreUnavailable):
            self._house.end()

    def notice(self) -> None:
        """Something is due now: one thread does not wait for the next poll. It wakes another in its
        turn once it has found some, so a hundred notices at once need not be a hundred looks."""
        with self._noticed:
            self._notices += 1
            self._noticed.notify()

    def run_due(self) -> int:
        """Work on what is due now, by one thread; answers how many pieces of work were done. Chores
        are for when nothing else is due, and for once a minute where something always is."""
        done = self._rounds.run_due()
        if done and self._clock.steady() < self._chores_at:
            return done
        self._chores_at = self._clock.steady() + _CHORES_SECONDS
        return done + self._house.run_due()

    def _listen(self) -> None:
        """Hear of what other processes left."""
        for _ in self._store.wakes(self._stopping):
            self.notice()

    def _run(self) -> None:
        while not self._stopping.is_set():
            notices, looked_at = self._notices, self._clock.now()
            try:
                idle = not self.run_due()
            except NewerTables as error:
                self._end(error)
                return
            except StoreUnavailable as error:
                log.warning("the database did not answer: %s", error)
                idle = True
            except Exception:
                log.exception("the runner failed; it goes on after a pause")
                idle = True
            if idle:
                self._rest(notices, looked_at)

    def _end(self, why: NewerTables) -> None:
        """What was begun is left to the newer version, which finds it once its lease is over."""
        if self.outdated is None:
            log.error("%s; this process takes nothing on any more", why)
        self.outdated = why
        self._ended()

    def _rest(self, notices: int, looked_at: datetime) -> None:
        """Until there may be something to do. A notice that came during the look counts."""
        seconds = self._seconds_to_rest(looked_at)
        with self._noticed:
            if self._notices == notices and not self._stopping.is_set():
                self._noticed.wait(seconds)

    def _seconds_to_rest(self, looked_at: datetime) -> float:
        """Until the next piece of work is due, a poll at most. What was due before the look and is
        still there is somebody else's."""
        until = self._poll
        with suppress(StoreUnavailable):
            for kind in (Case, Delivery, Chore):
                due = self._store.next_due(kind)
                if due is not None and due > looked_at:
                    until = min(until, due - self._clock.now())
        return max(0.0, until.total_seconds())
