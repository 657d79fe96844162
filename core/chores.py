"""Chores: what the runner does by itself when its hour comes, such as comparing books with hosts.

One row a chore, claimed under a lease like a case. Whoever does it says when it is due again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import ClassVar, cast
from zoneinfo import ZoneInfo

from core.people import Workspace
from core.record import Doc, Record, Table, replace
from core.store import Reader, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore(Record):
    """`id` is kind and `about`. `done_at` is the beginning of the last time it was done whole;
    `result` is what came of the last try."""

    TABLE: ClassVar[Table] = Table(name="chores", unique=(("kind", "about"),), leased=True)

    kind: str
    about: str
    due_at: datetime | None
    tries: int = 0
    done_at: datetime | None = None
    result: Doc | None = None

    @property
    def said(self) -> Mapping[str, object]:
        return cast("Mapping[str, object]", self.result or {})


def id_of(kind: str, about: str) -> str:
    return f"{kind}|{about}"


def known(tx: Tx, kind: str, about: str) -> Chore:
    """The chore's row, made on first use."""
    row = tx.lock(Chore, id_of(kind, about))
    if row is None:
        row = Chore(id=id_of(kind, about), kind=kind, about=about, due_at=None)
        tx.add(row)
    return row


def plan(tx: Tx, kind: str, about: str, at: datetime) -> Chore:
    """Have a chore done by `at` at the latest; once more, where somebody is at it."""
    row = known(tx, kind, about)
    if row.due_at is None or row.due_at > at:
        row = replace(row, due_at=at)
        tx.put(row)
    else:
        tx.wake(Chore, row.id, at)
    return row


def next_night(reader: Reader, now: datetime, hour: int) -> datetime:
    """The next time it is `hour` o'clock (0 to 23) where the workspace is."""
    workspace = reader.get(Workspace, "workspace")
    zone = ZoneInfo(workspace.zone if workspace else "UTC")
    today = now.astimezone(zone).date()
    for day in (today, today + timedelta(days=1)):
        at = datetime.combine(day, time(hour), zone).astimezone(now.tzinfo)
        if at > now:
            return at
    raise AssertionError("a day has every hour, or the one after it")
