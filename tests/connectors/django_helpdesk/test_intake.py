"""A door without signatures: the proof is a secret in the address (attack book W5, W7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.ports import Unverified
from tests.connectors.contract.bench import Bench

BODY = b'{"ticket":{"id":35,"queue":1,"followup_set":[]},"queue_slug":"orders","followup_id":7}'


@pytest.mark.parametrize(
    "forged", ["", " ", "x" * 65536, "é", "\x00", "\ud800", "١٢٣", "null", "secret"]
)
def test_nonsense_for_a_secret_is_unverified(bench: Bench, forged: str) -> None:
    with pytest.raises(Unverified):
        bench.intake.verify(bench.harness.signed(BODY, secret=forged), bench.harness.now)


@pytest.mark.parametrize("cut", range(1, 28, 5))
def test_no_part_of_the_secret_is_enough(bench: Bench, cut: int) -> None:
    secret = bench.settings["webhook_secret"]
    for forged in (secret[:cut], secret[cut:], secret.swapcase(), f"{secret},{secret}"):
        with pytest.raises(Unverified):
            bench.intake.verify(bench.harness.signed(BODY, secret=forged), bench.harness.now)


def test_a_header_proves_nothing(bench: Bench) -> None:
    secret = bench.settings["webhook_secret"]
    request = replace(bench.harness.signed(BODY), query={}, headers={"secret": secret})
    with pytest.raises(Unverified):
        bench.intake.verify(request, bench.harness.now)


def test_a_follow_up_counts_once_whatever_is_written_around_it(bench: Bench) -> None:
    request = bench.harness.signed(BODY)
    key = bench.intake.verify(request, bench.harness.now)
    other = bench.harness.signed(BODY.replace(b"orders", b"returns"))
    assert bench.intake.verify(other, bench.harness.now) == key == "followup:7"
