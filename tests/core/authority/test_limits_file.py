"""The limits document: what it says, and that nothing it does not say exactly is taken."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from core.limits import Cap, Grant, Limits
from core.limits_file import LimitsError, read_limits
from core.people import Person
from tests.core.authority.bench import START

HEAD = "limits: 1\ncurrency: EUR\n"
DOCS = Path(__file__).parents[3] / "docs" / "authority.md"


def person(*roles: str, email: str = "a@shop.example", active: bool = True) -> Person:
    return Person(id="p", name="A", email=email, roles=list(roles), created_at=START, active=active)


def test_the_file_in_the_docs_is_one() -> None:
    text = DOCS.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    found = read_limits(text)
    assert found.order == 1
    assert found.roles["agent"].windows["day"].value == {"EUR": 20000}
    assert found.roles["agent"].windows["day"].count == 20
    assert [budget.name for budget in found.budgets] == ["support", "spring", "north"]
    assert found.worth["points"] == Fraction(1)
    assert [row.need.people for row in found.matrix] == [2, 1, 1]


def test_json_is_taken_as_well() -> None:
    text = '{"limits": "1", "currency": "JPY", "policy": {"per_day": {"count": "3"}}}'
    assert read_limits(text).policy is not None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("currency: EUR\n", 1),
        ("limits: 2\ncurrency: EUR\n", 1),
        ("limits: 1\ncurrency: XDR\n", 2),
        (HEAD + "roels: {}\n", 3),
        (HEAD + "roles: {boss: {per_day: 1}}\n", 3),
        (HEAD + "roles: {agent: {per_year: 1}}\n", 3),
        (HEAD + "roles: {agent: {}}\n", 3),
        (HEAD + "roles:\n  agent: {per_day: -5}\n", 4),
        (HEAD + "roles:\n  agent: {per_day: 1e3}\n", 4),
        (HEAD + "roles:\n  agent: {per_day: ١٢}\n", 4),
        (HEAD + "roles:\n  agent: {per_day: 5.001}\n", 4),
        (HEAD + "roles:\n  agent: {per_day: {GBP: 5.00}}\n", 4),
        (HEAD + "roles:\n  agent: {per_day: {}}\n", 4),
        (HEAD + "roles:\n  agent: {per_day: {value: 5, counts: 2}}\n", 4),
        (HEAD + "people: {Sara@Shop.example: {per_day: 5}}\n", 3),
        (HEAD + "customer: [{value: 5.00}]\n", 3),
        (HEAD + "customer: [{days: 0, value: 5.00}]\n", 3),
        (HEAD + "order: 1.0\n", 3),
        (HEAD + "budgets: {a: {every: year, value: 5}}\n", 3),
        (HEAD + "budgets: {a: {every: month}}\n", 3),
        (HEAD + "budgets: {a: {value: 5, for: {roles: [boss]}}}\n", 3),
        (HEAD + "worth: {refund: 1}\n", 3),
        (HEAD + "approval: {remind_hours: 0}\n", 3),
        (HEAD + "approval: {ask: [{people: 2}]}\n", 3),
        (HEAD + "approval: {ask: [{over: 5, people: 0}]}\n", 3),
        (HEAD + "approval: {ask: [{over: 5, roles: [ai_agent]}]}\n", 3),
        (HEAD + "order: 100%\norder: 90%\n", 4),
    ],
)
def test_what_is_not_exact_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(LimitsError, match=f"^line {line}: "):
        read_limits(text)


@pytest.mark.parametrize(
    ("first", "second", "hidden"),
    [
        ("over: 100", "over: 500, people: 2", True),
        ("over: 500, people: 2", "over: 100", False),
        ("over: 100, reasons: [size]", "over: 500", False),
        ("over: 100, reasons: [size, colour]", "over: 100, reasons: [size]", True),
        ("over: 100, customer_spent_over: 50", "over: 500", False),
        ("over: 100, customer_spent_over: 50", "over: 500, customer_spent_over: 60", True),
        ("over: 100", "over: 100, customer_spent_over: 60", True),
    ],
)
def test_a_row_nobody_reaches_is_refused(first: str, second: str, hidden: bool) -> None:
    text = HEAD + f"approval:\n  ask:\n    - {{{first}}}\n    - {{{second}}}\n"
    if hidden:
        with pytest.raises(LimitsError, match="an earlier row"):
            read_limits(text)
    else:
        assert len(read_limits(text).matrix) == 2


def roles() -> Limits:
    return read_limits(
        HEAD + "roles:\n"
        "  agent: {per_transaction: 50, per_day: 200, reasons: {size: {per_day: 20}}}\n"
        "  approver: {per_transaction: {value: {EUR: 40, GBP: 90}, count: 3}}\n"
        "  ai_agent: {per_transaction: 10}\n"
        "people: {sara@shop.example: {per_transaction: 7}}\n"
    )


def _at_once(grant: Grant | None) -> int | None:
    assert grant is not None
    value = grant.windows["transaction"].value
    return value["EUR"] if value else None


def test_who_may_give_what() -> None:
    found = roles()
    assert _at_once(found.grant_of(person("agent"))) == 5000
    both = found.grant_of(person("agent", "approver", "finance"))
    assert _at_once(both) == 5000
    assert both is not None
    assert set(both.windows) == {"transaction"}  # an approver's day is open
    assert both.reasons == {}
    assert both.windows["transaction"].count is None
    assert _at_once(found.grant_of(person("ai_agent", "approver"))) == 1000
    assert _at_once(found.grant_of(person("approver", email="sara@shop.example"))) == 700
    assert found.grant_of(person("finance")) is None
    assert found.grant_of(person("agent", active=False)) is None
    assert found.grant_of(None) is None


AGENTS = (
    "roles:\n"
    "  ai_agent: {per_transaction: {value: {EUR: 10, GBP: 8}, count: 3}, per_day: {count: 9}}\n"
    "people:\n"
    "  big@shop.example: {per_transaction: {value: 50, count: 2}, per_week: 900}\n"
    "  small@shop.example: {per_transaction: 5, reasons: {size: {per_day: 2}}}\n"
)


def test_an_entry_of_its_own_gives_an_ai_agent_less_and_never_more() -> None:
    found = read_limits(HEAD + AGENTS)
    big = found.grant_of(person("ai_agent", "admin", email="big@shop.example"))
    assert big == Grant(
        {
            "transaction": Cap({"EUR": 1000}, 2),
            "day": Cap(None, 9),
            "week": Cap({"EUR": 90000}, None),
        },
        {},
    )
    small = found.grant_of(person("ai_agent", email="small@shop.example"))
    assert small == Grant(
        {"transaction": Cap({"EUR": 500}, 3), "day": Cap(None, 9)},
        {"size": {"day": Cap({"EUR": 200}, None)}},
    )
    assert read_limits(HEAD + AGENTS.replace("ai_agent", "agent")).grant_of(
        person("ai_agent", email="big@shop.example")
    ) is None  # fmt: skip
