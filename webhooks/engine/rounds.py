"""One round of a runner: claim what is due, work on it, let it go. No threads, no waiting.

What drives the rounds is not its matter: threads (`runner`), a queue that wakes, the simulator.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from datetime import timedelta

from core.case import Case
from core.connection import Delivery
from core.store import Lease, LeaseLost, Store, StoreUnavailable
from core.store.sealing import Sealer
from webhooks.engine.clock import Clock
from webhooks.engine.deliveries import Reader
from webhooks.engine.steps import Worker
from webhooks.engine.watch import Watch
from webhooks.hosts import Hosts

log = logging.getLogger(__name__)


class Rounds:
    """`owner` names this process in leases. `calls` asks several hosts at once. `public_url`: where
    customers find our pages. `taken` is called where a piece of work was claimed: there may be
    more."""

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
        public_url: str,
        taken: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._clock, self._length, self._owner = store, clock, lease_length, owner
        self._taken = taken
        self._watch = Watch(store, clock, lease_length)
        self._worker = Worker(
            store,
            hosts,
            sealer=sealer,
            clock=clock,
            watch=self._watch,
            pool=calls,
            lease_length=lease_length,
            public_url=public_url,
        )
        self._reader = Reader(store, hosts, owner=owner, lease_length=lease_length)

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
        started = self._clock.steady()
        if self._watch.holds():
            return None
        leases = self._store.claim(
            kind, owner=self._owner, now=self._clock.now(), length=self._length, limit=1
        )
        if not leases:
            return None
        self._taken()
        return started, leases[0]

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
