"""What a kept delivery means for cases: its events, one transaction for all of them."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import cast

from core import chores, erasure, flow, interventions, reversal, sweep
from core.case import Case, CaseTicket
from core.connection import Connection, Delivery
from core.events import (
    ConnectionLost,
    DisputeChanged,
    ErasureRequested,
    Event,
    ExportRequested,
    RefundRecorded,
    TicketsMerged,
    TicketStatusChanged,
)
from core.moment import Moment
from core.payout import (
    FINAL,
    GONE,
    Payout,
    PayoutState,
    locked,
    may_send,
    remembered,
    wait_of,
)
from core.ports import HostDenied, HostRecord, Malformed, RawRequest, Unrecognised
from core.record import replace
from core.storable import storable
from core.store import AlreadyExists, Lease, LeaseLost, Store, StoreUnavailable, Tx
from core.tasks import open_task
from webhooks.engine.steps import CLASHES
from webhooks.hosts import Host, Hosts

log = logging.getLogger(__name__)

_ECHO_WAIT = timedelta(seconds=30)
_ECHO_TRIES = 20


class Reader:
    """Reads deliveries and turns their events into cases, wakes and records."""

    def __init__(self, store: Store, hosts: Hosts, *, owner: str, lease_length: timedelta) -> None:
        self._store, self._hosts = store, hosts
        self._owner, self._lease_length = owner, lease_length

    def work(self, lease: Lease, moment: Moment) -> list[Lease]:
        """Take in one delivery. Answers the leases of cases it opened, to be worked on at once."""
        with self._store.read() as reader:
            delivery = reader.get(Delivery, lease.id)
        assert delivery is not None
        try:
            host = self._hosts.get(delivery.connection_id)
            events = host.intake.read(request_of(delivery))
            return self._taken(lease, host, events, moment)
        except HostDenied as error:
            return self._put_off(lease, str(error), moment)
        except (Unrecognised, Malformed) as error:
            return self._end(lease, "not_understood", str(error), moment)
        except (LeaseLost, StoreUnavailable):
            raise
        except Exception as error:  # a delivery must never stop the runner
            log.exception("delivery %s cannot be taken in", delivery.id)
            return self._fault(lease, type(error).__name__, moment)

    def _taken(
        self, lease: Lease, host: Host, events: Sequence[Event], moment: Moment
    ) -> list[Lease]:
        """Somebody else may open the same case, or see the same refund, at the same moment: then
        nothing was kept, and it is taken in again with what is there now."""
        for _ in range(CLASHES):
            with suppress(AlreadyExists), self._store.write(lease) as tx:
                return self._take(tx, lease, host, events, moment)
        with self._store.write(lease) as tx:
            return self._take(tx, lease, host, events, moment)

    def _fault(self, lease: Lease, what: str, moment: Moment) -> list[Lease]:
        """Taken in again later, ever more seldom; a person is told once when it stays."""
        with self._store.write(lease) as tx:
            delivery = tx.get(Delivery, lease.id)
            assert delivery is not None
            tries = delivery.tries + 1
            if tries == flow.FAULTS_BEFORE_TASK:
                open_task(tx, None, "our_fault", {"what": what, "delivery": delivery.id}, moment)
            due = moment.now + wait_of(tries)
            tx.put(replace(delivery, due_at=due, tries=tries, why=f"our fault: {what}"))
            tx.release(lease)
        return []

    def _take(
        self, tx: Tx, lease: Lease, host: Host, events: Sequence[Event], moment: Moment
    ) -> list[Lease]:
        delivery = tx.get(Delivery, lease.id)
        assert delivery is not None
        opened: list[Lease] = []
        later = False
        for event in events:
            if isinstance(event, TicketStatusChanged):
                opened += self._solved(tx, host, event, delivery, moment)
            elif isinstance(event, RefundRecorded):
                later |= not refund_seen(tx, host, event, delivery, moment)
            else:
                other_event(tx, host, event, moment)
        if later:
            due, tries = moment.now + _ECHO_WAIT, delivery.tries + 1
            tx.put(replace(delivery, due_at=due, tries=tries, why="a payout is under way"))
        else:
            kinds = [type(event).__name__ for event in events]
            tx.put(replace(delivery, state="done", due_at=None, kinds=kinds, why=None))
        tx.release(lease)
        return opened

    def _solved(
        self, tx: Tx, host: Host, event: TicketStatusChanged, delivery: Delivery, moment: Moment
    ) -> list[Lease]:
        if event.status not in (None, "solved"):
            return []
        desk_id = host.connection.id
        case = flow.on_solved(
            tx,
            desk_id,
            event.ticket_id,
            actor_id=event.actor_id,
            received_at=delivery.received_at,
            routing=host.routing,
            moment=moment,
        )
        if case is None:
            return []
        lease = tx.claim_new(case, owner=self._owner, now=moment.now, length=self._lease_length)
        ticket = CaseTicket(
            id=moment.new("link"), case_id=case.id, desk_id=desk_id, ticket_id=event.ticket_id
        )
        tx.add(ticket)
        moment.log(tx, case.id, "opened", {"desk": desk_id, "ticket": event.ticket_id})
        return [lease]

    def _put_off(self, lease: Lease, why: str, moment: Moment) -> list[Lease]:
        with self._store.write(lease) as tx:
            delivery = tx.get(Delivery, lease.id)
            assert delivery is not None
            due = moment.now + timedelta(minutes=1)
            tx.put(replace(delivery, due_at=due, tries=delivery.tries + 1, why=why))
            tx.release(lease)
        return []

    def _end(self, lease: Lease, state: str, why: str, moment: Moment) -> list[Lease]:
        with self._store.write(lease) as tx:
            delivery = tx.get(Delivery, lease.id)
            assert delivery is not None
            tx.put(replace(delivery, state=state, due_at=None, why=storable(why)))
            tx.release(lease)
        return []


def request_of(delivery: Delivery) -> RawRequest:
    return RawRequest(
        headers=cast("Mapping[str, str]", delivery.headers), body=delivery.body or b""
    )


def refund_seen(
    tx: Tx, host: Host, event: RefundRecorded, delivery: Delivery, moment: Moment
) -> bool:
    """A host says a refund exists: ours (an echo, which only wakes the case so that it asks), a
    second one with our mark, one with a mark we do not know, or made by hand. Answers False where
    it is too early to tell, because a payout of that order is under way."""
    till_id = host.connection.id
    ours = _ours(tx, till_id, event)
    if ours is not None:
        if ours.host_object not in (None, event.host_object):
            sweep.twice(tx, ours, _record(event, moment), moment)
            return True
        moment.log(tx, ours.case_id, "echo", {"host_object": event.host_object, "till": till_id})
        if event.ending == "failed" and ours.state is PayoutState.SETTLED:
            reversal.doubt(tx, ours, moment)
        elif may_send(ours):
            sweep.arrived(tx, ours, event.host_object, moment)
            tx.wake(Case, ours.case_id, moment.now)
        elif event.ending == "settled" and ours.state in GONE:
            chores.plan(tx, "sweep", till_id, moment.now)
        elif ours.state in (PayoutState.UNKNOWN, PayoutState.PENDING):
            _wake(tx, ours, host, moment)
        return True
    busy = [p for p in _of_order(tx, till_id, event.order_id) if p.state not in FINAL]
    forgotten = event.marker is not None and tx.get(Payout, event.marker) is None
    if busy and not forgotten and delivery.tries < _ECHO_TRIES:
        return False
    record = _record(event, moment)
    if not forgotten:
        record = dataclasses.replace(record, marker=None)
    sweep.not_ours(tx, till_id, record, moment, waits=False)
    return True


def _ours(tx: Tx, till_id: str, event: RefundRecorded) -> Payout | None:
    known = tx.find(Payout, till_id=till_id, host_object=event.host_object, limit=1)
    id = known[0].id if known else event.marker
    ours = locked(tx, id) if id else None
    if ours is None or (ours.till_id, ours.order_id) != (till_id, event.order_id):
        return None
    return ours


def _record(event: RefundRecorded, moment: Moment) -> HostRecord:
    return HostRecord(
        host_object=event.host_object,
        remedy="refund",
        amount=event.amount,
        order_id=event.order_id,
        marker=f"[amends:{event.marker}]" if event.marker else None,
        ending=event.ending,
        at=moment.now,
    )


def _wake(tx: Tx, ours: Payout, host: Host, moment: Moment) -> None:
    """Have the host asked. Where neither the thing's name nor a key protects the payout, not before
    the host must show what it tells of: "not there" would have the payout sent again."""
    due, pays = moment.now, host.pays(ours.remedy)
    if ours.host_object is None and not remembered(ours, pays, moment.now):
        due += host.within + pays.visibility
    if ours.due_at is not None:
        due = min(due, ours.due_at)
    tx.put(replace(ours, due_at=due))
    tx.wake(Case, ours.case_id, due)


def _of_order(tx: Tx, till_id: str, order_id: str | None) -> list[Payout]:
    return tx.find(Payout, till_id=till_id, order_id=order_id) if order_id else []


def other_event(tx: Tx, host: Host, event: Event, moment: Moment) -> None:
    """Events that change what open cases may do, or need a person."""
    if isinstance(event, TicketsMerged) and event.into_ticket_id:
        _follow_merge(tx, host.connection, event, moment)
    elif isinstance(event, DisputeChanged):
        interventions.on_dispute(tx, host.connection.id, event.order_id, event.state, moment)
    elif isinstance(event, ErasureRequested):
        erasure.asked_by_host(
            tx, host.connection.id, host.connection.title, event.customer_id, moment
        )
    elif isinstance(event, ExportRequested):
        erasure.export_asked(
            tx, host.connection.id, host.connection.title, event.customer_id, moment
        )
    elif isinstance(event, ConnectionLost):
        connection = tx.lock(Connection, host.connection.id)
        if connection is not None and connection.state == "on":
            tx.put(replace(connection, state="lost"))
        open_task(
            tx, None, "host_denied", {"host": host.connection.title, "why": event.what}, moment
        )


def _follow_merge(tx: Tx, desk: Connection, event: TicketsMerged, moment: Moment) -> None:
    """Cases of a ticket that was merged away are about the ticket it lives on in."""
    assert event.into_ticket_id is not None
    links = tx.find(CaseTicket, desk_id=desk.id, ticket_id=event.from_ticket_id)
    for link in links:
        where = {"case_id": link.case_id, "desk_id": desk.id, "ticket_id": event.into_ticket_id}
        if not tx.count(CaseTicket, **where):
            tx.add(CaseTicket(id=moment.new("link"), **where))
        moment.log(tx, link.case_id, "merged", {"ticket": event.into_ticket_id})
