"""Why a case came to its amount: rule, derivation and facts, and whether it still comes to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from console.language import reader as language
from core.case import Case
from core.errors import AmendsError
from core.message.values import clean
from core.policies import PolicyVersion, loaded
from core.policy import decide
from core.policy.explain import explain, in_words
from core.replay import replay
from core.store import Reader

_LONGEST_FACT = 120


@dataclass(frozen=True, slots=True)
class Why:
    """How the decision came about. again: whether deciding it anew comes to the same bytes; None
    where it cannot be decided anew. lines: rule and derivation, a sentence each."""

    policy: str
    version: str
    basis: str
    lines: Sequence[str]
    facts: Sequence[tuple[str, str]]
    again: bool | None


def why(reader: Reader, case: Case) -> Why | None:
    if not isinstance(case.decision, Mapping) or not isinstance(case.facts, Mapping):
        return None
    versions = reader.find(PolicyVersion, version_hash=case.policy_hash, limit=1)
    lines: list[str] = []
    again: bool | None = None
    if versions:
        policy = loaded(versions[0].text, versions[0].variant)
        explained = explain(policy, case.facts, decide(policy, case.facts))
        lines = in_words(explained, language(), changes=False).plain.split("\n")
        try:
            again = replay(reader, case).same
        except AmendsError:
            again = None
    return Why(
        policy=case.policy or "",
        version=(case.policy_hash or "")[:12],
        basis=str(case.decision.get("basis", "")),
        lines=[line for line in lines if line],
        facts=list(_facts(case.facts)),
        again=again,
    )


def _facts(facts: Mapping[str, object], path: str = "") -> list[tuple[str, str]]:
    """`order.total` -> `50.00 EUR`, in the policy's own names."""
    found = []
    for name, value in facts.items():
        where = f"{path}{name}"
        if isinstance(value, Mapping) and set(value) == {"amount", "currency"}:
            found.append((where, f"{value['amount']} {value['currency']}"))
        elif isinstance(value, Mapping):
            found += _facts(cast("Mapping[str, object]", value), f"{where}.")
        else:
            found.append((where, clean("-" if value is None else str(value), _LONGEST_FACT)))
    return found
