"""Sweeping one connection: the host is asked outside any transaction, and each thing it says is
taken in by one of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core import chores, flow, followup, payout, restore, reversal, sweep
from core.case import Case, CaseTicket
from core.chores import Chore
from core.connection import Connection
from core.errors import AmendsError
from core.moment import Moment
from core.payout import Payout
from core.ports import Absent, Finding, HostError, HostRecord, Ticket, Unknown
from core.store import Reader, Store, Tx
from core.store.sealing import Sealer
from core.sweep import Difference, Report
from webhooks.engine.clock import Clock
from webhooks.engine.codes import code_of
from webhooks.hosts import Host, Hosts

log = logging.getLogger(__name__)

_BATCH = 100
#: A solved ticket's own message gets so long before the sweep takes its place.
_UNHEARD = timedelta(minutes=10)
_DESK_BACK = timedelta(days=1)
_RATED_BACK = timedelta(days=7)


def kinds_of(host: Host) -> tuple[bool, bool]:
    """Whether it has books of money, and whether it has tickets, that can be swept."""
    return host.has_books, host.roles.desk is not None


class Sweeper:
    """`still_ours` is called between steps; it raises where somebody else took over."""

    def __init__(self, store: Store, hosts: Hosts, *, sealer: Sealer, clock: Clock) -> None:
        self._store, self._hosts, self._sealer, self._clock = store, hosts, sealer, clock

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
        still_ours: Callable[[], None] = lambda: None,
    ) -> Report:
        """Compare, mend what explains itself, put the rest to people. A host that cannot be asked
        is in the report, not an error."""
        began = self._clock.now()
        with self._store.read() as reader:
            row = reader.get(Connection, connection_id)
            since = since or self._since(reader, connection_id, row)
        report = Report(
            connection=connection_id,
            title=row.title if row else connection_id,
            since=since,
            at=began,
            swept=False,
        )
        try:
            host = self._hosts.get(connection_id)
            till, desk = kinds_of(host)
            report = replace(report, swept=True, unlisted=_unlisted(host) if till else None)
            if till:
                report = self._till(host, report, still_ours)
            if desk:
                report = self._desk(host, report)
        except HostError as error:
            report = replace(report, swept=False, why=str(error))
        except AmendsError as error:  # it was set up half, or not at all
            report = replace(report, swept=False, why=str(error))
        self._keep(report)
        return report

    def _since(self, reader: Reader, connection_id: str, row: Connection | None) -> datetime:
        """From the last sweep on, or from the beginning."""
        last = reader.get(Chore, chores.id_of("sweep", connection_id))
        if last is not None and last.done_at is not None:
            return last.done_at
        return row.created_at if row else self._clock.now()

    def _keep(self, report: Report) -> None:
        tills = [c.id for c in self.connections() if kinds_of(self._hosts.make(c))[0]]
        with self._store.write() as tx:
            chore = chores.known(tx, "sweep", report.connection)
            # One that was asked only about later days does not stand for the days before.
            whole = report.swept and (chore.done_at is None or report.since <= chore.done_at)
            done = report.at if whole else chore.done_at
            tx.put(replace(chore, done_at=done, result=report.doc()))
            if restore.lift(tx, tills, self._moment()):
                log.warning("every till was swept after the restore: payouts go on")

    def _moment(self) -> Moment:
        return self._clock.moment()

    # --------------------------------------------------------------------------------- tills

    def _till(self, host: Host, report: Report, still_ours: Callable[[], None]) -> Report:
        till_id = host.connection.id
        records = list(host.till.recent(report.since - sweep.LOOK_BACK))
        found: list[Difference] = []
        asking: list[Payout] = []
        for start in range(0, len(records), _BATCH):
            still_ours()
            differences, ours = self._compare(host, records[start : start + _BATCH])
            found += differences
            asking += ours
        seen = {record.host_object for record in records}
        with self._store.read() as reader:
            since = report.since - sweep.ASK_BACK
            known = {payout.id for payout in asking}
            alone = sweep.unlisted(reader, till_id, since, seen, self._clock.now())
            asking += [payout for payout in alone if payout.id not in known]
        unclear = 0
        for ours_one in asking:
            still_ours()
            difference, clear = self._ask(host, ours_one)
            unclear += not clear
            found += [difference] if difference else []
        return replace(
            report,
            seen=report.seen + len(records),
            asked=len(asking),
            unclear=unclear,
            differences=[*report.differences, *found],
        )

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

    def _ask(self, host: Host, ours: Payout) -> tuple[Difference | None, bool]:
        """Ask the host about one payout, and take in its answer the way every answer is."""
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

    def _desk(self, host: Host, report: Report) -> Report:
        """Solved tickets whose message was lost: those with a reason and without a case."""
        since = max(report.since - _DESK_BACK, host.connection.created_at)
        routing = host.routing
        tickets = list(host.desk.recent(since))
        found = [
            Difference(kind="unheard", end="mended", ticket=ticket.id, case=case_id)
            for ticket in tickets
            if _lost(ticket, since, self._clock.now())
            and routing.reasons_on(ticket)
            and not self._has_case(host, ticket)
            and (case_id := self._open(host, ticket))
        ]
        self._surveys(host, since)
        return replace(
            report,
            seen=report.seen + len(tickets),
            differences=[*report.differences, *found],
        )

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

    def _has_case(self, host: Host, ticket: Ticket) -> bool:
        """Asked before a transaction is opened: nearly all have."""
        with self._store.read() as reader:
            of_ticket = {"desk_id": host.connection.id, "ticket_id": ticket.id}
            return reader.count(CaseTicket, **of_ticket) > 0

    def _open(self, host: Host, ticket: Ticket) -> str | None:
        desk_id = host.connection.id
        with self._store.write() as tx:
            moment = self._moment()
            if tx.count(CaseTicket, desk_id=desk_id, ticket_id=ticket.id):
                return None
            case = flow.on_solved(
                tx,
                desk_id,
                ticket.id,
                actor_id=None,
                received_at=moment.now,
                routing=host.routing,
                moment=moment,
            )
            if case is None:
                return None
            tx.add(case)
            link = CaseTicket(
                id=moment.new("link"), case_id=case.id, desk_id=desk_id, ticket_id=ticket.id
            )
            tx.add(link)
            moment.log(tx, case.id, "solved_unheard", {"desk": desk_id, "ticket": ticket.id})
            return case.id


def _lost(ticket: Ticket, since: datetime, now: datetime) -> bool:
    return ticket.status == "solved" and since <= ticket.updated_at <= now - _UNHEARD


def _unlisted(host: Host) -> str | None:
    """In words; a host whose list is whole says nothing there."""
    return host.spec.quality.get("recent", ("todo", "it does not say what it lists"))[1] or None


def told(reports: Sequence[Report]) -> list[dict[str, object]]:
    """Reports for a program."""
    return [report.doc() for report in reports]
