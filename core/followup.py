"""What customers said afterwards: the helpdesk's own survey of a ticket, kept with its case.

Only the score is kept. What a customer wrote beside it stays in the helpdesk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from core.case import Case, CaseTicket
from core.moment import Moment
from core.ports import Rating
from core.record import Record, Table
from core.store import Reader, Tx

#: So long after a case began its ticket's survey may be about it.
ANSWERED_WITHIN = timedelta(days=35)
#: Hosts tell whole seconds, by clocks of their own.
_SKEW = timedelta(minutes=1)
_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp(Record):
    """One answer of a customer's; `score` is from -100 (as bad as can be) to 100."""

    TABLE: ClassVar[Table] = Table(
        name="follow_ups", unique=(("desk_id", "host_object"),), index=(("case_id",),)
    )

    case_id: str
    desk_id: str
    ticket_id: str
    host_object: str
    score: int
    answered_at: datetime
    seen_at: datetime

    @property
    def verdict(self) -> Literal["good", "neutral", "bad"]:
        return "neutral" if self.score == 0 else "good" if self.score > 0 else "bad"


def tickets(reader: Reader, desk_id: str, now: datetime) -> list[str]:
    """Tickets of this desk whose cases a survey may still be about."""
    found: dict[str, None] = {}
    last: str | None = None
    while True:
        page = reader.find(CaseTicket, desk_id=desk_id, newest_first=True, after=last, limit=_PAGE)
        for link in page:
            case = reader.get(Case, link.case_id)
            if case is None or case.opened_at < now - ANSWERED_WITHIN:
                return list(found)
            found[link.ticket_id] = None
        if len(page) < _PAGE:
            return list(found)
        last = page[-1].id


def take_in(tx: Tx, desk_id: str, rating: Rating, moment: Moment) -> bool:
    """Keep an answer with the case it came after: the ticket's latest one begun before it. Whether
    something new was learned; an answer that was changed replaces what was said before."""
    known = tx.find(FollowUp, desk_id=desk_id, host_object=rating.host_object, limit=1)
    if known:
        if known[0].score == rating.score or known[0].answered_at > rating.at:
            return False
        tx.put(replace(known[0], score=rating.score, answered_at=rating.at, seen_at=moment.now))
        return True
    case = _case_of(tx, desk_id, rating)
    if case is None:
        return False
    tx.add(
        FollowUp(
            id=moment.new("fol"),
            case_id=case.id,
            desk_id=desk_id,
            ticket_id=rating.ticket_id,
            host_object=rating.host_object,
            score=rating.score,
            answered_at=rating.at,
            seen_at=moment.now,
        )
    )
    return True


def of_case(reader: Reader, case_id: str) -> Sequence[FollowUp]:
    return reader.find(FollowUp, case_id=case_id)


def _case_of(tx: Tx, desk_id: str, rating: Rating) -> Case | None:
    links = tx.find(CaseTicket, desk_id=desk_id, ticket_id=rating.ticket_id)
    cases = [case for link in links if (case := tx.get(Case, link.case_id)) is not None]
    earlier = [case for case in cases if case.opened_at <= rating.at + _SKEW]
    return max(earlier, key=lambda case: case.opened_at, default=None)
