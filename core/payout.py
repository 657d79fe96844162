"""Payouts: one remedy of one accepted offer at one host, and its endings.

The order of things is the safety: `begin` commits the intent and its key, then `send` calls the
host and reads the effect back, then `conclude` commits what came of it. Whoever finds a payout
`sending` (somebody died in between) waits until the call must have ended and asks the host; nothing
is ever sent again on "we do not know".
"""

from __future__ import annotations

import dataclasses
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from core.booking import PROMISES, settlement
from core.canonical import digest
from core.case import Case
from core.clocks import APART
from core.ledger import entries_of, post
from core.moment import Moment
from core.money import Money
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    Instruction,
    NotSent,
    Pays,
    Pending,
    Receipt,
    Settled,
    Till,
    Unknown,
)
from core.record import Doc, Record, Table, replace
from core.store import AlreadyExists, Reader, Tx
from core.tax import contained

#: After this long without an answer a person gets the question, with everything that is known.
GIVE_UP = timedelta(hours=24)
#: Hosts take days over what they took on; after this long a person asks them why.
PENDING_LONG = timedelta(days=7)
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(hours=1)


class PayoutState(StrEnum):
    PLANNED = "planned"  # nothing sent yet
    SENDING = "sending"  # intent committed; the host may be acting
    SETTLED = "settled"
    PENDING = "pending"  # the host took it on
    DECLINED = "declined"
    NOT_SENT = "not_sent"  # surely not at the host; may be sent again
    UNKNOWN = "unknown"  # may have happened; being asked about
    FAILED = "failed"  # settled, then the host said that it never arrived
    REVERSING = "reversing"  # settled; a person has its unspent part taken back
    REVERSED = "reversed"  # settled, then taken back whole


