"""One harm, one compensation of a basis: the guard every remedy passes, at whatever door.

Harms are rows compared under the customer's lock. The unique `active_key` stands behind the
comparison: two transactions that both missed each other cannot both commit.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from core.case import Case, Customer, Harm, Identity
from core.facts import Subject, harm_key, harm_subject
from core.moment import Moment
from core.store import Tx


def lock_customer(tx: Tx, subject: Subject, moment: Moment) -> str:
    """Our id of the buyer, made on first sight, locked until the transaction ends."""
    kind, value = subject.identity
    known = tx.find(Identity, connection_id=subject.till_id, kind=kind, value=value, limit=1)
    if known:
        tx.lock(Customer, known[0].customer_id)
        return known[0].customer_id
    customer = Customer(id=moment.new("cust"), created_at=moment.now)
    tx.add(customer)
    tx.add(
        Identity(
            id=moment.new("ident"),
            customer_id=customer.id,
            connection_id=subject.till_id,
            kind=kind,
            value=value,
        )
    )
    return customer.id


def claim(
    tx: Tx, case: Case, subject: Subject, cause: str, basis: str, day: date, moment: Moment
) -> Harm | Case:
    """Claim the harm for this case; or answer the case that has it already."""
    customer_id = lock_customer(tx, subject, moment)
    harm = Harm(
        id=moment.new("harm"),
        customer_id=customer_id,
        subject=harm_subject(subject),
        cause=cause,
        happened_on=day,
        basis=basis,
        case_id=case.id,
        active_key=None,
    )
    harm = replace(harm, active_key=harm_key(harm))
    holder = tx.find(Harm, active_key=harm.active_key, limit=1)
    if holder:
        first = tx.get(Case, holder[0].case_id)
        assert first is not None  # a harm's case is never deleted
        return first
    tx.add(harm)
    return harm


def release(tx: Tx, case: Case) -> None:
    """Nothing was or will be given for it: the harm may be made good by another case."""
    for harm in tx.find(Harm, case_id=case.id):
        if harm.active_key is not None:
            tx.put(replace(harm, active_key=None))
