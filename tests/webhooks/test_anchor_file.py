"""The anchor file: whoever comes back with fewer entries is noticed, at the start and later on."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import booking, ledger, ledger_check
from core.chores import Chore, id_of
from core.ledger_check import BadAnchor
from core.money import Money
from core.payout import Attempt
from core.people import Workspace
from core.store import Store
from tests.stores import NOW, open_store, sample
from webhooks.engine.anchoring import AnchorFile
from webhooks.engine.clock import Clock

CLOCK = Clock(now=lambda: NOW, steady=lambda: 0.0)


def _store(tmp_path: Path, workspace: str, entries: int) -> Store:
    store = open_store("sqlite", tmp_path, workspace)
    with store.write() as tx:
        tx.add(sample(Workspace, "workspace", zone="UTC"))
        for number in range(entries):
            one = booking.settlement(
                f"pay_{number}", "case_1", "till", "refund", "owed", "late", Money(500, "EUR")
            )
            ledger.post(tx, one, now=NOW)
    return store


def _halted(store: Store) -> str | None:
    with store.read() as reader:
        found = reader.get(Workspace, "workspace")
    assert found is not None
    return found.halted_why


def test_a_database_put_back_under_a_running_process_is_noticed(tmp_path: Path) -> None:
    """As where a database server fails over to one that had not heard of the last commits: the
    head it has left is not written over what the file has seen."""
    path = tmp_path / "anchor"
    running = AnchorFile(_store(tmp_path, "w", 3), path, CLOCK)
    running.keep()
    back = _store(tmp_path, "w", 2)
    running._store = back
    running.keep()
    assert _halted(back) == "restored"
    with back.read() as reader:
        night = reader.get(Chore, id_of("night", ""))
    assert night is not None
    assert night.due_at == NOW  # which has every till swept
    assert ledger_check.read_anchor(path.read_text())[1] == 2
    running.keep()  # noticed once
    assert ledger_check.read_anchor(path.read_text())[1] == 2


def test_the_file_of_another_workspace_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "anchor"
    AnchorFile(_store(tmp_path, "one", 3), path, CLOCK).keep()
    kept = path.read_text()
    other = AnchorFile(_store(tmp_path, "other", 5), path, CLOCK)
    with pytest.raises(BadAnchor, match="of workspace one"):
        other.check()
    with pytest.raises(BadAnchor):
        other.keep()
    assert path.read_text() == kept


def test_it_follows_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "anchor"
    store = _store(tmp_path, "w", 1)
    keeper = AnchorFile(store, path, CLOCK)
    assert not keeper.check()  # there is no file yet
    keeper.keep()
    with store.write() as tx:
        more = booking.settlement("p", "c", "till", "refund", "owed", "late", Money(5, "EUR"))
        ledger.post(tx, more, now=NOW)
    keeper.keep()
    with store.read() as reader:
        assert ledger_check.verify(reader, path.read_text().strip()).ok
    assert ledger_check.read_anchor(path.read_text())[1] == 2
    assert _halted(store) is None


def test_what_was_sent_and_is_not_booked_yet_is_missed_too(tmp_path: Path) -> None:
    """A payment that the host finishes days later: the ledger is the same as in the backup."""
    path, store = tmp_path / "anchor", _store(tmp_path, "w", 1)
    with store.write() as tx:
        tx.add(sample(Attempt, "try_1", payout_id="pay_1", number=1))
    keeper = AnchorFile(store, path, CLOCK)
    keeper.keep()
    with store.write() as tx:
        tx.add(sample(Attempt, "try_2", payout_id="pay_2", number=1))
    keeper.keep()
    assert not keeper.check()
    with store.read() as reader:
        assert ledger_check.verify(reader, path.read_text().strip()).ok
    back = _store(tmp_path, "w", 1)
    with back.write() as tx:
        tx.add(sample(Attempt, "try_1", payout_id="pay_1", number=1))
    assert AnchorFile(back, path, CLOCK).check()
    assert _halted(back) == "restored"
    assert not AnchorFile(back, path, CLOCK).check()  # noticed once
