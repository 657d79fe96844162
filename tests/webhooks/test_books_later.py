"""What still becomes of a payout that was settled: it fails days later, or is taken back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core import flow, ledger, reversal
from core.approval import MayNotApprove
from core.case import Case, CaseState, Harm, Outcome
from core.ledger_check import verify
from core.moment import Moment
from core.payout import Attempt, Payout, PayoutState
from core.people import Person, PersonIdentity
from core.reversal import CannotReverse
from sandbox.shopify.records import GiftEntry
from tests.webhooks.rig import Rig

TEAPOT = 2  # 50.00 EUR at the shop
FROM_STRIPE = 20
MANAGER = "manager@shop.example"


def _only(rig: Rig, ticket: int) -> Payout:
    (payout,) = rig.payouts(rig.case(ticket))
    return payout


def _sums(rig: Rig) -> set[int]:
    with rig.store.read() as reader:
        assert verify(reader).ok
        return set(ledger.balances(reader).values())


def _held(rig: Rig, ticket: int) -> bool:
    with rig.store.read() as reader:
        harms = reader.find(Harm, case_id=rig.case(ticket).id)
    return any(harm.active_key is not None for harm in harms)


def _take_back(rig: Rig, payout: Payout, email: str = MANAGER, note: str = "a mistake") -> None:
    with rig.store.write() as tx:
        person = tx.find(Person, email=email)[0]
        pays = rig.of.hosts.get(payout.till_id, tx).pays(payout.remedy)
        reversal.ask(tx, payout.id, person, note, pays=pays, moment=Moment(rig.clock.now()))


# ------------------------------------------------------------------------------- fails later


def _fails_later(rig: Rig) -> Payout:
    rig.solve(FROM_STRIPE)
    payout = _only(rig, FROM_STRIPE)
    assert payout.state is PayoutState.SETTLED
    assert _sums(rig) != {0}
    rig.stripe.post(f"refunds/{payout.host_object}", status="failed", failure_reason="lost_card")
    rig.settle()
    return payout


def test_a_refund_that_fails_after_all_is_booked_back_and_put_to_a_person(rig: Rig) -> None:
    payout = _fails_later(rig)
    after, case = _only(rig, FROM_STRIPE), rig.case(FROM_STRIPE)
    assert after.state is PayoutState.FAILED
    assert "lost_card" in (after.why or "")
    assert (case.state, case.outcome, case.said) == (CaseState.WITH_PERSON, None, "payment_failed")
    assert rig.tasks(case) == ["payment_failed"]
    assert _held(rig, FROM_STRIPE)
    assert _sums(rig) == {0}
    with rig.store.read() as reader:
        kinds = [entry.kind for entry in ledger.entries_of(reader, payout.id)]
    assert kinds == ["settled", "failed"]
    private = [c["body"] for c in rig.comments(FROM_STRIPE) if not c["public"]]
    assert "did not reach the customer" in private[-1]


def test_the_same_news_again_books_nothing_again(rig: Rig) -> None:
    payout = _fails_later(rig)
    rig.stripe.post(f"refunds/{payout.host_object}", status="failed", failure_reason="lost_card")
    rig.settle()
    rig.later(days=2)
    assert _sums(rig) == {0}
    assert rig.tasks(rig.case(FROM_STRIPE)) == ["payment_failed"]


def test_a_failure_that_is_only_claimed_changes_nothing(rig: Rig) -> None:
    """The event is a hint: what the host answers when asked is what counts."""
    rig.solve(FROM_STRIPE)
    payout = _only(rig, FROM_STRIPE)
    with rig.store.write() as tx:
        reversal.doubt(tx, payout, Moment(rig.clock.now()))
    rig.settle()
    assert _only(rig, FROM_STRIPE).state is PayoutState.SETTLED
    assert _only(rig, FROM_STRIPE).due_at is None
    assert rig.case(FROM_STRIPE).outcome is Outcome.MADE_GOOD
    assert len(rig.comments(FROM_STRIPE)) == 2


def test_a_settled_payout_the_host_cannot_be_asked_about_is_asked_again(rig: Rig) -> None:
    rig.solve(FROM_STRIPE)
    payout = _only(rig, FROM_STRIPE)
    rig.down(rig.stripe, "/v1/*")
    with rig.store.write() as tx:
        reversal.doubt(tx, payout, Moment(rig.clock.now()))
    rig.settle()
    assert _only(rig, FROM_STRIPE).state is PayoutState.SETTLED
    assert _only(rig, FROM_STRIPE).due_at is not None
    for _ in range(40):
        rig.later(hours=1)
    case = rig.case(FROM_STRIPE)
    assert (case.state, rig.tasks(case)) == (CaseState.WITH_PERSON, ["differs_at_host"])
    assert _sums(rig) != {0}


# ------------------------------------------------------------------------------- taken back


@pytest.fixture
def card(rig: Rig) -> Rig:
    """A case that gave a gift card of 10.00 EUR."""
    rig.policy("{gift_card: 20% of order.total}")
    rig.solve(TEAPOT)
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD
    return rig


def test_a_gift_card_is_taken_back_whole(card: Rig) -> None:
    payout = _only(card, TEAPOT)
    _take_back(card, payout)
    assert _only(card, TEAPOT).state is PayoutState.REVERSING
    card.settle()
    after, case = _only(card, TEAPOT), card.case(TEAPOT)
    assert after.state is PayoutState.REVERSED
    assert (case.state, case.outcome) == (CaseState.CLOSED, Outcome.REVERSED)
    assert not _held(card, TEAPOT)
    assert _sums(card) == {0}
    (seen,) = card.shop.get("books")["cards"]
    assert seen["deactivated_at"] is not None
    note = [c["body"] for c in card.comments(TEAPOT) if not c["public"]][-1]
    assert "taken back" in note
    assert "a mistake" in note
    with card.store.read() as reader:
        attempts = reader.find(Attempt, payout_id=payout.id)
    assert [a.key for a in attempts] == [payout.key, f"{payout.key}:back"]
    assert all(a.ended_at for a in attempts)


def test_only_what_is_left_of_a_card_comes_back(card: Rig) -> None:
    payout = _only(card, TEAPOT)
    cards = card.running.states["shopify"].cards  # type: ignore[attr-defined]
    (held,) = cards.values()
    held.entries.append(GiftEntry(id=1, amount=Decimal("-4.00"), note=None, processed_at="now"))
    _take_back(card, payout)
    card.settle()
    assert _only(card, TEAPOT).state is PayoutState.SETTLED  # the customer keeps what was spent
    assert _held(card, TEAPOT)
    with card.store.read() as reader:
        back = [e for e in ledger.entries_of(reader, payout.id) if e.kind == "reversed"]
    assert [entry.amount_minor for entry in back] == [600]
    with pytest.raises(CannotReverse):
        _take_back(card, payout)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_lost_while_taking_back_is_asked_about(card: Rig, when: str) -> None:
    fault = {"operation": "giftCardDeactivate"}
    card.shop.post("faults", kind="drop", when=when, match=fault)
    _take_back(card, _only(card, TEAPOT))
    card.settle()
    assert _only(card, TEAPOT).state is PayoutState.REVERSING
    card.later(minutes=5)
    assert _only(card, TEAPOT).state is PayoutState.REVERSED
    assert _sums(card) == {0}


def test_a_coupon_that_was_used_stands(rig: Rig) -> None:
    rig.policy("{coupon: 10% of order.total}")
    rig.solve(FROM_STRIPE)
    payout = _only(rig, FROM_STRIPE)
    codes = rig.running.states["stripe"].accounts[None]["promotion_codes"]  # type: ignore[attr-defined]
    codes[payout.host_object]["times_redeemed"] = 1
    _take_back(rig, payout)
    rig.settle()
    assert _only(rig, FROM_STRIPE).state is PayoutState.SETTLED
    assert rig.tasks(rig.case(FROM_STRIPE)) == ["not_reversed"]
    assert _sums(rig) != {0}


def test_who_may_not_take_back(card: Rig) -> None:
    payout = _only(card, TEAPOT)
    with card.store.write() as tx:
        agent = Person(
            id="person_a", name="A", email="a@x.test", roles=["agent"], created_at=card.clock.now()
        )
        tx.add(agent)
        identity = PersonIdentity(
            id="pi_a", person_id="person_a", kind="sso", connection_id="", value="a",
            linked_at=card.clock.now(),
        )  # fmt: skip
        tx.add(identity)
    with pytest.raises(MayNotApprove):
        _take_back(card, payout, "a@x.test")
    with pytest.raises(CannotReverse):
        _take_back(card, payout, note=" ")
    assert _only(card, TEAPOT).state is PayoutState.SETTLED


def test_a_refund_cannot_be_taken_back(rig: Rig) -> None:
    rig.solve(FROM_STRIPE)
    with pytest.raises(CannotReverse):
        _take_back(rig, _only(rig, FROM_STRIPE))


# ------------------------------------------------------------------- a case that a person closes


def _close(rig: Rig, ticket: int, note: str = "given in the shop") -> None:
    person, case = rig.person(MANAGER), rig.case(ticket)
    with rig.store.write() as tx:
        locked = tx.lock(Case, case.id)
        assert locked is not None
        assert flow.may_close(tx, locked)
        flow.close(
            tx,
            locked,
            person.id,
            note,
            rig.of.hosts.get(case.desk_id, tx).routing,
            Moment(rig.clock.now()),
        )
    rig.settle()


def test_a_case_whose_payment_failed_can_be_closed_and_its_harm_is_free(rig: Rig) -> None:
    _fails_later(rig)
    _close(rig, FROM_STRIPE)
    case = rig.case(FROM_STRIPE)
    assert (case.state, case.outcome) == (CaseState.CLOSED, Outcome.DISMISSED)
    assert rig.tasks(case) == []
    assert not _held(rig, FROM_STRIPE)
    assert _sums(rig) == {0}


def test_what_was_given_of_a_closed_case_keeps_its_harm(rig: Rig) -> None:
    rig.policy("{refund: 5.00 EUR, store_credit: 5.00 EUR}", "EUR")
    rig.solve(TEAPOT)
    case = rig.case(TEAPOT)
    with rig.store.write() as tx:
        (credit,) = tx.find(Payout, case_id=case.id, remedy="store_credit")
        tx.put(replace(case, state=CaseState.WITH_PERSON, outcome=None))
        tx.put(replace(credit, state=PayoutState.DECLINED))
    _close(rig, TEAPOT)
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD
    assert _held(rig, TEAPOT)


def test_a_case_with_a_payout_in_doubt_is_not_closed(rig: Rig) -> None:
    payout, case = _fails_later(rig), rig.case(FROM_STRIPE)
    with rig.store.write() as tx:
        assert flow.may_close(tx, case)
        tx.put(replace(payout, state=PayoutState.UNKNOWN))
        assert not flow.may_close(tx, case)
