"""Now, and new ids: handed in, because core has no clock and no chance of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from core.case import CaseStep
from core.ids import new_id
from core.record import Doc
from core.store import Tx


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant a step happens at (aware, UTC) and the maker of ids in it."""

    now: datetime
    make_id: Callable[[str, int], str] = new_id

    def new(self, prefix: str) -> str:
        return self.make_id(prefix, int(self.now.timestamp() * 1000))

    def log(self, tx: Tx, case_id: str, what: str, data: Doc | None = None) -> None:
        """Add a line to the case's story."""
        tx.add(
            CaseStep(id=self.new("step"), case_id=case_id, at=self.now, what=what, data=data or {})
        )
