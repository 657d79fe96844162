"""From a ticket's field to the decision: the starter for software by subscription, live."""

from __future__ import annotations

import pytest

from core.case import CaseState, Outcome
from core.moment import Moment
from core.policy import pack_text
from tests.publishing import put_in_force
from tests.webhooks.rig import Rig

FROM_STRIPE = 20
HOURS, NOTICE = 360007, 360008


@pytest.fixture
def rig(rig: Rig) -> Rig:
    """A software company: its bills are at Stripe, and its tickets say how long it was down."""
    text, variant = pack_text("software")
    with rig.store.write() as tx:
        put_in_force(tx, text, Moment(rig.clock.now()), variant=variant)
    desk = rig.running.states["zendesk"]
    for number, title, kind in ((HOURS, "Hours down", "decimal"), (NOTICE, "Told", "checkbox")):
        desk.add_field({"id": number, "title": title, "type": kind})  # type: ignore[attr-defined]
    rig.options(
        policy="software",
        facts={"hours_down": str(HOURS), "our_maintenance_notice": str(NOTICE)},
    )
    return rig


def fill(rig: Rig, field: int, value: object) -> None:
    rig.desk.post(f"tickets/{FROM_STRIPE}/field", id=field, value=value)


def test_hours_down_decide_what_is_owed(rig: Rig) -> None:
    fill(rig, HOURS, "40")
    rig.solve(FROM_STRIPE)
    case = rig.case(FROM_STRIPE)
    assert case.outcome is Outcome.MADE_GOOD, (case.said, rig.tasks(case))
    (payout,) = rig.payouts(case)
    assert payout.remedy == "account_credit"
    assert case.facts["hours_down"] == "40"  # type: ignore[index, call-overload]
    total = case.facts["order"]["total"]["amount"]  # type: ignore[index, call-overload]
    assert payout.amount is not None
    bill = int(total.replace(".", ""))
    assert payout.amount.minor * 2 == bill, "below 95 % of a month: half of it"


def test_a_ticked_box_refuses_by_the_policy(rig: Rig) -> None:
    fill(rig, HOURS, "40")
    fill(rig, NOTICE, True)
    rig.solve(FROM_STRIPE)
    assert rig.case(FROM_STRIPE).outcome is Outcome.NOTHING_DUE


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, f"the ticket's field {HOURS} is empty"),
        ("call me on 555 0100", f"the ticket's field {HOURS} does not hold a length of time"),
    ],
)
def test_a_field_that_says_nothing_is_a_person_s_task(rig: Rig, value: object, words: str) -> None:
    if value is not None:
        fill(rig, HOURS, value)
    rig.solve(FROM_STRIPE)
    case = rig.case(FROM_STRIPE)
    assert case.state is CaseState.WITH_PERSON
    assert rig.tasks(case) == ["cannot_decide"]
    assert rig.payouts(case) == []
    note = rig.comments(FROM_STRIPE)[0]["body"]
    assert words in note
    assert "555" not in note, "what stands in a field is not repeated"
