"""Money, days and times as the reader of each language writes them."""

import re
import unicodedata
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.message import WordsError, day, direction, money, step
from core.message.language import days_in as days
from core.message.language import language_of, number_in, solar_hijri
from core.money import EXPONENTS, Money, parse_money

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("language", "amount", "shown"),
    [
        ("en", Money(1250, "EUR"), "12.50 EUR"),
        ("en", Money(123456789, "SAR"), "1,234,567.89 SAR"),
        ("en", Money(1500, "JPY"), "1,500 JPY"),
        ("en-US", Money(1250, "KWD"), "1.250 KWD"),
        ("ar", Money(1250, "EUR"), "12.50 يورو"),
        ("ar-SA", Money(1200, "SAR"), "١٢٫٠٠ ريال سعودي"),
        ("ar-AE", Money(1200, "SAR"), "12.00 ريال سعودي"),
        ("ar-KW", Money(1250, "KWD"), "١٫٢٥٠ دينار كويتي"),
        ("fa", Money(1250, "EUR"), "۱۲٫۵۰ یورو"),
        ("fa-IR", Money(150000, "JPY"), "۱۵۰٬۰۰۰ ین ژاپن"),
        ("fa_IR", Money(50050, "IRR"), "۵۰۰٫۵۰ ریال ایران"),
        (None, Money(500, "USD"), "5.00 USD"),
        ("de", Money(500, "USD"), "5.00 USD"),
        ("../../etc/passwd", Money(500, "USD"), "5.00 USD"),
        ("ar-ZZ", Money(500, "EUR"), "5.00 يورو"),
        ("fa-u-nu-latn-" + "x" * 500, Money(500, "EUR"), "5.00 EUR"),
    ],
)
def test_money(language: str | None, amount: Money, shown: str) -> None:
    assert money(language, amount) == NBSP.join(shown.split(" ", 1))


@given(
    st.sampled_from(["en", "ar", "ar-EG", "fa", "fa-AF"]),
    st.integers(0, 10**12 - 1),
    st.sampled_from(sorted(EXPONENTS)),
)
def test_no_digit_of_an_amount_is_ever_lost(language: str, minor: int, currency: str) -> None:
    amount = Money(minor, currency)
    shown = money(language, amount).split(NBSP)[0]
    plain = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in shown)
    ascii_ = plain.replace("٬", "").replace(",", "").replace("٫", ".").strip("\u200e\u200f")
    assert parse_money(ascii_, currency) == amount
    assert money(language, amount).split(NBSP, 1)[1].strip()


def test_a_negative_amount_is_never_shown() -> None:
    with pytest.raises(WordsError):
        money("en", Money(-1, "EUR"))
    assert (
        step("en", "payout_settled", {"remedy": "refund", "amount": Money(-1, "EUR")})
        == "Refunded."
    )


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "12 March 2025"),
        ("en-GB", "12 March 2025"),
        ("ar", "12 مارس 2025"),
        ("ar-SA", "١٢ مارس ٢٠٢٥"),
        ("fa-IR", "۱۲ مارس ۲۰۲۵"),
        ("fa-IR-u-ca-persian", "۲۲ اسفند ۱۴۰۳"),
        ("en-u-ca-persian", "22 Esfand 1403"),
        ("ckb", "12 March 2025"),
    ],
)
def test_day(language: str, shown: str) -> None:
    assert day(language, date(2025, 3, 12)) == shown


# First days of solar years as Iran's calendar has had them, before and after leap years.
@pytest.mark.parametrize(
    ("gregorian", "solar"),
    [
        (date(1979, 2, 11), (1357, 11, 22)),
        (date(1996, 3, 20), (1375, 1, 1)),
        (date(2000, 3, 20), (1379, 1, 1)),
        (date(2016, 3, 20), (1395, 1, 1)),
        (date(2017, 3, 20), (1395, 12, 30)),
        (date(2017, 3, 21), (1396, 1, 1)),
        (date(2021, 3, 20), (1399, 12, 30)),
        (date(2021, 3, 21), (1400, 1, 1)),
        (date(2024, 3, 19), (1402, 12, 29)),
        (date(2024, 3, 20), (1403, 1, 1)),
        (date(2024, 9, 21), (1403, 6, 31)),
        (date(2024, 9, 22), (1403, 7, 1)),
        (date(2025, 3, 21), (1404, 1, 1)),
    ],
)
def test_solar_hijri(gregorian: date, solar: tuple[int, int, int]) -> None:
    assert solar_hijri(gregorian) == solar


@given(st.dates(date(1800, 1, 1), date(2200, 1, 1)))
def test_every_solar_day_follows_the_one_before(today: date) -> None:
    before, now = solar_hijri(date.fromordinal(today.toordinal() - 1)), solar_hijri(today)
    if now[2] > 1:
        assert now == (before[0], before[1], before[2] + 1)
    else:
        assert before[2] in ((31,) if before[1] <= 6 else (29, 30))
        assert now[:2] == ((before[0] + 1, 1) if before[1] == 12 else (before[0], before[1] + 1))


def test_times_are_the_workspaces() -> None:
    at = datetime(2025, 3, 12, 21, 2, tzinfo=UTC)
    riyadh = ZoneInfo("Asia/Riyadh")
    said = step(
        "en", "payout_settled", {"remedy": "refund", "host": "Shopify", "at": at}, zone=riyadh
    )
    assert said == "Refunded. Shopify confirmed at 00:02."
    told = step("en", "host_unavailable", {"until": at.isoformat(), "host": "Shopify"}, zone=riyadh)
    assert (
        told == "Shopify is not answering; trying again at 13 March 2025, 00:02. Nothing is lost."
    )


def test_days_follow_the_plural_rule() -> None:
    english, arabic, persian = language_of("en"), language_of("ar-SA"), language_of("fa")
    assert [days(english, n) for n in (1, 2)] == ["1 day", "2 days"]
    said = ["يوم واحد", "يومان", "٣ أيام", "١١ يومًا", "١٠٠ يوم"]
    assert [days(arabic, n) for n in (1, 2, 3, 11, 100)] == said
    assert days(persian, 3) == "۳ روز"
    assert number_in(persian, 1200) == "۱٬۲۰۰"


def test_direction() -> None:
    assert [direction(tag) for tag in ("en", "ar-SA", "fa", "xx", None)] == [
        "ltr", "rtl", "rtl", "ltr", "ltr",
    ]  # fmt: skip
    assert not re.search("rtl", direction("he"))  # no Hebrew words yet, so English
