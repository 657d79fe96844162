"""One harm, one compensation of a basis: the guard every remedy passes, at whatever door.

Harms are rows compared under the customer's lock. The unique `active_key` stands behind the
comparison: two transactions that both missed each other cannot both commit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date

from core.case import Case, Customer, Harm, Identity, Likeness
from core.facts import Subject, harm_key, harm_subject
from core.moment import Moment
from core.record import replace
from core.routing import Routing
from core.store import Reader, Tx

#: A harm that names neither order nor incident.
VAGUE = "customer"
#: Two of one cause are one harm if they are so close, where one of them is vague.
DAYS_APART = 3


@dataclass(frozen=True, slots=True)
class Claimed:
    """The harm is this case's. `customers`: our ids of whoever may be the same person, the buyer
    first, all locked. `goodwill`: what was given for the same harm where this is owed."""

    harm: Harm
    customers: Sequence[str]
    goodwill: Sequence[Harm]


@dataclass(frozen=True, slots=True)
class Taken:
    """Another case has it. `alike`: only as far as a likeness goes, so that a person must look."""

    first: Case
    alike: bool


def lock_customers(tx: Tx, subject: Subject, mark: str | None, moment: Moment) -> tuple[str, ...]:
    """Our id of the buyer, made on first sight, then those of whoever shares the mark; all locked.
    Raises `AlreadyExists` where somebody else makes one of them at this moment."""
    own, found = _lock(tx, lambda: _people(tx, subject, mark))
    (buyer,) = own or {_make_customer(tx, subject, moment)}
    there = {row.customer_id for row in found if row.mark == mark}
    if mark and buyer not in there:
        # The first of a mailbox has an id that can be there once: of two who come at the same
        # moment and cannot see each other, one has to look again.
        id = moment.new("like") if there else f"like_{mark}"
        tx.add(Likeness(id=id, customer_id=buyer, mark=mark))
    return _first(buyer, found)


def known_as(reader: Reader, subject: Subject, mark: str | None) -> tuple[str, ...]:
    """As `lock_customers` answers, of those we know; nothing is locked or made."""
    own, found = _people(reader, subject, mark)
    return tuple(sorted(own | {row.customer_id for row in found}))


def _people(reader: Reader, subject: Subject, mark: str | None) -> tuple[set[str], list[Likeness]]:
    """The buyer, by exact identity, and whoever shares a mailbox with them: this ticket's, or one
    they had before."""
    kind, value = subject.identity
    known = reader.find(Identity, connection_id=subject.till_id, kind=kind, value=value, limit=1)
    own = {row.customer_id for row in known}
    return own, _alike(reader, own, {mark} if mark else set())


def _alike(reader: Reader, own: Collection[str], marks: Collection[str]) -> list[Likeness]:
    theirs = reader.find(Likeness, customer_id=tuple(own)) if own else []
    every = {*marks, *(row.mark for row in theirs)}
    return reader.find(Likeness, mark=tuple(sorted(every))) if every else []


def _first(buyer: str, alike: Sequence[Likeness]) -> tuple[str, ...]:
    return (buyer, *sorted({row.customer_id for row in alike} - {buyer}))


def _make_customer(tx: Tx, subject: Subject, moment: Moment) -> str:
    id, (kind, value) = moment.new("cust"), subject.identity
    tx.add(Customer(id=id, created_at=moment.now))
    tx.add(
        Identity(
            id=moment.new("ident"),
            customer_id=id,
            connection_id=subject.till_id,
            kind=kind,
            value=value,
        )
    )
    return id


def lock_alike(tx: Tx, case: Case) -> tuple[str, ...]:
    """The case's customer, then whoever may be the same person; all locked."""
    own = case.customer_id
    if own is None:
        return ()

    return _first(own, _lock(tx, lambda: ({own}, _alike(tx, {own}, ())))[1])


def _lock(
    tx: Tx, look: Callable[[], tuple[set[str], list[Likeness]]]
) -> tuple[set[str], list[Likeness]]:
    """Lock whoever is found, in the order of ids, until nobody else is: while we waited for one,
    another may have come. Answers what was found last, all of it locked."""
    locked: set[str] = set()
    while True:
        own, alike = look()
        new = (own | {row.customer_id for row in alike}) - locked
        if not new:
            return own, alike
        for id in sorted(new):
            tx.lock(Customer, id)
        locked |= new


