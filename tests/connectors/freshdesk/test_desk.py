"""Notes that must be private, replies found without a visible marker, tags that nobody locks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.ports import HostUnclear, Unwritable, WriteBack
from sandbox.freshdesk import rules
from tests.connectors.contract.bench import Bench
from tests.connectors.contract.harness import Written

MARKER = "[amends:wb_01]"
NOTE = WriteBack(kind="note", ticket_id="35", marker=MARKER, text="Refunded 5.00 EUR")
REPLY = replace(NOTE, kind="reply", text="Dear Leyla,\n5 < 6 & we are sorry.")


def _asked(bench: Bench, path: str) -> list[Any]:
    import json

    seen = bench.harness.state.requests
    return [json.loads(one.body) for one in seen if one.path.endswith(path) and one.body]


def test_a_note_says_that_it_is_private_and_wakes_nobody(bench: Bench) -> None:
    bench.desk.write_back(NOTE)
    sent = _asked(bench, "/notes")[0]
    assert sent["private"] is True
    assert sent["notify_emails"] == []


def test_a_note_that_came_out_public_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = rules.converse

    def public(*args: Any, **given: Any) -> Any:
        return real(*args, **{**given, "private": False})

    monkeypatch.setattr(rules, "converse", public)
    with pytest.raises(HostUnclear, match="PUBLIC"):
        bench.desk.write_back(NOTE)
    with pytest.raises(HostUnclear, match="PUBLIC"):
        bench.desk.find(NOTE)
    assert "PUBLIC" in bench.said()


def test_text_is_text(bench: Bench) -> None:
    bench.desk.write_back(replace(REPLY, text='<img src=x onerror="x"> *5*\nسطر', language="fa"))
    sent = _asked(bench, "/reply")[0]["body"]
    assert "<img" not in sent
    assert 'dir="rtl"' in sent
    assert MARKER not in sent


@pytest.fixture
def forgets(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A Freshdesk that drops classes from what is written."""
    real = rules.converse

    def converse(state: Any, ticket: Any, asked: Any, *rest: Any, **given: Any) -> Any:
        import re

        body = re.sub(r' class="[^"]*"', "", asked["body"])
        return real(state, ticket, {**asked, "body": body}, *rest, **given)

    monkeypatch.setattr(rules, "converse", converse)
    return bench


@pytest.mark.parametrize("back", [NOTE, REPLY], ids=["note", "reply"])
def test_found_again_where_the_class_is_dropped(forgets: Bench, back: WriteBack) -> None:
    assert forgets.desk.find(back) is None
    made = forgets.desk.write_back(back)
    assert forgets.desk.find(back) == made
    assert forgets.desk.find(replace(back, marker="[amends:wb_02]", text="other")) is None


def test_equal_words_of_another_payout_are_not_ours(bench: Bench) -> None:
    bench.desk.write_back(REPLY)
    assert bench.desk.find(replace(REPLY, marker="[amends:wb_02]")) is None


def test_a_note_is_not_the_reply_of_the_same_marker(bench: Bench) -> None:
    bench.desk.write_back(replace(NOTE, text=REPLY.text))
    assert bench.desk.find(REPLY) is None


def test_a_customer_who_quotes_the_marker_has_not_written_our_note(bench: Bench) -> None:
    state = bench.harness.state
    ticket = state.tickets[35]
    said = {"body": f"you wrote {MARKER}", "incoming": True}
    rules.converse(state, ticket, said, ticket.requester_id, private=True, note=True)
    assert bench.desk.find(NOTE) is None


def test_found_on_the_third_page(bench: Bench) -> None:
    state = bench.harness.state
    ticket = state.tickets[35]
    for number in range(230):
        rules.converse(state, ticket, {"body": f"w {number}"}, 1, private=True, note=True)
    made = bench.desk.write_back(NOTE)
    assert bench.desk.find(NOTE) == made


def test_a_history_too_long_to_look_through_is_no_absence(bench: Bench) -> None:
    state = bench.harness.state
    ticket = state.tickets[35]
    one = rules.converse(state, ticket, {"body": "w"}, 1, private=True, note=True)
    ticket.conversations.extend([one] * 2000)
    with pytest.raises(HostUnclear):
        bench.desk.find(NOTE)


def test_twenty_writers_lose_no_tag(bench: Bench) -> None:
    """Tags replace at Freshdesk: without the lock most of these are lost."""
    backs = [
        WriteBack(kind="marks", ticket_id="35", marker=MARKER, tags=(f"t{number}",))
        for number in range(20)
    ]
    ready = threading.Barrier(20)

    def write(back: WriteBack) -> None:
        ready.wait()
        bench.desk.write_back(back)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(write, backs))
    assert bench.harness.tags() == {"vip", "damaged"} | {f"t{number}" for number in range(20)}


def test_a_tag_that_another_process_overwrote_is_put_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = rules.update, [3]

    def update(state: Any, ticket: Any, asked: Any) -> None:
        real(state, ticket, asked)
        if left[0]:
            left[0] -= 1
            ticket.tags = [tag for tag in ticket.tags if tag != "ours"]

    monkeypatch.setattr(rules, "update", update)
    back = WriteBack(kind="marks", ticket_id="35", marker=MARKER, tags=("ours",))
    bench.desk.write_back(back)
    assert "ours" in bench.harness.tags()


def test_fields_are_set_once(bench: Bench) -> None:
    fields = {"cf_amends_case": "case_1"}
    back = WriteBack(kind="marks", ticket_id="35", marker=MARKER, tags=("vip",), fields=fields)
    assert bench.desk.find(back) is None
    bench.desk.write_back(back)
    bench.desk.write_back(back)
    assert _asked(bench, "/tickets/35") == [{"custom_fields": fields}]
    assert bench.desk.find(back) == "35"


def test_a_field_that_does_not_exist_is_a_persons_task(bench: Bench) -> None:
    back = WriteBack(kind="marks", ticket_id="35", marker=MARKER, fields={"cf_gone": "x"})
    with pytest.raises(Unwritable, match="cf_gone"):
        bench.desk.write_back(back)


def test_a_closed_ticket_still_takes_a_note(bench: Bench) -> None:
    bench.harness.state.tickets[35].status = 5
    bench.desk.write_back(NOTE)
    assert bench.harness.comments() == [Written(f"{NOTE.text}\n\n{MARKER}", False)]


def test_the_language_is_the_contacts(bench: Bench) -> None:
    """And a ticket whose requester is gone cannot be read as somebody's."""
    assert bench.desk.ticket("35").language == "fa"
    bench.harness.state.contacts.clear()
    with pytest.raises(HostUnclear):
        bench.desk.ticket("35")


def test_recent_loses_nothing_while_tickets_change_and_go(bench: Bench) -> None:
    state = bench.harness.state
    first = state.tickets.pop(35)
    for number in range(100, 305):
        second = timedelta(seconds=number - 400)
        stamp = (bench.harness.now + second).strftime("%Y-%m-%dT%H:%M:%SZ")
        state.tickets[number] = replace(first, id=number, updated_at=stamp)
    found = iter(bench.desk.recent(bench.harness.now - timedelta(hours=1)))
    ids = [next(found).id]
    del state.tickets[101]
    state.touch(state.tickets[102])
    ids += [ticket.id for ticket in found]
    assert sorted(ids) == [str(n) for n in range(100, 305) if n != 101]
