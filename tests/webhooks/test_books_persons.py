"""A person is erased or exported: nothing of them is left, and every sum and the chain stay."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from core import erasure, followup, ledger, tasks
from core import letter as letters
from core.case import Case, CaseStep, Customer, Outcome, Task
from core.connection import Delivery
from core.ledger_check import verify
from core.moment import Moment
from core.payout import PayoutState
from core.ports import Rating, RawRequest
from core.store.tables import record_classes
from tests.webhooks.rig import Rig
from webhooks.engine.deliveries import other_event

TEAPOT = 2
LATE_PARCEL = 1


def _customer(rig: Rig, ticket: int) -> str:
    id = rig.case(ticket).customer_id
    assert id is not None
    return id


def _personal(rig: Rig, ticket: int) -> list[str]:
    """Name, address and number of the customer as the hosts have them."""
    people = rig.desk.get("books")["users"]
    wanted = rig.ticket(ticket)["requester_id"]
    person = next(one for one in people if one["id"] == wanted)
    (payout,) = rig.payouts(rig.case(ticket))
    return [person["name"], person["email"], str(payout.buyer_id)]


def _everything(rig: Rig) -> str:
    with rig.store.read() as reader:
        return "\n".join(repr(row) for kind in record_classes() for row in reader.find(kind))


def _tell(rig: Rig, topic: str, customer: int | None) -> None:
    """What Shopify sends to the address in an app's own settings, which is not subscribed to."""
    host = rig.of.hosts.get(rig.stage.tills["shopify"])
    body = {"shop_domain": host.settings["shop"]}
    told = {**body, "customer": {"id": customer}} if customer else body
    request = RawRequest(headers={"x-shopify-topic": topic}, body=json.dumps(told).encode())
    (event,) = host.intake.read(request)
    with rig.store.write() as tx:
        other_event(tx, host, event, Moment(rig.clock.now()))
    rig.settle()


def _ask(rig: Rig, customer_id: str) -> None:
    with rig.store.write() as tx:
        erasure.ask(tx, customer_id, "person_1", Moment(rig.clock.now()))
    rig.settle()


def test_nothing_of_the_person_is_left_and_every_sum_stays(rig: Rig) -> None:
    rig.policy("{coupon: 10% of order.total}")
    rig.solve(TEAPOT)
    customer_id, personal = _customer(rig, TEAPOT), _personal(rig, TEAPOT)
    kept = _everything(rig)
    assert all(value in kept for value in (personal[0].split()[0], personal[2]))
    with rig.store.read() as reader:
        before = verify(reader), ledger.balances(reader), rig.steps(rig.case(TEAPOT))
    _ask(rig, customer_id)
    after = _everything(rig)
    assert [value for value in personal if value in after] == []
    assert personal[0].split()[0] not in after
    with rig.store.read() as reader:
        assert (verify(reader), ledger.balances(reader)) == before[:2]
        customer = reader.get(Customer, customer_id)
        assert customer is not None
        assert customer.erased_at is not None
    assert rig.steps(rig.case(TEAPOT)) == [*before[2], "erased"]
    (payout,) = rig.payouts(rig.case(TEAPOT))
    assert (payout.state, payout.sealed_code) == (PayoutState.SETTLED, None)


def test_messages_that_told_us_nothing_are_emptied_too(rig: Rig) -> None:
    """A shop tells of every change of an order, with the buyer's address, and most are no news."""
    rig.solve(TEAPOT)
    rig.solve(LATE_PARCEL)
    address, others = _personal(rig, TEAPOT)[1], _personal(rig, LATE_PARCEL)[1]
    with rig.store.read() as reader:
        bodies = [row.body or b"" for row in reader.find(Delivery) if not row.kinds]
    assert any(address.encode() in body for body in bodies)
    _ask(rig, _customer(rig, TEAPOT))
    with rig.store.read() as reader:
        left = [row.body or b"" for row in reader.find(Delivery)]
    assert not any(address.encode() in body for body in left)
    assert any(others.encode() in body for body in left)


def test_what_staff_wrote_and_the_customer_answered_is_handed_over(rig: Rig) -> None:
    rig.solve(TEAPOT)
    case, at = rig.case(TEAPOT), rig.clock.now()
    customer_id = _customer(rig, TEAPOT)
    with rig.store.write() as tx:
        letters.keep(tx, case.id, "Dear Liam", None, "person_1", Moment(at))
        tx.put(replace(case, override_note="a good customer"))
        task = tasks.open_task(tx, case, "disputed", {"order": "#1002"}, Moment(at))
        tasks.done(tx, task.id, "person_1", "the bank was asked", Moment(at))
        answer = Rating(host_object="s1", ticket_id=case.ticket_id, score=-100, at=at)
        followup.take_in(tx, case.desk_id, answer, Moment(at))
        known = erasure.export(tx, customer_id)["cases"][0]  # type: ignore[index]
    assert known["letter"] == "Dear Liam"
    assert known["notes"] == ["a good customer", "the bank was asked"]
    assert [one["kind"] for one in known["tasks"]] == ["disputed"]
    assert [one["score"] for one in known["surveys"]] == [-100]


