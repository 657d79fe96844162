"""The one file that joins the stages: what a case needs next, and what follows from what happened.

`next_action` is pure. The runner performs the action (the only part that talks to hosts) and hands
the result to one of the `on_...` functions inside a transaction. Every step is short, ends in one
commit and may run twice, late, or after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core import approval as approvals
from core import authority, drift, permission, tasks, writeback
from core import harm as harms
from core import offer as offers
from core import payout as payouts
from core.approval import Approval
from core.authority import Bound, Wish
from core.case import Case, CaseState, CaseTicket, Outcome, Writing
from core.facts import Trouble
from core.harm import Claimed, Taken
from core.moment import Moment
from core.offer import Offer, Part
from core.payout import FINAL, Payout, PayoutState
from core.ports import Ending, Finding, HostDenied, HostError, Order, Pays
from core.routing import Routing
from core.store import Reader, Tx
from core.terms import Terms

#: A case whose facts cannot be had for so long is put to a person (and still tried again).
PATIENCE = timedelta(hours=24)
#: One act of an agent may come as several deliveries (an event and a trigger's call).
SAME_ACT = timedelta(seconds=5)
FAULTS_BEFORE_TASK = 3
_RECONNECT_WAIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A case with what is still open about it."""

    case: Case
    payouts: Sequence[Payout]
    writings: Sequence[Writing]
    approvals: Sequence[Approval]  # what its newest request needs


@dataclass(frozen=True, slots=True)
class Gather:
    """Read the ticket and the customer's orders, and decide."""


@dataclass(frozen=True, slots=True)
class Release:
    """Everybody who has to agreed: look at the order again, then pay."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Somebody's no, or the time ran out: end the offer."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class Remind:
    """Nobody has answered for a while: tell them again."""

    approvals: Sequence[Approval]


@dataclass(frozen=True, slots=True)
class Send:
    payout: Payout


@dataclass(frozen=True, slots=True)
class Ask:
    payout: Payout


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A person wants the unspent part back."""

    payout: Payout


