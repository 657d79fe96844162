"""Random policies that can be written as a query, and random tickets as files."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random
from typing import Any

from tests.core.policy.generate import Writer, draw_facts

LISTS = ("off", "scores", "items")


class PlainWriter(Writer):
    """Writes policies without lists, calendars and rows that are joined."""

    def fold(self, kind: str) -> str:
        return {"count": "n", "any": "vip"}.get(kind, "total")

    def number(self, depth: int = 0) -> str:
        return self._without("working_days", super().number, depth)

    def percent(self, depth: int = 0) -> str:
        return self._without("scores", super().percent, depth)

    def rule(self, combine: str) -> str:
        while True:
            text = super().rule(combine)
            if "for_each" not in text and "working days" not in text:
                return text

    def policy(self) -> str:
        self.table = False
        text = super().policy()
        for way in ("best", "sum", "choice"):
            text = text.replace(f"combine: {way}\n", "combine: first\n")
        return text.replace("  history.sum: {type: money, default: 0}\n",
                            "  past.sum: {type: money, default: 0}\n").replace(
                                "history.sum", "past.sum")  # fmt: skip

    def _without(self, word: str, draw: Any, depth: int) -> str:
        while True:
            text: str = draw(depth)
            if word not in text:
                return text


def cell(value: Any) -> str:
    """A fact as a cell; what no cell can hold becomes a text that fits nothing."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "yes" if value else "false"
    if isinstance(value, dict):
        return str(value.get("amount", "?"))
    return str(value) if isinstance(value, str | int) else "?"


def draw_tickets(rng: Random, path: Path, count: int) -> None:
    """A file of tickets, each in a month of its own, so that sums are sums of one."""
    names = [name for name in draw_facts(Random(1)) if name not in (*LISTS, "history")]
    names = sorted({*names, "tier", "total", "left", "late"})
    left_out = rng.choice(names) if rng.random() < 0.3 else ""
    columns = ["ticket", "date", "currency", "paid_amount", "past.sum"]
    columns += [name for name in names if name != left_out]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for number in range(count):
            facts = draw_facts(rng)
            past = facts.get("history")
            row = {
                "ticket": f"T{number}", "date": f"{1000 + number}-01",
                "currency": rng.choice(["EUR", "EUR", "JPY", "KWD", "CHF", ""]),
                "paid_amount": rng.choice(["", "0", "4", "25.00", "7.250", "much"]),
                "past.sum": cell(past["sum"]) if isinstance(past, dict) and "sum" in past else "",
            }  # fmt: skip
            row |= {name: cell(facts[name]) for name in names if name in facts}
            writer.writerow([row.get(column, "") for column in columns])
