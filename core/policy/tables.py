"""Named values: plain ones, rows, grids and dated tables, all made one kind of table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from core.policy import kinds
from core.policy.cells import cell, conditions, refused_unless
from core.policy.document import Listing, Mapping, Node, Text
from core.policy.errors import PolicyError, Pos
from core.policy.expressions import expression, of_node
from core.policy.quantities import day, minor_units
from core.policy.scope import MAX_CHAIN, Scope
from core.policy.tree import Band, ByCurrency, Const, Expr, Let, Named, Row, Table, Type

MAX_LETS = 300
MAX_ROWS = 5_000
MAX_NESTED = 8

#: A row before its columns are lined up: conditions, values by column, place.
_Raw = tuple[tuple[Expr, ...], dict[str, Expr], Pos]


@dataclass(slots=True)
class Lets:
    """Reads the `let` part into `scope`."""

    scope: Scope
    rows: int = 0
    _hidden: int = field(default=0)

    def read(self, node: Mapping) -> None:
        if len(node.values) > MAX_LETS:
            raise PolicyError(f"more than {MAX_LETS} named values", node.at)
        for name, value in node.values.items():
            at = node.place(name)
            kinds.check_name(name, at, kinds.NAME)
            taken = name in self.scope.facts or name in self.scope.calendars
            if taken or any(fact.startswith(f"{name}.") for fact in self.scope.facts):
                raise PolicyError(f"{name!r} is the name of a fact too; choose another", at)
            self.define(name, value, at)

    def define(
        self, name: str, node: Node, at: Pos, *, hidden: bool = False, level: int = 0
    ) -> None:
        """Add one named value to the scope."""
        outer, self.scope.used_depth = self.scope.used_depth, 0
        value: Expr | Table
        if isinstance(node, Text):
            value = self._scalar(node)
            columns = {"": value.type}
        else:
            value = self._table(name, node, level)
            columns = _column_types(value)
        depth = self.scope.used_depth + 1
        if depth > MAX_CHAIN:
            raise PolicyError(f"named values build on each other more than {MAX_CHAIN} deep", at)
        self.scope.used_depth = max(outer, depth if hidden else 0)
        self.scope.depths[name] = depth
        self.scope.lets[name] = columns
        self.scope.written.append(Let(name=name, value=value, hidden=hidden, at=at))

    def _scalar(self, node: Text) -> Expr:
        """Quoted text that looks like a word is one; everything else is an expression."""
        word = kinds.WORD.fullmatch(node.value) or not node.value
        if node.plain or not word:
            expr = of_node(node, self.scope)
            if expr.type.kind in ("list", "calendar"):
                raise PolicyError("a list has no value; count or sum it", node.at)
            return expr
        kind = Type(kind="word", values=(node.value,))
        return Const(value=node.value, type=kind, at=node.at)

    def _table(self, name: str, node: Mapping | Listing, level: int) -> Table:
        if level > MAX_NESTED:
            raise PolicyError(f"tables inside tables more than {MAX_NESTED} deep", node.at)
        if isinstance(node, Listing):
            return _lined_up(self._listed(name, node, level), node.at)
        if "dated" in node.values:
            return _lined_up(self._dated(name, node, level), node.at)
        if "rows" in node.values or "table" in node.values:
            return _lined_up(self._grid(name, node, level), node.at)
        if node.values and all(len(key) == 3 and key.isupper() for key in node.values):
            value = by_currency(node, self.scope)
            return Table(columns=("",), rows=(Row(when=(), values=(value,), at=node.at),))
        return _lined_up([((), self._columns(name, node, level), node.at)], node.at)

    def _listed(self, name: str, node: Listing, level: int) -> list[_Raw]:
        raws: list[_Raw] = []
        for item in node.items:
            line = kinds.mapping_of(item)
            self._count(line.at)
            rest = {key: value for key, value in line.values.items() if key not in _ROW_KEYS}
            if "else" in line.values:
                if item is not node.items[-1] or line.values.keys() & {"when", "unless", "is"}:
                    raise PolicyError(
                        "`else` is the last row and has no `when`", line.place("else")
                    )
                otherwise = line.values["else"]
                if _is_columns(otherwise):
                    kinds.allow(line, {"else"})
                    line = kinds.mapping_of(otherwise)
                    rest = line.values
                else:
                    rest = {"": otherwise, **rest}
            elif "is" in line.values:
                rest = {"": line.values["is"], **rest}
            when = conditions(line.values.get("when"), self.scope)
            when += refused_unless(line.values.get("unless"), self.scope)
            if not when and "else" not in kinds.mapping_of(item).values:
                raise PolicyError("a row has a `when`; the last one may be `else`", line.at)
            raws.append((when, self._values(name, rest, line, level), line.at))
        return raws

    def _dated(self, name: str, node: Mapping, level: int) -> list[_Raw]:
        subject = of_node(kinds.text_of(node.values["dated"]), self.scope)
        if subject.type.kind != "date":
            raise PolicyError("a dated table is chosen by a date", node.place("dated"))
        raws: list[_Raw] = []
        last = None
        for key, value in node.values.items():
            if key == "dated":
                continue
            at = node.place(key)
            self._count(at)
            if key == "before" and value is list(node.values.values())[-1]:
                raws.append(((), self._cell_value(name, value, level), at))
                continue
            if not key.startswith("from "):
                raise PolicyError("write `from 2026-01-31`, newest first, and at last `before`", at)
            start = day(key.removeprefix("from ").strip(), at)
            if last is not None and start >= last:
                raise PolicyError("the newest `from` comes first", at)
            last = start
            band = Band(subject=subject, low=start, high=None, type=kinds.YESNO, at=at)
            raws.append(((band,), self._cell_value(name, value, level), at))
        return raws

    def _grid(self, name: str, node: Mapping, level: int) -> list[_Raw]:
        kinds.allow(node, {"rows", "columns", "table"})
        if "rows" not in node.values or "table" not in node.values:
            raise PolicyError("a grid has `rows`, perhaps `columns`, and a `table`", node.at)
        down = of_node(kinds.text_of(node.values["rows"]), self.scope)
        across = node.values.get("columns")
        side = of_node(kinds.text_of(across), self.scope) if across is not None else None
        raws: list[_Raw] = []
        for key, value, when in self._keys(kinds.mapping_of(node.values["table"]), down):
            if side is None:
                self._count(key.at)
                raws.append((when, self._cell_value(name, value, level), key.at))
                continue
            for inner, found, also in self._keys(kinds.mapping_of(value), side):
                self._count(inner.at)
                raws.append((when + also, self._cell_value(name, found, level), inner.at))
        return raws

    def _keys(self, node: Mapping, subject: Expr) -> list[tuple[Text, Node, tuple[Expr, ...]]]:
        found: list[tuple[Text, Node, tuple[Expr, ...]]] = []
        for name, value in node.values.items():
            key = node.keys[name]
            if name == "else":
                if value is not list(node.values.values())[-1]:
                    raise PolicyError("`else` comes last", key.at)
                found.append((key, value, ()))
            else:
                found.append((key, value, (cell(subject, key, self.scope),)))
        return found

    def _cell_value(self, name: str, node: Node, level: int) -> dict[str, Expr]:
        if isinstance(node, Mapping) and not node.values.keys() & {"dated", "rows", "table"}:
            return self._columns(name, node, level)
        return {"": self._value(name, node, level)}

    def _columns(self, name: str, node: Mapping, level: int) -> dict[str, Expr]:
        if node.values and all(len(key) == 3 and key.isupper() for key in node.values):
            return {"": by_currency(node, self.scope)}
        return self._values(name, node.values, node, level)

    def _values(
        self, name: str, values: dict[str, Node], node: Mapping, level: int
    ) -> dict[str, Expr]:
        if not values:
            raise PolicyError("a row of a table has a value (`is:` or columns)", node.at)
        for column in values:
            if column:
                kinds.check_name(column, node.place(column), kinds.NAME)
        return {key: self._value(name, value, level) for key, value in values.items()}

    def _value(self, name: str, node: Node, level: int) -> Expr:
        """The value of one cell; a table in a cell becomes a hidden named value."""
        if isinstance(node, Text):
            return self._scalar(node)
        if isinstance(node, Mapping) and all(len(k) == 3 and k.isupper() for k in node.values):
            return by_currency(node, self.scope)
        self._hidden += 1
        hidden = f"{name}#{self._hidden}"
        self.define(hidden, node, node.at, hidden=True, level=level + 1)
        columns = self.scope.lets[hidden]
        if tuple(columns) != ("",):
            raise PolicyError("a table inside a table has one value, no columns", node.at)
        return Named(name=hidden, type=columns[""], at=node.at)

    def _count(self, at: Pos) -> None:
        self.rows += 1
        if self.rows > MAX_ROWS:
            raise PolicyError(f"more than {MAX_ROWS} rows; split the policy", at)


def _is_columns(node: Node) -> bool:
    """A mapping of columns, and neither amounts by currency nor a table of its own."""
    if not isinstance(node, Mapping) or node.values.keys() & {"dated", "rows", "table"}:
        return False
    return not all(len(key) == 3 and key.isupper() for key in node.values)


_ROW_KEYS = frozenset({"when", "unless", "is", "else"})


def by_currency(node: Mapping, scope: Scope) -> ByCurrency:
    """`{EUR: 25.00, KWD: 8.500}`."""
    amounts = []
    for code, value in node.values.items():
        digits = kinds.text_of(value)
        if code not in scope.currencies:
            known = ", ".join(scope.currencies) or "none"
            raise PolicyError(
                f"{code!r} is not a currency of this policy ({known})", node.place(code)
            )
        amounts.append((code, minor_units(digits.value, code, digits.at)))
    if not amounts:
        raise PolicyError("state at least one currency", node.at)
    return ByCurrency(amounts=tuple(amounts), type=kinds.MONEY, at=node.at)


def amount_of(node: Node, scope: Scope) -> Expr:
    """An expression, or an amount by currency."""
    if isinstance(node, Mapping):
        return by_currency(node, scope)
    text = kinds.text_of(node)
    return expression(text.value, text.start, scope)


def _lined_up(raws: list[_Raw], at: Pos) -> Table:
    """One table of all rows, each with the same columns of the same kinds."""
    if not raws:
        raise PolicyError("a table has at least one row", at)
    columns = tuple(raws[0][1])
    types = [expr.type for expr in raws[0][1].values()]
    rows = []
    for when, values, place in raws:
        if values.keys() != set(columns):
            _columns_differ(columns, values, place)
        for index, column in enumerate(columns):
            kind = kinds.joined(types[index], values[column].type)
            if kind is None:
                raise PolicyError(
                    f"{kinds.describe(values[column].type)} in a column of "
                    f"{kinds.describe(types[index])}",
                    values[column].at,
                )
            types[index] = kind
        rows.append(Row(when=when, values=tuple(values[column] for column in columns), at=place))
    return Table(columns=columns, rows=tuple(rows))


def _columns_differ(columns: tuple[str, ...], values: dict[str, Expr], at: Pos) -> NoReturn:
    odd = sorted(set(columns) ^ values.keys())
    names = ", ".join(repr(name or "is") for name in odd)
    raise PolicyError(f"every row has the same columns; {names} is not in all of them", at)


def _column_types(table: Table) -> dict[str, Type]:
    types: dict[str, Type] = {}
    for index, column in enumerate(table.columns):
        kind = table.rows[0].values[index].type
        for row in table.rows[1:]:
            kind = kinds.joined(kind, row.values[index].type) or kind
        types[column] = kind
    return types
