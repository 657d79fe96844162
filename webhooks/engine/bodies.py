"""Raw deliveries: kept for a while so that they can be read again, then emptied. What keeps a
delivery from being taken twice stays for ever."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from core.case import Case, CaseTicket, Identity
from core.connection import Delivery
from core.errors import AmendsError
from core.payout import Payout
from core.store import Reader, Store, Tx
from webhooks.engine.deliveries import request_of
from webhooks.hosts import Hosts

_BATCH = 200
#: A shorter number would be found in every body.
_TELLING = 5


def empty(tx: Tx, after: object, before: datetime) -> tuple[object, bool]:
    """Empty one batch of what arrived before. Answers up to where nothing is left to empty, and
    whether there is more."""
    start = after if isinstance(after, str) else None
    page = tx.find(Delivery, after=start, limit=_BATCH)
    for row in page:
        if row.received_at >= before or row.state == "new":
            return after, False  # what is still to be read is kept, and all that came later
        if row.body is not None:
            _empty(tx, row)
        after = row.id
    return after, len(page) == _BATCH


def _empty(tx: Tx, row: Delivery) -> None:
    tx.put(replace(row, body=None, headers={}))


# ------------------------------------------------------------------------------------ a person


@dataclass(frozen=True, slots=True)
class _Known:
    """By what a delivery is known to be about a customer. `values` tell wherever they stand;
    `ids` (connection, id of theirs, of an order or a ticket) only where an id is written."""

    values: frozenset[str]
    ids: frozenset[tuple[str, str]]
    tickets: frozenset[tuple[str, str]]
    orders: frozenset[tuple[str, str]]


def about(store: Store, hosts: Hosts, customer_id: str) -> list[str]:
    """Ids of the deliveries that say something of a customer."""
    with store.read() as reader:
        known = _known(reader, customer_id)
    return [row.id for row in _kept(store) if _is_about(row, known, hosts)]


def empty_those(tx: Tx, ids: Collection[str]) -> None:
    for id in ids:
        row = tx.lock(Delivery, id)
        if row is not None and row.state != "new":
            _empty(tx, row)


def _known(reader: Reader, customer_id: str) -> _Known:
    cases = reader.find(Case, customer_id=customer_id)
    theirs = tuple(case.id for case in cases)
    links = reader.find(CaseTicket, case_id=theirs) if theirs else []
    payouts = reader.find(Payout, case_id=theirs) if theirs else []
    orders = {(c.till_id or "", c.order_id or "") for c in cases}
    orders |= {(p.till_id, p.order_id or "") for p in payouts}
    tickets = {(link.desk_id, link.ticket_id) for link in links}
    people = {
        (row.connection_id, row.value) for row in reader.find(Identity, customer_id=customer_id)
    }
    # A host may name the same thing by an address in one place and by a number in another.
    people |= _numbers(people)
    ids = people | orders | _numbers(orders) | tickets
    return _Known(
        values=frozenset(value for _, value in people if len(value) >= _TELLING),
        ids=frozenset((connection, id) for connection, id in ids if id),
        tickets=frozenset(tickets),
        orders=frozenset(orders),
    )


def _numbers(ids: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    return {(connection, id.rpartition("/")[2]) for connection, id in ids}


def _kept(store: Store) -> Iterator[Delivery]:
    after: str | None = None
    while True:
        with store.read() as reader:
            page = reader.find(Delivery, after=after, limit=_BATCH)
        yield from (row for row in page if row.body is not None)
        if len(page) < _BATCH:
            return
        after = page[-1].id


def _is_about(row: Delivery, known: _Known, hosts: Hosts) -> bool:
    body = row.body or b""
    if any(value.encode() in body for value in known.values):
        return True
    if any((row.connection_id, id) in known.ids for id in _ids_in(body)):
        return True
    with suppress(AmendsError):  # a connection that is gone, a body that is not understood
        for event in hosts.get(row.connection_id).intake.read(request_of(row)):
            ticket = getattr(event, "ticket_id", None)
            order = getattr(event, "order_id", None)
            if (row.connection_id, ticket) in known.tickets:
                return True
            if order and (row.connection_id, order) in known.orders:
                return True
    return False


def _ids_in(body: bytes) -> Iterator[str]:
    """Whatever a body of JSON has under a name such as `id`, `order_id` or `customerId`."""
    try:
        waiting = [json.loads(body, parse_float=str)]
    except (ValueError, RecursionError):
        return
    while waiting:
        found = waiting.pop()
        if isinstance(found, Mapping):
            yield from (
                str(value)
                for name, value in found.items()
                if name.lower().endswith("id") and isinstance(value, str | int)
            )
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
