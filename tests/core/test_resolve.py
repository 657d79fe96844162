"""A host that cannot be asked: a person's word, under a new key; on every store."""

from __future__ import annotations

import pytest

from core import resolve
from core.approval import MayNotApprove
from core.case import Case, CaseState
from core.moment import Moment
from core.payout import Payout, PayoutState
from core.people import Person, PersonIdentity
from core.ports import Pays
from core.resolve import CannotResolve
from core.store import Store
from tests.stores import NOW, sample, store

__all__ = ["store"]

NONE = Pays(retry="none")


@pytest.fixture
def doubted(store: Store) -> Store:
    with store.write() as tx:
        tx.add(sample(Case, "case_1", state=CaseState.WITH_PERSON, open_key=None))
        tx.add(
            sample(
                Payout, "pay_1", case_id="case_1", state=PayoutState.UNKNOWN, key_number=1,
                remedy="refund", amount_minor=500, currency="EUR",
            )
        )  # fmt: skip
        tx.add(sample(Person, "m", email="m@x.test", roles=["approver"], active=True))
        tx.add(
            PersonIdentity(
                id="i", person_id="m", kind="sso", connection_id="", value="m", linked_at=NOW
            )
        )
    return store


def _absent(store: Store, pays: Pays = NONE, note: str = "looked") -> None:
    with store.write() as tx:
        person = tx.get(Person, "m")
        assert person is not None
        resolve.absent(tx, "pay_1", person, note, pays=pays, moment=Moment(NOW))


def test_it_may_be_sent_again_under_a_new_key(doubted: Store) -> None:
    _absent(doubted)
    with doubted.read() as reader:
        payout, case = reader.get(Payout, "pay_1"), reader.get(Case, "case_1")
    assert payout is not None
    assert case is not None
    assert (payout.state, payout.key_number, payout.due_at) == (PayoutState.NOT_SENT, 2, NOW)
    assert case.state is CaseState.PAYING
    with pytest.raises(CannotResolve, match="not in doubt"):
        _absent(doubted)


@pytest.mark.parametrize("pays", [Pays(retry="find"), Pays(retry="key"),
                                  Pays(retry="none", by_hand=True)])  # fmt: skip
def test_only_where_nobody_can_be_asked(doubted: Store, pays: Pays) -> None:
    with pytest.raises(CannotResolve):
        _absent(doubted, pays)


def test_it_takes_an_approver_and_a_note(doubted: Store) -> None:
    with pytest.raises(CannotResolve):
        _absent(doubted, note="  ")
    with doubted.write() as tx:
        tx.put(sample(Person, "m", email="m@x.test", roles=["agent"], active=True))
    with pytest.raises(MayNotApprove):
        _absent(doubted)
