"""Who had to agree or to choose has answered, or nobody has in time."""

from __future__ import annotations

from collections.abc import Sequence

from core import approval as approvals
from core import authority, drift, permission, tasks, writeback
from core import harm as harms
from core import link as links
from core import offer as offers
from core.approval import Approval
from core.authority import Bound
from core.case import Case, CaseState, Outcome
from core.deciding import accept, on_trouble, over_limit
from core.ending import end
from core.facts import Trouble
from core.moment import Moment
from core.offer import Offer, Part
from core.ports import Order
from core.record import replace
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
    changed = _changed_since(tx, case, parts, order)
    if changed is not None:
        _undo_request(tx, case, moment)
        on_trouble(tx, case, changed, moment)
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


def on_chosen(tx: Tx, case: Case, routing: Routing, order: Order | None, moment: Moment) -> None:
    """The customer chose, and the order was read again: pay that, out of limits as they are now."""
    link = links.of_case(tx, case.id)
    if case.state is not CaseState.WAITING_CUSTOMER or link is None or link.chosen is None:
        return  # somebody else came in between; the state says what is next
    offer = tx.get(Offer, link.chosen)
    assert offer is not None  # offers are never deleted
    parts = offers.parts_of(offer)
    changed = _changed_since(tx, case, parts, order)
    if changed is not None:
        _undo_choice(tx, case, moment)
        on_trouble(tx, case, changed, moment)
        return
    wish = authority.wish_for(case, offer.basis, parts, order, harms.lock_alike(tx, case))
    refusal = permission.release_choice(tx, wish, moment)
    if refusal is not None:
        _undo_choice(tx, case, moment)
        if isinstance(refusal, Bound):
            over_limit(tx, case, wish, refusal, moment)
        else:
            on_trouble(tx, case, Trouble(refusal, {"order": case.order_name}), moment)
        return
    accept(tx, case, routing, offer, None, moment)


def on_not_chosen(tx: Tx, case: Case, moment: Moment) -> None:
    """The customer did not choose in time: a person decides what they are given instead."""
    _undo_choice(tx, case, moment)
    on_trouble(tx, case, Trouble("not_chosen", {"order": case.order_name}), moment)


def _undo_choice(tx: Tx, case: Case, moment: Moment) -> None:
    links.shut(tx, case)
    harms.release(tx, case)
    authority.release(tx, case, moment.now)


def _changed_since(
    tx: Tx, case: Case, parts: Sequence[Part], order: Order | None
) -> Trouble | None:
    """Why what was offered can no longer be given as it was."""
    # Only a refund is borne by the order: a coupon, or cash by hand, is not.
    refunds = [p for p in parts if p.remedy == "refund" and p.till_id == case.till_id]
    total = sum(part.amount.minor for part in refunds if part.amount)
    if order is not None and (
        order.disputed in ("open", "lost")
        or order.refundable.minor < total
        or drift.refunded_since(tx, case, order)
    ):
        return Trouble("changed_since", {"order": order.name, "refundable": str(order.refundable)})
    return drift.forgotten(tx, case)


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
