"""Every example of docs/policy.md, by both engines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from core.policy import decide, load, reference

PAGE = Path(__file__).parents[3] / "docs" / "policy.md"
_BLOCK = re.compile(r"^```(yaml|jsonl)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> list[Any]:
    found = []
    text = ""
    for kind, body in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "yaml":
            text = body
            continue
        for number, line in enumerate(body.splitlines(), 1):
            name = re.search(r"policy: (\S+)", text)
            assert name is not None
            found.append(pytest.param(text, json.loads(line), id=f"{name[1]}-{number}"))
    return found


@pytest.mark.parametrize(("text", "case"), examples())
def test_the_example_answers_as_the_page_says(text: str, case: dict[str, Any]) -> None:
    policy = load(text, variant=case.get("variant", ""))
    decision = decide(policy, case["facts"])
    assert str(decision) == case["answer"]
    for name in ("reason", "rule", "needs_yes"):
        if name in case:
            assert getattr(decision, name) == case[name]
    if "also" in case:
        assert dict(decision.also) == case["also"]
    if "due" in case:
        assert decision.due is not None
        assert decision.due.day == case["due"]
    assert reference.decide(policy, case["facts"]).to_bytes() == decision.to_bytes()


def test_every_example_has_cases() -> None:
    kinds = [kind for kind, _ in _BLOCK.findall(PAGE.read_text(encoding="utf-8"))]
    assert kinds.count("yaml") >= 12
    assert kinds[::2] == ["yaml"] * (len(kinds) // 2)
    assert kinds[1::2] == ["jsonl"] * (len(kinds) // 2)
