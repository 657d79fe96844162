"""Facts were gathered: the decision, the harm, the limits, the offer; or who has to look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from core import authority, drift, opening, permission, tasks, writeback
from core import harm as harms
from core import link as links
from core import offer as offers
from core import payout as payouts
from core.authority import Bound, Reservation, Wish
from core.case import WAITING, Case, CaseState, CaseTicket, Outcome
from core.ending import end, with_person
from core.facts import Trouble
from core.harm import Claimed, Taken
from core.history import HistoryMoved, has_moved, history_of
from core.link import NewLink
from core.moment import Moment
from core.offer import Offer, Part
from core.ports import HostDenied, HostError
from core.record import replace
from core.routing import Routing
from core.settling import after_payouts
from core.store import Tx
from core.terms import Terms

#: A case whose facts cannot be had for so long is put to a person (and still tried again).
PATIENCE = timedelta(hours=24)
FAULTS_BEFORE_TASK = 3
_RECONNECT_WAIT = timedelta(minutes=15)


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
        end(tx, case, Outcome.NOTHING_DUE, "not_solved", moment)
        return
    if trouble.kind == "already_refunded" and case.beside is not None:
        # What was owed took all there was to refund: nothing goes beyond it.
        end(tx, case, Outcome.NOTHING_DUE, "covered", moment)
        return
    tasks.open_task(tx, case, trouble.kind, trouble.known, moment)
    if trouble.kind != "ticket_closed":
        writeback.plan_note(tx, case, trouble.kind, trouble.known, moment)
    tx.put(with_person(case, trouble.kind, moment.now))


def on_terms(
    tx: Tx,
    case: Case,
    routing: Routing,
    terms: Terms,
    moment: Moment,
    link: NewLink | None = None,
) -> None:
    """A decision was taken: claim the harm, then do what the mode and the policy allow. `link` is
    there where the terms have alternatives for the customer. Raises `HistoryMoved` where the
    decision is no longer the one that would be taken now; then nothing may be committed."""
    tasks.close_tasks(tx, case, "facts gathered", moment.now)
    if not harms.is_overridden(case, terms.subject, terms.reason, routing):
        case = replace(case, overridden_by=None, override_note=None)
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
    known = {
        "refunded_minor": terms.subject.order.refunded.minor,
        "ticket_since": terms.ticket_since.isoformat(),
        "order_since": terms.subject.order.created_at.isoformat(),
    }
    moment.log(tx, case.id, "decided", {**terms.summary, **known})
    if not terms.parts and case.beside is not None:
        end(tx, case, Outcome.NOTHING_DUE, "covered", moment)
    elif not terms.parts:
        writeback.plan_note(tx, case, "nothing_due", terms.summary, moment)
        end(tx, case, Outcome.NOTHING_DUE, "nothing_due", moment)
    elif case.mode == "shadow":
        end(tx, case, Outcome.SHADOWED, "shadow", moment)
        opening.on_owed(tx, case, routing, moment)
    elif case.mode == "suggest":
        writeback.plan_note(tx, case, "suggested", terms.summary, moment)
        end(tx, case, Outcome.SUGGESTED, "suggest", moment)
        opening.on_owed(tx, case, routing, moment)
    else:
        _act(tx, case, routing, terms, moment, link)


def _act(
    tx: Tx, case: Case, routing: Routing, terms: Terms, moment: Moment, link: NewLink | None
) -> None:
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
    _check_history(tx, terms, claimed.customers, moment)
    case = replace(case, customer_id=claimed.customers[0], harm_id=claimed.harm.id)
    tx.put(case)
    if link is not None and terms.alternatives and not claimed.goodwill:
        _let_choose(tx, case, terms, claimed, link, moment)
        return
    parts = _owed_beside_goodwill(tx, case, terms.parts, claimed, moment)
    if parts is None:
        return
    buyer, order = terms.subject.buyer, terms.subject.order
    wish = authority.wish_for(case, terms.basis, parts, order, claimed.customers)
    spent = buyer.spent if buyer else None
    asks = permission.permit(tx, wish, ask=terms.ask, spent=spent, moment=moment)
    if isinstance(asks, Bound):
        over_limit(tx, case, wish, asks, moment)
        return
    offer = offers.make(tx, case, terms.basis, parts, moment)
    if asks is not None:
        permission.ask(tx, case, offer, wish, asks, moment)
        said = {**terms.summary, **(asks.bound.known(None) if asks.bound else {})}
        writeback.plan_note(tx, case, "waiting_approval", said, moment)
        if routing.ask_beside:
            writeback.plan_side(tx, case, moment)
        tx.put(replace(case, state=CaseState.WAITING_APPROVAL, said="waiting_approval"))
        return
    accept(tx, case, routing, offer, None, moment)


def _check_history(tx: Tx, terms: Terms, customers: Sequence[str], moment: Moment) -> None:
    """Under the customers' locks: whatever was given or promised meanwhile is there to be seen."""
    history = history_of(tx, customers, moment.now, without=terms.beside)
    if has_moved(history, terms.facts, terms.subject.order.total.currency):
        raise HistoryMoved("the customer was given or promised something since facts were gathered")


