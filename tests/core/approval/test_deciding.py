"""Who may agree, how many must, and what makes a yes worth nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.approval import Approval, MayNotApprove, NotWaiting
from core.case import Case, CaseState, Task
from core.notices import Notice
from core.offer import Offer
from core.people import Delegation, Person, PersonIdentity
from core.store import Store
from tests.core.authority.bench import DESK, Bench

MATRIX = """
roles: {agent: {per_transaction: 50.00}, approver: {per_transaction: 500.00, per_day: 900.00},
        admin: {per_transaction: 5000.00}}
approval:
  expires_hours: 48
  remind_hours: 10
  ask:
    - {over: 300.00, roles: [approver, admin], people: 2}
    - {over: 20.00, customer_spent_over: 1000.00, roles: [admin]}
    - {over: 30.00, reasons: [wrong_item]}
"""


@pytest.fixture
def bench(store: Store) -> Bench:
    bench = Bench(store)
    bench.limits(MATRIX)
    return bench


def approvals(bench: Bench, case: Case) -> list[Approval]:
    with bench.store.read() as reader:
        return reader.find(Approval, case_id=case.id)


def test_the_matrix_says_who_by_amount_reason_and_customer(bench: Bench) -> None:
    jo = bench.person("jo", "agent")

    def roles(amount: str, **about: str) -> list[object]:
        case = bench.ask(amount, by=jo, buyer=bench.id("b"), **about)  # type: ignore[arg-type]
        return [list(row.roles) for row in approvals(bench, case)]

    assert roles("20.00 EUR") == []
    assert roles("20.01 EUR") == [["admin"]]  # what the customer has spent is not known
    assert roles("20.01 EUR", spent="1000.00 EUR") == []
    assert roles("20.01 EUR", spent="1000.01 EUR") == [["admin"]]
    assert roles("30.01 EUR", spent="1.00 EUR", reason="wrong_item") == [["admin", "approver"]]
    assert roles("50.01 EUR", spent="1.00 EUR") == [["admin", "approver"]]  # jo's own limit
    assert roles("300.01 EUR", spent="1.00 EUR") == [["approver", "admin"]] * 2


def test_two_people_above_the_second_threshold(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    ann = bench.person("ann", "admin")
    case = bench.ask("400.00 EUR", by=jo, spent="1.00 EUR")
    assert bench.decide(case, sam).state == "granted"
    assert bench.step(case).state is CaseState.WAITING_APPROVAL
    assert bench.payouts(case) == []
    with pytest.raises(MayNotApprove, match="has agreed already"):
        bench.decide(case, sam)
    bench.decide(case, ann)
    assert bench.step(case).state is CaseState.PAYING
    assert len(bench.payouts(case)) == 1


def test_one_no_of_two_ends_it(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    ann = bench.person("ann", "admin")
    case = bench.ask("400.00 EUR", by=jo, spent="1.00 EUR")
    bench.decide(case, sam)
    bench.decide(case, ann, agree=False)
    assert bench.step(case).state is CaseState.CLOSED
    assert sorted(row.state for row in approvals(bench, case)) == ["refused", "void"]
    assert bench.held() == []


def test_whoever_agrees_needs_the_authority(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    ann = bench.person("ann", "admin")
    case = bench.ask("600.00 EUR", by=jo, spent="1.00 EUR")
    with pytest.raises(MayNotApprove, match=r"transaction of 500\.00 EUR"):
        bench.decide(case, sam)
    with bench.store.read() as reader:
        kinds = [task.kind for task in reader.find(Task, case_id=case.id)]
    assert kinds == ["nobody_can_approve"]  # two are needed, and only ann could
    assert bench.decide(case, ann).state == "granted"


def test_an_approvers_day_ends_too(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    for n in range(3):
        case = bench.ask("300.00 EUR", by=jo, buyer=f"b{n}", spent="1.00 EUR")
        bench.decide(case, sam)
        assert bench.step(case).state is CaseState.PAYING
    last = bench.ask("60.00 EUR", by=jo, buyer="b9", spent="1.00 EUR")
    with pytest.raises(MayNotApprove, match=r"day of 900\.00 EUR, of which 0\.00 EUR is left"):
        bench.decide(last, sam)


def test_two_yeses_given_at_once_do_not_both_fit(bench: Bench) -> None:
    """Each was fine when it was given; released, only one of them is."""
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    cases = [bench.ask("300.00 EUR", by=jo, buyer=f"b{n}", spent="1.00 EUR") for n in range(4)]
    for case in cases:
        bench.decide(case, sam)
    states = [bench.step(case).state for case in cases]
    assert states == [CaseState.PAYING] * 3 + [CaseState.WITH_PERSON]
    assert bench.task(cases[3], "over_limit")["bound"] == "person_day"


def test_the_first_of_two_must_still_have_the_authority_too(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    ann = bench.person("ann", "admin")
    case = bench.ask("400.00 EUR", by=jo, spent="1.00 EUR")
    bench.decide(case, sam)
    bench.decide(case, ann)
    bench.limits(MATRIX.replace("approver: {per_transaction: 500.00", "approver: {per_week: 9.00"))
    assert bench.step(case).state is CaseState.WITH_PERSON
    assert bench.task(case, "over_limit")["bound"] == "person_week"


# ------------------------------------------------------------------------------ the insider


def test_a_limit_lowered_while_a_request_waits_counts(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("400.00 EUR", by=jo, spent="1.00 EUR", reason="size")
    late = bench.ask("200.00 EUR", by=jo, spent="1.00 EUR", buyer="b2")
    bench.decide(late, sam)
    bench.limits("roles: {agent: {per_transaction: 50.00}, approver: {per_transaction: 100.00}}\n")
    with pytest.raises(MayNotApprove):
        bench.decide(case, sam)
    assert bench.step(late).state is CaseState.WITH_PERSON
    assert bench.payouts(late) == []
    assert [row.case_id for row in bench.held()] == [case.id]


def test_who_is_no_approver_any_more_has_not_agreed(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    for change in ({"roles": ["agent"]}, {"active": False}):
        bench.change(sam, roles=["approver"], active=True)
        case = bench.ask("200.00 EUR", by=jo, spent="1.00 EUR", buyer=bench.id("b"))
        bench.decide(case, sam)
        bench.change(sam, **change)
        assert bench.step(case).state is CaseState.WITH_PERSON
        assert bench.payouts(case) == []


def test_an_offer_changed_after_the_yes_pays_nothing(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("200.00 EUR", by=jo, spent="1.00 EUR")
    bench.decide(case, sam)
    with bench.store.write() as tx:
        (offer,) = tx.find(Offer, case_id=case.id)
        tx.put(replace(offer, parts=[{**dict(p), "minor": 20001} for p in offer.parts]))  # type: ignore[call-overload]
    assert bench.step(case).state is CaseState.WITH_PERSON
    assert bench.payouts(case) == []


def test_no_second_account_of_one_mailbox(bench: Bench) -> None:
    bench.person("jo", "agent", email="jo.marsh@gmail.com")
    second = bench.person("other", "approver", email="jomarsh+boss@googlemail.com")
    with bench.store.read() as reader:
        jo = reader.find(Person, email="jo.marsh@gmail.com")[0]
    case = bench.ask("200.00 EUR", by=jo, spent="1.00 EUR")
    with pytest.raises(MayNotApprove, match="mailbox"):
        bench.decide(case, second)


def test_nobody_by_the_account_that_solved_it(bench: Bench) -> None:
    """Also where it is somebody else's by now."""
    bench.person("jo", "agent")
    sam = bench.person("sam", "approver")
    case = bench.ask("200.00 EUR", by=None, spent="1.00 EUR", ask=True)
    with bench.store.write() as tx:
        tx.put(replace(case, asked_by="agent-jo"))
        (account,) = tx.find(PersonIdentity, kind="helpdesk", connection_id=DESK, value="agent-jo")
        tx.put(replace(account, person_id=sam.id))
    with pytest.raises(MayNotApprove, match="asked for this"):
        bench.decide(case, sam)


