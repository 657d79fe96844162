"""What is let go or paid: each counter gives back what was taken, and the breaker stops it all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import authority, resolve, reversal
from core.case import Case, CaseState
from core.payout import PayoutState
from core.people import Workspace
from core.ports import Pays, Receipt, Settled
from core.store import Store
from tests.core.authority.bench import ROUTING, Bench, money


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def test_a_payout_settled_twice_is_used_once(bench: Bench) -> None:
    bench.limits("policy: {per_day: 90.00}\n")
    case = bench.ask("30.00 EUR")
    bench.settle(case)
    (used,) = bench.held("used")
    (payout,) = bench.payouts(case)
    bench.later(hours=1)
    with bench.store.write() as tx:
        authority.conclude(tx, payout, bench.now)
    assert bench.held("used") == [used]
    with bench.store.write() as tx:
        authority.conclude(tx, replace(payout, state=PayoutState.FAILED), bench.now)
    assert bench.left(None) == {"day EUR": "90.00 EUR"}
    assert [row.ended_at for row in bench.held("released")] == [bench.now]


@pytest.mark.parametrize(("remedy", "rest"), [("refund", 2000), ("store_credit", 3000)])
def test_one_part_of_several_comes_back_by_itself(bench: Bench, remedy: str, rest: int) -> None:
    bench.limits("policy: {per_day: 90.00}\nbudgets: {all: {value: 500.00, count: 9}}\n")
    order = bench.order()
    parts = [bench.part("30.00 EUR", order), bench.part("20.00 EUR", order, "store_credit")]
    case = bench.ask("50.00 EUR", order=order, parts=parts)
    payout = next(row for row in bench.payouts(case) if row.remedy == remedy)
    with bench.store.write() as tx:
        authority.conclude(tx, replace(payout, state=PayoutState.DECLINED), bench.now)
    assert bench.left(None) == {"day EUR": f"{(9000 - rest) // 100}.00 EUR"}
    assert [row.amount_minor for row in bench.held()] == [rest]
    assert bench.counters() == {
        "policy||day|2026-03-04|EUR": rest, "budget|all|once|EUR": rest, "budget|all|once|count": 1,
    }  # fmt: skip


def test_what_was_paid_stays_counted_when_the_rest_is_let_go(bench: Bench) -> None:
    bench.limits("policy: {per_day: 90.00}\n")
    order = bench.order()
    parts = [bench.part("30.00 EUR", order), bench.part("20.00 EUR", order, "store_credit")]
    case = bench.ask("50.00 EUR", order=order, parts=parts)
    paid = next(row for row in bench.payouts(case) if row.remedy == "refund")
    with bench.store.write() as tx:
        authority.conclude(tx, replace(paid, state=PayoutState.SETTLED), bench.now)
    for _ in range(2):  # and is let go once
        with bench.store.write() as tx:
            authority.release(tx, case, bench.now)
        assert bench.left(None) == {"day EUR": "60.00 EUR"}
    assert [row.amount_minor for row in bench.held("used")] == [3000]


def budgets(bench: Bench, case: Case) -> dict[int, list[str]]:
    with bench.store.read() as reader:
        return {
            payout.position: authority.budgets_of(reader, payout) for payout in bench.payouts(case)
        }


@pytest.mark.parametrize("free", [0, 1])
def test_a_part_is_borne_by_the_budgets_it_was_counted_in(bench: Bench, free: int) -> None:
    bench.limits(
        "policy: {per_day: 90.00}\nbreaker: {per_day: 900.00}\n"
        "budgets: {team: {value: 500.00}, all: {value: 500.00, every: month}}\n"
    )
    order, amounts = bench.order(), ["5.00 EUR", "5.00 EUR"]
    amounts[free] = "0.00 EUR"
    remedies = ("refund", "store_credit")
    parts = [bench.part(a, order, remedy) for a, remedy in zip(amounts, remedies, strict=True)]
    case = bench.ask("5.00 EUR", order=order, parts=parts)
    assert budgets(bench, case) == {free: [], 1 - free: ["all", "team"]}


def test_a_budget_that_was_let_go_bears_nothing(bench: Bench) -> None:
    bench.limits("roles: {approver: {per_day: 90.00}}\nbudgets: {old: {value: 500.00}}\n")
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("5.00 EUR", by=jo)
    bench.decide(case, sam)
    bench.limits("roles: {approver: {per_day: 90.00}}\nbudgets: {new: {value: 500.00}}\n")
    assert bench.step(case).state is CaseState.PAYING
    assert budgets(bench, case) == {0: ["new"]}


def test_all_parts_come_back_together(bench: Bench) -> None:
    bench.limits("policy: {per_day: {value: 90.00, count: 9}}\n")
    order = bench.order()
    parts = [bench.part("30.00 EUR", order), bench.part("20.00 EUR", order, "store_credit")]
    case = bench.ask("50.00 EUR", order=order, parts=parts)
    assert bench.left(None) == {"day EUR": "40.00 EUR", "day count": "7"}
    with bench.store.write() as tx:
        authority.release(tx, case, bench.now)
    assert bench.left(None) == {"day EUR": "90.00 EUR", "day count": "9"}


def test_what_is_reserved_again_takes_the_place_of_its_own_alone(bench: Bench) -> None:
    bench.limits(
        "roles: {approver: {per_day: 90.00}}\npolicy: {per_day: 90.00}\n"
        "budgets: {all: {value: 500.00, count: 9}}\n"
    )
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case, order = bench.ask("5.00 EUR", by=jo), bench.order()
    parts = [bench.part("7.00 EUR", order), bench.part("1.00 EUR", order, "store_credit")]
    bench.ask("8.00 EUR", buyer="b2", order=order, parts=parts)
    bench.decide(case, sam)
    assert bench.step(case).state is CaseState.PAYING
    counters = bench.counters()
    assert (counters["budget|all|once|EUR"], counters["budget|all|once|count"]) == (1300, 3)
    held = [(row.bearer, row.amount_minor) for row in bench.held() if row.case_id == case.id]
    assert held == [(sam.id, 500)]
    assert [(row.bearer, row.ended_at) for row in bench.held("released")] == [(None, bench.now)]


def test_no_limit_but_the_breaker_stops_all_payouts(bench: Bench) -> None:
    bench.limits(
        "policy: {per_day: 900.00}\nbreaker: {per_day: 9000.00}\norder: 50%\n"
        "customer: [{days: 30, value: 60.00}]\nbudgets: {all: {value: 70.00}}\n"
    )
    for amount, paid, bound in (
        ("70.01 EUR", "900.00 EUR", "budget"), ("60.01 EUR", "900.00 EUR", "customer"),
        ("50.00 EUR", "99.99 EUR", "order"),
    ):  # fmt: skip
        case = bench.ask(amount, order=bench.order(paid))
        assert bench.task(case, "over_limit")["bound"] == bound
        with bench.store.read() as reader:
            workspace = reader.get(Workspace, "workspace")
        assert workspace is not None
        assert workspace.halted_why is None


def test_a_breaker_that_binds_again_keeps_why_payouts_were_stopped(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\nbreaker: {per_day: {count: 0}}\n")
    with bench.store.write() as tx:
        row = tx.lock(Workspace, "workspace")
        assert row is not None
        tx.put(replace(row, halted_why="a backup was restored"))
    assert bench.ask("1.00 EUR").state is CaseState.WITH_PERSON
    with bench.store.read() as reader:
        workspace = reader.get(Workspace, "workspace")
    assert workspace is not None
    assert workspace.halted_why == "a backup was restored"


@pytest.mark.parametrize("window", ["day", "week", "month"])
def test_a_breaker_counts_within_its_window(bench: Bench, window: str) -> None:
    bench.limits(f"policy: {{per_day: 900.00}}\nbreaker: {{per_{window}: 100.00}}\n")
    assert bench.ask("60.00 EUR").state is CaseState.PAYING
    case = bench.ask("40.01 EUR", buyer="b2", basis="owed")
    known = bench.task(case, "over_limit")
    assert (known["bound"], known["left"]) == ("breaker", "40.00 EUR")
    assert bench.ask("40.00 EUR", buyer="b3").state is CaseState.PAYING


def test_a_breaker_for_one_payout_at_a_time(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\nbreaker: {per_transaction: 100.00}\n")
    assert bench.ask("100.00 EUR").state is CaseState.PAYING
    assert bench.ask("100.00 EUR", buyer="b2").state is CaseState.PAYING
    case = bench.ask("100.01 EUR", buyer="b3")
    assert bench.task(case, "over_limit")["bound"] == "breaker"


# ------------------------------------------------------------------------- what was really given


def take_back(bench: Bench, case: Case, back: str) -> None:
    """The host takes back what was not spent of the case's one payout."""
    (payout,) = bench.payouts(case)
    receipt = Receipt(host_object=payout.host_object or "", amount=money(back))
    with bench.store.write() as tx:
        tx.put(asked := replace(payout, state=PayoutState.REVERSING))
        reversal.on_result(
            tx, bench.case_in(tx, case), asked, Settled(receipt), pays=Pays(retry="find"),
            routing=ROUTING, moment=bench.moment,
        )  # fmt: skip


