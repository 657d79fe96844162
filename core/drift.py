"""Drift: what hosts show that Amends did not make, or made and forgot with a restored backup."""

from __future__ import annotations

from collections.abc import Mapping

from core.case import Case, CaseStep, Task
from core.connection import HostPayout
from core.facts import Trouble
from core.payout import GONE, Payout
from core.ports import Order
from core.store import Reader

#: A credit in place of a refund is one to some hosts.
_SHOWN_AS_REFUNDED = frozenset({"refund", "store_credit"})


def forgotten(reader: Reader, case: Case) -> Trouble | None:
    """Something was given for the case's order with our mark, of which our books know nothing: it
    may have been for the same harm. A person with the authority may let the case go on."""
    if case.order_id is None or case.overridden_by is not None:
        return None
    for seen in reader.find(HostPayout, order_id=case.order_id):
        if seen.connection_id == case.till_id and seen.marker and seen.ending != "failed":
            return Trouble("forgotten_payout", known(seen))
    return None


def refunded_since(reader: Reader, case: Case, order: Order) -> bool:
    """Whether more was refunded on the order since the case was decided than by us: by hand, and
    perhaps for the same harm."""
    for step in reader.find(CaseStep, case_id=case.id, newest_first=True):
        data = step.data if isinstance(step.data, Mapping) else {}
        before = data.get("refunded_minor")
        if step.what == "decided" and isinstance(before, int):
            ours = sum(
                payout.amount_minor or 0
                for payout in reader.find(Payout, till_id=case.till_id, order_id=order.id)
                if payout.remedy in _SHOWN_AS_REFUNDED
                and payout.state not in GONE
                and payout.changed_at >= step.at
            )
            return order.refunded.minor > before + ours
    return False


def by_hand_since(reader: Reader, payout: Payout) -> bool:
    """Whether somebody refunded the payout's order by hand since it was planned."""
    if payout.order_id is None:
        return False
    return any(
        seen.connection_id == payout.till_id
        and seen.payout_id is None
        and seen.ending != "failed"
        and seen.seen_at > payout.created_at
        for seen in reader.find(HostPayout, order_id=payout.order_id)
    )


def known(seen: HostPayout) -> dict[str, object]:
    """What is known of it, for tasks and notes."""
    return {
        "till": seen.connection_id,
        "order": seen.order_id,
        "host_object": seen.host_object,
        "minor": seen.amount_minor,
        "currency": seen.currency,
    }


def lost_without_order(reader: Reader) -> bool:
    """Whether something of ours was found of which nobody can say for which order it was, and no
    person has looked at it yet."""
    for task in reader.find(Task, state="open"):
        about = task.known if isinstance(task.known, Mapping) else {}
        if task.kind == "forgotten_payout" and about.get("order") is None:
            return True
    return False
