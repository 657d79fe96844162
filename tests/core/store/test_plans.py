"""No step of a case reads a whole table, however many rows there are: SQLite says how it would."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from core.ledger import Entry
from core.payout import Attempt
from core.store.database import Session
from core.store.sql import SqlStore
from tests.stores import new_url
from webhooks.proof.sim import ACTS_END, run

#: What an installation has a few of, whatever it has given.
FEW = {
    "alembic_version", "calendars", "chores", "connections", "limit_sets", "machine_clocks",
    "people", "policy_drafts", "policy_versions", "rates", "workspaces",
}  # fmt: skip
#: What the run says of itself at its end.
_ENDS = re.compile(r"FROM (cases|payouts)\s+WHERE \w+\.workspace_id = \?( ORDER BY cases\.id)?\s*$")
_TABLE = re.compile(r"\b(?:FROM|UPDATE|INTO)\s+(\w+)")


def _whole(plan: Sequence[str]) -> bool:
    """Whether a table or a workspace is walked through."""
    return any(
        re.match(r"SCAN (?!ready|CONSTANT)", line) or line.endswith("(workspace_id=?)")
        for line in plan
    )


@pytest.mark.slow
def test_no_step_of_a_case_reads_a_whole_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: dict[str, Sequence[object]] = {}
    perform = Session.run

    def noted(self: Session, sql: str, values: Sequence[object] = ()) -> object:
        said.setdefault(sql, tuple(values))
        return perform(self, sql, values)

    url = new_url("sqlite", tmp_path)
    store = SqlStore(url, "sim")
    with monkeypatch.context() as patched:
        # The oracle and the nightly sweep look at everything, and may.
        patched.setattr("webhooks.proof.oracle.violations", lambda _: [])
        patched.setattr("webhooks.proof.oracle.at_rest", lambda *_, **__: [])
        patched.setattr("webhooks.engine.housekeeping.Housekeeping.run_due", lambda _: 0)
        patched.setattr("webhooks.proof.sim.Simulation._people", lambda _: None)
        patched.setattr("webhooks.proof.sim.END", ACTS_END + 3_600.0)  # nothing new comes later
        patched.setattr(Session, "run", noted)
        run(store, 1, 2)
        with store.read() as reader:
            reader.find(Entry, payout_id="pay_1")
            reader.find(Attempt, payout_id="pay_1", newest_first=True, limit=1)
    store.close()
    assert len(said) > 50
    found = {}
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as raw:
        for sql, values in said.items():
            table = _TABLE.search(sql)
            if table is None or table[1] in FEW or _ENDS.search(sql):
                continue
            plan = [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            if _whole(plan):
                found[" ".join(sql.split())[-200:]] = plan
    assert found == {}


def test_balances_are_summed_from_an_index_alone(tmp_path: Path) -> None:
    url = new_url("sqlite", tmp_path)
    store = SqlStore(url, "w")
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as raw:
        for side in ("debit", "credit"):
            entries = store.plan(Entry)
            statement = entries.total("amount_minor", (side, "currency"), {})
            values = statement.fill(entries.matches({}))
            plan = raw.execute(f"EXPLAIN QUERY PLAN {statement.sql}", values).fetchall()
            assert [re.sub(r"INDEX \w+", "INDEX", row[3]) for row in plan] == [
                "SEARCH ledger_entries USING COVERING INDEX (workspace_id=?)"
            ]
    store.close()
