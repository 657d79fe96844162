"""The tax contained in a sum: exact in whole, near in every part, the same in whatever order."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import Money
from core.ports import Receipt, Taxed, Taxes
from core.tax import contained, divided, rate_of, shared

CURRENCIES = ["EUR", "JPY", "KWD"]
RATES = ["0", "7", "8.875", "19", None]


def line(id: str, gross: int, tax: int, rate: str | None = "19", currency: str = "EUR") -> Taxed:
    return Taxed(line=id, gross=Money(gross, currency), tax=Money(tax, currency), rate=rate)


def taxes(*lines: Taxed, whole: int | None = None, told: bool = False) -> Taxes:
    total = sum(one.gross.minor for one in lines) if whole is None else whole
    return Taxes(lines=lines, whole=Money(total, lines[0].gross.currency), told=told)


@st.composite
def orders(draw: st.DrawFn) -> Taxes:
    """Orders with some tax; a line's tax need not fit its rate, as hosts round and add up."""
    currency = draw(st.sampled_from(CURRENCIES))
    lines = []
    for at in range(draw(st.integers(1, 12))):
        gross = draw(st.integers(0, 10**7))
        tax = draw(st.integers(0, gross))
        lines.append(line(f"l{at:02d}", gross, tax, draw(st.sampled_from(RATES)), currency))
    lines.append(line("last", draw(st.integers(1, 10**6)), 1, "19", currency))
    return taxes(*lines)


@given(orders(), st.integers(1, 10**7), st.randoms(use_true_random=False))
def test_parts_add_up_and_none_is_a_unit_off(found: Taxes, minor: int, random: Any) -> None:
    amount = Money(minor, found.whole.currency)
    split = divided(amount, found)
    assert split is not None
    assert not split.told
    assert sum(one.net_minor + one.tax_minor for one in split.shares) == minor
    assert {one.line for one in split.shares} == {one.line for one in found.lines}
    assert all(one.net_minor >= 0 and one.tax_minor >= 0 for one in split.shares)
    whole = found.whole.minor
    for rate, net, tax in split.by_rate():
        lines = [one for one in found.lines if one.rate == rate]
        gross_of, tax_of = sum(o.gross.minor for o in lines), sum(o.tax.minor for o in lines)
        assert abs(net - Fraction(minor * (gross_of - tax_of), whole)) < 1
        assert abs(tax - Fraction(minor * tax_of, whole)) < 1
        for one in lines:
            share = next(s for s in split.shares if s.line == one.line)
            if tax_of:
                assert abs(share.tax_minor - Fraction(tax * one.tax.minor, tax_of)) < 1
            else:
                assert share.tax_minor == 0
    shuffled = list(found.lines)
    random.shuffle(shuffled)
    assert divided(amount, Taxes(lines=tuple(shuffled), whole=found.whole)) == split


@given(orders())
def test_the_whole_order_contains_what_its_lines_say(found: Taxes) -> None:
    for told in (False, True):
        split = divided(found.whole, Taxes(lines=found.lines, whole=found.whole, told=told))
        assert split is not None
        assert split.told is told
        own = {one.line: (one.gross.minor - one.tax.minor, one.tax.minor) for one in found.lines}
        assert {s.line: (s.net_minor, s.tax_minor) for s in split.shares} == own


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**9), max_size=40))
def test_shared_is_within_a_unit_and_gives_nothing_to_nothing(total: int, of: list[int]) -> None:
    parts, whole = shared(total, of), sum(of)
    assert sum(parts) == (total if whole else 0)
    for part, weight in zip(parts, of, strict=True):
        assert whole == 0 or abs(part - Fraction(total * weight, whole)) < 1
        assert weight or not part


def test_of_many_small_lines_the_tax_is_not_rounded_away() -> None:
    """A hundred lines that each would get a fraction of a cent of tax."""
    found = taxes(*(line(f"{at:03d}", 119, 19) for at in range(100)))
    split = divided(Money(100, "EUR"), found)
    assert split is not None
    assert split.by_rate() == [("19", 84, 16)]


def test_by_line_and_by_rate() -> None:
    found = taxes(line("b", 3800, 607), line("a", 1200, 79, "7"), line("c", 500, 80))
    split = divided(Money(1000, "EUR"), found)
    assert split is not None
    assert split.by_rate() == [("7", 204, 14), ("19", 657, 125)]
    assert split.doc() == {
        "told": False,
        "lines": [
            {"line": "a", "rate": "7", "net_minor": 204, "tax_minor": 14},
            {"line": "b", "rate": "19", "net_minor": 581, "tax_minor": 110},
            {"line": "c", "rate": "19", "net_minor": 76, "tax_minor": 15},
        ],
    }


@pytest.mark.parametrize(
    "lies",
    [
        taxes(line("a", 100, 101)),
        taxes(line("a", 100, -1)),
        taxes(line("a", -100, 0), line("b", 200, 10)),
        taxes(line("a", 100, 0), line("b", 50, 0)),  # nothing taxed, or nothing reckoned
        taxes(line("a", 100, 16), whole=102),
        taxes(line("a", 100, 16), whole=98),
        taxes(line("a", 100, 16, currency="USD")),
        taxes(line("a", 100, 16), line("b", 100, 16, currency="USD")),
        Taxes(lines=(line("a", 100, 16),), whole=Money(100, "USD")),
        Taxes(lines=(), whole=Money(0, "EUR")),
        taxes(line("a", 100, 16), told=True),  # a document about another sum
        taxes(line("a", 50, 8), whole=51, told=True),
        taxes(line("a", 51, 8), whole=50, told=True),
    ],
)
def test_what_does_not_add_up_is_not_known(lies: Taxes) -> None:
    assert divided(Money(50, "EUR"), lies) is None


def test_hosts_round_each_line_where_they_like() -> None:
    found = taxes(line("a", 100, 16), line("b", 100, 16), whole=202)
    assert divided(Money(50, "EUR"), found) is not None


@pytest.mark.parametrize(
    ("remedy", "told", "known"),
    [("refund", False, True), ("refund", True, True), ("store_credit", False, False),
     ("store_credit", True, True), ("gift_card", False, False)],
)  # fmt: skip
def test_credit_and_cards_contain_no_tax_unless_a_document_says_so(
    remedy: str, told: bool, known: bool
) -> None:
    receipt = Receipt(
        host_object="r", amount=Money(100, "EUR"), taxes=taxes(line("a", 100, 16), told=told)
    )
    assert (contained(remedy, receipt) is not None) is known


def test_without_taxes_or_a_sum_nothing_is_known() -> None:
    found = taxes(line("a", 100, 16))
    assert contained("refund", Receipt(host_object="r", amount=Money(100, "EUR"))) is None
    assert contained("refund", Receipt(host_object="r", amount=None, taxes=found)) is None


@pytest.mark.parametrize(
    ("percents", "rate"),
    [
        (["19"], "19"), ([19], "19"), (["19.0"], "19"), (["7.50"], "7.5"), ([], "0"),
        (["4", "2.25", "1.625"], "7.875"), (["100"], "100"), ([None], None), (["19", None], None),
        (["-1"], None), (["1e2"], None), (["\u0661\u0669"], None), ([19.0], None), ([""], None),
    ],
)  # fmt: skip
def test_a_rate_is_plain_percent(percents: list[object], rate: str | None) -> None:
    assert rate_of(percents) == rate
