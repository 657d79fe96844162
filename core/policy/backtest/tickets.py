"""Past tickets: one row each, facts in columns of their dotted names.

Besides facts a file may have these columns: `ticket` (what to call it), `date` (2026-03-31),
`customer` (an opaque key), `currency` (of the amounts in the row), `paid_amount` and
`paid_currency` (what was really paid). An empty cell is a fact that is not there; `null` is null; a
list is JSON. Parquet is read through DuckDB; floating-point columns are refused, for they hold no
exact amounts. Names of columns and files enter SQL only as literals and identifiers, quoted.
"""

# ruff: noqa: S608

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from core.errors import AmendsError
from core.money import Money, MoneyError, parse_money
from core.policy.backtest.errors import TicketsError

if TYPE_CHECKING:
    from core.policy import Policy

#: Columns that are not facts.
TICKET, DATE, CUSTOMER, CURRENCY = "ticket", "date", "customer", "currency"
PAID, PAID_CURRENCY = "paid_amount", "paid_currency"
SPECIAL = frozenset({TICKET, DATE, CUSTOMER, CURRENCY, PAID, PAID_CURRENCY})
MAX_COLUMNS = 1_000

Cells = Sequence[str | None]
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ticket:
    """One past ticket. `facts` has one entry for each policy asked about, in their order; `paid`
    is None where nothing is known of it, and `unreadable` says so where it is no amount."""

    number: int
    name: str
    date: str
    customer: str
    currency: str
    facts: tuple[Facts, ...]
    paid: Money | None = None
    unreadable: bool = False


class Tickets(Protocol):
    """Where past tickets come from."""

    @property
    def columns(self) -> tuple[str, ...]: ...

    @property
    def length(self) -> int:
        """About how many there are, for a progress bar."""
        ...

    def each(self, policies: Sequence[Policy]) -> Iterator[Ticket]: ...


class BacktestExtra(AmendsError):
    """A part of the backtest needs libraries that are not installed."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} needs the extra: pip install 'amends[backtest]'")


class TicketFile:
    """A CSV or Parquet file. Raises `TicketsError`, `BacktestExtra`."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise TicketsError(f"there is no file {str(path)[:200]!r}")
        self.parquet = self.path.suffix.lower() in (".parquet", ".pq")
        self.types: dict[str, str] = {}
        if self.parquet:
            self.types = self._parquet_types()
            self.columns: tuple[str, ...] = tuple(self.types)
        else:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                self.columns = tuple(_first(csv.reader(file, strict=True), self.path.name))
        self._check()

    @property
    def length(self) -> int:
        if self.parquet:
            return self.count(duck()) or 0
        with self.path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1

    def each(self, policies: Sequence[Policy]) -> Iterator[Ticket]:
        make = maker(self.columns, policies)
        for number, cells in enumerate(self.rows(), 1):
            yield make(number, cells)

    def rows(self) -> Iterator[Cells]:
        """The cells of each row, as text."""
        if not self.parquet:
            yield from self._csv_rows()
            return
        found = duck().execute(f"SELECT {', '.join(self.texts())} FROM {self.relation()}")
        while block := found.fetchmany(10_000):
            yield from block

    def _csv_rows(self) -> Iterator[Cells]:
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            try:
                for row in reader:
                    if reader.line_num == 1:
                        continue
                    if len(row) != len(self.columns):
                        raise TicketsError(
                            f"{self.path.name}, line {reader.line_num}: {len(row)} cells where the "
                            f"first line has {len(self.columns)}"
                        )
                    yield row
            except (csv.Error, UnicodeDecodeError) as error:
                raise TicketsError(
                    f"{self.path.name}, near line {reader.line_num}: {error}; save it as CSV UTF-8"
                ) from None

    # ---- for DuckDB

    def count(self, connection: Any) -> int | None:
        """How many tickets there are, if it can be known without reading them."""
        if not self.parquet:
            return None
        found = connection.execute(f"SELECT count(*) FROM {self.relation()}").fetchone()
        return int(found[0])

    def relation(self) -> str:
        """The file as a table for DuckDB."""
        name = quoted(str(self.path.resolve()))
        if self.parquet:
            return f"read_parquet({name}, file_row_number=true)"
        columns = ", ".join(f"{quoted(column)}: 'VARCHAR'" for column in self.columns)
        return (
            f"(SELECT *, row_number() OVER () - 1 AS file_row_number FROM read_csv({name}, "
            f"header=true, auto_detect=false, delim=',', quote='\"', escape='\"', "
            f"columns={{{columns}}}))"
        )

    def texts(self) -> list[str]:
        """SQL for the text of every column: what `rows` answers."""
        return [self.text(column) for column in self.columns]

    def text(self, column: str) -> str:
        name, kind = identifier(column), self.types.get(column, "VARCHAR")
        if kind == "VARCHAR":
            return name
        if kind == "TIMESTAMP":
            return f"strftime({name}, '%Y-%m-%dT%H:%M:%S.%fZ')"
        if kind == "TIMESTAMP WITH TIME ZONE":
            return f"strftime(make_timestamp(epoch_us({name})), '%Y-%m-%dT%H:%M:%S.%fZ')"
        if kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
            return f"to_json({name})::VARCHAR"
        return f"{name}::VARCHAR"

    def _parquet_types(self) -> dict[str, str]:
        connection = duck()
        try:
            found = connection.execute(
                f"DESCRIBE SELECT * FROM read_parquet({quoted(str(self.path.resolve()))})"
            ).fetchall()
        except duck_error() as error:
            said = str(error).splitlines()[0][:200]
            raise TicketsError(f"{self.path.name} is not Parquet: {said}") from None
        return {row[0]: row[1] for row in found}

    def _check(self) -> None:
        twice = {one for one in self.columns if self.columns.count(one) > 1}
        if twice:
            raise TicketsError(f"the column {sorted(twice)[0]!r} is there twice; rename one")
        if len(self.columns) > MAX_COLUMNS:
            raise TicketsError(f"more than {MAX_COLUMNS} columns")
        for column, kind in self.types.items():
            if kind in ("FLOAT", "DOUBLE") or "DOUBLE" in kind or "FLOAT" in kind:
                raise TicketsError(
                    f"the column {column!r} holds floating-point numbers, which are not exact; "
                    "write amounts as DECIMAL or as text"
                )


