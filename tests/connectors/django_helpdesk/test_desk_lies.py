"""What only the real django-helpdesk shows of tickets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from core.ports import HostNotFound, HostUnavailable, HostUnclear, Unwritable, WriteBack
from sandbox.faults import When
from tests.connectors.contract.bench import Bench
from tests.connectors.django_helpdesk.harness import WIDTHLESS
from tests.real.helpdesk import RESOLVED

MARKER = "[amends:pay_0192f0c1a7b87cc2]"
WRITERS = 6


def _note(bench: Bench, text: str, kind: str = "note") -> WriteBack:
    return WriteBack(kind=kind, ticket_id=bench.harness.ticket_id, marker=MARKER, text=text)  # type: ignore[arg-type]


def _comment(bench: Bench) -> str:
    return str(bench.harness.comments()[-1].text)


TEXTS = ["Hello {{ ticket.title }}", "{% now 'Y' %}", "{# gone #}", "{% endverbatim %}",
         "{{{%{#", "{{", "%}", "100 %}", "}}", "##1 #12"]  # fmt: skip


@pytest.mark.parametrize("kind", ["note", "reply"])
@pytest.mark.parametrize("text", TEXTS)
def test_text_is_never_taken_for_a_template(bench: Bench, kind: str, text: str) -> None:
    made = bench.desk.write_back(_note(bench, text, kind))
    assert bench.desk.find(_note(bench, text, kind)) == made
    assert _comment(bench).replace("\u2060", "").startswith(text)


@pytest.mark.parametrize("status", [RESOLVED, 4])
@pytest.mark.parametrize("resolution", [None, "We send another {{ ticket.title }} #1"])
def test_a_private_note_does_not_become_the_resolution_that_customers_see(
    bench: Bench, resolution: str | None, status: int
) -> None:
    desk, number = bench.harness.desk, bench.harness.number
    desk.set_by_rest(number, resolution=resolution, status=status)
    bench.desk.write_back(_note(bench, "Refunded 12.00 EUR"))
    bench.desk.write_back(replace(_note(bench, "A task for you"), marker="[amends:task_1]"))
    shown = desk.ticket(number)["resolution"] or ""
    assert shown.replace("\u2060", "").strip(WIDTHLESS) == (resolution or "")
    assert [one.text for one in bench.harness.comments()] == [
        f"Refunded 12.00 EUR\n\n{MARKER}",
        "A task for you\n\n[amends:task_1]",
    ]


def test_the_helpdesk_itself_would_make_it_the_resolution(bench: Bench) -> None:
    bench.harness.desk.follow_up(bench.harness.number, "for staff only")
    assert bench.harness.desk.ticket(bench.harness.number)["resolution"] == "for staff only"


@pytest.mark.parametrize(
    ("method", "when"), [("POST", "after"), ("PATCH", "before"), ("PATCH", "after")]
)
def test_a_note_begun_is_finished_and_not_begun_again(
    bench: Bench, method: str, when: When
) -> None:
    back = _note(bench, "Refunded")
    before = len(bench.harness.desk.follow_ups(bench.harness.number))
    bench.harness.trouble(method, "/api/followups/*", "drop", when)
    with pytest.raises(HostUnavailable):
        bench.desk.write_back(back)
    assert (bench.desk.find(back) is None) == ((method, when) != ("PATCH", "after"))
    if bench.desk.find(back) is None:
        bench.desk.write_back(back)
    assert len(bench.harness.desk.follow_ups(bench.harness.number)) == before + 1
    assert _comment(bench) == f"Refunded\n\n{MARKER}"


def test_the_helpdesk_itself_would_fill_it_in(bench: Bench) -> None:
    """Why we part such pairs: here without the connector."""
    desk, number = bench.harness.desk, bench.harness.number
    desk.follow_up(number, "{{ ticket.title }} {# gone #}")
    assert _comment(bench).strip() == "Broken parcel #1042"


def test_an_order_number_does_not_write_on_the_ticket_of_that_number(bench: Bench) -> None:
    other = bench.harness.desk.open(email="x@example.org", title="Other", text="Other")
    bench.desk.write_back(_note(bench, f"Order #{other} was refunded"))
    assert bench.harness.desk.follow_ups(other) == []
    bench.harness.desk.follow_up(bench.harness.number, f"Order #{other} was refunded")
    assert len(bench.harness.desk.follow_ups(other)) == 1, "as the helpdesk does by itself"


def test_a_note_does_not_rename_the_ticket_nor_change_its_status(bench: Bench) -> None:
    before = bench.harness.desk.ticket(bench.harness.number)
    bench.desk.write_back(_note(bench, "Refunded"))
    after = bench.harness.desk.ticket(bench.harness.number)
    same = ("title", "status", "assigned_to", "priority", "custom_reason")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}


def test_a_customers_or_colleagues_quote_is_not_ours(bench: Bench) -> None:
    bench.desk.write_back(_note(bench, "Refunded", "reply"))
    ours = _comment(bench)
    other = WriteBack(
        kind="reply", ticket_id=bench.harness.ticket_id, marker="[amends:pay_other]", text="x"
    )
    assert bench.desk.find(other) is None
    note = _note(bench, "Refunded")
    bench.harness.desk.follow_up(bench.harness.number, f"They wrote: {ours}\n{MARKER} what is it?")
    assert bench.desk.find(note) is None


def test_a_note_that_became_public_is_an_alarm(bench: Bench) -> None:
    made = bench.desk.write_back(_note(bench, "Refunded"))
    bench.harness.desk.publish(int(made))
    with pytest.raises(HostUnclear, match="PUBLIC"):
        bench.desk.find(_note(bench, "Refunded"))


def test_a_field_that_does_not_exist_is_passed_over_in_silence_and_we_say_so(bench: Bench) -> None:
    marks = WriteBack(
        kind="marks", ticket_id=bench.harness.ticket_id, marker=MARKER, fields={"nosuch": "x"}
    )
    with pytest.raises(Unwritable, match="nosuch"):
        bench.desk.write_back(marks)


def test_six_writers_of_marks_at_once_lose_none(bench: Bench) -> None:
    ticket_id = bench.harness.ticket_id

    together = threading.Barrier(WRITERS)

    def mark(n: int) -> str:
        together.wait()
        marks = WriteBack(kind="marks", ticket_id=ticket_id, marker=MARKER, tags=(f"t{n}",))
        return bench.desk.write_back(marks)

    with ThreadPoolExecutor(WRITERS) as pool:
        assert set(pool.map(mark, range(WRITERS))) == {ticket_id}
    assert bench.harness.tags() == {"vip", "damaged", *(f"t{n}" for n in range(WRITERS))}


def test_without_a_field_for_tags_there_are_none(bench: Bench) -> None:
    del bench.settings.values["tags_field"]
    ticket = bench.desk.ticket(bench.harness.ticket_id)
    assert ticket.tags == frozenset()
    assert ticket.fields["reason"] == "damaged_item"
    assert ticket.fields["queue"] == ticket.brand == "1"
    marks = WriteBack(
        kind="marks", ticket_id=ticket.id, marker=MARKER, tags=("x",), fields={"amends_case": "c1"}
    )
    bench.desk.write_back(marks)
    assert bench.desk.find(marks) == ticket.id
    assert bench.desk.ticket(ticket.id).fields["amends_case"] == "c1"


@pytest.mark.parametrize(
    ("number", "means"), [(1, "open"), (2, "open"), (3, "solved"), (4, "solved"), (5, "closed")]
)
def test_statuses(bench: Bench, number: int, means: str) -> None:
    bench.harness.desk.set_by_rest(bench.harness.number, status=number)
    assert bench.desk.ticket(bench.harness.ticket_id).status == means
    if means == "open":
        bench.harness.desk.set_by_rest(bench.harness.number, on_hold=True)
        assert bench.desk.ticket(bench.harness.ticket_id).status == "hold"


def test_a_person_is_known_by_a_digest_and_never_by_the_address(bench: Bench) -> None:
    person = bench.desk.ticket(bench.harness.ticket_id).requester
    assert person.email == "leyla@example.org"
    assert "leyla" not in person.id
    assert "@" not in person.id


def test_a_status_set_by_rest_leaves_no_trace_and_is_found_all_the_same(bench: Bench) -> None:
    """It fires no webhook either. Our ticket was solved in this way."""
    number = bench.harness.number
    assert [one["new_status"] for one in bench.harness.desk.follow_ups(number)] == []
    later = bench.harness.now + timedelta(minutes=5)
    found = {ticket.id: ticket.status for ticket in bench.desk.recent(later)}
    assert found[str(number)] == "solved"
    seen = bench.harness.desk.open(email="y@example.org", title="Seen", text="Seen")
    bench.harness.desk.resolve(seen, "by the form")
    recent = {ticket.id for ticket in bench.desk.recent(later)}
    assert str(seen) not in recent, "its follow-up says when"
    assert str(seen) in {ticket.id for ticket in bench.desk.recent(bench.harness.now)}


@pytest.mark.parametrize("odd", ["0", "-1", "1/../2", "1?x=1", "١", "", "9" * 30])
def test_an_id_that_is_no_number_asks_nobody(bench: Bench, odd: str) -> None:
    with pytest.raises(HostNotFound):
        bench.desk.ticket(odd)
    assert bench.harness.requests() == 0
