"""Erasing and exporting a person: what identifies them is overwritten; what moved money stays.

First everything under way is finished, then it is shredded: a payment in the middle needs to know
to whom. Sums, accounts and the ledger's chain hold no person, so nothing of them changes. Who is
erased and comes again is somebody new: what they were given before no longer counts for them, but
one order is still made good once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from core import chores, followup, tasks
from core import letter as letters
from core.approval import Approval
from core.case import (
    Case,
    CaseState,
    CaseStep,
    Customer,
    Identity,
    Likeness,
    Task,
    Writing,
)
from core.chores import Chore
from core.errors import AmendsError
from core.link import ChoiceLink
from core.moment import Moment
from core.offer import Offer
from core.payout import FINAL, Attempt, Payout
from core.record import Doc
from core.store import Reader, Tx

ERASED = "erased"
#: What a kept document may still hold: ids, codes and sums. Every other text is overwritten.
_KEPT = frozenset(
    [
        "about",
        "amount",
        "approval",
        "by",
        "case",
        "confirmation",
        "currency",
        "desk",
        "first_case",
        "first_ticket",
        "goodwill",
        "given",
        "host_object",
        "kind",
        "left",
        "limit",
        "made_good",
        "offer",
        "order",
        "other_case",
        "outcome",
        "owed",
        "payout",
        "policy",
        "policy_version",
        "reason",
        "remedy",
        "rule",
        "state",
        "tags",
        "task",
        "ticket",
        "till",
    ]
)


class NoSuchCustomer(AmendsError):
    """Nothing is kept about such a customer."""


def of_identity(reader: Reader, connection_id: str, value: str) -> list[str]:
    """Our ids of whoever a host knows by this value; one at most, unless the host reuses it."""
    rows = reader.find(Identity, connection_id=connection_id)
    return sorted({row.customer_id for row in rows if row.value == value})


def ask(tx: Tx, customer_id: str, by: str, moment: Moment) -> Chore:
    """Have a customer erased as soon as nothing of theirs is under way. `by` is a person's id or a
    connection's. Raises `NoSuchCustomer`."""
    customer = tx.get(Customer, customer_id)
    if customer is None or customer.erased_at is not None:
        raise NoSuchCustomer(f"nothing is kept about {customer_id}, or it was erased already")
    row = chores.plan(tx, "erase", customer_id, moment.now)
    if asked_at(row) is None:
        row = replace(row, result={"asked_at": moment.now.isoformat(), "by": by})
        tx.put(row)
    return row


def asked_at(row: Chore) -> datetime | None:
    said = row.said.get("asked_at")
    return datetime.fromisoformat(said) if isinstance(said, str) else None


def asked_by_host(
    tx: Tx, connection_id: str, title: str, value: str | None, moment: Moment
) -> None:
    """A host asks that a customer is erased, or (None) all of its customers: then a person looks
    whether the shop meant to end."""
    rows = tx.find(Identity, connection_id=connection_id)
    for customer_id in sorted({row.customer_id for row in rows if value in (None, row.value)}):
        customer = tx.get(Customer, customer_id)
        if customer is not None and customer.erased_at is None:
            ask(tx, customer_id, connection_id, moment)
    if value is None:
        tasks.open_task(tx, None, "shop_erasure", {"host": title, "till": connection_id}, moment)


def export_asked(tx: Tx, connection_id: str, title: str, value: str, moment: Moment) -> None:
    """A host says that a customer wants to know what is kept: a person sends it."""
    for customer_id in of_identity(tx, connection_id, value):
        known = {"host": title, "till": connection_id, "customer_id": customer_id}
        tasks.open_task(tx, None, "export_asked", known, moment)


# --------------------------------------------------------------------------------- under way


def unfinished(reader: Reader, customer_id: str) -> Case | None:
    """A case of the customer that something is still happening in."""
    for case in reader.find(Case, customer_id=customer_id):
        if case.state not in (CaseState.CLOSED, CaseState.WITH_PERSON):
            return case
        paying = reader.find(Payout, case_id=case.id)
        if any(p.state not in FINAL or p.due_at is not None for p in paying):
            return case
        if reader.count(Writing, case_id=case.id, state="planned"):
            return case
    return None


# ----------------------------------------------------------------------------------- shredding


def erase(tx: Tx, customer_id: str, moment: Moment) -> None:
    """Overwrite what identifies the customer. That it was done stays in the story of each case."""
    customer = tx.lock(Customer, customer_id)
    if customer is None:
        raise NoSuchCustomer(f"nothing is kept about {customer_id}")
    for identity in tx.find(Identity, customer_id=customer_id):
        tx.put(replace(identity, value=f"{ERASED}:{identity.id}"))
    for likeness in tx.find(Likeness, customer_id=customer_id):
        tx.remove(Likeness, likeness.id)
    for case in tx.find(Case, customer_id=customer_id):
        _erase_case(tx, case)
        moment.log(tx, case.id, "erased")
    tx.put(replace(customer, erased_at=moment.now))


