"""Versions of the limits. The newest holds from the moment it is stored.

Whoever reserves or releases money reads it in the same transaction. Older versions stay, so that
every reservation can name the one it was made under.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import ClassVar

from core.errors import AmendsError
from core.limits import Limits
from core.limits_file import read_limits
from core.moment import Moment
from core.record import Record, Table
from core.store import AlreadyExists, Reader, Tx


class LimitsChanged(AmendsError):
    """Somebody else set limits at the same moment. Nothing was set; look and set again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSet(Record):
    """One version, as it was written. `number` counts from 1 and is in the id, in order."""

    TABLE: ClassVar[Table] = Table(name="limit_sets", unique=(("number",),))

    number: int
    text: str
    set_at: datetime
    set_by: str | None


def newest(reader: Reader) -> LimitSet | None:
    found = reader.find(LimitSet, newest_first=True, limit=1)
    return found[0] if found else None


def in_force(reader: Reader) -> tuple[LimitSet, Limits] | None:
    """The limits that hold now. None: there are none; then only policies say when to ask."""
    found = newest(reader)
    return (found, _read(found.text)) if found else None


def as_of(reader: Reader, number: int | None) -> Limits | None:
    """The limits of that version; None where there were none."""
    found = reader.get(LimitSet, _id(number)) if number is not None else None
    return _read(found.text) if found else None


def store(tx: Tx, text: str, *, by: str | None, moment: Moment) -> LimitSet:
    """Put a document in force, at once. Raises `core.limits_file.LimitsError` for one that cannot
    be used, `LimitsChanged`."""
    _read(text)
    before = newest(tx)
    number = before.number + 1 if before else 1
    made = LimitSet(id=_id(number), number=number, text=text, set_at=moment.now, set_by=by)
    try:
        tx.add(made)
    except AlreadyExists:
        raise LimitsChanged("limits were set by somebody else just now; look, then set") from None
    return made


def _id(number: int) -> str:
    return f"limits_{number:012d}"


@lru_cache(maxsize=64)
def _read(text: str) -> Limits:
    return read_limits(text)
