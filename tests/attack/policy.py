"""A policy, facts for it, and how long a thing takes: for the rows about policies and money."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from core.policy import PolicyError, load

HEAD = (
    "policy: p\nbasis: goodwill\ncurrency: EUR\nfacts:\n"
    "  {price: money, days: days, vip: yes/no, n: number, tier: [new, vip], word: word,"
    " day: date, left: money or null, l: {list: number}}\n"
)
FACTS: dict[str, Any] = {
    "price": "50.00", "days": 3, "vip": True, "n": "2", "tier": "vip", "word": "a",
    "day": "2026-03-01", "left": "9.00", "l": [1, "2.5"],
}  # fmt: skip


def milliseconds(run: Callable[[], object]) -> float:
    """The processor's time for the best of three."""
    times = []
    for _ in range(3):
        start = time.thread_time()
        run()
        times.append((time.thread_time() - start) * 1000)
    return min(times)


def refused(text: str, within_ms: float = 50) -> PolicyError:
    """The refusal, which has a place in the text and comes quickly."""
    found: list[PolicyError] = []

    def run() -> None:
        with pytest.raises(PolicyError) as caught:
            load(text)
        found.append(caught.value)

    assert milliseconds(run) < within_ms
    assert found[0].line >= 1
    assert found[0].column >= 1
    return found[0]


def giving(amount: str, **steps: str) -> str:
    lines = "".join(f"    {name}: {text}\n" for name, text in steps.items())
    return f"{HEAD}give:\n  - cash: {amount}\n{lines}"
