"""One harm, one compensation of a basis: whatever it is named by, unless somebody decides so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from core import erasure, harm, interventions
from core.approval import MayNotApprove
from core.case import Case, CaseState, Harm, Likeness, Outcome
from core.harm import VAGUE
from core.interventions import NothingToOverride
from core.likeness import mailbox
from core.people import Person
from core.ports import Order
from core.store import Store
from tests.core.authority.bench import Bench


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def one(subject: str, day: int | None = 1, cause: str = "late", basis: str = "goodwill") -> Harm:
    return Harm(
        id="h", customer_id="c", subject=subject, cause=cause, basis=basis, case_id="x",
        happened_on=date(2026, 3, day) if day else None, active_key="k",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (one("order:t:1"), one("order:t:1", 20), True),
        (one("order:t:1"), one("order:t:2"), False),
        (one("order:t:1"), one("order:t:1", cause="broken"), False),
        (one("order:t:1"), one("line:t:1:7"), True),
        (one("line:t:1:8"), one("line:t:1:7"), False),
        (one("order:t:1"), one("line:t:12:7"), False),
        (one("order:t:gid://shop/Order/1"), one("line:t:gid://shop/Order/1:7"), True),
        (one("incident:storm"), one("incident:storm", 9), True),
        (one("incident:storm"), one("incident:flood"), False),
        (one(VAGUE), one(VAGUE, 4), True),
        (one(VAGUE), one(VAGUE, 5), False),
        (one(VAGUE), one("order:t:1", 2), True),
        (one(VAGUE), one("order:t:1", 9), False),
        (one(VAGUE, None), one("incident:storm", 9), True),
        (one(VAGUE, 1, "broken"), one(VAGUE), False),
        (one("order:t:1"), one("order:t:1", basis="owed"), True),
        (one("order:t:1"), one("order:s:pi_1", 4), True),
        (one("order:t:1"), one("order:s:pi_1", 5), False),
        (one("order:t:1"), one("line:s:1:2"), True),
        (one("order:t:1"), one("incident:storm"), False),
    ],
)
def test_which_harms_are_one(first: Harm, second: Harm, same: bool) -> None:
    assert harm.same(first, second) is harm.same(second, first) is same


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("Jo.Marsh+shop@GMail.com", "jomarsh@gmail.com"),
        ("jo.marsh@googlemail.com", "jomarsh@gmail.com"),
        ("jo.marsh+x@shop.example", "jo.marsh@shop.example"),
        ("+x@shop.example", "+x@shop.example"),
        ("nonsense", "nonsense"),
    ],
)
def test_mailboxes(address: str, leads_to: str) -> None:
    assert mailbox(address) == leads_to


def test_another_basis_remedy_or_agent_changes_nothing(bench: Bench) -> None:
    order, jo = bench.order(), bench.person("jo", "agent")
    first = bench.ask("10.00 EUR", order=order)
    again = bench.ask("20.00 EUR", order=order, by=jo, remedy="store_credit")
    assert (again.outcome, again.duplicate_of) == (Outcome.DUPLICATE, first.id)


def test_a_likeness_blocks_only_by_way_of_a_person(bench: Bench) -> None:
    """Somebody of the same mailbox was made good for something vague some days ago."""
    first = bench.ask("10.00 EUR", buyer="b1", mark="m")
    with bench.store.write() as tx:
        (row,) = tx.find(Harm, case_id=first.id)
        tx.put(replace(row, subject=VAGUE))
    second = bench.ask("10.00 EUR", buyer="b2", mark="m")
    assert second.state is CaseState.WITH_PERSON
    assert bench.task(second, "harm_already_made_good")["first_case"] == first.id
    assert bench.ask("10.00 EUR", buyer="b3", mark="other").state is CaseState.PAYING


def test_an_order_is_one_whoever_it_is_said_to_be_of(bench: Bench) -> None:
    """A guest's order that was put into an account, found by another mailbox than before."""
    order = bench.order()
    first = bench.ask("10.00 EUR", buyer="b1", order=order, mark="m1")
    again = bench.ask("10.00 EUR", buyer="b2", order=order, mark="m2")
    assert (again.outcome, again.duplicate_of) == (Outcome.DUPLICATE, first.id)
    owed = bench.ask("25.00 EUR", buyer="b3", order=order, mark="m3", basis="owed")
    assert owed.said == "owed_and_goodwill"
    assert bench.ask("10.00 EUR", buyer="b2", order=order, reason="size").state is CaseState.PAYING


def test_one_purchase_as_two_tills_know_it_is_looked_at_by_a_person(bench: Bench) -> None:
    """A shop's order and its payment: by name they are two, by mailbox, cause and day one."""
    first = bench.ask("10.00 EUR", buyer="b1", mark="m")
    with bench.store.write() as tx:
        (row,) = tx.find(Harm, case_id=first.id)
        tx.put(replace(row, subject="order:conn_payments:pi_1", active_key="another"))
    second = bench.ask("10.00 EUR", buyer="b2", mark="m")
    assert second.state is CaseState.WITH_PERSON
    assert bench.task(second, "harm_already_made_good")["first_case"] == first.id
    bench.later(days=4)
    assert bench.ask("10.00 EUR", buyer="b2", mark="m").state is CaseState.PAYING