def test_the_log_says_who_was_erased(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """A backup that is put back does not know of it."""
    rig.solve(TEAPOT)
    with caplog.at_level("INFO"):
        _ask(rig, _customer(rig, TEAPOT))
    assert f"erased {_customer(rig, TEAPOT)}" in caplog.messages


def test_others_are_left_alone(rig: Rig) -> None:
    rig.solve(LATE_PARCEL)
    rig.solve(TEAPOT)
    words = [w.text for w in rig.writings(rig.case(LATE_PARCEL))]
    _ask(rig, _customer(rig, TEAPOT))
    assert [w.text for w in rig.writings(rig.case(LATE_PARCEL))] == words
    assert any(words)
    with rig.store.read() as reader:
        assert any(row.body for row in reader.find(Delivery))


def test_what_is_under_way_is_finished_first(rig: Rig) -> None:
    rig.shop.post("faults", kind="drop", when="after", match={"operation": "refundCreate"})
    rig.shop.post("webhooks/hold")
    rig.solve(TEAPOT)
    assert rig.payouts(rig.case(TEAPOT))[0].state is PayoutState.UNKNOWN
    customer_id = _customer(rig, TEAPOT)
    _ask(rig, customer_id)
    with rig.store.read() as reader:
        customer = reader.get(Customer, customer_id)
    assert customer is not None
    assert customer.erased_at is None
    assert rig.payouts(rig.case(TEAPOT))[0].buyer_id is not None
    rig.later(minutes=5)
    assert rig.payouts(rig.case(TEAPOT))[0].state is PayoutState.SETTLED
    rig.later(hours=2)
    assert "erased" in rig.steps(rig.case(TEAPOT))
    assert len(rig.refunds()) == 1


def test_a_host_asks_for_it(rig: Rig) -> None:
    rig.solve(TEAPOT)
    (payout,) = rig.payouts(rig.case(TEAPOT))
    buyer = str(payout.buyer_id)
    number = int(buyer.rpartition("/")[2])
    _tell(rig, "customers/redact", number)
    assert "erased" in rig.steps(rig.case(TEAPOT))
    assert buyer not in _everything(rig)


def test_a_host_asks_what_is_kept(rig: Rig) -> None:
    rig.solve(TEAPOT)
    (payout,) = rig.payouts(rig.case(TEAPOT))
    number = int(str(payout.buyer_id).rpartition("/")[2])
    _tell(rig, "customers/data_request", number)
    with rig.store.read() as reader:
        told = [task for task in reader.find(Task) if task.kind == "export_asked"]
        known = erasure.export(reader, _customer(rig, TEAPOT))
    assert len(told) == 1
    case = known["cases"][0]  # type: ignore[index]
    assert case["given"][0]["amount"] == str(payout.amount)
    assert any(one["text"] for one in case["written"])
    assert known["known_as"][0]["value"] == payout.buyer_id  # type: ignore[index]


def test_a_shop_that_ends_has_everybody_erased_and_a_person_looks(rig: Rig) -> None:
    rig.solve(TEAPOT)
    rig.solve(LATE_PARCEL)
    _tell(rig, "shop/redact", None)
    assert "erased" in rig.steps(rig.case(TEAPOT))
    assert "erased" in rig.steps(rig.case(LATE_PARCEL))
    with rig.store.read() as reader:
        assert [task.kind for task in reader.find(Task, state="open")] == ["shop_erasure"]


def test_whoever_comes_again_is_not_known_and_their_order_is_not_made_good_twice(rig: Rig) -> None:
    rig.solve(TEAPOT)
    first = _customer(rig, TEAPOT)
    _ask(rig, first)
    rig.desk.post(f"tickets/{TEAPOT}/reopen")
    rig.later(minutes=2)
    rig.solve(TEAPOT)
    assert rig.case(TEAPOT).customer_id != first
    assert rig.case(TEAPOT).outcome is Outcome.DUPLICATE


def test_old_bodies_are_emptied_and_their_keys_stay(rig: Rig) -> None:
    rig.runner._house.begin()
    rig.solve(TEAPOT)
    with rig.store.read() as reader:
        before = {row.id: row.dedupe_key for row in reader.find(Delivery)}
    rig.later(days=29)
    with rig.store.read() as reader:
        assert any(row.body for row in reader.find(Delivery))
    rig.later(days=3)
    with rig.store.read() as reader:
        rows = [row for row in reader.find(Delivery) if row.id in before]
        assert {row.id: row.dedupe_key for row in rows} == before
        assert [row for row in rows if row.body is not None or row.headers] == []
        assert reader.count(Case) == 1
        assert reader.count(CaseStep) > 0


def test_one_who_waits_too_long_is_a_persons_task(rig: Rig) -> None:
    rig.policy("{refund: 10% of order.total}")
    rig.shop.post("faults", kind="drop", when="after", match={"operation": "refundCreate"})
    rig.shop.post("webhooks/hold")
    rig.solve(TEAPOT)
    rig.down(rig.shop, "/admin/*")
    _ask(rig, _customer(rig, TEAPOT))
    for _ in range(3):
        rig.clock.ahead += timedelta(days=7)
        rig.settle()
    assert "erasure_waits" in rig.tasks(rig.case(TEAPOT))