#: Nothing was given, or it was taken back.
GONE = frozenset({PayoutState.DECLINED, PayoutState.FAILED, PayoutState.REVERSED})
#: States in which nothing more is to be done. A settled one that is due all the same is asked
#: about once more: something says that it may have failed since.
FINAL = GONE | {PayoutState.SETTLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout(Record):
    """`due_at`: not before this may anybody act on it; for one left `sending`, when the call must
    have ended and its effect must be visible. `key_number` grows only after `find` said absent.

    `sealed_code` is our own random code for coupons and gift cards, encrypted with the intent.
    """

    TABLE: ClassVar[Table] = Table(
        name="payouts",
        unique=(("till_id", "host_object"), ("offer_id", "position")),
        index=(("case_id",), ("till_id", "order_id"), ("customer_id",), ("state",)),
    )

    case_id: str
    offer_id: str
    position: int
    till_id: str
    customer_id: str | None
    remedy: str
    basis: str
    cause: str
    amount_minor: int | None
    currency: str | None
    quantity: int | None
    order_id: str | None
    buyer_id: str | None
    text: str
    state: PayoutState
    created_at: datetime
    changed_at: datetime
    due_at: datetime | None
    tries: int = 0
    key_number: int = 1
    first_sent_at: datetime | None = None
    host_object: str | None = None
    receipt: Doc | None = None
    why: str | None = None
    sealed_code: str | None = None

    @property
    def amount(self) -> Money | None:
        if self.amount_minor is None or self.currency is None:
            return None
        return Money(self.amount_minor, self.currency)

    @property
    def key(self) -> str:
        return f"{self.id}:{self.key_number}"

    @property
    def marker(self) -> str:
        return f"[amends:{self.id}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Record):
    """One sending of a payout: its key and the hash of its request, committed before the call."""

    TABLE: ClassVar[Table] = Table(name="attempts", unique=(("payout_id", "number"),))

    payout_id: str
    number: int
    key: str
    request_hash: str
    sent_at: datetime
    ended_at: datetime | None = None
    ending: str | None = None
    why: str | None = None


def instruction(payout: Payout, *, code: str | None = None) -> Instruction:
    return Instruction(
        payout_id=payout.id,
        key=payout.key,
        marker=payout.marker,
        remedy=payout.remedy,  # type: ignore[arg-type]  # written by `offer._plan` from a Remedy
        amount=payout.amount,
        quantity=payout.quantity,
        order_id=payout.order_id,
        buyer_id=payout.buyer_id,
        text=payout.text,
        code=code,
        first_sent_at=payout.first_sent_at,
        host_object=payout.host_object,
    )


def may_send(payout: Payout) -> bool:
    """Nothing was sent yet; or it surely never arrived; or `find` said absent."""
    return payout.state in (PayoutState.PLANNED, PayoutState.NOT_SENT)


def give_up(tx: Tx, payout: Payout, moment: Moment) -> Payout:
    """A person decides that what was not sent is not given."""
    why = "given_up: a person closed the case before it was sent"
    after = replace(payout, state=PayoutState.DECLINED, due_at=None, why=why, changed_at=moment.now)
    tx.put(after)
    return after


#: Remedies that a customer redeems with a code of ours, made and kept before the host is told.
CODED = frozenset({"coupon", "gift_card"})
_CODE_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def new_code() -> str:
    """16 random letters and digits: 82 bits, in a form every host takes."""
    return "".join(secrets.choice(_CODE_LETTERS) for _ in range(16))


def begin(
    tx: Tx, payout: Payout, *, pays: Pays, calls_within: timedelta, moment: Moment
) -> tuple[Payout, Attempt]:
    """Write down the intent. Committed before any call; until `due_at` nobody else touches it."""
    sending = replace(
        payout,
        state=PayoutState.SENDING,
        tries=payout.tries + 1,
        first_sent_at=payout.first_sent_at or moment.now,
        changed_at=moment.now,
        due_at=moment.now + 2 * calls_within + pays.visibility + APART,
        why=None,
    )
    attempt = Attempt(
        id=moment.new("try"),
        payout_id=payout.id,
        number=sending.tries,
        key=sending.key,
        request_hash=request_hash(sending),
        sent_at=moment.now,
    )
    tx.put(sending)
    tx.add(attempt)
    return sending, attempt


def request_hash(payout: Payout) -> str:
    """Over what is asked of the host, so that a key is never used for another request."""
    asked = {
        "till": payout.till_id,
        "remedy": payout.remedy,
        "minor": payout.amount_minor,
        "currency": payout.currency,
        "quantity": payout.quantity,
        "order": payout.order_id,
        "buyer": payout.buyer_id,
    }
    return digest("request", 1, asked)


def send(till: Till, order: Instruction) -> Ending | Finding:
    """Pay, then believe only what the host shows when asked again."""
    ending = till.pay(order)
    if not isinstance(ending, Settled):
        return ending
    found = till.find(dataclasses.replace(order, host_object=ending.receipt.host_object))
    # The host said yes and does not show it yet: it is asked by the id it gave, not sent again.
    return Pending(ending.receipt) if isinstance(found, Absent) else _checked(order, found)


def ask(till: Till, order: Instruction) -> Finding:
    return _checked(order, till.find(order))


def _checked(order: Instruction, found: Finding) -> Finding:
    if isinstance(found, Settled | Pending) and not _as_asked(order, found.receipt):
        return Unknown(f"differs: the host shows {found.receipt.amount} for {order.amount}")
    return found


def _as_asked(order: Instruction, receipt: Receipt) -> bool:
    same_order = receipt.order_id is None or receipt.order_id == order.order_id
    return same_order and (receipt.amount, receipt.quantity) == (order.amount, order.quantity)


def conclude(
    tx: Tx,
    payout: Payout,
    result: Ending | Finding,
    *,
    pays: Pays,
    moment: Moment,
    budgets: Sequence[str] = (),
) -> Payout:
    """What came of a sending or of asking, committed together with its postings. `budgets` are
    those that bear it.

    One host object settles at most one payout: where it is another's already, this one is unknown.
    """
    after = replace(_after(payout, result, pays, moment.now), changed_at=moment.now)
    try:
        tx.put(after)
    except AlreadyExists:
        why = f"differs: {after.host_object} settled another payout already"
        after = replace(_after(payout, Unknown(why), pays, moment.now), changed_at=moment.now)
        tx.put(after)
    end_attempts(tx, payout, result, moment.now)
    if after.state is PayoutState.SETTLED and after.amount is not None:
        postings = settlement(
            after.id,
            after.case_id,
            after.till_id,
            after.remedy,
            after.basis,
            after.cause,
            after.amount,
            budgets=budgets,
            parts=contained(after.remedy, result.receipt) if isinstance(result, Settled) else None,
        )
        if payout.state is PayoutState.FAILED:  # it was booked and booked back before
            there = Counter(entry.kind for entry in entries_of(tx, payout.id))
            postings = [replace(one, number=one.number + there[one.kind]) for one in postings]
        post(tx, postings, now=moment.now)
    return after


def _after(payout: Payout, result: Ending | Finding, pays: Pays, now: datetime) -> Payout:
    match result:
        case Settled(receipt):
            return replace(_with(payout, receipt), state=PayoutState.SETTLED, due_at=None, why=None)
        case Pending(receipt):
            # A person who pays is not asked every hour: their task says when it is done.
            wait = max(wait_of(payout.tries), timedelta(minutes=1))
            return replace(
                _with(payout, receipt),
                state=PayoutState.PENDING,
                due_at=None if pays.by_hand else now + wait,
                tries=payout.tries + 1,
            )
        case Declined(code, why):
            return replace(payout, state=PayoutState.DECLINED, due_at=None, why=f"{code}: {why}")
        case NotSent(why, retry_after):
            wait = wait_of(payout.tries)
            due = now + max(wait, retry_after or wait)
            return replace(payout, state=PayoutState.NOT_SENT, due_at=due, why=why)
        case Absent():
            return _absent(payout, pays, now)
        case Unknown(why):
            return _unknown(payout, why, pays, now)


def _unknown(payout: Payout, why: str, pays: Pays, now: datetime) -> Payout:
    """To be asked about, not before the host must have done whatever it still does: a call that was
    cut off may be at work there until the time at which it must have ended."""
    asked, late = now + wait_of(payout.tries), begun_at(payout) + GIVE_UP
    if now < late:  # a person has the question by then, and not an hour later
        asked = min(asked, late)
    due = max(asked, now + pays.visibility)
    if payout.state is PayoutState.SENDING and payout.due_at is not None:
        due = max(due, payout.due_at)
    return replace(payout, state=PayoutState.UNKNOWN, due_at=due, why=why, tries=payout.tries + 1)


def _absent(payout: Payout, pays: Pays, now: datetime) -> Payout:
    """Surely not at the host, so it may be sent: under the same key while the host remembers keys,
    under a new one otherwise. Where the host can do neither, absence proves nothing; nor does it
    where the host has named what it did."""
    if payout.host_object is not None:
        why = f"the host does not show {payout.host_object}, which it named before"
        return _unknown(payout, why, pays, now)
    if pays.retry == "none":
        return replace(payout, state=PayoutState.UNKNOWN, due_at=None, why="cannot_ask")
    number = payout.key_number if remembered(payout, pays, now) else payout.key_number + 1
    return replace(payout, state=PayoutState.NOT_SENT, due_at=now, key_number=number, why="absent")


def locked(tx: Tx, payout_id: str) -> Payout | None:
    """A payout to be changed by whoever does not hold its case's lease: the case is taken first, as
    the runner takes it, and what the runner wrote meanwhile is seen."""
    seen = tx.get(Payout, payout_id)
    if seen is None:
        return None
    tx.lock(Case, seen.case_id)
    return tx.get(Payout, payout_id)


def standing(reader: Reader, case_ids: Collection[str]) -> list[Payout]:
    """What these cases gave or are giving: everything that was not refused or taken back."""
    found = reader.find(Payout, case_id=tuple(case_ids)) if case_ids else []
    return [payout for payout in found if payout.state not in GONE]


def still_given(reader: Reader, payout: Payout) -> Money | None:
    """What it came to, less what was taken back. Only what is spent later can come back in part."""
    whole = payout.amount
    if whole is None or payout.remedy not in PROMISES:
        return whole
    entries = entries_of(reader, payout.id)
    back = sum(entry.amount_minor for entry in entries if entry.kind == "reversed")
    return Money(whole.minor - back, whole.currency)


def sum_of(amounts: Iterable[Money | None]) -> str | None:
    """Their sum for people to read, where it is one sum of one currency."""
    sums = [amount for amount in amounts if amount is not None]
    if not sums or len({amount.currency for amount in sums}) > 1:
        return None
    return str(Money(sum(amount.minor for amount in sums), sums[0].currency))


def remembered(payout: Payout, pays: Pays, now: datetime) -> bool:
    """Whether the host surely still knows this payout's key, so that sending it again is safe."""
    return (
        pays.retry == "key"
        and pays.key_life is not None
        and payout.first_sent_at is not None
        and now < payout.first_sent_at + pays.key_life
    )


def begun_at(payout: Payout) -> datetime:
    """From when on one waits for it to end."""
    return payout.first_sent_at or payout.created_at


def wait_of(tries: int) -> timedelta:
    """5 s, 10 s, 20 s, ... at most an hour."""
    return min(_FIRST_WAIT * (1 << min(max(tries - 1, 0), 12)), _LONGEST_WAIT)


def _with(payout: Payout, receipt: Receipt) -> Payout:
    parts = contained(payout.remedy, receipt)
    return replace(
        payout,
        host_object=receipt.host_object,
        receipt={
            "object": receipt.host_object,
            "amount": receipt.amount.text if receipt.amount else None,
            "currency": receipt.amount.currency if receipt.amount else None,
            "at": receipt.at.isoformat() if receipt.at else None,
            **({"tax": parts.doc()} if parts else {}),
        },
    )


def end_attempts(tx: Tx, payout: Payout, result: Ending | Finding, now: datetime) -> None:
    """Write down what came of the sendings that had no end yet."""
    open_ones = [a for a in tx.find(Attempt, payout_id=payout.id) if a.ended_at is None]
    why = getattr(result, "why", None)
    for attempt in open_ones:
        tx.put(replace(attempt, ended_at=now, ending=type(result).__name__.lower(), why=why))
