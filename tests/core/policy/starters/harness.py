"""The worked cases of a starter pack: `cases/<pack>.yaml`.

    usual: {customer.tier: regular, order.total: 100.00, ...}     # facts unless a case says others
    cases:
      - {with: {days_late: 3}, gives: refund 10.00 EUR, reason: late, asks: no}
      - {with: {order.total: {EUR: 900.00, KWD: 300.000}}, gives: {EUR: ..., KWD: ...}, reason: ...}

Money is a number in the case's currency, which is EUR. Where `gives` is a mapping the case stands
once for each currency of it. `asks` is whether somebody else has to say yes; `no` if unsaid. A fact
that is `missing` is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from core.policy import Policy, decide, load_pack

CASES = Path(__file__).with_name("cases")
STARTERS = sorted(file.stem for file in CASES.glob("*.yaml"))
CURRENCIES = ("EUR", "USD", "GBP", "SAR", "AED", "KWD", "JPY")


@dataclass(frozen=True)
class Case:
    """Facts as an engine would hand them over, and what is expected of them."""

    facts: dict[str, Any]
    gives: str
    reason: str
    asks: bool


@cache
def cases(pack: str) -> tuple[Case, ...]:
    # The base loader leaves every value a text, so no number ever is a float.
    page = yaml.load((CASES / f"{pack}.yaml").read_text(encoding="utf-8"), yaml.BaseLoader)
    return tuple(one for row in page["cases"] for one in _cases(pack, page["usual"], row))


def _cases(pack: str, usual: dict[str, Any], row: dict[str, Any]) -> Iterator[Case]:
    assert row.keys() <= {"with", "gives", "reason", "asks"}, row
    types = {fact.name: fact.type.kind for fact in load_pack(pack).facts}
    given = row["gives"]
    for currency in given if isinstance(given, dict) else ("EUR",):
        facts: dict[str, Any] = {}
        for name, value in {**usual, **row.get("with", {})}.items():
            one = value[currency] if isinstance(value, dict) else value
            if one != "missing":
                _put(facts, name.split("."), _fact(one, types[name], currency))
        yield Case(
            facts=facts,
            gives=given[currency] if isinstance(given, dict) else given,
            reason=row.get("reason", ""),
            asks=row.get("asks", "no") == "yes",
        )


def _fact(text: str, kind: str, currency: str) -> Any:
    if text == "null":
        return None
    if kind == "money":
        return {"amount": text, "currency": currency}
    if kind == "yesno":
        return text == "yes"
    return int(text) if text.isdigit() else text


def _put(facts: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        facts = facts.setdefault(part, {})
    facts[path[-1]] = value


def differences(policy: Policy, case: Case) -> tuple[Any, ...]:
    """(answered, expected) where the policy answers otherwise; else empty."""
    decision = decide(policy, case.facts)
    answered = (str(decision), decision.reason, decision.needs_yes)
    expected = (case.gives, case.reason, case.asks)
    return () if answered == expected else (answered, expected)


def passes(policy: Policy, pack: str) -> bool:
    return not any(differences(policy, case) for case in cases(pack))
