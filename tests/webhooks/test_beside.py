"""Approvers told in a side conversation of the ticket: once, and nothing in it acts."""

from __future__ import annotations

from typing import Any

import pytest

from core.case import CaseState, Outcome
from core.routing import BadOptions, read_routing
from tests.webhooks.rig import Rig
from webhooks.demo.stage import MANAGER

SCRATCHED_TABLES = 16


def sides(rig: Rig) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rig.running.states["zendesk"].side_conversations  # type: ignore[attr-defined]
    return found


def told(rig: Rig) -> str:
    (seen,) = [
        one.body
        for one in rig.running.states["zendesk"].requests
        if one.method == "POST" and one.path.endswith("/side_conversations")
    ]
    return seen


@pytest.fixture
def asking(rig: Rig) -> Rig:
    rig.options(ask_beside=True)
    return rig


def test_who_may_say_yes_is_told_once_with_a_link_that_only_shows(asking: Rig) -> None:
    asking.solve(SCRATCHED_TABLES)
    case = asking.case(SCRATCHED_TABLES)
    assert case.state is CaseState.WAITING_APPROVAL
    asking.later(hours=1)
    (side,) = sides(asking)
    assert [one["email"] for one in side["participants"]] == [MANAGER]
    text = told(asking)
    assert f"/console/cases/{case.id}" in text
    assert case.order_name in text if case.order_name else True
    assert asking.refunds() == []
    assert asking.tasks(case) == []


def test_nobody_is_told_where_it_is_not_wanted(rig: Rig) -> None:
    rig.solve(SCRATCHED_TABLES)
    assert rig.case(SCRATCHED_TABLES).state is CaseState.WAITING_APPROVAL
    assert sides(rig) == []


def test_nobody_is_told_of_what_needs_no_yes(asking: Rig) -> None:
    asking.solve(1)
    assert asking.case(1).outcome is Outcome.MADE_GOOD
    assert sides(asking) == []


def test_an_account_without_side_conversations_goes_on(asking: Rig) -> None:
    asking.desk.post(
        "faults", kind="status", status=403, times=None,
        match={"path": f"/api/v2/tickets/{SCRATCHED_TABLES}/side_conversations"},
    )  # fmt: skip
    asking.solve(SCRATCHED_TABLES)
    case = asking.case(SCRATCHED_TABLES)
    assert case.state is CaseState.WAITING_APPROVAL
    assert asking.tasks(case) == []
    assert {w.kind: w.state for w in asking.writings(case)} == {"note": "done", "side": "failed"}


def test_a_lost_answer_is_not_told_twice(asking: Rig) -> None:
    asking.desk.post(
        "faults", kind="drop", when="after", times=1,
        match={"path": "*/side_conversations", "method": "POST"},
    )  # fmt: skip
    asking.solve(SCRATCHED_TABLES)
    asking.later(minutes=5)
    assert len(sides(asking)) == 1
    case = asking.case(SCRATCHED_TABLES)
    assert [w.state for w in asking.writings(case) if w.kind == "side"] == ["done"]


def test_the_option_is_yes_or_no() -> None:
    with pytest.raises(BadOptions, match="true or false"):
        read_routing({"policy": "p", "ask_beside": "mail"})
