"""What no host pays: a person is asked once, and the case ends with their proof."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from core import approval, by_hand, ledger
from core.by_hand import NotByHand
from core.case import Case, CaseState, Outcome, Task
from core.connection import Connection
from core.moment import Moment
from core.payout import Payout, PayoutState
from core.people import Person
from core.tasks import NotOpen
from tests.webhooks.rig import Rig
from webhooks import connecting
from webhooks.cli import main, opening
from webhooks.demo.stage import MANAGER

TEAPOT = 2  # 50.00 EUR at the shop


@pytest.fixture
def asked(rig: Rig) -> Rig:
    """A case whose policy gives cash, which the manual till pays."""
    manual = connecting.add(rig.of, "manual", values={})
    rig.options(remedies={"cash": manual.id, "donation": manual.id})
    rig.policy("{cash: 10.00 EUR}", currency="EUR")
    rig.solve(TEAPOT)
    return rig


def _task(rig: Rig) -> Task:
    with rig.store.read() as reader:
        (task,) = reader.find(Task, case_id=rig.case(TEAPOT).id, state="open")
    return task


def _end(rig: Rig, said: str, *, paid: bool = True, task_id: str | None = None) -> Payout:
    task = _task(rig) if task_id is None else None
    case_id = rig.case(TEAPOT).id
    with rig.store.write() as tx:
        payout = tx.find(Payout, case_id=case_id)[0]
        case, till = tx.get(Case, payout.case_id), tx.get(Connection, payout.till_id)
        assert case is not None
        assert till is not None
        end = by_hand.paid if paid else by_hand.not_paid
        return end(
            tx,
            task.id if task else task_id or "",
            "person_1",
            said,
            pays=rig.of.hosts.get(till.id, tx).spec.pays["cash"],
            routing=rig.of.hosts.get(case.desk_id, tx).routing,
            moment=Moment(rig.of.clock.now()),
        )


def test_a_person_is_asked_once_and_nothing_is_claimed(asked: Rig) -> None:
    case = asked.case(TEAPOT)
    (payout,) = asked.payouts(case)
    assert (payout.state, payout.due_at) == (PayoutState.PENDING, None)
    assert case.state is CaseState.WITH_PERSON
    assert asked.tasks(case) == ["pay_by_hand"]
    asked.later(hours=30)
    assert asked.tasks(case) == ["pay_by_hand"]
    assert [c for c in asked.comments(TEAPOT) if c["public"]] == []
    with asked.store.read() as reader:
        assert ledger.entries_of(reader, payout.id) == []


def test_the_proof_settles_books_and_tells_the_customer(asked: Rig) -> None:
    payout = _end(asked, "SEPA 2026-11-22 / 7731")
    asked.settle()
    assert payout.state is PayoutState.SETTLED
    case = asked.case(TEAPOT)
    assert case.outcome is Outcome.MADE_GOOD
    with asked.store.read() as reader:
        (entry,) = ledger.entries_of(reader, payout.id)
        assert entry.amount_minor == 1000
        (task,) = reader.find(Task, case_id=case.id)
    assert (task.state, task.note, task.done_by) == ("done", "SEPA 2026-11-22 / 7731", "person_1")
    assert len([c for c in asked.comments(TEAPOT) if c["public"]]) == 1
    assert asked.refunds() == []


def test_the_same_proof_twice_pays_once(asked: Rig) -> None:
    task = _task(asked)
    _end(asked, "7731")
    with pytest.raises(NotOpen):
        _end(asked, "7731", task_id=task.id)


def test_without_a_proof_nothing_is_settled(asked: Rig) -> None:
    for said in ("", "  "):
        with pytest.raises(NotByHand):
            _end(asked, said)
    assert asked.payouts(asked.case(TEAPOT))[0].state is PayoutState.PENDING
    assert asked.tasks(asked.case(TEAPOT)) == ["pay_by_hand"]


def test_a_no_is_a_declined_payout_and_no_booking(asked: Rig) -> None:
    payout = _end(asked, "the customer has no bank account", paid=False)
    asked.settle()
    assert payout.state is PayoutState.DECLINED
    assert asked.case(TEAPOT).outcome is not Outcome.MADE_GOOD
    with asked.store.read() as reader:
        assert ledger.entries_of(reader, payout.id) == []
    assert asked.tasks(asked.case(TEAPOT)) == ["declined_by_host"]


def test_two_remedies_by_hand_are_two_tasks(rig: Rig) -> None:
    manual = connecting.add(rig.of, "manual", values={})
    rig.options(remedies={"cash": manual.id, "donation": manual.id})
    rig.policy("{cash: 10.00 EUR, donation: 5.00 EUR}", currency="EUR")
    rig.solve(TEAPOT)
    assert rig.tasks(rig.case(TEAPOT)) == ["pay_by_hand", "pay_by_hand"]


def test_on_the_command_line(asked: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "services", lambda settings: asked.of)
    monkeypatch.setattr(asked.store, "close", lambda: None)
    with asked.store.write() as tx:
        tx.add(
            Person(
                id="person_9",
                name="Pay Er",
                email="payer@shop.example",
                roles=["agent"],
                created_at=asked.of.clock.now(),
            )
        )
    task = _task(asked).id

    def typed(*args: str) -> Result:
        return CliRunner().invoke(main, ["task", "done", task, "--as", "payer@shop.example", *args])

    assert "say what proves it" in typed("--note", "did it").output
    assert typed("--proof", "7731", "--not-paid", "why").exit_code == 2
    assert asked.payouts(asked.case(TEAPOT))[0].state is PayoutState.PENDING
    done = typed("--proof", "7731")
    assert done.exit_code == 0, done.output
    asked.settle()
    assert asked.case(TEAPOT).outcome is Outcome.MADE_GOOD


def test_cash_is_not_given_beside_what_somebody_refunds_meanwhile(rig: Rig) -> None:
    """It may have been for the same harm, so a person looks before anybody pays in cash."""
    manual = connecting.add(rig.of, "manual", values={})
    rig.options(remedies={"cash": manual.id})
    rig.policy("{cash: 10.00 EUR}", currency="EUR", extra="ask_over: 1.00 EUR\n")
    rig.solve(TEAPOT)
    case = rig.case(TEAPOT)
    assert case.state is CaseState.WAITING_APPROVAL
    rig.shop.post("orders/1002/refund", amount="50.00", note="at the counter")
    rig.settle()
    who, moment = rig.person(MANAGER), Moment(rig.clock.now())
    with rig.store.write() as tx:
        approval.decide(tx, case.id, who, agree=True, note=None, moment=moment)
    rig.settle()
    assert rig.tasks(rig.case(TEAPOT)) == ["changed_since"]
