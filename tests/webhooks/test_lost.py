"""A host that denies us: the connection is shown as lost, until a call is not denied any more."""

from __future__ import annotations

from dataclasses import replace

from core.case import CaseState, Outcome
from core.connection import Connection
from tests.webhooks.rig import Rig

TEAPOT = 2


def test_a_denied_connection_is_lost_and_comes_back_by_itself(rig: Rig) -> None:
    till = rig.stage.tills["shopify"]
    rig.shop.post("faults", kind="status", status=403, match={"path": "/admin/*"}, times=None)
    rig.solve(TEAPOT)
    assert rig.connection(till).state == "lost"
    assert rig.connection(rig.stage.desk_id).state == "on"
    assert rig.tasks(rig.case(TEAPOT)) == ["host_denied"]
    assert rig.case(TEAPOT).state is CaseState.GATHERING
    rig.running.states["shopify"].faults.clear()
    rig.later(minutes=20)
    assert rig.connection(till).state == "on"
    assert rig.case(TEAPOT).outcome is Outcome.MADE_GOOD


def test_one_that_was_switched_off_is_not_tried(rig: Rig) -> None:
    with rig.store.write() as tx:
        row = tx.lock(Connection, rig.stage.tills["shopify"])
        assert row is not None
        tx.put(replace(row, state="off"))
    rig.of.hosts.forget(row.id)
    rig.solve(TEAPOT)
    assert rig.connection(row.id).state == "off"
    assert rig.tasks(rig.case(TEAPOT)) == ["host_denied"]
