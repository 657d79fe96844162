"""Types and expressions, as nodes of the typed tree (`core.policy.tree`).

Values: money is counted in minor units of the case's currency, percent as a share of one (50 % is
1/2), lengths of time in seconds, dates as `date`, instants as aware `datetime`, the rest as they
are. A number is an `int` where it is whole, else a `Fraction`; never a float.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from fractions import Fraction
from typing import Literal

from core.policy.errors import Pos

Number = int | Fraction
Value = Number | str | bool | date | datetime | None

Kind = Literal[
    "money", "percent", "duration", "number", "km", "date", "instant", "yesno", "word", "list",
    "calendar", "currency", "null",
]  # fmt: skip

SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """What a value is.

    unit: of a duration as declared, and so of a bare number in its cells.
    currency: of money in another currency than the case's; None means the case's.
    values: the words (or whole numbers) it can be, where they are known.
    decimals: how many digits a fact may bring behind the point, in its own unit.
    whole: True where the value is surely a whole number of its unit.
    item: of a list: what its items are; `fields` where they are records.
    """

    kind: Kind
    unit: str = ""
    currency: str | None = None
    values: tuple[str | int, ...] = ()
    decimals: int = 0
    whole: bool = False
    signed: bool = False
    nullable: bool = False
    item: Type | None = None
    fields: tuple[tuple[str, Type], ...] = ()


def at_start() -> Pos:
    return Pos(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expr:
    """Any expression. `at` is where it stands in the policy."""

    type: Type
    at: Pos = field(default_factory=at_start, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Const(Expr):
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ByCurrency(Expr):
    """An amount per currency of the case, in minor units; any other currency is unknown."""

    amounts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Expr):
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Expr):
    """A column of a `let`; the column of a plain value is ''."""

    name: str
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Expr):
    """The item a fold or a `for_each` stands at, or one field of it ('' for the item itself).

    index: of the field in its record. fold: whose item it is, an aggregate's or a row's."""

    variable: str
    field: str = ""
    index: int = 0
    fold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Negative(Expr):
    value: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic(Expr):
    """`of` is a share of a base: left is a percent."""

    op: Literal["+", "-", "*", "/", "of"]
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare(Expr):
    op: Literal["<", "<=", ">", ">=", "==", "!="]
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class And(Expr):
    """No if any is no, else unknown if any is unknown, else yes."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or(Expr):
    """Yes if any is yes, else unknown if any is unknown, else no."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(Expr):
    value: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose(Expr):
    """`yes if test else no`."""

    test: Expr
    yes: Expr
    no: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf(Expr):
    """A cell: the subject is (or, negated, is not) one of the values. A null is none of them."""

    subject: Expr
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Band(Expr):
    """A cell: between two ends, each in or out; None is open. A null is in no band."""

    subject: Expr
    low: Number | date | datetime | None
    high: Number | date | datetime | None
    low_in: bool = True
    high_in: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class IsNull(Expr):
    subject: Expr
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Expr):
    """A function of `functions.py`."""

    function: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold(Expr):
    """An aggregate over a list: `function` of `value` for every item where `where` holds.

    `value` is None for count; for any and all it is the condition."""

    function: Literal["sum", "count", "mean", "min", "max", "any", "all"]
    variable: str
    over: Fact
    value: Expr | None
    where: Expr | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold(Expr):
    """The value, or nothing if it is below the limit (or, `over`, at it)."""

    value: Expr
    limit: Expr
    over: bool
    reason: str


def children(expr: Expr) -> Iterator[Expr]:
    """The expressions directly inside `expr`, from left to right."""
    for one in fields(expr):
        value = getattr(expr, one.name)
        if isinstance(value, Expr):
            yield value
        elif isinstance(value, tuple):
            yield from (part for part in value if isinstance(part, Expr))


def walk(expr: Expr) -> Iterator[Expr]:
    """`expr` and everything inside it."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def spoken(expr: Expr) -> str:
    """The name of a value for a message."""
    match expr:
        case Fact():
            return expr.name
        case Named():
            name = expr.name.partition("#")[0]
            return f"{name}.{expr.column}" if expr.column else name
        case Item():
            return f"{expr.variable}.{expr.field}" if expr.field else expr.variable
    return "a value"