@dataclass(frozen=True, slots=True)
class Write:
    writings: Sequence[Writing]


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do before `until`; None: not before something wakes the case."""

    until: datetime | None


Action = Gather | Release | Settle | Remind | Send | Ask | TakeBack | Write | Rest


def load(reader: Reader, case_id: str) -> CaseFile:
    case = reader.get(Case, case_id)
    if case is None:
        raise LookupError(case_id)
    waiting = case.state is CaseState.WAITING_APPROVAL
    gathering = case.state is CaseState.GATHERING
    return CaseFile(
        case=case,
        payouts=[] if gathering else reader.find(Payout, case_id=case_id),
        writings=reader.find(Writing, case_id=case_id, state="planned"),
        approvals=approvals.asked(reader, case_id) if waiting else [],
    )


def next_action(file: CaseFile, now: datetime) -> Action:
    """What to do now. Money comes first, then the ticket, then waiting."""
    case = file.case
    if case.state is CaseState.GATHERING and _is_due(case.due_at, now):
        return Gather()
    # A till that could not be asked is asked again when the case is due, not at once.
    if _all_agreed(file) and (not case.tries or _is_due(case.due_at, now)):
        return Release()
    waiting = [row for row in file.approvals if row.state == "waiting"]
    for row in file.approvals:
        if row.state not in ("granted", "waiting") or (row in waiting and now >= row.expires_at):
            return Settle(row)
    if any(_is_due(row.remind_at, now) for row in waiting):
        return Remind(waiting)
    for payout in file.payouts:
        if _is_due(payout.due_at, now):
            return _about(payout)
    due = [w for w in file.writings if _is_due(w.due_at, now)]
    if due:
        return Write(due)
    return Rest(_next_due(file))


def _about(payout: Payout) -> Action:
    if payout.state is PayoutState.REVERSING:
        return TakeBack(payout)
    return Send(payout) if payouts.may_send(payout) else Ask(payout)


def _is_due(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now


def _all_agreed(file: CaseFile) -> bool:
    return bool(file.approvals) and all(row.state == "granted" for row in file.approvals)


def _next_due(file: CaseFile) -> datetime | None:
    dues = [p.due_at for p in file.payouts]
    dues += [w.due_at for w in file.writings]
    if file.case.state is CaseState.GATHERING or _all_agreed(file):
        dues.append(file.case.due_at)
    for row in file.approvals:
        if row.state == "waiting":
            dues += [row.expires_at, row.remind_at]
    return min((d for d in dues if d is not None), default=None)


# ------------------------------------------------------------------------- a ticket was solved


def on_solved(
    tx: Tx,
    desk_id: str,
    ticket_id: str,
    *,
    actor_id: str | None,
    received_at: datetime,
    routing: Routing,
    moment: Moment,
) -> Case | None:
    """A case to open for the ticket; or None where its newest case covers this: it is open (and
    looks again if it waits for a person), or was opened by another delivery of the same act."""
    newest = tx.find(Case, desk_id=desk_id, ticket_id=ticket_id, newest_first=True, limit=1)
    case = tx.lock(Case, newest[0].id) if newest else None
    # A ticket found unsolved was reopened before Amends looked; solving it then is another act.
    looked = case is not None and case.said != "not_solved"
    if case is not None and looked and received_at <= case.looked_at + SAME_ACT:
        moment.log(tx, case.id, "delivery_again")
        return None
    if case is not None and case.state is not CaseState.CLOSED:
        if may_look_again(tx, case):
            look_again(tx, case, moment)
        else:
            moment.log(tx, case.id, "solved_again")
        return None
    return Case(
        id=moment.new("case"),
        state=CaseState.GATHERING,
        desk_id=desk_id,
        ticket_id=ticket_id,
        opened_at=moment.now,
        looked_at=moment.now,
        changed_at=moment.now,
        due_at=moment.now,
        open_key=f"{desk_id}|{ticket_id}",
        mode=routing.mode,
        asked_by=actor_id,
    )


def may_look_again(reader: Reader, case: Case) -> bool:
    """Only a case with which nothing was promised yet may start over."""
    return case.state is CaseState.WITH_PERSON and not reader.count(Payout, case_id=case.id)


def look_again(tx: Tx, case: Case, moment: Moment) -> None:
    tasks.close_tasks(tx, case, "looked again", moment.now)
    again = replace(
        case,
        state=CaseState.GATHERING,
        looked_at=moment.now,
        changed_at=moment.now,
        due_at=moment.now,
        tries=0,
        said=None,
    )
    tx.put(again)
    moment.log(tx, case.id, "looked_again")
    tx.wake(Case, case.id, moment.now)


# ------------------------------------------------------------------------------ facts gathered


def on_host_trouble(tx: Tx, case: Case, error: HostError, moment: Moment) -> None:
    """A host did not give the facts: wait and say so; after a day, or where only a person can mend
    the connection, put it to a person as well, and go on trying."""
    denied = isinstance(error, HostDenied)
    wait = _RECONNECT_WAIT if denied else payouts.wait_of(case.tries + 1)
    code = "host_denied" if denied else "host_unavailable"
    if denied or moment.now - case.opened_at > PATIENCE:
        tasks.open_task(tx, case, code, {"said": str(error)}, moment)
    if case.said != code:
        moment.log(tx, case.id, code, {"said": str(error)})
    due = moment.now + max(wait, error.retry_after or timedelta(0))
    tx.put(replace(case, tries=case.tries + 1, said=code, due_at=due, changed_at=moment.now))


def on_fault(tx: Tx, case: Case, what: str, moment: Moment) -> None:
    """A step failed by a fault of ours. It is taken again later; a person is told when it stays."""
    tries = case.tries + 1
    if tries >= FAULTS_BEFORE_TASK:
        tasks.open_task(tx, case, "our_fault", {"what": what}, moment)
    if case.said != "our_fault":
        moment.log(tx, case.id, "our_fault", {"what": what})
    due = moment.now + payouts.wait_of(tries)
    tx.put(replace(case, tries=tries, said="our_fault", due_at=due, changed_at=moment.now))


def on_trouble(tx: Tx, case: Case, trouble: Trouble, moment: Moment) -> None:
    """No decision can be taken: a private note says why, and a person has a task."""
    tasks.close_tasks(tx, case, "facts gathered", moment.now)
    if trouble.kind == "not_solved":
        _close(tx, case, Outcome.NOTHING_DUE, "not_solved", moment)
        return
    tasks.open_task(tx, case, trouble.kind, trouble.known, moment)
    if trouble.kind != "ticket_closed":
        writeback.plan_note(tx, case, trouble.kind, trouble.known, moment)
    tx.put(_with_person(case, trouble.kind, moment.now))


def on_terms(tx: Tx, case: Case, routing: Routing, terms: Terms, moment: Moment) -> None:
    """A decision was taken: claim the harm, then do what the mode and the policy allow."""
    tasks.close_tasks(tx, case, "facts gathered", moment.now)
    case = replace(
        case,
        reason=terms.reason,
        language=terms.language,
        till_id=terms.subject.till_id,
        order_id=terms.subject.order.id,
        order_name=terms.subject.order.name,
        policy=terms.policy_name,
        policy_hash=terms.policy_hash,
        facts=terms.facts,
        decision=terms.decision,
        requested_by=terms.requested_by,
        asked_by=terms.asked_by,
        tries=0,
        said=None,
        changed_at=moment.now,
    )
    moment.log(tx, case.id, "decided", terms.summary)
    if not terms.parts:
        writeback.plan_note(tx, case, "nothing_due", terms.summary, moment)
        _close(tx, case, Outcome.NOTHING_DUE, "nothing_due", moment)
    elif case.mode == "shadow":
        _close(tx, case, Outcome.SHADOWED, "shadow", moment)
    elif case.mode == "suggest":
        writeback.plan_note(tx, case, "suggested", terms.summary, moment)
        _close(tx, case, Outcome.SUGGESTED, "suggest", moment)
    else:
        _act(tx, case, routing, terms, moment)


def _act(tx: Tx, case: Case, routing: Routing, terms: Terms, moment: Moment) -> None:
    lost = drift.forgotten(tx, case)
    if lost is not None:
        on_trouble(tx, case, lost, moment)
        return
    claimed = harms.claim(
        tx,
        case,
        terms.subject,
        routing.cause_of(terms.reason),
        terms.basis,
        terms.today,
        moment,
        mark=terms.mark,
        on_account=terms.on_account,
    )
    if isinstance(claimed, Taken):
        _taken(tx, case, claimed, moment)
        return
    case = replace(case, customer_id=claimed.customers[0], harm_id=claimed.harm.id)
    tx.put(case)
    parts = _owed_beside_goodwill(tx, case, terms.parts, claimed, moment)
    if parts is None:
        return
    buyer, order = terms.subject.buyer, terms.subject.order
    wish = authority.wish_for(case, terms.basis, parts, order, claimed.customers)
    spent = buyer.spent if buyer else None
    asks = permission.permit(tx, wish, ask=terms.ask, spent=spent, moment=moment)
    if isinstance(asks, Bound):
        _over_limit(tx, case, wish, asks, moment)
        return
    offer = offers.make(tx, case, terms.basis, parts, moment)
    if asks is not None:
        permission.ask(tx, case, offer, wish, asks, moment)
        said = {**terms.summary, **(asks.bound.known(None) if asks.bound else {})}
        writeback.plan_note(tx, case, "waiting_approval", said, moment)
        tx.put(replace(case, state=CaseState.WAITING_APPROVAL, said="waiting_approval"))
        return
    _accept(tx, case, routing, offer, None, moment)


def _over_limit(tx: Tx, case: Case, wish: Wish, bound: Bound, moment: Moment) -> None:
    """A limit that nobody's yes lifts: nothing is reserved, and a person is told which."""
    known = {"order": case.order_name, **bound.known(permission.sum_of(wish.parts))}
    harms.release(tx, case)
    authority.release(tx, case, moment.now)
    moment.log(tx, case.id, "over_limit", known)
    on_trouble(tx, case, Trouble("over_limit", known), moment)


