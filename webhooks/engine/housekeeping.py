"""What the runner does when nothing else is due: the nightly sweep, bodies that are old enough to
be emptied, tokens that are over, people to be erased, and the anchor file."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from core import chores, erasure, flow, tasks
from core.case import Case, Task
from core.chores import Chore
from core.moment import Moment
from core.payout import wait_of
from core.record import replace
from core.store import Lease, LeaseLost, Store, StoreUnavailable, Tx
from core.store.sealing import Sealer
from webhooks.engine import bodies, leftovers
from webhooks.engine.anchoring import AnchorFile
from webhooks.engine.clock import Clock
from webhooks.engine.sweeping import Sweeper
from webhooks.hosts import Hosts

log = logging.getLogger(__name__)

Consequence = Callable[[Tx, Chore], None]

_PATIENCE = timedelta(hours=26)
_ERASE_AGAIN = timedelta(hours=1)
#: A law gives a month; a person hears of it half-way.
_ERASE_PATIENCE = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """sweep_hour: 0 to 23, where the workspace is. keep_bodies: how long raw deliveries stay.
    anchor_file: where the ledger's head is kept, if anywhere."""

    sweep_hour: int = 3
    keep_bodies: timedelta = timedelta(days=30)
    anchor_file: Path | None = None


class Housekeeping:
    def __init__(
        self,
        store: Store,
        hosts: Hosts,
        *,
        sealer: Sealer,
        clock: Clock,
        owner: str,
        lease_length: timedelta,
        habits: Habits,
    ) -> None:
        self._store, self._hosts, self._clock = store, hosts, clock
        self._owner, self._length, self._habits = owner, lease_length, habits
        self._sweeper = Sweeper(store, hosts, sealer=sealer, clock=clock)
        self._anchor = AnchorFile(store, habits.anchor_file, clock)
        self._lease: Lease | None = None

    def begin(self) -> None:
        """At the start of a process: notice a restored backup, and see to the nights to come."""
        self._anchor.check()
        with self._store.write() as tx:
            moment = self._clock.moment()
            night = chores.next_night(tx, moment.now, self._habits.sweep_hour)
            chores.plan(tx, "night", "", night)

    def end(self) -> None:
        self._anchor.keep()

    def run_due(self) -> int:
        """Do one chore that is due; answers how many were done."""
        self._anchor.keep_now_and_then()
        leases = self._store.claim(
            Chore, owner=self._owner, now=self._clock.now(), length=self._length, limit=1
        )
        if not leases:
            return 0
        hold = _Hold(self._store, self._clock, leases[0], self._length)
        try:
            self._do(hold)
        except LeaseLost:
            log.info("chore %s: somebody else has it by now", hold.lease.id)
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("chore %s failed", hold.lease.id)
            self._again(hold, type(error).__name__)
        return 1

    def _do(self, hold: _Hold) -> None:
        with self._store.read() as reader:
            chore = reader.get(Chore, hold.lease.id)
        assert chore is not None  # chores are never deleted
        if chore.kind == "night":
            self._night(hold)
        elif chore.kind == "sweep":
            self._sweep(hold, chore)
        elif chore.kind == "bodies":
            self._bodies(hold, chore)
        elif chore.kind == "leftovers":
            self._leftovers(hold)
        elif chore.kind == "erase":
            self._erase(hold, chore)
        else:
            hold.done(lambda tx, row: tx.put(replace(row, due_at=None)))

    # ------------------------------------------------------------------------------- nightly

    def _night(self, hold: _Hold) -> None:
        """Plan what belongs to every night."""
        connections = [row for row in self._sweeper.connections() if row.state != "off"]

        def planned(tx: Tx, row: Chore) -> None:
            now = self._clock.now()
            for connection in connections:
                chores.plan(tx, "sweep", connection.id, now)
            chores.plan(tx, "bodies", "", now)
            chores.plan(tx, "leftovers", "", now)
            night = chores.next_night(tx, now, self._habits.sweep_hour)
            tx.put(replace(row, due_at=night, done_at=now, tries=0))

        hold.done(planned)

    def _sweep(self, hold: _Hold, chore: Chore) -> None:
        with hold.kept():
            report = self._sweeper.sweep(chore.about, lease=hold.renew)

        def swept(tx: Tx, row: Chore) -> None:
            if report.swept:
                tx.put(replace(row, due_at=None, tries=0))
                return
            moment = self._clock.moment()
            since = row.done_at or report.since
            if moment.now - since >= _PATIENCE:
                known = {"till": report.connection, "why": report.why or ""}
                _tell_once(tx, "host_unavailable", "till", known, moment)
            due = moment.now + max(wait_of(row.tries + 1), timedelta(minutes=10))
            tx.put(replace(row, due_at=due, tries=row.tries + 1))

        hold.done(swept)

    def _bodies(self, hold: _Hold, chore: Chore) -> None:
        """One batch; due at once again while there is more."""
        before = self._clock.now() - self._habits.keep_bodies

        def emptied(tx: Tx, row: Chore) -> None:
            after, more = bodies.empty(tx, row.said.get("after"), before)
            now = self._clock.now()
            due = now if more else None
            tx.put(replace(row, due_at=due, done_at=now, tries=0, result={"after": after}))

        hold.done(emptied)

    def _leftovers(self, hold: _Hold) -> None:
        """One batch, as with bodies."""

        def removed(tx: Tx, row: Chore) -> None:
            now = self._clock.now()
            left = leftovers.remove(tx, row.said, now)
            due = now if left else None
            tx.put(replace(row, due_at=due, done_at=now, tries=0, result=left))

        hold.done(removed)

    def _erase(self, hold: _Hold, chore: Chore) -> None:
        with hold.kept():
            deliveries = bodies.about(self._store, self._hosts, chore.about)

        def erased(tx: Tx, row: Chore) -> None:
            moment = self._clock.moment()
            waiting = erasure.unfinished(tx, row.about)
            if waiting is None:
                erasure.erase(tx, row.about, moment)
                bodies.empty_those(tx, deliveries)
                tx.put(replace(row, due_at=None, done_at=moment.now))
                log.info("erased %s", row.about)  # a backup that is put back has them again
                return
            asked = erasure.asked_at(row) or moment.now
            if moment.now - asked >= _ERASE_PATIENCE:
                _tell_erasure_waits(tx, waiting, moment)
            tx.put(replace(row, due_at=moment.now + _ERASE_AGAIN, tries=row.tries + 1))

        hold.done(erased)

    def _again(self, hold: _Hold, what: str) -> None:
        """A fault of ours: tried again later, and a person is told when it stays."""

        def later(tx: Tx, row: Chore) -> None:
            if row.tries + 1 >= flow.FAULTS_BEFORE_TASK:
                known = {"chore": row.id, "what": what}
                _tell_once(tx, "our_fault", "chore", known, self._clock.moment())
            due = self._clock.now() + max(wait_of(row.tries + 1), timedelta(minutes=10))
            tx.put(replace(row, due_at=due, tries=row.tries + 1))

        try:
            hold.done(later)
        except LeaseLost:
            log.info("chore %s: somebody else has it by now", hold.lease.id)


