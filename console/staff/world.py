"""What the pages of staff need of the world around them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from core.people import Person
from core.store import Store


class StaffWorld(Protocol):
    @property
    def store(self) -> Store: ...

    def now(self) -> datetime: ...

    def notice(self) -> None:
        """There is work for a runner."""
        ...

    def pay_by_hand(self, task_id: str, person: Person, *, proof: str = "", why: str = "") -> None:
        """What a task asks a person to pay is paid (`proof`: what others find it by), or it is not
        (`why`). Raises an `AmendsError` that says what is wrong."""
        ...