def _owed_beside_goodwill(
    tx: Tx, case: Case, parts: Sequence[Part], claimed: Claimed, moment: Moment
) -> Sequence[Part] | None:
    """What is owed where goodwill was given for the same harm: less the goodwill where that was
    given on account, else (None) a person decides with both sums before them."""
    given = payouts.standing(tx, [harm.case_id for harm in claimed.goodwill])
    if not given:
        return parts
    left = offers.less(parts, [p.amount for p in given])
    if left is not None and all(harm.on_account for harm in claimed.goodwill):
        if not left:
            known = {"order": case.order_name, "other_case": claimed.goodwill[0].case_id}
            writeback.plan_note(tx, case, "nothing_due", known, moment)
            _close(tx, case, Outcome.NOTHING_DUE, "on_account", moment)
            return None
        return left
    harms.release(tx, case)
    known = {
        "owed": permission.sum_of(parts),
        "goodwill": payouts.sum_of(given),
        "other_case": claimed.goodwill[0].case_id,
        "order": case.order_name,
    }
    on_trouble(tx, case, Trouble("owed_and_goodwill", known), moment)
    return None


def _taken(tx: Tx, case: Case, taken: Taken, moment: Moment) -> None:
    if taken.alike:
        known = {"first_case": taken.first.id, "first_ticket": taken.first.ticket_id}
        on_trouble(tx, case, Trouble("harm_already_made_good", known), moment)
    else:
        _duplicate(tx, case, taken.first, moment)


