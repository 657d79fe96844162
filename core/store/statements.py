"""SQL text for each verb on each table, compiled once and then only filled in.

SQLAlchemy writes the SQL; it is run on the driver's own cursor, which for statements this small
costs a fraction of what running it through SQLAlchemy does (benchmarks/store.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from core.record import Record, made
from core.store.tables import table_of
from core.store.values import (
    FROM_COLUMN,
    TO_COLUMN,
    NotStorable,
    all_of,
    fields_of,
    refused,
)

R = TypeVar("R", bound=Record)

#: A column's part in a look-up: equals one value, is None, or is one of n values.
Shape = tuple[tuple[str, int | None], ...]
_EQUAL = -1


class Statement:
    """SQL text, the names of its parameters in the order the driver wants them, and the values of
    those that SQLAlchemy put in itself."""

    __slots__ = ("_own", "names", "sql")

    def __init__(self, sql: str, names: tuple[str, ...], own: Mapping[str, object]) -> None:
        self.sql = sql
        self.names = names
        self._own = {name: value for name, value in own.items() if value is not None}

    def fill(self, values: Mapping[str, object]) -> list[object]:
        own = self._own
        return [values[name] if name in values else own[name] for name in self.names]


class Plan(Generic[R]):
    """Everything needed to read and write one record class in one database and workspace."""

    def __init__(self, kind: type[R], dialect: sa.Dialect, workspace_id: str) -> None:
        self.kind = kind
        self.name = kind.TABLE.name
        self.leased = kind.TABLE.leased
        self.append_only = kind.TABLE.append_only
        self.has_uniques = bool(kind.TABLE.unique)
        self.workspace_id = workspace_id
        self._dialect = dialect
        self._table = table_of(kind)
        self._fields = fields_of(kind)
        self._names = tuple(field.name for field in self._fields)
        self._values = all_of(self._fields)
        self._to = tuple(TO_COLUMN[field.kind] for field in self._fields)
        self._to_by_name = dict(zip(self._names, self._to, strict=True))
        self._from = _loaders(kind)
        self._loads = [(self._names.index(name), load) for name, load in self._from]
        self._columns = [self._table.c[name] for name in self._names]
        self._finds: dict[object, Statement] = {}
        self.get = self._compile(self._by_id(sa.select(*self._columns)))
        self.lock = self._compile(self._by_id(sa.select(*self._columns)).with_for_update())
        self.delete = self._compile(self._by_id(self._table.delete()))
        self.insert = self._insert()
        self.update = self._update()
        unique = {column for columns in kind.TABLE.unique for column in columns}
        self._unique = [at for at, name in enumerate(self._names) if name in unique and at]
        self.update_rest = self._update_rest() if dialect.name == "postgresql" and unique else None

    def encode(self, record: Record) -> list[Any]:
        """Column values in the order of the fields. Raises `NotStorable`."""
        values = list(self._values(record))
        for index, value in enumerate(values):
            try:
                if value is not None:
                    values[index] = self._to[index](value)
                    continue
                why = None
            except NotStorable as error:
                why = error
            if why is not None or not self._fields[index].nullable:
                raise refused(self.kind, self._fields[index], why)
        return values

    def decode(self, row: tuple[Any, ...]) -> R:
        values = list(row)
        for index, load in self._loads:
            value = values[index]
            if value is not None:
                values[index] = load(value)
        return made(self.kind, values)

    def decode_columns(self, names: tuple[str, ...], row: tuple[Any, ...]) -> tuple[object, ...]:
        """The values of the first columns of a row, which are those named."""
        loads = dict(self._from)
        return tuple(
            loads[name](value) if name in loads and value is not None else value
            for name, value in zip(names, row, strict=False)
        )

    def find(
        self, equals: Mapping[str, object], newest_first: bool, after: bool, limit: bool
    ) -> Statement:
        """Rows by the shape of `equals`; parameters as `matches` names them, `after`, `limit`."""
        shape = self._shape(equals)
        key = (shape, newest_first, after, limit)
        if key not in self._finds:
            query = self._where(sa.select(*self._columns), shape)
            id = self._table.c.id
            if after:
                past = sa.bindparam("after", type_=sa.Text())
                query = query.where(id < past if newest_first else id > past)
            # Without figures about the rows SQLite would rather walk the whole table in the order
            # of ids than sort the few rows a unique key leads to; `+` keeps it from that.
            by = sa.literal_column("+id") if self._by_unique(equals) else id
            query = query.order_by(by.desc() if newest_first else by)
            if limit:
                query = query.limit(sa.bindparam("limit", type_=sa.BigInteger()))
            self._finds[key] = self._compile(query)
        return self._finds[key]

    def _by_unique(self, equals: Mapping[str, object]) -> bool:
        """Whether a unique key leads to the rows, and no index that is in the order of ids."""
        if self._dialect.name != "sqlite":
            return False
        unique = {cols[0] for cols in self.kind.TABLE.unique}
        index = {cols[0] for cols in self.kind.TABLE.index}
        return bool(unique & equals.keys()) and not index & equals.keys()

    def count(self, equals: Mapping[str, object]) -> Statement:
        key = self._shape(equals)
        if key not in self._finds:
            query = self._where(sa.select(sa.func.count()).select_from(self._table), key)
            self._finds[key] = self._compile(query)
        return self._finds[key]

    def total(self, column: str, by: tuple[str, ...], equals: Mapping[str, object]) -> Statement:
        """The columns `by`, then the sum."""
        shape = self._shape(equals)
        key = (column, by, shape)
        if key not in self._finds:
            self._refuse_unknown((column, *by))
            groups = [self._table.c[name] for name in by]
            summed = sa.func.coalesce(sa.func.sum(self._table.c[column]), 0)
            query = self._where(sa.select(*groups, summed), shape).group_by(*groups)
            self._finds[key] = self._compile(query.having(sa.func.count() > 0))
        return self._finds[key]

    def matches(self, equals: Mapping[str, object]) -> dict[str, object]:
        """Parameters for `find` and `count`."""
        found: dict[str, object] = {"workspace_id": self.workspace_id}
        for name, value in equals.items():
            to = self._to_by_name[name]
            if isinstance(value, tuple):
                found.update((f"{name}_{i}", to(each)) for i, each in enumerate(value))
            elif value is not None:
                found[name] = to(value)
        return found

    def _shape(self, equals: Mapping[str, object]) -> Shape:
        shape: list[tuple[str, int | None]] = []
        self._refuse_unknown(equals)
        for name, value in equals.items():
            if isinstance(value, tuple):
                if None in value:
                    raise TypeError("None cannot be one of several values looked for")
                shape.append((name, len(value)))
            else:
                shape.append((name, None if value is None else _EQUAL))
        return tuple(shape)

    def _refuse_unknown(self, columns: Iterable[str]) -> None:
        for name in columns:
            if name not in self._to_by_name:
                raise TypeError(f"{self.kind.__name__} has no column {name!r}")

    def _where(self, query: sa.Select[Any], shape: Shape) -> sa.Select[Any]:
        query = query.where(self._table.c.workspace_id == sa.bindparam("workspace_id"))
        for name, many in shape:
            column = self._table.c[name]
            if many is None:
                query = query.where(column.is_(None))
            elif many == _EQUAL:
                query = query.where(column == sa.bindparam(name, type_=column.type))
            elif many == 0:
                query = query.where(sa.false())
            else:
                each = [sa.bindparam(f"{name}_{i}", type_=column.type) for i in range(many)]
                query = query.where(column.in_(each))
        return query

    def _by_id(self, query: Any) -> Any:
        return query.where(
            self._table.c.workspace_id == sa.bindparam("in_workspace", type_=sa.Text()),
            self._table.c.id == sa.bindparam("with_id", type_=sa.Text()),
        )

    def _insert(self) -> Statement:
        """Parameters: workspace, the fields; for leased tables also owner, until and fence."""
        names = ["workspace_id", *self._names]
        if self.leased:
            names += ["lease_owner", "lease_until", "fence"]
        values: dict[str, Any] = {name: sa.bindparam(name) for name in names}
        if self.leased:
            values["woken_under"] = sa.literal_column("0")
        insert = (
            postgresql.insert(self._table)
            if self._dialect.name == "postgresql"
            else sqlite.insert(self._table)
        )
        return self._compile(insert.values(values).on_conflict_do_nothing(), tuple(names))

    def _update(self) -> Statement:
        """Parameters: the fields without the id, then workspace and id."""
        names = self._names[1:]
        update = self._table.update().values({name: sa.bindparam(name) for name in names})
        return self._compile(self._by_id(update), (*names, "in_workspace", "with_id"))

    def _update_rest(self) -> Statement:
        """As `update` with the values of `unique_of` after the fields; changes nothing where a
        unique column would change."""
        names = self._names[1:]
        update = self._table.update().values({name: sa.bindparam(name) for name in names})
        columns = [self._columns[at] for at in self._unique]
        for column in columns:
            same = sa.bindparam(f"same_{column.name}", type_=column.type)
            update = update.where(column.is_not_distinct_from(same))
        wanted = (*names, *(f"same_{column.name}" for column in columns), "in_workspace", "with_id")
        return self._compile(self._by_id(update), wanted)

    def unique_of(self, values: Sequence[object]) -> list[object]:
        """Of the values of every field, those that are part of a unique key."""
        return [values[at] for at in self._unique]

    def _compile(self, query: Any, wanted: tuple[str, ...] | None = None) -> Statement:
        statement = compile_for(self._dialect, query)
        if wanted is not None and statement.names != wanted:
            raise AssertionError(f"parameters came as {statement.names}, not {wanted}")
        return statement


def compile_for(dialect: sa.Dialect, query: Any) -> Statement:
    compiled = query.compile(dialect=dialect)
    return Statement(str(compiled), tuple(compiled.positiontup), compiled.params)


def _loaders(kind: type[Record]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    loaders: list[tuple[str, Callable[[Any], Any]]] = []
    for field in fields_of(kind):
        if field.enum is not None:
            loaders.append((field.name, field.enum))
        elif field.kind in FROM_COLUMN:
            loaders.append((field.name, FROM_COLUMN[field.kind]))
    return tuple(loaders)
