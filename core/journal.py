"""The journal: the ledger month by month, as finance books it.

A month is closed once it is over, oldest first, and does not change any more: what is posted later
is dated into the first month that is still open, whatever day it happened on. A closing keeps the
head of the ledger it was made at and the digest of the bytes it stands for.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from core.errors import AmendsError
from core.ledger import HEAD, Entry, Head, id_of
from core.moment import Moment
from core.money import Money
from core.people import Workspace
from core.record import Record, Table
from core.store import Reader, Tx

COLUMNS = (
    "date", "number", "debit", "credit", "amount", "currency", "kind", "basis", "cause", "case",
    "payout", "happened_on",
)  # fmt: skip
_PAGE = 5_000
#: Of a year that is typed wrong, the first month would be closed for ever.
_YEARS = (2000, 2999)
#: What a spreadsheet would take for a formula at the beginning of a cell.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class BadMonth(AmendsError):
    """No month, one that is not over, or one that cannot be closed (again)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing(Record):
    """A closed month: `id` is `2026-11`. `last_seq` is the ledger's head at the time; `open_from`
    the first entry that no closing had taken yet; `digest` is SHA-256 of the month's bytes."""

    TABLE: ClassVar[Table] = Table(name="closings", append_only=True)

    closed_at: datetime
    closed_by: str
    zone: str
    last_seq: int
    open_from: int
    entries: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """An entry and the day it is booked on."""

    entry: Entry
    on: date
    happened_on: date


def export(reader: Reader, month: str) -> bytes:
    """A month as CSV (RFC 4180, UTF-8), one posting a line. The same bytes for ever once closed.
    Raises `BadMonth`."""
    _read(month)
    return _csv(_booked(reader, month))


def close(tx: Tx, month: str, person_id: str, moment: Moment) -> Closing:
    """Close a month that is over, where every earlier one with entries is closed. Raises
    `BadMonth`."""
    first = _read(month)
    zone = _zone(tx)
    if moment.now.astimezone(zone).date() < _after(first):
        raise BadMonth(f"{month} is not over yet")
    tx.lock(Head, HEAD)  # nothing is posted while it is closed
    closings = tx.find(Closing)
    if closings and month <= closings[-1].id:
        raise BadMonth(f"{month} is closed; the first open month is {_next(closings[-1].id)}")
    earlier = _first_open(tx, closings, month)
    if earlier is not None:
        raise BadMonth(f"{earlier} has entries and is open; close it first")
    head = tx.get(Head, HEAD)
    last = head.seq if head else 0
    found = list(_booked(tx, month))
    taken = {booked.entry.seq for booked in found}
    start = closings[-1].open_from if closings else 1
    open_from = next(
        (
            e.seq
            for e in _entries(tx, start, last)
            if e.seq not in taken and not _closed(e, closings)
        ),
        last + 1,
    )
    closing = Closing(
        id=month,
        closed_at=moment.now,
        closed_by=person_id,
        zone=str(zone),
        last_seq=last,
        open_from=open_from,
        entries=len(found),
        digest=hashlib.sha256(_csv(iter(found))).hexdigest(),
    )
    tx.add(closing)
    return closing


def changed(reader: Reader) -> list[str]:
    """Closed months whose bytes are not those they were closed with: none, unless the ledger
    itself was changed."""
    return [
        row.id
        for row in reader.find(Closing)
        if hashlib.sha256(export(reader, row.id)).hexdigest() != row.digest
    ]


# ------------------------------------------------------------------------- which month has which


def _booked(reader: Reader, month: str) -> Iterator[Booked]:
    """The entries of a month in the order of the ledger."""
    closings = reader.find(Closing)
    zone = _zone(reader)
    own = next((n for n, row in enumerate(closings) if row.id >= month), None)
    start = closings[own - 1].open_from if own else 1
    if own is None and closings:
        start = closings[-1].open_from
    last = closings[own].last_seq if own is not None else None
    for entry in _entries(reader, start, last):
        booked = _booking(entry, closings, zone)
        if _month(booked.on) == month:
            yield booked


def _booking(entry: Entry, closings: list[Closing], zone: ZoneInfo) -> Booked:
    """The first closing that was made after the entry and is for its month or a later one takes
    it; the day is moved on where its own month was closed before."""
    floor = date.min
    for row in closings:
        day = entry.at.astimezone(ZoneInfo(row.zone)).date()
        if entry.seq <= row.last_seq and _month(max(day, floor)) <= row.id:
            return Booked(entry=entry, on=max(day, floor), happened_on=day)
        floor = _after(_read(row.id))
    day = entry.at.astimezone(zone).date()
    return Booked(entry=entry, on=max(day, floor), happened_on=day)


def _closed(entry: Entry, closings: list[Closing]) -> bool:
    if not closings:
        return False
    on = _booking(entry, closings, ZoneInfo(closings[-1].zone)).on
    return _month(on) <= closings[-1].id


def _first_open(reader: Reader, closings: list[Closing], before: str) -> str | None:
    """The first month before `before` that is open and has entries."""
    zone = _zone(reader)
    start = closings[-1].open_from if closings else 1
    months = {_month(_booking(e, closings, zone).on) for e in _entries(reader, start, None)}
    closed = closings[-1].id if closings else ""
    return min((m for m in months if closed < m < before), default=None)


def _entries(reader: Reader, first: int, last: int | None) -> Iterator[Entry]:
    after = id_of(first - 1) if first > 1 else None
    while True:
        page = reader.find(Entry, after=after, limit=_PAGE)
        for entry in page:
            if last is not None and entry.seq > last:
                return
            yield entry
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _zone(reader: Reader) -> ZoneInfo:
    workspace = reader.get(Workspace, "workspace")
    return ZoneInfo(workspace.zone if workspace else "UTC")


def _read(month: str) -> date:
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        first = date.max
    if not _YEARS[0] <= first.year <= _YEARS[1]:
        raise BadMonth("write a month as year and month, such as 2026-11") from None
    return first


def _month(day: date) -> str:
    return f"{day.year:04d}-{day.month:02d}"


def _after(first: date) -> date:
    """The first day of the next month."""
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)


def _next(month: str) -> str:
    return _month(_after(_read(month)))


# ---------------------------------------------------------------------------------------- bytes


def _csv(booked: Iterator[Booked]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in booked:
        writer.writerow([_inert(cell) for cell in _cells(one)])
    return text.getvalue().encode()


def _cells(booked: Booked) -> list[str]:
    entry = booked.entry
    basis, cause = _of_expense(entry)
    return [
        booked.on.isoformat(),
        str(entry.seq),
        entry.debit,
        entry.credit,
        Money(entry.amount_minor, entry.currency).text,
        entry.currency,
        entry.kind,
        basis,
        cause,
        entry.case_id,
        entry.payout_id,
        booked.happened_on.isoformat(),
    ]


def _of_expense(entry: Entry) -> tuple[str, str]:
    """Basis and cause stand in the account the cost was booked to, or what it contains was told
    against, so they never change."""
    for account in (entry.debit, entry.credit):
        kind, *parts = account.split(":")
        if kind in ("expense", "split") and len(parts) == 2:
            return unquote(parts[0]), unquote(parts[1])
    return "", ""


def _inert(cell: str) -> str:
    """A cell that no spreadsheet computes: a quote before what would begin a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell
