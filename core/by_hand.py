"""Remedies that a person pays: a task asks for it, and ends it with a proof or with why not.

Money, points or goods go out outside of Amends, so a person's word is the only thing there is to
believe: it is kept with their name on the task, and the payout settles like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core import flow, tasks
from core.case import Case, Task
from core.errors import AmendsError
from core.moment import Moment
from core.payout import Payout, PayoutState, locked
from core.ports import Declined, Ending, Pays, Receipt, Settled
from core.routing import Routing
from core.store import Reader, Tx

KIND = "pay_by_hand"


class NotByHand(AmendsError):
    """The task is not about something a person pays, or it needs a proof."""


def payout_of(reader: Reader, task: Task) -> Payout:
    """The payout a task asks a person to pay. Raises `NotByHand`."""
    known = task.known.get("payout") if isinstance(task.known, Mapping) else None
    payout = reader.get(Payout, known) if isinstance(known, str) and task.kind == KIND else None
    if payout is None:
        raise NotByHand(f"{task.id} does not ask anybody to pay something by hand")
    return payout


def paid(
    tx: Tx,
    task_id: str,
    person_id: str,
    proof: str,
    *,
    pays: Pays,
    routing: Routing,
    moment: Moment,
) -> Payout:
    """A person paid it. `proof` is what others can look it up by: a bank's reference, a receipt's
    number; never a code the customer redeems. Raises `NotOpen`, `NotByHand`."""
    if not proof.strip():
        raise NotByHand("say what proves it: the bank's reference, or the receipt's number")

    def ending(payout: Payout) -> Ending:
        return Settled(
            Receipt(
                host_object=payout.host_object or payout.id,
                amount=payout.amount,
                quantity=payout.quantity,
                order_id=payout.order_id,
                at=moment.now,
            )
        )

    return _end(tx, task_id, person_id, proof, ending, pays=pays, routing=routing, moment=moment)


def not_paid(
    tx: Tx,
    task_id: str,
    person_id: str,
    why: str,
    *,
    pays: Pays,
    routing: Routing,
    moment: Moment,
) -> Payout:
    """A person says that it will not be paid. Raises `NotOpen`, `NotByHand`."""
    if not why.strip():
        raise NotByHand("say why it is not paid")
    return _end(
        tx,
        task_id,
        person_id,
        why,
        lambda _: Declined("not_paid_by_hand", why),
        pays=pays,
        routing=routing,
        moment=moment,
    )


def _end(
    tx: Tx,
    task_id: str,
    person_id: str,
    note: str,
    ending: Callable[[Payout], Ending],
    *,
    pays: Pays,
    routing: Routing,
    moment: Moment,
) -> Payout:
    task = tasks.done(tx, task_id, person_id, note, moment)
    payout = locked(tx, payout_of(tx, task).id)
    assert payout is not None  # payouts are never deleted
    case = tx.get(Case, payout.case_id)
    assert case is not None  # nor are cases
    if payout.state is not PayoutState.PENDING:
        raise NotByHand(f"{payout.id} waits for nobody: it is {payout.state}")
    flow.on_payout(tx, case, payout, ending(payout), pays=pays, routing=routing, moment=moment)
    tx.wake(Case, case.id, moment.now)
    after = tx.get(Payout, payout.id)
    assert after is not None
    return after
