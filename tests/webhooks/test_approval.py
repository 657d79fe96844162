"""A second person's yes: whose it may be, what it binds, and what happens without it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import approval
from core.approval import Approval, MayNotApprove, NotWaiting
from core.case import CaseState, Outcome
from core.moment import Moment
from core.offer import Offer
from core.people import Person, PersonIdentity
from tests.webhooks.rig import Rig
from webhooks.demo.stage import MANAGER

SCRATCHED_TABLES = 16
AGENT = "jo.marsh@shop.example"


@pytest.fixture
def waiting(rig: Rig) -> Rig:
    rig.solve(SCRATCHED_TABLES)
    assert rig.case(SCRATCHED_TABLES).state is CaseState.WAITING_APPROVAL
    return rig


def _decide(rig: Rig, person: Person, *, agree: bool = True) -> Approval:
    case = rig.case(SCRATCHED_TABLES)
    with rig.store.write() as tx:
        return approval.decide(
            tx, case.id, person, agree=agree, note=None, moment=Moment(rig.clock.now())
        )


def test_nothing_is_paid_before_the_yes_and_it_is_paid_after(waiting: Rig) -> None:
    assert waiting.refunds() == []
    assert [c["public"] for c in waiting.comments(SCRATCHED_TABLES)] == [False]
    assert _decide(waiting, waiting.person(MANAGER)).state == "granted"
    waiting.settle()
    assert waiting.case(SCRATCHED_TABLES).outcome is Outcome.MADE_GOOD
    assert len(waiting.refunds()) == 1


def test_a_no_pays_nothing_and_frees_the_harm(waiting: Rig) -> None:
    assert _decide(waiting, waiting.person(MANAGER), agree=False).state == "refused"
    waiting.settle()
    assert waiting.case(SCRATCHED_TABLES).outcome is Outcome.REFUSED
    assert waiting.refunds() == []
    waiting.desk.post(f"tickets/{SCRATCHED_TABLES}/reopen")
    waiting.later(minutes=1)
    waiting.solve(SCRATCHED_TABLES)
    assert waiting.case(SCRATCHED_TABLES).state is CaseState.WAITING_APPROVAL


def test_who_solved_the_ticket_may_not_agree_even_as_an_approver(waiting: Rig) -> None:
    agent = waiting.person(AGENT)
    with waiting.store.write() as tx:
        tx.put(replace(agent, roles=["agent", "approver"]))
    with pytest.raises(MayNotApprove, match="asked for this"):
        _decide(waiting, waiting.person(AGENT))
    waiting.settle()
    assert waiting.refunds() == []


def test_somebody_without_the_role_may_not_agree(waiting: Rig) -> None:
    manager = waiting.person(MANAGER)
    with waiting.store.write() as tx:
        tx.put(replace(manager, roles=["agent", "finance"]))
    with pytest.raises(MayNotApprove, match="not an approver"):
        _decide(waiting, waiting.person(MANAGER))


def test_somebody_without_a_linked_account_may_not_agree(waiting: Rig) -> None:
    moment = Moment(waiting.clock.now())
    stranger = Person(
        id="per_stranger", name="A", email="a@shop.example", roles=["approver"],
        created_at=moment.now,
    )  # fmt: skip
    with waiting.store.write() as tx:
        tx.add(stranger)
    with pytest.raises(MayNotApprove, match="not linked"):
        _decide(waiting, stranger)


def test_a_second_account_of_an_unlinked_agent_may_not_agree(rig: Rig) -> None:
    """The agent who solved the ticket is no person of ours: an approver who is known by a sign-in
    only could be the same human being."""
    manager = rig.person(MANAGER)
    with rig.store.write() as tx:
        (account,) = tx.find(PersonIdentity, value="9001")
        tx.put(replace(account, value="8888"))
        (own,) = tx.find(PersonIdentity, person_id=manager.id)
        tx.put(replace(own, kind="sso", connection_id="", value="sam"))
    rig.solve(SCRATCHED_TABLES)
    with pytest.raises(MayNotApprove, match="who solved the ticket is not linked"):
        _decide(rig, rig.person(MANAGER))


def test_a_changed_offer_voids_the_yes(waiting: Rig) -> None:
    case = waiting.case(SCRATCHED_TABLES)
    with waiting.store.write() as tx:
        (offer,) = tx.find(Offer, case_id=case.id)
        parts = [{**dict(part), "minor": 99_999_00} for part in offer.parts]  # type: ignore[call-overload]
        tx.put(replace(offer, parts=parts))
    assert _decide(waiting, waiting.person(MANAGER)).state == "void"
    waiting.settle()
    assert waiting.refunds() == []
    assert "approval_void" in waiting.tasks(waiting.case(SCRATCHED_TABLES))


def test_a_yes_that_comes_too_late_pays_nothing(waiting: Rig) -> None:
    waiting.later(days=8)
    with pytest.raises(NotWaiting):
        _decide(waiting, waiting.person(MANAGER))
    assert waiting.refunds() == []
    assert "approval_expired" in waiting.tasks(waiting.case(SCRATCHED_TABLES))


def test_the_order_is_looked_at_again_before_it_is_paid(waiting: Rig) -> None:
    waiting.shop.post("orders/1017/refund", amount="1850.00", note="settled by phone")
    waiting.settle()
    _decide(waiting, waiting.person(MANAGER))
    waiting.settle()
    assert waiting.refunds() == []
    assert "changed_since" in waiting.tasks(waiting.case(SCRATCHED_TABLES))


def test_a_yes_is_given_once(waiting: Rig) -> None:
    _decide(waiting, waiting.person(MANAGER))
    with pytest.raises(NotWaiting):
        _decide(waiting, waiting.person(MANAGER))
    waiting.settle()
    assert len(waiting.refunds()) == 1
