"""A company's colour is always written on in what can be read, and nothing but a colour is one."""

from __future__ import annotations

import pytest

from core.brand import BadBrand, Brand, contrast, read_brand
from core.routing import BadOptions, read_routing


def test_contrast_is_what_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast("#0b6e63", "#0b6e63") == 1


def test_every_colour_is_written_on_readably() -> None:
    for step in range(0, 0x1000000, 4_099):
        brand = Brand(name="-", colour=f"#{step:06x}")
        assert contrast(brand.colour, brand.ink) >= 4.5, brand


@pytest.mark.parametrize(
    "value",
    [
        {"name": "Hearth", "colour": "red"},
        {"name": "Hearth", "colour": "#fff"},
        {"name": "Hearth", "colour": "#12345g"},
        {"name": "Hearth", "colour": "#123456;} * {x:url(//evil)"},
        {"name": "Hearth", "colour": "#１２３４５６"},
        {"name": "", "colour": "#123456"},
        {"name": "x" * 61, "colour": "#123456"},
        {"colour": "#123456"},
        {"name": "Hearth", "colour": "#123456", "logo": "https://elsewhere.example/logo.svg"},
        "Hearth",
    ],
    ids=range(10),
)
def test_what_is_no_brand_is_refused_with_what_to_write(value: object) -> None:
    with pytest.raises(BadBrand):
        read_brand(value)
    with pytest.raises(BadOptions, match="option brand"):
        read_routing({"policy": "shop", "brand": value})


def test_a_brand_is_read() -> None:
    read = read_routing({"policy": "shop", "brand": {"name": " Hearth ", "colour": "#7A1F3D"}})
    assert read.brand == Brand(name="Hearth", colour="#7a1f3d")
