"""Notices that the clock on the wall was set ahead."""

from __future__ import annotations

import logging
from datetime import timedelta

from webhooks.engine.clock import Clock

log = logging.getLogger(__name__)

#: What the two clocks may part between two looks without anything having been set.
_DRIFT_SECONDS = 1.0


class Watch:
    """Leases and due times are kept by the clock on the wall. Where that was set ahead (by hand, by
    a time server, by a machine that slept), leases seem to have ended whose holders are in the
    middle of a call, and hosts seem to have had time to show what they did. For `hold` of real time
    after that nothing may be claimed or gone on with.

    A process that starts within that time does not know of it.
    """

    def __init__(self, clock: Clock, hold: timedelta) -> None:
        self._clock, self._hold = clock, hold.total_seconds()
        self._ahead = self._now_ahead()
        self._until = 0.0

    def holds(self) -> bool:
        ahead, steady = self._now_ahead(), self._clock.steady()
        if ahead > self._ahead + _DRIFT_SECONDS:
            log.warning("the clock was set ahead by %d s: pausing", ahead - self._ahead)
            self._until = steady + self._hold
        self._ahead = ahead
        return steady < self._until

    def _now_ahead(self) -> float:
        """Seconds the wall clock is before the steady one."""
        return self._clock.now().timestamp() - self._clock.steady()
