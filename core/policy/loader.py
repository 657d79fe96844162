"""A policy's text into its tree: the parts, in order, each checked as it is read."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, cast

from core.money import EXPONENTS
from core.policy import kinds
from core.policy.cells import conditions
from core.policy.deadlines import deadlines
from core.policy.document import Listing, Mapping, Text, read
from core.policy.errors import PolicyError, Pos
from core.policy.quantities import day
from core.policy.rules import Defaults, money, pays, refusals, rules
from core.policy.scope import Scope
from core.policy.steps import Rounding, rounding
from core.policy.tables import Lets
from core.policy.tree import (
    Calendar,
    Const,
    Declared,
    Effective,
    Fact,
    Row,
    Table,
    Tree,
    Type,
)  # fmt: skip
from core.policy.values import coerce_default

_ABOUT = ("title", "source", "jurisdiction", "certainty", "note")
_KEYS = frozenset(
    {
        "policy", "basis", "currency", "effective", "calendars", "facts", "let", "refuse", "give",
        "combine", "round", "ask_over", "pays", "deadline", "on_account", "variants", *_ABOUT,
    }
)  # fmt: skip
_VARIANT = frozenset({"policy", "currency", "effective", "let", *_ABOUT})
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PACK = re.compile(r"[a-z][a-z0-9_-]{0,59}", re.ASCII)
MAX_FACTS = 300


def load_tree(text: str | bytes, variant: str = "") -> Tree:
    """The tree of a policy, or of one of its variants. Raises `PolicyError`."""
    node = read(text)
    kinds.allow(node, _KEYS)
    return _Loader(_with_variant(node, variant), variant).tree()


def variants_of(text: str | bytes) -> tuple[str, ...]:
    """The names of the variants a document holds; empty where it is one policy."""
    node = read(text).values.get("variants")
    return tuple(kinds.mapping_of(node).values) if node is not None else ()


def _with_variant(node: Mapping, variant: str) -> Mapping:
    """The document with one variant's entries in place of its own."""
    found = node.values.get("variants")
    if found is None:
        if variant:
            raise PolicyError(f"this policy has no variants, so no {variant!r}", node.at)
        return node
    variants = kinds.mapping_of(found)
    if variant not in variants.values:
        known = ", ".join(list(variants.values)[:20])
        raise PolicyError(f"name one of the variants of this policy: {known}", variants.at)
    chosen = kinds.mapping_of(variants.values[variant])
    kinds.allow(chosen, _VARIANT)
    values, keys = {**node.values, **chosen.values}, {**node.keys, **chosen.keys}
    if "let" in chosen.values and "let" in node.values:
        ours, theirs = kinds.mapping_of(node.values["let"]), kinds.mapping_of(chosen.values["let"])
        kinds.allow(theirs, set(ours.values))
        values["let"] = Mapping(
            {**ours.values, **theirs.values}, {**ours.keys, **theirs.keys}, ours.at
        )
    return Mapping(values, keys, node.at)


