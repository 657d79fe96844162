"""The whole query: layers of columns over the file of tickets, and what is asked of them.

Texts of a policy or a file enter SQL only as literals (`quoted`) and names (`identifier`).
"""

# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.money import EXPONENTS
from core.policy.backtest.sql.decisions import Decisions
from core.policy.backtest.tally import Difference, Group, Part, Side
from core.policy.backtest.tickets import (
    CURRENCY,
    DATE,
    PAID,
    PAID_CURRENCY,
    TICKET,
    TicketFile,
    identifier,
    quoted,
)


class Query:
    """SQL over a file for the draft and, if there is one, what it is compared with.

    sure: for tickets of which every fact that is used is known; otherwise for all the others.
    """

    def __init__(
        self, file: TicketFile, sides: Sequence[Decisions], *, paid: bool, sure: bool
    ) -> None:
        self.file, self.sides, self.paid, self.sure = file, sides, paid, sure
        self.compares = paid or len(sides) == 2

    # ---- layers

    def decided(self, *, every: bool = False) -> str:
        """A row a ticket with the columns of `Decisions.outputs` (and `month`, `number`).
        `every` adds the texts of the file's columns."""
        base = ["file_row_number AS number", f"{self._month()} AS month"]
        if every:
            texts = zip(self.file.columns, self.file.texts(), strict=True)
            base += [f"{text} AS {identifier(f'raw {name}')}" for name, text in texts]
        for side in self.sides:
            base += [*side.columns.base]
            base += [f"{text} AS {name}" for name, text in side.columns.lines.items()]
        if self.paid:
            base += self._paid_columns()
        sql = f"SELECT {', '.join(base)} FROM {self._with_currencies()}"
        if self.known:
            test = " AND ".join(self.known)
            which = test if self.sure else f"NOT coalesce({test}, FALSE)"
            sql = f"SELECT * FROM ({sql}) WHERE {which}"
        depth = max((len(side.writer.layers) for side in self.sides), default=0)
        for level in range(depth):
            found = [
                f"{text} AS {name}"
                for side in self.sides
                for name, text in (side.writer.layers[level : level + 1] or [{}])[0].items()
            ]
            sql = f"SELECT *, {', '.join(found)} FROM ({sql})"
        codes = [f"{side.code} AS {side.prefix}code" for side in self.sides]
        sql = f"SELECT *, {', '.join(codes)} FROM ({sql})"
        for layer in zip(*(side.outputs() for side in self.sides), strict=True):
            found = [f"{text} AS {name}" for one in layer for name, text in one.items()]
            sql = f"SELECT *, {', '.join(found)} FROM ({sql})"
        return sql

    def _with_currencies(self) -> str:
        found = [
            f"{text} AS {name}" for side in self.sides for name, text in side.columns.base.items()
        ]
        if not found:
            return self.file.relation()
        return f"(SELECT *, {', '.join(found)} FROM {self.file.relation()})"

    @property
    def known(self) -> list[str]:
        return [test for side in self.sides for test in side.columns.known]

    def _month(self) -> str:
        if DATE not in self.file.columns:
            return "''"
        text = self.file.text(DATE)
        if self.file.types.get(DATE) in ("DATE", "TIMESTAMP"):
            column = identifier(DATE)
            return f"coalesce(year({column}) * 100 + month({column}), 0)"
        test = f"regexp_full_match(left({text}, 7), '[ -~]{{4}}-[ -~]{{2}}')"
        return f"CASE WHEN {test} THEN left({text}, 7) ELSE '' END"

    def _paid_columns(self) -> list[str]:
        """What was paid in minor units: `paid`, `paidcode`; a NULL in `paid` was not read."""
        amount = f"coalesce({self.file.text(PAID)}, '')"
        codes = [
            f"nullif({self.file.text(name)}, '')"
            for name in (PAID_CURRENCY, CURRENCY)
            if name in self.file.columns
        ]
        code = f"coalesce({', '.join([*codes, quoted('')])})"
        lines = []
        for digits in sorted(set(EXPONENTS.values())):
            those = ", ".join(quoted(one) for one, d in EXPONENTS.items() if d == digits)
            part = rf"(\.[0-9]{{1,{digits}}})?" if digits else ""
            test = f"regexp_full_match({amount}, '[0-9]{{1,9}}{part}') AND {code} IN ({those})"
            cast = f"(TRY_CAST({amount} AS DECIMAL(18, {digits})) * {10**digits})::BIGINT"
            lines.append(f"WHEN {test} THEN {cast}")
        return [
            f"CASE WHEN {amount} = '' THEN 0 {' '.join(lines)} END AS paid", f"{code} AS paidcode"
        ]  # fmt: skip

    # ---- questions

    @property
    def undecided(self) -> str:
        tests = [f"{side.prefix}code IS NULL" for side in self.sides]
        return " OR ".join([*tests, "paid IS NULL"] if self.paid else tests)

    def groups(self) -> str:
        """Counts and sums of tickets that are alike; undecided ones are one group, code NULL."""
        keys = [f"coalesce({self.undecided}, FALSE) AS rest", "month"]
        sums = ["count(*)"]
        for side in self.sides:
            pre = side.prefix
            keys += [f"{pre}code", f"{pre}currency", f"{pre}none"]
            sums += [f"count_if({pre}asked)"]
            sums += [f"sum({pre}most)"] if side.ranges else []
            for slot in range(side.slots):
                sums += [f"count({pre}g{slot})", f"sum({pre}g{slot})"]
        if self.paid:
            keys.append("paidcode")
            sums.append("sum(paid)")
        if self.compares:
            keys.append(f"{self._more()} AS more")
        return f"SELECT {', '.join(keys)}, {', '.join(sums)} FROM ({self.decided()}) GROUP BY ALL"

    def read(self, row: Sequence[Any]) -> Group | int:
        """A row of `groups` as a group; or the number of tickets that are not decided."""
        rest, month = row[0], _month(row[1])
        at, end = 2, 2 + 3 * len(self.sides) + self.paid + self.compares
        tickets, sums = row[end], list(row[end + 1 :])
        if rest:
            return int(tickets)
        read = []
        for side in self.sides:
            code, currency, none = row[at : at + 3]
            read.append(_side(side, code, currency, none, sums))
            at += 3
        if self.paid:
            minor = int(sums.pop(0) or 0)
            part = (Part("paid", tickets, minor),) if minor else ()
            outcome = "paid" if minor else "nothing"
            paid_in = row[at] if minor else None
            read.append(Side(outcome, "", paid_in, minor, minor, 0, part))
        if not self.compares:
            return Group(month, tickets, read[0])
        return Group(month, tickets, read[0], read[1], row[end - 1])

    def rest(self) -> str:
        """The tickets the compiled function has to decide: their number and cells."""
        cells = ", ".join(identifier(f"raw {name}") for name in self.file.columns)
        return (
            f"SELECT number + 1, {cells} FROM ({self.decided(every=True)}) "
            f"WHERE {self.undecided} ORDER BY number"
        )

    def largest(self, count: int) -> str:
        """The largest differences of each currency."""
        draft, gap = self.sides[0], f"abs({self._gap()})"
        named = [identifier(f"raw {name}") if name in self.file.columns else "''"
                 for name in (TICKET, DATE)]  # fmt: skip
        code = "NULL" if self.paid else f"{self.sides[1].prefix}code"
        ours, theirs = _code_of(draft), self._other_code()
        currency = f"CASE WHEN {draft.prefix}given > 0 THEN {ours} ELSE {theirs} END"
        return (
            f"SELECT number + 1, {', '.join(named)}, {currency} AS gapcode, {draft.prefix}given, "
            f"{self._other()}, {draft.prefix}code, {code} FROM ({self.decided(every=True)}) "
            f"WHERE NOT coalesce({self.undecided}, FALSE) AND {self._more()} <> 0 "
            f"QUALIFY row_number() OVER (PARTITION BY gapcode ORDER BY {gap} DESC, number) "
            f"<= {count}"
        )

    def difference(self, row: Sequence[Any]) -> Difference:
        """A row of `largest`."""
        number, ticket, day, currency, draft, other, code, other_code = row
        rules = [self.sides[0].answers[code].rule, ""]
        if not self.paid:
            rules[1] = self.sides[1].answers[other_code].rule
        return Difference(
            number, ticket or "", day or "", currency or "", int(draft), int(other), *rules
        )

    def _gap(self) -> str:
        return f"({self.sides[0].prefix}given - {self._other()})"

    def _other(self) -> str:
        return "paid" if self.paid else f"{self.sides[1].prefix}given"

    def _other_code(self) -> str:
        return "paidcode" if self.paid else _code_of(self.sides[1])

    def _more(self) -> str:
        """Whether the draft gives more (1), less (-1), the same (0); NULL in two currencies."""
        draft = self.sides[0]
        both = f"{draft.prefix}given > 0 AND {self._other()} > 0"
        unlike = f"{_code_of(draft)} <> {self._other_code()}"
        return f"CASE WHEN {both} AND {unlike} THEN NULL ELSE sign({self._gap()}) END"


