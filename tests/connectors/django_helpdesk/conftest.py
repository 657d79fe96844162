"""The real django-helpdesk, with the connector connected to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.contract.bench import Bench, on_the_bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    with on_the_bench("django_helpdesk") as bench:
        yield bench
