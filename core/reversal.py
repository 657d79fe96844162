"""What may still become of a payout that was settled: the host says later that it never arrived, or
does not show it any more; or a person has its unspent part taken back.

`on_result` takes what came of any asking or sending, and leaves payouts that were not settled yet
to `core.flow`. The harm stays this case's: a person decides what is given instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from core import authority, booking, flow, ledger, tasks, writeback
from core import harm as harms
from core import payout as payouts
from core.approval import MAY_APPROVE, MayNotApprove, check_second_person
from core.case import Case, CaseState, CaseStep, Outcome
from core.errors import AmendsError
from core.limits import roles_of
from core.moment import Moment
from core.money import Money
from core.payout import Attempt, Payout, PayoutState
from core.people import Person
from core.ports import (
    Absent,
    Declined,
    Ending,
    Finding,
    Instruction,
    NotSent,
    Pays,
    Receipt,
    Settled,
    Till,
    Unknown,
)
from core.record import replace
from core.routing import Routing
from core.store import Reader, Tx


class CannotReverse(AmendsError):
    """The payout cannot be taken back; nothing changed."""


def on_result(
    tx: Tx,
    case: Case,
    payout: Payout,
    result: Ending | Finding,
    *,
    pays: Pays,
    routing: Routing,
    moment: Moment,
) -> None:
    """What came of sending a payout, of asking about it, or of taking it back."""
    if payout.state is PayoutState.SETTLED:
        _asked_again(tx, case, payout, result, moment)
    elif payout.state is PayoutState.REVERSING:
        _taken_back(tx, case, payout, result, moment)
    else:
        flow.on_payout(tx, case, payout, result, pays=pays, routing=routing, moment=moment)


def doubt(tx: Tx, payout: Payout, moment: Moment) -> None:
    """Something says that this settled payout is not as we know it: have the host asked."""
    tx.put(replace(payout, due_at=moment.now))
    tx.wake(Case, payout.case_id, moment.now)


# --------------------------------------------------------------------- settled, and then not


def _asked_again(
    tx: Tx, case: Case, payout: Payout, found: Ending | Finding, moment: Moment
) -> None:
    match found:
        case Settled():
            tx.put(replace(payout, due_at=None, why=None))
        case Declined(code, why):
            _failed(tx, case, payout, f"{code}: {why}", moment)
        case Absent():
            _not_as_known(tx, case, payout, "missing_at_host", "missing", moment)
        case Unknown(why) if why.startswith("differs"):
            _not_as_known(tx, case, payout, "differs_at_host", why, moment)
        case _:
            _ask_later(tx, case, payout, getattr(found, "why", "pending again"), moment)


def _failed(tx: Tx, case: Case, payout: Payout, why: str, moment: Moment) -> None:
    """The customer was not paid after all: booked back, and a person finds another way."""
    after = replace(payout, state=PayoutState.FAILED, due_at=None, why=why, changed_at=moment.now)
    tx.put(after)
    _undo(tx, payout, "failed", payouts.still_given(tx, payout), moment.now)
    authority.conclude(tx, after, moment.now)
    moment.log(tx, case.id, "payout_failed", flow.payout_doc(after))
    to_person(tx, case, "payment_failed", flow.payout_doc(after), moment)


def _not_as_known(tx: Tx, case: Case, payout: Payout, kind: str, why: str, moment: Moment) -> None:
    """The host's books say something else than ours, and not what is right."""
    if payout.due_at is None and payout.why == why:
        return  # a person knows
    after = replace(payout, due_at=None, why=why)
    tx.put(after)
    to_person(tx, case, kind, flow.payout_doc(after), moment)


def _ask_later(tx: Tx, case: Case, payout: Payout, why: str, moment: Moment) -> None:
    """`changed_at` becomes the time from which on it is not certain."""
    since = payout.changed_at if payout.why else moment.now
    due = moment.now + payouts.wait_of(payout.tries)
    after = replace(payout, due_at=due, why=why, changed_at=since, tries=payout.tries + 1)
    tx.put(after)
    if moment.now - since >= payouts.GIVE_UP:
        _not_as_known(tx, case, after, "differs_at_host", why, moment)


def to_person(tx: Tx, case: Case, kind: str, known: Mapping[str, object], moment: Moment) -> None:
    """A task and a note; a case that was closed is open again, with a person. Its ticket may have
    another open case by now, so it takes no open key."""
    task = tasks.open_task(tx, case, kind, known, moment)
    if task.opened_at == moment.now:
        writeback.plan_note(tx, case, kind, known, moment)
    if case.state is CaseState.CLOSED:
        again = replace(
            case,
            state=CaseState.WITH_PERSON,
            outcome=None,
            said=kind,
            due_at=moment.now,
            changed_at=moment.now,
        )
        tx.put(again)
    tx.wake(Case, case.id, moment.now)


# --------------------------------------------------------------------------------- taken back


def check_may(reader: Reader, case: Case, person: Person) -> None:
    """That this person may decide about what was given: an approver who did not ask for it.
    Raises `MayNotApprove`."""
    if not person.active or not MAY_APPROVE & roles_of(person):
        raise MayNotApprove(f"{person.name} is not an approver; an approver or admin must decide")
    check_second_person(reader, case, person)


