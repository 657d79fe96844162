"""A policy put in force for a test: written by one admin, published by another."""

from __future__ import annotations

from core.moment import Moment
from core.people import Person
from core.policies import PolicyVersion, draft, publish
from core.store import Tx


def put_in_force(tx: Tx, text: str, moment: Moment, *, variant: str = "") -> PolicyVersion:
    writer, publisher = _admin(tx, "writer", moment), _admin(tx, "publisher", moment)
    written = draft(tx, text, variant=variant, by=writer, moment=moment)
    today = moment.now.date()
    return publish(tx, written.id, effective_from=today, by=publisher, moment=moment)


def _admin(tx: Tx, name: str, moment: Moment) -> Person:
    known = tx.get(Person, f"per_{name}")
    if known is not None:
        return known
    made = Person(
        id=f"per_{name}",
        name=name,
        email=f"{name}@policies.example",
        roles=["admin"],
        created_at=moment.now,
    )
    tx.add(made)
    return made
