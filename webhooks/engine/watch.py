"""Notices that a clock on the wall is not what others take it for."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import NamedTuple

from core.clocks import TOLERANCE, MachineClock
from core.record import replace
from core.store import AlreadyExists, Store, Tx
from webhooks.engine.clock import Clock

log = logging.getLogger(__name__)

_TOLERANCE_US = TOLERANCE // timedelta(microseconds=1)
_LOOK_SECONDS = 60.0
_LOOKS, _AT_ONCE_SECONDS = 20, 0.05
#: What a machine's clocks said is kept for so long after the last look.
_KEPT = timedelta(days=30)


class _Look(NamedTuple):
    """Both clocks at one moment, in microseconds."""

    ahead_us: int
    steady_us: int


class Watch:
    """Leases and due times are kept by the clock on the wall. Where that was set ahead (by hand, by
    a time server, by a machine that slept), leases seem to have ended whose holders are in the
    middle of a call, and hosts seem to have had time to show what they did. For `hold` of real time
    after that nothing may be claimed or gone on with, by any process of the machine: what its
    clocks said is kept in the store. So is what they say from the start of a machine until it has
    been up for `hold`, because nobody saw what was done to its clock before.

    Nor may anything be claimed while the clock differs from the database's own, where that may be
    another machine's: other machines compare theirs with it as well.
    """

    def __init__(self, store: Store, clock: Clock, hold: timedelta) -> None:
        self._store, self._clock = store, clock
        self._hold_us = hold // timedelta(microseconds=1)
        self._one_at_a_time = threading.Lock()
        self._last: _Look | None = None
        self._until_us = 0
        self._differs = False
        self._next_us = 0

    def holds(self) -> bool:
        """Raises `StoreUnavailable` where it has to ask the store and cannot."""
        with self._one_at_a_time:
            look = self._look()
            if self._last is None or self._next_us <= look.steady_us or self._was_set(look):
                self._compare(look)
                self._differs = self._database_differs()
                pause = 1.0 if self._differs else _LOOK_SECONDS
                self._next_us = look.steady_us + int(pause * 1_000_000)
            self._last = look
            return self._differs or look.steady_us < self._until_us

    def _look(self) -> _Look:
        """A process that is kept waiting between its two clocks looks again."""
        for _ in range(_LOOKS):
            steady, wall = self._clock.steady(), self._clock.now().timestamp()
            if self._clock.steady() - steady < _AT_ONCE_SECONDS:
                break
        return _Look(int((wall - steady) * 1_000_000), int(steady * 1_000_000))

    def _was_set(self, look: _Look) -> bool:
        """Ahead or back."""
        assert self._last is not None
        return abs(look.ahead_us - self._last.ahead_us) > _TOLERANCE_US

    # ------------------------------------------------------------------- with what is kept

    def _compare(self, look: _Look) -> None:
        """With this process's last look, or else with what the machine's other processes kept."""
        with self._store.read() as reader:
            kept = reader.get(MachineClock, self._clock.boot)
            newcomer = kept is None and reader.count(MachineClock) > 0
        before = self._last.ahead_us if self._last else kept.ahead_us if kept else look.ahead_us
        until = kept.held_until_us if kept else self._hold_us if newcomer else 0
        if look.ahead_us > before + _TOLERANCE_US:
            log.warning("the clock was set ahead by %d s: pausing", (look.ahead_us - before) / 1e6)
            until = look.steady_us + self._hold_us
        until = max(until, self._until_us)
        if kept is None or self._is_news(kept, look, until):
            with self._store.write() as tx:
                self._keep(tx, look, until)
        self._until_us = until

    def _is_news(self, kept: MachineClock, look: _Look, until: int) -> bool:
        drifted = abs(look.ahead_us - kept.ahead_us) > _TOLERANCE_US // 2
        old = kept.expires_at - self._clock.now() < _KEPT / 2
        return drifted or old or until > kept.held_until_us

    def _keep(self, tx: Tx, look: _Look, until: int) -> None:
        row = MachineClock(
            id=self._clock.boot,
            ahead_us=look.ahead_us,
            held_until_us=until,
            expires_at=self._clock.now() + _KEPT,
        )
        kept = tx.lock(MachineClock, row.id)
        if kept is None:
            try:
                tx.add(row)
            except AlreadyExists:  # another process of this machine was faster
                kept = tx.lock(MachineClock, row.id)
        if kept is not None:
            tx.put(replace(row, held_until_us=max(until, kept.held_until_us)))

    def _database_differs(self) -> bool:
        by = apart(self._store, self._clock)
        differs = abs(by) > TOLERANCE
        if differs and not self._differs:
            log.error("%s: nothing is worked on here until both are right", told(by))
        return differs


def apart(store: Store, clock: Clock) -> timedelta:
    """How far this machine's clock is surely before the database's own (behind it: less than
    nothing), however long the question took. Raises `StoreUnavailable`."""
    asked = clock.now()
    theirs = store.clock()
    if theirs is None:
        return timedelta(0)
    return max(asked - theirs, timedelta(0)) + min(clock.now() - theirs, timedelta(0))


def told(by: timedelta) -> str:
    seconds = by.total_seconds()
    where = "before" if seconds > 0 else "behind"
    return f"this machine's clock is {abs(seconds):.1f} s {where} the database's"
