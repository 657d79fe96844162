"""What counts as rest: ended, waiting for a yes, or with a person, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from core.case import Case, CaseState, Task
from core.payout import Payout, PayoutState
from core.store.memory import MemoryStore
from tests.stores import sample
from webhooks.proof.oracle import Ended, at_rest


def _rest(case: CaseState, payout: PayoutState, *, task: bool = False) -> list[str]:
    store = MemoryStore("w")
    with store.write() as tx:
        tx.add(sample(Case, "case_1", state=case))
        tx.add(sample(Payout, "pay_1", case_id="case_1", state=payout))
        if task:
            tx.add(sample(Task, "task_1", case_id="case_1", state="open"))
    return at_rest(cast(Ended, SimpleNamespace(store=store)))


@pytest.mark.parametrize("payout", list(PayoutState))
def test_a_case_that_still_pays_is_not_at_rest_whatever_it_waits_for(payout: PayoutState) -> None:
    assert len(_rest(CaseState.PAYING, payout)) == 1
    assert _rest(CaseState.PAYING, payout, task=True) == []


@pytest.mark.parametrize("case", list(CaseState))
def test_only_what_ended_or_waits_for_a_yes_needs_nobody(case: CaseState) -> None:
    resting = case in (CaseState.CLOSED, CaseState.WAITING_APPROVAL)
    assert (_rest(case, PayoutState.SETTLED) == []) is resting
