"""Amends in this process, its hosts as sandbox stand-ins on loopback, its runner driven by hand.

Time is the test's: `rig.later(seconds=...)` moves Amends' clock; hosts keep their own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.serving import make_server

from core.case import Case, CaseStep, Task, Writing
from core.connection import Connection
from core.moment import Moment
from core.payout import Payout
from core.people import Person
from core.store import Store
from core.store.sealing import Sealer, new_key, read_keys
from sandbox import shopify, stripe, world, zendesk
from sandbox.host import Running, serve
from tests.publishing import put_in_force
from webhooks import connecting
from webhooks.app import Services, create_app, ensure_workspace, make_runner
from webhooks.demo.stage import Stage, connect
from webhooks.demo.world import Host
from webhooks.engine.clock import Clock
from webhooks.hosts import Hosts
from webhooks.settings import Settings

_ANY = "[EUR, GBP, USD, SAR, KWD, JPY, AED]"


class MovableClock:
    """Real time, plus what the test adds. Begun in the last minute of a day (UTC), it is in the
    next one already: what a limit leaves for today is for the whole of a test."""

    def __init__(self) -> None:
        soon = datetime.now(UTC) + timedelta(minutes=1)
        midnight = soon.replace(hour=0, minute=0, second=0, microsecond=0)
        self.ahead = max(timedelta(0), timedelta(minutes=1) - (soon - midnight))

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def steady(self) -> float:
        return time.monotonic() + self.ahead.total_seconds()


class Rig:
    def __init__(self, of: Services, stage: Stage, running: Running, clock: MovableClock) -> None:
        self.of, self.stage, self.running, self.clock = of, stage, running, clock
        self.store: Store = of.store
        self.runner = make_runner(of)
        self.desk = Host(stage.urls["zendesk"])
        self.shop = Host(stage.urls["shopify"])
        self.stripe = Host(stage.urls["stripe"])

    # ------------------------------------------------------------------------------ acting

    def solve(self, ticket_id: int | str) -> None:
        self.desk.post(f"tickets/{ticket_id}/solve")
        self.settle()

    def settle(self) -> None:
        """Let the hosts' deliveries arrive and do what is due, until nothing is."""
        for host in (self.desk, self.shop, self.stripe):
            host.post("webhooks/idle", timeout_s=10)
        while self.runner.run_due():
            for host in (self.desk, self.shop, self.stripe):
                host.post("webhooks/idle", timeout_s=10)

    def later(self, **amount: float) -> None:
        """Move Amends' clock on, and do what has come due."""
        self.clock.ahead += timedelta(**amount)
        self.settle()

    def down(self, host: Host, path: str) -> None:
        """The host answers nobody and says for how long: it is not asked again a moment later, in
        vain."""
        host.post(
            "faults", kind="status", status=429, match={"path": path}, times=None,
            headers={"Retry-After": "600"},
        )  # fmt: skip

    def options(self, **options: object) -> None:
        connecting.change_options(self.of, self.stage.desk_id, options)

    def policy(self, give: str, currency: str = _ANY, extra: str = "") -> None:
        """Have a policy of one row decide from now on."""
        text = (
            "policy: tried\nbasis: goodwill\ncurrency: "
            f"{currency}\n"
            "facts: {reason: [late_delivery, damaged_item, wrong_item], order.total: money}\n"
            f"{extra}give:\n  - {give}\n"
        )
        moment = Moment(self.clock.now())
        with self.store.write() as tx:
            put_in_force(tx, text, moment)
        self.options(policy="tried")

    # ------------------------------------------------------------------------------ looking

    def case(self, ticket_id: int | str) -> Case:
        """The newest case of a ticket."""
        with self.store.read() as reader:
            found = reader.find(Case, ticket_id=str(ticket_id), newest_first=True, limit=1)
        assert found, f"no case for ticket {ticket_id}"
        return found[0]

    def cases(self, ticket_id: int | str) -> list[Case]:
        with self.store.read() as reader:
            return reader.find(Case, ticket_id=str(ticket_id))

    def payouts(self, case: Case) -> list[Payout]:
        with self.store.read() as reader:
            return reader.find(Payout, case_id=case.id)

    def steps(self, case: Case) -> list[str]:
        with self.store.read() as reader:
            return [row.what for row in reader.find(CaseStep, case_id=case.id)]

    def tasks(self, case: Case) -> list[str]:
        with self.store.read() as reader:
            return [row.kind for row in reader.find(Task, case_id=case.id, state="open")]

    def writings(self, case: Case) -> list[Writing]:
        with self.store.read() as reader:
            return reader.find(Writing, case_id=case.id)

    def person(self, email: str) -> Person:
        with self.store.read() as reader:
            return reader.find(Person, email=email)[0]

    def connection(self, id: str) -> Connection:
        with self.store.read() as reader:
            row = reader.get(Connection, id)
        assert row is not None
        return row

    # ------------------------------------------------------- the hosts' own books

    def refunds(self) -> list[Mapping[str, Any]]:
        """Every refund in the shop's own books that was not made by hand."""
        return [r for r in self.shop.get("books")["refunds"] if not r["by_hand"]]

    def comments(self, ticket_id: int | str) -> list[Mapping[str, Any]]:
        """What was written on the ticket after the customer's first message."""
        comments: list[Mapping[str, Any]] = self.ticket(ticket_id)["comments"]
        return comments[1:]

    def ticket(self, ticket_id: int | str) -> Mapping[str, Any]:
        tickets = self.desk.get("books")["tickets"]
        found: Mapping[str, Any] = next(t for t in tickets if t["id"] == int(ticket_id))
        return found


@contextmanager
def rigged(store: Store) -> Iterator[Rig]:
    """A workspace connected to fresh sandbox hosts with the demo world in them."""
    clock = MovableClock()
    theirs = store.clock
    store.clock = lambda: at + clock.ahead if (at := theirs()) else None  # type: ignore[method-assign]
    settings = Settings(workspace=store.workspace_id, allow_private_hosts=True)
    sealer = Sealer(read_keys(new_key()))
    hosts = Hosts(store, sealer, allow_private=True, call_within=settings.call_within)
    apps = {"zendesk": zendesk.create(), "shopify": shopify.create(), "stripe": stripe.create()}
    with serve(apps) as running:
        world.load(running.urls)
        of = Services(settings, store, sealer, hosts, Clock(now=clock.now, steady=clock.steady))
        ensure_workspace(store, "test", of.clock)
        with _web(of) as port:
            settings.public_url = f"http://127.0.0.1:{port}"
            rig = Rig(of, connect(of, running.urls), running, clock)
            try:
                yield rig
            finally:
                rig.runner.stop()


@contextmanager
def _web(of: Services) -> Iterator[int]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", 0, create_app(of), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
