"""The two clocks of a process, and what makes ids by them."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from core.ids import new_id
from core.moment import Moment


class OutOfTime(Exception):
    """Less than one full call is left of the lease: somebody else may take over any moment."""


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` for people and rows; `steady` seconds that never jump, for leases and deadlines;
    `make_id` as `core.ids.new_id`, which a run that must be repeatable replaces. `boot` names the
    start of the machine from which all its processes count steady seconds."""

    now: Callable[[], datetime]
    steady: Callable[[], float]
    make_id: Callable[[str, int], str] = new_id
    boot: str = "machine"

    def moment(self) -> Moment:
        return Moment(self.now(), self.make_id)

    def need(self, deadline: float, left: timedelta) -> None:
        """Raises `OutOfTime` unless so much is left until a steady second."""
        if self.steady() + left.total_seconds() > deadline:
            raise OutOfTime


def seconds_up() -> float:
    """Since the machine was started; those it slept through count as well, where the system tells
    of them: whoever is asleep while its lease ends has to find out when it wakes."""
    return time.clock_gettime(_STEADY) if _STEADY is not None else time.monotonic()


_STEADY: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def name_of_boot() -> str:
    """Linux tells it; elsewhere the machine's name has to do: to those who compare clocks, a new
    start of it then looks as if its clock had been set."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return platform.node() or "machine"
