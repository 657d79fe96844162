"""What every till must do with money, whatever its host does: before it acted, and after."""

from __future__ import annotations

import traceback
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from connectors import registry
from core.money import Money
from core.ports import (
    Absent,
    Declined,
    Instruction,
    NotSent,
    Pays,
    Pending,
    Remedy,
    Settled,
    Unknown,
    Unpayable,
)
from tests.connectors.contract.bench import Bench, claiming

CLAIMS = [
    pytest.param(name, remedy, id=f"{name}-{remedy}")
    for name in claiming("till")
    for remedy in registry.spec(name).pays
]
every_claim = pytest.mark.parametrize(("bench", "remedy"), CLAIMS, indirect=["bench"])
every_till = pytest.mark.parametrize("bench", claiming("till"), indirect=True)


def _sum(bench: Bench, remedy: Remedy) -> Money:
    """Twelve or so of a currency the till pays this remedy in."""
    currencies = bench.spec.pays[remedy].currencies
    return Money(1200, "EUR" if currencies is None or "EUR" in currencies else min(currencies))


def _instruction(bench: Bench, remedy: Remedy) -> Instruction:
    made: Instruction = bench.harness.instruction(remedy, _sum(bench, remedy))
    return made


def _askable(bench: Bench, remedy: Remedy) -> bool:
    return bench.spec.pays[remedy].retry != "none"


def _found(bench: Bench, instruction: Instruction) -> Settled | Pending:
    finding = bench.till.find(instruction)
    assert isinstance(finding, Settled | Pending), finding
    return finding


@every_claim
def test_pays_what_was_asked_and_finds_it(bench: Bench, remedy: Remedy) -> None:
    instruction = _instruction(bench, remedy)
    quote = bench.till.quote(instruction)
    assert quote.payable == instruction.amount
    ending = bench.till.pay(instruction)
    assert isinstance(ending, Settled | Pending), ending
    assert ending.receipt.host_object
    assert ending.receipt.amount in (None, instruction.amount)
    assert list(bench.harness.paid(instruction)) == [instruction.amount]
    if _askable(bench, remedy):
        assert _found(bench, instruction).receipt.host_object == ending.receipt.host_object


@every_claim
def test_the_same_instruction_pays_once(bench: Bench, remedy: Remedy) -> None:
    if not _askable(bench, remedy):
        pytest.skip("nothing at this host keeps a payout from happening twice; a person is asked")
    instruction = _instruction(bench, remedy)
    endings = [bench.till.pay(instruction) for _ in range(3)]
    assert all(isinstance(ending, Settled | Pending) for ending in endings), endings
    names = {e.receipt.host_object for e in endings if isinstance(e, Settled | Pending)}
    assert len(names) == 1
    assert list(bench.harness.paid(instruction)) == [instruction.amount]


@every_claim
@pytest.mark.parametrize("kind", ["drop", "garbage", "status", "redirect"])
def test_silence_after_acting_is_unknown_and_find_knows(
    bench: Bench, remedy: Remedy, kind: str
) -> None:
    instruction = _instruction(bench, remedy)
    if kind == "redirect":
        elsewhere = {"Location": "http://127.0.0.1:9/elsewhere"}
        bench.harness.fault("pay", "status", "after", status=302, headers=elsewhere)
    else:
        bench.harness.fault("pay", kind, "after")
    ending = bench.till.pay(instruction)
    assert isinstance(ending, Unknown), ending
    assert list(bench.harness.paid(instruction)) == [instruction.amount]
    if _askable(bench, remedy):
        _found(bench, instruction)
        again = bench.till.pay(instruction)
        assert isinstance(again, Settled | Pending), again
        assert list(bench.harness.paid(instruction)) == [instruction.amount]


@pytest.mark.slow
@every_claim
def test_no_answer_in_time_is_unknown(bench: Bench, remedy: Remedy) -> None:
    instruction = _instruction(bench, remedy)
    bench.harness.fault("pay", "timeout", "after")
    with bench.http.attempt(timedelta(seconds=5)):
        assert isinstance(bench.till.pay(instruction), Unknown)
    assert list(bench.harness.paid(instruction)) == [instruction.amount]


@every_claim
def test_dropped_before_acting_is_unknown_and_find_says_absent(
    bench: Bench, remedy: Remedy
) -> None:
    instruction = _instruction(bench, remedy)
    bench.harness.fault("pay", "drop", "before")
    ending = bench.till.pay(instruction)
    assert isinstance(ending, Unknown), "it went out, so nobody can know"
    if _askable(bench, remedy):
        assert isinstance(bench.till.find(instruction), Absent)
        assert isinstance(bench.till.pay(instruction), Settled | Pending)
        assert list(bench.harness.paid(instruction)) == [instruction.amount]


