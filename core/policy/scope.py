"""What names mean while a policy is read, and the account of what it will cost to decide."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches

from core.policy import kinds
from core.policy.errors import PolicyError, Pos
from core.policy.tree import Const, Expr, Fact, Item, Let, Named, Type

MAX_CHAIN = 24
MAX_FOLD_NODES = 400


@dataclass(slots=True)
class Scope:
    """Names in reach. `depths` says how far a `let` builds on others."""

    currencies: tuple[str, ...] = ()
    facts: dict[str, Type] = field(default_factory=dict)
    lets: dict[str, dict[str, Type]] = field(default_factory=dict)
    calendars: dict[str, str] = field(default_factory=dict)
    items: dict[str, Type] = field(default_factory=dict)
    written: list[Let] = field(default_factory=list)
    depths: dict[str, int] = field(default_factory=dict)
    folding: bool = False
    fold_nodes: int = 0
    used_depth: int = 0

    def name(self, name: str, at: Pos) -> Expr:
        """The fact, named value, column, field of an item or calendar called `name`."""
        head, _, rest = name.partition(".")
        if head in self.items:
            return self._item(head, rest, at)
        if name in self.facts:
            return Fact(name=name, type=self.facts[name], at=at)
        if head in self.lets and rest in self.lets[head]:
            self.used_depth = max(self.used_depth, self.depths.get(head, 0))
            return Named(name=head, column=rest, type=self.lets[head][rest], at=at)
        if name in self.calendars:
            return Const(value=name, type=Type(kind="calendar"), at=at)
        raise PolicyError(self._unknown(name), at)

    def _item(self, head: str, rest: str, at: Pos) -> Expr:
        kind = self.items[head]
        if kind.fields:
            fields = dict(kind.fields)
            if rest not in fields:
                known = ", ".join(f"{head}.{part}" for part in fields)
                raise PolicyError(f"an item has {known}, no {f'{head}.{rest}'!r}", at)
            index = list(fields).index(rest)
            return Item(
                variable=head, field=rest, index=index, fold=self.folding, type=fields[rest], at=at
            )
        if rest:
            raise PolicyError(f"an item here is a plain value; write {head!r}", at)
        return Item(variable=head, fold=self.folding, type=kind, at=at)

    def bind(self, variable: str, over: Fact, at: Pos) -> None:
        """Let `variable` stand for the items of a list."""
        kinds.check_name(variable, at, kinds.NAME)
        taken = self.facts.keys() | self.lets.keys() | self.items.keys()
        if variable in taken or any(name.startswith(f"{variable}.") for name in self.facts):
            raise PolicyError(f"{variable!r} already names something; choose another name", at)
        if over.type.item is None or over.type.kind != "list":
            raise PolicyError(f"{over.name!r} is not a list", over.at)
        self.items[variable] = over.type.item

    def count_fold(self, nodes: int, at: Pos) -> None:
        """Bound what all lists together may cost: a decision stays within its milliseconds."""
        self.fold_nodes += nodes
        if self.fold_nodes > MAX_FOLD_NODES:
            raise PolicyError(
                "the policy goes through lists too often; name a sum once under `let`", at
            )

    def _unknown(self, name: str) -> str:
        known = [*self.facts, *self.lets]
        known += [f"{let}.{column}" for let, columns in self.lets.items() for column in columns]
        near = next(iter(get_close_matches(name[:80], known[:2_000], 1)), "")
        hint = f"did you mean {near!r}?" if near else "declare it under `facts` or `let`"
        return f"{name[:80]!r} is not known; {hint} (a word is written in quotes)"
