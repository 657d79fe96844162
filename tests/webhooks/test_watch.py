"""A clock on the wall that is set, or differs: nothing may be claimed by it for a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from core.clocks import MachineClock
from core.store import Store, StoreUnavailable
from core.store.memory import MemoryStore
from core.store.sql import SqlStore
from tests.stores import sql_url, store
from webhooks.engine.clock import Clock, name_of_boot
from webhooks.engine.leftovers import remove
from webhooks.engine.watch import Watch

__all__ = ["sql_url", "store"]

HOLD = timedelta(seconds=90)


@dataclass
class Machine:
    """A machine whose clocks are moved by hand. It has been up for an hour."""

    boot: str = "first"
    up: float = 3_600.0
    wall: datetime = field(default_factory=lambda: datetime.now(UTC))

    def clock(self) -> Clock:
        return Clock(now=lambda: self.wall, steady=lambda: self.up, boot=self.boot)

    def passes(self, seconds: float) -> None:
        self.up += seconds
        self.wall += timedelta(seconds=seconds)

    def is_set(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)


def process(store: Store, machine: Machine) -> Watch:
    return Watch(store, machine.clock(), HOLD)


@pytest.fixture
def memory() -> MemoryStore:
    return MemoryStore("watch")


def test_a_process_that_sees_the_clock_set_ahead_holds_for_a_leases_length(
    memory: MemoryStore,
) -> None:
    machine = Machine()
    watch = process(memory, machine)
    assert not watch.holds()
    machine.is_set(3_600)
    assert watch.holds()
    machine.passes(89)
    assert watch.holds()
    machine.passes(2)
    assert not watch.holds()


def test_one_that_starts_after_it_was_set_holds_as_well(memory: MemoryStore) -> None:
    machine = Machine()
    assert not process(memory, machine).holds()
    machine.passes(600)
    machine.is_set(40)
    successor = process(memory, machine)
    assert successor.holds()
    machine.passes(89)
    assert successor.holds()
    machine.passes(2)
    assert not successor.holds()


def test_what_the_clocks_said_is_kept_in_every_store(store: Store) -> None:
    """Here the steady clock is the one that is moved: a database has an opinion on the other."""
    now = datetime.now
    assert not Watch(store, Clock(now=lambda: now(UTC), steady=lambda: 3_600.0), HOLD).holds()
    assert Watch(store, Clock(now=lambda: now(UTC), steady=lambda: 3_500.0), HOLD).holds()
    # What that one saw and kept, by the clocks of a third.
    assert Watch(store, Clock(now=lambda: now(UTC), steady=lambda: 3_589.0), HOLD).holds()
    assert not Watch(store, Clock(now=lambda: now(UTC), steady=lambda: 3_591.0), HOLD).holds()


def test_one_that_starts_while_another_holds_waits_no_longer_than_that(memory: MemoryStore) -> None:
    machine = Machine()
    first = process(memory, machine)
    first.holds()
    machine.is_set(3_600)
    assert first.holds()
    machine.passes(60)
    second = process(memory, machine)
    assert second.holds()
    machine.passes(31)
    assert not second.holds()
    assert not first.holds()


def test_every_process_of_the_machine_holds_whoever_saw_it_first(memory: MemoryStore) -> None:
    machine = Machine()
    first, second = process(memory, machine), process(memory, machine)
    assert not first.holds()
    assert not second.holds()
    machine.is_set(30)
    assert first.holds()
    assert second.holds()


def test_a_clock_set_back_holds_nobody_and_set_ahead_again_everybody(memory: MemoryStore) -> None:
    machine = Machine()
    watch = process(memory, machine)
    watch.holds()
    machine.is_set(-600)
    assert not watch.holds()
    machine.is_set(600)
    assert process(memory, machine).holds()
    assert watch.holds()


def test_a_clock_that_is_slowly_put_right_holds_nobody(memory: MemoryStore) -> None:
    """A time server moves it by half a thousandth; a day of that is 43 seconds."""
    machine = Machine()
    watch = process(memory, machine)
    for _ in range(24 * 60):
        machine.passes(60)
        machine.is_set(0.03)
        assert not watch.holds()
    assert not process(memory, machine).holds()


def test_a_machine_that_was_just_started_waits_until_it_has_been_up_for_a_lease(
    memory: MemoryStore,
) -> None:
    """Nobody saw what was done to its clock while it was down."""
    process(memory, Machine()).holds()
    again = Machine(boot="second", up=20.0)
    watch = process(memory, again)
    assert watch.holds()
    again.passes(69)
    assert watch.holds()
    again.passes(2)
    assert not watch.holds()


def test_the_first_machine_of_an_installation_waits_for_nothing(store: Store) -> None:
    assert not process(store, Machine(up=5.0)).holds()


def test_what_was_not_kept_is_compared_again(memory: MemoryStore) -> None:
    machine = Machine()
    shaky = Shaky(memory)
    watch = process(shaky, machine)  # type: ignore[arg-type]
    assert not watch.holds()
    machine.is_set(3_600)
    shaky.fails = True
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            watch.holds()
    shaky.fails = False
    assert watch.holds()
    assert process(memory, machine).holds()


def test_a_clock_that_differs_from_the_databases_holds_until_it_is_right(
    memory: MemoryStore,
) -> None:
    """Two machines that compare theirs with the same database cannot differ by more than that."""
    machine = Machine()
    shared = Shared(memory, machine)
    watch = process(shared, machine)  # type: ignore[arg-type]
    assert not watch.holds()
    for by in (1.5, -1.5):
        shared.ahead = timedelta(seconds=by)
        machine.passes(61)
        assert watch.holds()
        machine.passes(600)
        assert watch.holds()
        shared.ahead = timedelta(0)
        machine.passes(1.1)
        assert not watch.holds()
    shared.ahead = timedelta(seconds=0.9)
    machine.passes(61)
    assert not watch.holds()


def test_a_database_on_another_machine_tells_its_own_clock(store: Store) -> None:
    theirs = store.clock()
    if isinstance(store, SqlStore) and "postgresql" in store._url:
        assert theirs is not None
        assert abs(theirs - datetime.now(UTC)) < timedelta(seconds=5)
        wrong = Machine()
        wrong.is_set(-10)
        assert process(store, wrong).holds()
        right = Clock(now=lambda: datetime.now(UTC), steady=lambda: 3_600.0)
        assert not Watch(store, right, HOLD).holds()
    else:
        assert theirs is None


def test_clocks_of_machines_that_are_gone_are_removed_by_night(memory: MemoryStore) -> None:
    machine = Machine()
    process(memory, machine).holds()
    living = Machine(boot="living")
    watch = process(memory, living)
    for _ in range(40):
        living.passes(86_400)
        watch.holds()
    with memory.write() as tx:
        said = remove(tx, {"kind": 0, "after": None}, living.wall)
        while said:
            said = remove(tx, said, living.wall)
        assert [row.id for row in tx.find(MachineClock)] == ["living"]


def test_all_processes_of_a_machine_name_its_start_alike() -> None:
    assert name_of_boot() == name_of_boot() != ""


class Shaky:
    def __init__(self, store: Store) -> None:
        self._store, self.fails = store, False
        self.read, self.clock = store.read, store.clock

    def write(self) -> object:
        if self.fails:
            raise StoreUnavailable("the database did not answer")
        return self._store.write()


class Shared:
    """A store whose database has a clock of its own."""

    def __init__(self, store: Store, machine: Machine) -> None:
        self.read, self.write = store.read, store.write
        self._machine, self.ahead = machine, timedelta(0)

    def clock(self) -> datetime:
        return self._machine.wall + self.ahead
