"""A process that dies in the middle of a sweep: somebody else goes on with it, and soon."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from core import chores, restore
from core.case import Case, CaseState
from core.chores import Chore
from core.connection import Connection
from core.moment import Moment
from core.payout import Payout, PayoutState
from core.people import Workspace
from core.ports import Absent, Finding, HostRecord, Instruction, Pays, Receipt, Settled
from core.store import Store
from core.store.sealing import Sealer, new_key, read_keys
from core.sweep import Report, read_report
from tests.stores import NOW, sample, store
from webhooks.engine.clock import Clock
from webhooks.engine.housekeeping import Habits, Housekeeping
from webhooks.engine.sweeping import Sweeper
from webhooks.hosts import Hosts

__all__ = ["store"]

LEASE = timedelta(seconds=90)
PAYOUTS = [f"pay_{number}" for number in range(6)]


class Killed(BaseException):
    """No handler of ours runs."""


class Till:
    """Lists nothing; shows what it is asked about, but for the newest. Dies at the fourth time."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.lives = 1

    def recent(self, since: datetime) -> Iterator[HostRecord]:
        return iter(())

    def find(self, order: Instruction) -> Finding:
        if len(self.asked) == 3 and self.lives:
            self.lives -= 1
            raise Killed
        self.asked.append(order.payout_id)
        if order.payout_id == PAYOUTS[-1]:
            return Absent()
        return Settled(
            Receipt(host_object=order.host_object or "", amount=order.amount, order_id="o")
        )


def _host(till: Till) -> SimpleNamespace:
    spec = SimpleNamespace(quality={})
    return SimpleNamespace(
        has_books=True, roles=SimpleNamespace(desk=None), till=till, spec=spec, routing=None,
        connection=sample(Connection, "till"), lists=lambda _: True,
        pays=lambda _: Pays(retry="find"),
    )  # fmt: skip


def _house(store: Store, till: Till, now: list[datetime], owner: str) -> Housekeeping:
    host = _host(till)
    hosts = SimpleNamespace(get=lambda *_: host, make=lambda _: host)
    return Housekeeping(
        store,
        cast(Hosts, hosts),
        sealer=Sealer(read_keys(new_key())),
        clock=Clock(now=lambda: now[0], steady=lambda: 0.0),
        owner=owner,
        lease_length=LEASE,
        habits=Habits(),
    )


def _chore(store: Store) -> Chore:
    with store.read() as reader:
        found = reader.get(Chore, chores.id_of("sweep", "till"))
    assert found is not None
    return found


def test_a_sweep_is_gone_on_with_as_soon_as_its_lease_is_over(store: Store) -> None:
    till, now = Till(), [NOW]
    with store.write() as tx:
        tx.add(sample(Connection, "till", created_at=NOW - timedelta(days=2)))
        for number, id in enumerate(PAYOUTS):
            case = sample(Case, f"case_{id}", state=CaseState.CLOSED, due_at=None, open_key=None)
            tx.add(case)
            tx.add(
                sample(
                    Payout, id, case_id=case.id, offer_id=id, till_id="till", order_id="o",
                    state=PayoutState.SETTLED, host_object=f"r{number}", due_at=None, why=None,
                    customer_id=None, sealed_code=None, remedy="refund",
                    created_at=NOW - timedelta(days=1), changed_at=NOW - timedelta(days=1),
                )
            )  # fmt: skip
        chores.plan(tx, "sweep", "till", NOW)
    with suppress(Killed):
        _house(store, till, now, "dies").run_due()
    assert till.asked == ["pay_5", "pay_4", "pay_3"]
    assert _house(store, till, now, "next").run_due() == 0  # nobody knows yet
    now[0] += LEASE + timedelta(seconds=1)
    assert _house(store, till, now, "next").run_due() == 1
    assert till.asked == list(reversed(PAYOUTS))  # each once
    chore = _chore(store)
    assert (chore.done_at, chore.due_at) == (NOW, None)  # it stands for when it was begun
    report = read_report(chore.said)
    assert [(one.kind, one.payout) for one in report.differences] == [("missing", "pay_5")]
    assert "begun" not in chore.said


def test_what_is_planned_while_it_is_swept_is_done_once_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever says that the database was put back must not wait for the night."""
    swept: list[str] = []

    def sweep(self: Sweeper, connection: str, **_: object) -> Report:
        if not swept:
            with store.write() as tx:
                chores.plan(tx, "sweep", "till", NOW)
        swept.append(connection)
        return Report(connection=connection, title="t", since=NOW, at=NOW, swept=True)

    monkeypatch.setattr(Sweeper, "sweep", sweep)
    house = _house(store, Till(), [NOW], "me")
    with store.write() as tx:
        chores.plan(tx, "sweep", "till", NOW)
    assert [house.run_due() for _ in range(3)] == [1, 1, 0]


def test_a_lease_is_held_while_a_host_s_list_is_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list may take longer than a lease lasts: if each that begins lost it to the next one, no
    sweep would ever end."""
    now, renewed = [NOW], threading.Event()
    house = _house(store, Till(), now, "me")
    house._length = timedelta(seconds=0.4)
    renew = type(store).renew

    def noticed(*given: object, **named: object) -> object:
        lease = renew(*given, **named)  # type: ignore[arg-type]
        renewed.set()
        return lease

    monkeypatch.setattr(type(store), "renew", noticed)

    def sweep(self: Sweeper, connection: str, **how: object) -> Report:
        for _ in range(3):
            renewed.clear()
            now[0] += timedelta(seconds=0.3)
            assert renewed.wait(10)
            assert _house(store, Till(), now, "another").run_due() == 0
        return Report(connection=connection, title="t", since=NOW, at=NOW, swept=True)

    monkeypatch.setattr(Sweeper, "sweep", sweep)
    with store.write() as tx:
        chores.plan(tx, "sweep", "till", NOW)
    assert house.run_due() == 1
    assert _chore(store).due_at is None


def test_after_a_restore_a_sweep_from_before_is_begun_anew(store: Store) -> None:
    said: dict[str, object] = {"begun": {"at": "then"}, "heard_to": "then"}
    with store.write() as tx:
        tx.add(sample(Workspace, "workspace", halted_why=None))
        row = chores.plan(tx, "sweep", "till", NOW)
        tx.put(replace(row, result=said))
        restore.mark(tx, Moment(NOW))
    assert _chore(store).said == {"heard_to": "then"}
