"""Types as they are written in `facts`, and what may meet what in an expression."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from fractions import Fraction

from core.money import EXPONENTS
from core.policy.document import Listing, Mapping, Node, Text
from core.policy.errors import PolicyError, Pos
from core.policy.tree import SECONDS, Number, Type

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
DOTTED = re.compile(r"[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39}){0,4}", re.ASCII)
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,59}", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
#: Words that mean something in the language and so cannot name anything.
RESERVED = frozenset(
    [
        "and",
        "or",
        "not",
        "if",
        "else",
        "of",
        "is",
        "null",
        "for",
        "in",
        "where",
        "yes",
        "no",
        "true",
        "false",
        "up",
        "to",
    ]
)

MAX_ITEMS = 200

YESNO = Type(kind="yesno")
DATE = Type(kind="date")
INSTANT = Type(kind="instant")
PERCENT = Type(kind="percent", decimals=6)
NUMBER = Type(kind="number", decimals=6, signed=True)
COUNT = Type(kind="number", whole=True)
MONEY = Type(kind="money", whole=True)
WORDS = Type(kind="word")
NULL = Type(kind="null", nullable=True)
SPAN = Type(kind="duration", unit="days", decimals=6, signed=True)
_PLAIN: dict[str, Type] = {
    "yes/no": YESNO,
    "word": WORDS,
    "money": MONEY,
    "percent": PERCENT,
    "number": NUMBER,
    "km": Type(kind="km", decimals=3),
    "count": COUNT,
    "date": DATE,
    "instant": INSTANT,
    "hours": Type(kind="duration", unit="hours", decimals=2, signed=True),
    **{
        unit: Type(kind="duration", unit=unit, whole=True, signed=True)
        for unit in ("seconds", "minutes", "days")
    },
}
ORDERED = frozenset({"money", "percent", "duration", "number", "km", "date", "instant"})


def parse_type(node: Node) -> tuple[Type, Node | None]:
    """A type, and the node of its default where it has one."""
    if isinstance(node, Text):
        return _named_type(node), None
    if isinstance(node, Listing):
        return _words(node), None
    if "list" in node.values:
        allow(node, {"list", "default"})
        return _list_type(node.values["list"]), node.values.get("default")
    allow(node, {"type", "default", "decimals", "currency"})
    if "type" not in node.values:
        raise PolicyError("state the `type` of this fact", node.at)
    kind, _ = parse_type(node.values["type"])
    kind = _with_options(kind, node)
    default = node.values.get("default")
    if isinstance(default, Text) and default.plain and default.value == "null":
        kind = replace(kind, nullable=True)
    return kind, default


def _with_options(kind: Type, node: Mapping) -> Type:
    if "decimals" in node.values:
        digits = text_of(node.values["decimals"])
        if kind.kind not in ("duration", "number", "km", "percent") or not re.fullmatch(
            r"[0-6]", digits.value
        ):
            raise PolicyError("`decimals` is 0 to 6, of a number or a length of time", digits.at)
        places = int(digits.value)
        kind = replace(kind, decimals=places, whole=places == 0 and kind.kind != "percent")
    if "currency" in node.values:
        code = text_of(node.values["currency"])
        if kind.kind != "money" or code.value not in EXPONENTS:
            raise PolicyError(f"{code.value!r} is not a currency of ISO 4217", code.at)
        kind = replace(kind, currency=code.value)
    return kind


def _named_type(node: Text) -> Type:
    name, null, rest = node.value.partition(" or null")
    if name not in _PLAIN or rest:
        known = ", ".join(sorted(_PLAIN))
        raise PolicyError(f"{node.value!r} is not a type; types are {known} or [a, b, c]", node.at)
    return replace(_PLAIN[name], nullable=bool(null))


def _words(node: Listing) -> Type:
    texts = [text_of(item) for item in node.items]
    if not texts or len(texts) > 1_000:
        raise PolicyError("name from 1 to 1,000 words", node.at)
    numbers = all(text.plain and _WHOLE.fullmatch(text.value) for text in texts)
    for text in texts:
        if not WORD.fullmatch(text.value):
            raise PolicyError(f"{text.value!r} is not a word of letters, digits, _ . + -", text.at)
    if len({text.value for text in texts}) != len(texts):
        raise PolicyError("a word is listed twice", node.at)
    if numbers:
        return Type(kind="number", whole=True, values=tuple(int(text.value) for text in texts))
    return Type(kind="word", values=tuple(text.value for text in texts))


def _list_type(node: Node) -> Type:
    if isinstance(node, Mapping) and not _is_plain(node):
        parts = []
        for name, value in node.values.items():
            check_name(name, node.place(name), NAME)
            kind, default = parse_type(value)
            if default is not None and not kind.nullable:
                raise PolicyError("a field may have the default null only", node.place(name))
            parts.append((name, kind))
        if not parts or len(parts) > 40:
            raise PolicyError("a record has from 1 to 40 fields", node.at)
        item = Type(kind="list", fields=tuple(parts))
    else:
        item, _ = parse_type(node)
    if item.kind == "list" and (item.item or any(kind.kind == "list" for _, kind in item.fields)):
        raise PolicyError("a list inside a list is not possible; sum it up before", node.at)
    return Type(kind="list", item=item)


def _is_plain(node: Mapping) -> bool:
    """Options of a plain value; a record may have a field called `type` among others."""
    options = {"type", "list", "default", "decimals", "currency"}
    return bool(node.values.keys() & {"type", "list"}) and node.values.keys() <= options


def check_name(name: str, at: Pos, pattern: re.Pattern[str] = DOTTED) -> str:
    """Refuse a name that is not small ASCII letters, digits and _, or that is a reserved word."""
    if not pattern.fullmatch(name):
        raise PolicyError(f"{name!r} is not a name; use a-z, 0-9 and _", at)
    if RESERVED & set(name.split(".")):
        raise PolicyError(f"{name!r} is a word of the language; choose another name", at)
    return name


def allow(node: Mapping, keys: set[str] | frozenset[str]) -> None:
    """Refuse keys nobody would read: a mistyped `at_mots` must not be a policy without a cap."""
    for key, text in node.keys.items():
        if key not in keys:
            near = _near(key, keys)
            raise PolicyError(
                f"{key!r} is not known here{f'; did you mean {near!r}?' if near else ''}", text.at
            )


def _near(key: str, keys: set[str] | frozenset[str]) -> str:
    return next(iter(get_close_matches(key[:40], sorted(keys), 1)), "")


def text_of(node: Node) -> Text:
    if not isinstance(node, Text):
        raise PolicyError("a single value belongs here, not a list or a mapping", node.at)
    return node


def mapping_of(node: Node) -> Mapping:
    if not isinstance(node, Mapping):
        raise PolicyError("a mapping (`key: value`) belongs here", node.at)
    return node


def listing_of(node: Node) -> Listing:
    if not isinstance(node, Listing):
        raise PolicyError("a list (`- ...`) belongs here", node.at)
    return node


def describe(kind: Type) -> str:
    """A type in words, for messages."""
    if kind.kind == "money":
        return f"money in {kind.currency}" if kind.currency else "money"
    if kind.kind == "duration":
        return "a length of time"
    if kind.kind == "yesno":
        return "yes or no"
    return {"km": "kilometres", "word": "a word", "null": "null"}.get(kind.kind, f"a {kind.kind}")


def same(left: Type, right: Type) -> bool:
    """Whether the two can be compared, added, or stand in one column."""
    return left.kind == right.kind and left.currency == right.currency and left.kind != "calendar"


def joined(left: Type, right: Type) -> Type | None:
    """The type of a value that is one or the other; None where they do not go together."""
    if left.kind == "null" or right.kind == "null":
        return replace(right if left.kind == "null" else left, nullable=True)
    if not same(left, right):
        return None
    values = tuple(dict.fromkeys(left.values + right.values))
    return replace(
        left,
        values=values if left.values and right.values else (),
        whole=left.whole and right.whole,
        signed=left.signed or right.signed,
        nullable=left.nullable or right.nullable,
    )


def in_seconds(value: Number, unit: str) -> Number:
    return tidy(value * SECONDS[unit])


def tidy(value: Number) -> Number:
    """A whole fraction as an int."""
    return value.numerator if isinstance(value, Fraction) and value.denominator == 1 else value