def _accept(
    tx: Tx, case: Case, routing: Routing, offer: Offer, by: str | None, moment: Moment
) -> None:
    planned = offers.accept(tx, case, offer, by, moment)
    paying = replace(case, state=CaseState.PAYING, said=None, changed_at=moment.now)
    tx.put(paying)
    if not planned:  # an apology alone: there is nothing to wait for
        _after_payouts(tx, paying, routing, moment)


def _duplicate(tx: Tx, case: Case, first: Case, moment: Moment) -> None:
    """The same harm is made good already. Silent on the same ticket (solved, reopened, solved
    again); on another one a private note points to the first."""
    if not tx.count(CaseTicket, case_id=first.id, desk_id=case.desk_id, ticket_id=case.ticket_id):
        tx.add(
            CaseTicket(
                id=moment.new("link"),
                case_id=first.id,
                desk_id=case.desk_id,
                ticket_id=case.ticket_id,
            )
        )
        if (first.desk_id, first.ticket_id) != (case.desk_id, case.ticket_id):
            known = {"first_case": first.id, "first_ticket": first.ticket_id}
            writeback.plan_note(tx, case, "harm_already_made_good", known, moment)
    _close(tx, replace(case, duplicate_of=first.id), Outcome.DUPLICATE, "duplicate", moment)


# ------------------------------------------------------------------------------------ approval


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
        _accept(tx, case, routing, offer, granted[-1].decided_by, moment)
        return
    _undo_request(tx, case, moment)
    if isinstance(refusal, Bound):
        _over_limit(tx, case, wish, refusal, moment)
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
        _close(tx, case, Outcome.REFUSED, "refused", moment)
    else:
        on_trouble(tx, case, Trouble(f"approval_{state}", known), moment)


