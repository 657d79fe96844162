"""What our books hold for not paid and the host shows as paid: a person ends it; every store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pytest

from core import booking, ledger, resolve, sweep
from core.authority import Counter, Reservation
from core.booking import settlement, undoing
from core.case import Case, CaseState, Harm, Outcome, Task
from core.facts import harm_key
from core.ledger import post
from core.ledger_check import verify
from core.moment import Moment
from core.money import Money
from core.payout import Payout, PayoutState
from core.people import Person, PersonIdentity
from core.ports import HostRecord, Pays, Receipt, Settled
from core.resolve import CannotResolve
from core.routing import read_routing
from core.store import Store
from tests.stores import NOW, sample, store

__all__ = ["store"]

FIVE = Money(500, "EUR")
BUDGET = "budget|goodwill|2026|EUR"
RECORD = HostRecord(
    host_object="r1", remedy="refund", amount=FIVE, order_id="o1", marker="[amends:pay_1]",
    ending="settled", at=NOW,
)  # fmt: skip
HARM = sample(
    Harm, "harm_1", customer_id="c1", subject="order:till:o1", cause="late", basis="goodwill",
    case_id="case_1", active_key=None,
)  # fmt: skip


def _put(store: Store, state: PayoutState, case: Mapping[str, object], *, active: bool) -> None:
    with store.write() as tx:
        tx.add(sample(Case, "case_1", **{"open_key": None, "till_id": "till", **case}))
        tx.add(
            sample(
                Payout, "pay_1", case_id="case_1", till_id="till", order_id="o1", position=0,
                remedy="refund", basis="goodwill", cause="late", amount_minor=500, currency="EUR",
                state=state, host_object="r1" if state is PayoutState.FAILED else None,
            )
        )  # fmt: skip
        tx.add(sample(Counter, BUDGET, total=0))
        tx.add(
            sample(
                Reservation, "res_1", case_id="case_1", position=0, state="released",
                charges={BUDGET: 500},
            )
        )  # fmt: skip
        tx.add(sample(Harm, **_fields(HARM, active_key=harm_key(HARM) if active else None)))
        tx.add(sample(Person, "m", email="m@x.test", roles=["approver"], active=True))
        tx.add(
            PersonIdentity(
                id="i", person_id="m", kind="sso", connection_id="", value="m", linked_at=NOW
            )
        )
    if state is PayoutState.FAILED:
        _book_back(store)


def _fields(of: Harm, **other: object) -> dict[str, Any]:
    return {**{field.name: getattr(of, field.name) for field in fields(of)}, **other}


def _book_back(store: Store) -> None:
    given = settlement(
        "pay_1", "case_1", "till", "refund", "goodwill", "late", FIVE, budgets=["goodwill"]
    )
    with store.write() as tx:
        post(tx, given, now=NOW)
    with store.write() as tx:
        post(tx, undoing(ledger.entries_of(tx, "pay_1"), "failed", 1), now=NOW)


def _settle(store: Store) -> Payout:
    routing = read_routing({"policy": "p", "tills": [{"connection": "till"}]})
    proof = Settled(Receipt(host_object="r1", amount=FIVE))
    with store.write() as tx:
        person = tx.get(Person, "m")
        assert person is not None
        return resolve.settle(
            tx, "pay_1", person, proof, pays=Pays(retry="find"), routing=routing, moment=Moment(NOW)
        )


def _sweep(store: Store) -> sweep.Difference | Payout | None:
    with store.write() as tx:
        return sweep.compare(tx, "till", RECORD, Moment(NOW))


GONE = pytest.mark.parametrize("state", [PayoutState.DECLINED, PayoutState.FAILED])
WAITING: Mapping[str, object] = {"state": CaseState.WITH_PERSON, "said": "not_all_paid"}
ENDED: Mapping[str, object] = {"state": CaseState.CLOSED, "outcome": Outcome.DISMISSED}


@GONE
def test_the_sweep_tells_a_person_once_how_to_end_it(store: Store, state: PayoutState) -> None:
    _put(store, state, WAITING, active=True)
    ends = []
    for _ in range(2):
        said = _sweep(store)
        assert isinstance(said, sweep.Difference)
        ends.append((said.kind, said.end))
        with store.write() as tx:
            (task,) = tx.find(Task, case_id="case_1")
            tx.put(replace(task, state="done"))  # and nobody settled it
    assert ends == [("differs", "task"), ("differs", "shown")]
    assert task.kind == "paid_after_all"
    _settle(store)
    assert _sweep(store) is None
    with store.read() as reader:
        assert reader.find(Task, state="open") == []


@GONE
@pytest.mark.parametrize("case", [WAITING, ENDED])
def test_it_is_booked_and_counted_again(
    store: Store, state: PayoutState, case: Mapping[str, object]
) -> None:
    _put(store, state, case, active=case is WAITING)
    assert _settle(store).state is PayoutState.SETTLED
    with store.read() as reader:
        row, counter = reader.get(Reservation, "res_1"), reader.get(Counter, BUDGET)
        after, harm = reader.get(Case, "case_1"), reader.get(Harm, "harm_1")
        entries = booking.standing(ledger.entries_of(reader, "pay_1"))
        assert verify(reader).ok
    assert row is not None
    assert counter is not None
    assert (row.state, counter.total) == ("used", 500)
    assert [(one.kind, one.amount_minor) for one in entries] == [("settled", 500), ("budget", 500)]
    assert after is not None
    assert (after.state, after.outcome) == (CaseState.CLOSED, Outcome.MADE_GOOD)
    assert harm is not None
    assert harm.active_key == harm_key(HARM)


def test_what_fails_a_second_time_is_booked_back_again(store: Store) -> None:
    _put(store, PayoutState.FAILED, WAITING, active=True)
    _settle(store)
    with store.write() as tx:
        post(tx, undoing(booking.standing(ledger.entries_of(tx, "pay_1")), "failed", 1), now=NOW)
    with store.read() as tx:
        assert booking.standing(ledger.entries_of(tx, "pay_1")) == []
        assert set(ledger.balances(tx).values()) == {0}


@GONE
def test_where_another_case_was_given_it_a_person_sees_both(
    store: Store, state: PayoutState
) -> None:
    _put(store, state, ENDED, active=False)
    with store.write() as tx:
        tx.add(sample(Case, "case_2", open_key=None, state=CaseState.CLOSED))
        taken = _fields(HARM, id="harm_2", case_id="case_2", active_key=harm_key(HARM))
        tx.add(sample(Harm, **taken))
    _settle(store)
    with store.read() as reader:
        (task,) = reader.find(Task, case_id="case_1", state="open")
        case = reader.get(Case, "case_1")
        own, other = reader.get(Harm, "harm_1"), reader.get(Harm, "harm_2")
    assert task.kind == "harm_already_made_good"
    assert isinstance(task.known, Mapping)
    assert task.known["first_case"] == "case_2"
    assert case is not None
    assert case.state is CaseState.WITH_PERSON
    assert own is not None
    assert other is not None
    assert None not in (own.active_key, other.active_key)


@pytest.mark.parametrize("state", [PayoutState.PLANNED, PayoutState.REVERSED, PayoutState.SETTLED])
def test_nothing_else_is_ended_so(store: Store, state: PayoutState) -> None:
    _put(store, state, WAITING, active=True)
    with pytest.raises(CannotResolve):
        _settle(store)


@GONE
def test_a_case_that_was_closed_stays_closed(store: Store, state: PayoutState) -> None:
    """Also where another part of it was given up."""
    _put(store, state, ENDED, active=False)
    with store.write() as tx:
        other = sample(
            Payout, "pay_2", case_id="case_1", position=1, state=PayoutState.DECLINED, due_at=None
        )
        tx.add(other)
    _settle(store)
    with store.read() as reader:
        case = reader.get(Case, "case_1")
    assert case is not None
    assert (case.state, case.outcome) == (CaseState.CLOSED, Outcome.MADE_GOOD)
