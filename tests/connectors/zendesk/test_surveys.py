"""Both of Zendesk's ways of asking customers, and accounts that have only one of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.ports import HostDenied, HostUnclear, Rating, Surveys
from sandbox.faults import Fault
from tests.connectors.contract.bench import Bench

OLD, NEW = "/api/v2/satisfaction_ratings", "/api/v2/guide/survey_responses"


@pytest.fixture
def earlier() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def surveys(bench: Bench) -> Surveys:
    assert bench.roles.surveys is not None
    return bench.roles.surveys


def rate(bench: Bench, product: str, score: str, **more: Any) -> None:
    bench.harness.state.survey_product = product
    bench.harness._act("rate", score=score, **more)


def said(bench: Bench, since: datetime, *tickets: str) -> list[tuple[str, int]]:
    return [(one.ticket_id, one.score) for one in surveys(bench).ratings(since, tickets)]


@pytest.mark.parametrize("product", ["ratings", "surveys"])
@pytest.mark.parametrize(("score", "meant"), [("bad", -100), ("good", 100)])
def test_an_answer(bench: Bench, earlier: datetime, product: str, score: str, meant: int) -> None:
    rate(bench, product, score, comment="words of a person")
    (found,) = surveys(bench).ratings(earlier, ["35"])
    assert isinstance(found, Rating)
    assert (found.ticket_id, found.score) == ("35", meant)
    assert found.at >= earlier
    assert "words" not in repr(found)


def test_offered_is_no_answer(bench: Bench, earlier: datetime) -> None:
    rate(bench, "ratings", "offered")
    assert said(bench, earlier, "35") == []


@pytest.mark.parametrize("product", ["ratings", "surveys"])
def test_what_was_answered_before_is_left_out(
    bench: Bench, earlier: datetime, product: str
) -> None:
    rate(bench, product, "good")
    assert said(bench, earlier + timedelta(hours=2), "35") == []


def test_responses_are_asked_for_by_ticket(bench: Bench, earlier: datetime) -> None:
    rate(bench, "surveys", "good")
    assert said(bench, earlier, "36", "37") == []
    many = [str(number) for number in range(1000, 1120)]
    assert said(bench, earlier, *many, "35") == [("35", 100)]
    asked = [seen.query for seen in bench.harness.state.requests if seen.path == NEW]
    assert len(asked) == 4, "fifty tickets in one address"


def test_every_page_is_read(bench: Bench, earlier: datetime) -> None:
    for _ in range(120):
        rate(bench, "ratings", "good")
    assert len(said(bench, earlier, "35")) == 120


@pytest.mark.parametrize(("unused", "product"), [(OLD, "surveys"), (NEW, "ratings")])
@pytest.mark.parametrize("status", [403, 404])
def test_a_product_that_is_not_in_use_is_left_alone(
    bench: Bench, earlier: datetime, unused: str, product: str, status: int
) -> None:
    rate(bench, product, "good")
    _refuse(bench, unused, status)
    assert said(bench, earlier, "35") == [("35", 100)]


def test_access_that_ended_is_not_an_account_without_surveys(
    bench: Bench, earlier: datetime
) -> None:
    _refuse(bench, OLD, 403)
    _refuse(bench, NEW, 403)
    with pytest.raises(HostDenied):
        said(bench, earlier, "35")


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ({"rating": 1, "rating_category": "good"}, 100),
        ({"rating": 3}, 0),
        ({"rating": 2, "rating_category": "new word"}, -50),
    ],
)
def test_scales(bench: Bench, earlier: datetime, answer: dict[str, Any], score: int) -> None:
    rate(bench, "surveys", "good")
    bench.harness.state.surveys[0]["answers"] = [{"type": "rating_scale", **answer}]
    assert said(bench, earlier, "35") == [("35", score)]


@pytest.mark.parametrize("rating", ["9", "5.5", "1e0", None, "٣", {}])
def test_a_scale_that_is_not_known(bench: Bench, earlier: datetime, rating: object) -> None:
    rate(bench, "surveys", "good")
    bench.harness.state.surveys[0]["answers"] = [{"type": "rating_scale", "rating": rating}]
    with pytest.raises(HostUnclear):
        said(bench, earlier, "35")


def test_words_without_a_score_are_no_answer(bench: Bench, earlier: datetime) -> None:
    rate(bench, "surveys", "good")
    bench.harness.state.surveys[0]["answers"] = [{"type": "open_ended", "value": "well"}]
    assert said(bench, earlier, "35") == []


def _refuse(bench: Bench, path: str, status: int) -> None:
    fault = Fault(kind="status", match={"path": path}, status=status, times=None, body={})
    bench.harness.state.faults.add(fault)
