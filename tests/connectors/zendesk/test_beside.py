"""A talk beside the ticket: begun once, recognised, and missing in most accounts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.ports import HostUnavailable, HostUnclear, Unwritable, WriteBack
from sandbox.faults import Fault
from sandbox.zendesk.state import Limits
from tests.connectors.contract.bench import Bench

PATH = "/api/v2/tickets/35/side_conversations"
BACK = WriteBack(
    kind="side",
    ticket_id="35",
    marker="[amends:wb_7]",
    subject="Somebody has to approve this",
    text="Money for order #1042 waits for a yes.\n\nhttps://amends.example/console/cases/case_1",
    to=("ama@shop.example", "bo@shop.example"),
)


def test_it_is_begun_with_everybody_and_found_again(bench: Bench) -> None:
    assert bench.desk.find(BACK) is None
    made = bench.desk.write_back(BACK)
    assert bench.desk.find(BACK) == made
    assert bench.desk.find(replace(BACK, marker="[amends:wb_8]")) is None
    (side,) = bench.harness.state.side_conversations
    assert side["external_ids"] == {"amends": "[amends:wb_7]"}
    assert [one["email"] for one in side["participants"]] == list(BACK.to)


def test_the_customer_sees_nothing_of_it(bench: Bench) -> None:
    bench.desk.write_back(BACK)
    assert bench.harness.comments() == []
    (sent,) = [json.loads(s.body) for s in bench.harness.state.requests if s.path == PATH]
    assert sent["message"]["body"] == BACK.text


def test_it_is_found_on_a_later_page(bench: Bench) -> None:
    bench.harness.state.limits = Limits(updates=1000, updates_per_ticket_10min=1000)
    for number in range(130):
        bench.desk.write_back(replace(BACK, marker=f"[amends:wb_x{number}]"))
    made = bench.desk.write_back(BACK)
    assert bench.desk.find(BACK) == made


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("act", ["find", "write_back"])
def test_an_account_without_them_is_no_fault(bench: Bench, act: str, status: int) -> None:
    fault = Fault(kind="status", status=status, match={"path": PATH}, times=None, body={})
    bench.harness.state.faults.add(fault)
    with pytest.raises(Unwritable):
        getattr(bench.desk, act)(BACK)


def test_silence_after_acting_is_found_out_by_looking(bench: Bench) -> None:
    match = {"path": PATH, "method": "POST"}
    bench.harness.state.faults.add(Fault(kind="drop", when="after", match=match))
    with pytest.raises(HostUnavailable):
        bench.desk.write_back(BACK)
    assert bench.desk.find(BACK) is not None


def test_another_conversation_in_the_answer_is_not_ours(bench: Bench) -> None:
    other = {"side_conversation": {"id": "x", "external_ids": {"amends": "[amends:wb_9]"}}}
    match = {"path": PATH, "method": "POST"}
    fault = Fault(kind="status", when="after", status=201, match=match, body=other)
    bench.harness.state.faults.add(fault)
    with pytest.raises(HostUnclear):
        bench.desk.write_back(BACK)
