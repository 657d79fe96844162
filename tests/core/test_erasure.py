"""What keeps a person from being erased yet; on every store."""

from __future__ import annotations

import pytest

from core import erasure
from core.case import Case, CaseState, Customer, Writing
from core.erasure import NoSuchCustomer
from core.moment import Moment
from core.payout import Payout, PayoutState
from core.store import Store
from tests.stores import NOW, sample, store

__all__ = ["store"]


def _unfinished(store: Store, state: CaseState, paid: PayoutState | None, writing: str) -> bool:
    with store.write() as tx:
        tx.add(sample(Customer, "cust_1"))
        tx.add(sample(Case, "case_1", customer_id="cust_1", state=state, open_key=None))
        tx.add(sample(Writing, "wb_1", case_id="case_1", state=writing))
        if paid is not None:
            tx.add(sample(Payout, "pay_1", case_id="case_1", state=paid, due_at=None))
        return erasure.unfinished(tx, "cust_1") is not None


@pytest.mark.parametrize(
    "state", sorted(set(CaseState) - {CaseState.CLOSED, CaseState.WITH_PERSON})
)
def test_a_case_that_goes_on(store: Store, state: CaseState) -> None:
    assert _unfinished(store, state, None, "done")


@pytest.mark.parametrize("state", [CaseState.CLOSED, CaseState.WITH_PERSON])
@pytest.mark.parametrize("paid", [PayoutState.UNKNOWN, PayoutState.PENDING, PayoutState.REVERSING])
def test_money_of_which_the_end_is_not_known(
    store: Store, state: CaseState, paid: PayoutState
) -> None:
    assert _unfinished(store, state, paid, "done")


def test_words_that_are_still_to_be_written(store: Store) -> None:
    assert _unfinished(store, CaseState.CLOSED, PayoutState.SETTLED, "planned")


@pytest.mark.parametrize("paid", [None, PayoutState.SETTLED, PayoutState.FAILED])
def test_everything_else_is_finished(store: Store, paid: PayoutState | None) -> None:
    assert not _unfinished(store, CaseState.WITH_PERSON, paid, "failed")


def test_nobody_is_erased_twice(store: Store) -> None:
    with store.write() as tx:
        tx.add(sample(Customer, "cust_1"))
        erasure.erase(tx, "cust_1", Moment(NOW))
        with pytest.raises(NoSuchCustomer):
            erasure.ask(tx, "cust_1", "person_1", Moment(NOW))
        with pytest.raises(NoSuchCustomer):
            erasure.ask(tx, "cust_2", "person_1", Moment(NOW))
