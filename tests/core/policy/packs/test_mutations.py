"""No number of a pack can be changed unnoticed: for each there is a case that then fails."""

from __future__ import annotations

import pytest

from core.policy import PolicyError, all_packs, load, load_pack, pack_text
from tests.core.policy.packs.harness import CASES, passes
from tests.core.policy.packs.mutate import Mutant, mutants

FILES = sorted({all_packs()[case.stem][0] for case in CASES.glob("*.jsonl")})
#: Changes that change no answer, by file, line and change, each with the reason why.
EQUAL = {
    ("air-passengers.yaml", "notice_hours: 7 d..<14 d", "14", "15"): (
        "a notice of 14 days or more is refused by the row above, and never comes here"
    ),
    ("air-passengers.yaml", 'notice_hours: "< 7 d"', "7", "8"): (
        "whatever fits this row with 7 days of notice fits the milder row above first"
    ),
}


def names(file: str) -> list[str]:
    return [name for name, (found, _) in all_packs().items() if found == file]


def survives(file: str, mutant: Mutant) -> bool:
    for name in names(file):
        text, variant = pack_text(name)
        try:
            policy = load(mutant.of(text), variant=variant)
        except PolicyError:
            return False
        if not passes(policy, name):
            return False
    return True


@pytest.mark.parametrize("file", FILES)
def test_every_number_matters(file: str) -> None:
    text, _ = pack_text(names(file)[0])
    found = list(mutants(text))
    assert found
    lines = text.splitlines()
    unnoticed = [mutant for mutant in found if survives(file, mutant)]
    equal = [
        mutant
        for mutant in unnoticed
        for name, part, was, now in EQUAL
        if (name, was, now) == (file, mutant.was, mutant.now) and part in lines[mutant.line - 1]
    ]
    assert [str(mutant) for mutant in unnoticed] == [str(mutant) for mutant in equal]
    assert len(equal) == sum(name == file for name, *_ in EQUAL)


@pytest.mark.parametrize("file", FILES)
def test_unchanged_it_passes(file: str) -> None:
    for name in names(file):
        assert passes(load_pack(name), name)
