"""How a reader's language writes money, numbers, days and times.

A language is a tag such as `ar`, `ar-SA`, `fa-IR` or `fa-IR-u-ca-persian`: the first part chooses
the words, the region the digits, and `u-ca-persian` the Solar Hijri calendar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from core.errors import AmendsError
from core.message.words import Words, languages, load
from core.money import Money, exponent

_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8}){0,6}", re.ASCII)
_DIGITS = {"arab": "٠١٢٣٤٥٦٧٨٩", "arabext": "۰۱۲۳۴۵۶۷۸۹"}


class WordsError(AmendsError):
    """Something that cannot be said, such as a negative amount."""


@dataclass(frozen=True, slots=True)
class Language:
    """The words of a language, and the locale whose figures its reader expects."""

    words: Words
    locale: Locale
    solar: bool

    @property
    def rtl(self) -> bool:
        return self.words.direction == "rtl"


def language_of(tag: str | None) -> Language:
    """The language of a tag; English for one there are no words for, or that is no tag."""
    return _language((tag or "")[:40].replace("_", "-").lower())


@lru_cache(maxsize=256)
def _language(tag: str) -> Language:
    parts = tag.split("-") if _TAG.fullmatch(tag) else ["en"]
    code = parts[0] if parts[0] in languages() else "en"
    words = load(code)
    regions = [p for p in parts[1 : _extension(parts)] if len(p) == 2]
    locale = _locale(code, regions[0]) if code == parts[0] and regions else None
    solar = "-u-ca-persian" in tag and code == parts[0]
    return Language(words, locale or Locale.parse(words.locale), solar)


def _extension(parts: list[str]) -> int:
    return parts.index("u") if "u" in parts else len(parts)


def _locale(code: str, region: str) -> Locale | None:
    try:
        found = Locale.parse(f"{code}_{region.upper()}")
    except (UnknownLocaleError, ValueError):
        return None
    # For a region it does not know, Babel answers with another one.
    return found if found.territory == region.upper() else None


def money(language: str | None, amount: Money) -> str:
    """`12.50 EUR`, `12.50 يورو`, `۱۲٫۵۰ یورو`: every digit the currency has, and the currency.

    Raises `WordsError` for a negative amount: people are told what they get, never minus what.
    """
    return money_in(language_of(language), amount)


def day(language: str | None, date_: date) -> str:
    """`12 March 2025`, in the reader's digits and calendar."""
    return day_in(language_of(language), date_)


def direction(language: str | None) -> str:
    """`ltr` or `rtl`: what belongs into `dir` of what is written in this language."""
    return language_of(language).words.direction


def money_in(language: Language, amount: Money) -> str:
    if amount.minor < 0:
        raise WordsError(f"{amount} cannot be shown to people; show what was given, and to whom")
    return _digits(language, _money(language.locale, language.words.currency, amount))


@lru_cache(maxsize=4096)  # a sum is shown in several places, and again while a ticket cannot be had
def _money(locale: Locale, currency: str, amount: Money) -> str:
    digits = exponent(amount.currency)
    sign = {"code": "¤¤", "name": "¤¤¤"}[currency]
    # Our own exponent, not Babel's, which shows no decimals of currencies that hardly use them.
    pattern = f"#,##0{'.' if digits else ''}{'0' * digits}\u00a0{sign}"
    return format_currency(
        Decimal(amount.text),
        amount.currency,
        format=pattern,
        locale=locale,
        currency_digits=False,
        numbering_system="default",
    )


def number_in(language: Language, number: int) -> str:
    shown = format_decimal(number, locale=language.locale, numbering_system="default")
    return _digits(language, shown)


def days_in(language: Language, days: int) -> str:
    """`3 days`, by the plural rule of the language."""
    form = language.words.phrase(f"days.{language.locale.plural_form(days)}")
    return form.replace("#", number_in(language, days))


def day_in(language: Language, date_: date) -> str:
    if not language.solar or date_.year < _SOLAR_FROM:
        return _digits(language, format_date(date_, "d MMMM y", locale=language.locale))
    year, month, day_ = solar_hijri(date_)
    name = language.words.phrase(f"solar_month.{SOLAR_MONTHS[month - 1]}")
    return _digits(language, f"{day_} {name} {year}")


def time_in(language: Language, at: datetime, zone: tzinfo) -> str:
    """`14:02` in `zone`."""
    return _digits(language, at.astimezone(zone).strftime("%H:%M"))


def moment_in(language: Language, at: datetime, zone: tzinfo) -> str:
    """`12 March 2025, 14:02` in `zone`."""
    shown = day_in(language, at.astimezone(zone).date())
    return f"{shown}{language.words.comma}{time_in(language, at, zone)}"


SOLAR_MONTHS = (
    "farvardin", "ordibehesht", "khordad", "tir", "mordad", "shahrivar",
    "mehr", "aban", "azar", "dey", "bahman", "esfand",
)  # fmt: skip


# From here the 33-year leap rule agrees with Iran's official, astronomical calendar.
_SOLAR_FROM = 1800


def solar_hijri(date_: date) -> tuple[int, int, int]:
    """Year, month and day of Iran's civil calendar, by its 33-year leap rule."""
    year = date_.year - 621
    if date_ < _nowruz(year):
        year -= 1
    passed = (date_ - _nowruz(year)).days
    month, of_month = divmod(passed, 31) if passed < 186 else divmod(passed - 186, 30)
    return year, month + (1 if passed < 186 else 7), of_month + 1


def _nowruz(solar_year: int) -> date:
    """The first day of a solar year. Leap years are those whose remainder by 33 is listed."""
    leaps = sum(1 for r in (1, 5, 9, 13, 17, 22, 26, 30) if r < solar_year % 33)
    days = solar_year // 33 * (33 * 365 + 8) + solar_year % 33 * 365 + leaps
    return date.fromordinal(_EPOCH + days)


# 1 Farvardin 1403 was 20 March 2024; 1403 = 42 * 33 + 17, with four leap years of its cycle past.
_EPOCH = date(2024, 3, 20).toordinal() - (42 * (33 * 365 + 8) + 17 * 365 + 4)


def _digits(language: Language, shown: str) -> str:
    """Babel writes the separators of a numbering system but Latin digits."""
    digits = _DIGITS.get(language.locale.default_numbering_system)
    return shown.translate(str.maketrans("0123456789", digits)) if digits else shown
