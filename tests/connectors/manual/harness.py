"""There is no host: what the suite asks of every connector, and nothing of a till's calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.faults import Kind, When
from tests.connectors.contract.harness import What


class Harness:
    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def close(self) -> None:
        """Nothing was started."""

    def settings(self) -> dict[str, str]:
        return {}

    def requests(self) -> int:
        return 0

    def fault(self, what: What, kind: Kind, when: When, **details: Any) -> None:
        raise AssertionError("there is no host that could fail")
