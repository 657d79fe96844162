"""Everything sent to Shopify, held against its published schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.shopify import documents
from connectors.shopify.till import documents as given
from core.money import Money
from core.ports import HostError, Instruction, Settled, Who
from tests.connectors.contract.bench import Bench, on_the_bench
from tests.connectors.shopify.harness import PAYS
from tests.connectors.shopify.schema import problems

DOCUMENTS = {
    name: value
    for module in (documents, given)
    for name, value in vars(module).items()
    if isinstance(value, str) and value.strip().startswith(("query", "mutation"))
}


@pytest.fixture
def bench() -> Iterator[Bench]:
    with on_the_bench("shopify") as bench:
        yield bench


@pytest.mark.parametrize("name", DOCUMENTS)
def test_fits_the_schema(name: str) -> None:
    assert problems(DOCUMENTS[name]) == []


def test_the_schema_sees_a_wrong_word() -> None:
    assert problems("query q { shop { nmae } }")
    assert problems(given.CARD, {"id": None})
    assert problems(given.CARD, {"id": "1", "also": 2})


def test_the_refund_is_idempotent() -> None:
    """The schema does not see this: without it the document validates and the shop refuses."""
    assert "refundCreate(input: $input) @idempotent(key: $key)" in documents.REFUND_CREATE


def _sent(bench: Bench) -> list[dict[str, object]]:
    seen = [json.loads(one.body) for one in bench.harness.state.requests]
    return [one for one in seen if "query" in one]


def _everything(bench: Bench) -> Iterator[Instruction]:
    ends = datetime(2027, 5, 1, tzinfo=UTC)
    for remedy in PAYS:
        made = bench.harness.instruction(remedy, Money(1200, "EUR"))
        yield made
        yield replace(bench.harness.instruction(remedy, Money(1200, "EUR")), expires_at=ends)
    refund = bench.harness.instruction("refund", Money(1200, "EUR"))
    (line,) = bench.till.order(refund.order_id or "").lines
    yield replace(refund, lines=((line.id, 1),), shipping=Money(0, "EUR"))
    loose = bench.harness.instruction("store_credit", Money(500, "EUR"))
    yield replace(loose, order_id=None)


def test_the_values_sent_fit_too(bench: Bench) -> None:
    bench.harness.state.access.bucket.rate = 100_000
    for instruction in _everything(bench):
        bench.till.quote(instruction)
        ending = bench.till.pay(instruction)
        assert isinstance(ending, Settled), ending
        bench.till.find(instruction)
        bench.till.find(replace(instruction, host_object=ending.receipt.host_object))
        bench.till.reverse(replace(instruction, host_object=ending.receipt.host_object))
    bench.till.purchases(Who(email='m"o\\na@example.com', order_names=("#1001", "#1002")))
    list(bench.till.recent(datetime(2026, 1, 1, tzinfo=UTC)))
    setup = bench.roles.setup
    assert setup is not None
    learned = setup.install("https://amends.example/hooks/1")
    bench.settings.values.update(learned)
    assert [check.todo for check in setup.check() if not check.ok] == []
    setup.remove()
    sent = _sent(bench)
    wrong = [(one, found) for one in sent if (found := problems(one["query"], one["variables"]))]  # type: ignore[arg-type]
    assert wrong == []
    used = {one["query"] for one in sent}
    # REFUND is what is asked where the taxes beside it are refused: see test_taxes.
    assert {name for name, text in DOCUMENTS.items() if text not in used} <= {"ORDER", "REFUND"}


def test_an_id_that_is_none_is_an_error_not_a_fault(bench: Bench) -> None:
    with pytest.raises(HostError):
        bench.till.order("1")
