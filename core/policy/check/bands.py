"""Bands whose sums go up and down: a longer delay that pays less, a higher tier that gets less."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from core.policy.check.model import Finding, found
from core.policy.errors import Pos
from core.policy.explain.printing import cell_text, expression_text
from core.policy.tree import (
    Arithmetic,
    Band,
    ByCurrency,
    Call,
    Const,
    Expr,
    Named,
    OneOf,
    Rule,
    Table,
    Tree,
    spoken,
)  # fmt: skip

#: Names of facts of which more is worse for the customer, and so should never pay less.
_WORSE = re.compile(r"late|delay|outage|wait|down|overdue")
#: Words for customers, from the least to the most valued.
_RANKS = {
    word: rank
    for rank, words in enumerate(
        ("guest new none", "basic regular standard bronze", "silver premium plus", "gold vip",
         "platinum", "diamond")
    )
    for word in words.split()
}  # fmt: skip


#: What may stand around a sum without changing which of two is greater.
_AROUND = frozenset({"round", "round_up", "round_down", "round_even", "min", "present"})


@dataclass(frozen=True, slots=True)
class _Row:
    test: Band | OneOf
    sums: tuple[tuple[str, Any], ...]
    at: Pos


def bands(tree: Tree) -> Iterator[Finding]:
    """Findings about sums that do not go one way."""
    lists: list[list[tuple[tuple[Expr, ...], tuple[Any, ...] | None, Pos]]] = []
    lists.append([(rule.when, _given(rule), rule.at) for rule in tree.give])
    for let in tree.lets:
        if isinstance(let.value, Table):
            for column in range(len(let.value.columns)):
                table = let.value.rows
                lists.append([(row.when, _sum(row.values[column]), row.at) for row in table])
    for rows in lists:
        yield from _in_one_list(rows)


def _in_one_list(
    rows: Sequence[tuple[tuple[Expr, ...], tuple[Any, ...] | None, Pos]],
) -> Iterator[Finding]:
    """Rows that differ in one test and in what comes out are one scale."""
    scales: dict[Any, list[_Row]] = {}
    for when, sums, at in rows:
        if sums is None:
            continue
        base, amounts = sums
        for test in when:
            # Of a date, later is not more of anything.
            timed = _is_time(test)
            if not timed and isinstance(test, Band | OneOf) and not _negated(test):
                rest = frozenset(one for one in when if one is not test)
                key = (type(test), test.subject, rest, base, tuple(code for code, _ in amounts))
                scales.setdefault(key, []).append(_Row(test, amounts, at))
    for (kind, subject, *_), scale in scales.items():
        if kind is Band:
            yield from _measured(subject, scale)
        else:
            yield from _ranked(subject, scale)


def _is_time(test: Expr) -> bool:
    return isinstance(test, Band) and test.subject.type.kind in ("date", "instant")


def _negated(test: Expr) -> bool:
    return isinstance(test, OneOf) and test.negated


def _measured(subject: Expr, scale: list[_Row]) -> Iterator[Finding]:
    known = [row for row in scale if isinstance(row.test, Band)]
    if len(known) < 2 or not _apart([row.test for row in known if isinstance(row.test, Band)]):
        return
    ordered = sorted(known, key=lambda row: _low(row.test))
    for code, values in _columns(ordered):
        ups = [b > a for a, b in pairwise(values)]
        downs = [b < a for a, b in pairwise(values)]
        worse = isinstance(subject, Named) or _WORSE.search(spoken(subject)) is None
        odd = any(downs) and (any(ups) or not worse)
        if odd:
            wrong = downs if sum(downs) <= sum(ups) or not worse else ups
            at = wrong.index(True) + 1
            yield _finding(subject, ordered[at], ordered[at - 1], code, wrong is downs)
            return


def _ranked(subject: Expr, scale: list[_Row]) -> Iterator[Finding]:
    ranked: list[tuple[int, _Row]] = []
    for row in scale:
        if isinstance(row.test, OneOf) and len(row.test.values) == 1:
            rank = _RANKS.get(str(row.test.values[0]).lower())
            if rank is not None:
                ranked.append((rank, row))
    ranked.sort(key=lambda one: one[0])
    for (low, before), (high, after) in pairwise(ranked):
        if low < high:
            for (code, less), (_, more) in zip(before.sums, after.sums, strict=True):
                if more < less:
                    yield _finding(subject, after, before, code, True)
                    return


def _columns(rows: Sequence[_Row]) -> Iterator[tuple[str, list[Any]]]:
    for index, (code, _) in enumerate(rows[0].sums):
        yield code, [row.sums[index][1] for row in rows]


def _finding(subject: Expr, row: _Row, before: _Row, code: str, less: bool) -> Finding:
    name = expression_text(subject, code)
    return found(
        "not_monotone", row.at,
        f"{name} {cell_text(row.test, code)} pays {'less' if less else 'more'} than "
        f"{cell_text(before.test, code)} (line {before.at.line})",
        "check the sums; along a scale they usually go one way",
        rows=(before.at.line, row.at.line),
    )  # fmt: skip


def _low(test: Expr) -> tuple[bool, Any]:
    assert isinstance(test, Band)
    return (test.low is not None, test.low if test.low is not None else 0)


def _apart(tests: Sequence[Band]) -> bool:
    """Whether no two of the bands have the same start; `first that fits` lists may nest them."""
    lows = [test.low for test in tests]
    return len(set(lows)) == len(lows)


def _given(rule: Rule) -> tuple[Any, tuple[tuple[str, Any], ...]] | None:
    """What one plain remedy of a row comes to, if it can be compared with other rows."""
    if rule.choice or rule.over is not None or len(rule.offers[0]) != 1:
        return None
    grant = rule.offers[0][0]
    if grant.amount is None or grant.up_to is not None:
        return None
    sums = _sum(grant.amount)
    return None if sums is None else ((grant.remedy, sums[0]), sums[1])


def _sum(expr: Expr) -> tuple[Any, tuple[tuple[str, Any], ...]] | None:
    """A constant, or a constant share of something: what it is of, and the numbers to compare."""
    while isinstance(expr, Call) and expr.function in _AROUND:
        expr = expr.args[0]
    if isinstance(expr, ByCurrency):
        return None, expr.amounts
    if isinstance(expr, Const) and expr.type.kind in ("money", "percent"):
        return expr.type.kind, (("", expr.value),)
    if isinstance(expr, Arithmetic) and expr.op == "of" and isinstance(expr.left, Const):
        return expr.right, (("", expr.left.value),)
    return None
