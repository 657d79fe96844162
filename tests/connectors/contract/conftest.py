"""The fixture every part of the suite uses: `bench`, parameterised by connector name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.contract.bench import Bench, on_the_bench


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with on_the_bench(request.param) as bench:
        yield bench
