"""What follows when a case's payouts have ended: which tasks are over, and what the customer hears."""

from __future__ import annotations

import pytest

from core import flow, tasks
from core.case import Case, Task
from core.payout import Payout
from core.ports import Declined, Pays, Pending, Receipt, Settled, Unknown
from core.store import Store
from tests.core.authority.bench import ROUTING, Bench
from tests.stores import store

__all__ = ["store"]


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def two_parts(bench: Bench) -> tuple[Case, list[Payout]]:
    order = bench.order()
    parts = [bench.part("10.00 EUR", order), bench.part("5.00 EUR", order, "coupon")]
    case = bench.ask("15.00 EUR", order=order, parts=parts)
    return case, bench.payouts(case)


def told(
    bench: Bench, case: Case, payout: Payout, end: Settled | Declined | Pending | Unknown | None,
    *, by_hand: bool = False,
) -> None:  # fmt: skip
    """What a host says of a payout; None: that it is done."""
    done = Settled(Receipt(host_object=f"obj_{payout.id}", amount=payout.amount))
    pays = Pays(retry="none" if by_hand else "find", by_hand=by_hand)
    with bench.store.write() as tx:
        now = tx.get(Payout, payout.id)
        assert now is not None
        flow.on_payout(
            tx, bench.case_in(tx, case), now, end or done, pays=pays, routing=ROUTING,
            moment=bench.moment,
        )  # fmt: skip


def open_tasks(bench: Bench, case: Case) -> set[str]:
    with bench.store.read() as reader:
        return {task.kind for task in reader.find(Task, case_id=case.id, state="open")}


def open_task(bench: Bench, case: Case, kind: str, **known: str) -> None:
    with bench.store.write() as tx:
        tasks.open_task(tx, bench.case_in(tx, case), kind, known, bench.moment)


def test_only_tasks_about_the_way_there_are_over_with_the_last_payout(bench: Bench) -> None:
    case, (first, second) = two_parts(bench)
    for kind in ("host_unavailable", "our_fault", "nobody_can_approve"):
        open_task(bench, case, kind)
    open_task(bench, case, "paid_by_hand", host_object="re_other")
    open_task(bench, case, "ticket_closed", about="made_good")
    told(bench, case, first, None)
    assert "our_fault" in open_tasks(bench, case)
    told(bench, case, second, None)
    assert open_tasks(bench, case) == {"paid_by_hand", "ticket_closed"}


def test_a_task_about_one_payout_is_over_when_that_one_is_settled(bench: Bench) -> None:
    case, (first, second) = two_parts(bench)
    told(bench, case, first, Pending(Receipt(host_object="p", amount=first.amount)), by_hand=True)
    told(bench, case, second, Unknown("differs: the host shows another sum"))
    assert open_tasks(bench, case) == {"pay_by_hand", "unknown_outcome"}
    told(bench, case, first, None, by_hand=True)
    assert open_tasks(bench, case) == {"unknown_outcome"}
    open_task(bench, case, "differs_at_host", payout=first.id)  # found later, about what is settled
    told(bench, case, second, None)
    assert open_tasks(bench, case) == {"differs_at_host"}