class _Loader:
    def __init__(self, node: Mapping, variant: str) -> None:
        self.node, self.variant = node, variant
        self.values = node.values
        self.scope = Scope()

    def tree(self) -> Tree:
        name = self._choice("policy", _PACK, "a name of a-z, 0-9, _ and -")
        basis = self._choice("basis", re.compile("owed|goodwill"), "`owed` or `goodwill`")
        combine = "first"
        if "combine" in self.values:
            ways = re.compile("first|best|sum|choice")
            combine = self._choice("combine", ways, "first, best, sum or choice")
        declared = self._facts()
        calendars = self._calendars()
        currency = self._currencies()
        lets = Lets(self.scope)
        if "let" in self.values:
            lets.read(kinds.mapping_of(self.values["let"]))
        defaults = self._defaults(combine)
        refuse = refusals(self.values["refuse"], self.scope) if "refuse" in self.values else ()
        if "give" not in self.values:
            raise PolicyError("a policy has a `give` part", self.node.at)
        give = rules(self.values["give"], self.scope, defaults)
        return Tree(
            name=name, variant=self.variant, basis=cast(Any, basis), about=self._about(),
            currencies=self.scope.currencies, currency=currency, effective=self._effective(),
            calendars=calendars, facts=declared, lets=tuple(self.scope.written), refuse=refuse,
            give=give, combine=cast(Any, combine), on_account=self._on_account(basis),
        )  # fmt: skip

    def _on_account(self, basis: str) -> bool:
        """Whether goodwill counts towards what turns out to be owed for the same harm."""
        if "on_account" not in self.values:
            return False
        said = self._choice("on_account", re.compile("yes|no"), "yes or no")
        if basis == "owed":
            raise PolicyError(
                "only goodwill is given on account of what is owed", self.node.place("on_account")
            )
        return said == "yes"

    def _choice(self, key: str, pattern: re.Pattern[str], wanted: str) -> str:
        if key not in self.values:
            raise PolicyError(f"`{key}:` is missing; it is {wanted}", self.node.at)
        text = kinds.text_of(self.values[key])
        if not pattern.fullmatch(text.value):
            raise PolicyError(f"`{key}` is {wanted}", text.at)
        return text.value

    def _about(self) -> tuple[tuple[str, str], ...]:
        found = []
        for key in _ABOUT:
            if key in self.values:
                text = kinds.text_of(self.values[key])
                if len(text.value) > 1_000:
                    raise PolicyError(f"`{key}` is at most 1,000 characters", text.at)
                found.append((key, text.value))
        return tuple(found)

    def _facts(self) -> tuple[Declared, ...]:
        if "facts" not in self.values:
            return ()
        node = kinds.mapping_of(self.values["facts"])
        if len(node.values) > MAX_FACTS:
            raise PolicyError(f"more than {MAX_FACTS} facts", node.at)
        found = []
        for name, value in node.values.items():
            at = kinds.text_of(node.keys[name]).at
            kinds.check_name(name, at)
            for other in self.scope.facts:
                if other.startswith(f"{name}.") or name.startswith(f"{other}."):
                    raise PolicyError(f"{name!r} and {other!r} cannot both be facts", at)
            kind, default = kinds.parse_type(value)
            self.scope.facts[name] = kind
            given = None if default is None else coerce_default(default, kind)
            found.append(
                Declared(
                    name=name, type=kind, has_default=default is not None, default=given, at=at
                )
            )
        return tuple(found)

    def _currencies(self) -> Table | None:
        node = self.values.get("currency")
        if node is None:
            return None
        if isinstance(node, Text):
            self.scope.currencies = (_code(node),)
            return None
        items = kinds.listing_of(node).items
        if items and all(isinstance(item, Mapping) for item in items):
            return self._currency_table(items)
        codes = tuple(_code(kinds.text_of(item)) for item in items)
        if not codes or len(set(codes)) != len(codes):
            raise PolicyError("list each currency once", node.at)
        self.scope.currencies = codes
        return None

    def _currency_table(self, items: list[Any]) -> Table:
        rows = []
        codes: dict[str, None] = {}
        for item in items:
            kinds.allow(item, {"when", "is", "else"})
            when = conditions(item.values.get("when"), self.scope)
            given = item.values.get("else", item.values.get("is"))
            if given is None or ("else" in item.values) == bool(when):
                raise PolicyError("a row has `when` and `is`, or `else` alone", item.at)
            code = _code(kinds.text_of(given))
            codes[code] = None
            value = Const(value=code, type=Type(kind="currency"), at=given.at)
            rows.append(Row(when=when, values=(value,), at=item.at))
        self.scope.currencies = tuple(codes)
        return Table(columns=("",), rows=tuple(rows))

    def _defaults(self, combine: str) -> Defaults:
        ask, due = self.values.get("ask_over"), self.values.get("deadline")
        way, paid = self.values.get("round"), self.values.get("pays")
        return Defaults(
            combine=combine,
            pays=pays(paid) if paid is not None else "automatically",
            rounding=rounding(way, self.scope) if way is not None else Rounding(),
            ask_over=money(ask, self.scope) if ask is not None else None,
            deadlines=deadlines(due, self.scope) if due is not None else (),
        )

    def _effective(self) -> Effective:
        if "effective" not in self.values:
            return Effective()
        node = kinds.mapping_of(self.values["effective"])
        kinds.allow(node, {"from", "until", "by"})
        ends = {key: kinds.text_of(node.values[key]) for key in node.values}
        first, last = (
            day(ends[key].value, ends[key].at) if key in ends else None for key in ("from", "until")
        )
        if first and last and last < first:
            raise PolicyError("`until` is before `from`", node.at)
        by = self.scope.name(ends["by"].value, ends["by"].at) if "by" in ends else None
        if by is not None and not (isinstance(by, Fact) and by.type.kind == "date"):
            raise PolicyError("`by` names a fact that is a date", node.place("by"))
        return Effective(first=first, last=last, by=cast(Any, by))

    def _calendars(self) -> tuple[Calendar, ...]:
        if "calendars" not in self.values:
            return ()
        node = kinds.mapping_of(self.values["calendars"])
        found = []
        for name, value in node.values.items():
            at = node.place(name)
            kinds.check_name(name, at, kinds.NAME)
            if any(fact.partition(".")[0] == name for fact in self.scope.facts):
                raise PolicyError(f"{name!r} is the name of a fact too; choose another", at)
            found.append(self._calendar(name, kinds.mapping_of(value)))
            self.scope.calendars[name] = name
        return tuple(found)

    def _calendar(self, name: str, node: Mapping) -> Calendar:
        kinds.allow(node, {"weekend", "holidays", "covers"})
        weekend = set()
        if "weekend" not in node.values or "holidays" not in node.values:
            raise PolicyError("a calendar has a `weekend` and `holidays`", node.at)
        for item in kinds.listing_of(node.values["weekend"]).items:
            text = kinds.text_of(item)
            if text.value not in _WEEKDAYS:
                raise PolicyError(f"a weekday is one of {', '.join(_WEEKDAYS)}", text.at)
            weekend.add(_WEEKDAYS.index(text.value))
        if len(weekend) == 7:
            raise PolicyError("a week needs a working day", node.place("weekend"))
        holidays = node.values["holidays"]
        fact = ""
        days: frozenset[date] = frozenset()
        if isinstance(holidays, Listing):
            texts = [kinds.text_of(item) for item in holidays.items]
            days = frozenset(day(text.value, text.at) for text in texts)
        else:
            fact = self._holiday_fact(kinds.text_of(holidays))
        first, last = self._covers(node, holidays.at, bool(fact))
        return Calendar(
            name=name, weekend=frozenset(weekend), holidays=days, fact=fact, first=first, last=last
        )

    def _holiday_fact(self, text: Text) -> str:
        kind = self.scope.facts.get(text.value)
        if kind is None or kind.item is None or kind.item.kind != "date":
            raise PolicyError("`holidays` is a list of dates, or a fact that is one", text.at)
        return text.value

    def _covers(self, node: Mapping, at: Pos, handed_in: bool) -> tuple[Any, Any]:
        if "covers" not in node.values:
            if handed_in:
                return None, None
            raise PolicyError("say which days the calendar covers: 2026-01-01..2026-12-31", at)
        text = kinds.text_of(node.values["covers"])
        first, dots, last = text.value.partition("..")
        if not dots:
            raise PolicyError("write `covers: 2026-01-01..2026-12-31`", text.at)
        return day(first, text.at), day(last, text.at)


def _code(text: Text) -> str:
    if text.value not in EXPONENTS:
        raise PolicyError(f"{text.value[:12]!r} is not a currency code of ISO 4217", text.at)
    return text.value