def _erase_case(tx: Tx, case: Case) -> None:
    choice = {**case.choice, "note": None} if isinstance(case.choice, Mapping) else None
    tx.put(replace(case, override_note=None, choice=choice))
    letters.erase(tx, case.id)
    for link in tx.find(ChoiceLink, case_id=case.id):
        tx.put(replace(link, sealed_token="", open=False))
    for writing in tx.find(Writing, case_id=case.id):
        tx.put(replace(writing, text=None, why=None, data=_shred(writing.data)))
    for step in tx.find(CaseStep, case_id=case.id):
        tx.put(replace(step, data=_shred(step.data)))
    for task in tx.find(Task, case_id=case.id):
        tx.put(replace(task, known=_shred(task.known), note=None))
    for approval in tx.find(Approval, case_id=case.id):
        tx.put(replace(approval, note=None))
    for offer in tx.find(Offer, case_id=case.id):
        parts = [_without_person(part) for part in cast("Sequence[object]", offer.parts)]
        tx.put(replace(offer, parts=parts))
    for payout in tx.find(Payout, case_id=case.id):
        tx.put(replace(payout, buyer_id=None, text="", sealed_code=None, why=_code_of(payout.why)))
        for attempt in tx.find(Attempt, payout_id=payout.id):
            tx.put(replace(attempt, why=_code_of(attempt.why)))


def _without_person(part: object) -> object:
    return {**part, "buyer": None, "text": ""} if isinstance(part, Mapping) else part


def _code_of(why: str | None) -> str | None:
    """The code before a host's own words."""
    code, colon, _ = (why or "").partition(":")
    return code if colon else None


def _shred(document: Doc) -> Doc:
    if isinstance(document, Mapping):
        return {key: _shredded(key, value) for key, value in document.items()}
    return [_shredded("", value) for value in document]


def _shredded(key: str, value: object) -> object:
    if isinstance(value, Mapping):
        return _shred(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_shredded(key, one) for one in value]
    return value if not isinstance(value, str) or key in _KEPT else None


# ------------------------------------------------------------------------------------- export


def export(reader: Reader, customer_id: str) -> dict[str, object]:
    """Everything that is kept about a customer, for them to read. Raises `NoSuchCustomer`."""
    customer = reader.get(Customer, customer_id)
    if customer is None:
        raise NoSuchCustomer(f"nothing is kept about {customer_id}")
    identities = reader.find(Identity, customer_id=customer_id)
    return {
        "customer": customer_id,
        "known_since": customer.created_at.isoformat(),
        "erased_at": customer.erased_at.isoformat() if customer.erased_at else None,
        "known_as": [
            {"where": row.connection_id, "as": row.kind, "value": row.value} for row in identities
        ],
        "cases": [_case(reader, case) for case in reader.find(Case, customer_id=customer_id)],
    }


def _case(reader: Reader, case: Case) -> dict[str, object]:
    return {
        "case": case.id,
        "ticket": case.ticket_id,
        "opened_at": case.opened_at.isoformat(),
        "state": case.state.value,
        "reason": case.reason,
        "order": case.order_name,
        "facts": case.facts,
        "decision": case.decision,
        "given": [
            {
                "what": payout.remedy,
                "amount": str(payout.amount) if payout.amount else None,
                "quantity": payout.quantity,
                "state": payout.state.value,
                "on": payout.created_at.date().isoformat(),
            }
            for payout in reader.find(Payout, case_id=case.id)
        ],
        "written": [
            {"kind": writing.kind, "text": writing.text, "at": writing.planned_at.isoformat()}
            for writing in reader.find(Writing, case_id=case.id)
            if writing.text
        ],
        "letter": letters.text_of(reader, case.id),
        "notes": _notes(reader, case),
        "surveys": [
            {"at": answer.answered_at.isoformat(), "score": answer.score}
            for answer in followup.of_case(reader, case.id)
        ],
        "tasks": [
            {"kind": task.kind, "at": task.opened_at.isoformat(), "known": task.known}
            for task in reader.find(Task, case_id=case.id)
        ],
        "happened": [
            {"at": step.at.isoformat(), "what": step.what, "known": step.data}
            for step in reader.find(CaseStep, case_id=case.id)
        ],
    }


def _notes(reader: Reader, case: Case) -> list[str]:
    """What staff wrote beside an act of theirs."""
    chosen = case.choice.get("note") if isinstance(case.choice, Mapping) else None
    decided = [row.note for row in reader.find(Approval, case_id=case.id)]
    done = [row.note for row in reader.find(Task, case_id=case.id)]
    found = [case.override_note, chosen, *decided, *done]
    return [note for note in found if isinstance(note, str) and note]
