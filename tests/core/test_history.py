"""A policy that caps what one customer gets, and cases of theirs that are decided at one moment."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from core import flow, policies, terms
from core.case import WAITING, Case, CaseState, CaseStep, Harm
from core.choice import Choice
from core.flow import HistoryMoved
from core.link import NewLink
from core.ports import Buyer, Declined, Order, Purchases, Requester, Ticket
from core.replay import replay
from core.routing import read_routing
from core.store import AlreadyExists, Store
from core.terms import Gathered, Terms
from tests.core.authority.bench import TILL, Bench
from tests.core.authority.test_giving_back import take_back
from tests.publishing import put_in_force
from tests.stores import store

__all__ = ["store"]

ROUTING = read_routing(
    {"policy": "capped", "mode": "act", "reasons": {"late": "late_delivery"},
     "tills": [{"connection": TILL}]}
)  # fmt: skip
REST = "at_most: 30.00 EUR - history.paid_90_days"


class Desk(Bench):
    """Tickets of one customer, each of an order of its own, decided by the policy in force."""

    def policy(
        self, give: str, reads: str = "history.paid_90_days: money", extra: str = ""
    ) -> None:
        text = (
            "policy: capped\nbasis: goodwill\ncurrency: EUR\n"
            f"facts: {{reason: [late_delivery], {reads}}}\n{extra}give:\n  - {give}\n"
        )
        with self.store.write() as tx:
            put_in_force(tx, text, self.moment)

    def opened(self) -> Case:
        case = self._case()
        with self.store.write() as tx:
            tx.add(case)
            tx.add(self._ticket(case))
        return case

    def gathered(
        self, case: Case, order: Order, *, alternatives: bool = False, buyer: str = "b1",
        email: str = "lea@mail.example",
    ) -> Terms:  # fmt: skip
        """What the worker decides on, before anything is locked."""
        ticket = Ticket(
            id=case.ticket_id, status="solved", tags=frozenset({"late"}), fields={},
            requester=Requester(id="r1", email=email, name=None, language=None),
            language=None, subject="", text="", brand=None, channel=None, assignee_id=None,
            created_at=self.now, updated_at=self.now,
        )  # fmt: skip
        order = replace(order, buyer_id=buyer)
        bought = Purchases(buyers=(Buyer(id=buyer, orders_count=1, spent=None),), orders=(order,))
        choice = Choice(way="customer") if alternatives else None
        with self.store.read() as reader:
            policy = policies.in_force(reader, "capped", self.now.date())
            assert policy is not None
            found = terms.consider(
                reader, case, ROUTING, policy,
                Gathered(ticket=ticket, purchases={TILL: bought}), self.now, choice,
            )  # fmt: skip
        assert isinstance(found, Terms), found
        return found

    def commit(self, case: Case, found: Terms) -> Case:
        link = NewLink(self.id("link"), self.id("hash"), "sealed")
        with self.store.write() as tx:
            flow.on_terms(tx, self.case_in(tx, case), ROUTING, found, self.moment, link)
        return self.case(case.id)

    def decided(self, *, alternatives: bool = False) -> Case:
        """A case with nobody else at work."""
        case = self.opened()
        return self.commit(case, self.gathered(case, self.order(), alternatives=alternatives))

    def at_once(
        self, number: int = 2, *, alternatives: bool = False
    ) -> list[tuple[Case, Order, Terms]]:
        """Cases that were all gathered before any of them is committed."""
        opened = [(self.opened(), self.order()) for _ in range(number)]
        return [
            (case, order, self.gathered(case, order, alternatives=alternatives))
            for case, order in opened
        ]

    def sums(self, *cases: Case) -> list[str]:
        return [str(payout.amount) for case in cases for payout in self.payouts(case)]


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def test_the_second_of_one_moment_is_decided_again(desk: Desk) -> None:
    desk.policy(f"{{refund: 20.00 EUR, {REST}}}")
    (one, _, first), (two, order, second) = desk.at_once()
    desk.commit(one, first)
    with pytest.raises(HistoryMoved):
        desk.commit(two, second)
    left = desk.case(two.id)
    assert (left.state, left.decision, left.harm_id) == (CaseState.GATHERING, None, None)
    with desk.store.read() as reader:  # nothing of the stale decision was kept
        assert reader.count(Harm, case_id=two.id) == 0
        assert reader.count(CaseStep, case_id=two.id) == 0
    assert len(desk.held()) == 1
    desk.commit(two, desk.gathered(two, order))
    assert desk.sums(one, two) == ["20.00 EUR", "10.00 EUR"]
    with desk.store.read() as reader:
        for case in (one, two):
            assert replay(reader, desk.case(case.id)).same
    assert desk.case(two.id).facts == _facts("20.00")


def test_many_threads_give_no_more_than_the_policy_does(desk: Desk) -> None:
    desk.policy(f"{{refund: 20.00 EUR, {REST}}}")
    desk.decided()
    desk.later(days=91)  # the customer is known, and has no history
    start, errors = threading.Barrier(4), list[BaseException]()

    def run(case: Case, order: Order, found: Terms) -> None:
        start.wait(30)
        while True:
            try:
                desk.commit(case, found)
                return
            except (HistoryMoved, AlreadyExists):  # as the worker does
                found = desk.gathered(case, order)
            except BaseException as error:
                errors.append(error)
                return

    cases = desk.at_once(4)
    threads = [threading.Thread(target=run, args=one) for one in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert sorted(desk.sums(*[case for case, _, _ in cases])) == ["10.00 EUR", "20.00 EUR"]


def test_the_number_of_cases_counts_as_well(desk: Desk) -> None:
    desk.policy("{when: {history.cases_90_days: ..0}, points: 100}", "history.cases_90_days: count")
    (one, _, first), (two, order, second) = desk.at_once()
    desk.commit(one, first)
    with pytest.raises(HistoryMoved):
        desk.commit(two, second)
    assert desk.gathered(two, order).parts == []


def test_a_policy_that_does_not_look_back_goes_on(desk: Desk) -> None:
    desk.policy("{refund: 20.00 EUR}", "order.total: money")
    (one, _, first), (two, _, second) = desk.at_once()
    desk.commit(one, first)
    desk.commit(two, second)
    assert desk.sums(one, two) == ["20.00 EUR", "20.00 EUR"]


ASKED = (f"{{refund: 20.00 EUR, {REST}}}", "ask_over: 15.00 EUR\n", False)
CHOOSING = (f"{{choice: [{{refund: 5.00 EUR}}, {{store_credit: 20.00 EUR, {REST}}}]}}", "", True)


@pytest.mark.parametrize(("give", "extra", "alternatives"), [ASKED, CHOOSING])
def test_what_waits_stops_the_other_of_its_moment(
    desk: Desk, give: str, extra: str, alternatives: bool
) -> None:
    desk.policy(give, extra=extra)
    (one, _, first), (two, order, second) = desk.at_once(alternatives=alternatives)
    waiting = desk.commit(one, first)
    assert waiting.state in WAITING
    with pytest.raises(HistoryMoved):
        desk.commit(two, second)
    again = desk.gathered(two, order, alternatives=alternatives)
    assert again.facts == _facts("20.00")  # the dearest of what may be chosen


@pytest.mark.parametrize(("give", "extra", "alternatives"), [ASKED, CHOOSING])
def test_what_nobody_agreed_to_or_chose_in_time_counts_no_more(
    desk: Desk, give: str, extra: str, alternatives: bool
) -> None:
    desk.policy(give, extra=extra)
    waiting = desk.decided(alternatives=alternatives)
    desk.later(days=15)
    with desk.store.write() as tx:
        case = desk.case_in(tx, waiting)
        if alternatives:
            flow.on_not_chosen(tx, case, desk.moment)
        else:
            (approval,) = flow.load(tx, case.id).approvals
            flow.on_settled_approval(tx, case, approval, desk.moment)
    assert desk.gathered(desk.opened(), desk.order()).facts == _facts("0.00")


def test_what_waited_is_paid_out_of_the_same_cap(desk: Desk) -> None:
    desk.policy(ASKED[0], extra=ASKED[1])
    waiting = desk.decided()
    other = desk.decided()  # within what the promise leaves
    desk.decide(waiting, desk.person("sam", "approver"))
    desk.step(waiting)
    assert desk.sums(waiting, other) == ["20.00 EUR", "10.00 EUR"]
    assert desk.gathered(desk.opened(), desk.order()).facts == _facts("30.00")


def test_what_was_refused_by_the_host_is_no_reason_to_give_less(desk: Desk) -> None:
    """A history that shrank is another one as well."""
    desk.policy(f"{{refund: 20.00 EUR, {REST}}}")
    one = desk.decided()
    (two, order, second) = desk.at_once(1)[0]
    desk.settle(one, Declined("no", "the bank says no"))
    with pytest.raises(HistoryMoved):
        desk.commit(two, second)
    assert desk.sums(desk.commit(two, desk.gathered(two, order))) == ["20.00 EUR"]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_second_account_of_the_mailbox_has_the_same_history(desk: Desk, at_once: bool) -> None:
    desk.policy(f"{{refund: 20.00 EUR, {REST}}}")
    case, order = desk.opened(), desk.order()
    early = desk.gathered(case, order, buyer="b2", email="lea+2@mail.example")
    first = desk.decided()
    if at_once:
        with pytest.raises(HistoryMoved):
            desk.commit(case, early)
    again = desk.gathered(case, order, buyer="b2", email="lea+2@mail.example")
    assert again.facts == _facts("20.00")
    assert desk.sums(first, desk.commit(case, again)) == ["20.00 EUR", "10.00 EUR"]
    with desk.store.read() as reader:
        assert replay(reader, desk.case(case.id)).same
        payouts = [payout for one in (first, case) for payout in desk.payouts(one)]
        assert [payout.buyer_id for payout in payouts] == ["b1", "b2"]  # each is paid themselves
        assert len({payout.customer_id for payout in payouts}) == 2


def test_what_was_taken_back_of_a_coupon_was_not_given(desk: Desk) -> None:
    desk.policy(f"{{coupon: 20.00 EUR, {REST}}}")
    case = desk.decided()
    desk.settle(case)
    take_back(desk, case, "15.00 EUR")
    assert desk.gathered(desk.opened(), desk.order()).facts == _facts("5.00")


def test_who_changes_their_address_keeps_their_history(desk: Desk) -> None:
    """The mailboxes that an account had before count as well."""
    desk.policy(f"{{refund: 20.00 EUR, {REST}}}")
    desk.decided()
    second = desk.opened(), desk.order()
    desk.commit(second[0], desk.gathered(*second, buyer="b2"))
    moved = desk.gathered(desk.opened(), desk.order(), buyer="b2", email="new@mail.example")
    assert moved.facts == _facts("30.00")
    other = desk.gathered(desk.opened(), desk.order(), buyer="b3", email="new@mail.example")
    assert other.facts == _facts("0.00")


def _facts(paid: str) -> dict[str, object]:
    return {
        "reason": "late_delivery",
        "history": {"paid_90_days": {"amount": paid, "currency": "EUR"}},
    }
