"""What waits because payouts are stopped, and is made good by hand in the meantime."""

from __future__ import annotations

from core import restore
from core.case import CaseState, Outcome
from core.connection import HostPayout
from core.moment import Moment
from tests.webhooks.rig import Rig

TEAPOT = 2


def halted(rig: Rig) -> None:
    rig.policy("{refund: 10.00 EUR}", "EUR")
    with rig.store.write() as tx:
        restore.halt(tx, "odd refunds")
    rig.solve(TEAPOT)
    assert rig.case(TEAPOT).said == "halted"


def resume(rig: Rig) -> None:
    with rig.store.write() as tx:
        restore.resume(tx)
    rig.later(minutes=2)


def by_hand(rig: Rig, ending: str) -> None:
    moment = Moment(rig.clock.now())
    (payout,) = rig.payouts(rig.case(TEAPOT))
    with rig.store.write() as tx:
        tx.add(
            HostPayout(
                id=moment.new("host"), connection_id=payout.till_id, host_object="re_by_hand",
                order_id=payout.order_id, amount_minor=1000, currency="EUR", ending=ending,
                seen_at=moment.now,
            )
        )  # fmt: skip


def test_what_was_refunded_by_hand_meanwhile_is_not_refunded_once_more(rig: Rig) -> None:
    halted(rig)
    by_hand(rig, "settled")
    resume(rig)
    case = rig.case(TEAPOT)
    assert rig.refunds() == []
    assert case.state is CaseState.WITH_PERSON
    assert rig.tasks(case) == ["declined_by_host"]
    (payout,) = rig.payouts(case)
    assert (payout.why or "").startswith("refunded_by_hand")


def test_a_refund_by_hand_that_failed_holds_nothing_up(rig: Rig) -> None:
    halted(rig)
    by_hand(rig, "failed")
    resume(rig)
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD
    assert len(rig.refunds()) == 1
