"""What was given to a customer before, and whether the harm at hand was made good already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from core import harm as harms
from core import payout as payouts
from core.case import Case, CaseState, Harm, Likeness, Outcome
from core.connection import HostPayout
from core.facts import find_customer, harm_subject
from core.money import Money
from core.payout import Payout
from core.people import Workspace
from core.routing import Routing
from core.store import Reader
from core.terms import Terms

_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One remedy given before."""

    on: date
    remedy: str
    amount: Money | None
    quantity: int | None
    reason: str | None
    ticket_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The harm is another case's: made good by what it gave, or about to be (`under_way`)."""

    case: Case
    here: bool
    under_way: bool
    given: Sequence[Given]


def zone_of(reader: Reader) -> ZoneInfo:
    workspace = reader.get(Workspace, "workspace")
    return ZoneInfo(workspace.zone if workspace else "UTC")


def given_before(reader: Reader, customer_id: str | None) -> list[Given]:
    """To this customer, newest first; what was refused or taken back is left out."""
    if customer_id is None:
        return []
    found = reader.find(Payout, customer_id=customer_id, newest_first=True, limit=_MOST)
    cases = _cases(reader, found)
    zone = zone_of(reader)
    return [_given(row, cases, zone) for row in found if row.state not in payouts.GONE]


def taken(reader: Reader, terms: Terms, routing: Routing, desk_id: str) -> Taken | None:
    """Who has the harm these terms are about, if somebody has. Only a look: `harm.claim` decides
    under the customer's lock."""
    customers = alike(reader, terms)
    wanted = Harm(
        id="",
        customer_id=customers[0] if customers else "",
        subject=harm_subject(terms.subject),
        cause=routing.cause_of(terms.reason),
        happened_on=terms.today,
        basis=terms.basis,
        case_id="",
        active_key=None,
    )
    for row in harms.active_like(reader, customers, wanted):
        if row.basis == wanted.basis:
            return _taken(reader, row, desk_id, terms)
    return None


def _taken(reader: Reader, row: Harm, desk_id: str, terms: Terms) -> Taken | None:
    case = reader.get(Case, row.case_id)
    if case is None:
        return None
    standing = payouts.standing(reader, [case.id])
    zone = zone_of(reader)
    return Taken(
        case=case,
        here=case.desk_id == desk_id,
        under_way=case.state is not CaseState.CLOSED and case.outcome is not Outcome.MADE_GOOD,
        given=[_given(payout, {case.id: case}, zone) for payout in standing],
    )


def alike(reader: Reader, terms: Terms) -> list[str]:
    """Our ids of the buyer, and of whoever may be the same person."""
    own = find_customer(reader, terms.subject)
    rows = reader.find(Likeness, mark=terms.mark) if terms.mark else []
    others = sorted({row.customer_id for row in rows} - {own})
    return [own, *others] if own else others


def by_hand(reader: Reader, till_id: str, order_id: str) -> list[HostPayout]:
    """Refunds of the order that somebody made at the host and no payout of ours explains."""
    rows = reader.find(HostPayout, connection_id=till_id, order_id=order_id)
    return [row for row in rows if row.payout_id is None and row.ending != "failed"]


def _cases(reader: Reader, found: Sequence[Payout]) -> dict[str, Case]:
    cases = (reader.get(Case, id) for id in sorted({row.case_id for row in found}))
    return {case.id: case for case in cases if case is not None}


def _given(row: Payout, cases: Mapping[str, Case], zone: ZoneInfo) -> Given:
    case = cases.get(row.case_id)
    at: datetime = row.changed_at
    return Given(
        on=at.astimezone(zone).date(),
        remedy=row.remedy,
        amount=row.amount,
        quantity=row.quantity,
        reason=case.reason if case else row.cause or None,
        ticket_id=case.ticket_id if case else None,
    )
