"""One payout: its intent before any call, its endings, and what each lets happen next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import booking, ledger, payout
from core.booking import clearing, expense, liability
from core.clocks import APART
from core.ledger import Entry
from core.moment import Moment
from core.money import Money
from core.payout import FINAL, GIVE_UP, GONE, Attempt, Payout, PayoutState
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    Instruction,
    NotSent,
    Pays,
    Pending,
    Receipt,
    Settled,
    Till,
    Unknown,
)
from core.store import Store
from core.store.memory import MemoryStore
from tests.core.authority.bench import Bench
from tests.stores import NOW, sample

TEN = Money(1000, "EUR")
KEY = Pays(retry="key", key_life=timedelta(hours=24))
FIND = Pays(retry="find", visibility=timedelta(seconds=30))
NONE = Pays(retry="none")
CALL = timedelta(seconds=15)
SECOND = timedelta(seconds=1)


def _payout(**given: Any) -> Payout:
    return replace(
        sample(
            Payout, "pay_1", offer_id="offer_1", position=0, till_id="till", remedy="refund",
            basis="owed", cause="late", amount_minor=1000, currency="EUR", order_id="o1",
            state=PayoutState.PLANNED, key_number=1, tries=0,
        ),
        **given,
    )  # fmt: skip


def _receipt(**given: Any) -> Receipt:
    order_id = b"o1".decode()  # as out of an answer: not the very object that was sent
    return replace(Receipt(host_object="re_1", amount=TEN, order_id=order_id), **given)


@pytest.fixture
def store() -> Store:
    made = MemoryStore("w")
    with made.write() as tx:
        tx.add(_payout())
    return made


def conclude(
    store: Store, result: Ending | Finding, pays: Pays = KEY, now: timedelta = timedelta(0),
    of: Payout | None = None, budgets: Sequence[str] = (),
) -> Payout:  # fmt: skip
    with store.write() as tx:
        about = of or tx.get(Payout, "pay_1")
        assert about is not None
        moment = Moment(NOW + now)
        return payout.conclude(tx, about, result, pays=pays, moment=moment, budgets=budgets)


def begin(store: Store, pays: Pays = KEY, now: timedelta = timedelta(0)) -> tuple[Payout, Attempt]:
    with store.write() as tx:
        about = tx.get(Payout, "pay_1")
        assert about is not None
        return payout.begin(tx, about, pays=pays, calls_within=CALL, moment=Moment(NOW + now))


def entries(store: Store) -> list[Entry]:
    with store.read() as reader:
        return ledger.entries_of(reader, "pay_1")


# ----------------------------------------------------------------------------------- intent


def test_the_intent_is_written_with_its_key_and_when_others_may_ask(store: Store) -> None:
    with store.write() as tx:
        tx.put(_payout(why="before"))
    sending, attempt = begin(store, FIND)
    assert (sending.state, sending.tries, sending.why) == (PayoutState.SENDING, 1, None)
    assert sending.first_sent_at == sending.changed_at == attempt.sent_at == NOW
    assert sending.due_at == NOW + 2 * CALL + FIND.visibility + APART
    assert (attempt.payout_id, attempt.number, attempt.key) == ("pay_1", 1, "pay_1:1")
    assert attempt.request_hash == payout.request_hash(sending)
    assert attempt.ended_at is None
    again, second = begin(store, FIND, now=SECOND)
    assert (again.tries, second.number, second.sent_at) == (2, 2, NOW + SECOND)
    assert again.first_sent_at == NOW  # the key's life began then
    with store.read() as reader:
        assert reader.get(Payout, "pay_1") == again
        assert reader.count(Attempt, payout_id="pay_1") == 2


@pytest.mark.parametrize(
    "change",
    [{"till_id": "x"}, {"remedy": "coupon"}, {"amount_minor": 1001}, {"currency": "USD"},
     {"quantity": 1}, {"order_id": "o2"}, {"buyer_id": "b"}],
)  # fmt: skip
def test_the_hash_of_a_request_is_over_what_is_asked(change: dict[str, object]) -> None:
    assert payout.request_hash(_payout(**change)) != payout.request_hash(_payout())
    assert payout.request_hash(_payout(tries=9, why="x")) == payout.request_hash(_payout())


def test_a_payout_begins_untried_under_its_first_key() -> None:
    bench = Bench(MemoryStore("w"))
    (planned,) = bench.payouts(bench.ask("10.00 EUR"))
    assert (planned.state, planned.tries) == (PayoutState.PLANNED, 0)
    assert planned.key == f"{planned.id}:1"


def test_an_instruction_is_all_of_the_payout() -> None:
    about = _payout(
        buyer_id="b", quantity=3, text="late delivery", host_object="re", first_sent_at=NOW
    )
    assert payout.instruction(about, code="abc") == Instruction(
        payout_id="pay_1", key="pay_1:1", marker="[amends:pay_1]", remedy="refund", amount=TEN,
        quantity=3, order_id="o1", buyer_id="b", text="late delivery", code="abc",
        first_sent_at=NOW, host_object="re", lines=payout.instruction(about).lines,
    )  # fmt: skip
    assert _payout(amount_minor=None).amount is None
    assert _payout(currency=None).amount is None


def test_codes_are_long_random_and_plain() -> None:
    codes = {payout.new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(len(code) == 16 and code.isascii() and code.isalnum() for code in codes)
    assert "".join(codes) == "".join(codes).lower()
    assert len(set("".join(codes))) == 36


@pytest.mark.parametrize("state", list(PayoutState))
def test_only_what_surely_is_not_there_may_be_sent(state: PayoutState) -> None:
    sendable = {PayoutState.PLANNED, PayoutState.NOT_SENT}
    assert payout.may_send(_payout(state=state)) is (state in sendable)


def test_states_that_end_and_states_that_gave_nothing() -> None:
    assert {PayoutState.DECLINED, PayoutState.FAILED, PayoutState.REVERSED} == GONE
    assert GONE | {PayoutState.SETTLED} == FINAL
    assert timedelta(hours=24) == GIVE_UP


# ----------------------------------------------------------------------- sending and asking


class OneTill:
    """Answers what it is told to; `asked` keeps what it was asked."""

    def __init__(self, ending: Ending, found: Finding | None = None) -> None:
        self.ending, self.found = ending, found
        self.asked: list[Instruction] = []

    def pay(self, order: Instruction) -> Ending:
        return self.ending

    def find(self, order: Instruction) -> Finding:
        self.asked.append(order)
        assert self.found is not None
        return self.found


def _sent(ending: Ending, found: Finding | None = None) -> tuple[Ending | Finding, OneTill]:
    till = OneTill(ending, found)
    cast_till: Till = till  # type: ignore[assignment]  # only what is called here
    return payout.send(cast_till, payout.instruction(_payout())), till


@pytest.mark.parametrize(
    "ending", [Declined("no", "no"), NotSent("down"), Unknown("lost"), Pending(_receipt())]
)
def test_an_ending_that_is_no_yes_is_taken_as_it_is(ending: Ending) -> None:
    assert _sent(ending)[0] is ending


def test_a_yes_is_believed_when_it_was_read_back() -> None:
    said, till = _sent(Settled(_receipt()), Settled(_receipt()))
    assert said == Settled(_receipt())
    assert [order.host_object for order in till.asked] == ["re_1"]
    assert _sent(Settled(_receipt()), Absent())[0] == Pending(_receipt())
    assert _sent(Settled(_receipt()), Unknown("x"))[0] == Unknown("x")
    assert _sent(Settled(_receipt()), Declined("a", "b"))[0] == Declined("a", "b")


@pytest.mark.parametrize(
    "shown",
    [{"amount": Money(999, "EUR")}, {"amount": Money(1000, "USD")}, {"amount": None},
     {"quantity": 2}, {"order_id": "o0"}, {"order_id": "o2"}],
)  # fmt: skip
def test_what_the_host_shows_otherwise_is_not_believed(shown: dict[str, object]) -> None:
    for answer in (Settled(_receipt(**shown)), Pending(_receipt(**shown))):
        till: Till = OneTill(NotSent(""), answer)  # type: ignore[assignment]
        found = payout.ask(till, payout.instruction(_payout()))
        assert isinstance(found, Unknown)
        assert found.why.startswith("differs: the host shows")
        assert isinstance(_sent(Settled(_receipt()), answer)[0], Unknown)


def test_a_host_that_names_no_order_is_believed() -> None:
    till: Till = OneTill(NotSent(""), Settled(_receipt(order_id=None)))  # type: ignore[assignment]
    assert isinstance(payout.ask(till, payout.instruction(_payout())), Settled)


# ---------------------------------------------------------------------------------- endings


def test_settled_is_booked_in_the_same_commit(store: Store) -> None:
    begin(store)
    after = conclude(store, Settled(_receipt(at=NOW)), now=SECOND, budgets=["all"])
    assert (after.state, after.due_at, after.why) == (PayoutState.SETTLED, None, None)
    assert (after.host_object, after.changed_at) == ("re_1", NOW + SECOND)
    assert after.receipt == {
        "object": "re_1", "amount": "10.00", "currency": "EUR", "at": NOW.isoformat()
    }  # fmt: skip
    cost, borne = entries(store)
    assert (cost.debit, cost.credit) == (expense("owed", "late"), clearing("till"))
    assert (cost.amount_minor, cost.currency, cost.case_id) == (1000, "EUR", after.case_id)
    assert (cost.at, borne.debit) == (NOW + SECOND, booking.spent("all"))
    with store.read() as reader:
        (attempt,) = reader.find(Attempt, payout_id="pay_1")
    assert (attempt.ended_at, attempt.ending, attempt.why) == (NOW + SECOND, "settled", None)


def test_credit_is_booked_as_owed_and_what_has_no_sum_is_not_booked(store: Store) -> None:
    conclude(store, Settled(_receipt()), of=_payout(remedy="gift_card"))
    assert entries(store)[0].credit == liability("gift_card")
    other = MemoryStore("w")
    with other.write() as tx:
        tx.add(_payout(amount_minor=None, quantity=5))
    after = conclude(other, Settled(_receipt(amount=None, quantity=5)))
    assert after.state is PayoutState.SETTLED
    assert after.receipt == {"object": "re_1", "amount": None, "currency": None, "at": None}
    assert entries(other) == []


def test_one_host_object_settles_one_payout(store: Store) -> None:
    with store.write() as tx:
        tx.add(replace(_payout(host_object="re_1"), id="pay_0", offer_id="offer_0"))
    after = conclude(store, Settled(_receipt()))
    assert after.state is PayoutState.UNKNOWN
    assert after.why == "differs: re_1 settled another payout already"
    assert entries(store) == []


def test_a_no_ends_it(store: Store) -> None:
    begin(store)
    after = conclude(store, Declined("spent", "nothing left"))
    assert (after.state, after.due_at) == (PayoutState.DECLINED, None)
    assert after.why == "spent: nothing left"
    assert entries(store) == []


def test_pending_is_asked_about_and_a_person_is_not(store: Store) -> None:
    after = conclude(store, Pending(_receipt()))
    assert (after.state, after.host_object) == (PayoutState.PENDING, "re_1")
    assert after.due_at == NOW + timedelta(minutes=1)
    assert after.tries == 1
    later = conclude(store, Pending(_receipt()), of=replace(after, tries=9))
    assert (later.due_at, later.tries) == (NOW + timedelta(seconds=1280), 10)
    by_hand = conclude(store, Pending(_receipt()), replace(NONE, by_hand=True))
    assert by_hand.due_at is None


def test_what_was_not_sent_is_sent_again_when_the_host_wants(store: Store) -> None:
    begin(store)
    assert conclude(store, NotSent("down")).due_at == NOW + timedelta(seconds=5)
    after = conclude(store, NotSent("wait", timedelta(minutes=7)))
    assert (after.state, after.why) == (PayoutState.NOT_SENT, "wait")
    assert after.due_at == NOW + timedelta(minutes=7)
    assert after.key_number == 1


def test_unknown_is_not_asked_about_before_the_call_must_have_ended(store: Store) -> None:
    sending, _ = begin(store, FIND)
    after = conclude(store, Unknown("lost"), FIND)
    assert (after.state, after.why, after.tries) == (PayoutState.UNKNOWN, "lost", 2)
    assert after.due_at == sending.due_at
    again = conclude(store, Unknown("still"), FIND)
    assert again.due_at == NOW + FIND.visibility  # asked before: only what may be invisible
    much = conclude(store, Unknown("still"), FIND, of=replace(again, tries=21))
    assert (much.due_at, much.tries) == (NOW + timedelta(hours=1), 22)


@pytest.mark.parametrize("hours", [24, 25, 40])
def test_what_a_person_has_to_look_at_is_asked_about_once_an_hour(store: Store, hours: int) -> None:
    begin(store, FIND)
    about = _payout(state=PayoutState.UNKNOWN, first_sent_at=NOW, tries=21)
    after = conclude(store, Unknown("still"), FIND, now=timedelta(hours=hours), of=about)
    assert after.due_at == NOW + timedelta(hours=hours + 1)


def test_absent_is_sent_again_under_the_key_the_host_remembers(store: Store) -> None:
    begin(store)
    after = conclude(store, Absent(), now=timedelta(hours=24) - SECOND)
    assert (after.state, after.key_number, after.why) == (PayoutState.NOT_SENT, 1, "absent")
    assert after.due_at == NOW + timedelta(hours=24) - SECOND
    late = conclude(store, Absent(), now=timedelta(hours=24))
    assert (late.key_number, late.key) == (2, "pay_1:2")
    assert conclude(store, Absent(), FIND).key_number == 3


def test_absent_proves_nothing_where_nobody_can_ask_or_it_was_named(store: Store) -> None:
    blind = conclude(store, Absent(), NONE)
    assert (blind.state, blind.due_at, blind.why) == (PayoutState.UNKNOWN, None, "cannot_ask")
    named = conclude(store, Absent(), of=_payout(host_object="re_9"))
    assert named.state is PayoutState.UNKNOWN
    assert "re_9" in (named.why or "")
    assert named.due_at is not None


@pytest.mark.parametrize(
    ("pays", "sent", "hours", "known"),
    [(KEY, True, 23.9, True), (KEY, True, 24, False), (KEY, True, 25, False),
     (KEY, False, 0, False),
     (FIND, True, 0, False), (Pays(retry="key"), True, 0, False),
     (Pays(retry="find", key_life=timedelta(days=9)), True, 0, False)],
)  # fmt: skip
def test_a_key_is_remembered_for_its_life(
    pays: Pays, sent: bool, hours: float, known: bool
) -> None:
    about = _payout(first_sent_at=NOW if sent else None)
    assert payout.remembered(about, pays, NOW + timedelta(hours=hours)) is known


def test_waits_double_up_to_an_hour() -> None:
    waits = [payout.wait_of(tries).total_seconds() for tries in (0, 1, 2, 3, 9, 10, 11, 99)]
    assert waits == [5, 5, 10, 20, 1280, 2560, 3600, 3600]


def test_only_sendings_without_an_end_are_ended(store: Store) -> None:
    begin(store)
    conclude(store, NotSent("down"))
    begin(store, now=SECOND)
    conclude(store, Unknown("lost"), now=2 * SECOND)
    with store.read() as reader:
        ends = [(a.ending, a.why, a.ended_at) for a in reader.find(Attempt, payout_id="pay_1")]
    assert sorted(ends, key=str) == [
        ("notsent", "down", NOW),
        ("unknown", "lost", NOW + 2 * SECOND),
    ]


# ------------------------------------------------------------------------------------- sums


def test_a_payout_is_taken_with_its_case_where_there_is_one(store: Store) -> None:
    with store.write() as tx:
        assert payout.locked(tx, "pay_1") == _payout()
        assert payout.locked(tx, "pay_9") is None


def test_what_stands_is_all_that_was_not_refused_or_taken_back(store: Store) -> None:
    with store.write() as tx:
        for number, state in enumerate(PayoutState):
            one = replace(_payout(state=state), id=f"p{number}", offer_id=f"o{number}")
            tx.add(replace(one, case_id="other"))
    with store.read() as reader:
        assert {p.state for p in payout.standing(reader, ["other"])} == set(PayoutState) - GONE
        assert payout.standing(reader, []) == []


def test_a_sum_is_said_where_it_is_one() -> None:
    assert payout.sum_of([Money(1000, "EUR"), Money(250, "EUR")]) == "12.50 EUR"
    assert payout.sum_of([Money(1000, "EUR"), None]) == "10.00 EUR"
    assert payout.sum_of([Money(1000, "EUR"), Money(1000, "USD")]) is None
    assert payout.sum_of([None]) is None
    assert payout.sum_of([]) is None
