"""The limits document: strict YAML (JSON is YAML too) into `core.limits.Limits`.

`docs/authority.md` shows it. Whatever is misspelt, contradictory or not exactly an amount is
refused with its line: a limit that is not understood must not become one that is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Literal, TypeVar, cast

from core import limits
from core.errors import AmendsError
from core.limits import (
    WINDOWS,
    Budget,
    Cap,
    CustomerCap,
    Grant,
    Limits,
    MatrixRow,
    Need,
    Window,
)
from core.money import EXPONENTS, UNPAYABLE, MoneyError, parse_money
from core.people import ROLES
from core.policy.document import Listing, Node, Text, read
from core.policy.document import Mapping as Table
from core.policy.errors import PolicyError, Pos

T = TypeVar("T")

_COUNT = re.compile(r"[0-9]{1,7}", re.ASCII)
_SHARE = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?%", re.ASCII)
_WORTH = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}", re.ASCII)
_TOP = (
    "limits", "currency", "rates_max_age_days", "roles", "people", "policy", "customer", "order",
    "budgets", "breaker", "worth", "approval",
)  # fmt: skip
_PER: Mapping[str, Window] = {f"per_{window}": window for window in WINDOWS}


class LimitsError(AmendsError):
    """The document cannot be used; the message has the line and what to write."""


def read_limits(text: str | bytes) -> Limits:
    """Raises `LimitsError`."""
    try:
        return _Document(read(text)).limits()
    except PolicyError as error:
        raise LimitsError(
            f"line {error.line}: {error.message.replace('a policy is', 'limits are')}"
        ) from None


def _wrong(at: Pos, message: str) -> LimitsError:
    return LimitsError(f"line {at.line}: {message}")


class _Document:
    def __init__(self, root: Table) -> None:
        self._root = root
        self._base = "EUR"

    def limits(self) -> Limits:
        top = self._keys(self._root, _TOP)
        version = top.get("limits")
        if version is None or _text(version).value != "1":
            raise _wrong(self._root.at, "begin with `limits: 1`, the form this is written in")
        if "currency" not in top:
            raise _wrong(self._root.at, "say in which `currency` limits count")
        self._base = self._currency(_text(top["currency"]))
        return Limits(
            currency=self._base,
            rates_last=timedelta(days=self._given(top, "rates_max_age_days", _some, 7)),
            roles=self._given(top, "roles", self._roles, {}),
            people=self._given(top, "people", self._people, {}),
            policy=self._given(top, "policy", self._grant, None),
            customer=self._given(top, "customer", self._customer, ()),
            order=self._given(top, "order", _share, None),
            budgets=self._given(top, "budgets", self._budgets, ()),
            breaker=self._given(top, "breaker", self._windows, {}),
            worth=self._given(top, "worth", self._worth, {}),
            **(self._approval(top["approval"]) if "approval" in top else {}),
        )

    # ------------------------------------------------------------------------- small things

    def _keys(self, node: Node, allowed: tuple[str, ...] | None) -> dict[str, Node]:
        if not isinstance(node, Table):
            raise _wrong(node.at, "write `name: value` pairs here")
        for key in node.values:
            if allowed is not None and key not in allowed:
                known = ", ".join(allowed)
                raise _wrong(node.place(key), f"{key!r} is not known here; known are {known}")
        return node.values

    def _given(self, top: Mapping[str, Node], key: str, read: Callable[[Node], T], other: T) -> T:
        return read(top[key]) if key in top else other

    def _currency(self, text: Text) -> str:
        if text.value not in EXPONENTS or text.value in UNPAYABLE:
            raise _wrong(text.at, f"{text.value!r} is not a currency that can be paid")
        return text.value

    def _sums(self, node: Node) -> Mapping[str, int]:
        """`50.00`, or by currency, the document's own among them."""
        if isinstance(node, Text):
            return {self._base: _money(node, self._base)}
        table = self._keys(node, None)
        found = {}
        for code, value in table.items():
            self._currency(cast(Table, node).keys[code])
            found[code] = _money(_text(value), code)
        if self._base not in found:
            raise _wrong(
                node.at,
                f"state it in {self._base} as well: sums in currencies that are not here count "
                f"in {self._base}",
            )
        return found

    def _cap(self, node: Node) -> Cap:
        if isinstance(node, Table) and ({"value", "count"} & set(node.values) or not node.values):
            table = self._keys(node, ("value", "count"))
            if not table:
                raise _wrong(node.at, "state `value`, `count` or both")
            return Cap(
                self._given(table, "value", self._sums, None),
                self._given(table, "count", _count, None),
            )
        return Cap(self._sums(node))

    def _windows(self, node: Node) -> Mapping[Window, Cap]:
        return {_PER[k]: self._cap(v) for k, v in self._keys(node, tuple(_PER)).items()}

    # ------------------------------------------------------------------------- who may give

    def _grant(self, node: Node) -> Grant:
        table = self._keys(node, (*_PER, "reasons"))
        windows = {_PER[key]: self._cap(table[key]) for key in table if key in _PER}
        reasons = self._keys(table["reasons"], None) if "reasons" in table else {}
        if not windows and not reasons:
            raise _wrong(
                node.at, "state at least one limit; to allow nothing, `per_transaction: 0`"
            )
        return Grant(windows, {reason: self._windows(r) for reason, r in reasons.items()})

    def _roles(self, node: Node) -> Mapping[str, Grant]:
        return {role: self._grant(one) for role, one in self._keys(node, ROLES).items()}

    def _people(self, node: Node) -> Mapping[str, Grant]:
        found = {}
        for email, one in self._keys(node, None).items():
            if "@" not in email or email != email.strip().lower():
                at = cast(Table, node).place(email)
                raise _wrong(at, "people are named by their e-mail address, in lower case")
            found[email] = self._grant(one)
        return found

    # ------------------------------------------------------------------------- what holds all

    def _customer(self, node: Node) -> tuple[CustomerCap, ...]:
        found = []
        for one in _items(node):
            table = self._keys(one, ("days", "value", "count"))
            if "days" not in table or len(table) < 2:
                raise _wrong(one.at, "state `days` and `value`, `count` or both")
            cap = Cap(
                self._given(table, "value", self._sums, None),
                self._given(table, "count", _count, None),
            )
            found.append(CustomerCap(days=_some(table["days"]), cap=cap))
        return tuple(found)

    def _budgets(self, node: Node) -> tuple[Budget, ...]:
        found = []
        for name, one in self._keys(node, None).items():
            if not _NAME.fullmatch(name):
                raise _wrong(cast(Table, node).place(name), "name budgets with a-z, 0-9, _ and -")
            found.append(self._budget(name, one))
        return tuple(found)

    def _budget(self, name: str, node: Node) -> Budget:
        table = self._keys(node, ("value", "count", "every", "from", "until", "for"))
        if "value" not in table and "count" not in table:
            raise _wrong(node.at, "a budget has a `value`, a `count` or both")
        bears = self._keys(table["for"], ("reasons", "policies", "roles", "people")) if (
            "for" in table
        ) else {}  # fmt: skip
        sets = {key: frozenset(t.value for t in map(_text, _items(v))) for key, v in bears.items()}
        unknown = sets.get("roles", frozenset()) - set(ROLES)
        if unknown:
            raise _wrong(node.at, f"{min(unknown)!r} is not a role; roles are {', '.join(ROLES)}")
        return Budget(
            name=name,
            cap=Cap(
                self._given(table, "value", self._sums, None),
                self._given(table, "count", _count, None),
            ),
            every=self._given(table, "every", _every, None),
            since=self._given(table, "from", _day, None),
            until=self._given(table, "until", _day, None),
            reasons=sets.get("reasons", frozenset()),
            policies=sets.get("policies", frozenset()),
            roles=sets.get("roles", frozenset()),
            people=sets.get("people", frozenset()),
        )

    def _worth(self, node: Node) -> Mapping[str, Fraction]:
        """In minor units of the document's currency, exact."""
        found = {}
        for remedy, one in self._keys(node, ("points", "extension")).items():
            text = _text(one)
            if not _WORTH.fullmatch(text.value):
                raise _wrong(text.at, "write what one is worth, such as 0.01")
            found[remedy] = Fraction(text.value) * 10 ** EXPONENTS[self._base]
        return found

    # ------------------------------------------------------------------------- who must agree

    def _approval(self, node: Node) -> dict[str, Any]:
        table = self._keys(node, ("expires_hours", "remind_hours", "ask"))
        found: dict[str, Any] = {}
        if "expires_hours" in table:
            found["approval_lasts"] = timedelta(hours=_some(table["expires_hours"]))
        if "remind_hours" in table:
            found["remind_every"] = timedelta(hours=_some(table["remind_hours"]))
        if "ask" in table:
            found["matrix"] = self._matrix(table["ask"])
        return found

    def _matrix(self, node: Node) -> tuple[MatrixRow, ...]:
        rows: list[MatrixRow] = []
        for one in _items(node):
            row = self._matrix_row(one)
            if any(_hides(earlier, row) for earlier in rows):
                raise _wrong(one.at, "an earlier row fits whatever this one fits; put this first")
            rows.append(row)
        return tuple(rows)

    def _matrix_row(self, node: Node) -> MatrixRow:
        table = self._keys(node, ("over", "reasons", "customer_spent_over", "roles", "people"))
        if "over" not in table:
            raise _wrong(node.at, "state `over`, the sum above which somebody must agree")
        roles = tuple(_text(r).value for r in _items(table["roles"])) if "roles" in table else ()
        for role in roles:
            if role not in ROLES or role in ("agent", "ai_agent"):
                raise _wrong(node.at, f"{role!r} cannot agree; use approver, admin or finance")
        people = self._given(table, "people", _count, 1)
        if not 1 <= people <= 5:
            raise _wrong(node.at, "between 1 and 5 people can be asked to agree")
        reasons = (
            frozenset(_text(r).value for r in _items(table["reasons"]))
            if "reasons" in table
            else frozenset()
        )
        return MatrixRow(
            over=self._sums(table["over"]),
            need=Need(roles=roles or limits.APPROVERS, people=people),
            reasons=reasons,
            spent_over=self._given(table, "customer_spent_over", self._sums, None),
        )


