"""The pages of staff, put together: what they need of hosts and of the runner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import Blueprint

from console import staff
from core import by_hand
from core.case import Case, Task
from core.moment import Moment
from core.people import Person
from core.ports import Remedy
from core.store import Store
from core.tasks import NotOpen
from webhooks.engine.clock import Clock
from webhooks.hosts import Hosts


def blueprint(store: Store, hosts: Hosts, clock: Clock, notice: Callable[[], None]) -> Blueprint:
    return staff.blueprint(Workplace(store, hosts, clock, notice))


@dataclass(frozen=True, slots=True)
class Workplace:
    """`tell` says to a runner of this process that there is work."""

    store: Store
    hosts: Hosts
    clock: Clock
    tell: Callable[[], None]

    def now(self) -> datetime:
        return self.clock.now()

    def notice(self) -> None:
        self.tell()

    def pay_by_hand(self, task_id: str, person: Person, *, proof: str = "", why: str = "") -> None:
        with self.store.write() as tx:
            task = tx.get(Task, task_id)
            if task is None:
                raise NotOpen(f"there is no open task {task_id}")
            payout = by_hand.payout_of(tx, task)
            case = tx.get(Case, payout.case_id)
            assert case is not None  # cases are never deleted
            pays = self.hosts.get(payout.till_id, tx).pays(cast(Remedy, payout.remedy))
            routing = self.hosts.get(case.desk_id, tx).routing
            moment = Moment(self.clock.now())
            end, said = (by_hand.not_paid, why) if why else (by_hand.paid, proof)
            end(tx, task.id, person.id, said, pays=pays, routing=routing, moment=moment)
