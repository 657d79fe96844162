from collections.abc import Iterator

import pytest

from tests.sandbox.listener import Listener


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()
