"""Attack book O1: clocks that jump, days that are not 24 hours, full disks, two versions at once.

A database that may only be read: tests/core/store/test_failures.py; fork after threads:
tests/core/store/test_races.py (test_a_forked_child_has_connections_of_its_own).
"""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from core import ids
from core.authority.scale import calendar_of
from core.case import Outcome
from core.ledger import Entry
from core.people import Workspace
from core.store import StoreUnavailable
from core.store.schema import upgrade
from tests.attack.door import Door, solved
from tests.stores import open_store
from tests.webhooks.rig import Rig
from webhooks.app import services
from webhooks.demo.stage import set_up, settings_for

LATE_PARCEL = 1


@pytest.mark.parametrize("off", [timedelta(days=1), timedelta(days=-1)])
def test_o1_a_clock_that_jumps_in_mid_case_pays_once(rig: Rig, off: timedelta) -> None:
    """The wall clock is set while an answer is lost; leases and deadlines go by the steady one.
    Many more jumps: the simulator (tests/sim)."""
    rig.shop.post("webhooks/hold")
    rig.shop.post("faults", kind="drop", when="after", match={"operation": "refundCreate"})
    rig.solve(LATE_PARCEL)
    rig.clock.ahead += off
    for _ in range(40):
        rig.later(hours=1)
    assert rig.case(LATE_PARCEL).outcome is Outcome.MADE_GOOD
    assert len(rig.refunds()) == 1
    with rig.store.read() as reader:
        assert reader.count(Entry) == 1


def test_o1_ids_grow_though_the_clock_goes_back() -> None:
    now = int(datetime.now(UTC).timestamp() * 1000)
    made = [ids.new_id("x", now + ms) for ms in (0, 10, -86_400_000, 5, -1)]
    assert made == sorted(made)


@pytest.mark.parametrize(
    ("zone", "at", "day"),
    [
        ("Europe/Berlin", datetime(2026, 3, 28, 23, 30, tzinfo=UTC), "2026-03-29"),
        ("Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "2026-10-25"),
        ("Asia/Tehran", datetime(2026, 12, 31, 20, 30, tzinfo=UTC), "2027-01-01"),
        ("Asia/Riyadh", datetime(2028, 2, 28, 21, 0, tzinfo=UTC), "2028-02-29"),
        ("America/New_York", datetime(2027, 1, 1, 4, 59, tzinfo=UTC), "2026-12-31"),
    ],
)
def test_o1_budget_days_are_the_workspaces_own(
    tmp_path: Path, zone: str, at: datetime, day: str
) -> None:
    """Clocks put forward and back, leap day, and the two ends of a year."""
    store = open_store("memory", tmp_path)
    with store.write() as tx:
        tx.add(Workspace(id="workspace", name="w", zone=zone, first_weekday=0, created_at=at))
    with store.read() as reader:
        calendar = calendar_of(reader, at)
    assert calendar.today.isoformat() == day == at.astimezone(ZoneInfo(zone)).date().isoformat()
    store.close()


def test_o1_a_full_disk_is_503_and_the_delivery_is_taken_when_there_is_room(tmp_path: Path) -> None:
    """In a process of its own whose files may not grow (what a full disk looks like to SQLite)."""
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from tests.attack.gates import opened_gates
        from core.connection import Delivery
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with opened_gates(Path(sys.argv[1]), ["stripe"]) as gates:
            gate = gates.each["stripe"]
            good = gate.harness.delivery()
            size = max(p.stat().st_size for p in Path(sys.argv[1]).rglob("*.db*"))
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
            full = gate.knock(good)
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            kept = gates.rows()[0]
            print(full, kept, gate.knock(good), gates.rows()[0])
        """
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert ran.stdout.split() == ["503", "0", "202", "1"], ran.stderr[-2000:]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)


def test_o1_a_database_of_a_newer_version_is_refused_in_words(tmp_path: Path) -> None:
    """Two versions at once: the older one neither reads nor writes what it does not know."""
    settings = settings_for(tmp_path, 0)
    set_up(settings).store.close()
    with sqlite3.connect(tmp_path / "amends.sqlite3") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(StoreUnavailable, match="newer version"):
        services(settings)
    with pytest.raises(StoreUnavailable, match="newer version"):
        upgrade(settings.database_url)


def test_o1_the_door_stays_open_after_a_bad_day(rig: Rig) -> None:
    door = Door(rig)
    rig.clock.ahead += timedelta(days=1)
    assert door.post(solved()) == 401, "signed by a clock that is a day off"
    rig.clock.ahead = timedelta(0)
    assert door.post(solved()) == 202
