"""`amends sim` where its extra is not installed."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from webhooks.cli.sim import sim


def test_without_its_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("webhooks.proof.sim", "sandbox.sim.lockstep"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "greenlet", None)  # as where it is not installed
    done = CliRunner().invoke(sim, ["--cases", "1"])
    assert done.exit_code == 1
    assert "pip install 'amends[sim]'" in done.output
