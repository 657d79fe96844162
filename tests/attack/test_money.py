"""Attack book M1 to M4: amounts as a customer, an agent or a lying host may write them."""

from __future__ import annotations

import pytest

from core.money import EXPONENTS, CurrencyMismatch, Money, MoneyError, minor_parser, parse_money
from core.policy import decide, load
from tests.attack.policy import FACTS, giving, milliseconds


def test_m1_an_exponent_is_refused_in_no_time() -> None:
    for text in ("1e2000000", "1E5", "9" * 2_000_000, "0" * 2_000_000 + ".1", "1." + "0" * 999_999):

        def run(text: str = text) -> None:
            with pytest.raises(MoneyError):
                parse_money(text, "EUR")

        assert milliseconds(run) < 1


@pytest.mark.parametrize("text", ["NaN", "nan", "sNaN", "Infinity", "-Infinity", "inf", "1/0"])
def test_m2_no_number_is_no_amount_and_no_way_round_a_cap(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_money(text, "EUR")
    policy = load(giving("price", at_most="5 EUR"))
    assert decide(policy, {**FACTS, "price": text}).outcome == "cannot_decide"
    assert decide(policy, {**FACTS, "price": float("nan")}).outcome == "cannot_decide"


@pytest.mark.parametrize(
    "text",
    [
        "-5", "-0", "+5", " 5", "5 ", "5\n", "1_000", "1,000", "1 000", "\u0661\u0662\u0663",
        "\uff11\uff12",
        "\u06f5", "\u00b2", "\u2460", "5.", ".5", "5..0", "5.0.0", "", "0x10", "1e3", "\u22125",
        "5\u00a0",
        "5\x00", "1" * 13, "5.00000", None, True, 5, 5.0, b"5", [], {},
    ],
)  # fmt: skip
def test_m3_only_plain_digits_are_an_amount(text: object) -> None:
    for read in (lambda: parse_money(text, "EUR"), lambda: minor_parser("EUR")(text)):
        with pytest.raises(MoneyError):
            read()


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("4.35", "EUR", 435), ("2.675", "KWD", 2675), ("2.675", "EUR", None), ("10.5", "JPY", None),
        ("10.0", "JPY", 10), ("10", "JPY", 10), ("1.2345", "CLF", 12345), ("1.2345", "KWD", None),
        ("0.1", "EUR", 10), ("999999999999.99", "EUR", 99999999999999), ("5", "eur", None),
        ("5", "EU", None), ("5", "XXX", None), ("5", "", None), ("5", "EUR ", None),
        ("5", "\u20ac", None),
    ],
)  # fmt: skip
def test_m4_amounts_are_exact_and_of_a_known_currency(
    text: str, currency: str, minor: int | None
) -> None:
    if minor is None:
        with pytest.raises(MoneyError):
            parse_money(text, currency)
    else:
        assert parse_money(text, currency) == Money(minor, currency)


@pytest.mark.parametrize("currency", sorted(EXPONENTS))
def test_m4_every_currency_has_its_digits(currency: str) -> None:
    digits = EXPONENTS[currency]
    for minor in (0, 1, 9, 10, 99, 100, 435, 9_999, 10_000, 267_500, 10**12 - 1):
        money = Money(minor, currency)
        assert parse_money(money.text, currency) == money
        assert minor_parser(currency)(money.text) == minor
        if digits < 4:
            zeros = money.text + ("." if digits == 0 else "") + "0"
            assert parse_money(zeros, currency) == money
            with pytest.raises(MoneyError):
                parse_money(zeros[:-1] + "1", currency)


def test_m4_two_currencies_never_meet() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "EUR") + Money(1, "USD")
    policy = load(giving("price"))
    for code in ("USD", "eur", "", None, 5, ["EUR"]):
        price = {"amount": "50.00", "currency": code}
        assert decide(policy, {**FACTS, "price": price}).outcome == "cannot_decide"
