"""Money: whole minor units of one currency, read strictly, rounded once."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import (
    EXPONENTS,
    LIMIT_MINOR,
    UNPAYABLE,
    CurrencyMismatch,
    Money,
    MoneyError,
    Rounding,
    exponent,
    minor_parser,
    parse_money,
    round_money,
)

_minors = st.integers(-(10**9), 10**9)
_codes = st.sampled_from(sorted(EXPONENTS))


@pytest.mark.parametrize(
    ("code", "digits"), [("JPY", 0), ("EUR", 2), ("XDR", 2), ("KWD", 3), ("CLF", 4), ("UYW", 4)]
)
def test_a_currency_has_its_digits(code: str, digits: int) -> None:
    assert exponent(code) == digits


@pytest.mark.parametrize("code", ["", "eur", "EURO", "EU", "XXX", "€", "ABCDEFGHIJKLMNOP"])
def test_another_code_is_no_currency(code: str) -> None:
    with pytest.raises(MoneyError, match="ISO 4217") as said:
        exponent(code)
    assert len(str(said.value)) < 100  # whatever was given, little of it is repeated
    with pytest.raises(MoneyError):
        Money(1, code)


def test_units_of_account_are_known_and_not_paid() -> None:
    assert set(EXPONENTS) > UNPAYABLE
    assert "EUR" not in UNPAYABLE
    assert len(EXPONENTS) > 160


@pytest.mark.parametrize("minor", [1.0, "1", True, None, Fraction(1)])
def test_an_amount_is_a_whole_number(minor: object) -> None:
    with pytest.raises(MoneyError, match="whole number"):
        Money(minor, "EUR")  # type: ignore[arg-type]


def test_an_amount_has_a_limit() -> None:
    assert LIMIT_MINOR == 10**16
    for minor in (LIMIT_MINOR, -LIMIT_MINOR):
        assert Money(minor, "EUR").minor == minor
    for minor in (LIMIT_MINOR + 1, -LIMIT_MINOR - 1):
        with pytest.raises(MoneyError, match="larger"):
            Money(minor, "EUR")
    with pytest.raises(MoneyError):
        Money(LIMIT_MINOR, "EUR") + Money(1, "EUR")


@given(_minors, _minors)
def test_sums_and_orders_are_those_of_the_minor_units(a: int, b: int) -> None:
    one, other = Money(a, "EUR"), Money(b, "EUR")
    assert (one + other).minor == a + b
    assert (one - other).minor == a - b
    assert (-one).minor == -a
    assert [one < other, one <= other, one > other, one >= other] == [a < b, a <= b, a > b, a >= b]
    assert (one == other) is (a == b)
    assert (one + other).currency == (one - other).currency == (-one).currency == "EUR"


def test_equal_amounts_are_at_least_and_at_most_each_other() -> None:
    one, same = Money(5, "EUR"), Money(5, "EUR")
    assert one <= same
    assert one >= same
    assert not one < same
    assert not one > same
    assert bool(Money.zero("EUR")) is True  # only None is no amount
    assert Money.zero("KWD") == Money(0, "KWD")


def test_two_currencies_do_not_meet() -> None:
    one, other = Money(1, "EUR"), Money(1, "USD")
    for meet in (
        lambda: one + other, lambda: one - other, lambda: one < other, lambda: one <= other,
        lambda: one > other, lambda: one >= other,
    ):  # fmt: skip
        with pytest.raises(CurrencyMismatch, match="EUR and USD"):
            meet()
    assert one != other


@pytest.mark.parametrize(
    ("minor", "code", "text"),
    [(1250, "EUR", "12.50"), (5, "EUR", "0.05"), (-5, "EUR", "-0.05"), (-1, "JPY", "-1"),
     (-1250, "EUR", "-12.50"),
     (0, "EUR", "0.00"), (500, "JPY", "500"), (-7, "JPY", "-7"), (1250, "KWD", "1.250"),
     (1, "CLF", "0.0001"), (100, "EUR", "1.00")],
)  # fmt: skip
def test_it_is_written_with_every_digit(minor: int, code: str, text: str) -> None:
    assert Money(minor, code).text == text
    assert str(Money(minor, code)) == f"{text} {code}"


@given(st.integers(0, 10**12 - 1), _codes)
def test_what_is_written_is_read_back(minor: int, code: str) -> None:
    money = Money(minor, code)
    assert parse_money(money.text, code) == money


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [("15", "EUR", 1500), ("15.0", "EUR", 1500), ("15.0000", "EUR", 1500), ("15.5", "EUR", 1550),
     ("0.01", "EUR", 1), ("007", "JPY", 7), ("10.0", "JPY", 10),
     ("999999999999.99", "EUR", 10**14 - 1),
     ("1.25", "KWD", 1250), ("1.2345", "CLF", 12345), ("1.2300", "EUR", 123)],
)  # fmt: skip
def test_plain_digits_are_read(text: str, code: str, minor: int) -> None:
    assert parse_money(text, code) == Money(minor, code)
    assert minor_parser(code)(text) == minor


@pytest.mark.parametrize(
    ("text", "code"),
    [("10.5", "JPY"), ("1.001", "EUR"), ("1.0001", "EUR"), ("1.0001", "KWD"), ("1.00001", "CLF")],
)
def test_a_digit_too_many_is_refused(text: str, code: str) -> None:
    with pytest.raises(MoneyError):
        parse_money(text, code)


@pytest.mark.parametrize(
    "text",
    ["", ".", "1.", ".5", "-5", "+5", " 5", "5 ", "1_000", "1,5", "1e3", "NaN", "Infinity", "١٢٣",
     "５", "1.2.3", "1" * 13, "1.00000", "0x10", "1\n", "1" * 100_000, 5, 5.0, None, b"5", True],
)  # fmt: skip
def test_anything_else_is_refused(text: object) -> None:
    with pytest.raises(MoneyError, match=r"is not an amount; write plain digits") as said:
        parse_money(text, "EUR")
    assert len(str(said.value)) < 100


def test_too_many_decimals_are_said_with_how_many_there_are() -> None:
    with pytest.raises(MoneyError, match=r"'1.001' has more decimals than EUR has \(2\)"):
        parse_money("1.001", "EUR")
    with pytest.raises(MoneyError, match="NoneType"):
        parse_money(None, "EUR")


_HALVES: list[tuple[Rounding, list[int]]] = [
    ("half_up", [-3, -2, -1, 1, 2, 3]),
    ("half_even", [-2, -2, 0, 0, 2, 2]),
    ("up", [-3, -2, -1, 1, 2, 3]),
    ("down", [-2, -1, 0, 0, 1, 2]),
]


@pytest.mark.parametrize(("rounding", "units"), _HALVES)
def test_halves_are_rounded_as_stated(rounding: Rounding, units: list[int]) -> None:
    halves = [Fraction(n, 2) for n in (-5, -3, -1, 1, 3, 5)]
    assert [round_money(half, "JPY", rounding=rounding).minor for half in halves] == units


@given(
    st.fractions(-10_000, 10_000, max_denominator=997),
    st.sampled_from(["EUR", "JPY", "KWD"]),
    st.sampled_from([1, 5, 10, 100]),
)
def test_rounding_is_to_a_neighbour_that_is_a_multiple(
    major: Fraction, code: str, quantum: int
) -> None:
    exact = major * 10 ** exponent(code)
    down = round_money(major, code, quantum_minor=quantum, rounding="down")
    up = round_money(major, code, quantum_minor=quantum, rounding="up")
    assert abs(down.minor) <= abs(exact) <= abs(up.minor)
    for found in (down, up):
        assert found.minor % quantum == 0
        assert abs(found.minor - exact) < quantum
        assert found.currency == code
    near: tuple[Rounding, ...] = ("half_up", "half_even")
    for rounding in near:
        found = round_money(major, code, quantum_minor=quantum, rounding=rounding)
        assert abs(found.minor - exact) <= Fraction(quantum, 2)
    assert round_money(major, code) == round_money(major, code, quantum_minor=1, rounding="half_up")


def test_neither_order_of_two_currencies_is_taken_and_an_amount_stays_what_it_is() -> None:
    for one, other in (("EUR", "USD"), ("USD", "EUR")):
        with pytest.raises(CurrencyMismatch):
            Money(1, one) + Money(1, other)
    with pytest.raises(FrozenInstanceError):
        Money(1, "EUR").minor = 2  # type: ignore[misc]


def test_the_longest_amount_is_read() -> None:
    assert parse_money("999999999999.9999", "CLF") == Money(10**16 - 1, "CLF")
