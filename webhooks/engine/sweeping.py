"""Sweeping one connection: the host is asked outside any transaction, and each thing it says is
taken in by one of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, cast

from core import chores, followup, payout, restore, reversal, sweep
from core.case import Case
from core.chores import Chore
from core.connection import Connection
from core.errors import AmendsError
from core.moment import Moment
from core.payout import Payout
from core.ports import Absent, Finding, HostError, HostRecord, Unknown
from core.store import Lease, LeaseLost, Reader, Store, StoreUnavailable, Tx
from core.store.sealing import Sealer
from core.sweep import Difference, Report
from webhooks.engine.clock import Clock
from webhooks.engine.codes import code_of
from webhooks.engine.unheard import Unheard
from webhooks.hosts import Host, Hosts

log = logging.getLogger(__name__)

_BATCH = 100
_RATED_BACK = timedelta(days=7)


def kinds_of(host: Host) -> tuple[bool, bool]:
    """Whether it has books of money, and whether it has tickets, that can be swept."""
    return host.has_books, host.roles.desk is not None


class _Going:
    """A sweep under way. `lease` renews the right to it, where it is a runner's: then how far it
    came is kept, so that somebody else goes on with it if this process dies. `asked_to`: our last
    payout, of those the host did not list, that it was asked about (the newest come first)."""

    def __init__(
        self,
        store: Store,
        report: Report,
        lease: Callable[[], Lease] | None,
        said: Mapping[str, object],
        *,
        again: bool,
    ) -> None:
        self._store, self._lease = store, lease
        self.report, self.asked_to = report, cast("str | None", said.get("asked_to"))
        heard = None if again else cast("str | None", said.get("heard_to"))
        self.heard_to = datetime.fromisoformat(heard) if heard else report.since

    def still_ours(self) -> None:
        """Raises `LeaseLost` where somebody else took over."""
        if self._lease is not None:
            self._lease()

    def write(self) -> AbstractContextManager[Tx]:
        return self._store.write(*([self._lease()] if self._lease is not None else []))

    def add(self, found: Iterable[Difference], **counts: Any) -> None:
        """What was found, once each: whoever goes on finds some of it again."""
        differences = tuple(dict.fromkeys([*self.report.differences, *found]))
        self.report = replace(self.report, differences=differences, **counts)
        if self._lease is not None:
            with self.write() as tx:
                chore = chores.known(tx, "sweep", self.report.connection)
                far = {"begun": self.report.doc(), "asked_to": self.asked_to}
                tx.put(replace(chore, result={**chore.said, **far}))


class Sweeper:
    def __init__(self, store: Store, hosts: Hosts, *, sealer: Sealer, clock: Clock) -> None:
        self._store, self._hosts, self._sealer, self._clock = store, hosts, sealer, clock
        self._unheard = Unheard(store, clock)

    def connections(self) -> list[Connection]:
        """Those that can be swept, or could if they were connected."""
        with self._store.read() as reader:
            return self.connections_of(reader)

    def connections_of(self, reader: Reader) -> list[Connection]:
        """The same, inside a transaction."""
        rows = reader.find(Connection)
        return [row for row in rows if any(kinds_of(self._hosts.make(row)))]

    def sweep(
        self,
        connection_id: str,
        *,
        since: datetime | None = None,
        lease: Callable[[], Lease] | None = None,
    ) -> Report:
        """Compare, mend what explains itself, put the rest to people. A host that cannot be asked
        is in the report, not an error. `lease`: a runner's; one that was begun is gone on with."""
        going = self._begin(connection_id, since, lease)
        try:
            host = self._hosts.get(connection_id)
            till, desk = kinds_of(host)
            unlisted = _unlisted(host) if till else None
            going.report = replace(going.report, swept=True, unlisted=unlisted)
            if till:
                self._till(host, going)
            if desk:
                self._desk(host, going)
        except (LeaseLost, StoreUnavailable):
            raise
        except AmendsError as error:  # the host's, or it was set up half, or not at all
            going.report = replace(going.report, swept=False, why=str(error))
        return self._keep(going)

    def _begin(
        self, connection_id: str, since: datetime | None, lease: Callable[[], Lease] | None
    ) -> _Going:
        """From the last sweep on, or from the beginning."""
        now = self._clock.now()
        with self._store.read() as reader:
            row = reader.get(Connection, connection_id)
            last = reader.get(Chore, chores.id_of("sweep", connection_id))
        said = last.said if last else {}
        begun = cast("Mapping[str, object] | None", said.get("begun")) if lease else None
        if begun is not None:
            report = replace(sweep.read_report(begun), seen=0, asked=0, unclear=0)
            return _Going(self._store, report, lease, said, again=False)
        before = last.done_at if last and last.done_at else row.created_at if row else now
        report = Report(
            connection=connection_id,
            title=row.title if row else connection_id,
            since=since or before,
            at=now,
            swept=False,
        )
        fresh = {**said, "asked_to": None}
        return _Going(self._store, report, lease, fresh, again=since is not None)

    def _keep(self, going: _Going) -> Report:
        tills = [c.id for c in self.connections() if kinds_of(self._hosts.make(c))[0]]
        with going.write() as tx:
            report = going.report
            chore = chores.known(tx, "sweep", report.connection)
            # One that was asked only about later days does not stand for the days before.
            whole = report.swept and (chore.done_at is None or report.since <= chore.done_at)
            done = report.at if whole else chore.done_at
            heard = report.doc()["heard_to"] if whole else chore.said.get("heard_to")
            tx.put(replace(chore, done_at=done, result={**report.doc(), "heard_to": heard}))
            if restore.lift(tx, tills, self._moment()):
                log.warning("every till was swept after the restore: payouts go on")
        return report

    def _moment(self) -> Moment:
        return self._clock.moment()

    # --------------------------------------------------------------------------------- tills

    def _till(self, host: Host, going: _Going) -> None:
        seen: set[str] = set()
        asking: list[Payout] = []
        records = iter(host.till.recent(going.report.since - sweep.LOOK_BACK))
        while batch := list(islice(records, _BATCH)):
            going.still_ours()
            differences, ours = self._compare(host, batch)
            seen |= {record.host_object for record in batch}
            asking += ours
            going.add(differences, seen=going.report.seen + len(batch))
        for ours_one in asking:
            self._ask_of(host, ours_one, going)
        with self._store.read() as reader:
            known = {payout.id for payout in asking}
            alone = sweep.unlisted(reader, going.report, seen, host.lists, going.asked_to)
            left = [payout for payout in alone if payout.id not in known]
        for ours_one in left:
            going.asked_to = ours_one.id
            self._ask_of(host, ours_one, going)

    def _compare(
        self, host: Host, records: Iterable[HostRecord]
    ) -> tuple[list[Difference], list[Payout]]:
        differences, ours = [], []
        with self._store.write() as tx:
            moment = self._moment()
            for record in records:
                said = sweep.compare(tx, host.connection.id, record, moment)
                if isinstance(said, Payout):
                    ours.append(said)
                elif said is not None:
                    differences.append(said)
        return differences, ours

    def _ask_of(self, host: Host, ours: Payout, going: _Going) -> None:
        going.still_ours()
        difference, clear = self._ask(host, ours)
        going.add(
            [difference] if difference else [],
            asked=going.report.asked + 1,
            unclear=going.report.unclear + (not clear),
        )

    def _ask(self, host: Host, ours: Payout) -> tuple[Difference | None, bool]:
        """Ask the host about one payout, and take in its answer the way every answer is. Whether
        it was clear is the second of what is answered."""
        workspace = self._store.workspace_id
        order = payout.instruction(ours, code=code_of(self._sealer, workspace, ours))
        try:
            found: Finding = payout.ask(host.till, order)
        except Exception as error:
            log.exception("payout %s: the till raised while asked", ours.id)
            found = Unknown(f"our own fault while asking: {type(error).__name__}")
        with self._store.write() as tx:
            now, moment = payout.locked(tx, ours.id), self._moment()
            assert now is not None  # payouts are never deleted
            # Nobody learned of it first; nor was it sent again while the host was asked. What is
            # not to be seen yet is asked about again by the runner, when it must be visible.
            same = (now.state, now.tries) == (ours.state, ours.tries)
            early = isinstance(found, Absent) and now.due_at is not None and now.due_at > moment.now
            if same and not early:
                self._take_in(tx, host, now, found, moment)
            after = tx.get(Payout, ours.id)
            assert after is not None
        differs = isinstance(found, Unknown) and not found.why.startswith("differs")
        return sweep.outcome(ours, after), not differs

    def _take_in(self, tx: Tx, host: Host, ours: Payout, found: Finding, moment: Moment) -> None:
        case = tx.get(Case, ours.case_id)
        assert case is not None  # cases are never deleted
        routing = self._hosts.get(case.desk_id, tx).routing
        pays = host.pays(ours.remedy)
        reversal.on_result(tx, case, ours, found, pays=pays, routing=routing, moment=moment)
        tx.wake(Case, case.id, moment.now)

    # --------------------------------------------------------------------------------- desks

    def _desk(self, host: Host, going: _Going) -> None:
        heard = self._unheard.open_lost(host, going.heard_to, going.still_ours)
        self._surveys(host, going.heard_to)
        going.add(heard.differences, seen=heard.seen, heard_to=heard.to)

    def _surveys(self, host: Host, since: datetime) -> None:
        """What customers said afterwards. No books hang on it: what cannot be read today is read
        tomorrow."""
        surveys, desk_id = host.roles.surveys, host.connection.id
        if surveys is None:
            return
        with self._store.read() as reader:
            asked = followup.tickets(reader, desk_id, self._clock.now())
        try:
            ratings = list(surveys.ratings(since - _RATED_BACK, asked)) if asked else []
        except HostError as error:
            log.warning("what customers said at %s cannot be read: %s", desk_id, error)
            return
        for start in range(0, len(ratings), _BATCH):
            with self._store.write() as tx:
                moment = self._moment()
                for rating in ratings[start : start + _BATCH]:
                    followup.take_in(tx, desk_id, rating, moment)


def _unlisted(host: Host) -> str | None:
    """In words; a host whose list is whole says nothing there."""
    return host.spec.quality.get("recent", ("todo", "it does not say what it lists"))[1] or None


def told(reports: Sequence[Report]) -> list[dict[str, object]]:
    """Reports for a program."""
    return [report.doc() for report in reports]
