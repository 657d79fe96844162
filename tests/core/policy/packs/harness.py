"""The cases of a pack: facts in, what is expected out, in the words of published cases.

A file of `cases/` is named after its pack. `<pack>-001` and the like restate published worked
cases; `<pack>-by-hand-1` and the like were worked by hand, one on each side of every boundary.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from core.policy import Policy, decide
from core.policy.words import to_case_words

CASES = Path(__file__).with_name("cases")
PAGE = Path(__file__).parents[4] / "docs" / "schemes.md"


@cache
def cases(pack: str) -> tuple[dict[str, Any], ...]:
    lines = (CASES / f"{pack}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line, parse_float=str) for line in lines)


@cache
def since(pack: str) -> str:
    """Since when a scheme holds, as the page of all schemes says."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 6 and cells[1] == f"`{pack}`":
            return cells[5]
    raise AssertionError(f"{pack} is not in {PAGE.name}")


def differences(policy: Policy, case: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What the policy answers otherwise than expected: (answered, expected) by name."""
    words = to_case_words(decide(policy, case["inputs"]))
    expected = case["expected"]
    return {
        name: (words.get(name), value)
        for name, value in expected.items()
        if words.get(name) != value
    }


def starts(policy: Policy) -> str:
    first = policy.effective.first
    return first.isoformat() if first else ""


def passes(policy: Policy, pack: str) -> bool:
    """Whether the policy answers every case of the pack, and starts on its day."""
    if starts(policy) not in since(pack):
        return False
    return not any(differences(policy, case) for case in cases(pack))