def _let_choose(
    tx: Tx, case: Case, terms: Terms, claimed: Claimed, link: NewLink, moment: Moment
) -> None:
    """Put the alternatives to the customer. Each of them must be possible without anybody else's
    yes, which is not promised by a link; the dearest stays reserved, so that any can be given."""
    buyer, order = terms.subject.buyer, terms.subject.order
    spent = buyer.spent if buyer else None
    wishes = [
        authority.wish_for(case, terms.basis, parts, order, claimed.customers)
        for parts in terms.alternatives
    ]
    for wish in sorted(wishes, key=lambda one: permission.worth(tx, one, moment)):
        asks = permission.permit(tx, wish, ask=terms.ask, spent=spent, moment=moment)
        if isinstance(asks, Bound):
            over_limit(tx, case, wish, asks, moment)
            return
        if asks is not None:
            harms.release(tx, case)
            authority.release(tx, case, moment.now)
            known = {"order": case.order_name, **(asks.bound.known(None) if asks.bound else {})}
            on_trouble(tx, case, Trouble("choice_needs_yes", known), moment)
            return
    put = [
        offers.make(tx, case, terms.basis, parts, moment, links.LASTS)
        for parts in terms.alternatives
    ]
    sent = links.send(tx, case, link, put, moment)
    writeback.plan_choice(tx, case, sent, moment)
    moment.log(tx, case.id, "choice_sent", {"link": sent.id, "count": len(put)})
    waiting = replace(
        case, state=CaseState.WAITING_CUSTOMER, said="waiting_customer", due_at=sent.expires_at
    )
    tx.put(waiting)


def over_limit(tx: Tx, case: Case, wish: Wish, bound: Bound, moment: Moment) -> None:
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
    given on account, else (None) a person decides with both sums before them. So too where goodwill
    was promised and waits for somebody: nobody knows yet whether it will be given."""
    standing = payouts.standing(tx, [harm.case_id for harm in claimed.goodwill])
    given = [payouts.still_given(tx, payout) for payout in standing]
    promised = _promised(tx, claimed)
    if not given and not promised:
        return parts
    left = None if promised else offers.less(parts, given)
    if left is not None and all(harm.on_account for harm in claimed.goodwill):
        if not left:
            known = {"order": case.order_name, "other_case": claimed.goodwill[0].case_id}
            writeback.plan_note(tx, case, "nothing_due", known, moment)
            end(tx, case, Outcome.NOTHING_DUE, "on_account", moment)
            return None
        return left
    harms.release(tx, case)
    known = {
        "owed": permission.sum_of(parts),
        "goodwill": payouts.sum_of([*given, *(row.amount for row in promised)]),
        "other_case": claimed.goodwill[0].case_id,
        "order": case.order_name,
    }
    on_trouble(tx, case, Trouble("owed_and_goodwill", known), moment)
    return None


def _promised(tx: Tx, claimed: Claimed) -> list[Reservation]:
    """What is held for goodwill that still waits for a yes or for the customer's choice."""
    cases = [tx.get(Case, harm.case_id) for harm in claimed.goodwill]
    return [
        row
        for case in cases
        if case is not None and case.state in WAITING
        for row in authority.held(tx, case.id)
    ]


def _taken(tx: Tx, case: Case, taken: Taken, moment: Moment) -> None:
    if taken.alike:
        known = {"first_case": taken.first.id, "first_ticket": taken.first.ticket_id}
        on_trouble(tx, case, Trouble("harm_already_made_good", known), moment)
    else:
        _duplicate(tx, case, taken.first, moment)


def accept(
    tx: Tx, case: Case, routing: Routing, offer: Offer, by: str | None, moment: Moment
) -> None:
    planned = offers.accept(tx, case, offer, by, moment)
    paying = replace(case, state=CaseState.PAYING, said=None, changed_at=moment.now)
    tx.put(paying)
    if not planned:  # an apology alone: there is nothing to wait for
        after_payouts(tx, paying, routing, moment)


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
    end(tx, replace(case, duplicate_of=first.id), Outcome.DUPLICATE, "duplicate", moment)
