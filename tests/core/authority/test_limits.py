"""What binds, what is left, and that reservations come back exactly: on every store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import authority, booking, ledger
from core.case import Case, CaseState, Outcome
from core.connection import HostPayout
from core.people import Workspace
from core.ports import Declined, Unknown
from core.store import Store
from tests.core.authority.bench import TILL, Bench

AGENT = "roles: {agent: {per_transaction: 50.00, per_day: {value: 100.00, count: 5}}, " \
    "approver: {per_transaction: 500.00, per_day: 500.00}}\n"  # fmt: skip


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def over(bench: Bench, case: Case) -> tuple[object, object]:
    """The hard limit that stopped a case, and what was left of it."""
    assert case.state is CaseState.WITH_PERSON
    known = bench.task(case, "over_limit")
    return known["bound"], known["left"] if known["left"] is not None else known["times_left"]


def test_without_limits_only_the_policy_asks(bench: Bench) -> None:
    jo = bench.person("jo", "agent")
    assert bench.ask("9000.00 EUR", by=jo).state is CaseState.PAYING
    assert bench.ask("1.00 EUR", by=jo, ask=True).state is CaseState.WAITING_APPROVAL


def test_a_sum_above_what_one_may_give_waits_for_somebody_who_may(bench: Bench) -> None:
    bench.limits(AGENT)
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    assert bench.ask("50.00 EUR", by=jo).state is CaseState.PAYING
    case = bench.ask("50.01 EUR", by=jo)
    assert case.state is CaseState.WAITING_APPROVAL
    bench.decide(case, sam)
    assert bench.step(case).state is CaseState.PAYING
    # It counts in the limits of whoever agreed, not of whoever asked.
    assert bench.left(jo) == {
        "transaction EUR": "50.00 EUR", "day EUR": "50.00 EUR", "day count": "4",
    }  # fmt: skip
    assert bench.left(sam)["day EUR"] == "449.99 EUR"


def test_splitting_under_the_limit_is_stopped_by_the_day(bench: Bench) -> None:
    """Five times 49.99 under a limit of 50: to different customers and orders."""
    bench.limits(AGENT)
    jo = bench.person("jo", "agent")
    states = [bench.ask("49.99 EUR", by=jo, buyer=f"b{n}").state for n in range(5)]
    assert states == [CaseState.PAYING] * 2 + [CaseState.WAITING_APPROVAL] * 3


def test_splitting_by_number(bench: Bench) -> None:
    bench.limits(AGENT)
    jo = bench.person("jo", "agent")
    states = [bench.ask("0.01 EUR", by=jo, buyer=f"b{n}").state for n in range(6)]
    assert states[5] is CaseState.WAITING_APPROVAL
    assert set(states[:5]) == {CaseState.PAYING}


def test_parts_of_one_offer_are_one_transaction(bench: Bench) -> None:
    bench.limits(AGENT)
    jo, order = bench.person("jo", "agent"), bench.order()
    parts = [bench.part("30.00 EUR", order), bench.part("30.00 EUR", order, "store_credit")]
    case = bench.ask("60.00 EUR", by=jo, order=order, parts=parts)
    assert case.state is CaseState.WAITING_APPROVAL


def test_an_apology_costs_nothing_and_payouts_find_their_reservation(bench: Bench) -> None:
    bench.limits(AGENT)
    jo, order = bench.person("jo", "agent"), bench.order()
    sorry = replace(bench.part("1.00 EUR", order), remedy="apology", amount=None)
    case = bench.ask("10.00 EUR", by=jo, order=order, parts=[sorry, bench.part("9.00 EUR", order)])
    assert bench.settle(case).outcome is Outcome.MADE_GOOD
    (used,) = bench.held("used")
    assert (used.position, used.amount_minor) == (1, 900)


def test_nobody_named_means_nothing_without_a_yes(bench: Bench) -> None:
    bench.limits("roles: {approver: {per_day: 100.00}}\n")
    jo = bench.person("jo", "agent")
    assert bench.ask("0.01 EUR", by=jo).state is CaseState.WAITING_APPROVAL
    assert bench.ask("0.01 EUR", by=None, buyer="b2").state is CaseState.WAITING_APPROVAL
    assert bench.left(jo) == {}


def test_the_policy_by_itself_has_limits_of_its_own(bench: Bench) -> None:
    bench.limits("policy: {per_transaction: 20.00, per_week: 30.00}\n")
    assert bench.ask("20.00 EUR", buyer="b1").state is CaseState.PAYING
    assert bench.ask("10.01 EUR", buyer="b2").state is CaseState.WAITING_APPROVAL
    assert bench.ask("10.00 EUR", buyer="b3").state is CaseState.PAYING
    assert bench.left(None) == {"transaction EUR": "20.00 EUR", "week EUR": "0.00 EUR"}


def test_an_ai_agent_stays_small_whatever_else_it_is(bench: Bench) -> None:
    bench.limits("roles: {ai_agent: {per_transaction: 5.00}, admin: {per_transaction: 900.00}}\n")
    bot = bench.person("bot", "ai_agent", "admin")
    assert bench.ask("5.01 EUR", by=bot).state is CaseState.WAITING_APPROVAL


def test_a_limit_for_one_reason(bench: Bench) -> None:
    bench.limits("roles: {agent: {per_day: 100.00, reasons: {size: {per_day: 5.00}}}}\n")
    jo = bench.person("jo", "agent")
    assert bench.ask("5.00 EUR", by=jo, reason="size").state is CaseState.PAYING
    assert bench.ask("0.01 EUR", by=jo, reason="size", buyer="b2").state is (
        CaseState.WAITING_APPROVAL
    )
    assert bench.ask("90.00 EUR", by=jo, buyer="b3").state is CaseState.PAYING
    assert bench.left(jo) == {"day EUR": "5.00 EUR", "day size EUR": "0.00 EUR"}


# ------------------------------------------------------------------------------ windows


def test_days_and_weeks_are_the_workspaces_own(bench: Bench) -> None:
    with bench.store.write() as tx:
        row = tx.lock(Workspace, "workspace")
        assert row is not None
        tx.put(replace(row, zone="Asia/Tokyo", first_weekday=6))
    bench.limits("roles: {agent: {per_day: 10.00, per_week: 15.00}}\n")
    jo = bench.person("jo", "agent")
    bench.now = bench.now.replace(day=7, hour=14, minute=59)  # Saturday 23:59 in Tokyo
    assert bench.ask("10.00 EUR", by=jo, buyer="b1").state is CaseState.PAYING
    assert bench.left(jo) == {"day EUR": "0.00 EUR", "week EUR": "5.00 EUR"}
    bench.later(minutes=1)  # Sunday there: another day, and another week, as it begins on Sundays
    assert bench.left(jo) == {"day EUR": "10.00 EUR", "week EUR": "15.00 EUR"}
    assert bench.ask("10.00 EUR", by=jo, buyer="b2").state is CaseState.PAYING


def test_a_day_is_the_workspaces_own_also_when_the_clock_is_put_forward(bench: Bench) -> None:
    with bench.store.write() as tx:
        row = tx.lock(Workspace, "workspace")
        assert row is not None
        tx.put(replace(row, zone="Europe/Berlin"))
    jo = bench.person("jo", "agent")
    bench.now = bench.now.replace(day=28, hour=22, minute=59)  # Saturday 23:59
    bench.ask("1.00 EUR", by=jo, buyer="b1")
    bench.later(minutes=1)
    bench.ask("2.00 EUR", by=jo, buyer="b2")  # Sunday 00:00, a day of 23 hours
    bench.limits("roles: {agent: {per_day: 10.00, per_week: 10.00}}\n")
    assert bench.left(jo) == {"day EUR": "8.00 EUR", "week EUR": "7.00 EUR"}
    bench.later(hours=22, minutes=59)
    bench.ask("4.00 EUR", by=jo, buyer="b3")
    assert bench.left(jo)["day EUR"] == "4.00 EUR"
    bench.later(minutes=1)  # Monday 00:00
    assert bench.left(jo) == {"day EUR": "10.00 EUR", "week EUR": "10.00 EUR"}


def test_months(bench: Bench) -> None:
    bench.limits("roles: {agent: {per_month: 10.00}}\n")
    jo = bench.person("jo", "agent")
    bench.now = bench.now.replace(month=2, day=28, hour=23)
    bench.ask("10.00 EUR", by=jo, buyer="b1")
    assert bench.left(jo)["month EUR"] == "0.00 EUR"
    bench.later(hours=2)
    assert bench.left(jo)["month EUR"] == "10.00 EUR"


def test_a_new_limit_counts_what_was_given_before_it(bench: Bench) -> None:
    jo = bench.person("jo", "agent")
    bench.ask("30.00 EUR", by=jo, buyer="b0")
    bench.later(days=1)
    bench.ask("60.00 EUR", by=jo, buyer="b1")
    bench.limits("roles: {agent: {per_day: {value: 100.00, count: 2}}}\n")
    assert bench.ask("40.01 EUR", by=jo, buyer="b2").state is CaseState.WAITING_APPROVAL
    assert bench.ask("40.00 EUR", by=jo, buyer="b3").state is CaseState.PAYING
    assert bench.ask("0.00 EUR", by=jo, buyer="b4").state is CaseState.WAITING_APPROVAL


def test_a_limit_that_was_away_counts_what_was_given_meanwhile(bench: Bench) -> None:
    """Taken out, and put back an hour later: the day is one all the same."""
    per_day = "roles: {agent: {per_day: {value: 100.00, count: 4}}}\n"
    bench.limits(per_day)
    jo = bench.person("jo", "agent")
    bench.ask("10.00 EUR", by=jo, buyer="b1")
    bench.limits("roles: {agent: {per_transaction: 90.00}}\n")
    bench.ask("80.00 EUR", by=jo, buyer="b2")
    bench.limits(per_day)
    assert bench.left(jo) == {"day EUR": "10.00 EUR", "day count": "2"}
    assert bench.ask("10.01 EUR", by=jo, buyer="b3").state is CaseState.WAITING_APPROVAL
    assert bench.ask("10.00 EUR", by=jo, buyer="b4").state is CaseState.PAYING


def test_a_limit_that_counts_other_currencies_by_now_counts_all_of_them(bench: Bench) -> None:
    bench.rates("2026-03-04,GBP,EUR,1.2")
    bench.limits("roles: {agent: {per_day: {EUR: 100.00, GBP: 90.00}}}\n")
    jo = bench.person("jo", "agent")
    pounds = bench.ask("80.00 GBP", by=jo, buyer="b1")
    bench.ask("1.00 EUR", by=jo, buyer="b2")
    bench.limits("roles: {agent: {per_day: 100.00}}\n")
    assert bench.left(jo) == {"day EUR": "3.00 EUR"}
    assert bench.ask("3.01 EUR", by=jo, buyer="b3").state is CaseState.WAITING_APPROVAL
    bench.settle(pounds, Declined("no", "the host said no"))
    bench.limits("roles: {agent: {per_day: 100.00}}\n")
    assert bench.left(jo) == {"day EUR": "99.00 EUR"}


def test_what_is_held_comes_back_once_also_after_the_limits_changed(bench: Bench) -> None:
    per_day = "roles: {agent: {per_day: 100.00}}\n"
    bench.limits(per_day)
    jo = bench.person("jo", "agent")
    first, second = (bench.ask("30.00 EUR", by=jo, buyer=f"b{n}") for n in range(2))
    bench.limits(per_day)
    bench.settle(first, Declined("no", "the host said no"))  # nobody has counted since
    assert bench.left(jo) == {"day EUR": "70.00 EUR"}
    bench.ask("20.00 EUR", by=jo, buyer="b3")
    bench.settle(second, Declined("no", "the host said no"))
    assert bench.left(jo) == {"day EUR": "80.00 EUR"}
    assert set(bench.counters().values()) == {2000}


# ------------------------------------------------------------------------------ customers, orders


def test_a_customers_window_counts_everybody_of_one_mailbox(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\ncustomer: [{days: 30, value: 100.00, count: 3}]\n")
    assert bench.ask("60.00 EUR", buyer="b1", mark="m").state is CaseState.PAYING
    assert bench.ask("30.00 EUR", buyer="b2", mark="m").state is CaseState.PAYING
    assert over(bench, bench.ask("10.01 EUR", buyer="b1", mark="m")) == ("customer", "10.00 EUR")
    assert bench.ask("10.01 EUR", buyer="b3").state is CaseState.PAYING
    assert bench.ask("1.00 EUR", buyer="b2", mark="m").state is CaseState.PAYING
    assert over(bench, bench.ask("1.00 EUR", buyer="b1", mark="m")) == ("customer", 0)
    bench.later(days=31)
    assert bench.ask("100.00 EUR", buyer="b1", mark="m").state is CaseState.PAYING


def test_a_customers_window_counts_however_many_there_are(bench: Bench) -> None:
    bench.limits("policy: {per_transaction: 900.00}\ncustomer: [{days: 30, count: 252}]\n")
    bench.ask("1.00 EUR", buyer="b1")
    (first,) = bench.held()
    with bench.store.write() as tx:
        for number in range(250):  # more than are looked at in one go
            tx.add(replace(first, id=f"{first.id}-{number:03d}", state="used"))
            tx.add(replace(first, id=f"{first.id}-{number:03d}-not", state="released"))
    assert bench.ask("1.00 EUR", buyer="b1").state is CaseState.PAYING
    assert over(bench, bench.ask("1.00 EUR", buyer="b1")) == ("customer", 0)


def test_without_limits_nothing_is_left_to_say(bench: Bench) -> None:
    with bench.store.read() as reader:
        assert authority.left(reader, None, bench.now) is None
    bench.limits("roles: {agent: {per_day: 1.00}}\n")
    with bench.store.read() as reader:
        assert authority.left(reader, None, bench.now) == []


def _by_hand(bench: Bench, order_id: str, minor: int, ending: str = "settled") -> None:
    with bench.store.write() as tx:
        tx.add(
            HostPayout(
                id=bench.id("host"), connection_id=TILL, host_object=bench.id("re"),
                order_id=order_id, amount_minor=minor, currency="EUR", ending=ending,
                seen_at=bench.now,
            )
        )  # fmt: skip


def test_an_orders_share_is_over_all_remedies_and_hands(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\norder: 50%\n")
    order = bench.order("100.00 EUR", refunded="20.00 EUR")
    _by_hand(bench, order.id, 2000)  # the same one, told by the host
    _by_hand(bench, order.id, 4000, "failed")
    first = bench.ask("20.00 EUR", order=order, remedy="store_credit")
    assert first.state is CaseState.PAYING
    second = bench.ask("10.01 EUR", order=order, reason="size")
    assert over(bench, second) == ("order", "10.00 EUR")
    assert bench.ask("10.00 EUR", order=order, reason="size").state is CaseState.PAYING


def test_our_own_refunds_are_not_counted_twice_in_the_orders_sum(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\norder: 50%\n")
    order = bench.order("100.00 EUR")
    bench.settle(bench.ask("30.00 EUR", order=order))
    seen = replace(order, refunded=bench.order("30.00 EUR").paid)
    assert bench.ask("20.00 EUR", order=seen, reason="size").state is CaseState.PAYING


def test_what_is_owed_is_not_held_back_by_caps_on_goodwill(bench: Bench) -> None:
    bench.limits(
        "policy: {per_day: 900.00}\norder: 10%\ncustomer: [{days: 30, count: 0}]\n"
        "budgets: {all: {value: 1.00}}\n"
    )
    order = bench.order("100.00 EUR")
    assert over(bench, bench.ask("5.00 EUR", order=order))[0] in ("budget", "customer")
    assert bench.ask("250.00 EUR", order=order, basis="owed").state is CaseState.PAYING


# ------------------------------------------------------------------------------ budgets


def test_a_budget_is_reserved_and_comes_back(bench: Bench) -> None:
    bench.limits(
        "roles: {agent: {per_transaction: 50.00}, approver: {per_transaction: 200.00}}\n"
        "budgets: {team: {value: 100.00, every: month, for: {people: [jo@shop.example]}}}\n"
    )
    jo, ali = bench.person("jo", "agent"), bench.person("ali", "agent")
    sam = bench.person("sam", "approver")
    waiting = bench.ask("80.00 EUR", by=jo)
    assert waiting.state is CaseState.WAITING_APPROVAL
    assert over(bench, bench.ask("20.01 EUR", by=jo, buyer="b2")) == ("budget", "20.00 EUR")
    assert bench.ask("50.00 EUR", by=ali, buyer="b3").state is CaseState.PAYING
    bench.decide(waiting, sam, agree=False)
    assert bench.step(waiting).outcome is Outcome.REFUSED
    assert bench.ask("50.00 EUR", by=jo, buyer="b4").state is CaseState.PAYING
    assert [id for id, total in bench.counters().items() if total < 0] == []


def test_what_was_spent_of_each_budget_is_in_the_ledger(bench: Bench) -> None:
    bench.limits(
        "roles: {agent: {per_transaction: 50.00}}\npolicy: {per_transaction: 50.00}\n"
        "budgets:\n  all: {value: 100.00, every: month}\n  few: {count: 5}\n"
        "  team: {value: 100.00, for: {people: [jo@shop.example]}}\n"
    )
    bench.settle(bench.ask("30.00 EUR", by=bench.person("jo", "agent")))
    bench.settle(bench.ask("20.00 EUR", buyer="b2"))
    bench.settle(bench.ask("7.00 EUR", buyer="b3"), Declined("no", "the host said no"))
    with bench.store.read() as reader:
        found = ledger.balances(reader)
    spent = {name: found.get((booking.spent(name), "EUR")) for name in ("all", "few", "team")}
    assert spent == {"all": 5000, "few": 5000, "team": 3000}


def test_what_is_released_takes_the_place_of_what_it_held(bench: Bench) -> None:
    bench.limits("roles: {approver: {per_day: 90.00}}\nbudgets: {all: {value: 100.00, count: 1}}\n")
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("80.00 EUR", by=jo)
    bench.decide(case, sam)
    bench.later(days=2)  # it counts in the day on which it is paid
    assert bench.step(case).state is CaseState.PAYING
    assert bench.left(sam)["day EUR"] == "10.00 EUR"
    assert sorted(total for total in bench.counters().values() if total) == [1, 8000, 8000]


def test_what_a_host_refused_is_free_again_and_what_is_unclear_is_not(bench: Bench) -> None:
    bench.limits("policy: {per_day: 90.00}\n")
    bench.settle(bench.ask("30.00 EUR"), Unknown("no answer"))
    bench.settle(bench.ask("20.00 EUR", buyer="b2"), Declined("no", "the host said no"))
    assert bench.left(None) == {"day EUR": "60.00 EUR"}
    assert [row.amount_minor for row in bench.held("released")] == [2000]


def test_a_budget_of_its_days_only(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\nbudgets: {spring: {count: 0, until: 2026-03-04}}\n")
    assert over(bench, bench.ask("1.00 EUR"))[0] == "budget"
    bench.later(days=1)
    assert bench.ask("1.00 EUR").state is CaseState.PAYING


def test_the_breaker_stops_everything_until_somebody_looks(bench: Bench) -> None:
    bench.limits("policy: {per_day: 900.00}\nbreaker: {per_day: {count: 2}}\n")
    for n in range(2):
        assert bench.ask("1.00 EUR", buyer=f"b{n}").state is CaseState.PAYING
    assert over(bench, bench.ask("1.00 EUR", buyer="b9", basis="owed")) == ("breaker", 0)
    with bench.store.read() as reader:
        workspace = reader.get(Workspace, "workspace")
    assert workspace is not None
    assert "breaker" in (workspace.halted_why or "")


# ------------------------------------------------------------------------------ other currencies


def test_another_currency_counts_at_an_imported_rate_and_not_without(bench: Bench) -> None:
    bench.limits("policy: {per_day: {EUR: 10.00, USD: 5.00}}\n")
    known = bench.ask("4.00 GBP")
    assert over(bench, known) == ("rate", None)
    assert bench.task(known, "over_limit")["which"] == "GBP/EUR"
    bench.rates("2026-03-01,GBP,EUR,1.2", "2026-02-01,EUR,GBP,0.5")
    assert bench.ask("8.33 GBP", buyer="b2").state is CaseState.PAYING  # 9.996, counted as 10.00
    assert bench.left(None) == {"day EUR": "0.00 EUR", "day USD": "5.00 USD"}
    assert bench.counters()["policy||day|2026-03-04|EUR"] == 1000
    assert bench.ask("0.01 GBP", buyer="b3").state is CaseState.WAITING_APPROVAL
    assert bench.ask("5.00 USD", buyer="b4").state is CaseState.PAYING  # has a count of its own
    (row,) = [row for row in bench.held() if row.currency == "GBP" and row.bearer]
    assert row.rates == {"GBP/EUR": "1.2 of 2026-03-01"}
    bench.later(days=5)
    assert over(bench, bench.ask("0.01 GBP", buyer="b5"))[0] == "rate"  # too old by now


GIVERS = "roles: {agent: {per_day: 1.00}, approver: {per_day: 15.00}}\nrates_max_age_days: 7\n"


def test_a_rate_that_changed_or_aged_before_the_release_is_the_rate(bench: Bench) -> None:
    """Asked at one rate and paid at another: what is held, counted and given back agree."""
    bench.rates("2026-03-04,GBP,EUR,1.2")
    bench.limits(GIVERS + "budgets: {all: {value: 40.00}}\n")
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    dearer, paid, stale = (bench.ask("10.00 GBP", by=jo, buyer=f"b{n}") for n in range(3))
    assert bench.counters()["budget|all|once|EUR"] == 3600
    for case in (dearer, paid, stale):
        bench.decide(case, sam)
    bench.rates("2026-03-05,GBP,EUR,1.6")
    assert over(bench, bench.step(dearer)) == ("person_day", "15.00 EUR")
    bench.rates("2026-03-05,GBP,EUR,1.5")
    assert bench.step(paid).state is CaseState.PAYING
    assert bench.counters()["budget|all|once|EUR"] == 1500 + 1200
    bench.later(days=9)
    assert over(bench, bench.step(stale)) == ("rate", None)
    bench.settle(paid, Declined("no", "the host said no"))
    assert set(bench.counters().values()) == {0}


def test_points_have_the_worth_the_limits_say(bench: Bench) -> None:
    bench.limits("policy: {per_transaction: 1.00}\nworth: {points: 0.004}\n")
    order = bench.order()
    points = replace(bench.part("1.00 EUR", order, "points"), amount=None, quantity=250)
    assert bench.ask("1.00 EUR", order=order, parts=[points]).state is CaseState.PAYING
    more = replace(points, quantity=251)
    assert bench.ask("1.00 EUR", parts=[more], buyer="b2").state is CaseState.WAITING_APPROVAL
    days = replace(points, remedy="extension")
    assert over(bench, bench.ask("1.00 EUR", parts=[days], buyer="b3"))[0] == "worth"


def test_a_replacement_counts_as_what_was_paid(bench: Bench) -> None:
    bench.limits("policy: {per_transaction: 50.00}\n")
    order = bench.order("50.01 EUR")
    again = replace(bench.part("1.00 EUR", order, "replacement"), amount=None, quantity=1)
    case = bench.ask("1.00 EUR", order=order, parts=[again])
    assert case.state is CaseState.WAITING_APPROVAL
    sam = bench.person("sam", "approver")
    bench.limits("policy: {per_transaction: 50.00}\nroles: {approver: {per_transaction: 51.00}}\n")
    assert bench.decide(case, sam).state == "granted"
    assert bench.step(case, order).state is CaseState.PAYING
