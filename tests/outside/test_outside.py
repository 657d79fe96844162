"""A connector from an outside package: found by its entry point, proved by the same suite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.outside.install import ROOT, installed, run

DOORBELL = ROOT / "tests/outside/doorbell"
SUITE = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/connectors/contract"]


@pytest.fixture
def path(tmp_path: Path) -> list[str]:
    return installed(DOORBELL, tmp_path / "site")


def test_it_is_listed_among_the_connectors(path: list[str]) -> None:
    done = run(["-m", "webhooks", "connector", "list", "--json"], path)
    assert done.returncode == 0, done.stderr
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert found["doorbell"]["hears"] == ["TicketStatusChanged"]
    assert "zendesk" in found
    without = run(["-m", "webhooks", "connector", "list", "--json"], [])
    assert "doorbell" not in without.stdout


@pytest.mark.slow
def test_the_suite_proves_it_where_it_lies(path: list[str]) -> None:
    done = run(SUITE, path, AMENDS_CONTRACT_FOR="doorbell")
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    assert "failed" not in done.stdout


@pytest.mark.slow
def test_the_suite_sees_what_an_outside_connector_gets_wrong(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    package = broken / "amends_doorbell"
    package.mkdir(parents=True)
    for file in DOORBELL.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            place = broken / file.relative_to(DOORBELL)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    source = package / "__init__.py"
    text = source.read_text("utf-8")
    check = next(line for line in text.splitlines() if "signing.check_hex" in line)
    source.write_text(text.replace(check, "        assert given"), "utf-8")
    done = run(SUITE, installed(broken, tmp_path / "site"), AMENDS_CONTRACT_FOR="doorbell")
    assert done.returncode == 1, done.stdout
    assert "test_intake.py" in done.stdout
