"""`amends policy replay` on a case that really went through."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.store.sealing import new_key
from tests.webhooks.conftest import rig
from tests.webhooks.rig import Rig
from webhooks.cli import main

__all__ = ["rig"]  # a fixture

LATE_PARCEL = 1


def replay(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case_id: str) -> Result:
    (database,) = tmp_path.glob("*.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AMENDS_DATABASE_URL", f"sqlite:///{database}")
    monkeypatch.setenv("AMENDS_KEYS", new_key())
    monkeypatch.setenv("AMENDS_WORKSPACE", rig.store.workspace_id)
    return CliRunner().invoke(main, ["policy", "replay", case_id, "--json"], catch_exceptions=False)


def test_a_case_replays_after_another_policy_came(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.solve(LATE_PARCEL)
    case = rig.case(LATE_PARCEL)
    rig.policy("{refund: 1% of order.total}")
    result = replay(rig, tmp_path, monkeypatch, case.id)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["same"] is True
    assert (found["policy"], found["policy_hash"]) == ("online-shop", case.policy_hash)
    assert json.loads(found["kept"]) == case.decision


def test_a_decision_that_was_altered_ends_with_1(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.solve(LATE_PARCEL)
    case = rig.case(LATE_PARCEL)
    assert isinstance(case.decision, dict)
    with rig.store.write() as tx:
        tx.put(replace(case, decision={**case.decision, "reason": "because"}))
    result = replay(rig, tmp_path, monkeypatch, case.id)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["same"] is False
