"""Cases settled a second: `python -m benchmarks.cases [--cases 500] [--postgres] [--threads 1,4]`.

Deliveries are kept first; then runners take each from its delivery to the last word on its ticket,
against hosts in this process that answer at once, so that what is measured is ours: flow, policy,
ledger, store. The floor, measured in the same run: as many commits of one small row on the bare
driver as a case takes.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pgserver
import psycopg

from core.case import Case, CaseState, Outcome
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
from core.store.memory import MemoryStore
from core.store.schema import upgrade
from core.store.sealing import Sealer, new_key, read_keys
from core.store.sql import SqlStore
from webhooks.app import SYSTEM_CLOCK, ensure_workspace
from webhooks.engine.runner import Runner
from webhooks.hosts import Host, Hosts, NoSuchConnection

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

    def __init__(self) -> None:
        desk, till = Desk(), Till()
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


class Counted:
    """A store that counts its commits."""

    def __init__(self, store: Store) -> None:
        self._store, self.commits = store, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def write(self, *leases: Any) -> Iterator[Any]:
        with self._store.write(*leases) as tx:
            yield tx
        self.commits += 1

    def claim(self, *args: Any, **kwargs: Any) -> Any:
        leases = self._store.claim(*args, **kwargs)
        self.commits += bool(leases)
        return leases


def furnish(store: Store) -> None:
    """A workspace with its connections and a policy in force."""
    moment = Moment(datetime.now(UTC))
    ensure_workspace(store, "bench", SYSTEM_CLOCK)
    with store.write() as tx:
        tx.add(connection("desk"))
        tx.add(connection("till"))
        day = moment.now.date()
        publish_pack(tx, "online-shop", effective_from=day, by=None, moment=moment)


def settle(store: Store, numbers: range, threads: int) -> tuple[float, float]:
    """Seconds for these cases, which nobody had before, and commits a case (with the one that kept
    its delivery)."""
    moment = Moment(datetime.now(UTC))
    cases = len(numbers)
    for number in numbers:
        store.append(_delivery(number, moment))
    counted = Counted(store)
    runner = Runner(
        cast(Store, counted), cast(Hosts, InstantHosts()), sealer=Sealer(read_keys(new_key())),
        clock=SYSTEM_CLOCK, lease_length=timedelta(seconds=60), public_url="http://localhost",
        threads=threads, poll=timedelta(milliseconds=20),
    )  # fmt: skip
    start = time.perf_counter()
    runner.start()
    while True:
        with store.read() as reader:
            waiting = reader.count(Delivery, state="new")
            if not waiting and not any(reader.count(Case, state=state) for state in _OPEN):
                break
        time.sleep(0.02)
    seconds = time.perf_counter() - start
    runner.stop()
    made_good = {"desk_id": "desk", "outcome": Outcome.MADE_GOOD}
    with store.read() as reader:
        for number in numbers:
            assert reader.count(Case, ticket_id=_ticket(number), **made_good) == 1, number
    return seconds, counted.commits / cases + 1


_OPEN = (CaseState.GATHERING, CaseState.PAYING)


def _ticket(number: int) -> str:
    return str(1000 + number)


def _delivery(number: int, moment: Moment) -> Delivery:
    return Delivery(
        id=moment.new("dlv"), connection_id="desk", dedupe_key=str(number),
        received_at=moment.now, headers={}, body=_ticket(number).encode(), state="new",
        due_at=moment.now,
    )  # fmt: skip


def sqlite_floor(folder: Path, commits: int) -> float:
    """Commits a second of one small row on the bare driver, as durable as ours."""
    bare = sqlite3.connect(folder / "floor.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    bare.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY, body TEXT)")
    start = time.perf_counter()
    for _ in range(commits):
        bare.execute("INSERT INTO kept (body) VALUES (?)", ("x" * 200,))
    return commits / (time.perf_counter() - start)


def postgres_floor(url: str, commits: int) -> float:
    with psycopg.connect(url, autocommit=True) as bare:
        bare.execute("CREATE TABLE IF NOT EXISTS kept (id BIGSERIAL PRIMARY KEY, body TEXT)")
        start = time.perf_counter()
        for _ in range(commits):
            bare.execute("INSERT INTO kept (body) VALUES (%s)", ("x" * 200,))
        return commits / (time.perf_counter() - start)


def report(title: str, store: Store, cases: int, threads: int, floor: float | None) -> None:
    furnish(store)
    seconds, commits = settle(store, range(cases), threads)
    store.close()
    row = {"store": title, "threads": threads, "cases_per_second": round(cases / seconds, 1),
           "commits_per_case": round(commits, 2)}  # fmt: skip
    if floor is not None:
        row["floor_cases_per_second"] = round(floor / commits, 1)
        row["ratio_to_floor"] = round(cases / seconds / (floor / commits), 2)
    print(json.dumps(row))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--threads", default="1,4", help="runner threads to try, with commas")
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL too")
    asked = parser.parse_args()
    for threads in map(int, asked.threads.split(",")):
        report("memory", MemoryStore("bench"), asked.cases, threads, None)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            url = f"sqlite:///{folder / 'cases.db'}"
            upgrade(url)
            floor = sqlite_floor(folder, 2000)
            report("sqlite", SqlStore(url, "bench"), asked.cases, threads, floor)
            if asked.postgres:
                make = pgserver.get_server  # type: ignore[attr-defined]
                server = make(folder / "pg", cleanup_mode="stop")
                upgrade(str(server.get_uri()))
                floor = postgres_floor(str(server.get_uri()), 1000)
                store = SqlStore(str(server.get_uri()), "bench")
                report("postgresql", store, asked.cases, threads, floor)
                server.cleanup()


if __name__ == "__main__":
    main()
