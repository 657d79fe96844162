"""The typed tree: what a policy means, with every name resolved and every kind checked.

The loader builds it; the reference interpreter, the compiler, the static checks, the explainer and
the vectorised backtest only read it. Positions do not count for equality or for the hash. Its
expressions are in `core.policy.terms`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from core.policy.errors import Pos
from core.policy.terms import (
    SECONDS,
    And,
    Arithmetic,
    Band,
    ByCurrency,
    Call,
    Choose,
    Compare,
    Const,
    Expr,
    Fact,
    Fold,
    IsNull,
    Item,
    Kind,
    Named,
    Negative,
    Not,
    Number,
    OneOf,
    Or,
    Threshold,
    Type,
    Value,
    at_start,
    children,
    spoken,
    walk,
)

__all__ = [
    "SECONDS",
    "And",
    "Arithmetic",
    "Band",
    "ByCurrency",
    "Calendar",
    "Call",
    "Choose",
    "Compare",
    "Const",
    "Deadline",
    "Declared",
    "Effective",
    "Expr",
    "Fact",
    "Fold",
    "Grant",
    "IsNull",
    "Item",
    "Kind",
    "Let",
    "Named",
    "Negative",
    "Not",
    "Number",
    "OneOf",
    "Or",
    "Reason",
    "Refusal",
    "Row",
    "Rule",
    "Table",
    "Threshold",
    "Tree",
    "Type",
    "Value",
    "children",
    "spoken",
    "walk",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a table: every condition must hold; one value a column."""

    when: tuple[Expr, ...]
    values: tuple[Expr, ...]
    at: Pos = field(default_factory=at_start, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The first row that fits."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Let:
    """A named value. `hidden` ones come from a table inside a table."""

    name: str
    value: Expr | Table
    hidden: bool = False
    at: Pos = field(default_factory=at_start, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A printable text: words and values in turn, `band_` + base.band."""

    parts: tuple[str | Expr, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    number: int
    id: str
    when: tuple[Expr, ...]
    reason: Reason
    cite: str
    at: Pos = field(default_factory=at_start, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One remedy of a row.

    unit: money, points, percent, days (seconds inside), items, or '' where there is no amount.
    up_to: the greatest amount, where the sum is left to the agent; `amount` is then the least.
    """

    remedy: str
    unit: Literal["money", "points", "percent", "duration", "items", ""]
    amount: Expr | None
    up_to: Expr | None
    label: str
    at: Pos = field(default_factory=at_start, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """`count` working days, days or months, after the date `after` where it is stated."""

    count: int
    unit: Literal["working days", "days", "months"]
    after: Expr | None = None
    calendar: str = ""
    when: tuple[Expr, ...] = ()
    at: Pos = field(default_factory=at_start, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of `give`. `offers` has one entry where there is nothing to choose."""

    number: int
    id: str
    variable: str
    over: Fact | None
    when: tuple[Expr, ...]
    offers: tuple[tuple[Grant, ...], ...]
    choice: bool
    reason: Reason
    cite: str
    deadlines: tuple[Deadline, ...]
    pays: Literal["automatically", "on_claim"]
    also: tuple[tuple[str, Reason], ...]
    ask_over: Expr | None
    at: Pos = field(default_factory=at_start, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Working days of a jurisdiction. Weekdays count from Monday, 0. `fact` names the list of
    holidays where it is handed in with the facts."""

    name: str
    weekend: frozenset[int]
    holidays: frozenset[date]
    fact: str
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A declared fact. `default` stands in when the fact is not there; `None` may be one."""

    name: str
    type: Type
    has_default: bool = False
    default: object = None
    at: Pos = field(default_factory=at_start, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    first: date | None = None
    last: date | None = None
    by: Fact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A whole policy. `currency` picks the case's currency where a table does; its one column
    holds words. `combine` says what becomes of several rules that fit. `on_account`: what it gives
    counts towards what is owed for the same harm."""

    name: str
    variant: str
    basis: Literal["owed", "goodwill"]
    about: tuple[tuple[str, str], ...]
    currencies: tuple[str, ...]
    currency: Table | None
    effective: Effective
    calendars: tuple[Calendar, ...]
    facts: tuple[Declared, ...]
    lets: tuple[Let, ...]
    refuse: tuple[Refusal, ...]
    give: tuple[Rule, ...]
    combine: Literal["first", "best", "sum", "choice"]
    on_account: bool = False