@every_claim
def test_no_connection_is_not_sent(bench: Bench, remedy: Remedy) -> None:
    instruction = _instruction(bench, remedy)
    bench.harness.close()
    assert isinstance(bench.till.pay(instruction), NotSent)
    if _askable(bench, remedy):
        assert isinstance(bench.till.find(instruction), Unknown)


@every_claim
def test_told_to_wait_waits_as_told_within_bounds(bench: Bench, remedy: Remedy) -> None:
    for told, meant in (("7", timedelta(seconds=7)), ("999999", timedelta(hours=1))):
        instruction = _instruction(bench, remedy)
        bench.harness.fault("pay", "status", "before", status=429, headers={"Retry-After": told})
        ending = bench.till.pay(instruction)
        assert isinstance(ending, NotSent), ending
        assert ending.retry_after == meant
        assert list(bench.harness.paid(instruction)) == []


@every_claim
def test_a_no_is_declined_with_a_reason(bench: Bench, remedy: Remedy) -> None:
    instruction = bench.harness.refused(remedy)
    if instruction is None:
        pytest.skip("this host declines nothing")
    ending = bench.till.pay(instruction)
    assert isinstance(ending, Declined), ending
    assert ending.code
    assert len(ending.why) > 10, "a sentence for a person"
    assert list(bench.harness.paid(instruction)) == []


@every_claim
def test_an_answer_about_something_else_is_unknown(bench: Bench, remedy: Remedy) -> None:
    answer = bench.harness.wrong_answer(remedy)
    if answer is None:
        pytest.skip("this host's answer names nothing that could be wrong")
    instruction = _instruction(bench, remedy)
    bench.harness.fault("pay", "status", "after", status=200, body=answer)
    assert isinstance(bench.till.pay(instruction), Unknown)


@every_claim
@pytest.mark.parametrize(
    "amount",
    [Money(1234, "EUR"), Money(1235, "JPY"), Money(12350, "KWD"), Money(12345, "KWD")],
    ids=str,
)
def test_money_arrives_exactly_or_is_refused_by_quote(
    bench: Bench, remedy: Remedy, amount: Money
) -> None:
    instruction = bench.harness.instruction(remedy, amount)
    try:
        payable = bench.till.quote(instruction).payable
    except Unpayable:
        return
    assert payable.currency == amount.currency
    assert payable <= amount, "never more than was asked"
    if not payable.minor:
        return
    instruction = replace(instruction, amount=payable)
    assert isinstance(bench.till.pay(instruction), Settled | Pending)
    assert list(bench.harness.paid(instruction)) == [payable]


@every_till
def test_what_is_not_claimed_is_refused_before_any_request(bench: Bench) -> None:
    claimed: dict[Remedy, Pays] = dict(bench.spec.pays)
    instruction = _instruction(bench, next(iter(claimed)))
    before = bench.harness.requests()
    for remedy in get_args(Remedy):
        if remedy not in claimed:
            odd = replace(instruction, remedy=remedy)
            with pytest.raises(Unpayable):
                bench.till.quote(odd)
            assert isinstance(bench.till.pay(odd), Declined)
    assert bench.harness.requests() == before


@every_claim
def test_the_sweep_sees_it_with_its_marker(bench: Bench, remedy: Remedy) -> None:
    if bench.spec.quality.get("recent", ("done", ""))[0] != "done":
        pytest.skip(bench.spec.quality["recent"][1])
    if not bench.spec.pays[remedy].listed:
        pytest.skip(bench.spec.quality["recent"][1])
    instruction = _instruction(bench, remedy)
    ending = bench.till.pay(instruction)
    assert isinstance(ending, Settled | Pending)
    at = ending.receipt.at
    assert at is None or at.tzinfo is not None
    since = bench.harness.now - timedelta(hours=1)
    records = {record.host_object: record for record in bench.till.recent(since)}
    record = records[ending.receipt.host_object]
    assert record.marker == instruction.marker
    assert record.remedy == remedy
    assert record.amount in (None, instruction.amount)


@every_claim
def test_no_secret_is_seen(bench: Bench, remedy: Remedy) -> None:
    seen = []
    for kind, when in (("drop", "after"), ("garbage", "after"), ("status", "before")):
        bench.harness.fault("pay", kind, when)
        seen.append(repr(bench.till.pay(_instruction(bench, remedy))))
    bench.harness.fault("read", "status", "before", status=401, times=None)
    instruction = _instruction(bench, remedy)
    for read in (lambda: bench.till.quote(instruction), lambda: bench.till.order("1")):
        try:
            seen.append(repr(read()))
        except Exception:
            seen.append(traceback.format_exc())
    bench.harness.close()
    seen.append(repr(bench.till.pay(instruction)))
    assert bench.leaked("\n".join(seen) + bench.said()) == []
