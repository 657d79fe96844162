"""Single words and sentences for pages, in each language and for each remedy."""

from __future__ import annotations

from typing import get_args

import pytest

from core import message
from core.message import Given
from core.money import Money
from core.ports import Remedy

EUR = Money(1250, "EUR")
LANGUAGES = ["ar", "en", "fa"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("remedy", sorted(get_args(Remedy)))
def test_every_remedy_has_its_name_and_its_outcome(language: str, remedy: Remedy) -> None:
    assert message.remedy(language, remedy)
    given = Given(remedy=remedy, money=EUR, code="secret")
    said = message.outcome(language, given)
    assert bool(said) == (remedy != "apology")
    assert "secret" not in said


def test_what_something_is_worth() -> None:
    assert message.worth("en", Given(remedy="refund", money=EUR)) == "12.50\xa0EUR"
    assert message.worth("fa", Given(remedy="refund", money=EUR)) == "۱۲٫۵۰\xa0یورو"
    assert message.worth("en", Given(remedy="points", quantity=1200)) == "1,200"
    assert message.worth("en", Given(remedy="extension", quantity=3)) == "3 days"
    assert message.worth("en", Given(remedy="replacement", quantity=1)) is None
    assert message.worth("en", Given(remedy="apology")) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_went_wrong_is_said_with_the_order_and_for_any_reason(language: str) -> None:
    known = message.sorry(language, "late_delivery", "warm", "#1001")
    other = message.sorry(language, "a_reason_of_theirs", "formal", None)
    assert "1001" in known
    assert other
    assert other != known


def test_an_orders_name_is_only_a_name() -> None:
    said = message.sorry("en", "late_delivery", "brief", "<script>{{7*7}}https://evil.example")
    assert "<" not in said
    assert "{{" not in said
    assert "https://" not in said


def test_a_reason_without_words_is_said_as_it_is_written() -> None:
    assert message.reason("en", "late_delivery") == "late delivery"
    assert message.reason("fa", "cold_food") == "cold food"