def is_overridden(case: Case, subject: Subject, reason: str, routing: Routing) -> bool:
    """Whether somebody decided that more is given for this very harm: the order and the cause that
    the case was stopped with."""
    if case.overridden_by is None or case.reason is None:
        return False
    same_order = (case.till_id, case.order_id) == (subject.till_id, subject.order.id)
    return same_order and routing.cause_of(case.reason) == routing.cause_of(reason)


def claim(
    tx: Tx,
    case: Case,
    subject: Subject,
    cause: str,
    basis: str,
    day: date,
    moment: Moment,
    *,
    mark: str | None = None,
    on_account: bool = False,
) -> Claimed | Taken:
    """Claim the harm for this case; or answer the case that has it already. A case that somebody
    with the authority has overridden is let through, under a key of its own."""
    customers = lock_customers(tx, subject, mark, moment)
    harm = Harm(
        id=moment.new("harm"),
        customer_id=customers[0],
        subject=harm_subject(subject),
        cause=cause,
        happened_on=day,
        basis=basis,
        case_id=case.id,
        active_key=None,
        on_account=on_account,
    )
    like_it = active_like(tx, customers, harm)
    taken = [other for other in like_it if other.basis == basis]
    overridden = case.overridden_by is not None
    if taken and not overridden:
        exact = [
            other
            for other in taken
            if other.customer_id == customers[0] or harm_key(other) == harm_key(harm)
        ]
        first = tx.get(Case, (exact or taken)[0].case_id)
        assert first is not None  # a harm's case is never deleted
        return Taken(first, alike=not exact)
    key = harm_key(harm)
    harm = replace(harm, active_key=f"{key}|{case.id}" if overridden else key)
    tx.add(harm)
    owed = basis == "owed" and not overridden
    return Claimed(harm, customers, [h for h in like_it if owed and h.basis == "goodwill"])


def claim_again(tx: Tx, case: Case) -> Case | None:
    """What was let go was made good in this case after all: it is this case's again. Answers the
    case that has it as well by now, if there is one."""
    customers = lock_alike(tx, case)
    own = tx.find(Harm, case_id=case.id)
    if not own or any(harm.active_key is not None for harm in own):
        return None
    harm = own[-1]
    taken = [row for row in active_like(tx, customers, harm) if row.basis == harm.basis]
    key = harm_key(harm)
    tx.put(replace(harm, active_key=f"{key}|{case.id}" if taken else key))
    return tx.get(Case, taken[0].case_id) if taken else None


def active_like(reader: Reader, customers: Sequence[str], harm: Harm) -> list[Harm]:
    """Harms that are this one, of whatever basis, and have a case: these customers', and the same
    order's whoever's it was then. The oldest first."""
    keys = tuple(harm_key(replace(harm, basis=basis)) for basis in ("owed", "goodwill"))
    rows = reader.find(Harm, active_key=keys)
    rows += reader.find(Harm, customer_id=tuple(customers)) if customers else []
    found = {row.id: row for row in rows if row.active_key is not None and same(row, harm)}
    return [found[id] for id in sorted(found)]


def same(one: Harm, other: Harm) -> bool:
    """Whether two harms of a customer are one, whatever their basis: one cause, and the same
    order, a line of it, or the same incident; where one of them says none of these, or they are
    of two tills, which may know one purchase each by its own name, days that are close (or not
    known)."""
    if one.cause != other.cause:
        return False
    tills = {_till(one.subject), _till(other.subject)} - {None}
    if VAGUE in (one.subject, other.subject) or len(tills) > 1:
        if one.happened_on is None or other.happened_on is None:
            return True
        return abs((one.happened_on - other.happened_on).days) <= DAYS_APART
    return _within(one.subject, other.subject) or _within(other.subject, one.subject)


def _within(inner: str, outer: str) -> bool:
    if inner == outer:
        return True
    kind, _, rest = outer.partition(":")
    return kind == "order" and inner.startswith(f"line:{rest}:")


def _till(subject: str) -> str | None:
    kind, _, rest = subject.partition(":")
    return rest.partition(":")[0] if kind in ("order", "line") else None


def release(tx: Tx, case: Case) -> None:
    """Nothing was or will be given for it: the harm may be made good by another case."""
    for harm in tx.find(Harm, case_id=case.id):
        if harm.active_key is not None:
            tx.put(replace(harm, active_key=None))
