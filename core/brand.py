"""A company's own name and colour, for the pages its customers see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import AmendsError

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.ASCII)
_LONGEST_NAME = 60
_WHITE, _BLACK = "#ffffff", "#000000"


class BadBrand(AmendsError):
    """Not a name and a colour; the message says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """`colour` as `#0b6e63`."""

    name: str
    colour: str

    @property
    def ink(self) -> str:
        """What reads better on the colour, black or white. One of them always has a contrast of
        4.58 or more: their product is 21."""
        return max((_WHITE, _BLACK), key=lambda ink: contrast(self.colour, ink))


def read_brand(value: object) -> Brand:
    """Raises `BadBrand`."""
    if not isinstance(value, Mapping) or set(value) - {"name", "colour"}:
        raise BadBrand("write a `name` and a `colour`, and nothing else")
    name, colour = value.get("name"), value.get("colour")
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME:
        raise BadBrand(f"`name` is the company's name, of at most {_LONGEST_NAME} letters")
    if not isinstance(colour, str) or not _COLOUR.fullmatch(colour.lower()):
        raise BadBrand("`colour` is written as #0b6e63")
    return Brand(name=name.strip(), colour=colour.lower())


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2.2, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    # 0.04045 is where sRGB's two pieces meet; WCAG's own 0.03928 differs for no 8-bit colour.
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)