def _tell_once(tx: Tx, kind: str, about: str, known: Mapping[str, object], moment: Moment) -> None:
    """A task of no case, unless there is one about the same thing, which `known` has at `about`."""
    for task in tx.find(Task, state="open", case_id=None):
        said = task.known if isinstance(task.known, Mapping) else {}
        if task.kind == kind and said.get(about) == known[about]:
            return
    tasks.open_task(tx, None, kind, known, moment)


def _tell_erasure_waits(tx: Tx, waiting: Case, moment: Moment) -> None:
    tasks.open_task(tx, waiting, "erasure_waits", {"other_case": waiting.id}, moment)


class _Hold:
    """The lease of one chore, held on to while it takes its time."""

    def __init__(self, store: Store, clock: Clock, lease: Lease, length: timedelta) -> None:
        self.lease = lease
        self._store, self._clock, self._length = store, clock, length

    def renew(self) -> Lease:
        """Hold on where half the time is over. Raises `LeaseLost`."""
        now = self._clock.now()
        if self.lease.until - now < self._length / 2:
            self.lease = self._store.renew(self.lease, now=now, length=self._length)
        return self.lease

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Hold on for as long as the block takes: a large shop's list, or every delivery there ever
        was, takes an hour or more to read. Where the process dies in it, somebody else goes on as
        soon as the lease ends."""
        over = threading.Event()
        thread = threading.Thread(target=self._hold_on, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()

    def _hold_on(self, over: threading.Event) -> None:
        while not over.wait(self._length.total_seconds() / 4):
            try:
                self.renew()
            except LeaseLost:
                return  # whoever is at it finds out before it commits anything
            except StoreUnavailable as error:
                log.warning("chore %s: the database did not answer: %s", self.lease.id, error)

    def done(self, consequence: Consequence) -> None:
        """Commit what came of it, and let it go."""
        with self._store.write(self.lease) as tx:
            row = tx.get(Chore, self.lease.id)
            assert row is not None
            consequence(tx, row)
            tx.release(self.lease)
