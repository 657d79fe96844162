"""The power goes after any frame of SQLite's log: a sample; `amends torn --all` cuts after each."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from webhooks.proof import torn

SAMPLE = 150


@pytest.mark.slow
def test_what_was_promised_is_there_wherever_the_log_ends(tmp_path: Path) -> None:
    report = torn.run(tmp_path, SAMPLE, cases=5, seed=3, say=print)
    assert report["problems"] == []
    assert report["tried"] == SAMPLE
    for what in ("commits", "deliveries", "entries", "moved"):
        assert int(str(report[what])) > 1, what


@pytest.mark.slow
def test_a_promise_that_is_not_on_disk_is_noticed(tmp_path: Path) -> None:
    whole, said = torn._written(tmp_path, 3, 1)
    log = torn._log(whole).read_bytes()
    size = torn._frame_size(log)
    cut = tmp_path / "cut.db"

    def problems(said: torn.Said, frame: int) -> str:
        for left in tmp_path.glob("cut.db*"):
            left.unlink()
        shutil.copyfile(whole, cut)
        torn._log(cut).write_bytes(log[: torn._HEADER + frame * size])
        return "; ".join(torn.wrong(cut, said, frame))

    by, id = said.deliveries[-1]
    assert problems(said, by) == ""
    early = replace(said, deliveries=[(by - 1, id)])
    assert f"delivery {id} was acknowledged" in problems(early, by - 1)

    posted = next(n for n, count in enumerate(said.entries) if count)
    early = replace(said, frames=[frame - 1 for frame in said.frames])
    assert "the ledger" in problems(early, said.frames[posted] - 1)

    unknown = replace(said, moved=[*said.moved, (0.0, "pay_of_nobody")])
    assert "pay_of_nobody" in problems(unknown, said.frames[-1])

    assert problems(said, 0) == ""  # nothing was promised by then
