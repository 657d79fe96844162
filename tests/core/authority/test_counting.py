"""What counts where: per window, currency, reason, order and hand, to the last cent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import authority
from core.authority import Bound, Wish
from core.case import CaseState
from core.connection import HostPayout
from core.limits import POLICY
from core.offer import Part
from core.people import Workspace
from core.ports import Order
from core.store import Store
from tests.core.authority.bench import TILL, Bench, money


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def wish(bench: Bench, *parts: Part, order: Order | None = None, customer: str = "c1") -> Wish:
    """Goodwill of a case that nothing is held for yet."""
    case = replace(bench._case(), reason="damaged_item", till_id=TILL)
    return authority.wish_for(case, "goodwill", parts, order, (customer,))


def reserve(bench: Bench, of: Wish, bearer: str | None = POLICY) -> Bound | None:
    with bench.store.write() as tx:
        got = authority.reserve(tx, of, bearer=bearer, moment=bench.moment)
    return got if isinstance(got, Bound) else None


def credit(bench: Bench, amount: str) -> Part:
    """Money that is for no order."""
    return bench.part(amount, None, "store_credit")


def test_parts_in_several_currencies_count_each_in_its_own(bench: Bench) -> None:
    bench.limits("policy: {per_day: {value: {EUR: 10.00, USD: 10.00}, count: 9}}\n")
    parts = [credit(bench, amount) for amount in ("3.00 EUR", "2.00 USD", "1.00 EUR")]
    assert reserve(bench, wish(bench, *parts)) is None
    assert bench.left(None) == {
        "day EUR": "6.00 EUR", "day USD": "8.00 USD", "day count": "6",
    }  # fmt: skip


# ------------------------------------------------------------------------- without an order


def test_goodwill_for_no_order_counts_for_its_customer(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\norder: 1%\ncustomer: [{days: 30, value: 10.00}]\n")
    assert reserve(bench, wish(bench, credit(bench, "6.00 EUR"))) is None
    bound = reserve(bench, wish(bench, credit(bench, "4.01 EUR")))
    assert bound is not None
    assert (bound.name, str(bound.limit), str(bound.left)) == ("customer", "10.00 EUR", "4.00 EUR")
    assert reserve(bench, wish(bench, credit(bench, "4.01 EUR"), customer="c2")) is None
    assert reserve(bench, wish(bench, credit(bench, "4.00 EUR"))) is None


NO_WORTH = "policy: {per_day: 900.00}\ncustomer: [{days: 30, value: 10.00, count: 3}]\norder: 50%\n"


def points_before_limits(bench: Bench, buyer: str, order: Order) -> None:
    """500 points, given while no limits were set."""
    points = replace(bench.part("1.00 EUR", order, "points"), amount=None, quantity=500)
    bench.ask("1.00 EUR", order=order, parts=[points], buyer=buyer)


def test_what_had_no_known_worth_counts_as_what_it_is_worth_by_now(bench: Bench) -> None:
    order = bench.order("10.00 EUR")
    points_before_limits(bench, "b1", order)
    bench.limits(f"{NO_WORTH}worth: {{points: 0.008}}\n")
    more = bench.ask("1.01 EUR", order=order, buyer="b2", reason="size")
    known = bench.task(more, "over_limit")
    assert (known["bound"], known["left"]) == ("order", "1.00 EUR")  # half of ten, less four
    assert bench.left(None) == {"day EUR": "896.00 EUR"}
    case = bench.ask("6.01 EUR", order=bench.order("100.00 EUR"))
    known = bench.task(case, "over_limit")
    assert (known["bound"], known["left"]) == ("customer", "6.00 EUR")
    assert bench.ask("6.00 EUR", order=bench.order("100.00 EUR")).state is CaseState.PAYING


def test_nothing_is_counted_beside_what_has_no_known_worth(bench: Bench) -> None:
    """It is never taken for nothing: somebody has to say what it is worth."""
    order = bench.order("10.00 EUR")
    points_before_limits(bench, "b1", order)
    bench.limits(f"roles: {{agent: {{per_day: 900.00}}}}\n{NO_WORTH}")
    jo = bench.person("jo", "agent")
    for asked, buyer in ((order, "b2"), (bench.order(), "b1")):  # its order, and its customer
        case = bench.ask("0.01 EUR", order=asked, buyer=buyer, by=jo, reason="size")
        assert bench.task(case, "over_limit")["bound"] == "worth"
        assert bench.task(case, "over_limit")["which"] == "points"
    assert bench.left(None) == {"day EUR": "0.00 EUR"}  # the policy gave them today
    assert bench.ask("1.00 EUR", order=bench.order(), by=jo, buyer="b3").state is CaseState.PAYING
    bench.limits("policy: {per_day: {count: 9}}\ncustomer: [{days: 30, count: 2}]\n")
    assert bench.ask("99.00 EUR").state is CaseState.PAYING  # where sums do not count
    assert bench.task(bench.ask("0.01 EUR"), "over_limit")["bound"] == "customer"


def test_a_replacement_given_before_there_were_limits_counts_as_its_order(bench: Bench) -> None:
    order = bench.order("9.00 EUR")
    again = replace(bench.part("1.00 EUR", order, "replacement"), amount=None, quantity=1)
    bench.ask("1.00 EUR", order=order, parts=[again])
    bench.limits(NO_WORTH)
    known = bench.task(bench.ask("1.01 EUR", order=bench.order()), "over_limit")
    assert (known["bound"], known["left"]) == ("customer", "1.00 EUR")


def test_a_replacement_counts_as_what_the_order_came_to_where_less_was_paid(bench: Bench) -> None:
    """A deposit is not what the goods are worth."""
    bench.limits("policy: {per_transaction: 50.00}\n")
    order = replace(bench.order("10.00 EUR"), total=money("50.01 EUR"))
    again = replace(bench.part("1.00 EUR", order, "replacement"), amount=None, quantity=1)
    assert bench.ask("1.00 EUR", order=order, parts=[again]).state is CaseState.WAITING_APPROVAL


def test_a_replacement_for_no_order_has_no_worth(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\nworth: {points: 1.00}\n")
    again = replace(credit(bench, "1.00 EUR"), remedy="replacement", amount=None, quantity=1)
    assert reserve(bench, wish(bench, again)) == Bound(name="worth", what="replacement")
    assert reserve(bench, wish(bench, again, order=bench.order("900.00 EUR"))) is None
    points = replace(again, remedy="points", quantity=None)
    assert reserve(bench, wish(bench, points)) == Bound(name="worth", what="points")


@pytest.mark.parametrize(("points", "left"), [(250, "9.00 EUR"), (251, "8.99 EUR")])
def test_points_count_as_what_they_are_worth_rounded_up(
    bench: Bench, points: int, left: str
) -> None:
    bench.limits("policy: {per_day: 10.00}\nworth: {points: 0.004}\n")
    some = replace(credit(bench, "1.00 EUR"), remedy="points", amount=None, quantity=points)
    assert reserve(bench, wish(bench, some)) is None
    assert bench.left(None) == {"day EUR": left}


# ------------------------------------------------------------------------- an order's share


def hand(bench: Bench, order: Order, minor: int, **given: object) -> None:
    """A refund made at the host without us."""
    row = HostPayout(
        id=bench.id("host"), connection_id=TILL, host_object=bench.id("re"), order_id=order.id,
        amount_minor=minor, currency="EUR", ending="settled", seen_at=bench.now,
    )  # fmt: skip
    with bench.store.write() as tx:
        tx.add(replace(row, **given))  # type: ignore[arg-type]


def left_of(bench: Bench, order: Order) -> str:
    """What its share leaves, as the refusal says."""
    of = wish(bench, bench.part("99999.00 EUR", order), order=order)
    bound = reserve(bench, of, bearer=None)
    assert bound is not None
    assert (bound.name, bound.lifts, str(bound.limit)) == ("order", False, "50.00 EUR")
    return str(bound.left)


def test_an_orders_share_is_rounded_down(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\norder: 50%\n")
    order = bench.order("0.03 EUR")
    part = bench.part("0.02 EUR", order)
    bound = reserve(bench, wish(bench, part, order=order))
    assert bound is not None
    assert (bound.name, str(bound.limit)) == ("order", "0.01 EUR")
    one = bench.part("0.01 EUR", order)
    assert reserve(bench, wish(bench, one, order=order)) is None


def test_whichever_shows_more_counts_the_orders_own_sum_or_what_we_were_told(
    bench: Bench,
) -> None:
    bench.limits("policy: {per_day: 900.00}\norder: 50%\n")
    order = bench.order("100.00 EUR", refunded="5.00 EUR")
    assert left_of(bench, order) == "45.00 EUR"
    hand(bench, order, 200)
    assert left_of(bench, order) == "45.00 EUR"
    hand(bench, order, 1000)
    assert left_of(bench, order) == "38.00 EUR"
    for other in (
        {"ending": "failed"}, {"payout_id": "pay_1"}, {"connection_id": "conn_other"},
        {"connection_id": "conn_z"},
        {"currency": None}, {"order_id": "o_other"},
    ):  # fmt: skip
        hand(bench, order, 1000, **other)
    hand(bench, order, 0, amount_minor=None)
    assert left_of(bench, order) == "38.00 EUR"


def test_only_our_own_settled_refunds_are_in_the_orders_own_sum(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\norder: 50%\n")
    order = bench.order("100.00 EUR")
    bench.settle(bench.ask("10.00 EUR", order=order, remedy="store_credit"))
    bench.settle(bench.ask("7.00 EUR", order=order, reason="size"))
    bench.ask("3.00 EUR", order=order, reason="late")  # held: not refunded yet
    assert left_of(bench, order) == "30.00 EUR"
    seen = replace(order, refunded=bench.order("9.00 EUR").paid)  # 2.00 of it by hand
    assert left_of(bench, seen) == "28.00 EUR"


def test_what_was_let_go_is_the_orders_again(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\norder: 50%\n")
    order = bench.order("100.00 EUR")
    case = bench.ask("10.00 EUR", order=order)
    with bench.store.write() as tx:
        authority.release(tx, case, bench.now)
    assert left_of(bench, order) == "50.00 EUR"
    bench.ask("5.00 EUR", order=order, reason="size")
    assert left_of(bench, order) == "45.00 EUR"


def test_what_a_case_holds_does_not_stand_in_its_own_way(bench: Bench) -> None:
    bench.limits(
        "roles: {approver: {per_day: 900.00}}\norder: 50%\n"
        "customer: [{days: 30, value: 50.00, count: 1}]\n"
    )
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    order = bench.order("100.00 EUR")
    case = bench.ask("50.00 EUR", order=order, by=jo)
    bench.decide(case, sam)
    assert bench.step(case, order).state is CaseState.PAYING
    more = bench.ask("0.01 EUR", order=order, reason="size", buyer="b2")
    assert bench.task(more, "over_limit")["bound"] == "order"


def test_what_another_till_pays_counts_for_the_order_all_the_same(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\norder: 50%\n")
    order = bench.order("100.00 EUR")
    elsewhere = replace(bench.part("10.00 EUR", order, "store_credit"), till_id="conn_other")
    bench.ask("10.00 EUR", order=order, parts=[elsewhere])
    hand(bench, order, 500)
    assert left_of(bench, order) == "35.00 EUR"
    bound = reserve(bench, wish(bench, replace(elsewhere, amount=order.paid), order=order))
    assert bound is not None
    assert str(bound.left) == "35.00 EUR"


# ------------------------------------------------------------------------- a customer's window


def test_goodwill_is_kept_for_the_very_customer_and_not_for_one_who_is_like_them(
    bench: Bench,
) -> None:
    bench.limits("policy: {per_day: 900.00}\ncustomer: [{days: 30, value: 100.00}]\n")
    cases = [bench.ask("10.00 EUR", buyer=buyer, mark="m") for buyer in ("b1", "b2")]
    whose = {row.case_id: row.customer_id for row in bench.held()}
    assert whose == {case.id: case.customer_id for case in cases}
    assert len(set(whose.values())) == 2


def test_refunds_by_hand_count_for_a_customer_on_whatever_order_of_theirs(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\ncustomer: [{days: 30, value: 100.00}]\n")
    first, second = bench.order(), bench.order()
    bench.ask("10.00 EUR", order=first)
    hand(bench, first, 2000)
    hand(bench, second, 3000)
    case = bench.ask("40.01 EUR", order=second, reason="size")
    assert bench.task(case, "over_limit")["left"] == "40.00 EUR"
    assert bench.ask("40.00 EUR", order=second, reason="size").state is CaseState.PAYING


def test_windows_of_a_customer_end_to_the_second(bench: Bench) -> None:
    bench.limits(
        "policy: {per_day: 900.00}\ncustomer: [{days: 2, value: 10.00}, {days: 9, value: 15.00}]\n"
    )
    assert bench.ask("10.00 EUR").state is CaseState.PAYING
    bench.later(days=2)
    assert bench.task(bench.ask("1.00 EUR"), "over_limit")["limit"] == "10.00 EUR"
    bench.later(seconds=1)
    assert bench.task(bench.ask("5.01 EUR"), "over_limit")["limit"] == "15.00 EUR"
    assert bench.ask("5.00 EUR").state is CaseState.PAYING
    bench.later(days=7)
    assert bench.ask("10.00 EUR").state is CaseState.PAYING


def test_what_is_owed_does_not_use_up_a_customers_goodwill(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\ncustomer: [{days: 30, value: 10.00}]\n")
    assert bench.ask("200.00 EUR", basis="owed").state is CaseState.PAYING
    assert bench.ask("10.00 EUR", reason="size").state is CaseState.PAYING


# ------------------------------------------------------------------------- limits that change


def test_nothing_is_left_of_a_limit_that_was_lowered_below_what_was_given(bench: Bench) -> None:
    bench.limits("policy: {per_day: {value: 90.00, count: 9}}\n")
    for n in range(2):
        bench.ask("30.00 EUR", buyer=f"b{n}")
    bench.limits("policy: {per_day: {value: 10.00, count: 1}}\n")
    assert bench.left(None) == {"day EUR": "0.00 EUR", "day count": "0"}
    bound = reserve(bench, wish(bench, credit(bench, "0.00 EUR")))
    assert bound == Bound(name="person_day", lifts=True, limit=1, left=0)
    bench.limits("policy: {per_day: 10.00}\n")
    bound = reserve(bench, wish(bench, credit(bench, "0.00 EUR")))
    assert bound is not None
    assert str(bound.left) == "0.00 EUR"


def test_a_new_limit_counts_what_was_given_in_each_of_its_currencies(bench: Bench) -> None:
    bench.ask("3.00 USD")
    bench.limits("policy: {per_day: {EUR: 10.00, USD: 5.00}}\n")
    assert bench.left(None) == {"day EUR": "10.00 EUR", "day USD": "2.00 USD"}
    assert bench.ask("2.01 USD", buyer="b2").state is CaseState.WAITING_APPROVAL
    assert bench.ask("2.00 USD", buyer="b3").state is CaseState.PAYING


def test_only_an_admin_who_is_still_here_changes_limits(bench: Bench) -> None:
    admin = bench.person("ann", "admin", "agent")
    assert authority.check_admin(admin) is admin
    bot = replace(admin, name="bot", roles=["ai_agent", "admin"])
    for other in (bench.person("jo", "agent", "approver"), replace(admin, active=False), bot):
        with pytest.raises(authority.NotAnAdmin, match=f"{other.name} is not an admin"):
            authority.check_admin(other)


def test_what_is_reserved_again_under_other_windows_counts_once_in_them(bench: Bench) -> None:
    bench.limits("policy: {per_day: 90.00}\n")
    of = wish(bench, credit(bench, "5.00 EUR"))
    assert reserve(bench, of) is None
    text = "limits: 1\ncurrency: EUR\npolicy: {per_week: 90.00}\n"
    with bench.store.write() as tx:
        authority.set_limits(tx, text, by=None, moment=bench.moment)
    assert reserve(bench, of) is None
    assert bench.left(None) == {"week EUR": "85.00 EUR"}


def test_a_week_that_begins_on_another_day_is_no_fresh_budget(bench: Bench) -> None:
    """Nor does another zone make one, nor going back."""
    bench.limits(
        "policy: {per_week: 90.00}\nbudgets: {all: {value: 50.00, every: week}}\n"
        "breaker: {per_week: {value: 60.00}, per_day: {value: 70.00}}\n"
    )
    bench.ask("30.00 EUR")
    with bench.store.read() as reader:
        before = reader.get(Workspace, "workspace")
    assert before is not None
    for day, zone in ((6, "UTC"), (1, "Pacific/Kiritimati"), (0, "UTC")):
        with bench.store.write() as tx:
            after = replace(before, first_weekday=day, zone=zone)
            authority.set_calendar(tx, after, bench.moment)
        case = bench.ask("20.01 EUR", buyer="b2")
        known = bench.task(case, "over_limit")
        assert (known["bound"], known["left"]) == ("budget", "20.00 EUR")
        assert bench.left(None) == {"week EUR": "60.00 EUR"}
