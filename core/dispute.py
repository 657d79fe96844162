"""A disputed payment: what was not sent waits beside it, also what turns out only later not to have
been sent, until the dispute is won."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from core import tasks
from core.case import Case, CaseStep
from core.moment import Moment
from core.payout import Payout
from core.store import Reader, Tx

#: The code of why a payout waits, and of the task that says so.
DISPUTED = "disputed"


def is_open(reader: Reader, case_id: str) -> bool:
    """Whether the payment of the case's order is disputed, or lost, by the host's newest word."""
    for step in reader.find(CaseStep, case_id=case_id, newest_first=True):
        if step.what == "dispute":
            return isinstance(step.data, Mapping) and step.data.get("state") != "won"
    return False


def hold(tx: Tx, case: Case, payout: Payout, moment: Moment) -> None:
    """It is not sent before the dispute is won, and a person knows of it."""
    tx.put(replace(payout, due_at=None, why=DISPUTED))
    tasks.open_task(tx, case, DISPUTED, {"order": case.order_name}, moment)
