"""What a simulated run answers, and what makes it the same every time."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outcome:
    """`digest` is the head of the ledger's chain: equal for equal runs."""

    seed: int
    cases: int
    payouts: int
    faults: Counter[str]
    violations: list[str]
    digest: str
    seconds: float
    states: Counter[str] = field(default_factory=Counter)


class Ids:
    """Ids in order and never twice, the same in every run."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self, prefix: str, now_ms: int) -> str:
        self._last += 1
        return f"{prefix}_{self._last:032x}"


@contextmanager
def quiet() -> Iterator[None]:
    """Without the engine's log lines: they are about faults that were asked for."""
    engine = logging.getLogger("webhooks.engine")
    level = engine.level
    engine.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        engine.setLevel(level)