def _hides(earlier: MatrixRow, later: MatrixRow) -> bool:
    """Whether the earlier row fits every case that the later one fits."""
    base = all(earlier.over[code] <= later.over.get(code, earlier.over[code] - 1)
               for code in earlier.over)  # fmt: skip
    reasons = not earlier.reasons or (later.reasons and later.reasons <= earlier.reasons)
    spent = earlier.spent_over is None or (
        later.spent_over is not None
        and all(earlier.spent_over[c] <= later.spent_over.get(c, -1) for c in earlier.spent_over)
    )
    return base and bool(reasons) and spent


def _text(node: Node) -> Text:
    if not isinstance(node, Text):
        raise _wrong(node.at, "write a single value here")
    return node


def _items(node: Node) -> list[Node]:
    if not isinstance(node, Listing):
        raise _wrong(node.at, "write a list here")
    return node.items


def _money(text: Text, currency: str) -> int:
    try:
        return parse_money(text.value, currency).minor
    except MoneyError as error:
        raise _wrong(text.at, str(error)) from None


def _count(node: Node) -> int:
    text = _text(node)
    if not _COUNT.fullmatch(text.value):
        raise _wrong(text.at, f"{text.value[:20]!r} is not a whole number")
    return int(text.value)


def _some(node: Node) -> int:
    count = _count(node)
    if not 0 < count < 10_000:
        raise _wrong(node.at, "write a number from 1 to 9999")
    return count


def _share(node: Node) -> Fraction:
    text = _text(node)
    match = _SHARE.fullmatch(text.value)
    if match is None:
        raise _wrong(text.at, "write a share of what was paid, such as 100%")
    return Fraction(f"{match[1]}.{match[2] or 0}") / 100


def _every(node: Node) -> Literal["day", "week", "month"]:
    text = _text(node)
    if text.value not in ("day", "week", "month"):
        raise _wrong(text.at, "a budget begins anew `every: day`, `week` or `month`, or never")
    return cast(Literal["day", "week", "month"], text.value)


def _day(node: Node) -> date:
    text = _text(node)
    try:
        return date.fromisoformat(text.value)
    except ValueError:
        raise _wrong(text.at, "write a date as 2026-03-01") from None
