"""A person ends what no host would say: where a payout is, or that it is nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from core import authority, dispute, flow, restore, reversal, tasks, writeback
from core import harm as harms
from core import payout as payouts
from core.case import Case, CaseState, Outcome
from core.connection import HostPayout
from core.dispute import DISPUTED
from core.ending import with_person
from core.errors import AmendsError
from core.moment import Moment
from core.payout import GONE, Payout, PayoutState
from core.people import Person
from core.ports import Instruction, Pays, Pending, Receipt, Settled, Till, Unknown
from core.routing import Routing
from core.store import Reader, Tx

#: What a person may end with what the host shows.
_SETTLES = frozenset({PayoutState.UNKNOWN, PayoutState.DECLINED, PayoutState.FAILED})


class CannotResolve(AmendsError):
    """The payout is not in doubt, or the host does not say what the person says."""


def pointed(order: Instruction, host_object: str) -> Instruction:
    """The instruction of a payout, to be found by what a person says is its id at the host."""
    return replace(order, host_object=host_object)


def at_host(till: Till, order: Instruction, since: datetime | None = None) -> Settled:
    """What the host itself shows under this id. Raises `CannotResolve` unless it is what was asked
    for, and nothing else carries our mark. With `since`, another sum counts too, and one of which
    the host does not know the end, if it lists that with our mark."""
    marked = payouts.ask(till, replace(order, host_object=None))
    if isinstance(marked, Settled | Pending) and order.host_object != marked.receipt.host_object:
        raise CannotResolve(f"the host shows our mark on {marked.receipt.host_object}")
    found = payouts.ask(till, order)
    listed = _listed(till, order, since) if since and isinstance(found, Unknown) else None
    if listed is not None:
        return Settled(listed)
    if not isinstance(found, Settled):
        why = getattr(found, "why", "it is not there, or not finished")
        raise CannotResolve(f"the host does not show it under {order.host_object}: {why}")
    return found


def _listed(till: Till, order: Instruction, since: datetime) -> Receipt | None:
    """Raises `HostError`."""
    for one in till.recent(since):
        ours = (one.host_object, one.remedy, one.marker) == (
            order.host_object, order.remedy, order.marker
        )  # fmt: skip
        alike = one.amount and order.amount and one.amount.currency == order.amount.currency
        if ours and alike and one.ending != "failed":
            return Receipt(
                host_object=one.host_object,
                amount=one.amount,
                quantity=order.quantity,
                order_id=one.order_id,
                at=one.at,
            )
    return None


def routing_of(reader: Reader, payout: Payout, of_desk: Callable[[str], Routing]) -> Routing:
    case = reader.get(Case, payout.case_id)
    assert case is not None  # cases are never deleted
    return of_desk(case.desk_id)


def settle(
    tx: Tx,
    payout_id: str,
    person: Person,
    proof: Settled,
    *,
    pays: Pays,
    routing: Routing,
    moment: Moment,
) -> Payout:
    """A person found it, and the host showed it (`at_host`): it settles like any other, also where
    it was held for refused or failed. Raises `CannotResolve` or `core.approval.MayNotApprove`."""
    payout, case = _of(tx, payout_id, person)
    if payout.state not in _SETTLES:
        raise CannotResolve(f"{payout_id} is not in doubt; see `amends payout show`")
    asked, paid = payout.amount_minor, proof.receipt.amount
    if paid is not None and paid != payout.amount:  # what was paid is what is booked
        payout = replace(payout, amount_minor=paid.minor)
    known = {
        **flow.payout_doc(payout),
        "asked_minor": asked,
        "by": person.id,
        "host_object": proof.receipt.host_object,
    }
    moment.log(tx, case.id, "settled_by_person", known)
    gone = payout.state in GONE
    if gone:  # what it held was let go
        authority.hold_again(tx, payout)
    if case.state is CaseState.CLOSED:
        _book(tx, case, payout, proof, pays=pays, routing=routing, moment=moment)
    else:
        flow.on_payout(tx, case, payout, proof, pays=pays, routing=routing, moment=moment)
    after = tx.get(Payout, payout_id)
    assert after is not None
    if after.state is not PayoutState.SETTLED:
        raise CannotResolve(f"{proof.receipt.host_object} settled another payout already")
    if after.amount is not None and after.amount_minor != asked:
        authority.count_as(tx, after, after.amount)
    seen = tx.find(HostPayout, connection_id=payout.till_id, host_object=after.host_object)
    for row in seen:  # what was drift is explained by this
        tx.put(replace(row, payout_id=payout.id))
    tasks.close_about(tx, case, payout.id, "settled", moment.now)
    if gone:
        _claim_again(tx, case, moment)
    tx.wake(Case, case.id, moment.now)
    return after


def _book(
    tx: Tx,
    case: Case,
    payout: Payout,
    proof: Settled,
    *,
    pays: Pays,
    routing: Routing,
    moment: Moment,
) -> None:
    """The case ended without it, and stays ended: what was given stands, and the customer, who was
    told nothing of it, is told now."""
    borne = authority.budgets_of(tx, payout)
    after = payouts.conclude(tx, payout, proof, pays=pays, moment=moment, budgets=borne)
    authority.conclude(tx, after, moment.now)
    moment.log(tx, case.id, f"payout_{after.state}", flow.payout_doc(after))
    writeback.plan_made_good(tx, case, routing, tx.find(Payout, case_id=case.id), moment)
    tx.put(replace(case, outcome=Outcome.MADE_GOOD, said="made_good", changed_at=moment.now))


def _claim_again(tx: Tx, case: Case, moment: Moment) -> None:
    """The harm was made good in this case after all. Where another was given it meanwhile, a person
    sees both."""
    other = harms.claim_again(tx, case)
    now = tx.get(Case, case.id)
    if other is not None and now is not None:
        known = {"first_case": other.id, "first_ticket": other.ticket_id}
        reversal.to_person(tx, now, "harm_already_made_good", known, moment)


def absent(
    tx: Tx, payout_id: str, person: Person, note: str, *, pays: Pays, moment: Moment
) -> Payout:
    """A person looked where we cannot, and it is not there: it may be sent again, under a new key.
    So too what may have been given before a restore. Raises `CannotResolve` or
    `core.approval.MayNotApprove`."""
    if not note.strip():
        raise CannotResolve("say where you looked")
    payout, case = _of(tx, payout_id, person)
    held = restore.is_held(payout)
    if not held and (pays.retry != "none" or pays.by_hand):
        raise CannotResolve("this host can be asked by us; what it says is what counts")
    if not held and payout.state is not PayoutState.UNKNOWN:
        raise CannotResolve(f"{payout_id} is not in doubt; see `amends payout show`")
    after = replace(
        payout,
        state=PayoutState.NOT_SENT,
        key_number=payout.key_number + (0 if held else 1),
        due_at=moment.now,
        changed_at=moment.now,
        why="absent",
    )
    tx.put(after)
    known = {**flow.payout_doc(after), "by": person.id, "note": note}
    moment.log(tx, case.id, "absent_by_person", known)
    tasks.close_about(tx, case, payout.id, note, moment.now)
    if dispute.is_open(tx, case.id):
        dispute.hold(tx, case, after, moment)
        going_on = with_person(case, DISPUTED, moment.now)
    else:
        going_on = replace(
            case, state=CaseState.PAYING, said="paying", due_at=moment.now, changed_at=moment.now
        )
    tx.put(going_on)
    tx.wake(Case, case.id, moment.now)
    return after


def _of(tx: Tx, payout_id: str, person: Person) -> tuple[Payout, Case]:
    payout = payouts.locked(tx, payout_id)
    if payout is None:
        raise CannotResolve(f"there is no payout {payout_id}")
    case = tx.get(Case, payout.case_id)
    assert case is not None  # cases are never deleted
    reversal.check_may(tx, case, person)
    return payout, case
