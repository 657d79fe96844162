"""A sample of the points of a case, each with a process that dies there; `amends crashpoints --all`
tries every one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stores import SQL_KINDS, new_postgres, new_url
from webhooks.proof import crashpoints

SAMPLE = 5


@pytest.mark.slow
@pytest.mark.parametrize("kind", SQL_KINDS)
def test_a_case_is_finished_wherever_its_process_died(kind: str, tmp_path: Path) -> None:
    url = new_postgres() if kind == "postgresql" else new_url(kind, tmp_path)
    said: list[str] = []
    report = crashpoints.run(tmp_path, url, SAMPLE, 1, said.append)
    assert report["problems"] == [], said
    assert report["tried"] == SAMPLE
    assert int(str(report["killed"])) >= SAMPLE - 1  # the last points may have nothing to do
    assert int(str(report["points"])) > 100
