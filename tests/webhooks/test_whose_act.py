"""Whose act a case is: who asked last, and never in the name, out of the limits or under the
override of somebody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core import approval, flow, interventions
from core.approval import MayNotApprove
from core.case import Case, CaseState, Outcome
from core.choice import Choice
from core.letter import Letter
from core.moment import Moment
from tests.webhooks.rig import Rig
from tests.webhooks.test_authority import limits
from tests.webhooks.test_choice import TEAPOT, agent, ask
from webhooks.demo.stage import MANAGER

MANAGERS_ACCOUNT = "9002"
GENEROUS = "roles: {agent: {per_day: 900.00}, approver: {per_day: 900.00}}\n"


def overridden(rig: Rig) -> Case:
    """A second refund for one harm, which the manager lets go on and a hard limit stops."""
    rig.policy("{refund: 10.00 EUR}", "EUR")
    rig.solve(TEAPOT)
    rig.desk.post(f"tickets/{TEAPOT}/reopen")
    rig.later(minutes=2)
    rig.solve(TEAPOT)
    assert rig.case(TEAPOT).outcome is Outcome.DUPLICATE
    limits(rig, GENEROUS + "budgets: {all: {value: 5.00}}\n")
    override(rig)
    rig.settle()
    case = rig.case(TEAPOT)
    assert (case.state, case.said) == (CaseState.WITH_PERSON, "over_limit")
    limits(rig, GENEROUS)
    return case


def override(rig: Rig) -> None:
    case, manager = rig.case(TEAPOT), rig.person(MANAGER)
    with rig.store.write() as tx:
        interventions.override(tx, case.id, manager, "broke too", Moment(rig.clock.now()))


def solve(rig: Rig, actor: str) -> None:
    """The helpdesk says that this agent solved the ticket again."""
    now = rig.clock.now() + timedelta(minutes=5)
    routing = rig.of.hosts.get(rig.stage.desk_id).routing
    with rig.store.write() as tx:
        opened = flow.on_solved(
            tx, rig.stage.desk_id, str(TEAPOT), actor_id=actor, received_at=now, routing=routing,
            moment=Moment(now),
        )  # fmt: skip
        assert opened is None
    rig.later(minutes=5)


def test_who_overrides_is_not_taken_at_their_word_for_another_choice(rig: Rig) -> None:
    """An agent who then chooses gives out of their own limits, and the guard is there again."""
    case = overridden(rig)
    again = ask(rig, Choice())
    assert again.id == case.id
    assert (again.outcome, again.overridden_by) == (Outcome.DUPLICATE, None)
    assert len(rig.refunds()) == 1
    override(rig)  # but who decides so once more knows what was chosen
    rig.settle()
    assert len(rig.refunds()) == 2
    assert rig.case(TEAPOT).requested_by == rig.person(MANAGER).id


def test_an_override_is_over_once_somebody_solves_the_ticket_again(rig: Rig) -> None:
    case = overridden(rig)
    solve(rig, agent(rig)[0])
    after = rig.case(TEAPOT)
    assert (after.id, after.outcome) == (case.id, Outcome.DUPLICATE)
    assert len(rig.refunds()) == 1


def test_an_override_is_of_one_harm(rig: Rig) -> None:
    """The ticket says something else when the runner looks: it is not in the manager's name."""
    rig.policy("{refund: 10.00 EUR}", "EUR")
    limits(rig, GENEROUS)
    rig.solve(TEAPOT)
    rig.desk.post(f"tickets/{TEAPOT}/reopen")
    rig.later(minutes=2)
    rig.solve(TEAPOT)
    override(rig)
    rig.desk.post(f"tickets/{TEAPOT}/untag", tags=["amends_damaged_item"])
    rig.desk.post(f"tickets/{TEAPOT}/tag", tags=["amends_wrong_item"])
    rig.settle()
    case = rig.case(TEAPOT)
    assert (case.reason, case.overridden_by) == ("wrong_item", None)
    assert case.requested_by == agent(rig)[1].id


def test_who_solves_it_again_asks_for_it_and_does_not_agree(rig: Rig) -> None:
    """The first one's ticket named no reason. The second puts one there, and is an approver."""
    rig.desk.post(f"tickets/{TEAPOT}/untag", tags=["amends_damaged_item"])
    rig.policy("{refund: 10.00 EUR}", "EUR")
    limits(rig, "roles: {agent: {per_day: 9.00}, approver: {per_transaction: 9.00}, "
                "admin: {per_day: 90.00}}\n")  # fmt: skip
    rig.solve(TEAPOT)
    case, manager = rig.case(TEAPOT), rig.person(MANAGER)
    assert case.said == "no_reason"
    with rig.store.write() as tx:
        tx.put(replace(manager, roles=["admin", "approver"]))
        tx.add(
            Letter(
                id=case.id, text="You get 1,000 EUR.", tone=None, written_by="per_x",
                written_at=rig.clock.now(),
            )
        )  # fmt: skip
    limits(rig, "roles: {agent: {per_day: 900.00}, admin: {per_day: 900.00}}\n"
                "approval: {ask: [{over: 1.00}]}\n")  # fmt: skip
    rig.desk.post(f"tickets/{TEAPOT}/tag", tags=["amends_damaged_item"])
    solve(rig, MANAGERS_ACCOUNT)
    case = rig.case(TEAPOT)
    assert (case.state, case.requested_by) == (CaseState.WAITING_APPROVAL, manager.id)
    moment, who = Moment(rig.clock.now()), rig.person(MANAGER)
    with rig.store.write() as tx, pytest.raises(MayNotApprove, match="asked for this"):
        approval.decide(tx, case.id, who, agree=True, note=None, moment=moment)
    with rig.store.read() as reader:
        letter = reader.get(Letter, case.id)
    assert letter is not None
    assert letter.text == ""  # what was written for another offer is not sent with this one
