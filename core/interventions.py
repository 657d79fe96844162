"""What comes in between the stages of a case: a dispute over its payment, and the decision of a
person that more is given for a harm that was made good."""

from __future__ import annotations

from core import approval as approvals
from core import authority, dispute, flow, tasks
from core import harm as harms
from core import link as links
from core.approval import MayNotApprove
from core.case import WAITING, Case, CaseState
from core.dispute import DISPUTED
from core.ending import with_person
from core.errors import AmendsError
from core.facts import Trouble
from core.limits import roles_of
from core.moment import Moment
from core.payout import Payout, may_send
from core.people import Person
from core.record import replace
from core.store import AlreadyExists, Tx

#: How a case stands that the guard stopped, and that somebody may let go on.
_STOPPED = frozenset(
    {"duplicate", "owed_and_goodwill", "harm_already_made_good", "forgotten_payout"}
)


class NothingToOverride(AmendsError):
    """The case was not stopped because the harm was made good already."""


def is_stopped(case: Case) -> bool:
    """Whether the guard stopped it, and somebody with the authority may let it go on."""
    return case.said in _STOPPED


def override(tx: Tx, case_id: str, person: Person, note: str, moment: Moment) -> Case:
    """More is given for the same harm, by decision of a second person who may approve. The case
    starts over, asked for by them: out of their limits, and with another person's yes above those.

    Raises `NothingToOverride`, or `core.approval.MayNotApprove`.
    """
    case = tx.lock(Case, case_id)
    if case is None or not is_stopped(case):
        raise NothingToOverride(f"{case_id} was not stopped by what was given before")
    if not person.active or not approvals.MAY_APPROVE & roles_of(person):
        raise MayNotApprove(f"{person.name} is not an approver; an approver or admin must decide")
    approvals.check_second_person(tx, case, person)
    tasks.close_tasks(tx, case, note, moment.now)
    after = replace(
        case,
        state=CaseState.GATHERING,
        outcome=None,
        said=None,
        duplicate_of=None,
        open_key=f"{case.desk_id}|{case.ticket_id}",
        due_at=moment.now,
        looked_at=moment.now,
        changed_at=moment.now,
        tries=0,
        overridden_by=person.id,
        override_note=note,
    )
    try:
        tx.put(after)
    except AlreadyExists:
        raise NothingToOverride(
            f"ticket {case.ticket_id} has another open case; finish that one first"
        ) from None
    said = {"by": person.id, "note": note, "first_case": case.duplicate_of}
    moment.log(tx, case.id, "overridden", said)
    tx.wake(Case, case.id, moment.now)
    return after


def on_dispute(tx: Tx, till_id: str, order_id: str, state: str, moment: Moment) -> None:
    """A payment is disputed (open, lost), or no longer (won). What has not been sent waits, and
    what waits for a yes is put to a person; once it is won, they go on. A host's word of it is
    enough to wait; before anything is released the order is read again."""
    paying = {p.case_id for p in tx.find(Payout, till_id=till_id, order_id=order_id)}
    states = (*WAITING, CaseState.WITH_PERSON, CaseState.PAYING)
    held_up = tx.find(Case, state=states, till_id=till_id, order_id=order_id)
    for id in sorted(paying | {case.id for case in held_up}):
        case = tx.lock(Case, id)
        assert case is not None  # cases are never deleted
        moment.log(tx, id, "dispute", {"state": state})
        if state == "won":
            _go_on(tx, case, moment)
        else:
            _hold(tx, case, moment)
        tx.wake(Case, id, moment.now)


def _hold(tx: Tx, case: Case, moment: Moment) -> None:
    if case.state in WAITING:
        approvals.void(tx, approvals.asked(tx, case.id))
        links.shut(tx, case)
        harms.release(tx, case)
        authority.release(tx, case, moment.now)
        flow.on_trouble(tx, case, Trouble(DISPUTED, {"order": case.order_name}), moment)
        return
    paid = tx.find(Payout, case_id=case.id)
    unsent = [p for p in paid if may_send(p) and p.due_at is not None]
    for payout in unsent:
        dispute.hold(tx, case, payout, moment)
    if not unsent:
        return
    under_way = [p for p in paid if p not in unsent and p.due_at is not None]
    if under_way:  # the case goes on with those, and is put to a person after them
        tx.put(replace(case, said=DISPUTED, changed_at=moment.now))
    else:
        tx.put(with_person(case, DISPUTED, moment.now))


def _go_on(tx: Tx, case: Case, moment: Moment) -> None:
    if case.state is CaseState.CLOSED:
        return
    held = [p for p in tx.find(Payout, case_id=case.id) if may_send(p) and p.why == DISPUTED]
    if not held:
        if case.said == DISPUTED and flow.may_look_again(tx, case):
            flow.look_again(tx, case, moment)
        return
    tasks.close_tasks(tx, case, "the dispute was won", moment.now, kinds={DISPUTED})
    for payout in held:
        tx.put(replace(payout, due_at=moment.now, why=None))
    tx.put(replace(case, state=CaseState.PAYING, said="paying", changed_at=moment.now))
