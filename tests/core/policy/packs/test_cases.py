"""Every scheme answers its published cases and both sides of every boundary, by both engines."""

from __future__ import annotations

from typing import Any

import pytest

from core.money import UNPAYABLE
from core.policy import all_packs, decide, load_pack, reference
from core.policy.words import to_case_words
from tests.core.policy.packs.harness import CASES, PAGE, cases, differences, since, starts

SCHEMES = sorted(file.stem for file in CASES.glob("*.jsonl"))


@pytest.mark.parametrize("pack", SCHEMES)
def test_the_pack_answers_its_cases(pack: str) -> None:
    policy = load_pack(pack)
    wrong = {case["case"]: found for case in cases(pack) if (found := differences(policy, case))}
    assert wrong == {}


@pytest.mark.parametrize("pack", SCHEMES)
def test_the_interpreter_agrees(pack: str) -> None:
    policy = load_pack(pack)
    for case in cases(pack):
        compiled, plain = decide(policy, case["inputs"]), reference.decide(policy, case["inputs"])
        assert compiled.to_bytes() == plain.to_bytes(), case["case"]


def test_there_are_twenty_schemes_and_none_twice() -> None:
    assert len(SCHEMES) == 20
    assert all_packs().keys() >= set(SCHEMES)
    named = [case["case"] for pack in SCHEMES for case in cases(pack)]
    assert len(named) == len(set(named))
    assert sum("by-hand" not in name for name in named) == 278


@pytest.mark.parametrize("pack", SCHEMES)
def test_no_fact_is_given_that_the_pack_does_not_read(pack: str) -> None:
    known = {fact.name for fact in load_pack(pack).facts}
    heads = {name.partition(".")[0] for name in known}
    for case in cases(pack):
        for name, value in case["inputs"].items():
            inner = {f"{name}.{part}" for part in value} if isinstance(value, dict) else {name}
            assert name in heads, case["case"]
            assert inner <= known, case["case"]


@pytest.mark.parametrize("pack", SCHEMES)
def test_the_page_of_all_schemes_says_what_the_pack_says(pack: str) -> None:
    policy = load_pack(pack)
    about = dict(policy.tree.about)
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if f"`{pack}`" in line]
    assert len(rows) == 1
    cells = [cell.strip() for cell in rows[0].strip("|").split("|")]
    assert cells == [
        f"`{pack}`", about["title"], about["jurisdiction"], policy.basis, since(pack),
        about["certainty"], about["source"],
    ]  # fmt: skip
    assert starts(policy) in since(pack)


def test_what_is_not_known_is_never_nothing_due() -> None:
    """Without any facts every scheme says that it cannot decide."""
    for pack in SCHEMES:
        words = to_case_words(decide(load_pack(pack), {}))
        assert words["remedy"] == "unknown", pack


def test_drawing_rights_are_never_payable() -> None:
    decision = decide(load_pack("montreal"), cases("montreal")[0]["inputs"])
    assert decision.currency in UNPAYABLE


def the_answers() -> list[Any]:
    return [pytest.param(pack, case, id=case["case"]) for pack in SCHEMES for case in cases(pack)]


@pytest.mark.parametrize(("pack", "case"), the_answers()[::37])
def test_a_wrong_expectation_is_noticed(pack: str, case: dict[str, Any]) -> None:
    altered = {**case, "expected": {**case["expected"], "amount": "0.01"}}
    assert differences(load_pack(pack), altered)
