"""What every desk must do with a ticket: read it whole, write once, and never in public by chance.

Marks are idempotent by nature; notes and replies are looked for by their marker.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest

from core.ports import (
    HostDenied,
    HostError,
    HostNotFound,
    HostUnavailable,
    Unwritable,
    WriteBack,
)
from tests.connectors.contract.bench import Bench, claiming

every_desk = pytest.mark.parametrize("bench", claiming("desk"), indirect=True)
both = pytest.mark.parametrize("kind", ["note", "reply"])

STATUSES = {"new", "open", "pending", "hold", "solved", "closed", "deleted"}
MARKER = "[amends:pay_0192f0c1a7b87cc2]"
LONGER = "[amends:pay_0192f0c1a7b87cc2f]"
TEXT = 'Refunded 12.50 EUR & "sorry" <b>again</b>\nرد المبلغ — بازپرداخت شد'


def _back(bench: Bench, kind: Literal["note", "reply"], marker: str = MARKER) -> WriteBack:
    if kind not in bench.spec.writes:
        pytest.skip(f"this desk writes no {kind}")
    return WriteBack(kind=kind, ticket_id=bench.harness.ticket_id, marker=marker, text=TEXT)


def _raised(write: Callable[[], object]) -> HostError:
    with pytest.raises(HostError) as caught:
        write()
    return caught.value


@every_desk
def test_reads_the_ticket_with_its_requester(bench: Bench) -> None:
    ticket = bench.desk.ticket(bench.harness.ticket_id)
    assert ticket.id == bench.harness.ticket_id
    assert ticket.status in STATUSES
    assert ticket.requester.id
    assert "@" in (ticket.requester.email or "")
    assert ticket.subject
    assert ticket.text
    assert ticket.language is None or len(ticket.language) == 2
    assert ticket.created_at.utcoffset() == timedelta(0) == ticket.updated_at.utcoffset()
    assert all(type(v) is str for pair in ticket.fields.items() for v in pair)


@every_desk
@both
def test_writes_once_and_finds_it(bench: Bench, kind: Literal["note", "reply"]) -> None:
    back = _back(bench, kind)
    before = list(bench.harness.comments())
    assert bench.desk.find(back) is None
    made = bench.desk.write_back(back)
    new = list(bench.harness.comments())[len(before) :]
    assert len(new) == 1
    assert new[0].public is (kind == "reply")
    assert "رد المبلغ" in new[0].text
    assert bench.desk.find(back) == made
    assert bench.desk.find(_back(bench, kind, LONGER)) is None, "markers are compared whole"
    if kind == "reply":
        assert "amends:" not in new[0].text, "the customer sees no marker"


@every_desk
@both
@pytest.mark.parametrize("fault", ["drop", "garbage", "status"])
def test_silence_after_writing_is_an_error_and_find_knows(
    bench: Bench, kind: Literal["note", "reply"], fault: str
) -> None:
    back = _back(bench, kind)
    before = len(bench.harness.comments())
    bench.harness.fault(kind, fault, "after")
    error = _raised(lambda: bench.desk.write_back(back))
    assert not isinstance(error, HostDenied | HostNotFound | Unwritable)
    assert bench.desk.find(back) is not None
    assert len(bench.harness.comments()) == before + 1, "nothing was sent again"


@every_desk
@both
def test_not_written_is_not_found(bench: Bench, kind: Literal["note", "reply"]) -> None:
    back = _back(bench, kind)
    before = len(bench.harness.comments())
    bench.harness.fault(kind, "drop", "before")
    assert isinstance(_raised(lambda: bench.desk.write_back(back)), HostUnavailable)
    assert bench.desk.find(back) is None
    assert len(bench.harness.comments()) == before


@every_desk
@both
def test_told_to_wait_says_how_long(bench: Bench, kind: Literal["note", "reply"]) -> None:
    back = _back(bench, kind)
    bench.harness.fault(kind, "status", "before", status=429, headers={"Retry-After": "7"})
    error = _raised(lambda: bench.desk.write_back(back))
    assert isinstance(error, HostUnavailable)
    assert error.retry_after == timedelta(seconds=7)


@every_desk
def test_marks_add_and_keep_what_is_there(bench: Bench) -> None:
    if "tag" not in bench.spec.writes:
        pytest.skip("this desk writes no tags")
    had = bench.harness.tags()
    back = WriteBack(
        kind="marks", ticket_id=bench.harness.ticket_id, marker=MARKER, tags=("amends_settled",)
    )
    bench.desk.write_back(back)
    bench.desk.write_back(back)
    assert bench.harness.tags() == had | {"amends_settled"}
    assert "amends_settled" in bench.desk.ticket(bench.harness.ticket_id).tags
    assert bench.desk.find(back) is not None


@every_desk
def test_a_closed_ticket_is_unwritable(bench: Bench) -> None:
    bench.harness.shut()
    assert isinstance(_raised(lambda: bench.desk.write_back(_back(bench, "note"))), Unwritable)


@every_desk
def test_what_is_not_there_and_what_is_forbidden(bench: Bench) -> None:
    assert isinstance(_raised(lambda: bench.desk.ticket("999999999")), HostNotFound)
    bench.harness.fault("read", "status", "before", status=403)
    error = _raised(lambda: bench.desk.ticket(bench.harness.ticket_id))
    assert isinstance(error, HostDenied)


@every_desk
def test_reads_are_patient_and_end(bench: Bench) -> None:
    bench.harness.fault("read", "drop", "before")
    bench.harness.fault("read", "status", "before", status=503)
    assert bench.desk.ticket(bench.harness.ticket_id).id == bench.harness.ticket_id
    bench.harness.fault("read", "status", "before", status=429, headers={"Retry-After": "99"})
    error = _raised(lambda: bench.desk.ticket(bench.harness.ticket_id))
    assert isinstance(error, HostUnavailable)
    assert error.retry_after == timedelta(seconds=99)


@every_desk
def test_recent_lists_what_changed(bench: Bench) -> None:
    since = bench.harness.now - timedelta(days=1)
    assert bench.harness.ticket_id in {ticket.id for ticket in bench.desk.recent(since)}


@every_desk
def test_no_secret_is_seen(bench: Bench) -> None:
    seen = []
    for what, kind, when in (
        ("note", "drop", "after"),
        ("note", "garbage", "after"),
        ("read", "status", "before"),
        ("read", "garbage", "before"),
    ):
        bench.harness.fault(what, kind, when)
        for call in (
            lambda: bench.desk.write_back(_back(bench, "note")),
            lambda: bench.desk.ticket(bench.harness.ticket_id),
        ):
            try:
                seen.append(repr(call()))
            except Exception:
                seen.append(traceback.format_exc())
    bench.harness.close()
    try:
        bench.desk.ticket(bench.harness.ticket_id)
    except HostError:
        seen.append(traceback.format_exc())
    assert bench.leaked("\n".join(seen) + bench.said()) == []
