"""Attack book T: texts of admins and customers that want to be more than text.

T3 (spreadsheets) is in test_policy.py; T4 (surveys) waits for surveys, see `book.py`.
Hostile values in every placeholder: tests/core/message/test_hostile.py (200 of them).
"""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from core.message import TemplateError, parse_letter
from tests.core.message.test_hostile import SEEDS
from tests.webhooks.rig import Rig

LATE_PARCEL = 1

PROGRAMS = [
    "{{'a'*200000000}}",
    "{% for x in range(9999999) %}{% for y in range(9999999) %}{% endfor %}{% endfor %}",
    "{{7*7}}", "{{ ''.__class__.__mro__ }}", "{{order.__init__.__globals__}}", "{{config}}",
    "{{greeting|attr('x')}}", "{{#each x}}", "${7*7}{{", "<%= 7*7 %>{{x}}", "{{lipsum()}}",
    "{{order}}" * 5_000, "x" * 1_000_000, "{{" * 100_000, "{{a" + "}}" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("source", PROGRAMS, ids=range(len(PROGRAMS)))
def test_t1_a_template_is_no_program(source: str) -> None:
    begun = time.thread_time()
    with pytest.raises(TemplateError):
        parse_letter(source)
    assert time.thread_time() - begun < 0.5


def test_t2_what_a_customer_writes_stays_text_on_the_ticket(rig: Rig) -> None:
    """A requester whose name and subject are every hostile value there is, one journey: what comes
    back to the ticket has no tag of theirs, no hidden direction, no second evaluation."""
    state: Any = rig.running.states["zendesk"]
    name = " ".join(seed for seed in SEEDS if len(seed) < 60 and "\ud800" not in seed)[:900]
    with state.lock:
        ticket = state.tickets[LATE_PARCEL]
        ticket.subject = name
        state.users[ticket.requester_id]["name"] = name
    rig.solve(LATE_PARCEL)
    note, reply = rig.comments(LATE_PARCEL)
    assert (note["public"], reply["public"]) == (False, True)
    for comment in (note, reply):
        html = comment["html_body"]
        tags = set(re.findall(r"<\s*/?\s*([a-zA-Z!]+)", html))
        assert tags <= {"div", "br", "p", "bdi", "span"}, tags
        assert not set(comment["body"]) & set("\u202a\u202b\u202d\u202e\u0000\u001b")
    assert "5.20" in reply["body"]


def test_t2_nothing_of_a_ticket_gets_into_a_header(rig: Rig) -> None:
    """CR and LF in what a customer wrote make no header of a request to a host."""
    state: Any = rig.running.states["zendesk"]
    with state.lock:
        ticket = state.tickets[LATE_PARCEL]
        ticket.subject = "Late\r\nX-Injected: yes"
        state.users[ticket.requester_id]["name"] = "Emma\r\nX-Injected: yes"
    rig.solve(LATE_PARCEL)
    for host in rig.running.states.values():
        for seen in host.requests:
            assert "x-injected" not in {name.lower() for name in seen.headers}
            assert "X-Injected" not in seen.path
