"""Random facts for the policies of `generate`."""

from __future__ import annotations

from random import Random
from typing import Any

DATES = ["2026-01-31", "2026-02-28", "2026-03-01", "2026-03-19", "2026-03-20", "2026-12-31"]


def draw_facts(rng: Random) -> dict[str, Any]:
    """Facts on, just under and just over the ends of `Writer.band`; some missing, null or unfit."""
    code = rng.choice(["EUR", "EUR", "JPY", "KWD", "CHF"])

    def money() -> Any:
        text = rng.choice(["0", "1", "4", "9", "10", "25", "37", "1000"])
        return rng.choice(
            [text, {"amount": text, "currency": code}, {"amount": text, "currency": code}]
        )

    def item() -> Any:
        values: dict[str, Any] = {
            "price": money(), "count": rng.randint(0, 3), "broken": rng.random() < 0.5,
            "kind": rng.choice(["glass", "book"]), "on": rng.choice([None, *DATES]),
        }  # fmt: skip
        if rng.random() < 0.05:
            del values[rng.choice(sorted(values))]
        return values if rng.random() < 0.7 or len(values) < 5 else list(values.values())

    facts: dict[str, Any] = {
        "tier": rng.choice(["new", "regular", "vip"]), "grade": rng.randint(1, 3),
        "late": rng.choice([-1, 0, 1, 2, 3, 4, 6, 7, 8]), "span": rng.choice(["0", "2.25", "24"]),
        "mins": rng.choice([None, 59, 60, 61, 119, 120, 121]), "total": money(), "left": money(),
        "loss": rng.choice(["10.00", "0.01"]), "rate": rng.choice(["1.3", "0.000001", "0"]),
        "pct": rng.choice(["9.999999", "10", "10.000001", "12.499999", "12.5", "12.500001"]),
        "n": rng.choice([0, 1, 2, 3, 4]),
        "far": rng.choice(["1.499", "1.5", "1.501", "3", "3.001"]),
        "bought": rng.choice([*DATES, "2026-02-27", "2026-03-21"]), "paid": rng.choice(DATES),
        "seen": rng.choice(["2026-02-28T23:59:59Z", "2026-03-01T01:30:00.5+02:00"]),
        "vip": rng.random() < 0.5, "told": rng.choice([None, True, False]),
        "code": rng.choice([None, "flood", "fire"]), "off": rng.sample(DATES, rng.randint(0, 2)),
        "scores": [rng.choice(["5", "99.5", 10]) for _ in range(rng.randint(0, 3))],
        "items": [item() for _ in range(rng.randint(0, 3))], "history": {"sum": money()},
    }  # fmt: skip
    for name in list(facts):
        chance = rng.random()
        if chance < 0.03:
            del facts[name]
        elif chance < 0.045:
            facts[name] = rng.choice([None, "", "NaN", "1e9", [], {}, True, -1, 10**30, "x" * 99])
    return facts
