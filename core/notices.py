"""Notices: what people are to be told by mail, kept with the step that causes it.

Whoever sends mail works them off (`webhooks.mail`); where nobody does, they cost a row and hold
nothing up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.moment import Moment
from core.record import Record, Table
from core.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Record):
    """`kind`: task, approval or reminder; `about` is the id of the task or approval. `state`: new,
    sent, dropped (it was over before anybody could be told), failed."""

    TABLE: ClassVar[Table] = Table(name="notices", leased=True)

    kind: str
    about: str
    case_id: str | None
    made_at: datetime
    state: str
    due_at: datetime | None
    tries: int = 0
    why: str | None = None


def tell(tx: Tx, kind: str, about: str, case_id: str | None, moment: Moment) -> None:
    """Have people told of a task or an approval."""
    tx.add(
        Notice(
            id=moment.new("notice"),
            kind=kind,
            about=about,
            case_id=case_id,
            made_at=moment.now,
            state="new",
            due_at=moment.now,
        )
    )