def test_nobody_who_made_one_of_the_offers(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("200.00 EUR", by=jo, spent="1.00 EUR")
    with bench.store.write() as tx:
        (offer,) = tx.find(Offer, case_id=case.id)
        edited = replace(offer, id=bench.id("offer"), made_by=sam.id)
        tx.add(edited)
    with pytest.raises(MayNotApprove, match="asked for this"):
        bench.decide(case, sam)


# ------------------------------------------------------------------------------ stand-ins


def lend(bench: Bench, who: Person, to: Person, days: int = 1) -> None:
    with bench.store.write() as tx:
        tx.add(
            Delegation(
                id=bench.id("dele"), person_id=who.id, delegate_id=to.id,
                first_day=bench.now.date(), last_day=bench.now.date() + timedelta(days=days - 1),
                made_at=bench.now,
            )
        )  # fmt: skip


def test_a_stand_in_agrees_out_of_the_others_authority(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    ali = bench.person("ali", "agent")
    case = bench.ask("200.00 EUR", by=jo, spent="1.00 EUR")
    with pytest.raises(MayNotApprove):
        bench.decide(case, ali)
    lend(bench, sam, ali)
    decided = bench.decide(case, ali)
    assert (decided.decided_by, decided.decided_for) == (ali.id, sam.id)
    assert bench.step(case).state is CaseState.PAYING
    assert bench.left(sam)["day EUR"] == "700.00 EUR"


def test_no_stand_in_outside_their_days_nor_for_the_one_who_asked(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent", "approver"), bench.person("sam", "approver")
    ali = bench.person("ali", "agent")
    lend(bench, jo, ali)  # an approver who asked lends their own authority
    lend(bench, sam, jo)  # and is lent another's
    case = bench.ask("400.00 EUR", by=jo, spent="1.00 EUR")
    for person in (ali, jo):
        with pytest.raises(MayNotApprove):
            bench.decide(case, person)
    lend(bench, sam, ali)
    bench.later(days=1)
    with pytest.raises(MayNotApprove):
        bench.decide(case, ali)


def test_one_and_their_stand_in_are_not_two(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    ali = bench.person("ali", "agent")
    lend(bench, sam, ali)
    case = bench.ask("400.00 EUR", by=jo, spent="1.00 EUR")
    bench.decide(case, ali)
    with pytest.raises(MayNotApprove, match="agreed already"):
        bench.decide(case, sam)
    kim = bench.person("kim", "agent")
    lend(bench, sam, kim)  # another stand-in of the one whose authority is used already
    with pytest.raises(MayNotApprove):
        bench.decide(case, kim)


# ------------------------------------------------------------------------------ time


def test_people_are_told_again_and_then_it_is_too_late(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("200.00 EUR", by=jo, spent="1.00 EUR")
    for _ in range(4):
        bench.later(hours=10)
        bench.step(case)
        bench.step(case)
    with bench.store.read() as reader:
        kinds = [notice.kind for notice in reader.find(Notice)]
    assert kinds == ["approval"] + ["reminder"] * 4
    bench.later(hours=8)
    assert bench.step(case).said == "approval_expired"
    assert bench.held() == []
    with pytest.raises(NotWaiting):
        bench.decide(case, sam)


def test_a_yes_that_comes_at_the_last_moment_is_too_late(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("200.00 EUR", by=jo, spent="1.00 EUR")
    bench.later(hours=48)
    assert bench.decide(case, sam).state == "expired"
    assert bench.step(case).said == "approval_expired"
    assert bench.payouts(case) == []
    assert bench.held() == []


def test_a_stand_in_s_yes_is_worth_nothing_once_their_days_are_over(bench: Bench) -> None:
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    ali = bench.person("ali", "agent")
    lend(bench, sam, ali)
    case = bench.ask("200.00 EUR", by=jo, spent="1.00 EUR")
    assert bench.decide(case, ali).state == "granted"
    bench.later(days=1)
    assert bench.step(case).said == "approval_void"
    assert bench.payouts(case) == []


def test_nobody_agrees_to_what_their_limit_cannot_count(bench: Bench) -> None:
    bench.limits(
        "roles: {agent: {per_day: {EUR: 90.00, GBP: 5.00}}, approver: {per_day: 900.00}}\n"
    )
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("6.00 GBP", by=jo)
    assert case.state is CaseState.WAITING_APPROVAL
    with pytest.raises(MayNotApprove, match=r"their limit rate \(GBP/EUR\)"):
        bench.decide(case, sam)
