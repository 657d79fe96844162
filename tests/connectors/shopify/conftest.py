"""The lying shop, ready for use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.shopify.lying import (
    Shop,
    order,
    sale,
)


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    shop.books = {"order": order(sale("9", "50.0"))}
    yield shop
    shop.close()
