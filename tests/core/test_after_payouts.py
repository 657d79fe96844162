"""What follows when payouts have ended: which tasks are over, and what the customer hears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from core import flow, resolve, reversal, tasks
from core.case import Case, CaseState, Outcome, Task, Writing
from core.payout import Payout
from core.people import Person
from core.ports import Declined, Pays, Pending, Receipt, Settled, Unknown
from core.store import Store
from tests.core.authority.bench import ROUTING, Bench
from tests.stores import store

__all__ = ["store"]


SENDING = replace(ROUTING, reply="send")
NO = Declined("no", "the bank says no")


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
        reversal.on_result(
            tx, bench.case_in(tx, case), now, end or done, pays=pays, routing=SENDING,
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


# ------------------------------------------------------------------------ what the customer hears


def heard(bench: Bench, case: Case) -> list[list[str]]:
    """What of it was given, letter by letter."""
    with bench.store.read() as reader:
        rows = [w for w in reader.find(Writing, case_id=case.id) if w.kind == "reply"]
    told = [cast("Mapping[str, list[dict[str, str]]]", row.data)["given"] for row in rows]
    return [sorted(doc["remedy"] for doc in docs) for docs in told]


def is_due(bench: Bench, case: Case) -> bool:
    """Whether somebody writes it to the ticket now."""
    leases = bench.store.claim(Case, owner="t", now=bench.now, length=timedelta(minutes=1), limit=9)
    return case.id in {lease.id for lease in leases}


def close(bench: Bench, case: Case) -> None:
    with bench.store.write() as tx:
        row = bench.case_in(tx, case)
        assert flow.may_close(tx, row)
        flow.close(tx, row, "per_sam", "enough", SENDING, bench.moment)


def found(bench: Bench, case: Case, payout: Payout) -> None:
    """A person has found it at the host."""
    proof = Settled(Receipt(host_object=f"obj_{payout.id}", amount=payout.amount))
    with bench.store.read() as reader:
        sam = reader.get(Person, "per_sam")
    with bench.store.write() as tx:
        resolve.settle(
            tx, payout.id, sam or bench.person("sam", "approver"), proof, pays=Pays(retry="find"),
            routing=SENDING, moment=bench.moment,
        )  # fmt: skip


@pytest.fixture
def parts(bench: Bench) -> tuple[Case, Payout, Payout]:
    bench.person("sam", "approver")
    order, jo = bench.order(), bench.person("jo", "agent")
    asked = [bench.part("10.00 EUR", order), bench.part("5.00 EUR", order, "coupon")]
    case = bench.ask("15.00 EUR", order=order, parts=asked, by=jo)
    refund, coupon = bench.payouts(case)
    return case, refund, coupon


def test_what_was_paid_after_all_of_a_closed_case_is_told_once(
    bench: Bench, parts: tuple[Case, Payout, Payout]
) -> None:
    case, refund, coupon = parts
    told(bench, case, refund, NO)
    told(bench, case, coupon, NO)
    close(bench, case)
    assert heard(bench, case) == []
    found(bench, case, refund)
    assert heard(bench, case) == [["refund"]]
    found(bench, case, coupon)
    assert heard(bench, case) == [["refund"], ["coupon"]]
    after = bench.case(case.id)
    assert (after.state, after.outcome) == (CaseState.CLOSED, Outcome.MADE_GOOD)
    assert is_due(bench, case)


def test_what_a_case_gave_that_a_person_ends_is_told_and_what_it_did_not_is_not(
    bench: Bench, parts: tuple[Case, Payout, Payout]
) -> None:
    case, refund, coupon = parts
    told(bench, case, coupon, None)
    told(bench, case, refund, NO)
    assert heard(bench, case) == []
    close(bench, case)
    assert heard(bench, case) == [["coupon"]]
    assert is_due(bench, case)
    found(bench, case, refund)
    assert heard(bench, case) == [["coupon"], ["refund"]]


def test_what_failed_later_and_was_paid_all_the_same_is_not_told_twice(
    bench: Bench, parts: tuple[Case, Payout, Payout]
) -> None:
    case, refund, coupon = parts
    told(bench, case, refund, None)
    told(bench, case, coupon, None)
    with bench.store.write() as tx:
        settled = tx.get(Payout, refund.id)
        assert settled is not None
        reversal.doubt(tx, settled, bench.moment)
    told(bench, case, refund, NO)
    assert bench.case(case.id).state is CaseState.WITH_PERSON
    found(bench, case, refund)
    assert bench.case(case.id).outcome is Outcome.MADE_GOOD
    assert heard(bench, case) == [["coupon", "refund"]]