LIMITS = (
    "policy: {per_day: {value: 90.00, count: 9}}\ncustomer: [{days: 30, value: 50.00}]\n"
    "order: 30%\nbudgets: {all: {value: 500.00}}\n"
)


def test_only_what_was_spent_counts_once_the_rest_was_taken_back(bench: Bench) -> None:
    bench.limits(LIMITS)
    order = bench.order("100.00 EUR")
    case = bench.ask("30.00 EUR", order=order, remedy="gift_card")
    bench.settle(case)
    take_back(bench, case, "18.00 EUR")
    assert bench.left(None) == {"day EUR": "78.00 EUR", "day count": "8"}
    assert bench.counters()["budget|all|once|EUR"] == 1200
    assert [row.amount_minor for row in bench.held("used")] == [1200]
    more = bench.ask("18.01 EUR", order=order, buyer="b2", reason="size")
    known = bench.task(more, "over_limit")
    assert (known["bound"], known["left"]) == ("order", "18.00 EUR")
    known = bench.task(bench.ask("38.01 EUR", order=bench.order()), "over_limit")
    assert (known["bound"], known["left"]) == ("customer", "38.00 EUR")
    bench.limits(LIMITS)  # a counter that begins anew begins at the same
    assert bench.left(None) == {"day EUR": "78.00 EUR", "day count": "8"}
    (payout,) = bench.payouts(case)
    with bench.store.write() as tx:  # and what is let go later is what was left
        authority.conclude(tx, replace(payout, state=PayoutState.FAILED), bench.now)
    assert bench.counters()["budget|all|once|EUR"] == 0
    assert bench.left(None) == {"day EUR": "90.00 EUR", "day count": "9"}