def maker(columns: Sequence[str], policies: Sequence[Policy]) -> Callable[[int, Cells], Ticket]:
    """A function from the number and cells of a row to its ticket."""
    at = {column: index for index, column in enumerate(columns)}
    builders = [_facts_builder(at, policy) for policy in policies]
    special = [at.get(name, -1) for name in (TICKET, DATE, CUSTOMER, CURRENCY, PAID, PAID_CURRENCY)]

    def make(number: int, cells: Cells) -> Ticket:
        name, day, customer, currency, paid, paid_in = (
            (cells[index] or "") if index >= 0 else "" for index in special
        )
        money, unreadable = _paid(paid, paid_in or currency)
        facts = tuple(build(cells, currency) for build in builders)
        return Ticket(number, name, day, customer, currency, facts, money, unreadable)

    return make


def _facts_builder(at: Mapping[str, int], policy: Policy) -> Callable[[Cells, str], Facts]:
    plain: list[tuple[int, tuple[str, ...]]] = []
    money: list[tuple[int, tuple[str, ...]]] = []
    lists: list[tuple[int, tuple[str, ...]]] = []
    for declared in policy.facts:
        index = at.get(declared.name)
        if index is None:
            continue
        place = (index, tuple(declared.name.split(".")))
        kind = declared.type
        own = kind.kind == "money" and kind.currency is None
        (lists if kind.kind == "list" else money if own else plain).append(place)

    def build(cells: Cells, currency: str) -> Facts:
        facts: Facts = {}
        for index, path in plain:
            cell = cells[index]
            if cell:
                _put(facts, path, None if cell == "null" else cell)
        for index, path in money:
            cell = cells[index]
            if cell:
                amount = {"amount": cell, "currency": currency} if currency else cell
                _put(facts, path, None if cell == "null" else amount)
        for index, path in lists:
            cell = cells[index]
            if cell:
                _put(facts, path, _listed(cell))
        return facts

    return build


def _put(facts: Facts, path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        facts = facts.setdefault(part, {})
    facts[path[-1]] = value


def put_fact(facts: Facts, name: str, value: Any) -> None:
    """Set a fact of a dotted name."""
    _put(facts, tuple(name.split(".")), value)


def _listed(cell: str) -> Any:
    """A list as JSON, without floats; what is no JSON stays text, which fits no list."""
    try:
        return json.loads(cell, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return cell


def _paid(amount: str, currency: str) -> tuple[Money | None, bool]:
    if not amount:
        return None, False
    try:
        return parse_money(amount, currency), False
    except MoneyError:
        return None, True


def _first(reader: Iterator[list[str]], name: str) -> list[str]:
    try:
        found = next(reader, [])
    except (csv.Error, UnicodeDecodeError) as error:
        raise TicketsError(f"{name} is not CSV in UTF-8: {error}") from None
    if not any(found):
        raise TicketsError(f"{name} has no first line with the names of columns")
    return found


def duck() -> Any:
    """A new DuckDB in memory. Raises `BacktestExtra` where it is not installed."""
    try:
        import duckdb
    except ImportError:
        raise BacktestExtra("reading Parquet") from None
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def duck_error() -> type[Exception]:
    """What DuckDB raises."""
    import duckdb

    found: type[Exception] = duckdb.Error
    return found


def quoted(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
