"""Authority: how much may be given, by whom, to whom and out of what. The one place that says yes.

Every door (trigger, sidebar, API, command line, campaign) reserves here before anything is promised
or paid, in the transaction that promises it. What one customer was given is summed under the
customer's lock, which the caller holds; the order's row is locked next, then counters in the order
of their ids. A reservation ends used (it was paid) or released (it was not), never by itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from core.authority import counters
from core.authority.bounds import Binds, Bound, Wish, wish_for
from core.authority.counting import Charge, Counting, personal_key, seed_of
from core.authority.rows import Counter, Reservation
from core.authority.scale import Scale, calendar_of, worth
from core.case import Case
from core.errors import AmendsError
from core.limits import POLICY, WINDOWS, Cap, Limits, roles_of
from core.limits_kept import LimitSet, in_force, store
from core.moment import Moment
from core.money import Money
from core.offer import Part
from core.payout import FINAL, Payout, PayoutState
from core.people import Person, Workspace
from core.ports import Order
from core.record import replace
from core.store import Reader, Tx

__all__ = [
    "Binds",
    "Bound",
    "Counter",
    "Left",
    "NotAnAdmin",
    "Reservation",
    "Wish",
    "budgets_of",
    "check_admin",
    "comes_to",
    "conclude",
    "count_as",
    "counting",
    "held",
    "hold_again",
    "left",
    "release",
    "reserve",
    "set_calendar",
    "set_limits",
    "short",
    "today",
    "wish_for",
    "wish_held",
]

#: What a workspace's payouts are halted for when the breaker's own limit is reached.
TRIPPED = "the breaker's limit was reached; see `amends limits show`, then `amends limits resume`"


def counting(reader: Reader, limits: Limits, wish: Wish, now: datetime) -> Counting:
    """A wish to be measured by these limits, now."""
    scale = Scale(reader, limits, calendar_of(reader, now))
    return Counting(scale, wish, _person(reader, wish.case.requested_by))


def held(reader: Reader, case_id: str) -> list[Reservation]:
    return [row for row in reader.find(Reservation, case_id=case_id) if row.state == "held"]


def wish_held(reader: Reader, case: Case, basis: str, parts: Sequence[Part]) -> Wish:
    """An offer's wish as it was reserved, where the order is not at hand."""
    counted_as = {row.position: row.amount for row in held(reader, case.id)}
    return dataclasses.replace(wish_for(case, basis, parts, None, ()), counted_as=counted_as)


def reserve(
    tx: Tx, wish: Wish, *, bearer: str | None, moment: Moment
) -> Sequence[Reservation] | Bound:
    """Reserve a wish against every limit at once, in place of what the case holds already.

    bearer: a person's id or `policy`, whose own limits it counts in; None while somebody has yet to
    agree: then only what nobody can lift is reserved. Answers the limit that bound; then nothing
    has changed (the breaker's halts all payouts). Limits are read here, as they are now.
    """
    found = in_force(tx)
    own = held(tx, wish.case.id)
    if found is None:
        values = [worth(part, wish.order, None) for part in wish.parts]
        return _keep(tx, wish, own, [], values, {}, bearer, moment)
    version, limits = found
    of = counting(tx, limits, wish, moment.now)
    if limits.order is not None and wish.order is not None:
        counters.lock_order(tx, of.till, wish.order.id)
    try:
        charges = list(of.hard(own))
        if bearer is not None:
            charges += of.personal(None if bearer == POLICY else _person(tx, bearer))
        totals = counters.locked(tx, of.scale, charges, own)
    except Binds as binds:
        return binds.bound
    bound = counters.first_bound(charges, totals)
    if bound is not None:
        if bound.name == "breaker":
            _halt(tx)
        return bound
    for charge in charges:
        if charge.counter is not None:
            totals[charge.counter] += sum(charge.amounts)
    for id, total in totals.items():
        tx.put(Counter(id=id, total=total))
    return _keep(
        tx, wish, own, charges, of.values(), of.scale.rates, bearer, moment, version.number
    )


def comes_to(
    reader: Reader, parts: Sequence[Part], order: Order, currency: str, now: datetime
) -> int | None:
    """What remedies come to in minor units of this currency, counted as limits count them. None:
    the worth of one of them is not known, or the rate it would be converted at."""
    found = in_force(reader)
    limits = found[1] if found else Limits(currency=currency)
    scale = Scale(reader, limits, calendar_of(reader, now))
    values = [worth(part, order, limits) for part in parts if part.remedy != "apology"]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    try:
        return sum(scale.counted(value, currency) for value in known)
    except Binds:
        return None


