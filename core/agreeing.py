"""Who had to agree has answered, or nobody has in time."""

from __future__ import annotations

from dataclasses import replace

from core import approval as approvals
from core import authority, drift, permission, tasks, writeback
from core import harm as harms
from core import offer as offers
from core.approval import Approval
from core.authority import Bound
from core.case import Case, CaseState, Outcome
from core.deciding import accept, on_trouble, over_limit
from core.ending import end
from core.facts import Trouble
from core.moment import Moment
from core.offer import Offer
from core.ports import Order
from core.routing import Routing
from core.store import Tx


def on_release(tx: Tx, case: Case, routing: Routing, order: Order | None, moment: Moment) -> None:
    """Everybody agreed, and the order was read again: pay if it can still bear it, out of limits
    as they are now."""
    granted = approvals.asked(tx, case.id)
    if case.state is not CaseState.WAITING_APPROVAL or any(r.state != "granted" for r in granted):
        return  # somebody else came in between; the state says what is next
    offer = tx.get(Offer, granted[0].offer_id)
    assert offer is not None  # offers are never deleted
    parts = offers.parts_of(offer)
    total = sum(part.amount.minor for part in parts if part.amount)
    if order is not None and (order.disputed in ("open", "lost") or order.refundable.minor < total):
        known = {"order": order.name, "refundable": str(order.refundable)}
        _undo_request(tx, case, moment)
        on_trouble(tx, case, Trouble("changed_since", known), moment)
        return
    lost = drift.forgotten(tx, case)
    if lost is not None:
        _undo_request(tx, case, moment)
        on_trouble(tx, case, lost, moment)
        return
    customers = harms.lock_alike(tx, case)
    wish = authority.wish_for(case, offer.basis, parts, order, customers)
    refusal = permission.release(tx, wish, offer, granted, moment)
    if refusal is None:
        accept(tx, case, routing, offer, granted[-1].decided_by, moment)
        return
    _undo_request(tx, case, moment)
    if isinstance(refusal, Bound):
        over_limit(tx, case, wish, refusal, moment)
    else:
        on_trouble(tx, case, Trouble(refusal, {"order": case.order_name}), moment)


def _undo_request(tx: Tx, case: Case, moment: Moment) -> None:
    """What a request for approval held is free again, and its yeses no longer count."""
    approvals.void(tx, approvals.asked(tx, case.id))
    harms.release(tx, case)
    authority.release(tx, case, moment.now)


def on_settled_approval(tx: Tx, case: Case, approval: Approval, moment: Moment) -> None:
    """Refused, expired or void: nothing is paid, and whoever reads the ticket is told."""
    state = approval.state
    if state == "waiting":
        state = "expired"
        tx.put(replace(approval, state=state))
    known = {"approval": approval.id, "by": approval.decided_by, "note": approval.note}
    _undo_request(tx, case, moment)
    if state == "refused":
        writeback.plan_note(tx, case, "approval_refused", known, moment)
        tasks.close_tasks(tx, case, "refused", moment.now)
        end(tx, case, Outcome.REFUSED, "refused", moment)
    else:
        on_trouble(tx, case, Trouble(f"approval_{state}", known), moment)
