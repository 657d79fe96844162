"""Offers: what is put to an agent or a customer. Immutable; at most one of a case is accepted."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, cast

from core import letter as letters
from core.canonical import digest
from core.case import Case
from core.moment import Moment
from core.money import Money
from core.payout import Payout, PayoutState
from core.ports import Remedy
from core.record import Doc, Record, Table, replace
from core.store import Reader, Tx

LASTS = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Record):
    """`parts` are the remedies, each complete enough to pay (see `Part`).

    `payload_hash` is over everything an approval binds. `accepted_case` equals `case_id` once
    accepted, which the store keeps unique.
    """

    TABLE: ClassVar[Table] = Table(
        name="offers", unique=(("accepted_case",),), index=(("case_id",),)
    )

    case_id: str
    made_at: datetime
    expires_at: datetime
    basis: str
    parts: Doc
    payload_hash: str
    made_by: str | None = None
    accepted_at: datetime | None = None
    accepted_by: str | None = None
    accepted_case: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One remedy of an offer: how much, at which till, for which order and buyer there."""

    remedy: Remedy
    till_id: str
    amount: Money | None
    quantity: int | None = None
    order_id: str | None = None
    buyer_id: str | None = None
    text: str = ""

    def doc(self) -> dict[str, object]:
        return {
            "remedy": self.remedy,
            "till": self.till_id,
            "minor": self.amount.minor if self.amount is not None else None,
            "currency": self.amount.currency if self.amount is not None else None,
            "quantity": self.quantity,
            "order": self.order_id,
            "buyer": self.buyer_id,
            "text": self.text,
        }


def read_part(doc: dict[str, object]) -> Part:
    minor, currency = doc["minor"], doc["currency"]
    return Part(
        remedy=cast(Remedy, doc["remedy"]),
        till_id=cast(str, doc["till"]),
        amount=Money(cast(int, minor), cast(str, currency)) if minor is not None else None,
        quantity=cast("int | None", doc["quantity"]),
        order_id=cast("str | None", doc["order"]),
        buyer_id=cast("str | None", doc["buyer"]),
        text=cast(str, doc["text"]),
    )


def parts_of(offer: Offer) -> list[Part]:
    return [read_part(doc) for doc in cast("list[dict[str, object]]", offer.parts)]


def dearest(reader: Reader, case_id: str) -> list[Part]:
    """What a case that waits may come to at the most: the parts of the dearest of what was offered
    last, in one currency as a decision is. Alternatives are made at one moment; an apology costs
    nothing."""
    found = reader.find(Offer, case_id=case_id)
    last = max((offer.made_at for offer in found), default=None)
    put = [
        [part for part in parts_of(offer) if part.remedy != "apology"]
        for offer in found
        if offer.made_at == last
    ]
    return max(put, key=_sum, default=[])


def _sum(parts: Sequence[Part]) -> tuple[int, int]:
    return sum(part.amount.minor for part in parts if part.amount), len(parts)


def less(parts: Sequence[Part], given: Sequence[Money | None]) -> list[Part] | None:
    """The parts less what was given on account of them. None where that cannot be reckoned: not
    everything is a sum, or not in one currency."""
    sums = [part.amount for part in parts if part.remedy != "apology"]
    currencies = {amount.currency if amount else None for amount in (*sums, *given)}
    if len(currencies) != 1 or None in currencies:
        return None
    rest = sum(amount.minor for amount in given if amount)
    left = []
    for part in parts:
        taken = min(rest, part.amount.minor) if part.amount else 0
        rest -= taken
        if part.amount is None:
            left.append(part)
        elif taken < part.amount.minor:
            amount = Money(part.amount.minor - taken, part.amount.currency)
            left.append(dataclasses.replace(part, amount=amount))
    return left


def payload_hash(reader: Reader, case: Case, parts: Sequence[Part]) -> str:
    """Over every payout of the offer, the recipient, the order, the policy version that decided,
    and a message edited by hand: any change to one of them is another payload."""
    payload = {
        "case": case.id,
        "customer": case.customer_id,
        "order": case.order_id,
        "policy": case.policy_hash,
        "parts": [part.doc() for part in parts],
        "message": letters.text_of(reader, case.id),
    }
    return digest("payload", 1, payload)


def make(
    tx: Tx,
    case: Case,
    basis: str,
    parts: Sequence[Part],
    moment: Moment,
    lasts: timedelta = LASTS,
) -> Offer:
    offer = Offer(
        id=moment.new("offer"),
        case_id=case.id,
        made_at=moment.now,
        expires_at=moment.now + lasts,
        basis=basis,
        parts=[part.doc() for part in parts],
        payload_hash=payload_hash(tx, case, parts),
        made_by=case.requested_by,
    )
    tx.add(offer)
    return offer


def accept(tx: Tx, case: Case, offer: Offer, by: str | None, moment: Moment) -> list[Payout]:
    """Bind the case to this offer and plan its payouts. Raises `AlreadyExists` where another offer
    of the case was accepted before: the store keeps `accepted_case` unique."""
    tx.put(replace(offer, accepted_at=moment.now, accepted_by=by, accepted_case=case.id))
    payouts = [
        _plan(case, offer, position, part, moment)
        for position, part in enumerate(parts_of(offer))
        if part.remedy != "apology"
    ]
    for payout in payouts:
        tx.add(payout)
    return payouts


def _plan(case: Case, offer: Offer, position: int, part: Part, moment: Moment) -> Payout:
    return Payout(
        id=moment.new("pay"),
        case_id=case.id,
        offer_id=offer.id,
        position=position,
        till_id=part.till_id,
        customer_id=case.customer_id,
        remedy=part.remedy,
        basis=offer.basis,
        cause=case.reason or "",
        amount_minor=part.amount.minor if part.amount is not None else None,
        currency=part.amount.currency if part.amount is not None else None,
        quantity=part.quantity,
        order_id=part.order_id,
        buyer_id=part.buyer_id,
        text=part.text,
        state=PayoutState.PLANNED,
        created_at=moment.now,
        changed_at=moment.now,
        due_at=moment.now,
    )
