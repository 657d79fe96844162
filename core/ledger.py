"""The ledger: append-only, double-entry (one row a posting), hash-chained under a locked head.

A posting moves an amount from one account to another, so the books cannot be out of balance. Each
entry's hash covers every column and the entry before it: whoever changes one byte has to compute
every later entry and the head again, and an anchor kept elsewhere shows even that. Entries hold
ids, codes and sums, and nothing about a person.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NewType

from core.errors import AmendsError
from core.money import EXPONENTS, LIMIT_MINOR, UNPAYABLE, Money
from core.record import Record, Table, replace
from core.store import AlreadyExists, Reader, Tx
from core.store.values import to_micros

#: The account's path: a class and what it is for, joined by colons.
Account = NewType("Account", str)

#: What the first entry of a workspace names as the one before it.
GENESIS = "0" * 64
#: The id of the one head row.
HEAD = "head"
_VERSION = 1


class LedgerError(AmendsError):
    """A posting that the ledger does not take. Nothing was posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Record):
    """One posting: `amount_minor` (> 0) of `currency` from account `credit` to account `debit`.

    `id` is the sequence number, zero-padded, so that order by id is the order of the chain.
    `hash` covers every other column and the entry before it.
    """

    TABLE: ClassVar[Table] = Table(
        name="ledger_entries",
        unique=(("seq",), ("payout_id", "kind", "number")),
        # What accounts hold is read from the last two alone.
        index=(
            ("case_id",),
            ("debit", "currency", "amount_minor"),
            ("credit", "currency", "amount_minor"),
        ),
        append_only=True,
    )

    seq: int
    at: datetime
    debit: str
    credit: str
    amount_minor: int
    currency: str
    kind: str
    number: int
    case_id: str
    payout_id: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head(Record):
    """The one locked row per workspace under which sequence and hash are taken."""

    TABLE: ClassVar[Table] = Table(name="ledger_heads")

    seq: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One movement, not yet in the ledger. (`payout_id`, `kind`, `number`) may be posted once."""

    debit: Account
    credit: Account
    amount: Money
    kind: str
    number: int
    case_id: str
    payout_id: str


def post(tx: Tx, postings: Sequence[Posting], *, now: datetime) -> None:
    """Append postings to the chain when the transaction ends, all or none: all who post wait for
    one head, so it is locked after every other row and until the commit alone. Raises
    `AlreadyExists` where one is there already (the transaction goes on as if nothing had been
    asked), and `LedgerError`."""
    for posting in postings:
        _refuse_bad(posting)
    names = {(posting.payout_id, posting.kind, posting.number) for posting in postings}
    for payout_id, kind, number in names:
        if tx.count(Entry, payout_id=payout_id, kind=kind, number=number):
            raise AlreadyExists(f"{kind} {number} of {payout_id} is in the ledger")
    if len(names) < len(postings):
        raise AlreadyExists("one posting was given twice")
    if postings:
        tx.at_end(lambda: _append(tx, postings, now))


def _append(tx: Tx, postings: Sequence[Posting], now: datetime) -> None:
    head = _locked_head(tx)
    seq, previous = head.seq, head.hash
    for posting in postings:
        seq += 1
        entry = _entry(tx.workspace_id, posting, seq, previous, now)
        tx.add(entry)
        previous = entry.hash
    tx.put(Head(id=HEAD, seq=seq, hash=previous))


def _refuse_bad(posting: Posting) -> None:
    amount = posting.amount
    if not 0 < amount.minor <= LIMIT_MINOR:
        raise LedgerError("a posting's amount is greater than nothing; turn the accounts round")
    if amount.currency not in EXPONENTS or amount.currency in UNPAYABLE:
        raise LedgerError(f"the ledger is kept in money that can be paid, not {amount.currency}")
    if posting.debit == posting.credit:
        raise LedgerError(f"{posting.debit} cannot be on both sides of a posting")


def _locked_head(tx: Tx) -> Head:
    head = tx.lock(Head, HEAD)
    if head is None:
        with contextlib.suppress(AlreadyExists):  # somebody else's first posting was faster
            tx.add(Head(id=HEAD, seq=0, hash=GENESIS))
        head = tx.lock(Head, HEAD)
    if head is None:
        raise LedgerError("the ledger's head cannot be read; nothing was posted")
    return head


def _entry(workspace_id: str, posting: Posting, seq: int, previous: str, now: datetime) -> Entry:
    unsigned = Entry(
        id=id_of(seq),
        seq=seq,
        at=now,
        debit=posting.debit,
        credit=posting.credit,
        amount_minor=posting.amount.minor,
        currency=posting.amount.currency,
        kind=posting.kind,
        number=posting.number,
        case_id=posting.case_id,
        payout_id=posting.payout_id,
        previous=previous,
        hash="",
    )
    return replace(unsigned, hash=chain_hash(workspace_id, unsigned))


def id_of(seq: int) -> str:
    """A sequence number as an entry's id: 20 digits, so that text order is number order."""
    return f"{seq:020d}"


def chain_hash(workspace_id: str, entry: Entry) -> str:
    """SHA-256 in hex over a version, the workspace and every column but `hash`, as a JSON list.

    The version names this list of columns: another list needs another version, for ever."""
    return hash_of_row(workspace_id, (
        entry.id, entry.seq, to_micros(entry.at), entry.debit, entry.credit, entry.amount_minor,
        entry.currency, entry.kind, entry.number, entry.case_id, entry.payout_id, entry.previous,
        entry.hash,
    ))  # fmt: skip


def hash_of_row(workspace_id: str, row: tuple[Any, ...]) -> str:
    """`chain_hash` of an entry as a database keeps it. Raises `TypeError` where a column holds what
    no entry does."""
    id, seq, at, debit, credit, minor, currency, kind, number, case_id, payout_id, previous, _ = row
    # Written out: a million are read by whoever verifies, and `json.dumps` takes twice as long.
    document = (
        f"[{_VERSION},{_text(workspace_id)},{_text(id)},{seq},{at},{_text(debit)},{_text(credit)},"
        f"{minor},{_text(currency)},{_text(kind)},{number},{_text(case_id)},{_text(payout_id)},"
        f"{_text(previous)}]"
    )
    return hashlib.sha256(document.encode()).hexdigest()


_text = json.encoder.encode_basestring_ascii


def entries_of(reader: Reader, payout_id: str) -> list[Entry]:
    """What was posted for a payout, oldest first."""
    return reader.find(Entry, payout_id=payout_id)


def balances(reader: Reader) -> dict[tuple[str, str], int]:
    """(account, currency) -> debits less credits, in minor units. They add up to zero in each
    currency by construction."""
    found: dict[tuple[str, str], int] = {}
    for side, sign in (("debit", 1), ("credit", -1)):
        sums = reader.total(Entry, "amount_minor", by=(side, "currency"))
        for (account, currency), minor in sums.items():
            key = (str(account), str(currency))
            found[key] = found.get(key, 0) + sign * minor
    return found
