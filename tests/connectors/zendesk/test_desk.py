"""What is particular to tickets at Zendesk: lost tags, public notes, lost metadata, and zenpy."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests

from connectors import registry
from connectors.http import Http
from core.ports import (
    HostDenied,
    HostUnavailable,
    HostUnclear,
    WriteBack,
)
from sandbox.faults import Fault
from sandbox.zendesk import rules
from sandbox.zendesk.state import Limits, Token
from tests.connectors.contract.bench import Bench
from tests.connectors.contract.harness import StoredSettings

MARKER = "[amends:pay_01]"
NOTE = WriteBack(kind="note", ticket_id="35", marker=MARKER, text="Refunded 12.50 EUR")
REPLY = WriteBack(
    kind="reply",
    ticket_id="35",
    marker=MARKER,
    text="پول شما برگشت داده شد.\nببخشید",
    language="fa",
)


def _bodies(bench: Bench) -> list[dict[str, Any]]:
    return [json.loads(seen.body) for seen in bench.harness.state.requests if seen.method == "PUT"]


# --------------------------------------------------------------------------------------- the ticket


def test_ticket_and_requester_come_in_one_round(bench: Bench) -> None:
    ticket = bench.desk.ticket("35")
    assert bench.harness.requests() == 1
    assert (ticket.requester.name, ticket.requester.email) == ("Leyla Karimi", "leyla@example.org")
    assert (ticket.status, ticket.language, ticket.channel) == ("solved", "fa", "email")
    assert ticket.tags == {"vip", "damaged"}
    assert ticket.fields == {"360002": "damaged"}
    assert ticket.brand == "8447346621310"


def test_a_field_may_say_the_language(bench: Bench) -> None:
    bench.settings.values["language_field"] = "360003"
    bench.harness.state.add_field({"id": 360003, "title": "Language", "type": "text"})
    bench.harness.state.tickets[35].fields[360003] = "ar-SA"
    ticket = bench.desk.ticket("35")
    assert (ticket.language, ticket.requester.language) == ("ar", "fa")


@pytest.mark.parametrize("odd", ["", "0", "35/tags", "../users/1", "35?x=1", "٣٥", "1e3", "-1"])
def test_an_odd_id_reaches_no_address(bench: Bench, odd: str) -> None:
    with pytest.raises(Exception, match="not an id"):
        bench.desk.ticket(odd)
    assert bench.harness.requests() == 0


def test_a_ticket_without_its_requester_is_unclear(bench: Bench) -> None:
    bench.harness.state.tickets[35].requester_id = 0
    with pytest.raises(HostUnclear):
        bench.desk.ticket("35")


# --------------------------------------------------------------------------------------- write-back


def test_what_a_note_and_a_reply_look_like_on_the_wire(bench: Bench) -> None:
    bench.desk.write_back(replace(NOTE, text="*5* < 6 & <b>"))
    bench.desk.write_back(REPLY)
    note, reply = _bodies(bench)
    assert note["ticket"]["comment"] == {
        "html_body": '<div dir="ltr">*5* &lt; 6 &amp; &lt;b&gt;<br>\n<br>\n[amends:pay_01]</div>',
        "public": False,
    }
    assert reply["ticket"]["comment"]["public"] is True
    assert reply["ticket"]["comment"]["html_body"].startswith('<div dir="rtl">پول')
    assert MARKER not in reply["ticket"]["comment"]["html_body"]
    assert reply["ticket"]["metadata"] == {"amends": f"reply {MARKER}"}


def _forget_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    real = rules.update

    def update(state: Any, ticket: Any, asked: Any, *rest: Any) -> Any:
        return real(state, ticket, {k: v for k, v in asked.items() if k != "metadata"}, *rest)

    monkeypatch.setattr(rules, "update", update)


@pytest.mark.parametrize("back", [NOTE, REPLY], ids=["note", "reply"])
def test_found_again_where_metadata_is_lost(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, back: WriteBack
) -> None:
    _forget_metadata(monkeypatch)
    assert bench.desk.find(back) is None
    made = bench.desk.write_back(back)
    assert bench.desk.find(back) == made
    assert bench.desk.find(replace(back, marker="[amends:pay_02]", text="other words")) is None


def test_equal_words_of_another_payout_are_not_ours(bench: Bench) -> None:
    bench.desk.write_back(REPLY)
    assert bench.desk.find(replace(REPLY, marker="[amends:pay_02]")) is None


def test_a_note_that_came_out_public_is_hidden_and_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = rules._add_comment

    def public(state: Any, ticket: Any, asked: Any, *rest: Any) -> Any:
        return real(state, ticket, asked and {**asked, "public": True}, *rest)

    monkeypatch.setattr(rules, "_add_comment", public)
    with pytest.raises(HostUnclear, match="PUBLIC"):
        bench.desk.write_back(NOTE)
    asked = [seen.path for seen in bench.harness.state.requests]
    comment = bench.harness.state.tickets[35].comments[-1]
    assert asked[-1] == f"/api/v2/tickets/35/comments/{comment.id}/make_private"
    assert "PUBLIC" in bench.said()
    with pytest.raises(HostUnclear, match="PUBLIC"):
        bench.desk.find(NOTE)


def test_a_long_history_is_searched_in_pages_and_never_called_absent(bench: Bench) -> None:
    state = bench.harness.state
    made = bench.desk.write_back(NOTE)
    ticket = state.tickets[35]
    filler = {"id": 1, "events": [], "metadata": {"custom": {}}}
    ticket.audits[:0] = [filler] * 250
    assert bench.desk.find(NOTE) == made
    ticket.audits[:0] = [filler] * 1000
    with pytest.raises(HostUnclear, match="too long"):
        bench.desk.find(NOTE)


# --------------------------------------------------------------------------------------------- tags


def test_twenty_writers_at_once_lose_no_tag(bench: Bench) -> None:
    state = bench.harness.state
    state.limits = Limits(updates=10_000, updates_per_ticket_10min=10_000)
    http = Http(within=timedelta(seconds=20), allow_private=True)
    desk = registry.connect("zendesk", bench.settings, http).desk
    assert desk is not None

    def mark(number: int) -> str:
        return desk.write_back(
            WriteBack(kind="marks", ticket_id="35", marker=MARKER, tags=(f"amends_{number}",))
        )

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(mark, range(20))) == {"35"}
    wanted = {"vip", "damaged"} | {f"amends_{number}" for number in range(20)}
    assert bench.harness.tags() == wanted
    assert any(seen.status == 409 for seen in state.requests), "they never met: nothing was shown"


def test_the_stand_in_does_lose_tags_without_safe_update(bench: Bench) -> None:
    """What the test above would not show if the host were kinder than the real one."""
    state = bench.harness.state
    state.limits = Limits(updates=10_000, updates_per_ticket_10min=10_000)
    url = f"{bench.harness.address}/api/v2/tickets/35/tags"
    headers = {"Authorization": f"Bearer {bench.settings['access_token']}"}

    def add(number: int) -> int:
        tags = {"tags": [f"amends_{number}"]}
        return requests.put(url, json=tags, headers=headers, timeout=30).status_code

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(add, range(20)))
    assert len(bench.harness.tags()) < 22


def test_a_ticket_that_always_changes_is_given_up_within_one_calls_time(bench: Bench) -> None:
    bench.harness.fault("marks", "status", "before", status=409, times=None)
    started = time.monotonic()
    with bench.http.attempt(timedelta(seconds=3)), pytest.raises(HostUnavailable):
        bench.desk.write_back(
            WriteBack(kind="marks", ticket_id="35", marker=MARKER, tags=("amends_settled",))
        )
    assert time.monotonic() - started < 30


def test_marks_set_the_field_and_leave_alone_what_is_right(bench: Bench) -> None:
    back = WriteBack(
        kind="marks",
        ticket_id="35",
        marker=MARKER,
        tags=("amends_settled",),
        fields={"360001": "case_01"},
    )
    assert bench.desk.find(back) is None
    bench.desk.write_back(back)
    assert bench.harness.state.tickets[35].fields[360001] == "case_01"
    assert bench.desk.find(back) == "35"
    sent = len(_bodies(bench))
    bench.desk.write_back(back)
    assert len(_bodies(bench)) == sent, "nothing to write, nothing written"


# -------------------------------------------------------------------------------------------- zenpy


def test_zenpy_does_not_send_a_read_again_by_itself(bench: Bench) -> None:
    bench.harness.fault("read", "status", "before", status=503, headers={"Retry-After": "900"})
    with pytest.raises(HostUnavailable):
        bench.desk.ticket("35")
    assert bench.harness.requests() == 1


def test_zenpy_caches_nothing_between_calls(bench: Bench) -> None:
    assert bench.desk.ticket("35").status == "solved"
    bench.harness.state.tickets[35].status = "open"
    assert bench.desk.ticket("35").status == "open"
    assert bench.harness.requests() == 2


@pytest.mark.parametrize("wait", ["120", "Sun, 22 Nov 2099 10:00:00 GMT"])
def test_zenpy_neither_sleeps_nor_stumbles_at_429(bench: Bench, wait: str) -> None:
    bench.harness.fault("read", "status", "before", status=429, headers={"Retry-After": wait})
    started = time.monotonic()
    with pytest.raises(HostUnavailable) as caught:
        bench.desk.ticket("35")
    assert time.monotonic() - started < 60
    assert caught.value.retry_after in (timedelta(minutes=2), timedelta(hours=1))
    assert bench.harness.requests() == 1


def test_zenpy_given_odd_answers_is_unclear_not_a_crash(bench: Bench) -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = {"a": deep}
    odd = ["plain", {}, {"ticket": None}, {"ticket": {"id": 35}}, {"tickets": []}, [], deep]
    odd += [{"ticket": {"id": 35, "status": "PARKED", "requester_id": 8447346622463}}]
    for body in odd:
        bench.harness.fault("read", "status", "before", status=200, body=body)
        with pytest.raises(HostUnclear):
            bench.desk.ticket("35")
        bench.harness.state.faults.clear()


def test_a_missing_credential_is_denied_without_showing_the_others(bench: Bench) -> None:
    values = {**bench.settings.values, "api_token": "canary-lonely-token"}
    del values["access_token"]
    http = Http(allow_private=True)
    desk = registry.connect("zendesk", StoredSettings(values), http).desk
    assert desk is not None
    with pytest.raises(HostDenied) as caught:
        desk.ticket("35")
    assert "canary" not in str(caught.value) + bench.said()


def test_the_old_api_token_still_works(bench: Bench) -> None:
    values = dict(bench.settings.values)
    del values["access_token"]
    values |= {"email": "amends@shop.example", "api_token": "zendesk-sandbox-api-token"}
    http = Http(allow_private=True)
    desk = registry.connect("zendesk", StoredSettings(values), http).desk
    assert desk is not None
    assert desk.ticket("35").id == "35"


def test_a_page_that_leads_elsewhere_gets_no_token(bench: Bench) -> None:
    stolen = {"tickets": [], "after_url": "http://127.0.0.2:9/steal", "end_of_stream": False}
    bench.harness.state.faults.add(_fault("/api/v2/incremental/tickets/cursor*", body=stolen))
    with pytest.raises(HostUnclear, match="another host"):
        list(bench.desk.recent(bench.harness.now - timedelta(days=1)))


def _fault(path: str, body: object) -> Any:
    return Fault(kind="status", status=200, body=body, match={"path": path})


def test_a_permission_that_lacks_is_denied(bench: Bench) -> None:
    bench.harness.state.tokens.append(Token("read-only", None, 8447388090001, "read"))
    bench.settings.values["access_token"] = "read-only"
    with pytest.raises(HostDenied):
        bench.desk.write_back(NOTE)
