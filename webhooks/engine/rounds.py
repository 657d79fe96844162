"""One round of a runner: claim what is due, work on it, let it go. No threads, no waiting.

What drives the rounds is not its matter: threads (`runner`), a queue that wakes, the simulator.
"""

from __future__ import annotations

import logging
from concurrent.futures import Executor
from contextlib import suppress
from datetime import datetime, timedelta

from core.case import Case
from core.connection import Delivery
from core.store import Lease, LeaseLost, Store, StoreUnavailable
from core.store.sealing import Sealer
from webhooks.engine.deliveries import Reader
from webhooks.engine.steps import Clock, Worker
from webhooks.hosts import Hosts

log = logging.getLogger(__name__)

#: What the two clocks may part between two rounds without anything having been set.
_DRIFT_SECONDS = 1.0


class Rounds:
    """`owner` names this process in leases. `calls` asks several hosts at once."""

    def __init__(
        self,
        store: Store,
        hosts: Hosts,
        *,
        sealer: Sealer,
        clock: Clock,
        calls: Executor,
        lease_length: timedelta,
        owner: str,
    ) -> None:
        self._store, self._clock, self._length, self._owner = store, clock, lease_length, owner
        self._worker = Worker(
            store, hosts, sealer=sealer, clock=clock, pool=calls, lease_length=lease_length
        )
        self._reader = Reader(store, hosts, owner=owner, lease_length=lease_length)
        self._ahead: float | None = None  # the wall clock before the steady one, in seconds
        self._hold_until = 0.0

    def run_due(self) -> int:
        """Work on what is due now; answers how many pieces of work were done."""
        return self._cases() + self._deliveries()

    def _deliveries(self) -> int:
        claimed = self._claim(Delivery)
        if claimed is None:
            return 0
        started, lease = claimed
        try:
            opened = self._reader.work(lease, self._clock.moment())
        except LeaseLost:
            return 1
        for case in opened:
            self._work_on(case, started)
        return 1

    def _cases(self) -> int:
        claimed = self._claim(Case)
        if claimed is None:
            return 0
        started, lease = claimed
        self._work_on(lease, started)
        return 1

    def _claim(self, kind: type[Case] | type[Delivery]) -> tuple[float, Lease] | None:
        """One piece of due work, and the steady time from before the claim."""
        started, now = self._clock.steady(), self._clock.now()
        if self._clock_was_set(started, now):
            return None
        leases = self._store.claim(kind, owner=self._owner, now=now, length=self._length, limit=1)
        return (started, leases[0]) if leases else None

    def _clock_was_set(self, started: float, now: datetime) -> bool:
        """Leases end by the clock on the wall. Where that was set ahead (by hand, by a time server,
        by a machine that slept), some seem to have ended whose holders are in the middle of a call:
        nothing is claimed until they really have."""
        ahead = now.timestamp() - started
        if self._ahead is not None and ahead > self._ahead + _DRIFT_SECONDS:
            log.warning("the clock was set ahead by %d s: pausing", ahead - self._ahead)
            self._hold_until = started + self._length.total_seconds()
        self._ahead = ahead
        return started < self._hold_until

    def _work_on(self, lease: Lease, started: float) -> None:
        """A fault of ours in one case must neither stop the runner nor go unseen."""
        try:
            self._worker.work(lease, started)
        except LeaseLost:
            log.info("case %s: somebody else has it by now", lease.id)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("case %s failed", lease.id)
            with suppress(LeaseLost):
                self._worker.failed(lease, error)