def test_what_is_left_of_a_converted_sum_is_rounded_up(bench: Bench) -> None:
    bench.rates("2026-03-04,USD,EUR,0.333")
    bench.limits("policy: {per_day: 90.00}\n")
    case = bench.ask("10.00 USD", order=bench.order("10.00 USD"), remedy="coupon")
    bench.settle(case)
    assert bench.left(None) == {"day EUR": "86.67 EUR"}
    take_back(bench, case, "9.99 USD")
    assert bench.left(None) == {"day EUR": "89.99 EUR"}


def test_what_was_taken_back_whole_counts_no_more(bench: Bench) -> None:
    bench.limits(LIMITS)
    case = bench.ask("30.00 EUR", order=bench.order(), remedy="coupon")
    bench.settle(case)
    take_back(bench, case, "30.00 EUR")
    assert bench.left(None) == {"day EUR": "90.00 EUR", "day count": "9"}
    assert bench.held("used") == []


@pytest.mark.parametrize(("paid", "rest"), [("12.00 EUR", "78.00 EUR"), ("45.00 EUR", "45.00 EUR")])
def test_what_the_host_really_paid_counts(bench: Bench, paid: str, rest: str) -> None:
    """A person settles it with the sum that the host shows."""
    bench.limits("roles: {agent: {per_day: 90.00}}\n")
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("30.00 EUR", by=jo)
    (payout,) = bench.payouts(case)
    proof = Settled(Receipt(host_object="re_1", amount=money(paid)))
    with bench.store.write() as tx:
        tx.put(replace(payout, state=PayoutState.UNKNOWN))
        resolve.settle(
            tx, payout.id, sam, proof, pays=Pays(retry="find"), routing=ROUTING,
            moment=bench.moment,
        )  # fmt: skip
    assert bench.left(jo) == {"day EUR": rest}


def test_goodwill_on_account_is_what_was_spent_of_it(bench: Bench) -> None:
    order = bench.order()
    case = bench.ask("20.00 EUR", order=order, remedy="coupon", on_account=True)
    bench.settle(case)
    take_back(bench, case, "15.00 EUR")
    owed = bench.ask("50.00 EUR", order=order, basis="owed")
    assert [str(payout.amount) for payout in bench.payouts(owed)] == ["45.00 EUR"]
