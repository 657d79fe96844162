"""What people do about payouts on the command line, against the stand-ins."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest

from console.staff.telling import told
from core import ledger
from core.approval import MayNotApprove
from core.case import Outcome, Task
from core.payout import Payout, PayoutState
from core.people import Person
from core.resolve import CannotResolve
from tests.webhooks.rig import Rig
from webhooks.cli import books

LATE_PARCEL = 1
TEAPOT = 2
FROM_STRIPE = 20
MANAGER = "manager@shop.example"


def run(rig: Rig, command: click.Command, **given: Any) -> None:
    """The command itself, in this installation instead of one that it opens."""
    callback: Any = command.callback
    callback.__wrapped__(rig.of, **given)
    rig.settle()


def only(rig: Rig, ticket: int) -> Payout:
    (payout,) = rig.payouts(rig.case(ticket))
    return payout


@pytest.fixture
def lost(rig: Rig) -> Rig:
    """The shop refunded, its answer and its message were lost, and it does not answer."""
    rig.shop.post("webhooks/hold")
    rig.shop.post("faults", kind="drop", when="after", match={"operation": "refundCreate"})
    rig.solve(LATE_PARCEL)
    assert only(rig, LATE_PARCEL).state is PayoutState.UNKNOWN
    return rig


def test_a_person_says_where_it_is_and_the_host_is_asked(lost: Rig) -> None:
    payout = only(lost, LATE_PARCEL)
    (refund,) = lost.refunds()
    wrong = "gid://shopify/Refund/1"
    with pytest.raises(CannotResolve):
        run(lost, books.settle, payout_id=payout.id, host_object=wrong, person=MANAGER)
    assert only(lost, LATE_PARCEL).state is PayoutState.UNKNOWN
    right = f"gid://shopify/Refund/{refund['id']}"
    run(lost, books.settle, payout_id=payout.id, host_object=right, person=MANAGER)
    assert only(lost, LATE_PARCEL).state is PayoutState.SETTLED
    assert lost.case(LATE_PARCEL).outcome is Outcome.MADE_GOOD
    assert "settled_by_person" in lost.steps(lost.case(LATE_PARCEL))
    assert len(lost.refunds()) == 1


def test_somebody_elses_refund_settles_nothing(lost: Rig) -> None:
    payout = only(lost, LATE_PARCEL)
    before = {one["id"] for one in lost.shop.get("books")["refunds"]}
    lost.shop.post("orders/1001/refund", amount=payout.amount.text if payout.amount else "")
    (other,) = {one["id"] for one in lost.shop.get("books")["refunds"]} - before
    with pytest.raises(CannotResolve):
        run(
            lost, books.settle, payout_id=payout.id, person=MANAGER,
            host_object=f"gid://shopify/Refund/{other}",
        )  # fmt: skip


def test_a_part_that_the_shop_paid_is_settled_as_that_part(lost: Rig) -> None:
    """Nobody could end it otherwise, and what it holds of the limits would never be free."""
    payout = only(lost, LATE_PARCEL)
    assert payout.amount is not None
    (refund,) = lost.refunds()
    moves = lost.running.states["shopify"].transactions.values()  # type: ignore[attr-defined]
    (move,) = [one for one in moves if one.refund_id == refund["id"]]
    move.amount -= Decimal("0.01")
    lost.later(hours=1)
    assert only(lost, LATE_PARCEL).state is PayoutState.UNKNOWN
    right = f"gid://shopify/Refund/{refund['id']}"
    run(lost, books.settle, payout_id=payout.id, host_object=right, person=MANAGER)
    after = only(lost, LATE_PARCEL)
    assert (after.state, after.amount_minor) == (PayoutState.SETTLED, payout.amount.minor - 1)
    assert lost.case(LATE_PARCEL).outcome is Outcome.MADE_GOOD
    with lost.store.read() as reader:
        (entry,) = [e for e in ledger.entries_of(reader, payout.id) if e.kind == "settled"]
    assert entry.amount_minor == payout.amount.minor - 1


def test_who_says_so_must_be_an_approver(lost: Rig) -> None:
    with lost.store.write() as tx:
        moment = lost.clock.now()
        tx.add(Person(id="p", name="A", email="a@x.test", roles=["agent"], created_at=moment))
    (refund,) = lost.refunds()
    with pytest.raises(MayNotApprove):
        run(
            lost, books.settle, payout_id=only(lost, LATE_PARCEL).id, person="a@x.test",
            host_object=f"gid://shopify/Refund/{refund['id']}",
        )  # fmt: skip


def test_a_host_that_can_be_asked_is_not_overruled(lost: Rig) -> None:
    payout = only(lost, LATE_PARCEL)
    with pytest.raises(CannotResolve, match="can be asked"):
        run(lost, books.absent, payout_id=payout.id, person=MANAGER, note="looked everywhere")
    lost.later(minutes=5)
    assert len(lost.refunds()) == 1


def test_a_card_is_taken_back_and_shown(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    rig.policy("{gift_card: 20% of order.total}")
    rig.solve(TEAPOT)
    payout = only(rig, TEAPOT)
    run(rig, books.reverse, payout_id=payout.id, person=MANAGER, note="a mistake")
    assert only(rig, TEAPOT).state is PayoutState.REVERSED
    capsys.readouterr()
    run(rig, books.show_, payout_id=payout.id, json_=True)
    told = json.loads(capsys.readouterr().out)
    assert [entry["kind"] for entry in told["entries"]] == ["settled", "reversed"]
    assert len(told["attempts"]) == 2
    assert "sealed_code" not in told
    run(rig, books.show_, payout_id=payout.id, json_=False)
    assert f"{payout.key}:back" in capsys.readouterr().out


def test_what_is_gone_at_the_host_is_not_taken_back(rig: Rig) -> None:
    rig.policy("{gift_card: 20% of order.total}")
    rig.solve(TEAPOT)
    rig.running.states["shopify"].cards.clear()  # type: ignore[attr-defined]
    with pytest.raises(CannotResolve):
        run(rig, books.reverse, payout_id=only(rig, TEAPOT).id, person=MANAGER, note="x")
    assert only(rig, TEAPOT).state is PayoutState.SETTLED


def test_sweep_prints_what_it_found_and_exits_1_where_it_could_not(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    run(rig, books.sweep_, connection=None, since=None, json_=True)
    reports = json.loads(capsys.readouterr().out)
    assert {one["title"] for one in reports} == {"Zendesk", "Shopify", "Stripe"}
    assert all(one["swept"] for one in reports)
    run(rig, books.sweep_, connection=rig.stage.tills["shopify"], since=None, json_=False)
    out = capsys.readouterr().out
    assert "the books agree" in out
    assert "not everything can be seen" in out
    rig.down(rig.stripe, "/v1/*")
    with pytest.raises(SystemExit):
        run(rig, books.sweep_, connection=None, since=None, json_=False)
    assert "Stripe: NOT SWEPT" in capsys.readouterr().out


def test_after_a_restore_one_command_halts_and_one_lets_go_on(rig: Rig) -> None:
    run(rig, books.restored)
    rig.solve(LATE_PARCEL)
    rig.later(minutes=2)
    assert len(rig.refunds()) == 1  # the runner has swept by itself by then


def test_the_journal_is_written_and_closed(
    rig: Rig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig.solve(LATE_PARCEL)
    month = f"{rig.clock.now():%Y-%m}"
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    run(rig, books.export, month=month, out=one)
    rig.clock.ahead += timedelta(days=45)
    run(rig, books.close, month=month, person=MANAGER)
    run(rig, books.export, month=month, out=two)
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes().count(b"\r\n") == 2
    digests = {line.split()[-1] for line in capsys.readouterr().out.splitlines()}
    assert len(digests) == 1


def test_a_person_is_found_by_their_address_at_the_tills(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    rig.solve(LATE_PARCEL)
    people = rig.desk.get("books")["users"]
    wanted = rig.ticket(LATE_PARCEL)["requester_id"]
    email = next(one["email"] for one in people if one["id"] == wanted)
    run(rig, books.export_person, customer=None, email=email)
    (told,) = json.loads(capsys.readouterr().out)
    assert told["customer"] == rig.case(LATE_PARCEL).customer_id
    run(rig, books.erase, customer=None, email=email, person=MANAGER)
    assert "erased" in rig.steps(rig.case(LATE_PARCEL))


def test_what_the_host_paid_after_all_is_ended_by_the_command_its_task_names(rig: Rig) -> None:
    rig.solve(FROM_STRIPE)
    payout = only(rig, FROM_STRIPE)
    assert payout.host_object is not None
    rig.stripe.post("webhooks/hold")
    stripe = rig.stage.tills["stripe"]
    rig.stripe.post(f"refunds/{payout.host_object}", status="failed", failure_reason="lost_card")
    run(rig, books.sweep_, connection=stripe, since=None, json_=True)
    assert only(rig, FROM_STRIPE).state is PayoutState.FAILED
    rig.stripe.post(f"refunds/{payout.host_object}", status="succeeded")
    for _ in range(2):
        run(rig, books.sweep_, connection=stripe, since=None, json_=True)
    case = rig.case(FROM_STRIPE)
    assert rig.tasks(case) == ["payment_failed", "paid_after_all"]
    with rig.store.read() as reader:
        (task,) = (
            one for one in reader.find(Task, case_id=case.id) if one.kind == "paid_after_all"
        )
        todo = told(reader).task(task).todo
    assert f"amends payout settle {payout.id} --object {payout.host_object}" in todo
    run(
        rig, books.settle, payout_id=payout.id, host_object=payout.host_object, person=MANAGER
    )  # fmt: skip
    assert only(rig, FROM_STRIPE).state is PayoutState.SETTLED
    case = rig.case(FROM_STRIPE)
    assert (case.outcome, rig.tasks(case)) == (Outcome.MADE_GOOD, [])
