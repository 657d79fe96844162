"""One human being counts once, whatever accounts they have; a machine or a leaver not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import approval, authority, interventions
from core.approval import MayNotApprove
from core.case import CaseState, Outcome
from core.offer import Offer, parts_of
from core.people import Delegation, Person
from core.store import Store
from tests.core.authority.bench import Bench

LIMITS = """
roles: {agent: {per_transaction: 50.00}, approver: {per_transaction: 900.00},
        ai_agent: {per_transaction: 900.00}}
approval: {ask: [{over: 300.00, people: 2}]}
"""


@pytest.fixture
def bench(store: Store) -> Bench:
    bench = Bench(store)
    bench.limits(LIMITS)
    return bench


def lend(bench: Bench, who: Person, to: Person) -> None:
    day = bench.now.date()
    with bench.store.write() as tx:
        tx.add(
            Delegation(
                id=bench.id("dele"), person_id=who.id, delegate_id=to.id, first_day=day,
                last_day=day + timedelta(days=9), made_at=bench.now,
            )
        )  # fmt: skip


def test_two_accounts_of_one_mailbox_are_not_two_people(bench: Bench) -> None:
    jo = bench.person("jo", "agent")
    sam = bench.person("sam", "approver", email="sam.oak@gmail.com")
    again = bench.person("again", "approver", email="samoak+2@googlemail.com")
    case = bench.ask("400.00 EUR", by=jo)
    assert bench.task(case, "nobody_can_approve")  # two are needed, and there is one
    assert bench.decide(case, sam).state == "granted"
    with pytest.raises(MayNotApprove, match="agreed already"):
        bench.decide(case, again)
    ali = bench.person("ali", "agent")
    lend(bench, again, ali)
    with pytest.raises(MayNotApprove):
        bench.decide(case, ali)
    assert bench.decide(case, bench.person("ann", "approver")).state == "granted"
    assert bench.step(case).state is CaseState.PAYING


def test_two_who_turn_out_to_be_one_have_not_both_agreed(bench: Bench) -> None:
    """Their address is put right between the yes and the release."""
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    ann = bench.person("ann", "approver")
    case = bench.ask("400.00 EUR", by=jo)
    bench.decide(case, sam)
    bench.decide(case, ann)
    bench.change(ann, email="sam+ann@shop.example")
    assert bench.step(case).said == "approval_void"
    assert bench.payouts(case) == []


def test_a_machine_agrees_to_nothing_whatever_roles_it_has(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    bot = bench.person("bot", "ai_agent", "approver", "admin")
    case = bench.ask("200.00 EUR", by=jo)
    with pytest.raises(MayNotApprove, match="AI agent"):
        bench.decide(case, bot)
    lend(bench, sam, bot)  # nor in the place of somebody who may
    with pytest.raises(MayNotApprove, match="AI agent"):
        bench.decide(case, bot)
    assert bench.payouts(case) == []


def test_a_machine_overrides_nothing(bench: Bench) -> None:
    order, jo = bench.order(), bench.person("jo", "agent")
    bench.ask("10.00 EUR", order=order, by=jo)
    second = bench.ask("10.00 EUR", order=order, by=jo)
    assert second.outcome is Outcome.DUPLICATE
    bot = bench.person("bot", "ai_agent", "approver")
    with bench.store.write() as tx, pytest.raises(MayNotApprove, match="AI agent"):
        interventions.override(tx, second.id, bot, "it broke too", bench.moment)


def test_a_stand_in_who_left_agrees_to_nothing(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    ali = bench.person("ali", "agent")
    lend(bench, sam, ali)
    early, late = (bench.ask("200.00 EUR", by=jo, buyer=f"b{n}") for n in range(2))
    assert bench.decide(early, ali).state == "granted"
    bench.change(ali, active=False)
    with pytest.raises(MayNotApprove, match="not active"):
        bench.decide(late, ali)
    assert bench.step(early).said == "approval_void"  # gone between the yes and the release
    assert bench.payouts(early) == []


def test_what_is_lent_is_not_handed_on(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    ali, kim = bench.person("ali", "agent"), bench.person("kim", "agent")
    lend(bench, sam, ali)
    lend(bench, ali, kim)
    case = bench.ask("200.00 EUR", by=jo)
    with pytest.raises(MayNotApprove):
        bench.decide(case, kim)
    assert bench.decide(case, ali).bearer == sam.id


def test_who_can_still_agree_is_counted_without_who_has(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    bench.person("sam2", "approver", email="sam+2@shop.example")
    ann = bench.person("ann", "approver")
    case = bench.ask("400.00 EUR", by=jo)
    bench.decide(case, sam)
    with bench.store.read() as reader:
        rows = approval.asked(reader, case.id)
        (offer,) = reader.find(Offer, case_id=case.id)
        wish = authority.wish_held(reader, case, offer.basis, parts_of(offer))
        able = approval.able(reader, wish, rows[1], bench.moment, rows=rows)
    assert able == [ann]
