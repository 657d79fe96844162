"""What a host says and what we ask it, at the same moment: neither undoes what the other wrote."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from core import sweep
from core.case import Case, CaseState
from core.connection import Delivery, HostPayout
from core.events import RefundRecorded
from core.moment import Moment
from core.money import Money
from core.payout import Payout, PayoutState
from core.ports import Absent, Finding, HostRecord, Pays
from core.routing import read_routing
from core.store import Store, Tx
from core.store.sealing import Sealer, new_key, read_keys
from tests.stores import NOW, sample, store
from webhooks.engine.clock import Clock
from webhooks.engine.deliveries import refund_seen
from webhooks.engine.sweeping import Sweeper
from webhooks.hosts import Host, Hosts

__all__ = ["store"]

SOON = 0.3  # seconds in which the other transaction surely waits for the first


@pytest.fixture
def doubted(store: Store) -> Store:
    with store.write() as tx:
        tx.add(sample(Case, "case_1", state=CaseState.PAYING, due_at=NOW))
        tx.add(
            sample(
                Payout, "pay_1", case_id="case_1", till_id="till", order_id="o1", remedy="refund",
                state=PayoutState.UNKNOWN, amount_minor=500, currency="EUR", first_sent_at=NOW,
            )
        )  # fmt: skip
    return store


def _meanwhile(store: Store, first: Callable[[Tx], None], then: Callable[[], None]) -> None:
    """`then` begins while the runner's transaction about the case is open."""
    written = threading.Event()

    def runner() -> None:
        with store.write() as tx:
            tx.lock(Case, "case_1")
            first(tx)
            written.set()
            time.sleep(SOON)

    thread = threading.Thread(target=runner)
    thread.start()
    assert written.wait(30)
    then()
    thread.join(30)


def test_a_message_about_it_does_not_undo_its_ending(doubted: Store) -> None:
    """The host's own word of a refund comes while the answer to our asking is being kept."""

    def settled(tx: Tx) -> None:
        payout = tx.get(Payout, "pay_1")
        assert payout is not None
        tx.put(replace(payout, state=PayoutState.SETTLED, host_object="r1", due_at=None))

    def told() -> None:
        event = RefundRecorded(
            occurred_at=NOW, host_object="r1", order_id="o1", amount=None, marker="pay_1",
            ending="settled",
        )  # fmt: skip
        host = SimpleNamespace(
            connection=SimpleNamespace(id="till"),
            within=timedelta(0),
            pays=lambda _: Pays(retry="find"),
        )
        with doubted.write() as tx:
            refund_seen(tx, cast(Host, host), event, sample(Delivery, "d"), Moment(NOW))

    _meanwhile(doubted, settled, told)
    with doubted.read() as reader:
        after = reader.get(Payout, "pay_1")
    assert after is not None
    assert (after.state, after.host_object) == (PayoutState.SETTLED, "r1")


def _sweeper(store: Store, find: Callable[[], Finding]) -> tuple[Sweeper, Host]:
    till = SimpleNamespace(find=lambda order: find())
    host = SimpleNamespace(
        till=till,
        connection=SimpleNamespace(id="till"),
        pays=lambda _: Pays(retry="find"),
        routing=read_routing({"policy": "p", "tills": [{"connection": "till"}]}),
    )
    hosts = SimpleNamespace(get=lambda id, tx=None: host)
    clock = Clock(now=lambda: NOW + timedelta(minutes=30), steady=time.monotonic)
    sweeper = Sweeper(store, cast(Hosts, hosts), sealer=Sealer(read_keys(new_key())), clock=clock)
    return sweeper, cast(Host, host)


def _payout(store: Store) -> Payout:
    with store.read() as reader:
        found = reader.get(Payout, "pay_1")
    assert found is not None
    return found