def _month(of: str | int) -> str:
    """`2026-03`, of a text or of 202603."""
    if isinstance(of, str):
        return of
    return f"{of // 100:04d}-{of % 100:02d}" if of else ""


def _code_of(side: Decisions) -> str:
    """The code of a decision's currency."""
    codes = ", ".join(map(quoted, side.tree.currencies)) or "''"
    return f"list_extract([{codes}], ({side.prefix}currency + 1)::BIGINT)"


def _side(side: Decisions, code: int, currency: int | None, none: bool, sums: list[Any]) -> Side:
    """Takes what belongs to this side from the front of `sums`."""
    asked = int(sums.pop(0))
    most = int(sums.pop(0) or 0) if side.ranges else None
    slots = [(int(sums.pop(0)), int(sums.pop(0) or 0)) for _ in range(side.slots)]
    answer = side.answers[code]
    parts = tuple(
        Part(remedy, times, minor)
        for remedy, (times, minor) in zip(answer.remedies, slots, strict=False)
        if times
    )
    given = sum(minor for _, minor in slots)
    codes = side.tree.currencies
    outcome = "nothing" if none and answer.outcome == "give" else answer.outcome
    return Side(
        outcome, answer.rule, codes[currency] if currency is not None and codes else None,
        given, given if most is None else most, asked, parts,
    )  # fmt: skip
