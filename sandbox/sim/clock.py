"""Virtual time: it passes only when something takes time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Time:
    """`true` seconds since the start never jump; the clock on the wall is `ahead` and may."""

    def __init__(self) -> None:
        self.true = 0.0
        self.ahead = 0.0
        self._shown = (0.0, START)

    def advance(self, seconds: float) -> None:
        self.true += seconds

    def until(self, true: float) -> None:
        if true > self.true:
            self.true = true

    def jump(self, seconds: float) -> None:
        """The wall clock is set forward or back; no time passes."""
        self.ahead += seconds

    def now(self) -> datetime:
        at = self.true + self.ahead
        if at != self._shown[0]:
            self._shown = (at, START + timedelta(seconds=at))
        return self._shown[1]

    def steady(self) -> float:
        return self.true

    def true_of(self, wall: datetime) -> float:
        """When the wall clock will show that, if it does not jump again."""
        return (wall - START).total_seconds() - self.ahead
