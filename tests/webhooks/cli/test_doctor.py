"""`amends doctor` in an installation of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.store.sealing import new_key
from tests.stores import new_url, new_workspace
from webhooks import keys
from webhooks.app import SYSTEM_CLOCK, services
from webhooks.cli import doctor
from webhooks.settings import Settings

AGREE = "our clock and the database's agree"


@pytest.mark.parametrize(
    ("kind", "ahead", "ok"),
    [("sqlite", 3_600, True), ("postgresql", 0, True), ("postgresql", 7, False)],
)
def test_a_clock_that_differs_from_the_databases_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, ahead: int, ok: bool
) -> None:
    """On SQLite they are one and the same."""
    clock = replace(SYSTEM_CLOCK, now=lambda: datetime.now(UTC) + timedelta(seconds=ahead))
    monkeypatch.setattr(doctor, "services", lambda settings: services(settings, clock))
    settings = Settings(
        database_url=new_url(kind, tmp_path),
        workspace=new_workspace(),
        key_file=tmp_path / "amends.keys",
    )
    keys.write(settings.key_file, [new_key()])
    said = CliRunner().invoke(doctor.doctor, ["--json", "--offline"], obj=settings)
    (told,) = [check for check in json.loads(said.output) if check["what"] == AGREE]
    assert told["ok"] is ok
    assert ("before the database's" in told["todo"]) is not ok