def short(reader: Reader, wish: Wish, person: Person, moment: Moment) -> Bound | None:
    """What of this person's own limits stands against giving the wish; None: nothing does. Only a
    look: `reserve` decides."""
    found = in_force(reader)
    if found is None:
        return None
    of = counting(reader, found[1], wish, moment.now)
    try:
        charges = list(of.personal(person))
        totals = {
            c.counter: counters.total_of(of.scale, c.counter, c.seed, c.currency)
            for c in charges
            if c.counter is not None
        }
    except Binds as binds:
        return binds.bound
    return counters.first_bound(charges, totals)


def release(tx: Tx, case: Case, now: datetime) -> None:
    """The case ends, or goes on otherwise: what it holds is free again."""
    counters.let_go(tx, held(tx, case.id), now)


def conclude(tx: Tx, payout: Payout, now: datetime) -> None:
    """A payout ended: what was held for it is used, or free again. Pending and unknown ones keep
    it: the money may have moved."""
    if payout.state not in FINAL:
        return
    for row in tx.find(Reservation, case_id=payout.case_id):
        if row.position != payout.position or row.state == "released":
            continue
        if payout.state is not PayoutState.SETTLED:
            counters.let_go(tx, [row], now)
        elif row.state == "held":
            tx.put(replace(row, state="used", ended_at=now))


def hold_again(tx: Tx, payout: Payout) -> None:
    """A payout that was held for not paid was paid: what was let go for it counts again, also where
    that is more than a limit leaves."""
    rows = tx.find(Reservation, case_id=payout.case_id)
    own = [row for row in rows if row.position == payout.position]
    if not own or any(row.state != "released" for row in own):
        return
    for id, amount in sorted(counters.taken(own[-1:]).items()):
        counters.count(tx, id, amount)
    tx.put(replace(own[-1], state="held", ended_at=None))


