"""Why somebody may not agree, in words that say what to do about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.approval import Approval, MayNotApprove
from core.case import Case, CaseState
from core.people import Delegation, Person, PersonIdentity
from core.store import Store
from tests.core.authority.bench import Bench

LIMITS = "roles: {agent: {per_transaction: 5.00}, approver: {per_transaction: 500.00}}\n"


@pytest.fixture
def bench(store: Store) -> Bench:
    bench = Bench(store)
    bench.limits(LIMITS)
    return bench


def asked(bench: Bench, amount: str = "20.00 EUR") -> Case:
    return bench.ask(amount, by=bench.person("jo", "agent"))


def account(bench: Bench, person: Person, **changes: str) -> None:
    with bench.store.write() as tx:
        (row,) = tx.find(PersonIdentity, person_id=person.id)
        tx.put(replace(row, **changes))  # type: ignore[arg-type]


def test_nobody_without_a_sign_in(bench: Bench) -> None:
    case, sam = asked(bench), bench.person("sam", "approver")
    account(bench, sam, person_id="per_other")
    with pytest.raises(MayNotApprove, match=r"sam is not linked .* `amends person link`"):
        bench.decide(case, sam)


def test_nobody_while_it_is_not_known_who_solved_the_ticket(bench: Bench) -> None:
    """Whoever it was may be this very person, by an account that is not linked to them."""
    sam, ann = bench.person("sam", "approver"), bench.person("ann", "approver")
    case = bench.ask("20.00 EUR", ask=True)
    with bench.store.write() as tx:
        tx.put(replace(case, asked_by="agent-unknown"))
    account(bench, sam, kind="sso")
    with pytest.raises(MayNotApprove, match="sam's own helpdesk account"):
        bench.decide(case, sam)
    for other in ("conn_a", "conn_z"):
        account(bench, ann, connection_id=other)
        with pytest.raises(MayNotApprove, match="ann's own helpdesk account"):
            bench.decide(case, ann)
    account(bench, ann, connection_id="conn_desk")
    assert bench.decide(case, ann).state == "granted"


def test_an_account_that_is_not_linked_says_nothing_where_it_is_known_who_asked(
    bench: Bench,
) -> None:
    case, sam = asked(bench), bench.person("sam", "approver")
    with bench.store.write() as tx:
        tx.put(replace(case, asked_by="agent-jo"))
    account(bench, sam, kind="sso")
    assert bench.decide(case, sam).state == "granted"


def test_who_must_decide_is_named(bench: Bench) -> None:
    case, ali = asked(bench), bench.person("ali", "agent")
    with pytest.raises(MayNotApprove, match="ali is not an approver of this; an admin or an appr"):
        bench.decide(case, ali)
    bench.limits(LIMITS + "approval: {ask: [{over: 0.00, roles: [finance]}]}\n")
    other = bench.ask("20.00 EUR", by=ali, buyer="b2")
    with pytest.raises(MayNotApprove, match="; a finance must decide"):
        bench.decide(other, bench.person("sam", "approver"))


def test_an_approver_without_limits_has_no_authority(bench: Bench) -> None:
    bench.limits("roles: {agent: {per_transaction: 5.00}}\n")
    case, sam = asked(bench), bench.person("sam", "approver")
    with pytest.raises(MayNotApprove, match="no authority; see `amends limits left`"):
        bench.decide(case, sam)


def test_the_limit_in_the_way_is_named_with_what_is_left(bench: Bench) -> None:
    bench.limits(
        "roles: {agent: {per_transaction: 5.00}, "
        "approver: {per_day: 900.00, reasons: {damaged_item: {per_day: 19.00}}}}\n"
    )
    case, sam = asked(bench), bench.person("sam", "approver")
    with pytest.raises(MayNotApprove) as no:
        bench.decide(case, sam)
    assert str(no.value) == (
        "sam cannot give this: their limit day (damaged_item) of 19.00 EUR, of which 19.00 EUR is "
        "left"
    )


# ------------------------------------------------------------------------------ who is not there


def lend(bench: Bench, who: str, to: Person) -> None:
    day = bench.now.date()
    with bench.store.write() as tx:
        tx.add(
            Delegation(
                id=bench.id("dele"), person_id=who, delegate_id=to.id, first_day=day, last_day=day,
                made_at=bench.now,
            )
        )  # fmt: skip


def test_nobody_stands_in_for_somebody_who_is_not_there(bench: Bench) -> None:
    case, ali, sam = asked(bench), bench.person("ali", "agent"), bench.person("sam", "approver")
    lend(bench, "per_gone", ali)
    with pytest.raises(MayNotApprove, match="ali is not an approver"):
        bench.decide(case, ali)
    lend(bench, sam.id, ali)
    assert bench.decide(case, ali).decided_for == sam.id


@pytest.mark.parametrize(("asker", "other"), [("jo", "ali"), ("ann", "kim")])
def test_nobody_stands_in_for_whoever_asked(bench: Bench, asker: str, other: str) -> None:
    bench.limits(LIMITS + "approval: {ask: [{over: 10.00}]}\n")
    who, to = bench.person(asker, "approver"), bench.person(other, "agent")
    sam, zoe = bench.person("sam", "approver"), bench.person("zoe", "agent")
    case = bench.ask("20.00 EUR", by=who)
    lend(bench, who.id, to)
    with pytest.raises(MayNotApprove):
        bench.decide(case, to)
    lend(bench, sam.id, zoe)
    row = bench.decide(case, zoe)
    assert (row.decided_by, row.decided_for, row.bearer) == (zoe.id, sam.id, sam.id)


@pytest.mark.parametrize("change", [{"decided_by": "per_gone"}, {"decided_for": "per_gone"}])
def test_a_yes_of_somebody_who_is_not_there_is_worth_nothing(
    bench: Bench, change: dict[str, str]
) -> None:
    case, sam = asked(bench), bench.person("sam", "approver")
    granted = bench.decide(case, sam)
    with bench.store.write() as tx:
        row = tx.lock(Approval, granted.id)
        assert row is not None
        tx.put(replace(row, **change))  # type: ignore[arg-type]
    after = bench.step(case)
    assert (after.state, after.said) == (CaseState.WITH_PERSON, "approval_void")
    assert bench.payouts(case) == []
