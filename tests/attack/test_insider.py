"""Attack book I: what somebody with an account of their own tries. I7 is in test_publishing.py.

Approvals and limits have their own tests on every store (tests/core/approval and authority);
here each attack is made once more the way an insider would, through the doors there are.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console import demo
from core import approval
from core.approval import MayNotApprove
from core.case import CaseState
from core.moment import Moment
from core.offer import Offer
from core.people import Person, PersonIdentity
from core.store.sql import SqlStore
from core.store.tables import record_classes
from tests.attack.door import Door, solved
from tests.core.authority.bench import Bench
from tests.stores import KINDS, open_store
from tests.webhooks.rig import Rig
from webhooks import connecting
from webhooks.app import create_app
from webhooks.connecting import BadSettings
from webhooks.demo.stage import MANAGER
from webhooks.demo.world import World

LATE_PARCEL = 1
CHIPPED_TEAPOT = 2
SCRATCHED_TABLES = 16
AGENT = "jo.marsh@shop.example"


def _decide(rig: Rig, person: Person) -> approval.Approval:
    case = rig.case(SCRATCHED_TABLES)
    with rig.store.write() as tx:
        return approval.decide(
            tx, case.id, person, agree=True, note=None, moment=Moment(rig.clock.now())
        )


def test_i1_no_row_of_another_workspace_is_seen_or_changed(rig: Rig) -> None:
    """Every kind of row, in the same database, by its very id."""
    rig.solve(LATE_PARCEL)
    assert isinstance(rig.store, SqlStore)
    other = SqlStore(rig.store._url, "another")
    looked = 0
    for kind in record_classes():
        with rig.store.read() as reader:
            rows = reader.find(kind)
        with other.read() as reader:
            assert reader.find(kind) == []
            assert reader.count(kind) == 0
            for row in rows:
                assert reader.get(kind, row.id) is None
                looked += 1
        with other.write() as tx:
            assert all(tx.lock(kind, row.id) is None for row in rows)
    assert looked > 20
    other.close()


def test_i2_fields_nobody_asked_for_change_nothing(rig: Rig) -> None:
    """In a webhook, a form, and a connection's settings: only what is named is read."""
    door = Door(rig)
    rig.desk.post("webhooks/hold")
    rig.desk.post(f"tickets/{SCRATCHED_TABLES}/solve")
    extra = (
        b',"approved_by":"per_1","limit":"99999","workspace_id":"another","status":"granted",'
        b'"amount":"5000.00","mode":"act","requested_by":"per_1"}'
    )
    body = solved(SCRATCHED_TABLES)[:-1] + extra
    assert door.post(body) == 202
    rig.settle()
    case = rig.case(SCRATCHED_TABLES)
    assert case.state is CaseState.WAITING_APPROVAL
    app = create_app(rig.of, pages=[demo.blueprint(World(rig.of, rig.stage))])
    app.test_client().post(
        f"/tickets/{SCRATCHED_TABLES}/approve",
        data={"case": case.id, "person": "nobody", "state": "granted", "decided_by": "per_1",
              "approved_by": "per_1", "amount": "1"},
    )  # fmt: skip
    assert rig.case(SCRATCHED_TABLES).state is CaseState.WAITING_APPROVAL
    with pytest.raises(BadSettings):
        connecting.add(rig.of, "stripe", values={"secret_key": "k", "workspace_id": "another"})
    assert rig.refunds() == []


@pytest.mark.parametrize("kind", KINDS)
def test_i3_nobody_agrees_to_their_own_by_any_account(kind: str, tmp_path: Path) -> None:
    """As themselves, by a second account of one mailbox, by a token, or taken away and put back."""
    store = open_store(kind, tmp_path)
    bench = Bench(store)
    bench.limits("roles: {agent: {per_transaction: 10.00}, approver: {per_transaction: 500.00}}\n")
    asker = bench.person("jo", "agent", "approver", email="jo@shop.example")
    case = bench.ask("50.00 EUR", by=asker, ask=True)
    assert case.state is CaseState.WAITING_APPROVAL
    second = bench.person("jo2", "approver", email="Jo+approver@shop.example".lower())
    with store.write() as tx:
        tx.add(
            PersonIdentity(
                id="acc_token", person_id=asker.id, kind="token", connection_id="", value="t",
                linked_at=bench.now,
            )
        )  # fmt: skip
    for person in (asker, second):
        with pytest.raises(MayNotApprove):
            bench.decide(case, person)
    bench.change(asker, active=False)
    bench.change(asker, active=True, roles=["approver"])
    with pytest.raises(MayNotApprove):
        bench.decide(case, asker)
    other = bench.person("sam", "approver")
    bench.decide(case, other)
    assert bench.step(case, bench.order("50.00 EUR")).state is CaseState.PAYING
    store.close()


