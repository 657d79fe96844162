"""A host that cannot be asked: a person's word, under a new key; on every store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast

import pytest

from core import resolve
from core.approval import MayNotApprove
from core.case import Case, CaseState, CaseStep
from core.ledger import entries_of
from core.moment import Moment
from core.money import Money
from core.payout import Payout, PayoutState, instruction
from core.people import Person, PersonIdentity
from core.ports import (
    Declined,
    Finding,
    HostRecord,
    Instruction,
    Pays,
    Pending,
    Receipt,
    Settled,
    Till,
    Unknown,
)
from core.resolve import CannotResolve
from core.routing import read_routing
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


# ------------------------------------------------------------- what the host did in another way


class Shop:
    """`find` cannot say what it is; its list shows it."""

    def __init__(self, found: Finding, *listed: HostRecord) -> None:
        self.found, self.listed = found, listed
        self.since: datetime | None = None

    def find(self, order: Instruction) -> Finding:
        return self.found

    def recent(self, since: datetime) -> Iterable[HostRecord]:
        self.since = since
        return self.listed


def _listed(**given: object) -> HostRecord:
    values: dict[str, object] = {
        "host_object": "r1", "remedy": "refund", "amount": Money(499, "EUR"), "order_id": "o1",
        "marker": "[amends:pay_1]", "ending": "settled", "at": NOW,
    }  # fmt: skip
    return HostRecord(**{**values, **given})  # type: ignore[arg-type]


def _proof(store: Store, shop: Shop, host_object: str = "r1") -> Settled:
    with store.read() as reader:
        payout = reader.get(Payout, "pay_1")
    assert payout is not None
    order = resolve.pointed(instruction(payout), host_object)
    return resolve.at_host(cast(Till, shop), order, NOW)


def _settle(store: Store, proof: Settled) -> Payout:
    routing = read_routing({"policy": "p", "tills": [{"connection": "till"}]})
    with store.write() as tx:
        person = tx.get(Person, "m")
        assert person is not None
        return resolve.settle(
            tx, "pay_1", person, proof, pays=Pays(retry="find"), routing=routing, moment=Moment(NOW)
        )


@pytest.mark.parametrize("minor", [499, 501])
def test_another_sum_is_booked_as_it_was_paid(doubted: Store, minor: int) -> None:
    """Else a payout of which a part was paid would be in doubt for ever: nobody could close its
    case, free what it holds, or erase the customer."""
    shop = Shop(Unknown("another sum"), _listed(amount=Money(minor, "EUR")))
    after = _settle(doubted, _proof(doubted, shop))
    assert (after.state, after.amount_minor, after.host_object) == ("settled", minor, "r1")
    with doubted.read() as reader:
        (entry,) = entries_of(reader, "pay_1")
        (story,) = [s.data for s in reader.find(CaseStep, what="settled_by_person")]
    assert (entry.amount_minor, entry.currency) == (minor, "EUR")
    assert isinstance(story, dict)
    assert (story["minor"], story["asked_minor"]) == (minor, 500)


def test_what_the_host_lists_without_knowing_its_end_takes_a_persons_word(doubted: Store) -> None:
    """As where a shop shows a refund, and only its payment service knows whether it was paid."""
    shop = Shop(Unknown("look at the payment service"), _listed(ending="pending"))
    assert _settle(doubted, _proof(doubted, shop)).state is PayoutState.SETTLED


@pytest.mark.parametrize(
    ("found", "record"),
    [
        (Unknown("no"), _listed(host_object="r2")),
        (Unknown("no"), _listed(marker="[amends:pay_2]")),
        (Unknown("no"), _listed(marker=None)),
        (Unknown("no"), _listed(ending="failed")),
        (Unknown("no"), _listed(amount=None)),
        (Unknown("no"), _listed(amount=Money(499, "USD"))),
        (Unknown("no"), _listed(remedy="coupon")),
        (Pending(Receipt(host_object="r1", amount=Money(500, "EUR"))), _listed()),
        (Declined("failed", "it failed"), _listed()),
    ],
)
def test_nothing_else_is_believed(doubted: Store, found: Finding, record: HostRecord) -> None:
    with pytest.raises(CannotResolve):
        _proof(doubted, Shop(found, record))


def test_what_is_exactly_ours_needs_no_list(doubted: Store) -> None:
    receipt = Receipt(host_object="r1", amount=Money(500, "EUR"))
    shop = Shop(Settled(receipt))
    assert _settle(doubted, _proof(doubted, shop)).amount_minor == 500
    assert shop.since is None
