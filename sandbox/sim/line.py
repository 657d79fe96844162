"""The line between us and one host: what a call meets on its way there and back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import NoReturn, Protocol, TypeVar

from core.ports import HostUnavailable, HostUnclear
from sandbox.sim.clock import Time
from sandbox.sim.weather import Weather

T = TypeVar("T")

#: The longest one call may take, in seconds; what the sim's connectors state.
WITHIN = 15.0
_READ_FAULTS = ("unreachable", "throttle", "error_before", "unclear")
_WRITE_FAULTS = (
    "unreachable", "throttle", "drop_before", "error_before", "drop_after", "error_after", "slow",
    "unclear",
)  # fmt: skip


class Unreached(Exception):
    """Surely not at the host."""

    def __init__(self, why: str, retry_after: timedelta | None = None) -> None:
        super().__init__(why)
        self.why, self.retry_after = why, retry_after


class Lost(Exception):
    """The host may have acted."""


class Turn(Protocol):
    """What a call needs of whoever steers the run."""

    def point(self) -> None:
        """Another runner may come between here."""
        ...

    def at(self, true: float, happens: Callable[[], object]) -> None:
        """Something happens at a host at that true second, whoever is running."""
        ...


class Line:
    def __init__(self, time: Time, weather: Weather, turn: Turn) -> None:
        self.time, self.weather, self.turn = time, weather, turn

    def read(self) -> None:
        """Once around every read. Raises `HostUnavailable` or `HostUnclear`."""
        self.turn.point()
        self.time.advance(self._latency())
        kind = self.weather.one_of(_READ_FAULTS)
        if kind is None:
            return
        if kind == "throttle":
            raise HostUnavailable("asked to wait", retry_after=self._wait())
        if kind == "unclear":
            raise HostUnclear("the answer cannot be read")
        raise HostUnavailable("no answer")

    def write(self, act: Callable[[], T], started: float) -> T:
        """Let the host act; `started` is when the whole call began, which ends `WITHIN` later.
        Raises `Unreached` or `Lost`, or whatever the host answers by raising."""
        if self.weather.strikes("clock_jump"):  # in mid-call, when others think it must have ended
            self.time.jump(self.weather.chance.choice((-30.0, 40.0, 200.0, 3_600.0)))
        self.turn.point()
        self.time.advance(self._latency())
        left = self._left(started)
        if left <= 0:
            raise Unreached("the time for this call is over")
        kind = self.weather.one_of(_WRITE_FAULTS)
        if kind == "unreachable":
            raise Unreached("no connection")
        if kind == "throttle":
            raise Unreached("asked to wait", self._wait())
        if kind in ("drop_before", "error_before"):
            self.time.advance(left if kind == "drop_before" else 0.0)
            raise Lost(kind)
        if kind == "slow":
            self._slow(act, left)
        done = act()
        self.turn.point()
        if kind is not None:
            raise Lost(kind)
        return done

    def _left(self, started: float) -> float:
        """Seconds until the call that began then must have ended."""
        return started + WITHIN - self.time.true

    def _slow(self, act: Callable[[], object], left: float) -> NoReturn:
        """The host acts within the call's time, while we wait for it, or have been cut off, or are
        dead by then."""

        def late() -> None:
            with suppress(Exception):  # a no that nobody hears
                act()

        chance = self.weather.chance
        self.turn.at(self.time.true + left * chance.random(), late)
        self.turn.point()
        if chance.random() < 0.5:
            self.time.advance(left)
        raise Lost("the host did not answer")

    def _latency(self) -> float:
        return 0.02 + 0.3 * self.weather.chance.random() ** 3

    def _wait(self) -> timedelta:
        return timedelta(seconds=self.weather.chance.choice((1, 30, 600)))
