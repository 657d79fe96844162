"""What a simulated run consists of: workspace, connections, policy, people, hosts, a market."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random

from core.connection import Connection
from core.events import Event, RefundRecorded, TicketStatusChanged
from core.moment import Moment
from core.money import Money
from core.people import Person, PersonIdentity, Workspace
from core.policies import draft, publish
from core.ports import Buyer, Malformed, Order, RawRequest, Roles, Spec
from core.store import Store, Tx
from core.store.sealing import Sealer, new_key, read_keys
from sandbox.sim import desk as desks
from sandbox.sim.books import Books, OrderBook
from sandbox.sim.clock import START
from sandbox.sim.desk import DeskBooks, Shown, SimDesk, new_ticket
from sandbox.sim.line import Line
from sandbox.sim.till import SimTill, spec_of
from webhooks.hosts import CONNECTED_AT, Host, Hosts, StoredSettings

DESK = "conn_desk"
BUDGET = "shop"
TILLS = {"conn_key": "key", "conn_find": "find", "conn_none": "none"}
AGENT, MANAGER = "agent-1", "manager-1"
REASONS = ("late_delivery", "damaged_item", "wrong_item")
_CURRENCIES = (("EUR", 100), ("JPY", 1), ("KWD", 1_000))
POLICY = """
policy: sim-shop
basis: goodwill
currency: [EUR, JPY, KWD]
facts:
  reason: [late_delivery, damaged_item, wrong_item]
  order.total: money
  order.refundable: money
  days_late: {type: days, default: null}
ask_over: {EUR: 90.00, JPY: 9000, KWD: 90.000}
refuse:
  - {when: {reason: late_delivery, days_late: ..0}, reason: not_late}
give:
  - {when: {reason: late_delivery, days_late: 1..2}, apology: yes, reason: a_little_late}
  - {when: {reason: late_delivery}, refund: 10% of order.total, at_most: order.refundable, reason: late}
  - when: {reason: damaged_item}
    all: [{refund: 50% of order.total, at_most: order.refundable}, {store_credit: 5% of order.total}]
    reason: damaged
  - {when: {reason: wrong_item}, coupon: 30% of order.total, reason: wrong_item}
"""  # noqa: E501 - one row a line


class SimIntake:
    """Deliveries as JSON, proved by nothing: signatures are the connectors' own suite."""

    def verify(self, request: RawRequest, now: object) -> str:
        return request.headers["id"]

    def read(self, request: RawRequest) -> list[Event]:
        try:
            said = json.loads(request.body)
        except ValueError:
            raise Malformed("no JSON") from None
        if "ticket" in said:
            return [
                TicketStatusChanged(ticket_id=said["ticket"], status=said["status"], actor_id=AGENT)
            ]
        return [
            RefundRecorded(
                host_object=said["object"],
                order_id=said["order"],
                amount=Money(said["minor"], said["currency"]),
                marker=said["marker"],
                ending=said["ending"],
            )
        ]


class SimHosts(Hosts):
    """Hands out the simulated roles for a connection's row, which is kept as any other."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        roles: Mapping[str, tuple[Spec, Roles]],
        desk_time: Callable[[], datetime],
    ) -> None:
        super().__init__(store, sealer, allow_private=False, call_within=timedelta(seconds=15))
        self._roles, self._desk_time = roles, desk_time

    def make(self, row: Connection) -> Host:
        spec, roles = self._roles[row.id]
        settings = StoredSettings(self._store, self._sealer, row.id)
        if row.id != DESK:
            return Host(row, spec, roles, spec.calls_within, settings)
        return Host(row, spec, roles, spec.calls_within, settings, self._desk_time)


def a_sealer() -> Sealer:
    return Sealer(read_keys(new_key()))


def furnish(store: Store, moment: Moment, reply: str, desk_time: datetime) -> None:
    """Workspace, connections, policy and people. `desk_time`: the helpdesk's own, just now."""
    tills = [{"connection": id, "tag": f"till_{kind}"} for id, kind in TILLS.items()]
    options = {
        "policy": "sim-shop",
        "mode": "act",
        "reply": reply,
        "reasons": {reason: reason for reason in REASONS},
        "tills": tills,
    }
    with store.write() as tx:
        if tx.get(Workspace, "workspace") is None:
            tx.add(
                Workspace(
                    id="workspace", name="sim", zone="UTC", first_weekday=0, created_at=moment.now
                )
            )
        for id in (DESK, *TILLS):
            tx.add(
                Connection(
                    id=id,
                    connector=id,
                    title=id,
                    live=False,
                    state="on",
                    path_token=id,
                    settings={CONNECTED_AT: desk_time.isoformat()} if id == DESK else {},
                    options=options if id == DESK else {},
                    created_at=moment.now,
                )
            )
        _policy(tx, moment)
        for account, role in ((AGENT, "agent"), (MANAGER, "approver")):
            person = Person(
                id=f"per_{account}",
                name=account,
                email=f"{account}@shop.example",
                roles=[role],
                created_at=moment.now,
            )
            tx.add(person)
            tx.add(
                PersonIdentity(
                    id=f"acc_{account}",
                    person_id=person.id,
                    kind="helpdesk",
                    connection_id=DESK,
                    value=account,
                    linked_at=moment.now,
                )
            )


