"""Hosts in this process that answer at once, and a workspace to use them: so that what a benchmark
measures is ours.

Each process that makes them has hosts of its own, so a case has to stay with the one that began it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from core.connection import Connection, Delivery
from core.events import Event, TicketStatusChanged
from core.moment import Moment
from core.money import Money
from core.policies import publish_pack
from core.ports import (
    Absent,
    Buyer,
    Ending,
    Finding,
    HostRecord,
    Instruction,
    Order,
    Pays,
    Purchases,
    Quote,
    RawRequest,
    Receipt,
    Requester,
    Roles,
    Settled,
    Spec,
    Ticket,
    Who,
    WriteBack,
)
from core.store import Reader, Store
from webhooks.app import SYSTEM_CLOCK, ensure_workspace
from webhooks.hosts import Host, NoSuchConnection

SPEC = Spec(name="instant", title="Instant", pays={"refund": Pays(retry="key")})
OPTIONS = {
    "policy": "online-shop", "mode": "act", "reply": "send",
    "reasons": {"damaged": "damaged_item"}, "tills": [{"connection": "till"}],
}  # fmt: skip


class Desk:
    def __init__(self) -> None:
        self.there: set[str] = set()

    def verify(self, request: RawRequest, now: datetime) -> str:
        return request.body.decode()

    def read(self, request: RawRequest) -> Sequence[Event]:
        return [TicketStatusChanged(ticket_id=request.body.decode(), status="solved")]

    def ticket(self, ticket_id: str) -> Ticket:
        who = Requester(id=ticket_id, email=f"{ticket_id}@mail.example", name="Ada", language="en")
        return Ticket(
            id=ticket_id, status="solved", tags=frozenset({"damaged"}), fields={}, requester=who,
            language="en", subject="Broken", text="It broke", brand=None, channel="web",
            assignee_id="1", created_at=_NOW, updated_at=_NOW,
        )  # fmt: skip

    def find(self, back: WriteBack) -> str | None:
        return back.marker if back.marker in self.there else None

    def write_back(self, back: WriteBack) -> str:
        self.there.add(back.marker)
        return back.marker

    def recent(self, since: datetime) -> Iterable[Ticket]:
        return ()


class Till:
    def __init__(self) -> None:
        self.paid: dict[str, Receipt] = {}

    def purchases(self, who: Who) -> Purchases:
        name = str(who.email).partition("@")[0]
        order = self.order(name)
        return Purchases(buyers=(Buyer(id=name, orders_count=3, spent=None),), orders=(order,))

    def order(self, order_id: str) -> Order:
        whole, none = Money(5000, "EUR"), Money(0, "EUR")
        return Order(
            id=order_id, name=f"#{order_id}", buyer_id=order_id, total=whole, paid=whole,
            refunded=none, refundable=whole, created_at=_NOW,
        )  # fmt: skip

    def quote(self, instruction: Instruction) -> Quote:
        return Quote(payable=cast(Money, instruction.amount))

    def pay(self, instruction: Instruction) -> Ending:
        receipt = Receipt(host_object=instruction.key, amount=instruction.amount)
        return Settled(self.paid.setdefault(instruction.marker, receipt))

    def find(self, instruction: Instruction) -> Finding:
        found = self.paid.get(instruction.marker)
        return Settled(found) if found else Absent()

    def reverse(self, instruction: Instruction) -> Ending:
        return self.pay(instruction)

    def recent(self, since: datetime) -> Iterable[HostRecord]:
        return ()


_NOW = datetime.now(UTC)


class InstantHosts:
    """What the engine asks of `Hosts`."""

    def __init__(self, desk: Desk | None = None) -> None:
        desk, till = desk or Desk(), Till()
        roles = {"desk": Roles(intake=desk, desk=desk), "till": Roles(till=till)}
        within = timedelta(seconds=5)
        self._made = {
            id: Host(connection(id), SPEC, role, within, cast(Any, None))
            for id, role in roles.items()
        }

    def get(self, connection_id: str, tx: Reader | None = None) -> Host:
        if connection_id not in self._made:
            raise NoSuchConnection(connection_id)
        return self._made[connection_id]

    def titles(self) -> dict[str, str]:
        return {"desk": "Desk", "till": "Till"}


def connection(id: str) -> Connection:
    return Connection(
        id=id, connector="instant", title=id, live=False, state="on", path_token=id, settings={},
        options=OPTIONS if id == "desk" else {}, created_at=_NOW,
    )  # fmt: skip


def furnish(store: Store) -> None:
    """A workspace with its connections and a policy in force."""
    moment = Moment(datetime.now(UTC))
    ensure_workspace(store, "bench", SYSTEM_CLOCK)
    with store.write() as tx:
        tx.add(connection("desk"))
        tx.add(connection("till"))
        day = moment.now.date()
        publish_pack(tx, "online-shop", effective_from=day, by=None, moment=moment)


def ticket_of(number: int) -> str:
    return str(1000 + number)


def delivery(number: int, moment: Moment) -> Delivery:
    return Delivery(
        id=moment.new("dlv"), connection_id="desk", dedupe_key=str(number),
        received_at=moment.now, headers={}, body=ticket_of(number).encode(), state="new",
        due_at=moment.now,
    )  # fmt: skip
