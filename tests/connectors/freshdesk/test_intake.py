"""A door without signatures: forged, repeated and replayed calls (attack book W5, W7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.ports import Unverified
from tests.connectors.contract.bench import Bench

BODY = b'{"v":1,"ticket_id":"35"}'


def test_fifty_at_once_are_one_or_two_and_the_next_day_is_another(bench: Bench) -> None:
    request, now = bench.harness.signed(BODY), bench.harness.now
    burst = {bench.intake.verify(request, now + timedelta(milliseconds=20 * n)) for n in range(50)}
    assert len(burst) <= 2
    assert bench.intake.verify(request, now + timedelta(days=30)) not in burst


def test_solving_twice_is_not_lost_though_the_bytes_are_the_same(bench: Bench) -> None:
    request, now = bench.harness.signed(BODY), bench.harness.now
    first = bench.intake.verify(request, now)
    assert bench.intake.verify(request, now + timedelta(seconds=30)) != first


def test_an_app_event_sent_again_is_the_same_for_ever(bench: Bench) -> None:
    body = b'{"event":"onTicketCreate","timestamp":1767867127.81,"data":{"ticket":{"id":1}}}'
    request, now = bench.harness.signed(body), bench.harness.now
    key = bench.intake.verify(request, now)
    assert bench.intake.verify(request, now + timedelta(days=30)) == key


@pytest.mark.parametrize("cut", range(1, 28, 5))
def test_no_part_of_the_secret_is_enough(bench: Bench, cut: int) -> None:
    secret = bench.settings["webhook_secret"]
    for forged in (secret[:cut], secret[cut:], secret.lower(), f"{secret},{secret}"):
        with pytest.raises(Unverified):
            bench.intake.verify(bench.harness.signed(BODY, secret=forged), bench.harness.now)