@pytest.mark.parametrize(
    "change",
    [{"minor": 1_850_00}, {"currency": "USD"}, {"till": "conn_x"}, {"order": "another"},
     {"buyer": "another"}, {"remedy": "store_credit"}, {"text": "x"}],
)  # fmt: skip
def test_i4_any_change_after_the_yes_pays_nothing(rig: Rig, change: dict[str, Any]) -> None:
    rig.solve(SCRATCHED_TABLES)
    case = rig.case(SCRATCHED_TABLES)
    assert _decide(rig, rig.person(MANAGER)).state == "granted"
    with rig.store.write() as tx:
        (offer,) = tx.find(Offer, case_id=case.id)
        parts = [{**dict(part), **change} for part in offer.parts]  # type: ignore[call-overload]
        tx.put(replace(offer, parts=parts))
    rig.settle()
    assert rig.refunds() == []
    assert rig.case(SCRATCHED_TABLES).state is CaseState.WITH_PERSON


@pytest.mark.parametrize("kind", KINDS)
def test_i5_splitting_is_stopped_by_what_was_given_before(kind: str, tmp_path: Path) -> None:
    """Five times 49.99 under a limit of 50: by one person's day, and by two people for one mailbox.
    More ways: tests/core/authority/test_limits.py."""
    store = open_store(kind, tmp_path)
    bench = Bench(store)
    bench.limits(
        "roles: {agent: {per_transaction: 50.00, per_day: 120.00}}\n"
        "customer: [{days: 30, value: 150.00}]\n"
    )
    jo, al, zoe = (bench.person(name, "agent") for name in ("jo", "al", "zoe"))
    states = [bench.ask("49.99 EUR", by=jo, buyer=f"b{n}").state for n in range(3)]
    assert states == [CaseState.PAYING, CaseState.PAYING, CaseState.WAITING_APPROVAL]
    given = [
        bench.ask("49.99 EUR", by=who, buyer=f"m{n}", mark="one mailbox", reason=f"r{n}").state
        for n, who in enumerate((al, al, zoe, zoe))
    ]
    assert given == [CaseState.PAYING, CaseState.PAYING, CaseState.PAYING, CaseState.WITH_PERSON]
    store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_i6_a_limit_lowered_while_it_waits_counts_at_release(kind: str, tmp_path: Path) -> None:
    store = open_store(kind, tmp_path)
    bench = Bench(store)
    high = "roles: {agent: {per_transaction: 10.00}, approver: {per_transaction: 500.00}}\n"
    bench.limits(high)
    case = bench.ask("50.00 EUR", by=bench.person("jo", "agent"))
    bench.decide(case, bench.person("sam", "approver"))
    bench.limits(high.replace("500.00", "20.00"))
    after = bench.step(case, bench.order("50.00 EUR"))
    assert after.state is CaseState.WITH_PERSON
    assert bench.payouts(after) == []
    store.close()


def test_i8_a_friends_order_is_not_paid_and_a_friend_gets_nothing(rig: Rig) -> None:
    """The ticket names another customer's order: only what its own requester bought counts. And
    money goes back to the payment it came from, whoever the ticket is said to be from."""
    state: Any = rig.running.states["zendesk"]
    with state.lock:
        ticket = state.tickets[LATE_PARCEL]
        ticket.comments[0].body = "It is about my order #1002 please"
    rig.solve(LATE_PARCEL)
    for refund in rig.refunds():
        assert refund["order_id"] == 1001
    with state.lock:
        teapot = state.tickets[CHIPPED_TEAPOT]
        teapot.requester_id = ticket.requester_id
        teapot.tags.append("amends_damaged_item") if not teapot.tags else None
    rig.solve(CHIPPED_TEAPOT)
    assert [r for r in rig.refunds() if r["order_id"] == 1002] == []


def test_i9_no_address_acts_when_it_is_only_looked_at(rig: Rig) -> None:
    """A mail scanner follows every link: no GET or HEAD of any address writes a row."""
    rig.solve(SCRATCHED_TABLES)
    case = rig.case(SCRATCHED_TABLES)
    app = create_app(rig.of, pages=[demo.blueprint(World(rig.of, rig.stage))])
    client, before, visited = app.test_client(), _everything(rig), 0
    for rule in app.url_map.iter_rules():
        known = {name: str(SCRATCHED_TABLES) for name in rule.arguments}
        path = rule.rule
        for name, value in known.items():
            path = path.replace(f"<{name}>", value).replace(f"<path:{name}>", value)
        query = {"case": case.id, "person": rig.person(MANAGER).id, "agree": "1"}
        for ask in (client.get, client.head):
            answer = ask(path, query_string=query)
            assert answer.status_code < 500
            visited += 1
    rig.settle()
    assert visited > 10
    assert _everything(rig) == before
    assert rig.case(SCRATCHED_TABLES).state is CaseState.WAITING_APPROVAL


def _everything(rig: Rig) -> dict[str, int]:
    with rig.store.read() as reader:
        return {kind.TABLE.name: reader.count(kind) for kind in record_classes()}
