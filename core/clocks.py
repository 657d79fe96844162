"""What the clocks of a machine said, kept so that a process that starts there knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from core.record import Record, Table

#: How far a clock on the wall may be from where it should be without anybody having to notice.
TOLERANCE = timedelta(seconds=1)
#: What that makes of two clocks at the most. Whoever waits for the end of somebody else's call by
#: the clock on the wall waits so much longer.
APART = 2 * TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineClock(Record):
    """One machine since it was last started; `id` is the name of that start.

    ahead_us: its clock on the wall less its steady one. held_until_us: on the steady one; before
    that no process there may claim anything.
    """

    TABLE: ClassVar[Table] = Table(name="machine_clocks")

    ahead_us: int
    held_until_us: int
    expires_at: datetime