# ------------------------------------------------------------------------------------- payouts


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
    after = payouts.conclude(tx, payout, result, pays=pays, moment=moment)
    authority.conclude(tx, after, moment.now)
    if after.state is not payout.state or after.state is PayoutState.SETTLED:
        moment.log(tx, case.id, f"payout_{after.state}", payout_doc(after))
    trouble = _trouble_of(after, pays, moment.now)
    if trouble is not None:
        task = tasks.open_task(tx, case, trouble.kind, trouble.known, moment)
        if task.opened_at == moment.now:
            writeback.plan_note(tx, case, trouble.kind, trouble.known, moment)
    _after_payouts(tx, case, routing, moment)


def _after_payouts(tx: Tx, case: Case, routing: Routing, moment: Moment) -> None:
    all_of_them = tx.find(Payout, case_id=case.id)
    if all(p.state is PayoutState.SETTLED for p in all_of_them):
        tasks.close_tasks(tx, case, "settled", moment.now)
        done = replace(case, said=None)
        story = {"order": case.order_name, "policy": case.policy, **_why(case)}
        writeback.plan_made_good(tx, done, routing, all_of_them, story, moment)
        _close(tx, done, Outcome.MADE_GOOD, "made_good", moment)
    elif all(p.state in FINAL or p.due_at is None for p in all_of_them):
        tx.put(_with_person(case, "not_all_paid", moment.now))
    else:
        tx.put(replace(case, said="paying", changed_at=moment.now))


def _why(case: Case) -> dict[str, object]:
    """The rule and its words out of the kept decision."""
    decision = case.decision if isinstance(case.decision, Mapping) else {}
    return {
        "rule": decision.get("rule"),
        "why": decision.get("reason"),
        "policy_version": (case.policy_hash or "")[:12],
    }


def _trouble_of(payout: Payout, pays: Pays, now: datetime) -> Trouble | None:
    known = payout_doc(payout)
    if payout.state is PayoutState.PENDING and pays.by_hand:
        return Trouble("pay_by_hand", known)
    if payout.state is PayoutState.DECLINED:
        return Trouble("declined_by_host", known)
    if payout.state is PayoutState.UNKNOWN:
        waited = now - (payout.first_sent_at or now)
        differs = (payout.why or "").startswith("differs")
        if payout.due_at is None or differs or waited >= payouts.GIVE_UP:
            return Trouble("unknown_outcome", known)
    if payout.state is PayoutState.NOT_SENT and now - payout.created_at >= payouts.GIVE_UP:
        return Trouble("host_unavailable", known)
    return None


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


# ----------------------------------------------------------------------------------- write-back


def on_unwritable(tx: Tx, case: Case, writing: Writing, why: str, moment: Moment) -> None:
    """The ticket cannot be told (it is closed or gone): a person has the words and a task."""
    writeback.given_up(tx, writing, why)
    known = {"kind": writing.kind, "about": writing.about, "why": why, "ticket": writing.ticket_id}
    tasks.open_task(tx, case, "ticket_closed", known, moment)


# --------------------------------------------------------------------------------------- ending


def close(tx: Tx, case: Case, person_id: str, note: str, moment: Moment) -> None:
    """A person ends a case with which nothing was paid; the harm is free again."""
    tasks.close_tasks(tx, case, note, moment.now)
    harms.release(tx, case)
    authority.release(tx, case, moment.now)
    moment.log(tx, case.id, "dismissed", {"by": person_id, "note": note})
    _close(tx, case, Outcome.DISMISSED, "dismissed", moment)


def _close(tx: Tx, case: Case, outcome: Outcome, said: str, moment: Moment) -> None:
    moment.log(tx, case.id, "closed", {"outcome": outcome.value})
    tx.put(
        replace(
            case,
            state=CaseState.CLOSED,
            outcome=outcome,
            said=said,
            open_key=None,
            due_at=None,
            changed_at=moment.now,
        )
    )


def _with_person(case: Case, said: str, now: datetime) -> Case:
    return replace(
        case, state=CaseState.WITH_PERSON, said=said, due_at=None, tries=0, changed_at=now
    )
