"""Freshdesk's satisfaction ratings: two scales, pages, and odd answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.ports import HostUnclear, Surveys
from tests.connectors.contract.bench import Bench


@pytest.fixture
def earlier() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def surveys(bench: Bench) -> Surveys:
    assert bench.roles.surveys is not None
    return bench.roles.surveys


def rate(bench: Bench, score: object, ticket: int = 42) -> None:
    state = bench.harness.state
    now = state.clock.iso()
    state.ratings.append(
        {
            "id": state.next_id(),
            "ticket_id": ticket,
            "feedback": "words of a person",
            "ratings": {"default_question": score},
            "created_at": now,
            "updated_at": now,
        }
    )


@pytest.mark.parametrize(
    ("given", "meant"),
    [(-103, -100), (-102, -67), (-101, -33), (100, 0), (101, 33), (102, 67), (103, 100),
     (1, 100), (2, 0), (3, -100)],
)  # fmt: skip
def test_scales(bench: Bench, earlier: datetime, given: int, meant: int) -> None:
    rate(bench, given)
    (found,) = surveys(bench).ratings(earlier, [])
    assert (found.ticket_id, found.score) == ("42", meant)
    assert "words" not in repr(found)


@pytest.mark.parametrize("given", [None, 0, 104, "103", True, 1.5, {}])
def test_a_scale_that_is_not_known(bench: Bench, earlier: datetime, given: object) -> None:
    rate(bench, given)
    with pytest.raises(HostUnclear):
        list(surveys(bench).ratings(earlier, []))


def test_every_page_is_read(bench: Bench, earlier: datetime) -> None:
    for number in range(230):
        rate(bench, 103, ticket=number + 1)
    found = list(surveys(bench).ratings(earlier, []))
    assert len({one.ticket_id for one in found}) == 230


def test_what_was_answered_before_is_left_out(bench: Bench, earlier: datetime) -> None:
    rate(bench, 103)
    assert list(surveys(bench).ratings(earlier + timedelta(hours=2), [])) == []
