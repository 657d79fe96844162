"""Every example of docs/policy.md, by both engines."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.policy import decide, load, load_pack, reference
from core.policy.check import SEVERITY, check
from core.policy.combine import combine
from core.policy.explain import explain, in_words

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


# --------------------------------------------------------------------- explanations, both bases


def text_of(info: str) -> str:
    """The one block of the page that begins with this word."""
    (body,) = re.findall(
        rf"^```{info}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return str(body)


def policy_text(name: str) -> str:
    blocks = [str(body) for kind, body in _BLOCK.findall(PAGE.read_text(encoding="utf-8"))]
    return next(body for body in blocks if body.startswith(f"policy: {name}\n"))


def test_the_explanation_says_what_the_page_says() -> None:
    total = {"amount": "300.00", "currency": "EUR"}
    facts = {"days_late": 9, "customer": {"tier": "new"}, "order": {"total": total}}
    policy = load(policy_text("late-parcel"))
    said = in_words(explain(policy, facts), "en").plain.replace("\u00a0", " ")
    assert said.splitlines() == text_of("text").splitlines()


def test_owed_and_goodwill_come_to_what_the_page_says() -> None:
    goodwill = load(policy_text("flight-thanks"))
    for case in map(json.loads, text_of("jsonl both").splitlines()):
        owed = load_pack(case["owed"])
        both = combine(decide(owed, case["facts"]), decide(goodwill, case["facts"]))
        second = "a person decides" if both.problem else str(both.goodwill)
        assert [str(both.owed), second] == case["answers"]


# ---------------------------------------------------------------------------- what a check finds

TODAY = date(2026, 10, 4)
_FINDING = re.compile(r"^\| `(\w+)`: .*? \| (\w+) \| (.*?) \| (.*?) \|$", re.MULTILINE)


def findings() -> list[Any]:
    rows = _FINDING.findall(PAGE.read_text(encoding="utf-8"))
    return [pytest.param(*row, id=row[0]) for row in rows]


def standing(cell: str) -> str:
    """The page's own policy with what a cell says: rows of `give`, and lines at its top."""
    lines = dict(line.split(":", 1) for line in policy_text("checked").splitlines()[:4])
    cell, _, without = cell.partition(" without ")
    lines = {key: value for key, value in lines.items() if f"`{key}`" != without}
    parts = re.findall(r"`(.*?)`", cell)
    lines |= dict(part.split(":", 1) for part in parts if not part.startswith("{"))
    rows = [part for part in parts if part.startswith("{")] or ["{apology: yes}"]
    top = "".join(f"{key}:{value}\n" for key, value in lines.items())
    return top + "give:\n" + "".join(f"  - {row}\n" for row in rows)


@pytest.mark.parametrize(("kind", "severity", "example", "mended"), findings())
def test_each_finding_is_in_its_example_and_gone_once_mended(
    kind: str, severity: str, example: str, mended: str
) -> None:
    found = {one.kind: one.severity for one in check(load(standing(example)), today=TODAY)}
    assert found[kind] == severity == SEVERITY[kind]
    assert kind not in {one.kind for one in check(load(standing(mended)), today=TODAY)}


def test_every_kind_of_finding_is_on_the_page() -> None:
    assert {row.id for row in findings()} == set(SEVERITY)