def test_a_mailbox_that_was_erased_may_come_again(bench: Bench) -> None:
    bench.settle(bench.ask("10.00 EUR", buyer="b1", mark="m"))
    with bench.store.write() as tx:
        (like,) = tx.find(Likeness)
        erasure.erase(tx, like.customer_id, bench.moment)
        assert tx.find(Likeness) == []
    assert bench.ask("10.00 EUR", buyer="b2", mark="m").state is CaseState.PAYING


# ------------------------------------------------------------------------------ the override


def duplicate(bench: Bench, jo: Person, order: Order) -> Case:
    bench.ask("10.00 EUR", order=order, by=jo)
    case = bench.ask("10.00 EUR", order=order, by=jo)
    assert case.outcome is Outcome.DUPLICATE
    return case


def override(bench: Bench, case: Case, person: Person) -> Case:
    with bench.store.write() as tx:
        return interventions.override(tx, case.id, person, "it broke too", bench.moment)


def test_somebody_with_the_authority_lets_a_second_one_go_on(bench: Bench) -> None:
    bench.limits("roles: {agent: {per_day: 90.00}, approver: {per_day: 30.00}}\n")
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    order = bench.order()
    first = bench.ask("10.00 EUR", order=order, by=jo)
    case = bench.ask("10.00 EUR", order=order, by=jo)
    with pytest.raises(MayNotApprove):
        override(bench, case, jo)
    after = override(bench, case, sam)
    assert (after.state, after.override_note) == (CaseState.GATHERING, "it broke too")
    paid = bench.ask("10.00 EUR", order=order, case=after)
    assert (paid.state, paid.requested_by) == (CaseState.PAYING, sam.id)
    assert bench.left(sam) == {"day EUR": "20.00 EUR"}
    # A third one is a duplicate again, also when the second comes to nothing.
    third = bench.ask("10.00 EUR", order=order, by=jo)
    assert (third.outcome, third.duplicate_of) == (Outcome.DUPLICATE, first.id)
    with pytest.raises(NothingToOverride):
        override(bench, paid, sam)


def test_who_overrides_does_not_agree_to_more_than_they_may(bench: Bench) -> None:
    bench.limits("roles: {agent: {per_day: 90.00}, approver: {per_day: 5.00}, "
                 "admin: {per_day: 90.00}}\n")  # fmt: skip
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    ann = bench.person("ann", "admin")
    order = bench.order()
    after = override(bench, duplicate(bench, jo, order), sam)
    waiting = bench.ask("10.00 EUR", order=order, case=after)
    assert waiting.state is CaseState.WAITING_APPROVAL
    with pytest.raises(MayNotApprove, match="asked for this"):
        bench.decide(waiting, sam)
    assert bench.decide(waiting, ann).state == "granted"


# ------------------------------------------------------------------------------ owed and goodwill


def test_what_is_owed_beside_goodwill_goes_to_a_person_with_both_sums(bench: Bench) -> None:
    order, sam = bench.order(), bench.person("sam", "approver")
    first = bench.ask("10.00 EUR", order=order)
    owed = bench.ask("25.00 EUR", order=order, basis="owed")
    assert owed.state is CaseState.WITH_PERSON
    known = bench.task(owed, "owed_and_goodwill")
    assert (known["owed"], known["goodwill"]) == ("25.00 EUR", "10.00 EUR")
    assert known["other_case"] == first.id
    whole = bench.ask("25.00 EUR", order=order, basis="owed", case=override(bench, owed, sam))
    assert [p.amount_minor for p in bench.payouts(whole)] == [2500]


@pytest.mark.parametrize("on_account", [False, True])
def test_what_is_owed_beside_goodwill_that_still_waits_goes_to_a_person_too(
    bench: Bench, on_account: bool
) -> None:
    """Else the yes that comes later would give both."""
    order, jo, sam = bench.order(), bench.person("jo", "agent"), bench.person("sam", "approver")
    waiting = bench.ask("10.00 EUR", order=order, by=jo, ask=True, on_account=on_account)
    owed = bench.ask("25.00 EUR", order=order, basis="owed")
    known = bench.task(owed, "owed_and_goodwill")
    assert (known["owed"], known["goodwill"]) == ("25.00 EUR", "10.00 EUR")
    assert bench.payouts(owed) == []
    bench.decide(waiting, sam, agree=False)
    bench.step(waiting)
    assert bench.ask("25.00 EUR", order=order, basis="owed", case=owed).state is CaseState.PAYING


def test_goodwill_on_account_is_taken_off_what_is_owed(bench: Bench) -> None:
    order = bench.order()
    bench.ask("10.00 EUR", order=order, on_account=True)
    owed = bench.ask("25.00 EUR", order=order, basis="owed")
    assert [p.amount_minor for p in bench.payouts(owed)] == [1500]
    order = bench.order()
    bench.ask("30.00 EUR", order=order, on_account=True)
    covered = bench.ask("25.00 EUR", order=order, basis="owed")
    assert (covered.outcome, covered.said) == (Outcome.NOTHING_DUE, "on_account")


def test_on_account_in_another_currency_is_not_reckoned(bench: Bench) -> None:
    order = bench.order()
    bench.ask("10.00 GBP", order=order, on_account=True)
    assert bench.ask("25.00 EUR", order=order, basis="owed").said == "owed_and_goodwill"
