"""Starter packs: they answer their worked cases, hold no error, and no number of them is idle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.policy import PolicyError, all_packs, decide, load, load_pack, pack_text, reference
from core.policy.check import check
from tests.core.policy.packs.mutate import Mutant, mutants
from tests.core.policy.starters.harness import CURRENCIES, STARTERS, cases, differences, passes

PAGES = Path(__file__).parents[4] / "docs" / "packs"
TRADES = (
    "airline", "bank", "food-delivery", "hotel", "public-transport", "shop", "software",
    "streaming", "telecom",
)  # fmt: skip


def test_there_is_a_starter_for_every_trade() -> None:
    assert tuple(STARTERS) == TRADES
    assert all_packs().keys() >= set(TRADES)


@pytest.mark.parametrize("pack", STARTERS)
def test_it_answers_its_cases_by_both_engines(pack: str) -> None:
    policy = load_pack(pack)
    assert [found for case in cases(pack) if (found := differences(policy, case))] == []
    for case in cases(pack):
        compiled, plain = decide(policy, case.facts), reference.decide(policy, case.facts)
        assert compiled.to_bytes() == plain.to_bytes()


@pytest.mark.parametrize("pack", STARTERS)
def test_there_is_nothing_to_find_fault_with(pack: str) -> None:
    assert [str(one) for one in check(load_pack(pack)) if one.severity == "error"] == []


@pytest.mark.parametrize("pack", STARTERS)
def test_every_row_gives_something_in_a_case(pack: str) -> None:
    policy = load_pack(pack)
    used = {decide(policy, case.facts).rule for case in cases(pack)}
    assert used >= {f"give.{rule.number}" for rule in policy.tree.give}
    assert used >= {f"refuse.{refusal.number}" for refusal in policy.tree.refuse}


@pytest.mark.parametrize("pack", STARTERS)
def test_it_says_what_a_starter_has_to_say(pack: str) -> None:
    policy = load_pack(pack)
    assert policy.name == pack
    assert policy.currencies == CURRENCIES
    assert dict(policy.tree.about).keys() >= {"title"}
    declared = {fact.name for fact in policy.facts}
    assert declared >= {"customer.tier", "customer.lifetime_value"}
    assert declared >= {"history.cases_90_days", "history.paid_90_days"}
    remedies = {g.remedy for rule in policy.tree.give for offer in rule.offers for g in offer}
    assert remedies & {"apology", "replacement", "voucher", "extension", "points", "donation"}
    assert {decide(policy, case.facts).needs_yes for case in cases(pack)} == {True, False}
    assert len(pack_text(pack)[0].splitlines()) <= 80


def survives(pack: str, mutant: Mutant) -> bool:
    try:
        return passes(load(mutant.of(pack_text(pack)[0])), pack)
    except PolicyError:
        return False


@pytest.mark.parametrize("pack", STARTERS)
def test_every_number_matters(pack: str) -> None:
    found = list(mutants(pack_text(pack)[0]))
    assert found
    assert passes(load_pack(pack), pack)
    assert [str(mutant) for mutant in found if survives(pack, mutant)] == []


@pytest.mark.parametrize("pack", STARTERS)
def test_a_wrong_expectation_is_noticed(pack: str) -> None:
    policy = load_pack(pack)
    for case in cases(pack):
        assert differences(policy, replace(case, asks=not case.asks))
        assert differences(policy, replace(case, gives=f"{case.gives} and more"))


@pytest.mark.parametrize("pack", STARTERS)
def test_nothing_known_is_never_nothing_due(pack: str) -> None:
    assert decide(load_pack(pack), {}).outcome == "cannot_decide"


@pytest.mark.parametrize("pack", STARTERS)
def test_it_has_a_page_that_the_index_names(pack: str) -> None:
    page = (PAGES / f"{pack}.md").read_text(encoding="utf-8")
    assert f"amends policy show {pack} --text" in page
    assert f"({pack}.md)" in (PAGES / "README.md").read_text(encoding="utf-8")
