"""The pages of staff against real hosts: what they show, and what a form of theirs does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from core import link as links
from core.approval import asked
from core.case import Case, CaseState, Outcome, Task
from core.followup import FollowUp
from core.ledger import Entry
from core.moment import Moment
from core.payout import PayoutState
from tests.console.choice.sending import offers, send
from tests.console.staff.signing import AGENT, MANAGER, Staff, person
from tests.webhooks.rig import Rig
from webhooks import connecting

LATE_PARCEL = 1
TEAPOT = 2
WITHOUT_REASON = 10
SCRATCHED_TABLES = 16  # above what may be given without a yes


@pytest.fixture
def waiting(rig: Rig) -> Rig:
    rig.solve(SCRATCHED_TABLES)
    assert rig.case(SCRATCHED_TABLES).state is CaseState.WAITING_APPROVAL
    return rig


def decide_at(rig: Rig) -> str:
    return f"/console/cases/{rig.case(SCRATCHED_TABLES).id}/decide"


def task_of(rig: Rig, ticket: int) -> Task:
    with rig.store.read() as reader:
        (task,) = reader.find(Task, case_id=rig.case(ticket).id, state="open")
    return task


# ---------------------------------------------------------------------------------- approvals


def test_an_approver_agrees_and_it_is_paid_once(waiting: Rig) -> None:
    manager = Staff(waiting, MANAGER)
    page = manager.get("/console/approvals")
    assert "Refund: 100.00\xa0EUR" in page
    assert "Jo Marsh" in page
    form = {"answer": "agree"}
    assert manager.send("/console/approvals", decide_at(waiting), **form) == 303
    waiting.settle()
    assert len(waiting.refunds()) == 1
    assert waiting.case(SCRATCHED_TABLES).outcome is Outcome.MADE_GOOD
    assert "Nothing waits for a yes." in manager.get("/console/approvals")
    case = manager.get(f"/console/cases/{waiting.case(SCRATCHED_TABLES).id}")
    assert "Agreed" in case
    assert "Sam Okafor" in case


def test_a_no_needs_a_reason_and_pays_nothing(waiting: Rig) -> None:
    manager = Staff(waiting, MANAGER)
    page = f"/console/cases/{waiting.case(SCRATCHED_TABLES).id}"
    assert manager.send(page, decide_at(waiting), answer="refuse") == 422
    assert "somebody will want to know why" in manager.last
    assert manager.send(page, decide_at(waiting), answer="refuse", note="too much") == 303
    waiting.settle()
    assert waiting.case(SCRATCHED_TABLES).outcome is Outcome.REFUSED
    assert waiting.refunds() == []
    assert "too much" in manager.get(page)


def test_a_yes_is_for_what_was_shown_and_nothing_else(waiting: Rig) -> None:
    manager = Staff(waiting, MANAGER)
    page = "/console/approvals"
    form = {"answer": "agree", "offer": "offer_of_yesterday"}
    assert manager.send(page, decide_at(waiting), **form) == 422
    assert "has changed since you looked" in manager.last
    assert manager.send(page, decide_at(waiting), answer="perhaps") == 422
    waiting.settle()
    assert waiting.refunds() == []


def test_two_clicks_agree_once(waiting: Rig) -> None:
    manager = Staff(waiting, MANAGER)
    manager.get("/console/approvals")
    assert manager.send("/console/approvals", decide_at(waiting), answer="agree") == 303
    page = manager.get("/console/tasks")
    token = page.split('name="form_token" value="')[1].split('"')[0]
    again = {"form_token": token, "answer": "agree", "offer": "x", "back": "/console/approvals"}
    assert manager.post(decide_at(waiting), again) == 422
    waiting.settle()
    assert len(waiting.refunds()) == 1


def test_who_asked_sees_it_and_cannot_agree(waiting: Rig) -> None:
    jo = waiting.person(AGENT)
    with waiting.store.write() as tx:
        tx.put(replace(jo, roles=["agent", "approver"]))
    asker = Staff(waiting, AGENT)
    page = asker.get("/console/approvals")
    assert "You cannot decide this one. These can:" in page
    assert "Sam Okafor" in page
    assert "<textarea" not in page
    token = page.split('name="form_token" value="')[1].split('"')[0]
    with waiting.store.read() as reader:
        offer = asked(reader, waiting.case(SCRATCHED_TABLES).id)[0].offer_id
    form = {"form_token": token, "answer": "agree", "offer": offer, "back": "/console/approvals"}
    assert asker.post(decide_at(waiting), form) == 422
    assert "asked for this" in asker.last
    waiting.settle()
    assert waiting.refunds() == []


# -------------------------------------------------------------------------------------- tasks


def test_a_task_is_done_with_a_note(rig: Rig) -> None:
    rig.solve(WITHOUT_REASON)
    manager = Staff(rig, MANAGER)
    page = manager.get("/console/tasks")
    assert "The ticket does not say what went wrong" in page
    assert "What to do:" in page
    action = f"/console/tasks/{task_of(rig, WITHOUT_REASON).id}/done"
    assert manager.send("/console/tasks", action, note="  ") == 422
    assert manager.send("/console/tasks", action, note="x" * 1_001) == 422
    assert manager.send("/console/tasks", action, note="asked them") == 303
    with rig.store.read() as reader:
        (row,) = reader.find(Task, case_id=rig.case(WITHOUT_REASON).id)
    assert (row.state, row.done_by, row.note) == ("done", rig.person(MANAGER).id, "asked them")
    assert "Nothing has to be done." in manager.get("/console/tasks")


@pytest.fixture
def by_hand(rig: Rig) -> Rig:
    manual = connecting.add(rig.of, "manual", values={})
    rig.options(remedies={"cash": manual.id})
    rig.policy("{cash: 10.00 EUR}", currency="EUR")
    rig.solve(TEAPOT)
    return rig


@pytest.mark.parametrize(
    ("end", "state"), [("paid", PayoutState.SETTLED), ("not_paid", PayoutState.DECLINED)]
)
def test_what_a_person_pays_ends_with_proof_or_why_not(
    by_hand: Rig, end: str, state: PayoutState
) -> None:
    finance = person(by_hand, "fin@shop.example", ["finance"])
    staff = Staff(by_hand, finance.email)
    action = f"/console/tasks/{task_of(by_hand, TEAPOT).id}/done"
    page = f"/console/cases/{by_hand.case(TEAPOT).id}"
    assert staff.send(page, action, note="SEPA 4711", end=end) == 303
    by_hand.settle()
    (payout,) = by_hand.payouts(by_hand.case(TEAPOT))
    assert payout.state is state


def test_an_agent_does_not_say_what_was_paid(by_hand: Rig) -> None:
    agent = Staff(by_hand, AGENT)
    page = agent.get("/console/tasks")
    assert "This has to be paid by hand" in page
    assert "It is paid" not in page
    token = page.split('name="form_token" value="')[1].split('"')[0]
    action = f"/console/tasks/{task_of(by_hand, TEAPOT).id}/done"
    assert agent.post(action, {"form_token": token, "note": "yes", "end": "paid"}) == 422
    (payout,) = by_hand.payouts(by_hand.case(TEAPOT))
    assert payout.state is PayoutState.PENDING


# ----------------------------------------------------------------------------------- one case


def test_a_case_says_why_who_what_arrived_and_what_was_booked(rig: Rig) -> None:
    rig.solve(LATE_PARCEL)
    page = Staff(rig, MANAGER).get(f"/console/cases/{rig.case(LATE_PARCEL).id}")
    (payout,) = rig.payouts(rig.case(LATE_PARCEL))
    (refund,) = rig.refunds()
    assert "10\xa0% of 52.00\xa0GBP (order.total) is 5.20\xa0GBP." in page
    assert '<bdi class="code" dir="ltr">days_late</bdi>' in page
    assert "from what was kept: the same." in page
    assert "Arrived: the host confirmed it" in page
    assert f"gid://shopify/Refund/{refund['id']}" in page
    assert payout.id in page
    with rig.store.read() as reader:
        (entry,) = reader.find(Entry, case_id=payout.case_id)
    assert entry.hash[:12] in page
    assert "5.20\xa0GBP" in page
    assert "Hello Emma Whitfield," in page
    assert "Ticket 1 was solved; looking into it." in page


def test_a_decision_that_was_tampered_with_is_seen(rig: Rig) -> None:
    rig.solve(LATE_PARCEL)
    case = rig.case(LATE_PARCEL)
    assert isinstance(case.decision, Mapping)
    with rig.store.write() as tx:
        tx.put(replace(case, decision={**case.decision, "rule": "give.1"}))
    page = Staff(rig, MANAGER).get(f"/console/cases/{case.id}")
    assert "it comes out differently" in page


def test_a_policy_that_is_not_here_any_more_breaks_nothing(rig: Rig) -> None:
    rig.solve(LATE_PARCEL)
    with rig.store.write() as tx:
        (case,) = tx.find(Case, ticket_id=str(LATE_PARCEL))
        tx.put(replace(case, policy_hash="0" * 64))
    page = Staff(rig, MANAGER).get(f"/console/cases/{rig.case(LATE_PARCEL).id}")
    assert "The version of the policy that decided is not here." in page


def test_codes_that_are_worth_money_are_on_no_page_of_staff(rig: Rig) -> None:
    token = send(rig)
    gift_card = offers(rig)[1]
    with rig.store.write() as tx:
        links.choose(tx, token, gift_card, Moment(rig.clock.now()))
    rig.settle()
    (card,) = rig.shop.get("books")["cards"]
    case = rig.case(TEAPOT)
    assert case.outcome is Outcome.MADE_GOOD
    manager = Staff(rig, MANAGER)
    for path in (f"/console/cases/{case.id}", "/console/cases", "/console/tasks"):
        page = manager.get(path)
        assert card["code"].lower() not in page.lower()
        assert token not in page
    page = manager.get(f"/console/cases/{case.id}")
    assert "What the customer may choose" in page
    assert "chosen on" in page


def test_what_stands_beside_a_case_and_what_the_customer_said_are_shown(rig: Rig) -> None:
    rig.solve(LATE_PARCEL)
    case, now = rig.case(LATE_PARCEL), rig.clock.now()
    with rig.store.write() as tx:
        tx.put(replace(case, beside="case_owed"))
        tx.add(
            FollowUp(
                id="fu_1",
                case_id=case.id,
                desk_id=case.desk_id,
                ticket_id=case.ticket_id,
                host_object="rating_1",
                score=100,
                answered_at=now,
                seen_at=now,
            )
        )
    page = Staff(rig, MANAGER).get(f"/console/cases/{case.id}")
    assert '<a href="/console/cases/case_owed">what was owed</a>' in page
    assert "content." in page
