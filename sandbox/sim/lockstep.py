"""Several virtual runners, of which exactly one moves at any moment.

Each has a stack of its own and stands still until it is given the turn, so every interleaving is
one the seed chose and can be had again. Whoever has the turn passes it on at a `point`: before and
after a call to a host, before and after a commit. At a point a runner may also die, or stand still
while others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from greenlet import greenlet

from sandbox.sim.clock import Time
from sandbox.sim.weather import Weather

_SWITCH = 0.12
_STANDSTILLS = (20.0, 70.0, 140.0, 400.0, 3_600.0, 26 * 3_600.0)
#: Seconds after which a runner looks again for work that was due and could not be taken, as while
#: it waits out a clock that was set: twice as long each time.
_PAUSE, _PAUSE_MOST = 1.0, 8.0


class Crash(BaseException):
    """The process is dead: nothing of ours runs any more, no handler, no clean-up that counts."""


class Over(BaseException):
    """The run has ended."""


class World(Protocol):
    """What happens by itself."""

    def next_at(self) -> float | None:
        """The true second of the next thing that happens by itself, None for nothing."""
        ...

    def next_due(self) -> float | None:
        """The true second at which the next work of a runner falls due, None for nothing."""
        ...

    def happen(self) -> bool:
        """Let everything happen whose time has come. False: the run is over."""
        ...


class Lockstep:
    def __init__(
        self, time: Time, weather: Weather, world: World, *, lease: float, last: float
    ) -> None:
        self._time, self._weather, self._world, self._lease = time, weather, world, lease
        self._chance = weather.chance
        self._last = last  # nobody stands still for longer than this true second
        self._runners: list[greenlet] = []
        self._idle: list[bool] = []
        self._frozen: list[float] = []  # until when; 0 for nobody
        self._me = 0
        self._pause = _PAUSE
        self._ahead = time.ahead

    def run(self, bodies: Sequence[Callable[[], None]]) -> None:
        """Until the world says that it is over. Raises what a body raised."""
        count = len(bodies)
        self._runners = [greenlet(body) for body in bodies]
        self._idle, self._frozen = [False] * count, [0.0] * count
        try:
            with suppress(Over):
                self._runners[0].switch()
        finally:
            for runner in self._runners:
                runner.throw()  # whoever stands at a point goes no further

    # ------------------------------------------------------------- called by who has the turn

    def point(self) -> None:
        """Something may come between here: another runner's work, a death, a standstill."""
        weather, world = self._weather, self._world
        at = world.next_at()
        if at is not None and at <= self._time.true:
            self._happen()
        kind = weather.one_of(("crash", "zombie"))
        if kind == "crash":
            raise Crash
        if kind == "zombie":
            self.stand_still(self._standstill())
        elif len(self._runners) > 1 and self._chance.random() < _SWITCH:
            self._pass_on()

    def _standstill(self) -> float:
        """For how long: often until its lease ends, which is when somebody else takes over."""
        if self._chance.random() < 0.4:
            return self._lease + self._chance.uniform(-1.5, 1.5)
        return self._chance.choice(_STANDSTILLS) * self._chance.uniform(0.5, 1.2)

    def stand_still(self, seconds: float) -> None:
        """Others go on; this runner not before then."""
        until = min(self._time.true + seconds, self._last)
        if until > self._time.true:
            self._frozen[self._me] = until
            self._pass_on()

    def rest(self) -> None:
        """This runner has found nothing to do."""
        self._idle[self._me] = True
        self._pass_on()

    def taken(self) -> None:
        """This runner has taken some work: another looks where there is more."""
        if self._is_due():
            self._wake_one()

    # ------------------------------------------------------------------------------- innards

    def _wake_one(self) -> None:
        resting = [number for number, idle in enumerate(self._idle) if idle]
        if resting:
            self._idle[self._chance.choice(resting)] = False

    def _pass_on(self) -> None:
        to = self._next()
        if to == self._me:
            return
        self._me = to
        self._runners[to].switch()

    def _next(self) -> int:
        """Who moves next. Time passes where nobody can."""
        while True:
            now = self._time.true
            able = []
            for number, until in enumerate(self._frozen):
                if until and until <= now:
                    self._frozen[number] = until = 0.0
                if not until and not self._idle[number]:
                    able.append(number)
            if able:
                return able[0] if len(able) == 1 else self._chance.choice(able)
            self._wait()

    def _wait(self) -> None:
        """Nobody can move: on to the next thing that happens, or falls due, or thaws."""
        now = self._time.true
        times = [until for until in self._frozen if until]
        due = self._world.next_due() if len(times) < len(self._frozen) else None
        if due is None or due > now:
            self._pause = _PAUSE
        else:
            due, self._pause = now + self._pause, min(2 * self._pause, _PAUSE_MOST)
        times += [at for at in (self._world.next_at(), due) if at is not None]
        self._time.until(min(times))
        self._happen()

    def _happen(self) -> None:
        """What comes by itself. One of those at rest looks where there is work now; all of them
        where the clock on the wall was set."""
        if not self._world.happen():
            raise Over
        if self._time.ahead != self._ahead:
            self._ahead, self._idle = self._time.ahead, [False] * len(self._idle)
        elif self._is_due():
            self._wake_one()

    def _is_due(self) -> bool:
        due = self._world.next_due()
        return due is not None and due <= self._time.true
