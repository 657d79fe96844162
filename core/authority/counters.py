"""Counters: locked in the order of their ids, begun with what was given before, and given back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from core.authority.bounds import Bound
from core.authority.counting import Charge, Seed
from core.authority.rows import Counter, Reservation
from core.authority.scale import Scale, since
from core.store import AlreadyExists, Tx


def first_bound(charges: Iterable[Charge], totals: Mapping[str, int]) -> Bound | None:
    for charge in charges:
        so_far = charge.so_far if charge.counter is None else totals[charge.counter]
        bound = charge.bound(so_far)
        if bound is not None:
            return bound
    return None


def locked(
    tx: Tx, scale: Scale, charges: Sequence[Charge], own: Sequence[Reservation]
) -> dict[str, int]:
    """The counters of these charges and of what is given back, locked in the order of their ids,
    without what this case itself holds in them."""
    wanted = {charge.counter: charge for charge in charges if charge.counter is not None}
    returned = taken(own)
    totals = {}
    for id in sorted(wanted.keys() | returned.keys()):
        row = tx.lock(Counter, id)
        if row is None and id not in wanted:
            continue  # nobody has counted in it since the limits were changed
        if row is None:
            with contextlib.suppress(AlreadyExists):  # somebody else began to count just now
                new = wanted[id]
                tx.add(Counter(id=id, total=_seeded(scale, id, new.seed, new.currency, own)))
            row = tx.lock(Counter, id)
        assert row is not None  # it was made just now, by whomever
        totals[id] = row.total - returned.get(id, 0)
    return totals


def lock_order(tx: Tx, till: str, order: str) -> None:
    """Have one case at a time ask for what an order leaves, whoever its customer is held for: its
    share is summed from reservations, so the row only stands for it and counts nothing."""
    id = f"order|{till}|{order}"
    if tx.lock(Counter, id) is None:
        with contextlib.suppress(AlreadyExists):
            tx.add(Counter(id=id, total=0))
        tx.lock(Counter, id)


def total_of(scale: Scale, id: str, seed: Seed | None, currency: str | None) -> int:
    row = scale.reader.get(Counter, id)
    return row.total if row is not None else _seeded(scale, id, seed, currency)


def _seeded(
    scale: Scale,
    id: str,
    seed: Seed | None,
    currency: str | None,
    own: Sequence[Reservation] = (),
) -> int:
    """What a counter begins with. A person's limit that is new today counts what they gave today
    before it; budgets and the breaker count from when they are first written. What was charged to
    it before counts as it was charged, as that comes back; `own` only so, as it is asked for anew.
    """
    total = 0
    mine = {row.id for row in own}
    for row in since(scale.reader, seed.since, bearer=seed.bearer) if seed else ():
        assert seed is not None
        charged = cast("Mapping[str, int]", row.charges).get(id)
        if charged is not None:
            total += charged
        elif row.id not in mine and seed.reason in (None, row.reason):
            caps = seed.cap.value or {}
            total += scale.totals([scale.given(row)], caps).get(currency, 0) if currency else 1
    return total


def taken(rows: Sequence[Reservation]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        for id, amount in cast("Mapping[str, int]", row.charges).items():
            found[id] = found.get(id, 0) + amount
    return found


def count(tx: Tx, id: str, more: int) -> None:
    counter = tx.lock(Counter, id)
    if counter is not None:  # else it is counted when somebody next counts in it
        tx.put(replace(counter, total=counter.total + more))


def let_go(tx: Tx, rows: Sequence[Reservation], now: datetime) -> None:
    for id, amount in sorted(taken(rows).items()):
        count(tx, id, -amount)
    for row in rows:
        tx.put(replace(row, state="released", ended_at=now))
