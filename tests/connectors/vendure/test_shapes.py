"""Vendure's taxes, in its own units and read as minor units."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.vendure.shapes import Units, taxes
from core.money import Money
from core.tax import divided

SHIPPING = {"id": "9", "discountedPrice": 500, "discountedPriceWithTax": 595}


def _order(**changes: Any) -> dict[str, Any]:
    return {
        "currencyCode": "EUR",
        "totalWithTax": 2330,
        "lines": [_line("1", 1000, 1190, 19), _line("2", 500, 535, "7.0")],
        "shippingLines": [SHIPPING],
        "surcharges": [{"id": "5", "price": 10, "priceWithTax": 10, "taxRate": 0}],
        **changes,
    }


def _line(id: str, net: int, gross: int, rate: object) -> dict[str, object]:
    prices = {"proratedLinePrice": net, "proratedLinePriceWithTax": gross}
    return {"id": id, **prices, "taxRate": rate}


def test_goods_shipping_and_surcharges() -> None:
    found = taxes(_order(), Units(2))
    assert found is not None
    assert (found.told, found.whole) == (False, Money(2330, "EUR"))
    assert [(one.line, one.gross.minor, one.tax.minor, one.rate) for one in found.lines] == [
        ("1", 1190, 190, "19"),
        ("2", 535, 35, "7"),
        ("9", 595, 95, None),  # Vendure names no rate for shipping
        ("5", 10, 0, "0"),
    ]
    split = divided(Money(233, "EUR"), found)
    assert split is not None
    assert split.by_rate() == [("0", 1, 0), ("7", 50, 4), ("19", 100, 19), (None, 50, 9)]


@pytest.mark.parametrize(("currency", "gross", "tax"), [("JPY", 119, 19), ("KWD", 119_00, 19_00)])
def test_every_currency_is_counted_in_hundredths(currency: str, gross: int, tax: int) -> None:
    lines = [_line("1", 100_00, 119_00, 19)] if currency == "JPY" else [_line("1", 1000, 1190, 19)]
    total = 119_00 if currency == "JPY" else 1190
    order = _order(
        currencyCode=currency, totalWithTax=total, lines=lines, shippingLines=[], surcharges=[]
    )
    found = taxes(order, Units(2))
    assert found is not None
    assert [(one.gross, one.tax) for one in found.lines] == [
        (Money(gross, currency), Money(tax, currency))
    ]


@pytest.mark.parametrize(
    "changes",
    [{"lines": None}, {"lines": [{"id": "1"}]}, {"shippingLines": [7]}, {"totalWithTax": "2330"}],
)
def test_what_cannot_be_read_is_not_known(changes: dict[str, Any]) -> None:
    assert taxes(_order(**changes), Units(2)) is None
