"""A policy's decision as columns of a query: which answer, and the sums of its remedies."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.money import LIMIT_MINOR
from core.policy.backtest.sql.expressions import Writer
from core.policy.backtest.sql.facts import Columns
from core.policy.backtest.sql.terms import (
    NotVectorised,
    Ratio,
    Term,
    case,
    plus,
    quotient,
    times,
    whole,
)
from core.policy.backtest.tickets import TicketFile
from core.policy.tree import Expr, Grant, Reason, Rule, Tree


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the answers a policy can give. `remedies` names what its slots hold sums of."""

    outcome: str
    rule: str
    remedies: tuple[str, ...] = ()


@dataclass(slots=True)
class Grants:
    """One offer of a row: per grant its least and most (0 where it is no money), and whether it is
    given at all ('' where it always is)."""

    remedies: tuple[str, ...]
    least: list[Term] = field(default_factory=list)
    most: list[Term] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    ranges: bool = False


class Decisions:
    """Columns of one policy: `code` (NULL: ask the compiled function), the slots of an answer,
    `most`, `asked` and `currency`. Raises `NotVectorised`."""

    def __init__(self, tree: Tree, file: TicketFile, prefix: str, *, sure: bool) -> None:
        if tree.combine != "first":
            raise NotVectorised(f"`combine: {tree.combine}` joins several rows")
        if any(rule.over is not None for rule in tree.give):
            raise NotVectorised("a row goes through a list")
        self.tree, self.prefix = tree, prefix
        self.columns = Columns(tree, file, prefix, sure=sure)
        self.writer = Writer(tree, self.columns)
        self.answers: list[Answer] = []
        #: The answer's index, over the layers of the writer.
        self.code = ""
        self._slots: dict[int, list[Term]] = {}
        self._most: dict[int, str] = {}
        self._asked: dict[int, str] = {}
        self._write()
        # Asked for now, so that its column stands under all layers.
        self._currency = self.columns.currency.text

    @property
    def slots(self) -> int:
        return max((len(answer.remedies) for answer in self.answers), default=0)

    @property
    def ranges(self) -> bool:
        """Whether an answer may come to more than what is given at the least."""
        return bool(self._most)

    def outputs(self) -> list[dict[str, str]]:
        """The columns by name, over the layers of the writer and its `code`: two layers."""
        pre, code = self.prefix, f"{self.prefix}code"
        sums = {f"{pre}currency": self._currency}
        for slot in range(self.slots):
            lines = {
                index: terms[slot].text for index, terms in self._slots.items() if slot < len(terms)
            }
            sums[f"{pre}g{slot}"] = _by(code, lines)
        slots = [f"{pre}g{slot}" for slot in range(self.slots)]
        given = " + ".join(f"coalesce({slot}, 0)" for slot in slots) or "0::BIGINT"
        none = " AND ".join(f"{slot} IS NULL" for slot in slots) or "TRUE"
        most = f"coalesce({_by(code, self._most)}, {given})" if self._most else given
        return [
            sums,
            {f"{pre}given": given, f"{pre}none": none, f"{pre}most": most},
            {f"{pre}asked": self._needs_yes()},
        ]

    def _needs_yes(self) -> str:
        """Whether the most it may come to is over the row's limit; one below zero counts as 0."""
        most, code = f"{self.prefix}most", f"{self.prefix}code"
        if not self._asked:
            return "FALSE"
        limits = dict.fromkeys(self._asked.values())
        limit = next(iter(limits)) if len(limits) == 1 else None
        if limit is not None:
            among = (
                ""
                if self._asked.keys() == self._slots.keys()
                else (f" AND {code} IN ({', '.join(map(str, self._asked))})")
            )
            return f"coalesce({most} > 0 AND {most} > {limit}{among}, FALSE)"
        tests = {index: f"{most} > {limit}" for index, limit in self._asked.items()}
        return f"coalesce({most} > 0 AND {_by(code, tests)}, FALSE)"

    # ---- writing

    def _write(self) -> None:
        codes: list[Term] = []
        for refusal in self.tree.refuse:
            code = str(self._answer("refused", refusal.id or f"refuse.{refusal.number}"))
            codes.append(_code(code, self._said(refusal.reason)))
        codes += [_code(*self._rule(rule)) for rule in self.tree.give]
        whens = [one.when for one in self.tree.refuse] + [one.when for one in self.tree.give]
        tests = self.writer.tests(whens)
        if len(tests) < len(whens) or not whens[-1]:
            text = case(tests[:-1], codes[: len(tests) - 1], codes[len(tests) - 1]).text
        else:
            text = case(tests, codes, Term(str(self._answer("nothing", "")), sure=True)).text
        force = self._force()
        self.code = f"CASE WHEN {force} THEN {text} END" if force else text

    def _answer(self, outcome: str, rule: str, remedies: tuple[str, ...] = ()) -> int:
        self.answers.append(Answer(outcome, rule, remedies))
        return len(self.answers) - 1

    def _force(self) -> str:
        effective = self.tree.effective
        if effective.by is None:
            return ""
        day = self.writer.term(effective.by).text
        ends = [(">=", effective.first), ("<=", effective.last)]
        parts = [f"{day} {op} DATE '{end.isoformat()}'" for op, end in ends if end is not None]
        return " AND ".join(parts) or f"{day} IS NOT NULL"

    def _said(self, *reasons: Reason) -> list[str]:
        """What has to be known for a text to be printed."""
        exprs = [part for reason in reasons for part in reason.parts if isinstance(part, Expr)]
        return [test for expr in exprs for test in self._known(expr)]

    def _known(self, expr: Expr) -> list[str]:
        value = self.writer.value(expr)
        top = value.top if isinstance(value, Ratio) else value
        return [] if value.sure else [f"{top.text} IS NOT NULL"]

    def _rule(self, rule: Rule) -> tuple[str, list[str]]:
        name = rule.id or f"give.{rule.number}"
        known = self._said(rule.reason, *(said for _, said in rule.also)) + self._due(rule)
        offers = [self._grants(offer, known) for offer in rule.offers]
        most = self._dearest(offers)
        limit = self._limit(rule, known) if rule.ask_over is not None else None
        lines = []
        for offer in offers:
            code = self._answer("give", name, offer.remedies)
            self._slots[code] = self._given(offer)
            if most is not None:
                self._most[code] = most.text
            if limit is not None:
                self._asked[code] = limit
            if not all(offer.there) or offer is offers[-1]:
                lines.append(f"ELSE {code}")
                break
            lines.append(f"WHEN {' OR '.join(offer.there)} THEN {code}")
        text = f"(CASE {' '.join(lines)} END)" if len(lines) > 1 else str(code)
        return text, known

    def _limit(self, rule: Rule, known: list[str]) -> str:
        """The sum above which somebody is asked."""
        assert rule.ask_over is not None
        known += self._known(rule.ask_over)
        limit = self.writer.held(self.writer.number(rule.ask_over))
        if limit.bottom.constant == 1:
            return limit.top.text
        return f"greatest({limit.top.text}, 0) // {limit.bottom.text}"

    def _given(self, offer: Grants) -> list[Term]:
        """The least sums; NULL where the remedy is not given."""
        return [
            Term(_if_there(least, there))
            for least, there in zip(offer.least, offer.there, strict=True)
        ]

    def _dearest(self, offers: list[Grants]) -> Term | None:
        """The greatest sum any offer of the row can come to; None where that is what is given."""
        if len(offers) == 1 and not offers[0].ranges:
            return None
        sums: list[Term] = []
        for offer in offers:
            money = [most for most in offer.most if most.constant != 0]
            total = money[0] if money else whole(0)
            for most in money[1:]:
                total = plus(total, most)
            sums.append(total)
        found = self.writer.hold(sums[0])
        for other in sums[1:]:
            other = self.writer.hold(other)
            high = max(found.high, other.high)
            found = Term(f"greatest({found.text}, {other.text})", 0, high)
        return found

    def _grants(self, offer: tuple[Grant, ...], known: list[str]) -> Grants:
        found = Grants(tuple(grant.remedy for grant in offer))
        for grant in offer:
            least, most, there = self._grant(grant, known)
            found.least.append(least)
            found.most.append(most)
            found.there.append(there)
            found.ranges = found.ranges or grant.up_to is not None
        return found

    def _grant(self, grant: Grant, known: list[str]) -> tuple[Term, Term, str]:
        if grant.amount is None:
            return whole(0), whole(0), ""
        amount = self.writer.number(grant.amount)
        if grant.unit != "money":
            amount = self.writer.held(amount)
            self._bounded(amount, known)
            return whole(0), whole(0), f"{amount.top.text} <> 0"
        plain = amount.sure and amount.top.low >= 0 and amount.bottom.constant == 1
        if not plain or grant.up_to is not None:
            amount = self.writer.held(amount)
        least = self._money(amount, known)
        if grant.up_to is None:
            return least, least, "" if least.low > 0 else f"{least.text} > 0"
        most = self._money(self.writer.held(self.writer.number(grant.up_to)), known)
        known.append(f"{most.text} >= {least.text}")
        return least, most, f"{most.text} > 0"

    def _money(self, amount: Ratio, known: list[str]) -> Term:
        self._bounded(amount, known)
        here = self.columns.currency
        if not here.sure:
            known.append(f"{here.text} IS NOT NULL")
        top = amount.top
        if amount.bottom.constant != 1:
            top = self.writer.hold(quotient(top, amount.bottom))
        return Term(top.text, max(top.low, 0), min(top.high, LIMIT_MINOR), top.sure)

    def _bounded(self, amount: Ratio, known: list[str]) -> None:
        """Below zero and beyond all sums nothing is decided."""
        top, bottom = amount.top, amount.bottom
        if not amount.sure or top.low < 0:
            known.append(f"{top.text} >= 0")
        limit = times(whole(LIMIT_MINOR), bottom)
        if bottom.constant is None or top.high > limit.high:
            known.append(f"{top.text} <= {limit.text}")

    def _due(self, rule: Rule) -> list[str]:
        """A deadline from a date needs the date; days off need a calendar, which SQL has not."""
        found: list[str] = []
        for deadline in rule.deadlines:
            if deadline.calendar:
                raise NotVectorised("a deadline in working days after a date")
            test = self.writer.all_of(deadline.when)
            if not test.sure:
                found.append(f"({test.text}) IS NOT NULL")
            if deadline.after is not None:
                found += self._known(deadline.after)
        return found


def _code(code: str, known: list[str]) -> Term:
    """The code of an answer, or NULL unless all of `known` is so."""
    if known:
        code = f"(CASE WHEN {' AND '.join(dict.fromkeys(known))} THEN {code} END)"
    return Term(code, sure=True)


def _if_there(least: Term, there: str) -> str:
    if there == f"{least.text} > 0":
        return f"NULLIF({least.text}, 0)"
    return f"(CASE WHEN {there} THEN {least.text} END)" if there else least.text


def _by(code: str, texts: dict[int, str]) -> str:
    """One of the texts, by the answer's index."""
    lines = " ".join(f"WHEN {index} THEN {text}" for index, text in texts.items())
    return f"CASE {code} {lines} END"
