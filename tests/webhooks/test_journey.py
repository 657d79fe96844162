"""A solved ticket becomes money in the shop and words on the ticket: once, whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import ledger
from core.case import CaseState, Outcome
from core.connection import Delivery, HostPayout
from core.payout import PayoutState
from sandbox.world import tickets
from tests.stores import SQL_KINDS, open_store
from tests.webhooks.rig import Rig, rigged

LATE_PARCEL = 1  # English, 52.00 GBP, six days late
CHIPPED_TEAPOT = 2
PERSIAN_CARAFE = 5  # names #1005, has another order
WITHOUT_REASON = 10
SCRATCHED_TABLES = 16  # above what may be given without a yes


@pytest.mark.slow
@pytest.mark.parametrize("kind", SQL_KINDS)
def test_every_ticket_of_the_world_ends_as_the_world_says(kind: str, tmp_path: Path) -> None:
    store = open_store(kind, tmp_path)
    with rigged(store) as rig:
        for ticket in tickets():
            for step in ticket.get("steps") or ["solve"]:
                rig.desk.post(f"tickets/{ticket['id']}/{step}")
            rig.settle()
        ends = {t["id"]: _end(rig, t["id"]) for t in tickets()}
        assert ends == {t["id"]: t["expect"] for t in tickets()}
        with store.read() as reader:
            sums: dict[str, int] = {}
            for (_, currency), minor in ledger.balances(reader).items():
                sums[currency] = sums.get(currency, 0) + minor
        assert set(sums.values()) == {0}
    store.close()


def _end(rig: Rig, ticket_id: int) -> str:
    case = rig.case(ticket_id)
    if case.outcome is Outcome.MADE_GOOD:
        return "refund"
    return f"task:{case.said}" if case.state is CaseState.WITH_PERSON else case.state.value


def test_the_shop_the_ledger_and_the_ticket_agree(rig: Rig) -> None:
    rig.solve(LATE_PARCEL)
    case = rig.case(LATE_PARCEL)
    (payout,) = rig.payouts(case)
    (refund,) = rig.refunds()
    assert (payout.state, payout.host_object) == (
        PayoutState.SETTLED,
        f"gid://shopify/Refund/{refund['id']}",
    )
    assert payout.amount is not None
    assert refund["amount"] == payout.amount.text
    with rig.store.read() as reader:
        (entry,) = ledger.entries_of(reader, payout.id)
    assert (entry.amount_minor, entry.currency) == (payout.amount.minor, payout.amount.currency)
    note, reply = rig.comments(LATE_PARCEL)
    assert (note["public"], reply["public"]) == (False, True)
    assert payout.amount.text in note["body"]
    assert payout.amount.text in reply["body"]
    assert "amends_made_good" in rig.ticket(LATE_PARCEL)["tags"]
    assert case.id in str(rig.ticket(LATE_PARCEL)["fields"])


def test_the_apology_is_in_the_tickets_language(rig: Rig) -> None:
    rig.solve(PERSIAN_CARAFE)
    reply = rig.comments(PERSIAN_CARAFE)[-1]["body"]
    assert "سفارش" in reply
    assert "order" not in reply


def test_solving_again_gives_and_says_nothing_again(rig: Rig) -> None:
    rig.solve(LATE_PARCEL)
    before = rig.comments(LATE_PARCEL)
    rig.desk.post(f"tickets/{LATE_PARCEL}/reopen")
    rig.later(minutes=2)
    rig.solve(LATE_PARCEL)
    assert rig.case(LATE_PARCEL).outcome is Outcome.DUPLICATE
    assert rig.case(LATE_PARCEL).duplicate_of == rig.cases(LATE_PARCEL)[0].id
    assert len(rig.refunds()) == 1
    assert rig.comments(LATE_PARCEL) == before


def test_a_delivery_that_comes_again_is_let_go(rig: Rig) -> None:
    rig.desk.post("webhooks/options", duplicates=5)
    rig.solve(LATE_PARCEL)
    assert len(rig.refunds()) == 1
    assert len(rig.cases(LATE_PARCEL)) == 1
    with rig.store.read() as reader:
        keys = [row.dedupe_key for row in reader.find(Delivery, connection_id=rig.stage.desk_id)]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("early", [False, True])
def test_the_echo_of_our_own_refund_pays_nothing(rig: Rig, early: bool) -> None:
    rig.shop.post("webhooks/options", early=early)
    rig.solve(LATE_PARCEL)
    case = rig.case(LATE_PARCEL)
    rig.later(minutes=5)
    assert "echo" in rig.steps(case)
    assert len(rig.refunds()) == 1
    with rig.store.read() as reader:
        assert reader.count(HostPayout) == 0


def test_a_refund_made_by_hand_is_seen_as_drift(rig: Rig) -> None:
    rig.shop.post("orders/1003/refund", amount="5.00", note="called in")
    rig.settle()
    with rig.store.read() as reader:
        (drift,) = reader.find(HostPayout)
    assert (drift.amount_minor, drift.currency, drift.payout_id) == (500, "USD", None)


@pytest.mark.parametrize("kind", ["drop", "garbage"])
def test_an_answer_lost_after_the_host_acted_is_asked_about(rig: Rig, kind: str) -> None:
    rig.shop.post("webhooks/hold")
    rig.shop.post("faults", kind=kind, when="after", match={"operation": "refundCreate"})
    rig.solve(LATE_PARCEL)
    case = rig.case(LATE_PARCEL)
    assert rig.payouts(case)[0].state is PayoutState.UNKNOWN
    rig.later(minutes=2)
    assert rig.payouts(case)[0].state is PayoutState.SETTLED
    assert len(rig.refunds()) == 1
    assert len(rig.comments(LATE_PARCEL)) == 2


def test_the_echo_of_a_refund_whose_answer_was_lost_makes_us_ask_at_once(rig: Rig) -> None:
    rig.shop.post("faults", kind="drop", when="after", match={"operation": "refundCreate"})
    rig.solve(LATE_PARCEL)
    assert rig.payouts(rig.case(LATE_PARCEL))[0].state is PayoutState.SETTLED
    assert len(rig.refunds()) == 1


def test_a_request_lost_before_the_host_acted_is_sent_again(rig: Rig) -> None:
    rig.shop.post("faults", kind="drop", when="before", match={"operation": "refundCreate"})
    rig.solve(LATE_PARCEL)
    rig.later(minutes=2)
    rig.later(minutes=2)
    assert rig.case(LATE_PARCEL).outcome is Outcome.MADE_GOOD
    assert len(rig.refunds()) == 1


def test_a_note_whose_answer_was_lost_is_not_written_twice(rig: Rig) -> None:
    fault = {"method": "PUT", "path": f"/api/v2/tickets/{LATE_PARCEL}*"}
    rig.desk.post("faults", kind="drop", when="after", match=fault)
    rig.solve(LATE_PARCEL)
    rig.later(minutes=2)
    assert rig.case(LATE_PARCEL).outcome is Outcome.MADE_GOOD
    assert [c["public"] for c in rig.comments(LATE_PARCEL)].count(False) == 1
    assert len(rig.comments(LATE_PARCEL)) == 2


def test_a_host_that_is_down_makes_the_case_wait_and_say_so(rig: Rig) -> None:
    rig.shop.post("faults", kind="status", status=503, match={"path": "/admin/*"}, times=None)
    rig.solve(LATE_PARCEL)
    assert rig.case(LATE_PARCEL).said == "host_unavailable"
    assert rig.case(LATE_PARCEL).due_at is not None
    rig.later(hours=25)
    assert "host_unavailable" in rig.tasks(rig.case(LATE_PARCEL))
    rig.running.states["shopify"].faults.clear()
    rig.later(hours=2)
    assert rig.case(LATE_PARCEL).outcome is Outcome.MADE_GOOD
    assert rig.tasks(rig.case(LATE_PARCEL)) == []


def test_access_that_ended_is_a_persons_task_and_nothing_is_lost(rig: Rig) -> None:
    rig.shop.post("faults", kind="status", status=401, match={"path": "/admin/*"}, times=None)
    rig.solve(LATE_PARCEL)
    case = rig.case(LATE_PARCEL)
    assert (case.said, rig.tasks(case)) == ("host_denied", ["host_denied"])
    rig.running.states["shopify"].faults.clear()
    rig.later(minutes=20)
    assert rig.case(LATE_PARCEL).outcome is Outcome.MADE_GOOD


def test_options_that_name_a_till_that_is_not_there_are_a_persons_task(rig: Rig) -> None:
    rig.options(tills=[{"connection": "conn_gone"}])
    rig.solve(LATE_PARCEL)
    assert rig.tasks(rig.case(LATE_PARCEL)) == ["no_till"]
    assert rig.refunds() == []


def test_a_reason_given_later_is_taken_when_the_ticket_is_solved_again(rig: Rig) -> None:
    rig.solve(WITHOUT_REASON)
    case = rig.case(WITHOUT_REASON)
    assert rig.tasks(case) == ["no_reason"]
    rig.desk.post(f"tickets/{WITHOUT_REASON}/reopen")
    rig.desk.post(f"tickets/{WITHOUT_REASON}/tag", tags=["amends_damaged_item"])
    rig.later(minutes=2)
    rig.solve(WITHOUT_REASON)
    again = rig.case(WITHOUT_REASON)
    assert again.id == case.id
    assert again.outcome is Outcome.MADE_GOOD
    assert rig.tasks(again) == []


def test_a_ticket_closed_before_the_words_is_a_task(rig: Rig) -> None:
    fault = {"method": "PUT", "path": f"/api/v2/tickets/{LATE_PARCEL}*"}
    rig.desk.post("faults", kind="status", status=503, match=fault, times=None)
    rig.solve(LATE_PARCEL)
    rig.running.states["zendesk"].faults.clear()
    rig.desk.post(f"tickets/{LATE_PARCEL}/close")
    rig.later(minutes=5)
    assert rig.payouts(rig.case(LATE_PARCEL))[0].state is PayoutState.SETTLED
    assert "ticket_closed" in rig.tasks(rig.case(LATE_PARCEL))


@pytest.mark.parametrize(
    ("mode", "outcome", "notes"),
    [("shadow", Outcome.SHADOWED, 0), ("suggest", Outcome.SUGGESTED, 1)],
)
def test_modes_that_do_not_act_pay_nothing(
    rig: Rig, mode: str, outcome: Outcome, notes: int
) -> None:
    rig.options(mode=mode)
    rig.solve(LATE_PARCEL)
    assert rig.case(LATE_PARCEL).outcome is outcome
    assert rig.case(LATE_PARCEL).decision is not None
    assert rig.refunds() == []
    assert [c["public"] for c in rig.comments(LATE_PARCEL)] == [False] * notes


@pytest.mark.parametrize(("reply", "publics"), [("draft", 0), ("none", 0), ("send", 1)])
def test_the_reply_is_sent_drafted_or_left_out(rig: Rig, reply: str, publics: int) -> None:
    rig.options(reply=reply)
    rig.solve(LATE_PARCEL)
    comments = rig.comments(LATE_PARCEL)
    assert sum(c["public"] for c in comments) == publics
    drafted = any("Emma" in c["body"] for c in comments if not c["public"])
    assert drafted == (reply == "draft")


def test_no_reply_claims_money_before_it_is_settled(rig: Rig) -> None:
    rig.shop.post("webhooks/hold")
    rig.shop.post("faults", kind="drop", when="after", match={"operation": "refundCreate"})
    rig.solve(LATE_PARCEL)
    assert [c for c in rig.comments(LATE_PARCEL) if c["public"]] == []


def test_two_shops_workspaces_with_the_same_ids_do_not_meet(rig: Rig, tmp_path: Path) -> None:
    """The same ticket and order ids in another workspace of the same database."""
    rig.solve(CHIPPED_TEAPOT)
    other = open_store("sqlite", tmp_path)
    with rigged(other) as second:
        second.solve(CHIPPED_TEAPOT)
        assert second.case(CHIPPED_TEAPOT).outcome is Outcome.MADE_GOOD
        assert len(second.refunds()) == 1
    other.close()
    assert len(rig.cases(CHIPPED_TEAPOT)) == 1
