"""Virtual time: it passes only when something takes time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Time:
    """`true` seconds since the start never jump; the clock on the wall may."""

    def __init__(self) -> None:
        self.true = 0.0
        self._offset = 0.0
        self._shown = START

    def advance(self, seconds: float) -> None:
        self.true += seconds
        self._show()

    def until(self, true: float) -> None:
        if true > self.true:
            self.true = true
            self._show()

    def jump(self, seconds: float) -> None:
        """The wall clock is set forward or back; no time passes."""
        self._offset += seconds
        self._show()

    def now(self) -> datetime:
        return self._shown

    def steady(self) -> float:
        return self.true

    def true_of(self, wall: datetime) -> float:
        """When the wall clock will show that, if it does not jump again."""
        return (wall - START).total_seconds() - self._offset

    def _show(self) -> None:
        self._shown = START + timedelta(seconds=self.true + self._offset)
