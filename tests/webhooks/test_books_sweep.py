"""The sweep against the stand-ins: each difference is explained, and mended or put to a person."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core import ledger, restore
from core.case import CaseState, Outcome, Task
from core.chores import Chore, id_of
from core.connection import HostPayout
from core.ledger_check import verify
from core.moment import Moment
from core.payout import Payout, PayoutState
from core.people import Workspace
from core.restore import StillRestored
from core.sweep import Report
from tests.stores import open_store
from tests.webhooks.rig import Rig, rigged
from webhooks.engine.anchoring import AnchorFile
from webhooks.engine.sweeping import Sweeper

LATE_PARCEL = 1
TEAPOT = 2
FROM_STRIPE = 20


@pytest.fixture
def rig(rig: Rig) -> Rig:
    """Swept once: what was refunded before Amends was there is drift, and is known by now."""
    assert {kind for kind, _ in kinds(sweep(rig, "shopify"))} == {"by_hand"}
    return rig


def sweep(rig: Rig, which: str) -> Report:
    of = rig.of
    sweeper = Sweeper(of.store, of.hosts, sealer=of.sealer, clock=of.clock)
    connection = rig.stage.tills.get(which, rig.stage.desk_id)
    report = sweeper.sweep(connection)
    rig.settle()
    return report


def kinds(report: Report) -> list[tuple[str, str]]:
    return [(one.kind, one.end) for one in report.differences]


def only(rig: Rig, ticket: int) -> Payout:
    (payout,) = rig.payouts(rig.case(ticket))
    return payout


def sums(rig: Rig) -> set[int]:
    with rig.store.read() as reader:
        assert verify(reader).ok
        return set(ledger.balances(reader).values())


def halted(rig: Rig) -> str | None:
    with rig.store.read() as reader:
        row = reader.get(Workspace, "workspace")
    assert row is not None
    return row.halted_why


# ----------------------------------------------------------------------------- the books agree


def test_books_that_agree_have_no_differences(rig: Rig) -> None:
    rig.solve(LATE_PARCEL)
    rig.solve(FROM_STRIPE)
    rig.clock.ahead += timedelta(minutes=20)
    before = sums(rig)
    for which in ("shopify", "stripe", "zendesk"):
        report = sweep(rig, which)
        assert (report.swept, kinds(report)) == (True, []), report
        assert report.seen > 0 or which == "zendesk"
    assert sums(rig) == before
    assert len(rig.comments(LATE_PARCEL)) == 2


def test_what_a_host_does_not_list_is_said(rig: Rig) -> None:
    assert "store credit" in (sweep(rig, "shopify").unlisted or "")


def test_a_host_that_cannot_be_asked_is_not_swept_and_says_so(rig: Rig) -> None:
    rig.down(rig.shop, "/admin/*")
    report = sweep(rig, "shopify")
    assert not report.swept
    assert report.why
    with rig.store.read() as reader:
        chore = reader.get(Chore, id_of("sweep", rig.stage.tills["shopify"]))
    assert chore is not None
    assert chore.done_at is not None  # as of the sweep before
    assert chore.done_at < report.at


# --------------------------------------------------------------------------------- theirs, not ours


def test_a_refund_by_hand_whose_message_was_lost_is_counted_once_and_shown(rig: Rig) -> None:
    rig.shop.post("webhooks/hold")
    rig.shop.post("orders/1003/refund", amount="5.00", note="called in")
    assert kinds(sweep(rig, "shopify")) == [("by_hand", "shown")]
    assert kinds(sweep(rig, "shopify")) == []
    with rig.store.read() as reader:
        drift = reader.find(HostPayout)[-1]
        assert reader.count(HostPayout, host_object=drift.host_object) == 1
    assert (drift.amount_minor, drift.currency, drift.payout_id) == (500, "USD", None)


def test_one_on_an_order_we_gave_for_is_put_to_a_person(rig: Rig) -> None:
    rig.solve(FROM_STRIPE)
    rig.stripe.post("webhooks/hold")
    (refund,) = rig.stripe.get("books")["refunds"]
    rig.stripe.post(f"charges/{refund['charge']}/refund", amount=100)
    assert kinds(sweep(rig, "stripe")) == [("by_hand", "task")]
    assert rig.tasks(rig.case(FROM_STRIPE)) == ["paid_by_hand"]


# --------------------------------------------------------------------------------- ours, not theirs


def test_a_payout_whose_answer_was_lost_is_found(rig: Rig) -> None:
    rig.shop.post("webhooks/hold")
    rig.shop.post("faults", kind="drop", when="after", match={"operation": "refundCreate"})
    rig.desk.post(f"tickets/{LATE_PARCEL}/solve")
    rig.desk.post("webhooks/idle", timeout_s=10)
    while rig.runner.run_due():
        pass
    assert only(rig, LATE_PARCEL).state is PayoutState.UNKNOWN
    rig.clock.ahead += timedelta(seconds=1)
    assert kinds(sweep(rig, "shopify")) == [("found", "mended")]
    assert only(rig, LATE_PARCEL).state is PayoutState.SETTLED
    assert rig.case(LATE_PARCEL).outcome is Outcome.MADE_GOOD
    assert len(rig.refunds()) == 1


def test_a_failure_of_which_no_message_came_is_booked_back(rig: Rig) -> None:
    rig.solve(FROM_STRIPE)
    payout = only(rig, FROM_STRIPE)
    rig.stripe.post("webhooks/hold")
    rig.stripe.post(f"refunds/{payout.host_object}", status="failed", failure_reason="lost_card")
    rig.settle()
    assert only(rig, FROM_STRIPE).state is PayoutState.SETTLED
    assert kinds(sweep(rig, "stripe")) == [("failed_later", "task")]
    assert only(rig, FROM_STRIPE).state is PayoutState.FAILED
    assert rig.tasks(rig.case(FROM_STRIPE)) == ["payment_failed"]
    assert sums(rig) == {0}


def test_ours_that_the_host_no_longer_shows_is_put_to_a_person_once(rig: Rig) -> None:
    rig.policy("{gift_card: 20% of order.total}")
    rig.solve(TEAPOT)
    rig.running.states["shopify"].cards.clear()  # type: ignore[attr-defined]
    rig.clock.ahead += timedelta(minutes=20)
    before = sums(rig)
    assert kinds(sweep(rig, "shopify")) == [("missing", "task")]
    sweep(rig, "shopify")
    case = rig.case(TEAPOT)
    assert (case.state, rig.tasks(case)) == (CaseState.WITH_PERSON, ["missing_at_host"])
    assert sums(rig) == before  # a person decides what it means
    notes = [c for c in rig.comments(TEAPOT) if "no longer shows" in c["body"]]
    assert len(notes) == 1


def test_what_vanishes_weeks_later_is_noticed_where_the_host_lists_it(rig: Rig) -> None:
    rig.policy("{gift_card: 20% of order.total}")
    rig.solve(TEAPOT)
    rig.clock.ahead += timedelta(days=20)
    assert kinds(sweep(rig, "shopify")) == []
    rig.running.states["shopify"].cards.clear()  # type: ignore[attr-defined]
    assert kinds(sweep(rig, "shopify")) == [("missing", "task")]
    assert rig.tasks(rig.case(TEAPOT)) == ["missing_at_host"]


def test_what_no_list_shows_is_asked_about_once_more_after_a_month(rig: Rig) -> None:
    rig.policy("{account_credit: 20% of order.total}")
    rig.solve(FROM_STRIPE)
    asked = []
    for days in (0, 2, 5, 10, 12, 1, 1, 40):
        rig.clock.ahead += timedelta(days=days, minutes=10)
        asked.append(sweep(rig, "stripe").asked)
    assert asked == [1, 1, 1, 0, 0, 1, 0, 0]  # on days 0, 2, 7 (since 2) and 30


def test_an_amount_that_differs_is_put_to_a_person(rig: Rig) -> None:
    rig.solve(FROM_STRIPE)
    payout = only(rig, FROM_STRIPE)
    refunds = rig.running.states["stripe"].accounts[None]["refunds"]  # type: ignore[attr-defined]
    refunds[payout.host_object]["amount"] += 100
    report = sweep(rig, "stripe")
    assert report.unclear == 1 or kinds(report) == [("differs", "task")]
    for _ in range(30):
        rig.later(hours=1)
    assert rig.tasks(rig.case(FROM_STRIPE)) == ["differs_at_host"]


def test_a_second_refund_with_our_mark_is_counted_and_put_to_a_person(rig: Rig) -> None:
    rig.solve(FROM_STRIPE)
    payout = only(rig, FROM_STRIPE)
    rig.stripe.post("webhooks/hold")
    account = rig.running.states["stripe"].accounts[None]  # type: ignore[attr-defined]
    charge = account["refunds"][payout.host_object]["charge"]
    rig.stripe.post(f"charges/{charge}/refund", amount=100)
    (other,) = [id for id in account["refunds"] if id != payout.host_object]
    account["refunds"][other]["metadata"] = {"amends_id": payout.id}
    assert kinds(sweep(rig, "stripe")) == [("twice", "task")]
    assert rig.tasks(rig.case(FROM_STRIPE)) == ["differs_at_host"]
    with rig.store.read() as reader:
        assert reader.count(HostPayout, host_object=other) == 1


def test_the_host_s_own_word_of_a_second_one_is_no_echo(rig: Rig) -> None:
    rig.solve(FROM_STRIPE)
    payout = only(rig, FROM_STRIPE)
    account = rig.running.states["stripe"].accounts[None]  # type: ignore[attr-defined]
    charge = account["refunds"][payout.host_object]["charge"]
    rig.stripe.post("webhooks/hold")
    rig.stripe.post(f"charges/{charge}/refund", amount=100)
    (other,) = [id for id in account["refunds"] if id != payout.host_object]
    account["refunds"][other]["metadata"] = {"amends_id": payout.id}
    rig.stripe.post(f"refunds/{other}", status="succeeded")
    rig.stripe.post("webhooks/release", backwards=True)  # it had the mark from the beginning
    rig.settle()
    with rig.store.read() as reader:
        assert reader.count(HostPayout, host_object=other) == 1
    assert rig.tasks(rig.case(FROM_STRIPE)) == ["differs_at_host"]
    assert only(rig, FROM_STRIPE).host_object == payout.host_object


# ------------------------------------------------------------------------------------- tickets


def test_a_solved_ticket_of_which_no_message_came_is_opened(rig: Rig) -> None:
    rig.desk.post("clock", advance_s=5)  # it was connected before
    rig.desk.post("webhooks/hold")
    rig.desk.post(f"tickets/{LATE_PARCEL}/solve")
    assert rig.cases(LATE_PARCEL) == []
    sweep(rig, "zendesk")
    assert rig.cases(LATE_PARCEL) == []  # its message may still come
    rig.clock.ahead += timedelta(minutes=15)
    rig.desk.post("clock", advance_s=900)
    report = sweep(rig, "zendesk")
    assert ("unheard", "mended") in kinds(report)
    assert rig.case(LATE_PARCEL).outcome is Outcome.MADE_GOOD
    assert kinds(sweep(rig, "zendesk")) == []
    assert len(rig.refunds()) == 1


# -------------------------------------------------------------------------------------- nightly


def test_the_runner_sweeps_at_night_where_the_workspace_is(rig: Rig) -> None:
    rig.runner._house.begin()
    with rig.store.read() as reader:
        night = reader.get(Chore, id_of("night", ""))
    assert night is not None
    assert night.due_at is not None
    assert (night.due_at.hour, night.due_at.minute) == (3, 0)
    rig.later(hours=24)
    with rig.store.read() as reader:
        swept = {c.about for c in reader.find(Chore, kind="sweep") if c.done_at}
        again = reader.get(Chore, id_of("night", ""))
    assert swept == {rig.stage.desk_id, *rig.stage.tills.values()}
    assert again is not None
    assert again.due_at == night.due_at + timedelta(days=1)


def test_a_till_that_cannot_be_swept_for_a_day_is_a_persons_task(rig: Rig) -> None:
    rig.runner._house.begin()
    rig.down(rig.stripe, "/v1/*")
    for _ in range(30):
        rig.later(hours=2)
    with rig.store.read() as reader:
        open_ones = reader.find(Task, state="open")
    told = [task.known for task in open_ones if task.kind == "host_unavailable"]
    assert [known["till"] for known in told] == [rig.stage.tills["stripe"]]  # type: ignore[call-overload]


# ------------------------------------------------------------------------------ a restored backup


def restore_(rig: Rig) -> None:
    with rig.store.write() as tx:
        restore.mark(tx, Moment(rig.clock.now()))


def test_nothing_is_paid_after_a_restore_before_every_till_was_swept(rig: Rig) -> None:
    restore_(rig)
    rig.solve(TEAPOT)
    assert rig.refunds() == []
    assert only(rig, TEAPOT).state is PayoutState.PLANNED
    assert halted(rig) == "restored"
    sweep(rig, "stripe")
    assert halted(rig) == "restored"
    sweep(rig, "shopify")
    assert halted(rig) is None
    rig.later(minutes=3)
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD
    assert len(rig.refunds()) == 1


def test_what_the_breaker_stopped_stays_stopped_after_the_sweep(rig: Rig) -> None:
    with rig.store.write() as tx:
        row = tx.get(Workspace, "workspace")
        assert row is not None
        tx.put(replace(row, halted_why="somebody said so"))
    restore_(rig)
    restore_(rig)  # twice is as good as once
    sweep(rig, "stripe")
    sweep(rig, "shopify")
    assert halted(rig) == "somebody said so"


def test_nobody_s_word_lifts_the_halt_after_a_restore(rig: Rig) -> None:
    restore_(rig)
    with rig.store.write() as tx:
        with pytest.raises(StillRestored):
            restore.resume(tx)
        restore.halt(tx, "odd refunds")
        with pytest.raises(StillRestored):
            restore.resume(tx)
    assert halted(rig) == "restored"
    sweep(rig, "stripe")
    sweep(rig, "shopify")
    assert halted(rig) == "odd refunds"
    with rig.store.write() as tx:
        restore.resume(tx)
    assert halted(rig) is None


def test_a_till_that_cannot_be_swept_keeps_payouts_halted(rig: Rig) -> None:
    restore_(rig)
    rig.down(rig.stripe, "/v1/*")
    sweep(rig, "stripe")
    sweep(rig, "shopify")
    assert halted(rig) == "restored"


def _forget(rig: Rig, ticket: int) -> None:
    """The shop's refund carries a mark of which this database has never heard."""
    refunds = rig.running.states["shopify"].refunds.values()  # type: ignore[attr-defined]
    (refund,) = [one for one in refunds if "[amends:" in (one.note or "")]
    refund.note = "[amends:pay_01999999-9999-7999-9999-999999999999]"