def ask(tx: Tx, payout_id: str, person: Person, note: str, *, pays: Pays, moment: Moment) -> Payout:
    """Write down that the unspent part is to be taken back; the runner does it. May be asked again
    where it stayed unclear. Raises `CannotReverse` or `MayNotApprove`."""
    payout = payouts.locked(tx, payout_id)
    if payout is None:
        raise CannotReverse(f"there is no payout {payout_id}")
    case = tx.get(Case, payout.case_id)
    assert case is not None  # cases are never deleted
    if not note.strip():
        raise CannotReverse("say why it is taken back")
    if not pays.reversible:
        raise CannotReverse(f"this till does not take a {payout.remedy} back")
    stuck = payout.state is PayoutState.REVERSING and payout.due_at is None
    if payout.state is not PayoutState.SETTLED and not stuck:
        raise CannotReverse(f"{payout_id} is {payout.state}: only what is settled is taken back")
    if any(entry.kind == "reversed" for entry in ledger.entries_of(tx, payout_id)):
        raise CannotReverse(f"what was not spent of {payout_id} was taken back already")
    check_may(tx, case, person)
    tries = payout.tries + 1
    asked = replace(
        payout,
        state=PayoutState.REVERSING,
        due_at=moment.now,
        changed_at=moment.now,
        tries=tries,
        why=None,
    )
    tx.put(asked)
    tx.add(
        Attempt(
            id=moment.new("try"),
            payout_id=payout.id,
            number=tries,
            key=f"{payout.key}:back",
            request_hash=payouts.request_hash(payout),
            sent_at=moment.now,
        )
    )
    known = {**flow.payout_doc(asked), "by": person.id, "note": note}
    moment.log(tx, case.id, "payout_reversing", known)
    tx.wake(Case, case.id, moment.now)
    return asked


def take_back(till: Till, order: Instruction) -> Ending:
    """Take it back, then believe only what the host shows when asked again."""
    ending = till.reverse(order)
    if isinstance(ending, Declined | NotSent):
        return ending
    found = till.find(order)
    if isinstance(found, Absent):  # some hosts delete what is taken back
        gone = Receipt(host_object=order.host_object or order.payout_id, amount=order.amount)
        return ending if isinstance(ending, Settled) else Settled(gone)
    if isinstance(ending, Settled) and isinstance(found, Settled):
        return till.reverse(order)
    return Unknown(getattr(ending, "why", "the host does not show yet what it took back"))


def _taken_back(
    tx: Tx, case: Case, payout: Payout, ending: Ending | Finding, moment: Moment
) -> None:
    payouts.end_attempts(tx, payout, ending, moment.now)
    match ending:
        case Settled(receipt):
            back = payout.amount if receipt.amount is None else receipt.amount  # 0.00 is an answer
            _believed(tx, case, payout, back, moment)
        case Declined(code, why):
            _stands(tx, case, payout, f"{code}: {why}", moment)
        case _:
            why = getattr(ending, "why", "unclear")
            due: datetime | None = moment.now + payouts.wait_of(payout.tries)
            late = moment.now - payout.changed_at >= payouts.GIVE_UP
            after = replace(payout, due_at=None if late else due, why=why, tries=payout.tries + 1)
            tx.put(after)
            if late:
                to_person(tx, case, "not_reversed", flow.payout_doc(after), moment)


def _believed(tx: Tx, case: Case, payout: Payout, back: Money | None, moment: Moment) -> None:
    whole = payout.amount
    if back is not None and back.minor <= 0:
        _stands(tx, case, payout, "spent: nothing of it is left", moment)
        return
    if (
        back is not None
        and whole is not None
        and (back.currency != whole.currency or back.minor > whole.minor)
    ):
        after = replace(payout, due_at=None, why=f"differs: the host took back {back} of {whole}")
        tx.put(after)
        to_person(tx, case, "not_reversed", flow.payout_doc(after), moment)
        return
    state = PayoutState.REVERSED if back == whole else PayoutState.SETTLED
    after = replace(payout, state=state, due_at=None, why=None, changed_at=moment.now)
    tx.put(after)
    had = payouts.still_given(tx, payout)
    if back is not None:
        _undo(tx, payout, "reversed", back, moment.now)
    authority.conclude(tx, after, moment.now)
    if had is not None and back is not None:
        authority.count_as(tx, after, had - back)
    known = {
        **flow.payout_doc(after),
        "minor": back.minor if back is not None else None,
        **_asked_by(tx, after),
    }
    moment.log(tx, case.id, "payout_reversed", known)
    given = {**writeback.given_doc(after), "minor": known["minor"]}
    writeback.plan_note(tx, case, "reversed", {**known, "given": [given]}, moment)
    ended = case
    if not payouts.standing(tx, [case.id]):
        harms.release(tx, case)
        if case.state is CaseState.CLOSED:
            ended = replace(case, outcome=Outcome.REVERSED, said="reversed")
    tx.put(replace(ended, due_at=moment.now, changed_at=moment.now))


def _stands(tx: Tx, case: Case, payout: Payout, why: str, moment: Moment) -> None:
    """The host takes nothing back: what the customer has stands."""
    tx.put(replace(payout, state=PayoutState.SETTLED, due_at=None, why=None))
    known = {**flow.payout_doc(payout), "why": why}
    moment.log(tx, case.id, "reversal_refused", known)
    tasks.open_task(tx, case, "not_reversed", known, moment)


def _asked_by(reader: Reader, payout: Payout) -> dict[str, object]:
    """Who had it taken back, and why: out of the case's story."""
    for step in reader.find(CaseStep, case_id=payout.case_id, newest_first=True):
        data = step.data if isinstance(step.data, Mapping) else {}
        if step.what == "payout_reversing" and data.get("payout") == payout.id:
            return {"by": data.get("by"), "note": data.get("note")}
    return {}


# ------------------------------------------------------------------------------------ postings


def _undo(tx: Tx, payout: Payout, kind: str, amount: Money | None, now: datetime) -> None:
    given = booking.standing(ledger.entries_of(tx, payout.id))
    if given and amount is not None:
        ledger.post(tx, booking.undoing(given, kind, 1, amount), now=now)
