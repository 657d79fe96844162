"""A dispute over a payment holds what would be given beside it, and lets nothing hang for ever."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import flow, interventions, resolve, restore
from core.case import Case, CaseState, Outcome
from core.payout import Payout, PayoutState
from core.ports import Absent, Ending, NotSent, Order, Pays, Receipt, Settled
from core.store import Store
from tests.core.authority.bench import ROUTING, TILL, Bench


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def dispute(bench: Bench, order_id: str, state: str) -> None:
    with bench.store.write() as tx:
        interventions.on_dispute(tx, TILL, order_id, state, bench.moment)


def test_a_dispute_holds_what_was_not_sent_until_it_is_won(bench: Bench) -> None:
    case = bench.ask("10.00 EUR", order=(order := bench.order()))
    dispute(bench, order.id, "open")
    (payout,) = bench.payouts(case)
    assert (payout.due_at, payout.why) == (None, "disputed")
    assert bench.task(case, "disputed")
    dispute(bench, order.id, "lost")
    assert bench.payouts(case)[0].due_at is None
    dispute(bench, order.id, "won")
    assert bench.payouts(case)[0].due_at == bench.now
    assert bench.case(case.id).state is CaseState.PAYING


def test_a_dispute_ends_a_request_and_winning_it_starts_over(bench: Bench) -> None:
    order, jo = bench.order(), bench.person("jo", "agent")
    sam = bench.person("sam", "approver")
    case = bench.ask("10.00 EUR", order=order, by=jo, ask=True)
    bench.decide(case, sam)
    dispute(bench, order.id, "open")
    assert bench.case(case.id).state is CaseState.WITH_PERSON
    assert bench.step(case).state is CaseState.WITH_PERSON
    assert bench.held() == []
    with bench.store.read() as reader:
        assert reader.count(Payout) == 0
    dispute(bench, order.id, "won")
    assert bench.case(case.id).state is CaseState.GATHERING


def close(bench: Bench, case: Case) -> Case:
    with bench.store.write() as tx:
        row = tx.lock(Case, case.id)
        assert row is not None
        assert flow.may_close(tx, row)
        flow.close(
            tx, row, "per_sam", "they have their money by the dispute", ROUTING, bench.moment
        )
    return bench.case(case.id)


def test_what_a_lost_dispute_holds_can_be_ended_and_is_free_again(bench: Bench) -> None:
    bench.limits("policy: {per_day: 15.00}\nbudgets: {all: {value: 15.00}}\n")
    case = bench.ask("10.00 EUR", order=(order := bench.order()))
    dispute(bench, order.id, "lost")
    assert bench.case(case.id).state is CaseState.WITH_PERSON
    ended = close(bench, case)
    assert (ended.state, ended.outcome) == (CaseState.CLOSED, Outcome.DISMISSED)
    assert [p.state for p in bench.payouts(case)] == [PayoutState.DECLINED]
    assert bench.held() == []
    assert set(bench.counters().values()) == {0}
    dispute(bench, order.id, "won")  # it is over all the same
    assert bench.case(case.id).state is CaseState.CLOSED
    assert bench.ask("10.00 EUR", order=order).state is CaseState.PAYING


def test_what_was_never_sent_can_be_given_up_and_what_is_at_a_host_cannot(bench: Bench) -> None:
    """A host that is gone for good would hold its sum for ever."""
    case = bench.ask("10.00 EUR")
    (payout,) = bench.payouts(case)
    for state, may in ((PayoutState.SENDING, False), (PayoutState.UNKNOWN, False),
                       (PayoutState.PENDING, False), (PayoutState.NOT_SENT, True)):  # fmt: skip
        with bench.store.write() as tx:
            tx.put(replace(payout, state=state))
            assert flow.may_close(tx, bench.case_in(tx, case)) is may
    assert close(bench, case).outcome is Outcome.DISMISSED
    assert bench.held() == []


def test_what_is_held_goes_on_also_after_another_part_of_the_case_was_paid(bench: Bench) -> None:
    order = bench.order()
    parts = [bench.part("10.00 EUR", order), bench.part("5.00 EUR", order, "store_credit")]
    case = bench.ask("15.00 EUR", order=order, parts=parts)
    first, second = bench.payouts(case)
    with bench.store.write() as tx:
        tx.put(replace(first, state=PayoutState.SENDING))
    dispute(bench, order.id, "open")
    assert bench.case(case.id).state is CaseState.PAYING
    with bench.store.write() as tx:
        sent = tx.get(Payout, first.id)
        assert sent is not None
        receipt = Receipt(host_object="re_1", amount=first.amount, order_id=first.order_id)
        flow.on_payout(
            tx, bench.case_in(tx, case), sent, Settled(receipt), pays=Pays(retry="find"),
            routing=ROUTING, moment=bench.moment,
        )  # fmt: skip
    assert bench.case(case.id).said == "not_all_paid"
    assert bench.task(case, "disputed")
    dispute(bench, order.id, "won")
    assert bench.case(case.id).state is CaseState.PAYING
    assert {p.id: p.due_at for p in bench.payouts(case)}[second.id] == bench.now


IN_DOUBT = [PayoutState.SENDING, PayoutState.UNKNOWN]


def told(bench: Bench, case: Case, payout: Payout, found: Ending | Absent) -> Payout:
    """What the host answers about it, whenever it does."""
    with bench.store.write() as tx:
        flow.on_payout(
            tx, bench.case_in(tx, case), tx.get(Payout, payout.id) or payout, found,
            pays=Pays(retry="find"), routing=ROUTING, moment=bench.moment,
        )  # fmt: skip
    return {p.id: p for p in bench.payouts(case)}[payout.id]


def in_doubt(bench: Bench, order: Order, state: PayoutState) -> tuple[Case, Payout]:
    case = bench.ask("10.00 EUR", order=order, remedy="coupon")
    (payout,) = bench.payouts(case)
    doubtful = replace(payout, state=state)
    with bench.store.write() as tx:
        tx.put(doubtful)
    return case, doubtful


@pytest.mark.parametrize("state", IN_DOUBT)
@pytest.mark.parametrize("found", [Absent(), NotSent("no connection")])
def test_what_was_in_doubt_and_was_not_sent_after_all_is_held_as_well(
    bench: Bench, state: PayoutState, found: Ending | Absent
) -> None:
    case, payout = in_doubt(bench, order := bench.order(), state)
    dispute(bench, order.id, "open")
    assert bench.case(case.id).state is CaseState.PAYING  # the host is still asked
    after = told(bench, case, payout, found)
    assert (after.state, after.due_at, after.why) == (PayoutState.NOT_SENT, None, "disputed")
    assert bench.case(case.id).state is CaseState.WITH_PERSON
    assert bench.task(case, "disputed")
    assert len(bench.held()) == 1
    dispute(bench, order.id, "won")
    assert bench.payouts(case)[0].due_at == bench.now
    assert bench.case(case.id).state is CaseState.PAYING


@pytest.mark.parametrize("state", IN_DOUBT)
def test_what_was_in_doubt_and_was_sent_ends_as_ever(bench: Bench, state: PayoutState) -> None:
    case, payout = in_doubt(bench, order := bench.order(), state)
    dispute(bench, order.id, "open")
    receipt = Receipt(host_object="code_1", amount=payout.amount, order_id=order.id)
    assert told(bench, case, payout, Settled(receipt)).state is PayoutState.SETTLED
    assert bench.case(case.id).outcome is Outcome.MADE_GOOD


def test_a_dispute_that_was_won_meanwhile_holds_nothing(bench: Bench) -> None:
    case, payout = in_doubt(bench, order := bench.order(), PayoutState.UNKNOWN)
    dispute(bench, order.id, "open")
    dispute(bench, order.id, "won")
    assert told(bench, case, payout, Absent()).due_at == bench.now


def test_what_a_person_says_is_absent_waits_for_the_end_of_the_dispute(bench: Bench) -> None:
    sam = bench.person("sam", "approver")
    jo = bench.person("jo", "agent")
    case = bench.ask("10.00 EUR", order=(order := bench.order()), by=jo, remedy="coupon")
    (payout,) = bench.payouts(case)
    with bench.store.write() as tx:
        tx.put(replace(payout, state=PayoutState.UNKNOWN, due_at=None))
    dispute(bench, order.id, "lost")
    with bench.store.write() as tx:
        resolve.absent(
            tx, payout.id, sam, "looked in the shop", pays=Pays(retry="none"), moment=bench.moment
        )
    (after,) = bench.payouts(case)
    assert (after.state, after.due_at) == (PayoutState.NOT_SENT, None)
    assert bench.task(case, "disputed")
    assert close(bench, case).outcome is Outcome.DISMISSED
    assert bench.held() == []


def test_what_is_paid_elsewhere_for_the_disputed_order_is_held_too(bench: Bench) -> None:
    order = bench.order()
    coupon = replace(bench.part("10.00 EUR", order, "coupon"), till_id="conn_other")
    case = bench.ask("10.00 EUR", order=order, parts=[coupon])
    dispute(bench, order.id, "open")
    assert [p.due_at for p in bench.payouts(case)] == [None]
    assert bench.case(case.id).state is CaseState.WITH_PERSON
    dispute(bench, order.id, "won")
    assert [p.due_at for p in bench.payouts(case)] == [bench.now]


def test_what_may_have_been_given_before_a_restore_still_waits_for_a_person(bench: Bench) -> None:
    case, payout = in_doubt(bench, order := bench.order(), PayoutState.NOT_SENT)
    with bench.store.write() as tx:
        tx.put(replace(payout, due_at=None, why=restore.PERHAPS_GIVEN))
    dispute(bench, order.id, "open")
    dispute(bench, order.id, "won")
    (after,) = bench.payouts(case)
    assert (after.due_at, after.why) == (None, restore.PERHAPS_GIVEN)