def test_what_was_paid_after_the_backup_is_not_paid_again(rig: Rig) -> None:
    """A payout planned again for the same order is held back; so is a case that comes later."""
    rig.shop.post("webhooks/hold")
    rig.solve(LATE_PARCEL)
    payout = only(rig, LATE_PARCEL)
    _forget(rig, LATE_PARCEL)
    with rig.store.write() as tx:  # as the backup knew it: accepted, and nothing sent
        tx.put(
            replace(
                payout, state=PayoutState.PLANNED, host_object=None, due_at=rig.clock.now(),
                first_sent_at=None, receipt=None,
            )
        )  # fmt: skip
        restore.mark(tx, Moment(rig.clock.now()))
    assert ("forgotten", "task") in kinds(sweep(rig, "shopify"))
    sweep(rig, "stripe")
    assert halted(rig) is None
    for _ in range(5):
        rig.later(minutes=10)
    assert len(rig.refunds()) == 1
    with rig.store.read() as reader:
        assert "forgotten_payout" in [task.kind for task in reader.find(Task, state="open")]


def test_a_case_for_an_order_with_a_forgotten_payout_is_a_persons(rig: Rig) -> None:
    with rig.store.write() as tx:
        tx.add(
            HostPayout(
                id="host_1", connection_id=rig.stage.tills["shopify"], host_object="gid://1",
                order_id="gid://shopify/Order/1001", amount_minor=500, currency="GBP",
                ending="settled", seen_at=rig.clock.now(), marker="pay_lost",
            )
        )  # fmt: skip
    rig.solve(LATE_PARCEL)
    assert rig.tasks(rig.case(LATE_PARCEL)) == ["forgotten_payout"]
    assert rig.refunds() == []


