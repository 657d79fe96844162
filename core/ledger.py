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
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, NewType
from urllib.parse import quote

from core.errors import AmendsError
from core.money import EXPONENTS, LIMIT_MINOR, UNPAYABLE, Money
from core.record import Record, Table
from core.store import AlreadyExists, Reader, Tx
from core.store.values import to_micros
from core.tax import Split, shared

#: The account's path: a class and what it is for, joined by colons.
Account = NewType("Account", str)

#: What the first entry of a workspace names as the one before it.
GENESIS = "0" * 64
#: The id of the one head row.
HEAD = "head"
_VERSION = 1

#: Remedies that are a promise to be spent later; every other one leaves through its till at once.
PROMISES = frozenset({"store_credit", "account_credit", "coupon", "gift_card", "points", "voucher"})

#: What is posted when a payout is believed; only these are undone.
GIVEN = frozenset({"settled", "budget", "net", "tax"})
#: What its sum contains: beside the sum, and together as much.
_CONTAINED = frozenset({"net", "tax"})


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


def expense(basis: str, cause: str) -> Account:
    """What making good cost: by basis (owed, goodwill, price reduction) and group of reasons."""
    return _account("expense", basis, cause)


def liability(remedy: str) -> Account:
    """Credit, gift cards, coupons and the like that customers hold and have not spent."""
    return _account("liability", remedy)


def clearing(till_id: str) -> Account:
    """What left through a till, to be matched with that host's own books."""
    return _account("clearing", till_id)


def budget(budget_id: str) -> Account:
    """What a budget has left, against `spent`."""
    return _account("budget", budget_id)


def spent(budget_id: str) -> Account:
    return _account("spent", budget_id)


def contained(kind: str, told: bool, till_id: str, rate: str | None) -> Account:
    """Net or tax contained in what left through a till, by rate: told by the host's own document
    of the refund, or reckoned from the order. Against `split`; no money moves."""
    return _account(kind, "told" if told else "reckoned", till_id, rate or "unstated")


def split(basis: str, cause: str) -> Account:
    """Of how much of an `expense` it is known what it contains."""
    return _account("split", basis, cause)


def _account(*parts: str) -> Account:
    """Codes and ids come from policies and hosts: whatever they hold, a part stays one part."""
    return Account(":".join(quote(part, safe="") for part in parts))


def settlement(
    payout_id: str,
    case_id: str,
    till_id: str,
    remedy: str,
    basis: str,
    cause: str,
    amount: Money,
    *,
    budgets: Sequence[str] = (),
    parts: Split | None = None,
) -> list[Posting]:
    """A payout is believed: its cost against the till it left by, or against what is now owed in
    credit; out of each budget that bears it; and beside it what the sum contains, if known."""
    against = liability(remedy) if remedy in PROMISES else clearing(till_id)
    cost = Posting(
        debit=expense(basis, cause),
        credit=against,
        amount=amount,
        kind="settled",
        number=1,
        case_id=case_id,
        payout_id=payout_id,
    )
    borne = [
        replace(cost, debit=spent(id), credit=budget(id), kind="budget", number=number)
        for number, id in enumerate(budgets, 1)
    ]
    return [cost, *borne, *(_contained(cost, till_id, split(basis, cause), parts) if parts else ())]


def _contained(cost: Posting, till_id: str, against: Account, parts: Split) -> Iterator[Posting]:
    """Net and tax of each rate. What is nothing is not posted."""
    numbers: Counter[str] = Counter()
    for rate, net, tax in parts.by_rate():
        for kind, minor in (("net", net), ("tax", tax)):
            if minor:
                numbers[kind] += 1
                yield replace(
                    cost,
                    debit=contained(kind, parts.told, till_id, rate),
                    credit=against,
                    amount=Money(minor, parts.currency),
                    kind=kind,
                    number=numbers[kind],
                )


def undoing(
    entries: Sequence[Entry], kind: str, number: int, amount: Money | None = None
) -> list[Posting]:
    """The opposite of a payout's entries: `kind` is `reversed` (taken back; `amount` where only the
    unspent part was) or `failed` (the host says later that it never arrived). What a sum contains
    goes back in proportion. `number` counts the undoings of this kind, from 1. Raises `LedgerError`
    for more than was posted."""
    alike = Counter(entry.kind for entry in entries)
    return [
        Posting(
            debit=Account(entry.credit),
            credit=Account(entry.debit),
            amount=part,
            kind=_undone(entry.kind, kind),
            number=(number - 1) * alike[entry.kind] + entry.number,
            case_id=entry.case_id,
            payout_id=entry.payout_id,
        )
        for entry, part in zip(entries, _parts(entries, amount), strict=True)
        if part or entry.kind not in _CONTAINED
    ]


def _parts(entries: Sequence[Entry], amount: Money | None) -> list[Money]:
    """How much of each entry goes back."""
    if amount is None:
        return [Money(entry.amount_minor, entry.currency) for entry in entries]
    beside = [entry.amount_minor for entry in entries if entry.kind in _CONTAINED]
    shares = iter(shared(amount.minor, beside))
    parts = []
    for entry in entries:
        part = Money(next(shares), amount.currency) if entry.kind in _CONTAINED else amount
        whole = Money(entry.amount_minor, entry.currency)
        if part > whole:
            raise LedgerError(f"{part} cannot be undone: only {whole} was posted")
        parts.append(part)
    return parts


def standing(entries: Sequence[Entry]) -> list[Entry]:
    """A payout's entries, each with the amount that was not undone yet, if there is any."""
    alike = Counter(entry.kind for entry in entries)
    undone: Counter[tuple[str, int]] = Counter()
    back = {_undone(given, kind): given for given in GIVEN for kind in ("failed", "reversed")}
    for entry in entries:
        if (given := back.get(entry.kind)) is not None:
            undone[given, (entry.number - 1) % alike[given] + 1] += entry.amount_minor
    left = [
        replace(entry, amount_minor=entry.amount_minor - undone[entry.kind, entry.number])
        for entry in entries
        if entry.kind in GIVEN
    ]
    return [entry for entry in left if entry.amount_minor > 0]


def _undone(given: str, kind: str) -> str:
    return kind if given == "settled" else f"{given}_{kind}"


def post(tx: Tx, postings: Sequence[Posting], *, now: datetime) -> list[Entry]:
    """Append postings to the chain, all or none. Raises `AlreadyExists` where one is there
    already (the transaction goes on as if nothing had been asked), and `LedgerError`."""
    for posting in postings:
        _refuse_bad(posting)
    head = _locked_head(tx)
    names = {(posting.payout_id, posting.kind, posting.number) for posting in postings}
    for payout_id, kind, number in names:
        if tx.count(Entry, payout_id=payout_id, kind=kind, number=number):
            raise AlreadyExists(f"{kind} {number} of {payout_id} is in the ledger")
    if len(names) < len(postings):
        raise AlreadyExists("one posting was given twice")
    entries: list[Entry] = []
    seq, previous = head.seq, head.hash
    for posting in postings:
        seq += 1
        entry = _entry(tx.workspace_id, posting, seq, previous, now)
        tx.add(entry)
        entries.append(entry)
        previous = entry.hash
    if entries:
        tx.put(Head(id=HEAD, seq=seq, hash=previous))
    return entries


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
