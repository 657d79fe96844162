"""Cases at a helpdesk with a small limit: put off, none lost, and the host is not hammered."""

from __future__ import annotations

import time
from dataclasses import replace

from core.case import Outcome
from core.pace import Pace
from tests.webhooks.rig import Rig

TICKETS = (1, 2, 3, 6)
_LIMIT, _WINDOW_S = 20, 3.0


def test_every_case_ends_and_the_limit_is_kept(rig: Rig) -> None:
    desk = rig.running.states["zendesk"]
    desk.limits = replace(desk.limits, account=_LIMIT, window_s=_WINDOW_S)  # type: ignore[attr-defined]
    desk.hits.clear()  # type: ignore[attr-defined]
    rig.policy("{apology: yes}")
    for ticket in TICKETS:
        rig.desk.post(f"tickets/{ticket}/solve")
    for _ in range(20):
        rig.settle()
        if all(rig.case(ticket).outcome for ticket in TICKETS):
            break
        time.sleep(_WINDOW_S / 2)
        rig.later(minutes=1)
    assert [rig.case(ticket).outcome for ticket in TICKETS] == [Outcome.MADE_GOOD] * len(TICKETS)
    refused = [seen for seen in desk.requests if seen.status == 429]
    assert len(refused) <= 1, f"{len(refused)} of {len(desk.requests)} calls were refused"
    with rig.store.read() as reader:
        pace = reader.get(Pace, rig.stage.desk_id)
    assert pace is not None
    assert pace.most == _LIMIT
