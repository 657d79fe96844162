"""What a host tells by itself of refunds we did not make, or do not know of any more."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from core import drift, sweep
from core.case import Case, CaseState, Customer, Task
from core.chores import Chore, id_of
from core.connection import Delivery, HostPayout
from core.events import RefundRecorded
from core.moment import Moment
from core.money import Money
from core.payout import GONE, Payout, PayoutState
from core.ports import HostRecord, Pays
from core.store import Store
from core.sweep import Report
from tests.stores import NOW, sample, store
from webhooks.engine.deliveries import refund_seen
from webhooks.hosts import Host

__all__ = ["store"]

HOST = cast(
    Host,
    SimpleNamespace(
        connection=SimpleNamespace(id="till"),
        within=timedelta(0),
        pays=lambda _: Pays(retry="find"),
    ),
)
CASE = sample(
    Case, "case_1", state=CaseState.CLOSED, due_at=None, till_id="till", order_id="o1",
    open_key=None,
)  # fmt: skip


def _told(store: Store, *, tries: int = 0, **said: object) -> bool:
    event = RefundRecorded(
        **{  # type: ignore[arg-type]
            "occurred_at": NOW, "host_object": "r1", "order_id": "o1", "amount": None,
            "marker": None, "ending": "settled", **said,
        }
    )  # fmt: skip
    with store.write() as tx:
        delivery = sample(Delivery, "d", tries=tries)
        return refund_seen(tx, HOST, event, delivery, Moment(NOW))


def _seen(store: Store) -> HostPayout:
    with store.read() as reader:
        (found,) = reader.find(HostPayout)
    return found


def _tasks(store: Store) -> list[str]:
    with store.read() as reader:
        return [task.kind for task in reader.find(Task, state="open")]


def test_one_with_a_mark_we_do_not_know_holds_up_its_order(store: Store) -> None:
    """After a backup was restored, a message may come before the sweep does."""
    assert _told(store, marker="pay_lost", amount=Money(500, "EUR"))
    assert (_seen(store).marker, _tasks(store)) == ("pay_lost", ["forgotten_payout"])
    with store.read() as reader:
        assert drift.forgotten(reader, CASE) is not None
    assert _told(store, marker="pay_lost", amount=Money(500, "EUR"))
    assert _tasks(store) == ["forgotten_payout"]


def test_it_does_not_wait_for_what_is_under_way(store: Store) -> None:
    with store.write() as tx:
        tx.add(CASE)
        tx.add(
            sample(
                Payout, "pay_1", case_id="case_1", till_id="till", order_id="o1",
                state=PayoutState.PLANNED,
            )
        )  # fmt: skip
    assert not _told(store)
    assert _told(store, marker="pay_lost")
    assert _seen(store).marker == "pay_lost"


@pytest.mark.parametrize(("state", "tries"), [(PayoutState.SETTLED, 0), (PayoutState.UNKNOWN, 20)])
def test_one_by_hand_for_an_order_we_gave_for_is_a_persons(
    store: Store, state: PayoutState, tries: int
) -> None:
    with store.write() as tx:
        tx.add(CASE)
        tx.add(
            sample(
                Payout, "pay_1", case_id="case_1", till_id="till", order_id="o1", state=state,
                host_object="ours",
            )
        )  # fmt: skip
    assert _told(store, tries=tries)
    assert _tasks(store) == ["paid_by_hand"]


def test_the_sweep_learns_the_sum_that_a_message_did_not_say(store: Store) -> None:
    assert _told(store)
    assert _seen(store).amount_minor is None
    listed = HostRecord(
        host_object="r1", remedy="refund", amount=Money(500, "EUR"), order_id="o1", marker=None,
        ending="failed", at=NOW,
    )  # fmt: skip
    with store.write() as tx:
        assert sweep.compare(tx, "till", listed, Moment(NOW)) is None
    seen = _seen(store)
    assert (seen.amount_minor, seen.currency, seen.ending) == (500, "EUR", "failed")


def test_what_an_erased_customer_was_given_is_not_looked_for(store: Store) -> None:
    """To whom it was given is not known any more, so the host could only be misunderstood: a
    payment that is there would count as missing, and open the case again."""
    with store.write() as tx:
        tx.add(sample(Customer, "c1", created_at=NOW, erased_at=NOW))
        tx.add(sample(Customer, "c2", created_at=NOW))
        for number, customer in enumerate(("c1", "c2", None)):
            tx.add(
                sample(
                    Payout, f"pay_{number}", till_id="till", state=PayoutState.SETTLED,
                    host_object=f"r{number}", customer_id=customer,
                )
            )  # fmt: skip
    with store.read() as reader:
        later = NOW + timedelta(hours=1)
        of = Report(connection="till", title="t", since=NOW, at=later, swept=True)
        asked = [p.id for p in sweep.unlisted(reader, of, set(), lambda _: False)]
    assert asked == ["pay_2", "pay_1"]


def _with(store: Store, **given: object) -> None:
    with store.write() as tx:
        tx.add(CASE)
        values = {"case_id": "case_1", "till_id": "till", "order_id": "o1", **given}
        tx.add(sample(Payout, "pay_1", **values))


def _payout(store: Store) -> Payout:
    with store.read() as reader:
        found = reader.get(Payout, "pay_1")
    assert found is not None
    return found


@pytest.mark.parametrize("state", [PayoutState.PLANNED, PayoutState.NOT_SENT])
def test_what_is_there_all_the_same_is_asked_about_and_not_sent(
    store: Store, state: PayoutState
) -> None:
    """We took it for not there, and the host tells of it before it is sent again."""
    _with(store, state=state, due_at=NOW + timedelta(hours=1))
    assert _told(store, marker="pay_1")
    after = _payout(store)
    assert (after.state, after.host_object, after.due_at) == (PayoutState.UNKNOWN, "r1", NOW)
    assert store.next_due(Case) == NOW


@pytest.mark.parametrize("state", sorted(GONE))
def test_what_is_paid_after_all_is_swept_at_once(store: Store, state: PayoutState) -> None:
    _with(store, state=state)
    assert _told(store, marker="pay_1", ending="failed")
    with store.read() as reader:
        assert reader.get(Chore, id_of("sweep", "till")) is None
    assert _told(store, marker="pay_1")
    assert store.next_due(Chore) == NOW
    assert _payout(store).state is state