def test_the_anchor_file_tells_a_restored_backup(rig: Rig, tmp_path: Path) -> None:
    path = tmp_path / "anchor"
    keeper = AnchorFile(rig.store, path, rig.of.clock)
    assert not keeper.check()
    rig.solve(LATE_PARCEL)
    keeper.keep()
    assert not keeper.check()
    later = json.loads(path.read_text()) | {"seq": 7, "hash": "f" * 64}
    path.write_text(json.dumps(later))
    assert AnchorFile(rig.store, path, rig.of.clock).check()
    assert halted(rig) == "restored"
    assert not AnchorFile(rig.store, path, rig.of.clock).check()  # noticed once
    assert json.loads(path.read_text())["seq"] == 1


@pytest.mark.slow
def test_on_postgresql_the_same_is_found_and_booked_back(tmp_path: Path) -> None:
    store = open_store("postgresql", tmp_path)
    with rigged(store) as rig:
        rig.runner._house.begin()
        rig.solve(FROM_STRIPE)
        payout = only(rig, FROM_STRIPE)
        rig.stripe.post("webhooks/hold")
        rig.stripe.post(f"refunds/{payout.host_object}", status="failed", failure_reason="lost")
        rig.later(hours=24)
        assert only(rig, FROM_STRIPE).state is PayoutState.FAILED
        assert rig.tasks(rig.case(FROM_STRIPE)) == ["payment_failed"]
        assert sums(rig) == {0}
    store.close()
