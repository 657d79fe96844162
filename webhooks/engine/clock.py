"""The two clocks of a process, and what makes ids by them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from core.ids import new_id
from core.moment import Moment


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` for people and rows; `steady` seconds that never jump, for leases and deadlines;
    `make_id` as `core.ids.new_id`, which a run that must be repeatable replaces."""

    now: Callable[[], datetime]
    steady: Callable[[], float]
    make_id: Callable[[str, int], str] = new_id

    def moment(self) -> Moment:
        return Moment(self.now(), self.make_id)