def _policy(tx: Tx, moment: Moment) -> None:
    """Written by one admin, published by another."""
    writer, publisher = (
        Person(
            id=f"per_{name}",
            name=name,
            email=f"{name}@shop.example",
            roles=["admin"],
            created_at=moment.now,
        )
        for name in ("writer", "publisher")
    )
    tx.add(writer)
    tx.add(publisher)
    written = draft(tx, POLICY, by=writer, moment=moment)
    publish(tx, written.id, effective_from=moment.now.date(), by=publisher, moment=moment)


def limits_text(caps: Mapping[str, int]) -> str:
    """Everybody may give what a policy decides, out of one budget: `caps`, in minor units."""
    much = "{per_transaction: {EUR: 1000000.00, JPY: 1000000, KWD: 1000000.000}}"
    value = ", ".join(f"{currency}: {Money(cap, currency).text}" for currency, cap in caps.items())
    return (
        f"limits: 1\ncurrency: EUR\nroles: {{agent: {much}, approver: {much}}}\npolicy: {much}\n"
        f"order: 100%\nbudgets: {{{BUDGET}: {{value: {{{value}}}}}}}\n"
    )


class Market:
    """Orders, buyers and tickets, written into the hosts' books before the run begins."""

    def __init__(self, chance: Random, tills: Mapping[str, Books], desk: DeskBooks) -> None:
        self._chance, self._tills, self._desk = chance, tills, desk
        self.buyers: dict[str, dict[str, tuple[Buyer, tuple[str, ...]]]] = {t: {} for t in tills}

    def budget(self) -> dict[str, int]:
        """Minor units by currency for all of them together: enough, or not for everybody."""
        share = self._chance.choice((15, 25, 100))
        caps = dict(_CURRENCIES)
        for books in self._tills.values():
            for book in books.orders.values():
                caps[book.order.paid.currency] += book.order.paid.minor * share // 100
        return caps

    def sell(self, number: int) -> list[str]:
        """One order, and the tickets about it: mostly one, sometimes another by another way."""
        chance = self._chance
        till = chance.choice(tuple(TILLS))
        currency, unit = chance.choice(_CURRENCIES)
        total = Money(chance.randrange(5, 250) * unit + chance.randrange(unit), currency)
        order = Order(
            id=f"o{number}",
            name=f"#{10_000 + number}",
            buyer_id=f"b{number}",
            total=total,
            paid=total,
            refunded=Money.zero(currency),
            refundable=total,
            created_at=START - timedelta(days=20),
            promised_on=(START - timedelta(days=8)).date(),
            delivered_on=(START - timedelta(days=chance.choice((8, 7, 2, 1)))).date(),
        )
        self._tills[till].orders[order.id] = OrderBook(order)
        email = f"c{number}@mail.example"
        buyer = Buyer(id=f"b{number}", orders_count=1, spent=total)
        self.buyers[till][email] = (buyer, (order.id,))
        reason = chance.choice(REASONS)
        ids = [f"{number}"] if chance.random() > 0.15 else [f"{number}", f"{number}-chat"]
        for id in ids:
            tags = [f"till_{TILLS[till]}"] + ([reason] if chance.random() > 0.02 else [])
            self._desk.tickets[id] = Shown(
                new_ticket(
                    id,
                    text=f"About {order.name}, please help.",
                    tags=tags,
                    email=email,
                    at=START,
                    agent=AGENT,
                )
            )
        return ids


def roles_of(
    desk: DeskBooks,
    tills: Mapping[str, Books],
    market: Market,
    line: Callable[[], Line],
) -> dict[str, tuple[Spec, Roles]]:
    """Connection id -> what its connector would be."""
    intake = SimIntake()
    found: dict[str, tuple[Spec, Roles]] = {
        DESK: (desks.SPEC, Roles(intake=intake, desk=SimDesk(desk, line())))
    }
    for id, books in tills.items():
        till = SimTill(books, line(), market.buyers[id])
        found[id] = (spec_of(id, books.retry), Roles(intake=intake, till=till))
    return found
