"""The second hundred of the simulator's runs."""

from __future__ import annotations

import pytest

from tests.sim.many import BLOCK, check


@pytest.mark.slow
@pytest.mark.parametrize("first", range(101, 201, BLOCK))
def test_no_run_breaks_a_promise(first: int) -> None:
    check(range(first, first + BLOCK))
