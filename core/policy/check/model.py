"""What a check finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from core.policy.errors import Pos

#: `error`: it cannot be published. `warning`: look at it. `note`: what could not be checked.
Severity = Literal["error", "warning", "note"]

SEVERITY: dict[str, Severity] = {
    "unreachable": "error",
    "cap_below_floor": "error",
    "amount_missing": "error",
    "no_currency": "error",
    "expired": "error",
    "gap": "warning",
    "overlap": "warning",
    "not_monotone": "warning",
    "over_100_percent": "warning",
    "over_150_percent": "warning",
    "never_asks": "warning",
    "unused": "warning",
    "look_alike": "warning",
    "not_analysed": "note",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. `line` and `column` count from 1.

    example: facts that show it (of a gap: they are answered with nothing; of an overlap: they fit
    both rows). rows: the lines of the rows it is about.
    """

    kind: str
    severity: Severity
    message: str
    line: int
    column: int
    suggestion: str
    example: Mapping[str, Any] | None = field(default=None, compare=False)
    rows: tuple[int, ...] = ()

    def to_data(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "kind": self.kind, "severity": self.severity, "message": self.message,
            "line": self.line, "column": self.column, "suggestion": self.suggestion,
        }  # fmt: skip
        if self.example is not None:
            data["example"] = dict(self.example)
        if self.rows:
            data["rows"] = list(self.rows)
        return data

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.severity}: {self.message}"


def found(
    kind: str, at: Pos, message: str, suggestion: str, *, severity: Severity | None = None,
    example: Mapping[str, Any] | None = None, rows: tuple[int, ...] = (),
) -> Finding:  # fmt: skip
    """A finding of one of the kinds of `SEVERITY`, of the severity it usually has."""
    level = severity or SEVERITY[kind]
    return Finding(kind, level, message, at.line, at.column, suggestion, example, rows)
