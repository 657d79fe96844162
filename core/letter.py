"""The message of a case where a person wrote it, or chose its tone, in place of ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from core.moment import Moment
from core.record import Record, Table
from core.store import Reader, Tx

LONGEST = 10_000
#: What stands for things that are known only when it is sent.
CODE, LINK = "{code}", "{link}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(Record):
    """`id` is the case's. An empty `text`: our words, in this `tone`. `{code}` and `{link}` stand
    for what is only known when it is sent. Personal data: erased with the customer."""

    TABLE: ClassVar[Table] = Table(name="letters")

    text: str
    tone: str | None
    written_by: str
    written_at: datetime


def keep(tx: Tx, case_id: str, text: str | None, tone: str | None, by: str, moment: Moment) -> None:
    """The one letter of a case, from now on; with neither text nor tone, ours."""
    there = tx.get(Letter, case_id)
    kept = Letter(id=case_id, text=text or "", tone=tone, written_by=by, written_at=moment.now)
    if there is not None:
        tx.put(kept)
    elif text or tone:
        tx.add(kept)


def letter_of(reader: Reader, case_id: str) -> Letter | None:
    found = reader.get(Letter, case_id)
    return found if found is not None and (found.text or found.tone) else None


def text_of(reader: Reader, case_id: str) -> str | None:
    """What a person wrote word for word; None where the words are ours."""
    found = reader.get(Letter, case_id)
    return found.text or None if found is not None else None


def erase(tx: Tx, case_id: str) -> None:
    found = tx.get(Letter, case_id)
    if found is not None and found.text:
        tx.put(replace(found, text=""))
