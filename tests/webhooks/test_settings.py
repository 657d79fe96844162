"""Settings that would make a promise empty are refused at the start."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from webhooks.cli import main
from webhooks.settings import Settings, Unworkable


def test_a_lease_holds_the_calls_that_a_payout_needs() -> None:
    assert Settings(lease_seconds=47, call_seconds=15).lease_seconds == 47
    with pytest.raises(Unworkable, match=r"AMENDS_LEASE_SECONDS is 46.*make it 47"):
        Settings(lease_seconds=46, call_seconds=15)


def test_a_command_says_so_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENDS_CALL_SECONDS", "120")
    told = CliRunner().invoke(main, ["keys", "new"])
    assert told.exit_code == 2
    assert told.output.startswith("amends: AMENDS_LEASE_SECONDS is 90")
