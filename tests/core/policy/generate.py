"""Random policies, drawn so that every construct and both sides of every end come up. Plain
`random`, seeded by whoever asks, so that one seed is one policy everywhere."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.core.policy.draw import DATES, draw_facts

__all__ = ["Writer", "draw_facts", "flow", "write_policy"]

FACTS = """\
  tier: {type: [new, regular, vip], default: new}
  grade: [1, 2, 3]
  late: days
  mins: minutes or null
  span: {type: hours, decimals: 2, default: 3}
  total: money
  left: {type: money, default: 0}
  loss: {type: money, currency: XDR}
  rate: number
  pct: percent
  n: count
  far: km
  bought: date
  paid: {type: date, default: null}
  seen: instant
  vip: yes/no
  told: {type: yes/no, default: null}
  code: {type: word, default: null}
  off: {list: date, default: []}
  scores: {list: percent}
  items: {list: {price: money, count: count, broken: yes/no, kind: [glass, book], on: date or null}}
  history.sum: {type: money, default: 0}
"""
CALENDARS = """\
calendars:
  here: {weekend: [fri, sat], holidays: [2026-03-20, 2026-03-23], covers: 2026-01-01..2026-12-31}
  there: {weekend: [sun], holidays: off}
"""
_ROUND = ["half_up", "half_even", "up", "down"]


def flow(text: str) -> str:
    """An expression as it stands between braces, where a comma would end it."""
    return f'"{text}"' if "," in text else text


class Writer:
    """Writes one policy."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.currencies = rng.choice([["EUR"], ["KWD"], ["EUR", "JPY"], ["EUR", "JPY", "KWD"]])
        self.table = len(self.currencies) > 1 and rng.random() < 0.4
        self.lets: dict[str, str] = {}
        self.item = ""

    def pick(self, *options: str) -> str:
        return self.rng.choice(options)

    # ---- expressions by kind

    def money(self, depth: int = 0) -> str:
        options: list[Callable[[], str]] = [
            lambda: self.amount(), lambda: "total", lambda: "left", lambda: "history.sum",
            lambda: self.named("money"),
        ]  # fmt: skip
        if self.item:
            options += [lambda: f"{self.item}.price"] * 2
        if depth < 3:
            deeper = depth + 1
            options += [
                lambda: f"{self.percent(deeper)} of ({self.money(deeper)})",
                lambda: f"({self.money(deeper)} {self.pick('+', '-')} {self.money(deeper)})",
                lambda: f"{self.money(deeper)} * {self.number(deeper)}",
                lambda: f"({self.money(deeper)}) / {self.number(deeper)}",
                lambda: f"{self.pick('min', 'max')}({self.money(deeper)}, {self.money(deeper)})",
                lambda: f"clamp({self.money(deeper)}, {self.amount()}, {self.money(deeper)})",
                lambda: f"{self.rounding()}({self.money(deeper)}, {self.amount()})",
                lambda: f"-({self.money(deeper)})",
                lambda: f"({self.money(deeper)} if {self.test(deeper)} else {self.money(deeper)})",
                lambda: f"exchange({self.pick('loss', '12.50 XDR')}, {self.number(deeper)})",
            ]  # fmt: skip
            if not self.item:
                options += [lambda: self.fold("money")] * 2
        return self.rng.choice(options)()

    def amount(self) -> str:
        if len(self.currencies) > 1 and self.rng.random() < 0.6:
            return self.pick("total", "left")
        currency = self.rng.choice(self.currencies)
        return f"{self.rng.choice([1, 4, 10, 25])} {currency}"

    def percent(self, depth: int = 0) -> str:
        options = [f"{self.rng.choice(['10', '12.5', '33.333', '150'])}%", "pct"]
        if depth < 3:
            options.append(f"percent({self.money(depth + 1)}, {self.money(depth + 1)})")
            options.append(f"(100% - {self.percent(depth + 1)})")
            if not self.item:
                options.append(f"{self.pick('mean', 'max')}(s for s in scores)")
        return self.rng.choice(options)

    def number(self, depth: int = 0) -> str:
        options = [str(self.rng.choice(["0", "1", "2", "2.5"])), "n", "grade", "rate"]
        options.append(self.named("number"))
        if self.item:
            options.append(f"{self.item}.count")
        if depth < 3:
            deeper = depth + 1
            span = self.span(deeper)
            options += [
                f"{self.pick('floor', 'ceil')}({span} / {self.pick('6 h', '1 day', 'span')})",
                f"({self.number(deeper)} {self.pick('+', '-', '*', '/')} {self.number(deeper)})",
                f"{self.between()}({self.day()}, {self.day()})",
                f"working_days_between({self.day()}, {self.day()}, {self.pick('here', 'there')})",
                f"{self.money(deeper)} / {self.money(deeper)}",
            ]
            if not self.item:
                options.append(self.fold("count"))
        return self.rng.choice(options)

    def between(self) -> str:
        return self.pick("months_between", "calendar_months_between")

    def rounding(self) -> str:
        return self.pick("round", "round_up", "round_down", "round_even")

    def span(self, depth: int = 0) -> str:
        options = ["late", "mins", "span", "90 min", "2 days", f"({self.day()} - {self.day()})"]
        options += [f"days_between({self.day()}, {self.day()})", f"month_length({self.day()})"]
        if depth < 3:
            options.append(f"({self.span(depth + 1)} {self.pick('+', '-')} {self.span(depth + 1)})")
        return self.rng.choice(options)

    def day(self) -> str:
        if self.item and self.rng.random() < 0.3:
            return f"{self.item}.on"
        return self.pick("bought", "paid", self.rng.choice(DATES), "(bought + 2 days)")

    def named(self, kind: str) -> str:
        known = [name for name, of in self.lets.items() if of == kind]
        return self.rng.choice(known) if known else {"money": "total", "number": "n"}[kind]

    def fold(self, kind: str) -> str:
        self.item = "it"
        where = f" where {self.test(2)}" if self.rng.random() < 0.6 else ""
        value = self.money(2)
        self.item = ""
        if kind == "count":
            return f"count(it in items{where})"
        if kind == "any":
            return f"{self.pick('any', 'all')}(it in items{where or ' where it.broken'})"
        return f"{self.pick('sum', 'mean', 'min', 'max')}({value} for it in items{where})"

    def test(self, depth: int = 0) -> str:
        op = self.pick("<", "<=", ">", ">=", "==", "!=")
        options = [
            lambda: f"{self.money(2)} {op} {self.money(2)}",
            lambda: f"{self.number(2)} {op} {self.number(2)}",
            lambda: f"{self.span(2)} {op} {self.span(2)}",
            lambda: f"bought {op} {self.day()}",
            lambda: f"seen {self.pick('<', '>=')} seen",
            lambda: f"{self.pick('code', 'told', 'mins')} is {self.pick('null', 'not null')}",
            lambda: self.pick("vip", "told", f"tier {self.pick('==', '!=')} 'vip'", "yes", "no"),
        ]  # fmt: skip
        if depth < 2:
            deeper = depth + 1
            options += [
                lambda: f"({self.test(deeper)} and {self.test(deeper)})",
                lambda: f"({self.test(deeper)} or {self.test(deeper)})",
                lambda: f"not {self.test(deeper)}" if deeper > 1 else f"not ({self.test(deeper)})",
            ]
            if not self.item:
                options.append(lambda: self.fold("any"))
        text = self.rng.choice(options)()
        return f"({text})" if depth else text

    # ---- cells, rows, tables

    def cell(self) -> tuple[str, str]:
        names = [
            "tier",
            "grade",
            "late",
            "mins",
            "pct",
            "n",
            "far",
            "bought",
            "vip",
            "code",
            "told",
        ]
        name = self.rng.choice(names)
        if self.item and self.rng.random() < 0.5:
            name = f"{self.item}.kind"
            return name, self.pick("glass", "book", "not book")
        words = {
            "tier": self.pick("vip", "[new, regular]", "not vip", '"not [new, vip]"'),
            "vip": self.pick("yes", "no"), "told": self.pick("yes", "no", "null", "not null"),
            "code": self.pick("flood", "[flood, fire]", "null", "not null", "not fire"),
        }  # fmt: skip
        return (name, words[name]) if name in words else (name, self.band(name))

    def band(self, name: str) -> str:
        ends = {
            "bought": ("2026-02-28", "2026-03-20"), "grade": ("1", "2"), "far": ("1.5", "3"),
            "pct": ("10", "12.5"), "n": ("1", "3"), "late": ("3", "7"), "mins": ("60", "120"),
        }[name]  # fmt: skip
        low, high = ends
        return self.rng.choice(
            [
                f"{low}..{high}", f"{low}<..{high}", f"{low}..<{high}", f"{low}<..<{high}",
                f"{low}..", f"..{high}", f"{low}<..", f"..<{high}", f'"< {high}"', f'"<= {low}"',
                f'"> {low}"', f'">= {high}"', f'"> {low} and <= {high}"', low, f"[{low}, {high}]",
                f"not {high}",
            ]
        )  # fmt: skip

    def when(self) -> str:
        def row() -> str:
            cells = dict(self.cell() for _ in range(self.rng.randint(1, 3)))
            return "{" + ", ".join(f"{name}: {text}" for name, text in cells.items()) + "}"

        chance = self.rng.random()
        if chance < 0.25:
            return f'"{self.test()}"'
        return f"[{row()}, {row()}]" if chance < 0.4 else row()

    def conditions(self) -> str:
        parts = []
        if self.rng.random() < 0.85:
            parts.append(f"when: {self.when()}")
        if self.rng.random() < 0.2 or not parts:
            parts.append(f"unless: {self.when()}")
        return ", ".join(parts)

    def steps(self) -> str:
        mode = self.rng.choice(_ROUND)
        by_code = ", ".join(f"{code}: {self.rng.randint(1, 30)}" for code in self.currencies)
        options = [
            f"each: {flow(self.number(2))}", f"share: {flow(self.percent(2))}",
            f"at_least: {flow(self.money(2))}",
            f"at_most: {flow(self.money(2))}", f"at_most: [{flow(self.money(2))}, {{{by_code}}}]",
            f"round: {mode} to {self.pick('1', '5')}", f"round: {mode}",
            f"round: {{{mode}: {{{by_code}}}}}", f"only_from: {flow(self.money(2))}",
            f"only_over: {{amount: {flow(self.money(2))}, reason: small}}",
        ]  # fmt: skip
        chosen = self.rng.sample(options, self.rng.randint(0, 3))
        seen: dict[str, str] = {option.partition(":")[0]: option for option in chosen}
        return "".join(f", {option}" for option in seen.values())

    def grant(self) -> str:
        chance = self.rng.random()
        if chance < 0.6:
            remedy = self.pick("refund", "store_credit", "cash", "coupon", "donation")
            least = self.rng.choice(["", "", "", "up to ", f"{self.money(2)} up to "])
            return f"{remedy}: {flow(least + self.money())}{self.steps()}"
        return self.pick(
            "apology: yes", f"points: {flow(self.number())}", f"coupon: {flow(self.percent())}",
            f"extension: {flow(self.span())}", "voucher: yes, label: upgrade",
            f"replacement: {flow(self.number())}",
        )  # fmt: skip

    def rule(self, combine: str) -> str:
        head = ""
        if self.rng.random() < 0.2:
            self.item = "one"
            head = "for_each: one in items, "
        head += f"{self.conditions()}, " if self.rng.random() < 0.9 else ""
        chance = self.rng.random()
        if chance < 0.1 and combine == "first" and not self.item:
            body = f"choice: [{{{self.grant()}}}, {{{self.grant()}}}]"
        elif chance < 0.2:
            body = f"all: [{{{self.grant()}}}, {{{self.grant()}}}]"
        else:
            body = self.grant()
        self.item = ""
        extra = self.pick(
            "", ", reason: why", ', reason: "r_{tier}_{n}"', ", ask_over: total",
            ", deadline: 5 working days after bought by here, pays: on_claim",
            ", deadline: [{when: {vip: yes}, is: 2 months after bought}, {else: 9 days}]",
            ", also: {return: free}",
        )  # fmt: skip
        return f"  - {{{head}{body}{extra}}}"

    def let(self, index: int) -> str:
        name, kind = f"v{index}", self.rng.choice(["money", "number"])
        value = self.money if kind == "money" else self.number
        shape = self.rng.random()
        if shape < 0.3:
            text = f"  {name}: {value()}"
        elif shape < 0.6:
            rows = "".join(
                f"\n    - {{{self.conditions()}, is: {flow(value(2))}}}"
                for _ in range(self.rng.randint(1, 9))
            )
            last = f"\n    - {{else: {flow(value(2))}}}" if self.rng.random() < 0.7 else ""
            text = f"  {name}:{rows}{last}"
        elif shape < 0.8:
            text = (
                f"  {name}:\n    rows: late\n    columns: tier\n    table:\n"
                f"      ..2: {{vip: {flow(value(2))}, else: {flow(value(2))}}}\n"
                f"      3..<7: {{new: {flow(value(2))}, regular: {flow(value(2))}}}\n"
                f"      else: {{else: {flow(value(2))}}}"
            )
        else:
            text = (
                f"  {name}:\n    dated: bought\n    from 2026-03-20: {value(2)}\n"
                f"    from 2026-02-28: {value(2)}\n    before: {value(2)}"
            )
        self.lets[name] = kind
        return text

    def policy(self) -> str:
        rng = self.rng
        combine = rng.choice(["first", "first", "best", "sum", "choice"])
        codes = self.currencies
        currency = codes[0] if len(codes) == 1 else f"[{', '.join(codes)}]"
        if self.table:
            others = "".join(
                f"\n  - {{when: {{tier: {tier}}}, is: {code}}}"
                for tier, code in zip(("vip", "new"), codes[1:], strict=False)
            )
            currency = f"{others}\n  - {{else: {codes[0]}}}"
        lets = [self.let(index) for index in range(rng.randint(0, 4))]
        refuse = [
            f"  - {{{self.conditions()}, reason: no_{index}}}" for index in range(rng.randint(0, 3))
        ]
        give = [self.rule(combine) for _ in range(rng.randint(1, 12))]
        force = "effective: {from: 2026-02-01, until: 2026-12-30, by: bought}\n"
        parts = [
            f"policy: drawn\nbasis: owed\ncombine: {combine}\ncurrency: {currency}\n",
            force if rng.random() < 0.1 else "", "round: up\n" if rng.random() < 0.1 else "",
            CALENDARS, f"facts:\n{FACTS}",
            "let:\n" + "\n".join(lets) + "\n" if lets else "",
            "refuse:\n" + "\n".join(refuse) + "\n" if refuse else "",
            "give:\n" + "\n".join(give) + "\n",
        ]  # fmt: skip
        return "".join(parts)


def write_policy(rng: Random) -> str:
    return Writer(rng).policy()