def count_as(tx: Tx, payout: Payout, given: Money) -> None:
    """Another sum than was held for it was given in the end, or a part of it was taken back: that
    is what counts, at the rates it was held at. The number of payouts stays."""
    for row in tx.find(Reservation, case_id=payout.case_id):
        before = row.amount
        if row.position != payout.position or row.state == "released":
            continue
        if before is None or not before.minor or before.currency != given.currency:
            continue  # goods and points: their worth does not follow from a sum
        charges = {
            id: amount if id.endswith("|count") else -(-amount * given.minor // before.minor)
            for id, amount in cast("Mapping[str, int]", row.charges).items()
        }
        after = replace(row, amount_minor=given.minor, charges=charges)
        more = counters.taken([after])
        for id, amount in sorted(counters.taken([row]).items()):
            counters.count(tx, id, more[id] - amount)
        tx.put(after)


def budgets_of(reader: Reader, payout: Payout) -> list[str]:
    """The budgets that a payout is charged to, by name."""
    rows = reader.find(Reservation, case_id=payout.case_id)
    charges = [
        id.split("|")
        for row in rows
        if row.position == payout.position and row.state != "released"
        for id in cast("Mapping[str, int]", row.charges)
    ]
    return sorted({parts[1] for parts in charges if parts[0] == "budget"})


class NotAnAdmin(AmendsError):
    """Only an admin may change limits, or stop and start payouts."""


def check_admin(person: Person) -> Person:
    """Raises `NotAnAdmin`, also for an AI agent that holds the role."""
    roles = roles_of(person)
    if not person.active or "admin" not in roles or "ai_agent" in roles:
        raise NotAnAdmin(f"{person.name} is not an admin; an admin must do this")
    return person


def set_limits(tx: Tx, text: str, *, by: str | None, moment: Moment) -> LimitSet:
    """Put limits in force, and have what people gave counted anew under them: one that was away for
    a while, or counted other currencies, has not seen all of it. Budgets and the breaker count on.
    Raises as `core.limits_kept.store` does."""
    made = store(tx, text, by=by, moment=moment)
    for row in tx.find(Counter):
        if not row.id.startswith(("budget|", "breaker|")):
            tx.remove(Counter, row.id)
    return made


def set_calendar(tx: Tx, after: Workspace, moment: Moment) -> None:
    """Count in other days or weeks from now on. What budgets and the breaker have counted in the
    period that it is goes with it into the new one; what people gave is counted anew."""
    old = calendar_of(tx, moment.now)
    tx.put(after)
    new = calendar_of(tx, moment.now)
    found = in_force(tx)
    moved = {
        f"{name}|{old.start(every)}|": f"{name}|{new.start(every)}|"
        for name, every in (_periods(found[1]) if found else ())
    }
    for row in tx.find(Counter):
        if not row.id.startswith(("budget|", "breaker|")):
            tx.remove(Counter, row.id)
            continue
        head, bar, unit = row.id.rpartition("|")
        to = moved.get(head + bar, head + bar) + unit
        there = tx.lock(Counter, to)
        if there is None:
            tx.add(Counter(id=to, total=row.total))
        elif there.total < row.total:
            tx.put(replace(there, total=row.total))


def _periods(limits: Limits) -> Iterator[tuple[str, str]]:
    """The budgets and breakers that begin afresh, as their counters are named, and how often."""
    yield from ((f"budget|{one.name}", one.every) for one in limits.budgets if one.every)
    yield from ((f"breaker|{every}", every) for every in limits.breaker if every != "transaction")


def today(reader: Reader, now: datetime) -> date:
    """The workspace's own day."""
    return calendar_of(reader, now).today


# ---------------------------------------------------------------------------------- what is left


@dataclass(frozen=True, slots=True)
class Left:
    """One limit of a person (or the policy): sums, or numbers of payouts."""

    window: str
    reason: str | None
    limit: Money | int
    left: Money | int


def left(reader: Reader, person: Person | None, now: datetime) -> list[Left] | None:
    """What a person (None: the policy) may still give, limit by limit. No answer: there are no
    limits. An empty one: they may give nothing, or nothing bounds them (see `Limits.grant_of`)."""
    found = in_force(reader)
    if found is None:
        return None
    limits = found[1]
    grant = limits.grant_of(person)
    if grant is None:
        return []
    whose = person.id if person else POLICY
    scale = Scale(reader, limits, calendar_of(reader, now))
    rows: list[Left] = []
    for reason, windows in [(None, grant.windows), *sorted(grant.reasons.items())]:
        for window in WINDOWS:
            if window in windows:
                rows += _left(scale, whose, reason, window, windows[window])
    return rows


def _left(scale: Scale, whose: str, reason: str | None, window: str, cap: Cap) -> Iterator[Left]:
    units: list[tuple[str | None, int]] = list((cap.value or {}).items())
    if cap.count is not None:
        units.append((None, cap.count))
    for currency, most in units:
        total = 0
        if window != "transaction":
            key = personal_key(scale.calendar, whose, reason, window)
            seed = seed_of(scale.calendar, whose, reason, window, cap)
            try:
                total = counters.total_of(scale, f"{key}|{currency or 'count'}", seed, currency)
            except Binds:  # what cannot be counted leaves nothing
                total = most
        rest = max(0, most - total)
        if currency is None:
            yield Left(window, reason, most, rest)
        else:
            yield Left(window, reason, Money(most, currency), Money(rest, currency))


# --------------------------------------------------------------------------------- reservations


def _keep(
    tx: Tx,
    wish: Wish,
    own: Sequence[Reservation],
    charges: Sequence[Charge],
    values: Sequence[Money | None],
    rates: Mapping[str, str],
    bearer: str | None,
    moment: Moment,
    number: int | None = None,
) -> list[Reservation]:
    """Write the new rows in place of the old ones; the counters are right already."""
    for row in own:
        tx.put(replace(row, state="released", ended_at=moment.now))
    case = wish.case
    kept = []
    for index, (part, value) in enumerate(zip(wish.parts, values, strict=True)):
        row = Reservation(
            id=moment.new("res"),
            case_id=case.id,
            position=wish.positions[index],
            remedy=part.remedy,
            basis=wish.basis,
            reason=case.reason,
            customer_id=wish.customers[0] if wish.customers else None,
            till_id=case.till_id or part.till_id,
            order_id=part.order_id,
            bearer=bearer,
            amount_minor=value.minor if value is not None else None,
            currency=value.currency if value is not None else None,
            state="held",
            reserved_at=moment.now,
            limits_number=number,
            charges={
                c.counter: c.amounts[index]
                for c in charges
                if c.counter is not None and c.amounts[index]
            },
            rates=dict(rates),
        )
        tx.add(row)
        kept.append(row)
    return kept


def _halt(tx: Tx) -> None:
    row = tx.lock(Workspace, "workspace")
    if row is not None and row.halted_why is None:
        tx.put(replace(row, halted_why=TRIPPED))


def _person(reader: Reader, id: str | None) -> Person | None:
    return reader.get(Person, id) if id is not None else None
