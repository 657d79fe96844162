"""Approval: a second person's yes, bound to the exact payload."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, cast

from core.case import Case
from core.errors import AmendsError
from core.moment import Moment
from core.offer import Offer, parts_of, payload_hash
from core.people import Person, PersonIdentity
from core.record import Record, Table
from core.store import Tx

LASTS = timedelta(days=7)
MAY_APPROVE = frozenset({"approver", "admin"})


class MayNotApprove(AmendsError):
    """This person may not decide this; the message says why and who may."""


class NotWaiting(AmendsError):
    """There is nothing to decide any more: decided, expired, or changed since it was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval(Record):
    """`state`: waiting, granted, refused, expired, void (something changed). `why` is the code of
    what asked for it; `requested_by` a person's id, or None where a policy acted by itself."""

    TABLE: ClassVar[Table] = Table(name="approvals", index=(("case_id",), ("state",)))

    case_id: str
    offer_id: str
    payload_hash: str
    state: str
    asked_at: datetime
    expires_at: datetime
    why: str
    requested_by: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None


def request(tx: Tx, case: Case, offer: Offer, why: str, moment: Moment) -> Approval:
    approval = Approval(
        id=moment.new("appr"),
        case_id=case.id,
        offer_id=offer.id,
        payload_hash=offer.payload_hash,
        state="waiting",
        asked_at=moment.now,
        expires_at=moment.now + LASTS,
        why=why,
        requested_by=case.requested_by,
    )
    tx.add(approval)
    return approval


def decide(
    tx: Tx, case_id: str, person: Person, *, agree: bool, note: str | None, moment: Moment
) -> Approval:
    """A person's yes or no to what waits on this case. The case is woken and acts on it.

    Raises `MayNotApprove` or `NotWaiting`; nothing changes then. A payload that is not the one that
    was asked about makes the approval void.
    """
    waiting = tx.find(Approval, case_id=case_id, state="waiting", limit=1)
    approval = tx.lock(Approval, waiting[0].id) if waiting else None
    case = tx.get(Case, case_id)
    if approval is None or case is None or approval.state != "waiting":
        raise NotWaiting(f"nothing waits for a yes on {case_id}")
    _check_person(tx, case, approval, person)
    if moment.now >= approval.expires_at:
        return _end(tx, approval, "expired", None, None, moment)
    offer = tx.get(Offer, approval.offer_id)
    if offer is None or payload_hash(case, parts_of(offer)) != approval.payload_hash:
        return _end(tx, approval, "void", None, None, moment)
    return _end(tx, approval, "granted" if agree else "refused", person, note, moment)


def _check_person(tx: Tx, case: Case, approval: Approval, person: Person) -> None:
    if not person.active or not MAY_APPROVE & set(cast("Collection[str]", person.roles)):
        raise MayNotApprove(f"{person.name} is not an approver; an approver or admin must decide")
    accounts = tx.find(PersonIdentity, person_id=person.id)
    if not accounts:
        raise MayNotApprove(
            f"{person.name} is not linked to any sign-in; link one with `amends person link`"
        )
    if case.requested_by is None and case.asked_by is not None:
        # Who solved the ticket is not linked to a person: it must be provably somebody else.
        own = {i.value for i in accounts if (i.kind, i.connection_id) == ("helpdesk", case.desk_id)}
        if not own or case.asked_by in own:
            raise MayNotApprove(
                f"the agent who solved the ticket is not linked to a person; link them, or link "
                f"{person.name}'s own helpdesk account, with `amends person link`"
            )
    if person.id in (approval.requested_by, case.requested_by):
        raise MayNotApprove(f"{person.name} asked for this; somebody else must decide")


def _end(
    tx: Tx, approval: Approval, state: str, by: Person | None, note: str | None, moment: Moment
) -> Approval:
    after = replace(
        approval,
        state=state,
        decided_by=by.id if by else None,
        decided_at=moment.now,
        note=note,
    )
    tx.put(after)
    moment.log(tx, approval.case_id, f"approval_{state}", {"by": by.id if by else None})
    tx.wake(Case, approval.case_id, moment.now)
    return after
