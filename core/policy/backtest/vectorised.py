"""The backtest as queries: for policies without memory of earlier decisions.

DuckDB decides what it surely can. Every ticket it is not sure of (a fact that is missing or written
oddly, a sum of more than 64 bits, no row that fits) is decided by the compiled function, so the two
cannot differ, and problems are named in the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from core.policy.backtest import rowwise
from core.policy.backtest.rowwise import Progress
from core.policy.backtest.sql.decisions import Decisions
from core.policy.backtest.sql.query import Query
from core.policy.backtest.sql.terms import NotVectorised
from core.policy.backtest.tally import LARGEST, Tally
from core.policy.backtest.tickets import TicketFile, Tickets, duck, duck_error, maker

if TYPE_CHECKING:
    from core.policy import Policy


@dataclass(frozen=True, slots=True)
class Plan:
    """The queries for one file: tickets whose facts are all known, and the others."""

    queries: tuple[Query, ...]


def plan(policies: Sequence[Policy], tickets: Tickets, *, paid: bool) -> Plan:
    """Raises `NotVectorised`, which says why it has to go row by row."""
    if not isinstance(tickets, TicketFile):
        raise NotVectorised("the tickets are not in a file")
    if not installed():
        raise NotVectorised("DuckDB is not installed (pip install 'amends[backtest]')")
    for policy in policies:
        if policy.looks_back:
            raise NotVectorised(f"{policy.name} looks back at earlier decisions")
    queries = []
    for sure in (True, False):
        sides = [
            Decisions(policy.tree, tickets, prefix, sure=sure)
            for policy, prefix in zip(policies, ("d", "o"), strict=False)
        ]
        query = Query(tickets, sides, paid=paid, sure=sure)
        if sure or query.known:
            queries.append(query)
    return Plan(tuple(queries))


def run(
    of: Plan, policies: Sequence[Policy], tickets: TicketFile, *, paid: bool, progress: Progress
) -> tuple[Tally, int]:
    """The account, and how many tickets the compiled function had to decide.

    Raises `NotVectorised` where DuckDB cannot read the file; row by row it is then said why.
    """
    try:
        return _run(of, policies, tickets, paid=paid, progress=progress)
    except duck_error() as error:
        raise NotVectorised(f"DuckDB: {str(error).splitlines()[0][:200]}") from error


def _run(
    of: Plan, policies: Sequence[Policy], tickets: TicketFile, *, paid: bool, progress: Progress
) -> tuple[Tally, int]:
    tally, alone = Tally(), 0
    connection = duck()
    # What tells known from unknown would be pushed into the scan, and every fact worked out twice.
    connection.execute("SET disabled_optimizers = 'filter_pushdown'")
    for query in of.queries:
        if not query.sure and tally.tickets == tickets.count(connection):
            break
        rest = 0
        for row in connection.execute(query.groups()).fetchall():
            group = query.read(row)
            if isinstance(group, int):
                rest += group
            else:
                tally.add(group)
                progress(group.tickets)
        if query.compares:
            for row in connection.execute(query.largest(LARGEST)).fetchall():
                tally.differ(query.difference(row))
        if rest:
            _rest(connection, query, tally, policies, paid=paid, progress=progress)
            alone += rest
    return tally, alone


def _rest(
    connection: Any, query: Query, tally: Tally, policies: Sequence[Policy], *, paid: bool,
    progress: Progress,
) -> None:  # fmt: skip
    make = maker(query.file.columns, policies)
    found = connection.execute(query.rest())
    while block := found.fetchmany(5_000):
        for number, *cells in block:
            ticket = make(number, cells)
            rowwise.add(tally, ticket, policies, [None] * len(policies), paid=paid)
        progress(len(block))


def installed() -> bool:
    return find_spec("duckdb") is not None
