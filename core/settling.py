"""What came of sending a payout or of asking about it, and what follows for its case."""

from __future__ import annotations

from datetime import datetime

from core import authority, dispute, opening, restore, tasks, writeback
from core import payout as payouts
from core.case import Case, Outcome
from core.ending import end, with_person
from core.facts import Trouble
from core.moment import Moment
from core.payout import FINAL, Payout, PayoutState
from core.ports import LOOK_FIRST, Ending, Finding, Pays
from core.record import replace
from core.routing import Routing
from core.store import Tx

#: Tasks about the way to the payouts, which are over with the last of them; each payout's own is
#: over when it has settled, and what was given besides, or the ticket does not take, stays.
_ON_THE_WAY = frozenset({"host_unavailable", "host_denied", "our_fault", "nobody_can_approve"})


def on_payout(
    tx: Tx,
    case: Case,
    payout: Payout,
    result: Ending | Finding,
    *,
    pays: Pays,
    routing: Routing,
    moment: Moment,
) -> None:
    """What came of sending a payout or of asking about it."""
    borne = authority.budgets_of(tx, payout)
    after = payouts.conclude(tx, payout, result, pays=pays, moment=moment, budgets=borne)
    authority.conclude(tx, after, moment.now)
    if payouts.may_send(after) and dispute.is_open(tx, case.id):
        dispute.hold(tx, case, after, moment)
    if after.state is not payout.state or after.state is PayoutState.SETTLED:
        what = "payout_look_first" if must_look_first(after) else f"payout_{after.state}"
        moment.log(tx, case.id, what, payout_doc(after))
    if after.state is PayoutState.SETTLED:
        tasks.close_about(tx, case, after.id, "settled", moment.now)
    trouble = _trouble_of(after, pays, moment.now)
    if trouble is not None:
        task = tasks.open_task(tx, case, trouble.kind, trouble.known, moment)
        if task.opened_at == moment.now:
            writeback.plan_note(tx, case, trouble.kind, trouble.known, moment)
    after_payouts(tx, case, routing, moment)


def on_perhaps_given(tx: Tx, case: Case, payout: Payout, routing: Routing, moment: Moment) -> None:
    """It may have been given before the database was put back (`restore.perhaps_given`): it waits
    until a person has looked for it."""
    held = replace(
        payout,
        state=PayoutState.NOT_SENT,
        due_at=None,
        changed_at=moment.now,
        why=restore.PERHAPS_GIVEN,
    )
    tx.put(held)
    known = {**payout_doc(held), "why": None}
    moment.log(tx, case.id, "payout_held", known)
    tasks.open_task(tx, case, restore.PERHAPS_GIVEN, known, moment)
    writeback.plan_note(tx, case, restore.PERHAPS_GIVEN, known, moment)
    after_payouts(tx, case, routing, moment)


def after_payouts(tx: Tx, case: Case, routing: Routing, moment: Moment) -> None:
    all_of_them = tx.find(Payout, case_id=case.id)
    if all(p.state is PayoutState.SETTLED for p in all_of_them):
        tasks.close_tasks(tx, case, "settled", moment.now, kinds=_ON_THE_WAY)
        done = replace(case, said=None)
        writeback.plan_made_good(tx, done, routing, all_of_them, moment)
        end(tx, done, Outcome.MADE_GOOD, "made_good", moment)
        opening.on_owed(tx, done, routing, moment)
    elif all(p.state in FINAL or p.due_at is None for p in all_of_them):
        tx.put(with_person(case, "not_all_paid", moment.now))
    else:
        tx.put(replace(case, said="paying", changed_at=moment.now))


def _trouble_of(payout: Payout, pays: Pays, now: datetime) -> Trouble | None:
    known = payout_doc(payout)
    waited = now - payouts.begun_at(payout)
    if payout.state is PayoutState.PENDING and pays.by_hand:
        return Trouble("pay_by_hand", known)
    if payout.state is PayoutState.PENDING and waited >= payouts.PENDING_LONG:
        since = payouts.begun_at(payout).isoformat()
        return Trouble("pending_too_long", {**known, "since": since})
    if payout.state is PayoutState.DECLINED:
        if must_look_first(payout):
            return Trouble("look_first", known)
        return Trouble("declined_by_host", known)
    if payout.state is PayoutState.UNKNOWN:
        differs = (payout.why or "").startswith("differs")
        if payout.due_at is None or differs or waited >= payouts.GIVE_UP:
            return Trouble("unknown_outcome", known)
    if payout.state is PayoutState.NOT_SENT and now - payout.created_at >= payouts.GIVE_UP:
        return Trouble("host_unavailable", known)
    return None


def must_look_first(payout: Payout) -> bool:
    """Refused, and perhaps paid all the same."""
    declined = payout.state is PayoutState.DECLINED
    return declined and (payout.why or "").startswith(f"{LOOK_FIRST}:")


def payout_doc(payout: Payout) -> dict[str, object]:
    """A payout as the story, tasks and notes tell of it."""
    return {
        "payout": payout.id,
        "remedy": payout.remedy,
        "minor": payout.amount_minor,
        "currency": payout.currency,
        "till": payout.till_id,
        "order": payout.order_id,
        "host_object": payout.host_object,
        "why": payout.why,
    }
