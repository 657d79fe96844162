"""Cells and conditions: `3..6`, `"<= 240"`, `[new, vip]`, `not null`, and rows of them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from core.policy import kinds
from core.policy.document import Listing, Mapping, Node, Text
from core.policy.errors import PolicyError, Pos
from core.policy.expressions import condition, expression
from core.policy.operators import compared
from core.policy.quantities import day, quantity
from core.policy.scope import Scope
from core.policy.tree import And, Band, Const, Expr, IsNull, Not, Number, OneOf, Or, Type, Value

_BAND = re.compile(r"(.*?) ?(<)?\.\.(<)? ?(.*)", re.ASCII)
_AGAINST = re.compile(r"(<=|>=|<|>|==|!=) ?(.+)", re.ASCII)
_BOTH = re.compile(r"(>=?) ?(\S.*?) and (<=?) ?(\S.*)", re.ASCII)
MAX_CELLS = 40

End = Number | date | datetime


def conditions(node: Node | None, scope: Scope) -> tuple[Expr, ...]:
    """The conditions of a `when`: all of them must hold."""
    if node is None:
        return ()
    if isinstance(node, Text):
        return _split(condition(node.value, node.start, scope))
    if isinstance(node, Mapping):
        return row(node, scope)
    if not node.items or len(node.items) > MAX_CELLS:
        raise PolicyError(f"a list of rows has from 1 to {MAX_CELLS} of them", node.at)
    choices = tuple(_together(conditions(item, scope), item.at) for item in node.items)
    if len(choices) == 1:
        return _split(choices[0])
    return (Or(items=choices, type=kinds.YESNO, at=node.at),)


def row(node: Mapping, scope: Scope) -> tuple[Expr, ...]:
    """One row of cells, `{days_late: 3..6, tier: vip}`."""
    if not node.values or len(node.values) > MAX_CELLS:
        raise PolicyError(f"a row has from 1 to {MAX_CELLS} cells", node.at)
    cells = []
    for name, value in node.values.items():
        key = node.keys[name]
        cells.append(cell(expression(name, key.start, scope), value, scope))
    return tuple(cells)


def refused_unless(node: Node | None, scope: Scope) -> tuple[Expr, ...]:
    """`unless`: the row is for cases where this does not hold."""
    if node is None:
        return ()
    return (Not(value=_together(conditions(node, scope), node.at), type=kinds.YESNO, at=node.at),)


def _split(expr: Expr) -> tuple[Expr, ...]:
    return expr.items if isinstance(expr, And) else (expr,)


def _together(items: tuple[Expr, ...], at: Pos) -> Expr:
    return items[0] if len(items) == 1 else And(items=items, type=kinds.YESNO, at=at)


def cell(subject: Expr, node: Node, scope: Scope) -> Expr:
    """The test of one cell. Raises `PolicyError` where it does not go with the subject."""
    kind = subject.type
    if kind.kind in ("list", "calendar", "null"):
        raise PolicyError("a list cannot stand in a cell; count or sum it under `let`", node.at)
    if isinstance(node, Mapping):
        raise PolicyError("a cell is a value, a band or a list of values", node.at)
    if isinstance(node, Listing):
        return _words(subject, [kinds.text_of(item) for item in node.items], False, node.at, scope)
    text = node.value.strip()
    negated = text.startswith("not ")
    rest = text.removeprefix("not ").strip()
    if rest == "null":
        if not kind.nullable:
            raise PolicyError("this is never null; declare the fact with `or null`", node.at)
        return IsNull(subject=subject, negated=negated, type=kinds.YESNO, at=node.at)
    if negated and rest.startswith("[") and rest.endswith("]"):
        parts = [part.strip() for part in rest[1:-1].split(",")]
        texts = [Text(part, True, node.at, node.start) for part in parts]
        return _words(subject, texts, True, node.at, scope)
    if kind.kind in kinds.ORDERED:
        return _ordered(subject, text, node, scope)
    return _words(subject, [Text(rest, True, node.at, node.start)], negated, node.at, scope)


def _ordered(subject: Expr, text: str, node: Text, scope: Scope) -> Expr:
    both, against = _BOTH.fullmatch(text), _AGAINST.fullmatch(text)
    if both:
        first, last = (_end(both[i], subject.type, node, scope) for i in (2, 4))
        return _band(subject, first, last, both[1] == ">=", both[3] == "<=", node.at)
    if against:
        return _against(subject, against[1], against[2], node, scope)
    if ".." in text:
        band = _BAND.fullmatch(text)
        if band is None:
            raise PolicyError(f"{text[:40]!r} is not a band such as 3..6 or 60..<120", node.at)
        low, high = (_end(band[i], subject.type, node, scope) if band[i] else None for i in (1, 4))
        if low is None and high is None:
            raise PolicyError("a band needs an end", node.at)
        return _band(subject, low, high, band[2] is None, band[3] is None, node.at)
    negated = text.startswith("not ")
    text = text.removeprefix("not ").strip()
    return _words(subject, [Text(text, True, node.at, node.start)], negated, node.at, scope)


def _against(subject: Expr, op: str, text: str, node: Text, scope: Scope) -> Expr:
    shift = node.value.find(text)
    try:
        end = literal(text, subject.type, node.start.shifted(max(shift, 0)), scope)
    except _NotLiteral:
        right = expression(text, node.start.shifted(max(shift, 0)), scope)
        return _null_safe(op, subject, right, node.at)
    if op in ("==", "!="):
        return OneOf(
            subject=subject, values=(end,), negated=op == "!=", type=kinds.YESNO, at=node.at
        )
    if isinstance(end, str | None):
        raise PolicyError(f"{text[:40]!r} has no order", node.at)
    if op in ("<", "<="):
        return _band(subject, None, end, True, op == "<=", node.at)
    return _band(subject, end, None, op == ">=", True, node.at)


def _null_safe(op: str, subject: Expr, right: Expr, at: Pos) -> Expr:
    """A comparison in a cell: a null subject is compared with nothing, so it does not fit."""
    test = compared(op, subject, right, at)
    if not subject.type.nullable:
        return test
    there = IsNull(subject=subject, negated=True, type=kinds.YESNO, at=at)
    return And(items=(there, test), type=kinds.YESNO, at=at)


def _band(
    subject: Expr, low: End | None, high: End | None, low_in: bool, high_in: bool, at: Pos
) -> Band:
    if low is not None and high is not None:
        empty = low > high or (low == high and not (low_in and high_in))  # type: ignore[operator]
        if empty:
            raise PolicyError("nothing lies in this band: its start is not before its end", at)
    return Band(
        subject=subject, low=low, high=high, low_in=low_in or low is None,
        high_in=high_in or high is None, type=kinds.YESNO, at=at,
    )  # fmt: skip


def _end(text: str, kind: Type, node: Text, scope: Scope) -> End:
    shift = max(node.value.find(text), 0)
    try:
        value = literal(text.strip(), kind, node.start.shifted(shift), scope)
    except _NotLiteral:
        raise PolicyError(
            f'{text[:40]!r} is not a number; compare with a name as "< {text[:20]}"',
            node.start.shifted(shift),
        ) from None
    if isinstance(value, str | bool | None):
        raise PolicyError(f"{text[:40]!r} has no order", node.at)
    return value


def _words(subject: Expr, texts: list[Text], negated: bool, at: Pos, scope: Scope) -> OneOf:
    if not texts:
        raise PolicyError("an empty list fits nothing", at)
    values: list[Value] = []
    for text in texts:
        try:
            values.append(literal(text.value, subject.type, text.start, scope))
        except _NotLiteral:
            raise PolicyError(
                f"{text.value[:40]!r} does not go with {kinds.describe(subject.type)}", text.at
            ) from None
    if len(set(values)) != len(values):
        raise PolicyError("a value is listed twice", at)
    return OneOf(subject=subject, values=tuple(values), negated=negated, type=kinds.YESNO, at=at)


class _NotLiteral(Exception):
    """The text is not a plain value of the kind asked for."""


def literal(text: str, kind: Type, at: Pos, scope: Scope) -> Value:
    """A plain value of the kind of `kind`; a number without a unit has the unit of `kind`."""
    if kind.kind == "yesno":
        if text not in ("yes", "no"):
            raise _NotLiteral
        return text == "yes"
    if kind.kind == "word":
        return _word(text, kind, at)
    if kind.kind == "date":
        return day(text, at)
    if kind.kind == "instant":
        return datetime.combine(day(text, at), datetime.min.time(), UTC)
    negative = text.startswith("-")
    body = text.removeprefix("-").strip()
    if not body[:1].isdigit() or not body.isascii():
        raise _NotLiteral
    value = _measured(body, kind, at, scope)
    if kind.values and value not in kind.values:
        raise PolicyError(f"{text} is not one of {', '.join(map(str, kind.values))}", at)
    if negative and not kind.signed:
        raise PolicyError(f"{kinds.describe(kind)} is never negative here", at)
    return -value if negative else value


def _word(text: str, kind: Type, at: Pos) -> str:
    if not kinds.WORD.fullmatch(text):
        raise _NotLiteral
    if kind.values and text not in kind.values:
        known = ", ".join(map(str, kind.values[:20]))
        raise PolicyError(f"{text!r} is not one of {known}", at)
    return text


def _measured(body: str, kind: Type, at: Pos, scope: Scope) -> Number:
    found = quantity(body, at, scope) if re.search(r"[^0-9.]", body) else None
    if found is None and kind.kind == "money":
        raise PolicyError(f"write the currency: {body} {'/'.join(scope.currencies[:3])}", at)
    if found is None:
        unit = {"duration": _short(kind.unit), "percent": "%", "km": "km"}.get(kind.kind, "")
        found = quantity(body + unit, at, scope)
    if not kinds.same(found.type, kind):
        raise PolicyError(f"{body!r} does not go with {kinds.describe(kind)}", at)
    if not isinstance(found, Const) or isinstance(found.value, str | date | None):
        raise PolicyError("state amounts by currency with `<` and a name under `let`", at)
    return found.value


def _short(unit: str) -> str:
    return {"seconds": "s", "minutes": "min", "hours": "h", "days": "d"}.get(unit, "")
