"""Fields of a ticket as facts: read as the policy declares them, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

import pytest

from core.facts import Trouble
from core.policy import load
from core.ports import Requester, Ticket
from core.routing import BadOptions, read_routing
from core.ticket_facts import where, with_ticket_facts

POLICY = load(
    "policy: tried\nbasis: goodwill\ncurrency: [EUR, KWD]\nfacts:\n"
    "  hours: hours\n  day: date\n  told: yes/no\n  kind: [fibre, cable]\n  fee: money\n"
    "  stay.nights: count\n  rate: percent\n  when: instant\n  order.total: money\n"
    "  parts: {list: count}\n"
    "give:\n  - {apology: yes}\n"
)
NAMES = ("hours", "day", "told", "kind", "fee", "stay.nights", "rate", "when", "parts")
ROUTING = read_routing({"policy": "tried", "facts": {name: f"cf_{name}" for name in NAMES}})


def ticket(**fields: str) -> Ticket:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    return Ticket(
        id="1", status="solved", tags=frozenset(),
        fields={f"cf_{name.replace('__', '.')}": text for name, text in fields.items()},
        requester=Requester(id="2", email=None, name=None, language=None),
        language=None, subject="", text="", brand=None, channel=None, assignee_id=None,
        created_at=now, updated_at=now,
    )  # fmt: skip


def read(**fields: str) -> object:
    given = {"order": {"total": "1.00"}, "stay": {"room": "12"}}
    return with_ticket_facts(given, POLICY, ROUTING, ticket(**fields), "KWD")


def test_texts_are_read_as_the_policy_declares_them() -> None:
    found = read(
        hours="1.5", day="2026-02-28", told="true", kind="fibre", fee="12.505",
        stay__nights=" 3 ", rate="99.95", when="2026-03-01T10:00:00Z",
    )  # fmt: skip
    assert found == {
        "hours": "1.5",
        "day": "2026-02-28",
        "told": "true",
        "kind": "fibre",
        "fee": {"amount": "12.505", "currency": "KWD"},
        "stay": {"room": "12", "nights": "3"},
        "rate": "99.95",
        "when": "2026-03-01T10:00:00Z",
        "order": {"total": "1.00"},
    }


ODD = {
    "hours": ["90 min", "1,5", "٣", "1e3", "NaN", "Infinity", "--1", "0x10", "1.555", "9" * 40],
    "day": ["1.3.2026", "2026-02-30", "tomorrow", "2026-3-1"],
    "told": ["maybe", "1", "TRUE", "on"],
    "kind": ["copper", "Fibre", "fibre cable"],
    "fee": ["12.50 EUR", "-1", "1,000.00", "1e9", "12.5055", "$5"],
    "stay__nights": ["2.5", "-1", "two"],
    "rate": ["99 %", "-1"],
    "when": ["2026-03-01", "now"],
    "parts": ["1", "1 2"],
}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name in sorted(ODD) for text in sorted(ODD[name])]
)
def test_what_does_not_fit_is_told_and_not_shown(name: str, text: str) -> None:
    found = read(**{name: text})
    assert isinstance(found, Trouble)
    assert found.kind == "cannot_decide"
    fact = name.replace("__", ".")
    (said,) = cast("Mapping[str, list[str]]", found.known)["missing"]
    assert said.startswith(f"{fact}: the ticket's field cf_{fact} does not hold ")
    assert text not in said.removeprefix(f"{fact}: the ticket's field cf_{fact}") or len(text) < 3


@pytest.mark.parametrize("empty", ["", "   ", "\t"])
def test_an_empty_field_is_a_fact_that_is_not_there(empty: str) -> None:
    assert read(hours=empty) == read()
    assert where("hours", ROUTING) == "hours: the ticket's field cf_hours is empty"
    assert where("order.total", ROUTING) == "order.total"


def test_what_was_found_out_is_not_changed_in_place() -> None:
    given = {"stay": {"room": "12"}}
    with_ticket_facts(given, POLICY, ROUTING, ticket(stay__nights="3"), "EUR")
    assert given == {"stay": {"room": "12"}}


@pytest.mark.parametrize(
    "name", ["customer.tier", "days_late", "history.cases_90_days", "order.total", "today"]
)
def test_no_field_stands_in_for_what_amends_finds_out(name: str) -> None:
    with pytest.raises(BadOptions, match="by itself"):
        read_routing({"policy": "tried", "facts": {name: "360001"}})


@pytest.mark.parametrize("name", ["", "Hours", "a..b", "a b", "1st", "a.b.c.d.e.f"])
def test_a_name_that_no_fact_can_have(name: str) -> None:
    with pytest.raises(BadOptions, match="facts"):
        read_routing({"policy": "tried", "facts": {name: "360001"}})
