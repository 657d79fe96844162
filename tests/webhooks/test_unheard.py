"""No solved ticket is missed where the helpdesk's clock is not ours, or ours was wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from core.store.memory import MemoryStore
from sandbox.sim.clock import START, Time
from sandbox.sim.desk import DeskBooks, Shown, new_ticket
from tests.webhooks.rig import Rig
from webhooks.engine.clock import Clock
from webhooks.engine.sweeping import Sweeper
from webhooks.hosts import CONNECTED_AT
from webhooks.proof.sim import Simulation
from webhooks.proof.stage import AGENT, DESK


class Helpdesk:
    """A simulated workspace whose helpdesk's clock is wrong by so much, and tells nothing."""

    def __init__(self, skew: timedelta, *, told: bool = True) -> None:
        sim = Simulation(MemoryStore("w"), 1, 0, ())
        self.time: Time = sim.time
        self.desk: DeskBooks = sim.desk
        self.desk._tell = lambda _: None
        self.desk.now = lambda: START + skew + timedelta(seconds=self.time.true)
        self.store, hosts = sim.store, sim.hosts
        hosts._desk_time = self.desk.now
        row = hosts.get(DESK).connection
        settings = {CONNECTED_AT: self.desk.now().isoformat()} if told else {}
        with self.store.write() as tx:
            tx.put(replace(row, settings=settings))
        hosts.forget(DESK)
        hosts._rows.clear()
        clock = Clock(self.time.now, self.time.steady)
        self._sweeper = Sweeper(self.store, hosts, sealer=sim._sealer, clock=clock)

    def solve(self, ticket: str, *, after: float = 0) -> None:
        """`after` so many seconds."""
        self.time.advance(after)
        self.desk.tickets[ticket] = Shown(
            new_ticket(
                ticket, text="", tags=["late_delivery"], email="c@mail.example",
                at=self.desk.now(), agent=AGENT,
            )
        )  # fmt: skip
        self.desk.set_status(ticket, "solved")

    def found(self, *, after: float = 1200) -> list[str | None]:
        self.time.advance(after)
        report = self._sweeper.sweep(DESK)
        assert report.swept, report.why
        return [one.ticket for one in report.differences]


@pytest.mark.parametrize("minutes", [-30, -5, 0, 5, 30])
@pytest.mark.parametrize("told", [True, False])
def test_a_ticket_solved_just_after_connecting_is_found(minutes: int, told: bool) -> None:
    helpdesk = Helpdesk(timedelta(minutes=minutes), told=told)
    helpdesk.solve("1", after=60)
    assert helpdesk.found() == ["1"]
    assert helpdesk.found() == []


@pytest.mark.parametrize("minutes", [-30, 0, 30])
def test_one_solved_before_is_nobody_s_matter(minutes: int) -> None:
    helpdesk = Helpdesk(timedelta(minutes=minutes))
    helpdesk.solve("1")
    shown = helpdesk.desk.tickets["1"]
    before = helpdesk.desk.now() - timedelta(seconds=60)
    shown.ticket = replace(shown.ticket, updated_at=before)
    assert helpdesk.found() == []


@pytest.mark.parametrize("days", [-3, 3])
def test_a_clock_of_ours_that_was_wrong_at_a_sweep_hides_nothing(days: int) -> None:
    helpdesk = Helpdesk(timedelta(0))
    helpdesk.time.jump(days * 86_400)
    assert helpdesk.found() == []
    helpdesk.solve("1", after=3_600)
    helpdesk.time.jump(-days * 86_400)
    assert helpdesk.found(after=40 * 3_600) == ["1"]


def test_its_message_gets_some_minutes_by_the_helpdesk_s_clock() -> None:
    helpdesk = Helpdesk(timedelta(minutes=-30))
    helpdesk.solve("1", after=60)
    assert helpdesk.found(after=300) == []
    assert helpdesk.found(after=400) == ["1"]


def test_a_helpdesk_tells_its_time_where_it_is_connected(rig: Rig) -> None:
    told = rig.of.hosts.get(rig.stage.desk_id).settings.get(CONNECTED_AT)
    assert told is not None
    created = rig.connection(rig.stage.desk_id).created_at
    apart = datetime.fromisoformat(told) - created
    assert abs(apart) < timedelta(seconds=3)
    rig.desk.post("clock", advance_s=300)
    host = rig.of.hosts.get(rig.stage.desk_id)
    host.desk.ticket("1")
    theirs = host.time()
    assert theirs is not None
    assert timedelta(seconds=297) < theirs - rig.clock.now() < timedelta(seconds=303)
    rig.of.hosts.forget(rig.stage.desk_id)
    assert host.settings.get(CONNECTED_AT) == told
