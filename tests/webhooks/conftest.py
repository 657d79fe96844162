from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores import open_store
from tests.webhooks.rig import Rig, rigged


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """Amends on SQLite against the sandbox hosts."""
    store = open_store("sqlite", tmp_path)
    try:
        with rigged(store) as made:
            yield made
    finally:
        store.close()
