from __future__ import annotations

from tests.webhooks.conftest import rig

__all__ = ["rig"]
