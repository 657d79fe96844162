"""Two tickets of one customer, worked on at the same moment, under a policy that caps what they
get."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from core import harm, likeness
from core.case import Case, Outcome
from core.choice import Choice
from core.facts import Subject, Trouble
from core.moment import Moment
from core.ports import Who
from core.replay import replay
from core.store import Store
from core.terms import Terms
from tests.publishing import put_in_force
from tests.stores import store
from tests.webhooks.rig import Rig, rigged
from webhooks.engine.considering import Considering

__all__ = ["store"]

TABLECLOTH, LATE_AGAIN = 1, 18  # late deliveries both; the second is of a customer with two orders
EMAIL = "james.carter@mail.example"


def _capped(rig: Rig) -> None:
    text = (
        "policy: capped\nbasis: goodwill\ncurrency: USD\n"
        "facts: {reason: [late_delivery], history.paid_90_days: money}\n"
        "give:\n  - {refund: 20.00 USD, at_most: 30.00 USD - history.paid_90_days}\n"
    )
    with rig.store.write() as tx:
        put_in_force(tx, text, Moment(rig.clock.now()))
    rig.options(policy="capped")


def _of_one_customer(rig: Rig) -> None:
    """One we know already: two who meet them for the first time clash over that alone."""
    state: Any = rig.running.states["zendesk"]
    with state.lock:
        whose = state.tickets[LATE_AGAIN].requester_id
        for number, order in ((TABLECLOTH, "#1019"), (LATE_AGAIN, "#1020")):
            state.tickets[number].requester_id = whose
            state.tickets[number].subject = f"My order {order}"
    till_id = rig.stage.tills["shopify"]
    bought = rig.of.hosts.get(till_id).till.purchases(Who(email=EMAIL, order_names=()))
    subject = Subject(till_id=till_id, buyer=bought.buyers[0], order=bought.orders[0])
    mark = likeness.mark(rig.store.workspace_id, EMAIL)
    with rig.store.write() as tx:
        harm.lock_customers(tx, subject, mark, Moment(rig.clock.now()))


def _meet(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have the first two gathered before either goes on; answers the cases as they are gathered."""
    considered, decided, together = Considering.case, list[str](), threading.Barrier(2)

    def meeting(self: Considering, case: Case, choice: Choice | None) -> Terms | Trouble:
        found = considered(self, case, choice)
        decided.append(case.id)
        if len(decided) <= 2:
            together.wait(30)
        return found

    monkeypatch.setattr(Considering, "case", meeting)
    return decided


def test_two_workers_do_not_both_give_what_one_customer_may_have_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rigged(store) as rig:
        _capped(rig)
        _of_one_customer(rig)
        decided = _meet(monkeypatch)
        for ticket in (TABLECLOTH, LATE_AGAIN):
            rig.desk.post(f"tickets/{ticket}/solve")
        rig.desk.post("webhooks/idle", timeout_s=10)

        def work() -> None:
            while rig.runner.run_due():
                pass

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        rig.settle()
        assert sorted(refund["amount"] for refund in rig.refunds()) == ["10.00", "20.00"]
        assert len(decided) == 3
        for ticket in (TABLECLOTH, LATE_AGAIN):
            case = rig.case(ticket)
            assert (case.outcome, rig.tasks(case)) == (Outcome.MADE_GOOD, [])
            assert rig.steps(case).count("decided") == 1
            with store.read() as reader:
                assert replay(reader, case).same
