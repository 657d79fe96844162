"""After a restore, what no sweep can see is not sent before a person has looked for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core import restore, tasks
from core.case import CaseState, Outcome, Task
from core.moment import Moment
from core.payout import Payout, PayoutState
from tests.webhooks.rig import Rig
from tests.webhooks.test_books_commands import MANAGER, run
from tests.webhooks.test_books_sweep import halted, sweep
from webhooks import connecting
from webhooks.cli import books, cases

LATE_PARCEL = 1
TEAPOT = 2
FROM_STRIPE = 20


def restored(rig: Rig, **ago: float) -> None:
    """The database was put back so long ago, and every till was swept since."""
    with rig.store.write() as tx:
        restore.mark(tx, Moment(rig.clock.now() - timedelta(**ago)))
    for which in ("stripe", "shopify"):
        sweep(rig, which)
    assert halted(rig) is None


def given(rig: Rig, ticket: int) -> Payout:
    (payout,) = rig.payouts(rig.case(ticket))
    return payout


@pytest.fixture
def credit(rig: Rig) -> Rig:
    """A policy that gives account credit at Stripe, which lists none."""
    rig.policy("{account_credit: 20% of order.total}")
    return rig


def test_credit_for_a_ticket_from_before_waits_for_a_person(credit: Rig) -> None:
    restored(credit)
    credit.solve(FROM_STRIPE)
    payout, case = given(credit, FROM_STRIPE), credit.case(FROM_STRIPE)
    assert (payout.state, payout.due_at, payout.tries) == (PayoutState.NOT_SENT, None, 0)
    assert (case.state, credit.tasks(case)) == (CaseState.WITH_PERSON, ["perhaps_given"])
    credit.later(hours=30)
    assert given(credit, FROM_STRIPE).tries == 0
    assert credit.tasks(case) == ["perhaps_given"]
    run(credit, books.absent, payout_id=payout.id, person=MANAGER, note="looked at Stripe")
    after = given(credit, FROM_STRIPE)
    assert (after.state, after.tries) == (PayoutState.SETTLED, 1)
    assert credit.case(FROM_STRIPE).outcome is Outcome.MADE_GOOD
    assert credit.tasks(case) == []


def test_so_does_a_ticket_of_which_no_message_came(credit: Rig) -> None:
    credit.desk.post("clock", advance_s=5)
    credit.desk.post("webhooks/hold")
    credit.desk.post(f"tickets/{FROM_STRIPE}/solve")
    restored(credit)
    credit.clock.ahead += timedelta(minutes=15)
    credit.desk.post("clock", advance_s=900)
    sweep(credit, "zendesk")
    assert credit.tasks(credit.case(FROM_STRIPE)) == ["perhaps_given"]
    assert given(credit, FROM_STRIPE).tries == 0


def test_what_was_given_before_is_not_given_by_the_next_case(credit: Rig) -> None:
    """A person found it and closed the case: its harm stays made good."""
    restored(credit)
    credit.solve(FROM_STRIPE)
    case = credit.case(FROM_STRIPE)
    run(credit, cases.close, case_id=case.id, person=MANAGER, note="given before the restore")
    credit.desk.post(f"tickets/{FROM_STRIPE}/reopen")
    credit.later(minutes=2)
    credit.solve(FROM_STRIPE)
    assert credit.case(FROM_STRIPE).outcome is Outcome.DUPLICATE
    with credit.store.read() as reader:
        assert [p.tries for p in reader.find(Payout)] == [0]


def _is_new(rig: Rig, ticket: int) -> None:
    """The ticket was written just now; its order is as old as before."""
    shown = rig.running.states["zendesk"].tickets[ticket]  # type: ignore[attr-defined]
    shown.created_at = rig.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_new_ticket_about_an_order_from_before_waits_as_well(credit: Rig) -> None:
    """The harm may have been made good for a ticket that the books do not know any more."""
    restored(credit, hours=3)
    _is_new(credit, FROM_STRIPE)
    credit.solve(FROM_STRIPE)
    assert credit.tasks(credit.case(FROM_STRIPE)) == ["perhaps_given"]
    assert given(credit, FROM_STRIPE).tries == 0


def test_so_does_what_a_customer_could_have_had_in_a_way_no_sweep_sees(rig: Rig) -> None:
    """Before the restore the customer may have chosen the credit; now it is to be a refund."""
    rig.policy("{choice: [{refund: 20% of order.total}, {account_credit: 20% of order.total}]}")
    restored(rig, hours=3)
    rig.solve(FROM_STRIPE)
    assert given(rig, FROM_STRIPE).remedy == "refund"
    assert rig.tasks(rig.case(FROM_STRIPE)) == ["perhaps_given"]


def test_what_was_found_without_an_order_may_have_been_for_any(rig: Rig) -> None:
    """A person has looked at the gift card that the books do not know, and closed the task: that
    does not have it given a second time."""
    rig.policy("{gift_card: 20% of order.total}")
    rig.solve(TEAPOT)
    cards = rig.running.states["shopify"].cards  # type: ignore[attr-defined]
    (card,) = cards.values()
    lost = "[amends:pay_01999999-9999-7999-9999-999999999999]"
    cards[7] = replace(card, id=7, note=lost)
    with rig.store.write() as tx:
        restore.mark(tx, Moment(rig.clock.now()))
    for which in ("stripe", "shopify"):
        sweep(rig, which)
    assert halted(rig) == "restored"
    who = rig.person(MANAGER)
    with rig.store.write() as tx:
        (told,) = [t for t in tx.find(Task, state="open") if t.kind == "forgotten_payout"]
        tasks.done(tx, told.id, who.id, "his card", Moment(rig.clock.now()))
    sweep(rig, "shopify")
    assert halted(rig) is None
    rig.policy("{refund: 20% of order.total}")  # a way that a sweep does see
    rig.solve(LATE_PARCEL)
    assert rig.tasks(rig.case(LATE_PARCEL)) == ["perhaps_given"]
    assert len(cards) == 2


def test_a_ticket_from_after_the_restore_is_free(credit: Rig) -> None:
    restored(credit, days=4000)
    credit.solve(FROM_STRIPE)
    assert given(credit, FROM_STRIPE).state is PayoutState.SETTLED


def test_what_a_sweep_can_see_is_free(rig: Rig) -> None:
    restored(rig)
    rig.solve(FROM_STRIPE)
    assert given(rig, FROM_STRIPE).remedy == "refund"
    assert given(rig, FROM_STRIPE).state is PayoutState.SETTLED


def test_nobody_is_asked_to_pay_by_hand_what_may_have_been_paid(rig: Rig) -> None:
    manual = connecting.add(rig.of, "manual", values={})
    rig.options(remedies={"cash": manual.id})
    rig.policy("{cash: 10.00 EUR}", currency="EUR")
    restored(rig)
    rig.solve(TEAPOT)
    case = rig.case(TEAPOT)
    assert rig.tasks(case) == ["perhaps_given"]
    run(rig, books.absent, payout_id=given(rig, TEAPOT).id, person=MANAGER, note="asked the bank")
    assert rig.tasks(case) == ["pay_by_hand"]
