"""Terms: what a case's facts and the policy in force come to, before anything is committed.

The sidebar's preview, a dry run and the runner all come through here; only the runner commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import cast

from core import authority, likeness
from core import choice as choices
from core import harm as harms
from core.case import Case
from core.choice import Choice
from core.facts import (
    Subject,
    Trouble,
    check_ticket,
    choose_subject,
    make_facts,
)
from core.history import history_of
from core.money import Money
from core.offer import Part
from core.payout import CODED, new_code
from core.people import PersonIdentity
from core.policy import Component, Decision, Policy, decide
from core.policy.combine import combine
from core.policy.decision import read_decision
from core.ports import Instruction, Order, Pays, Purchases, Quote, Remedy, Ticket
from core.record import Doc
from core.routing import Routing
from core.store import Reader
from core.ticket_facts import where, with_ticket_facts

#: More than this is no choice but a list.
MOST_ALTERNATIVES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the hosts showed: the ticket, and per till what it knows of the requester."""

    ticket: Ticket
    purchases: Mapping[str, Purchases]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A decision about one subject. No parts: nothing is due. `ask`: a second person must agree.

    `facts` are those the policy declares, as decided on; `summary` is for people who ask why.
    `asked_by` is the helpdesk's own id of who asked, a person of ours or not; `ticket_since` when
    the ticket came into being.
    `mark` is what other customers who may be the same person have as well (`core.likeness`).
    `options` are all answers the policy leaves open, what it proposes first; `alternatives` those
    that are put to the customer, where the customer is to choose, as they would be paid.
    `beside` is the case that the customer's history leaves out, as both are one decision.
    """

    subject: Subject
    reason: str
    language: str | None
    requested_by: str | None
    today: date
    facts: Doc
    decision: Doc
    policy_name: str
    policy_hash: str
    basis: str
    parts: Sequence[Part]
    ask: bool
    mark: str | None
    on_account: bool
    summary: Mapping[str, object]
    ticket_since: datetime
    asked_by: str | None = None
    options: tuple[tuple[Component, ...], ...] = ()
    alternatives: Sequence[Sequence[Part]] = ()
    beside: str | None = None


def consider(
    reader: Reader,
    case: Case | None,
    routing: Routing,
    policy: Policy,
    gathered: Gathered,
    now: datetime,
    choice: Choice | None = None,
    beside: Case | None = None,
) -> Terms | Trouble:
    """Decide. Reads our own history, writes nothing. `case` is None where there is none yet.
    `beside`: the case in which what is owed was given, where this is the goodwill beyond it."""
    reason = check_ticket(
        gathered.ticket,
        routing,
        by_agent=choice is not None or beside is not None,
        reason=choice.reason if choice else None,
    )
    if isinstance(reason, Trouble):
        return reason
    order = (choice.till_id, choice.order_id) if choice else (None, None)
    subject = choose_subject(gathered.ticket, gathered.purchases, _named(*order))
    if isinstance(subject, Trouble):
        return subject
    facts = _facts(reader, policy, routing, gathered.ticket, subject, reason, now, beside)
    if isinstance(facts, Trouble):
        return facts
    decision = decide(policy, facts)
    if decision.outcome == "cannot_decide":
        return _undecided(decision, subject, routing)
    kept = decision.to_data()  # as the policy decided it, so that it can be replayed
    beyond = _beyond(decision, beside, subject)
    if isinstance(beyond, Trouble):
        return beyond
    decision = beyond
    if policy.basis == "owed" and decision.outcome != "give":
        choice = None  # nothing is owed, so there was nothing to choose
    given = _given(decision, choice, subject)
    if isinstance(given, Trouble):
        return given
    options = choices.options(decision)
    lets_choose = choice is not None and choice.way == "customer"
    put = options[:MOST_ALTERNATIVES] if lets_choose else ()
    parts = [_part(c, subject, reason, routing) for c in given]
    over, measured = decision.ask_over, choices.measured(decision, given, choice)
    most = [[_part(c, subject, reason, routing) for c in offer] for offer in measured]
    ask = (choice is not None and choice.way == "ask") or (
        over is not None and _asks(reader, over, most, subject.order, now)
    )
    return Terms(
        subject=subject,
        reason=reason,
        language=gathered.ticket.language,
        requested_by=_requester(reader, case, gathered.ticket, subject, reason, routing),
        asked_by=(case.asked_by if case else None) or gathered.ticket.assignee_id,
        today=now.date(),
        facts=facts,
        decision=kept,
        policy_name=policy.name,
        policy_hash=policy.version_hash,
        basis=policy.basis,
        parts=parts,
        ask=ask,
        mark=_mark(reader, gathered.ticket),
        on_account=policy.on_account,
        summary={**_summary(decision, policy, subject, reason, parts), "needs_yes": ask},
        ticket_since=gathered.ticket.created_at,
        options=options,
        alternatives=[[_part(c, subject, reason, routing) for c in option] for option in put],
        beside=beside.id if beside else None,
    )


def _beyond(decision: Decision, beside: Case | None, subject: Subject) -> Decision | Trouble:
    """What of goodwill goes beyond what is owed, where that was given in another case."""
    if beside is None or beside.decision is None:
        return decision
    both = combine(read_decision(beside.decision), decision)
    if both.problem:
        return Trouble("cannot_decide", {"order": subject.order.name, "why": both.problem})
    return both.goodwill


def _given(
    decision: Decision, choice: Choice | None, subject: Subject
) -> Sequence[Component] | Trouble:
    """What was chosen, or is given with nobody there to choose."""
    given = choices.pick(decision, choice)
    if isinstance(given, choices.Unfit):
        return Trouble("changed_since_shown", {"order": subject.order.name, "what": given.now})
    if choice is None and choices.is_open_ended(given):
        return Trouble("agent_decides", {"order": subject.order.name, "what": str(decision)})
    return given


def _asks(
    reader: Reader, over: Money, offers: Sequence[Sequence[Part]], order: Order, now: datetime
) -> bool:
    """Whether one of these comes to more than the policy gives without a yes: goods, points and
    days at their worth, and where that is not known, it does."""
    totals = [authority.comes_to(reader, parts, order, over.currency, now) for parts in offers]
    return any(total is None or total > over.minor for total in totals)


def quoted(terms: Terms, quotes: Mapping[int, Quote], pays: Mapping[int, Pays]) -> Terms | Trouble:
    """The terms in the sums the hosts would really pay, asked before anybody approves.

    A host may round down to its own step; one that would pay still less is a person's task.
    """
    parts = list(terms.parts)
    for position, quote in quotes.items():
        part = parts[position]
        asked, payable = part.amount, quote.payable
        if asked is None or payable == asked:
            continue
        known = {"order": terms.subject.order.name, "asked": str(asked), "payable": str(payable)}
        if payable.currency != asked.currency or payable.minor <= 0:
            return Trouble("not_payable", known)
        step = pays[position].step_minor.get(asked.currency, 1)
        if not 0 < asked.minor - payable.minor < step:
            return Trouble("not_payable", known)
        parts[position] = replace(part, amount=payable)
    return terms if parts == terms.parts else replace(terms, parts=parts)


def trial(part: Part) -> Instruction:
    """What a till is asked to quote: the part as it would be paid, with nothing to send."""
    return Instruction(
        payout_id="",
        key="",
        marker="",
        remedy=part.remedy,
        amount=part.amount,
        quantity=part.quantity,
        order_id=part.order_id,
        buyer_id=part.buyer_id,
        text=part.text,
        code=new_code() if part.remedy in CODED else None,
    )


def _facts(
    reader: Reader,
    policy: Policy,
    routing: Routing,
    ticket: Ticket,
    subject: Subject,
    reason: str,
    now: datetime,
    beside: Case | None,
) -> dict[str, object] | Trouble:
    without = beside.id if beside else None
    customers = harms.known_as(reader, subject, _mark(reader, ticket))
    history = history_of(reader, customers, now, without=without)
    made = make_facts(
        reason=reason,
        ticket=ticket,
        subject=subject,
        history=history,
        vip_from=routing.vip_from_orders,
        today=now.date(),
    )
    whole = with_ticket_facts(made, policy, routing, ticket, subject.order.total.currency)
    if isinstance(whole, Trouble):
        known = cast("Mapping[str, object]", whole.known)
        return replace(whole, known={"order": subject.order.name, **known})
    return _declared(policy, whole)


def _mark(reader: Reader, ticket: Ticket) -> str | None:
    email = ticket.requester.email
    return likeness.mark(reader.workspace_id, email) if email else None


def _declared(policy: Policy, facts: Mapping[str, object]) -> dict[str, object]:
    """Only what the policy asks for is kept with the decision."""
    kept: dict[str, object] = {}
    for declared in policy.facts:
        *path, last = declared.name.split(".")
        here: object = facts
        there = kept
        for part in path:
            here = here.get(part) if isinstance(here, Mapping) else None
            there = cast("dict[str, object]", there.setdefault(part, {}))
        if isinstance(here, Mapping) and last in here:
            there[last] = here[last]
    return kept


def _named(till_id: str | None, order_id: str | None) -> tuple[str, str] | None:
    return (till_id, order_id) if till_id is not None and order_id is not None else None


def _part(component: Component, subject: Subject, reason: str, routing: Routing) -> Part:
    return Part(
        remedy=cast(Remedy, component.remedy),
        till_id=routing.remedies.get(component.remedy, subject.till_id),
        amount=component.money,
        quantity=choices.quantity_of(component),
        order_id=subject.order.id,
        buyer_id=subject.buyer.id if subject.buyer else None,
        text=reason.replace("_", " "),
    )


def _undecided(decision: Decision, subject: Subject, routing: Routing) -> Trouble:
    known = {"order": subject.order.name, "currency": subject.order.total.currency}
    missing = [where(name, routing) for name in decision.missing]
    return Trouble("cannot_decide", {**known, "why": decision.problem, "missing": missing})


def _requester(
    reader: Reader,
    case: Case | None,
    ticket: Ticket,
    subject: Subject,
    reason: str,
    routing: Routing,
) -> str | None:
    """The person whose act this is: who overrode the guard, who solved the ticket, else who it is
    assigned to."""
    if case is None:
        return None
    if harms.is_overridden(case, subject, reason, routing):
        return case.overridden_by
    agent = case.asked_by or ticket.assignee_id
    if agent is None:
        return None
    rows = reader.find(
        PersonIdentity, kind="helpdesk", connection_id=case.desk_id, value=agent, limit=1
    )
    return rows[0].person_id if rows else None


def _summary(
    decision: Decision, policy: Policy, subject: Subject, reason: str, parts: Sequence[Part]
) -> dict[str, object]:
    return {
        "order": subject.order.name,
        "reason": reason,
        "outcome": decision.outcome,
        "rule": decision.rule,
        "why": decision.reason,
        "policy": policy.name,
        "policy_version": policy.version_hash[:12],
        "basis": policy.basis,
        "given": [part.doc() for part in parts],
    }