def test_an_absence_from_before_another_sending_is_not_believed(doubted: Store) -> None:
    """While the sweep asked, the runner asked as well, sent, and heard nothing: in doubt again, and
    this time with something that may be at the host."""

    def find() -> Finding:
        with doubted.write() as tx:
            now = tx.lock(Payout, "pay_1")
            assert now is not None
            tx.put(replace(now, tries=now.tries + 2, due_at=NOW + timedelta(hours=1)))
        return Absent()

    sweeper, host = _sweeper(doubted, find)
    sweeper._ask(host, _payout(doubted))
    assert _payout(doubted).state is PayoutState.UNKNOWN


@pytest.mark.parametrize(
    ("minutes", "state"), [(31, PayoutState.UNKNOWN), (29, PayoutState.NOT_SENT)]
)
def test_an_absence_counts_only_once_it_must_be_visible(
    doubted: Store, minutes: int, state: PayoutState
) -> None:
    with doubted.write() as tx:
        now = tx.lock(Payout, "pay_1")
        assert now is not None
        tx.put(replace(now, due_at=NOW + timedelta(minutes=minutes)))
    sweeper, host = _sweeper(doubted, Absent)
    sweeper._ask(host, _payout(doubted))
    assert _payout(doubted).state is state


def test_what_the_host_lists_is_not_absent_whatever_it_answers(doubted: Store) -> None:
    listed = HostRecord(
        host_object="r1", remedy="refund", amount=Money(500, "EUR"), order_id="o1",
        marker="[amends:pay_1]", ending="settled", at=NOW,
    )  # fmt: skip
    with doubted.write() as tx:
        ours = sweep.compare(tx, "till", listed, Moment(NOW))
    assert isinstance(ours, Payout)
    sweeper, host = _sweeper(doubted, Absent)
    sweeper._ask(host, ours)
    after = _payout(doubted)
    assert (after.state, after.host_object) == (PayoutState.UNKNOWN, "r1")


def test_a_refund_that_a_message_tells_of_meanwhile_does_not_end_the_sweep(doubted: Store) -> None:
    """Both see it for the first time; who comes second has nothing to add."""
    record = HostRecord(
        host_object="r9", remedy="refund", amount=Money(500, "EUR"), order_id="o9", marker=None,
        ending="settled", at=NOW,
    )  # fmt: skip

    def told(tx: Tx) -> None:
        assert sweep.compare(tx, "till", record, Moment(NOW)) is not None

    def swept() -> None:
        with doubted.write() as tx:
            assert sweep.compare(tx, "till", record, Moment(NOW)) is None

    _meanwhile(doubted, told, swept)
    with doubted.read() as reader:
        assert reader.count(HostPayout, host_object="r9") == 1


@pytest.mark.parametrize("state", [PayoutState.PLANNED, PayoutState.NOT_SENT])
def test_a_coupon_made_after_the_backup_is_not_made_again(
    doubted: Store, state: PayoutState
) -> None:
    """The backup knows the payout and not its code, by which alone the host finds it; but the host
    lists it with our mark."""
    with doubted.write() as tx:
        planned = replace(
            tx.get(Payout, "pay_1"),  # type: ignore[type-var]
            remedy="coupon", state=state, order_id=None, sealed_code=None, first_sent_at=None,
        )  # fmt: skip
        assert isinstance(planned, Payout)
        tx.put(planned)
    listed = HostRecord(
        host_object="c1", remedy="coupon", amount=Money(500, "EUR"), order_id=None,
        marker="[amends:pay_1]", ending="settled", at=NOW,
    )  # fmt: skip
    with doubted.write() as tx:
        ours = sweep.compare(tx, "till", listed, Moment(NOW))
    assert isinstance(ours, Payout)
    sweeper, host = _sweeper(doubted, Absent)
    for _ in range(3):
        sweeper._ask(host, _payout(doubted))
        with doubted.write() as tx:
            now = tx.lock(Payout, "pay_1")
            assert now is not None
            tx.put(replace(now, due_at=NOW))
    assert (_payout(doubted).state, _payout(doubted).host_object) == (PayoutState.UNKNOWN, "c1")
