"""A request for a yes: how long it stands, what is kept of the answer, and which one counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core import approval, authority
from core.approval import Approval, NotWaiting
from core.case import Case, CaseState, CaseStep
from core.notices import Notice
from core.offer import Offer, parts_of
from core.people import Person
from core.store import Store
from tests.core.authority.bench import Bench

LIMITS = "roles: {agent: {per_transaction: 5.00}, approver: {per_transaction: 500.00}}\n"


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def asked(bench: Bench, case: Case) -> list[Approval]:
    with bench.store.read() as reader:
        return approval.asked(reader, case.id)


def steps(bench: Bench, case: Case) -> dict[str, object]:
    with bench.store.read() as reader:
        return {row.what: row.data for row in reader.find(CaseStep, case_id=case.id)}


def test_without_limits_a_request_stands_for_a_week_and_nobody_is_reminded(bench: Bench) -> None:
    case = bench.ask("20.00 EUR", by=bench.person("jo", "agent"), ask=True)
    (row,) = asked(bench, case)
    assert (row.expires_at, row.remind_at) == (bench.now + timedelta(days=7), None)
    assert (row.state, row.why, row.requested_by) == ("waiting", "needs_yes", "per_jo")
    assert sorted(map(str, row.roles)) == ["admin", "approver"]
    with bench.store.write() as tx:
        approval.remind(tx, [row], bench.moment)
    assert asked(bench, case)[0].remind_at is None


def test_with_limits_it_stands_and_is_told_of_as_they_say(bench: Bench) -> None:
    bench.limits(LIMITS + "approval: {expires_hours: 48, remind_hours: 10}\n")
    bench.person("sam", "approver")
    case = bench.ask("20.00 EUR", by=bench.person("jo", "agent"))
    (row,) = asked(bench, case)
    assert row.expires_at == bench.now + timedelta(hours=48)
    assert row.remind_at == bench.now + timedelta(hours=10)
    assert row.why == "person_transaction"
    bench.later(hours=11)
    bench.step(case)
    assert asked(bench, case)[0].remind_at == bench.now + timedelta(hours=10)
    with bench.store.read() as reader:
        told = [(notice.kind, notice.about) for notice in reader.find(Notice)]
    assert told == [("approval", row.id), ("reminder", row.id)]


def test_only_the_newest_request_is_asked_about(bench: Bench) -> None:
    bench.limits(LIMITS)
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("20.00 EUR", by=jo)
    first = asked(bench, case)
    with bench.store.write() as tx:
        approval.void(tx, first)
        authority.release(tx, case, bench.now)
        row = tx.lock(Case, case.id)
        assert row is not None
        offer = tx.get(Offer, first[0].offer_id)
        assert offer is not None
        again = replace(offer, id=bench.id("offer"))
        tx.add(again)
        approval.request(tx, row, again, "needs_yes", bench.moment)
    (second,) = asked(bench, case)
    assert (second.offer_id, second.state) == (again.id, "waiting")
    assert bench.decide(case, sam).id == second.id


def test_a_request_that_is_over_keeps_its_answer(bench: Bench) -> None:
    bench.limits(LIMITS + "approval: {ask: [{over: 10.00, people: 3}]}\n")
    jo, people = bench.person("jo", "agent"), ["sam", "ann", "kim"]
    sam, ann, _ = (bench.person(name, "approver") for name in people)
    case = bench.ask("20.00 EUR", by=jo)
    with bench.store.read() as reader:
        told = [notice.about for notice in reader.find(Notice) if notice.kind == "approval"]
    assert told == [asked(bench, case)[0].id]  # of all three at once
    bench.decide(case, sam)
    bench.decide(case, ann, agree=False)
    with bench.store.write() as tx:
        approval.void(tx, approval.asked(tx, case.id))
    assert [row.state for row in asked(bench, case)] == ["void", "refused", "void"]
    with pytest.raises(NotWaiting):
        bench.decide(case, ann)


@pytest.mark.parametrize("agree", [True, False])
def test_an_answer_is_kept_with_who_when_and_why(bench: Bench, agree: bool) -> None:
    bench.limits(LIMITS + "approval: {remind_hours: 10}\n")
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("20.00 EUR", by=jo)
    with bench.store.write() as tx:
        tx.put(replace(case, tries=4))
    bench.later(hours=1)
    with bench.store.write() as tx:
        row = approval.decide(
            tx, case.id, sam, agree=agree, note="seen the photo", moment=bench.moment
        )
    assert asked(bench, case) == [row]
    assert (row.decided_by, row.decided_for, row.bearer) == (sam.id, None, sam.id)
    assert (row.decided_at, row.note, row.remind_at) == (bench.now, "seen the photo", None)
    state = "granted" if agree else "refused"
    assert row.state == state
    assert steps(bench, case)[f"approval_{state}"] == {"by": sam.id}
    assert bench.case(case.id).tries == 0  # acted on at once, whatever failed before


def test_a_row_of_the_matrix_for_other_reasons_is_passed_over(bench: Bench) -> None:
    bench.limits(
        "roles: {agent: {per_transaction: 50.00}}\napproval: {ask: ["
        "{over: 10.00, reasons: [size], roles: [finance]}, {over: 10.00, roles: [admin]}]}\n"
    )
    jo = bench.person("jo", "agent")
    for reason, role in (("size", "finance"), ("damaged_item", "admin")):
        case = bench.ask("20.00 EUR", by=jo, reason=reason, buyer=bench.id("b"))
        assert [row.roles for row in asked(bench, case)] == [[role]]


@pytest.mark.parametrize("policy", ["0" * 64, "1" * 64, "2" * 64, "e" * 64])
def test_an_answer_to_what_was_changed_is_nobodys(bench: Bench, policy: str) -> None:
    bench.limits(LIMITS)
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case, late = bench.ask("20.00 EUR", by=jo), bench.ask("20.00 EUR", by=jo, buyer="b2")
    bench.decide(late, sam)
    with bench.store.write() as tx:
        for id in (case.id, late.id):
            now = tx.lock(Case, id)
            assert now is not None
            tx.put(replace(now, policy_hash=policy))
    row = bench.decide(case, sam)
    assert (row.state, row.decided_by, row.bearer) == ("void", None, None)
    assert steps(bench, case)["approval_void"] == {"by": None}
    assert bench.step(case).state is CaseState.WITH_PERSON
    assert bench.step(late).said == "approval_void"
    assert bench.payouts(late) == []


@pytest.mark.parametrize("hours", [48, 49])
def test_an_answer_after_its_time_is_none(bench: Bench, hours: int) -> None:
    bench.limits(LIMITS + "approval: {expires_hours: 48}\n")
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    case = bench.ask("20.00 EUR", by=jo)
    bench.later(hours=hours)
    assert bench.decide(case, sam).state == "expired"
    assert bench.step(case).said == "approval_expired"


def test_who_could_agree_is_whoever_has_the_role_and_the_authority(bench: Bench) -> None:
    bench.limits(
        "roles: {agent: {per_transaction: 5.00}, approver: {per_transaction: 500.00},"
        " admin: {per_transaction: 10.00}}\n"
    )
    jo, sam = bench.person("jo", "agent"), bench.person("sam", "approver")
    bench.person("ann", "approver")
    kim = bench.person("kim", "admin")
    case = bench.ask("20.00 EUR", by=jo)
    (row,) = asked(bench, case)

    def able(among: list[Person] | None = None) -> set[str]:
        with bench.store.read() as reader:
            offer = reader.get(Offer, row.offer_id)
            assert offer is not None
            of = authority.wish_held(reader, case, offer.basis, parts_of(offer))
            return {p.name for p in approval.able(reader, of, row, bench.moment, among)}

    assert able() == {"sam", "ann"}
    assert able([jo, sam, kim]) == {"sam"}
    assert able([]) == set()
